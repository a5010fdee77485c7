/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ADAE: a row for each adverse event of each subject. */
#include <math.h>

#include "forms/base/memory.h"
#include "reports/adverse_event.h"
#include "reports/data_table.h"
#include "reports/subject_sets.h"

#define YES_NO "Y=yes; N=no"

/* The reporter's own words; a pooled dataset has none. */
static const struct data_column verbatim = {"AETERM", "Event in the reporter's words", DATA_TEXT, 0, "",
                                            "adverse_event.term"};

static const struct data_column first_columns[] = {
    {"SAFFL", "Treated (safety set)", DATA_TEXT, 0, YES_NO, "as in ADSL"},
    {"AESEQ", "Number of the event", DATA_INTEGER, 2, "", "within the subject, by knee and date of the form, from 1"},
};

static const struct data_column event_columns[] = {
    {"AEDECOD", "Coded term", DATA_TEXT, 0, "", "adverse_event.coded_term"},
    {"AEBODSYS", "System organ class", DATA_TEXT, 0, "", "adverse_event.system_organ_class"},
    {"AEKNEE", "Knee of the form", DATA_TEXT, 0, "left; right", "missing: about the subject"},
    {"AESTDTC", "Onset", DATA_TEXT, 0, "", "adverse_event.onset: YYYY, YYYY-MM or YYYY-MM-DD"},
    {"AEENDTC", "End", DATA_TEXT, 0, "", "adverse_event.end: YYYY, YYYY-MM or YYYY-MM-DD"},
    {"ASTDT", "Onset, when its day is known", DATA_DATE, 0, "", "AESTDTC as a date; partial ones are missing"},
    {"ASTDY", "Study day of the onset", DATA_INTEGER, 0, "",
     "1: first treatment of either knee; there is no day 0; missing where ASTDT is"},
    {"AESEV", "Severity", DATA_TEXT, 0, "MILD; MODERATE; SEVERE",
     "adverse_event.severity; without it CTCAE grade 1, 2, 3 to 5"},
    {"AETOXGR", "CTCAE grade", DATA_INTEGER, 0, "1; 2; 3; 4; 5", "adverse_event.ctcae_grade"},
    {"AESER", "Serious", DATA_TEXT, 0, YES_NO, "Y: answered so, or fatal, or not answered"},
    {"AESERNA", "Serious only because it was not answered", DATA_TEXT, 0, YES_NO, "adverse_event.serious"},
    {"AESDTH", "Fatal", DATA_TEXT, 0, YES_NO, "Y: resulted in death, outcome fatal, or CTCAE grade 5"},
    {"AREL", "Related", DATA_TEXT, 0, YES_NO,
     "Y: relation to product or procedure possible, probable or definite, or relation to the product not given"},
    {"ARELNA", "Related only because it is not given", DATA_TEXT, 0, YES_NO, "adverse_event.related_product"},
    {"AEOUT", "Outcome", DATA_TEXT, 0, "", "adverse_event.outcome"},
    {"AEWDFL", "Led to withdrawal from the study", DATA_TEXT, 0, YES_NO, "adverse_event.led_to_withdrawal"},
    {"AESI", "Event of special interest", DATA_TEXT, 0, "", "adverse_event.special_interest, missing for none"},
    {"TRTEMFL", "Treatment-emergent", DATA_TEXT, 0, YES_NO,
     "Y: onset on or after the first treatment of either knee (harvest site: the first harvest), or worsened after "
     "it, or a partial onset that can lie there"},
    {"TRTEMIFL", "Treatment-emergent although the onset may lie before", DATA_TEXT, 0, YES_NO,
     "Y: TRTEMFL rests on a partial or missing onset"},
    {"SRCVISIT", "Visit as entered", DATA_TEXT, 0, "", "of the record; unscheduled: none"},
    {"SRCINST", "Instance of the record", DATA_INTEGER, 0, "",
     "with subject, knee and visit as entered it names the record"},
    {"SRCVER", "Version of the record", DATA_INTEGER, 0, "", "at the data cut"},
};

static const char *text_of(const struct dataset *dataset, const struct record *record, const char *item)
{
    const struct answer *answer = record_answer(dataset, record, item);
    return answer != NULL ? answer->text : NULL;
}

