#include "base/json_out.h"
#include "base/utf8.h"

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

json_t *cz_json_text(const char *text)
{
    if (!text)
        return json_null();
    json_t *value = json_string(text);
    if (value)
        return value;
    char *clean = malloc(4 * strlen(text) + 1);
    if (clean)
        value = json_stringn_nocheck(clean, cz_utf8_escape(text, clean));
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
