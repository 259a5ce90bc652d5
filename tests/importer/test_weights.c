/*
 * Weight files: every format gives the same tensors, and what is broken or dangerous is refused by its own
 * line.
 *
 * Archives are made with libzip and pickles written opcode by opcode, after the documented layouts; that what
 * PyTorch and NumPy themselves write is read, compare_weights.py tests.
 */
#include "importer/weights.h"
#include "importer/npy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include <cmocka.h>

/* Bytes that grow. */
struct blob {
    unsigned char bytes[1 << 18];
    size_t size;
};

static void put(struct blob *b, const void *bytes, size_t n)
{
    assert_true(b->size + n <= sizeof b->bytes);
    memcpy(b->bytes + b->size, bytes, n);
    b->size += n;
}

static void put_text(struct blob *b, const char *text)
{
    put(b, text, strlen(text));
}

static void put_u64(struct blob *b, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        put(b, &(unsigned char){(unsigned char)(value >> (8 * i))}, 1);
}

/* Exact size from malloc, so that a sanitizer sees a read past the end. */
static cz_status load(const void *bytes, size_t size, const char *name, struct cz_weights **w,
                      unsigned char **copy, cz_error *err)
{
    *copy = malloc(size ? size : 1);
    assert_non_null(*copy);
    if (size)
        memcpy(*copy, bytes, size);
    return cz_weights_load_memory(*copy, size, name, w, err);
}

static void refuse(const void *bytes, size_t size, const char *name, const char *words)
{
    struct cz_weights *w;
    unsigned char *copy;
    cz_error err = {0};
    cz_status status = load(bytes, size, name, &w, &copy, &err);
    if (status == CZ_OK || !strstr(err.message, words) || strncmp(err.message, name, strlen(name)) != 0)
        fail_msg("%zu bytes: wanted '%s', got %d: %s", size, words, status,
                 status ? err.message : "accepted");
    free(copy);
}

static const struct cz_weight *find(const struct cz_weights *w, const char *name)
{
    for (int i = 0; i < w->count; i++)
        if (strcmp(w->items[i].name, name) == 0)
            return &w->items[i];
    fail_msg("no tensor '%s'", name);
    return NULL;
}

static float element(const struct cz_weight *t, int64_t i)
{
    float f;
    memcpy(&f, t->data + 4 * i, sizeof f);
    return f;
}

/* ---- safetensors ---- */

static struct blob safetensors(const char *header, size_t data_size)
{
    struct blob b = {.size = 0};
    put_u64(&b, strlen(header));
    put_text(&b, header);
    for (size_t i = 0; i < data_size; i++)
        put(&b, &(unsigned char){(unsigned char)i}, 1);
    return b;
}

static const char good[] =
    "{\"__metadata__\":{\"format\":\"pt\"},"
    "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[16,24]},"
    "\"a\\u00e9\\ud83d\\ude00\":{\"data_offsets\":[0,16],\"dtype\":\"F64\",\"shape\":[2,1]},"
    "\"s\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[24,32]},"
    "\"e\":{\"dtype\":\"BF16\",\"shape\":[0,7],\"data_offsets\":[32,32]}}  ";

static void test_safetensors(void **state)
{
    struct blob b = safetensors(good, 32);
    struct cz_weights *w;
    unsigned char *copy;
    cz_error err = {0};
    (void)state;
    if (load(b.bytes, b.size, "x.safetensors", &w, &copy, &err) != CZ_OK)
        fail_msg("%s", err.message);
    assert_int_equal(w->count, 4);
    const struct cz_weight *t = find(w, "a\xC3\xA9\xF0\x9F\x98\x80");
    assert_int_equal(t->shape.dtype, CZ_F64);
    assert_int_equal(t->shape.rank, 2);
    assert_ptr_equal(t->data, copy + b.size - 32);
    assert_int_equal(find(w, "b")->data[0], 16);
    assert_int_equal(find(w, "s")->shape.rank, 0);
    assert_int_equal(find(w, "e")->shape.dim[1], 7);
    cz_weights_destroy(w);
    free(copy);
}

