/*
 * The catalogue and the table of published figures belong together: every set of weights has a source, and a
 * source's file says which one it is.
 */
#include "zoo/catalogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void every_set_has_a_source(void **state)
{
    int n = 0;
    (void)state;
    for (int i = 0; i < cz_zoo_count(); i++) {
        const struct cz_zoo_published *p;
        for (int k = 0; (p = cz_zoo_published_at(cz_zoo_at(i)->name, k)); k++) {
            if (!cz_zoo_has_weights(p))
                continue;
            n++;
            if (!cz_zoo_find_source(p))
                fail_msg("%s:%s has no source", p->model, p->tag);
        }
    }
    assert_int_equal(n, cz_zoo_source_count());
}

static void a_file_carries_its_hash(void **state)
{
    (void)state;
    for (int i = 0; i < cz_zoo_source_count(); i++) {
        const struct cz_zoo_source *s = cz_zoo_source_at(i);
        const char *dash = strrchr(s->file, '-');
        if (strlen(s->sha256) != 8 || strspn(s->sha256, "0123456789abcdef") != 8 || !dash ||
            strncmp(dash + 1, s->sha256, 8) != 0)
            fail_msg("%s: hash '%s'", s->file, s->sha256);
        assert_int_equal(strncmp(s->base, "https://", 8), 0);
        assert_int_equal(s->base[strlen(s->base) - 1], '/');
        for (int k = 0; k < i; k++) /* the cache tells files apart by name */
            assert_string_not_equal(s->file, cz_zoo_source_at(k)->file);
    }
}

/* Four bytes a parameter, two in half precision: what a size that was typed wrongly would break. */
static void sizes_are_the_networks(void **state)
{
    (void)state;
    for (int i = 0; i < cz_zoo_source_count(); i++) {
        const struct cz_zoo_source *s = cz_zoo_source_at(i);
        const struct cz_zoo_reference *r = cz_zoo_find_reference(s->model);
        double bytes = s->mib * (1 << 20) / (double)r->parameters;
        /* Auxiliary classifiers double GoogLeNet's; BatchNorm's statistics are up to 4 % of the small ones.
         */
        int fits = (bytes > 3.95 && bytes < 4.2) || (bytes > 1.95 && bytes < 2.1) ||
                   (strcmp(cz_zoo_find(s->model)->family, "inception") == 0 && bytes < 8.1);
        if (!fits)
            fail_msg("%s: %.1f MiB are %.2f bytes a parameter", s->file, s->mib, bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_set_has_a_source),
        cmocka_unit_test(a_file_carries_its_hash),
        cmocka_unit_test(sizes_are_the_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
