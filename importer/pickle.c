#include "importer/pickle.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_VALUES = 1000000,
    MEMO_SLACK = 16, /* a memo's numbers follow each other; Python 2 began at 1 */
    LARGEST_NAME = 256
};

enum meaning {
    STORAGE_TYPE,
    ORDERED_DICT,
    REBUILD_TENSOR,
    REBUILD_TENSOR_OLD,
    REBUILD_PARAMETER,
    PARAMETER,
    SIZE
};

static const struct pickle_global globals[] = {
    {"collections", "OrderedDict", ORDERED_DICT, 0, CZ_F32, 0},
    {"torch._utils", "_rebuild_tensor_v2", REBUILD_TENSOR, 0, CZ_F32, 0},
    {"torch._utils", "_rebuild_tensor", REBUILD_TENSOR_OLD, 0, CZ_F32, 0},
    {"torch._utils", "_rebuild_parameter", REBUILD_PARAMETER, 0, CZ_F32, 0},
    {"torch.nn.parameter", "Parameter", PARAMETER, 0, CZ_F32, 0},
    {"torch", "Size", SIZE, 0, CZ_F32, 0},
    {"torch", "FloatStorage", STORAGE_TYPE, 1, CZ_F32, 4},
    {"torch", "DoubleStorage", STORAGE_TYPE, 1, CZ_F64, 8},
    {"torch", "HalfStorage", STORAGE_TYPE, 1, CZ_F16, 2},
    {"torch", "BFloat16Storage", STORAGE_TYPE, 1, CZ_BF16, 2},
    {"torch", "LongStorage", STORAGE_TYPE, 1, CZ_I64, 8},
    {"torch", "IntStorage", STORAGE_TYPE, 1, CZ_I32, 4},
    {"torch", "ShortStorage", STORAGE_TYPE, 0, CZ_U8, 2},
    {"torch", "CharStorage", STORAGE_TYPE, 1, CZ_I8, 1},
    {"torch", "ByteStorage", STORAGE_TYPE, 1, CZ_U8, 1},
    {"torch", "BoolStorage", STORAGE_TYPE, 1, CZ_BOOL, 1},
};

struct machine {
    const unsigned char *start, *p, *end;
    struct cz_arena *arena;
    struct pickle_value **stack; /* NULL: a mark */
    size_t n_stack, stack_capacity;
    struct pickle_value **memo;
    size_t n_memo, memo_capacity, n_puts;
    const struct pickle_storage *storages;
    int n_values, is_done;
};

#define TAKE(m, n, into, err)                                                                                \
    const unsigned char *into;                                                                               \
    CZ_TRY(take(m, n, &into, err))

static cz_status bad(const struct machine *m, const char *what, cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_FORMAT, "pickle byte %zu: %s; the file is broken", (size_t)(m->p - m->start), what);
}

static cz_status no_memory(cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory reading the pickle");
}

static cz_status take(struct machine *m, uint64_t n, const unsigned char **out, cz_error *err)
{
    if (n > (uint64_t)(m->end - m->p))
        return bad(m, "it ends inside a value", err);
    *out = m->p;
    m->p += n;
    return CZ_OK;
}

static uint64_t little_endian(const unsigned char *p, int n)
{
    uint64_t value = 0;
    for (int i = 0; i < n; i++)
        value |= (uint64_t)p[i] << (8 * i);
    return value;
}

static cz_status push(struct machine *m, struct pickle_value *value, cz_error *err)
{
    if (cz_grow(&m->stack, &m->stack_capacity, m->n_stack, sizeof *m->stack))
        return no_memory(err);
    m->stack[m->n_stack++] = value;
    return CZ_OK;
}

/* `weight`: how many usual values it is as large as. */
static cz_status count_value(struct machine *m, int weight, cz_error *err)
{
    if ((m->n_values += weight) > MAX_VALUES)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED,
                "a pickle of more than %d values; save only the network's state_dict", MAX_VALUES);
    return CZ_OK;
}

