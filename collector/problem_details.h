/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Refusals as application/problem+json (RFC 9457), rendered in one place.
 *
 * A body never holds anything that differs between two refusals of the same kind (no request id, no time), so
 * that a refusal tells nothing beyond its code: "unknown_subject" has the same bytes for a subject that does
 * not exist and for one that the caller may not see.
 */
#ifndef PATELLA_PROBLEM_DETAILS_H
#define PATELLA_PROBLEM_DETAILS_H

#include "forms/base/text.h"
#include "forms/submission.h"

#define PROBLEM_MEDIA_TYPE "application/problem+json"

/*
 * Appends {"type":"urn:patella:problem:CODE","title":...,"status":...,"code":CODE,"detail":...} and, when
 * `problems` is not NULL, "problems":[{"item":...,"rule":...,"text":...,"soft":...}].  `item` is null for the
 * whole submission.
 */
void problem_details_append(struct text *out, int status, const char *code, const char *detail,
                            const struct problem_list *problems);

/*
 * HTTP status and words for a refusal code of the database's verdict; 500 for a code that is not in the
 * table.
 */
int problem_details_status(const char *verdict_code);
const char *problem_details_text(const char *verdict_code);

/*
 * Every code that a problem of this program can have, in the order of the alphabet; NULL from the end on.  What is not
 * in this table is not in the API's description either, and is counted as "other".
 */
const char *problem_details_code(size_t index);

#endif
