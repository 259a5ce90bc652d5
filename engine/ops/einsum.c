/*
 * Einsum (ONNX opset 12) of up to four inputs: the product of the elements that the labels address, summed
 * over the labels that the output does not name, in double and in the order of the labels. Repeated labels
 * take diagonals, "..." broadcasts, and an output that is not given has the labels that occur once, sorted.
 *
 * Direct loops, no search for an order of contractions: enough for the products that classifiers write so.
 *
 * Source: ONNX operator specification, Einsum-12.
 */
#include "engine/ops/common.h"

#include <string.h>

enum { MAX_INPUTS = 4, MAX_LABELS = 16, FIRST_ELLIPSIS = 128 };

struct einsum_attrs {
    int n_inputs;
    int implicit;                     /* no "->" */
    const char *term[MAX_INPUTS + 1]; /* the output's last */
    int length[MAX_INPUTS + 1];
};

/* Where a label's position leads in each operand: strides in elements, 0 where the operand has it not. */
struct label {
    int name;
    int64_t size, stride[MAX_INPUTS];
    int in_output, n_uses;
};

struct loops {
    int n, n_out; /* labels; the output's come first, in its order */
    struct label label[MAX_LABELS];
};

static cz_status einsum_parse(const struct cz_attr_list *list, int opset, void *attrs, cz_error *err)
{
    struct einsum_attrs *a = attrs;
    const char *text = cz_attr_string(list, "equation", NULL);
    (void)opset;
    if (!text)
        CZ_FAIL(err, CZ_ERR_FORMAT, "attribute 'equation' is missing");
    const char *arrow = strstr(text, "->");
    size_t left = arrow ? (size_t)(arrow - text) : strlen(text);
    a->implicit = !arrow;
    for (const char *p = text, *end = text + left; p; p = p == end ? NULL : p + 1) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        if (a->n_inputs == MAX_INPUTS)
            CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "equation '%s': more than %d inputs", text, MAX_INPUTS);
        a->term[a->n_inputs] = p;
        a->length[a->n_inputs++] = (int)((comma ? comma : end) - p);
        p = comma ? comma : end;
    }
    a->term[a->n_inputs] = arrow ? arrow + 2 : "";
    a->length[a->n_inputs] = (int)strlen(a->term[a->n_inputs]);
    return CZ_OK;
}

/* The labels of a term for a tensor of `rank` (-1: as many as it names); "..." takes the rest, from the
 * right. */
static cz_status read_term(const char *term, int length, int rank, int *names, int *n, cz_error *err)
{
    int named = 0, has_ellipsis = 0, n_dots = 0;
    for (int i = 0; i < length; i++) {
        named += term[i] != ' ' && term[i] != '.';
        n_dots += term[i] == '.';
    }
    int spread = n_dots && rank >= 0 ? rank - named : 0;
    *n = 0;
    for (int i = 0; i < length; i++) {
        char c = term[i];
        if (c == ' ')
            continue;
        if (c == '.') {
            if (has_ellipsis++ || i + 2 >= length || term[i + 1] != '.' || term[i + 2] != '.' || spread < 0)
                CZ_FAIL(err, CZ_ERR_FORMAT, "equation: '%.*s' is no list of labels for rank %d", length, term,
                        rank);
            for (int k = spread; k > 0 && *n < CZ_MAX_RANK; k--)
                names[(*n)++] = FIRST_ELLIPSIS + k - 1;
            i += 2;
        } else if (((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) && *n < CZ_MAX_RANK) {
            names[(*n)++] = (unsigned char)c;
        } else {
            CZ_FAIL(err, CZ_ERR_FORMAT, "equation: '%.*s' is no list of up to %d labels", length, term,
                    CZ_MAX_RANK);
        }
    }
    if (rank >= 0 && *n != rank)
        CZ_FAIL(err, CZ_ERR_SHAPE, "equation: '%.*s' names %d dimensions, the input has %d", length, term, *n,
                rank);
    return CZ_OK;
}

static struct label *find(struct loops *l, int name)
{
    for (int i = 0; i < l->n; i++)
        if (l->label[i].name == name)
            return &l->label[i];
    return NULL;
}

static cz_status add_input(struct loops *l, int input, const int *names, const struct cz_shape *x,
                           cz_error *err)
{
    int64_t step = 1;
    for (int d = x->rank - 1; d >= 0; d--) {
        struct label *label = find(l, names[d]);
        if (!label && l->n == MAX_LABELS)
            CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "equation: more than %d labels", MAX_LABELS);
        if (!label) {
            label = &l->label[l->n++];
            *label = (struct label){.name = names[d], .size = 1};
        }
        if (x->dim[d] != 1 && label->size != 1 && x->dim[d] != label->size)
            CZ_FAIL(err, CZ_ERR_SHAPE, "equation: a label is %lld in one place and %lld in another",
                    (long long)label->size, (long long)x->dim[d]);
        label->size = x->dim[d] != 1 ? x->dim[d] : label->size;
        label->stride[input] += x->dim[d] != 1 ? step : 0;
        label->n_uses++;
        step *= x->dim[d];
    }
    return CZ_OK;
}

