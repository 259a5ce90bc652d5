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

/* Returns `code` itself, not what the call returns: compilers and analysers then see that it is not CZ_OK. */
#define CZ_FAIL(err, code, ...)                                                                              \
    do {                                                                                                     \
        (void)cz_error_set((err), (code), __VA_ARGS__);                                                      \
        return (code);                                                                                       \
    } while (0)

#define CZ_TRY(call)                                                                                         \
    do {                                                                                                     \
        cz_status try_status_ = (call);                                                                      \
        if (try_status_ != CZ_OK)                                                                            \
            return try_status_;                                                                              \
    } while (0)

#endif