static cz_status new_value(struct machine *m, enum pickle_kind kind, struct pickle_value **out, cz_error *err)
{
    CZ_TRY(count_value(m, 1, err));
    *out = cz_arena_alloc(m->arena, sizeof **out);
    if (!*out)
        return no_memory(err);
    (*out)->kind = kind;
    return CZ_OK;
}

static cz_status push_new(struct machine *m, enum pickle_kind kind, struct pickle_value **out, cz_error *err)
{
    CZ_TRY(new_value(m, kind, out, err));
    return push(m, *out, err);
}

static cz_status pop(struct machine *m, struct pickle_value **out, cz_error *err)
{
    if (m->n_stack == 0 || !m->stack[m->n_stack - 1])
        return bad(m, "an operand is missing", err);
    *out = m->stack[--m->n_stack];
    return CZ_OK;
}

/* The values above the topmost mark, which goes. */
static cz_status pop_mark(struct machine *m, struct pickle_value ***items, size_t *n, cz_error *err)
{
    size_t at = m->n_stack;
    while (at > 0 && m->stack[at - 1])
        at--;
    if (at == 0)
        return bad(m, "a mark is missing", err);
    *items = m->stack + at;
    *n = m->n_stack - at;
    m->n_stack = at - 1;
    return CZ_OK;
}

static int is_container(const struct pickle_value *v)
{
    return v->kind == PICKLE_TUPLE || v->kind == PICKLE_LIST || v->kind == PICKLE_DICT;
}

/* In an arena the old block stays until the end; doubling bounds the waste to the list's own size. */
static cz_status append(struct machine *m, struct pickle_value *list, struct pickle_value *item,
                        cz_error *err)
{
    if (list->is_closed || list == item)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "pickle byte %zu: a container that holds itself",
                (size_t)(m->p - m->start));
    if (list->list.count == list->list.capacity) {
        size_t capacity = list->list.capacity ? 2 * list->list.capacity : 4;
        struct pickle_value **items = cz_arena_alloc(m->arena, capacity * sizeof *items);
        if (!items)
            return no_memory(err);
        if (list->list.count)
            memcpy(items, list->list.items, list->list.count * sizeof *items);
        list->list.items = items;
        list->list.capacity = capacity;
    }
    if (is_container(item))
        item->is_closed = 1;
    list->list.items[list->list.count++] = item;
    return CZ_OK;
}

/* ---- opcodes: constants ---- */

static cz_status op_mark(struct machine *m, cz_error *err)
{
    return push(m, NULL, err);
}

static cz_status op_proto(struct machine *m, cz_error *err)
{
    TAKE(m, 1, p, err);
    return *p <= 5 ? CZ_OK : bad(m, "a protocol above 5", err);
}

static cz_status op_frame(struct machine *m, cz_error *err)
{
    TAKE(m, 8, p, err); /* a hint for buffering */
    (void)p;
    return CZ_OK;
}

static cz_status op_none(struct machine *m, cz_error *err)
{
    struct pickle_value *v;
    return push_new(m, PICKLE_NONE, &v, err);
}

static cz_status push_number(struct machine *m, enum pickle_kind kind, int64_t number, cz_error *err)
{
    struct pickle_value *v;
    CZ_TRY(push_new(m, kind, &v, err));
    v->number = number;
    return CZ_OK;
}

static cz_status op_true(struct machine *m, cz_error *err)
{
    return push_number(m, PICKLE_BOOL, 1, err);
}

static cz_status op_false(struct machine *m, cz_error *err)
{
    return push_number(m, PICKLE_BOOL, 0, err);
}

static cz_status op_int4(struct machine *m, cz_error *err)
{
    TAKE(m, 4, p, err);
    return push_number(m, PICKLE_INT, (int32_t)little_endian(p, 4), err);
}

static cz_status op_int1(struct machine *m, cz_error *err)
{
    TAKE(m, 1, p, err);
    return push_number(m, PICKLE_INT, *p, err);
}

