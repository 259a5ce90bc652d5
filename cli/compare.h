/*
 * The two kinds of comparison behind `convzoo compare`: what they share.
 */
#ifndef CZ_CLI_COMPARE_H
#define CZ_CLI_COMPARE_H

#include "cli/cli.h"
#include "cli/table.h"
#include "finetune/compare.h"
#include "finetune/compare_bench.h"

struct cz_compare_job {
    int n, n_reports, n_benches;
    const char **names;         /* [n] as typed */
    struct cz_report **reports; /* [n], NULL where it is a benchmark file */
    struct cz_bench_file *benches;
    struct cz_arena *arena;
    unsigned allow; /* of cz_compare_allow */
    double margin, fail_margin;
    int fail_on_worse;
    struct cz_comparison comparison;
    struct cz_bench_comparison bench_comparison;
    struct cz_table *(*make_table)(const struct cz_compare_job *, int csv); /* NULL: memory ran out */
    void (*print_words)(struct cz_cli *,
                        const struct cz_compare_job *); /* what follows the table on stdout */
};

/*
 * Compare, make the document (the caller's) and set what prints it. *worse: one is worse or slower by more
 * than fail_margin. Return an exit code.
 */
int cz_compare_accuracies(struct cz_cli *, struct cz_compare_job *, json_t **root, int *worse);
int cz_compare_benches(struct cz_cli *, struct cz_compare_job *, json_t **root, int *worse);

/* Releases the comparisons. */
void cz_compare_job_end(struct cz_compare_job *);

#endif
