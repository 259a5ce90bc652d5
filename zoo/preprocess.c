#include "zoo/preprocess.h"

#include <string.h>

/* As text, so that the JSON shows the digits that were published. */
static const struct norm {
    const char *name;
    const char *mean, *std;           /* RGB */
    const char *gray_mean, *gray_std; /* means of the three */
} norms[] = {
    {"half", "0.5,0.5,0.5", "0.5,0.5,0.5", "0.5", "0.5"},
    {"imagenet", "0.485,0.456,0.406", "0.229,0.224,0.225", "0.449", "0.226"},
};

static const struct norm *find_norm(const char *name)
{
    for (size_t i = 0; i < sizeof norms / sizeof *norms; i++)
        if (strcmp(norms[i].name, name) == 0)
            return &norms[i];
    return &norms[0];
}

cz_status cz_zoo_preprocess(struct cz_arena *arena, const struct cz_zoo_published *p, int in_channels,
                            int side_px, const char **out, cz_error *err)
{
    *out = NULL;
    if (in_channels != 1 && in_channels != 3)
        return CZ_OK;
    const struct norm *norm = p ? find_norm(p->norm) : &norms[0];
    int crop_px = p ? side_px : 0; /* [0,0]: no crop */
    int resize_px = p ? (p->resize_px * side_px + p->crop_px / 2) / p->crop_px : side_px,
        gray = in_channels == 1;
    *out = cz_arena_printf(arena,
                           "{\"schema\":\"convzoo.preprocess/1\",\"exif\":true,\"channels\":\"%s\","
                           "\"resize\":{\"mode\":\"%s\",\"size_px\":[%d,%d],\"filter\":\"%s\"},"
                           "\"crop\":{\"mode\":\"%s\",\"size_px\":[%d,%d]},\"scale\":0.00392156862745098,"
                           "\"mean\":[%s],\"std\":[%s],\"layout\":\"NCHW\"}",
                           gray ? "GRAY" : "RGB", p ? "shorter" : "squash", resize_px, resize_px,
                           p ? p->filter : "bilinear", p ? "center" : "none", crop_px, crop_px,
                           gray ? norm->gray_mean : norm->mean, gray ? norm->gray_std : norm->std);
    if (!*out)
        CZ_FAIL(err, CZ_ERR_MEMORY, "model: out of memory writing its preprocessing");
    return CZ_OK;
}
