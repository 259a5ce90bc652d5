/*
 * What the program's output is made of: tables, CSV, names on a terminal, numbers, colours on a real
 * terminal, signals.
 */
#define _XOPEN_SOURCE 700 /* posix_openpt */
#include "cli/format.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "cli/table.h"
#include "run.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static struct cz_table *example(void)
{
    struct cz_table *t = cz_table_create();
    assert_non_null(t);
    cz_table_column(t, "model", "model", CZ_LEFT | CZ_CUT);
    cz_table_column(t, "params\nM", "n_parameters", CZ_RIGHT);
    cz_table_column(t, "\nplan", "planned_bytes", CZ_RIGHT);
    cz_table_column(t, "\npeak", NULL, CZ_RIGHT);
    cz_table_column(t, "front", "pareto", CZ_LEFT);
    cz_table_span(t, 2, 3, "memory MiB");
    cz_table_row(t);
    cz_table_text(t, "net,\"quoted\"");
    cz_table_pair(t, "5.29", "5288548");
    cz_table_cell(t, "%d", 31);
    cz_table_cell(t, "%d", 37);
    cz_table_text(t, "*");
    cz_table_row(t);
    cz_table_text(t, "a_network_with_a_very_long_name_indeed");
    cz_table_pair(t, "66.35", "66347960");
    cz_table_cell(t, "%d", 498);
    cz_table_text(t, "-");
    return t;
}

static void check_table(const struct cz_terminal *terminal, int csv, const char *want)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    struct cz_table *t = example();
    assert_non_null(f);
    assert_int_equal(csv ? cz_table_print_csv(t, f) : cz_table_print(t, f, terminal), 0);
    fclose(f);
    cz_table_destroy(t);
    if (strcmp(text, want) != 0)
        fail_msg("got:\n%s\nwanted:\n%s", text, want);
    free(text);
}

static void tables_are_aligned(void **state)
{
    (void)state;
    check_table(NULL, 0,
                "model                                   params  memory MiB  front\n"
                "                                             M  plan  peak\n"
                "net,\"quoted\"                              5.29    31    37  *\n"
                "a_network_with_a_very_long_name_indeed   66.35   498     -\n");
}

static void tables_shrink_on_a_terminal(void **state)
{
    (void)state;
    struct cz_terminal narrow = {1, 0, 44};
    check_table(&narrow, 0,
                "model              params  memory MiB  front\n"
                "                        M  plan  peak\n"
                "net,\"quoted\"         5.29    31    37  *\n"
                "a_netwo..._indeed   66.35   498     -\n");
}

static void csv_has_raw_values_under_json_names(void **state)
{
    (void)state;
    check_table(NULL, 1,
                "model,n_parameters,planned_bytes,pareto\n"
                "\"net,\"\"quoted\"\"\",5288548,31,*\n"
                "a_network_with_a_very_long_name_indeed,66347960,498,\n");
}

static void names_are_made_printable(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int utf8;
        const char *want;
    } cases[] = {
        {"plain", 0, "plain"},
        {"a\tb\n\033[2J\x7f", 1, "a\\x09b\\x0A\\x1B[2J\\x7F"},
        {"K\xc3\xa4se", 1, "K\xc3\xa4se"},
        {"K\xc3\xa4se", 0, "K\\xC3\\xA4se"},
        {"bad \xc3 \xff end\xe2\x82", 1, "bad \\xC3 \\xFF end\\xE2\\x82"},
        {"\xc0\xaf", 1, "\\xC0\\xAF"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char buf[64];
        assert_string_equal(cz_printable(cases[i].name, cases[i].utf8, buf, sizeof buf), cases[i].want);
    }
    char small[6];
    assert_string_equal(cz_printable("abcdefgh", 1, small, sizeof small), "abcde");
    assert_string_equal(cz_printable("abc\xc3\xa4x", 1, small, 5), "abc"); /* no half character */
}

static void names_are_cut_in_the_middle(void **state)
{
    (void)state;
    char buf[64];
    assert_string_equal(cz_text_cut("short", 10, buf, sizeof buf), "short");
    assert_string_equal(cz_text_cut("0123456789abcdef", 10, buf, sizeof buf), "012...cdef");
    assert_string_equal(
        cz_text_cut("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f", 7, buf, sizeof buf),
        "\xc3\xa4\xc3\xb6...\xc3\xbc\xc3\x9f");
}

static void numbers_for_people(void **state)
{
    (void)state;
    char buf[CZ_FORMAT], text[32];
    assert_string_equal(cz_format_count(0, buf), "0");
    assert_string_equal(cz_format_count(999, buf), "999");
    assert_string_equal(cz_format_count(13964640, buf), "13,964,640");
    assert_string_equal(cz_format_count(-1234, buf), "-1,234");
    assert_string_equal(cz_format_count(INT64_MIN, buf), "-9,223,372,036,854,775,808");
    assert_string_equal(cz_format_bytes(812, buf), "812 bytes");
    assert_string_equal(cz_format_bytes(13951560, buf), "13.3 MiB");
    assert_string_equal(cz_format_ms(0.01334, buf), "0.0133");
    assert_string_equal(cz_format_ms(0.456, buf), "0.456");
    assert_string_equal(cz_format_ms(4.2, buf), "4.20");
    assert_string_equal(cz_format_ms(23.61, buf), "23.6");
    assert_string_equal(cz_format_gmacs(416520, buf), "0.00042");
    assert_string_equal(cz_format_gmacs(4089184256, buf), "4.089");
    assert_string_equal(cz_format_gmacs(0, buf), "0.000");
    assert_string_equal(cz_duration_text(2.6, text, sizeof text), "3 s");
    assert_string_equal(cz_duration_text(720, text, sizeof text), "12 min");
    assert_string_equal(cz_duration_text(11520, text, sizeof text), "3.2 h");
    assert_string_equal(cz_output_suffix("a.b/c.json"), "json");
    assert_string_equal(cz_output_suffix("a.b/c"), "");
    assert_string_equal(cz_output_suffix("a/.hidden"), "");
    assert_string_equal(cz_output_suffix("a."), "");
}

