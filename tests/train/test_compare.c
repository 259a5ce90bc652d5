/*
 * Comparing reports: counts and sentences on images that are right by rule, what may not be compared, and
 * images that only some reports have.
 */
#include "finetune/compare.h"
#include "tests/train/sample_report.h"

#include <math.h>
#include <stdlib.h>

/*
 * 150 images: both right 116, only the first 4, only the second 15, neither 15: the example of the manual.
 */
static int first_is_right(int i)
{
    return i < 120;
}

static int second_is_right(int i)
{
    return i < 116 || (i >= 120 && i < 135);
}

static int second_but_one(int i)
{
    return second_is_right(i) && i != 0;
}

static int none(int i)
{
    (void)i;
    return 0;
}

struct told {
    char text[2048];
    int n;
};

static void tell(void *user, const char *line)
{
    struct told *t = user;
    t->n++;
    snprintf(t->text + strlen(t->text), sizeof t->text - strlen(t->text), "%s\n", line);
}

static void expect_sentence(const struct cz_comparison *c, int r, const char *want)
{
    char got[CZ_SENTENCE_TEXT];
    cz_comparison_sentence(c, r, got, sizeof got);
    if (strcmp(got, want) != 0)
        fail_msg("sentence:\n  got    %s\n  wanted %s", got, want);
}

static void better_is_said_with_its_test(void **state)
{
    (void)state;
    const struct cz_report *reports[] = {sample_report("a", 150, first_is_right),
                                         sample_report("b", 150, second_is_right)};
    static const char *const names[] = {"head.json", "s5.json"};
    struct cz_compare_options options = {0};
    struct cz_comparison c;
    assert_int_equal(cz_compare_reports(reports, names, 2, &options, &c, NULL), CZ_OK);
    assert_int_equal(c.n, 150);
    assert_true(c.same_data && c.same_classes && c.same_preprocess);
    assert_int_equal(c.rows[0].right, 120);
    assert_int_equal(c.rows[1].right, 131);
    assert_int_equal(c.rows[1].only_baseline, 4);
    assert_int_equal(c.rows[1].only_this, 15);
    assert_true(fabs(c.rows[1].p - 0.0192108154296875) < 1e-14);
    assert_int_equal(c.rows[1].verdict, CZ_BETTER);
    expect_sentence(
        &c, 1,
        "s5.json is better: +7.3 points (95 % +1.6 to +13.4). They differ on 19 images and it is right on "
        "15 of them; equal models would differ so unevenly in 2 of 100 tests (McNemar, exact, two-sided).");
    cz_comparison_deinit(&c);
    const struct cz_report *swapped[] = {reports[1], reports[0]};
    assert_int_equal(cz_compare_reports(swapped, names, 2, &options, &c, NULL), CZ_OK);
    assert_int_equal(c.rows[1].verdict, CZ_WORSE);
    expect_sentence(
        &c, 1,
        "s5.json is worse: -7.3 points (95 % -13.4 to -1.6). They differ on 19 images and it is right on "
        "4 of them; equal models would differ so unevenly in 2 of 100 tests (McNemar, exact, two-sided).");
    cz_comparison_deinit(&c);
    cz_report_destroy((struct cz_report *)reports[0]);
    cz_report_destroy((struct cz_report *)reports[1]);
}

/* The same 0.019 among three tests is 0.058 (Holm: 3 * 0.0192), and no longer a difference. */
static void several_tests_are_corrected(void **state)
{
    (void)state;
    struct cz_report *a = sample_report("a", 150, first_is_right),
                     *b = sample_report("b", 150, second_is_right);
    const struct cz_report *reports[] = {a, b, b, a};
    static const char *const names[] = {"a", "b", "c", "d"};
    struct cz_compare_options options = {.margin = 0.03};
    struct cz_comparison c;
    assert_int_equal(cz_compare_reports(reports, names, 4, &options, &c, NULL), CZ_OK);
    assert_true(fabs(c.rows[1].holm_p - 3 * 0.0192108154296875) < 1e-14);
    assert_int_equal(c.rows[1].verdict, CZ_NO_DIFFERENCE);
    assert_int_equal(c.rows[3].verdict, CZ_EQUIVALENT);
    expect_sentence(
        &c, 3,
        "d is equivalent within 3 points: +0.0 points (95 % -2.0 to +2.0). They are right on the same "
        "images.");
    expect_sentence(
        &c, 2,
        "c: no real difference: +7.3 points (95 % +1.6 to +13.4). They differ on 19 images and it is right "
        "on 15 of them; equal models would differ so unevenly in 2 of 100 tests (McNemar, exact, "
        "two-sided). Corrected for 3 comparisons (Holm): p = 0.058.");
    cz_comparison_deinit(&c);
    cz_report_destroy(a);
    cz_report_destroy(b);
}

