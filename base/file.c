#define _GNU_SOURCE /* O_TMPFILE */
#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ".tmp-", a process, "-", a number; and how many such names may be left from before. */
enum { TEMPORARY_SUFFIX = 48, MAX_NAMES = 1000 };

cz_status cz_file_map_fd(int fd, const char *path, struct cz_file_map *out, cz_error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        CZ_FAIL(err, cz_status_of_errno(), "%s: %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode))
        CZ_FAIL(err, CZ_ERR_IO, "%s: is a folder, a file is wanted; name a file in it", path);
    if (!S_ISREG(st.st_mode))
        CZ_FAIL(err, CZ_ERR_IO, "%s: not a regular file; copy it to one", path);
    out->size = (size_t)st.st_size;
    out->data = (const unsigned char *)"";
    if (st.st_size == 0)
        return CZ_OK;
    void *p = mmap(NULL, out->size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED)
        CZ_FAIL(err, cz_status_of_errno(), "%s: cannot map %zu bytes: %s", path, out->size, strerror(errno));
    out->data = p;
    return CZ_OK;
}

void cz_file_unmap(struct cz_file_map *map)
{
    if (map->size > 0)
        munmap((void *)map->data, map->size);
    map->data = NULL;
    map->size = 0;
}

/* Reads what is there, up to `wanted` bytes; a file that shrinks meanwhile gives fewer. -1 on error. */
static ssize_t read_fully(int fd, unsigned char *data, size_t wanted)
{
    size_t have = 0;
    while (have < wanted) {
        ssize_t n = read(fd, data + have, wanted - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        have += (size_t)n;
    }
    return (ssize_t)have;
}

static cz_status read_descriptor(int fd, const char *path, size_t max_bytes, unsigned char **data,
                                 size_t *size, cz_error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        CZ_FAIL(err, cz_status_of_errno(), "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        CZ_FAIL(err, CZ_ERR_IO, "%s: %s", path,
                S_ISDIR(st.st_mode) ? "is a folder, a file is wanted; name a file in it"
                                    : "not a regular file; copy it to one");
    if ((uintmax_t)st.st_size > max_bytes)
        CZ_FAIL(err, CZ_ERR_FORMAT, "%s: %jd bytes, over the limit of %zu; name a smaller file", path,
                (intmax_t)st.st_size, max_bytes);
    unsigned char *bytes = malloc((size_t)st.st_size + 1);
    if (!bytes)
        CZ_FAIL(err, CZ_ERR_MEMORY, "%s: out of memory for %jd bytes", path, (intmax_t)st.st_size);
    ssize_t n = read_fully(fd, bytes, (size_t)st.st_size);
    if (n < 0) {
        cz_error_set(err, cz_status_of_errno(), "%s: cannot read: %s", path, strerror(errno));
        free(bytes);
        return CZ_ERR_IO;
    }
    bytes[n] = '\0';
    *data = bytes;
    *size = (size_t)n;
    return CZ_OK;
}

/* O_NONBLOCK: a FIFO named on the command line must not hang us before fstat tells what it is. */
static int open_to_read(int folder, const char *path, cz_error *err)
{
    int fd = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        cz_error_set(err, cz_status_of_errno(), "%s: %s", path,
                     errno == ENOENT ? "no such file; check the name" : strerror(errno));
    return fd;
}

cz_status cz_file_read_at(int folder, const char *name, size_t max_bytes, unsigned char **data, size_t *size,
                          cz_error *err)
{
    *data = NULL;
    *size = 0;
    int fd = open_to_read(folder, name, err);
    if (fd < 0)
        return CZ_ERR_IO;
    cz_status status = read_descriptor(fd, name, max_bytes, data, size, err);
    close(fd);
    return status;
}

cz_status cz_file_read(const char *path, size_t max_bytes, unsigned char **data, size_t *size, cz_error *err)
{
    return cz_file_read_at(AT_FDCWD, path, max_bytes, data, size, err);
}

cz_status cz_file_map(const char *path, struct cz_file_map *out, cz_error *err)
{
    int fd = open_to_read(AT_FDCWD, path, err);
    if (fd < 0)
        return CZ_ERR_IO;
    cz_status status = cz_file_map_fd(fd, path, out, err);
    close(fd);
    return status;
}

/* "dir/name" -> "dir", "name" -> ".". */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

/* What is in the way of a file of that name, or NULL. A device or pipe would be lost: the finished file takes
 * its place, and whoever may write in /dev would turn /dev/null into a file. */
static const char *obstacle(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0 || S_ISREG(st.st_mode))
        return NULL;
    return S_ISDIR(st.st_mode) ? "is a folder, a file is wanted" : "not a regular file";
}

/* A file without a name where the file system has them: it goes with its process, whatever ends that. Naming
 * it takes /proc. -1: not here. */
static int open_nameless(const char *path)
{
    char *folder = folder_of(path);
    int fd = folder && access("/proc/self/fd", X_OK) == 0
                 ? open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666)
                 : -1;
    free(folder);
    return fd;
}

