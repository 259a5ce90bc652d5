/*
 * Data sets: folders with odd names, splits and stray files; IDX and CIFAR, whole and broken; ids, labels and
 * hashes.
 */
#include "base/sha256.h"
#include "data/dataset.h"
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

static const char PPM[] = "P6 1 1 255\nabc"; /* the smallest picture there is */

static struct cz_dataset *open_set(const char *folder)
{
    struct cz_dataset *ds;
    cz_error err;
    if (cz_dataset_open(folder, &ds, &err) != CZ_OK)
        fail_msg("%s", err.message);
    return ds;
}

static void expect_refusal(const char *folder, cz_status status, const char *words)
{
    struct cz_dataset *ds;
    cz_error err = {0};
    cz_status got = cz_dataset_open(folder, &ds, &err);
    if (got != status || !strstr(err.message, words))
        fail_msg("wanted %s with '%s', got %s: %s", cz_status_name(status), words, cz_status_name(got),
                 err.message);
    assert_null(ds);
}

static void check_sample(const struct cz_dataset *ds, int64_t index, const char *id, const char *class_name)
{
    char buf[CZ_SHA256_HEX];
    assert_string_equal(cz_dataset_id(ds, index, buf), id);
    assert_string_equal(ds->class_names[cz_dataset_label(ds, index)], class_name);
}

static void check_split(const struct cz_dataset *ds, const char *name, int64_t first, int64_t count)
{
    const struct cz_split *split = cz_dataset_split(ds, name);
    assert_non_null(split);
    assert_int_equal(split->first, first);
    assert_int_equal(split->count, count);
}

static void classes_and_files_are_sorted_bytewise(void **state)
{
    (void)state;
    char *folder = scratch_create();
    /* "10" < "9" < "B" < "a b" < "z" < UTF-8; quotes, commas, dashes and line ends. */
    static const char *const classes[] = {"-x",  "10",      "9",    "B",
                                          "a b", "q\"'<>,", "z\n2", "\xC3\xA9t\xC3\xA9"};
    enum { N = sizeof classes / sizeof *classes };
    for (int c = N - 1; c >= 0; c--) {
        char name[64];
        snprintf(name, sizeof name, "%s/b.ppm", classes[c]);
        scratch_write(folder, name, PPM, sizeof PPM - 1);
        snprintf(name, sizeof name, "%s/10.ppm", classes[c]);
        scratch_write(folder, name, PPM, sizeof PPM - 1);
        snprintf(name, sizeof name, "%s/9.ppm", classes[c]);
        scratch_write(folder, name, PPM, sizeof PPM - 1);
    }
    struct cz_dataset *ds = open_set(folder);
    assert_string_equal(ds->format, "folder");
    assert_int_equal(ds->n_classes, N);
    check_split(ds, "all", 0, 3 * N);
    assert_ptr_equal(cz_dataset_split(ds, NULL), cz_dataset_split(ds, "all"));
    static const char *const files[] = {"10.ppm", "9.ppm", "b.ppm"};
    for (int i = 0; i < 3 * N; i++) {
        char id[64];
        snprintf(id, sizeof id, "%s/%s", classes[i / 3], files[i % 3]);
        check_sample(ds, i, id, classes[i / 3]);
        struct cz_sample sample;
        assert_int_equal(cz_dataset_read(ds, i, 1, &sample, NULL), CZ_OK);
        assert_int_equal(sample.image.pixels[0], 'a');
        cz_sample_deinit(&sample);
    }
    cz_dataset_close(ds);
    scratch_remove(folder);
}

static void splits_share_the_union_of_classes(void **state)
{
    (void)state;
    char *folder = scratch_create();
    static const char *const files[] = {"test/cat/1.ppm",  "test/dog/1.ppm",  "train/cat/1.ppm",
                                        "train/cat/2.ppm", "train/emu/1.ppm", "valid/dog/1.ppm",
                                        "README.md"};
    for (int i = 0; i < 7; i++)
        scratch_write(folder, files[i], PPM, sizeof PPM - 1);
    struct cz_dataset *ds = open_set(folder);
    assert_int_equal(ds->n_splits, 3);
    assert_int_equal(ds->n_classes, 3);
    check_split(ds, "train", 0, 3);
    check_split(ds, "val", 3, 1);
    check_split(ds, "test", 4, 2);
    assert_string_equal(cz_dataset_split(ds, NULL)->name, "test");
    check_sample(ds, 2, "train/emu/1.ppm", "emu");
    check_sample(ds, 3, "valid/dog/1.ppm", "dog");
    check_sample(ds, 5, "test/dog/1.ppm", "dog");
    const struct cz_split *split;
    cz_error err;
    assert_int_equal(cz_dataset_need_split(ds, "trial", &split, &err), CZ_ERR_ARGUMENT);
    assert_non_null(strstr(err.message, "there are: train, val, test"));
    cz_dataset_close(ds);
    scratch_write(folder, "val/dog/2.ppm", PPM, sizeof PPM - 1);
    expect_refusal(folder, CZ_ERR_FORMAT, "two folders for the split 'val'");
    scratch_remove(folder);
}