static cz_status op_int2(struct machine *m, cz_error *err)
{
    TAKE(m, 2, p, err);
    return push_number(m, PICKLE_INT, (int64_t)little_endian(p, 2), err);
}

static cz_status op_long1(struct machine *m, cz_error *err)
{
    TAKE(m, 1, n, err);
    TAKE(m, *n, p, err);
    if (*n > 8)
        return bad(m, "a whole number of more than 64 bits", err);
    uint64_t bits = little_endian(p, *n);
    if (*n > 0 && *n < 8 && p[*n - 1] & 0x80)
        bits |= ~(uint64_t)0 << (8 * *n);
    return push_number(m, PICKLE_INT, (int64_t)bits, err);
}

static cz_status op_float(struct machine *m, cz_error *err)
{
    struct pickle_value *v;
    uint64_t bits = 0;
    TAKE(m, 8, p, err);
    for (int i = 0; i < 8; i++)
        bits = bits << 8 | p[i];
    CZ_TRY(push_new(m, PICKLE_FLOAT, &v, err));
    memcpy(&v->real, &bits, sizeof bits);
    return CZ_OK;
}

static cz_status push_text(struct machine *m, uint64_t n, cz_error *err)
{
    struct pickle_value *v;
    TAKE(m, n, p, err);
    CZ_TRY(push_new(m, PICKLE_TEXT, &v, err));
    if (memchr(p, '\0', n))
        return bad(m, "text with a NUL", err);
    v->text = cz_arena_strndup(m->arena, (const char *)p, n);
    return v->text ? CZ_OK : no_memory(err);
}

static cz_status op_text1(struct machine *m, cz_error *err)
{
    TAKE(m, 1, n, err);
    return push_text(m, *n, err);
}

static cz_status op_text4(struct machine *m, cz_error *err)
{
    TAKE(m, 4, n, err);
    return push_text(m, little_endian(n, 4), err);
}

/* ---- opcodes: containers ---- */

static cz_status op_empty_tuple(struct machine *m, cz_error *err)
{
    struct pickle_value *v;
    return push_new(m, PICKLE_TUPLE, &v, err);
}

static cz_status op_empty_list(struct machine *m, cz_error *err)
{
    struct pickle_value *v;
    return push_new(m, PICKLE_LIST, &v, err);
}

static cz_status op_empty_dict(struct machine *m, cz_error *err)
{
    struct pickle_value *v;
    return push_new(m, PICKLE_DICT, &v, err);
}

/* A tuple of the top n, which must be values. */
static cz_status tuple_of(struct machine *m, size_t n, cz_error *err)
{
    struct pickle_value *v;
    CZ_TRY(new_value(m, PICKLE_TUPLE, &v, err));
    for (size_t i = 0; i < n; i++)
        if (m->n_stack <= i || !m->stack[m->n_stack - 1 - i])
            return bad(m, "an operand is missing", err);
    for (size_t i = 0; i < n; i++)
        CZ_TRY(append(m, v, m->stack[m->n_stack - n + i], err));
    m->n_stack -= n;
    return push(m, v, err);
}

static cz_status op_tuple1(struct machine *m, cz_error *err)
{
    return tuple_of(m, 1, err);
}

static cz_status op_tuple2(struct machine *m, cz_error *err)
{
    return tuple_of(m, 2, err);
}

static cz_status op_tuple3(struct machine *m, cz_error *err)
{
    return tuple_of(m, 3, err);
}

static cz_status op_tuple(struct machine *m, cz_error *err)
{
    struct pickle_value *v, **items;
    size_t n;
    CZ_TRY(pop_mark(m, &items, &n, err));
    CZ_TRY(new_value(m, PICKLE_TUPLE, &v, err));
    for (size_t i = 0; i < n; i++)
        CZ_TRY(append(m, v, items[i], err));
    return push(m, v, err);
}

