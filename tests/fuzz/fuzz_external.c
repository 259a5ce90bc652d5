/*
 * Any text as the entries of external data ("key=value" lines), in a folder with files, links and a fifo
 * beside a file that must never be reached. Whatever is mapped must be one of the files inside.
 */
#include "importer/onnx_external.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/convzoo-fuzz-external-XXXXXX";
static char inner[128];

static const char *below(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_text(const char *name, const char *text)
{
    FILE *f = fopen(below(name), "wb");
    if (!f || fputs(text, f) < 0 || fclose(f) != 0)
        abort();
}

static void remove_all(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    if (system(command) != 0)
        return;
}

static void make_folder(void)
{
    if (!mkdtemp(folder) || atexit(remove_all) != 0)
        abort();
    snprintf(inner, sizeof inner, "%s", below("inner"));
    if (mkdir(inner, 0700) != 0 || mkdir(below("inner/a"), 0700) != 0)
        abort();
    write_text("secret", "outside");
    write_text("inner/w", "inside");
    write_text("inner/a/w", "inside");
    if (symlink("../secret", below("inner/s")) != 0 || symlink("..", below("inner/u")) != 0 ||
        mkfifo(below("inner/f"), 0600) != 0)
        abort();
}

/* Cuts a line "key=value" off the text. Returns the rest. */
static char *take_entry(char *text, struct cz_metadata *out)
{
    char *end = text + strcspn(text, "\n"), *rest = *end ? end + 1 : end;
    *end = '\0';
    char *equals = strchr(text, '=');
    out->key = text;
    out->value = equals ? equals + 1 : end;
    if (equals)
        *equals = '\0';
    return rest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cz_metadata entries[8];
    struct onnx_external ref;
    struct cz_file_map map;
    cz_error err;
    size_t n = 0;
    if (!inner[0])
        make_folder();
    char *text = calloc(size + 1, 1);
    memcpy(text, data, size);
    for (char *p = text; *p && n < 8;)
        p = take_entry(p, &entries[n++]);
    if (onnx_external_parse(entries, n, &ref, &err) == CZ_OK &&
        onnx_external_map(inner, ref.location, &map, &err) == CZ_OK) {
        if (map.size != strlen("inside") || memcmp(map.data, "inside", map.size) != 0)
            abort();
        cz_file_unmap(&map);
    }
    free(text);
    return 0;
}
