/*
 * Every case of the table, and the rule that every operator descriptor has a case that succeeds and one whose
 * inputs are refused, so that adding an operator without cases fails here.
 */
#include "cases.h"
#include "text.h"

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int same(const cz_tensor *got, const cz_tensor *want, double tolerance)
{
    struct cz_shape a = cz_tensor_shape(got), b = cz_tensor_shape(want);
    double largest = 0;
    if (!cz_shape_equal(&a, &b))
        return 0;
    for (int64_t i = 0; i < cz_shape_count(&b); i++)
        largest = fmax(largest, isfinite(cz_tensor_double(want, i)) ? fabs(cz_tensor_double(want, i)) : 0);
    for (int64_t i = 0; i < cz_shape_count(&b); i++) {
        double x = cz_tensor_double(got, i), y = cz_tensor_double(want, i);
        if (want->dtype == CZ_I64 && cz_tensor_int(got, i) != cz_tensor_int(want, i))
            return 0;
        if (x != y && !(isnan(x) && isnan(y)) && !(fabs(x - y) <= tolerance * largest))
            return 0;
    }
    return 1;
}

static void print_tensor(const char *label, const cz_tensor *t)
{
    struct cz_shape s = cz_tensor_shape(t);
    char text[CZ_SHAPE_TEXT];
    print_message("  %s %s:", label, cz_shape_text(&s, text, sizeof text));
    for (int64_t i = 0; i < cz_shape_count(&s); i++)
        print_message(" %.9g", cz_tensor_double(t, i));
    print_message("\n");
}

/* want: "error STATUS: part of the message" */
static int check_error(const char *want, cz_status status, const cz_error *err)
{
    const char *name = want + strlen("error ");
    size_t n = strcspn(name, ":");
    if (status != CZ_OK && strlen(cz_status_name(status)) == n &&
        strncmp(cz_status_name(status), name, n) == 0 && strstr(err->message, name + n + 2))
        return 1;
    print_message("  wanted %s\n  got    %s: %s\n", want, cz_status_name(status), err->message);
    return 0;
}

static int check_outputs(const struct text_tensors *want, const struct text_tensors *got, double tolerance)
{
    int good = 1;
    for (int i = 0; i < want->n; i++)
        if (!same(&got->tensor[i], &want->tensor[i], tolerance)) {
            print_tensor("wanted", &want->tensor[i]);
            print_tensor("got   ", &got->tensor[i]);
            good = 0;
        }
    return good;
}

static int is_error(const struct op_case *c)
{
    return strncmp(c->want, "error ", 6) == 0;
}

static int run_case(const struct op_case *c)
{
    struct cz_arena *arena = cz_arena_create();
    struct cz_attr_list attrs = text_parse_attrs(arena, c->attrs);
    struct text_tensors in = text_parse_tensors(arena, c->in), want = {0}, got = {0};
    cz_error err = {0};
    if (!is_error(c))
        want = text_parse_tensors(arena, c->want);
    int known;
    const struct cz_op *op = cz_op_find(c->op, c->opset, &known);
    int n_out = want.n ? want.n : op ? op->n_out_min : 1;
    cz_status status = text_run_node(arena, c->op, c->opset, &attrs, &in, n_out, &got, &err);
    int good;
    if (is_error(c))
        good = check_error(c->want, status, &err);
    else if (status != CZ_OK)
        good = (print_message("  wanted outputs, got %s: %s\n", cz_status_name(status), err.message), 0);
    else
        good = check_outputs(&want, &got, c->tolerance);
    cz_arena_destroy(arena);
    return good;
}

static void test_all_cases(void **state)
{
    int failed = 0;
    (void)state;
    for (int i = 0; i < n_op_cases; i++)
        if (!run_case(&op_cases[i])) {
            print_message("case %d: %s-%d %s\n", i, op_cases[i].op, op_cases[i].opset, op_cases[i].attrs);
            failed++;
        }
    print_message("%d cases, %d failed\n", n_op_cases, failed);
    assert_int_equal(failed, 0);
}

static int has_case(const struct cz_op *op, int error)
{
    for (int i = 0; i < n_op_cases; i++) {
        int known;
        if (is_error(&op_cases[i]) == error && cz_op_find(op_cases[i].op, op_cases[i].opset, &known) == op)
            return 1;
    }
    return 0;
}

/* Identity accepts everything there is. */
static int refuses_nothing(const struct cz_op *op)
{
    return strcmp(op->name, "Identity") == 0;
}

static void test_every_operator_has_cases(void **state)
{
    int missing = 0;
    (void)state;
    for (int i = 0; i < cz_op_count(); i++) {
        const struct cz_op *op = cz_op_at(i);
        int lacks_error = !has_case(op, 1) && !refuses_nothing(op);
        if (!has_case(op, 0) || lacks_error) {
            print_message("%s (opset %d to %d) has no case that %s\n", op->name, op->opset_min, op->opset_max,
                          has_case(op, 0) ? "is refused" : "succeeds");
            missing++;
        }
    }
    assert_int_equal(missing, 0);
}

/* Descriptors of one name must not claim one opset twice, or a file's meaning would hang on the list's order.
 */
static void test_ranges_do_not_overlap(void **state)
{
    (void)state;
    for (int i = 0; i < cz_op_count(); i++)
        for (int j = 0; j < i; j++) {
            const struct cz_op *a = cz_op_at(i), *b = cz_op_at(j);
            if (strcmp(a->name, b->name) == 0)
                assert_true(a->opset_max < b->opset_min || b->opset_max < a->opset_min);
        }
}

static void test_list_is_sorted(void **state)
{
    (void)state;
    for (int i = 1; i < cz_op_count(); i++)
        assert_true(strcmp(cz_op_at(i - 1)->name, cz_op_at(i)->name) <= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_cases),
        cmocka_unit_test(test_every_operator_has_cases),
        cmocka_unit_test(test_ranges_do_not_overlap),
        cmocka_unit_test(test_list_is_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
