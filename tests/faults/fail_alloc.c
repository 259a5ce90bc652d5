/*
 * Preloaded into the program (LD_PRELOAD): makes one allocation fail, and tells at the end what became of
 * all.
 *
 *   CONVZOO_FAIL_ALLOC=N     the N-th allocation since main began fails (0: none, they are only counted)
 *   CONVZOO_FAIL_REPORT=FILE where the count goes: "seen N failed K live BLOCKS BYTES"
 *   CONVZOO_FAIL_TRACE=1     the stack of the one that fails, and of blocks that stay, to stderr
 *
 * Counted are malloc, calloc, realloc that grows or makes, posix_memalign, aligned_alloc and mmap of memory
 * without a file; the libraries' own calls too, and the C library's (strdup, fopen, open_memstream). What
 * happens before main is the loader's and not counted. The next definition in line does the work, so that a
 * sanitizer's allocator may stand behind this one.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A run that takes longer than this hangs: SIGALRM ends it. Runs take a hundredth of a second; the rest is
 * for sanitizers and busy machines. */
enum { LIMIT_S = 60, MAX_FRAMES = 24, MAX_BLOCKS = 1 << 16, BOOTSTRAP = 1 << 16 };

static struct {
    void *(*malloc)(size_t), *(*calloc)(size_t, size_t), *(*realloc)(void *, size_t);
    int (*posix_memalign)(void **, size_t, size_t);
    void *(*aligned_alloc)(size_t, size_t), *(*mmap)(void *, size_t, int, int, int, off_t);
    int (*munmap)(void *, size_t);
    void (*free)(void *);
} next;

/* dlsym may allocate before its answer is there: from here, never given back. */
static unsigned char bootstrap[BOOTSTRAP] __attribute__((aligned(64)));
static size_t bootstrap_used;

struct block {
    void *p;
    size_t size;
    int n_frames;
    void *frames[MAX_FRAMES];
};

static struct block blocks[MAX_BLOCKS]; /* open addressing; p of GONE: was used */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic long seen, failed;
static long to_fail;
static int counting, tracing;
static _Thread_local int inside; /* our own calls are not counted */

#define GONE ((void *)1)

static void find_next(void)
{
    static int looking;
    if (next.free || looking)
        return;
    looking = 1;
    *(void **)&next.malloc = dlsym(RTLD_NEXT, "malloc");
    *(void **)&next.calloc = dlsym(RTLD_NEXT, "calloc");
    *(void **)&next.realloc = dlsym(RTLD_NEXT, "realloc");
    *(void **)&next.posix_memalign = dlsym(RTLD_NEXT, "posix_memalign");
    *(void **)&next.aligned_alloc = dlsym(RTLD_NEXT, "aligned_alloc");
    *(void **)&next.mmap = dlsym(RTLD_NEXT, "mmap");
    *(void **)&next.munmap = dlsym(RTLD_NEXT, "munmap");
    *(void **)&next.free = dlsym(RTLD_NEXT, "free");
    looking = 0;
}

static int is_bootstrap(const void *p)
{
    return (const unsigned char *)p >= bootstrap && (const unsigned char *)p < bootstrap + BOOTSTRAP;
}

static void *from_bootstrap(size_t n)
{
    n = (n + 63) / 64 * 64;
    if (n > BOOTSTRAP - bootstrap_used)
        abort();
    bootstrap_used += n;
    return bootstrap + bootstrap_used - n;
}

static void print_stack(const char *title, void *const *frames, int n)
{
    inside++;
    dprintf(2, "%s\n", title);
    backtrace_symbols_fd(frames, n, 2);
    inside--;
}

/* Whether this allocation is the one. */
static int fails(void)
{
    if (!counting || inside || atomic_fetch_add(&seen, 1) + 1 != to_fail)
        return 0;
    atomic_fetch_add(&failed, 1);
    if (tracing) {
        void *frames[MAX_FRAMES];
        inside++;
        print_stack("-- this allocation fails", frames, backtrace(frames, MAX_FRAMES));
        inside--;
    }
    errno = ENOMEM;
    return 1;
}

