/*
 * Any bytes as an ONNX model, and as a tensor file: loaded with a report, and where a graph comes out it is
 * written again, planned, and run once on ones if that is small work.
 *
 * Plain mutation breaks a length nearly always and gets no further, so the mutator here knows the wire
 * format: it picks a field somewhere in the nest of messages, changes, copies or drops it, and mends all
 * lengths around it. What is a message it guesses: bytes that read as fields from end to end.
 */
#include "engine/plan.h"
#include "engine/tensor.h"
#include "importer/importer.h"
#include "importer/onnx_export.h"
#include "importer/onnx_prescan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* More work than this per input is not run: the sizes come from the file, and a large one is no finding. */
enum { RUN_MACS = 200000, RUN_BYTES = 1 << 20, RUN_INPUTS = 8, RUN_OUTPUTS = 8 };

static cz_runtime *the_runtime(void)
{
    static cz_runtime *shared;
    cz_runtime_options options = {.struct_size = sizeof options, .n_threads = 1, .gemm = "own"};
    if (!shared && cz_runtime_create(&options, &shared, NULL) != CZ_OK)
        abort();
    return shared;
}

static void run_once(cz_session *session, const cz_plan *plan)
{
    cz_tensor in[RUN_INPUTS] = {{0}}, out[RUN_OUTPUTS] = {{0}};
    int n = plan->graph->n_inputs, made = 0;
    for (; made < n; made++) {
        const struct cz_shape *shape = &plan->infer->shape[plan->graph->inputs[made]];
        size_t bytes = cz_shape_bytes(shape);
        if (bytes > RUN_BYTES)
            break;
        in[made] = cz_tensor_view(malloc(bytes + 1), shape); /* no more, so that ASan sees a read beyond */
        for (int64_t i = 0; i < cz_shape_count(shape); i++)
            cz_tensor_store(&in[made], i, 1);
    }
    if (made == n)
        cz_session_run(session, in, (size_t)n, out, (size_t)plan->graph->n_outputs, NULL);
    for (int i = 0; i < made; i++)
        free(in[i].data);
}

static void check_plan(struct cz_graph *graph)
{
    cz_plan_options options = {.struct_size = sizeof options};
    cz_plan *plan;
    cz_session *session;
    if (cz_plan_create(the_runtime(), graph, &options, &plan, NULL) != CZ_OK)
        return;
    if (graph->n_inputs <= RUN_INPUTS && graph->n_outputs <= RUN_OUTPUTS && cz_plan_macs(plan) < RUN_MACS &&
        cz_plan_arena_bytes(plan) < RUN_BYTES && cz_session_create(plan, &session, NULL) == CZ_OK) {
        run_once(session, plan);
        cz_session_destroy(session);
    }
    cz_plan_destroy(plan);
}

static void check_graph(struct cz_graph *graph)
{
    static char path[64];
    cz_error err;
    check_plan(graph);
    snprintf(path, sizeof path, "/tmp/convzoo-fuzz-onnx-%ld", (long)getpid());
    if (cz_onnx_export(graph, path, &err) == CZ_OK)
        unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cz_graph *graph;
    struct cz_onnx_report *report;
    cz_tensor tensor;
    cz_error err;
    if (cz_onnx_load_memory(data, size, "x.onnx", "/nonexistent", NULL, &graph, &report, &err) == CZ_OK) {
        check_graph(graph);
        cz_graph_release(graph);
    }
    cz_onnx_report_destroy(report);
    if (cz_onnx_tensor_parse(data, size, "x.pb", &tensor, &err) == CZ_OK)
        free(tensor.data);
    return 0;
}

/* The mutator. */

enum { MAX_FIELDS = 4096, MAX_DEPTH = 12 };

static uint64_t state;

static uint64_t draw(uint64_t n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return n ? (state >> 33) % n : 0;
}

/* Number of fields of a message, or 0 where the bytes are none. */
static int count_fields(const uint8_t *p, const uint8_t *end)
{
    struct onnx_field f;
    int n = 0;
    for (; p < end; p = f.end, n++)
        if (n == MAX_FIELDS || onnx_next_field(p, end, p, &f, NULL) != CZ_OK)
            return 0;
    return n;
}

