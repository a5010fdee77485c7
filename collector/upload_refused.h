/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The refused rows of an upload as a file that its site can mend and upload again: the cells as they stood, in the
 * file's own dialect and encoding, and behind them error_line, error_column, error_code and error_text.  A row is one
 * line, however much is wrong with it: what is said of it stands behind each other with "; ".
 */
#ifndef PATELLA_UPLOAD_REFUSED_H
#define PATELLA_UPLOAD_REFUSED_H

#include "collector/store_upload.h"

struct upload_refused;

/* NULL when nothing of the file is kept.  `at` is copied, its texts are not. */
struct upload_refused *upload_refused_new(const void *owner, const struct store_upload_at *at,
                                          const struct store_upload *upload);

/* The media type with its charset. */
const char *upload_refused_type(const struct upload_refused *refused);

/* A stream_function. */
bool upload_refused_write(void *context, struct store *store, struct text *out, bool *last, struct error *error);

#endif
