/*
 * Seeds for the importer's fuzz targets: fuzz_importer_seeds FOLDER writes FOLDER/<target>/<name>. Small
 * models that hold every construct the importer knows, a small network of the zoo, arrays, and entries of
 * external data.
 */
#include "importer/npy.h"
#include "importer/onnx_export.h"
#include "importer/safetensors_export.h"
#include "tests/importer/wire.h"
#include "zoo/zoo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zip.h>

static const char *folder;

static const char *seed_path(const char *target, const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, target);
    mkdir(folder, 0777);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/%s/%s", folder, target, name);
    return path;
}

static void write_seed(const char *target, const char *name, const void *bytes, size_t n)
{
    FILE *f = fopen(seed_path(target, name), "wb");
    if (!f || fwrite(bytes, 1, n, f) != n || fclose(f) != 0) {
        perror(name);
        exit(1);
    }
}

static void write_msg(const char *name, struct msg m)
{
    write_seed("fuzz_onnx", name, m.bytes, m.size);
    msg_free(&m);
}

static struct msg ints_attr(const char *name, int n, const int64_t *values)
{
    struct msg m = {0};
    msg_text(&m, 1, name);
    for (int i = 0; i < n; i++)
        msg_int(&m, 8, values[i]);
    msg_int(&m, 20, 7);
    return m;
}

static struct msg tensor_attr(const char *name, struct msg tensor)
{
    struct msg m = {0};
    msg_text(&m, 1, name);
    msg_take(&m, 5, tensor);
    msg_int(&m, 20, 4);
    return m;
}

static const int64_t image[] = {-1, 2, 6, 6}, filter[] = {2, 2, 3, 3}, pair[] = {2}, three[] = {3, 3};
static const float values[36] = {1, -1, 0.5f};

/* Conv, BatchNormalization over merged tensors, Constant, Clip, pooling, shape arithmetic, typed values,
 * Casts. */
static struct msg vision(int type)
{
    struct msg g = {0}, n = make_node("Conv", "conv", "x,w,b", "c");
    msg_take(&n, 5, ints_attr("kernel_shape", 2, three));
    msg_take(&n, 5, make_int_attr("group", 1));
    msg_take(&g, NODE, n);
    msg_take(&g, NODE, make_node("Identity", "", "b", "bn.mean"));
    msg_take(&g, NODE, make_node("BatchNormalization", "bn", "c,b,b,bn.mean,v", "d"));
    n = make_node("Constant", "six", "", "six");
    msg_take(&n, 5, tensor_attr("value", make_tensor("", type, 0, NULL, values, type == F32 ? 4 : 2)));
    msg_take(&g, NODE, n);
    msg_take(&g, NODE, make_node("Clip", "clip", "d,,six", "e"));
    msg_take(&g, NODE, make_node("GlobalAveragePool", "pool", "e", "f"));
    msg_take(&g, NODE, make_node("Shape", "shape", "f", "s"));
    n = make_node("Gather", "gather", "s,zero", "n");
    msg_take(&g, NODE, n);
    msg_take(&g, NODE, make_node("Reshape", "flat", "f,target", "y"));
    size_t width = type == F32 ? 4 : 2;
    msg_take(&g, INITIALIZER, make_tensor("w", type, 4, filter, values, 36 * width));
    msg_take(&g, INITIALIZER, make_tensor("b", type, 1, pair, values, 2 * width));
    msg_take(&g, INITIALIZER, make_tensor("v", type, 1, pair, values, 2 * width));
    struct msg t = make_tensor("target", I64, 1, pair, NULL, 0);
    msg_bytes(&t, 7, "\0\2", 2);
    msg_take(&g, INITIALIZER, t);
    msg_take(&g, INITIALIZER, make_tensor("zero", I64, 0, NULL, "\0\0\0\0\0\0\0", 8));
    msg_take(&g, INPUT, make_value("x", type, 4, image));
    msg_take(&g, OUTPUT, make_value("y", type, 2, image));
    msg_take(&g, OUTPUT, make_value("n", I64, 0, NULL));
    msg_take(&g, VALUE_INFO, make_value("c", type, 4, image));
    return g;
}

static void model_seeds(void)
{
    struct msg m = make_model(8, 13, vision(F32)), entry = {0};
    msg_text(&entry, 1, "convzoo.model");
    msg_text(&entry, 2, "seed");
    msg_take(&m, 14, entry);
    msg_text(&m, 2, "by hand");
    write_msg("float32", m);
    write_msg("float16", make_model(8, 13, vision(F16)));
    struct msg g = vision(F32), t = make_tensor("far", F32, 1, pair, NULL, 0);
    entry = (struct msg){0}; /* the first one's bytes went with the model */
    msg_text(&entry, 1, "location");
    msg_text(&entry, 2, "w.bin");
    msg_take(&t, 13, entry);
    msg_int(&t, 14, 1);
    msg_take(&g, INITIALIZER, t);
    msg_take(&g, NODE, make_node("Add", "unknown", "far,far", "far2"));
    write_msg("external", make_model(10, 18, g));
    g = vision(F32);
    msg_take(&g, NODE, make_node("RoiAlign", "roi", "x,x,x", "r"));
    write_msg("unsupported", make_model(4, 9, g));
    write_msg("tensor", make_tensor("t", F32, 4, filter, values, sizeof values));
    struct cz_graph *net;
    struct cz_zoo_options options = {.width = 0.125, .n_classes = 3, .init = {CZ_INIT_GOLDEN, 1}};
    if (cz_zoo_build("resnet20", &options, &net, NULL) == CZ_OK) {
        cz_onnx_export(net, seed_path("fuzz_onnx", "resnet20"), NULL);
        cz_graph_release(net);
    }
}