static int has_notice(const struct cz_dataset *ds, const char *id, const char *words)
{
    for (int64_t i = 0; i < ds->n_notices; i++)
        if (strcmp(ds->notices[i].id, id) == 0 && strstr(ds->notices[i].text, words))
            return 1;
    return 0;
}

static void stray_files_are_told_apart_from_broken_photos(void **state)
{
    (void)state;
    char *folder = scratch_create(), path[4096];
    scratch_write(folder, "a/photo", PPM, sizeof PPM - 1);          /* no suffix, image inside: a sample */
    scratch_write_text(folder, "a/page.jpg", "<html>404</html>");   /* named an image: a broken sample */
    scratch_write_text(folder, "a/empty.PNG", "");                  /* likewise */
    scratch_write_text(folder, "a/notes.txt", "not a picture");     /* left out, noticed */
    scratch_write_text(folder, "a/.DS_Store", "hidden");            /* left out without a word */
    scratch_write(folder, "a/deeper/x.ppm", PPM, sizeof PPM - 1);   /* not entered, noticed */
    scratch_write_text(folder, "empty class/notes.txt", "nothing"); /* no class */
    scratch_write(folder, "loose.ppm", PPM, sizeof PPM - 1);        /* outside a class */
    snprintf(path, sizeof path, "%s/a/pipe.jpg", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    snprintf(path, sizeof path, "%s/a/link.jpg", folder);
    assert_int_equal(symlink("photo", path), 0);
    snprintf(path, sizeof path, "%s/a/dangling.jpg", folder);
    assert_int_equal(symlink("nowhere", path), 0);
    struct cz_dataset *ds = open_set(folder);
    static const char *const ids[] = {"a/dangling.jpg", "a/empty.PNG", "a/link.jpg", "a/page.jpg", "a/photo"};
    static const cz_status wanted[] = {CZ_ERR_IO, CZ_ERR_FORMAT, CZ_OK, CZ_ERR_FORMAT, CZ_OK};
    static const char *const words[] = {"a/dangling.jpg: no such file", "a/empty.PNG: empty file", "",
                                        "a/page.jpg: HTML text, not an image", ""};
    assert_int_equal(ds->count, 5);
    assert_int_equal(ds->n_classes, 1);
    for (int i = 0; i < 5; i++) {
        struct cz_sample sample;
        cz_error err = {0};
        check_sample(ds, i, ids[i], "a");
        assert_int_equal(cz_dataset_read(ds, i, 1, &sample, &err), wanted[i]);
        assert_int_equal(strncmp(err.message, words[i], strlen(words[i])), 0);
        cz_sample_deinit(&sample);
    }
    assert_true(has_notice(ds, "a/notes.txt", "not an image"));
    assert_true(has_notice(ds, "a/deeper", "not entered"));
    assert_true(has_notice(ds, "a/pipe.jpg", "not a regular file"));
    assert_true(has_notice(ds, "empty class", "no images"));
    assert_true(has_notice(ds, "loose.ppm", "outside a class"));
    assert_false(has_notice(ds, "a/.DS_Store", ""));
    cz_dataset_close(ds);
    scratch_remove(folder);
}

static void what_is_no_data_set(void **state)
{
    (void)state;
    char *folder = scratch_create(), path[4096];
    expect_refusal("/nowhere/at/all", CZ_ERR_IO, "no such folder");
    expect_refusal(folder, CZ_ERR_UNSUPPORTED, "no data set found");
    scratch_write_text(folder, "a/notes.txt", "no picture");
    expect_refusal(folder, CZ_ERR_FORMAT, "no images found");
    snprintf(path, sizeof path, "%s/a/notes.txt", folder);
    expect_refusal(path, CZ_ERR_ARGUMENT, "is a file");
    scratch_remove(folder);
}

static void the_data_hash_follows_id_content_and_class(void **state)
{
    (void)state;
    char *folder = scratch_create();
    scratch_write(folder, "a/1.ppm", PPM, sizeof PPM - 1);
    scratch_write(folder, "b/1.ppm", PPM, sizeof PPM - 1);
    /* By hand: SHA-256 over id, 0, SHA-256 of the file, class name, 0. */
    uint8_t content[CZ_SHA256_BYTES], want[CZ_SHA256_BYTES], got[CZ_SHA256_BYTES];
    unsigned char text[256], *p = text;
    cz_sha256(PPM, sizeof PPM - 1, content);
    static const char *const rows[2][2] = {{"a/1.ppm", "a"}, {"b/1.ppm", "b"}};
    for (int i = 0; i < 2; i++) {
        memcpy(p, rows[i][0], 8);
        memcpy(p + 8, content, sizeof content);
        memcpy(p + 8 + sizeof content, rows[i][1], 2);
        p += 8 + sizeof content + 2;
    }
    cz_sha256(text, (size_t)(p - text), want);
    struct cz_dataset *ds = open_set(folder);
    assert_int_equal(cz_dataset_hash(ds, &ds->splits[0], NULL, got, NULL), CZ_OK);
    assert_memory_equal(got, want, sizeof got);
    uint8_t known[2][CZ_SHA256_BYTES];
    memcpy(known[0], content, sizeof content);
    memcpy(known[1], content, sizeof content);
    assert_int_equal(cz_dataset_hash(ds, &ds->splits[0], (const uint8_t(*)[CZ_SHA256_BYTES])known, got, NULL),
                     CZ_OK);
    assert_memory_equal(got, want, sizeof got);
    scratch_write(folder, "b/1.ppm", "P6 1 1 255\nabd", sizeof PPM - 1);
    assert_int_equal(cz_dataset_hash(ds, &ds->splits[0], NULL, got, NULL), CZ_OK);
    assert_memory_not_equal(got, want, sizeof got);
    cz_dataset_close(ds);
    scratch_remove(folder);
}

static void a_list_of_files_has_no_labels(void **state)
{
    (void)state;
    char *folder = scratch_create(), path[4096], buf[CZ_SHA256_HEX];
    scratch_write(folder, "x.ppm", PPM, sizeof PPM - 1);
    snprintf(path, sizeof path, "%s/x.ppm", folder);
    const char *paths[2] = {path, "/nowhere.jpg"};
    struct cz_dataset *ds;
    struct cz_sample sample;
    cz_error err;
    assert_int_equal(cz_dataset_from_files(paths, 2, &ds, NULL), CZ_OK);
    check_split(ds, "all", 0, 2);
    assert_int_equal(cz_dataset_label(ds, 0), -1);
    assert_string_equal(cz_dataset_id(ds, 1, buf), "/nowhere.jpg");
    assert_int_equal(cz_dataset_read(ds, 0, 1, &sample, NULL), CZ_OK);
    cz_sample_deinit(&sample);
    assert_int_equal(cz_dataset_read(ds, 1, 1, &sample, &err), CZ_ERR_IO);
    assert_string_equal(err.message, "/nowhere.jpg: no such file; check the name");
    assert_int_equal(cz_dataset_read(ds, 2, 1, &sample, &err), CZ_ERR_ARGUMENT);
    cz_dataset_close(ds);
    scratch_remove(folder);
}

/* 3 images of 2 x 4 pixels, labels 0, 7, 2. */
static const unsigned char idx_images[] = {0,  0,  8,  3,  0,  0,  0,  3,  0,  0,  0,  2,  0,  0,
                                           0,  4,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12,
                                           13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24};
static const unsigned char idx_labels[] = {0, 0, 8, 1, 0, 0, 0, 3, 0, 7, 2};

static void write_gzip(const char *folder, const char *name, const void *data, unsigned size)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    gzFile f = gzopen(path, "wb");
    assert_int_equal(gzwrite(f, data, size), (int)size);
    gzclose(f);
}

