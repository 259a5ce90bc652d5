/*
 * `convzoo filter`: one convolution on one picture or matrix, with its shapes and its formula.
 *
 * A picture is 8 bits in and out: results are rounded (halves to even) and clipped to 0..255, and how many
 * were clipped is said. A matrix as text (.txt) goes in and out in full.
 */
#include "base/json_out.h"
#include "cli/cli.h"
#include "cli/convolution.h"
#include "cli/output.h"
#include "data/image.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_COLUMNS = 15, LINE = 256 };

struct job {
    const char *in_path, *out_path; /* out_path NULL: nothing is written */
    int is_text;
    struct cz_convolution conv;
    enum cz_normalize normalize;
    int flipped;
    int channels, in[2], out[2];
    float *planes, *result;
    int64_t n_clipped;
};

static int is_text_name(const char *path)
{
    return strcmp(cz_output_suffix(path), "txt") == 0;
}

static void job_deinit(struct job *job)
{
    cz_matrix_deinit(&job->conv.kernel);
    free(job->planes);
    free(job->result);
}

static int choice(const struct cz_cli *cli, const char *option)
{
    const struct cz_arg *arg = cz_arg_get(&cli->args, option);
    const char *value = cz_arg_text(&cli->args, option);
    char word[32];
    for (int i = 0; cz_option_word(arg->option, i, word, sizeof word); i++)
        if (value && strcmp(word, value) == 0)
            return i;
    return -1;
}

static cz_status read_kernel(const struct cz_cli *cli, struct job *job, cz_error *err)
{
    const char *name = cz_arg_text(&cli->args, "kernel");
    if (!name)
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "--kernel: missing; give a name (blur, sobel-h, ...) or a file");
    CZ_TRY(cz_convolution_kernel(name, (int)cz_arg_count(&cli->args, "kernel-size", 0), &job->conv.kernel,
                                 &job->normalize, err));
    job->flipped = cz_arg_switch(&cli->args, "flip");
    if (job->flipped)
        cz_convolution_flip(&job->conv.kernel);
    int asked = choice(cli, "normalize");
    if (asked >= 0)
        job->normalize = (enum cz_normalize)asked;
    return cz_convolution_normalize(&job->conv, job->normalize, err);
}

/* Everything that can be refused before the picture is read. */
static cz_status read_options(const struct cz_cli *cli, struct job *job, cz_error *err)
{
    job->in_path = cli->args.operands[0];
    job->is_text = is_text_name(job->in_path);
    job->out_path = cz_arg_text(&cli->args, "out");
    job->conv.stride = (int)cz_arg_count(&cli->args, "stride", 1);
    job->conv.dilation = (int)cz_arg_count(&cli->args, "dilation", 1);
    job->conv.pad_mode = (enum cz_pad_mode)choice(cli, "pad-mode");
    if (job->out_path && !is_text_name(job->out_path) && strcmp(cz_output_suffix(job->out_path), "png") != 0)
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "--out %s: not a .png or .txt file; name it so", job->out_path);
    if (job->out_path)
        CZ_TRY(cz_output_check(job->out_path, "--out", cz_arg_switch(&cli->args, "force"), err));
    return read_kernel(cli, job, err);
}

static cz_status read_matrix(struct job *job, cz_error *err)
{
    struct cz_matrix m;
    CZ_TRY(cz_matrix_load(job->in_path, &m, err));
    job->channels = 1;
    job->in[0] = m.rows;
    job->in[1] = m.cols;
    job->planes = m.values;
    return CZ_OK;
}

static cz_status read_picture(const struct cz_cli *cli, struct job *job, cz_error *err)
{
    struct cz_image image;
    CZ_TRY(cz_image_load(job->in_path, choice(cli, "exif") == 0, &image, NULL, err));
    if (cz_arg_switch(&cli->args, "gray"))
        cz_image_to_gray(&image);
    const size_t c = (size_t)image.channels, n = (size_t)image.height * (size_t)image.width;
    job->channels = image.channels;
    job->in[0] = image.height;
    job->in[1] = image.width;
    job->planes = malloc(n * c * sizeof *job->planes);
    for (size_t i = 0; job->planes && i < n * c; i++)
        job->planes[i % c * n + i / c] = (float)image.pixels[i];
    cz_image_deinit(&image);
    if (!job->planes)
        CZ_FAIL(err, CZ_ERR_MEMORY, "%s: out of memory", job->in_path);
    return CZ_OK;
}

/* Sums beyond float32 are no picture, and no matrix that could be read again. */
static cz_status check_finite(const struct job *job, size_t n, cz_error *err)
{
    const size_t plane = (size_t)job->out[0] * (size_t)job->out[1], width = (size_t)job->out[1];
    for (size_t i = 0; i < n; i++)
        if (!isfinite(job->result[i]))
            CZ_FAIL(err, CZ_ERR_NUMERIC, "%s: the result at row %zu, column %zu is %s; use smaller numbers",
                    job->in_path, i % plane / width, i % width,
                    isnan(job->result[i]) ? "not a number" : "beyond float32");
    return CZ_OK;
}

