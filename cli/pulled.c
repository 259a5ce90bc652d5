#include "cli/pulled.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

char *cz_pulled_folder(const struct cz_cli *cli, char buf[CZ_PATH_MAX])
{
    char cache[CZ_PATH_MAX];
    snprintf(buf, CZ_PATH_MAX, "%.4000s/weights", cz_path_cache(cli, cache));
    return buf;
}

char *cz_pulled_path(const struct cz_cli *cli, const struct cz_zoo_source *s, char buf[CZ_PATH_MAX])
{
    char folder[CZ_PATH_MAX];
    snprintf(buf, CZ_PATH_MAX, "%.4010s/%s", cz_pulled_folder(cli, folder), s->file);
    return buf;
}

int64_t cz_pulled_bytes(const struct cz_cli *cli, const struct cz_zoo_source *s)
{
    struct stat st;
    char path[CZ_PATH_MAX];
    return stat(cz_pulled_path(cli, s, path), &st) == 0 && S_ISREG(st.st_mode) ? (int64_t)st.st_size : -1;
}

int cz_pulled_hash_fits(const struct cz_zoo_source *s, const char *sha256)
{
    return strncmp(sha256, s->sha256, strlen(s->sha256)) == 0;
}

char *cz_pulled_size_text(const struct cz_zoo_source *s, char *buf, size_t size)
{
    snprintf(buf, size, s->mib < 10 ? "%.1f MiB" : "%.0f MiB", s->mib);
    return buf;
}
