/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * F1 the way of the subjects through the study: screened, not treated, and at each visit after baseline how
 * many of the treated have a value, have left, are not due yet, or have missed it.  Enrolled, allocated,
 * treated and analysed stand in `analysis sets`.  (CONSORT 2010, items 13a and 13b)
 */
#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/analysis_rows.h"
#include "reports/subject_sets.h"
#include "reports/visit_dates.h"

#define TABLE "flow"
#define ALL_COLUMN "(all)"
#define NO_REASON "no_reason"

/* Counts of rows in each column and in the last one, (all). */
struct tally {
    const struct dataset *dataset;
    struct results *results;
    struct codes reasons; /* of the end of study, and NO_REASON */
    size_t columns;
};

static size_t *new_counts(const void *owner, const struct tally *tally, size_t rows)
{
    return memory_new_array(owner, size_t, memory_size_product(rows, tally->columns));
}

static void count(const struct tally *tally, size_t *row, size_t subject)
{
    int column = dataset_column(tally->dataset, subject);
    if (column != NO_COHORT)
        row[column]++;
    row[tally->columns - 1]++;
}

static void add_row(const struct tally *tally, const char *row, const char *stat, const size_t *counts)
{
    for (size_t c = 0; c < tally->columns; c++) {
        const char *col = c + 1 < tally->columns ? tally->dataset->cohorts[c] : ALL_COLUMN;
        cell_add_count(&(struct cell){tally->results, TABLE, row, col}, stat, counts[c]);
    }
}

/* A row's counts by reason, the reasons that nobody has left out. */
static void add_reasons(const struct tally *tally, const char *row, const char *stat,
                        const struct codes *codes, const size_t *counts)
{
    for (size_t r = 0; r < codes->count; r++) {
        const size_t *of_reason = &counts[r * tally->columns];
        if (of_reason[tally->columns - 1] == 0)
            continue;
        char *name = memory_format(NULL, "%s %s", stat, codes->at[r]);
        add_row(tally, row, name, of_reason);
        talloc_free(name);
    }
}

/* -- screening ------------------------------------------------------------------------------------------- */

/* The last answer that decides on a subject counts: a screening may be repeated. */
struct screening {
    bool screened, refused;
    const char *reason; /* code, NULL: none given */
};

static struct screening find_screening(const struct dataset *dataset, size_t subject, int form)
{
    struct screening screening = {false, false, NULL};
    struct records records = dataset_records_of(dataset, subject, form);
    for (size_t i = 0; i < records.count; i++) {
        const struct answer *eligible = record_answer(dataset, &records.at[i], "eligible");
        if (eligible == NULL)
            continue;
        const struct answer *reason = record_answer(dataset, &records.at[i], "not_eligible_reason");
        screening.screened = true;
        screening.refused = strcmp(eligible->text, "false") == 0;
        screening.reason = screening.refused && reason != NULL ? reason->text : NULL;
    }
    return screening;
}

static void add_screening(const void *owner, const struct tally *tally)
{
    const struct dataset *dataset = tally->dataset;
    int form = dataset_form_number(dataset, "screening");
    if (form < 0)
        return;
    struct codes reasons = codes_of_item(owner, dataset->catalogue, "screening", "not_eligible_reason");
    codes_append(owner, &reasons, NO_REASON);
    size_t *screened = new_counts(owner, tally, 1), *refused = new_counts(owner, tally, 1);
    size_t *by_reason = new_counts(owner, tally, reasons.count);
    for (size_t i = 0; i < dataset->subject_count; i++) {
        struct screening screening = find_screening(dataset, i, form);
        if (screening.screened)
            count(tally, screened, i);
        if (!screening.refused)
            continue;
        size_t at = codes_find(&reasons, screening.reason != NULL ? screening.reason : NO_REASON);
        count(tally, refused, i);
        count(tally, &by_reason[(at < reasons.count ? at : reasons.count - 1) * tally->columns], i);
    }
    add_row(tally, "screened", "n", screened);
    add_row(tally, "not_eligible", "n", refused);
    add_reasons(tally, "not_eligible", "reason", &reasons, by_reason);
}

/* -- treatment ------------------------------------------------------------------------------------------- */