static void outputs_are_refused_before_the_work(void **state)
{
    (void)state;
    cz_error err;
    char path[256], inside[300];
    snprintf(path, sizeof path, "%s", run_text("there.json", "x"));
    assert_int_equal(cz_output_check(path, "--out", 0, &err), CZ_ERR_ARGUMENT);
    assert_int_equal(cz_output_check(path, "--out", 1, &err), CZ_OK);
    assert_int_equal(cz_output_check(run_folder(), "--out", 1, &err), CZ_ERR_IO);
    snprintf(inside, sizeof inside, "%s/new.json", run_folder());
    assert_int_equal(cz_output_check(inside, "--out", 0, &err), CZ_OK);
    snprintf(inside, sizeof inside, "%s/none/new.json", run_folder());
    assert_int_equal(cz_output_check(inside, "--out", 0, &err), CZ_ERR_IO);
    assert_non_null(strstr(err.message, "no such folder; choose another --out"));
    snprintf(inside, sizeof inside, "%s/dangling", run_folder());
    assert_int_equal(symlink("/nonexistent/x", inside), 0);
    assert_int_equal(cz_output_check(inside, "--out", 0, &err), CZ_ERR_ARGUMENT);
    assert_int_equal(cz_output_check("/dev/null", "--out", 1, &err), CZ_ERR_IO);
    assert_string_equal(err.message, "/dev/null: not a regular file; choose another --out");
}

/* Runs a misspelt command with stderr on a terminal of its own; 1 if that got colours. */
static int colored_on_terminal(const char *term, const char *no_color)
{
    char text[1024] = "";
    size_t used = 0;
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0)
        skip();
    const char *name = ptsname(master);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int slave = open(name, O_RDWR | O_NOCTTY);
        dup2(slave, 1);
        dup2(slave, 2);
        setenv("TERM", term, 1);
        setenv("NO_COLOR", no_color, 1);
        unsetenv("FORCE_COLOR");
        unsetenv("CLICOLOR_FORCE");
        execl(CZ_PROGRAM, "convzoo", "xyzzy", (char *)NULL);
        _exit(127);
    }
    int status;
    waitpid(pid, &status, 0);
    fcntl(master, F_SETFL, O_NONBLOCK);
    for (ssize_t n; used < sizeof text - 1 && (n = read(master, text + used, sizeof text - 1 - used)) > 0;)
        used += (size_t)n;
    close(master);
    assert_int_equal(WEXITSTATUS(status), 2);
    assert_non_null(strstr(text, "unknown"));
    return strchr(text, '\033') != NULL;
}

static void a_terminal_gets_colours(void **state)
{
    (void)state;
    assert_int_equal(colored_on_terminal("xterm", ""), 1);
    assert_int_equal(colored_on_terminal("xterm", "1"), 0);
    assert_int_equal(colored_on_terminal("dumb", ""), 0);
    assert_int_equal(colored_on_terminal("", ""), 0);
}

/* Forks, runs body, returns the wait status. */
static int in_child(void (*body)(void))
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        body();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void catch_one(void)
{
    cz_signals_catch();
    raise(SIGTERM);
    _exit(cz_interrupted() == SIGTERM ? 42 : 1);
}

static void catch_two(void)
{
    cz_signals_catch();
    raise(SIGINT);
    raise(SIGINT);
}

static void ignored_stays_ignored(void)
{
    signal(SIGHUP, SIG_IGN);
    cz_signals_catch();
    raise(SIGHUP);
    _exit(cz_interrupted() == 0 ? 42 : 1);
}

static void raise_again(void)
{
    signal(SIGPIPE, SIG_IGN);
    cz_signal_raise(SIGPIPE);
}

static void signals_are_flags_once(void **state)
{
    (void)state;
    assert_int_equal(WEXITSTATUS(in_child(catch_one)), 42);
    int status = in_child(catch_two);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
    assert_int_equal(WEXITSTATUS(in_child(ignored_stays_ignored)), 42);
    status = in_child(raise_again);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
}

/* Building the weights of this network takes 550 MB; completing its command line must not. */
static void completion_reads_no_weights(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* their shadow memory does not fit under a limit */
#else
    char command[512], got[64] = "";
    snprintf(command, sizeof command,
             "ulimit -v 200000; '%s' __complete 4 -- run vgg19 --init golden:1 --expe", CZ_PROGRAM);
    FILE *p = popen(command, "r");
    assert_non_null(p);
    assert_non_null(fgets(got, sizeof got, p));
    assert_int_equal(pclose(p), 0);
    assert_memory_equal(got, "--expect\t", 9);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_aligned),
        cmocka_unit_test(tables_shrink_on_a_terminal),
        cmocka_unit_test(csv_has_raw_values_under_json_names),
        cmocka_unit_test(names_are_made_printable),
        cmocka_unit_test(names_are_cut_in_the_middle),
        cmocka_unit_test(numbers_for_people),
        cmocka_unit_test(outputs_are_refused_before_the_work),
        cmocka_unit_test(a_terminal_gets_colours),
        cmocka_unit_test(signals_are_flags_once),
        cmocka_unit_test(completion_reads_no_weights),
    };
    return cmocka_run_group_tests(tests, NULL, run_clean);
}
