/*
 * `convzoo help` and `convzoo version`.
 */
#include "cli/cli.h"
#include "cli/help.h"

#include <stdio.h>
#include <string.h>

int cz_cmd_version(struct cz_cli *cli)
{
    if (cli->json)
        return cz_cli_emit(cli,
                           json_pack("{s:s, s:s}", "schema", "convzoo.version/1", "version", cz_version()));
    printf("convzoo %s\n", cz_version());
    return CZ_EXIT_OK;
}

int cz_cmd_help(struct cz_cli *cli)
{
    const char *const *words = cli->args.operands;
    int n = cli->args.n_operands, used;
    if (n == 0) {
        cz_help_main(stdout);
        return CZ_EXIT_OK;
    }
    const struct cz_command *command = cz_command_find(words, n, &used);
    if (command && used == n)
        cz_help_command(command, stdout);
    else if (!command && n == 1 && used == 1)
        cz_help_family(words[0], stdout);
    else if (n == 1 && strcmp(words[0], "options") == 0)
        cz_help_options(stdout);
    else
        return cz_cli_error(cli, CZ_EXIT_USAGE, "help %s: no such command; see `convzoo --help`", words[0]);
    return CZ_EXIT_OK;
}
