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
#include "reports/stat_sort.h"
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

/* The forms that have endpoints, newest versions, in the protocol's order. */
struct forms {
    const struct form **at;
    size_t count;
    int *of_version; /* for each of catalogue->forms: index into `at`, -1 */
};

static struct forms list_forms(const void *owner, const struct catalogue *catalogue)
{
    const struct protocol *protocol = catalogue->protocol;
    struct forms forms = {memory_new_array(owner, const struct form *, protocol->endpoint_count), 0,
                          memory_new_array(owner, int, catalogue->form_count)};
    for (size_t e = 0; e < protocol->endpoint_count; e++) {
        const struct form *form = catalogue_find_form(catalogue, protocol->endpoints[e].form, 0);
        bool known = form == NULL;
        for (size_t i = 0; i < forms.count; i++)
            known = known || forms.at[i] == form;
        if (!known)
            forms.at[forms.count++] = form;
    }
    for (size_t f = 0; f < catalogue->form_count; f++) {
        forms.of_version[f] = -1;
        for (size_t i = 0; i < forms.count; i++)
            if (strcmp(forms.at[i]->id, catalogue->forms[f]->id) == 0)
                forms.of_version[f] = (int)i;
    }
    return forms;
}

/* tallies[(form * columns + column) * visits + visit] */
static void tally_records(const struct dataset *dataset, const struct forms *forms,
                          struct item_tally *tallies)
{
    const struct catalogue *catalogue = dataset->catalogue;
    struct always_asked *asked = memory_new_array(tallies, struct always_asked, catalogue->form_count);
    for (size_t f = 0; f < catalogue->form_count; f++)
        asked[f] = list_always_asked(asked, catalogue->forms[f]);
    for (size_t subject = 0; subject < dataset->subject_count; subject++) {
        int column = dataset_column(dataset, subject);
        if (column == NO_COHORT || !dataset->subjects[subject].treated)
            continue;
        enum knee_side index_knee = dataset->subjects[subject].index_knee;
        struct records records = dataset_records(dataset, subject);
        for (size_t i = 0; i < records.count; i++) {
            const struct record *record = &records.at[i];
            int form = forms->of_version[record->form];
            if (!record->selected || form < 0 || (record->knee != KNEE_NONE && record->knee != index_knee))
                continue;
            size_t cell = (size_t)form * dataset->cohort_count + (size_t)column;
            tally_record(dataset, record, &asked[record->form],
                         &tallies[cell * catalogue->protocol->visit_count + (size_t)record->analysis_visit]);
        }
    }
}

static void add_item_tally(const struct cell *cell, const struct item_tally *tally)
{
    cell_add_count(cell, "records", tally->records);
    cell_add_count(cell, "complete", tally->complete);
    cell_add_percent(cell, "pct_complete", tally->complete, tally->records);
    cell_add_count(cell, "items", tally->items);
    cell_add_count(cell, "missing", tally->missing);
    cell_add_percent(cell, "pct_missing", tally->missing, tally->items);
}

static void add_items(const void *owner, const struct dataset *dataset, struct results *results)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    size_t visits = protocol->visit_count, columns = dataset->cohort_count;
    struct forms forms = list_forms(owner, dataset->catalogue);
    struct item_tally *tallies =
        memory_new_array(owner, struct item_tally, memory_size_product(forms.count * columns, visits));
    tally_records(dataset, &forms, tallies);
    for (size_t f = 0; f < forms.count; f++) {
        const char *table = memory_format(owner, "missing items %s", forms.at[f]->id);
        for (size_t v = 0; v < visits; v++)
            for (size_t c = 0; protocol_form_is_due(&protocol->visits[v], forms.at[f]->id) && c < columns;
                 c++)
                add_item_tally(&(struct cell){results, table, protocol->visits[v].id, dataset->cohorts[c]},
                               &tallies[(f * columns + c) * visits + v]);
    }
}

/* -- patterns -------------------------------------------------------------------------------------------- */

enum {
    PATTERN_VISITS_MOST = 26, /* codes are whole numbers in a double; later visits are not looked at */
    PATTERNS_SHOWN = 8
};

enum pattern_kind { PATTERN_COMPLETE, PATTERN_MONOTONE, PATTERN_INTERMITTENT, PATTERN_NONE, PATTERN_KINDS };
static const char *const pattern_kinds[PATTERN_KINDS] = {"complete", "monotone", "intermittent", "none"};

/* Subjects of a column with one pattern: bits 2i and 2i + 1 of visit i: is over with a value; without one. */
struct pattern {
    uint64_t code;
    size_t column, subjects;
};

struct patterns {
    struct pattern *at; /* by code, then column */
    size_t count;
    const double *values[PATTERN_VISITS_MOST];
    const struct visit *visits[PATTERN_VISITS_MOST];
    size_t visit_count;
};

static int compare_patterns(const void *a, const void *b)
{
    const struct pattern *left = a, *right = b;
    if (left->code != right->code)
        return left->code < right->code ? -1 : 1;
    return (left->column > right->column) - (left->column < right->column);
}

static uint64_t pattern_of(const struct dataset *dataset, size_t subject, const struct patterns *patterns)
{
    uint64_t code = 0;
    for (size_t v = 0; v < patterns->visit_count; v++) {
        if (visit_is_over(dataset, &dataset->subjects[subject], patterns->visits[v]))
            code |= (uint64_t)(isnan(patterns->values[v][subject]) ? 2 : 1) << 2 * v;
    }
    return code;
}

