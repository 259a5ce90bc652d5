#include "base/sha256.h"

#include <string.h>

void cz_sha256_init(struct cz_sha256 *hash)
{
    sha256_init(&hash->state);
}

void cz_sha256_update(struct cz_sha256 *hash, const void *data, size_t size)
{
    sha256_update(&hash->state, size, data);
}

void cz_sha256_update_string(struct cz_sha256 *hash, const char *s)
{
    cz_sha256_update(hash, s, strlen(s) + 1);
}

void cz_sha256_final(struct cz_sha256 *hash, uint8_t digest[CZ_SHA256_BYTES])
{
    sha256_digest(&hash->state, CZ_SHA256_BYTES, digest);
}

void cz_sha256(const void *data, size_t size, uint8_t digest[CZ_SHA256_BYTES])
{
    struct cz_sha256 hash;
    cz_sha256_init(&hash);
    cz_sha256_update(&hash, data, size);
    cz_sha256_final(&hash, digest);
}

char *cz_sha256_hex(const uint8_t digest[CZ_SHA256_BYTES], char text[CZ_SHA256_HEX])
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < CZ_SHA256_BYTES; i++) {
        text[2 * i] = digits[digest[i] >> 4];
        text[2 * i + 1] = digits[digest[i] & 15];
    }
    text[CZ_SHA256_HEX - 1] = '\0';
    return text;
}
