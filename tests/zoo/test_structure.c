/*
 * Every network of the zoo, without running it: parameters, multiply-adds, names and shapes, state bits;
 * classes, channels and widths; what is refused.
 */
#include "data/preprocess.h"
#include "zoo/golden.h"
#include "zoo/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <cmocka.h>

static struct cz_graph *build(const char *name, const struct cz_zoo_options *options)
{
    struct cz_graph *g = NULL;
    cz_error err = {0};
    if (cz_zoo_build(name, options, &g, &err) != CZ_OK)
        fail_msg("%s: %s", name, err.message);
    return g;
}

static struct cz_infer *infer(const struct cz_graph *g, int side_px)
{
    struct cz_infer *r = NULL;
    cz_error err = {0};
    cz_input_shape input = {"input", 4, {-1, g->info.in_c, side_px, side_px}};
    if (cz_infer_create(g, &input, 1, 0, 0, &r, &err) != CZ_OK)
        fail_msg("%s at %d px: %s", g->info.name, side_px, err.message);
    return r;
}

static int64_t macs_at(const struct cz_graph *g, int side_px)
{
    struct cz_infer *r = infer(g, side_px);
    int64_t macs = (int64_t)cz_infer_macs(r);
    cz_infer_destroy(r);
    return macs;
}

static void check_number(const char *model, const char *what, int64_t got, int64_t want)
{
    if (got != want)
        fail_msg("%s: %s %lld, wanted %lld", model, what, (long long)got, (long long)want);
}

static void figures_are_the_references(void **state)
{
    (void)state;
    int n = 0;
    for (int i = 0; i < cz_zoo_count(); i++) {
        const struct cz_zoo_entry *e = cz_zoo_at(i);
        const struct cz_zoo_reference *r = cz_zoo_find_reference(e->name);
        if (!r)
            continue;
        struct cz_graph *g = build(e->name, NULL);
        check_number(e->name, "parameters", cz_graph_parameter_count(g), r->parameters);
        check_number(e->name, "multiply-adds", macs_at(g, e->side_px), r->macs);
        check_number(e->name, "tensors", cz_zoo_state_tensors(g), r->tensors);
        check_number(e->name, "hash of names", (int64_t)cz_zoo_names_hash(g), (int64_t)r->names_hash);
        check_number(e->name, "state bits", (int64_t)cz_golden_state_bits(g, 1, NULL),
                     (int64_t)r->state_bits);
        cz_graph_release(g);
        n++;
    }
    assert_int_equal(n, 48);
}

/* Rounding of sizes: 64 and 97 px through every stride, ceil_mode and adaptive pool. */
static void macs_at_every_golden_size(void **state)
{
    (void)state;
    struct cz_golden_list list = cz_goldens();
    assert_int_equal(list.count, 210);
    for (int i = 0; i < list.count; i++) {
        struct cz_graph *g = build(list.items[i].model, NULL);
        check_number(list.items[i].model, list.items[i].kind, macs_at(g, list.items[i].side_px),
                     list.items[i].macs);
        cz_graph_release(g);
    }
}

/* ---- names, line by line against the reference's state dicts ---- */

static int is_auxiliary(const char *line)
{
    return !strncmp(line, "aux1.", 5) || !strncmp(line, "aux2.", 5) || !strncmp(line, "AuxLogits.", 10);
}

static void parameter_line(const struct cz_param *p, char *line, size_t size)
{
    int n = snprintf(line, size, "%s", p->name);
    for (int d = 0; d < p->value.rank; d++)
        n += snprintf(line + n, size - (size_t)n, "%c%lld", d ? ',' : ' ', (long long)p->value.dim[d]);
    snprintf(line + n, size - (size_t)n, " %s\n", cz_fill_name((enum cz_fill)p->golden_rule));
}

/* The next parameter that is no constant, or NULL. */
static const struct cz_param *next_parameter(const struct cz_graph *g, int *index)
{
    while (*index < g->params.count)
        if (g->params.items[(*index)++].role != CZ_CONSTANT)
            return &g->params.items[*index - 1];
    return NULL;
}

static void names_are_the_references(void **state)
{
    (void)state;
    char path[4096], line[512], ours[512], model[64] = "";
    const char *data = getenv("CONVZOO_TEST_DATA");
    if (!data)
        skip();
    snprintf(path, sizeof path, "%s/reference/state_dicts/state_dicts.txt.gz", data);
    gzFile f = gzopen(path, "rb");
    assert_non_null(f);
    struct cz_graph *g = NULL;
    int index = 0, compared = 0;
    while (gzgets(f, line, sizeof line)) {
        if (line[0] == '=') {
            assert_int_equal(sscanf(line, "= %63s", model), 1);
            cz_graph_release(g);
            g = build(model, NULL);
            index = 0;
        } else if (line[0] != '#' && !is_auxiliary(line) && !strstr(line, " zero\n")) {
            const struct cz_param *p = next_parameter(g, &index);
            if (!p)
                fail_msg("%s: ends before %s", model, line);
            parameter_line(p, ours, sizeof ours);
            if (strcmp(ours, line) != 0)
                fail_msg("%s: %s, wanted %s", model, ours, line);
            compared++;
        }
    }
    gzclose(f);
    cz_graph_release(g);
    assert_true(compared > 10000);
}

