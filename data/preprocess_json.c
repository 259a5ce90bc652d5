/*
 * The JSON form of preprocessing: strict parser, canonical printer, hash.
 *
 * The canonical form is RFC 8785 (JSON Canonicalization Scheme): keys sorted, no spaces, numbers as
 * ECMAScript prints them, that is the fewest digits that read back as the same double. Two files that mean
 * the same have one hash.
 */
#include "base/file.h"
#include "base/json_memory.h"
#include "data/preprocess.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char SCHEMA[] = "convzoo.preprocess/1";
enum { FILE_BYTES_MAX = 65536, MAX_NAMES = 4 };

static const char *const channel_names[MAX_NAMES] = {"RGB", "BGR", "GRAY"};
static const char *const resize_names[MAX_NAMES] = {"shorter", "squash", "none"};
static const char *const filter_names[MAX_NAMES] = {"nearest", "bilinear", "bicubic"};
static const char *const crop_names[MAX_NAMES] = {"center", "none"};
static const char *const layout_names[MAX_NAMES] = {"NCHW", "NHWC"};

/* An object and where it stands ("" or "resize."), for messages. */
struct place {
    const json_t *object;
    const char *prefix;
};

static const char *kind_of(const json_t *v)
{
    static const char *const names[] = {"an object", "a list", "a string", "a number",
                                        "a number",  "true",   "false",    "null"};
    return names[json_typeof(v)];
}

/* All keys there, no others. */
static cz_status check_keys(const struct place *at, const char *const *keys, int n, cz_error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)at->object, key, value)
    {
        int known = 0;
        for (int i = 0; i < n; i++)
            known |= strcmp(key, keys[i]) == 0;
        if (!known)
            CZ_FAIL(err, CZ_ERR_FORMAT, "key '%s%s': not known; remove it", at->prefix, key);
    }
    for (int i = 0; i < n; i++)
        if (!json_object_get(at->object, keys[i]))
            CZ_FAIL(err, CZ_ERR_FORMAT, "key '%s%s': missing; all keys are needed", at->prefix, keys[i]);
    return CZ_OK;
}

static cz_status get_name(const struct place *at, const char *key, const char *const *names, int *out,
                          cz_error *err)
{
    const json_t *v = json_object_get(at->object, key);
    char wanted[64] = "";
    for (int i = 0; i < MAX_NAMES && names[i]; i++) {
        if (json_is_string(v) && strcmp(json_string_value(v), names[i]) == 0) {
            *out = i;
            return CZ_OK;
        }
        snprintf(wanted + strlen(wanted), sizeof wanted - strlen(wanted), "%s%s", i ? "|" : "", names[i]);
    }
    CZ_FAIL(err, CZ_ERR_FORMAT, "key '%s%s': %s, wanted %s", at->prefix, key,
            json_is_string(v) ? json_string_value(v) : kind_of(v), wanted);
}

static cz_status get_number(const json_t *v, const char *key, double *out, cz_error *err)
{
    if (!json_is_number(v))
        CZ_FAIL(err, CZ_ERR_FORMAT, "key '%s': %s, wanted a number", key, kind_of(v));
    *out = json_number_value(v);
    return CZ_OK;
}

static cz_status get_numbers(const struct place *at, const char *key, int n, double *out, cz_error *err)
{
    const json_t *list = json_object_get(at->object, key);
    if (!json_is_array(list) || json_array_size(list) != (size_t)n)
        CZ_FAIL(err, CZ_ERR_FORMAT, "key '%s%s': wanted a list of %d number%s", at->prefix, key, n,
                n == 1 ? "" : "s");
    for (int i = 0; i < n; i++)
        CZ_TRY(get_number(json_array_get(list, (size_t)i), key, &out[i], err));
    return CZ_OK;
}

static cz_status get_size(const struct place *at, int size[2], cz_error *err)
{
    double v[2];
    CZ_TRY(get_numbers(at, "size_px", 2, v, err));
    for (int i = 0; i < 2; i++) {
        if (!(v[i] >= 0 && v[i] <= CZ_PREPROCESS_SIDE_MAX) || v[i] != floor(v[i]))
            CZ_FAIL(err, CZ_ERR_FORMAT, "key '%ssize_px': %g, wanted a whole number up to %d", at->prefix,
                    v[i], (int)CZ_PREPROCESS_SIDE_MAX);
        size[i] = (int)v[i];
    }
    return CZ_OK;
}

static cz_status get_object(const struct place *at, const char *key, const char *prefix, struct place *out,
                            cz_error *err)
{
    *out = (struct place){json_object_get(at->object, key), prefix};
    if (!json_is_object(out->object))
        CZ_FAIL(err, CZ_ERR_FORMAT, "key '%s': %s, wanted an object", key, kind_of(out->object));
    return CZ_OK;
}

