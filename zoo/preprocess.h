/*
 * How a network of the zoo wants its pictures, as the JSON text that metadata carries.
 */
#ifndef CZ_ZOO_PREPROCESS_H
#define CZ_ZOO_PREPROCESS_H

#include "zoo/zoo.h"

/*
 * The text for a side of `side_px`, in the arena; the resize goes with the side. `published` NULL: squashed
 * to the input, pixels to [-1, 1]. Three channels are RGB, one is gray with the means of the three; other
 * numbers have no pictures: *out is NULL.
 */
cz_status cz_zoo_preprocess(struct cz_arena *, const struct cz_zoo_published *, int in_channels, int side_px,
                            const char **out, cz_error *);

#endif