#define T(name, shape, from, to)                                                                             \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]}"

static void test_broken_safetensors(void **state)
{
    static const struct {
        const char *header;
        size_t data;
        const char *words;
    } cases[] = {
        {"{" T("a", "[2]", "0", "8") "," T("a", "[2]", "8", "16") "}", 16, "there twice"},
        {"{" T("a", "[2]", "0", "8") "," T("b", "[2]", "4", "12") "}", 12, "inside another"},
        {"{" T("a", "[2]", "0", "8") "," T("b", "[2]", "12", "20") "}", 20, "behind a hole"},
        {"{" T("a", "[2]", "4", "12") "}", 12, "behind a hole"},
        {"{" T("a", "[2]", "0", "8") "}", 9, "behind the last"},
        {"{" T("a", "[2]", "8", "0") "}", 8, "bytes 8 to 0"},
        {"{" T("a", "[2]", "0", "8") "}", 4, "of 4; the file is cut short"},
        {"{" T("a", "[3]", "0", "8") "}", 8, "does not fit its 8 bytes"},
        {"{" T("a", "[4294967296,4294967296]", "0", "0") "}", 0, "does not fit"},
        {"{" T("a", "[2305843009213693952,8]", "0", "0") "}", 0, "does not fit"},
        {"{" T("a", "[9223372036854775808]", "0", "8") "}", 8, "over 2^63"},
        {"{" T("a", "[2]", "0", "18446744073709551616") "}", 8, "over 2^63"},
        {"{" T("a", "[-2]", "0", "8") "}", 8, "not negative"},
        {"{" T("a", "[2.0]", "0", "8") "}", 8, "whole number"},
        {"{" T("a", "[1e999]", "0", "8") "}", 8, "whole number"},
        {"{" T("a", "[1,1,1,1,1,1,2]", "0", "8") "}", 8, "more than 6 dimensions"},
        {"{" T("a\\ud800", "[2]", "0", "8") "}", 8, "a string holds"},
        {"{" T("a\\u0000", "[2]", "0", "8") "}", 8, "a string holds"},
        {"{" T("a\xFF", "[2]", "0", "8") "}", 8, "a string holds"},
        {"{" T("a\\x", "[2]", "0", "8") "}", 8, "a string holds"},
        {"{" T("", "[2]", "0", "8") "}", 8, "no text"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "is missing"},
        {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2]}}", 8, "there twice"},
        {"{\"a\":{\"dtype\":\"F32\",\"x\":[2]}}", 8, "unknown"},
        {"{\"a\":{\"dtype\":\"Q4\",\"shape\":[2]}}", 8, "element type 'Q4'"},
        {"{\"__metadata__\":{\"a\":1}}", 0, "'\"' is missing"},
        {"{\"__metadata__\":{\"a\":\"b\"}}", 0, "no tensors"},
        {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "there twice"},
        {"{\"a\":[[[[[[[[[[[[[[[[[[[[", 0, "'{' is missing"},
        {"{} {}", 0, "more than one object"},
        {"{\"a", 0, "no end"},
        {"{\"a\\", 0, "no end"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct blob b = safetensors(cases[i].header, cases[i].data);
        refuse(b.bytes, b.size, "x.safetensors", cases[i].words);
    }
}

static void test_safetensors_length(void **state)
{
    static const uint64_t lengths[] = {0,          1000,
                                       INT32_MAX,  (uint64_t)INT32_MAX + 1,
                                       UINT32_MAX, (uint64_t)UINT32_MAX + 1,
                                       INT64_MAX,  (uint64_t)INT64_MAX + 1,
                                       UINT64_MAX, UINT64_MAX - 7};
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct blob b = {.size = 0};
        put_u64(&b, lengths[i]);
        put_text(&b, "{}      ");
        refuse(b.bytes, b.size, "x.safetensors", "claims a header");
    }
}

