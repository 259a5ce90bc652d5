/* UTF-8: what a name may be made of (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF). */
#ifndef CZ_BASE_UTF8_H
#define CZ_BASE_UTF8_H

#include <stddef.h>

/* Length of the valid sequence at p, of which n bytes are left; 0 if there is none. */
size_t cz_utf8_length(const unsigned char *p, size_t n);

/* Offset of the first byte that is not valid UTF-8 or is NUL; n if there is none. */
size_t cz_utf8_check(const unsigned char *p, size_t n);

/*
 * The text with each byte that is not UTF-8 as \xNN, so that names which differ stay different. `out` has
 * room for 4 bytes for each of the text's, and one. Returns the length.
 */
size_t cz_utf8_escape(const char *text, char *out);

#endif
