/*
 * The machine as a benchmark's record names it, and who else is using it.
 */
#ifndef CZ_BENCH_MACHINE_H
#define CZ_BENCH_MACHINE_H

#include <stddef.h>
#include <stdint.h>

enum { CZ_MAX_CACHES = 8 };

/* What the system does not tell is 0, empty or absent. */
struct cz_machine {
    char date[40]; /* now, ISO 8601 with offset */
    char host[128], cpu[128];
    int n_cpus, mhz, scaling_enabled; /* scaling: the clock may change by a governor's choice */
    struct cz_cache {
        char type[16]; /* "Data", "Instruction", "Unified" */
        int level, n_sharing;
        int64_t bytes;
    } caches[CZ_MAX_CACHES];
    int n_caches;
    double load_avg[3];
    int n_loads;
};

void cz_machine_read(struct cz_machine *);

/* CPU seconds that all processes of the system have used since it started; negative where it does not say. */
double cz_machine_busy_seconds(void);

/* CPU seconds of this process, all its threads together. */
double cz_process_cpu_seconds(void);

/* This process's resident memory now and at its largest, in bytes; 0 where the system does not say. */
int64_t cz_process_resident_bytes(void);
int64_t cz_process_peak_bytes(void);

/* Memory that can be had without swapping; 0 where the system does not say. */
int64_t cz_machine_available_bytes(void);

#endif
