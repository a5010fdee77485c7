/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An endpoint with the score behind it: what every table of it says about instrument, range and direction. */
#ifndef PATELLA_LAYOUT_SCORE_H
#define PATELLA_LAYOUT_SCORE_H

#include "reports/layout.h"

struct outcome {
    const struct endpoint *endpoint;
    const struct form *form;     /* newest version that has the score; NULL when none has */
    const struct score *score;
    const char *title;
    const char *versions;        /* of the form among the records: "version 1", "versions 1 and 2" */
    int collected;               /* decimals of its data: those that some value has, at most its score's */
};

struct outcome layout_find_outcome(const struct layout *layout, const struct endpoint *endpoint);

/*
 * Decimals that a score may be collected with: one item: its own; a plain sum: the most that an item has;
 * whatever is computed by division (means, rescaled scores, scores of scores): none, as the field prints
 * scores of 0 to 100.
 */
int layout_collected_decimals(const struct form *form, const struct score *score);

/* Decimals that some answer to the item has, at most those that its form allows; 0 when it is not a decimal. */
int layout_item_decimals(const struct layout *layout, const char *form, const struct item *item);

/* Instrument, score, range, direction, what it was derived from, missing items: one line each. */
void layout_add_score_facts(struct table *table, const struct outcome *outcome);

/* The same in one line, for tables of several endpoints. */
const char *layout_score_line(const struct layout *layout, const struct outcome *outcome);

#endif
