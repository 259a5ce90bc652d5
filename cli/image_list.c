#include "cli/image_list.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_DEPTH = 32, MAX_STDIN = 1 << 30 };

static int no_memory(struct cz_cli *cli)
{
    return cz_cli_error(cli, CZ_EXIT_MEMORY, "list of images: out of memory; name fewer");
}

static int add(struct cz_cli *cli, struct cz_image_list *l, const char *path, const char *name)
{
    if (cz_grow(&l->paths, &l->path_capacity, (size_t)l->count, sizeof *l->paths) ||
        cz_grow(&l->names, &l->name_capacity, (size_t)l->count, sizeof *l->names))
        return no_memory(cli);
    l->paths[l->count] = cz_arena_strdup(l->arena, path);
    l->names[l->count] = name == path ? l->paths[l->count] : cz_arena_strdup(l->arena, name);
    if (!l->paths[l->count] || !l->names[l->count])
        return no_memory(cli);
    l->count++;
    return CZ_EXIT_OK;
}

/* In a folder only what calls itself an image; a file that is named on the command line is tried whatever its
 * name. */
static int has_image_name(const char *name)
{
    static const char *const suffixes[] = {".jpg", ".jpeg", ".png", ".webp", ".pgm", ".ppm", ".pnm"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof suffixes / sizeof *suffixes; i++)
        if (strcasecmp(dot, suffixes[i]) == 0)
            return 1;
    return 0;
}

static int bytewise(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int add_folder(struct cz_cli *cli, struct cz_image_list *l, const char *folder, int depth)
{
    struct dirent **entries;
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/')
        length--;
    int n = scandir(folder, &entries, is_shown, bytewise), code = CZ_EXIT_OK;
    if (n < 0)
        return cz_cli_error(cli, CZ_EXIT_SYSTEM, "%s: cannot list: %s; check its permissions", folder,
                            strerror(errno));
    for (int i = 0; i < n; i++) {
        struct stat st, target;
        char *path = cz_arena_printf(l->arena, "%.*s/%s", (int)length, folder, entries[i]->d_name);
        if (!path)
            code = no_memory(cli);
        /* Links to folders are not followed: they may lead back. */
        else if (code == CZ_EXIT_OK && lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
            code = depth < MAX_DEPTH ? add_folder(cli, l, path, depth + 1) : CZ_EXIT_OK;
        else if (code == CZ_EXIT_OK && has_image_name(path) && stat(path, &target) == 0 &&
                 S_ISREG(target.st_mode))
            code = add(cli, l, path, path);
        free(entries[i]);
    }
    free(entries);
    return code;
}

/* Copies standard input to a file without a name, so that it can be mapped like any other. */
static int add_stdin(struct cz_cli *cli, struct cz_image_list *l)
{
    char path[] = "/tmp/convzoo-stdin-XXXXXX", buf[65536], name[32];
    size_t total = 0;
    ssize_t got;
    if (l->stdin_fd >= 0)
        return cz_cli_error(cli, CZ_EXIT_USAGE, "-: standard input holds one image; name it once");
    l->stdin_fd = mkstemp(path);
    if (l->stdin_fd < 0)
        return cz_cli_error(cli, CZ_EXIT_SYSTEM, "/tmp: cannot create a file: %s; make room there",
                            strerror(errno));
    unlink(path);
    fcntl(l->stdin_fd, F_SETFD, FD_CLOEXEC);
    while ((got = read(STDIN_FILENO, buf, sizeof buf)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        total += got > 0 ? (size_t)got : 0;
        if (got < 0 || total > MAX_STDIN || write(l->stdin_fd, buf, (size_t)got) != got)
            return cz_cli_error(cli, CZ_EXIT_SYSTEM, "-: cannot read standard input: %s; give a file",
                                got < 0 ? strerror(errno) : "too large or no room in /tmp");
    }
    snprintf(name, sizeof name, "/dev/fd/%d", l->stdin_fd);
    return add(cli, l, name, "-");
}

static int add_path(struct cz_cli *cli, struct cz_image_list *l, const char *path, int folders)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return cz_cli_error(cli, CZ_EXIT_SYSTEM, "%s: %s; check the name", path,
                            errno == ENOENT ? "no such file" : strerror(errno));
    if (S_ISDIR(st.st_mode) && folders)
        return add_folder(cli, l, path, 0);
    return add(cli, l, path, path);
}

/* A path a line; empty lines are passed over. */
static int add_lines(struct cz_cli *cli, struct cz_image_list *l, const char *file)
{
    cz_error err;
    struct cz_file_map map;
    if (cz_file_map(file, &map, &err) != CZ_OK)
        return cz_cli_fail(cli, &err);
    const char *p = (const char *)map.data, *end = p + map.size;
    int code = CZ_EXIT_OK;
    while (p < end) {
        const char *newline = memchr(p, '\n', (size_t)(end - p)), *stop = newline ? newline : end;
        size_t n = (size_t)(stop - p);
        n -= n > 0 && p[n - 1] == '\r';
        char *path = n > 0 ? cz_arena_strndup(l->arena, p, n) : NULL;
        int bad = n == 0 ? CZ_EXIT_OK : path ? add_path(cli, l, path, 0) : no_memory(cli);
        code = code == CZ_EXIT_OK ? bad : code;
        p = newline ? newline + 1 : end;
    }
    cz_file_unmap(&map);
    return code;
}

int cz_image_list_create(struct cz_cli *cli, const char *const *operands, int n, const char *list_file,
                         struct cz_image_list *l)
{
    int code = CZ_EXIT_OK;
    memset(l, 0, sizeof *l);
    l->stdin_fd = -1;
    if (!(l->arena = cz_arena_create()))
        return no_memory(cli);
    for (int i = 0; i < n; i++) {
        int bad = strcmp(operands[i], "-") == 0 ? add_stdin(cli, l) : add_path(cli, l, operands[i], 1);
        code = code == CZ_EXIT_OK ? bad : code;
    }
    if (list_file) {
        int bad = add_lines(cli, l, list_file);
        code = code == CZ_EXIT_OK ? bad : code;
    }
    if (code == CZ_EXIT_OK && l->count == 0)
        code = cz_cli_error(cli, CZ_EXIT_INPUT, "%s: no images in it; name files or a folder that has some",
                            n > 0       ? operands[0]
                            : list_file ? list_file
                                        : "predict");
    return code;
}

void cz_image_list_deinit(struct cz_image_list *l)
{
    if (l->stdin_fd >= 0)
        close(l->stdin_fd);
    free(l->paths);
    free(l->names);
    cz_arena_destroy(l->arena);
    memset(l, 0, sizeof *l);
    l->stdin_fd = -1;
}
