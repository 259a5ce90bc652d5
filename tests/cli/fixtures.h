/*
 * Small files that the tests of commands work with, made without any data from outside.
 */
#ifndef CZ_TESTS_CLI_FIXTURES_H
#define CZ_TESTS_CLI_FIXTURES_H

/* A PPM of height x width pixels that depend on `seed`; content decides what it is, so it may be called
 * photo.jpg. */
const char *fixture_picture(const char *name, int height, int width, unsigned seed);

/* A float32 NPY file: values in [-1, 1) that depend on `seed`. */
const char *fixture_tensor(const char *name, const long long *dims, int rank, unsigned seed);

/* A network of the zoo with seeded weights as an ONNX file; extra: further options of export. */
const char *fixture_network(const char *name, const char *model, const char *extra);

/* Two float32 inputs a and b of [N][4], one output c = a + b. */
const char *fixture_sum(const char *name);

/* "class 0" to "class n-1", a line each. */
const char *fixture_names(const char *name, int n);

#endif
