/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The analysis datasets: what a statistician needs to compute the report again, one row at a time.
 *
 *   ADSL  a row for each subject: sets, dates, end of study, baseline characteristics
 *   ADQS  a row for each value of an endpoint of the index knee: visit, day, baseline, change, whether it is used
 *   ADAE  a row for each adverse event
 *   ADTTE a row for each subject and event of the protocol; only when the protocol names events
 *
 * Names and shapes follow CDISC ADaM 1.3 where it has a name for the thing.  In a masked study no column
 * names an arm, and no text in somebody's own words is there.  Nothing is held but one row: whoever wants the
 * rows gives a function. Not for: writing files (data_csv.h, data_json.h).
 */
#ifndef PATELLA_DATA_TABLE_H
#define PATELLA_DATA_TABLE_H

#include "reports/dataset.h"

enum data_type { DATA_TEXT, DATA_INTEGER, DATA_NUMBER, DATA_DATE };

enum { DATA_NAME_SIZE = 33, DATA_MOST_COLUMNS = 256 };

struct data_column {
    const char *name;            /* [A-Z][A-Z0-9_]*, at most 32 characters */
    const char *label;
    enum data_type type;
    int key;                     /* place among the columns that identify a row, 1.., 0: none */
    const char *codes;           /* "Y=yes; N=no", "" when any value may stand there */
    const char *derivation;      /* where the value comes from */
};

/*
 * One cell: `text` of a DATA_TEXT, NULL when missing; `number` of all others, NAN when missing; dates:
 * date_days.
 */
struct data_value {
    const char *text;
    double number;
};

struct data_table;

/* Gets each row; `values` (column_count) are good until it returns. */
typedef void data_row_function(void *context, const struct data_value *values);

struct data_table {
    const char *name, *label;
    const struct dataset *dataset;
    const struct data_column *columns;
    size_t column_count;
    void (*write_rows)(const struct data_table *table, data_row_function *row, void *context);
    const void *items;           /* ADSL: its baseline items; ADTTE: the times of each event */
    size_t row_count;
    const size_t *lengths;       /* longest text of each column in bytes, at least 1 */
};

/* All of them, measured. */
struct data_table **data_tables(const void *owner, const struct dataset *dataset, size_t *count);

/* --- for those who make tables: data_subjects.c, data_endpoints.c, data_events.c, data_event_times.c ---- */

struct data_table *data_table_adsl(const void *owner, const struct dataset *dataset);
struct data_table *data_table_adqs(const void *owner, const struct dataset *dataset);
struct data_table *data_table_adae(const void *owner, const struct dataset *dataset);
struct data_table *data_table_adtte(const void *owner, const struct dataset *dataset);

/* A table without columns; `write_rows` is still to be set. */
struct data_table *data_table_new(const void *owner, const struct dataset *dataset, const char *name,
                                  const char *label);
void data_table_add_columns(struct data_table *table, const struct data_column *columns, size_t count);

/* A row that is being filled in the order of the columns. */
struct data_row {
    struct data_value values[DATA_MOST_COLUMNS];
    size_t count;
    char subject[SUBJECT_TEXT_SIZE], site[SUBJECT_TEXT_SIZE];
};

void data_row_add_text(struct data_row *row, const char *text);       /* NULL or "": missing */
void data_row_add_number(struct data_row *row, double number);
void data_row_add_date(struct data_row *row, date_days date);         /* DATE_NONE: missing */
void data_row_add_flag(struct data_row *row, bool flag);              /* "Y", "N" */
/* STUDYID USUBJID SITEID and, unless pooled, COHORT: the columns that every table begins with. */
void data_row_begin(struct data_row *row, const struct dataset *dataset, size_t subject);

/* The columns that data_row_begin fills. */
void data_table_add_subject_columns(struct data_table *table);

#endif
