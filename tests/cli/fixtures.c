#include "fixtures.h"
#include "run.h"
#include "engine/graph.h"
#include "importer/npy.h"
#include "importer/onnx_export.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static unsigned next_random(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

const char *fixture_picture(const char *name, int height, int width, unsigned seed)
{
    size_t bytes = (size_t)height * (size_t)width * 3 + 64;
    unsigned char *file = malloc(bytes);
    assert_non_null(file);
    size_t used = (size_t)snprintf((char *)file, bytes, "P6\n%d %d\n255\n", width, height);
    for (int i = 0; i < height * width * 3; i++)
        file[used++] = (unsigned char)(next_random(&seed) & 255);
    const char *path = run_file(name, file, used);
    free(file);
    return path;
}

const char *fixture_tensor(const char *name, const long long *dims, int rank, unsigned seed)
{
    struct cz_shape shape = {.dtype = CZ_F32, .rank = rank};
    cz_error err;
    for (int i = 0; i < rank; i++)
        shape.dim[i] = dims[i];
    int64_t n = cz_shape_count(&shape);
    float *values = malloc((size_t)n * sizeof *values);
    assert_non_null(values);
    for (int64_t i = 0; i < n; i++)
        values[i] = (float)(next_random(&seed) & 4095) / 2048.0f - 1.0f;
    cz_tensor tensor = cz_tensor_view(values, &shape);
    const char *path = run_file(name, "", 0);
    if (cz_npy_write(path, &tensor, &err) != CZ_OK)
        fail_msg("%s", err.message);
    free(values);
    return path;
}

const char *fixture_network(const char *name, const char *model, const char *extra)
{
    const char *path = run_file(name, "", 0);
    struct run r = run("export %s --init golden:1 --out %s --force %s", model, path, extra);
    run_expect(&r, 0, NULL);
    run_free(&r);
    return path;
}

const char *fixture_sum(const char *name)
{
    struct cz_graph *g;
    struct cz_shape row = cz_shape_of(CZ_F32, 2, (int64_t)-1, (int64_t)4);
    int in[2], out;
    cz_error err;
    static const char *const c = "c";
    const char *path = run_file(name, "", 0);
    if (cz_graph_create(17, &g, &err) != CZ_OK || cz_graph_add_input(g, "a", &row, &in[0], &err) != CZ_OK ||
        cz_graph_add_input(g, "b", &row, &in[1], &err) != CZ_OK ||
        cz_graph_add_node(g, "Add", "sum", &(struct cz_attr_list){0}, in, 2, &c, 1, &out, &err) != CZ_OK ||
        cz_graph_add_output(g, out, &err) != CZ_OK || cz_onnx_export(g, path, &err) != CZ_OK)
        fail_msg("%s", err.message);
    cz_graph_release(g);
    return path;
}

const char *fixture_names(const char *name, int n)
{
    char *text = malloc((size_t)n * 16 + 1);
    size_t used = 0;
    assert_non_null(text);
    for (int i = 0; i < n; i++)
        used += (size_t)sprintf(text + used, "name %d\n", i);
    const char *path = run_file(name, text, used);
    free(text);
    return path;
}
