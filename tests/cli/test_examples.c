/*
 * Every example of every help text runs as it stands, in a folder that has the files it names.
 *
 * `test_examples slow` runs those of the commands in `slow`, which take minutes, and the test without it all
 * others.
 */
#include "run.h"
#include "fixtures.h"
#include "cli/commands.h"
#include "cli/help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* The files that examples name. SqueezeNet: a real network of the usual input that is made in a moment. */
static int make_files(void **state)
{
    (void)state;
    static const long long picture[] = {1, 3, 224, 224}, row[] = {2, 4};
    static const char *const folders[] = {"photos",
                                          "photos/ants",
                                          "photos/bees",
                                          "flowers",
                                          "flowers/rose",
                                          "flowers/tulip",
                                          ".local",
                                          ".local/share",
                                          ".local/share/bash-completion",
                                          ".local/share/bash-completion/completions",
                                          ".zfunc",
                                          ".config",
                                          ".config/fish",
                                          ".config/fish/completions"};
    fixture_network("net.onnx", "squeezenet1_1", "");
    fixture_sum("two.onnx");
    fixture_tensor("x.npy", picture, 4, 1);
    fixture_tensor("a.npy", row, 2, 2);
    fixture_tensor("b.npy", row, 2, 3);
    fixture_picture("photo.jpg", 240, 320, 4);
    fixture_picture("cat.png", 120, 90, 7);
    fixture_names("names.txt", 1000);
    run_text("x.txt", "1 2 4 2 1\n4 7 3 2 1\n4 5 2 3 1\n2 1 7 8 4\n3 2 4 7 8\n");
    run_text("k.txt", "1 0 1\n0 2 1\n1 0 1\n");
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", run_folder(), folders[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    for (unsigned i = 0; i < 10; i++) {
        char name[64];
        snprintf(name, sizeof name, "photos/%s/%u.jpg", i % 2 ? "ants" : "bees", i);
        fixture_picture(name, 240, 320, 10 + i);
    }
    fixture_picture("flowers/rose/1.png", 60, 80, 8);
    fixture_picture("flowers/tulip/1.png", 60, 80, 9);
    char bin[256];
    snprintf(bin, sizeof bin, "%s/convzoo", run_folder());
    assert_int_equal(symlink(CZ_PROGRAM, bin), 0);
    return 0;
}

/* In the order they run: eval reads what finetune's examples made. */
static const char *const slow[] = {"bench", "zoo verify", "finetune", "eval", "compare"};
static int want_slow;

static int is_slow(const char *command)
{
    for (size_t i = 0; i < sizeof slow / sizeof *slow; i++)
        if (strcmp(slow[i], command) == 0)
            return 1;
    return 0;
}

/* Runs the line in a shell, in that folder, with it as home. */
static void run_example(const char *line)
{
    char command[1024], output[4096] = "";
    snprintf(command, sizeof command,
             "cd '%s' && HOME='%s' PATH=\"$PWD:$PATH\" XDG_CONFIG_HOME='' sh -c '%s' 2>&1", run_folder(),
             run_folder(), line);
    FILE *p = popen(command, "r");
    assert_non_null(p);
    size_t n = fread(output, 1, sizeof output - 1, p);
    output[n] = '\0';
    while (fread(command, 1, sizeof command, p) > 0)
        ;
    int status = pclose(p);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("%s\nexit %d\n%s", line, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
                 output);
}

/* What compare's examples name, from what finetune's and eval's made. */
static const char compared_files[] = "for f in head other old new; do cp net.json $f.json; done; "
                                     "for d in a b c; do cp -r runs/net-photos runs/$d; done";

static int run_examples_of(const struct cz_command *c)
{
    char line[CZ_HELP_EXAMPLE], comment[CZ_HELP_EXAMPLE];
    int n = 0;
    for (; cz_help_example(c, n, line, comment); n++)
        run_example(line);
    if (c->group != CZ_HIDDEN && n == 0)
        fail_msg("%s: no example", c->name);
    return n;
}

static const struct cz_command *command_called(const char *name)
{
    for (int i = 0; i < cz_command_count(); i++)
        if (strcmp(cz_command_at(i)->name, name) == 0)
            return cz_command_at(i);
    fail_msg("%s: no such command", name);
    return NULL;
}

static void every_example_runs(void **state)
{
    (void)state;
    int n = 0;
    if (want_slow) {
        for (size_t i = 0; i < sizeof slow / sizeof *slow; i++) {
            if (strcmp(slow[i], "compare") == 0)
                run_example(compared_files);
            n += run_examples_of(command_called(slow[i]));
        }
    } else {
        for (int i = 0; i < cz_command_count(); i++)
            if (!is_slow(cz_command_at(i)->name))
                n += run_examples_of(cz_command_at(i));
    }
    assert_true(n > 0);
}

int main(int argc, char **argv)
{
    want_slow = argc > 1 && strcmp(argv[1], "slow") == 0;
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_example_runs)};
    return cmocka_run_group_tests(tests, make_files, run_clean);
}
