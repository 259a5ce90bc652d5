#include "data/matrix.h"
#include "base/file.h"
#include "base/memory.h"
#include "data/image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES_MAX = 256 << 20 };

cz_status cz_matrix_create(int rows, int cols, struct cz_matrix *out, cz_error *err)
{
    memset(out, 0, sizeof *out);
    if (rows < 1 || cols < 1 || (int64_t)rows * cols > CZ_IMAGE_MAX_PIXELS)
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "matrix of %d x %d: wanted sides from 1 and at most %d numbers", rows,
                cols, (int)CZ_IMAGE_MAX_PIXELS);
    out->values = calloc((size_t)rows * (size_t)cols, sizeof *out->values);
    if (!out->values)
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory for a matrix of %d x %d", rows, cols);
    out->rows = rows;
    out->cols = cols;
    return CZ_OK;
}

void cz_matrix_deinit(struct cz_matrix *m)
{
    free(m->values);
    memset(m, 0, sizeof *m);
}

struct parser {
    const char *p, *end;
    int line;
    size_t capacity, count;
    struct cz_matrix *out;
};

/* Moves to the next number of the line; 0 at its end. A comma counts as a blank. */
static int next_in_line(struct parser *s)
{
    while (s->p < s->end && memchr(" \t\r,", *s->p, 4))
        s->p++;
    if (s->p < s->end && *s->p == '#')
        while (s->p < s->end && *s->p != '\n')
            s->p++;
    return s->p < s->end && *s->p != '\n';
}

/* The number at s->p, as a word of its own so that strtof cannot run past the text. */
static cz_status read_number(struct parser *s, float *value, cz_error *err)
{
    char word[64], *stop;
    size_t n = 0;
    while (s->p + n < s->end && !memchr(" \t\r,\n#", s->p[n], 6))
        n++;
    size_t kept = n < sizeof word ? n : sizeof word - 1;
    memcpy(word, s->p, kept);
    word[kept] = '\0';
    *value = strtof(word, &stop);
    if (n != kept || n == 0 || stop != word + n || !isfinite(*value))
        CZ_FAIL(err, CZ_ERR_FORMAT, "line %d: '%s' is not a number", s->line, word);
    s->p += n;
    return CZ_OK;
}

static cz_status read_row(struct parser *s, int *cols, cz_error *err)
{
    *cols = 0;
    while (next_in_line(s)) {
        float value;
        CZ_TRY(read_number(s, &value, err));
        if (s->count >= CZ_IMAGE_MAX_PIXELS)
            CZ_FAIL(err, CZ_ERR_FORMAT, "line %d: more than %d numbers", s->line, (int)CZ_IMAGE_MAX_PIXELS);
        if (cz_grow(&s->out->values, &s->capacity, s->count, sizeof *s->out->values))
            CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory reading a matrix");
        s->out->values[s->count++] = value;
        ++*cols;
    }
    return CZ_OK;
}

static cz_status read_rows(struct parser *s, cz_error *err)
{
    for (s->line = 1; s->p < s->end; s->p++, s->line++) {
        int cols;
        CZ_TRY(read_row(s, &cols, err));
        if (cols == 0)
            continue;
        if (s->out->rows > 0 && cols != s->out->cols)
            CZ_FAIL(err, CZ_ERR_FORMAT, "line %d: %d numbers, the rows above have %d", s->line, cols,
                    s->out->cols);
        s->out->cols = cols;
        s->out->rows++;
    }
    if (s->out->rows == 0)
        CZ_FAIL(err, CZ_ERR_FORMAT, "no numbers; wanted is a matrix as text, a row a line");
    return CZ_OK;
}

cz_status cz_matrix_parse(const char *text, size_t size, struct cz_matrix *out, cz_error *err)
{
    struct parser s = {.p = text, .end = text + size, .out = out};
    memset(out, 0, sizeof *out);
    cz_status status = read_rows(&s, err);
    if (status != CZ_OK)
        cz_matrix_deinit(out);
    return status;
}

cz_status cz_matrix_load(const char *path, struct cz_matrix *out, cz_error *err)
{
    unsigned char *text;
    size_t size;
    memset(out, 0, sizeof *out);
    CZ_TRY(cz_file_read(path, FILE_BYTES_MAX, &text, &size, err));
    cz_status status = cz_matrix_parse((const char *)text, size, out, err);
    free(text);
    return status == CZ_OK ? CZ_OK : cz_error_prefix(err, status, "%s", path);
}

char *cz_float_text(float value, char buf[32])
{
    int digits = 1;
    while (snprintf(buf, 32, "%.*g", digits, (double)value) && digits < 9 && strtof(buf, NULL) != value)
        digits++;
    int whole = 0;
    for (float p = 1; p < 1e9f && fabsf(value) >= p; p *= 10)
        whole++;
    if (whole > digits) /* 210, not 2.1e+02 */
        snprintf(buf, 32, "%.*g", whole, (double)value);
    return buf;
}

void cz_matrix_print(const struct cz_matrix *m, FILE *out)
{
    char text[32];
    for (int i = 0; i < m->rows; i++)
        for (int j = 0; j < m->cols; j++)
            fprintf(out, "%s%c", cz_float_text(m->values[(size_t)i * (size_t)m->cols + (size_t)j], text),
                    j + 1 < m->cols ? ' ' : '\n');
}

cz_status cz_matrix_write(const char *path, const struct cz_matrix *m, cz_error *err)
{
    struct cz_file_writer writer;
    CZ_TRY(cz_file_writer_open(path, &writer, err));
    cz_matrix_print(m, writer.stream);
    return cz_file_writer_commit(&writer, err);
}
