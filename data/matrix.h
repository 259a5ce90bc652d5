/*
 * Matrices as text: a row a line, numbers with blanks or commas between, '#' begins a comment. For
 * convolution kernels and for pictures small enough to follow by hand.
 */
#ifndef CZ_DATA_MATRIX_H
#define CZ_DATA_MATRIX_H

#include "base/status.h"

#include <stdio.h>

/* values[rows][cols], the matrix's own. */
struct cz_matrix {
    int rows, cols;
    float *values;
};

/* Zeroed. CZ_ERR_ARGUMENT (sizes below 1, over the pixel limit of images), CZ_ERR_MEMORY. */
cz_status cz_matrix_create(int rows, int cols, struct cz_matrix *out, cz_error *);
void cz_matrix_deinit(struct cz_matrix *);

/*
 * Errors  CZ_ERR_FORMAT with the line: not a number, not finite, rows of unequal length, nothing there. *out
 * is then empty.
 */
cz_status cz_matrix_parse(const char *text, size_t size, struct cz_matrix *out, cz_error *);

/* Reads the file `path`; messages start with it. */
cz_status cz_matrix_load(const char *path, struct cz_matrix *out, cz_error *);

/* A row a line, each number the shortest that reads back as the same float32. */
void cz_matrix_print(const struct cz_matrix *, FILE *);

/* Writes `path`, whole or not at all. */
cz_status cz_matrix_write(const char *path, const struct cz_matrix *, cz_error *);

/* The shortest decimal that reads back as the same float32, without exponent below 1e9. Returns buf. */
char *cz_float_text(float, char buf[32]);

#endif
