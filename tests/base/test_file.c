/*
 * Files that are written whole or not at all: what is left behind when the process is killed in the middle,
 * and what such a file must never take the place of.
 */
#define _GNU_SOURCE /* O_TMPFILE */
#include "base/file.h"

#include <dirent.h>
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

static char folder[] = "/tmp/convzoo-file-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int count_entries(void)
{
    int n = 0;
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(d);
    return n;
}

static void expect_content(const char *path, const char *want)
{
    unsigned char *data;
    size_t size;
    cz_error err = {0};
    if (cz_file_read(path, 1000, &data, &size, &err) != CZ_OK)
        fail_msg("%s", err.message);
    assert_string_equal((const char *)data, want);
    free(data);
}

/* Begins to write `path` and is killed. */
static void die_writing(const char *path)
{
    struct cz_file_writer w;
    pid_t pid = fork();
    if (pid == 0) {
        if (cz_file_writer_open(path, &w, NULL) == CZ_OK && fputs("half", w.stream) >= 0 &&
            fflush(w.stream) == 0)
            raise(SIGKILL);
        _exit(1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static int has_nameless_files(void)
{
    int fd = open(folder, O_TMPFILE | O_WRONLY, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void a_killed_writer_leaves_nothing(void **state)
{
    (void)state;
    if (!has_nameless_files())
        skip();
    const char *path = in_folder("new");
    die_writing(path);
    assert_int_equal(count_entries(), 0);
    assert_int_equal(cz_file_write(path, "old", 3, NULL), CZ_OK);
    die_writing(path);
    assert_int_equal(count_entries(), 1);
    expect_content(path, "old");
    assert_int_equal(unlink(path), 0);
}

static void a_finished_file_replaces_the_old_one(void **state)
{
    (void)state;
    struct stat st;
    const char *path = in_folder("file");
    mode_t before = umask(027);
    assert_int_equal(cz_file_write(path, "first", 5, NULL), CZ_OK);
    assert_int_equal(cz_file_write(path, "second", 6, NULL), CZ_OK);
    umask(before);
    expect_content(path, "second");
    assert_int_equal(count_entries(), 1);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal(unlink(path), 0);
}

/* The sibling's name may still be there from a process of the same number that was killed. */
static void a_name_left_from_before_is_passed_over(void **state)
{
    (void)state;
    char left[300];
    const char *path = in_folder("file");
    snprintf(left, sizeof left, "%s.tmp-%ld-0", path, (long)getpid());
    assert_int_equal(cz_file_write(left, "theirs", 6, NULL), CZ_OK);
    assert_int_equal(cz_file_write(path, "first", 5, NULL), CZ_OK);
    assert_int_equal(cz_file_write(path, "second", 6, NULL), CZ_OK);
    expect_content(path, "second");
    expect_content(left, "theirs");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(unlink(left), 0);
}

static void what_is_no_file_stays_what_it_is(void **state)
{
    (void)state;
    struct stat st;
    cz_error err;
    const char *path = in_folder("pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(cz_file_write(path, "x", 1, &err), CZ_ERR_IO);
    assert_non_null(strstr(err.message, "pipe: not a regular file; choose another place"));
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(cz_file_write(folder, "x", 1, &err), CZ_ERR_IO);
    assert_non_null(strstr(err.message, "is a folder, a file is wanted"));
    assert_int_equal(count_entries(), 0);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_writer_leaves_nothing),
        cmocka_unit_test(a_finished_file_replaces_the_old_one),
        cmocka_unit_test(a_name_left_from_before_is_passed_over),
        cmocka_unit_test(what_is_no_file_stays_what_it_is),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
