/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An upload as JSON, its receipt, the token of its preview, and what is said of an order that is not carried out. */
#ifndef PATELLA_UPLOAD_RECEIPT_H
#define PATELLA_UPLOAD_RECEIPT_H

#include "collector/upload_job.h"
#include "collector/upload_run.h"

/* `progress` NULL: what the database knows of it. */
void upload_append_json(struct text *out, const struct principal *principal, const struct store_upload *upload,
                        const struct upload_progress *progress);

int64_t upload_count_refused(const struct store_upload *upload);
int64_t upload_count_read(const struct store_upload *upload);      /* rows of its last reading */

/* The receipt of a commit: one text, which is kept as it is. */
void upload_append_receipt(struct text *out, const struct upload_work *work, const struct upload_run *run,
                           const struct store_upload_batch *batch);

/*
 * The token names the effect that it commits: SHA-256 of upload and digest.  It is no secret; who may commit, the
 * bearer's token says.
 */
void upload_preview_token(const char *upload, const char *digest, char token[65]);
void upload_sha256_of(const char *text, char sha256[65]);    /* hexadecimal */

/* The problem for a code of store_ask_commit and store_ask_take_back. */
void upload_reply_outcome(struct exchange *exchange, const char *code);

#endif
