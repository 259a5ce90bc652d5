/*
 * `convzoo data check` from outside: the report, its JSON, exit codes.
 */
#include "run.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

static const char PPM[] = "P6 2 1 255\nabcdef";

/* Two splits, two classes; `same` puts one picture into both splits. Returns the folder. */
static const char *make_set(const char *name, int same)
{
    static char folder[4096];
    char path[4096 + 64];
    static const char *const folders[] = {"",      "/train",  "/train/a", "/train/b b",
                                          "/test", "/test/a", "/test/b b"};
    snprintf(folder, sizeof folder, "%s/%s", run_folder(), name);
    for (int i = 0; i < 7; i++) {
        snprintf(path, sizeof path, "%s%s", folder, folders[i]);
        mkdir(path, 0777);
    }
    static const char *const files[] = {"train/a/1.ppm", "train/b b/1.ppm", "test/a/1.ppm", "test/b b/1.ppm"};
    for (int i = 0; i < 4; i++) {
        char bytes[sizeof PPM];
        memcpy(bytes, PPM, sizeof PPM);
        bytes[12] = (char)('0' + (same && i == 2 ? 0 : i));
        snprintf(path, sizeof path, "%s/%s", name, files[i]);
        run_file(path, bytes, sizeof PPM - 1);
    }
    return folder;
}

static void a_clean_set(void **state)
{
    (void)state;
    struct run r = run("data check %s", make_set("clean", 0));
    run_expect(&r, 0, NULL);
    assert_string_equal(r.out, "format    image folders train, test; classes, bytewise: a 'b b'\n"
                               "images    train 2 (1 a class), test 2 (1 a class); 1 x 2 px; 4 PNM\n"
                               "0 problems, 0 notices\n");
    run_free(&r);
}

static void problems_give_1(void **state)
{
    (void)state;
    struct run r = run("data check %s", make_set("twin", 1));
    run_expect(&r, 1, NULL);
    assert_non_null(strstr(r.out, "PROBLEM   train/a/1.ppm and test/a/1.ppm: same bytes, so test is not "
                                  "independent\n1 problem, 0 notices\n"));
    run_free(&r);
    r = run("data check %s --duplicates no", make_set("twin", 1));
    run_expect(&r, 0, NULL);
    run_free(&r);
}

static void the_document(void **state)
{
    (void)state;
    const char *folder = make_set("json", 1);
    run_text("json/test/a/page.jpg", "<html>");
    struct run r = run("data check %s --json --threads 3", folder);
    run_expect(&r, 1, NULL);
    json_t *doc = json_loads(r.out, 0, NULL);
    assert_non_null(doc);
    const char *schema, *kind, *file, *text, *a, *b;
    int n, exact;
    assert_int_equal(json_unpack(doc, "{s:s, s:{s:{s:i}}, s:[{s:s, s:s, s:s}, {}], s:[{s:[s,s], s:b}]}",
                                 "schema", &schema, "splits", "test", "n", &n, "problems", "file", &file,
                                 "kind", &kind, "text", &text, "duplicates", "files", &a, &b, "exact",
                                 &exact),
                     0);
    assert_string_equal(schema, "convzoo.data/1");
    assert_int_equal(n, 3);
    assert_string_equal(file, "test/a/page.jpg");
    assert_string_equal(kind, "unreadable");
    assert_non_null(strstr(text, "HTML text, not an image"));
    assert_string_equal(a, "train/a/1.ppm");
    assert_string_equal(b, "test/a/1.ppm");
    assert_true(exact);
    assert_null(strstr(r.out, folder)); /* where the data lies is nobody's business */
    json_decref(doc);
    run_free(&r);
}

static void refusals(void **state)
{
    (void)state;
    struct run r = run("data check /nowhere");
    run_expect(&r, 6, "/nowhere: no such folder");
    run_free(&r);
    r = run("data check %s --duplicates maybe", run_folder());
    run_expect(&r, 2, "--duplicates maybe: not one of exact, near, no");
    run_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clean_set),
        cmocka_unit_test(problems_give_1),
        cmocka_unit_test(the_document),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, run_clean);
}
