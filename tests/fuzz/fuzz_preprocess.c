/*
 * Any bytes as preprocessing JSON; what is accepted must print to a text that parses to the same text.
 */
#include "data/preprocess.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cz_preprocess pp, back;
    if (cz_preprocess_parse((const char *)data, size, &pp, NULL) != CZ_OK)
        return 0;
    char *first = cz_preprocess_print(&pp);
    if (!first || cz_preprocess_parse(first, strlen(first), &back, NULL) != CZ_OK)
        abort();
    char *second = cz_preprocess_print(&back);
    if (!second || strcmp(first, second) != 0)
        abort();
    free(first);
    free(second);
    return 0;
}
