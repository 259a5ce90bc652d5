/* Reader of .npz: a zip archive of NPY files, named after the arrays (numpy.savez, numpy.savez_compressed).
 */
#include "importer/archive.h"
#include "importer/npy.h"
#include "importer/weights_readers.h"

#include <stdlib.h>
#include <string.h>

static cz_status read_array(struct cz_weights *w, struct archive *a, int member, cz_error *err)
{
    const char *name = archive_name(a, member), *suffix = strrchr(name, '.');
    struct cz_weight *t;
    unsigned char *bytes;
    size_t size;
    cz_tensor array;
    if (!suffix || strcmp(suffix, ".npy") != 0)
        CZ_FAIL(err, CZ_ERR_FORMAT, "member '%s': no .npy; an .npz file holds nothing else", name);
    CZ_TRY(weights_add(w, &t, err));
    t->name = cz_arena_strndup(w->arena, name, (size_t)(suffix - name));
    if (!t->name)
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory listing tensors");
    CZ_TRY(archive_read(a, member, &bytes, &size, err));
    cz_status status = cz_npy_parse(bytes, size, name, &array, err);
    free(bytes);
    CZ_TRY(status);
    CZ_TRY(weights_keep(w, array.data, err));
    t->shape = cz_tensor_shape(&array);
    t->type = cz_dtype_name(array.dtype);
    t->has_dtype = 1;
    t->data = array.data;
    weights_set_row_major(t);
    return CZ_OK;
}

cz_status weights_read_npz(struct cz_weights *w, const char *name, cz_error *err)
{
    struct archive a;
    (void)name;
    CZ_TRY(archive_open(&w->map, &a, err));
    cz_status status = CZ_OK;
    for (int i = 0; i < archive_count(&a) && status == CZ_OK; i++)
        status = read_array(w, &a, i, err);
    archive_close(&a);
    return status;
}
