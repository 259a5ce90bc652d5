/*
 * `convzoo info`: what this build is and what it uses on this machine.
 */
#include "base/cpu.h"
#include "base/version.h"
#include "cli/cli.h"
#include "base/json_out.h"
#include "cli/paths.h"
#include "cli/table.h"
#include "engine/op.h"
#include "engine/runtime.h"

#include <stdio.h>

enum { MAX_TIERS = 8 };

struct facts {
    const char *isa, *gemm, *blas_core, *tiers[MAX_TIERS];
    int n_tiers, n_threads;
    char cpu[128], cache[CZ_PATH_MAX];
};

static void collect(const struct cz_cli *cli, const cz_runtime *runtime, struct facts *f)
{
    f->isa = cz_runtime_isa(runtime);
    f->gemm = cz_runtime_gemm(runtime);
    f->blas_core = cz_runtime_blas_core(runtime);
    f->n_tiers = cz_runtime_tiers(f->tiers, MAX_TIERS);
    f->n_threads = cz_runtime_threads(runtime);
    cz_cpu_name(f->cpu, sizeof f->cpu);
    cz_path_cache(cli, f->cache);
}

static json_t *ops_json(void)
{
    json_t *ops = json_array();
    for (int i = 0; i < cz_op_count(); i++) {
        const struct cz_op *op = cz_op_at(i);
        if (!(op->flags & CZ_OP_INTERNAL))
            json_array_append_new(ops, json_pack("{s:s, s:i, s:i}", "op", op->name, "opset_min",
                                                 op->opset_min, "opset_max", op->opset_max));
    }
    return ops;
}

static json_t *document(const struct facts *f)
{
    json_t *tiers = json_array();
    for (int i = 0; i < f->n_tiers; i++)
        json_array_append_new(tiers, json_string(f->tiers[i]));
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:o, s:s, s:o, s:i, s:o, s:o}", "schema",
                     "convzoo.info/1", "version", cz_version(), "commit", cz_commit(), "compiler",
                     cz_compiler(), "cpu", cz_json_text(f->cpu), "isa", f->isa, "isa_available", tiers,
                     "gemm", f->gemm, "blas_core", cz_json_text(f->blas_core), "n_threads", f->n_threads,
                     "cache_dir", cz_json_text(f->cache), "ops", ops_json());
}

static const char *chosen_by(const struct cz_cli *cli, const char *option)
{
    static const char *const words[] = {"by itself", "by your config.json", "by --config",
                                        "by the environment", "by the command line"};
    return words[cz_arg_get(&cli->args, option)->source];
}

static void print_facts(const struct cz_cli *cli, const struct facts *f)
{
    printf("version   convzoo %s, commit %s\n", cz_version(), cz_commit());
    printf("compiler  %s\n", cz_compiler());
    printf("cpu       %s\n", f->cpu);
    printf("isa       %s, chosen %s; here:", f->isa, chosen_by(cli, "isa"));
    for (int i = 0; i < f->n_tiers; i++)
        printf(" %s", f->tiers[i]);
    printf("\ngemm      %s, chosen %s; OpenBLAS core %s\n", f->gemm, chosen_by(cli, "gemm"),
           f->blas_core ? f->blas_core : "none: the library is not installed");
    printf("threads   %d, chosen %s; %d CPUs allowed\n", f->n_threads, chosen_by(cli, "threads"),
           cz_cpu_allowed());
    printf("cache     %s\n", f->cache);
}

static int print_ops(const struct cz_cli *cli)
{
    struct cz_table *t = cz_table_create();
    if (!t)
        return 1;
    cz_table_column(t, "operator", "op", CZ_LEFT);
    cz_table_column(t, "opset from", "opset_min", CZ_RIGHT);
    cz_table_column(t, "to", "opset_max", CZ_RIGHT);
    for (int i = 0; i < cz_op_count(); i++) {
        const struct cz_op *op = cz_op_at(i);
        if (op->flags & CZ_OP_INTERNAL)
            continue;
        cz_table_row(t);
        cz_table_text(t, op->name);
        cz_table_cell(t, "%d", op->opset_min);
        cz_table_cell(t, "%d", op->opset_max);
    }
    int failed = cz_table_print(t, stdout, &cli->out);
    cz_table_destroy(t);
    return failed;
}

int cz_cmd_info(struct cz_cli *cli)
{
    cz_error err;
    cz_runtime *runtime;
    struct facts facts;
    if (cz_cli_runtime(cli, &runtime, &err) != CZ_OK)
        return cz_cli_fail(cli, &err);
    collect(cli, runtime, &facts);
    int code = CZ_EXIT_OK;
    if (cli->json)
        code = cz_cli_emit(cli, document(&facts));
    else if (cz_arg_switch(&cli->args, "ops")) {
        if (print_ops(cli))
            code = cz_cli_error(cli, CZ_EXIT_MEMORY, "info: out of memory; close other programs");
    } else
        print_facts(cli, &facts);
    cz_runtime_destroy(runtime);
    return code;
}
