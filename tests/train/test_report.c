/*
 * Accuracy reports: figures against values by hand and by scikit-learn's definitions, a round trip without
 * loss, and files that must be refused.
 */
#include "base/json_out.h"
#include "tests/train/sample_report.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

static int all_but_every_fifth(int i)
{
    return i % 5 != 0;
}

static void near(const char *what, double got, double want)
{
    /* A handful of roundings of numbers near 1. */
    if (!(fabs(got - want) <= 1e-14))
        fail_msg("%s: got %.17g, wanted %.17g", what, got, want);
}

/* 15 images, 12 right. Class 0 is shown 0 3 6 9 12, wrong at 0; class 1: 1 4 7 10 13, wrong at 10; class
 * 2: 5. */
static void figures_follow_from_predictions(void **state)
{
    (void)state;
    struct cz_report *r = sample_report("a", 15, all_but_every_fifth);
    const struct cz_metrics *m = &r->metrics;
    assert_int_equal(m->right, 12);
    assert_int_equal(m->right_top5, 15);
    near("top1", m->top1, 0.8);
    for (int c = 0; c < SAMPLE_CLASSES; c++) {
        near("recall", m->classes[c].recall, 0.8);
        near("precision", m->classes[c].precision, 0.8);
        near("F1", m->classes[c].f1, 0.8);
        assert_int_equal(cz_metrics_most_confused(m, c), (c + 1) % SAMPLE_CLASSES);
        assert_int_equal(m->confusion[c * SAMPLE_CLASSES + (c + 1) % SAMPLE_CLASSES], 1);
    }
    near("loss", m->loss_nats, -(12 * log(0.75) + 3 * log(0.125)) / 15);
    near("ECE", m->ece, 0.05);
    cz_report_destroy(r);
}

static int never(int i)
{
    (void)i;
    return 0;
}

static int only_class_zero(int i)
{
    return i % 3 == 0;
}

/*
 * Four images of truth 0 1 2 0, answers 0 2 0 0: recalls 1, 0, 0, precisions 2/3, 0, 0, F1 0.8, 0, 0. Macro
 * over all three; weighted 0.8 * 2/4. One image of truth 0 taken for class 1: class 2 neither occurs nor is
 * predicted.
 */
static void empty_classes_give_zeros(void **state)
{
    (void)state;
    struct cz_report *r = sample_report("a", 4, only_class_zero);
    near("macro", r->metrics.macro_f1, 0.8 / 3);
    near("weighted", r->metrics.weighted_f1, 0.4);
    near("precision of class 0", r->metrics.classes[0].precision, 2.0 / 3);
    near("precision of class 1", r->metrics.classes[1].precision, 0);
    cz_report_destroy(r);
    r = sample_report("a", 1, never);
    near("top1", r->metrics.top1, 0);
    near("macro of none right", r->metrics.macro_f1, 0);
    near("recall interval of an absent class", r->metrics.classes[2].recall_interval.high, 1);
    assert_int_equal(cz_metrics_most_confused(&r->metrics, 2), -1);
    cz_report_destroy(r);
}

static void ties_go_to_the_lower_index(void **state)
{
    (void)state;
    const double scores[] = {1, 3, 2, 3, 0, 3, 2};
    static const int want[] = {1, 3, 5, 2, 6, 0, 4};
    int top[7];
    for (int n_top = 1; n_top <= 7; n_top++) {
        cz_top_classes(scores, 7, n_top, top);
        for (int i = 0; i < n_top; i++)
            assert_int_equal(top[i], want[i]);
    }
}

static void softmax_refuses_what_is_no_number(void **state)
{
    (void)state;
    const float good[] = {1000, 1000, 999}, bad[] = {1, NAN}, endless[] = {1, INFINITY};
    double p[3];
    assert_int_equal(cz_softmax(good, 3, p), 0);
    near("softmax", p[0], 1 / (2 + exp(-1)));
    near("softmax sums to 1", p[0] + p[1] + p[2], 1);
    assert_int_equal(cz_softmax(bad, 2, p), 1);
    assert_int_equal(cz_softmax(endless, 2, p), 1);
}

static char *read_text(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char *text = calloc(1, 1 << 20);
    *size = fread(text, 1, (1 << 20) - 1, f);
    fclose(f);
    return text;
}