static void extreme_counts(void **state)
{
    (void)state;
    struct cz_report *a = sample_report("a", 120, first_is_right), *b = sample_report("b", 120, none);
    const struct cz_report *reports[] = {a, b};
    static const char *const names[] = {"a", "b"};
    struct cz_compare_options options = {0};
    struct cz_comparison c;
    assert_int_equal(cz_compare_reports(reports, names, 2, &options, &c, NULL), CZ_OK);
    assert_int_equal(c.rows[1].verdict, CZ_WORSE);
    char text[CZ_SENTENCE_TEXT];
    assert_non_null(
        strstr(cz_comparison_sentence(&c, 1, text, sizeof text), "in less than 1 of 1,000,000 tests"));
    cz_comparison_deinit(&c);
    cz_report_destroy(a);
    cz_report_destroy(b);
}

/* Two images are missing in the second report, one in the first has another content: 147 in common. */
static void other_images_are_refused_or_left_out(void **state)
{
    (void)state;
    struct cz_report *a = sample_report("a", 150, first_is_right),
                     *b = sample_report("b", 148, second_but_one);
    memset(a->predictions[5].sha256, '0', CZ_SHA256_HEX - 1);
    const struct cz_report *reports[] = {a, b};
    static const char *const names[] = {"a.json", "b.json"};
    struct told told = {"", 0};
    struct cz_compare_options options = {.problem = tell, .user = &told};
    struct cz_comparison c;
    cz_error err;
    assert_int_equal(cz_compare_reports(reports, names, 2, &options, &c, &err), CZ_ERR_FORMAT);
    assert_string_equal(err.message,
                        "a.json, b.json: different images: 150 and 148, 147 in common; compare those "
                        "with --allow data");
    assert_int_equal(told.n, 1);
    options.allow = CZ_ALLOW_DATA;
    assert_int_equal(cz_compare_reports(reports, names, 2, &options, &c, &err), CZ_OK);
    assert_int_equal(c.n, 147);
    assert_int_equal(c.same_data, 0);
    assert_int_equal(c.rows[0].right, 119);
    assert_int_equal(c.rows[1].right, 129);
    assert_int_equal(c.rows[1].only_baseline, 5);
    cz_comparison_deinit(&c);
    for (int i = 0; i < 150; i++)
        a->predictions[i].sha256[0] = 'x'; /* no digit of a hash: none in common */
    options.allow = 0;
    assert_int_equal(cz_compare_reports(reports, names, 2, &options, &c, &err), CZ_ERR_FORMAT);
    assert_string_equal(
        err.message, "a.json, b.json: different images: 150 and 148, 0 in common; evaluate on the same data");
    cz_report_destroy(a);
    cz_report_destroy(b);
}

static void every_reason_is_told(void **state)
{
    (void)state;
    struct cz_report *a = sample_report("a", 30, first_is_right), *b = sample_report("b", 29, first_is_right);
    static const char *other_classes[] = {"ant", "wasp", "bee"};
    b->data.classes = other_classes;
    b->model.preprocess_sha256 = "ffffffff00000000000000000000000000000000000000000000000000000000";
    const struct cz_report *reports[] = {a, b};
    static const char *const names[] = {"a.json", "b.json"};
    struct told told = {"", 0};
    struct cz_compare_options options = {.problem = tell, .user = &told};
    struct cz_comparison c;
    cz_error err;
    assert_int_equal(cz_compare_reports(reports, names, 2, &options, &c, &err), CZ_ERR_FORMAT);
    assert_int_equal(told.n, 4);
    assert_non_null(strstr(told.text, "different images: 30 and 29"));
    assert_non_null(strstr(told.text, "different preprocessing: 5b0e92c4 and ffffffff"));
    assert_non_null(strstr(told.text, "--allow classes"));
    assert_non_null(
        strstr(told.text, "image 'test/0001.jpg' is '<script>alert(\"x\")</script>' in one and 'wasp'"));
    options.allow = CZ_ALLOW_DATA | CZ_ALLOW_PREPROCESS | CZ_ALLOW_CLASSES;
    assert_int_equal(cz_compare_reports(reports, names, 2, &options, &c, &err), CZ_OK);
    assert_true(!c.same_data && !c.same_classes && !c.same_preprocess);
    cz_comparison_deinit(&c);
    cz_report_destroy(a);
    cz_report_destroy(b);
}

static void odds_are_readable(void **state)
{
    (void)state;
    char buf[64];
    assert_string_equal(cz_odds_text(1, buf, sizeof buf), "100 of 100");
    assert_string_equal(cz_odds_text(0.0192, buf, sizeof buf), "2 of 100");
    assert_string_equal(cz_odds_text(0.00031, buf, sizeof buf), "3 of 10,000");
    assert_string_equal(cz_odds_text(4.4e-06, buf, sizeof buf), "4 of 1,000,000");
    assert_string_equal(cz_odds_text(0, buf, sizeof buf), "less than 1 of 1,000,000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(better_is_said_with_its_test),
        cmocka_unit_test(several_tests_are_corrected),
        cmocka_unit_test(extreme_counts),
        cmocka_unit_test(other_images_are_refused_or_left_out),
        cmocka_unit_test(every_reason_is_told),
        cmocka_unit_test(odds_are_readable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
