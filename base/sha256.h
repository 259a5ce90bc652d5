/*
 * SHA-256 (FIPS 180-4, nettle's): content hashes of images, data sets, weights and preprocessing.
 */
#ifndef CZ_BASE_SHA256_H
#define CZ_BASE_SHA256_H

#include <nettle/sha2.h>
#include <stddef.h>
#include <stdint.h>

enum { CZ_SHA256_BYTES = 32, CZ_SHA256_HEX = 65 /* with the terminator */ };

/* In pieces: init, update as often as wanted, final (which may not be called twice). */
struct cz_sha256 {
    struct sha256_ctx state;
};

void cz_sha256_init(struct cz_sha256 *);
void cz_sha256_update(struct cz_sha256 *, const void *data, size_t size);

/* The string and its terminator, so that two strings in a row cannot be mistaken for two others. */
void cz_sha256_update_string(struct cz_sha256 *, const char *s);
void cz_sha256_final(struct cz_sha256 *, uint8_t digest[CZ_SHA256_BYTES]);

/* The digest of one block. */
void cz_sha256(const void *data, size_t size, uint8_t digest[CZ_SHA256_BYTES]);

/* 64 lower-case digits. Returns text. */
char *cz_sha256_hex(const uint8_t digest[CZ_SHA256_BYTES], char text[CZ_SHA256_HEX]);

#endif
