/*
 * A fuzz target without libFuzzer: TARGET FOLDER... gives it every file of the folders, in exact heap blocks.
 * A folder that is not there has nothing to replay; the first, the seeds, must have something.
 */
#include "base/file.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Called by mutators alone, which nobody calls here. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size)
{
    (void)data;
    (void)max_size;
    return size;
}

static void replay_file(const char *folder, const char *name)
{
    char path[4096];
    struct cz_file_map map;
    cz_error err;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (cz_file_map(path, &map, &err) != CZ_OK) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    uint8_t *copy = malloc(map.size);
    if (map.size > 0 && !copy)
        abort();
    if (map.size > 0)
        memcpy(copy, map.data, map.size);
    LLVMFuzzerTestOneInput(copy, map.size);
    free(copy);
    cz_file_unmap(&map);
}

static int replay_folder(const char *folder)
{
    int n = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (entry->d_name[0] != '.') {
            replay_file(folder, entry->d_name);
            n++;
        }
    if (dir)
        closedir(dir);
    return n;
}

int main(int argc, char **argv)
{
    int n = 0;
    for (int i = 1; i < argc; i++) {
        int here = replay_folder(argv[i]);
        printf("%s: %d inputs\n", argv[i], here);
        n += here;
        if (i == 1 && here == 0)
            return 1;
    }
    return n == 0;
}
