/*
 * Restricted Damerau-Levenshtein distance, counted in halves so that look-alikes can cost one half.
 */
#include "base/nearest.h"

#include <ctype.h>
#include <string.h>

enum { MAX_WORD = 63, HALVES = 2 };

static int look_alike(char a, char b)
{
    static const char pairs[] = "0O1l-_";
    for (const char *p = pairs; *p; p += 2)
        if ((a == p[0] && b == p[1]) || (a == p[1] && b == p[0]))
            return 1;
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static int replace_cost(char a, char b)
{
    if (a == b)
        return 0;
    return look_alike(a, b) ? 1 : HALVES;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
    int row[3][MAX_WORD + 1]; /* of the prefixes of a, the newest last: a swap looks two back */
    for (size_t j = 0; j <= n_b; j++)
        row[1][j] = (int)j * HALVES;
    memset(row[0], 0, sizeof row[0]);
    for (size_t i = 1; i <= n_a; i++) {
        row[2][0] = (int)i * HALVES;
        for (size_t j = 1; j <= n_b; j++) {
            int d = row[1][j - 1] + replace_cost(a[i - 1], b[j - 1]);
            d = least(d, least(row[1][j], row[2][j - 1]) + HALVES);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d = least(d, row[0][j - 2] + HALVES);
            row[2][j] = d;
        }
        memmove(row[0], row[1], 2 * sizeof row[0]);
    }
    return row[1][n_b];
}

const char *cz_nearest(const char *word, const char *const *names, size_t n)
{
    size_t length = strlen(word);
    if (length > MAX_WORD)
        return NULL;
    int best = least(2 * HALVES, (int)length * HALVES / 3) + 1;
    const char *found = NULL;
    for (size_t i = 0; i < n; i++) {
        size_t name_length = strlen(names[i]);
        if (name_length > MAX_WORD)
            continue;
        int d = distance(word, length, names[i], name_length);
        if (d < best) {
            best = d;
            found = names[i];
        }
    }
    return found;
}
