#include "bench/worker.h"
#include "bench/worker_process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

int cz_worker_send(int socket, const void *data, size_t bytes)
{
    const char *p = data;
    while (bytes > 0) {
        ssize_t n = send(socket, p, bytes, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return 1;
        p += n;
        bytes -= (size_t)n;
    }
    return 0;
}

int cz_worker_receive(int socket, void *data, size_t bytes)
{
    char *p = data;
    while (bytes > 0) {
        ssize_t n = recv(socket, p, bytes, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return 1;
        p += n;
        bytes -= (size_t)n;
    }
    return 0;
}

void cz_worker_stop(struct cz_worker *w)
{
    if (w->pid <= 0)
        return;
    close(w->socket);
    kill(w->pid, SIGKILL); /* it has nothing to save, and may be in the middle of a long run */
    while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    memset(w, 0, sizeof *w);
}

/* The process went away: why, for the message. */
static cz_status gone(struct cz_worker *w, cz_error *err)
{
    int status = 0, signal_number;
    while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
        ;
    close(w->socket);
    memset(w, 0, sizeof *w);
    signal_number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    if (signal_number == SIGKILL)
        CZ_FAIL(
            err, CZ_ERR_MEMORY,
            "bench: the model's process was killed, as a system short of memory does; free some, or try a "
            "smaller --batch");
    CZ_FAIL(err, CZ_ERR_INTERNAL, "bench: the model's process ended by itself (%s %d); please report it",
            signal_number ? "signal" : "code", signal_number ? signal_number : WEXITSTATUS(status));
}

/* Waits for a reply; its payload in *data (malloc). */
static cz_status take_reply(struct cz_worker *w, void **data, size_t *bytes, cz_error *err)
{
    struct cz_worker_reply reply;
    *data = NULL;
    if (cz_worker_receive(w->socket, &reply, sizeof reply))
        return gone(w, err);
    if (reply.err.code != CZ_OK) {
        if (err)
            *err = reply.err;
        return reply.err.code;
    }
    *bytes = (size_t)reply.bytes;
    *data = malloc(*bytes + 1);
    if (!*data)
        CZ_FAIL(err, CZ_ERR_MEMORY, "bench: out of memory; close other programs");
    if (cz_worker_receive(w->socket, *data, *bytes)) {
        free(*data);
        *data = NULL;
        return gone(w, err);
    }
    return CZ_OK;
}

static cz_status ask(struct cz_worker *w, enum cz_worker_action action, int64_t n, void **data, size_t *bytes,
                     cz_error *err)
{
    struct cz_worker_request request = {action, n};
    if (cz_worker_send(w->socket, &request, sizeof request))
        return gone(w, err);
    return take_reply(w, data, bytes, err);
}

static void become_worker(int socket, const struct cz_worker_options *options, const struct cz_worker *others,
                          int n_others)
{
    for (int i = 0; i < n_others; i++) /* else a worker would not notice that its caller went away */
        if (others[i].pid > 0)
            close(others[i].socket);
    cz_worker_serve(socket, options);
    _exit(0);
}

cz_status cz_worker_start(const struct cz_worker_options *options, const struct cz_worker *others,
                          int n_others, struct cz_worker *out, struct cz_worker_facts *facts, cz_error *err)
{
    int pair[2];
    void *data;
    size_t bytes;
    memset(out, 0, sizeof *out);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        CZ_FAIL(err, CZ_ERR_IO, "bench: cannot start a process: %s; bench fewer models", strerror(errno));
    pid_t pid = fork();
    if (pid == 0) {
        close(pair[0]);
        become_worker(pair[1], options, others, n_others);
    }
    close(pair[1]);
    if (pid < 0) {
        close(pair[0]);
        CZ_FAIL(err, CZ_ERR_IO, "bench: cannot start a process: %s; bench fewer models", strerror(errno));
    }
    out->pid = pid;
    out->socket = pair[0];
    cz_status status = take_reply(out, &data, &bytes, err);
    if (status != CZ_OK) {
        cz_worker_stop(out);
        return status;
    }
    memcpy(facts, data, sizeof *facts);
    free(data);
    return CZ_OK;
}

cz_status cz_worker_run(struct cz_worker *w, int64_t n, double *seconds, double *cpu, cz_error *err)
{
    void *data;
    size_t bytes;
    CZ_TRY(ask(w, CZ_DO_RUN, n, &data, &bytes, err));
    memcpy(cpu, data, sizeof *cpu);
    memcpy(seconds, (double *)data + 1, sizeof *seconds * (size_t)n);
    free(data);
    return CZ_OK;
}

cz_status cz_worker_peak(struct cz_worker *w, double *flops, double *cpu, cz_error *err)
{
    void *data;
    size_t bytes;
    CZ_TRY(ask(w, CZ_DO_PEAK, 0, &data, &bytes, err));
    *flops = ((double *)data)[0];
    *cpu = ((double *)data)[1];
    free(data);
    return CZ_OK;
}

cz_status cz_worker_output_bytes(struct cz_worker *w, int64_t images, unsigned char **out, size_t *n,
                                 cz_error *err)
{
    void *data;
    CZ_TRY(ask(w, CZ_DO_OUTPUT_BYTES, images, &data, n, err));
    *out = data;
    return CZ_OK;
}

cz_status cz_worker_output(struct cz_worker *w, double **out, size_t *n, cz_error *err)
{
    void *data;
    size_t bytes;
    CZ_TRY(ask(w, CZ_DO_OUTPUT, 0, &data, &bytes, err));
    *out = data;
    *n = bytes / sizeof **out;
    return CZ_OK;
}

cz_status cz_worker_profile(struct cz_worker *w, int64_t n, struct cz_profile_step **steps, size_t *n_steps,
                            cz_error *err)
{
    void *data;
    size_t bytes;
    CZ_TRY(ask(w, CZ_DO_PROFILE, n, &data, &bytes, err));
    *steps = data;
    *n_steps = bytes / sizeof **steps;
    return CZ_OK;
}

cz_status cz_worker_peak_bytes(struct cz_worker *w, int64_t *peak, cz_error *err)
{
    void *data;
    size_t bytes;
    CZ_TRY(ask(w, CZ_DO_PEAK_BYTES, 0, &data, &bytes, err));
    memcpy(peak, data, sizeof *peak);
    free(data);
    return CZ_OK;
}
