#define _GNU_SOURCE /* sched_getaffinity, CPU_COUNT */
#include "base/cpu.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

int cz_cpu_has_tier(const char *tier)
{
    if (strcmp(tier, "scalar") == 0)
        return 1;
#if defined(__x86_64__)
    /* The compiler's runtime tests CPUID and, through XGETBV, that the system saves the registers. */
    __builtin_cpu_init();
    if (strcmp(tier, "avx2") == 0)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (strcmp(tier, "avx512") == 0)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("fma");
#elif defined(__aarch64__)
    if (strcmp(tier, "neon") == 0)
        return 1;
#endif
    return 0;
}

/* cgroup v2: "max 100000" or "150000 100000" (quota and period in microseconds). 0: no limit. */
static int cgroup_cpus(void)
{
    FILE *f = fopen("/sys/fs/cgroup/cpu.max", "r");
    long quota = 0, period = 0;
    int found = f ? fscanf(f, "%ld %ld", &quota, &period) : 0;
    if (f)
        fclose(f);
    return found == 2 && quota > 0 && period > 0 ? (int)((quota + period - 1) / period) : 0;
}

int cz_cpu_allowed(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    int limit = cgroup_cpus();
    if (limit > 0 && limit < n)
        n = limit;
    return n > 0 ? n : 1;
}

char *cz_cpu_name(char *buf, size_t size)
{
    snprintf(buf, size, "unknown CPU");
    FILE *f = fopen("/proc/cpuinfo", "r");
    char line[256], name[200];
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "model name : %199[^\n]", name) == 1) {
            snprintf(buf, size, "%s", name);
            break;
        }
    if (f)
        fclose(f);
    return buf;
}
