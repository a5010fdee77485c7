/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The two readers behind submission_read_json; only submission_*.c and their tests see them. */
#ifndef PATELLA_SUBMISSION_READ_H
#define PATELLA_SUBMISSION_READ_H

#include "forms/submission.h"

/*
 * JSON as programs write it, read in one pass over a copy: a tenth of the cost.  NULL for everything that is
 * not plain, right or wrong: escapes, fractions, numbers of more than 15 digits, `confirmed`, unknown and
 * doubled fields, more than 256 answers.  What it takes, submission_read_full reads in the same way.
 */
struct submission_input *submission_read_plain(const void *owner, const char *text, size_t length) MUST_CHECK;

/* Any JSON, with jansson, which knows what is wrong. */
struct submission_input *submission_read_full(const void *owner, const char *text, size_t length,
                                              struct problem_list *problems) MUST_CHECK;

#endif