/* ---- small-image networks: no reference framework has them; counted by hand ---- */

/*
 * With n blocks a stage: a 3x3 convolution of c channels on c is 9cc weights, its BatchNorm 2c; 2n + 1
 * convolutions of 16, then 2n each of 32 and 64, the first of each on half the channels; the classifier 64*10
 * + 10. The two projections of the twin with shortcuts: 16*32 + 64 and 32*64 + 128.
 */
static void small_networks_have_their_parameters(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int blocks, shortcuts;
    } cases[] = {{"plain20", 3, 0}, {"resnet20", 3, 1}, {"plain56", 9, 0}, {"resnet56", 9, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t want = 9 * 3 * 16 + 2 * 16 + 64 * 10 + 10;
        for (int64_t c = 16; c <= 64; c *= 2)
            want += 2 * cases[i].blocks * (9 * c * c + 2 * c) - (c > 16 ? 9 * c * c / 2 : 0);
        if (cases[i].shortcuts)
            want += 16 * 32 + 64 + 32 * 64 + 128;
        struct cz_graph *g = build(cases[i].name, NULL);
        check_number(cases[i].name, "parameters", cz_graph_parameter_count(g), want);
        int adds = 0;
        for (int n = 0; n < g->n_nodes; n++)
            adds += strcmp(g->nodes[n].op->name, "Add") == 0;
        check_number(cases[i].name, "additions", adds, cases[i].shortcuts ? 3 * cases[i].blocks : 0);
        cz_graph_release(g);
    }
}

