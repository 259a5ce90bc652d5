#include "cli/paths.h"

#include <stdio.h>
#include <stdlib.h>

static char *xdg(const char *variable, const char *below_home, char buf[CZ_PATH_MAX])
{
    const char *base = getenv(variable), *home = getenv("HOME");
    if (base && base[0] == '/')
        snprintf(buf, CZ_PATH_MAX, "%s/convzoo", base);
    else
        snprintf(buf, CZ_PATH_MAX, "%s/%s/convzoo", home && *home ? home : ".", below_home);
    return buf;
}

char *cz_path_cache(const struct cz_cli *cli, char buf[CZ_PATH_MAX])
{
    const char *setting = cz_arg_text(&cli->args, "cache");
    if (!setting)
        return xdg("XDG_CACHE_HOME", ".cache", buf);
    snprintf(buf, CZ_PATH_MAX, "%s", setting);
    return buf;
}

char *cz_path_state(char buf[CZ_PATH_MAX])
{
    return xdg("XDG_STATE_HOME", ".local/state", buf);
}
