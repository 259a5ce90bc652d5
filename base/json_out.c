#include "base/json_out.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

json_t *cz_json_double(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

json_t *cz_json_float(float x)
{
    char text[32];
    snprintf(text, sizeof text, "%.9g", (double)x);
    return isfinite(x) ? json_real(strtod(text, NULL)) : json_null();
}

/* Bytes of the UTF-8 character at p that JSON may carry (no surrogates, no overlong forms), 0 if it is none.
 */
static size_t utf8_length(const unsigned char *p)
{
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xC2 ? 0 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : p[0] < 0xF5 ? 4 : 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    int overlong = (p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xF0 && p[1] < 0x90);
    int beyond = (p[0] == 0xED && p[1] > 0x9F) || (p[0] == 0xF4 && p[1] > 0x8F);
    return overlong || beyond ? 0 : n;
}

json_t *cz_json_text(const char *text)
{
    if (!text)
        return json_null();
    json_t *value = json_string(text);
    if (value)
        return value;
    char *clean = malloc(3 * strlen(text) + 1);
    size_t used = 0;
    for (const unsigned char *p = (const unsigned char *)text; clean && *p;) {
        size_t n = utf8_length(p);
        memcpy(clean + used, n ? (const char *)p : "\xEF\xBF\xBD", n ? n : 3);
        used += n ? n : 3;
        p += n ? n : 1;
    }
    value = clean ? json_stringn_nocheck(clean, used) : NULL;
    free(clean);
    return value;
}

static void print_real(double x, FILE *out)
{
    char text[32];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        if (strtod(text, NULL) == x)
            break;
    }
    fputs(text, out);
    if (!strpbrk(text, ".e")) /* stays a real for readers that tell 1 from 1.0 */
        fputs(".0", out);
}

static int write_stream(const char *buffer, size_t size, void *out)
{
    return fwrite(buffer, 1, size, out) == size ? 0 : -1;
}

static int is_scalar(const json_t *value)
{
    return !json_is_object(value) && !json_is_array(value);
}

static int is_flat_array(const json_t *array)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (!is_scalar(json_array_get(array, i)))
            return 0;
    return 1;
}

static int is_flat_object(const json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        if (!is_scalar(value))
            return 0;
    }
    return 1;
}

/* Depth ONE_LINE: everything on one line, and so in what is below. */
enum { ONE_LINE = -1 };

static int deeper(int depth)
{
    return depth == ONE_LINE ? ONE_LINE : depth + 1;
}

static void new_line(int depth, FILE *out)
{
    if (depth != ONE_LINE)
        fprintf(out, "\n%*s", 2 * depth, "");
}

static void print_value(const json_t *value, int depth, FILE *out);

static void print_array(const json_t *array, int depth, FILE *out)
{
    int flat = is_flat_array(array);
    fputc('[', out);
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (i > 0)
            fputs(flat || depth == ONE_LINE ? ", " : ",", out);
        if (!flat)
            new_line(deeper(depth), out);
        print_value(json_array_get(array, i), deeper(depth), out);
    }
    if (!flat)
        new_line(depth, out);
    fputc(']', out);
}

static void print_object(const json_t *object, int depth, FILE *out)
{
    const char *key;
    json_t *value;
    int first = 1, flat = depth > 0 && is_flat_object(object);
    fputc('{', out);
    json_object_foreach((json_t *)object, key, value)
    {
        json_t *name = json_string(key);
        if (!first)
            fputs(flat || depth == ONE_LINE ? ", " : ",", out);
        first = 0;
        if (!flat)
            new_line(deeper(depth), out);
        json_dump_callback(name, write_stream, out, JSON_ENCODE_ANY);
        fputs(": ", out);
        print_value(value, deeper(depth), out);
        json_decref(name);
    }
    if (!first && !flat)
        new_line(depth, out);
    fputc('}', out);
}

static void print_value(const json_t *value, int depth, FILE *out)
{
    if (json_is_object(value))
        print_object(value, depth, out);
    else if (json_is_array(value))
        print_array(value, depth, out);
    else if (json_is_real(value))
        print_real(json_real_value(value), out);
    else
        json_dump_callback(value, write_stream, out, JSON_ENCODE_ANY);
}

void cz_json_print(const json_t *document, FILE *out)
{
    print_value(document, 0, out);
    fputc('\n', out);
}

void cz_json_print_line(const json_t *document, FILE *out)
{
    print_value(document, ONE_LINE, out);
    fputc('\n', out);
}
