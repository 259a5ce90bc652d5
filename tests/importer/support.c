#include "tests/importer/support.h"
#include "engine/tensor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *data_file(const char *name)
{
    static char paths[2][1024];
    static int turn;
    const char *root = getenv("CONVZOO_TEST_DATA");
    if (!root || !root[0])
        skip();
    turn = !turn;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", root, name);
    return paths[turn];
}

cz_runtime *runtime(void)
{
    static cz_runtime *shared;
    cz_runtime_options options = {.struct_size = sizeof options, .n_threads = 2};
    cz_error err = {0};
    if (!shared && cz_runtime_create(&options, &shared, &err) != CZ_OK)
        fail_msg("%s", err.message);
    return shared;
}

cz_model *load_model(const char *path)
{
    cz_model *model = NULL;
    cz_error err = {0};
    if (cz_model_load(runtime(), path, &model, &err) != CZ_OK)
        fail_msg("%s", err.message);
    return model;
}

/* The same values in another dtype, in memory of its own. */
static cz_tensor converted(const cz_tensor *t, cz_dtype dtype)
{
    struct cz_shape shape = cz_tensor_shape(t);
    shape.dtype = dtype;
    cz_tensor out = cz_tensor_view(malloc(cz_shape_bytes(&shape) + 1), &shape);
    for (int64_t i = 0; i < cz_shape_count(&shape); i++)
        cz_tensor_store(&out, i, cz_tensor_double(t, i));
    return out;
}

static cz_session *make_session(cz_model *model, const cz_tensor *input)
{
    cz_plan *plan = NULL;
    cz_session *session = NULL;
    cz_error err = {0};
    cz_input_shape shape = {.rank = input->rank};
    assert_int_equal(cz_model_input(model, 0, &shape.name, NULL, NULL, NULL), CZ_OK);
    memcpy(shape.dim, input->dim, sizeof shape.dim);
    cz_plan_options options = {.struct_size = sizeof options, .inputs = &shape, .n_inputs = 1};
    if (cz_plan_create(runtime(), model, &options, &plan, &err) != CZ_OK ||
        cz_session_create(plan, &session, &err) != CZ_OK)
        fail_msg("%s", err.message);
    cz_plan_destroy(plan);
    return session;
}

cz_tensor run_model(cz_model *model, const cz_tensor *input)
{
    cz_error err = {0};
    cz_dtype dtype;
    cz_session *session = make_session(model, input);
    assert_int_equal(cz_model_input(model, 0, NULL, NULL, &dtype, NULL), CZ_OK);
    cz_tensor in = converted(input, dtype), outputs[8] = {{0}};
    int n = cz_model_n_outputs(model);
    assert_true(n <= 8);
    if (cz_session_run(session, &in, 1, outputs, (size_t)n, &err) != CZ_OK)
        fail_msg("%s", err.message);
    cz_tensor out = converted(&outputs[0], CZ_F32);
    free(in.data);
    cz_session_destroy(session);
    return out;
}

double distance(const cz_tensor *a, const cz_tensor *b)
{
    struct cz_shape sa = cz_tensor_shape(a), sb = cz_tensor_shape(b);
    double worst = 0, largest = 0;
    assert_int_equal(cz_shape_count(&sa), cz_shape_count(&sb));
    for (int64_t i = 0; i < cz_shape_count(&sb); i++) {
        double x = cz_tensor_double(a, i), y = cz_tensor_double(b, i);
        if (isnan(x))
            return INFINITY;
        worst = fmax(worst, fabs(x - y));
        largest = fmax(largest, fabs(y));
    }
    return worst / fmax(largest, 1e-30);
}
