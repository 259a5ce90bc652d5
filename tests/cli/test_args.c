/*
 * Grammar of the command line and the order of settings, on the command `info` and its options --ops,
 * --threads,
 * --isa, --verbose.
 */
#include "cli/args.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { MAX_WORDS = 12 };

struct parsed {
    struct cz_args args;
    struct cz_problems problems;
};

static struct parsed parse(const char *const *words)
{
    static const char *const name = "info";
    struct parsed p = {0};
    int used, n = 0;
    while (n < MAX_WORDS && words[n])
        n++;
    const struct cz_command *command = cz_command_find(&name, 1, &used);
    assert_non_null(command);
    assert_int_equal(cz_args_parse(&p.args, command, words, n, &p.problems), 0);
    assert_int_equal(cz_args_settle(&p.args, &p.problems), 0);
    return p;
}

static void release(struct parsed *p)
{
    cz_args_deinit(&p->args);
    cz_problems_deinit(&p->problems);
}

static int isolate(void **state)
{
    (void)state;
    setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
    unsetenv("CONVZOO_THREADS");
    unsetenv("CONVZOO_ISA");
    return 0;
}

static void options_in_every_form(void **state)
{
    (void)state;
    static const char *const lines[][MAX_WORDS] = {
        {"--threads", "3", "--ops"},       {"--threads=3", "--ops=yes"},
        {"--ops", "--threads", "3"},       {"--threads=7", "--ops=no", "--threads=3", "--ops"},
        {"--ops", "--threads", "3", "--"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct parsed p = parse(lines[i]);
        assert_int_equal(p.problems.count, 0);
        assert_int_equal(cz_arg_count(&p.args, "threads", 0), 3);
        assert_int_equal(cz_arg_switch(&p.args, "ops"), 1);
        assert_int_equal(cz_arg_get(&p.args, "threads")->source, CZ_SOURCE_LINE);
        release(&p);
    }
}

/* One problem each, exactly so worded. */
static void mistakes_are_told_exactly(void **state)
{
    (void)state;
    static const struct {
        const char *words[MAX_WORDS], *want;
    } cases[] = {
        {{"--thread", "2"}, "option --thread: unknown to `info`; nearest is --threads"},
        {{"--thread=2"}, "option --thread: unknown to `info`; nearest is --threads"},
        {{"--0ps"}, "option --0ps: unknown to `info`; nearest is --ops"},
        {{"--xyzzy"}, "option --xyzzy: unknown to `info`; see `convzoo info --help`"},
        {{"--threads"}, "option --threads: needs a value; write --threads N"},
        {{"--threads", "--ops"}, "option --threads: needs a value; write --threads N"},
        {{"--threads", "4x"}, "--threads 4x: not a whole number from 1 to 256; try --threads 4"},
        {{"--threads="}, "--threads '': not a whole number from 1 to 256; try --threads 1"},
        {{"--ops=maybe"}, "--ops=maybe: a switch is yes or no; try --ops=yes"},
        {{"--cache=x"}, "option --cache: unknown to `info`; see `convzoo info --help`"},
        {{"-x"}, "option -x: unknown; short ones are -h -q -v and -o FILE, a file of that name is ./-x"},
        {{"-qv"}, "option -qv: unknown; short ones are -h -q -v and -o FILE, a file of that name is ./-qv"},
        {{"net.onnx"}, "info: one operand too many: 'net.onnx'; see `convzoo info --help`"},
        {{"--", "--ops"}, "info: one operand too many: '--ops'; see `convzoo info --help`"},
        {{"-"}, "info: one operand too many: '-'; see `convzoo info --help`"},
        {{"--th\nr\xff"}, "option --th\\x0Ar\\xFF: unknown to `info`; see `convzoo info --help`"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct parsed p = parse(cases[i].words);
        if (p.problems.count != 1 || strcmp(p.problems.lines[0], cases[i].want) != 0)
            fail_msg("%d problems, the first: %s\nwanted: %s", p.problems.count,
                     p.problems.count ? p.problems.lines[0] : "-", cases[i].want);
        release(&p);
    }
}

static void all_mistakes_at_once(void **state)
{
    (void)state;
    static const char *const words[MAX_WORDS] = {"--isa", "mmx", "--oops", "--threads", "0", "extra"};
    struct parsed p = parse(words);
    assert_int_equal(p.problems.count, 4);
    release(&p);
}

static void repeated_switches_count(void **state)
{
    (void)state;
    static const char *const words[MAX_WORDS] = {"-v", "--verbose"};
    struct parsed p = parse(words);
    assert_int_equal(cz_arg_get(&p.args, "verbose")->n_values, 2);
    release(&p);
}

static char *write_config(const char *text)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/convzoo-args-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (long)strlen(text));
    close(fd);
    return path;
}

