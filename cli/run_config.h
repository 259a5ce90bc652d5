/*
 * What a run says about itself: config.json, every option that can change a number with the source of its
 * value, and machine.json, what was special about this one run.
 */
#ifndef CZ_CLI_RUN_CONFIG_H
#define CZ_CLI_RUN_CONFIG_H

#include "cli/model.h"

/*
 * The document of config.json, which --config reads again. `model` is the model's name without folders.
 * Options that name files keep the name without folders. NULL: out of memory.
 */
json_t *cz_run_config(const struct cz_cli *, const char *model, const cz_runtime *);

/* Sets an option that was resolved otherwise than by the command line ("folds"). */
void cz_run_config_set(json_t *config, const char *option, json_t *value, const char *source);

/* The document of machine.json. */
json_t *cz_run_machine(const struct cz_cli *, const cz_runtime *);

/*
 * The model's name in result files: of a file its metadata convzoo.model, else its name without folders.
 * Returns buf.
 */
char *cz_result_name(const struct cz_cli_model *, const char *operand, char *buf, size_t size);

/* "c" of "a/b/c", "a/b/c/" and "a/b/c/."; of "." what the folder is called. Returns buf. */
char *cz_base_name(const char *path, char *buf, size_t size);

#endif