static void idx_plain_and_gzip(void **state)
{
    (void)state;
    char *folder = scratch_create();
    scratch_write(folder, "train-images-idx3-ubyte", idx_images, sizeof idx_images);
    write_gzip(folder, "train-labels-idx1-ubyte.gz", idx_labels, sizeof idx_labels);
    write_gzip(folder, "t10k-images.idx3-ubyte.gz", idx_images, sizeof idx_images);
    scratch_write(folder, "t10k-labels.idx1-ubyte", idx_labels, sizeof idx_labels);
    struct cz_dataset *ds = open_set(folder);
    assert_string_equal(ds->format, "idx");
    assert_int_equal(ds->n_classes, 8);
    check_split(ds, "train", 0, 3);
    check_split(ds, "test", 3, 3);
    check_sample(ds, 1, "train/00001", "7");
    check_sample(ds, 5, "test/00002", "2");
    struct cz_sample sample;
    uint8_t content[CZ_SHA256_BYTES];
    assert_int_equal(cz_dataset_read(ds, 4, 1, &sample, NULL), CZ_OK);
    assert_int_equal(sample.image.height, 2);
    assert_int_equal(sample.image.width, 4);
    assert_int_equal(sample.image.channels, 1);
    assert_memory_equal(sample.image.pixels, idx_images + 24, 8);
    cz_sha256(idx_images + 24, 8, content); /* the stored pixels, whichever file they came from */
    assert_memory_equal(sample.sha256, content, sizeof content);
    cz_sample_deinit(&sample);
    cz_dataset_close(ds);
    scratch_remove(folder);
}

