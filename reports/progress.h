/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a program is doing, on standard error: nothing in the first second; then on a terminal one line that
 * is written over, elsewhere a line for each step.  The clock decides only when something is shown.
 */
#ifndef PATELLA_PROGRESS_H
#define PATELLA_PROGRESS_H

#include <stdbool.h>

/* Begins to show steps when `wanted`; `program` stands in front of each line.  Once in a process. */
void progress_begin(const char *program, bool wanted);

/* What is being done from now on; `what` is copied. */
void progress_step(const char *what);

/* A line that stays. */
void progress_tell(const char *line);

/* Takes the line away. */
void progress_end(void);

#endif
