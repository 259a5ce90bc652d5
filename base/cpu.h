/*
 * What the machine is: instruction tiers, processors we may use, names for reports.
 */
#ifndef CZ_BASE_CPU_H
#define CZ_BASE_CPU_H

#include <stddef.h>

/* 1 if this CPU and the operating system both support the tier "scalar", "avx2", "avx512" or "neon". */
int cz_cpu_has_tier(const char *tier);

/* CPUs in the affinity mask, lowered to the cgroup's quota (rounded up); at least 1. */
int cz_cpu_allowed(void);

/* "AMD EPYC 9B14", or "unknown CPU". Returns buf. */
char *cz_cpu_name(char *buf, size_t size);

#endif