static cz_status read_resize(const struct place *root, struct cz_preprocess *pp, cz_error *err)
{
    static const char *const keys[] = {"mode", "size_px", "filter"};
    struct place at;
    int mode, filter;
    CZ_TRY(get_object(root, "resize", "resize.", &at, err));
    CZ_TRY(check_keys(&at, keys, 3, err));
    CZ_TRY(get_name(&at, "mode", resize_names, &mode, err));
    CZ_TRY(get_name(&at, "filter", filter_names, &filter, err));
    pp->resize_mode = (enum cz_resize_mode)mode;
    pp->filter = (enum cz_filter)filter;
    return get_size(&at, pp->resize_size, err);
}

static cz_status read_crop(const struct place *root, struct cz_preprocess *pp, cz_error *err)
{
    static const char *const keys[] = {"mode", "size_px"};
    struct place at;
    int mode;
    CZ_TRY(get_object(root, "crop", "crop.", &at, err));
    CZ_TRY(check_keys(&at, keys, 2, err));
    CZ_TRY(get_name(&at, "mode", crop_names, &mode, err));
    pp->crop_mode = (enum cz_crop_mode)mode;
    return get_size(&at, pp->crop_size, err);
}

static cz_status read_schema(const struct place *root, cz_error *err)
{
    const char *schema = json_string_value(json_object_get(root->object, "schema"));
    if (schema && strcmp(schema, SCHEMA) == 0)
        return CZ_OK;
    const size_t stem = sizeof SCHEMA - 2; /* without the number */
    if (schema && strncmp(schema, SCHEMA, stem) == 0)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "schema %s: written by a newer convzoo, this one reads %s", schema,
                SCHEMA);
    CZ_FAIL(err, CZ_ERR_FORMAT, "key 'schema': %s, wanted \"%s\"", schema ? schema : "missing", SCHEMA);
}

static cz_status read_values(const struct place *root, struct cz_preprocess *pp, cz_error *err)
{
    int channels, layout;
    CZ_TRY(get_name(root, "channels", channel_names, &channels, err));
    CZ_TRY(get_name(root, "layout", layout_names, &layout, err));
    pp->channels = (enum cz_channels)channels;
    pp->layout = (enum cz_picture_layout)layout;
    const json_t *exif = json_object_get(root->object, "exif");
    if (!json_is_boolean(exif))
        CZ_FAIL(err, CZ_ERR_FORMAT, "key 'exif': %s, wanted true or false", kind_of(exif));
    pp->exif = json_is_true(exif);
    CZ_TRY(get_number(json_object_get(root->object, "scale"), "scale", &pp->scale, err));
    CZ_TRY(get_numbers(root, "mean", cz_preprocess_channels(pp), pp->mean, err));
    return get_numbers(root, "std", cz_preprocess_channels(pp), pp->std, err);
}

static cz_status read_root(const json_t *json, struct cz_preprocess *pp, cz_error *err)
{
    static const char *const keys[] = {"schema", "exif", "channels", "resize", "crop",
                                       "scale",  "mean", "std",      "layout"};
    struct place root = {json, ""};
    if (!json_is_object(json))
        CZ_FAIL(err, CZ_ERR_FORMAT, "preprocessing is %s, wanted an object", kind_of(json));
    memset(pp, 0, sizeof *pp);
    CZ_TRY(read_schema(&root, err));
    CZ_TRY(check_keys(&root, keys, sizeof keys / sizeof *keys, err));
    CZ_TRY(read_resize(&root, pp, err));
    CZ_TRY(read_crop(&root, pp, err));
    CZ_TRY(read_values(&root, pp, err));
    cz_status status = cz_preprocess_check(pp, err);
    if (status != CZ_OK)
        return err ? (err->code = CZ_ERR_FORMAT) : CZ_ERR_FORMAT;
    return CZ_OK;
}

cz_status cz_preprocess_parse(const char *json, size_t size, struct cz_preprocess *out, cz_error *err)
{
    json_error_t where;
    if (size > FILE_BYTES_MAX)
        CZ_FAIL(err, CZ_ERR_FORMAT, "preprocessing of %zu bytes: the limit is %d", size, (int)FILE_BYTES_MAX);
    json_t *root = cz_json_parse(json, size, JSON_DECODE_ANY, &where);
    if (!root && cz_json_no_memory(&where))
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory reading the preprocessing");
    if (!root)
        CZ_FAIL(err, CZ_ERR_FORMAT, "preprocessing is not JSON: line %d, column %d: %s; mend it", where.line,
                where.column, where.text);
    cz_status status = read_root(root, out, err);
    json_decref(root);
    return status;
}

