/*
 * Who may include whom, read from the #include lines, and which names stay out of the library.
 *
 * Linking enforces most of it already (a folder's target links only what it may use), but an archive forgives
 * a wrong include of a header without functions, and every folder sees every header. The rules are the two
 * tables below; the first half of the tests shows that each rule bites, the last one walks the tree.
 *
 * Source: docs/architecture.md, "Who may depend on whom".
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_ALLOWED = 8, PATH_BYTES = 512 };

/*
 * A file belongs to the first row whose prefix its path begins with; it may include what begins with one of
 * `allowed`. Kernels see no engine state: they are compiled per instruction tier, and code with state that
 * slipped in would be compiled for CPUs that are not there.
 */
static const struct layer {
    const char *prefix;
    const char *allowed[MAX_ALLOWED];
} layers[] = {
    {"include/", {"convzoo/"}},
    {"base/", {"base/", "convzoo/"}},
    {"engine/kernels/table.c", {"engine/kernels/", "base/", "convzoo/"}},
    {"engine/kernels/",
     {"engine/kernels/", "base/checked.h", "base/fpenv.h", "base/math.h", "base/philox.h", "convzoo/"}},
    {"engine/", {"engine/", "base/", "convzoo/"}},
    {"importer/", {"importer/", "engine/", "base/", "convzoo/", "onnx.pb-c.h"}},
    {"zoo/", {"zoo/", "engine/", "base/", "convzoo/"}},
    {"data/", {"data/", "engine/tensor.h", "base/", "convzoo/"}},
    {"finetune/", {"finetune/", "engine/", "data/", "importer/", "base/", "convzoo/"}},
    {"bench/", {"bench/", "engine/", "base/", "convzoo/"}},
    {"cli/", {""}},
};

/* A word of the code (comments and strings taken out), and where alone it may stand. */
static const struct word {
    const char *word;
    const char *only_in[MAX_ALLOWED];
} words[] = {
    /* The library says nothing by itself and ends no process; bench/peers is a program. */
    {"printf", {"cli/", "bench/report_", "bench/peers/"}},
    {"vprintf", {"cli/", "bench/report_"}},
    {"puts", {"cli/", "bench/report_"}},
    {"putchar", {"cli/", "bench/report_"}},
    {"stdout", {"cli/", "bench/report_", "bench/peers/"}},
    {"stderr", {"cli/", "bench/peers/"}},
    {"perror", {"cli/"}},
    {"exit", {"cli/"}},
    {"_exit", {"cli/", "bench/worker.c"}}, /* a worker is a process of its own */
    {"abort", {"cli/"}},
    /* One seam each for other processes and for the file format's generated types. */
    {"MPI_Init_thread", {"finetune/comm_mpi.c"}},
    {"MPI_COMM_WORLD", {"finetune/comm_mpi.c"}},
    {"Onnx__ModelProto", {"importer/"}},
    /* Bits must not depend on the C library's random numbers. */
    {"rand", {NULL}},
    {"srand", {NULL}},
    {"drand48", {NULL}},
};

/* System headers that only some may see. */
static const struct word headers[] = {
    {"mpi.h", {"finetune/comm_mpi.c"}},
    {"cblas.h", {NULL}}, /* OpenBLAS is opened at run time, never linked: see engine/gemm_openblas.c */
    {"openblas/", {NULL}},
    {"protobuf-c/", {"importer/"}},
    {"zip.h", {"importer/archive.c"}},
    {"curl/", {"cli/download.c"}}, /* the library opens no connection, and of the program only pull does */
    {"png.h", {NULL}},             /* libspng reads PNG */
};

static int begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static int begins_with_any(const char *text, const char *const prefix[MAX_ALLOWED])
{
    for (int i = 0; i < MAX_ALLOWED && prefix[i]; i++) {
        if (begins_with(text, prefix[i]))
            return 1;
    }
    return 0;
}

static const struct layer *layer_of(const char *path)
{
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        if (begins_with(path, layers[i].prefix))
            return &layers[i];
    }
    return NULL;
}

static int complain(const char *path, int line, const char *what, const char *name)
{
    print_error("%s:%d: %s '%s'\n", path, line, what, name);
    return 1;
}

