/*
 * JSON as the program writes it: built with jansson, printed here because of the numbers.
 *
 * Every number is the shortest decimal that reads back as the same bits: at most 17 digits for a double, 9
 * for a float32. NaN and infinities, which JSON does not have, become null. Key order is the order of
 * insertion.
 */
#ifndef CZ_BASE_JSON_OUT_H
#define CZ_BASE_JSON_OUT_H

#include <jansson.h>
#include <stdio.h>

/* A number or null. The float32 becomes the double nearest to its 9 digits, which reads back as the same
 * float32. */
json_t *cz_json_double(double);
json_t *cz_json_float(float);

/* Text of any bytes: bytes that are not UTF-8 become \xNN; NULL becomes null. */
json_t *cz_json_text(const char *);

/* Prints the document and a newline; objects and arrays of objects on lines of their own, arrays of scalars
 * on one. */
void cz_json_print(const json_t *, FILE *);

/* The document on one line, for files of one record a line. */
void cz_json_print_line(const json_t *, FILE *);

#endif
