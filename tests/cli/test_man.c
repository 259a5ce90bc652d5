/*
 * The kept manual pages are what the program's tables make of them, no more and no fewer.
 */
#include "run.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static char *read_page(const char *page)
{
    char path[512];
    snprintf(path, sizeof path, "%s/docs/man/%s", CZ_SOURCE_DIR, page);
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    char *text = calloc(1, 1 << 18);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 18) - 1, f) < (1 << 18) - 1);
    fclose(f);
    return text;
}

static void check_page(const char *page)
{
    struct run r = run("__man %s", page);
    run_expect(&r, 0, NULL);
    char *kept = read_page(page);
    if (!kept || strcmp(kept, r.out) != 0)
        fail_msg("docs/man/%s is not what the tables say; repeat: cmake --build BUILD --target man_pages",
                 page);
    free(kept);
    run_free(&r);
}

static void pages_are_up_to_date(void **state)
{
    (void)state;
    struct run r = run("__man");
    run_expect(&r, 0, NULL);
    for (char *page = strtok(r.out, "\n"); page; page = strtok(NULL, "\n"))
        check_page(page);
    run_free(&r);
}

static void no_page_is_left_over(void **state)
{
    (void)state;
    struct run r = run("__man");
    DIR *d = opendir(CZ_SOURCE_DIR "/docs/man");
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        char line[300];
        snprintf(line, sizeof line, "%s\n", e->d_name);
        if (e->d_name[0] != '.' && !strstr(r.out, line))
            fail_msg("docs/man/%s belongs to no command", e->d_name);
    }
    closedir(d);
    run_free(&r);
}

/* Every schema that a source file of the program names is explained in convzoo-formats(5). */
static void check_schemas_of(const char *name, const char *formats)
{
    char path[512], schema[64];
    snprintf(path, sizeof path, "%s/cli/%s", CZ_SOURCE_DIR, name);
    FILE *f = fopen(path, "rb");
    char *text = calloc(1, 1 << 18);
    assert_non_null(f);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 18) - 1, f) < (1 << 18) - 1);
    fclose(f);
    for (const char *p = text; (p = strstr(p, "\"convzoo.")); p++) {
        int n = 0;
        if (sscanf(p + 1, "convzoo.%40[a-z_]/%*d%n", schema, &n) != 1 || n == 0)
            continue;
        snprintf(schema, sizeof schema, "%.*s", n, p + 1);
        if (!strstr(formats, schema))
            fail_msg("cli/%s: %s is not in cli/formats.def", name, schema);
    }
    free(text);
}

static void every_schema_is_explained(void **state)
{
    (void)state;
    char *formats = read_page("convzoo-formats.5");
    DIR *d = opendir(CZ_SOURCE_DIR "/cli");
    assert_non_null(formats);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        size_t n = strlen(e->d_name);
        if (n > 2 && strcmp(e->d_name + n - 2, ".c") == 0)
            check_schemas_of(e->d_name, formats);
    }
    closedir(d);
    free(formats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_up_to_date),
        cmocka_unit_test(no_page_is_left_over),
        cmocka_unit_test(every_schema_is_explained),
    };
    return cmocka_run_group_tests(tests, NULL, run_clean);
}
