#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include "checker.h"
#include "base/cpu.h"
#include "base/fpenv.h"
#include "base/philox.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct {
    const char *name;
    void (*check)(struct checker *);
} checks[] = {
#define KERNEL(name, ret, args) {#name, check_##name},
#include "engine/kernels/kernels.def"
#undef KERNEL
};

enum { CASES = 300, MOST_BUFFERS = 32, CANARY = 64 };

struct buffer {
    unsigned char *map, *canary;
    size_t bytes;
};

static struct buffer buffers[MOST_BUFFERS];
static int n_buffers;

static uint32_t next(struct checker *c)
{
    uint32_t r[4];
    cz_random4(c->seed, CZ_STREAM_AUGMENT, 0, c->draws++, 0, r);
    return r[0];
}

int64_t draw(struct checker *c, int64_t low, int64_t high)
{
    return low + (int64_t)(next(c) % (uint64_t)(high - low + 1));
}

float draw_float(struct checker *c, float scale)
{
    return (cz_unit_float(next(c)) * 2 - 1) * scale;
}

float *guarded(struct checker *c, int64_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = (size_t)n * sizeof(float);
    size_t mapped = (bytes + CANARY + page - 1) / page * page + page;
    unsigned char *map = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED || n_buffers == MOST_BUFFERS ||
        mprotect(map + mapped - page, page, PROT_NONE) != 0) {
        perror("guarded");
        exit(2);
    }
    unsigned char *data = map + mapped - page - bytes;
    buffers[n_buffers++] = (struct buffer){map, data - CANARY, mapped};
    memset(data - CANARY, 0xA5, CANARY);
    for (int64_t i = 0; i < n; i++)
        ((float *)data)[i] = draw_float(c, 2);
    return (float *)data;
}

void release_all(struct checker *c)
{
    for (int i = 0; i < n_buffers; i++) {
        for (int k = 0; k < CANARY; k++)
            if (buffers[i].canary[k] != 0xA5) {
                printf("%s %s: wrote %d bytes before a buffer\n", c->kernels->tier, c->kernel, CANARY - k);
                c->failed = 1;
                break;
            }
        munmap(buffers[i].map, buffers[i].bytes);
    }
    n_buffers = 0;
}

static void report(struct checker *c, const char *what, int64_t at, double found, double wanted,
                   double allowed)
{
    if (!c->failed)
        printf("%s %s: %s[%lld] is %.9g, wanted %.9g within %.3g; repeat: test_kernels --tier %s --kernel %s "
               "--seed "
               "%llu\n",
               c->kernels->tier, c->kernel, what, (long long)at, found, wanted, allowed, c->kernels->tier,
               c->kernel, (unsigned long long)c->seed);
    c->failed = 1;
}

void expect_near(struct checker *c, const char *what, int64_t at, double found, double wanted, double allowed)
{
    if (isnan(wanted) ? !isnan(found) : !(fabs(found - wanted) <= allowed || found == wanted))
        report(c, what, at, found, wanted, allowed);
}

void expect_bits(struct checker *c, const char *what, int64_t at, float found, float wanted)
{
    if (memcmp(&found, &wanted, sizeof found) != 0 && !(isnan(found) && isnan(wanted)))
        report(c, what, at, (double)found, (double)wanted, 0);
}

struct options {
    const char *tier, *kernel;
    uint64_t first_seed;
    int cases;
};

static int run_check(const struct cz_kernels *kernels, int index, const struct options *o)
{
    int failed = 0;
    for (int i = 0; i < o->cases && failed < 3; i++) {
        struct checker c = {kernels, checks[index].name, o->first_seed + (uint64_t)i, 0, 0};
        checks[index].check(&c);
        release_all(&c);
        failed += c.failed;
    }
    return failed > 0;
}

static int usage(void)
{
    fprintf(stderr, "usage: test_kernels [--tier NAME] [--kernel NAME] [--seed N: this case only]\n");
    return 2;
}

static int parse(int argc, char **argv, struct options *o)
{
    *o = (struct options){NULL, NULL, 1, CASES};
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 >= argc)
            return usage();
        if (strcmp(argv[i], "--tier") == 0)
            o->tier = argv[i + 1];
        else if (strcmp(argv[i], "--kernel") == 0)
            o->kernel = argv[i + 1];
        else if (strcmp(argv[i], "--seed") == 0)
            o->first_seed = strtoull(argv[i + 1], NULL, 0), o->cases = 1;
        else
            return usage();
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct options o;
    int passed = 0, failed = 0, skipped = 0;
    if (parse(argc, argv, &o) != 0)
        return 2;
    cz_fpenv_enter(); /* the mode kernels run in */
    for (int t = 0; t < cz_kernels_count(); t++) {
        const struct cz_kernels *kernels = cz_kernels_at(t);
        if (o.tier && strcmp(o.tier, kernels->tier) != 0)
            continue;
        if (!cz_cpu_has_tier(kernels->tier)) {
            printf("%s: this CPU has not got it\n", kernels->tier);
            skipped++;
            continue;
        }
        for (size_t k = 0; k < sizeof checks / sizeof *checks; k++)
            if (!o.kernel || strcmp(o.kernel, checks[k].name) == 0)
                run_check(kernels, (int)k, &o) ? failed++ : passed++;
    }
    printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
    return failed > 0 || passed == 0;
}
