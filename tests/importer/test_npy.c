/*
 * NPY: what we write comes back, what NumPy writes is read (both orders, both byte orders, every width), what
 * is broken or dangerous is refused with its reason.
 */
#include "importer/npy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A file in memory: version, dictionary text, data. The header ends in a newline as the format wants. */
struct file {
    unsigned char bytes[1024];
    size_t size;
};

static struct file make(int version, const char *dictionary, const void *data, size_t data_size)
{
    struct file f = {.size = version == 1 ? 10 : 12};
    size_t length = strlen(dictionary) + 1;
    memcpy(f.bytes, "\x93NUMPY", 6);
    f.bytes[6] = (unsigned char)version;
    f.bytes[8] = (unsigned char)(length & 0xFF);
    f.bytes[9] = (unsigned char)(length >> 8);
    memcpy(f.bytes + f.size, dictionary, length - 1);
    f.size += length;
    f.bytes[f.size - 1] = '\n';
    memcpy(f.bytes + f.size, data, data_size);
    f.size += data_size;
    return f;
}

static void check(const struct file *f, cz_dtype dtype, int rank, const double *want, int count)
{
    cz_tensor t;
    cz_error err = {0};
    if (cz_npy_parse(f->bytes, f->size, "x.npy", &t, &err) != CZ_OK)
        fail_msg("%s", err.message);
    struct cz_shape shape = cz_tensor_shape(&t);
    assert_int_equal(t.dtype, dtype);
    assert_int_equal(t.rank, rank);
    assert_int_equal(cz_shape_count(&shape), count);
    for (int i = 0; i < count; i++)
        assert_true(cz_tensor_double(&t, i) == want[i]);
    free(t.data);
}

static void refuse(const struct file *f, cz_status want, const char *words)
{
    cz_tensor t;
    cz_error err = {0};
    cz_status got = cz_npy_parse(f->bytes, f->size, "x.npy", &t, &err);
    if (got != want || !strstr(err.message, words) || strncmp(err.message, "x.npy: ", 7) != 0)
        fail_msg("wanted status %d with '%s', got %d: %s", want, words, got, err.message);
}

static void refuse_dictionary(const char *dictionary, size_t data_size, cz_status want, const char *words)
{
    static const unsigned char zeros[64];
    struct file f = make(1, dictionary, zeros, data_size);
    refuse(&f, want, words);
}

static void reads_every_width(void **state)
{
    (void)state;
    static const unsigned char small[] = {0xFE, 3};
    struct file f = make(1, "{'descr': '|i1', 'fortran_order': False, 'shape': (2,), }", small, 2);
    check(&f, CZ_I8, 1, (double[]){-2, 3}, 2);
    f = make(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }", small, 2);
    check(&f, CZ_U8, 1, (double[]){254, 3}, 2);
    f = make(1, "{'descr': '|b1', 'fortran_order': False, 'shape': (2,), }", small, 2);
    check(&f, CZ_BOOL, 1, (double[]){1, 1}, 2);
    f = make(1, "{'descr': '>i2', 'fortran_order': False, 'shape': (), }", "\xFF\xFE", 2);
    check(&f, CZ_I32, 0, (double[]){-2}, 1);
    f = make(1, "{'descr': '<u2', 'fortran_order': False, 'shape': (), }", "\xFE\xFF", 2);
    check(&f, CZ_I32, 0, (double[]){65534}, 1);
    f = make(2, "{'descr': '>u4', 'fortran_order': False, 'shape': (1,1), }", "\xFF\xFF\xFF\xFE", 4);
    check(&f, CZ_I64, 2, (double[]){4294967294.0}, 1);
    f = make(3, "{'shape': (1,), 'fortran_order': False, 'descr': '<i8'}", "\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
             8);
    check(&f, CZ_I64, 1, (double[]){-2}, 1);
    f = make(1, "{'descr': '<f2', 'fortran_order': False, 'shape': (1,), }", "\x00\x3E", 2);
    check(&f, CZ_F16, 1, (double[]){1.5}, 1);
    f = make(1, "{'descr': '=f4', 'fortran_order': False, 'shape': (1,), }", "\x00\x00\xC0\x3F", 4);
    check(&f, CZ_F32, 1, (double[]){1.5}, 1);
    f = make(1, "{\"descr\": \">f8\", 'fortran_order': False, 'shape': (1,), }", "\x3F\xF8\0\0\0\0\0\0", 8);
    check(&f, CZ_F64, 1, (double[]){1.5}, 1);
}

static void turns_fortran_order(void **state)
{
    (void)state;
    /* Columns first: a 2 x 3 matrix 0 1 2 / 3 4 5. */
    static const int32_t data[] = {0, 3, 1, 4, 2, 5};
    struct file f = make(1, "{'descr': '<i4', 'fortran_order': True, 'shape': (2, 3), }", data, sizeof data);
    check(&f, CZ_I32, 2, (double[]){0, 1, 2, 3, 4, 5}, 6);
    static const unsigned char cube[] = {0, 4, 2, 6, 1, 5, 3, 7};
    f = make(1, "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 2, 2), }", cube, sizeof cube);
    check(&f, CZ_U8, 3, (double[]){0, 1, 2, 3, 4, 5, 6, 7}, 8);
}

