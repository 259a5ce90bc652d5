/*
 * predict against another runtime and another decoder: the five most probable classes of 78 photos under six
 * networks with real weights (ONNX Runtime on tensors that Pillow made).
 *
 * A decoder's rounding and the order of float32 sums move a probability in the fourth digit; so a class may
 * change places over the fifth rank with one whose probability is within half a per cent of its own, and two
 * photos in a network may differ altogether.
 */
#include "run.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { PHOTOS = 78, TOP = 5, SHOWN = 20 };

static const struct network {
    const char *name, *file, *preprocess; /* name: in the goldens */
} networks[] = {
    {"squeezenet11_fp16", "SqueezeNet_fp16.onnx", "caffe"},
    {"squeezenet11_caffe2_f32", "squeezenet11_caffe2_f32.onnx", "caffe"},
    {"squeezenet11_mxnet", "squeezenet11_mxnet.onnx", "torchvision"},
    {"mobilenetv2_torch_op12", "mobilenetv2_torch_op12.onnx", "torchvision"},
    {"mobilenetv2_torch_op18", "mobilenetv2_torch_op18_ext/mobilenet_v2_fp32.onnx", "torchvision-v2"},
    {"mobilenetv1_075_keras", "mobilenetv1_075_keras.onnx", "tf"},
};

struct golden {
    char photo[128];
    int top[TOP];
};

static int read_goldens(const char *network, struct golden *out)
{
    char path[512], line[512], name[64];
    int n = 0;
    snprintf(path, sizeof path, "%s/photos/golden_photos.csv", run_data());
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (n < PHOTOS && fgets(line, sizeof line, f)) {
        struct golden *g = &out[n];
        if (sscanf(line, "%63[^,],%127[^,],%d,%d,%d,%d,%d", name, g->photo, &g->top[0], &g->top[1],
                   &g->top[2], &g->top[3], &g->top[4]) == 7 &&
            strcmp(name, network) == 0)
            n++;
    }
    fclose(f);
    return n;
}

static double probability_of(const json_t *top, int class_index)
{
    size_t i;
    json_t *entry;
    json_array_foreach(top, i, entry)
    {
        if (json_integer_value(json_object_get(entry, "index")) == class_index)
            return json_number_value(json_object_get(entry, "probability"));
    }
    return 0;
}

static int rank_of(const json_t *top, int class_index)
{
    for (int i = 0; i < (int)json_array_size(top); i++)
        if (json_integer_value(json_object_get(json_array_get(top, (size_t)i), "index")) == class_index)
            return i;
    return SHOWN;
}

/* Every golden class is among our five, or as probable as our fifth. */
static int same_top5(const json_t *top, const struct golden *g)
{
    double fifth = json_number_value(json_object_get(json_array_get(top, TOP - 1), "probability"));
    for (int i = 0; i < TOP; i++)
        if (rank_of(top, g->top[i]) >= TOP && probability_of(top, g->top[i]) < fifth * (1 - 0.005))
            return 0;
    return 1;
}

static void check_network(const struct network *net)
{
    static struct golden goldens[PHOTOS];
    char list[PHOTOS * 256];
    size_t used = 0;
    assert_int_equal(read_goldens(net->name, goldens), PHOTOS);
    for (int i = 0; i < PHOTOS; i++)
        used +=
            (size_t)snprintf(list + used, sizeof list - used, "%s/photos/%s\n", run_data(), goldens[i].photo);
    struct run r = run("predict %s/models/%s --list %s --preprocess %s --top %d --json", run_data(),
                       net->file, run_text("photos.txt", list), net->preprocess, SHOWN);
    run_expect(&r, 0, "threads");
    json_t *root = json_loads(r.out, 0, NULL), *results = json_object_get(root, "results");
    int top1 = 0, top5 = 0;
    assert_int_equal(json_array_size(results), PHOTOS);
    for (int i = 0; i < PHOTOS; i++) {
        const json_t *top = json_object_get(json_array_get(results, (size_t)i), "top");
        top1 += rank_of(top, goldens[i].top[0]) == 0;
        top5 += same_top5(top, &goldens[i]);
    }
    print_message("%-24s same first %d, same five %d of %d\n", net->name, top1, top5, PHOTOS);
    if (top1 < PHOTOS - 1 || top5 < PHOTOS - 2)
        fail_msg("%s: wanted at least %d and %d", net->name, PHOTOS - 1, PHOTOS - 2);
    json_decref(root);
    run_free(&r);
}

static void photos_are_named_as_elsewhere(void **state)
{
    (void)state;
    if (!run_data())
        skip();
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++)
        check_network(&networks[i]);
}

/* The whole document, logits included, is the same for any number of threads. */
static void any_threads_give_the_same_document(void **state)
{
    (void)state;
    static const int threads[] = {1, 2, 7};
    char *first = NULL;
    if (!run_data())
        skip();
    for (int i = 0; i < 3; i++) {
        struct run r =
            run("predict %s/models/mobilenetv2_torch_op12.onnx %s/photos/0022_n01614925_bald_eagle.jpg "
                "--preprocess torchvision --logits --json --threads %d --batch %d",
                run_data(), run_data(), threads[i], 1 + i);
        run_expect(&r, 0, "threads");
        if (first)
            assert_string_equal(r.out, first);
        else
            first = strdup(r.out);
        run_free(&r);
    }
    free(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(photos_are_named_as_elsewhere),
        cmocka_unit_test(any_threads_give_the_same_document),
    };
    return cmocka_run_group_tests(tests, NULL, run_clean);
}
