/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The answer to submissions: receipts, refusals, and the reply to a request made of them.
 *
 * A receipt of a replayed submission has the same bytes as the first one: nothing in it comes from this
 * attempt.
 */
#ifndef PATELLA_RECEIPT_H
#define PATELLA_RECEIPT_H

#include "collector/batch.h"

/* HTTP status of one row: 201 accepted, 200 replayed, or that of its refusal. */
int receipt_row_status(const struct batch_row *row);

/*
 * Sets the reply of the request's exchange when the fate of every row is known.  One submission: its receipt
 * or its problem.  An array: {"results":[{"status":...,"receipt":{...}}|{"status":...,"problem":{...}}]} with
 * 201 when all were accepted, 200 when none was refused, else 207; 503 when nothing at all could be stored
 * now.
 */
void receipt_reply(const struct batch_request *request);

#endif
