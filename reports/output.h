/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A report as a folder, which is there as a whole or not at all. */
#ifndef PATELLA_OUTPUT_H
#define PATELLA_OUTPUT_H

#include "reports/report.h"

/*
 * ERROR_CONFLICT when `directory` holds something already and may not be replaced: asked before the work is
 * done.
 */
bool output_check(const char *directory, bool replace, struct error *error) MUST_CHECK;

/*
 * A folder that is filled file by file: it is made beside `directory` and takes its place with output_commit.  Freeing
 * it before that removes what was written.  Errors as of output_write.
 */
struct output;
struct output *output_begin(const void *owner, const char *directory, bool replace, struct error *error) MUST_CHECK;
/* A file: its bytes come by output_piece, whose context is the output; it is dated `dated_us`, microseconds UTC. */
bool output_begin_file(struct output *output, const char *name, struct error *error) MUST_CHECK;
bool output_piece(void *context, const void *bytes, size_t length, struct error *error) MUST_CHECK;
bool output_end_file(struct output *output, int64_t dated_us, struct error *error) MUST_CHECK;
bool output_commit(struct output *output, struct error *error) MUST_CHECK;

/*
 * Writes the files of `report` into a new folder beside `directory` and then puts it in its place.  An
 * existing folder is replaced when it is empty, or when `replace` is true and it holds a report (a
 * manifest.json).  Files are dated with the cut's time, so that copies and archives of the same report are
 * the same, too.
 */
bool output_write(struct report *report, const char *directory, bool replace, struct error *error) MUST_CHECK;

#endif
