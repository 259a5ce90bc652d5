#include "zoo/golden_file.h"
#include "base/file.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COLUMNS = 64, MAX_PICTURE = 1, MAX_SIDE_PX = 4096 };
enum column { MODEL, KIND, SIDE, PICTURE, MACS, SEED, LOGIT0, N_COLUMNS = LOGIT0 + CZ_GOLDEN_LOGITS };

static const char *const names[N_COLUMNS] = {
    "model",   "kind",    "size",    "picture", "macs",    "seed",    "logit0", "logit1",
    "logit2",  "logit3",  "logit4",  "logit5",  "logit6",  "logit7",  "logit8", "logit9",
    "logit10", "logit11", "logit12", "logit13", "logit14", "logit15",
};

struct reader {
    const char *path;
    int line;
    int place[N_COLUMNS]; /* of the file's columns, -1: not in it */
    struct cz_arena *arena;
    struct cz_golden *items;
    size_t capacity;
    int count;
};

/* Cuts a line at its commas; returns the number of fields, at most MAX_COLUMNS. */
static int cut(char *line, char *fields[MAX_COLUMNS])
{
    int n = 0;
    for (char *next = line; next && n < MAX_COLUMNS; n++) {
        fields[n] = next;
        next = strchr(next, ',');
        if (next)
            *next++ = 0;
    }
    return n;
}

static cz_status read_header(struct reader *r, char *line, cz_error *err)
{
    char *fields[MAX_COLUMNS];
    int n = cut(line, fields);
    for (int c = 0; c < N_COLUMNS; c++) {
        r->place[c] = -1;
        for (int i = 0; i < n; i++)
            if (strcmp(fields[i], names[c]) == 0 || (c == SIDE && strcmp(fields[i], "side") == 0))
                r->place[c] = i;
        if (r->place[c] < 0 && c != SEED)
            CZ_FAIL(err, CZ_ERR_FORMAT, "%s: line %d: no column '%s'; is this a table of goldens?", r->path,
                    r->line, names[c]);
    }
    return CZ_OK;
}

static cz_status whole_number(const struct reader *r, const char *text, enum column c, int64_t max,
                              int64_t *out, cz_error *err)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end || errno || value > max)
        CZ_FAIL(err, CZ_ERR_FORMAT, "%s: line %d: %s '%s' is no whole number from 0 to %lld; correct it",
                r->path, r->line, names[c], text, (long long)max);
    *out = value;
    return CZ_OK;
}

static cz_status read_logits(const struct reader *r, char *const *fields, struct cz_golden *g, cz_error *err)
{
    for (int i = 0; i < CZ_GOLDEN_LOGITS; i++) {
        const char *text = fields[r->place[LOGIT0 + i]];
        char *end;
        if (!*text) /* fewer classes */
            break;
        g->logits[i] = strtod(text, &end);
        if (*end || isspace((unsigned char)text[0]) || !isfinite(g->logits[i]))
            CZ_FAIL(err, CZ_ERR_FORMAT, "%s: line %d: logit%d '%s' is no number; correct it", r->path,
                    r->line, i, text);
        g->n_logits = i + 1;
    }
    if (g->n_logits == 0)
        CZ_FAIL(err, CZ_ERR_FORMAT, "%s: line %d: no logits; fill in logit0 and the following", r->path,
                r->line);
    return CZ_OK;
}

static cz_status read_row(struct reader *r, char *line, cz_error *err)
{
    char *fields[MAX_COLUMNS];
    int n = cut(line, fields);
    int64_t side, picture, seed = 1;
    struct cz_golden g = {0};
    for (int c = 0; c < N_COLUMNS; c++)
        if (r->place[c] >= n)
            CZ_FAIL(err, CZ_ERR_FORMAT, "%s: line %d: %d columns, too few for '%s'; complete it", r->path,
                    r->line, n, names[c]);
    CZ_TRY(whole_number(r, fields[r->place[SIDE]], SIDE, MAX_SIDE_PX, &side, err));
    CZ_TRY(whole_number(r, fields[r->place[PICTURE]], PICTURE, MAX_PICTURE, &picture, err));
    CZ_TRY(whole_number(r, fields[r->place[MACS]], MACS, LLONG_MAX, &g.macs, err));
    if (r->place[SEED] >= 0)
        CZ_TRY(whole_number(r, fields[r->place[SEED]], SEED, LLONG_MAX, &seed, err));
    if (seed != 1)
        CZ_FAIL(err, CZ_ERR_FORMAT, "%s: line %d: seed %lld; goldens are of seed 1", r->path, r->line,
                (long long)seed);
    CZ_TRY(read_logits(r, fields, &g, err));
    g.side_px = (int)side;
    g.picture = (int)picture;
    g.model = cz_arena_strdup(r->arena, fields[r->place[MODEL]]);
    g.kind = cz_arena_strdup(r->arena, fields[r->place[KIND]]);
    if (!g.model || !g.kind || cz_grow(&r->items, &r->capacity, (size_t)r->count, sizeof *r->items))
        CZ_FAIL(err, CZ_ERR_MEMORY, "%s: no memory for its goldens", r->path);
    r->items[r->count++] = g;
    return CZ_OK;
}

static cz_status read_lines(struct reader *r, char *text, cz_error *err)
{
    int header = 0;
    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        line[strcspn(line, "\r")] = 0;
        r->line++;
        if (!line[0] || line[0] == '#')
            continue;
        CZ_TRY(header ? read_row(r, line, err) : read_header(r, line, err));
        header = 1;
    }
    if (r->count == 0)
        CZ_FAIL(err, CZ_ERR_FORMAT, "%s: no goldens in it; give another --golden folder", r->path);
    return CZ_OK;
}

cz_status cz_golden_file_load(const char *path, struct cz_arena *arena, struct cz_golden_list *out,
                              cz_error *err)
{
    struct cz_file_map map;
    struct reader r = {.path = path, .arena = arena};
    CZ_TRY(cz_file_map(path, &map, err));
    char *text = cz_arena_strndup(arena, (const char *)map.data, map.size);
    cz_file_unmap(&map);
    if (!text)
        CZ_FAIL(err, CZ_ERR_MEMORY, "%s: no memory to read it", path);
    cz_status status = read_lines(&r, text, err);
    out->count = r.count;
    out->items = status == CZ_OK ? cz_arena_memdup(arena, r.items, sizeof *r.items * (size_t)r.count) : NULL;
    free(r.items);
    if (status == CZ_OK && !out->items)
        CZ_FAIL(err, CZ_ERR_MEMORY, "%s: no memory for its goldens", path);
    return status;
}
