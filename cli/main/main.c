#include "convzoo/convzoo.h"

#include <stdio.h>

int main(void)
{
    printf("convzoo %s\n", cz_version());
    return 0;
}
