#include "finetune/run_folder.h"
#include "finetune/json_in.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATHS = 4, CONFIG_BYTES_MAX = 1 << 20 };

struct cz_run_folder {
    char *final, *work;
    char *path[PATHS]; /* handed out in turn */
    int next_path, lock;
};

/* All that a run may write. */
static const char *const run_files[] = {"best.onnx",   "config.json", "curves.svg",   "last.onnx",
                                        "lock",        "log.txt",     "machine.json", "metrics.jsonl",
                                        "report.json", "sweep.csv",   "timing.jsonl"};
enum { N_RUN_FILES = sizeof run_files / sizeof *run_files };

/* "folder/name", or "folder.suffix" where the name begins with a dot. */
static char *join(const char *folder, const char *name)
{
    const size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);
    if (path)
        snprintf(path, size, "%s%s%s", folder, name[0] == '.' ? "" : "/", name);
    return path;
}

static cz_status no_memory(const char *out, cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY, "%s: out of memory", out);
}

/* A run's file, or one that was being written when its process was killed. */
static int is_run_file(const char *name)
{
    for (int i = 0; i < N_RUN_FILES; i++) {
        const size_t n = strlen(run_files[i]);
        if (strncmp(name, run_files[i], n) == 0 && (!name[n] || strncmp(name + n, ".tmp-", 5) == 0))
            return 1;
    }
    return 0;
}

static int is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Refuses a folder with anything else in it. */
static cz_status check_contents(const char *folder, cz_error *err)
{
    DIR *dir = opendir(folder);
    if (!dir)
        CZ_FAIL(err, CZ_ERR_IO, "%s: cannot read: %s; choose another --out", folder, strerror(errno));
    const struct dirent *entry;
    cz_status status = CZ_OK;
    while (status == CZ_OK && (entry = readdir(dir)))
        if (!is_dots(entry->d_name) && !is_run_file(entry->d_name))
            status =
                cz_error_set(err, CZ_ERR_ARGUMENT,
                             "%s: holds '%s', which is not the run's; move it away, or choose another --out",
                             folder, entry->d_name);
    closedir(dir);
    return status;
}

/* The epochs of a finished run, -1: the folder is none. */
static int64_t finished_epochs(const char *folder)
{
    json_t *root = NULL;
    int64_t epochs = -1;
    char *path = join(folder, "config.json");
    if (path && cz_json_load_file(path, CONFIG_BYTES_MAX, &root, NULL) == CZ_OK &&
        (cz_json_check_schema(root, "config", INT32_MAX, NULL) != CZ_OK ||
         cz_json_get_integer(root, "", "epochs", 0, INT64_MAX, &epochs, NULL) != CZ_OK))
        epochs = -1;
    json_decref(root);
    free(path);
    return epochs;
}

cz_status cz_run_folder_check(const char *out, int force, cz_error *err)
{
    struct stat st;
    if (lstat(out, &st) != 0) {
        if (errno == ENOENT)
            return CZ_OK;
        CZ_FAIL(err, CZ_ERR_IO, "%s: %s; choose another --out", out, strerror(errno));
    }
    if (!S_ISDIR(st.st_mode))
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "%s: exists and is no folder; choose another --out", out);
    const int64_t epochs = finished_epochs(out);
    if (epochs < 0)
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "%s: exists and is no convzoo run; choose another --out", out);
    if (!force)
        CZ_FAIL(err, CZ_ERR_ARGUMENT,
                "%s: exists (finished, %lld epochs); choose another --out, or --force to replace it", out,
                (long long)epochs);
    return check_contents(out, err);
}

/* Makes the folders above the last name. */
static cz_status make_parents(const char *out, cz_error *err)
{
    char *path = strdup(out);
    if (!path)
        return no_memory(out, err);
    int failed = 0, reason = 0;
    for (char *slash = path + 1; !failed && (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = '\0';
        failed = mkdir(path, 0777) != 0 && errno != EEXIST;
        reason = errno;
    }
    free(path);
    if (failed)
        CZ_FAIL(err, CZ_ERR_IO, "%s: cannot create: %s; choose another --out", out, strerror(reason));
    return CZ_OK;
}

/* Takes the lock file; what is at its name must be what was locked, or a finishing run has just renamed it.
 */
static cz_status take_lock(struct cz_run_folder *f, cz_error *err)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct stat locked, named;
    const char *path = cz_run_folder_path(f, "lock");
    if (!path)
        return no_memory(f->final, err);
    f->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (f->lock < 0)
        CZ_FAIL(err, CZ_ERR_IO, "%s: cannot create: %s; choose another --out", path, strerror(errno));
    if (fcntl(f->lock, F_SETLK, &whole) != 0 || fstat(f->lock, &locked) != 0 || stat(path, &named) != 0 ||
        locked.st_ino != named.st_ino)
        CZ_FAIL(err, CZ_ERR_ARGUMENT,
                "%s: another run is at work there; wait for it, or choose another --out", f->final);
    return CZ_OK;
}