static void line_beats_environment_beats_file_beats_default(void **state)
{
    (void)state;
    char *config =
        write_config("{\"threads\": 5, \"isa\": \"scalar\", \"ops\": true, \"epochs_of_others\": 1}");
    char option[96];
    snprintf(option, sizeof option, "--config=%s", config);
    setenv("CONVZOO_THREADS", "6", 1);
    const char *with_line[MAX_WORDS] = {option, "--threads", "7"}, *without[MAX_WORDS] = {option};

    struct parsed p = parse(with_line);
    assert_int_equal(cz_arg_count(&p.args, "threads", 0), 7);
    release(&p);

    p = parse(without);
    assert_int_equal(cz_arg_count(&p.args, "threads", 0), 6);
    assert_int_equal(cz_arg_get(&p.args, "threads")->source, CZ_SOURCE_ENV);
    assert_string_equal(cz_arg_text(&p.args, "isa"), "scalar");
    assert_int_equal(cz_arg_get(&p.args, "isa")->source, CZ_SOURCE_FILE);
    assert_int_equal(cz_arg_switch(&p.args, "ops"), 1);
    assert_string_equal(cz_arg_text(&p.args, "gemm"), "auto");
    assert_int_equal(cz_arg_get(&p.args, "gemm")->source, CZ_SOURCE_DEFAULT);
    assert_int_equal(cz_arg_given(&p.args, "gemm"), 0);
    assert_int_equal(p.problems.count, 1); /* the unknown key */
    release(&p);
    unlink(config);
}

static void broken_settings_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"{\"thread\": 2}", "key 'thread' is no option; nearest is 'threads'"},
        {"{\"threads\": 0}", "threads = 0: not a whole number from 1 to 256; try 1"},
        {"{\"threads\": {}}",
         "key 'threads' is neither text, number nor true/false; see `convzoo info --help`"},
        {"{\"json\": true}", "key 'json' says where or how to print, not what to do; give --json"},
        {"[1]", "not a JSON object; write {\"option\": value, ...}"},
        {"{\"threads\": 2, \"threads\": 3}", "line 1: not JSON: duplicate object key near"},
        {"", "line 1: not JSON:"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *words[MAX_WORDS] = {"--config", write_config(cases[i].text)};
        struct parsed p = parse(words);
        if (p.problems.count != 1 || !strstr(p.problems.lines[0], cases[i].want))
            fail_msg("%s: %d problems, the first: %s\nwanted: %s", cases[i].text, p.problems.count,
                     p.problems.count ? p.problems.lines[0] : "-", cases[i].want);
        release(&p);
        unlink(words[1]);
    }
    setenv("CONVZOO_THREADS", "4x", 1);
    const char *none[MAX_WORDS] = {NULL};
    struct parsed p = parse(none);
    assert_int_equal(p.problems.count, 1);
    assert_string_equal(p.problems.lines[0],
                        "CONVZOO_THREADS=4x: not a whole number from 1 to 256; try CONVZOO_THREADS=4");
    release(&p);
}

/* The user's own file may not change numbers. */
static void the_users_file_holds_little(void **state)
{
    (void)state;
    char home[] = "/tmp/convzoo-home-XXXXXX", path[128];
    assert_non_null(mkdtemp(home));
    snprintf(path, sizeof path, "%s/convzoo", home);
    char command[160];
    snprintf(command, sizeof command, "mkdir %s", path);
    assert_int_equal(system(command), 0);
    snprintf(path, sizeof path, "%s/convzoo/config.json", home);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("{\"threads\": 3, \"isa\": \"scalar\"}", f);
    fclose(f);
    setenv("XDG_CONFIG_HOME", home, 1);
    const char *none[MAX_WORDS] = {NULL};
    struct parsed p = parse(none);
    assert_int_equal(cz_arg_count(&p.args, "threads", 0), 3);
    assert_int_equal(cz_arg_get(&p.args, "threads")->source, CZ_SOURCE_USER);
    assert_string_equal(cz_arg_text(&p.args, "isa"), "auto");
    assert_int_equal(p.problems.count, 1);
    assert_non_null(strstr(p.problems.lines[0], "key 'isa' may change results and cannot stand here"));
    release(&p);
    snprintf(command, sizeof command, "rm -r %s", home);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(options_in_every_form, isolate),
        cmocka_unit_test_setup(mistakes_are_told_exactly, isolate),
        cmocka_unit_test_setup(all_mistakes_at_once, isolate),
        cmocka_unit_test_setup(repeated_switches_count, isolate),
        cmocka_unit_test_setup(line_beats_environment_beats_file_beats_default, isolate),
        cmocka_unit_test_setup(broken_settings_are_refused, isolate),
        cmocka_unit_test_setup(the_users_file_holds_little, isolate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
