/* SPDX-License-Identifier: GPL-3.0-or-later */
/* T1 analysis sets, T2 disposition.  Counts each enrolled subject; the last column is all of them. */
#include <string.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/analysis_rows.h"
#include "reports/subject_sets.h"

#define ALL_COLUMN "(all)"
#define IN_STUDY "in_study"
#define WITHDREW "withdrew_consent"
#define FORM_DEVIATION "protocol_deviation"

enum set {
    SET_ENROLLED, SET_ALLOCATED, SET_TREATED, SET_NO_RECORD, SET_FAS, SET_PER_PROTOCOL, SET_COMPLETERS, SET_COUNT
};

static const char *const set_names[SET_COUNT] = {
    [SET_ENROLLED] = "enrolled", [SET_ALLOCATED] = "allocated", [SET_TREATED] = "treated",
    [SET_NO_RECORD] = "treated_without_records", [SET_FAS] = "fas", [SET_PER_PROTOCOL] = "per_protocol",
    [SET_COMPLETERS] = "completers",
};

/* Nobody has come to any visit, or the date of treatment is wrong. */
static bool has_record_in_a_window(const struct dataset *dataset, size_t subject)
{
    struct records records = dataset_records(dataset, subject);
    for (size_t i = 0; i < records.count; i++) {
        if (records.at[i].analysis_visit != NO_VISIT)
            return true;
    }
    return false;
}

static void find_sets(const struct dataset *dataset, size_t subject, int deviations, bool member[SET_COUNT])
{
    struct subject_sets sets = subject_sets_of(dataset, subject);
    member[SET_ENROLLED] = true;
    member[SET_ALLOCATED] = dataset->subjects[subject].cohort != NO_COHORT;
    member[SET_TREATED] = sets.treated;
    member[SET_NO_RECORD] =
        member[SET_TREATED] && !has_record_in_a_window(dataset, subject);
    member[SET_FAS] = sets.full_analysis;
    member[SET_PER_PROTOCOL] = sets.full_analysis && subject_keeps_protocol(dataset, subject, deviations);
    member[SET_COMPLETERS] = sets.completer;
}

/* counts[row * columns + column] += 1 in the subject's column and in the last one */
static void count_subject(const struct dataset *dataset, size_t subject, size_t *row)
{
    int column = dataset_column(dataset, subject);
    if (column != NO_COHORT)
        row[column]++;
    row[dataset->cohort_count]++;
}

static const char *column_name(const struct dataset *dataset, size_t column)
{
    return column < dataset->cohort_count ? dataset->cohorts[column] : ALL_COLUMN;
}

static void add_row(const struct dataset *dataset, struct cell cell, const size_t *row,
                    const size_t *enrolled)
{
    for (size_t c = 0; c <= dataset->cohort_count; c++) {
        cell.col = column_name(dataset, c);
        cell_add_count(&cell, "n", row[c]);
        cell_add_percent(&cell, "pct", row[c], enrolled[c]);
    }
}

static void refuse_row(const struct dataset *dataset, struct cell cell)
{
    for (size_t c = 0; c <= dataset->cohort_count; c++) {
        cell.col = column_name(dataset, c);
        cell_add_refused(&cell, "n");
        cell_add_refused(&cell, "pct");
    }
}

static const char *disposition(const struct subject *subject)
{
    if (subject->end_reason != NULL)
        return subject->end_reason;
    return subject->withdrawn != DATE_NONE ? WITHDREW : IN_STUDY;
}

static void add_disposition(const void *owner, const struct dataset *dataset, struct results *results,
                            const size_t *enrolled)
{
    size_t columns = dataset->cohort_count + 1;
    struct codes reasons = codes_of_item(owner, dataset->catalogue, "end_of_study", "reason");
    codes_append(owner, &reasons, WITHDREW);
    codes_append(owner, &reasons, IN_STUDY);
    size_t *counts = memory_new_array(owner, size_t, memory_size_product(reasons.count, columns));
    for (size_t i = 0; i < dataset->subject_count; i++) {
        size_t at = codes_find(&reasons, disposition(&dataset->subjects[i]));
        if (at < reasons.count)
            count_subject(dataset, i, &counts[at * columns]);
    }
    struct cell cell = {results, "disposition", IN_STUDY, NULL};
    add_row(dataset, cell, &counts[codes_find(&reasons, IN_STUDY) * columns], enrolled);
    for (size_t r = 0; r < reasons.count; r++) {
        cell.row = reasons.at[r];
        if (strcmp(cell.row, IN_STUDY) != 0)
            add_row(dataset, cell, &counts[r * columns], enrolled);
    }
}

