/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How far an upload is, for whoever waits: a bar on a terminal, elsewhere a line for each tenth, for logs.
 *
 *   upload_client_progress_show(progress, now_us, &(struct upload_client_step){...})     as often as there is news
 *   upload_client_progress_end(progress)                                                 the line stays
 */
#ifndef PATELLA_UPLOAD_CLIENT_PROGRESS_H
#define PATELLA_UPLOAD_CLIENT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "forms/base/text.h"

enum upload_client_unit { UPLOAD_CLIENT_BYTES, UPLOAD_CLIENT_ROWS };

struct upload_client_step {
    const char *what;            /* "sending", "checking" */
    enum upload_client_unit unit;
    int64_t done;                /* bytes, or rows */
    int64_t part, whole;         /* of the work, for bar and estimate: bytes in both cases; whole 0: not known */
    double per_s;                /* in `unit`, as the collector says; 0: measured here, of `done` */
    int64_t left_s;              /* to the end, as the collector says; below 0: measured here, of `part` */
};

struct upload_client_progress;

/* Nothing is shown when `stream` is NULL. */
struct upload_client_progress *upload_client_progress_new(const void *owner, FILE *stream, bool is_terminal);

/* `now_us` by clock_now_us(). */
void upload_client_progress_show(struct upload_client_progress *progress, int64_t now_us,
                                 const struct upload_client_step *step);

/* Ends the line of a bar; the next step is measured anew. */
void upload_client_progress_end(struct upload_client_progress *progress);

/* A line of its own between steps: "waiting for ..." */
void upload_client_progress_note(struct upload_client_progress *progress, const char *format, ...) PRINTF_LIKE(2, 3);

/* "812 B", "12.3 kB", "1.2 MB", "1.05 GB": units of a thousand. */
void upload_client_append_bytes(struct text *text, int64_t bytes);
/* "12,345" */
void upload_client_append_count(struct text *text, int64_t count);
/* "8 s", "2 min 05 s", "1 h 03 min" */
void upload_client_append_duration(struct text *text, int64_t seconds);

#endif