/* Why a subject left, NULL: it did not. */
static const char *reason_of(const struct subject *subject)
{
    if (subject->end_reason != NULL)
        return strcmp(subject->end_reason, "completed") == 0 ? NULL : subject->end_reason;
    if (subject->died != DATE_NONE)
        return "died";
    return subject->withdrawn != DATE_NONE ? "withdrew_consent" : NULL;
}

static size_t *reason_row(const struct tally *tally, size_t *counts, const char *reason)
{
    size_t at = codes_find(&tally->reasons, reason != NULL ? reason : NO_REASON);
    return &counts[(at < tally->reasons.count ? at : tally->reasons.count - 1) * tally->columns];
}

static void add_not_treated(const void *owner, const struct tally *tally)
{
    const struct dataset *dataset = tally->dataset;
    size_t *all = new_counts(owner, tally, 1), *by_reason = new_counts(owner, tally, tally->reasons.count);
    for (size_t i = 0; i < dataset->subject_count; i++) {
        if (dataset->subjects[i].treated)
            continue;
        count(tally, all, i);
        count(tally, reason_row(tally, by_reason, reason_of(&dataset->subjects[i])), i);
    }
    add_row(tally, "not_treated", "n", all);
    add_reasons(tally, "not_treated", "reason", &tally->reasons, by_reason);
}

/* -- visits ---------------------------------------------------------------------------------------------- */

/* The day on which a subject left, DATE_NONE when it did not or the day is not known. */
static date_days left_on(const struct subject *subject)
{
    if (subject->died != DATE_NONE)
        return subject->died;
    if (subject->withdrawn != DATE_NONE)
        return subject->withdrawn;
    return subject->last_contact;
}

static bool has_left(const struct subject *subject, const struct visit *visit)
{
    date_days left = left_on(subject);
    return reason_of(subject) != NULL && left != DATE_NONE &&
           left <= visit_date_of_day(subject->day1[KNEE_NONE], visit->due[1]);
}

enum place { PLACE_WITH_DATA, PLACE_LEFT, PLACE_NOT_DUE, PLACE_MISSED, PLACE_COUNT };
static const char *const place_stats[PLACE_COUNT] = {"with_data", "left", "not_due", "missed"};

static enum place find_place(const struct dataset *dataset, size_t subject, const struct visit *visit,
                             double value)
{
    const struct subject *at = &dataset->subjects[subject];
    if (!isnan(value))
        return PLACE_WITH_DATA;
    if (has_left(at, visit))
        return PLACE_LEFT;
    return visit_is_over(dataset, at, visit) ? PLACE_MISSED : PLACE_NOT_DUE;
}

static void add_visit(const struct tally *tally, const struct visit *visit, const double *values)
{
    const struct dataset *dataset = tally->dataset;
    void *owner = memory_owner(NULL, "visit");
    size_t *places = new_counts(owner, tally, PLACE_COUNT),
           *by_reason = new_counts(owner, tally, tally->reasons.count);
    for (size_t i = 0; i < dataset->subject_count; i++) {
        if (!dataset->subjects[i].treated)
            continue;
        enum place place = find_place(dataset, i, visit, values[i]);
        count(tally, &places[place * tally->columns], i);
        if (place == PLACE_LEFT)
            count(tally, reason_row(tally, by_reason, reason_of(&dataset->subjects[i])), i);
    }
    const char *row = memory_format(owner, "visit %s", visit->id);
    for (size_t p = 0; p < PLACE_COUNT; p++)
        add_row(tally, row, place_stats[p], &places[p * tally->columns]);
    add_reasons(tally, row, "left", &tally->reasons, by_reason);
    talloc_free(owner);
}

void analysis_flow(const struct dataset *dataset, struct results *results)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    void *owner = memory_owner(NULL, "flow");
    struct tally tally = {dataset, results,
                          codes_of_item(owner, dataset->catalogue, "end_of_study", "reason"),
                          dataset->cohort_count + 1};
    codes_append(owner, &tally.reasons, "withdrew_consent");
    codes_append(owner, &tally.reasons, "died");
    codes_append(owner, &tally.reasons, NO_REASON);
    add_screening(owner, &tally);
    add_not_treated(owner, &tally);
    int endpoint = subject_sets_endpoint(protocol);
    for (size_t v = 0; endpoint >= 0 && v < protocol->visit_count; v++)
        if (dataset_is_after_baseline(dataset, (int)v))
            add_visit(&tally, &protocol->visits[v], dataset_values(dataset, (size_t)endpoint, (int)v));
    talloc_free(owner);
}
