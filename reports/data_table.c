/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/data_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"

struct data_table *data_table_new(const void *owner, const struct dataset *dataset, const char *name,
                                  const char *label)
{
    struct data_table *table = memory_new(owner, struct data_table);
    table->name = name;
    table->label = label;
    table->dataset = dataset;
    return table;
}

void data_table_add_columns(struct data_table *table, const struct data_column *columns, size_t count)
{
    size_t needed = memory_size_sum(table->column_count, count);
    if (needed > DATA_MOST_COLUMNS)
        abort();                 /* data_subjects.c takes no more items than fit */
    struct data_column *all = memory_new_array(table, struct data_column, needed);
    for (size_t i = 0; i < table->column_count; i++)
        all[i] = table->columns[i];
    for (size_t i = 0; i < count; i++)
        all[table->column_count + i] = columns[i];
    table->columns = all;
    table->column_count = needed;
}

static const char *cohort_codes(const void *owner, const struct dataset *dataset)
{
    struct text *codes = text_new(owner);
    for (size_t i = 0; i < dataset->cohort_count; i++)
        text_append_format(codes, "%s%s=%s", i > 0 ? "; " : "", dataset->cohorts[i],
                           dataset->cohort_titles[i]);
    return codes->bytes;
}

void data_table_add_subject_columns(struct data_table *table)
{
    static const struct data_column columns[] = {
        {"STUDYID", "Study", DATA_TEXT, 0, "", "code of the study"},
        {"USUBJID", "Subject", DATA_TEXT, 1, "",
         "site and number; whoever moved to another site stands under the first number"},
        {"SITEID", "Site", DATA_TEXT, 0, "", "site of the subject's number"},
    };
    data_table_add_columns(table, columns, sizeof columns / sizeof columns[0]);
    if (table->dataset->pooled)
        return;
    const struct data_column cohort = {
        "COHORT", "Cohort", DATA_TEXT, 0, cohort_codes(table, table->dataset),
        "allocation of the index knee, or of the subject; missing before allocation"};
    data_table_add_columns(table, &cohort, 1);
}

void data_row_add_text(struct data_row *row, const char *text)
{
    bool missing = text == NULL || text[0] == '\0';
    row->values[row->count++] = (struct data_value){missing ? NULL : text, (double)NAN};
}

void data_row_add_number(struct data_row *row, double number)
{
    row->values[row->count++] = (struct data_value){NULL, number == 0 ? 0 : number};   /* -0 becomes 0 */
}

void data_row_add_date(struct data_row *row, date_days date)
{
    data_row_add_number(row, date != DATE_NONE ? date : (double)NAN);
}

void data_row_add_flag(struct data_row *row, bool flag)
{
    data_row_add_text(row, flag ? "Y" : "N");
}

void data_row_begin(struct data_row *row, const struct dataset *dataset, size_t subject)
{
    const struct subject *who = &dataset->subjects[subject];
    row->count = 0;
    subject_format(who->site, who->number, row->subject);
    size_t site = strcspn(row->subject, "-");
    memcpy(row->site, row->subject, site);
    row->site[site] = '\0';
    data_row_add_text(row, dataset->catalogue->study);
    data_row_add_text(row, row->subject);
    data_row_add_text(row, row->site);
    if (!dataset->pooled)
        data_row_add_text(row, who->cohort != NO_COHORT ? dataset->cohorts[who->cohort] : NULL);
}

/* --- measuring ----------------------------------------------------------------------------------------- */

struct measure {
    const struct data_table *table;
    size_t *lengths, rows;
};

static void measure_row(void *context, const struct data_value *values)
{
    struct measure *measure = context;
    measure->rows++;
    for (size_t i = 0; i < measure->table->column_count; i++) {
        size_t length = values[i].text != NULL ? strlen(values[i].text) : 0;
        if (length > measure->lengths[i])
            measure->lengths[i] = length;
    }
}

/* Readers want the number of rows and the width of columns before the first row. */
static void measure(struct data_table *table)
{
    struct measure measure = {table, memory_new_array(table, size_t, table->column_count), 0};
    for (size_t i = 0; i < table->column_count; i++)
        measure.lengths[i] = 1;
    table->write_rows(table, measure_row, &measure);
    table->row_count = measure.rows;
    table->lengths = measure.lengths;
}

struct data_table **data_tables(const void *owner, const struct dataset *dataset, size_t *count)
{
    static struct data_table *(*const makers[])(const void *owner, const struct dataset *dataset) = {
        data_table_adsl, data_table_adqs, data_table_adae, data_table_adtte};
    bool events = dataset->catalogue->protocol->plan.event_count > 0;
    *count = sizeof makers / sizeof makers[0] - (events ? 0 : 1);
    struct data_table **tables = memory_new_array(owner, struct data_table *, *count);
    for (size_t i = 0; i < *count; i++) {
        tables[i] = makers[i](tables, dataset);
        measure(tables[i]);
    }
    return tables;
}