static cz_status compute(struct cz_cli *cli, struct job *job, cz_error *err)
{
    cz_runtime *runtime;
    CZ_TRY(cz_convolution_pad(&job->conv, cz_arg_text(&cli->args, "padding"), job->in, err));
    cz_status status = cz_convolution_output(&job->conv, job->in, job->out, err);
    if (status != CZ_OK)
        return cz_error_prefix(err, status, "%s", job->in_path);
    size_t n = (size_t)job->channels * (size_t)job->out[0] * (size_t)job->out[1];
    job->result = malloc(n * sizeof *job->result);
    if (!job->result)
        CZ_FAIL(err, CZ_ERR_MEMORY, "%s: out of memory", job->in_path);
    CZ_TRY(cz_cli_runtime(cli, &runtime, err));
    status = cz_convolution_run(runtime, &job->conv, job->planes, job->channels, job->in, job->result, err);
    cz_runtime_destroy(runtime);
    return status == CZ_OK ? check_finite(job, n, err) : status;
}

static uint8_t to_pixel(float value, int64_t *n_clipped)
{
    float rounded = rintf(value);
    *n_clipped += rounded < 0 || rounded > 255;
    return (uint8_t)(rounded < 0 ? 0 : rounded > 255 ? 255 : rounded);
}

static cz_status write_picture(struct job *job, cz_error *err)
{
    struct cz_image image;
    const size_t c = (size_t)job->channels, n = (size_t)job->out[0] * (size_t)job->out[1];
    CZ_TRY(cz_image_create(job->out[0], job->out[1], job->channels, &image, err));
    for (size_t i = 0; i < n * c; i++)
        image.pixels[i] = to_pixel(job->result[i % c * n + i / c], &job->n_clipped);
    cz_status status = cz_image_write_png(job->out_path, &image, err);
    cz_image_deinit(&image);
    return status;
}

static cz_status write_result(struct job *job, cz_error *err)
{
    if (!job->out_path)
        return CZ_OK;
    if (!is_text_name(job->out_path))
        return write_picture(job, err);
    if (job->channels != 1)
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "--out %s: %d channels are no matrix; give --gray, or write a PNG",
                job->out_path, job->channels);
    const struct cz_matrix m = {job->out[0], job->out[1], job->result};
    return cz_matrix_write(job->out_path, &m, err);
}

static int all_ones(const struct cz_matrix *kernel)
{
    for (int i = 0; i < kernel->rows * kernel->cols; i++)
        if (kernel->values[i] != 1)
            return 0;
    return 1;
}

static int is_padded_evenly(const struct cz_convolution *conv)
{
    return conv->before[0] == conv->after[0] && conv->before[1] == conv->after[1];
}

/* "floor((459 + 4 - 4 - 1) / 2) + 1 = 230" */
static void side_text(const struct job *job, int axis, char text[LINE])
{
    const struct cz_convolution *conv = &job->conv;
    int k = axis == 0 ? conv->kernel.rows : conv->kernel.cols;
    snprintf(text, LINE, "floor((%d + %d - %d - 1) / %d) + 1 = %d", job->in[axis],
             conv->before[axis] + conv->after[axis], conv->dilation * (k - 1), conv->stride, job->out[axis]);
}

static const char *size_formula(const struct job *job)
{
    return is_padded_evenly(&job->conv)
               ? "out = floor((in + 2*padding - dilation*(k - 1) - 1) / stride) + 1"
               : "out = floor((in + padding_before + padding_after - dilation*(k - 1) - 1) / stride) + 1";
}

/* "2*i + u - 2": where output i looks for kernel position u. */
static void index_text(const struct cz_convolution *conv, int axis, char text[64])
{
    char stride[16] = "", dilation[16] = "", pad[16] = "";
    if (conv->stride > 1)
        snprintf(stride, sizeof stride, "%d*", conv->stride);
    if (conv->dilation > 1)
        snprintf(dilation, sizeof dilation, "%d*", conv->dilation);
    if (conv->before[axis] > 0)
        snprintf(pad, sizeof pad, " - %d", conv->before[axis]);
    snprintf(text, 64, "%s%s + %s%s%s", stride, axis == 0 ? "i" : "j", dilation, axis == 0 ? "u" : "v", pad);
}

static void value_formula(const struct job *job, char text[LINE])
{
    char row[64], column[64], number[32], divisor[64] = "";
    index_text(&job->conv, 0, row);
    index_text(&job->conv, 1, column);
    if (job->conv.divisor != 1)
        snprintf(divisor, sizeof divisor, "1/%s * ", cz_float_text(job->conv.divisor, number));
    snprintf(text, LINE, "y[i][j] = %ssum over u,v of w[u][v] * x[%s][%s]", divisor, row, column);
}

