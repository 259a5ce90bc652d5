/*
 * Numbers for people. All return buf, which CZ_FORMAT bytes are enough for.
 */
#ifndef CZ_CLI_FORMAT_H
#define CZ_CLI_FORMAT_H

#include "engine/graph.h"

#include <stddef.h>
#include <stdint.h>

enum { CZ_FORMAT = 32 };

/* "13,964,640" */
char *cz_format_count(int64_t n, char buf[CZ_FORMAT]);

/* "13.3 MiB", "812 bytes", "1.2 GiB" */
char *cz_format_bytes(double bytes, char buf[CZ_FORMAT]);

/* Three digits or so at any size: "0.0133", "4.20", "23.6" */
char *cz_format_ms(double ms, char buf[CZ_FORMAT]);

/* Multiply-adds in units of 10^9: "4.089", for small networks "0.00042" */
char *cz_format_gmacs(double macs, char buf[CZ_FORMAT]);

/* "[N, 3, 224, 224]", symbolic dimensions by name, "?" without one; "of any shape" for rank -1. Returns buf.
 */
char *cz_format_dims(const struct cz_shape *, const char *const *dim_name, char *buf, size_t size);

#endif
