/*
 * Memory that runs out inside jansson (base/memory.h, cz_memory_losses).
 */
#ifndef CZ_BASE_JSON_MEMORY_H
#define CZ_BASE_JSON_MEMORY_H

#include <jansson.h>

/* Has jansson count what it cannot allocate. For the program alone, at its start: a library must not change
 * the allocator of whoever uses it. */
void cz_json_watch(void);

/* json_loadb that refuses duplicate keys, and gives NULL, not a damaged document, when memory ran out;
 * `where` then says "out of memory", and cz_json_no_memory is 1. */
json_t *cz_json_parse(const void *text, size_t size, size_t flags, json_error_t *where);
int cz_json_no_memory(const json_error_t *where);

#endif
