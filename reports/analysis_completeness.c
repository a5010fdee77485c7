/* SPDX-License-Identifier: GPL-3.0-or-later */
/* T5 completeness: expected, received and scorable forms per visit. */
#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/analysis_rows.h"
#include "reports/visit_dates.h"

/* One form at one visit in one column. */
struct tally {
    size_t expected, submissions, expected_submissions;
    size_t *scorable;        /* one for each endpoint of the protocol */
};

/* Due window closed before the day of the cut, and neither dead nor withdrawn when the visit was due. */
static bool is_expected(const struct dataset *dataset, const struct subject *subject,
                        const struct visit *visit)
{
    date_days due = visit_date_of_day(subject->day1[KNEE_NONE], visit->target);
    bool there = (subject->died == DATE_NONE || subject->died > due)
              && (subject->withdrawn == DATE_NONE || subject->withdrawn > due);
    return visit_is_over(dataset, subject, visit) && there;
}

/* received[visit * subjects + subject]: a record of the form is selected for the visit. */
static bool *find_received(const void *owner, const struct dataset *dataset, const struct form *form)
{
    size_t visits = dataset->catalogue->protocol->visit_count;
    bool *received = memory_new_array(owner, bool, memory_size_product(visits, dataset->subject_count));
    int number = dataset_form_number(dataset, form->id);
    for (size_t subject = 0; subject < dataset->subject_count; subject++) {
        struct records records = dataset_records_of(dataset, subject, number);
        enum knee_side knee = dataset_index_knee(dataset, subject, form);
        for (size_t i = 0; i < records.count; i++) {
            const struct record *record = &records.at[i];
            if (record->selected && record->knee == knee)
                received[(size_t)record->analysis_visit * dataset->subject_count + subject] = true;
        }
    }
    return received;
}

static size_t count_scorable(const struct column *column, const double *values)
{
    size_t count = 0;
    for (size_t i = 0; i < column->count; i++)
        count += !isnan(values[column->subjects[i]]);
    return count;
}

static void tally_column(const struct dataset *dataset, const struct column *column, const struct form *form,
                         int visit, const bool *received, struct tally *tally)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    for (size_t i = 0; i < column->count; i++) {
        size_t subject = column->subjects[i];
        bool expected = is_expected(dataset, &dataset->subjects[subject], &protocol->visits[visit]);
        tally->expected += expected;
        tally->submissions += received[subject];
        tally->expected_submissions += expected && received[subject];
    }
    for (size_t e = 0; e < protocol->endpoint_count; e++)
        if (strcmp(protocol->endpoints[e].form, form->id) == 0)
            tally->scorable[e] = count_scorable(column, dataset_values(dataset, e, visit));
}

static void add_received(const struct cell *cell, const struct tally *tally, size_t treated)
{
    cell_add_count(cell, "treated", treated);
    cell_add_count(cell, "expected", tally->expected);
    cell_add_count(cell, "submissions", tally->submissions);
    cell_add_percent(cell, "pct", tally->submissions, treated);
    cell_add_count(cell, "expected_submissions", tally->expected_submissions);
    cell_add_percent(cell, "pct_expected", tally->expected_submissions, tally->expected);
}

static void add_scorable(const struct cell *cell, const char *endpoint, const char *percent, size_t scorable,
                         size_t treated)
{
    char *count = memory_format(NULL, "%s_scorable", endpoint);
    cell_add_count(cell, count, scorable);
    cell_add_percent(cell, percent, scorable, treated);
    talloc_free(count);
}

/* The table of every form that has endpoints, and the short one of the completeness endpoint's form. */
static void add_tally(const struct dataset *dataset, struct cell cell, const struct form *form,
                      const struct tally *tally, size_t treated)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    int main_endpoint = protocol->completeness_endpoint;
    char *table = memory_format(NULL, "completeness %s", form->id);
    cell.table = table;
    add_received(&cell, tally, treated);
    for (size_t e = 0; e < protocol->endpoint_count; e++) {
        if (strcmp(protocol->endpoints[e].form, form->id) != 0)
            continue;
        char *percent = memory_format(table, "pct_%s_scorable", protocol->endpoints[e].id);
        add_scorable(&cell, protocol->endpoints[e].id, percent, tally->scorable[e], treated);
    }
    if (strcmp(protocol->endpoints[main_endpoint].form, form->id) == 0) {
        cell.table = "completeness";
        add_received(&cell, tally, treated);
        add_scorable(&cell, protocol->endpoints[main_endpoint].id, "pct_scorable",
                     tally->scorable[main_endpoint], treated);
    }
    talloc_free(table);
}

static void add_form(const struct dataset *dataset, struct columns columns, const struct form *form,
                     struct results *results)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    bool *received = find_received(NULL, dataset, form);
    for (int visit = 0; visit < (int)protocol->visit_count; visit++) {
        if (!protocol_form_is_due(&protocol->visits[visit], form->id))
            continue;
        for (size_t c = 0; c < columns.count; c++) {
            size_t *scorable = memory_new_array(NULL, size_t, protocol->endpoint_count);
            struct tally tally = {.scorable = scorable};
            tally_column(dataset, &columns.at[c], form, visit,
                         received + (size_t)visit * dataset->subject_count, &tally);
            struct cell cell = {results, NULL, protocol->visits[visit].id, columns.at[c].name};
            add_tally(dataset, cell, form, &tally, columns.at[c].count);
            talloc_free(scorable);
        }
    }
    talloc_free(received);
}

/* True when an endpoint before `endpoint` is of the same form. */
static bool form_came_before(const struct protocol *protocol, size_t endpoint)
{
    for (size_t e = 0; e < endpoint; e++) {
        if (strcmp(protocol->endpoints[e].form, protocol->endpoints[endpoint].form) == 0)
            return true;
    }
    return false;
}

void analysis_completeness(const struct dataset *dataset, struct results *results)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    void *owner = memory_owner(NULL, "completeness");
    struct columns columns = columns_of_treated(owner, dataset);
    for (size_t e = 0; e < protocol->endpoint_count; e++) {
        const struct form *form = catalogue_find_form(dataset->catalogue, protocol->endpoints[e].form, 0);
        if (form != NULL && !form_came_before(protocol, e))
            add_form(dataset, columns, form, results);
    }
    talloc_free(owner);
}
