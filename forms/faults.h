/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Everything that is wrong with a definition file, so that its author sees all of it at once.
 *
 * Readers of YAML add faults and go on; whoever called them looks at `count` once, at the end.  Not for answers of a
 * client (submission.h), nor for failures that end the work (base/error.h).
 */
#ifndef PATELLA_FAULTS_H
#define PATELLA_FAULTS_H

#include <stddef.h>

#include "forms/base/error.h"

struct fault {
    const char *file;
    int line;                /* 0: the file as a whole */
    const char *text;        /* lower case, with a hint */
};

struct faults {
    const void *owner;       /* the faults and their texts hang on it */
    struct fault *faults;
    size_t count;
};

/* No faults yet. */
struct faults faults_begin(const void *owner);

void faults_add(struct faults *faults, const char *file, int line, const char *format, ...) PRINTF_LIKE(4, 5);

/* Takes over the message of a failed call. */
void faults_add_error(struct faults *faults, const char *file, const struct error *error);

/* True when there are none; else false, and the one that stands first in its file becomes `error` (ERROR_INPUT). */
bool faults_to_error(const struct faults *faults, struct error *error) MUST_CHECK;

#endif
