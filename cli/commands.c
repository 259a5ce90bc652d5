#include "cli/commands.h"

#include <string.h>

static const struct cz_command commands[] = {
#define COMMAND(name, function, group, ...) {name, function, CZ_##group, __VA_ARGS__},
#include "cli/commands.def"
#undef COMMAND
};

int cz_command_count(void)
{
    return (int)(sizeof commands / sizeof *commands);
}

const struct cz_command *cz_command_at(int index)
{
    return &commands[index];
}

/* How many of the words the name takes; 0: the name is another one; -1: only its first word is there. */
static int match(const char *name, const char *const *words, int n)
{
    const char *space = strchr(name, ' ');
    size_t first = space ? (size_t)(space - name) : strlen(name);
    if (n < 1 || strlen(words[0]) != first || strncmp(name, words[0], first) != 0)
        return 0;
    if (!space)
        return 1;
    return n > 1 && strcmp(space + 1, words[1]) == 0 ? 2 : -1;
}

const struct cz_command *cz_command_find(const char *const *words, int n, int *used)
{
    const struct cz_command *found = NULL;
    *used = 0;
    for (int i = 0; i < cz_command_count(); i++) {
        int m = match(commands[i].name, words, n);
        if (m < 0 && !found)
            *used = 1;
        if (m > 0 && (!found || m > *used)) {
            found = &commands[i];
            *used = m;
        }
    }
    return found;
}

const char *cz_group_title(enum cz_group group)
{
    static const char *const titles[] = {"Look", "Use", "Measure", "Train", "Learn", "Other", ""};
    return titles[group];
}
