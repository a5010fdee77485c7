/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scores of one form, by the form's own rules. */
#ifndef PATELLA_SCORE_H
#define PATELLA_SCORE_H

#include "forms/submission.h"

/*
 * Computes every score of `form`.
 * answers   form->item_count answers in form order; only given ones count
 * values    out: form->score_count values, as reported (after rescaling); NAN where too few parts are answered
 * Sum with SCORE_MISSING_PERSON_MEAN: mean of the answered parts times the number of parts.  Mean: of the answered.
 * Sources: the form's.
 */
void score_compute(const struct form *form, const struct answer *answers, double *values);

#endif
