#include "cli/output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static cz_status check_parent(const char *path, const char *option, cz_error *err)
{
    const char *slash = strrchr(path, '/');
    char folder[4096];
    int n = slash == path ? 1 : slash ? (int)(slash - path) : 1;
    if ((size_t)n >= sizeof folder)
        CZ_FAIL(err, CZ_ERR_IO, "%s: name too long; choose another %s", path, option);
    snprintf(folder, sizeof folder, "%.*s", n, slash ? path : ".");
    if (access(folder, W_OK | X_OK) != 0)
        CZ_FAIL(err, CZ_ERR_IO, "%s: cannot write in '%s': %s; choose another %s", path, folder,
                errno == ENOENT ? "no such folder" : strerror(errno), option);
    return CZ_OK;
}

cz_status cz_output_check(const char *path, const char *option, int force, cz_error *err)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        CZ_FAIL(err, CZ_ERR_IO, "%s: is a folder, a file is wanted; choose another %s", path, option);
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) /* a finished file would take its place */
        CZ_FAIL(err, CZ_ERR_IO, "%s: not a regular file; choose another %s", path, option);
    if (lstat(path, &st) == 0 && !force)
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "%s: exists; choose another %s, or --force to replace it", path,
                option);
    return check_parent(path, option, err);
}

const char *cz_output_suffix(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    return dot && (!slash || dot > slash + 1) && dot != path ? dot + 1 : "";
}

cz_status cz_output_check_suffix(const char *path, const char *option, const char *suffix, const char *other,
                                 cz_error *err)
{
    const char *found = cz_output_suffix(path);
    if (strcmp(found, suffix) == 0 || (other && strcmp(found, other) == 0))
        return CZ_OK;
    if (other)
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "%s: the suffix says what is written; give %s FILE.%s or FILE.%s", path,
                option, suffix, other);
    CZ_FAIL(err, CZ_ERR_ARGUMENT, "%s: the suffix says what is written; give %s FILE.%s", path, option,
            suffix);
}