/* Cut anywhere, a file must be refused: its last byte belongs to a tensor. */
static void refuse_prefixes(const struct blob *b, const char *name)
{
    for (size_t n = 0; n < b->size; n++)
        refuse(b->bytes, n, name, ": ");
}

static void test_cut_safetensors(void **state)
{
    struct blob b = safetensors(good, 32);
    (void)state;
    refuse_prefixes(&b, "x.safetensors");
}

/* ---- archives ---- */

struct member {
    const char *name;
    const void *bytes;
    size_t size;
    int method; /* ZIP_CM_STORE: 0 */
};

static struct blob archive(const struct member *members, size_t n)
{
    struct blob b = {.size = 0};
    zip_error_t why;
    zip_stat_t st;
    zip_error_init(&why);
    zip_source_t *out = zip_source_buffer_create(NULL, 0, 0, &why);
    zip_t *zip = zip_open_from_source(out, ZIP_TRUNCATE, &why);
    assert_non_null(zip);
    zip_source_keep(out);
    for (size_t i = 0; i < n; i++) {
        zip_source_t *in = zip_source_buffer(zip, members[i].bytes, members[i].size, 0);
        zip_int64_t at = zip_file_add(zip, members[i].name, in, 0);
        assert_true(at >= 0);
        zip_set_file_compression(zip, (zip_uint64_t)at, members[i].method ? members[i].method : ZIP_CM_STORE,
                                 0);
    }
    assert_int_equal(zip_close(zip), 0);
    zip_source_open(out);
    zip_source_stat(out, &st);
    assert_true(st.size <= sizeof b.bytes);
    b.size = (size_t)zip_source_read(out, b.bytes, sizeof b.bytes);
    zip_source_close(out);
    zip_source_free(out);
    return b;
}

static struct blob npy(const char *shape, const float *values, size_t n)
{
    struct blob b = {.size = 0};
    char dict[128];
    int length =
        snprintf(dict, sizeof dict, "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }\n", shape);
    put(&b, "\x93NUMPY\x01\x00", 8);
    put(&b, (unsigned char[]){(unsigned char)length, 0}, 2);
    put_text(&b, dict);
    put(&b, values, n * sizeof *values);
    return b;
}

static void test_npz(void **state)
{
    const float values[] = {1, 2, 3, 4, 5, 6};
    struct blob a = npy("(2, 3)", values, 6), s = npy("()", values + 4, 1);
    (void)state;
    for (int method = ZIP_CM_STORE; method <= ZIP_CM_DEFLATE; method += ZIP_CM_DEFLATE) {
        struct blob b = archive(
            (struct member[]){{"w.a.npy", a.bytes, a.size, method}, {"s.npy", s.bytes, s.size, method}}, 2);
        struct cz_weights *w;
        unsigned char *copy;
        cz_error err = {0};
        if (load(b.bytes, b.size, "x.npz", &w, &copy, &err) != CZ_OK)
            fail_msg("%s", err.message);
        assert_int_equal(w->count, 2);
        assert_int_equal(find(w, "w.a")->shape.dim[1], 3);
        assert_true(element(find(w, "w.a"), 5) == 6);
        assert_true(element(find(w, "s"), 0) == 5);
        cz_weights_destroy(w);
        free(copy);
    }
}

