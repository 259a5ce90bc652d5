/*
 * Goldens from a file: what is read, what is refused, and that they decide.
 */
#include "base/file.h"
#include "zoo/golden_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define LOGIT_NAMES                                                                                          \
    "logit0,logit1,logit2,logit3,logit4,logit5,logit6,logit7,logit8,logit9,logit10,logit11,logit12,logit13," \
    "logit14,logit15"
#define HEADER "model,kind,size,seed,picture,macs," LOGIT_NAMES "\n"
#define FEW ",,,,,,,,,,,,,"

static char path[] = "/tmp/convzoo-goldens-XXXXXX";

static int create_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 || close(fd) != 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static cz_status load(const char *text, struct cz_arena *arena, struct cz_golden_list *list, cz_error *err)
{
    assert_int_equal(cz_file_write(path, text, strlen(text), err), CZ_OK);
    return cz_golden_file_load(path, arena, list, err);
}

static void columns_in_any_order(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "# made by hand\n" HEADER "m,small,64,1,0,99,0.5,-1e3,2" FEW "\n\nm,odd,97,1,1,7,1,2,3" FEW,
        LOGIT_NAMES ",norm,macs,side,picture,model,kind\r\n0.5,-1e3,2" FEW ",1,99,64,0,m,small\r\n1,2,3" FEW
                    ",0,7,97,1,m,odd\r\n",
    };
    for (int i = 0; i < 2; i++) {
        struct cz_arena *arena = cz_arena_create();
        struct cz_golden_list list;
        cz_error err = {0};
        if (load(texts[i], arena, &list, &err) != CZ_OK)
            fail_msg("text %d: %s", i, err.message);
        assert_int_equal(list.count, 2);
        const struct cz_golden *a = &list.items[0], *b = &list.items[1];
        assert_true(!strcmp(a->model, "m") && !strcmp(a->kind, "small") && a->side_px == 64 &&
                    a->picture == 0);
        assert_true(a->macs == 99 && a->n_logits == 3 && a->logits[0] == 0.5 && a->logits[1] == -1000);
        assert_true(!strcmp(b->kind, "odd") && b->side_px == 97 && b->picture == 1 && b->logits[2] == 3);
        cz_arena_destroy(arena);
    }
}

static void damaged_files_are_refused(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "no goldens"},
        {HEADER, "no goldens"},
        {"model,kind\n", "line 1: no column 'size'"},
        {HEADER "m,small,64,1,0,99\n", "line 2: 6 columns"},
        {HEADER "m,small,64,1,0,99,x,1,2" FEW "\n", "line 2: logit0 'x'"},
        {HEADER "m,small,64,1,0,99,nan,1,2" FEW "\n", "logit0 'nan'"},
        {HEADER "m,small,64,1,0,99,,," FEW "\n", "line 2: no logits"},
        {HEADER "m,small,-4,1,0,99,1,1,2" FEW "\n", "size '-4'"},
        {HEADER "m,small,99999999999999999999,1,0,99,1,1,2" FEW "\n", "size '9"},
        {HEADER "m,small,64,1,2,99,1,1,2" FEW "\n", "picture '2'"},
        {HEADER "m,small,64,3,0,99,1,1,2" FEW "\n", "seed 3"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cz_arena *arena = cz_arena_create();
        struct cz_golden_list list;
        cz_error err = {0};
        if (load(cases[i][0], arena, &list, &err) != CZ_ERR_FORMAT || !strstr(err.message, cases[i][1]))
            fail_msg("case %zu: '%s', wanted '%s'", i, err.message, cases[i][1]);
        cz_arena_destroy(arena);
    }
    struct cz_golden_list list;
    assert_int_equal(cz_golden_file_load("/nonexistent/goldens.csv", NULL, &list, NULL), CZ_ERR_IO);
}

/* The project's own table, read as a file, is the list compiled in. */
static void the_projects_table(void **state)
{
    (void)state;
    struct cz_arena *arena = cz_arena_create();
    struct cz_golden_list list, ours = cz_goldens();
    cz_error err = {0};
    if (cz_golden_file_load(CZ_SOURCE_DIR "/zoo/goldens.csv", arena, &list, &err) != CZ_OK)
        fail_msg("%s", err.message);
    assert_int_equal(list.count, ours.count);
    for (int i = 0; i < list.count; i++) {
        const struct cz_golden *a = &list.items[i], *b = &ours.items[i];
        assert_string_equal(a->model, b->model);
        assert_true(a->side_px == b->side_px && a->picture == b->picture && a->macs == b->macs);
        assert_memory_equal(a->logits, b->logits, sizeof a->logits);
    }
    cz_arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_in_any_order),
        cmocka_unit_test(damaged_files_are_refused),
        cmocka_unit_test(the_projects_table),
    };
    return cmocka_run_group_tests(tests, create_file, remove_file);
}
