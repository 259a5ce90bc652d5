#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *why, const char *text)
{
    fprintf(stderr, "test text: %s: '%s'\n", why, text);
    exit(2);
}

static void *must(void *p)
{
    if (!p)
        fail("out of memory", "");
    return p;
}

static void skip_space(const char **at)
{
    *at += strspn(*at, " \n");
}

static cz_dtype dtype_of(char letter, const char *text)
{
    static const char letters[] = {
        [CZ_F32] = 'f', [CZ_F64] = 'd', [CZ_F16] = 'h', [CZ_BF16] = 'B', [CZ_I64] = 'l',
        [CZ_I32] = 'i', [CZ_U8] = 'u',  [CZ_I8] = 'c',  [CZ_BOOL] = 'b'};
    for (size_t d = 0; d < sizeof letters; d++)
        if (letters[d] == letter)
            return (cz_dtype)d;
    fail("unknown dtype letter", text);
    return CZ_F32;
}

static struct cz_shape parse_shape(const char **at)
{
    struct cz_shape s = {dtype_of(**at, *at), 0, {0}};
    ++*at;
    if (*(*at)++ != '[')
        fail("'[' wanted", *at - 1);
    while (**at != ']') {
        char *end;
        s.dim[s.rank++] = strtoll(*at, &end, 10);
        if (end == *at)
            fail("dimension wanted", *at);
        *at = end + (*end == ',');
    }
    ++*at;
    return s;
}

static void parse_values(const char **at, cz_tensor *t, int64_t count)
{
    for (int64_t i = 0; i < count;) {
        skip_space(at);
        int repeat = **at == '*';
        char *end;
        *at += repeat;
        /* int64 first: a double would round large ones */
        long long whole = strtoll(*at, &end, 10);
        const char *int_end = end;
        double v = strtod(*at, &end);
        if (end == *at)
            fail("value wanted", *at);
        int range = strncmp(int_end, "..", 2) == 0;
        *at = range ? int_end + 2 : end;
        for (int64_t n = 0; i < count && (n == 0 || range || repeat); n++, i++)
            if (t->dtype == CZ_I64)
                ((int64_t *)t->data)[i] = whole + (range ? n : 0);
            else
                cz_tensor_store(t, i, v + (range ? (double)n : 0));
    }
}

static cz_tensor parse_tensor(struct cz_arena *arena, const char **at)
{
    struct cz_shape s = parse_shape(at);
    cz_tensor t = cz_tensor_view(must(cz_arena_alloc(arena, cz_shape_bytes(&s) + 1)), &s);
    if (**at != ':')
        fail("':' wanted", *at);
    ++*at;
    parse_values(at, &t, cz_shape_count(&s));
    return t;
}

struct text_tensors text_parse_tensors(struct cz_arena *arena, const char *text)
{
    struct text_tensors r = {0};
    const char *at = text;
    for (skip_space(&at); *at; skip_space(&at)) {
        if (r.n == TEXT_MAX_TENSORS)
            fail("too many tensors", text);
        r.hidden[r.n] = *at == '?';
        at += *at == '?';
        if (*at == '-') {
            r.tensor[r.n].rank = -1;
            at++;
        } else {
            r.tensor[r.n] = parse_tensor(arena, &at);
        }
        r.n++;
        skip_space(&at);
        if (*at && *at++ != '|')
            fail("'|' wanted", at - 1);
    }
    return r;
}

static void parse_list(struct cz_arena *arena, struct cz_attr_list *list, const char *name, const char **at)
{
    int64_t ints[16];
    float floats[16];
    int n = 0, is_float = 0;
    while (**at != ']') {
        char *end;
        ints[n] = strtoll(*at, &end, 10);
        floats[n] = strtof(*at, &end);
        is_float |= *end == 'f';
        if (end == *at || ++n == 16)
            fail("list of at most 15 numbers wanted", *at);
        end += *end == 'f';
        *at = end + (*end == ',');
    }
    ++*at;
    if (is_float ? cz_attrs_add_floats(arena, list, name, floats, n)
                 : cz_attrs_add_ints(arena, list, name, ints, n))
        fail("out of memory", "");
}

static void parse_scalar(struct cz_arena *arena, struct cz_attr_list *list, const char *name, const char **at)
{
    size_t n = strcspn(*at, " ");
    char *end, *word = must(cz_arena_strndup(arena, *at, n));
    long long i = strtoll(word, &end, 10);
    int failed;
    if (*end == '\0')
        failed = cz_attrs_add_int(arena, list, name, i);
    else if (strtof(word, &end), *end == 'f' && end > word && end[1] == '\0')
        failed = cz_attrs_add_float(arena, list, name, strtof(word, NULL));
    else
        failed = cz_attrs_add_string(arena, list, name, word);
    if (failed)
        fail("out of memory", "");
    *at += n;
}

struct cz_attr_list text_parse_attrs(struct cz_arena *arena, const char *text)
{
    struct cz_attr_list list = {0};
    const char *at = text;
    for (skip_space(&at); *at; skip_space(&at)) {
        size_t n = strcspn(at, "=");
        const char *name = must(cz_arena_strndup(arena, at, n));
        if (at[n] != '=')
            fail("'=' wanted", at);
        at += n + 1;
        if (*at == '[') {
            at++;
            parse_list(arena, &list, name, &at);
        } else if (*at == '{') {
            at++;
            cz_tensor t = parse_tensor(arena, &at);
            if (*at++ != '}' || cz_attrs_add_tensor(arena, &list, name, &t))
                fail("'}' wanted", at - 1);
        } else {
            parse_scalar(arena, &list, name, &at);
        }
    }
    return list;
}

static void fill_inputs(const struct text_tensors *in, struct cz_op_input *inputs)
{
    for (int i = 0; i < in->n; i++) {
        inputs[i].present = in->tensor[i].rank >= 0;
        inputs[i].shape = cz_tensor_shape(&in->tensor[i]);
        if (!in->hidden[i])
            inputs[i].constant = in->tensor[i];
    }
}

cz_status text_run_node(struct cz_arena *arena, const char *name, int opset, const struct cz_attr_list *list,
                        const struct text_tensors *in, int n_out, struct text_tensors *out, cz_error *err)
{
    int known;
    const struct cz_op *op = cz_op_find(name, opset, &known);
    struct cz_op_input inputs[TEXT_MAX_TENSORS] = {0};
    struct cz_shape shapes[TEXT_MAX_TENSORS] = {0};
    if (!op)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "no %s at opset %d", name, opset);
    if (in->n < op->n_in_min || (op->n_in_max >= 0 && in->n > op->n_in_max) || n_out < op->n_out_min ||
        n_out > op->n_out_max)
        CZ_FAIL(err, CZ_ERR_FORMAT, "%d inputs, %d outputs", in->n, n_out);
    void *attrs = must(cz_arena_alloc(arena, op->attrs_size + 1));
    if (op->parse)
        CZ_TRY(op->parse(list, opset, attrs, err));
    fill_inputs(in, inputs);
    CZ_TRY(op->infer(attrs, inputs, in->n, shapes, n_out, err));
    out->n = n_out;
    for (int i = 0; i < n_out; i++) {
        CZ_TRY(cz_shape_check(&shapes[i], "output", err));
        out->tensor[i] =
            cz_tensor_view(must(cz_arena_alloc(arena, cz_shape_bytes(&shapes[i]) + 1)), &shapes[i]);
    }
    return op->eval(attrs, in->tensor, in->n, out->tensor, n_out, err);
}
