/*
 * Attributes of a node in neutral form: what the importer reads, the zoo writes and an operator's `parse`
 * takes apart.
 */
#ifndef CZ_ENGINE_ATTRS_H
#define CZ_ENGINE_ATTRS_H

#include "base/memory.h"
#include "engine/tensor.h"

enum cz_attr_kind {
    CZ_ATTR_INT,
    CZ_ATTR_FLOAT,
    CZ_ATTR_STRING,
    CZ_ATTR_INTS,
    CZ_ATTR_FLOATS,
    CZ_ATTR_TENSOR
};

struct cz_attr {
    const char *name;
    enum cz_attr_kind kind;
    int64_t i;
    float f;
    const char *s;
    int n; /* of ints or floats */
    const int64_t *ints;
    const float *floats;
    cz_tensor tensor;
};

/* Memory belongs to the arena of the graph. */
struct cz_attr_list {
    struct cz_attr *items;
    int count;
};

const struct cz_attr *cz_attr_find(const struct cz_attr_list *, const char *name);

/* The value, or `missing` where the attribute is absent or of another kind. */
int64_t cz_attr_int(const struct cz_attr_list *, const char *name, int64_t missing);
float cz_attr_float(const struct cz_attr_list *, const char *name, float missing);
const char *cz_attr_string(const struct cz_attr_list *, const char *name, const char *missing);

/* Copies up to `max` ints; returns how many the attribute has (0 if absent), -1 when more than max. */
int cz_attr_ints(const struct cz_attr_list *, const char *name, int64_t *out, int max);

/* Builders for the zoo and for tests: cz_attrs_add_int(arena, &list, "group", 2). 0, or 1 when memory ran
 * out. */
int cz_attrs_add_int(struct cz_arena *, struct cz_attr_list *, const char *name, int64_t value);
int cz_attrs_add_float(struct cz_arena *, struct cz_attr_list *, const char *name, float value);
int cz_attrs_add_string(struct cz_arena *, struct cz_attr_list *, const char *name, const char *value);
int cz_attrs_add_ints(struct cz_arena *, struct cz_attr_list *, const char *name, const int64_t *values,
                      int n);
int cz_attrs_add_floats(struct cz_arena *, struct cz_attr_list *, const char *name, const float *values,
                        int n);
int cz_attrs_add_tensor(struct cz_arena *, struct cz_attr_list *, const char *name, const cz_tensor *value);
int cz_attrs_remove(struct cz_attr_list *, const char *name); /* 1 if it was there */

#endif