static size_t slot_of(const void *p)
{
    return (size_t)(((uintptr_t)p >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 40) % MAX_BLOCKS;
}

static void *note(void *p, size_t size)
{
    if (!p || !counting || inside)
        return p;
    struct block b = {.p = p, .size = size};
    inside++;
    if (tracing)
        b.n_frames = backtrace(b.frames, MAX_FRAMES);
    pthread_mutex_lock(&lock);
    size_t i = slot_of(p), tries = 0;
    for (; blocks[i].p && blocks[i].p != GONE && tries < MAX_BLOCKS; tries++)
        i = (i + 1) % MAX_BLOCKS;
    if (tries == MAX_BLOCKS)
        abort();
    blocks[i] = b;
    pthread_mutex_unlock(&lock);
    inside--;
    return p;
}

static void forget(const void *p)
{
    if (!p || !counting)
        return;
    pthread_mutex_lock(&lock);
    for (size_t i = slot_of(p), tries = 0; blocks[i].p && tries < MAX_BLOCKS;
         i = (i + 1) % MAX_BLOCKS, tries++)
        if (blocks[i].p == p) {
            blocks[i].p = GONE;
            break;
        }
    pthread_mutex_unlock(&lock);
}

void *malloc(size_t n)
{
    find_next();
    if (!next.malloc)
        return from_bootstrap(n);
    return fails() ? NULL : note(next.malloc(n), n);
}

void *calloc(size_t n, size_t size)
{
    find_next();
    if (!next.calloc)
        return from_bootstrap(n * size);
    return fails() ? NULL : note(next.calloc(n, size), n * size);
}

void *realloc(void *p, size_t n)
{
    find_next();
    if (is_bootstrap(p))
        abort();
    if (n > 0 && fails())
        return NULL;
    void *grown = next.realloc(p, n);
    if (grown || n == 0)
        forget(p);
    return note(grown, n);
}

int posix_memalign(void **out, size_t align, size_t n)
{
    find_next();
    if (fails())
        return ENOMEM;
    int status = next.posix_memalign(out, align, n);
    if (status == 0)
        note(*out, n);
    return status;
}

void *aligned_alloc(size_t align, size_t n)
{
    find_next();
    return fails() ? NULL : note(next.aligned_alloc(align, n), n);
}

void free(void *p)
{
    find_next();
    if (is_bootstrap(p))
        return;
    forget(p);
    next.free(p);
}

void *mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset)
{
    find_next();
    if ((flags & MAP_ANONYMOUS) && fails())
        return MAP_FAILED;
    void *p = next.mmap(at, n, protection, flags, fd, offset);
    if (p != MAP_FAILED) /* a file's mapping too: it must not stay either */
        note(p, n);
    return p;
}

int munmap(void *p, size_t n)
{
    find_next();
    forget(p);
    return next.munmap(p, n);
}

/*
 * Constructors of a library (libgfortran's, behind OpenBLAS) end the process when they get no memory, and no
 * one can answer for them: what happens while a library is opened is not counted.
 */
void *dlopen(const char *name, int mode)
{
    void *(*open_it)(const char *, int);
    *(void **)&open_it = dlsym(RTLD_NEXT, "dlopen");
    inside++;
    void *library = open_it(name, mode);
    inside--;
    return library;
}

static void write_report(void)
{
    const char *path = getenv("CONVZOO_FAIL_REPORT");
    size_t n_live = 0, bytes = 0;
    counting = 0;
    for (size_t i = 0; i < MAX_BLOCKS; i++)
        if (blocks[i].p && blocks[i].p != GONE) {
            n_live++;
            bytes += blocks[i].size;
            if (tracing)
                print_stack("-- this block stays", blocks[i].frames, blocks[i].n_frames);
        }
    FILE *f = path ? fopen(path, "w") : NULL;
    if (f) {
        fprintf(f, "seen %ld failed %ld live %zu %zu\n", (long)seen, (long)failed, n_live, bytes);
        fclose(f);
    }
}

static int (*real_main)(int, char **, char **);

static int counted_main(int argc, char **argv, char **env)
{
    const char *n = getenv("CONVZOO_FAIL_ALLOC");
    void *frame;
    to_fail = n ? atol(n) : 0;
    tracing = getenv("CONVZOO_FAIL_TRACE") != NULL;
    backtrace(&frame, 1); /* loads what it needs */
    atexit(write_report);
    alarm(LIMIT_S);
    counting = 1;
    return real_main(argc, argv, env);
}

typedef int start_fn(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void),
                     void (*)(void), void *);

int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*rtld_fini)(void), void *stack_end);
int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*rtld_fini)(void), void *stack_end)
{
    start_fn *start;
    *(void **)&start = dlsym(RTLD_NEXT, "__libc_start_main");
    real_main = main;
    return start(counted_main, argc, argv, init, fini, rtld_fini, stack_end);
}
