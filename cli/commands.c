#include "cli/commands.h"
#include "cli/options.h"

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

int cz_command_words(const char *const *argv, int n, int at[2])
{
    int found = 0;
    for (int i = 0; i < n && found < 2; i++) {
        if (strcmp(argv[i], "--") == 0)
            break;
        if (argv[i][0] != '-') {
            at[found++] = i;
            continue;
        }
        /* Which command it is, is not known yet: an option that takes a value takes one in all commands. */
        const struct cz_option *o = argv[i][1] == '-' ? cz_option_find_any(argv[i] + 2) : NULL;
        int takes_value = o && o->kind != CZ_OPT_SWITCH && !(o->flags & CZ_OPT_OPTIONAL);
        i += takes_value || strcmp(argv[i], "-o") == 0;
    }
    return found;
}

const char *cz_group_title(enum cz_group group)
{
    static const char *const titles[] = {"Look", "Use", "Measure", "Train", "Learn", "Other", ""};
    return titles[group];
}
