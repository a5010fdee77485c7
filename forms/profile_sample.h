/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the rows of a sample file bear witness to; only profile_*.c sees it. */
#ifndef PATELLA_PROFILE_SAMPLE_H
#define PATELLA_PROFILE_SAMPLE_H

#include "forms/csv_reader.h"
#include "forms/upload_names.h"
#include "forms/upload_plan.h"

enum { SAMPLE_WORDS_MOST = 100 };

/* Different words of a column, as they stand in the file, in the order in which they came. */
struct sample_words {
    char **words;
    size_t count;
    bool more;                   /* there were others */
};

/* A date that could be read in two ways, or in one. */
struct sample_date {
    char *text;                  /* the first one, NULL: none */
    size_t column;
};

struct profile_sample {
    const struct upload_plan *plan;
    int64_t rows;
    char **examples;             /* by column: the first value, NULL: the column is empty */
    struct sample_words visits, knees, missing, forms;
    struct sample_words *answers;    /* by column: words that are no answer to its item */
    struct sample_date either, day_first, month_first;   /* 01/02/2026, 17/02/2026, 02/17/2026 */
    struct sample_date decimal_comma;
};

struct profile_sample *profile_sample_begin(const void *owner, const struct upload_plan *plan);
void profile_sample_row(struct profile_sample *sample, const struct csv_line *line);

#endif