static void accepts_empty_arrays(void **state)
{
    (void)state;
    struct file f = make(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4), }", "", 0);
    check(&f, CZ_F32, 2, NULL, 0);
}

static void refuses_what_is_broken(void **state)
{
    (void)state;
    refuse_dictionary("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", 8, CZ_ERR_UNSUPPORTED,
                      "Python objects");
    refuse_dictionary("{'descr': '|V4', 'fortran_order': False, 'shape': (1,), }", 4, CZ_ERR_UNSUPPORTED,
                      "'|V4'");
    refuse_dictionary("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", 4,
                      CZ_ERR_UNSUPPORTED, "structures");
    refuse_dictionary("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", 8, CZ_ERR_UNSUPPORTED,
                      "'<c8'");
    refuse_dictionary("{'descr': '|f4', 'fortran_order': False, 'shape': (1,), }", 4, CZ_ERR_UNSUPPORTED,
                      "'|f4'");
    refuse_dictionary("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", 4, CZ_ERR_FORMAT,
                      "header");
    refuse_dictionary("{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775808,), }", 4,
                      CZ_ERR_FORMAT, "63 bits");
    refuse_dictionary("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", 4,
                      CZ_ERR_SHAPE, "impossible shape");
    refuse_dictionary("{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1), }", 4,
                      CZ_ERR_UNSUPPORTED, "dimensions");
    refuse_dictionary("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", 8, CZ_ERR_FORMAT,
                      "8 bytes of data");
    refuse_dictionary("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 8, CZ_ERR_FORMAT,
                      "8 bytes of data");
    refuse_dictionary("{'descr': '<f4', 'shape': (1,), }", 4, CZ_ERR_FORMAT, "header");
    refuse_dictionary("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 4,
                      CZ_ERR_FORMAT, "header");
    refuse_dictionary("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}", 4, CZ_ERR_FORMAT,
                      "header");
    refuse_dictionary("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } + 1", 4, CZ_ERR_FORMAT,
                      "header");
    refuse_dictionary("{'descr': '<f4', 'fortran_order': False, 'shape': (1", 4, CZ_ERR_FORMAT, "header");
    refuse_dictionary("", 0, CZ_ERR_FORMAT, "header");
    struct file f = make(1, "{'descr': '<u8', 'fortran_order': False, 'shape': (1,), }",
                         "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8);
    refuse(&f, CZ_ERR_UNSUPPORTED, "18446744073709551615");
}

/* Every length of a valid file but the whole one is refused, and nothing is read past its end (run under
 * ASan). */
static void refuses_every_truncation(void **state)
{
    (void)state;
    static const float data[] = {1, 2, 3};
    struct file f = make(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", data, sizeof data);
    for (size_t n = 0; n < f.size; n++) {
        unsigned char *copy = malloc(n + 1);
        cz_tensor t;
        memcpy(copy, f.bytes, n);
        assert_int_equal(cz_npy_parse(copy, n, "x.npy", &t, NULL), CZ_ERR_FORMAT);
        free(copy);
    }
}

static void refuses_a_long_header_without_newline(void **state)
{
    (void)state;
    unsigned char *bytes = malloc(10 + 65535);
    memset(bytes, ' ', 10 + 65535);
    memcpy(bytes, "\x93NUMPY\x01\x00\xFF\xFF{", 11);
    cz_tensor t;
    assert_int_equal(cz_npy_parse(bytes, 10 + 65535, "x.npy", &t, NULL), CZ_ERR_FORMAT);
    free(bytes);
}

static void writes_what_it_reads(void **state)
{
    (void)state;
    char path[] = "/tmp/convzoo-npy-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    int64_t values[] = {-1, INT64_MAX, INT64_MIN, 0, 5, 6};
    for (int rank = 0; rank <= 3; rank++) {
        struct cz_shape shape = {CZ_I64, rank, {rank == 1 ? 6 : 3, 2, 1}};
        cz_tensor t = cz_tensor_view(values, &shape), back;
        if (rank == 0)
            shape.rank = 0;
        assert_int_equal(cz_npy_write(path, &t, NULL), CZ_OK);
        assert_int_equal(cz_npy_read(path, &back, NULL), CZ_OK);
        assert_int_equal(back.rank, rank);
        assert_memory_equal(back.dim, t.dim, sizeof *t.dim * (size_t)rank);
        assert_memory_equal(back.data, t.data, cz_shape_bytes(&shape));
        free(back.data);
    }
    FILE *file = fopen(path, "rb");
    fseek(file, 0, SEEK_END);
    assert_int_equal(ftell(file), 128 + 48); /* the header fills whole lines of 64 bytes */
    fclose(file);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_width),        cmocka_unit_test(turns_fortran_order),
        cmocka_unit_test(accepts_empty_arrays),     cmocka_unit_test(refuses_what_is_broken),
        cmocka_unit_test(refuses_every_truncation), cmocka_unit_test(refuses_a_long_header_without_newline),
        cmocka_unit_test(writes_what_it_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
