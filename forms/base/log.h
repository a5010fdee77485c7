/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Log lines in logfmt on stderr: `ts=2026-03-01T12:00:00Z level=info msg="..." key=value`.
 *
 * Never pass answers, tokens, names or texts that a client sent.  One call is one write(2), so that lines of several
 * threads do not mix; but for log_write_later, whose lines wait for each other.
 */
#ifndef PATELLA_LOG_H
#define PATELLA_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

void log_set_level(enum log_level least);
bool log_parse_level(const char *name, enum log_level *level);

/*
 * Writes one line.  After `message` come pairs of strings, key and value, ended by NULL:
 *   log_write(LOG_LEVEL_INFO, "listening", "address", address, "port", port_text, NULL);
 * A NULL value ends the line early, so optional values come last.
 */
void log_write(enum log_level level, const char *message, ...) __attribute__((sentinel));

/*
 * The same for lines of which there are many: this thread keeps them until its log_flush, its next log_write, or until
 * there are PIPE_BUF bytes.  Whoever calls it flushes before waiting for anything: a crash takes what is kept.
 */
void log_write_later(enum log_level level, const char *message, ...) __attribute__((sentinel));
void log_flush(void);

#endif
