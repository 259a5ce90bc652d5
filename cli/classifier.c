#include "cli/classifier.h"
#include "base/checked.h"
#include "engine/plan.h"
#include "engine/runtime.h"
#include "finetune/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static cz_status create_session(const struct cz_cli *cli, struct cz_classifier *c, cz_error *err)
{
    struct cz_cli_pictures *p = &c->pictures;
    int64_t channels = cz_preprocess_channels(&p->preprocess), h = p->size[0], w = p->size[1];
    cz_input_shape shape = {
        c->model.graph->values[c->model.graph->inputs[0]].name, 4, {c->batch, channels, h, w}};
    if (p->preprocess.layout == CZ_LAYOUT_NHWC) {
        shape.dim[1] = h;
        shape.dim[2] = w;
        shape.dim[3] = channels;
    }
    cz_plan_options options = {.struct_size = sizeof options,
                               .inputs = &shape,
                               .n_inputs = 1,
                               .no_fuse = !cz_arg_switch(&cli->args, "fuse")};
    c->image_floats = channels * h * w;
    CZ_TRY(cz_plan_create(c->runtime, c->model.graph, &options, &c->plan, err));
    return cz_session_create(c->plan, &c->session, err);
}

/* [N, classes], or with further dimensions of 1. */
static int find_classes(struct cz_cli *cli, struct cz_classifier *c)
{
    const struct cz_shape *out = &c->plan->values[c->plan->outputs[0]].shape;
    int64_t count = cz_shape_count(out);
    char text[CZ_SHAPE_TEXT];
    if (out->rank >= 2 && out->dim[0] == c->batch && count == out->dim[0] * out->dim[1] && out->dim[1] > 1 &&
        (out->dtype == CZ_F32 || out->dtype == CZ_F16)) {
        c->n_classes = out->dim[1];
        return CZ_EXIT_OK;
    }
    return cz_cli_error(cli, CZ_EXIT_INPUT,
                        "%s: output '%s' is %s, which is no list of classes; use `convzoo run`",
                        c->model.label, c->model.graph->values[c->model.graph->outputs[0]].name,
                        cz_shape_text(out, text, sizeof text));
}

static int allocate(struct cz_cli *cli, struct cz_classifier *c)
{
    size_t in, out;
    if (!cz_mul_overflow((size_t)c->batch, (size_t)c->image_floats * sizeof(float), &in) &&
        !cz_mul_overflow((size_t)c->batch, (size_t)c->n_classes * sizeof(float), &out)) {
        c->input = malloc(in + 1);
        c->output = malloc(out + 1);
        c->loaded = calloc((size_t)c->batch, sizeof *c->loaded);
    }
    if (c->input && c->output && c->loaded)
        return CZ_EXIT_OK;
    return cz_cli_error(cli, CZ_EXIT_MEMORY, "--batch %lld: no memory for so many images; give a smaller one",
                        (long long)c->batch);
}

int cz_classifier_open(struct cz_cli *cli, const char *model, int64_t n_images, struct cz_classifier *c)
{
    cz_error err;
    memset(c, 0, sizeof *c);
    int64_t most = cz_arg_count(&cli->args, "batch", 1), steps = cz_ceil_div(n_images, most);
    c->batch = steps > 0 ? cz_ceil_div(n_images, steps) : 1;
    int code = cz_cli_model_open(cli, model, CZ_MODEL_VALUES, &c->model);
    if (code == CZ_EXIT_OK)
        code = cz_cli_pictures(cli, &c->model, &c->pictures);
    if (code == CZ_EXIT_OK && cz_cli_runtime(cli, &c->runtime, &err) != CZ_OK)
        code = cz_cli_fail(cli, &err);
    if (code == CZ_EXIT_OK && create_session(cli, c, &err) != CZ_OK)
        code = cz_cli_fail(cli, &err);
    if (code == CZ_EXIT_OK)
        code = find_classes(cli, c);
    if (code == CZ_EXIT_OK)
        code = cz_cli_classes(cli, &c->model, (int)c->n_classes, &c->classes);
    if (code == CZ_EXIT_OK)
        code = allocate(cli, c);
    if (code != CZ_EXIT_OK)
        return code;
    c->probabilities = cz_cli_gives_probabilities(&c->model);
    cz_cli_note(cli, "%s, preprocessing %.8s from %s (%s), %s, %d threads", c->model.label,
                c->pictures.sha256, c->pictures.source, c->pictures.text, cz_runtime_isa(c->runtime),
                cz_runtime_threads(c->runtime));
    cz_cli_detail(cli, 1, "class names: %s; output: %s", c->classes.source,
                  c->probabilities ? "probabilities" : "logits, softmax here");
    return CZ_EXIT_OK;
}

void cz_classifier_close(struct cz_classifier *c)
{
    free(c->input);
    free(c->output);
    free(c->loaded);
    cz_session_destroy(c->session);
    cz_plan_destroy(c->plan);
    cz_runtime_destroy(c->runtime);
    cz_cli_classes_deinit(&c->classes);
    cz_cli_model_close(&c->model);
    memset(c, 0, sizeof *c);
}

int cz_classifier_run(struct cz_cli *cli, struct cz_classifier *c, const struct cz_dataset *data,
                      const int64_t *index, int64_t n)
{
    cz_error err;
    int64_t n_failed;
    const struct cz_planned *in = &c->plan->values[c->plan->inputs[0]];
    cz_tensor input = cz_tensor_view(c->input, &in->shape), output = {0};
    input.dtype = CZ_F32;
    /* An image's bits do not depend on what else is in the batch; what is left of it holds nothing. */
    memset(c->input + n * c->image_floats, 0, sizeof *c->input * (size_t)((c->batch - n) * c->image_floats));
    cz_status status = cz_load_batch(data, &c->pictures.preprocess, index, n, c->pictures.size,
                                     cz_runtime_threads(c->runtime), c->input, c->loaded, &n_failed, &err);
    if (status == CZ_OK && n_failed < n)
        status = cz_session_run(c->session, &input, 1, &output, 1, &err);
    if (status != CZ_OK)
        return cz_cli_fail(cli, &err);
    for (int64_t i = 0; i < n * c->n_classes && n_failed < n; i++)
        c->output[i] = (float)cz_tensor_double(&output, i);
    return CZ_EXIT_OK;
}

void cz_classifier_probabilities(const struct cz_classifier *c, const float *row, double *probability)
{
    if (!c->probabilities) {
        cz_softmax(row, (int)c->n_classes, probability);
        return;
    }
    for (int64_t i = 0; i < c->n_classes; i++)
        probability[i] = row[i];
}

void cz_classifier_top(const float *row, int64_t n_classes, int k, int *top)
{
    int n = 0;
    for (int64_t i = 0; i < n_classes; i++) {
        int at = n;
        while (at > 0 && (row[i] > row[top[at - 1]] || (isnan(row[top[at - 1]]) && !isnan(row[i]))))
            at--;
        if (at == k)
            continue;
        n += n < k;
        memmove(top + at + 1, top + at, sizeof *top * (size_t)(n - 1 - at));
        top[at] = (int)i;
    }
}
