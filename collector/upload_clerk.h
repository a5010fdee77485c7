/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who answers those that wait for an upload: a thread that looks at what became of it, and a list of who waits.  Not
 * for callers: they use upload_jobs.h.
 */
#ifndef PATELLA_UPLOAD_CLERK_H
#define PATELLA_UPLOAD_CLERK_H

#include "collector/upload_job.h"
#include "collector/upload_jobs.h"

bool upload_clerk_start(const char *conninfo, struct error *error) MUST_CHECK;

/* The work on an upload has ended; `problem` is for who ordered it. */
void upload_clerk_tell(const char *upload, const struct upload_problem *problem);

/* From now on all are answered as things stand. */
void upload_clerk_hurry(void);

/* Answers who waits still, and ends. */
bool upload_clerk_stop(int deadline_ms) MUST_CHECK;

#endif
