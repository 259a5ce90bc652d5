/*
 * Kernels that everyone meets. Rows and columns of the difference kernels follow scikit-image: "-h" finds
 * horizontal edges (rows above minus rows below), "-v" vertical ones (left minus right), before any --flip.
 *
 * gaussian is binomial: row K-1 of Pascal's triangle by itself transposed, which tends to the normal
 * distribution (variance (K-1)/4) and stays in whole numbers.
 */
#include "base/nearest.h"
#include "cli/convolution.h"

#include <string.h>

enum { ANY_SIZE = 0, DEFAULT_SIZE = 3, N_FIXED = 9, PASCAL_SIDE_MAX = 25 /* sums stay exact in float32 */ };

typedef void (*fill_fn)(int size, float *values);

static void fill_ones(int size, float *values)
{
    for (int i = 0; i < size * size; i++)
        values[i] = 1;
}

static void fill_identity(int size, float *values)
{
    values[size * size / 2] = 1;
}

static void fill_binomial(int size, float *values)
{
    double row[CZ_KERNEL_SIDE_MAX] = {1};
    for (int k = 1; k < size; k++)
        row[k] = row[k - 1] * (size - k) / k;
    for (int i = 0; i < size * size; i++)
        values[i] = (float)(row[i / size] * row[i % size]);
}

/* clang-format off */
static const struct kernel {
    const char *name, *sentence;
    fill_fn fill; /* any size; NULL: `fixed` */
    enum cz_normalize normalize;
    int odd_only, side_max;
    float fixed[N_FIXED];   /* else 3 x 3 */
} kernels[] = {
    {"blur",      "mean of the window",                fill_ones,     CZ_NORMALIZE_K2,   0, CZ_KERNEL_SIDE_MAX, {0}},
    {"emboss",    "light from the upper left",         NULL,          CZ_NORMALIZE_NONE, 1, 3, {-2, -1, 0,  -1, 1, 1,  0, 1, 2}},
    {"gaussian",  "blur that fades to the border",     fill_binomial, CZ_NORMALIZE_SUM,  0, PASCAL_SIDE_MAX, {0}},
    {"identity",  "the same picture",                  fill_identity, CZ_NORMALIZE_NONE, 1, CZ_KERNEL_SIDE_MAX, {0}},
    {"laplace",   "edges of all directions",           NULL,          CZ_NORMALIZE_NONE, 1, 3, {0, 1, 0,  1, -4, 1,  0, 1, 0}},
    {"prewitt-h", "horizontal edges",                  NULL,          CZ_NORMALIZE_NONE, 1, 3, {1, 1, 1,  0, 0, 0,  -1, -1, -1}},
    {"prewitt-v", "vertical edges",                    NULL,          CZ_NORMALIZE_NONE, 1, 3, {1, 0, -1,  1, 0, -1,  1, 0, -1}},
    {"sharpen",   "the picture minus its laplace",     NULL,          CZ_NORMALIZE_NONE, 1, 3, {0, -1, 0,  -1, 5, -1,  0, -1, 0}},
    {"sobel-h",   "horizontal edges, smoother",        NULL,          CZ_NORMALIZE_NONE, 1, 3, {1, 2, 1,  0, 0, 0,  -1, -2, -1}},
    {"sobel-v",   "vertical edges, smoother",          NULL,          CZ_NORMALIZE_NONE, 1, 3, {1, 0, -1,  2, 0, -2,  1, 0, -1}},
};
/* clang-format on */
enum { N_KERNELS = sizeof kernels / sizeof *kernels };

const char *cz_convolution_kernel_name(int i, const char **sentence)
{
    if (i < 0 || i >= N_KERNELS)
        return NULL;
    if (sentence)
        *sentence = kernels[i].sentence;
    return kernels[i].name;
}

static cz_status make_kernel(const struct kernel *k, int size, struct cz_matrix *out, cz_error *err)
{
    if (!k->fill && size != DEFAULT_SIZE)
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "--kernel-size %d: %s is 3 x 3 only; leave the option out", size,
                k->name);
    if (size > k->side_max || (k->odd_only && size % 2 == 0))
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "--kernel-size %d: %s goes up to %d%s", size, k->name, k->side_max,
                k->odd_only ? ", odd sizes only" : "");
    CZ_TRY(cz_matrix_create(size, size, out, err));
    if (k->fill)
        k->fill(size, out->values);
    else
        memcpy(out->values, k->fixed, sizeof k->fixed);
    return CZ_OK;
}

static cz_status load_kernel(const char *path, int size, struct cz_matrix *out, cz_error *err)
{
    if (size != 0)
        CZ_FAIL(err, CZ_ERR_ARGUMENT,
                "--kernel-size %d: the kernel is a file, which has its own size; leave it out", size);
    CZ_TRY(cz_matrix_load(path, out, err));
    if (out->rows <= CZ_KERNEL_SIDE_MAX && out->cols <= CZ_KERNEL_SIDE_MAX)
        return CZ_OK;
    cz_status status =
        cz_error_set(err, CZ_ERR_UNSUPPORTED, "%s: a kernel of %d x %d, the limit is %d a side", path,
                     out->rows, out->cols, (int)CZ_KERNEL_SIDE_MAX);
    cz_matrix_deinit(out);
    return status;
}

cz_status cz_convolution_kernel(const char *name, int size, struct cz_matrix *out,
                                enum cz_normalize *normalize, cz_error *err)
{
    const char *names[N_KERNELS];
    for (int i = 0; i < N_KERNELS; i++) {
        names[i] = kernels[i].name;
        if (strcmp(name, names[i]) == 0) {
            *normalize = kernels[i].normalize;
            return make_kernel(&kernels[i], size ? size : DEFAULT_SIZE, out, err);
        }
    }
    *normalize = CZ_NORMALIZE_NONE;
    if (strpbrk(name, "/."))
        return load_kernel(name, size, out, err);
    const char *nearest = cz_nearest(name, names, N_KERNELS);
    CZ_FAIL(err, CZ_ERR_ARGUMENT, "--kernel %s: no such kernel; %s%s%s", name, nearest ? "nearest is '" : "",
            nearest ? nearest : "`convzoo filter --help` lists them, and a file is named with '/' or '.'",
            nearest ? "'" : "");
}

void cz_convolution_flip(struct cz_matrix *kernel)
{
    int n = kernel->rows * kernel->cols;
    for (int i = 0; i < n / 2; i++) {
        float v = kernel->values[i];
        kernel->values[i] = kernel->values[n - 1 - i];
        kernel->values[n - 1 - i] = v;
    }
}