/* One byte of the images (at < 0: of the labels, counted from -1) is changed, or the file has another size.
 */
static void broken_idx_is_refused(void **state)
{
    (void)state;
    static const struct {
        int at, value;
        size_t size;
        const char *words;
        cz_status status;
    } cases[] = {
        {0, 1, sizeof idx_images, "not an IDX file", CZ_ERR_FORMAT},
        {2, 0x0D, sizeof idx_images, "type 0x0D", CZ_ERR_FORMAT},
        {3, 4, sizeof idx_images, "rank 4, wanted bytes (0x08) of rank 3", CZ_ERR_FORMAT},
        {4, 0x7F, sizeof idx_images, "promises", CZ_ERR_FORMAT},
        {7, 4, sizeof idx_images, "ends before the 32 bytes", CZ_ERR_FORMAT},
        {7, 2, sizeof idx_images, "more data than the 16 bytes", CZ_ERR_FORMAT},
        {11, 0, sizeof idx_images, "size 0 in dimension 1", CZ_ERR_FORMAT},
        {0, 0, sizeof idx_images - 1, "ends before", CZ_ERR_FORMAT},
        {0, 0, 10, "ends in its header", CZ_ERR_FORMAT},
        {0, 0, 0, "not an IDX file", CZ_ERR_FORMAT},
        {-8, 2, sizeof idx_images, "more data than the 2 bytes", CZ_ERR_FORMAT},
        {-4, 3, sizeof idx_images, "wanted bytes (0x08) of rank 1", CZ_ERR_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *folder = scratch_create();
        unsigned char images[sizeof idx_images], labels[sizeof idx_labels];
        memcpy(images, idx_images, sizeof images);
        memcpy(labels, idx_labels, sizeof labels);
        if (cases[i].at >= 0)
            images[cases[i].at] = (unsigned char)cases[i].value;
        else
            labels[-1 - cases[i].at] = (unsigned char)cases[i].value;
        scratch_write(folder, "train-images-idx3-ubyte", images, cases[i].size);
        scratch_write(folder, "train-labels-idx1-ubyte", labels, sizeof labels);
        expect_refusal(folder, cases[i].status, cases[i].words);
        scratch_remove(folder);
    }
}

static void idx_files_must_agree(void **state)
{
    (void)state;
    static const unsigned char two_labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 1, 1};
    char *folder = scratch_create();
    scratch_write(folder, "t10k-images-idx3-ubyte", idx_images, sizeof idx_images);
    expect_refusal(folder, CZ_ERR_IO, "but not t10k-labels-idx1-ubyte");
    scratch_write(folder, "t10k-labels-idx1-ubyte", two_labels, sizeof two_labels);
    expect_refusal(folder, CZ_ERR_FORMAT, "3 images in t10k-images-idx3-ubyte, 2 labels");
    write_gzip(folder, "train-images-idx3-ubyte.gz", idx_images, sizeof idx_images);
    char path[4096];
    snprintf(path, sizeof path, "%s/train-images-idx3-ubyte.gz", folder);
    assert_int_equal(truncate(path, 30), 0);
    scratch_write(folder, "train-labels-idx1-ubyte", idx_labels, sizeof idx_labels);
    expect_refusal(folder, CZ_ERR_FORMAT, "train-images-idx3-ubyte.gz: ");
    scratch_remove(folder);
}

