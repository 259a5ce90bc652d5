/*
 * Any bytes as IDX files: the first two bytes say how long the images are, the labels take the rest. Both go
 * to one scratch folder, as the reader wants files. All samples of what is accepted are read.
 */
#include "data/dataset.h"

#include <stdio.h>
#include <stdlib.h>

static char folder[] = "/tmp/convzoo-fuzz-idx-XXXXXX";

static void remove_folder(void)
{
    char path[128];
    static const char *const names[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte"};
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        remove(path);
    }
    remove(folder);
}

static void write_file(const char *name, const uint8_t *data, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data, 1, size, f) != size || fclose(f) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int ready;
    if (!ready && (ready = 1) && (!mkdtemp(folder) || atexit(remove_folder) != 0))
        abort();
    if (size < 2)
        return 0;
    size_t n = (size_t)data[0] << 8 | data[1];
    n = n < size - 2 ? n : size - 2;
    write_file("train-images-idx3-ubyte", data + 2, n);
    write_file("train-labels-idx1-ubyte", data + 2 + n, size - 2 - n);
    struct cz_dataset *ds;
    if (cz_dataset_open(folder, &ds, NULL) != CZ_OK)
        return 0;
    for (int64_t i = 0; i < ds->count; i++) {
        struct cz_sample sample;
        int label = cz_dataset_label(ds, i);
        if (label < 0 || label >= ds->n_classes)
            abort();
        cz_dataset_read(ds, i, 1, &sample, NULL);
        cz_sample_deinit(&sample);
    }
    cz_dataset_close(ds);
    return 0;
}
