#include "finetune/json_in.h"
#include "base/file.h"
#include "base/json_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

cz_status cz_json_load_file(const char *path, size_t max_bytes, json_t **out, cz_error *err)
{
    unsigned char *bytes;
    size_t size;
    json_error_t where;
    CZ_TRY(cz_file_read(path, max_bytes, &bytes, &size, err));
    *out = cz_json_parse(bytes, size, 0, &where);
    free(bytes);
    if (!*out && cz_json_no_memory(&where))
        CZ_FAIL(err, CZ_ERR_MEMORY, "%s: out of memory", path);
    if (!*out)
        CZ_FAIL(err, CZ_ERR_FORMAT, "%s: not JSON: line %d, column %d: %s", path, where.line, where.column,
                where.text);
    return CZ_OK;
}

static cz_status get(const json_t *object, const char *at, const char *key, const char *wanted,
                     const json_t **out, cz_error *err)
{
    *out = json_object_get(object, key);
    if (!*out)
        CZ_FAIL(err, CZ_ERR_FORMAT, "key '%s%s%s': missing, wanted %s", at, *at ? "." : "", key, wanted);
    return CZ_OK;
}

static cz_status refuse(const json_t *value, const char *at, const char *key, const char *wanted,
                        cz_error *err)
{
    static const char *const kinds[] = {"an object", "a list", "a string", "a whole number",
                                        "a number",  "true",   "false",    "null"};
    CZ_FAIL(err, CZ_ERR_FORMAT, "key '%s%s%s': %s, wanted %s", at, *at ? "." : "", key,
            kinds[json_typeof(value)], wanted);
}

cz_status cz_json_get_string(const json_t *object, const char *at, const char *key, const char **out,
                             cz_error *err)
{
    const json_t *v;
    CZ_TRY(get(object, at, key, "a string", &v, err));
    if (!json_is_string(v))
        return refuse(v, at, key, "a string", err);
    *out = json_string_value(v);
    return CZ_OK;
}

cz_status cz_json_get_integer(const json_t *object, const char *at, const char *key, int64_t low,
                              int64_t high, int64_t *out, cz_error *err)
{
    const json_t *v;
    CZ_TRY(get(object, at, key, "a whole number", &v, err));
    if (!json_is_integer(v))
        return refuse(v, at, key, "a whole number", err);
    *out = json_integer_value(v);
    if (*out < low || *out > high)
        CZ_FAIL(err, CZ_ERR_FORMAT, "key '%s%s%s': %lld, wanted %lld to %lld", at, *at ? "." : "", key,
                (long long)*out, (long long)low, (long long)high);
    return CZ_OK;
}

cz_status cz_json_get_number(const json_t *object, const char *at, const char *key, double *out,
                             cz_error *err)
{
    const json_t *v;
    CZ_TRY(get(object, at, key, "a number", &v, err));
    if (!json_is_number(v))
        return refuse(v, at, key, "a number", err);
    *out = json_number_value(v);
    return CZ_OK;
}

cz_status cz_json_get_array(const json_t *object, const char *at, const char *key, const json_t **out,
                            cz_error *err)
{
    CZ_TRY(get(object, at, key, "a list", out, err));
    return json_is_array(*out) ? CZ_OK : refuse(*out, at, key, "a list", err);
}

cz_status cz_json_get_object(const json_t *object, const char *at, const char *key, const json_t **out,
                             cz_error *err)
{
    CZ_TRY(get(object, at, key, "an object", out, err));
    return json_is_object(*out) ? CZ_OK : refuse(*out, at, key, "an object", err);
}

cz_status cz_json_check_schema(const json_t *root, const char *name, int newest, cz_error *err)
{
    const char *schema;
    CZ_TRY(cz_json_get_string(root, "", "schema", &schema, err));
    char stem[64];
    const int length = snprintf(stem, sizeof stem, "convzoo.%s/", name);
    char *end = "";
    const long found = strncmp(schema, stem, (size_t)length) == 0 ? strtol(schema + length, &end, 10) : 0;
    if (found < 1 || *end || schema[length] < '0' || schema[length] > '9')
        CZ_FAIL(err, CZ_ERR_FORMAT, "key 'schema': '%s', wanted '%s%d'", schema, stem, newest);
    if (found > newest)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "schema %s: written by a newer convzoo, this one reads up to %s%d",
                schema, stem, newest);
    return CZ_OK;
}
