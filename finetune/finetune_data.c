/*
 * Which images train the head and which judge it.
 *
 * Judging images are the split "test", else "val"; a data set without splits is cut: a fifth of each class,
 * chosen by the seed, is held out: at least one image, and never a class's only one. What is limited by
 * per_class are the training images alone.
 */
#include "finetune/finetune.h"

#include <stdlib.h>
#include <string.h>

enum { HOLDOUT_PARTS = 5 };

static cz_status no_memory(cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_MEMORY, "data: out of memory");
}

/* Moves the images of fold 0 of a whole selection into test, the others into train. */
static cz_status divide(const struct cz_selection *all, const int *fold, struct cz_finetune *ft,
                        cz_error *err)
{
    struct cz_selection *parts[] = {&ft->test.selection, &ft->train.selection};
    for (int p = 0; p < 2; p++) {
        struct cz_selection *s = parts[p];
        s->sample = malloc((size_t)all->n * sizeof *s->sample);
        s->label = malloc((size_t)all->n * sizeof *s->label);
        s->class_names = malloc((size_t)all->n_classes * sizeof *s->class_names);
        if (!s->sample || !s->label || !s->class_names)
            return no_memory(err);
        s->n_classes = all->n_classes;
        memcpy(s->class_names, all->class_names, (size_t)all->n_classes * sizeof *s->class_names);
    }
    for (int64_t i = 0; i < all->n; i++) {
        struct cz_selection *s = parts[fold[i] != 0];
        s->sample[s->n] = all->sample[i];
        s->label[s->n++] = all->label[i];
    }
    return CZ_OK;
}

/* Of fewer than HOLDOUT_PARTS images the deal may leave a class without one to be judged by. */
static void mend_small_classes(const struct cz_selection *all, int *fold)
{
    for (int c = 0; c < all->n_classes; c++) {
        int64_t count = 0, first = -1;
        for (int64_t i = 0; i < all->n; i++) {
            if (all->label[i] != c)
                continue;
            count++;
            if (first < 0 || fold[i] < fold[first])
                first = i;
        }
        if (count > 0)
            fold[first] = count == 1;
    }
}

static cz_status hold_out(struct cz_finetune *ft, const struct cz_split *split, cz_error *err)
{
    const struct cz_finetune_options *o = &ft->options;
    const struct cz_selection_options whole = {.split = split, .only_classes = o->only_classes};
    struct cz_selection all;
    CZ_TRY(cz_select(o->data, &whole, &all, err));
    int *fold = malloc((size_t)all.n * sizeof *fold);
    cz_status status =
        fold ? cz_deal_folds(all.label, all.n, all.n_classes, HOLDOUT_PARTS, o->fit.seed, fold, err)
             : no_memory(err);
    if (status == CZ_OK) {
        mend_small_classes(&all, fold);
        status = divide(&all, fold, ft, err);
    }
    if (status == CZ_OK && ft->test.selection.n == 0)
        status = cz_error_set(err, CZ_ERR_FORMAT,
                              "%s: one image a class leaves none to judge the result by; add images, or a "
                              "folder test/",
                              o->data_name);
    if (status == CZ_OK && o->per_class > 0)
        status = cz_selection_limit(&ft->train.selection, o->per_class, o->fit.seed, err);
    free(fold);
    cz_selection_deinit(&all);
    ft->train.split = "train";
    ft->test.split = "holdout";
    return status;
}

static cz_status use_splits(struct cz_finetune *ft, const struct cz_split *train, const struct cz_split *test,
                            cz_error *err)
{
    const struct cz_finetune_options *o = &ft->options;
    struct cz_selection_options options = {train, o->only_classes, o->per_class, o->fit.seed};
    CZ_TRY(cz_select(o->data, &options, &ft->train.selection, err));
    options = (struct cz_selection_options){.split = test, .only_classes = o->only_classes};
    ft->train.split = train->name;
    ft->test.split = test->name;
    return cz_select(o->data, &options, &ft->test.selection, err);
}