/* The last 8 bytes of a gzip file are CRC and length of what is in it. */
static void gzip_is_checked_to_its_end(void **state)
{
    (void)state;
    char path[4096];
    struct stat st;
    for (int cut = 0; cut < 10; cut++) { /* 9: one byte of the CRC is another */
        char *folder = scratch_create();
        scratch_write(folder, "train-labels-idx1-ubyte", idx_labels, sizeof idx_labels);
        write_gzip(folder, "train-images-idx3-ubyte.gz", idx_images, sizeof idx_images);
        snprintf(path, sizeof path, "%s/train-images-idx3-ubyte.gz", folder);
        assert_int_equal(stat(path, &st), 0);
        if (cut < 9) {
            assert_int_equal(truncate(path, st.st_size - cut), 0);
        } else {
            FILE *f = fopen(path, "r+b");
            assert_non_null(f);
            assert_int_equal(fseek(f, -6, SEEK_END), 0);
            const int byte = fgetc(f);
            assert_int_equal(fseek(f, -6, SEEK_END), 0);
            assert_int_equal(fputc(byte ^ 1, f), byte ^ 1);
            assert_int_equal(fclose(f), 0);
        }
        if (cut == 0)
            cz_dataset_close(open_set(folder));
        else
            expect_refusal(folder, CZ_ERR_FORMAT, "train-images-idx3-ubyte.gz: ");
        scratch_remove(folder);
    }
}

enum { CIFAR_PIXELS = 3072 };

/* Record: `label_bytes` labels (the last is `label`), planes of seeded pixels. */
static void make_records(unsigned char *out, int n, int label_bytes, const int *labels, uint32_t seed)
{
    for (int i = 0; i < n; i++) {
        memset(out, 0, (size_t)label_bytes);
        out[label_bytes - 1] = (unsigned char)labels[i];
        fill_pixels(out + label_bytes, CIFAR_PIXELS, seed + (uint32_t)i);
        out += label_bytes + CIFAR_PIXELS;
    }
}

static void cifar10_over_several_files(void **state)
{
    (void)state;
    char *folder = scratch_create();
    static const int labels[] = {3, 9, 0};
    unsigned char records[3 * (1 + CIFAR_PIXELS)];
    make_records(records, 3, 1, labels, 100);
    scratch_write(folder, "data_batch_1.bin", records, 2 * (1 + CIFAR_PIXELS));
    scratch_write(folder, "data_batch_2.bin", records, 1 * (1 + CIFAR_PIXELS));
    scratch_write(folder, "test_batch.bin", records, sizeof records);
    scratch_write_text(folder, "batches.meta.txt",
                       "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n");
    struct cz_dataset *ds = open_set(folder);
    assert_string_equal(ds->format, "cifar10");
    assert_int_equal(ds->n_classes, 10);
    check_split(ds, "train", 0, 3);
    check_split(ds, "test", 3, 3);
    check_sample(ds, 0, "train/00000", "cat");
    check_sample(ds, 2, "train/00002", "cat");
    check_sample(ds, 5, "test/00002", "airplane");
    struct cz_sample sample;
    uint8_t planes[CIFAR_PIXELS], content[CZ_SHA256_BYTES];
    fill_pixels(planes, sizeof planes, 101);
    cz_sha256(planes, sizeof planes, content);
    assert_int_equal(cz_dataset_read(ds, 4, 1, &sample, NULL), CZ_OK);
    assert_memory_equal(sample.sha256, content, sizeof content);
    for (int i = 0; i < CIFAR_PIXELS; i++)
        assert_int_equal(sample.image.pixels[i], planes[i % 3 * 1024 + i / 3]);
    cz_sample_deinit(&sample);
    cz_dataset_close(ds);
    scratch_remove(folder);
}

