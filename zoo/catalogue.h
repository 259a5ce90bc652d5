/*
 * The catalogue of published weight files: where each is, how to know it, under which licence. Its table is
 * catalogue.csv. The library only names addresses; the program's `pull` is what opens connections.
 */
#ifndef CZ_ZOO_CATALOGUE_H
#define CZ_ZOO_CATALOGUE_H

#include "zoo/zoo.h"

struct cz_zoo_source {
    const char *model, *tag;
    const char *base;   /* the address of its folder, ending in '/' */
    const char *file;   /* its name there and in the cache */
    const char *sha256; /* the first digits of its SHA-256 */
    double mib;         /* about its size */
    const char *license;
};

int cz_zoo_source_count(void);
const struct cz_zoo_source *cz_zoo_source_at(int index);

/* Of a published set; NULL: none (preprocessing only). */
const struct cz_zoo_source *cz_zoo_find_source(const struct cz_zoo_published *);

#endif
