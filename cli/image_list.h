/*
 * The images that a command line names: files, folders (their images, all levels, bytewise by name), `-` (one
 * image on standard input), and the lines of a list file.
 */
#ifndef CZ_CLI_IMAGE_LIST_H
#define CZ_CLI_IMAGE_LIST_H

#include "cli/cli.h"

struct cz_image_list {
    const char **paths; /* to open */
    const char **names; /* to show: the same, "-" for standard input */
    int64_t count;
    size_t path_capacity, name_capacity;
    struct cz_arena *arena;
    int stdin_fd; /* a nameless copy of standard input, -1: not asked for */
};

/*
 * Reports what is wrong itself: every file that does not exist, all at once. list_file may be NULL. Returns
 * an exit code; release in all cases.
 */
int cz_image_list_create(struct cz_cli *, const char *const *operands, int n, const char *list_file,
                         struct cz_image_list *);
void cz_image_list_deinit(struct cz_image_list *);

#endif
