/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/base/error.h"

#include <stdio.h>
#include <string.h>

#include "forms/base/text.h"

bool error_set_va(struct error *error, enum error_kind kind, const char *format, va_list arguments)
{
    /* The arguments may point into *error itself ("while loading: %s"), so the text is made apart. */
    char message[sizeof error->message];
    vsnprintf(message, sizeof message, format, arguments);
    text_drop_broken(message);   /* messages stand in JSON replies, too */
    memset(error, 0, sizeof *error);
    error->kind = kind;
    memcpy(error->message, message, strlen(message));
    return false;
}

bool error_set(struct error *error, enum error_kind kind, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    error_set_va(error, kind, format, arguments);
    va_end(arguments);
    return false;
}

bool error_at(struct error *error, enum error_kind kind, const char *file, int line, const char *format, ...)
{
    char name[sizeof error->file];
    snprintf(name, sizeof name, "%s", file ? file : "");
    va_list arguments;
    va_start(arguments, format);
    error_set_va(error, kind, format, arguments);
    va_end(arguments);
    memcpy(error->file, name, sizeof name);
    error->line = line;
    return false;
}

bool error_io(struct error *error, int errno_value, const char *what)
{
    char reason[128];
    /* strerror is not thread-safe; the GNU strerror_r may return a constant instead of filling the buffer. */
    const char *text = strerror_r(errno_value, reason, sizeof reason);
    return error_set(error, ERROR_IO, "%s: %s", what, text);
}

int error_exit_status(const struct error *error)
{
    return error->kind == ERROR_USAGE ? 2 : 1;
}

void error_print(const struct error *error, const char *program)
{
    fprintf(stderr, "%s: ", program);
    if (error->file[0] != '\0' && error->line > 0)
        fprintf(stderr, "%s:%d: ", error->file, error->line);
    else if (error->file[0] != '\0')
        fprintf(stderr, "%s: ", error->file);
    fprintf(stderr, "%s\n", error->message);
}
