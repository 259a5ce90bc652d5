/* The readers of weight files and what they share; see weights.c for who reads what. */
#ifndef CZ_IMPORTER_WEIGHTS_READERS_H
#define CZ_IMPORTER_WEIGHTS_READERS_H

#include "importer/weights.h"

/* Fills w->items from w->map. `name` is the file's, for what lies beside it; messages leave it out. */
typedef cz_status weights_reader(struct cz_weights *w, const char *name, cz_error *);

weights_reader weights_read_safetensors, weights_read_pth_zip, weights_read_pth_legacy, weights_read_npz,
    weights_read_onnx;

/* The next tensor, zeroed but for role -1. Errors  CZ_ERR_FORMAT (too many), CZ_ERR_MEMORY. */
cz_status weights_add(struct cz_weights *, struct cz_weight **out, cz_error *);

/* Row-major strides of its shape. */
void weights_set_row_major(struct cz_weight *);

/* Keeps `block` (malloc) until the weights go; frees it on failure. */
cz_status weights_keep(struct cz_weights *, void *block, cz_error *);

/* Refuses a name that is empty, not UTF-8, or there twice. */
cz_status weights_check_names(const struct cz_weights *, cz_error *);

#endif