/* -- protocol deviations --------------------------------------------------------------------------------- */

/* Subjects and deviations of one row in each column and in the last one. */
struct deviations {
    size_t *subjects, *events;
    size_t last;                 /* index + 1 of the subject that was counted last: records come by subject */
};

static void count_deviation(const struct dataset *dataset, size_t subject, struct deviations *row)
{
    count_subject(dataset, subject, row->events);
    if (row->last != subject + 1)
        count_subject(dataset, subject, row->subjects);
    row->last = subject + 1;
}

static void add_deviation_row(const struct dataset *dataset, struct cell cell, const struct deviations *row,
                              const size_t *enrolled)
{
    for (size_t c = 0; c <= dataset->cohort_count; c++) {
        cell.col = column_name(dataset, c);
        cell_add_count(&cell, "subjects", row->subjects[c]);
        cell_add_percent(&cell, "pct", row->subjects[c], enrolled[c]);
        cell_add_count(&cell, "events", row->events[c]);
    }
}

static void count_deviations(const struct dataset *dataset, const struct codes *categories, struct deviations *rows)
{
    int form = dataset_form_number(dataset, FORM_DEVIATION);
    for (size_t subject = 0; subject < dataset->subject_count; subject++) {
        struct records records = dataset_records_of(dataset, subject, form);
        for (size_t i = 0; i < records.count; i++) {
            const struct answer *category = record_answer(dataset, &records.at[i], "category");
            size_t at = category != NULL ? codes_find(categories, category->text) : categories->count;
            count_deviation(dataset, subject, &rows[0]);
            if (at < categories->count)
                count_deviation(dataset, subject, &rows[at]);
        }
    }
}

/* Rows: any, then the categories of the form; none when no form has categories. */
static void add_deviations(const void *owner, const struct dataset *dataset, struct results *results,
                           const size_t *enrolled)
{
    struct codes categories = {0};
    codes_append(owner, &categories, "any");
    struct codes of_form = codes_of_item(owner, dataset->catalogue, FORM_DEVIATION, "category");
    for (size_t i = 0; i < of_form.count; i++)
        codes_append(owner, &categories, of_form.at[i]);
    struct deviations *rows = memory_new_array(owner, struct deviations, categories.count);
    for (size_t i = 0; i < categories.count; i++) {
        rows[i].subjects = memory_new_array(owner, size_t, dataset->cohort_count + 1);
        rows[i].events = memory_new_array(owner, size_t, dataset->cohort_count + 1);
    }
    count_deviations(dataset, &categories, rows);
    for (size_t i = 0; of_form.count > 0 && i < categories.count; i++) {
        struct cell cell = {results, "protocol deviations", categories.at[i], NULL};
        add_deviation_row(dataset, cell, &rows[i], enrolled);
    }
}

void analysis_populations(const struct dataset *dataset, struct results *results)
{
    void *owner = memory_owner(NULL, "populations");
    size_t columns = dataset->cohort_count + 1;
    size_t *counts = memory_new_array(owner, size_t, SET_COUNT * columns);
    int deviations = subject_sets_deviations(dataset);
    for (size_t i = 0; i < dataset->subject_count; i++) {
        bool member[SET_COUNT];
        find_sets(dataset, i, deviations, member);
        for (size_t set = 0; set < SET_COUNT; set++) {
            if (member[set])
                count_subject(dataset, i, &counts[set * columns]);
        }
    }
    for (size_t set = 0; set < SET_COUNT; set++) {
        struct cell cell = {results, "analysis sets", set_names[set], NULL};
        if (dataset->pooled && set == SET_ALLOCATED)
            refuse_row(dataset, cell);
        else
            add_row(dataset, cell, &counts[set * columns], &counts[SET_ENROLLED * columns]);
    }
    struct cell voided = {results, "left out", "enrolment_voided", ALL_COLUMN};
    cell_add_count(&voided, "n", dataset->voided_count);
    add_disposition(owner, dataset, results, counts);
    add_deviations(owner, dataset, results, counts);
    talloc_free(owner);
}