static void cifar100_uses_the_fine_label(void **state)
{
    (void)state;
    char *folder = scratch_create();
    static const int labels[] = {99, 42};
    unsigned char records[2 * (2 + CIFAR_PIXELS)];
    make_records(records, 2, 2, labels, 5);
    scratch_write(folder, "train.bin", records, sizeof records);
    struct cz_dataset *ds = open_set(folder);
    assert_string_equal(ds->format, "cifar100");
    assert_int_equal(ds->n_classes, 100);
    check_sample(ds, 0, "train/00000", "99");
    check_sample(ds, 1, "train/00001", "42");
    cz_dataset_close(ds);
    scratch_remove(folder);
}

static void broken_cifar_is_refused(void **state)
{
    (void)state;
    char *folder = scratch_create();
    static const int labels[] = {3, 10};
    unsigned char records[2 * (1 + CIFAR_PIXELS)];
    make_records(records, 2, 1, labels, 100);
    scratch_write(folder, "test_batch.bin", records, sizeof records);
    expect_refusal(folder, CZ_ERR_FORMAT, "label 10 at byte 3073, wanted 0 to 9");
    scratch_write(folder, "test_batch.bin", records, sizeof records - 1);
    expect_refusal(folder, CZ_ERR_FORMAT, "no multiple of a record's 3073");
    scratch_write(folder, "test_batch.bin", records, 0);
    expect_refusal(folder, CZ_ERR_FORMAT, "0 bytes is no multiple");
    scratch_write(folder, "test_batch.bin", records, 1 + CIFAR_PIXELS);
    scratch_write_text(folder, "batches.meta.txt", "one\ntwo\n");
    expect_refusal(folder, CZ_ERR_FORMAT, "2 names, wanted 10");
    scratch_remove(folder);
}

/* A file that shrinks after opening must be an error, not a crash. */
static void a_file_that_changes_meanwhile(void **state)
{
    (void)state;
    char *folder = scratch_create(), path[4096];
    static const int labels[] = {3, 4};
    unsigned char records[2 * (1 + CIFAR_PIXELS)];
    make_records(records, 2, 1, labels, 100);
    scratch_write(folder, "test_batch.bin", records, sizeof records);
    struct cz_dataset *ds = open_set(folder);
    struct cz_sample sample;
    cz_error err;
    snprintf(path, sizeof path, "%s/test_batch.bin", folder);
    assert_int_equal(truncate(path, 4000), 0);
    assert_int_equal(cz_dataset_read(ds, 1, 1, &sample, &err), CZ_ERR_IO);
    assert_non_null(strstr(err.message, "the file has changed"));
    cz_dataset_close(ds);
    scratch_remove(folder);
}

static void fashion_mnist_of_the_package(void **state)
{
    (void)state;
    struct stat st;
    if (stat("/usr/share/datasets/fashion-mnist", &st) != 0)
        skip();
    struct cz_dataset *ds = open_set("fashion-mnist");
    check_split(ds, "train", 0, 60000);
    check_split(ds, "test", 60000, 10000);
    assert_int_equal(ds->n_classes, 10);
    /* The first training article is an ankle boot; every class has 6000 of them. */
    check_sample(ds, 0, "train/00000", "Ankle boot");
    int counts[10] = {0};
    for (int64_t i = 0; i < 60000; i++)
        counts[cz_dataset_label(ds, i)]++;
    for (int c = 0; c < 10; c++)
        assert_int_equal(counts[c], 6000);
    cz_dataset_close(ds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_and_files_are_sorted_bytewise),
        cmocka_unit_test(splits_share_the_union_of_classes),
        cmocka_unit_test(stray_files_are_told_apart_from_broken_photos),
        cmocka_unit_test(what_is_no_data_set),
        cmocka_unit_test(the_data_hash_follows_id_content_and_class),
        cmocka_unit_test(a_list_of_files_has_no_labels),
        cmocka_unit_test(idx_plain_and_gzip),
        cmocka_unit_test(gzip_is_checked_to_its_end),
        cmocka_unit_test(broken_idx_is_refused),
        cmocka_unit_test(idx_files_must_agree),
        cmocka_unit_test(cifar10_over_several_files),
        cmocka_unit_test(cifar100_uses_the_fine_label),
        cmocka_unit_test(broken_cifar_is_refused),
        cmocka_unit_test(a_file_that_changes_meanwhile),
        cmocka_unit_test(fashion_mnist_of_the_package),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
