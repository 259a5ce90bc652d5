#include "cli/table.h"
#include "base/memory.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COLUMNS = 32, MAX_SPANS = 8, GAP = 2 };

struct cell {
    const char *shown, *raw;
    int color; /* enum cz_color, -1: none */
};

struct cz_table {
    struct cz_arena *arena;
    struct {
        const char *head[2], *key;
        unsigned flags;
    } columns[MAX_COLUMNS];
    struct {
        int first, last;
        const char *head;
    } spans[MAX_SPANS];
    struct cell *cells; /* row after row, n_columns each */
    size_t capacity;
    int n_columns, n_spans, n_rows, next, failed, utf8;
};

struct cz_table *cz_table_create(void)
{
    struct cz_table *t = calloc(1, sizeof *t);
    if (t && !(t->arena = cz_arena_create())) {
        free(t);
        return NULL;
    }
    if (t)
        t->utf8 = cz_locale_is_utf8();
    return t;
}

void cz_table_destroy(struct cz_table *t)
{
    if (!t)
        return;
    cz_arena_destroy(t->arena);
    free(t->cells);
    free(t);
}

static const char *keep(struct cz_table *t, const char *text, size_t n)
{
    const char *copy = cz_arena_strndup(t->arena, text, n);
    t->failed |= copy == NULL;
    return copy ? copy : "";
}

void cz_table_column(struct cz_table *t, const char *head, const char *key, unsigned flags)
{
    if (t->n_columns == MAX_COLUMNS) {
        t->failed = 1;
        return;
    }
    int i = t->n_columns++;
    size_t first = strcspn(head, "\n");
    t->columns[i].head[0] = keep(t, head, first);
    t->columns[i].head[1] = head[first] ? keep(t, head + first + 1, strlen(head + first + 1)) : "";
    t->columns[i].key = key;
    t->columns[i].flags = flags;
}

void cz_table_span(struct cz_table *t, int first, int last, const char *head)
{
    if (t->n_spans == MAX_SPANS) {
        t->failed = 1;
        return;
    }
    t->spans[t->n_spans].first = first;
    t->spans[t->n_spans].last = last;
    t->spans[t->n_spans++].head = keep(t, head, strlen(head));
}

void cz_table_row(struct cz_table *t)
{
    size_t end = (size_t)(t->n_rows + 1) * (size_t)t->n_columns;
    if (end > 0 && cz_grow(&t->cells, &t->capacity, end - 1, sizeof *t->cells)) {
        t->failed = 1;
        return;
    }
    for (size_t i = end - (size_t)t->n_columns; i < end; i++)
        t->cells[i] = (struct cell){"", "", -1};
    t->n_rows++;
    t->next = 0;
}

static struct cell *cell_at(const struct cz_table *t, int row, int column)
{
    return &t->cells[(size_t)row * (size_t)t->n_columns + (size_t)column];
}

void cz_table_pair(struct cz_table *t, const char *shown, const char *raw)
{
    if (t->n_rows == 0 || t->next == t->n_columns) {
        t->failed = 1;
        return;
    }
    size_t size = 4 * strlen(shown) + 1; /* every byte may become \xNN */
    char *clean = cz_arena_alloc(t->arena, size);
    t->failed |= clean == NULL;
    struct cell *cell = cell_at(t, t->n_rows - 1, t->next++);
    cell->shown = clean ? cz_printable(shown, t->utf8, clean, size) : "";
    cell->raw = keep(t, raw, strlen(raw));
}

void cz_table_text(struct cz_table *t, const char *text)
{
    cz_table_pair(t, text, text);
}

void cz_table_cell(struct cz_table *t, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    cz_table_pair(t, text, text);
}

