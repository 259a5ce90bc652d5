#include "cli/download.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { MAX_REDIRECTS = 10, NOTHING_FROM_THERE = 416 /* the range begins where the file ends */ };

struct transfer {
    const struct cz_download *d;
    int64_t have; /* bytes in the file */
    int too_large, disk_error;
};

static size_t receive(char *bytes, size_t size, size_t n, void *user)
{
    struct transfer *t = user;
    size_t left = size * n;
    if ((int64_t)left > t->d->limit_bytes - t->have) {
        t->too_large = 1;
        return 0;
    }
    for (const char *p = bytes; left > 0;) {
        ssize_t written = write(t->d->fd, p, left);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            t->disk_error = written < 0 ? errno : ENOSPC;
            return 0;
        }
        p += written;
        left -= (size_t)written;
        t->have += written;
    }
    return size * n;
}

static int tick(void *user, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
    struct transfer *t = user;
    (void)total, (void)now, (void)up_total, (void)up_now;
    t->d->progress(t->d->user, t->have);
    return t->d->stop(t->d->user);
}

static void set_options(CURL *curl, struct transfer *t)
{
    const struct cz_download *d = t->d;
    const int is_plain = strncmp(d->url, "http://", 7) == 0;
    const long seconds = d->timeout_s < 1 ? 1 : (long)d->timeout_s;
    curl_easy_setopt(curl, CURLOPT_URL, d->url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)MAX_REDIRECTS);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, is_plain ? "http,https" : "https");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, seconds);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, seconds);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "convzoo");
    curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)t->have);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, tick);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
}

/* What libcurl's codes come to for somebody who waits for a file. */
static const struct outcome {
    CURLcode code;
    enum cz_download_end end;
    const char *cause; /* NULL: libcurl's own words */
} outcomes[] = {
    {CURLE_COULDNT_RESOLVE_HOST, CZ_DOWNLOAD_FAILED, "no network (name not found)"},
    {CURLE_COULDNT_RESOLVE_PROXY, CZ_DOWNLOAD_FAILED, "no network (name of the proxy not found)"},
    {CURLE_COULDNT_CONNECT, CZ_DOWNLOAD_FAILED, "no network (nobody answers)"},
    {CURLE_TOO_MANY_REDIRECTS, CZ_DOWNLOAD_FAILED,
     "the server sends from one address to another without end"},
    {CURLE_UNSUPPORTED_PROTOCOL, CZ_DOWNLOAD_FAILED,
     "an address that is neither http nor https, or no longer https"},
    {CURLE_OPERATION_TIMEDOUT, CZ_DOWNLOAD_BROKEN, "the server went silent"},
    {CURLE_PARTIAL_FILE, CZ_DOWNLOAD_BROKEN, "the connection was cut off"},
    {CURLE_RECV_ERROR, CZ_DOWNLOAD_BROKEN, "the connection was cut off"},
    {CURLE_SEND_ERROR, CZ_DOWNLOAD_BROKEN, "the connection was cut off"},
    {CURLE_GOT_NOTHING, CZ_DOWNLOAD_BROKEN, "the server hung up"},
    {CURLE_RANGE_ERROR, CZ_DOWNLOAD_REFUSED, "the server cannot go on in the middle"},
};

static enum cz_download_end judge(CURL *curl, CURLcode code, const struct transfer *t, cz_error *err)
{
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK || (code == CURLE_HTTP_RETURNED_ERROR && status == NOTHING_FROM_THERE))
        return CZ_DOWNLOAD_DONE;
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return CZ_DOWNLOAD_STOPPED;
    if (t->too_large)
        cz_error_set(err, CZ_ERR_IO, "the server sends more than the catalogue says (%lld bytes and more)",
                     (long long)t->d->limit_bytes);
    else if (t->disk_error)
        cz_error_set(err, CZ_ERR_IO, "cannot write: %s", strerror(t->disk_error));
    else if (code == CURLE_HTTP_RETURNED_ERROR)
        cz_error_set(err, CZ_ERR_IO, "the server answers %ld", status);
    if (t->too_large || t->disk_error || code == CURLE_HTTP_RETURNED_ERROR)
        return CZ_DOWNLOAD_FAILED;
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++)
        if (outcomes[i].code == code) {
            cz_error_set(err, CZ_ERR_IO, "%s", outcomes[i].cause);
            return outcomes[i].end;
        }
    cz_error_set(err, code == CURLE_OUT_OF_MEMORY ? CZ_ERR_MEMORY : CZ_ERR_IO, "%s",
                 curl_easy_strerror(code));
    return CZ_DOWNLOAD_FAILED;
}

enum cz_download_end cz_download(const struct cz_download *d, cz_error *err)
{
    struct transfer t = {.d = d, .have = lseek(d->fd, 0, SEEK_END)};
    CURL *curl = t.have >= 0 ? curl_easy_init() : NULL;
    if (!curl) {
        cz_error_set(err, CZ_ERR_MEMORY, "out of memory");
        return CZ_DOWNLOAD_FAILED;
    }
    set_options(curl, &t);
    enum cz_download_end end = judge(curl, curl_easy_perform(curl), &t, err);
    curl_easy_cleanup(curl);
    return end;
}