static cz_status hash_part(struct cz_finetune *ft, struct cz_finetune_part *part, cz_error *err)
{
    part->sha256 = malloc(((size_t)part->selection.n + 1) * sizeof *part->sha256);
    if (!part->sha256)
        return no_memory(err);
    CZ_TRY(cz_selection_hashes(ft->options.data, &part->selection, part->sha256, err));
    cz_selection_hash(ft->options.data, &part->selection, (const uint8_t(*)[CZ_SHA256_BYTES])part->sha256,
                      part->data_sha256);
    return CZ_OK;
}

static int by_digest(const void *a, const void *b)
{
    return memcmp(a, b, CZ_SHA256_BYTES);
}

/* Files that could not be read have zeros for a hash: they are not one image. */
static int is_hash(const uint8_t *digest)
{
    static const uint8_t unread[CZ_SHA256_BYTES];
    return memcmp(digest, unread, sizeof unread) != 0;
}

static cz_status count_shared(struct cz_finetune *ft, cz_error *err)
{
    const size_t n = (size_t)ft->test.selection.n;
    uint8_t(*sorted)[CZ_SHA256_BYTES] = malloc((n + 1) * sizeof *sorted);
    if (!sorted)
        return no_memory(err);
    memcpy(sorted, ft->test.sha256, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_digest);
    for (int64_t i = 0; i < ft->train.selection.n; i++)
        ft->n_shared += is_hash(ft->train.sha256[i]) &&
                        bsearch(ft->train.sha256[i], sorted, n, sizeof *sorted, by_digest) != NULL;
    free(sorted);
    return CZ_OK;
}

/* The first class that no label names, or n_classes. */
static int missing_class(const int *label, int64_t n, int n_classes)
{
    for (int c = 0; c < n_classes; c++) {
        int64_t i = 0;
        while (i < n && label[i] != c)
            i++;
        if (i == n)
            return c;
    }
    return n_classes;
}

/* The head could never say a class that it was not shown. */
static cz_status check_classes(const struct cz_finetune *ft, cz_error *err)
{
    const struct cz_selection *s = &ft->train.selection;
    if (s->n_classes < 2)
        CZ_FAIL(err, CZ_ERR_ARGUMENT, "%s: %d class; two are the least that can be told apart",
                ft->options.data_name, s->n_classes);
    const int missing = missing_class(s->label, s->n, s->n_classes);
    if (missing < s->n_classes)
        CZ_FAIL(err, CZ_ERR_FORMAT,
                "%s: class '%s' has no training image; add some, or leave it out with --only-classes",
                ft->options.data_name, s->class_names[missing]);
    return CZ_OK;
}

cz_status cz_finetune_check_readable(const struct cz_finetune *ft, cz_error *err)
{
    const struct cz_selection *s = &ft->train.selection;
    const struct cz_feature_set *set = &ft->train.set;
    const int missing = missing_class(set->label, set->features.n, s->n_classes);
    if (missing < s->n_classes)
        CZ_FAIL(err, CZ_ERR_FORMAT,
                "%s: no training image of class '%s' could be read; replace them, or leave the class out "
                "with --only-classes",
                ft->options.data_name, s->class_names[missing]);
    return CZ_OK;
}

cz_status cz_finetune_choose_data(struct cz_finetune *ft, cz_error *err)
{
    const struct cz_dataset *data = ft->options.data;
    const struct cz_split *train = cz_dataset_split(data, "train"), *test = cz_dataset_split(data, "test");
    if (!test)
        test = cz_dataset_split(data, "val");
    if (!train && strcmp(data->splits[0].name, "all") != 0)
        CZ_FAIL(err, CZ_ERR_FORMAT,
                "%s: has %s and no train to learn from; add it, or give a folder of classes without splits",
                ft->options.data_name, data->splits[0].name);
    if (train && test)
        CZ_TRY(use_splits(ft, train, test, err));
    else
        CZ_TRY(hold_out(ft, train ? train : &data->splits[0], err));
    CZ_TRY(check_classes(ft, err));
    CZ_TRY(hash_part(ft, &ft->train, err));
    CZ_TRY(hash_part(ft, &ft->test, err));
    return count_shared(ft, err);
}

void cz_finetune_part_deinit(struct cz_finetune_part *part)
{
    cz_selection_deinit(&part->selection);
    cz_feature_set_deinit(&part->set);
    free(part->sha256);
}
