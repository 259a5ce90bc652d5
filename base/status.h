/*
 * Errors: every function that can fail returns cz_status and writes one line to the caller's cz_error.
 */
#ifndef CZ_BASE_STATUS_H
#define CZ_BASE_STATUS_H

#include "convzoo/convzoo.h"

#include <errno.h>

/*
 * Formats a message into `err` (which may be NULL) and returns `code`. Form: "WHERE: CAUSE; REMEDY". Control
 * and invalid bytes of names are written as \xNN, the whole is cut at 511 bytes.
 */
cz_status cz_error_set(cz_error *err, cz_status code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " in front of the message of a callee that returned `code`, which it returns again. */
cz_status cz_error_prefix(cz_error *err, cz_status code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Both return the code they are given; said where compilers and analysers, which see one file at a time, can
 * read it. They then know that a callee which failed did not return CZ_OK, and leave out false alarms about
 * unset results.
 */
static inline cz_status cz_error_code_is(cz_status code, cz_status returned)
{
    (void)returned;
    return code;
}
#define cz_error_set(err, code, ...) cz_error_code_is((code), (cz_error_set)((err), (code), __VA_ARGS__))
#define cz_error_prefix(err, code, ...)                                                                      \
    cz_error_code_is((code), (cz_error_prefix)((err), (code), __VA_ARGS__))

/* What a failed call of the system means, by errno: memory is not the file's fault. */
static inline cz_status cz_status_of_errno(void)
{
    return errno == ENOMEM ? CZ_ERR_MEMORY : CZ_ERR_IO;
}

#define CZ_FAIL(err, code, ...) return cz_error_set((err), (code), __VA_ARGS__)

#define CZ_TRY(call)                                                                                         \
    do {                                                                                                     \
        cz_status try_status_ = (call);                                                                      \
        if (try_status_ != CZ_OK)                                                                            \
            return try_status_;                                                                              \
    } while (0)

#endif
