#include "base/strmap.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct cz_strmap_slot {
    const char *key;
    int value;
};

/* FNV-1a with a final mix, so that power-of-two tables see all bits. */
static uint64_t hash(const char *s)
{
    uint64_t h = 0xCBF29CE484222325u;
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 0x100000001B3u;
    return h ^ h >> 29;
}

/* Linear probing; the table is never more than half full, so an empty slot ends the search. */
static struct cz_strmap_slot *find(const struct cz_strmap *map, const char *key)
{
    size_t i = hash(key) & (map->capacity - 1);
    while (map->slots[i].key && strcmp(map->slots[i].key, key) != 0)
        i = (i + 1) & (map->capacity - 1);
    return &map->slots[i];
}

void cz_strmap_deinit(struct cz_strmap *map)
{
    free(map->slots);
    memset(map, 0, sizeof *map);
}

int cz_strmap_get(const struct cz_strmap *map, const char *key)
{
    if (map->count == 0)
        return -1;
    const struct cz_strmap_slot *slot = find(map, key);
    return slot->key ? slot->value : -1;
}

static int rehash(struct cz_strmap *map, size_t capacity)
{
    struct cz_strmap grown = {calloc(capacity, sizeof(struct cz_strmap_slot)), capacity, map->count};
    if (!grown.slots)
        return 1;
    for (size_t i = 0; i < map->capacity; i++)
        if (map->slots[i].key)
            *find(&grown, map->slots[i].key) = map->slots[i];
    free(map->slots);
    *map = grown;
    return 0;
}

int cz_strmap_set(struct cz_strmap *map, const char *key, int value)
{
    if ((map->count + 1) * 2 > map->capacity && rehash(map, map->capacity ? map->capacity * 2 : 32))
        return 1;
    struct cz_strmap_slot *slot = find(map, key);
    if (!slot->key) {
        slot->key = key;
        map->count++;
    }
    slot->value = value;
    return 0;
}
