#include "base/version.h"
#include "convzoo/convzoo.h"
#include "base/commit.h"

const char *cz_version(void)
{
    return CZ_VERSION;
}

const char *cz_commit(void)
{
    return CZ_COMMIT;
}

const char *cz_compiler(void)
{
    return CZ_COMPILER;
}
