/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the adjusted comparisons of cohorts, and those of the levels of a subgroup, have in common. */
#ifndef PATELLA_ANALYSIS_ADJUSTED_H
#define PATELLA_ANALYSIS_ADJUSTED_H

#include "reports/analysis_rows.h"
#include "reports/stat_overlap.h"

/* n1, n0, effective_1, effective_0, mean_1, mean_0, diff to p. */
void adjusted_add_means(const struct cell *cell, const struct overlap_answer *answer);

/* These, and sd_pooled, evalue, evalue_limit. */
void adjusted_add_difference(struct cell cell, const struct overlap_question *question,
                             const struct overlap_answer *answer);

/* What a claim's difference is adjusted for: the plan's adjustment, without the item whose levels it compares. */
const struct model_term *adjusted_terms(const void *owner, const struct analysis_plan *plan,
                                        const struct claim *claim, size_t *count);

/*
 * Rows of claims that compare cohorts within a level of a subgroup of a study that is not randomised, or two levels of
 * a subgroup within a cohort: levels are never randomised.  Row "VISIT NAME LEVEL" or "VISIT NAME LEVEL - AGAINST"
 * (subgroup_claim_row), column "A - B" or the cohort.
 */
void adjusted_levels(const struct dataset *dataset, struct results *results);

/* Rows of responders: table "adjusted responder ID", row visit, column "A - B"; the study is not randomised. */
void adjusted_responders(const struct dataset *dataset, struct results *results);

#endif
