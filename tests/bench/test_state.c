/*
 * The file of last measurements: what is set comes back, the rest stays, and a damaged file is an empty one.
 */
#include "bench/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[64], path[128];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/convzoo-state-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/a/b/bench.json", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command);
}

static void save_one(const char *model, double ms)
{
    cz_error err;
    struct cz_bench_state s;
    struct cz_bench_record r = {ms, 1000 / ms, 1, 2, 123, 456, "avx2"};
    assert_int_equal(cz_bench_state_load(path, &s, &err), CZ_OK);
    assert_int_equal(cz_bench_state_set(&s, model, &r, &err), CZ_OK);
    assert_int_equal(cz_bench_state_save(&s, path, &err), CZ_OK);
    cz_bench_state_deinit(&s);
}

static int find(const char *model, struct cz_bench_record *r)
{
    struct cz_bench_state s;
    assert_int_equal(cz_bench_state_load(path, &s, NULL), CZ_OK);
    int found = cz_bench_state_find(&s, model, r);
    cz_bench_state_deinit(&s);
    return found;
}

static void records_come_back_and_others_stay(void **state)
{
    (void)state;
    struct cz_bench_record r;
    assert_false(find("resnet50", &r));
    save_one("resnet50", 23.625);
    save_one("vgg16", 60.5);
    save_one("resnet50", 1.0 / 3);
    assert_true(find("vgg16", &r));
    assert_true(r.median_ms == 60.5);
    assert_true(find("resnet50", &r));
    assert_true(r.median_ms == 1.0 / 3 && r.images_per_s == 1000 / (1.0 / 3)); /* the same bits */
    assert_int_equal(r.batch, 1);
    assert_int_equal(r.threads, 2);
    assert_int_equal(r.planned_bytes, 123);
    assert_int_equal(r.peak_bytes, 456);
    assert_string_equal(r.isa, "avx2");
}

static void write_text(const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static void damage_is_an_empty_state(void **state)
{
    (void)state;
    static const char *const files[] = {
        "",
        "{",
        "[]",
        "{\"schema\": \"convzoo.bench-state/2\", \"models\": {\"resnet50\": {}}}",
        "{\"schema\": \"convzoo.bench-state/1\", \"models\": []}",
        "{\"schema\": \"convzoo.bench-state/1\", \"models\": {\"resnet50\": {\"median_ms\": \"fast\"}}}",
        "{\"schema\": \"convzoo.bench-state/1\", \"models\": {\"resnet50\": 3}}",
    };
    struct cz_bench_record r;
    save_one("resnet50", 5);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        write_text(files[i]);
        assert_false(find("resnet50", &r));
        save_one("resnet50", 7); /* and it can be written over */
        assert_true(find("resnet50", &r));
    }
}

static void a_folder_that_cannot_be_made_is_an_error(void **state)
{
    (void)state;
    cz_error err;
    struct cz_bench_state s;
    assert_int_equal(cz_bench_state_load(path, &s, &err), CZ_OK);
    assert_int_equal(cz_bench_state_save(&s, "/dev/null/convzoo/bench.json", &err), CZ_ERR_IO);
    assert_non_null(strstr(err.message, "/dev/null"));
    cz_bench_state_deinit(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_back_and_others_stay),
        cmocka_unit_test(damage_is_an_empty_state),
        cmocka_unit_test(a_folder_that_cannot_be_made_is_an_error),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