cz_status cz_preprocess_load(const char *path, struct cz_preprocess *out, cz_error *err)
{
    unsigned char *bytes;
    size_t size;
    CZ_TRY(cz_file_read(path, FILE_BYTES_MAX, &bytes, &size, err));
    cz_status status = cz_preprocess_parse((const char *)bytes, size, out, err);
    free(bytes);
    return status == CZ_OK ? CZ_OK : cz_error_prefix(err, status, "%s", path);
}

enum { DIGITS_MAX = 17, NUMBER_TEXT = 40 };

/*
 * Fewest significant digits of a positive number that read back as itself, and the power of ten of the first
 * one. printf and strtod use the same decimal point, whichever the locale has.
 */
static int shortest_digits(double x, char digits[DIGITS_MAX + 1], int *exponent)
{
    for (int n = 1;; n++) {
        char text[NUMBER_TEXT];
        snprintf(text, sizeof text, "%.*e", n - 1, x);
        if (n < DIGITS_MAX && strtod(text, NULL) != x)
            continue;
        int count = 0;
        char *p = text;
        for (; *p != 'e'; p++)
            if (*p >= '0' && *p <= '9')
                digits[count++] = *p;
        *exponent = atoi(p + 1);
        digits[count] = '\0';
        return count;
    }
}

static char *append(char *out, const char *text)
{
    size_t n = strlen(text);
    memcpy(out, text, n + 1);
    return out + n;
}

static char *append_zeros(char *out, int n)
{
    for (int i = 0; i < n; i++)
        *out++ = '0';
    *out = '\0';
    return out;
}

/* Number::toString of ECMAScript for a finite double. Returns the end of what was written. */
static char *append_number(char *out, double x)
{
    char digits[DIGITS_MAX + 1];
    int e;
    if (x == 0) /* -0 too */
        return append(out, "0");
    if (x < 0)
        *out++ = '-';
    int n = shortest_digits(fabs(x), digits, &e);
    if (e >= 21 || e < -6) /* 1.5e+21 */
        return out + sprintf(out, "%c%s%se%+d", digits[0], n > 1 ? "." : "", digits + 1, e);
    if (e < 0) /* 0.0015 */
        return append(append_zeros(append(out, "0."), -e - 1), digits);
    if (n <= e + 1) /* 1500 */
        return append_zeros(append(out, digits), e + 1 - n);
    return out + sprintf(out, "%.*s.%s", e + 1, digits, digits + e + 1);
}

static char *append_numbers(char *out, const char *key, const double *v, int n)
{
    out = append(out, key);
    for (int i = 0; i < n; i++) {
        out = append(out, i ? "," : "[");
        out = append_number(out, v[i]);
    }
    return append(out, "]");
}

static char *append_size(char *out, const int size[2])
{
    return append_numbers(out, "\"size_px\":", (const double[]){size[0], size[1]}, 2);
}

char *cz_preprocess_print(const struct cz_preprocess *pp)
{
    /* Keys and names take 250 bytes; the 11 numbers at most NUMBER_TEXT each. */
    char *text = malloc(250 + 11 * (NUMBER_TEXT + 1));
    if (!text)
        return NULL;
    const int n = cz_preprocess_channels(pp);
    char *p = text + sprintf(text, "{\"channels\":\"%s\",\"crop\":{\"mode\":\"%s\",",
                             channel_names[pp->channels], crop_names[pp->crop_mode]);
    p = append_size(p, pp->crop_size);
    p +=
        sprintf(p, "},\"exif\":%s,\"layout\":\"%s\",", pp->exif ? "true" : "false", layout_names[pp->layout]);
    p = append_numbers(p, "\"mean\":", pp->mean, n);
    p += sprintf(p, ",\"resize\":{\"filter\":\"%s\",\"mode\":\"%s\",", filter_names[pp->filter],
                 resize_names[pp->resize_mode]);
    p = append_size(p, pp->resize_size);
    p = append(p, "},\"scale\":");
    p = append_number(p, pp->scale);
    p += sprintf(p, ",\"schema\":\"%s\",", SCHEMA);
    p = append_numbers(p, "\"std\":", pp->std, n);
    append(p, "}");
    return text;
}

cz_status cz_preprocess_hash(const struct cz_preprocess *pp, char text[CZ_SHA256_HEX], cz_error *err)
{
    uint8_t digest[CZ_SHA256_BYTES];
    char *json = cz_preprocess_print(pp);
    if (!json)
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory hashing the preprocessing");
    cz_sha256(json, strlen(json), digest);
    free(json);
    cz_sha256_hex(digest, text);
    return CZ_OK;
}