/* The day of the onset when it is known whole. */
static date_days onset_of(const struct dataset *dataset, const struct record *record)
{
    const struct answer *onset = record_answer(dataset, record, "onset");
    if (onset == NULL || date_earliest(onset->date) != date_latest(onset->date))
        return DATE_NONE;
    return date_earliest(onset->date);
}

static void fill_onset(struct data_row *row, const struct dataset *dataset, const struct record *record)
{
    date_days onset = onset_of(dataset, record);
    date_days day1 = adverse_event_day_1(&dataset->subjects[record->subject]);
    data_row_add_text(row, text_of(dataset, record, "onset"));
    data_row_add_text(row, text_of(dataset, record, "end"));
    data_row_add_date(row, onset);
    data_row_add_number(row, onset != DATE_NONE && day1 != DATE_NONE ? date_study_day(onset, day1)
                                                                     : (double)NAN);
}

static void fill_classes(struct data_row *row, const struct dataset *dataset, const struct adverse_event *event,
                         const struct record *record)
{
    static const char *const severities[] = {[SEVERITY_MISSING] = NULL, [SEVERITY_MILD] = "MILD",
                                             [SEVERITY_MODERATE] = "MODERATE", [SEVERITY_SEVERE] = "SEVERE"};
    const struct answer *grade = record_answer(dataset, record, "ctcae_grade");
    data_row_add_text(row, severities[event->severity]);
    data_row_add_number(row, grade != NULL ? grade->number : (double)NAN);
    data_row_add_flag(row, event->serious);
    data_row_add_flag(row, event->serious_missing);
    data_row_add_flag(row, event->fatal);
    data_row_add_flag(row, event->related);
    data_row_add_flag(row, event->relation_missing);
    data_row_add_text(row, text_of(dataset, record, "outcome"));
    data_row_add_flag(row, event->led_to_withdrawal);
    data_row_add_text(row, event->interest);
}

static void fill_row(struct data_row *row, const struct dataset *dataset, const struct record *record, int number)
{
    static const char *const knees[] = {[KNEE_NONE] = NULL, [KNEE_LEFT] = "left", [KNEE_RIGHT] = "right"};
    const struct subject *subject = &dataset->subjects[record->subject];
    void *work = memory_owner(NULL, "adverse event");
    struct adverse_event event = adverse_event_read(work, dataset, record);
    enum emergence emergence = adverse_event_emergence(dataset, record);
    data_row_begin(row, dataset, record->subject);
    data_row_add_flag(row, subject->treated);
    data_row_add_number(row, number);
    if (!dataset->pooled)
        data_row_add_text(row, text_of(dataset, record, "term"));
    data_row_add_text(row, text_of(dataset, record, "coded_term"));
    data_row_add_text(row, text_of(dataset, record, "system_organ_class"));
    data_row_add_text(row, knees[record->knee]);
    fill_onset(row, dataset, record);
    fill_classes(row, dataset, &event, record);
    data_row_add_flag(row, emergence != EMERGENCE_NONE);
    data_row_add_flag(row, emergence == EMERGENCE_IMPUTED);
    data_row_add_text(row, record_visit(dataset, record));
    data_row_add_number(row, record->instance);
    data_row_add_number(row, record->version);
    talloc_free(work);
}

static void write_rows(const struct data_table *table, data_row_function *take, void *context)
{
    const struct dataset *dataset = table->dataset;
    struct data_row row;
    for (size_t i = 0; i < dataset->subject_count; i++) {
        struct records records = dataset_records(dataset, i);
        int number = 0;
        for (size_t k = 0; k < records.count; k++) {
            const struct record *record = &records.at[k];
            if (!adverse_event_is_form(dataset, record))
                continue;
            fill_row(&row, dataset, record, ++number);
            take(context, row.values);
        }
    }
}

struct data_table *data_table_adae(const void *owner, const struct dataset *dataset)
{
    struct data_table *table = data_table_new(owner, dataset, "ADAE", "Adverse events");
    data_table_add_subject_columns(table);
    data_table_add_columns(table, first_columns, sizeof first_columns / sizeof first_columns[0]);
    if (!dataset->pooled)
        data_table_add_columns(table, &verbatim, 1);
    data_table_add_columns(table, event_columns, sizeof event_columns / sizeof event_columns[0]);
    table->write_rows = write_rows;
    return table;
}
