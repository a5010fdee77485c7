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
 * Writes the files of `report` into a new folder beside `directory` and then puts it in its place.  An
 * existing folder is replaced when it is empty, or when `replace` is true and it holds a report (a
 * manifest.json).  Files are dated with the cut's time, so that copies and archives of the same report are
 * the same, too.
 */
bool output_write(struct report *report, const char *directory, bool replace, struct error *error) MUST_CHECK;

#endif
