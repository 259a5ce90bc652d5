/*
 * Checking data sets: what is a problem, what a notice, and which copies are found.
 */
#include "base/pool.h"
#include "data/check.h"
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct checked {
    char *folder;
    struct cz_dataset *ds;
    struct cz_check *check;
};

static void run_check(struct checked *c, enum cz_duplicates duplicates, int threads)
{
    struct cz_pool *pool;
    assert_int_equal(cz_dataset_open(c->folder, &c->ds, NULL), CZ_OK);
    assert_int_equal(cz_check_create(c->ds, duplicates, &c->check, NULL), CZ_OK);
    assert_int_equal(cz_pool_create(threads, &pool, NULL), CZ_OK);
    cz_check_read(c->check, pool, 0, 1, 1); /* in two pieces, as the program does it */
    cz_check_read(c->check, pool, 1, c->ds->count - 1, 1);
    cz_pool_destroy(pool);
    assert_int_equal(cz_check_conclude(c->check, NULL), CZ_OK);
}

static void end_check(struct checked *c)
{
    cz_check_destroy(c->check);
    cz_dataset_close(c->ds);
}

/* The finding about this file (and another), or a failure that lists all there are. */
static const struct cz_finding *find(const struct checked *c, enum cz_finding_kind kind, int is_problem,
                                     const char *file, const char *other, const char *words)
{
    for (size_t i = 0; i < c->check->n_findings; i++) {
        const struct cz_finding *f = &c->check->findings[i];
        if (f->kind == kind && f->is_problem == is_problem && strcmp(f->file, file) == 0 &&
            strcmp(f->other ? f->other : "", other) == 0 && strstr(f->text, words))
            return f;
    }
    for (size_t i = 0; i < c->check->n_findings; i++)
        print_message("%s %d %s / %s: %s\n", cz_finding_name(c->check->findings[i].kind),
                      c->check->findings[i].is_problem, c->check->findings[i].file,
                      c->check->findings[i].other ? c->check->findings[i].other : "",
                      c->check->findings[i].text);
    fail_msg("not found: %s %d %s / %s: %s", cz_finding_name(kind), is_problem, file, other, words);
    return NULL;
}

/* A smooth picture of its own for every seed, as JPEG: near copies need something that survives compression.
 */
static void write_photo(const char *folder, const char *name, int seed, int height, int width)
{
    struct cz_image image, big;
    image = random_image(6, 6, 3, (uint32_t)seed * 7919 + 1);
    assert_int_equal(cz_image_resize(&image, height, width, CZ_FILTER_BICUBIC, &big, NULL), CZ_OK);
    struct buffer file = encode_jpeg(&big, &(struct jpeg_options){.components = 3});
    scratch_write(folder, name, file.data, file.size);
    cz_image_deinit(&image);
    cz_image_deinit(&big);
    buffer_deinit(&file);
}

static void copies_matter_by_where_they_are(void **state)
{
    (void)state;
    struct checked c = {.folder = scratch_create()};
    write_photo(c.folder, "train/a/1.jpg", 1, 40, 40);
    write_photo(c.folder, "train/a/2.jpg", 1, 40, 40); /* same split and class */
    write_photo(c.folder, "train/b/3.jpg", 2, 40, 40);
    write_photo(c.folder, "train/a/4.jpg", 2, 40, 40); /* two classes */
    write_photo(c.folder, "test/a/5.jpg", 3, 40, 40);
    write_photo(c.folder, "train/a/6.jpg", 3, 40, 40); /* two splits */
    write_photo(c.folder, "test/b/7.jpg", 4, 40, 40);
    write_photo(c.folder, "train/b/8.jpg", 4, 64, 56); /* two splits, another size */
    run_check(&c, CZ_DUPLICATES_EXACT, 2);
    assert_int_equal(c.check->n_problems, 2);
    find(&c, CZ_FINDING_DUPLICATE, 0, "train/a/1.jpg", "train/a/2.jpg", "same bytes");
    find(&c, CZ_FINDING_DUPLICATE, 1, "train/a/4.jpg", "train/b/3.jpg", "same bytes in two classes, a and b");
    find(&c, CZ_FINDING_DUPLICATE, 1, "train/a/6.jpg", "test/a/5.jpg",
         "same bytes, so test is not independent");
    assert_int_equal(c.check->findings[0].is_problem && c.check->findings[1].is_problem, 1);
    end_check(&c);
    run_check(&c, CZ_DUPLICATES_NEAR, 1);
    assert_int_equal(c.check->n_problems, 3);
    find(&c, CZ_FINDING_NEAR_DUPLICATE, 1, "train/b/8.jpg", "test/b/7.jpg",
         "look alike, so test is not independent");
    end_check(&c);
    run_check(&c, CZ_DUPLICATES_NO, 3);
    assert_int_equal(c.check->n_findings, 0);
    end_check(&c);
    scratch_remove(c.folder);
}

