/*
 * Files: whole files mapped for reading, and files that are written whole or not at all.
 */
#ifndef CZ_BASE_FILE_H
#define CZ_BASE_FILE_H

#include "base/status.h"

#include <stdio.h>

struct cz_file_map {
    const unsigned char *data;
    size_t size;
};

/*
 * Maps a regular file read-only. An empty file gives size 0 and a non-NULL pointer.
 * Errors  CZ_ERR_IO with the file's name and the system's reason.
 */
cz_status cz_file_map(const char *path, struct cz_file_map *out, cz_error *err);

/* The same for an open descriptor, which stays the caller's; `path` is for messages. */
cz_status cz_file_map_fd(int fd, const char *path, struct cz_file_map *out, cz_error *err);
void cz_file_unmap(struct cz_file_map *map);

/*
 * Reads a whole regular file into *data (malloc; *size bytes and a terminating zero). For files that may
 * change while we work, where a mapping would end in SIGBUS.
 * Errors  CZ_ERR_IO as cz_file_map, CZ_ERR_FORMAT for files over `max_bytes`, CZ_ERR_MEMORY.
 */
cz_status cz_file_read(const char *path, size_t max_bytes, unsigned char **data, size_t *size, cz_error *err);

/* The same below an open folder (or AT_FDCWD); messages name the file as given. */
cz_status cz_file_read_at(int folder, const char *name, size_t max_bytes, unsigned char **data, size_t *size,
                          cz_error *err);

/*
 * A file under construction: it has no name until commit (fsync, link or rename, fsync of the folder), so
 * that even a killed process leaves nothing behind. On file systems without nameless files it is a temporary
 * sibling. A folder, device or pipe of that name is refused: CZ_ERR_IO.
 */
struct cz_file_writer {
    FILE *stream;           /* write here */
    char *path, *temporary; /* temporary "": no name yet */
};

cz_status cz_file_writer_open(const char *path, struct cz_file_writer *out, cz_error *err);

/* Flushes and renames; every write error since open is reported here. Releases the writer in all cases. */
cz_status cz_file_writer_commit(struct cz_file_writer *, cz_error *err);

/* Removes the temporary file; does nothing after commit. */
void cz_file_writer_abandon(struct cz_file_writer *);

/* Writes `size` bytes as the whole of `path`. */
cz_status cz_file_write(const char *path, const void *data, size_t size, cz_error *err);

#endif
