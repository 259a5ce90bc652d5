/*
 * The official ONNX vectors (Debian's libonnx-testdata): every model with its inputs through the importer,
 * through the reference and through the planner (every tier of this CPU, fused and unfused), against its
 * outputs.
 *
 * vectors-not-supported.txt is the exact list of those that we refuse, with the reason: the operators we
 * lack, or what of ours does not cover the case. A vector that begins to pass, or ceases to, fails the test
 * until the list says so. `test_vectors --list` prints the list anew.
 */
#include "engine/reference.h"
#include "engine/runtime.h"
#include "importer/importer.h"

#include <dirent.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { MAX_TENSORS = 64, MAX_REASON = 512 };

enum outcome { PASSED, FAILED, NOT_SUPPORTED };

struct vector {
    char *name; /* "node/test_add" */
    enum outcome reference, planned;
    char reason[MAX_REASON]; /* of the first that is not PASSED */
};

static const char *vectors_dir = VECTORS_DIR;
static int exact;         /* the outputs were rounded once, from double */
static double inaccurate; /* the vector in hand was computed this far from its own definition */
static struct vector *vectors;
static int n_vectors;

/* One with the defaults, and one per tier of this CPU with our own GEMM. */
static cz_runtime *runtimes[8];
static int n_runtimes;

static void *must(void *p)
{
    if (!p) {
        fprintf(stderr, "out of memory\n");
        exit(2);
    }
    return p;
}

static char *join(const char *a, const char *b)
{
    char *path = must(malloc(strlen(a) + strlen(b) + 2));
    sprintf(path, "%s/%s", a, b);
    return path;
}

/* -- finding ----------------------------------------------------------------------------------------------
 */