/* Moves the label to place `at`. */
static cz_status put_output(struct loops *l, int name, int at, cz_error *err)
{
    struct label *label = find(l, name);
    if (!label || label->in_output)
        CZ_FAIL(err, CZ_ERR_FORMAT, "equation: the output names a label twice, or one that no input has");
    label->in_output = 1;
    struct label moved = *label;
    *label = l->label[at];
    l->label[at] = moved;
    return CZ_OK;
}

static int compare_names(int a, int b)
{
    int ellipsis_a = a >= FIRST_ELLIPSIS, ellipsis_b = b >= FIRST_ELLIPSIS;
    if (ellipsis_a != ellipsis_b)
        return ellipsis_b - ellipsis_a;
    return ellipsis_a ? b - a : a - b;
}

/* "..." first, then what occurs once, sorted. */
static cz_status implicit_output(struct loops *l, cz_error *err)
{
    for (;;) {
        int best = -1;
        for (int i = 0; i < l->n; i++) {
            const struct label *c = &l->label[i];
            int wanted = !c->in_output && (c->n_uses == 1 || c->name >= FIRST_ELLIPSIS);
            if (wanted && (best < 0 || compare_names(c->name, best) < 0))
                best = c->name;
        }
        if (best < 0)
            return CZ_OK;
        CZ_TRY(put_output(l, best, l->n_out++, err));
    }
}

static int count_ellipsis(const struct loops *l)
{
    int n = 0;
    for (int i = 0; i < l->n; i++)
        n += l->label[i].name >= FIRST_ELLIPSIS;
    return n;
}

static cz_status explicit_output(const char *term, int length, struct loops *l, cz_error *err)
{
    int names[CZ_MAX_RANK], n, named = 0, dots = 0;
    for (int i = 0; i < length; i++) {
        named += term[i] != ' ' && term[i] != '.';
        dots |= term[i] == '.';
    }
    CZ_TRY(read_term(term, length, dots ? named + count_ellipsis(l) : -1, names, &n, err));
    for (int i = 0; i < n; i++)
        CZ_TRY(put_output(l, names[i], l->n_out++, err));
    return CZ_OK;
}

static cz_status resolve(const struct einsum_attrs *a, const struct cz_shape *shapes, struct loops *l,
                         cz_error *err)
{
    int names[CZ_MAX_RANK], n;
    *l = (struct loops){0};
    for (int i = 0; i < a->n_inputs; i++) {
        CZ_TRY(read_term(a->term[i], a->length[i], shapes[i].rank, names, &n, err));
        CZ_TRY(add_input(l, i, names, &shapes[i], err));
    }
    return a->implicit ? implicit_output(l, err)
                       : explicit_output(a->term[a->n_inputs], a->length[a->n_inputs], l, err);
}

