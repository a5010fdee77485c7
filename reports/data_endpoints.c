/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ADQS: a row for each value of an endpoint, of every record of its form on the index knee. */
#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/data_table.h"
#include "reports/subject_sets.h"

#define YES_NO "Y=yes; N=no"

/* What the values of one endpoint and subject share. */
struct series {
    const struct dataset *dataset;
    const struct endpoint *endpoint;
    const char *title;
    size_t subject;
    struct subject_sets sets;
    double base;
    const struct record *baseline;   /* that the baseline value comes from, NULL */
};

static void add_columns(struct data_table *table)
{
    const struct protocol *protocol = table->dataset->catalogue->protocol;
    struct text *endpoints = text_new(table), *visits = text_new(table);
    for (size_t i = 0; i < protocol->endpoint_count; i++)
        text_append_format(endpoints, "%s%s", i > 0 ? "; " : "", protocol->endpoints[i].id);
    for (size_t i = 0; i < protocol->visit_count; i++)
        text_append_format(visits, "%s%s=%s", i > 0 ? "; " : "", protocol->visits[i].id,
                           protocol->visits[i].title);
    const struct data_column columns[] = {
        {"SAFFL", "Treated (safety set)", DATA_TEXT, 0, YES_NO, "as in ADSL"},
        {"FASFL", "Full analysis set", DATA_TEXT, 0, YES_NO, "as in ADSL"},
        {"PARAMCD", "Endpoint", DATA_TEXT, 2, endpoints->bytes, "id of the endpoint in the protocol"},
        {"PARAM", "Title of the endpoint", DATA_TEXT, 0, "", "protocol"},
        {"VISIT", "Visit as entered", DATA_TEXT, 5, "", "of the record; unscheduled: none"},
        {"AVISIT", "Analysis visit", DATA_TEXT, 3, visits->bytes,
         "visit whose analysis window holds ADY; missing for unscheduled records"},
        {"AVISITN", "Number of the analysis visit", DATA_INTEGER, 0, "", "in order of the target, from 1"},
        {"ADT", "Date", DATA_DATE, 4, "", "of the record"},
        {"ADY", "Study day", DATA_INTEGER, 0, "", "1: first treatment of the index knee; there is no day 0"},
        {"AVAL", "Value", DATA_NUMBER, 0, "", "score of the record"},
        {"BASE", "Baseline value", DATA_NUMBER, 0, "",
         "last value on study day 1 or before of records that were not entered as unscheduled"},
        {"CHG", "Change from baseline", DATA_NUMBER, 0, "", "AVAL - BASE, after baseline"},
        {"PCHG", "Change in per cent", DATA_NUMBER, 0, "", "100 * CHG / BASE; missing when BASE is 0"},
        {"ABLFL", "Baseline record", DATA_TEXT, 0, YES_NO, "Y: BASE is this value"},
        {"ANL01FL", "Used in the tables", DATA_TEXT, 0, YES_NO,
         "Y: the value of AVISIT. After baseline and at screening: closest to the target; tie: the later day; same "
         "day: received later. At baseline: ABLFL"},
        {"SRCINST", "Instance of the record", DATA_INTEGER, 6, "",
         "with subject, knee, form and visit as entered it names the record"},
        {"SRCVER", "Version of the record", DATA_INTEGER, 0, "", "at the data cut"},
    };
    data_table_add_columns(table, columns, sizeof columns / sizeof columns[0]);
}

static bool is_of_series(const struct series *series, const struct record *record)
{
    const struct form *form = record_form(series->dataset, record);
    return strcmp(form->id, series->endpoint->form) == 0 &&
           form_find_score(form, series->endpoint->score) != FORM_NONE &&
           record->knee == dataset_index_knee(series->dataset, series->subject, form);
}

static double value_of(const struct series *series, const struct record *record)
{
    const struct form *form = record_form(series->dataset, record);
    return record_score(series->dataset, record, (size_t)form_find_score(form, series->endpoint->score));
}

