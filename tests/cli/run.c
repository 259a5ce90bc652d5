#define _DEFAULT_SOURCE /* wait4 */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { MAX_WORDS = 64, MAX_LINE = 8192 };

static int split(char *line, char **words)
{
    int n = 0;
    for (char *p = line; *p && n < MAX_WORDS - 1;) {
        p += strspn(p, " ");
        if (!*p)
            break;
        char *to = p;
        words[n++] = p;
        for (int quoted = 0; *p && (quoted || *p != ' '); p++)
            if (*p == '\'')
                quoted = !quoted;
            else
                *to++ = *p;
        p += *p == ' ';
        *to = '\0';
    }
    words[n] = NULL;
    return n;
}

static int is_variable(const char *word)
{
    return strchr(word, '=') && word[0] >= 'A' && word[0] <= 'Z';
}

/* In the child: environment, streams, program. words[-1] is room for the program's name. */
static void become(char **words, enum run_stdout how, int out, int err)
{
    int first = 0, full;
    /* Settings of whoever runs the tests must not reach them. */
    static const char *const unset[] = {"NO_COLOR",        "FORCE_COLOR", "CLICOLOR_FORCE", "CONVZOO_COLOR",
                                        "CONVZOO_THREADS", "CONVZOO_ISA", "CONVZOO_GEMM",   "CONVZOO_CACHE"};
    for (size_t i = 0; i < sizeof unset / sizeof *unset; i++)
        unsetenv(unset[i]);
    setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
    setenv("XDG_CACHE_HOME", run_folder(), 1);
    setenv("XDG_STATE_HOME", run_folder(), 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    for (; words[first] && is_variable(words[first]); first++) {
        char *equals = strchr(words[first], '=');
        *equals = '\0';
        setenv(words[first], equals + 1, 1);
    }
    words[first - 1] = (char *)"convzoo";
    dup2(err, 2);
    if (how == RUN_FULL && (full = open("/dev/full", O_WRONLY)) >= 0)
        dup2(full, 1);
    else
        dup2(out, 1);
    if (how == RUN_CLOSED)
        close(1);
    for (int fd = 3; fd < 64; fd++)
        close(fd);
    execv(CZ_PROGRAM, words + first - 1);
    _exit(127);
}

static void append(char **text, size_t *n, const char *bytes, size_t size)
{
    *text = realloc(*text, *n + size + 1);
    assert_non_null(*text);
    memcpy(*text + *n, bytes, size);
    *n += size;
    (*text)[*n] = '\0';
}

/* Reads both streams until both end. */
static void collect(struct run *r, int out, int err)
{
    struct pollfd p[2] = {{out, POLLIN, 0}, {err, POLLIN, 0}};
    append(&r->out, &r->out_bytes, "", 0);
    append(&r->err, &r->err_bytes, "", 0);
    while (p[0].fd >= 0 || p[1].fd >= 0) {
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            break;
        for (int i = 0; i < 2; i++) {
            char buf[65536];
            if (p[i].fd < 0 || !p[i].revents)
                continue;
            ssize_t got = read(p[i].fd, buf, sizeof buf);
            if (got > 0)
                append(i ? &r->err : &r->out, i ? &r->err_bytes : &r->out_bytes, buf, (size_t)got);
            else
                p[i].fd = -1;
        }
    }
}

struct run run_line(const char *line, enum run_stdout how)
{
    struct run r = {0};
    char copy[MAX_LINE], *words[MAX_WORDS + 1];
    int out[2], err[2], status;
    snprintf(copy, sizeof copy, "%s", line);
    split(copy, words + 1); /* words[0] is room for the program's name */
    run_folder();
    assert_int_equal(pipe(out), 0);
    assert_int_equal(pipe(err), 0);
    if (how == RUN_GONE)
        close(out[0]);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        become(words + 1, how, out[1], err[1]);
    close(out[1]);
    close(err[1]);
    collect(&r, how == RUN_GONE ? -1 : out[0], err[0]);
    if (how != RUN_GONE)
        close(out[0]);
    close(err[0]);
    struct rusage used;
    assert_int_equal(wait4(pid, &status, 0, &used), pid);
    r.cpu_ms = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e3 +
               (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e3;
    r.peak_kib = used.ru_maxrss;
    r.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    assert_int_not_equal(r.code, 127);
    return r;
}

struct run run(const char *fmt, ...)
{
    char line[MAX_LINE];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    return run_line(line, RUN_PIPE);
}

void run_free(struct run *r)
{
    free(r->out);
    free(r->err);
    memset(r, 0, sizeof *r);
}

static char folder[64];

const char *run_folder(void)
{
    if (!folder[0]) {
        snprintf(folder, sizeof folder, "/tmp/convzoo-cli-XXXXXX");
        assert_non_null(mkdtemp(folder));
    }
    return folder;
}

int run_clean(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (folder[0] && system(command) != 0)
        fprintf(stderr, "%s stays\n", folder);
    folder[0] = '\0';
    return 0;
}

const char *run_file(const char *name, const void *bytes, size_t size)
{
    static char paths[8][256];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", run_folder(), name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
    return path;
}

const char *run_text(const char *name, const char *text)
{
    return run_file(name, text, strlen(text));
}

void run_expect(struct run *r, int code, const char *err)
{
    int fits = err ? strstr(r->err, err) != NULL : r->err_bytes == 0;
    if (r->code != code || !fits)
        fail_msg("exit %d, wanted %d; stderr wanted: %s\n-- stdout\n%.2000s\n-- stderr\n%.2000s", r->code,
                 code, err ? err : "(empty)", r->out, r->err);
}

const char *run_data(void)
{
    const char *data = getenv("CONVZOO_TEST_DATA");
    return data && *data ? data : NULL;
}
