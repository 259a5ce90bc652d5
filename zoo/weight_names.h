/*
 * What other files call the zoo's parameters. The table is weight_names.csv: prefixes by group of networks.
 *
 * Source: names of torchvision's published files, and of timm's models (huggingface/pytorch-image-models)
 * that are the same networks.
 */
#ifndef CZ_ZOO_WEIGHT_NAMES_H
#define CZ_ZOO_WEIGHT_NAMES_H

#include "zoo/zoo.h"

/*
 * The zoo's name for `name` in a weight file for `entry` (a const struct cz_zoo_entry *): itself where the
 * table has no row for it, NULL for what the zoo leaves out. Errors  CZ_ERR_MEMORY.
 */
cz_status cz_zoo_weight_name(const void *entry, const char *name, struct cz_arena *, const char **out,
                             cz_error *);

#endif
