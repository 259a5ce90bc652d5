/*
 * IDX: the MNIST family. A file is 0, 0, element type, rank, big-endian sizes, elements; images are rank 3,
 * labels rank 1, both unsigned bytes. Plain or gzip, told by content.
 *
 * Whole files are kept in memory (55 MB for MNIST's 70,000 images): they are small and gzip cannot be entered
 * midway.
 *
 * Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", file formats.
 */
#include "base/checked.h"
#include "base/memory.h"
#include "data/dataset_build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

enum {
    MAX_SPLITS = 2,
    IMAGE_RANK = 3,
    LABEL_RANK = 1,
    TYPE_U8 = 8,
    DEFLATE_RATIO = 1032, /* the most that deflate can shrink */
};

struct idx {
    struct idx_part {
        uint8_t *images, *labels;
        int64_t count;
        int height, width;
    } parts[MAX_SPLITS]; /* one per split */
};

/* File names, in the order they are tried: the originals, and the dotted form of some mirrors. */
static const struct {
    const char *split, *images[4], *labels[4];
} names[MAX_SPLITS] = {
    {"train",
     {"train-images-idx3-ubyte", "train-images-idx3-ubyte.gz", "train-images.idx3-ubyte",
      "train-images.idx3-ubyte.gz"},
     {"train-labels-idx1-ubyte", "train-labels-idx1-ubyte.gz", "train-labels.idx1-ubyte",
      "train-labels.idx1-ubyte.gz"}},
    {"test",
     {"t10k-images-idx3-ubyte", "t10k-images-idx3-ubyte.gz", "t10k-images.idx3-ubyte",
      "t10k-images.idx3-ubyte.gz"},
     {"t10k-labels-idx1-ubyte", "t10k-labels-idx1-ubyte.gz", "t10k-labels.idx1-ubyte",
      "t10k-labels.idx1-ubyte.gz"}},
};

static const char *find_file(const char *folder, const char *const candidates[4])
{
    for (int i = 0; i < 4; i++)
        if (cz_file_in(folder, candidates[i]))
            return candidates[i];
    return NULL;
}

static int idx_probe(const char *path)
{
    for (int s = 0; s < MAX_SPLITS; s++)
        if (find_file(path, names[s].images))
            return 1;
    return 0;
}

static uint32_t u32be(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Reads exactly n bytes; 0 when there are fewer or the stream is broken. */
static int read_exactly(gzFile file, uint8_t *to, size_t n)
{
    while (n > 0) {
        int got = gzread(file, to, n < 1 << 20 ? (unsigned)n : 1 << 20);
        if (got <= 0)
            return 0;
        to += got;
        n -= (size_t)got;
    }
    return 1;
}

static cz_status read_header(gzFile file, const char *path, int rank, uint32_t *dim, cz_error *err)
{
    uint8_t head[4], size[4];
    if (!read_exactly(file, head, 4) || head[0] != 0 || head[1] != 0)
        CZ_FAIL(err, CZ_ERR_FORMAT, "%s: not an IDX file; get it anew", path);
    if (head[2] != TYPE_U8 || head[3] != rank)
        CZ_FAIL(err, CZ_ERR_FORMAT, "%s: IDX of type 0x%02X and rank %d, wanted bytes (0x08) of rank %d",
                path, head[2], head[3], rank);
    for (int i = 0; i < rank; i++) {
        if (!read_exactly(file, size, 4))
            CZ_FAIL(err, CZ_ERR_FORMAT, "%s: ends in its header; get it anew", path);
        dim[i] = u32be(size);
    }
    return CZ_OK;
}

/* Bytes that the header promises, refused when the file cannot hold them: nothing is allocated on its word.
 */
static cz_status promised_bytes(const char *path, int rank, const uint32_t *dim, size_t *bytes, cz_error *err)
{
    struct stat st;
    *bytes = 1;
    for (int i = 0; i < rank; i++)
        if (cz_mul_overflow(*bytes, dim[i], bytes) || dim[i] == 0)
            CZ_FAIL(err, CZ_ERR_FORMAT, "%s: size %u in dimension %d; get it anew", path, dim[i], i);
    if (stat(path, &st) != 0)
        CZ_FAIL(err, cz_status_of_errno(), "%s: %s", path, strerror(errno));
    if (*bytes / DEFLATE_RATIO > (size_t)st.st_size)
        CZ_FAIL(err, CZ_ERR_FORMAT, "%s: promises %zu bytes of data, the file has %jd; get it anew", path,
                *bytes, (intmax_t)st.st_size);
    return CZ_OK;
}

static cz_status damaged(const char *path, cz_error *err)
{
    CZ_FAIL(err, CZ_ERR_FORMAT, "%s: its gzip checksum is missing or wrong; get it anew", path);
}

static cz_status read_stream(gzFile file, const char *path, int rank, uint32_t *dim, uint8_t **out,
                             cz_error *err)
{
    size_t bytes;
    uint8_t extra;
    CZ_TRY(read_header(file, path, rank, dim, err));
    CZ_TRY(promised_bytes(path, rank, dim, &bytes, err));
    *out = malloc(bytes);
    if (!*out)
        CZ_FAIL(err, CZ_ERR_MEMORY, "%s: out of memory for %zu bytes", path, bytes);
    if (!read_exactly(file, *out, bytes))
        CZ_FAIL(err, CZ_ERR_FORMAT, "%s: ends before the %zu bytes that its header promises; get it anew",
                path, bytes);
    const int n_extra = gzread(file, &extra, 1);
    if (n_extra > 0)
        CZ_FAIL(err, CZ_ERR_FORMAT, "%s: more data than the %zu bytes that its header promises; get it anew",
                path, bytes);
    return n_extra < 0 ? damaged(path, err) : CZ_OK;
}

static cz_status read_idx(const char *folder, const char *name, int rank, uint32_t *dim, uint8_t **out,
                          cz_error *err)
{
    char *path = cz_path_join(folder, name);
    gzFile file = path ? gzopen(path, "rb") : NULL;
    cz_status status = file ? read_stream(file, path, rank, dim, out, err)
                            : cz_error_set(err, path ? cz_status_of_errno() : CZ_ERR_MEMORY,
                                           "%s/%s: cannot open: %s", folder, name, strerror(errno));
    /* Only closing tells of a stream that ends within its checksum. */
    if (file && gzclose(file) != Z_OK && status == CZ_OK)
        status = damaged(path, err);
    free(path);
    return status;
}

static cz_status read_part(const char *folder, int s, struct idx_part *part, cz_error *err)
{
    uint32_t image_dim[IMAGE_RANK], label_dim[LABEL_RANK];
    const char *images = find_file(folder, names[s].images), *labels = find_file(folder, names[s].labels);
    if (!labels)
        CZ_FAIL(err, CZ_ERR_IO, "%s: has %s but not %s; get it", folder, images, names[s].labels[0]);
    CZ_TRY(read_idx(folder, images, IMAGE_RANK, image_dim, &part->images, err));
    CZ_TRY(read_idx(folder, labels, LABEL_RANK, label_dim, &part->labels, err));
    if (image_dim[0] != label_dim[0])
        CZ_FAIL(err, CZ_ERR_FORMAT, "%s: %u images in %s, %u labels in %s; get them anew", folder,
                image_dim[0], images, label_dim[0], labels);
    if (image_dim[1] > CZ_IMAGE_MAX_SIDE || image_dim[2] > CZ_IMAGE_MAX_SIDE)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "%s/%s: images of %u x %u pixels, the limit is %d a side", folder,
                images, image_dim[1], image_dim[2], (int)CZ_IMAGE_MAX_SIDE);
    part->count = image_dim[0];
    part->height = (int)image_dim[1];
    part->width = (int)image_dim[2];
    return CZ_OK;
}

