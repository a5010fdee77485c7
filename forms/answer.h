/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One value against its item: what was sent becomes a canonical answer, or a problem. */
#ifndef PATELLA_ANSWER_H
#define PATELLA_ANSWER_H

#include "forms/submission.h"

/* An answer that is not there. */
struct answer answer_missing(void);

/*
 * Reads `raw` as an answer to `item`.  True: `answer` is given, or missing when an empty value or null was sent.
 * False: one problem was added.  Looks at the value alone: type, choices, hard range, decimals, length; not at whether
 * the item is asked for, nor at the soft range.
 */
bool answer_read(const void *owner, const struct item *item, const struct raw_answer *raw, struct answer *answer,
                 struct problem_list *problems) MUST_CHECK;

/* True when the answer lies outside warn_min..warn_max. */
bool answer_is_unusual(const struct item *item, const struct answer *answer);

/* The accepted reasons for having no answer: "refused", ...; NULL-terminated. */
extern const char *const answer_decline_reasons[];

/* `text` in quotes for a message, cut after 40 characters. */
enum { ANSWER_QUOTE_SIZE = 176 };
const char *answer_quote(const char *text, char out[ANSWER_QUOTE_SIZE]);

#endif