/* What is written, read and written again is the same, byte for byte. */
static void round_trip_keeps_every_bit(void **state)
{
    (void)state;
    char first[] = "/tmp/report-XXXXXX", second[] = "/tmp/report-XXXXXX";
    close(mkstemp(first));
    close(mkstemp(second));
    struct cz_report *r = sample_report("net \"1\"\n", 20, all_but_every_fifth), *again;
    cz_error err = {0};
    assert_int_equal(cz_report_skip(r, "test/bad.jpg", 20480, "JPEG ends at byte 20480", NULL), CZ_OK);
    assert_int_equal(cz_report_skip(r, "test/gone.jpg", -1, "no such file", NULL), CZ_OK);
    assert_int_equal(cz_report_write(r, first, &err), CZ_OK);
    if (cz_report_read(first, &again, &err) != CZ_OK)
        fail_msg("%s", err.message);
    assert_string_equal(again->data.classes[1], "<script>alert(\"x\")</script>");
    assert_string_equal(again->model.name, r->model.name);
    assert_int_equal(again->skipped[0].offset, 20480);
    assert_int_equal(again->skipped[1].offset, -1);
    assert_int_equal(cz_report_write(again, second, &err), CZ_OK);
    size_t n, m;
    char *a = read_text(first, &n), *b = read_text(second, &m);
    assert_int_equal(n, m);
    assert_memory_equal(a, b, n);
    free(a);
    free(b);
    unlink(first);
    unlink(second);
    cz_report_destroy(r);
    cz_report_destroy(again);
}

/* Sets `path` ("data.n", "predictions.0.truth") of the document to the JSON text `value`; "" removes it. */
static void set_path(json_t *root, const char *path, const char *value)
{
    char copy[128], *save = NULL;
    snprintf(copy, sizeof copy, "%s", path);
    json_t *at = root;
    char *key = strtok_r(copy, ".", &save), *next;
    for (; (next = strtok_r(NULL, ".", &save)); key = next)
        at = json_is_array(at) ? json_array_get(at, (size_t)atoi(key)) : json_object_get(at, key);
    json_t *v = *value ? json_loads(value, JSON_DECODE_ANY, NULL) : NULL;
    if (json_is_array(at))
        assert_int_equal(
            v ? json_array_set_new(at, (size_t)atoi(key), v) : json_array_remove(at, (size_t)atoi(key)), 0);
    else
        assert_int_equal(v ? json_object_set_new(at, key, v) : json_object_del(at, key), 0);
}