/* A source that defines a descriptor is an operator; the other files in engine/ops are what operators share.
 */
static int is_operator(const char *source)
{
    char line[1024];
    int found = 0;
    FILE *in = fopen(source, "r");
    while (in && !found && fgets(line, sizeof line, in))
        found = strstr(line, "const struct cz_op cz_op_") != NULL;
    if (in)
        fclose(in);
    return found;
}

/*
 * An operator knows no other operator: of the headers in engine/ops it includes its own and the shared ones.
 * The planner, and the files with fast paths of several operators, may read every operator's header.
 */
static int is_other_operator(const char *path, const char *name)
{
    char source[PATH_BYTES];
    size_t stem = strcspn(name, ".");
    if (!begins_with(path, "engine/ops/") || !begins_with(name, "engine/ops/"))
        return 0;
    if (strcmp(name + stem, ".c") == 0)
        return 1;
    int n = snprintf(source, sizeof source, "%.*s.c", (int)stem, name);
    assert_in_range(n, 0, (int)sizeof source - 1);
    return is_operator(source) && is_operator(path) && strncmp(path, name, stem + 1) != 0;
}

static int check_include(const char *path, int line, const char *text)
{
    char quote, name[PATH_BYTES];
    text += strspn(text, " \t");
    if (*text != '#' || sscanf(text, "# include %c%511[^\">]", &quote, name) != 2)
        return 0;
    if (quote == '<') {
        for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
            if (begins_with(name, headers[i].word) && !begins_with_any(path, headers[i].only_in))
                return complain(path, line, "may not include", name);
        }
        return 0;
    }
    const struct layer *layer = layer_of(path);
    if (!layer || !begins_with_any(name, layer->allowed) || is_other_operator(path, name))
        return complain(path, line, "may not include", name);
    return 0;
}

/* Blanks comments, strings and character constants, in place; newlines stay. */
static void blank_text(char *code)
{
    for (char *p = code; *p;) {
        char end = *p;
        if (begins_with(p, "/*") || begins_with(p, "//")) {
            const char *stop = p[1] == '*' ? "*/" : "\n";
            while (*p && !begins_with(p, stop)) {
                if (*p != '\n')
                    *p = ' ';
                p++;
            }
            if (*p == '*')
                p[0] = p[1] = ' ';
        } else if (end == '"' || end == '\'') {
            for (*p++ = ' '; *p && *p != end && *p != '\n'; p++) {
                if (*p == '\\' && p[1])
                    *p++ = ' ';
                *p = ' ';
            }
            if (*p == end)
                *p++ = ' ';
        } else {
            p++;
        }
    }
}

static int check_word(const char *path, int line, const char *word)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(word, words[i].word) == 0 && !begins_with_any(path, words[i].only_in))
            return complain(path, line, "may not use", word);
    }
    return 0;
}

static int check_words(const char *path, char *code)
{
    int bad = 0, line = 1;
    for (char *p = code; *p;) {
        if (isalpha((unsigned char)*p) || *p == '_') {
            size_t length = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
            char word[PATH_BYTES];
            snprintf(word, sizeof word, "%.*s", (int)length, p);
            if (!begins_with(p, "printf,")) /* as in __attribute__((format(printf, 1, 2))) */
                bad += check_word(path, line, word);
            p += length;
        } else {
            line += *p == '\n';
            p++;
        }
    }
    return bad;
}

/* Number of broken rules in a file's text, each printed. */
static int check_text(const char *path, const char *text)
{
    int bad = 0, line = 1;
    for (const char *p = text; *p; line++) {
        bad += check_include(path, line, p);
        p += strcspn(p, "\n");
        p += *p == '\n';
    }
    char *code = strdup(text);
    assert_non_null(code);
    blank_text(code);
    bad += check_words(path, code);
    free(code);
    return bad;
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    assert_true(size >= 0);
    rewind(file);
    char *text = malloc((size_t)size + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)size, file), (size_t)size);
    text[size] = '\0';
    fclose(file);
    return text;
}

static int is_code(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && (strcmp(dot, ".c") == 0 || strcmp(dot, ".h") == 0 || strcmp(dot, ".def") == 0);
}

