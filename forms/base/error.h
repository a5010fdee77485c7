/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One error, owned by the caller.
 *
 * A function that can fail returns bool and takes a `struct error *` last.  The struct has a fixed size, so that
 * reporting a failure never allocates.  Not for wrong answers of a client: those are a result (forms/submission.h).
 */
#ifndef PATELLA_ERROR_H
#define PATELLA_ERROR_H

#include <stdarg.h>
#include <stdbool.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(text_at, first_at) __attribute__((format(printf, text_at, first_at)))

enum error_kind {
    ERROR_NONE,
    ERROR_INPUT,       /* what was given is wrong: a file, a value */
    ERROR_USAGE,       /* the program was called wrongly */
    ERROR_NOT_FOUND,   /* what was named does not exist, or may not be seen */
    ERROR_CONFLICT,    /* it exists already, or moved on */
    ERROR_DENIED,      /* not allowed */
    ERROR_BUSY,        /* not now: try again */
    ERROR_DATABASE,    /* PostgreSQL refused or went away; `sqlstate` may say why */
    ERROR_IO,          /* a file or socket failed */
    ERROR_INTERNAL     /* our own mistake */
};

struct error {
    enum error_kind kind;
    int line;              /* 1-based line in `file`, 0 when unknown */
    char file[256];        /* file the message is about, empty when none */
    char sqlstate[6];      /* five characters, or empty */
    char constraint[64];   /* name of the violated constraint, or empty */
    char message[1024];    /* lower case, no trailing full stop, ends with a hint when there is one */
};

/* All setters return false, so that `return error_set(...)` fails in one line.  Text that does not fit is cut. */
bool error_set(struct error *error, enum error_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);
bool error_at(struct error *error, enum error_kind kind, const char *file, int line, const char *format, ...)
    PRINTF_LIKE(5, 6);
bool error_set_va(struct error *error, enum error_kind kind, const char *format, va_list arguments) PRINTF_LIKE(3, 0);

/* Sets message "WHAT: strerror(errno_value)" with kind ERROR_IO. */
bool error_io(struct error *error, int errno_value, const char *what);

/* Exit status of a program that ends with this error: 2 for ERROR_USAGE, else 1. */
int error_exit_status(const struct error *error);

/* Prints "PROGRAM: file:line: message" (parts that are known) to stderr. */
void error_print(const struct error *error, const char *program);

#endif
