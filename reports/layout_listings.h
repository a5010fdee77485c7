/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between the layouts of listings.  Nobody else's interface. */
#ifndef PATELLA_LAYOUT_LISTINGS_H
#define PATELLA_LAYOUT_LISTINGS_H

#include "reports/layout.h"

enum { LISTING_ROWS_IN_HTML = 1000 };

struct record_listing;

/* A listing that is being made: its records, and how one of them becomes a row. */
struct listed {
    struct layout layout;
    const struct record_listing *listing;
    const struct item **items;
    size_t item_count;
    void (*write)(const struct listed *listed, struct table *table, const struct record *record);
    const struct record **records;
    size_t count;
    const char **windows;        /* analysis windows of the visits, made once: rows are many */
};

/* A table with the columns that every listing begins with: cohort, knee, instance, date, study day. */
struct table *listing_begin(struct layout *layout, const char *id, const char *title, const char *date_title);

/* A row with those columns filled; returns the next column. */
size_t listing_begin_row(const struct layout *layout, struct table *table, const struct record *record,
                         struct table_row **row);

struct listed *listing_new(const struct layout *layout);
void listing_choose(struct listed *listed, const struct record *record);

/* The rows of the chosen records: the first ones in the table, all of them from its source when there are more. */
void listing_add_rows(const struct listed *listed, struct table *table);

/* The row of one record to `take`, in a table of its own: a long listing takes more than all other tables. */
void listing_give_row(const struct listed *listed, const struct table *table, const struct record *record,
                      table_take *take, void *to);

/* In layout_listings_visits.c. */
void listing_add_unused(struct layout *layout);       /* L5 */
void listing_add_windows(struct layout *layout);      /* L6 */

#endif