static cz_status top_of_kind(struct machine *m, enum pickle_kind kind, struct pickle_value **out,
                             cz_error *err)
{
    CZ_TRY(pop(m, out, err));
    if ((*out)->kind != kind)
        return bad(m,
                   kind == PICKLE_DICT ? "something that is no dictionary gets a key"
                                       : "something that is no list gets an element",
                   err);
    return push(m, *out, err);
}

static cz_status op_append(struct machine *m, cz_error *err)
{
    struct pickle_value *item, *list;
    CZ_TRY(pop(m, &item, err));
    CZ_TRY(top_of_kind(m, PICKLE_LIST, &list, err));
    return append(m, list, item, err);
}

static cz_status op_appends(struct machine *m, cz_error *err)
{
    struct pickle_value *list, **items;
    size_t n;
    CZ_TRY(pop_mark(m, &items, &n, err));
    CZ_TRY(top_of_kind(m, PICKLE_LIST, &list, err)); /* pops and pushes below the items: they stay */
    for (size_t i = 0; i < n; i++)
        CZ_TRY(append(m, list, items[i], err));
    return CZ_OK;
}

static cz_status op_setitem(struct machine *m, cz_error *err)
{
    struct pickle_value *key, *value, *dict;
    CZ_TRY(pop(m, &value, err));
    CZ_TRY(pop(m, &key, err));
    CZ_TRY(top_of_kind(m, PICKLE_DICT, &dict, err));
    CZ_TRY(append(m, dict, key, err));
    return append(m, dict, value, err);
}

static cz_status op_setitems(struct machine *m, cz_error *err)
{
    struct pickle_value *dict, **items;
    size_t n;
    CZ_TRY(pop_mark(m, &items, &n, err));
    if (n % 2)
        return bad(m, "a key without a value", err);
    CZ_TRY(top_of_kind(m, PICKLE_DICT, &dict, err));
    for (size_t i = 0; i < n; i++)
        CZ_TRY(append(m, dict, items[i], err));
    return CZ_OK;
}

/* ---- opcodes: memo ---- */

static cz_status put(struct machine *m, uint64_t index, cz_error *err)
{
    if (m->n_stack == 0 || !m->stack[m->n_stack - 1])
        return bad(m, "nothing to remember", err);
    if (index > m->n_puts + MEMO_SLACK)
        return bad(m, "a memo number out of order", err);
    m->n_puts++;
    while (m->n_memo <= index) {
        if (cz_grow(&m->memo, &m->memo_capacity, m->n_memo, sizeof *m->memo))
            return no_memory(err);
        m->memo[m->n_memo++] = NULL;
    }
    m->memo[index] = m->stack[m->n_stack - 1];
    return CZ_OK;
}

static cz_status get(struct machine *m, uint64_t index, cz_error *err)
{
    if (index >= m->n_memo || !m->memo[index])
        return bad(m, "a memo number that was never set", err);
    return push(m, m->memo[index], err);
}

static cz_status op_put1(struct machine *m, cz_error *err)
{
    TAKE(m, 1, p, err);
    return put(m, *p, err);
}

static cz_status op_put4(struct machine *m, cz_error *err)
{
    TAKE(m, 4, p, err);
    return put(m, little_endian(p, 4), err);
}

static cz_status op_memoize(struct machine *m, cz_error *err)
{
    return put(m, m->n_puts, err);
}

static cz_status op_get1(struct machine *m, cz_error *err)
{
    TAKE(m, 1, p, err);
    return get(m, *p, err);
}

static cz_status op_get4(struct machine *m, cz_error *err)
{
    TAKE(m, 4, p, err);
    return get(m, little_endian(p, 4), err);
}

/* ---- opcodes: names and calls ---- */

