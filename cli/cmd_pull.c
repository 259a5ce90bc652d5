/*
 * `convzoo pull MODEL[:TAG]...`: published weights into the cache. The only command that opens a connection.
 *
 * A file is fetched as NAME.part and gets its name only when its SHA-256 begins as the catalogue says, so a
 * file under its own name is whole and right. What a broken connection leaves is kept and continued, the next
 * time too.
 */
#include "base/json_out.h"
#include "base/sha256.h"
#include "cli/download.h"
#include "cli/format.h"
#include "cli/model.h"
#include "cli/progress.h"
#include "cli/pulled.h"
#include "cli/signals.h"
#include "cli/table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* A connection that breaks is tried again as long as each attempt brings something, and so often without. */
enum { IDLE_ATTEMPTS = 3, MIB = 1 << 20, READ_BYTES = 1 << 16 };

/* Files are about as large as the catalogue says. */
static const double tolerance = 1.1, tolerance_mib = 1;

struct job {
    struct cz_cli *cli;
    const struct cz_zoo_source *source;
    const char *operand;
    char path[CZ_PATH_MAX], part[CZ_PATH_MAX + 8];
    char url[CZ_PATH_MAX], sha256[CZ_SHA256_HEX];
    int fd; /* of the part */
    struct cz_progress progress;
    json_t *files;
};

static int find_source(struct cz_cli *cli, const char *operand, const struct cz_zoo_source **out)
{
    const struct cz_zoo_entry *entry;
    const struct cz_zoo_published *weights;
    int code = cz_cli_zoo_find(cli, operand, &entry, &weights);
    if (code != CZ_EXIT_OK)
        return code;
    *out = cz_zoo_find_source(weights);
    if (!*out)
        return cz_cli_error(cli, CZ_EXIT_USAGE,
                            "model '%s': no weights are published; see `convzoo zoo list`", operand);
    return CZ_EXIT_OK;
}

/* ---- one file ---- */

static int64_t size_of(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 ? (int64_t)st.st_size : 0;
}