static void hostile_reports_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *path, *value, *message;
        cz_status status;
    } cases[] = {
        {"schema", "\"convzoo.accuracy/2\"", "newer convzoo", CZ_ERR_UNSUPPORTED},
        {"schema", "\"convzoo.accuracy/1x\"", "schema", CZ_ERR_FORMAT},
        {"schema", "\"convzoo.accuracy/99999999999999999999\"", "newer convzoo", CZ_ERR_UNSUPPORTED},
        {"schema", "\"convzoo.predict/1\"", "schema", CZ_ERR_FORMAT},
        {"schema", "", "schema", CZ_ERR_FORMAT},
        {"top1", "null", "top1", CZ_ERR_FORMAT},
        {"top1", "0.9", "predictions give 0.8", CZ_ERR_FORMAT},
        {"ece", "0.9", "ece", CZ_ERR_FORMAT},
        {"loss_nats", "\"NaN\"", "loss_nats", CZ_ERR_FORMAT},
        {"data.n", "21", "says 21 images", CZ_ERR_FORMAT},
        {"data.n", "-1", "data.n", CZ_ERR_FORMAT},
        {"data.sha256", "\"zz\"", "64 hexadecimal", CZ_ERR_FORMAT},
        {"data.classes", "[]", "wanted 1 to", CZ_ERR_FORMAT},
        {"data.classes.1", "7", "not a string", CZ_ERR_FORMAT},
        {"data.label_map", "\"guess\"", "name|order", CZ_ERR_FORMAT},
        {"model", "[]", "an object", CZ_ERR_FORMAT},
        {"predictions", "[]", "empty", CZ_ERR_FORMAT},
        {"predictions", "{}", "a list", CZ_ERR_FORMAT},
        {"predictions.3", "null", "missing", CZ_ERR_FORMAT},
        {"predictions.3.id", "\"test/0002.jpg\"", "same id", CZ_ERR_FORMAT},
        {"predictions.3.truth", "3", "wanted 0 to 2", CZ_ERR_FORMAT},
        {"predictions.3.truth", "1e300", "whole number", CZ_ERR_FORMAT},
        {"predictions.3.top", "[0, 0, 1]", "twice", CZ_ERR_FORMAT},
        {"predictions.3.top", "[0, 1, 3]", "no class", CZ_ERR_FORMAT},
        {"predictions.3.top", "[0, 1]", "wanted 3", CZ_ERR_FORMAT},
        {"predictions.0.top", "[]", "0 classes", CZ_ERR_FORMAT},
        {"predictions.0.top", "[0, 1, 2, 0]", "4 classes", CZ_ERR_FORMAT},
        {"predictions.3.probability", "[0.1, 0.2, 0.3]", "must fall", CZ_ERR_FORMAT},
        {"predictions.3.probability", "[1.5, 0, 0]", "must fall", CZ_ERR_FORMAT},
        {"predictions.3.probability", "[0.6, 0.6, 0.6]", "sum to", CZ_ERR_FORMAT},
        {"predictions.3.probability", "[0.6, 0.4, -0.1]", "must fall", CZ_ERR_FORMAT},
        {"predictions.3.probability", "[null, 0, 0]", "no class or number", CZ_ERR_FORMAT},
        {"predictions.3.loss_nats", "0", "does not follow", CZ_ERR_FORMAT},
        {"predictions.3.loss_nats", "1e308", "does not follow", CZ_ERR_FORMAT},
        {"skipped", "", "skipped", CZ_ERR_FORMAT},
        {"skipped", "[{\"id\": 1}]", "a string", CZ_ERR_FORMAT},
    };
    struct cz_report *r = sample_report("a", 20, all_but_every_fifth), *got;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *root = cz_report_json(r);
        set_path(root, cases[i].path, cases[i].value);
        char *text = json_dumps(root, JSON_REAL_PRECISION(17));
        cz_error err = {0};
        const cz_status status = cz_report_parse(text, strlen(text), "x.json", &got, &err);
        if (status != cases[i].status || !strstr(err.message, cases[i].message) ||
            strncmp(err.message, "x.json: ", 8) != 0)
            fail_msg("%s = %s: status %d, message '%s', wanted %d and '%s'", cases[i].path, cases[i].value,
                     status, err.message, cases[i].status, cases[i].message);
        assert_null(got);
        free(text);
        json_decref(root);
    }
    cz_report_destroy(r);
}

/* Every prefix of a report, and every byte of it replaced: an answer, whatever it is, and no leak. */
static void broken_bytes_are_survived(void **state)
{
    (void)state;
    struct cz_report *r = sample_report("a", 3, all_but_every_fifth), *got;
    json_t *root = cz_report_json(r);
    char *text = json_dumps(root, JSON_REAL_PRECISION(17) | JSON_COMPACT);
    const size_t n = strlen(text);
    for (size_t i = 0; i < n; i++) {
        const char kept = text[i];
        assert_int_equal(cz_report_parse(text, i, "x", &got, NULL), CZ_ERR_FORMAT);
        text[i] = (char)(i % 2 ? '9' : '"');
        if (cz_report_parse(text, n, "x", &got, NULL) == CZ_OK)
            cz_report_destroy(got);
        text[i] = kept;
    }
    static const char duplicate[] =
        "{\"schema\": \"convzoo.accuracy/1\", \"schema\": \"convzoo.accuracy/1\"}";
    assert_int_equal(cz_report_parse(duplicate, strlen(duplicate), "x", &got, NULL), CZ_ERR_FORMAT);
    free(text);
    json_decref(root);
    cz_report_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_follow_from_predictions),
        cmocka_unit_test(empty_classes_give_zeros),
        cmocka_unit_test(ties_go_to_the_lower_index),
        cmocka_unit_test(softmax_refuses_what_is_no_number),
        cmocka_unit_test(round_trip_keeps_every_bit),
        cmocka_unit_test(hostile_reports_are_refused),
        cmocka_unit_test(broken_bytes_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
