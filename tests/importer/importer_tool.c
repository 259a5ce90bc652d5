/*
 * What the Python comparisons need of us:
 *
 *   importer_tool run MODEL.onnx IN.npy OUT.npy      first output for one input, whatever its batch
 *   importer_tool export IN.onnx OUT.onnx            read and write again
 *   importer_tool zoo NAME SIDE OUT.onnx             a network of the zoo with golden weights (seed 1)
 */
#include "engine/graph.h"
#include "importer/importer.h"
#include "importer/npy.h"
#include "importer/onnx_export.h"
#include "zoo/zoo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static cz_status run_once(cz_model *model, const cz_tensor *in, const char *out_path, cz_error *err)
{
    cz_runtime *runtime;
    cz_plan *plan;
    cz_session *session;
    cz_tensor outputs[8] = {{0}};
    cz_input_shape shape = {.rank = in->rank};
    cz_runtime_options threads = {.struct_size = sizeof threads, .n_threads = 2};
    memcpy(shape.dim, in->dim, sizeof shape.dim);
    CZ_TRY(cz_model_input(model, 0, &shape.name, NULL, NULL, err));
    CZ_TRY(cz_runtime_create(&threads, &runtime, err));
    cz_plan_options options = {.struct_size = sizeof options, .inputs = &shape, .n_inputs = 1};
    CZ_TRY(cz_plan_create(runtime, model, &options, &plan, err));
    CZ_TRY(cz_session_create(plan, &session, err));
    CZ_TRY(cz_session_run(session, in, 1, outputs, (size_t)cz_model_n_outputs(model), err));
    CZ_TRY(cz_npy_write(out_path, &outputs[0], err));
    cz_session_destroy(session);
    cz_plan_destroy(plan);
    cz_runtime_destroy(runtime);
    return CZ_OK;
}

static cz_status run(char **args, cz_error *err)
{
    cz_model *model;
    cz_tensor in;
    CZ_TRY(cz_model_load(NULL, args[0], &model, err));
    CZ_TRY(cz_npy_read(args[1], &in, err));
    CZ_TRY(run_once(model, &in, args[2], err));
    free(in.data);
    cz_model_destroy(model);
    return CZ_OK;
}

static cz_status export_file(char **args, cz_error *err)
{
    cz_model *model;
    CZ_TRY(cz_model_load(NULL, args[0], &model, err));
    CZ_TRY(cz_onnx_export(model, args[1], err));
    cz_model_destroy(model);
    return CZ_OK;
}

static cz_status export_zoo(char **args, cz_error *err)
{
    struct cz_graph *graph;
    struct cz_zoo_options options = {.side_px = atoi(args[1]), .init = {CZ_INIT_GOLDEN, 1}};
    CZ_TRY(cz_zoo_build(args[0], &options, &graph, err));
    CZ_TRY(cz_onnx_export(graph, args[2], err));
    cz_graph_release(graph);
    return CZ_OK;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int n_args;
        cz_status (*run)(char **, cz_error *);
    } commands[] = {{"run", 3, run}, {"export", 2, export_file}, {"zoo", 3, export_zoo}};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        cz_error err = {0};
        if (argc != commands[i].n_args + 2 || strcmp(argv[1], commands[i].name) != 0)
            continue;
        if (commands[i].run(argv + 2, &err) == CZ_OK)
            return 0;
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    fprintf(stderr, "usage: importer_tool run|export|zoo ...\n");
    return 2;
}
