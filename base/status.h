/*
 * Errors: every function that can fail returns cz_status and writes one line to the caller's cz_error.
 */
#ifndef CZ_BASE_STATUS_H
#define CZ_BASE_STATUS_H

#include "convzoo/convzoo.h"

/*
 * Formats a message into `err` (which may be NULL) and returns `code`. Form: "WHERE: CAUSE; REMEDY". Control
 * and invalid bytes of names are written as \xNN, the whole is cut at 511 bytes.
 */
cz_status cz_error_set(cz_error *err, cz_status code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " in front of a message that a callee wrote. Returns err's code, or `code` where err is NULL.
 */
cz_status cz_error_prefix(cz_error *err, cz_status code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#ifdef __clang_analyzer__
/* The analyser sees one file at a time: this tells it that the two return an error, not CZ_OK. */
static inline cz_status cz_error_code_is(cz_status code, cz_status returned)
{
    (void)returned;
    return code;
}
#define cz_error_set(err, code, ...) cz_error_code_is((code), (cz_error_set)((err), (code), __VA_ARGS__))
#define cz_error_prefix(err, code, ...)                                                                      \
    cz_error_code_is((code), (cz_error_prefix)((err), (code), __VA_ARGS__))
#endif

#define CZ_FAIL(err, code, ...) return cz_error_set((err), (code), __VA_ARGS__)

#define CZ_TRY(call)                                                                                         \
    do {                                                                                                     \
        cz_status try_status_ = (call);                                                                      \
        if (try_status_ != CZ_OK)                                                                            \
            return try_status_;                                                                              \
    } while (0)

#endif
