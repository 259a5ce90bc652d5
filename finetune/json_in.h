/*
 * Reading JSON that others may have written: every getter checks the kind of the value and names the key in
 * its message. Keys it does not know are the reader's to ignore.
 */
#ifndef CZ_FINETUNE_JSON_IN_H
#define CZ_FINETUNE_JSON_IN_H

#include "base/status.h"

#include <jansson.h>

/* Reads a file of at most max_bytes. Errors CZ_ERR_IO, CZ_ERR_FORMAT with line and column; the path in front.
 */
cz_status cz_json_load_file(const char *path, size_t max_bytes, json_t **out, cz_error *);

/*
 * The member `key` of `object` (which may be NULL or no object: then the member is missing). Strings point
 * into the document. Numbers are finite by the nature of JSON; an integer must fit [low, high]. Errors
 * CZ_ERR_FORMAT "key 'data.n': missing" and the like; `at` is the object's own name, "" for the root.
 */
cz_status cz_json_get_string(const json_t *object, const char *at, const char *key, const char **out,
                             cz_error *);
cz_status cz_json_get_integer(const json_t *object, const char *at, const char *key, int64_t low,
                              int64_t high, int64_t *out, cz_error *);
cz_status cz_json_get_number(const json_t *object, const char *at, const char *key, double *out, cz_error *);
cz_status cz_json_get_array(const json_t *object, const char *at, const char *key, const json_t **out,
                            cz_error *);
cz_status cz_json_get_object(const json_t *object, const char *at, const char *key, const json_t **out,
                             cz_error *);

/*
 * The document's schema must be "convzoo.NAME/N" with N from 1 to `newest`.
 * Errors  CZ_ERR_UNSUPPORTED (a newer N), CZ_ERR_FORMAT.
 */
cz_status cz_json_check_schema(const json_t *root, const char *name, int newest, cz_error *);

#endif