static void npy_seeds(void)
{
    static const cz_dtype dtypes[] = {CZ_F32, CZ_F16, CZ_F64, CZ_I8, CZ_U8, CZ_I32, CZ_I64, CZ_BOOL};
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        cz_tensor t = {(void *)values, dtypes[i], (int)i % 4, {2, 1, 2}};
        cz_npy_write(seed_path("fuzz_npy", cz_dtype_name(dtypes[i])), &t, NULL);
    }
    static const char fortran[] =
        "\x93NUMPY\x01\x00\x46\x00{'descr': '>i2', 'fortran_order': True, 'shape': (2, 2), } "
        "             \n12345678";
    write_seed("fuzz_npy", "fortran", fortran, sizeof fortran - 1);
}

static void external_seeds(void)
{
    static const char *const entries[] = {
        "location=w\noffset=0\nlength=6\nchecksum=x",
        "location=a/w\noffset=1",
        "location=../secret",
        "location=a/../../secret",
        "location=s\nbasepath=/",
        "location=u/secret",
        "location=f",
        "location=C:\\x\noffset=0x10\n",
        "location=/etc/passwd",
    };
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        char name[16];
        snprintf(name, sizeof name, "%zu", i);
        write_seed("fuzz_external", name, entries[i], strlen(entries[i]));
    }
}

/* ("storage", FloatStorage, "0", "cpu", 4) as a tensor of (2, 2). */
#define TENSOR                                                                                               \
    "ctorch._utils\n_rebuild_tensor_v2\n((X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0"                   \
    "0X\3\0\0\0cpuK\4tQK\0K\2K\2\x86K\2K\1\x86\x89"                                                          \
    "ccollections\nOrderedDict\n)RtR"
#define KEY "X\1\0\0\0w"

static const char state_dict[] = "\x80\2ccollections\nOrderedDict\n)R(" KEY TENSOR "u}X\1\0\0\0_}sb.",
                  checkpoint[] = "\x80\2}q\0(X\5\0\0\0epochq\1K\3X\2\0\0\0lrG?\xb9\x99\x99\x99\x99\x99\x9a"
                                 "X\12\0\0\0state_dictq\2}" KEY TENSOR "sX\1\0\0\0xN\x85\x88]h\1au.",
                  wanted[] = "\x80\4\x95\0\0\0\0\0\0\0\0\x8c\2os\x94\x8c\6system\x94\x93\x8c\2id\x85R.",
                  legacy[] = "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\2M\xe9\3."
                             "\x80\2}X\15\0\0\0little_endian\x88s.\x80\2}" KEY TENSOR "s.\x80\2]X\1\0\0\0"
                             "0a.\4\0\0\0\0\0\0\0"
                             "0123456789abcdef";

/* `bytes` and the elements of a storage, in an archive. */
static void archive_seed(const char *target, const char *name, const char *member, const void *bytes,
                         size_t n)
{
    zip_t *zip = zip_open(seed_path(target, name), ZIP_CREATE | ZIP_TRUNCATE, NULL);
    if (!zip)
        exit(1);
    zip_int64_t at = zip_file_add(zip, member, zip_source_buffer(zip, bytes, n, 0), 0);
    zip_set_file_compression(zip, (zip_uint64_t)at,
                             strcmp(name, "deflated") == 0 ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0);
    if (strcmp(target, "fuzz_pth") == 0)
        zip_file_add(zip, "net/data/0", zip_source_buffer(zip, values, 16, 0), 0);
    zip_close(zip);
}

static void weight_seeds(void)
{
    static const char array[] =
        "\x93NUMPY\x01\x00\x46\x00{'descr': '<i2', 'fortran_order': False, 'shape': (2, 2), } "
        "            \n12345678";
    struct cz_graph *net;
    struct cz_zoo_options options = {.width = 0.125, .n_classes = 3, .init = {CZ_INIT_GOLDEN, 1}};
    if (cz_zoo_build("resnet20", &options, &net, NULL) == CZ_OK) {
        cz_safetensors_export(net, seed_path("fuzz_safetensors", "float32"), 0, NULL);
        cz_safetensors_export(net, seed_path("fuzz_safetensors", "float16"), 1, NULL);
        cz_graph_release(net);
    }
    static const char small[] =
        "\x4a\0\0\0\0\0\0\0{\"a\\u00e9\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]},"
        "\"__metadata__\":{}}01234567";
    write_seed("fuzz_safetensors", "small", small, sizeof small - 1);
    write_seed("fuzz_pth", "state_dict", state_dict, sizeof state_dict - 1);
    write_seed("fuzz_pth", "checkpoint", checkpoint, sizeof checkpoint - 1);
    write_seed("fuzz_pth", "wanted", wanted, sizeof wanted - 1);
    write_seed("fuzz_pth", "legacy", legacy, sizeof legacy - 1);
    archive_seed("fuzz_pth", "zip", "net/data.pkl", state_dict, sizeof state_dict - 1);
    archive_seed("fuzz_npz", "stored", "a.npy", array, sizeof array - 1);
    archive_seed("fuzz_npz", "deflated", "a.npy", array, sizeof array - 1);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: fuzz_importer_seeds FOLDER\n");
        return 2;
    }
    folder = argv[1];
    model_seeds();
    npy_seeds();
    external_seeds();
    weight_seeds();
    return 0;
}
