/* Any bytes as a safetensors file. */
#include "weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_weights(data, size, "x.safetensors");
    return 0;
}
