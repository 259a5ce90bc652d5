/*
 * `convzoo export MODEL --out F.onnx|F.safetensors`: a model as one ONNX file, or its weights alone.
 */
#include "base/file.h"
#include "base/json_out.h"
#include "base/sha256.h"
#include "cli/format.h"
#include "cli/model.h"
#include "cli/output.h"
#include "importer/onnx_export.h"
#include "importer/safetensors_export.h"

#include <stdio.h>
#include <string.h>

static int refuse(struct cz_cli *cli, const char *out)
{
    cz_error err;
    if (!out)
        return cz_cli_error(cli, CZ_EXIT_USAGE,
                            "export: --out is missing; give --out FILE.onnx or FILE.safetensors");
    if (cz_arg_given(&cli->args, "opset") && strcmp(cz_output_suffix(out), "safetensors") == 0)
        return cz_cli_error(cli, CZ_EXIT_USAGE, "--opset: is for ONNX, %s holds weights alone; leave it out",
                            out);
    if (cz_output_check_suffix(out, "--out", "onnx", "safetensors", &err) != CZ_OK ||
        cz_output_check(out, "--out", cz_arg_switch(&cli->args, "force"), &err) != CZ_OK)
        return cz_cli_fail(cli, &err);
    return CZ_EXIT_OK;
}

static int tell(struct cz_cli *cli, const char *path)
{
    cz_error err;
    struct cz_file_map map;
    uint8_t digest[CZ_SHA256_BYTES];
    char hex[CZ_SHA256_HEX], bytes[CZ_FORMAT], clean[1024];
    if (cz_file_map(path, &map, &err) != CZ_OK)
        return cz_cli_fail(cli, &err);
    cz_sha256(map.data, map.size, digest);
    cz_sha256_hex(digest, hex);
    size_t size = map.size;
    cz_file_unmap(&map);
    if (cli->json)
        return cz_cli_emit(cli,
                           json_pack("{s:s, s:[{s:o, s:I, s:s}]}", "schema", "convzoo.export/1", "files",
                                     "path", cz_json_text(path), "bytes", (json_int_t)size, "sha256", hex));
    printf("%s  %s bytes  SHA-256 %s\n", cz_printable(path, cli->utf8, clean, sizeof clean),
           cz_format_count((int64_t)size, bytes), hex);
    return CZ_EXIT_OK;
}

/* A network that has no answer at that --size is not written. */
static cz_status check_shapes(const struct cz_graph *graph, cz_error *err)
{
    struct cz_infer *infer;
    CZ_TRY(cz_infer_create(graph, NULL, 0, 1, 0, &infer, err));
    cz_infer_destroy(infer);
    return CZ_OK;
}

static cz_status write_model(struct cz_cli *cli, struct cz_graph *g, const char *out, cz_error *err)
{
    const int fp16 = cz_arg_switch(&cli->args, "fp16");
    if (strcmp(cz_output_suffix(out), "safetensors") == 0)
        return cz_safetensors_export(g, out, fp16, err);
    const struct cz_onnx_export_options options = {(int)cz_arg_count(&cli->args, "opset", 0), fp16};
    return cz_onnx_export_as(g, out, &options, err);
}

int cz_cmd_export(struct cz_cli *cli)
{
    cz_error err;
    struct cz_cli_model model;
    const char *out = cz_arg_text(&cli->args, "out");
    int code = refuse(cli, out);
    if (code == CZ_EXIT_OK)
        code = cz_cli_model_open(cli, cli->args.operands[0], CZ_MODEL_VALUES, &model);
    if (code != CZ_EXIT_OK)
        return code;
    if (model.entry && check_shapes(model.graph, &err) != CZ_OK)
        code = cz_cli_error(cli, cz_exit_of(err.code), "%s: %s; choose another --size", model.entry->name,
                            err.message);
    else if (write_model(cli, model.graph, out, &err) != CZ_OK)
        code = cz_cli_fail(cli, &err);
    cz_cli_model_close(&model);
    return code == CZ_EXIT_OK ? tell(cli, out) : code;
}
