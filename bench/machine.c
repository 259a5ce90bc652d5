#include "bench/machine.h"
#include "base/cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* First line of a file of /sys, without its end; 0 where there is none. */
static int read_line(const char *path, char *buf, size_t size)
{
    FILE *in = fopen(path, "r");
    char *line = in ? fgets(buf, (int)size, in) : NULL;
    if (in)
        fclose(in);
    if (line)
        buf[strcspn(buf, "\n")] = '\0';
    return line != NULL;
}

/* The number behind `key` in a file of lines "key: number ..."; 0 where there is none. */
static double keyed_number(const char *path, const char *key)
{
    char line[256];
    double number = 0;
    FILE *in = fopen(path, "r");
    while (in && number == 0 && fgets(line, sizeof line, in)) {
        const char *colon = strchr(line, ':');
        if (colon && strncmp(line, key, strlen(key)) == 0)
            number = strtod(colon + 1, NULL);
    }
    if (in)
        fclose(in);
    return number;
}

static void read_date(char *buf, size_t size)
{
    struct tm local;
    time_t now = time(NULL);
    char zone[8] = "";
    if (!localtime_r(&now, &local))
        return;
    size_t n = strftime(buf, size, "%Y-%m-%dT%H:%M:%S", &local);
    strftime(zone, sizeof zone, "%z", &local); /* "+0200"; ISO 8601's extended form wants the colon */
    snprintf(buf + n, size - n, "%.3s:%s", zone, zone + 3);
}

/* CPUs in a mask as the kernel prints it: hexadecimal words, comma between. */
static int count_bits(const char *mask)
{
    int n = 0;
    for (; *mask; mask++) {
        char digit[2] = {*mask, '\0'};
        n += __builtin_popcountl(strtoul(digit, NULL, 16));
    }
    return n;
}

/* "48K", "2048K", "32M" */
static int64_t size_of(const char *text)
{
    char *unit;
    int64_t n = strtoll(text, &unit, 10);
    return *unit == 'K' ? n << 10 : *unit == 'M' ? n << 20 : n;
}

static int cache_file(int index, const char *name, char *buf, size_t size)
{
    char path[96];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/%s", index, name);
    return read_line(path, buf, size);
}

static void read_caches(struct cz_machine *m)
{
    char level[16], size[16], shared[256];
    for (int i = 0; i < CZ_MAX_CACHES; i++) {
        struct cz_cache *c = &m->caches[i];
        if (!cache_file(i, "type", c->type, sizeof c->type) || !cache_file(i, "level", level, sizeof level) ||
            !cache_file(i, "size", size, sizeof size))
            return;
        c->level = (int)strtol(level, NULL, 10);
        c->bytes = size_of(size);
        c->n_sharing = cache_file(i, "shared_cpu_map", shared, sizeof shared) ? count_bits(shared) : 0;
        m->n_caches = i + 1;
    }
}

static void read_load(struct cz_machine *m)
{
    char line[128];
    if (read_line("/proc/loadavg", line, sizeof line))
        m->n_loads = sscanf(line, "%lf %lf %lf", &m->load_avg[0], &m->load_avg[1], &m->load_avg[2]);
    if (m->n_loads < 0)
        m->n_loads = 0;
}

void cz_machine_read(struct cz_machine *m)
{
    char governor[32];
    memset(m, 0, sizeof *m);
    read_date(m->date, sizeof m->date);
    if (gethostname(m->host, sizeof m->host - 1) != 0)
        m->host[0] = '\0';
    cz_cpu_name(m->cpu, sizeof m->cpu);
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    m->n_cpus = n > 0 ? (int)n : 1;
    m->mhz = (int)keyed_number("/proc/cpuinfo", "cpu MHz");
    m->scaling_enabled =
        read_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", governor, sizeof governor) &&
        strcmp(governor, "performance") != 0;
    read_caches(m);
    read_load(m);
}

/* Of /proc/stat's columns, user (guests are in it), nice, system, irq, softirq and steal are work; idle and
 * iowait are not. */
double cz_machine_busy_seconds(void)
{
    char line[256];
    double t[8] = {0};
    if (!read_line("/proc/stat", line, sizeof line) ||
        sscanf(line, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6],
               &t[7]) < 7)
        return -1;
    return (t[0] + t[1] + t[2] + t[5] + t[6] + t[7]) / (double)sysconf(_SC_CLK_TCK);
}

double cz_process_cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* VmHWM and not getrusage's ru_maxrss: that one a child inherits from its parent across exec. */
int64_t cz_process_peak_bytes(void)
{
    return (int64_t)keyed_number("/proc/self/status", "VmHWM") << 10;
}

int64_t cz_process_resident_bytes(void)
{
    return (int64_t)keyed_number("/proc/self/status", "VmRSS") << 10;
}

int64_t cz_machine_available_bytes(void)
{
    return (int64_t)keyed_number("/proc/meminfo", "MemAvailable") << 10;
}
