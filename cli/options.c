#include "cli/options.h"
#include "cli/commands.h"

#include <string.h>

#define SWITCH(commands, name, group, sentence)                                                              \
    OPTION(commands, name, SWITCH, 0, NULL, "no", 0, 0, group, sentence)

static const struct cz_option options[] = {
#define OPTION(commands, name, kind, flags, ...) {commands, name, CZ_OPT_##kind, flags, __VA_ARGS__},
#include "cli/options.def"
#undef OPTION
};

int cz_option_count(void)
{
    return (int)(sizeof options / sizeof *options);
}

const struct cz_option *cz_option_at(int index)
{
    return &options[index];
}

/* Is `word` an item of `list`? */
static int has_word(const char *list, char separator, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = list; *p; p++) {
        size_t length = strcspn(p, (char[]){separator, '\0'});
        if (length == n && strncmp(p, word, n) == 0)
            return 1;
        p += length;
        if (!*p)
            break;
    }
    return 0;
}

static int names_command(const struct cz_option *option, const struct cz_command *command)
{
    return has_word(option->commands, ',', command->name);
}

/* An own row of that name hides the shared one. */
static int is_overridden(const struct cz_option *option, const struct cz_command *command)
{
    for (int i = 0; i < cz_option_count(); i++)
        if (&options[i] != option && strcmp(options[i].name, option->name) == 0 &&
            names_command(&options[i], command))
            return 1;
    return 0;
}

int cz_option_applies(const struct cz_option *option, const struct cz_command *command)
{
    if (names_command(option, command))
        return 1;
    int offered = strcmp(option->commands, "*") == 0 ||
                  (strcmp(option->commands, "-") == 0 && has_word(command->shared, ' ', option->name));
    return offered && !is_overridden(option, command);
}

const struct cz_option *cz_option_find(const struct cz_command *command, const char *name)
{
    for (int i = 0; i < cz_option_count(); i++)
        if (strcmp(options[i].name, name) == 0 && cz_option_applies(&options[i], command))
            return &options[i];
    return NULL;
}

const struct cz_option *cz_option_find_any(const char *name)
{
    for (int i = 0; i < cz_option_count(); i++)
        if (strcmp(options[i].name, name) == 0)
            return &options[i];
    return NULL;
}

const char *cz_option_default(const struct cz_option *option)
{
    return option->standard && option->standard[0] != '(' ? option->standard : NULL;
}
