/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between the layouts of adverse events: tables with a row for each class and term.  Nobody else's interface.
 */
#ifndef PATELLA_LAYOUT_SAFETY_H
#define PATELLA_LAYOUT_SAFETY_H

#include "reports/layout.h"

/* Rows of a table of the results: each class is followed by its terms, though the results have all classes
 * first. */
struct term_row {
    const char *name; /* of the results */
    const char *label;
    bool term; /* else a class, or any event */
};

struct term_rows {
    struct term_row *at;
    size_t count;
};

struct term_rows layout_list_terms(const struct layout *layout, const char *results);

/* What each cell of a table of terms shows. */
struct term_cells {
    const char *results; /* table of the results */
    const char *pattern;
    const char *none;  /* the pattern where no subject has the event; NULL: the same */
    bool classes_only; /* without the terms */
};

/* A row for each of `rows`; the table's columns are there, and named as those of the results. */
void layout_add_terms(const struct layout *layout, struct table *table, const struct term_rows *rows,
                      const struct term_cells *cells);

/* Who and which events every table of adverse events is about. */
void layout_add_event_facts(struct table *table);

/* Label of a code of special interest. */
const char *layout_interest_label(const struct layout *layout, const char *code);

/* The parts, in order; in layout_safety_parts.c and layout_safety_rates.c. */
void layout_safety_parts(struct layout *layout, const struct term_rows *rows); /* T13 */
void layout_safety_rates(struct layout *layout, const struct term_rows *rows); /* T14 */

#endif
