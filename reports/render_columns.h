/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How the columns of a table fit on an A4 page: in which size of type, and in how many parts.
 *
 * Widths are counted in characters, so that the same table is divided in the same way wherever it is printed.
 * The signs within numbers are about half a digit wide.
 */
#ifndef PATELLA_RENDER_COLUMNS_H
#define PATELLA_RENDER_COLUMNS_H

#include "reports/layout.h"

enum columns_page { COLUMNS_UPRIGHT, COLUMNS_ACROSS };     /* portrait, landscape */
enum columns_type { COLUMNS_NORMAL, COLUMNS_SMALL };

struct columns {
    double *characters;          /* that each column cannot do without */
    double label;                /* the same of the first column, which every part repeats */
    size_t count;
    size_t most;                 /* columns of one part; all of them when the table is not parted */
    enum columns_type type;
    enum columns_page page;
};

/*
 * One part in normal type; else one in small type; else several as equal as can be, in normal type if they
 * fit.  Listings, whose texts wrap, are never parted.  Only rows that are shown count (columns_shown_rows).
 */
struct columns columns_divide(const void *owner, const struct table *table, enum columns_page page);

/* Whether the table needs a landscape page: a listing, or columns that fit no upright page in one part. */
bool columns_are_wide(const struct table *table);

/* Columns [from, to) of one part. */
struct columns_part {
    size_t from, to;
};

/* The part that begins at column `from`; at least one column, none when the table has none. */
struct columns_part columns_part_at(const struct columns *columns, size_t from);

/*
 * How many columns of print a narrow table of `lines` lines is set in, so that it does not leave most of the
 * page empty: 1 to 4; 1 for listings and tables that are parted.
 */
size_t columns_beside(const struct columns *columns, const struct table *table, size_t lines);

/* A number with so much beside it that it may take several lines. */
bool columns_cell_wraps(const struct cell *cell);

/* Lines of the row when its table is one part on such a page: texts wrap. */
size_t columns_row_lines(const struct columns *columns, const struct table_row *row);

/* Rows that are shown on a page: all, or the first html_rows. */
size_t columns_shown_rows(const struct table *table);

/* "The first 1000 of 4711 rows; all of them are in l3-adverse-events.csv." or nothing. */
void columns_append_more(struct text *out, const struct table *table);

#endif
