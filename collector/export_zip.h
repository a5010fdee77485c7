/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A ZIP that is written piece by piece (libarchive): files of unknown length, one after the other. */
#ifndef PATELLA_EXPORT_ZIP_H
#define PATELLA_EXPORT_ZIP_H

#include <stdint.h>

#include "forms/base/text.h"

struct export_zip;

/* `time`: of all files, unix seconds. */
struct export_zip *export_zip_new(const void *owner, int64_t time);

/* Where what is written from now on goes. */
void export_zip_set_output(struct export_zip *zip, struct text *out);

/* Ends the file before, if there is one. */
bool export_zip_begin_file(struct export_zip *zip, const char *name, struct error *error) MUST_CHECK;
bool export_zip_write(struct export_zip *zip, const struct text *bytes, struct error *error) MUST_CHECK;

/* Ends the archive. */
bool export_zip_end(struct export_zip *zip, struct error *error) MUST_CHECK;

#endif
