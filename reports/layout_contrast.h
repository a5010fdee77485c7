/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What all tables that compare cohorts share: columns, the estimand box, and how far a difference can be
 * read. */
#ifndef PATELLA_LAYOUT_CONTRAST_H
#define PATELLA_LAYOUT_CONTRAST_H

#include "reports/layout.h"

/* Whether the report compares cohorts at all: not in a masked one, nor when the protocol names nothing to
 * compare. */
bool layout_has_contrasts(const struct layout *layout);

/*
 * A paragraph of the chapter that says why cohorts are not compared; nothing when they are, or when all subjects are
 * pooled, which the first page says once.
 */
void layout_explain_no_contrasts(struct layout *layout);

/* A column "A - B" for each contrast. */
void layout_add_contrast_columns(const struct layout *layout, struct table *table);

/* A row with a cell of each contrast, as layout_add_cohort_row; the table has the contrasts' columns only. */
void layout_add_contrast_row(const struct layout *layout, struct table *table, const struct result_key *key,
                             const char *group, const struct line *line);

/* "A - B" of contrast `index` of the plan, the column of its results. */
const char *layout_contrast_name(const struct layout *layout, size_t index);

/* What the protocol's strata are made of, in words. */
const char *layout_strata_names(const struct layout *layout);

/* A covariate as people read it: "value at baseline", "site", the text of its item. */
const char *layout_term_title(const struct layout *layout, const struct model_term *term);

/*
 * What everybody who reads a difference between cohorts must know: that they were not randomised.  Nothing
 * when they were.
 */
void layout_add_association_fact(const struct layout *layout, struct table *table);

/*
 * The estimand box: what `estimand` says (NULL members: what the protocol plans for the endpoint, else
 * treated subjects, index knee; cohorts as allocated), and the intercurrent events of the endpoint's plan.
 */
void layout_set_planned_estimand(const struct layout *layout, struct table *table, int endpoint,
                                 const struct estimand *estimand);

#endif
