/*
 * The program from outside: streams, exit codes, error lines, error documents, help, completion.
 */
#include "run.h"
#include "cli/commands.h"
#include "cli/help.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static void usage_mistakes_give_2(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"inof", "convzoo: error: command 'inof': unknown; nearest is 'info'\n"},
        {"xyzzy", "convzoo: error: command 'xyzzy': unknown; see `convzoo --help`\n"},
        {"--json", "convzoo: error: command line: no command in it; see `convzoo --help`\n"},
        {"info --threads 0",
         "convzoo: error: --threads 0: not a whole number from 1 to 256; try --threads 1\n"},
        {"info --isa avx3 --oops",
         "convzoo: error: --isa avx3: not one of auto, scalar, avx2, avx512, neon; try --isa "
         "avx2\nconvzoo: error: option --oops: unknown to `info`; nearest is --ops\n"},
        {"completion",
         "convzoo: error: completion: operands are missing; write `convzoo completion bash|zsh|fish`\n"},
        {"completion bsh", "convzoo: error: shell 'bsh': unknown; write `convzoo completion bash`\n"},
        {"help inof", "convzoo: error: help inof: no such command; see `convzoo --help`\n"},
        {"info --config /nonexistent.json", "convzoo: error: /nonexistent.json: no such file"},
        {"CONVZOO_ISA=mmx info",
         "convzoo: error: CONVZOO_ISA=mmx: not one of auto, scalar, avx2, avx512, neon; try "
         "CONVZOO_ISA=auto\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct run r = run("%s", cases[i][0]);
        run_expect(&r, 2, cases[i][1]);
        if (!strstr(cases[i][0], "--json"))
            assert_int_equal(r.out_bytes, 0);
        run_free(&r);
    }
    struct run r = run_line("", RUN_PIPE);
    run_expect(&r, 2, "convzoo: run, time");
    assert_int_equal(r.out_bytes, 0);
    run_free(&r);
}

/* A tier that exists but not on this CPU: 5. NEON and AVX never share a machine. */
static void a_tier_of_another_machine_gives_5(void **state)
{
    (void)state;
#if defined(__x86_64__)
    struct run r = run("info --isa neon --json");
    run_expect(&r, 5, "convzoo: error: ");
    run_free(&r);
#else
    skip();
#endif
}

static void version_in_every_form(void **state)
{
    (void)state;
    static const char *const forms[] = {"version", "-V", "--version"};
    for (size_t i = 0; i < 3; i++) {
        struct run r = run("%s", forms[i]);
        run_expect(&r, 0, NULL);
        assert_memory_equal(r.out, "convzoo ", 8);
        run_free(&r);
    }
}

