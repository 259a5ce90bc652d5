#include "cli/format.h"

#include <stdio.h>
#include <string.h>

char *cz_format_count(int64_t n, char buf[CZ_FORMAT])
{
    char digits[CZ_FORMAT];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)n), used = 0;
    for (int i = 0; i < length; i++) {
        int left = length - i;
        if (i > 0 && left % 3 == 0 && digits[i - 1] != '-')
            buf[used++] = ',';
        buf[used++] = digits[i];
    }
    buf[used] = '\0';
    return buf;
}

char *cz_format_bytes(double bytes, char buf[CZ_FORMAT])
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    int unit = 0;
    while (unit < 4 && bytes >= 1024) {
        bytes /= 1024;
        unit++;
    }
    snprintf(buf, CZ_FORMAT, unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
    return buf;
}

char *cz_format_ms(double ms, char buf[CZ_FORMAT])
{
    snprintf(buf, CZ_FORMAT, ms < 0.1 ? "%.4f" : ms < 1 ? "%.3f" : ms < 10 ? "%.2f" : "%.1f", ms);
    return buf;
}

char *cz_format_gmacs(double macs, char buf[CZ_FORMAT])
{
    snprintf(buf, CZ_FORMAT, macs > 0 && macs < 1e7 ? "%.5f" : "%.3f", macs / 1e9);
    return buf;
}

char *cz_format_dims(const struct cz_shape *shape, const char *const *dim_name, char *buf, size_t size)
{
    size_t used = 0;
    if (shape->rank < 0) {
        snprintf(buf, size, "of any shape");
        return buf;
    }
    snprintf(buf, size, "[");
    for (int i = 0; i < shape->rank && (used = strlen(buf)) < size; i++) {
        const char *comma = i ? ", " : "";
        if (shape->dim[i] >= 0)
            snprintf(buf + used, size - used, "%s%lld", comma, (long long)shape->dim[i]);
        else
            snprintf(buf + used, size - used, "%s%s", comma, dim_name && dim_name[i] ? dim_name[i] : "?");
    }
    used = strlen(buf);
    snprintf(buf + used, size - used, "]");
    return buf;
}