static cz_status push_global(struct machine *m, const char *module, size_t n_module, const char *name,
                             size_t n_name, cz_error *err)
{
    struct pickle_value *v;
    for (size_t i = 0; i < sizeof globals / sizeof *globals; i++)
        if (strlen(globals[i].module) == n_module && memcmp(globals[i].module, module, n_module) == 0 &&
            strlen(globals[i].name) == n_name && memcmp(globals[i].name, name, n_name) == 0) {
            CZ_TRY(push_new(m, PICKLE_GLOBAL, &v, err));
            v->global = &globals[i];
            return CZ_OK;
        }
    CZ_FAIL(err, CZ_ERR_UNSUPPORTED,
            "wants '%.*s.%.*s', which makes neither tensors nor dictionaries; nothing was run; save only "
            "model.state_dict()",
            (int)(n_module < LARGEST_NAME / 2 ? n_module : LARGEST_NAME / 2), module,
            (int)(n_name < LARGEST_NAME / 2 ? n_name : LARGEST_NAME / 2), name);
}

static cz_status take_line(struct machine *m, const char **line, size_t *n, cz_error *err)
{
    const unsigned char *end = memchr(m->p, '\n', (size_t)(m->end - m->p));
    if (!end)
        return bad(m, "a name has no end", err);
    *line = (const char *)m->p;
    *n = (size_t)(end - m->p);
    m->p = end + 1;
    return CZ_OK;
}

static cz_status op_global(struct machine *m, cz_error *err)
{
    const char *module, *name;
    size_t n_module, n_name;
    CZ_TRY(take_line(m, &module, &n_module, err));
    CZ_TRY(take_line(m, &name, &n_name, err));
    return push_global(m, module, n_module, name, n_name, err);
}

static cz_status op_stack_global(struct machine *m, cz_error *err)
{
    struct pickle_value *module, *name;
    CZ_TRY(pop(m, &name, err));
    CZ_TRY(pop(m, &module, err));
    if (module->kind != PICKLE_TEXT || name->kind != PICKLE_TEXT)
        return bad(m, "a name that is no text", err);
    return push_global(m, module->text, strlen(module->text), name->text, strlen(name->text), err);
}

static int is_text(const struct pickle_value *v, const char *text)
{
    return v->kind == PICKLE_TEXT && strcmp(v->text, text) == 0;
}

/* (key, first element, count) of a part of an older file's storage. */
static cz_status set_view(struct machine *m, const struct pickle_value *view, struct pickle_storage *s,
                          cz_error *err)
{
    if (view->kind == PICKLE_NONE)
        return CZ_OK;
    if (view->kind != PICKLE_TUPLE || view->list.count != 3 || view->list.items[1]->kind != PICKLE_INT ||
        view->list.items[2]->kind != PICKLE_INT)
        return bad(m, "a storage's view is not what PyTorch writes", err);
    s->first = view->list.items[1]->number;
    int64_t count = view->list.items[2]->number;
    if (s->first < 0 || count < 0 || s->first > s->count || count > s->count - s->first)
        return bad(m, "a storage's view is larger than the storage", err);
    s->count = count;
    return CZ_OK;
}

/* ("storage", type, key, device, count[, view]) */
static cz_status op_persistent(struct machine *m, cz_error *err)
{
    struct pickle_value *id, *out;
    CZ_TRY(pop(m, &id, err));
    struct pickle_value **item = id->list.items;
    if (id->kind != PICKLE_TUPLE || id->list.count < 2 || !is_text(item[0], "storage")) {
        int is_module = id->kind == PICKLE_TUPLE && id->list.count > 0 && is_text(item[0], "module");
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "%s; save only model.state_dict()",
                is_module ? "holds a whole module with its source"
                          : "refers to something that is no storage");
    }
    if (id->list.count < 5 || id->list.count > 6 || item[1]->kind != PICKLE_GLOBAL ||
        item[1]->global->meaning != STORAGE_TYPE || item[2]->kind != PICKLE_TEXT ||
        item[4]->kind != PICKLE_INT || item[4]->number < 0)
        return bad(m, "a storage is not what PyTorch writes", err);
    CZ_TRY(count_value(m, 1, err));
    struct pickle_storage *s = cz_arena_alloc(m->arena, sizeof *s);
    if (!s)
        return no_memory(err);
    *s = (struct pickle_storage){item[1]->global, item[2]->text,   0,
                                 item[4]->number, item[4]->number, m->storages};
    m->storages = s;
    if (id->list.count == 6)
        CZ_TRY(set_view(m, item[5], s, err));
    CZ_TRY(push_new(m, PICKLE_STORAGE, &out, err));
    out->storage = s;
    return CZ_OK;
}

