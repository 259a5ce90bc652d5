/*
 * One file over HTTP (libcurl), into a file that may hold its beginning already.
 *
 * Redirects are followed within http and https, never from https to http. Nothing is unpacked or interpreted,
 * and who the server is does not matter to the caller, who compares the content's hash.
 */
#ifndef CZ_CLI_DOWNLOAD_H
#define CZ_CLI_DOWNLOAD_H

#include "base/status.h"

#include <stdint.h>

enum cz_download_end {
    CZ_DOWNLOAD_DONE,    /* the server says that this was all */
    CZ_DOWNLOAD_BROKEN,  /* cut off or stalled: what came is kept, going on may help */
    CZ_DOWNLOAD_REFUSED, /* the server will not go on from there: begin again */
    CZ_DOWNLOAD_STOPPED, /* by stop() */
    CZ_DOWNLOAD_FAILED,  /* no network, no such file, disk full, too large: see the error */
};

struct cz_download {
    const char *url;
    int fd;              /* read-write; written from its end on */
    int64_t limit_bytes; /* a server that sends more is not believed */
    double timeout_s;    /* without a byte, and to connect */
    void (*progress)(void *user, int64_t have_bytes);
    int (*stop)(void *user); /* asked several times a second */
    void *user;
};

/* err is set for all but DONE and STOPPED: CZ_ERR_IO, CZ_ERR_MEMORY. */
enum cz_download_end cz_download(const struct cz_download *, cz_error *err);

#endif