/* The labels say how many classes there are; names are not in the format. */
static cz_status number_classes(struct cz_dataset *ds, const struct idx *idx, cz_error *err)
{
    int n = 0;
    for (int s = 0; s < ds->n_splits; s++)
        for (int64_t i = 0; i < idx->parts[s].count; i++)
            if (idx->parts[s].labels[i] >= n)
                n = idx->parts[s].labels[i] + 1;
    return cz_dataset_number_classes(ds, n, err);
}

static const struct idx_part *part_of(const struct cz_dataset *ds, int64_t *index)
{
    const struct cz_split *split = cz_dataset_split_of(ds, *index);
    *index -= split->first;
    return &((const struct idx *)ds->impl)->parts[split - ds->splits];
}

static int idx_label(const struct cz_dataset *ds, int64_t index)
{
    const struct idx_part *part = part_of(ds, &index);
    return part->labels[index];
}

static cz_status idx_read(const struct cz_dataset *ds, int64_t index, int decode, int turn_upright,
                          struct cz_sample *out, cz_error *err)
{
    (void)turn_upright;
    const struct idx_part *part = part_of(ds, &index);
    size_t bytes = (size_t)part->height * (size_t)part->width;
    return cz_sample_from_planes(part->images + (size_t)index * bytes, part->height, part->width, 1, decode,
                                 out, err);
}

static void idx_close(struct cz_dataset *ds)
{
    struct idx *idx = ds->impl;
    for (int s = 0; s < MAX_SPLITS; s++) {
        free(idx->parts[s].images);
        free(idx->parts[s].labels);
    }
}

static const struct cz_dataset_vtable idx_vtable = {idx_read, cz_dataset_numbered_id, idx_label, idx_close};

static cz_status idx_open(const char *path, struct cz_dataset *ds, cz_error *err)
{
    struct idx *idx = cz_arena_alloc(ds->arena, sizeof *idx);
    if (!idx)
        CZ_FAIL(err, CZ_ERR_MEMORY, "%s: out of memory", path);
    ds->impl = idx;
    ds->vtable = &idx_vtable;
    for (int s = 0; s < MAX_SPLITS; s++) {
        if (!find_file(path, names[s].images))
            continue;
        struct idx_part *part = &idx->parts[ds->n_splits];
        CZ_TRY(read_part(path, s, part, err));
        CZ_TRY(cz_dataset_add_split(ds, names[s].split, part->count, err));
    }
    return number_classes(ds, idx, err);
}

const struct cz_format cz_format_idx = {"idx", idx_probe, idx_open};