static void print_size(const char *label, const int size[2], int channels, const char *legend,
                       const char *path)
{
    char text[LINE];
    snprintf(text, sizeof text, "%d x %d x %d%s", size[0], size[1], channels, legend);
    printf(path ? "%-10s%-43s  %s\n" : "%-10s%s\n", label, text, path);
}

static void print_kernel(const struct job *job)
{
    static const char *const divisors[] = {"", ", divided by k*k = ", ", divided by its sum "};
    const struct cz_matrix *k = &job->conv.kernel;
    char number[32];
    printf("%-10s%d x %d%s%s%s%s\n", "kernel", k->rows, k->cols, all_ones(k) ? ", all ones" : "",
           job->flipped ? ", flipped" : "", divisors[job->normalize],
           job->normalize == CZ_NORMALIZE_NONE ? "" : cz_float_text(job->conv.divisor, number));
    if (all_ones(k) || k->cols > SHOWN_COLUMNS)
        return;
    for (int i = 0; i < k->rows; i++) {
        printf("%-10s", "");
        for (int j = 0; j < k->cols; j++)
            printf("%s%s", cz_float_text(k->values[i * k->cols + j], number), j + 1 < k->cols ? " " : "\n");
    }
}

static void print_job(const struct job *job)
{
    char height[LINE], width[LINE], formula[LINE];
    print_size("input", job->in, job->channels, " (height x width x channels)", job->in_path);
    print_kernel(job);
    print_size("output", job->out, job->channels, "", job->out_path);
    side_text(job, 0, height);
    side_text(job, 1, width);
    value_formula(job, formula);
    printf("%s\n      height %s  width %s\n%s\n", size_formula(job), height, width, formula);
    if (job->is_text && !job->out_path) {
        const struct cz_matrix m = {job->out[0], job->out[1], job->result};
        cz_matrix_print(&m, stdout);
    }
}

static json_t *matrix_json(const float *values, int rows, int cols)
{
    json_t *all = json_array();
    for (int i = 0; i < rows; i++) {
        json_t *row = json_array();
        for (int j = 0; j < cols; j++)
            json_array_append_new(row, cz_json_float(values[(size_t)i * (size_t)cols + (size_t)j]));
        json_array_append_new(all, row);
    }
    return all;
}

static json_t *document(const struct cz_cli *cli, const struct job *job)
{
    const struct cz_convolution *conv = &job->conv;
    char formula[LINE];
    value_formula(job, formula);
    json_t *doc = json_pack(
        "{s:s, s:o, s:[i,i,i], s:o, s:o, s:[i,i,i,i], s:s, s:i, s:i, s:[i,i,i], s:s, s:s, s:o}", "schema",
        "convzoo.filter/1", "source", cz_json_text(job->in_path), "input", job->in[0], job->in[1],
        job->channels, "kernel", matrix_json(conv->kernel.values, conv->kernel.rows, conv->kernel.cols),
        "divisor", cz_json_float(conv->divisor), "padding_px", conv->before[0], conv->before[1],
        conv->after[0], conv->after[1], "pad_mode", cz_arg_text(&cli->args, "pad-mode"), "stride",
        conv->stride, "dilation", conv->dilation, "output", job->out[0], job->out[1], job->channels,
        "formula", formula, "size_formula", size_formula(job), "file", cz_json_text(job->out_path));
    if (doc) {
        json_object_set_new(doc, "n_clipped", json_integer(job->n_clipped));
        json_object_set_new(doc, "values",
                            job->is_text ? matrix_json(job->result, job->out[0], job->out[1]) : json_null());
    }
    return doc;
}

static int report(struct cz_cli *cli, const struct job *job)
{
    if (job->n_clipped > 0)
        cz_cli_note(cli, "%jd of %jd values were below 0 or above 255 and are clipped",
                    (intmax_t)job->n_clipped, (intmax_t)job->channels * job->out[0] * job->out[1]);
    if (!job->out_path && !job->is_text)
        cz_cli_note(cli, "nothing written; -o OUT.png keeps the picture");
    if (cli->json)
        return cz_cli_emit(cli, document(cli, job));
    print_job(job);
    return CZ_EXIT_OK;
}

static cz_status work(struct cz_cli *cli, struct job *job, cz_error *err)
{
    CZ_TRY(read_options(cli, job, err));
    CZ_TRY(job->is_text ? read_matrix(job, err) : read_picture(cli, job, err));
    CZ_TRY(compute(cli, job, err));
    return write_result(job, err);
}

int cz_cmd_filter(struct cz_cli *cli)
{
    struct job job = {0};
    cz_error err;
    int code = work(cli, &job, &err) == CZ_OK ? report(cli, &job) : cz_cli_fail(cli, &err);
    job_deinit(&job);
    return code;
}
