/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The steps of submission_check; only submission_*.c sees them. */
#ifndef PATELLA_SUBMISSION_CHECK_H
#define PATELLA_SUBMISSION_CHECK_H

#include "forms/submission.h"

/* A soft finding, and the reason that stands by it. */
struct finding {
    const char *item;        /* item id, or NULL */
    const char *rule;        /* "soft_range" or a rule's id */
    int position;            /* of the item in form order; item_count when there is none */
    const char *text;
    const char *reason;      /* NULL: not confirmed */
};

/* A submission that is being judged. */
struct checking {
    const void *owner;
    const struct catalogue *catalogue;
    const struct submission_input *input;
    date_days today;
    struct problem_list *problems;
    struct submission *submission;   /* fills up step by step */
    struct answer *answers;          /* form->item_count */
    bool *invalid;                   /* items whose value or reason was refused */
    struct finding *findings;        /* sorted by position, then rule */
    size_t finding_count;
};

/* Fields outside the answers.  False when the form is unknown, so that nothing can be said about answers. */
bool submission_check_fields(struct checking *checking);

/* Values and reasons for none; then skip logic, required items, rules and soft findings. */
void submission_check_answers(struct checking *checking);

/* Rules and soft ranges over valid answers, held against `confirmed`. */
void submission_check_rules(struct checking *checking);

/* A reason: NFC, no control characters, from 5 characters that are not blank to 1000.  NULL when it is not. */
const char *submission_read_reason(const void *owner, const char *reason);

/* The canonical text, on the owner. */
const char *submission_write_canonical(const struct checking *checking);

#endif
