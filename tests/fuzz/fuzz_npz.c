/* Any bytes as a zip archive of arrays. */
#include "weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_weights(data, size, "x.npz");
    return 0;
}
