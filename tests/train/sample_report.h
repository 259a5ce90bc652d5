/*
 * Accuracy reports made from a few numbers, for the tests of reports and comparisons.
 */
#ifndef CZ_TESTS_TRAIN_SAMPLE_REPORT_H
#define CZ_TESTS_TRAIN_SAMPLE_REPORT_H

#include "finetune/report.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

enum { SAMPLE_CLASSES = 3 };

/* A finished report of n images; image i has truth i % 3 and is right where right(i) is not 0, else taken for
 * the next class. */
static inline struct cz_report *sample_report(const char *model, int n, int (*right)(int))
{
    static const char *names[SAMPLE_CLASSES] = {"ant", "<script>alert(\"x\")</script>", "bee, \xc3\xbc"};
    struct cz_report *r;
    assert_int_equal(cz_report_create(&r, NULL), CZ_OK);
    r->version = "0.1.0";
    r->isa = "avx2";
    r->model.name = model;
    r->model.preprocess = "{\"scale\":0.1}";
    r->model.preprocess_sha256 = "5b0e92c4000000000000000000000000000000000000000000000000000000ff";
    r->data.name = "insects";
    r->data.split = "test";
    r->data.sha256 = "7714ab30000000000000000000000000000000000000000000000000000000ff";
    r->data.classes = names;
    r->data.n_classes = SAMPLE_CLASSES;
    r->data.by_name = 1;
    r->n_top = SAMPLE_CLASSES;
    for (int i = 0; i < n; i++) {
        char id[32];
        uint8_t digest[CZ_SHA256_BYTES];
        double p[SAMPLE_CLASSES] = {0.125, 0.125, 0.125};
        snprintf(id, sizeof id, "test/%04d.jpg", i);
        cz_sha256(id, strlen(id), digest);
        p[(i + !right(i)) % SAMPLE_CLASSES] = 0.75;
        assert_int_equal(cz_report_add(r, id, digest, i % SAMPLE_CLASSES, p, NULL, NULL), CZ_OK);
    }
    assert_int_equal(cz_report_finish(r, NULL), CZ_OK);
    return r;
}

#endif
