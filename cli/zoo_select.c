#include "cli/zoo_select.h"
#include "base/nearest.h"

#include <fnmatch.h>
#include <string.h>

static int mark_matches(const char *pattern, unsigned char *chosen)
{
    int n = 0;
    for (int i = 0; i < cz_zoo_count(); i++)
        if (fnmatch(pattern, cz_zoo_at(i)->name, 0) == 0) {
            chosen[i] = 1;
            n++;
        }
    return n;
}

static int no_match(struct cz_cli *cli, const char *pattern)
{
    const char *nearest = cz_zoo_nearest(pattern);
    if (nearest)
        return cz_cli_error(cli, CZ_EXIT_USAGE, "model '%s': not in the zoo; nearest is '%s'", pattern,
                            nearest);
    return cz_cli_error(cli, CZ_EXIT_USAGE, "model '%s': not in the zoo; see `convzoo zoo list`", pattern);
}

int cz_cli_zoo_select(struct cz_cli *cli, unsigned char *chosen)
{
    int code = CZ_EXIT_OK;
    memset(chosen, cli->args.n_operands == 0, (size_t)cz_zoo_count());
    for (int i = 0; i < cli->args.n_operands; i++)
        if (mark_matches(cli->args.operands[i], chosen) == 0)
            code = no_match(cli, cli->args.operands[i]);
    return code;
}

enum { MAX_FAMILIES = 32 };

static size_t list_families(const char *names[MAX_FAMILIES])
{
    size_t n = 0;
    for (int i = 0; i < cz_zoo_count(); i++) {
        const char *family = cz_zoo_at(i)->family;
        int known = 0;
        for (size_t k = 0; k < n; k++)
            known |= strcmp(names[k], family) == 0;
        if (!known && n < MAX_FAMILIES)
            names[n++] = family;
    }
    return n;
}

static int has_word(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; at; at = strchr(at, ','), at = at ? at + 1 : NULL)
        if (strncmp(at, word, length) == 0 && (at[length] == ',' || at[length] == 0))
            return 1;
    return 0;
}

/* Every word of the list must be a family; told for each that is not. */
static int check_families(struct cz_cli *cli, const char *list)
{
    const char *names[MAX_FAMILIES];
    size_t n = list_families(names);
    int code = CZ_EXIT_OK;
    for (const char *at = list; at; at = strchr(at, ','), at = at ? at + 1 : NULL) {
        char word[64] = "", all[512] = "";
        size_t length = strcspn(at, ","), found = 0;
        if (length < sizeof word)
            memcpy(word, at, length);
        for (size_t i = 0; i < n; i++) {
            found |= strcmp(names[i], word) == 0;
            strncat(strncat(all, i ? ", " : "", sizeof all - strlen(all) - 1), names[i],
                    sizeof all - strlen(all) - 1);
        }
        const char *nearest = cz_nearest(word, names, n);
        if (!found && nearest)
            code = cz_cli_error(cli, CZ_EXIT_USAGE, "--family %s: unknown; nearest is '%s'", word, nearest);
        else if (!found)
            code = cz_cli_error(cli, CZ_EXIT_USAGE, "--family %s: unknown; give one of %s", word, all);
    }
    return code;
}

int cz_cli_zoo_families(struct cz_cli *cli, const char *families, unsigned char *chosen)
{
    int code = check_families(cli, families);
    for (int i = 0; i < cz_zoo_count(); i++)
        chosen[i] = chosen[i] && has_word(families, cz_zoo_at(i)->family);
    return code;
}
