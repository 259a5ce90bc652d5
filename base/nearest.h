/*
 * The nearest spelling of a mistyped name, for "nearest is 'resnet50'".
 */
#ifndef CZ_BASE_NEAREST_H
#define CZ_BASE_NEAREST_H

#include <stddef.h>

/*
 * The nearest of names[n] within an edit distance of 2 and of a third of the word's length, or NULL.
 * Inserting, deleting, replacing or swapping neighbours costs 1; look-alikes (0/O, 1/l, -/_, case) cost 1/2.
 * The first of equals.
 */
const char *cz_nearest(const char *word, const char *const *names, size_t n);

#endif
