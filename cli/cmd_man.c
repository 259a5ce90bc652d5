/*
 * The hidden `convzoo __man [PAGE]`: a manual page, or the list of them. For the build and its test.
 */
#include "cli/cli.h"
#include "cli/man.h"

#include <stdio.h>

int cz_cmd_man(struct cz_cli *cli)
{
    char buf[80];
    const char *page;
    if (cli->args.n_operands == 0) {
        for (int i = 0; (page = cz_man_page(i, buf, sizeof buf)); i++)
            puts(page);
        return CZ_EXIT_OK;
    }
    page = cli->args.operands[0];
    if (cz_man_print(page, stdout))
        return cz_cli_error(cli, CZ_EXIT_USAGE, "page '%s': there is none; `convzoo __man` lists them", page);
    return CZ_EXIT_OK;
}
