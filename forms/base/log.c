/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/base/log.h"

#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const level_names[] = {"debug", "info", "warning", "error"};
static _Atomic int least_level = LOG_LEVEL_INFO;

/* A line on the stack: the log must work when memory does not.  What does not fit is cut. */
struct line {
    char bytes[2048];
    size_t length;
    bool full;               /* something was cut: nothing follows it */
};

/* What this thread keeps.  A pipe takes so much as one: lines of several threads do not mix in it. */
static _Thread_local struct {
    char bytes[PIPE_BUF];
    size_t length;
} kept;

/* The time as it stands in a line; the clock is read for each, the calendar once a second. */
static _Thread_local struct {
    time_t at;
    char text[32];
} stamp;

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;   /* of a character of UTF-8 */
}

static void put(struct line *line, const char *bytes, size_t length)
{
    size_t room = line->full ? 0 : sizeof line->bytes - 1 - line->length;   /* keeps a place for the newline */
    if (length > room) {
        line->full = true;
        length = room;
        while (length > 0 && is_continuation(bytes[length]))
            length--;
    }
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
    for (const char *c = value, *next; *c != '\0'; c = next) {
        next = c + 1;
        if ((unsigned char)*c < ' ' || *c == 0x7F) {
            put(line, " ", 1);   /* no line of a caller's making */
            continue;
        }
        while (is_continuation(*next))
            next++;
        if (*c == '"' || *c == '\\')
            put(line, "\\", 1);
        put(line, c, (size_t)(next - c));
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

static const char *stamp_of_now(void)
{
    time_t now = time(NULL);
    if (now != stamp.at || stamp.text[0] == '\0') {
        struct tm utc;
        gmtime_r(&now, &utc);
        strftime(stamp.text, sizeof stamp.text, "%Y-%m-%dT%H:%M:%SZ", &utc);
        stamp.at = now;
    }
    return stamp.text;
}

/* False when the level is silent. */
static bool make_line(struct line *line, enum log_level level, const char *message, va_list pairs)
{
    const char *key, *value;
    if ((int)level < atomic_load(&least_level))
        return false;
    line->length = 0;
    line->full = false;
    put_pair(line, "ts", stamp_of_now());
    put_pair(line, "level", level_names[level]);
    put_pair(line, "msg", message);
    while ((key = va_arg(pairs, const char *)) != NULL && (value = va_arg(pairs, const char *)) != NULL)
        put_pair(line, key, value);
    line->bytes[line->length++] = '\n';
    return true;
}

static void write_out(const char *bytes, size_t length)
{
    ssize_t written = write(STDERR_FILENO, bytes, length);
    (void)written;   /* there is nowhere else to say it */
}

void log_flush(void)
{
    if (kept.length > 0)
        write_out(kept.bytes, kept.length);
    kept.length = 0;
}

void log_write(enum log_level level, const char *message, ...)
{
    struct line line;
    va_list pairs;
    va_start(pairs, message);
    bool is_heard = make_line(&line, level, message, pairs);
    va_end(pairs);
    if (!is_heard)
        return;
    log_flush();
    write_out(line.bytes, line.length);
}

void log_write_later(enum log_level level, const char *message, ...)
{
    struct line line;
    va_list pairs;
    va_start(pairs, message);
    bool is_heard = make_line(&line, level, message, pairs);
    va_end(pairs);
    if (!is_heard)
        return;
    if (line.length > sizeof kept.bytes - kept.length)
        log_flush();
    memcpy(kept.bytes + kept.length, line.bytes, line.length);
    kept.length += line.length;
}
