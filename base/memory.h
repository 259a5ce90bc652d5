/*
 * Memory: aligned blocks, and an arena for many small things that live and die together.
 */
#ifndef CZ_BASE_MEMORY_H
#define CZ_BASE_MEMORY_H

#include <stddef.h>

enum { CZ_ALIGN = 64 }; /* a cache line and the widest vector */

/* 64-byte aligned, not cleared; NULL when there is none (also for sizes that cannot be). free() releases it.
 */
void *cz_alloc_aligned(size_t bytes);

/* Same, zeroed. */
void *cz_calloc_aligned(size_t bytes);

/* Grows *items (of `size` bytes each) so that index `count` fits; 0, or 1 when memory ran out. */
int cz_grow(void *items, size_t *capacity, size_t count, size_t size);

/*
 * jansson goes on where it cannot allocate: a string loses a byte, an object a member. What it made is then
 * not to be trusted, and nobody was told. The program has it tell here (cz_json_watch): the number of such
 * losses so far. Whoever parses compares before and after; no file is finished and no document printed after
 * a loss.
 */
unsigned cz_memory_losses(void);
void cz_memory_loss_add(void);

struct cz_arena;

struct cz_arena *cz_arena_create(void);
void cz_arena_destroy(struct cz_arena *);

/* Zeroed, aligned for any type; NULL when memory ran out. Lives until the arena goes. */
void *cz_arena_alloc(struct cz_arena *, size_t bytes);

/* Copies a string (n bytes plus a terminator). */
char *cz_arena_strndup(struct cz_arena *, const char *s, size_t n);
char *cz_arena_strdup(struct cz_arena *, const char *s);
void *cz_arena_memdup(struct cz_arena *, const void *p, size_t bytes);

/* printf into the arena. */
char *cz_arena_printf(struct cz_arena *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