/* Records of a form stand in order of age: the last one that counts is the baseline. */
static void find_baseline(struct series *series, const struct record *records, size_t count)
{
    series->baseline = NULL;
    series->base = (double)NAN;
    for (size_t i = 0; i < count; i++) {
        const struct record *record = &records[i];
        if (record->day == STUDY_DAY_NONE || record->day > 1 ||
            record_is_unscheduled(series->dataset, record) || !is_of_series(series, record) ||
            isnan(value_of(series, record)))
            continue;
        series->baseline = record;
        series->base = value_of(series, record);
    }
}

static void fill_row(struct data_row *row, const struct series *series, const struct record *record, int visit)
{
    const struct dataset *dataset = series->dataset;
    bool at_baseline = visit == dataset_baseline(dataset);
    bool is_baseline = record == series->baseline && at_baseline;
    bool after = visit != NO_VISIT ? dataset_is_after_baseline(dataset, visit)
                                   : record->day != STUDY_DAY_NONE && record->day > 1;
    double value = value_of(series, record);
    double change = after ? value - series->base : (double)NAN;
    data_row_begin(row, dataset, series->subject);
    data_row_add_flag(row, series->sets.treated);
    data_row_add_flag(row, series->sets.full_analysis);
    data_row_add_text(row, series->endpoint->id);
    data_row_add_text(row, series->title);
    data_row_add_text(row, record_visit(dataset, record));
    data_row_add_text(row, visit != NO_VISIT ? dataset->catalogue->protocol->visits[visit].id : NULL);
    data_row_add_number(row, visit != NO_VISIT ? visit + 1 : (double)NAN);
    data_row_add_date(row, record->date);
    data_row_add_number(row, record->day != STUDY_DAY_NONE ? record->day : (double)NAN);
    data_row_add_number(row, value);
    data_row_add_number(row, series->base);
    data_row_add_number(row, change);
    data_row_add_number(row, series->base > 0 || series->base < 0 ? 100 * change / series->base : (double)NAN);
    data_row_add_flag(row, is_baseline);
    data_row_add_flag(row, is_baseline || (record->selected && !at_baseline));
    data_row_add_number(row, record->instance);
    data_row_add_number(row, record->version);
}

/* The baseline value may be of a record that has another visit: then it stands in a row of its own, too. */
static void write_series(const struct series *series, const struct record *records, size_t count,
                         data_row_function *take, void *context)
{
    struct data_row row;
    int baseline = dataset_baseline(series->dataset);
    for (size_t i = 0; i < count; i++) {
        const struct record *record = &records[i];
        if (!is_of_series(series, record))
            continue;
        fill_row(&row, series, record, record->analysis_visit);
        take(context, row.values);
        if (record == series->baseline && record->analysis_visit != baseline) {
            fill_row(&row, series, record, baseline);
            take(context, row.values);
        }
    }
}

static void write_rows(const struct data_table *table, data_row_function *take, void *context)
{
    const struct dataset *dataset = table->dataset;
    const struct protocol *protocol = dataset->catalogue->protocol;
    for (size_t i = 0; i < dataset->subject_count; i++) {
        struct records records = dataset_records(dataset, i);
        struct series series = {.dataset = dataset, .subject = i, .sets = subject_sets_of(dataset, i)};
        for (size_t e = 0; e < protocol->endpoint_count; e++) {
            series.endpoint = &protocol->endpoints[e];
            const struct score *score = catalogue_endpoint_score(dataset->catalogue, series.endpoint);
            series.title = series.endpoint->title != NULL ? series.endpoint->title : score->title;
            find_baseline(&series, records.at, records.count);
            write_series(&series, records.at, records.count, take, context);
        }
    }
}

struct data_table *data_table_adqs(const void *owner, const struct dataset *dataset)
{
    struct data_table *table = data_table_new(owner, dataset, "ADQS", "Endpoint values by visit");
    data_table_add_subject_columns(table);
    add_columns(table);
    table->write_rows = write_rows;
    return table;
}
