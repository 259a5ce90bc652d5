/*
 * `convzoo completion SHELL` prints a script for the shell; the script calls the hidden `convzoo __complete`.
 */
#include "base/nearest.h"
#include "cli/cli.h"
#include "cli/complete.h"
#include "cli/completion_scripts.h"

#include <stdio.h>
#include <string.h>

int cz_cmd_completion(struct cz_cli *cli)
{
    static const char *const shells[] = {"bash", "zsh", "fish"};
    static const char *const scripts[] = {CZ_COMPLETION_BASH, CZ_COMPLETION_ZSH, CZ_COMPLETION_FISH};
    const char *shell = cli->args.operands[0];
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
        if (strcmp(shell, shells[i]) == 0) {
            fputs(scripts[i], stdout);
            return CZ_EXIT_OK;
        }
    const char *nearest = cz_nearest(shell, shells, sizeof shells / sizeof *shells);
    return cz_cli_error(cli, CZ_EXIT_USAGE, "shell '%s': unknown; write `convzoo completion %s`", shell,
                        nearest ? nearest : "bash|zsh|fish");
}

int cz_cmd_complete(struct cz_cli *cli)
{
    int64_t at;
    const char *const *operands = cli->args.operands;
    int n = cli->args.n_operands - 1;
    if (cz_parse_count(operands[0], 0, n, &at))
        return CZ_EXIT_USAGE; /* nobody reads what a completion has to say */
    cz_complete(operands + 1, n, (int)at, stdout);
    return CZ_EXIT_OK;
}
