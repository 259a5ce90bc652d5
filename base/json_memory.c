#include "base/json_memory.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static void *watched_malloc(size_t n)
{
    void *p = malloc(n);
    if (!p)
        cz_memory_loss_add();
    return p;
}

void cz_json_watch(void)
{
    json_set_alloc_funcs(watched_malloc, free);
}

static const char no_memory[] = "out of memory";

json_t *cz_json_parse(const void *text, size_t size, size_t flags, json_error_t *where)
{
    unsigned before = cz_memory_losses();
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES | flags, where);
    if (cz_memory_losses() == before)
        return root;
    json_decref(root);
    memcpy(where->text, no_memory, sizeof no_memory);
    return NULL;
}

int cz_json_no_memory(const json_error_t *where)
{
    return strcmp(where->text, no_memory) == 0;
}