static void json_is_one_document_also_on_failure(void **state)
{
    (void)state;
    static const struct {
        const char *line, *schema;
        int code;
    } cases[] = {
        {"info --json", "convzoo.info/1", 0},       {"--json info", "convzoo.info/1", 0},
        {"version --json", "convzoo.version/1", 0}, {"info --json --threads 4x", "convzoo.error/1", 2},
        {"inof --json", "convzoo.error/1", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct run r = run("%s", cases[i].line);
        assert_int_equal(r.code, cases[i].code);
        json_error_t why;
        json_t *root = json_loads(r.out, JSON_REJECT_DUPLICATES, &why);
        if (!root)
            fail_msg("%s: not JSON: %s\n%s", cases[i].line, why.text, r.out);
        void *first = json_object_iter(root);
        assert_string_equal(json_object_iter_key(first), "schema");
        assert_string_equal(json_string_value(json_object_iter_value(first)), cases[i].schema);
        assert_int_equal(r.out[r.out_bytes - 1], '\n');
        json_decref(root);
        run_free(&r);
    }
}

static void the_error_document_has_its_parts(void **state)
{
    (void)state;
    struct run r = run("info --json --threads 4x --isa avx3");
    json_t *root = json_loads(r.out, 0, NULL);
    const char *kind, *where, *cause, *remedy;
    int exit_code;
    json_t *more;
    assert_int_equal(json_unpack(root, "{s:i, s:s, s:s, s:s, s:s, s:o}", "exit", &exit_code, "kind", &kind,
                                 "where", &where, "cause", &cause, "remedy", &remedy, "more", &more),
                     0);
    assert_int_equal(exit_code, 2);
    assert_string_equal(kind, "usage");
    assert_string_equal(where, "--threads 4x");
    assert_string_equal(cause, "not a whole number from 1 to 256");
    assert_string_equal(remedy, "try --threads 4");
    assert_int_equal(json_array_size(more), 1);
    json_decref(root);
    run_free(&r);
}

static void a_lost_stdout_is_told(void **state)
{
    (void)state;
    struct run r = run_line("info", RUN_CLOSED);
    run_expect(&r, 6, "convzoo: error: stdout: cannot write: Bad file descriptor");
    run_free(&r);
    r = run_line("info", RUN_FULL);
    run_expect(&r, 6, "convzoo: error: stdout: cannot write: No space left on device");
    run_free(&r);
}

/* As if killed by SIGPIPE, and without a word: `convzoo ... | head` is no failure to report. */
static void a_reader_that_left_ends_it_quietly(void **state)
{
    (void)state;
    struct run r = run_line("info --ops", RUN_GONE);
    run_expect(&r, 141, NULL);
    run_free(&r);
}

static void an_error_line_has_at_most_512_bytes(void **state)
{
    (void)state;
    char word[1200];
    memset(word, 'x', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    struct run r = run("%s", word);
    run_expect(&r, 2, "convzoo: error: command 'xxx");
    assert_true(r.err_bytes <= 512);
    assert_int_equal(r.err[r.err_bytes - 1], '\n');
    run_free(&r);
}

static void names_cannot_spoil_the_terminal(void **state)
{
    (void)state;
    struct run r = run("'a\033[31m\nb\xff'");
    run_expect(&r, 2, "command 'a\\x1B[31m\\x0Ab\\xFF': unknown");
    run_free(&r);
}

static void colours_follow_option_and_environment(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int colored;
    } cases[] = {
        {"TERM=xterm xyzzy", 0}, /* stderr is a pipe */
        {"TERM=xterm FORCE_COLOR=1 xyzzy", 1},
        {"CLICOLOR_FORCE=1 xyzzy", 1},
        {"NO_COLOR=1 FORCE_COLOR=1 xyzzy", 0},
        {"NO_COLOR= FORCE_COLOR=1 xyzzy", 1},
        {"NO_COLOR=1 info --color always --oops", 1},
        {"FORCE_COLOR=1 info --color=never --oops", 0},
        {"CONVZOO_COLOR=always info --oops", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct run r = run("%s", cases[i].line);
        if ((strchr(r.err, '\033') != NULL) != cases[i].colored)
            fail_msg("%s: colours %swanted\n%s", cases[i].line, cases[i].colored ? "" : "not ", r.err);
        run_free(&r);
    }
}

/* Every line of every help text: ASCII, at most 100 columns, no blanks at its end. */
static void check_help_text(const char *what, const char *text)
{
    for (const char *line = text; *line;) {
        size_t n = strcspn(line, "\n");
        if (n > 100)
            fail_msg("%s: %zu columns: %.*s", what, n, (int)n, line);
        if (n > 0 && line[n - 1] == ' ')
            fail_msg("%s: blanks at the end of: %.*s", what, (int)n, line);
        for (size_t i = 0; i < n; i++)
            if (line[i] < 0x20 || (unsigned char)line[i] >= 0x7F)
                fail_msg("%s: not ASCII: %.*s", what, (int)n, line);
        line += n + (line[n] == '\n');
    }
}

static void help_of_everything_fits(void **state)
{
    (void)state;
    struct run r = run("--help"), options = run("help options");
    run_expect(&r, 0, NULL);
    check_help_text("--help", r.out);
    check_help_text("help options", options.out);
    for (int i = 0; i < cz_command_count(); i++) {
        const struct cz_command *c = cz_command_at(i);
        char word[32];
        snprintf(word, sizeof word, "%.*s", (int)strcspn(c->name, " "), c->name);
        if (c->group != CZ_HIDDEN && !strstr(r.out, word))
            fail_msg("--help does not list %s", word);
        if (c->group == CZ_HIDDEN && strstr(r.out, word))
            fail_msg("--help lists %s", word);
        struct run by_option = run("%s --help", c->name), by_word = run("help %s", c->name);
        run_expect(&by_option, 0, NULL);
        assert_string_equal(by_option.out, by_word.out);
        check_help_text(c->name, by_option.out);
        run_free(&by_option);
        run_free(&by_word);
    }
    run_free(&r);
    run_free(&options);
}

static void completion_offers_what_fits(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"__complete 0 -- in", "info\tthis machine and build\n"},
        {"__complete 1 -- info --threa", "--threads\tworker threads; never changes a bit of any result\n"},
        {"__complete 2 -- info --isa avx", "avx2\navx512\n"},
        {"__complete 1 -- info --isa=avx", "--isa=avx2\n--isa=avx512\n"},
        {"__complete 3 -- info --isa = avx", "avx2\navx512\n"},
        {"__complete 2 -- info --isa =", "auto\nscalar\navx2\navx512\nneon\n"},
        {"__complete 1 -- inspect resnet5", "resnet50\tresnet\n"},
        {"__complete 1 -- inspect resnet50:", "resnet50:v2\nresnet50:v1\n"},
        {"__complete 3 -- inspect resnet50 : v", "v2\nv1\n"},
        {"__complete 1 -- zoo ver", "verify\t"},
        {"__complete 2 -- info --config x", ""},
        {"__complete 1 -- nothing --", ""},
        {"__complete 3 -- --isa scalar info --op", "--ops\tlist the operators and the opsets they cover\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct run r = run("%s", cases[i][0]);
        run_expect(&r, 0, NULL);
        if (strncmp(r.out, cases[i][1], strlen(cases[i][1])) != 0 || (!cases[i][1][0] && strstr(r.out, "-t")))
            fail_msg("%s\ngot:\n%s\nwanted:\n%s", cases[i][0], r.out, cases[i][1]);
        run_free(&r);
    }
}

/* The script as bash runs it. */
static void the_bash_script_completes(void **state)
{
    (void)state;
    char command[1024], got[64] = "";
    snprintf(
        command, sizeof command,
        "bash -c 'source %s/cli/completion/convzoo.bash; COMP_WORDS=(%s info --op); COMP_CWORD=2; _convzoo; "
        "echo \"${COMPREPLY[*]}\"' 2>&1",
        CZ_SOURCE_DIR, CZ_PROGRAM);
    FILE *p = popen(command, "r");
    assert_non_null(p);
    assert_non_null(fgets(got, sizeof got, p));
    int status = pclose(p);
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_string_equal(got, "--ops\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usage_mistakes_give_2),
        cmocka_unit_test(a_tier_of_another_machine_gives_5),
        cmocka_unit_test(version_in_every_form),
        cmocka_unit_test(json_is_one_document_also_on_failure),
        cmocka_unit_test(the_error_document_has_its_parts),
        cmocka_unit_test(a_lost_stdout_is_told),
        cmocka_unit_test(a_reader_that_left_ends_it_quietly),
        cmocka_unit_test(an_error_line_has_at_most_512_bytes),
        cmocka_unit_test(names_cannot_spoil_the_terminal),
        cmocka_unit_test(colours_follow_option_and_environment),
        cmocka_unit_test(help_of_everything_fits),
        cmocka_unit_test(completion_offers_what_fits),
        cmocka_unit_test(the_bash_script_completes),
    };
    return cmocka_run_group_tests(tests, NULL, run_clean);
}
