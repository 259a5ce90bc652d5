#include "engine/ops/product.h"
#include "engine/ops/common.h"

static double a_at(const struct cz_product *p, int64_t i, int64_t l)
{
    return p->trans_a ? p->a[l * p->m + i] : p->a[i * p->k + l];
}

/* B stored [n][k]: a row of it meets every row of A. */
static void add_transposed(const struct cz_product *p)
{
    for (int64_t j = 0; j < p->n; j++) {
        cz_load_doubles(p->b, p->b_first + j * p->k, p->k, p->b_row);
        for (int64_t i = 0; i < p->m; i++) {
            double sum = p->acc[i * p->n + j];
            for (int64_t l = 0; l < p->k; l++)
                sum += a_at(p, i, l) * p->b_row[l];
            p->acc[i * p->n + j] = sum;
        }
    }
}

void cz_product_add(const struct cz_product *p)
{
    if (p->trans_b) {
        add_transposed(p);
        return;
    }
    for (int64_t l = 0; l < p->k; l++) {
        cz_load_doubles(p->b, p->b_first + l * p->n, p->n, p->b_row);
        for (int64_t i = 0; i < p->m; i++) {
            double a = a_at(p, i, l), *acc = p->acc + i * p->n;
            for (int64_t j = 0; j < p->n; j++)
                acc[j] += a * p->b_row[j];
        }
    }
}