static cz_status hash_file(int fd, const char *name, char sha256[CZ_SHA256_HEX], cz_error *err)
{
    static unsigned char bytes[READ_BYTES];
    uint8_t digest[CZ_SHA256_BYTES];
    struct cz_sha256 h;
    ssize_t n;
    cz_sha256_init(&h);
    if (lseek(fd, 0, SEEK_SET) < 0)
        CZ_FAIL(err, CZ_ERR_IO, "%s: %s", name, strerror(errno));
    while ((n = read(fd, bytes, sizeof bytes)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0)
            cz_sha256_update(&h, bytes, (size_t)n);
    if (n < 0)
        CZ_FAIL(err, CZ_ERR_IO, "%s: cannot read: %s", name, strerror(errno));
    cz_sha256_final(&h, digest);
    cz_sha256_hex(digest, sha256);
    return CZ_OK;
}

static int make_folder(struct cz_cli *cli, char *folder)
{
    for (char *p = folder + 1;; p++) {
        char end = *p;
        if (end != '/' && end != '\0')
            continue;
        *p = '\0';
        int failed = mkdir(folder, 0777) != 0 && errno != EEXIST;
        if (failed)
            return cz_cli_error(cli, CZ_EXIT_SYSTEM,
                                "%s: cannot create: %s; set CONVZOO_CACHE to another folder", folder,
                                strerror(errno));
        *p = end;
        if (end == '\0')
            return CZ_EXIT_OK;
    }
}

/* Two pulls of one file would write into each other's part. */
static int open_part(struct job *j)
{
    char folder[CZ_PATH_MAX];
    int code = make_folder(j->cli, cz_pulled_folder(j->cli, folder));
    if (code != CZ_EXIT_OK)
        return code;
    j->fd = open(j->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (j->fd < 0)
        return cz_cli_error(j->cli, CZ_EXIT_SYSTEM, "%s: %s", j->part, strerror(errno));
    if (flock(j->fd, LOCK_EX | LOCK_NB) == 0)
        return CZ_EXIT_OK;
    close(j->fd);
    j->fd = -1;
    return cz_cli_error(j->cli, CZ_EXIT_SYSTEM, "pull %s: another convzoo is pulling it; wait for that one",
                        j->operand);
}

static int check_space(struct job *j)
{
    struct statvfs fs;
    double need = j->source->mib - (double)size_of(j->fd) / MIB;
    if (fstatvfs(j->fd, &fs) != 0 || (double)fs.f_bavail * (double)fs.f_frsize / MIB >= need)
        return CZ_EXIT_OK;
    return cz_cli_error(j->cli, CZ_EXIT_SYSTEM,
                        "pull %s: needs %.0f MiB in %s, %.0f are free; free some, or set CONVZOO_CACHE",
                        j->operand, need, j->part, (double)fs.f_bavail * (double)fs.f_frsize / MIB);
}

static void show(void *user, int64_t have)
{
    struct job *j = user;
    int64_t mib = have / MIB;
    cz_progress_step(&j->progress, mib < j->progress.total ? mib : j->progress.total, NULL);
}

static int stopped(void *user)
{
    (void)user;
    return cz_interrupted() != 0;
}

static int lost(struct job *j, const cz_error *err)
{
    double mib = (double)size_of(j->fd) / MIB;
    if (cz_interrupted()) {
        cz_cli_note(j->cli, "interrupted; %.1f of about %.1f MiB are kept; go on with: convzoo pull %s", mib,
                    j->source->mib, j->operand);
        return 128 + cz_interrupted();
    }
    if (mib > 0)
        return cz_cli_error(
            j->cli, CZ_EXIT_SYSTEM,
            "pull %s: %s; %.1f of about %.1f MiB are kept, pull again to go on, or try --mirror", j->operand,
            err->message, mib, j->source->mib);
    return cz_cli_error(j->cli, CZ_EXIT_SYSTEM,
                        "pull %s: %s; copy the file by hand and give --weights FILE, or set CONVZOO_MIRROR",
                        j->operand, err->message);
}

/* A server may claim more bytes than there are, and hang up when all have come. */
static int has_all(struct job *j)
{
    cz_error err;
    return hash_file(j->fd, j->part, j->sha256, &err) == CZ_OK && cz_pulled_hash_fits(j->source, j->sha256);
}

/* The whole file, over as many connections as that takes; what a failure leaves is kept. */
static int fetch(struct job *j)
{
    cz_error err = {0};
    const struct cz_download d = {
        .url = j->url,
        .fd = j->fd,
        .limit_bytes = (int64_t)((j->source->mib * tolerance + tolerance_mib) * MIB),
        .timeout_s = cz_arg_time(&j->cli->args, "timeout", 30),
        .progress = show,
        .stop = stopped,
        .user = j,
    };
    for (int idle = 0; idle < IDLE_ATTEMPTS;) {
        int64_t before = size_of(j->fd);
        enum cz_download_end end = cz_download(&d, &err);
        if (end == CZ_DOWNLOAD_DONE)
            return CZ_EXIT_OK;
        if (end == CZ_DOWNLOAD_FAILED || end == CZ_DOWNLOAD_STOPPED)
            break;
        if (end == CZ_DOWNLOAD_REFUSED && ftruncate(j->fd, 0) != 0)
            break;
        idle = size_of(j->fd) > before ? 0 : idle + 1;
        if (idle > 0 && has_all(j))
            return CZ_EXIT_OK;
        cz_cli_detail(j->cli, 1, "%s at %lld bytes; going on", err.message, (long long)size_of(j->fd));
    }
    return lost(j, &err);
}

static int does_not_fit(struct job *j)
{
    if (ftruncate(j->fd, 0) == 0)
        unlink(j->part);
    return cz_cli_error(
        j->cli, CZ_EXIT_INPUT,
        "%s: SHA-256 is %.8s..., catalogue says %s...; nothing was kept; pull again or try --mirror",
        j->source->file, j->sha256, j->source->sha256);
}

static int fetch_and_compare(struct job *j)
{
    cz_error err;
    for (int attempt = 0; attempt < 2; attempt++) {
        int resumed = size_of(j->fd) > 0, code = fetch(j);
        if (code != CZ_EXIT_OK)
            return code;
        if (hash_file(j->fd, j->part, j->sha256, &err) != CZ_OK)
            return cz_cli_fail(j->cli, &err);
        if (cz_pulled_hash_fits(j->source, j->sha256))
            return CZ_EXIT_OK;
        if (!resumed)
            break;
        /* What was there may be another version's beginning. */
        cz_cli_note(j->cli, "%s: what was here does not go with the rest; from the beginning",
                    j->source->file);
        if (ftruncate(j->fd, 0) != 0)
            break;
    }
    return does_not_fit(j);
}

static int finish(struct job *j)
{
    if (fsync(j->fd) != 0 || rename(j->part, j->path) != 0)
        return cz_cli_error(j->cli, CZ_EXIT_SYSTEM, "%s: cannot take its name: %s", j->part, strerror(errno));
    return CZ_EXIT_OK;
}

static int tell(struct job *j, int64_t bytes)
{
    char clean[CZ_PATH_MAX];
    if (!j->cli->json)
        return printf("%s\n", cz_printable(j->path, j->cli->utf8, clean, sizeof clean)) < 0 ? CZ_EXIT_SYSTEM
                                                                                            : CZ_EXIT_OK;
    json_t *row =
        json_pack("{s:o, s:I, s:s, s:s, s:s}", "path", cz_json_text(j->path), "bytes", (json_int_t)bytes,
                  "sha256", j->sha256, "tag", j->source->tag, "license", j->source->license);
    return json_array_append_new(j->files, row) == 0 ? CZ_EXIT_OK : CZ_EXIT_MEMORY;
}

/* A file that is here is read once, since a disk may have spoilt it. */
static int is_here(struct job *j)
{
    cz_error err;
    int fd = open(j->path, O_RDONLY | O_CLOEXEC), fits;
    if (fd < 0)
        return 0;
    fits = hash_file(fd, j->path, j->sha256, &err) == CZ_OK && cz_pulled_hash_fits(j->source, j->sha256);
    close(fd);
    if (!fits)
        cz_cli_warn(j->cli, "%s: is not what it was when it was pulled; pulling it again", j->path);
    return fits;
}

static void name_things(struct job *j)
{
    const char *mirror = cz_arg_text(&j->cli->args, "mirror");
    size_t n = mirror ? strlen(mirror) : 0;
    cz_pulled_path(j->cli, j->source, j->path);
    snprintf(j->part, sizeof j->part, "%s.part", j->path);
    snprintf(j->url, sizeof j->url, "%.3800s%s%s", mirror ? mirror : j->source->base,
             n && mirror[n - 1] != '/' ? "/" : "", j->source->file);
}

static int get(struct job *j)
{
    char size[32];
    int code = open_part(j);
    if (code == CZ_EXIT_OK)
        code = check_space(j);
    if (code == CZ_EXIT_OK) {
        cz_cli_note(j->cli, "%s:%s, about %s, %s, from %s", j->source->model, j->source->tag,
                    cz_pulled_size_text(j->source, size, sizeof size), j->source->license, j->url);
        cz_progress_start(&j->progress, j->cli, "pull", "MiB", (int64_t)(j->source->mib + 1));
        code = fetch_and_compare(j);
        cz_progress_end(&j->progress);
    }
    if (code == CZ_EXIT_OK)
        code = finish(j);
    if (j->fd >= 0 && size_of(j->fd) == 0)
        unlink(j->part);
    return code;
}

static int pull_one(struct cz_cli *cli, const char *operand, const struct cz_zoo_source *source,
                    json_t *files)
{
    struct job j = {.cli = cli, .source = source, .operand = operand, .fd = -1, .files = files};
    name_things(&j);
    int code = is_here(&j) ? CZ_EXIT_OK : get(&j);
    if (j.fd >= 0)
        close(j.fd);
    return code == CZ_EXIT_OK ? tell(&j, cz_pulled_bytes(cli, source)) : code;
}

static int pull_all(struct cz_cli *cli, const struct cz_zoo_source *const *sources)
{
    json_t *files = json_array();
    int code = CZ_EXIT_OK;
    cz_signals_catch();
    for (int i = 0; i < cli->args.n_operands && code == CZ_EXIT_OK; i++)
        code = pull_one(cli, cli->args.operands[i], sources[i], files);
    if (cli->json && code == CZ_EXIT_OK)
        return cz_cli_emit(cli, json_pack("{s:s, s:o}", "schema", "convzoo.pull/1", "files", files));
    json_decref(files);
    return code;
}

/* ---- what is here ---- */

static int list(struct cz_cli *cli)
{
    struct cz_table *t = cz_table_create();
    json_t *files = json_array();
    char path[CZ_PATH_MAX];
    int code = t && files ? CZ_EXIT_OK : CZ_EXIT_MEMORY;
    cz_table_column(t, "model", NULL, CZ_LEFT);
    cz_table_column(t, "weights", NULL, CZ_LEFT);
    cz_table_column(t, "MiB", NULL, CZ_RIGHT);
    cz_table_column(t, "licence", NULL, CZ_LEFT);
    cz_table_column(t, "file", NULL, CZ_LEFT | CZ_CUT);
    for (int i = 0; i < cz_zoo_source_count() && code == CZ_EXIT_OK; i++) {
        const struct cz_zoo_source *s = cz_zoo_source_at(i);
        int64_t bytes = cz_pulled_bytes(cli, s);
        if (bytes < 0)
            continue;
        cz_table_row(t);
        cz_table_text(t, s->model);
        cz_table_text(t, s->tag);
        cz_table_cell(t, "%.1f", (double)bytes / MIB);
        cz_table_text(t, s->license);
        cz_table_text(t, cz_pulled_path(cli, s, path));
        json_array_append_new(files, json_pack("{s:s, s:s, s:o, s:I, s:s}", "model", s->model, "tag", s->tag,
                                               "path", cz_json_text(path), "bytes", (json_int_t)bytes,
                                               "license", s->license));
    }
    if (cli->json)
        code = cz_cli_emit(cli, json_pack("{s:s, s:O}", "schema", "convzoo.pull/1", "files", files));
    else if (json_array_size(files) == 0)
        printf("nothing pulled yet; convzoo pull resnet50\n");
    else if (cz_table_print(t, stdout, &cli->out))
        code = CZ_EXIT_MEMORY;
    json_decref(files);
    cz_table_destroy(t);
    return code;
}

static int remove_one(struct cz_cli *cli, const char *operand, const struct cz_zoo_source *s)
{
    char path[CZ_PATH_MAX], part[CZ_PATH_MAX + 8];
    snprintf(part, sizeof part, "%s.part", cz_pulled_path(cli, s, path));
    int gone = unlink(part) == 0;
    if (unlink(path) == 0)
        return printf("%s removed\n", s->file) < 0 ? CZ_EXIT_SYSTEM : CZ_EXIT_OK;
    if (errno != ENOENT)
        return cz_cli_error(cli, CZ_EXIT_SYSTEM, "%s: %s", path, strerror(errno));
    if (gone)
        return printf("%s.part removed\n", s->file) < 0 ? CZ_EXIT_SYSTEM : CZ_EXIT_OK;
    return cz_cli_error(cli, CZ_EXIT_SYSTEM, "%s: not pulled; `convzoo pull --list` shows what is", operand);
}

int cz_cmd_pull(struct cz_cli *cli)
{
    const int n = cli->args.n_operands, wants_list = cz_arg_switch(&cli->args, "list"),
              removes = cz_arg_switch(&cli->args, "remove");
    if (wants_list && (n > 0 || removes))
        return cz_cli_error(cli, CZ_EXIT_USAGE, "--list: takes no model and no --remove; leave them out");
    if (wants_list)
        return list(cli);
    if (n == 0)
        return cz_cli_error(cli, CZ_EXIT_USAGE, "pull: no model; name one, e.g. convzoo pull resnet50");
    const struct cz_zoo_source **sources = cz_arena_alloc(cli->args.arena, (size_t)n * sizeof *sources);
    int code = sources ? CZ_EXIT_OK : CZ_EXIT_MEMORY;
    for (int i = 0; i < n && sources; i++) { /* all mistakes at once */
        int found = find_source(cli, cli->args.operands[i], &sources[i]);
        code = code == CZ_EXIT_OK ? found : code;
    }
    for (int i = 0; i < n && removes && code == CZ_EXIT_OK; i++)
        code = remove_one(cli, cli->args.operands[i], sources[i]);
    return code != CZ_EXIT_OK || removes ? code : pull_all(cli, sources);
}
