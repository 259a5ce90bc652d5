#define _GNU_SOURCE /* O_PATH */
#include "importer/onnx_external.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Far above any image network; a larger one is a sparse file made to exhaust us. */
static const int64_t largest_file = (int64_t)64 << 30;

static cz_status parse_number(const char *key, const char *text, size_t *out, cz_error *err)
{
    size_t value = 0;
    const char *p = text;
    for (; *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(value, (size_t)10, &value) ||
            __builtin_add_overflow(value, (size_t)(*p - '0'), &value))
            break;
    if (p == text || *p || value > INT64_MAX)
        CZ_FAIL(err, CZ_ERR_FORMAT, "external data: %s '%s' is not a whole number of bytes", key, text);
    *out = value;
    return CZ_OK;
}

cz_status onnx_external_parse(const struct cz_metadata *entries, size_t n, struct onnx_external *out,
                              cz_error *err)
{
    static const char *const keys[] = {"location", "offset", "length", "checksum", "basepath"};
    int seen[5] = {0};
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < n; i++) {
        int which = -1;
        for (int k = 0; k < 5; k++)
            if (strcmp(entries[i].key, keys[k]) == 0)
                which = k;
        if (which < 0)
            CZ_FAIL(err, CZ_ERR_FORMAT, "external data: unknown key '%s'", entries[i].key);
        if (seen[which]++)
            CZ_FAIL(err, CZ_ERR_FORMAT, "external data: '%s' given twice", keys[which]);
        if (which == 0)
            out->location = entries[i].value;
        else if (which < 3)
            CZ_TRY(
                parse_number(keys[which], entries[i].value, which == 1 ? &out->offset : &out->length, err));
    }
    if (!out->location)
        CZ_FAIL(err, CZ_ERR_FORMAT, "external data: no location");
    out->has_length = seen[2];
    return CZ_OK;
}

static cz_status leaves_folder(const char *location, cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_FORMAT,
            "external data '%s': not a file beside or below the model, so it is not read; put it there",
            location);
}

/* Backslashes and drive letters are names here but paths elsewhere; a model that uses them is not portable.
 */
static cz_status check_location(const char *location, cz_error *err)
{
    if (!location[0] || location[0] == '/' || strchr(location, '\\') || (location[0] && location[1] == ':') ||
        strlen(location) > 4096)
        return leaves_folder(location, err);
    for (const char *p = location; *p;) {
        size_t n = strcspn(p, "/");
        int is_last = p[n] == '\0';
        if (n == 0 || (n == 2 && p[0] == '.' && p[1] == '.') || (is_last && n == 1 && p[0] == '.') ||
            (!is_last && p[n + 1] == '\0'))
            return leaves_folder(location, err);
        p += n + !is_last;
    }
    return CZ_OK;
}

static cz_status cannot_open(const char *location, cz_error *err)
{
    if (errno == ELOOP || errno == ENOTDIR)
        CZ_FAIL(err, CZ_ERR_FORMAT,
                "external data '%s': a link or no folder on the way; put the file itself there", location);
    CZ_FAIL(err, CZ_ERR_IO, "external data '%s': %s; it belongs beside the model", location,
            errno == ENOENT ? "no such file" : strerror(errno));
}

/* One component after the other; each must be a real folder, the last anything but a link. */
static cz_status open_beneath(int folder, const char *location, int *out, cz_error *err)
{
    char *copy = strdup(location);
    if (!copy)
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory");
    int at = folder;
    for (char *name = copy, *slash; at >= 0; name = slash + 1) {
        slash = strchr(name, '/');
        if (slash)
            *slash = '\0';
        int flags = slash ? O_PATH | O_DIRECTORY : O_RDONLY | O_NONBLOCK;
        int next = openat(at, name, flags | O_NOFOLLOW | O_CLOEXEC);
        int reason = errno;
        if (at != folder)
            close(at);
        errno = reason;
        at = next;
        if (!slash)
            break;
    }
    free(copy);
    *out = at;
    return at < 0 ? cannot_open(location, err) : CZ_OK;
}

static cz_status check_opened(int fd, const char *location, cz_error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return cannot_open(location, err);
    if (!S_ISREG(st.st_mode))
        CZ_FAIL(err, CZ_ERR_FORMAT, "external data '%s': not a regular file", location);
    if (st.st_nlink != 1)
        CZ_FAIL(err, CZ_ERR_FORMAT,
                "external data '%s': has %llu hard links, so it may be a file from elsewhere; copy it",
                location, (unsigned long long)st.st_nlink);
    if (st.st_size > largest_file)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "external data '%s': larger than %lld GiB", location,
                (long long)(largest_file >> 30));
    return CZ_OK;
}

cz_status onnx_external_map(const char *folder, const char *location, struct cz_file_map *out, cz_error *err)
{
    int fd = -1;
    CZ_TRY(check_location(location, err));
    int base = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (base < 0)
        CZ_FAIL(err, CZ_ERR_IO, "%s: %s", folder, strerror(errno));
    cz_status status = open_beneath(base, location, &fd, err);
    if (status == CZ_OK)
        status = check_opened(fd, location, err);
    if (status == CZ_OK)
        status = cz_file_map_fd(fd, location, out, err);
    if (fd >= 0)
        close(fd);
    close(base);
    return status;
}
