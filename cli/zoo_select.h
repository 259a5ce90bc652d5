/*
 * Which networks of the zoo a command is about: operands that are names or patterns ('efficientnet_b[0-3]').
 */
#ifndef CZ_CLI_ZOO_SELECT_H
#define CZ_CLI_ZOO_SELECT_H

#include "cli/cli.h"
#include "zoo/zoo.h"

/*
 * chosen[cz_zoo_count()] becomes 1 for every network that an operand matches, or for all where there are
 * none. An operand that matches nothing is an error, told with the nearest name. Returns an exit code.
 */
int cz_cli_zoo_select(struct cz_cli *, unsigned char *chosen);

/* Takes away what is not in one of the families "a,b". Returns an exit code. */
int cz_cli_zoo_families(struct cz_cli *, const char *families, unsigned char *chosen);

#endif