static int check_tree(const char *folder, int *n_files)
{
    int bad = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[PATH_BYTES];
        struct stat info;
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "node_modules") == 0)
            continue;
        int n = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        assert_in_range(n, 0, (int)sizeof path - 1);
        assert_int_equal(stat(path, &info), 0);
        if (S_ISDIR(info.st_mode)) {
            bad += check_tree(path, n_files);
        } else if (is_code(entry->d_name)) {
            char *text = read_file(path);
            bad += check_text(path, text);
            free(text);
            ++*n_files;
        }
    }
    closedir(dir);
    return bad;
}

/* Lines that must be refused, and their neighbours that must not. */
static const struct example {
    const char *path, *text;
    int bad;
} examples[] = {
    {"base/pool.c", "#include \"base/pool.h\"\n#include <stdio.h>\n", 0},
    {"base/pool.c", "#include \"engine/graph.h\"\n", 1},
    {"engine/plan.c", "#include \"importer/importer.h\"\n", 1},
    {"engine/plan.c", "\n  #  include \"zoo/zoo.h\"\n", 1},
    {"engine/kernels/relu.c", "#include \"engine/graph.h\"\n", 1},
    {"engine/kernels/relu.c", "#include \"base/pool.h\"\n", 1},
    {"engine/kernels/relu.c", "#include \"engine/kernels/vec.h\"\n", 0},
    {"importer/onnx_load.c", "#include \"onnx.pb-c.h\"\n", 0},
    {"importer/onnx_load.c", "#include \"zoo/zoo.h\"\n", 1},
    {"zoo/zoo.c", "#include \"importer/importer.h\"\n", 1},
    {"data/loader.c", "#include \"engine/tensor.h\"\n", 0},
    {"data/loader.c", "#include \"engine/graph.h\"\n", 1},
    {"bench/bench.c", "#include \"finetune/head.h\"\n", 1},
    {"finetune/head.c", "#include \"bench/bench.h\"\n", 1},
    {"finetune/head.c", "#include \"cli/args.h\"\n", 1},
    {"cli/args.c", "#include \"finetune/head.h\"\n", 0},
    {"zoo/zoo.c", "#include \"builder.h\"\n", 1},
    {"engine/ops/gemm.c", "#include \"engine/ops/gemm.c\"\n", 1},
    {"engine/ops/gemm.c", "#include \"engine/ops/conv.h\"\n", 1},
    {"engine/ops/gemm.c", "#include \"engine/ops/gemm.h\"\n", 0},
    {"engine/ops/gemm.c", "#include \"engine/ops/common.h\"\n", 0},
    {"engine/plan.c", "#include \"engine/ops/conv.h\"\n", 0},
    {"finetune/comm_mpi.c", "#include <mpi.h>\n", 0},
    {"finetune/trainer.c", "#include <mpi.h>\n", 1},
    {"engine/gemm_openblas.c", "#include <cblas.h>\n", 1},
    {"zoo/zoo.c", "#include <protobuf-c/protobuf-c.h>\n", 1},
    {"base/log.c", "void f(void) { printf(\"x\"); }", 1},
    {"base/log.c", "void f(void) { snprintf(b, 1, \"printf stdout\"); } /* exit */ // abort", 0},
    {"base/log.c", "char c = '\"'; int x = fputs(b, stderr);", 1},
    {"bench/report_table.c", "puts(b);", 0},
    {"bench/bench.c", "puts(b);", 1},
    {"engine/plan.c", "int a = rand();", 1},
};

static void rules_bite(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        const struct example *e = &examples[i];
        int bad = check_text(e->path, e->text);
        if (bad != e->bad)
            fail_msg("%s: '%s': wanted %d broken rules, found %d", e->path, e->text, e->bad, bad);
    }
}

static void tree_keeps_the_rules(void **state)
{
    static const char *const folders[] = {"include", "base",     "engine", "importer", "zoo",
                                          "data",    "finetune", "bench",  "cli"};
    (void)state;
    int bad = 0, n_files = 0;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        bad += check_tree(folders[i], &n_files);
    assert_true(n_files > 30); /* the foundation alone has more: fewer means the walk missed them */
    assert_int_equal(bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_bite),
        cmocka_unit_test(tree_keeps_the_rules),
    };
    if (chdir(CZ_SOURCE_DIR) != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
