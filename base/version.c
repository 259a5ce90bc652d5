#include "convzoo/convzoo.h"

const char *cz_version(void)
{
    return CZ_VERSION;
}
