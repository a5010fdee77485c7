/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The columns of a form's file in an export, and the cells of a record.
 *
 * Items and scores of the newest version in its order, then those that only older versions had: the same columns
 * whatever was recorded.
 */
#ifndef PATELLA_EXPORT_COLUMNS_H
#define PATELLA_EXPORT_COLUMNS_H

#include "collector/store.h"

struct export_columns {
    const char *form;
    const struct catalogue *catalogue;
    const char **items, **scores;        /* ids */
    size_t item_count, score_count;
    const char **hidden;                 /* ids of items that are left out */
    size_t hidden_count;
};

/* `masked`: without items that may name the arm, in any version of the form. */
struct export_columns *export_columns_new(const void *owner, const struct catalogue *catalogue, const char *form,
                                          bool masked);

/* Of a score's column; index in `scores`. */
void export_columns_append_score_name(const struct export_columns *columns, size_t score, struct text *out);

void export_columns_append_names(const struct export_columns *columns, struct text *out);

/* One line; false when the record does not fit the definition of its form. */
bool export_columns_append_record(const struct export_columns *columns, const struct store_record *record,
                                  struct text *out, struct error *error) MUST_CHECK;

#endif
