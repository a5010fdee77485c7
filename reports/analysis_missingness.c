/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * T5 what is missing: items within the records that came, the order in which values of the deciding endpoint
 * are missing over the visits, and how those without a last value differ at baseline.  (SISAQOL; CONSORT-PRO)
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/analysis_rows.h"
#include "reports/analysis_strata.h"
#include "reports/stat_standardized.h"
#include "reports/subject_sets.h"
#include "reports/visit_dates.h"

/* -- items ----------------------------------------------------------------------------------------------- */

/* Selected records of a form of one column at one visit. */
struct item_tally {
    size_t records, complete, items, missing;
};

/* The items of a version of a form that everybody is asked: others may be missing on purpose. */
struct always_asked {
    uint64_t *mask; /* record_count_answered */
    size_t count;
};

static struct always_asked list_always_asked(const void *owner, const struct form *form)
{
    struct always_asked asked = {memory_new_array(owner, uint64_t, form->item_count / 64 + 1), 0};
    for (size_t i = 0; i < form->item_count; i++) {
        if (form->items[i].show != NULL)
            continue;
        asked.mask[i / 64] |= (uint64_t)1 << i % 64;
        asked.count++;
    }
    return asked;
}

static void tally_record(const struct dataset *dataset, const struct record *record,
                         const struct always_asked *asked, struct item_tally *tally)
{
    size_t answered = record_count_answered(dataset, record, asked->mask);
    tally->records++;
    tally->complete += answered == asked->count;
    tally->items += asked->count;
    tally->missing += asked->count - answered;
}

static void tally_form(const struct dataset *dataset, const struct form *form, struct item_tally *tallies)
{
    const struct catalogue *catalogue = dataset->catalogue;
    struct always_asked *asked = memory_new_array(tallies, struct always_asked, catalogue->form_count);
    for (size_t f = 0; f < catalogue->form_count; f++)
        asked[f] = list_always_asked(asked, catalogue->forms[f]);
    size_t visits = dataset->catalogue->protocol->visit_count;
    int number = dataset_form_number(dataset, form->id);
    for (size_t subject = 0; subject < dataset->subject_count; subject++) {
        int column = dataset_column(dataset, subject);
        if (column == NO_COHORT || !dataset->subjects[subject].treated)
            continue;
        enum knee_side knee = dataset_index_knee(dataset, subject, form);
        struct records records = dataset_records(dataset, subject);
        for (size_t i = 0; i < records.count; i++) {
            const struct record *record = &records.at[i];
            if (record->selected && record->knee == knee && record_is(dataset, record, number))
                tally_record(dataset, record, &asked[record->form],
                             &tallies[(size_t)column * visits + (size_t)record->analysis_visit]);
        }
    }
}

static void add_items(const struct dataset *dataset, struct results *results, const struct form *form)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    void *owner = memory_owner(NULL, "items");
    size_t visits = protocol->visit_count;
    struct item_tally *tallies =
        memory_new_array(owner, struct item_tally, memory_size_product(dataset->cohort_count, visits));
    const char *table = memory_format(owner, "missing items %s", form->id);
    tally_form(dataset, form, tallies);
    for (size_t v = 0; v < visits; v++)
        for (size_t c = 0; protocol_form_is_due(&protocol->visits[v], form->id) && c < dataset->cohort_count;
             c++) {
            const struct item_tally *tally = &tallies[c * visits + v];
            const struct cell cell = {results, table, protocol->visits[v].id, dataset->cohorts[c]};
            cell_add_count(&cell, "records", tally->records);
            cell_add_count(&cell, "complete", tally->complete);
            cell_add_percent(&cell, "pct_complete", tally->complete, tally->records);
            cell_add_count(&cell, "items", tally->items);
            cell_add_count(&cell, "missing", tally->missing);
            cell_add_percent(&cell, "pct_missing", tally->missing, tally->items);
        }
    talloc_free(owner);
}

static void add_all_items(const struct dataset *dataset, struct results *results)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    for (size_t e = 0; e < protocol->endpoint_count; e++) {
        bool before = false;
        for (size_t other = 0; other < e; other++)
            before = before || strcmp(protocol->endpoints[other].form, protocol->endpoints[e].form) == 0;
        const struct form *form = catalogue_find_form(dataset->catalogue, protocol->endpoints[e].form, 0);
        if (form != NULL && !before)
            add_items(dataset, results, form);
    }
}

/* -- patterns -------------------------------------------------------------------------------------------- */

enum { PATTERN_VISITS_MOST = 32 }; /* later ones are not looked at */
enum { PATTERNS_SHOWN = 8 };

enum pattern_kind { PATTERN_COMPLETE, PATTERN_MONOTONE, PATTERN_INTERMITTENT, PATTERN_NONE, PATTERN_KINDS };
static const char *const pattern_kinds[PATTERN_KINDS] = {"complete", "monotone", "intermittent", "none"};

/* Bits 2i and 2i + 1 of visit i: has a value; is over without one. Neither: not due yet. */
struct pattern {
    uint64_t code;
    size_t column;
};