static void different_photos_do_not_look_alike(void **state)
{
    (void)state;
    struct checked c = {.folder = scratch_create()};
    for (int i = 0; i < 60; i++) {
        char name[32];
        snprintf(name, sizeof name, "%c/%02d.jpg", 'a' + i % 2, i);
        write_photo(c.folder, name, 100 + i, 32, 48);
    }
    run_check(&c, CZ_DUPLICATES_NEAR, 2);
    assert_int_equal(c.check->n_findings, 0);
    assert_int_equal(c.check->n_of_type[CZ_IMAGE_JPEG], 60);
    assert_true(c.check->min_size[0] == 32 && c.check->max_size[1] == 48);
    end_check(&c);
    scratch_remove(c.folder);
}

static void broken_and_odd_files(void **state)
{
    (void)state;
    struct checked c = {.folder = scratch_create()};
    struct cz_image image = random_image(16, 16, 3, 3);
    struct buffer png = encode_png(image.pixels, 768, 16, 16, &(struct png_options){8, 2, 0, NULL});
    struct buffer jpeg = encode_jpeg(&image, &(struct jpeg_options){.components = 3});
    scratch_write(c.folder, "a/cut.jpg", jpeg.data, jpeg.size / 2);
    scratch_write(c.folder, "a/cut copy.jpg", jpeg.data,
                  jpeg.size / 2); /* broken twice is told twice, not as a pair */
    scratch_write(c.folder, "a/fine.jpg", jpeg.data, jpeg.size);
    scratch_write(c.folder, "a/png.jpg", png.data, png.size);
    scratch_write(c.folder, "b/no end.jpg", jpeg.data, jpeg.size - 2);
    scratch_write_text(c.folder, "b/page.jpg", "<html>");
    scratch_write_text(c.folder, "b/notes.txt", "hello");
    run_check(&c, CZ_DUPLICATES_EXACT, 2);
    char words[64];
    snprintf(words, sizeof words, "JPEG ends at byte %zu of %zu", jpeg.size / 2, jpeg.size / 2);
    const struct cz_finding *f = find(&c, CZ_FINDING_UNREADABLE, 1, "a/cut.jpg", "", words);
    assert_int_equal(f->offset, (int64_t)(jpeg.size / 2));
    assert_int_equal(strncmp(f->text, "JPEG", 4), 0); /* the name is not said twice */
    find(&c, CZ_FINDING_UNREADABLE, 1, "b/page.jpg", "", "HTML text, not an image");
    find(&c, CZ_FINDING_NAME, 0, "a/png.jpg", "", "PNG inside, name says JPEG");
    find(&c, CZ_FINDING_DAMAGE, 0, "b/no end.jpg", "", "decoded with 1 warning");
    find(&c, CZ_FINDING_LEFT_OUT, 0, "b/notes.txt", "", "not an image");
    assert_int_equal(c.check->n_problems, 3);
    assert_int_equal(c.check->n_unreadable, 3);
    assert_int_equal(c.check->n_findings, 6);
    end_check(&c);
    cz_image_deinit(&image);
    buffer_deinit(&png);
    buffer_deinit(&jpeg);
    scratch_remove(c.folder);
}

static void classes_that_are_missing(void **state)
{
    (void)state;
    struct checked c = {.folder = scratch_create()};
    write_photo(c.folder, "train/cat/1.jpg", 1, 16, 16);
    write_photo(c.folder, "train/Cat/1.jpg", 2, 16, 16);
    write_photo(c.folder, "test/cat/1.jpg", 3, 16, 16);
    write_photo(c.folder, "test/dog/1.jpg", 4, 16, 16);
    run_check(&c, CZ_DUPLICATES_EXACT, 1);
    find(&c, CZ_FINDING_CLASS, 1, "", "", "class dog: no images in train");
    find(&c, CZ_FINDING_CLASS, 0, "", "", "class Cat: no images in test");
    find(&c, CZ_FINDING_CLASS, 0, "", "", "differ only in case");
    assert_int_equal(c.check->n_problems, 1);
    assert_int_equal(cz_check_class_count(c.check, 1, 1), 1);
    end_check(&c);
    scratch_remove(c.folder);
    c.folder = scratch_create();
    write_photo(c.folder, "cat/1.jpg", 1, 16, 16);
    run_check(&c, CZ_DUPLICATES_EXACT, 1);
    find(&c, CZ_FINDING_CLASS, 1, "", "", "only one class, cat");
    end_check(&c);
    scratch_remove(c.folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_matter_by_where_they_are),
        cmocka_unit_test(different_photos_do_not_look_alike),
        cmocka_unit_test(broken_and_odd_files),
        cmocka_unit_test(classes_that_are_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