void cz_table_color(struct cz_table *t, enum cz_color color)
{
    if (t->n_rows > 0 && t->next > 0)
        cell_at(t, t->n_rows - 1, t->next - 1)->color = (int)color;
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static void measure(const struct cz_table *t, int *width)
{
    for (int c = 0; c < t->n_columns; c++) {
        width[c] = larger(cz_text_width(t->columns[c].head[0]), cz_text_width(t->columns[c].head[1]));
        for (int r = 0; r < t->n_rows; r++)
            width[c] = larger(width[c], cz_text_width(cell_at(t, r, c)->shown));
    }
    for (int s = 0; s < t->n_spans; s++) { /* a heading wider than what it covers widens its first column */
        int sum = (t->spans[s].last - t->spans[s].first) * GAP;
        for (int c = t->spans[s].first; c <= t->spans[s].last; c++)
            sum += width[c];
        width[t->spans[s].first] += larger(0, cz_text_width(t->spans[s].head) - sum);
    }
}

/* Narrows the columns that may be cut, each to no less than 12, until the rows fit. */
static void squeeze(const struct cz_table *t, const struct cz_terminal *terminal, int *width)
{
    enum { LEAST = 12 };
    int total = (t->n_columns - 1) * GAP;
    for (int c = 0; c < t->n_columns; c++)
        total += width[c];
    for (int c = 0; c < t->n_columns && terminal && terminal->width > 0 && total > terminal->width; c++) {
        int cut = total - terminal->width;
        if (!(t->columns[c].flags & CZ_CUT) || width[c] <= LEAST)
            continue;
        cut = width[c] - cut < LEAST ? width[c] - LEAST : cut;
        width[c] -= cut;
        total -= cut;
    }
}

/* Collects a line so that no blanks end it. */
struct line {
    FILE *out;
    int at, owed;
};

static void put(struct line *l, const char *text, int width, int right)
{
    int n = cz_text_width(text), pad = width > n ? width - n : 0;
    l->owed += right ? pad : 0;
    if (*text) {
        fprintf(l->out, "%*s%s", l->owed, "", text);
        l->owed = 0;
    }
    l->owed += right ? 0 : pad;
}

static void print_head(const struct cz_table *t, const int *width, int which, FILE *out)
{
    struct line l = {out, 0, 0};
    for (int c = 0; c < t->n_columns; c++) {
        int covered = 0;
        for (int s = 0; s < t->n_spans && which == 0; s++)
            if (t->spans[s].first <= c && c <= t->spans[s].last) {
                int sum = (t->spans[s].last - c) * GAP;
                for (int i = c; i <= t->spans[s].last; i++)
                    sum += width[i];
                l.owed += c ? GAP : 0;
                put(&l, t->spans[s].head, sum, 1);
                c = t->spans[s].last;
                covered = 1;
                break;
            }
        if (covered)
            continue;
        l.owed += c ? GAP : 0;
        put(&l, t->columns[c].head[which], width[c], t->columns[c].flags & CZ_RIGHT);
    }
    fputc('\n', out);
}

static void print_row(const struct cz_table *t, const int *width, int row, const struct cz_terminal *terminal,
                      FILE *out)
{
    struct line l = {out, 0, 0};
    for (int c = 0; c < t->n_columns; c++) {
        const struct cell *cell = cell_at(t, row, c);
        char cut[512];
        int wide = cz_text_width(cell->shown) > width[c];
        int color = terminal && cell->color >= 0;
        l.owed += c ? GAP : 0;
        const char *text = wide ? cz_text_cut(cell->shown, width[c], cut, sizeof cut) : cell->shown;
        if (color && *text) { /* blanks first, so that only the text is coloured */
            int n = cz_text_width(text), right = t->columns[c].flags & CZ_RIGHT;
            fprintf(out, "%*s%s", l.owed + (right ? width[c] - n : 0), "",
                    cz_color_on(terminal, (enum cz_color)cell->color));
            fprintf(out, "%s%s", text, cz_color_off(terminal));
            l.owed = right ? 0 : width[c] - n;
        } else {
            put(&l, text, width[c], t->columns[c].flags & CZ_RIGHT);
        }
    }
    fputc('\n', out);
}

int cz_table_print(const struct cz_table *t, FILE *out, const struct cz_terminal *terminal)
{
    int width[MAX_COLUMNS] = {0}, second = t->n_spans > 0;
    measure(t, width);
    squeeze(t, terminal, width);
    for (int c = 0; c < t->n_columns; c++)
        second |= t->columns[c].head[1][0] != '\0';
    print_head(t, width, 0, out);
    if (second)
        print_head(t, width, 1, out);
    for (int r = 0; r < t->n_rows; r++)
        print_row(t, width, r, terminal, out);
    return t->failed;
}

static void print_csv_field(const char *text, FILE *out)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

int cz_table_print_csv(const struct cz_table *t, FILE *out)
{
    for (int r = -1; r < t->n_rows; r++) {
        int first = 1;
        for (int c = 0; c < t->n_columns; c++) {
            if (!t->columns[c].key)
                continue;
            if (!first)
                fputc(',', out);
            first = 0;
            print_csv_field(r < 0 ? t->columns[c].key : cell_at(t, r, c)->raw, out);
        }
        fputc('\n', out);
    }
    return t->failed;
}
