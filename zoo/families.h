/*
 * The families: each builds its variants onto an input with the builder. One function per family in zoo.def.
 */
#ifndef CZ_ZOO_FAMILIES_H
#define CZ_ZOO_FAMILIES_H

#include "zoo/builder.h"

/* Adds the layers of `variant` behind the input x; net's status tells whether it worked. */
typedef void cz_family(struct cz_net *net, struct cz_map x, const char *variant);

#define NETWORK(name, family, group, classes, channels, side) cz_family cz_family_##family;
#include "zoo/zoo.def"
#undef NETWORK

/* The row of a family's table whose first member, its name, is `variant`; NULL (and net's failure) if there
 * is none. */
const void *cz_variant_find(struct cz_net *net, const void *rows, size_t n, size_t row_size,
                            const char *variant);
#define CZ_VARIANT(net, rows, variant)                                                                       \
    cz_variant_find((net), (rows), sizeof(rows) / sizeof *(rows), sizeof *(rows), (variant))

#endif
