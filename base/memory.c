#include "base/memory.h"
#include "base/checked.h"

#include <stdarg.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *cz_alloc_aligned(size_t bytes)
{
    if (bytes > PTRDIFF_MAX - 2 * CZ_ALIGN)
        return NULL;
    return aligned_alloc(CZ_ALIGN, cz_round_up(bytes ? bytes : 1, CZ_ALIGN));
}

void *cz_calloc_aligned(size_t bytes)
{
    void *p = cz_alloc_aligned(bytes);
    if (p)
        memset(p, 0, bytes);
    return p;
}

int cz_grow(void *items, size_t *capacity, size_t count, size_t size)
{
    if (count < *capacity)
        return 0;
    size_t want = *capacity ? *capacity * 2 : 16, bytes;
    if (want <= count)
        want = count + 1;
    if (cz_mul_overflow(want, size, &bytes))
        return 1;
    void *grown = realloc(*(void **)items, bytes);
    if (!grown)
        return 1;
    *(void **)items = grown;
    *capacity = want;
    return 0;
}

static _Atomic unsigned losses;

unsigned cz_memory_losses(void)
{
    return atomic_load(&losses);
}

void cz_memory_loss_add(void)
{
    atomic_fetch_add(&losses, 1);
}

/* Blocks double up to a limit, so that a small graph costs little and a large one few calls. */
enum { FIRST_BLOCK = 16 << 10, LARGEST_BLOCK = 1 << 20 };

struct block {
    struct block *next;
    size_t used, size;
    alignas(max_align_t) unsigned char data[];
};

struct cz_arena {
    struct block *blocks;
};

struct cz_arena *cz_arena_create(void)
{
    return calloc(1, sizeof(struct cz_arena));
}

void cz_arena_destroy(struct cz_arena *arena)
{
    if (!arena)
        return;
    for (struct block *b = arena->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(arena);
}

void *cz_arena_alloc(struct cz_arena *arena, size_t bytes)
{
    struct block *b = arena->blocks;
    if (bytes > PTRDIFF_MAX / 2)
        return NULL;
    bytes = cz_round_up(bytes ? bytes : 1, alignof(max_align_t));
    if (!b || b->size - b->used < bytes) {
        size_t size = b ? b->size * 2 : FIRST_BLOCK;
        if (size > LARGEST_BLOCK)
            size = LARGEST_BLOCK;
        if (size < bytes)
            size = bytes;
        b = calloc(1, sizeof *b + size);
        if (!b)
            return NULL;
        b->size = size;
        b->next = arena->blocks;
        arena->blocks = b;
    }
    void *p = b->data + b->used;
    b->used += bytes;
    return p;
}

void *cz_arena_memdup(struct cz_arena *arena, const void *p, size_t bytes)
{
    void *copy = cz_arena_alloc(arena, bytes);
    if (copy && bytes)
        memcpy(copy, p, bytes);
    return copy;
}

char *cz_arena_strndup(struct cz_arena *arena, const char *s, size_t n)
{
    char *copy = cz_arena_alloc(arena, n + 1);
    if (copy && n)
        memcpy(copy, s, n);
    return copy;
}

char *cz_arena_strdup(struct cz_arena *arena, const char *s)
{
    return cz_arena_strndup(arena, s, strlen(s));
}

char *cz_arena_printf(struct cz_arena *arena, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *s = n < 0 ? NULL : cz_arena_alloc(arena, (size_t)n + 1);
    if (s)
        vsnprintf(s, (size_t)n + 1, fmt, again);
    va_end(again);
    return s;
}
