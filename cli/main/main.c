/* The program: all of it is in the library cz_cli, so that tests can link it. */
#include "cli/cli.h"

int main(int argc, char **argv)
{
    return cz_cli_main(argc, argv);
}
