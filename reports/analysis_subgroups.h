/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which subgroup forests a report has, and how their rows are named. */
#ifndef PATELLA_ANALYSIS_SUBGROUPS_H
#define PATELLA_ANALYSIS_SUBGROUPS_H

#include "reports/dataset.h"

#define FOREST_EVERYBODY "all subjects"      /* the row of the whole population */

struct forest {
    int endpoint, visit;
};
struct forests {
    struct forest *at;
    size_t count;
};

/*
 * The primary endpoint and the endpoints with models at the main visit (analysis_main_visit), and what claims of an
 * interaction, and in a randomised study claims of a level, ask for; none when pooled, without subgroups or without
 * contrasts.  The table of one is "forest VISIT ENDPOINT".
 */
struct forests forests_of(const void *owner, const struct dataset *dataset);

/*
 * Name of the rows of a subgroup of the plan: its title, with its id where an earlier one has that title.
 * The row of a level is "NAME LEVEL".
 */
const char *subgroup_row(const void *owner, const struct catalogue *catalogue, size_t index);

/* Of a claim that names levels: "NAME LEVEL", or "NAME LEVEL - AGAINST". */
const char *subgroup_claim_row(const void *owner, const struct catalogue *catalogue, const struct claim *claim);

enum { SUBGROUP_NOT_ANSWERED = -1, SUBGROUP_NO_LEVEL = -2 };
/* Level of each subject, by the answer at baseline (analysis_strata.h), or one of these; memory of owner. */
int *subgroup_codes(const void *owner, const struct dataset *dataset, const struct subgroup *subgroup);

#endif
