/* Any bytes as a PyTorch file of either layout, and as the pickle alone, which a zip archive's checksums
 * would hide from mutations. */
#include "importer/pickle.h"
#include "weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pickle pickle;
    cz_error err;
    struct cz_arena *arena = cz_arena_create();
    if (arena && pickle_read(data, size, arena, &pickle, &err) == CZ_OK)
        (void)pickle_get(pickle.value, "state_dict");
    cz_arena_destroy(arena);
    read_weights(data, size, "x.pth");
    return 0;
}