struct out {
    uint8_t *bytes;
    size_t size, capacity;
};

static void put(struct out *o, const void *bytes, size_t n)
{
    if (n > o->capacity - o->size)
        n = o->capacity - o->size;
    memcpy(o->bytes + o->size, bytes, n);
    o->size += n;
}

static void put_varint(struct out *o, uint64_t value)
{
    do {
        uint8_t byte = (uint8_t)((value & 0x7F) | (value > 0x7F ? 0x80 : 0));
        put(o, &byte, 1);
        value >>= 7;
    } while (value);
}

static void put_bytes_field(struct out *o, uint32_t id, const uint8_t *bytes, size_t n)
{
    put_varint(o, (uint64_t)id << 3 | ONNX_BYTES);
    put_varint(o, n);
    put(o, bytes, n);
}

static void mutate_message(const uint8_t *p, const uint8_t *end, int depth, struct out *o);

static void mutate_payload(const struct onnx_field *f, int depth, struct out *o)
{
    size_t n = (size_t)(f->end - f->data), room = n + 64;
    uint8_t *copy = malloc(room);
    struct out inner = {copy, 0, room};
    int is_message = n > 0 && depth < MAX_DEPTH && count_fields(f->data, f->end) > 0;
    if (is_message && draw(8)) {
        mutate_message(f->data, f->end, depth + 1, &inner);
    } else {
        memcpy(copy, f->data, n);
        inner.size = LLVMFuzzerMutate(copy, n, room);
    }
    put_bytes_field(o, f->id, copy, inner.size);
    free(copy);
}

static void mutate_number(const struct onnx_field *f, struct out *o)
{
    static const uint64_t odd[] = {
        0, 1, 2, 3, 7, 127, 255, 65536, INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX, (uint64_t)1 << 40};
    if (f->wire_type != ONNX_VARINT) {
        put(o, f->tag, (size_t)(f->end - f->tag));
        return;
    }
    put_varint(o, (uint64_t)f->id << 3 | ONNX_VARINT);
    put_varint(o, draw(2) ? f->varint + draw(5) - 2 : odd[draw(sizeof odd / sizeof *odd)]);
}

static void mutate_field(const struct onnx_field *f, int depth, struct out *o)
{
    size_t n = (size_t)(f->end - f->tag);
    switch (draw(12)) {
    case 0: /* dropped */
        return;
    case 1: /* twice */
        put(o, f->tag, n);
        put(o, f->tag, n);
        return;
    case 2: /* called something else */
        put_varint(o, draw(26) << 3 | (uint64_t)f->wire_type);
        put(o, f->data, f->wire_type == ONNX_BYTES ? 0 : (size_t)(f->end - f->data));
        if (f->wire_type == ONNX_BYTES) {
            put_varint(o, (uint64_t)(f->end - f->data));
            put(o, f->data, (size_t)(f->end - f->data));
        }
        return;
    default:
        if (f->wire_type == ONNX_BYTES)
            mutate_payload(f, depth, o);
        else
            mutate_number(f, o);
    }
}

static void mutate_message(const uint8_t *p, const uint8_t *end, int depth, struct out *o)
{
    struct onnx_field f;
    uint64_t chosen = draw((uint64_t)count_fields(p, end));
    for (uint64_t i = 0; p < end; p = f.end, i++) {
        if (onnx_next_field(p, end, p, &f, NULL) != CZ_OK)
            return;
        if (i == chosen)
            mutate_field(&f, depth, o);
        else
            put(o, f.tag, (size_t)(f.end - f.tag));
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    state = seed;
    if (size == 0 || draw(16) == 0 || count_fields(data, data + size) == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    struct out o = {malloc(max_size), 0, max_size};
    mutate_message(data, data + size, 0, &o);
    memcpy(data, o.bytes, o.size);
    free(o.bytes);
    return o.size;
}