static void choose_visits(struct patterns *patterns, const struct dataset *dataset, size_t endpoint)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    for (size_t v = 0; v < protocol->visit_count && patterns->visit_count < PATTERN_VISITS_MOST; v++) {
        if (!dataset_is_after_baseline(dataset, (int)v))
            continue;
        patterns->values[patterns->visit_count] = dataset_values(dataset, endpoint, (int)v);
        patterns->visits[patterns->visit_count++] = &protocol->visits[v];
    }
}

static void add_column_patterns(const void *owner, struct patterns *patterns, size_t column,
                                const double *sorted, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || sorted[i] > sorted[i - 1]) {
            if ((patterns->count & (patterns->count - 1)) == 0)
                patterns->at = memory_resize_array(owner, patterns->at, struct pattern,
                                                   patterns->count == 0 ? 1 : 2 * patterns->count);
            patterns->at[patterns->count++] = (struct pattern){(uint64_t)sorted[i], column, 0};
        }
        patterns->at[patterns->count - 1].subjects++;
    }
}

static struct patterns find_patterns(const void *owner, const struct dataset *dataset, size_t endpoint)
{
    struct columns columns = columns_of_treated(owner, dataset);
    struct patterns patterns = {.at = NULL};
    choose_visits(&patterns, dataset, endpoint);
    for (size_t c = 0; c < columns.count; c++) {
        double *codes = memory_new_array(owner, double, columns.at[c].count);
        for (size_t i = 0; i < columns.at[c].count; i++)
            codes[i] = (double)pattern_of(dataset, columns.at[c].subjects[i], &patterns);
        stat_sort(codes, columns.at[c].count);
        add_column_patterns(owner, &patterns, c, codes, columns.at[c].count);
    }
    if (patterns.count > 0)
        qsort(patterns.at, patterns.count, sizeof *patterns.at, compare_patterns);
    return patterns;
}

/* Of the visits that are over; without such a visit a pattern is complete. */
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

/* "++.-": a value, none, not over. */
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
        size_t kind = (size_t)kind_of(pattern->code, patterns->visit_count);
        counts[kind * dataset->cohort_count + pattern->column] += pattern->subjects;
        all[pattern->column] += pattern->subjects;
    }
    for (size_t k = 0; k < PATTERN_KINDS; k++)
        for (size_t c = 0; c < dataset->cohort_count; c++) {
            const struct cell cell = {results, "missing patterns", pattern_kinds[k], dataset->cohorts[c]};
            cell_add_count(&cell, "n", counts[k * dataset->cohort_count + c]);
            cell_add_percent(&cell, "pct", counts[k * dataset->cohort_count + c], all[c]);
        }
}

/* The columns of one code: [first, first + columns) of the patterns. */
struct common {
    size_t first, columns, subjects;
};

static int compare_common(const void *a, const void *b)
{
    const struct common *left = a, *right = b;
    if (left->subjects != right->subjects)
        return left->subjects > right->subjects ? -1 : 1;
    return (left->first > right->first) - (left->first < right->first);
}

static void add_commonest(const void *owner, const struct dataset *dataset, struct results *results,
                          const struct patterns *patterns)
{
    struct common *common = memory_new_array(owner, struct common, patterns->count);
    size_t count = 0;
    for (size_t i = 0; i < patterns->count; i++) {
        if (i == 0 || patterns->at[i].code != patterns->at[i - 1].code)
            common[count++] = (struct common){i, 0, 0};
        common[count - 1].columns++;
        common[count - 1].subjects += patterns->at[i].subjects;
    }
    if (count > 0)
        qsort(common, count, sizeof *common, compare_common);
    for (size_t r = 0; r < count && r < PATTERNS_SHOWN; r++) {
        const struct pattern *of_code = &patterns->at[common[r].first];
        const char *row = pattern_text(owner, of_code->code, patterns->visit_count);
        size_t *columns = memory_new_array(owner, size_t, dataset->cohort_count);
        for (size_t i = 0; i < common[r].columns; i++)
            columns[of_code[i].column] = of_code[i].subjects;
        for (size_t c = 0; c < dataset->cohort_count; c++)
            cell_add_count(&(struct cell){results, "commonest patterns", row, dataset->cohorts[c]}, "n",
                           columns[c]);
    }
}

/* -- completers and drop-outs ---------------------------------------------------------------------------- */

enum { COMPLETERS, DROP_OUTS, NEITHER };
static const char *const followed_columns[] = {"completers", "drop-outs"};

/* Of each subject for whom the last visit is over: has a value there, or not. */
static int *find_followed(const void *owner, const struct dataset *dataset, size_t endpoint)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    const struct visit *last = &protocol->visits[protocol->visit_count - 1];
    const double *values = dataset_values(dataset, endpoint, (int)protocol->visit_count - 1);
    int *followed = memory_new_array(owner, int, dataset->subject_count);
    for (size_t i = 0; i < dataset->subject_count; i++) {
        const struct subject *subject = &dataset->subjects[i];
        followed[i] = NEITHER;
        if (subject->treated && dataset_column(dataset, i) != NO_COHORT && visit_is_over(dataset, subject, last))
            followed[i] = isnan(values[i]) ? DROP_OUTS : COMPLETERS;
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
    add_items(owner, dataset, results);
    if (endpoint >= 0) {
        struct patterns patterns = find_patterns(owner, dataset, (size_t)endpoint);
        if (patterns.visit_count > 0) {
            add_kinds(owner, dataset, results, &patterns);
            add_commonest(owner, dataset, results, &patterns);
            add_followed(owner, dataset, results, (size_t)endpoint);
        }
    }
    talloc_free(owner);
}