struct patterns {
    struct pattern *at;
    size_t count;
    size_t visits;
};

static int compare_patterns(const void *a, const void *b)
{
    const struct pattern *left = a, *right = b;
    if (left->code != right->code)
        return left->code < right->code ? -1 : 1;
    return (left->column > right->column) - (left->column < right->column);
}

static uint64_t pattern_of(const struct dataset *dataset, size_t subject, const double *const *values,
                           const struct visit *const *visits, size_t count)
{
    uint64_t code = 0;
    for (size_t v = 0; v < count; v++) {
        if (!isnan(values[v][subject]))
            code |= (uint64_t)1 << 2 * v;
        else if (visit_is_over(dataset, &dataset->subjects[subject], visits[v]))
            code |= (uint64_t)2 << 2 * v;
    }
    return code;
}

static struct patterns find_patterns(const void *owner, const struct dataset *dataset, size_t endpoint)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    struct columns columns = columns_of_treated(owner, dataset);
    const double *values[PATTERN_VISITS_MOST];
    const struct visit *visits[PATTERN_VISITS_MOST];
    struct patterns patterns = {memory_new_array(owner, struct pattern, dataset->subject_count), 0, 0};
    for (size_t v = 0; v < protocol->visit_count && patterns.visits < PATTERN_VISITS_MOST; v++) {
        if (!dataset_is_after_baseline(dataset, (int)v))
            continue;
        values[patterns.visits] = dataset_values(dataset, endpoint, (int)v);
        visits[patterns.visits++] = &protocol->visits[v];
    }
    for (size_t c = 0; c < columns.count; c++)
        for (size_t i = 0; i < columns.at[c].count; i++)
            patterns.at[patterns.count++] = (struct pattern){
                pattern_of(dataset, columns.at[c].subjects[i], values, visits, patterns.visits), c};
    qsort(patterns.at, patterns.count, sizeof *patterns.at, compare_patterns);
    return patterns;
}

/* Of the visits that have a value or are over; without such a visit a pattern is complete. */
static enum pattern_kind kind_of(uint64_t code, size_t visits)
{
    bool any = false, gap = false, after_gap = false, due = false;
    for (size_t v = 0; v < visits; v++) {
        bool value = code >> 2 * v & 1, missing = code >> 2 * v & 2;
        after_gap = after_gap || (value && gap);
        gap = gap || missing;
        any = any || value;
        due = due || value || missing;
    }
    if (!gap)
        return PATTERN_COMPLETE;
    if (due && !any)
        return PATTERN_NONE;
    return after_gap ? PATTERN_INTERMITTENT : PATTERN_MONOTONE;
}

static char pattern_sign(uint64_t code, size_t visit)
{
    if (code >> 2 * visit & 1)
        return '+';
    return code >> 2 * visit & 2 ? '.' : '-';
}

/* "++.-": a value, none, not due yet. */
static const char *pattern_text(const void *owner, uint64_t code, size_t visits)
{
    char *text = memory_new_array(owner, char, visits + 1);
    for (size_t v = 0; v < visits; v++)
        text[v] = pattern_sign(code, v);
    text[visits] = '\0';
    return text;
}

static void add_kinds(const void *owner, const struct dataset *dataset, struct results *results,
                      const struct patterns *patterns)
{
    size_t *counts = memory_new_array(owner, size_t, PATTERN_KINDS * dataset->cohort_count);
    size_t *all = memory_new_array(owner, size_t, dataset->cohort_count);
    for (size_t i = 0; i < patterns->count; i++) {
        const struct pattern *pattern = &patterns->at[i];
        counts[(size_t)kind_of(pattern->code, patterns->visits) * dataset->cohort_count + pattern->column]++;
        all[pattern->column]++;
    }
    for (size_t k = 0; k < PATTERN_KINDS; k++)
        for (size_t c = 0; c < dataset->cohort_count; c++) {
            const struct cell cell = {results, "missing patterns", pattern_kinds[k], dataset->cohorts[c]};
            cell_add_count(&cell, "n", counts[k * dataset->cohort_count + c]);
            cell_add_percent(&cell, "pct", counts[k * dataset->cohort_count + c], all[c]);
        }
}

/* Runs of equal codes; [first, first + count) of the patterns. */
struct run {
    size_t first, count;
};

static int compare_runs(const void *a, const void *b)
{
    const struct run *left = a, *right = b;
    if (left->count != right->count)
        return left->count > right->count ? -1 : 1;
    return (left->first > right->first) - (left->first < right->first);
}