static int visible(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

static void add_folder(const char *folder)
{
    struct dirent **found = NULL;
    char *path = join(vectors_dir, folder);
    int n = scandir(path, &found, visible, alphasort);
    vectors = must(realloc(vectors, sizeof *vectors * (size_t)(n_vectors + (n > 0 ? n : 0) + 1)));
    for (int i = 0; i < n; i++) {
        vectors[n_vectors++] = (struct vector){join(folder, found[i]->d_name), PASSED, PASSED, ""};
        free(found[i]);
    }
    free(found);
    free(path);
}

/* -- tensors ----------------------------------------------------------------------------------------------
 */

struct tensors {
    int n;
    cz_tensor tensor[MAX_TENSORS];
};

static int64_t tensor_count(const cz_tensor *t)
{
    struct cz_shape s = cz_tensor_shape(t);
    return cz_shape_count(&s);
}

static void release(struct tensors *t)
{
    for (int i = 0; i < t->n; i++)
        free(t->tensor[i].data);
    t->n = 0;
}

/* kind_0.pb, kind_1.pb ... in folder. */
static cz_status read_tensors(const char *folder, const char *kind, struct tensors *out, cz_error *err)
{
    struct stat info;
    out->n = 0;
    for (int i = 0; i < MAX_TENSORS; i++) {
        char file[64];
        snprintf(file, sizeof file, "%s_%d.pb", kind, i);
        char *path = join(folder, file);
        int there = stat(path, &info) == 0;
        cz_status status = there ? cz_onnx_tensor_read(path, &out->tensor[out->n], err) : CZ_OK;
        free(path);
        if (!there || status != CZ_OK)
            return status;
        out->n++;
    }
    return CZ_OK;
}

/*
 * The window functions' outputs were computed with 3.1415 for pi, while the expanded graphs hold 6.28319: up
 * to 2 * 9.3e-5 of angle, half of which reaches the largest element.
 */
static double inaccuracy_of(const char *name)
{
    return strstr(name, "window") && strstr(name, "_expanded") ? 1e-4 : 0;
}

/*
 * Relative to the largest element. The official vectors were computed by numpy and PyTorch in float32: sums
 * of up to some hundred terms in another order, and their exp and tanh, are a few units in the last place
 * off. So are our planned sums. The reference rounds once, at most half a unit of the last place away from an
 * output that was itself rounded once. float16 may differ by a last place, 2^-10, as such models are computed
 * in float32; integers not at all.
 */
static double tolerance_of(cz_dtype dtype, int rounded_once)
{
    if (dtype == CZ_F16)
        return 0x1p-10;
    if (dtype != CZ_F32 && dtype != CZ_F64)
        return 0;
    return fmax(inaccurate, rounded_once ? 0x1p-23 : 2e-6);
}

/*
 * The importer computes float64 models in float32 (importer.h); a few vectors of float64 are uninitialised
 * memory that no float32 can hold.
 */
static int fits_float(const struct tensors *t)
{
    for (int i = 0; i < t->n; i++)
        for (int64_t e = 0; t->tensor[i].dtype == CZ_F64 && e < tensor_count(&t->tensor[i]); e++) {
            double v = fabs(((const double *)t->tensor[i].data)[e]);
            if (v > (double)FLT_MAX || (v > 0 && v < (double)FLT_MIN))
                return 0;
        }
    return 1;
}

static int close_enough(const cz_tensor *got, const cz_tensor *want, double tolerance, char *why)
{
    struct cz_shape a = cz_tensor_shape(got), b = cz_tensor_shape(want);
    char at[CZ_SHAPE_TEXT], bt[CZ_SHAPE_TEXT];
    double largest = 0;
    int64_t n = cz_shape_count(&b);
    if (!cz_shape_equal(&a, &b)) {
        snprintf(why, MAX_REASON, "output is %s; %s wanted", cz_shape_text(&a, at, sizeof at),
                 cz_shape_text(&b, bt, sizeof bt));
        return 0;
    }
    for (int64_t i = 0; i < n; i++)
        if (isfinite(cz_tensor_double(want, i)))
            largest = fmax(largest, fabs(cz_tensor_double(want, i)));
    for (int64_t i = 0; i < n; i++) {
        double x = cz_tensor_double(got, i), y = cz_tensor_double(want, i);
        if (x != y && !(isnan(x) && isnan(y)) && !(fabs(x - y) <= tolerance * largest)) {
            snprintf(why, MAX_REASON, "element %lld is %.9g; %.9g wanted", (long long)i, x, y);
            return 0;
        }
    }
    return 1;
}

/* -- running ----------------------------------------------------------------------------------------------
 */

static enum outcome failed(char *reason, const char *why)
{
    snprintf(reason, MAX_REASON, "%s", why);
    return FAILED;
}

/* Messages begin with the path of the file at fault; the list holds no paths of this machine. */
static const char *without_path(const char *message)
{
    size_t n = strlen(vectors_dir);
    const char *rest = strncmp(message, vectors_dir, n) == 0 ? strstr(message, ": ") : NULL;
    return rest ? rest + 2 : message;
}

static enum outcome refused(cz_status status, const cz_error *err, char *reason)
{
    snprintf(reason, MAX_REASON, "%s", without_path(err->message));
    return status == CZ_ERR_UNSUPPORTED ? NOT_SUPPORTED : FAILED;
}

static enum outcome compare(const cz_tensor *got, const struct tensors *want, int rounded_once, char *reason)
{
    for (int i = 0; i < want->n; i++)
        if (!close_enough(&got[i], &want->tensor[i], tolerance_of(want->tensor[i].dtype, rounded_once),
                          reason))
            return FAILED;
    return PASSED;
}

static enum outcome run_reference(struct cz_graph *g, const struct tensors *in, const struct tensors *want,
                                  char *reason)
{
    struct cz_reference *r;
    cz_tensor got[MAX_TENSORS];
    cz_error err;
    cz_status status = cz_reference_run(g, in->tensor, in->n, &r, &err);
    if (status != CZ_OK)
        return refused(status, &err, reason);
    for (int i = 0; i < g->n_outputs && i < MAX_TENSORS; i++)
        got[i] = *cz_reference_output(r, i);
    enum outcome outcome = compare(got, want, exact, reason);
    cz_reference_destroy(r);
    return outcome;
}

/*
 * A plan's shapes and modes are fixed: inputs that they hang on are given to it as constants. Bit i of
 * `inputs` is input i; "Reduce" stands for all that begin so.
 */
static const struct {
    const char *op;
    unsigned inputs;
} deciding[] = {
    {"ConstantOfShape", 1}, {"Dropout", 6}, {"Expand", 2},  {"NonZero", 1},   {"OneHot", 2},   {"Pad", 10},
    {"Range", 7},           {"Reduce", 2},  {"Reshape", 2}, {"Resize", 14},   {"Slice", 30},   {"Split", 2},
    {"Squeeze", 2},         {"Tile", 6},    {"TopK", 2},    {"Unsqueeze", 2}, {"Upsample", 2},
};

static int decides(const struct cz_op *op, int i)
{
    for (size_t d = 0; d < sizeof deciding / sizeof *deciding; d++)
        if (strncmp(op->name, deciding[d].op, strlen(deciding[d].op)) == 0)
            return (int)(deciding[d].inputs >> i & 1);
    return 0;
}

/* Per value: whether a node's shapes hang on it, by itself or through what is computed from it. */
static char *mark_deciding(const struct cz_graph *g)
{
    char *marked = must(calloc((size_t)g->n_values + 1, 1));
    for (int n = g->n_nodes - 1; n >= 0; n--) {
        const struct cz_node *node = &g->nodes[n];
        int passes_on = 0;
        for (int i = 0; i < node->n_out; i++)
            passes_on |= node->out[i] >= 0 && marked[node->out[i]] && !(node->op->flags & CZ_OP_SHAPE_ONLY);
        for (int i = 0; i < node->n_in; i++)
            if (node->in[i] >= 0)
                marked[node->in[i]] |= (char)(passes_on || decides(node->op, i));
    }
    return marked;
}

/* Turns input i into a parameter that holds `t`, which must outlive the graph. */
static void bind_input(struct cz_graph *g, int i, const cz_tensor *t)
{
    struct cz_value *v = &g->values[g->inputs[i]];
    if (cz_grow(&g->params.items, &g->params.capacity, (size_t)g->params.count, sizeof *g->params.items))
        must(NULL);
    g->params.items[g->params.count] = (struct cz_param){.name = v->name, .role = CZ_CONSTANT, .value = *t};
    v->kind = CZ_PARAM;
    v->param = g->params.count++;
    v->shape = cz_tensor_shape(t);
    g->n_inputs--;
    memmove(&g->inputs[i], &g->inputs[i + 1], sizeof *g->inputs * (size_t)(g->n_inputs - i));
}

static struct tensors bind_shapes(struct cz_graph *g, const struct tensors *in)
{
    struct tensors left = {0};
    char *marked = mark_deciding(g);
    for (int i = 0, at = 0; i < in->n; i++)
        if (marked[g->inputs[at]])
            bind_input(g, at, &in->tensor[i]);
        else
            left.tensor[left.n++] = in->tensor[i], at++;
    free(marked);
    return left;
}

/* The given inputs' shapes, for models that leave dimensions open. */
static int fill_shapes(const struct cz_graph *g, const struct tensors *in, cz_input_shape *shapes)
{
    for (int i = 0; i < in->n; i++) {
        shapes[i] = (cz_input_shape){.name = g->values[g->inputs[i]].name, .rank = in->tensor[i].rank};
        memcpy(shapes[i].dim, in->tensor[i].dim, sizeof shapes[i].dim);
    }
    return in->n;
}

static enum outcome run_session(cz_session *s, const struct tensors *in, const struct tensors *want,
                                char *reason)
{
    cz_tensor got[MAX_TENSORS] = {0};
    cz_error err;
    cz_status status = cz_session_run(s, in->tensor, (size_t)in->n, got, (size_t)want->n, &err);
    return status == CZ_OK ? compare(got, want, 0, reason) : refused(status, &err, reason);
}

static enum outcome run_plan(cz_runtime *runtime, struct cz_graph *g, const struct tensors *in,
                             const struct tensors *want, int no_fuse, char *reason)
{
    cz_plan *plan = NULL;
    cz_session *session = NULL;
    cz_input_shape shapes[MAX_TENSORS];
    cz_plan_options options = {.struct_size = sizeof options,
                               .inputs = shapes,
                               .n_inputs = fill_shapes(g, in, shapes),
                               .no_fuse = no_fuse};
    cz_error err;
    cz_status status = cz_plan_create(runtime, g, &options, &plan, &err);
    if (status == CZ_OK)
        status = cz_session_create(plan, &session, &err);
    enum outcome outcome =
        status == CZ_OK ? run_session(session, in, want, reason) : refused(status, &err, reason);
    cz_session_destroy(session);
    cz_plan_destroy(plan);
    return outcome;
}

/* Every runtime, fused and not; the reason of a failure begins with the tier. */
static enum outcome run_planned(struct cz_graph *g, const struct tensors *in, const struct tensors *want,
                                char *reason)
{
    enum outcome outcome = PASSED;
    char why[MAX_REASON] = "";
    for (int i = 0; i < 2 * n_runtimes && outcome == PASSED; i++) {
        cz_runtime *runtime = runtimes[i / 2];
        outcome = run_plan(runtime, g, in, want, i % 2, why);
        if (outcome == FAILED)
            snprintf(reason, MAX_REASON, "%s%s: %.400s", cz_runtime_isa(runtime), i % 2 ? ", no fusing" : "",
                     why);
        else if (outcome == NOT_SUPPORTED)
            snprintf(reason, MAX_REASON, "%s", why);
    }
    return outcome;
}

static void run_data(struct vector *v, struct cz_graph *g, const char *folder)
{
    struct tensors in, want = {0};
    cz_error err;
    cz_status status = read_tensors(folder, "input", &in, &err);
    if (status == CZ_OK)
        status = read_tensors(folder, "output", &want, &err);
    if (status != CZ_OK)
        v->reference = v->planned = refused(status, &err, v->reason);
    else if (in.n != g->n_inputs || want.n != g->n_outputs)
        v->reference = v->planned = failed(v->reason, "another number of tensors than the model says");
    else if (!fits_float(&in) || !fits_float(&want)) {
        v->reference = v->planned = NOT_SUPPORTED;
        snprintf(v->reason, MAX_REASON, "float64 numbers beyond float32, in which such models are computed");
    } else {
        v->reference = run_reference(g, &in, &want, v->reason);
        struct tensors left = bind_shapes(g, &in);
        v->planned = v->reference == PASSED ? run_planned(g, &left, &want, v->reason) : v->reference;
    }
    /* The graph's bound parameters point into `in`; it is not used after this. */
    release(&in);
    release(&want);
}

static int named_before(const struct cz_onnx_report *report, int i)
{
    for (int j = 0; j < i; j++)
        if (strcmp(report->unsupported[j].op, report->unsupported[i].op) == 0)
            return 1;
    return 0;
}

/* "operators: Abs Scan": those that stood in the way, each once; one that we have is followed by why. */
static void list_operators(const struct cz_onnx_report *report, char *reason)
{
    int known, used = snprintf(reason, MAX_REASON, "operators:");
    for (int i = 0; i < report->n_unsupported && used < MAX_REASON; i++) {
        const struct cz_onnx_unsupported *u = &report->unsupported[i];
        if (named_before(report, i))
            continue;
        cz_op_find(u->op, u->opset, &known);
        used +=
            snprintf(reason + used, MAX_REASON - (size_t)used, known ? " %s (%s)" : " %s", u->op, u->reason);
    }
}

static struct cz_graph *load(struct vector *v, const char *folder)
{
    struct cz_graph *g = NULL;
    struct cz_onnx_report *report = NULL;
    cz_error err;
    char *path = join(folder, "model.onnx");
    cz_status status = cz_onnx_load(path, NULL, &g, &report, &err);
    if (status != CZ_OK) {
        v->reference = v->planned = refused(status, &err, v->reason);
        if (report && report->n_unsupported)
            list_operators(report, v->reason);
    }
    cz_onnx_report_destroy(report);
    free(path);
    return g;
}

static void run_vector(struct vector *v)
{
    char *folder = join(vectors_dir, v->name);
    struct stat info;
    inaccurate = inaccuracy_of(v->name);
    for (int set = 0; v->reference == PASSED && v->planned == PASSED; set++) {
        char name[32];
        snprintf(name, sizeof name, "test_data_set_%d", set);
        char *data = join(folder, name);
        int there = stat(data, &info) == 0;
        struct cz_graph *g = there ? load(v, folder) : NULL;
        if (g)
            run_data(v, g, data);
        cz_graph_release(g);
        free(data);
        if (!there) {
            if (set == 0)
                v->reference = v->planned = failed(v->reason, "no data");
            break;
        }
    }
    free(folder);
}

static int add_runtime(const char *isa, const char *gemm)
{
    cz_runtime_options options = {.struct_size = sizeof options, .n_threads = 2, .isa = isa, .gemm = gemm};
    cz_error err;
    if (cz_runtime_create(&options, &runtimes[n_runtimes], &err) != CZ_OK) {
        print_error("%s\n", err.message);
        return 1;
    }
    n_runtimes++;
    return 0;
}

static int run_folders(const char *const *folders, int n)
{
    const char *tiers[7];
    int n_tiers = cz_runtime_tiers(tiers, 7), wrong = add_runtime(NULL, NULL);
    for (int i = 0; i < n_tiers; i++)
        wrong |= add_runtime(tiers[i], "own");
    if (wrong)
        return 1;
    for (int i = 0; i < n; i++)
        add_folder(folders[i]);
    for (int i = 0; i < n_vectors; i++)
        run_vector(&vectors[i]);
    return 0;
}

static int run_official(void **state)
{
    static const char *const folders[] = {"node", "pytorch-converted", "pytorch-operator", "simple"};
    (void)state;
    return vectors_dir[0] ? run_folders(folders, sizeof folders / sizeof *folders) : 0;
}

static int run_torch(void **state)
{
    static const char *const folder = "torch";
    (void)state;
    exact = 1;
    return run_folders(&folder, 1);
}

/* Another runtime's outputs, in float32 like the official ones. */
static int run_peer(void **state)
{
    static const char *const folder = "peer";
    (void)state;
    return run_folders(&folder, 1);
}

static int clean_up(void **state)
{
    (void)state;
    for (int i = 0; i < n_vectors; i++)
        free(vectors[i].name);
    free(vectors);
    while (n_runtimes > 0)
        cz_runtime_destroy(runtimes[--n_runtimes]);
    return 0;
}

/* -- judging ----------------------------------------------------------------------------------------------
 */

static int count(enum outcome outcome, size_t offset)
{
    int n = 0;
    for (int i = 0; i < n_vectors; i++)
        n += *(const enum outcome *)((const char *)&vectors[i] + offset) == outcome;
    return n;
}

static void judge(const char *mode, size_t offset)
{
    if (!vectors_dir[0])
        skip();
    for (int i = 0; i < n_vectors; i++)
        if (*(const enum outcome *)((const char *)&vectors[i] + offset) == FAILED)
            print_message("  failed: %s: %s\n", vectors[i].name, vectors[i].reason);
    print_message("%s: %d passed, %d failed, %d not supported, of %d\n", mode, count(PASSED, offset),
                  count(FAILED, offset), count(NOT_SUPPORTED, offset), n_vectors);
    assert_int_equal(count(FAILED, offset), 0);
    assert_true(n_vectors > 0);
}

/* The first operator that stood in the way of a vector, or "other". */
static void blocker(const struct vector *v, char *name, size_t size)
{
    const char *prefix = "operators: ";
    size_t n = strlen(prefix);
    int by_operator = strncmp(v->reason, prefix, n) == 0;
    snprintf(name, size, "%.*s", by_operator ? (int)strcspn(v->reason + n, " ") : 5,
             by_operator ? v->reason + n : "other");
}

/* "not supported, by operator: Abs 1, Acos 2, ..." */
static void print_tally(void)
{
    char name[80], other[80];
    print_message("not supported, by operator:");
    for (int i = 0; i < n_vectors; i++) {
        int seen = 0, n = 0;
        blocker(&vectors[i], name, sizeof name);
        for (int j = 0; j < n_vectors && vectors[i].planned == NOT_SUPPORTED; j++) {
            blocker(&vectors[j], other, sizeof other);
            int same = vectors[j].planned == NOT_SUPPORTED && strcmp(name, other) == 0;
            seen |= same && j < i;
            n += same;
        }
        if (n && !seen)
            print_message(" %s %d,", name, n);
    }
    print_message("\n");
}

static void test_reference(void **state)
{
    (void)state;
    judge("reference", offsetof(struct vector, reference));
}

static void test_planned(void **state)
{
    (void)state;
    judge("planned", offsetof(struct vector, planned));
}

static void line_of(const struct vector *v, char *line, size_t size)
{
    snprintf(line, size, "%s: %s\n", v->name, v->reason);
}

static void print_list(FILE *out)
{
    char line[MAX_REASON + 200];
    for (int i = 0; i < n_vectors; i++)
        if (vectors[i].planned == NOT_SUPPORTED) {
            line_of(&vectors[i], line, sizeof line);
            fputs(line, out);
        }
}

/* Lines of the list, comments left out, must be print_list's. */
static void test_list(void **state)
{
    char got[MAX_REASON + 200], want[MAX_REASON + 200];
    int wrong = 0, i = 0;
    (void)state;
    if (!vectors_dir[0])
        skip();
    FILE *in = fopen(CZ_SOURCE_DIR "/tests/ops/vectors-not-supported.txt", "r");
    assert_non_null(in);
    print_tally();
    while (fgets(want, sizeof want, in)) {
        if (want[0] == '#')
            continue;
        while (i < n_vectors && vectors[i].planned != NOT_SUPPORTED)
            i++;
        strcpy(got, "(nothing)\n");
        if (i < n_vectors)
            line_of(&vectors[i++], got, sizeof got);
        if (strcmp(got, want) != 0 && wrong++ < 5)
            print_message("  list: %s  run:  %s", want, got);
    }
    fclose(in);
    for (; i < n_vectors; i++)
        if (vectors[i].planned == NOT_SUPPORTED && wrong++ < 5)
            print_message("  not in the list: %s: %s\n", vectors[i].name, vectors[i].reason);
    assert_int_equal(wrong, 0);
}

static void test_nothing_refused(void **state)
{
    (void)state;
    for (int i = 0; i < n_vectors; i++)
        if (vectors[i].planned == NOT_SUPPORTED)
            print_message("  refused: %s: %s\n", vectors[i].name, vectors[i].reason);
    assert_int_equal(count(NOT_SUPPORTED, offsetof(struct vector, planned)), 0);
}

static int test_folder(const char *folder, CMFixtureFunction run)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference),
        cmocka_unit_test(test_planned),
        cmocka_unit_test(test_nothing_refused),
    };
    vectors_dir = folder;
    return cmocka_run_group_tests(tests, run, clean_up);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference),
        cmocka_unit_test(test_planned),
        cmocka_unit_test(test_list),
    };
    if (argc == 3 && strcmp(argv[1], "--folder") == 0)
        return test_folder(argv[2], run_torch);
    if (argc == 3 && strcmp(argv[1], "--peer") == 0)
        return test_folder(argv[2], run_peer);
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        int status = run_official(NULL);
        print_list(stdout);
        clean_up(NULL);
        return status;
    }
    return cmocka_run_group_tests(tests, run_official, clean_up);
}