/* Removes a run's files, `kept` (may be NULL) excepted. */
static void clear(const char *folder, const char *kept)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        if (is_run_file(entry->d_name) && !(kept && strcmp(entry->d_name, kept) == 0))
            unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        closedir(dir);
}

static cz_status make_work_folder(struct cz_run_folder *f, cz_error *err)
{
    CZ_TRY(make_parents(f->final, err));
    if (mkdir(f->work, 0777) == 0)
        return take_lock(f, err);
    if (errno != EEXIST)
        CZ_FAIL(err, CZ_ERR_IO, "%s: cannot create: %s; choose another --out", f->work, strerror(errno));
    CZ_TRY(check_contents(f->work, err)); /* before a lock is left in it */
    CZ_TRY(take_lock(f, err));            /* a killed run's: nobody else has it */
    clear(f->work, "lock");
    return CZ_OK;
}

static void release(struct cz_run_folder *f)
{
    if (f->lock >= 0)
        close(f->lock);
    for (int i = 0; i < PATHS; i++)
        free(f->path[i]);
    free(f->final);
    free(f->work);
    free(f);
}

cz_status cz_run_folder_open(const char *out, int force, struct cz_run_folder **result, cz_error *err)
{
    CZ_TRY(cz_run_folder_check(out, force, err));
    struct cz_run_folder *f = calloc(1, sizeof *f);
    if (!f)
        return no_memory(out, err);
    f->lock = -1;
    f->final = strdup(out);
    /* "runs/a/" is the folder a, not a nameless one in it. */
    for (size_t n = f->final ? strlen(f->final) : 0; n > 1 && f->final[n - 1] == '/'; n--)
        f->final[n - 1] = '\0';
    f->work = f->final ? join(f->final, ".partial") : NULL;
    const cz_status status = f->work ? make_work_folder(f, err) : no_memory(out, err);
    if (status != CZ_OK) {
        release(f);
        return status;
    }
    *result = f;
    return CZ_OK;
}

const char *cz_run_folder_path(struct cz_run_folder *f, const char *name)
{
    char **slot = &f->path[f->next_path++ % PATHS];
    free(*slot);
    *slot = join(f->work, name);
    return *slot;
}

/* The older run goes aside, the new one takes its name, the older one is removed. */
static cz_status put_in_place(struct cz_run_folder *f, const char *aside, cz_error *err)
{
    struct stat st;
    const int replaces = lstat(f->final, &st) == 0;
    if (replaces) { /* what a run that was killed here had put aside, and another has replaced since */
        clear(aside, NULL);
        rmdir(aside);
    }
    if (replaces && rename(f->final, aside) != 0)
        CZ_FAIL(err, CZ_ERR_IO, "%s: cannot move it aside: %s", f->final, strerror(errno));
    if (rename(f->work, f->final) != 0) {
        cz_error_set(err, CZ_ERR_IO, "%s: cannot rename %s: %s", f->final, f->work, strerror(errno));
        if (replaces)
            rename(aside, f->final);
        return CZ_ERR_IO;
    }
    if (replaces) {
        clear(aside, NULL);
        rmdir(aside);
    }
    return CZ_OK;
}

cz_status cz_run_folder_finish(struct cz_run_folder *f, cz_error *err)
{
    const char *lock = cz_run_folder_path(f, "lock");
    if (lock)
        unlink(lock); /* still held, so nobody else begins here before the rename */
    char *aside = join(f->final, ".replaced");
    const cz_status status = aside ? put_in_place(f, aside, err) : no_memory(f->final, err);
    free(aside);
    if (status != CZ_OK) {
        cz_run_folder_abandon(f);
        return status;
    }
    release(f);
    return CZ_OK;
}

void cz_run_folder_abandon(struct cz_run_folder *f)
{
    if (!f)
        return;
    clear(f->work, NULL);
    rmdir(f->work);
    release(f);
}
