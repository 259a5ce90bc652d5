/*
 * The loader: same bytes for any number of threads and any batch, failed images told one by one.
 */
#include "data/loader.h"
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 24, SIDE = 32, VALUES = 3 * SIDE * SIDE };
static const int size[2] = {SIDE, SIDE};

struct fixture {
    char *folder;
    struct cz_dataset *ds;
    struct cz_preprocess pp;
};

/* Sizes differ, so that images take different times; number 5 is cut off, number 9 is a web page. */
static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->folder = scratch_create();
    for (int i = 0; i < N; i++) {
        char name[32];
        struct cz_image image = random_image(20 + 17 * (i % 7), 30 + 11 * (i % 5), 3, (uint32_t)i + 1);
        struct buffer file =
            encode_jpeg(&image, &(struct jpeg_options){.components = 3, .progressive = i % 2});
        snprintf(name, sizeof name, "%d/%02d.jpg", i % 2, i);
        scratch_write(f->folder, name, file.data, i == 5 ? file.size / 2 : file.size);
        if (i == 9)
            scratch_write_text(f->folder, name, "<html>");
        cz_image_deinit(&image);
        buffer_deinit(&file);
    }
    assert_int_equal(cz_dataset_open(f->folder, &f->ds, NULL), CZ_OK);
    assert_int_equal(cz_preprocess_preset("torchvision", &f->pp, NULL), CZ_OK);
    assert_int_equal(cz_preprocess_scale_to(&f->pp, SIDE, NULL), CZ_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    cz_dataset_close(f->ds);
    scratch_remove(f->folder);
    free(f);
    return 0;
}

static float *load(const struct fixture *f, const int64_t *index, int64_t n, int threads,
                   struct cz_load_result *r, int64_t *n_failed)
{
    float *out = malloc((size_t)n * VALUES * sizeof *out);
    memset(out, 0x55, (size_t)n * VALUES * sizeof *out);
    assert_int_equal(cz_load_batch(f->ds, &f->pp, index, n, size, threads, out, r, n_failed, NULL), CZ_OK);
    return out;
}

static void threads_and_batches_do_not_change_a_bit(void **state)
{
    const struct fixture *f = *state;
    int64_t index[N], failed;
    struct cz_load_result one[N], many[N];
    for (int i = 0; i < N; i++)
        index[i] = (i * 7) % N;
    float *want = load(f, index, N, 1, one, &failed);
    assert_int_equal(failed, 2);
    static const int threads[] = {2, 3, 7, 64};
    for (int t = 0; t < 4; t++) {
        float *got = load(f, index, N, threads[t], many, &failed);
        assert_memory_equal(got, want, N * VALUES * sizeof *got);
        assert_int_equal(failed, 2);
        for (int i = 0; i < N; i++)
            assert_memory_equal(many[i].sha256, one[i].sha256, CZ_SHA256_BYTES);
        free(got);
    }
    for (int i = 0; i < N; i++) {
        float *got = load(f, &index[i], 1, 2, many, &failed);
        assert_memory_equal(got, want + i * VALUES, VALUES * sizeof *got);
        free(got);
    }
    free(want);
}

static void failed_images_are_zeros_with_a_reason(void **state)
{
    const struct fixture *f = *state;
    /* Class 1 holds the odd numbers: samples 12 to 23 are 01, 03, 05 (cut), 07, 09 (a page), ... */
    static const int64_t index[3] = {14, 13, 16};
    struct cz_load_result r[3];
    int64_t failed;
    float *out = load(f, index, 3, 2, r, &failed);
    assert_int_equal(failed, 2);
    assert_int_equal(r[0].status, CZ_ERR_FORMAT);
    assert_non_null(strstr(r[0].error.message, "1/05.jpg: JPEG ends at byte "));
    assert_true(r[0].error_offset > 0);
    assert_int_equal(r[1].status, CZ_OK);
    assert_int_equal(r[2].status, CZ_ERR_FORMAT);
    assert_non_null(strstr(r[2].error.message, "1/09.jpg: HTML text, not an image"));
    static const uint8_t no_hash[CZ_SHA256_BYTES];
    assert_memory_not_equal(r[0].sha256, no_hash, CZ_SHA256_BYTES); /* the bytes were read */
    for (int i = 0; i < VALUES; i++)
        assert_true(out[i] == 0 && out[2 * VALUES + i] == 0);
    free(out);
}

static void an_image_that_does_not_fit_is_a_failed_image(void **state)
{
    struct fixture f = *(const struct fixture *)*state;
    f.pp.crop_mode = CZ_CROP_NONE;
    f.pp.crop_size[0] = f.pp.crop_size[1] = 0;
    static const int64_t index[1] = {0};
    struct cz_load_result r[1];
    int64_t failed;
    float *out = load(&f, index, 1, 1, r, &failed);
    assert_int_equal(failed, 1);
    assert_int_equal(r[0].status, CZ_ERR_SHAPE);
    assert_int_equal(strncmp(r[0].error.message, "0/00.jpg: gives ", 16), 0);
    free(out);
}

static void arguments_are_checked(void **state)
{
    const struct fixture *f = *state;
    static const int64_t index[1] = {-1};
    float out[VALUES];
    struct cz_load_result r[1];
    int64_t failed;
    cz_error err;
    assert_int_equal(cz_load_batch(f->ds, &f->pp, index, 1, size, 0, out, r, &failed, &err), CZ_ERR_ARGUMENT);
    assert_int_equal(cz_load_batch(f->ds, &f->pp, index, -1, size, 1, out, r, &failed, &err),
                     CZ_ERR_ARGUMENT);
    assert_int_equal(cz_load_batch(f->ds, &f->pp, index, 0, size, 1, out, r, &failed, &err), CZ_OK);
    assert_int_equal(cz_load_batch(f->ds, &f->pp, index, 1, size, 1, out, r, &failed, &err), CZ_OK);
    assert_int_equal(r[0].status, CZ_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_and_batches_do_not_change_a_bit),
        cmocka_unit_test(failed_images_are_zeros_with_a_reason),
        cmocka_unit_test(an_image_that_does_not_fit_is_a_failed_image),
        cmocka_unit_test(arguments_are_checked),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
