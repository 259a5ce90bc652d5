/*
 * The MODEL operand: a file if it has a '/' or ends in .onnx, else a network of the zoo, NAME[:TAG].
 *
 * These functions report what is wrong themselves and return an exit code, CZ_EXIT_OK where all is well.
 */
#ifndef CZ_CLI_MODEL_H
#define CZ_CLI_MODEL_H

#include "base/sha256.h"
#include "cli/cli.h"
#include "data/preprocess.h"
#include "importer/importer.h"
#include "zoo/zoo.h"

enum cz_model_need {
    CZ_MODEL_LOOK, /* a file: the report, and the graph where we can have it; zoo: the graph without values */
    CZ_MODEL_VALUES, /* to be run: every parameter has its values */
};

struct cz_cli_model {
    char label[256];                        /* "net.onnx", "resnet50:v2": for notes and results */
    struct cz_graph *graph;                 /* NULL: CZ_MODEL_LOOK at a file we cannot run */
    struct cz_onnx_report *report;          /* NULL: zoo */
    const struct cz_zoo_entry *entry;       /* NULL: a file */
    const struct cz_zoo_published *weights; /* the tag asked for; NULL: a file, or nothing published */
    cz_error refusal;                       /* why graph is NULL */
    const char *weights_source;             /* "--weights FILE", "pulled"; NULL: a file, seeded, or none */
    char weights_sha256[CZ_SHA256_HEX];     /* of the weight file, "" without one */
};

int cz_model_is_file(const char *operand);

/* Uses the command's --weights, --strict, --init, --size and --classes K where it has them (zoo only). */
int cz_cli_model_open(struct cz_cli *, const char *operand, enum cz_model_need, struct cz_cli_model *);
void cz_cli_model_close(struct cz_cli_model *);

/* "NAME[:TAG]" of the zoo; *weights NULL where nothing is published. */
int cz_cli_zoo_find(struct cz_cli *, const char *name, const struct cz_zoo_entry **,
                    const struct cz_zoo_published **weights);

/* How the model's pictures are made, and who said so. */
struct cz_cli_pictures {
    struct cz_preprocess preprocess;
    char source[128]; /* "the file", "--preprocess caffe", "the zoo" */
    char sha256[CZ_SHA256_HEX];
    char text[CZ_PREPROCESS_TEXT];
    int size[2]; /* height, width of the tensor */
};

/*
 * --preprocess, else the model's metadata (which the zoo writes too), scaled to --size, with the layout of
 * the model's input. Refuses a model whose input is no picture or of another size.
 */
int cz_cli_pictures(struct cz_cli *, const struct cz_cli_model *, struct cz_cli_pictures *);

/* Names of the classes: --classes FILE, else metadata; without names, or with --classes K, "class 0", "class
 * 1". */
struct cz_cli_classes {
    int count;
    const char **names;
    const char *source; /* "the file", "--classes", "none" */
    struct cz_arena *arena;
};

int cz_cli_classes(struct cz_cli *, const struct cz_cli_model *, int n_classes, struct cz_cli_classes *);
void cz_cli_classes_deinit(struct cz_cli_classes *);

/* 1 where the model's first output is probabilities: its metadata says so, or it ends in a Softmax. */
int cz_cli_gives_probabilities(const struct cz_cli_model *);

#endif