static int open_sibling(struct cz_file_writer *w, size_t size)
{
    snprintf(w->temporary, size, "%s.tmp-XXXXXX", w->path);
    int fd = mkstemp(w->temporary);
    if (fd < 0) {
        w->temporary[0] = '\0';
        return -1;
    }
    mode_t mask = umask(0);
    umask(mask);
    fchmod(fd, 0666 & ~mask);
    return fd;
}

cz_status cz_file_writer_open(const char *path, struct cz_file_writer *out, cz_error *err)
{
    memset(out, 0, sizeof *out);
    size_t size = strlen(path) + TEMPORARY_SUFFIX;
    const char *why = obstacle(path);
    if (why)
        CZ_FAIL(err, CZ_ERR_IO, "%s: %s; choose another place", path, why);
    out->path = strdup(path);
    out->temporary = calloc(size, 1); /* an empty name: nothing to remove yet */
    if (!out->path || !out->temporary) {
        cz_file_writer_abandon(out);
        CZ_FAIL(err, CZ_ERR_MEMORY, "%s: out of memory", path);
    }
    int fd = open_nameless(path);
    if (fd < 0)
        fd = open_sibling(out, size);
    out->stream = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (!out->stream) {
        int reason = errno;
        if (fd >= 0)
            close(fd);
        cz_file_writer_abandon(out);
        CZ_FAIL(err, CZ_ERR_IO, "%s: cannot create: %s; choose another place", path, strerror(reason));
    }
    return CZ_OK;
}

void cz_file_writer_abandon(struct cz_file_writer *w)
{
    if (w->stream)
        fclose(w->stream);
    if (w->temporary && w->temporary[0])
        unlink(w->temporary);
    free(w->temporary);
    free(w->path);
    memset(w, 0, sizeof *w);
}

static int sync_folder(const char *path)
{
    char *folder = folder_of(path);
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    free(folder);
    if (fd < 0)
        return -1;
    /* Some file systems cannot sync a folder; the rename itself has happened. */
    int bad = fsync(fd) != 0 && errno != EINVAL;
    close(fd);
    return bad ? -1 : 0;
}

/* A name for the nameless: at once its own where that is free, else a sibling's for the rename. */
static int give_name(struct cz_file_writer *w)
{
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", fileno(w->stream));
    if (linkat(AT_FDCWD, self, AT_FDCWD, w->path, AT_SYMLINK_FOLLOW) == 0)
        return 0;
    for (unsigned i = 0; errno == EEXIST && i < MAX_NAMES; i++) {
        snprintf(w->temporary, strlen(w->path) + TEMPORARY_SUFFIX, "%s.tmp-%ld-%u", w->path, (long)getpid(),
                 i);
        if (linkat(AT_FDCWD, self, AT_FDCWD, w->temporary, AT_SYMLINK_FOLLOW) == 0)
            return 0;
    }
    w->temporary[0] = '\0'; /* not ours to remove */
    return -1;
}

static int settle(struct cz_file_writer *w)
{
    if (fflush(w->stream) != 0 || ferror(w->stream) || fsync(fileno(w->stream)) != 0)
        return -1;
    if (!w->temporary[0] && give_name(w) != 0)
        return -1;
    return w->temporary[0] ? rename(w->temporary, w->path) : 0;
}

cz_status cz_file_writer_commit(struct cz_file_writer *w, cz_error *err)
{
    if (cz_memory_losses() > 0) { /* what was written may lack something */
        cz_error_set(err, CZ_ERR_MEMORY, "%s: out of memory; nothing was kept", w->path);
        cz_file_writer_abandon(w);
        return CZ_ERR_MEMORY;
    }
    if (settle(w) != 0) {
        cz_error_set(err, cz_status_of_errno(), "%s: cannot write: %s; nothing was kept", w->path,
                     strerror(errno));
        cz_file_writer_abandon(w);
        return CZ_ERR_IO;
    }
    w->temporary[0] = '\0';
    sync_folder(w->path);
    cz_file_writer_abandon(w);
    return CZ_OK;
}

cz_status cz_file_write(const char *path, const void *data, size_t size, cz_error *err)
{
    struct cz_file_writer w;
    CZ_TRY(cz_file_writer_open(path, &w, err));
    fwrite(data, 1, size, w.stream);
    return cz_file_writer_commit(&w, err);
}
