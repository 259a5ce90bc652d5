/*
 * Where a network of the zoo gets its weights from: --weights FILE, else the file that was pulled for its
 * tag.
 */
#ifndef CZ_CLI_WEIGHTS_H
#define CZ_CLI_WEIGHTS_H

#include "cli/model.h"

/* --weights of the command, NULL: not given, or not an option of it. */
const char *cz_cli_weights_file(const struct cz_cli *);

/*
 * Gives m->graph its values and m->label, m->weights_... their words, or says what is wrong. needed 0:
 * without
 * --weights the graph stays without values.
 */
int cz_cli_weights(struct cz_cli *, int needed, struct cz_cli_model *m);

/*
 * The same for a graph alone, without notes: what bench does in each of its processes. A classifier that did
 * not fit is filled with the seed 0. sha256 may be NULL.
 */
struct cz_weights_report;
cz_status cz_cli_weights_into(struct cz_graph *, const struct cz_zoo_entry *, const char *path, int strict,
                              struct cz_weights_report *report, char sha256[CZ_SHA256_HEX], cz_error *);

#endif