static void test_broken_archives(void **state)
{
    const float values[] = {1, 2};
    struct blob a = npy("(2,)", values, 2), out_of_shape = npy("(3,)", values, 2);
    const struct {
        struct member members[2];
        const char *words;
    } cases[] = {
        {{{"a.npy", out_of_shape.bytes, out_of_shape.size, 0}, {"b.npy", a.bytes, a.size, 0}},
         "the header's shape needs"},
        {{{"../a.npy", a.bytes, a.size, 0}, {"b.npy", a.bytes, a.size, 0}}, "called '../a.npy'"},
        {{{"/etc/a.npy", a.bytes, a.size, 0}, {"b.npy", a.bytes, a.size, 0}}, "called '/etc/a.npy'"},
        {{{"x/../../a.npy", a.bytes, a.size, 0}, {"b.npy", a.bytes, a.size, 0}}, "called 'x/"},
        {{{"a.txt", a.bytes, a.size, 0}, {"b.npy", a.bytes, a.size, 0}}, "no .npy"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct blob b = archive(cases[i].members, 2);
        refuse(b.bytes, b.size, "x.npz", cases[i].words);
    }
    refuse("PK\x03\x04", 4, "x.npz", "not a sound zip archive");
}

/* 80 MiB of zeros in under 200 KiB: refused by what the members claim, the seventh before it is unpacked. */
static void test_zip_bomb(void **state)
{
    static unsigned char zeros[10 << 20];
    static const char header[] =
        "\x93NUMPY\x01\x00\x46\x00{'descr': '|u1', 'fortran_order': False, 'shape': (10485680,), }     \n";
    struct member members[8];
    char names[8][8];
    (void)state;
    assert_int_equal(sizeof header - 1, 80);
    memcpy(zeros, header, sizeof header - 1);
    for (int i = 0; i < 8; i++) {
        snprintf(names[i], sizeof names[i], "%d.npy", i);
        members[i] = (struct member){names[i], zeros, sizeof zeros, ZIP_CM_DEFLATE};
    }
    struct blob b = archive(members, 8);
    refuse(b.bytes, b.size, "x.npz", "6.npy': unpacks to 10485760 bytes, out of proportion");
}

static void test_damaged_archive(void **state)
{
    const float values[] = {1, 2, 3, 4, 5, 6};
    struct blob a = npy("(2, 3)", values, 6);
    struct blob b = archive((struct member[]){{"a.npy", a.bytes, a.size, 0}}, 1);
    (void)state;
    refuse_prefixes(&b, "x.npz");
    for (size_t i = 0; i < b.size; i++) /* one byte of the elements changed: the checksum tells */
        if (memcmp(b.bytes + i, values, 4) == 0) {
            b.bytes[i] ^= 1;
            refuse(b.bytes, b.size, "x.npz", "CRC");
            return;
        }
    fail_msg("the elements were not found");
}

/* ---- PyTorch ---- */

static const float storage[] = {10, 11, 12, 13, 14, 15, 16, 17};

/* A pickle in our own order of opcodes: \x80\x02 body . */
static struct blob pickle(const char *body, size_t n)
{
    struct blob b = {.size = 0};
    put(&b, "\x80\x02", 2);
    put(&b, body, n);
    put_text(&b, ".");
    return b;
}

static struct blob pth(const struct blob *p, const char *extra)
{
    const struct member members[] = {{"net/data.pkl", p->bytes, p->size, 0},
                                     {"net/data/0", storage, sizeof storage, 0},
                                     {"net/version", "3\n", 2, 0},
                                     {extra ? extra : "", "big", 3, 0}};
    return archive(members, extra ? 4 : 3);
}

/* ("storage", FloatStorage, "0", "cpu", 8) as a persistent id, memo 9 */
#define STORAGE                                                                                              \
    "(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0"                                                       \
    "0X\3\0\0\0cpuK\10tQ"
/* "w": tensor of offset 1, size (2, 3), stride (1, 2) */
#define TENSOR(offset, size, stride)                                                                         \
    "ctorch._utils\n_rebuild_tensor_v2\n(" STORAGE offset size stride "\x89"                                 \
    "ccollections\nOrderedDict\n)RtR"
#define KEY "X\1\0\0\0w"
#define BODY(text) (text), sizeof(text) - 1

static void test_pth_zip(void **state)
{
    static const struct {
        const char *body;
        size_t size;
        const char *note;
    } forms[] = {
        {BODY("}" KEY TENSOR("K\1", "K\2K\3\x86", "K\1K\2\x86") "s"), NULL},
        {BODY("ccollections\nOrderedDict\n)R(" KEY TENSOR("K\1", "K\2K\3\x86",
                                                          "K\1K\2\x86") "u}X\1\0\0\0_}sb"),
         NULL},
        {BODY("}(X\5\0\0\0epochK\3X\12\0\0\0state_dict}" KEY TENSOR("K\1", "K\2K\3\x86", "K\1K\2\x86") "su"),
         "its entry 'state_dict'"},
        /* OrderedDict([["w", tensor]]), as Python 2 wrote it */
        {BODY("ccollections\nOrderedDict\n](](" KEY TENSOR("K\1", "K\2K\3\x86", "K\1K\2\x86") "ee\x85R"),
         NULL},
        {BODY("}" KEY
              "ctorch._utils\n_rebuild_parameter\n" TENSOR("K\1", "K\2K\3\x86", "K\1K\2\x86") "\x88)\x87Rs"),
         NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct blob p = pickle(forms[i].body, forms[i].size), b = pth(&p, NULL);
        struct cz_weights *w;
        unsigned char *copy;
        cz_error err = {0};
        if (load(b.bytes, b.size, "x.pth", &w, &copy, &err) != CZ_OK)
            fail_msg("form %zu: %s", i, err.message);
        const struct cz_weight *t = find(w, "w");
        assert_int_equal(w->count, 1);
        assert_int_equal(t->shape.dim[0], 2);
        assert_int_equal(t->stride[1], 2);
        assert_true(element(t, 0) == 11 && element(t, 1 + 2 * 2) == 16);
        if (forms[i].note)
            assert_string_equal(w->note, forms[i].note);
        else
            assert_null(w->note);
        cz_weights_destroy(w);
        free(copy);
    }
}

static void test_hostile_pickles(void **state)
{
    static const struct {
        const char *body;
        size_t size;
        const char *words;
    } cases[] = {
        {BODY("cos\nsystem\nX\2\0\0\0id\x85R"), "'os.system'"},
        {BODY("cposix\nsystem\nX\2\0\0\0id\x85R"), "'posix.system'"},
        {BODY("\x8c\2os\x8c\6system\x93X\2\0\0\0id\x85R"), "'os.system'"},
        {BODY("X\2\0\0\0osq\0X\6\0\0\0systemq\1h\0h\1\x93)R"), "'os.system'"},
        {BODY("cbuiltins\neval\nX\1\0\0\0001\x85R"), "'builtins.eval'"},
        {BODY("ctorch.hub\nload\n)R"), "'torch.hub.load'"},
        {BODY("ctorch\nFloatStorage\n)R"), "a call of a storage type"},
        {BODY("X\1\0\0\0a)R"), "no name"},
        {BODY("(ios\nsystem\n"), "opcode 0x69"},   /* INST */
        {BODY("cos\nsystem\n(oR"), "'os.system'"}, /* OBJ */
        {BODY("\x82\1"), "opcode 0x82"},           /* EXT1 */
        {BODY("]KEYS"), "opcode 0x59"},
        {BODY("]" KEY "K\1s"), "no dictionary"},
        {BODY("}" KEY "a"), "no list"},
        {BODY("}q\0" KEY "h\0s"), "holds itself"},
        {BODY("]q\0]q\1h\0ah\0h\1a"), "holds itself"},
        {BODY("}" KEY "t"), "a mark is missing"},
        {BODY("("), "does not end with one value"},
        {BODY("s"), "operand is missing"},
        {BODY("R"), "operand is missing"},
        {BODY("h\0"), "never set"},
        {BODY("j\xff\xff\xff\xff"), "never set"},
        {BODY("]r\xff\xff\xff\xff"), "out of order"},
        {BODY("\x8a\xff"), "ends inside"},
        {BODY("\x8a\x0a"
              "0123456789"),
         "more than 64 bits"},
        {BODY("X\xff\xff\xff\xff"), "ends inside"},
        {BODY("X\2\0\0\0a\0"), "with a NUL"},
        {BODY("\x80\x06"), "protocol"},
        {BODY("K\1Q"), "no storage"},
        {BODY("X\6\0\0\0moduleK\1\x86Q"), "whole module"},
        {BODY("K\1"), "no dictionary of tensors"},
        {BODY("}" KEY TENSOR("K\3", "K\2K\3\x86", "K\1K\2\x86") "s"), "beyond its storage"},
        {BODY("}" KEY TENSOR("K\1", "K\2K\3\x86", "K\1J\xff\xff\xff\xff\x86") "s"), "do not fit"},
        {BODY("}" KEY TENSOR("K\1", "J\xff\xff\xff\xffK\3\x86", "K\1K\2\x86") "s"), "do not fit"},
        {BODY("}" KEY TENSOR("K\1", "K\2\x85", "K\1K\2\x86") "s"), "do not fit"},
        {BODY("}" KEY TENSOR("\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f", "K\2\x85", "K\1\x85") "s"),
         "beyond its storage"},
        {BODY("}" KEY TENSOR("K\1", "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7fK\2\x86", "K\1K\1\x86") "s"),
         "beyond its storage"},
        {BODY("}" KEY TENSOR("K\1", "\x8a\x05\0\0\0\x80\0K\2\x86", "\x8a\x05\0\0\0\x80\0K\1\x86") "s"),
         "beyond its storage"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct blob p = pickle(cases[i].body, cases[i].size), b = pth(&p, NULL);
        refuse(b.bytes, b.size, "x.pth", cases[i].words);
    }
}

/* Storages whose bytes are not there, and names that lead elsewhere. */
static void test_hostile_storages(void **state)
{
#define WITH(key, count)                                                                                     \
    "}" KEY "ctorch._utils\n_rebuild_tensor_v2\n((X\7\0\0\0storagectorch\nFloatStorage\n" key                \
    "X\3\0\0\0cpu" count "tQK\0K\1\x85K\1\x85\x89NtRs"
    static const struct {
        const char *body;
        size_t size;
        const char *words;
    } cases[] = {
        {BODY(WITH("X\1\0\0\0"
                   "1",
                   "K\10")),
         "storage '1' is missing"},
        {BODY(WITH("X\12\0\0\0../version", "K\10")), "storage '../version' is missing"},
        {BODY(WITH("X\1\0\0\0"
                   "0",
                   "K\11")),
         "claims 9 elements and has 32 bytes"},
        {BODY(WITH("X\1\0\0\0"
                   "0",
                   "\x8a\x08\0\0\0\0\0\0\0\x20")),
         "claims 2305843009213693952 elements"},
        {BODY(WITH("X\1\0\0\0"
                   "0",
                   "\x8a\x08\0\0\0\0\0\0\0\x80")),
         "not what PyTorch writes"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct blob p = pickle(cases[i].body, cases[i].size), b = pth(&p, NULL);
        refuse(b.bytes, b.size, "x.pth", cases[i].words);
    }
    struct blob p = pickle(BODY("}" KEY TENSOR("K\1", "K\2K\3\x86", "K\1K\2\x86") "s"));
    struct blob b = pth(&p, "net/code/__torch__.py");
    refuse(b.bytes, b.size, "x.pth", "TorchScript");
    b = pth(&p, "net/byteorder");
    refuse(b.bytes, b.size, "x.pth", "not little-endian");
    b = pth(&p, NULL);
    refuse_prefixes(&b, "x.pth");
    b = archive((struct member[]){{"a.npy", storage, sizeof storage, 0}}, 1);
    refuse(b.bytes, b.size, "x.pth", "without data.pkl");
}

/* Millions of values, tuples in tuples, a memo of references: refused within the limits, in no time. */
static void test_large_pickles(void **state)
{
    enum { N = 4000000 };
    static const struct {
        const char *unit, *words;
    } cases[] = {
        {"]", "more than 1000000 values"}, {"}q\0", "more than 1000000 values"}, {"(", "ends inside"}};
    unsigned char *bytes = malloc(N + 64);
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        size_t n = 0, unit = c == 1 ? 3 : 1;
        memcpy(bytes, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02",
               23);
        for (n = 23; n + unit <= N; n += unit)
            memcpy(bytes + n, cases[c].unit, unit);
        refuse(bytes, n, "x.pth", cases[c].words);
    }
    /* A tuple of the one before, a million times and more: nothing may walk it by recursion. */
    size_t n = 23;
    bytes[n++] = ')';
    while (n < N)
        bytes[n++] = 0x85;
    refuse(bytes, n, "x.pth", "more than 1000000 values");
    free(bytes);
}

#define MAGIC "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
#define SYSTEM(little) "\x80\x02}X\15\0\0\0little_endian" little "s."

static struct blob legacy(const char *little, size_t n_little, uint64_t count)
{
    static const char object[] = "\x80\x02}" KEY TENSOR("K\1", "K\2K\3\x86", "K\1K\2\x86") "s.";
    struct blob b = {.size = 0};
    put(&b, BODY(MAGIC "\x80\x02M\xe9\x03."));
    put(&b, little, n_little);
    put(&b, object, sizeof object - 1);
    put(&b, BODY("\x80\x02]X\1\0\0\0"
                 "0a."));
    put_u64(&b, count);
    put(&b, storage, sizeof storage);
    return b;
}

static void test_pth_legacy(void **state)
{
    struct blob b = legacy(BODY(SYSTEM("\x88")), 8);
    struct cz_weights *w;
    unsigned char *copy;
    cz_error err = {0};
    (void)state;
    if (load(b.bytes, b.size, "x.pth", &w, &copy, &err) != CZ_OK)
        fail_msg("%s", err.message);
    assert_true(element(find(w, "w"), 0) == 11);
    cz_weights_destroy(w);
    free(copy);
    refuse_prefixes(&b, "x.pth");
    b = legacy(BODY(SYSTEM("\x89")), 8);
    refuse(b.bytes, b.size, "x.pth", "not little-endian");
    static const uint64_t counts[] = {0, 7, 9, INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        b = legacy(BODY(SYSTEM("\x88")), counts[i]);
        refuse(b.bytes, b.size, "x.pth", "8 are expected");
    }
}

/* ---- which format ---- */

static void test_kinds(void **state)
{
    struct blob b = safetensors(good, 32);
    struct cz_weights *w;
    unsigned char *copy;
    cz_error err = {0};
    (void)state;
    assert_int_equal(load(b.bytes, b.size, "renamed.pth", &w, &copy, &err), CZ_OK); /* content decides */
    assert_string_equal(w->format, "safetensors");
    cz_weights_destroy(w);
    free(copy);
    refuse("", 0, "x.pth", "empty");
    refuse("<!DOCTYPE html><html>404", 24, "x.pth", "web page");
    refuse("version https://git-lfs.github.com/spec/v1\n", 43, "x.safetensors", "git-LFS pointer");
    refuse("GIF89a......", 12, "x.gif", "weights come as");
    refuse("\x08\x07garbage", 9, "x.onnx", "x.onnx");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_safetensors),
        cmocka_unit_test(test_broken_safetensors),
        cmocka_unit_test(test_safetensors_length),
        cmocka_unit_test(test_cut_safetensors),
        cmocka_unit_test(test_npz),
        cmocka_unit_test(test_broken_archives),
        cmocka_unit_test(test_zip_bomb),
        cmocka_unit_test(test_damaged_archive),
        cmocka_unit_test(test_pth_zip),
        cmocka_unit_test(test_hostile_pickles),
        cmocka_unit_test(test_hostile_storages),
        cmocka_unit_test(test_large_pickles),
        cmocka_unit_test(test_pth_legacy),
        cmocka_unit_test(test_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
