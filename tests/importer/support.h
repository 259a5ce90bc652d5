/* What the importer's tests share: test data, one run of a network, distances. */
#ifndef TESTS_IMPORTER_SUPPORT_H
#define TESTS_IMPORTER_SUPPORT_H

#include "convzoo/convzoo.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

/* "<CONVZOO_TEST_DATA>/name", or skips the test. The text is good until the call after the next. */
const char *data_file(const char *name);

/* A runtime of two threads for all tests of a program. */
cz_runtime *runtime(void);

/*
 * Runs `model` once on one float32 input of any float width of the model; the first output as float32, to be
 * released with free(). Fails the test on any error.
 */
cz_tensor run_model(cz_model *model, const cz_tensor *input);
cz_model *load_model(const char *path);

/* Largest |a - b| over the largest |b|. Fails the test where the counts differ. */
double distance(const cz_tensor *a, const cz_tensor *b);

#endif
