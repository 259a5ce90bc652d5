#include "engine/ops/plans.h"

cz_status cz_alias_plan(struct cz_builder *b, int n, cz_error *err)
{
    const struct cz_plan_node *node = cz_builder_node(b, n);
    if (node->out[0] < 0)
        return cz_builder_decline(b, "only the mask is wanted");
    const struct cz_shape *x = cz_builder_shape(b, node->in[0]), *y = cz_builder_shape(b, node->out[0]);
    if (x->dtype != y->dtype || cz_shape_count(x) != cz_shape_count(y) ||
        (node->n_out > 1 && node->out[1] >= 0))
        return cz_builder_decline(b, "not the same elements, or a mask is wanted");
    int in;
    CZ_TRY(cz_builder_value(b, node->in[0], CZ_PLAIN, &in, err));
    return cz_builder_alias(b, node->out[0], in, err);
}