static void add_commonest(const void *owner, const struct dataset *dataset, struct results *results,
                          const struct patterns *patterns)
{
    struct run *runs = memory_new_array(owner, struct run, patterns->count);
    size_t count = 0;
    for (size_t i = 0; i < patterns->count; i++) {
        if (i == 0 || patterns->at[i].code != patterns->at[i - 1].code)
            runs[count++] = (struct run){i, 0};
        runs[count - 1].count++;
    }
    qsort(runs, count, sizeof *runs, compare_runs);
    for (size_t r = 0; r < count && r < PATTERNS_SHOWN; r++) {
        const char *row = pattern_text(owner, patterns->at[runs[r].first].code, patterns->visits);
        size_t *columns = memory_new_array(owner, size_t, dataset->cohort_count);
        for (size_t i = 0; i < runs[r].count; i++)
            columns[patterns->at[runs[r].first + i].column]++;
        for (size_t c = 0; c < dataset->cohort_count; c++)
            cell_add_count(&(struct cell){results, "commonest patterns", row, dataset->cohorts[c]}, "n",
                           columns[c]);
    }
}

/* -- completers and drop-outs ---------------------------------------------------------------------------- */

enum { COMPLETERS, DROP_OUTS, NEITHER };
static const char *const followed_columns[] = {"completers", "drop-outs"};

/* Of each subject: has a value at the last visit, or should have one. */
static int *find_followed(const void *owner, const struct dataset *dataset, size_t endpoint)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    const struct visit *last = &protocol->visits[protocol->visit_count - 1];
    const double *values = dataset_values(dataset, endpoint, (int)protocol->visit_count - 1);
    int *followed = memory_new_array(owner, int, dataset->subject_count);
    for (size_t i = 0; i < dataset->subject_count; i++) {
        const struct subject *subject = &dataset->subjects[i];
        followed[i] = NEITHER;
        if (!subject->treated || dataset_column(dataset, i) == NO_COHORT)
            continue;
        if (!isnan(values[i]))
            followed[i] = COMPLETERS;
        else if (visit_is_over(dataset, subject, last))
            followed[i] = DROP_OUTS;
    }
    return followed;
}

static void add_variable(const struct dataset *dataset, struct results *results, const char *row,
                         const double *values, const int *followed)
{
    static const char table[] = "completers and drop-outs";
    void *owner = memory_owner(NULL, "variable");
    struct description described[2];
    for (int group = COMPLETERS; group <= DROP_OUTS; group++) {
        double *some = memory_new_array(owner, double, dataset->subject_count);
        size_t expected = 0, n = 0;
        for (size_t i = 0; i < dataset->subject_count; i++) {
            if (followed[i] != group)
                continue;
            expected++;
            if (!isnan(values[i]))
                some[n++] = values[i];
        }
        described[group] = stat_describe(some, n, dataset->catalogue->protocol->level);
        cell_add_description(&(struct cell){results, table, row, followed_columns[group]}, &described[group],
                             expected, DESCRIPTION_PLAIN);
    }
    const struct cell cell = {results, table, row, "difference"};
    cell_add_or_reason(
        &cell, "smd",
        stat_standardized_numeric(described[0].mean, described[0].sd, described[1].mean, described[1].sd),
        "a group has fewer than two values, or no spread");
    talloc_free(owner);
}

static bool is_number(const struct dataset *dataset, const struct item_reference *reference)
{
    const struct form *form = catalogue_find_form(dataset->catalogue, reference->form, 0);
    int at = form != NULL ? form_find_item(form, reference->item) : FORM_NONE;
    return at != FORM_NONE &&
           (form->items[at].type == ITEM_INTEGER || form->items[at].type == ITEM_DECIMAL) &&
           !(dataset->pooled && dataset_item_may_name_arm(&form->items[at]));
}

static void add_followed(const void *owner, const struct dataset *dataset, struct results *results,
                         size_t endpoint)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    const int *followed = find_followed(owner, dataset, endpoint);
    add_variable(dataset, results, protocol->endpoints[endpoint].id,
                 dataset_values(dataset, endpoint, dataset_baseline(dataset)), followed);
    for (size_t b = 0; b < protocol->baseline_count; b++) {
        const struct item_reference *reference = &protocol->baseline[b];
        if (!is_number(dataset, reference))
            continue;
        void *scratch = memory_owner(NULL, "item");
        const struct answer **answers = answers_at_baseline(scratch, dataset, reference);
        double *values = memory_new_array(scratch, double, dataset->subject_count);
        for (size_t i = 0; i < dataset->subject_count; i++)
            values[i] = answers[i] != NULL ? answers[i]->number : (double)NAN;
        add_variable(dataset, results, memory_format(scratch, "%s.%s", reference->form, reference->item),
                     values, followed);
        talloc_free(scratch);
    }
}

void analysis_missingness(const struct dataset *dataset, struct results *results)
{
    void *owner = memory_owner(NULL, "missingness");
    int endpoint = subject_sets_endpoint(dataset->catalogue->protocol);
    add_all_items(dataset, results);
    if (endpoint >= 0) {
        struct patterns patterns = find_patterns(owner, dataset, (size_t)endpoint);
        if (patterns.visits > 0) {
            add_kinds(owner, dataset, results, &patterns);
            add_commonest(owner, dataset, results, &patterns);
            add_followed(owner, dataset, results, (size_t)endpoint);
        }
    }
    talloc_free(owner);
}
