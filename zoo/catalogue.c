#include "zoo/catalogue.h"

#include <string.h>

/* Not in the table: it becomes C, where an address looks like a comment. */
#define BASE_torchvision "https://download.pytorch.org/models/"
#define BASE_timm "https://github.com/huggingface/pytorch-image-models/releases/download/v0.1-weights/"
#define BASE_timm_rsb                                                                                        \
    "https://github.com/huggingface/pytorch-image-models/releases/download/v0.1-rsb-weights/"

static const struct cz_zoo_source sources[] = {
#define ROW(model, tag, base, file, sha256, mib, license)                                                    \
    {#model, #tag, BASE_##base, #file, #sha256, mib, #license},
#include "zoo/catalogue.inc"
#undef ROW
};

int cz_zoo_source_count(void)
{
    return (int)(sizeof sources / sizeof *sources);
}

const struct cz_zoo_source *cz_zoo_source_at(int index)
{
    return &sources[index];
}

const struct cz_zoo_source *cz_zoo_find_source(const struct cz_zoo_published *p)
{
    for (int i = 0; p && i < cz_zoo_source_count(); i++)
        if (strcmp(sources[i].model, p->model) == 0 && strcmp(sources[i].tag, p->tag) == 0)
            return &sources[i];
    return NULL;
}
