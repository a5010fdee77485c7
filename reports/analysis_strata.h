/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What was known of a subject before treatment: answers at baseline, and the stratum that they and the site
 * make.
 */
#ifndef PATELLA_ANALYSIS_STRATA_H
#define PATELLA_ANALYSIS_STRATA_H

#include "reports/dataset.h"

/*
 * The last answer of each subject to an item on day 1 or before, NULL where there is none; of forms about a
 * knee that of the index knee.  Records that were entered as unscheduled do not count, unless no visit asks
 * for the form. One for each of dataset->subjects; memory of `owner`, the answers are the dataset's.
 */
const struct answer **answers_at_baseline(const void *owner, const struct dataset *dataset,
                                          const struct item_reference *item);

struct strata {
    const uint32_t *of_subject; /* 0 .. count - 1, for each of dataset->subjects */
    size_t count;               /* 1 without terms */
};

/*
 * Combinations of sites and answers that occur, numbered as the dataset's order meets them.  Answers are told
 * apart by their text; not answered is an answer of its own, so that nobody leaves an analysis for it.
 */
struct strata strata_of(const void *owner, const struct dataset *dataset, const struct model_term *terms,
                        size_t term_count);

#endif