/* A tuple (or torch.Size, which is one) of whole numbers, none negative. Returns its length, -1: none such.
 */
static int read_dims(const struct pickle_value *v, int64_t dim[CZ_MAX_RANK])
{
    if (v->kind != PICKLE_TUPLE || v->list.count > CZ_MAX_RANK)
        return -1;
    for (size_t i = 0; i < v->list.count; i++) {
        if (v->list.items[i]->kind != PICKLE_INT || v->list.items[i]->number < 0)
            return -1;
        dim[i] = v->list.items[i]->number;
    }
    return (int)v->list.count;
}

/* (storage, offset, size, stride, ...): what follows (gradient wanted, hooks) is of no interest. */
static cz_status make_tensor(struct machine *m, const struct pickle_value *args, struct pickle_value **out,
                             cz_error *err)
{
    struct pickle_value **item = args->list.items;
    CZ_TRY(count_value(m, 2, err));
    struct pickle_tensor *t = cz_arena_alloc(m->arena, sizeof *t);
    if (!t)
        return no_memory(err);
    if (args->list.count < 4 || item[0]->kind != PICKLE_STORAGE || item[1]->kind != PICKLE_INT ||
        item[1]->number < 0)
        return bad(m, "a tensor is not what PyTorch writes", err);
    t->storage = item[0]->storage;
    t->offset = item[1]->number;
    t->rank = read_dims(item[2], t->size);
    if (t->rank < 0 || read_dims(item[3], t->stride) != t->rank)
        return bad(m, "a tensor's size and stride do not fit, or have more than 6 dimensions", err);
    CZ_TRY(new_value(m, PICKLE_TENSOR, out, err));
    (*out)->tensor = t;
    return CZ_OK;
}

/* OrderedDict() or, from Python 2, OrderedDict([[key, value], ...]). */
static cz_status make_dict(struct machine *m, const struct pickle_value *args, struct pickle_value **out,
                           cz_error *err)
{
    CZ_TRY(new_value(m, PICKLE_DICT, out, err));
    if (args->list.count == 0)
        return CZ_OK;
    const struct pickle_value *pairs = args->list.items[0];
    if (args->list.count != 1 || pairs->kind != PICKLE_LIST)
        return bad(m, "an OrderedDict of something that is no list", err);
    for (size_t i = 0; i < pairs->list.count; i++) {
        const struct pickle_value *pair = pairs->list.items[i];
        if ((pair->kind != PICKLE_LIST && pair->kind != PICKLE_TUPLE) || pair->list.count != 2)
            return bad(m, "an OrderedDict of something that is no pair", err);
        CZ_TRY(append(m, *out, pair->list.items[0], err));
        CZ_TRY(append(m, *out, pair->list.items[1], err));
    }
    return CZ_OK;
}