static void width_multiplies_channels(void **state)
{
    (void)state;
    static const struct {
        double width;
        int64_t channels;
    } cases[] = {{0.5, 8}, {1, 16}, {1.6, 26}, {4, 64}, {0.01, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cz_graph *g = build("resnet20", &(struct cz_zoo_options){.width = cases[i].width});
        check_number("resnet20", "channels of the stem", g->params.items[0].value.dim[0], cases[i].channels);
        int head = cz_graph_find_value(g, "fc.weight");
        check_number("resnet20", "features", g->values[head].shape.dim[1], 4 * cases[i].channels);
        cz_infer_destroy(infer(g, 32));
        cz_graph_release(g);
    }
}

/* ---- any number of classes and channels, for every network ---- */

/* The metadata is what data/ reads, for the network's channels and size. */
static void check_preprocessing(const struct cz_graph *g, int channels, int side_px)
{
    const char *text = cz_model_metadata(g, "convzoo.preprocess");
    struct cz_preprocess p;
    cz_error err = {0};
    assert_true(!text == (channels == 5));
    if (!text)
        return;
    if (cz_preprocess_parse(text, strlen(text), &p, &err) != CZ_OK)
        fail_msg("%s: %s", g->info.name, err.message);
    const int *size = p.crop_mode == CZ_CROP_NONE ? p.resize_size : p.crop_size;
    check_number(g->info.name, "channels of its pictures", cz_preprocess_channels(&p), channels);
    check_number(g->info.name, "side of its pictures", size[0], side_px);
}

static void classes_and_channels_are_free(void **state)
{
    (void)state;
    for (int i = 0; i < cz_zoo_count(); i++) {
        const struct cz_zoo_entry *e = cz_zoo_at(i);
        for (int channels = 1; channels <= 5; channels += 2) {
            struct cz_graph *g =
                build(e->name, &(struct cz_zoo_options){.n_classes = 7, .in_channels = channels});
            struct cz_infer *r = infer(g, e->side_px);
            const struct cz_shape *out = &r->shape[g->outputs[0]];
            const struct cz_shape want = cz_shape_of(CZ_F32, 2, (int64_t)1, (int64_t)7);
            if (!cz_shape_equal(out, &want))
                fail_msg("%s: output is not [1,7]", e->name);
            assert_string_equal(g->values[g->outputs[0]].name, "logits");
            assert_true(cz_graph_find_node(g, g->head) >= 0);
            check_preprocessing(g, channels, e->side_px);
            cz_infer_destroy(r);
            cz_graph_release(g);
        }
    }
}

/* ---- metadata ---- */

static void preprocessing_is_the_published(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        struct cz_zoo_options options;
        const char *want[3]; /* parts of the text */
    } cases[] = {
        {"resnet50",
         {0},
         {"\"size_px\":[232,232],\"filter\":\"bilinear\"", "[224,224]", "[0.485,0.456,0.406]"}},
        {"resnet50", {.tag = "v1"}, {"\"size_px\":[256,256],\"filter\":\"bilinear\"", "[224,224]", "RGB"}},
        {"resnet50", {.side_px = 112}, {"\"size_px\":[116,116]", "[112,112]", "\"shorter\""}},
        {"efficientnet_b0",
         {0},
         {"\"size_px\":[256,256],\"filter\":\"bicubic\"", "[224,224]", "[0.229,0.224,0.225]"}},
        {"efficientnet_b1",
         {0},
         {"\"size_px\":[255,255],\"filter\":\"bilinear\"", "[240,240]", "\"center\""}},
        {"efficientnet_v2_l", {0}, {"\"size_px\":[480,480],\"filter\":\"bicubic\"", "[0.5,0.5,0.5]", "NCHW"}},
        {"inception_v3", {0}, {"\"size_px\":[342,342]", "[299,299]", "\"mean\":[0.5,0.5,0.5]"}},
        {"resnet18", {.in_channels = 1}, {"\"GRAY\"", "\"mean\":[0.449]", "\"std\":[0.226]"}},
        {"lenet5",
         {0},
         {"\"GRAY\"", "\"mode\":\"squash\",\"size_px\":[32,32]",
          "\"crop\":{\"mode\":\"none\",\"size_px\":[0,0]"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cz_graph *g = build(cases[i].model, &cases[i].options);
        const char *text = cz_model_metadata(g, "convzoo.preprocess");
        assert_non_null(text);
        for (int k = 0; k < 3; k++)
            if (!strstr(text, cases[i].want[k]))
                fail_msg("%s: no '%s' in %s", cases[i].model, cases[i].want[k], text);
        assert_string_equal(cz_model_metadata(g, "convzoo.model"), cases[i].model);
        assert_string_equal(cz_model_metadata(g, "convzoo.output"), "logits");
        cz_graph_release(g);
    }
}

/* ---- what is refused ---- */

static void check_refusal(const char *name, const struct cz_zoo_options *options, const char *part)
{
    struct cz_graph *g = NULL;
    cz_error err = {0};
    cz_status status = cz_zoo_build(name, options, &g, &err);
    if (status != CZ_ERR_ARGUMENT || !strstr(err.message, part))
        fail_msg("%s: status %d, '%s', wanted '%s' in it", name, (int)status, err.message, part);
    assert_null(g);
}

static void wrong_requests_are_refused(void **state)
{
    (void)state;
    check_refusal("resnet5O", NULL, "nearest is 'resnet50'");
    check_refusal("vgg16-bn", NULL, "nearest is 'vgg16_bn'");
    check_refusal("transformer", NULL, "zoo list");
    check_refusal("", NULL, "zoo list");
    check_refusal("resnet18", &(struct cz_zoo_options){.n_classes = -1}, "-1 classes");
    check_refusal("resnet18", &(struct cz_zoo_options){.in_channels = 1 << 20}, "input channels");
    check_refusal("resnet18", &(struct cz_zoo_options){.side_px = -5}, "input side");
    check_refusal("resnet18", &(struct cz_zoo_options){.width = 2}, "small-image");
    check_refusal("resnet20", &(struct cz_zoo_options){.width = -1}, "width");
    check_refusal("resnet20", &(struct cz_zoo_options){.width = 1e300}, "width");
    check_refusal("resnet18", &(struct cz_zoo_options){.tag = "v9"}, "no weights 'v9'");
}

static void public_build_checks_its_options(void **state)
{
    (void)state;
    cz_model *model = NULL;
    cz_error err;
    cz_build_options options = {
        .struct_size = sizeof options, .n_classes = 4, .in_channels = 1, .width = 0.5};
    assert_int_equal(cz_model_build(NULL, "resnet20", &options, &model, &err), CZ_OK);
    cz_model_info info;
    cz_model_get_info(model, &info);
    assert_int_equal(info.n_classes, 4);
    assert_int_equal(info.in_c, 1);
    assert_non_null(model->params.items[0].value.data);
    cz_model_destroy(model);
    options.struct_size = sizeof options + 8;
    assert_int_equal(cz_model_build(NULL, "resnet20", &options, &model, &err), CZ_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_the_references),
        cmocka_unit_test(macs_at_every_golden_size),
        cmocka_unit_test(names_are_the_references),
        cmocka_unit_test(small_networks_have_their_parameters),
        cmocka_unit_test(width_multiplies_channels),
        cmocka_unit_test(classes_and_channels_are_free),
        cmocka_unit_test(preprocessing_is_the_published),
        cmocka_unit_test(wrong_requests_are_refused),
        cmocka_unit_test(public_build_checks_its_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
