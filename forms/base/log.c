/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const level_names[] = {"debug", "info", "warning", "error"};
static _Atomic int least_level = LOG_LEVEL_INFO;

/* A line on the stack: the log must work when memory does not.  What does not fit is cut. */
struct line {
    char bytes[2048];
    size_t length;
};

static void put(struct line *line, const char *bytes, size_t length)
{
    size_t room = sizeof line->bytes - 1 - line->length;   /* keeps a place for the newline */
    if (length > room)
        length = room;
    memcpy(line->bytes + line->length, bytes, length);
    line->length += length;
}

static bool needs_quotes(const char *value)
{
    if (*value == '\0')
        return true;
    for (const unsigned char *c = (const unsigned char *)value; *c != '\0'; c++)
        if (*c <= ' ' || *c == '"' || *c == '=' || *c == '\\' || *c == 0x7F)
            return true;
    return false;
}

static void put_value(struct line *line, const char *value)
{
    if (!needs_quotes(value)) {
        put(line, value, strlen(value));
        return;
    }
    put(line, "\"", 1);
    for (const char *c = value; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            put(line, "\\", 1);
        put(line, (unsigned char)*c < ' ' || *c == 0x7F ? " " : c, 1);   /* no line of a caller's making */
    }
    put(line, "\"", 1);
}

static void put_pair(struct line *line, const char *key, const char *value)
{
    if (line->length > 0)
        put(line, " ", 1);
    put(line, key, strlen(key));
    put(line, "=", 1);
    put_value(line, value);
}

void log_set_level(enum log_level least)
{
    atomic_store(&least_level, (int)least);
}

bool log_parse_level(const char *name, enum log_level *level)
{
    for (int i = LOG_LEVEL_DEBUG; i <= LOG_LEVEL_ERROR; i++)
        if (strcmp(name, level_names[i]) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    return false;
}

void log_write(enum log_level level, const char *message, ...)
{
    if ((int)level < atomic_load(&least_level))
        return;
    struct line line = {.length = 0};
    char stamp[32];
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &utc);
    put_pair(&line, "ts", stamp);
    put_pair(&line, "level", level_names[level]);
    put_pair(&line, "msg", message);
    va_list arguments;
    va_start(arguments, message);
    const char *key, *value;
    while ((key = va_arg(arguments, const char *)) != NULL && (value = va_arg(arguments, const char *)) != NULL)
        put_pair(&line, key, value);
    va_end(arguments);
    line.bytes[line.length++] = '\n';
    ssize_t written = write(STDERR_FILENO, line.bytes, line.length);
    (void)written;   /* there is nowhere else to say it */
}
