#include "engine/ops/factors.h"

static void as_matrices(struct cz_factors *f)
{
    f->a_vector = f->a.rank == 1;
    f->b_vector = f->b.rank == 1;
    if (f->a_vector)
        f->a = cz_shape_of(f->a.dtype, 2, (int64_t)1, f->a.dim[0]);
    if (f->b_vector)
        f->b = cz_shape_of(f->b.dtype, 2, f->b.dim[0], (int64_t)1);
}

cz_status cz_factors_of(const struct cz_shape *a, const struct cz_shape *b, struct cz_factors *f,
                        cz_error *err)
{
    char at[CZ_SHAPE_TEXT], bt[CZ_SHAPE_TEXT];
    f->a = *a;
    f->b = *b;
    as_matrices(f);
    cz_shape_text(a, at, sizeof at);
    cz_shape_text(b, bt, sizeof bt);
    if (f->a.rank < 2 || f->b.rank < 2)
        CZ_FAIL(err, CZ_ERR_SHAPE, "A is %s, B is %s; no scalars wanted", at, bt);
    f->m = f->a.dim[f->a.rank - 2];
    f->k = f->a.dim[f->a.rank - 1];
    f->n = f->b.dim[f->b.rank - 1];
    if (f->b.dim[f->b.rank - 2] != f->k)
        CZ_FAIL(err, CZ_ERR_SHAPE, "A is %s, B is %s; %lld rows of B wanted", at, bt, (long long)f->k);
    f->a.rank -= 2;
    f->b.rank -= 2;
    return cz_broadcast_shape(&f->a, &f->b, &f->batch, err);
}

struct cz_shape cz_factors_output(const struct cz_factors *f)
{
    struct cz_shape out = f->batch;
    if (!f->a_vector)
        out.dim[out.rank++] = f->m;
    if (!f->b_vector)
        out.dim[out.rank++] = f->n;
    return out;
}
