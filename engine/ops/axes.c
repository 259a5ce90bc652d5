#include "engine/ops/axes.h"
#include "engine/ops/common.h"

cz_status cz_axes_parse(const struct cz_attr_list *list, int from_input, struct cz_axes *a, cz_error *err)
{
    a->from_input = from_input;
    if (from_input)
        return CZ_OK;
    return cz_parse_ints(list, "axes", -CZ_MAX_RANK, CZ_MAX_RANK - 1, a->axis, CZ_MAX_RANK, &a->n, err);
}

cz_status cz_axes_resolve(const struct cz_axes *a, const struct cz_op_input *in, int n_in, int rank,
                          unsigned *set, int *given, cz_error *err)
{
    int64_t list[CZ_MAX_RANK];
    int n = a->n;
    for (int i = 0; i < n; i++)
        list[i] = a->axis[i];
    if (a->from_input && cz_has_input(in, n_in, 1))
        CZ_TRY(cz_known_ints(&in[1], "input 'axes'", list, CZ_MAX_RANK, &n, err));
    *set = 0;
    *given = n > 0;
    for (int i = 0; i < n; i++) {
        int axis;
        CZ_TRY(cz_normalize_axis(list[i], rank, &axis, err));
        if (*set & 1u << axis)
            CZ_FAIL(err, CZ_ERR_SHAPE, "axis %d is given twice", axis);
        *set |= 1u << axis;
    }
    return CZ_OK;
}