static cz_status op_reduce(struct machine *m, cz_error *err)
{
    struct pickle_value *args, *callee, *out;
    CZ_TRY(pop(m, &args, err));
    CZ_TRY(pop(m, &callee, err));
    if (callee->kind != PICKLE_GLOBAL || args->kind != PICKLE_TUPLE)
        return bad(m, "a call of something that has no name", err);
    switch (callee->global->meaning) {
    case ORDERED_DICT:
        CZ_TRY(make_dict(m, args, &out, err));
        break;
    case REBUILD_TENSOR:
    case REBUILD_TENSOR_OLD:
        CZ_TRY(make_tensor(m, args, &out, err));
        break;
    case REBUILD_PARAMETER: /* (tensor, ...): a parameter is its tensor */
    case PARAMETER:
        if (args->list.count < 1 || args->list.items[0]->kind != PICKLE_TENSOR)
            return bad(m, "a parameter that is no tensor", err);
        out = args->list.items[0];
        break;
    case SIZE:
        if (args->list.count != 1 || args->list.items[0]->kind != PICKLE_TUPLE)
            return bad(m, "a size that is no tuple", err);
        out = args->list.items[0];
        break;
    default:
        return bad(m, "a call of a storage type", err);
    }
    return push(m, out, err);
}

/* State set from outside (an OrderedDict's _metadata, an old Parameter's flags) changes no element. */
static cz_status op_build(struct machine *m, cz_error *err)
{
    struct pickle_value *state, *object;
    CZ_TRY(pop(m, &state, err));
    CZ_TRY(pop(m, &object, err));
    if (object->kind != PICKLE_DICT && object->kind != PICKLE_TENSOR)
        return bad(m, "state for something that has none", err);
    return push(m, object, err);
}

static cz_status op_stop(struct machine *m, cz_error *err)
{
    m->is_done = 1;
    return m->n_stack == 1 && m->stack[0] ? CZ_OK : bad(m, "it does not end with one value", err);
}

static cz_status (*const opcodes[256])(struct machine *, cz_error *) = {
    ['('] = op_mark,       [')'] = op_empty_tuple, ['.'] = op_stop,    ['G'] = op_float,
    ['J'] = op_int4,       ['K'] = op_int1,        ['M'] = op_int2,    ['N'] = op_none,
    ['Q'] = op_persistent, ['R'] = op_reduce,      ['T'] = op_text4,   ['U'] = op_text1,
    ['X'] = op_text4,      [']'] = op_empty_list,  ['a'] = op_append,  ['b'] = op_build,
    ['c'] = op_global,     ['e'] = op_appends,     ['h'] = op_get1,    ['j'] = op_get4,
    ['q'] = op_put1,       ['r'] = op_put4,        ['s'] = op_setitem, ['t'] = op_tuple,
    ['u'] = op_setitems,   ['}'] = op_empty_dict,  [0x80] = op_proto,  [0x81] = op_reduce /* cls.__new__ */,
    [0x85] = op_tuple1,    [0x86] = op_tuple2,     [0x87] = op_tuple3, [0x88] = op_true,
    [0x89] = op_false,     [0x8A] = op_long1,      [0x8C] = op_text1,  [0x93] = op_stack_global,
    [0x94] = op_memoize,   [0x95] = op_frame,
};

static cz_status run(struct machine *m, cz_error *err)
{
    while (!m->is_done) {
        TAKE(m, 1, code, err);
        if (!opcodes[*code])
            CZ_FAIL(err, CZ_ERR_UNSUPPORTED,
                    "pickle byte %zu: opcode 0x%02x builds neither tensors nor dictionaries; save only "
                    "model.state_dict()",
                    (size_t)(code - m->start), *code);
        CZ_TRY(opcodes[*code](m, err));
    }
    return CZ_OK;
}

cz_status pickle_read(const unsigned char *bytes, size_t size, struct cz_arena *arena, struct pickle *out,
                      cz_error *err)
{
    struct machine m = {.start = bytes, .p = bytes, .end = bytes + size, .arena = arena};
    cz_status status = run(&m, err);
    if (status == CZ_OK)
        *out = (struct pickle){m.stack[0], m.storages, (size_t)(m.p - bytes)};
    free(m.stack);
    free(m.memo);
    return status;
}

const struct pickle_value *pickle_get(const struct pickle_value *dict, const char *key)
{
    for (size_t i = 0; dict->kind == PICKLE_DICT && i < dict->list.count; i += 2)
        if (is_text(dict->list.items[i], key))
            return dict->list.items[i + 1];
    return NULL;
}