static cz_status einsum_infer(const void *attrs, const struct cz_op_input *in, int n_in, struct cz_shape *out,
                              int n_out, cz_error *err)
{
    const struct einsum_attrs *a = attrs;
    struct cz_shape shapes[MAX_INPUTS];
    struct loops l;
    (void)n_out;
    if (n_in != a->n_inputs)
        CZ_FAIL(err, CZ_ERR_FORMAT, "equation for %d inputs, the node has %d", a->n_inputs, n_in);
    for (int i = 0; i < n_in; i++) {
        CZ_TRY(cz_check_dtype(&in[i], "an input", CZ_SET_FLOAT, err));
        CZ_TRY(cz_check_same_dtype(&in[i], "an input", in[0].shape.dtype, err));
        shapes[i] = in[i].shape;
    }
    CZ_TRY(resolve(a, shapes, &l, err));
    out[0] = (struct cz_shape){in[0].shape.dtype, l.n_out, {0}};
    for (int i = 0; i < l.n_out; i++)
        out[0].dim[i] = l.label[i].size;
    return CZ_OK;
}

/* The next combination of labels [from, to); 0 after the last, with everything back at the start. */
static int advance(const struct loops *l, int from, int to, int64_t *index, int64_t *at)
{
    for (int i = to - 1; i >= from; i--) {
        const struct label *c = &l->label[i];
        int64_t steps = ++index[i] < c->size ? 1 : 1 - c->size;
        for (int k = 0; k < MAX_INPUTS; k++)
            at[k] += c->stride[k] * steps;
        if (steps == 1 && c->size > 1)
            return 1;
        index[i] = 0;
    }
    return 0;
}

static cz_status einsum_eval(const void *attrs, const cz_tensor *in, int n_in, cz_tensor *out, int n_out,
                             cz_error *err)
{
    struct cz_shape shapes[MAX_INPUTS];
    struct loops l;
    int64_t index[MAX_LABELS] = {0}, at[MAX_INPUTS] = {0}, n = cz_tensor_count(&out[0]);
    int has_terms = 1;
    (void)n_out;
    for (int i = 0; i < n_in; i++)
        shapes[i] = cz_tensor_shape(&in[i]);
    CZ_TRY(resolve(attrs, shapes, &l, err));
    for (int i = l.n_out; i < l.n; i++)
        has_terms &= l.label[i].size > 0;
    for (int64_t o = 0; o < n; o++) {
        double sum = 0;
        do {
            double product = has_terms;
            for (int i = 0; has_terms && i < n_in; i++)
                product *= cz_tensor_double(&in[i], at[i]);
            sum += product;
        } while (has_terms && advance(&l, l.n_out, l.n, index, at));
        cz_tensor_store(&out[0], o, sum);
        advance(&l, 0, l.n_out, index, at);
    }
    return CZ_OK;
}

static double einsum_macs(const void *attrs, const struct cz_op_input *in, int n_in,
                          const struct cz_shape *out)
{
    struct cz_shape shapes[MAX_INPUTS];
    struct loops l;
    double n = 1;
    (void)out;
    for (int i = 0; i < n_in; i++)
        shapes[i] = in[i].shape;
    if (resolve(attrs, shapes, &l, NULL) != CZ_OK)
        return 0;
    for (int i = 0; i < l.n; i++)
        n *= (double)l.label[i].size;
    return n_in > 1 ? n * (n_in - 1) : 0;
}

const struct cz_op cz_op_einsum = {
    .name = "Einsum",
    .opset_min = 12,
    .opset_max = CZ_OPSET_NEWEST,
    .n_in_min = 1,
    .n_in_max = MAX_INPUTS,
    .n_out_min = 1,
    .n_out_max = 1,
    .attrs_size = sizeof(struct einsum_attrs),
    .parse = einsum_parse,
    .infer = einsum_infer,
    .eval = einsum_eval,
    .macs = einsum_macs,
};
