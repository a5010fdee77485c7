/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/analysis_rows.h"

#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/stat_fisher.h"

void cell_add(const struct cell *cell, const char *stat, double value)
{
    results_add(cell->results, cell->table, cell->row, cell->col, stat, value);
}

void cell_add_count(const struct cell *cell, const char *stat, size_t count)
{
    cell_add(cell, stat, (double)count);
}

static void add_missing(const struct cell *cell, const char *stat, const char *status, const char *note)
{
    struct result row = {cell->table, cell->row, cell->col, stat, (double)NAN, status, note};
    results_add_missing(cell->results, &row);
}

void cell_add_percent(const struct cell *cell, const char *stat, size_t part, size_t whole)
{
    if (whole == 0)
        add_missing(cell, stat, "empty", "no subjects to take a percentage of");
    else
        cell_add(cell, stat, 100 * (double)part / (double)whole);
}

void cell_add_refused(const struct cell *cell, const char *stat)
{
    add_missing(cell, stat, "refused", "would name an arm of a masked study");
}

static void add_defined(const struct cell *cell, const char *stat, double value, size_t n)
{
    if (n == 0)
        add_missing(cell, stat, "empty", "no values");
    else if (isnan(value))
        add_missing(cell, stat, "not_estimable", "needs at least two values");
    else
        cell_add(cell, stat, value);
}

void cell_add_description(const struct cell *cell, const struct description *d, size_t expected,
                          enum description_part part)
{
    const struct {
        const char *stat;
        double value;
        bool limits;
    } rows[] = {
        {"mean", d->mean, false}, {"sd", d->sd, false}, {"se", d->se, true}, {"lo", d->lo, true},
        {"hi", d->hi, true}, {"q1", d->q1, false}, {"median", d->median, false}, {"q3", d->q3, false},
        {"min", d->min, false}, {"max", d->max, false},
    };
    cell_add_count(cell, "n", d->n);
    cell_add_count(cell, "nmiss", expected - d->n);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (part == DESCRIPTION_WITH_LIMITS || !rows[i].limits)
            add_defined(cell, rows[i].stat, rows[i].value, d->n);
    }
}

static void add_with_column(const struct cell *cell, const char *stat, double value, size_t n)
{
    char *name = memory_format(NULL, "%s.%s", stat, cell->col);
    add_defined(cell, name, value, n);
    talloc_free(name);
}

void cell_add_proportion(const struct cell *cell, const struct proportion *p)
{
    enum { EVEN_WITHOUT_SUBJECTS = 1 };
    add_with_column(cell, "x", (double)p->x, EVEN_WITHOUT_SUBJECTS);
    add_with_column(cell, "n", (double)p->n, EVEN_WITHOUT_SUBJECTS);
    add_with_column(cell, "p", p->p, p->n);
    add_defined(cell, "wilson_lo", p->wilson_lo, p->n);
    add_defined(cell, "wilson_hi", p->wilson_hi, p->n);
    cell_add_limits(cell, p);
}

void cell_add_limits(const struct cell *cell, const struct proportion *p)
{
    add_defined(cell, "cp_lo", p->cp_lo, p->n);
    add_defined(cell, "cp_hi", p->cp_hi, p->n);
}

void cell_add_or_reason(const struct cell *cell, const char *stat, double value, const char *reason)
{
    if (!isnan(value))
        cell_add(cell, stat, value);
    else if (reason != NULL)
        add_missing(cell, stat, "not_estimable", reason);
}

void cell_add_estimate(const struct cell *cell, const char *const names[4], const struct estimate *estimate)
{
    const double values[4] = {estimate->value, estimate->lo, estimate->hi, estimate->p};
    for (size_t i = 0; i < 4; i++) {
        if (names[i] != NULL)
            cell_add_or_reason(cell, names[i], values[i], estimate->reason);
    }
}

void cell_add_linear(const struct cell *cell, const char *stat, const struct linear_estimate *estimate)
{
    const char *reason = estimate->reason;
    cell_add_or_reason(cell, stat, estimate->estimate, reason);
    cell_add_or_reason(cell, "se", estimate->se, reason);
    cell_add_or_reason(cell, "df", estimate->df, reason);
    cell_add_or_reason(cell, "lo", estimate->lo, reason);
    cell_add_or_reason(cell, "hi", estimate->hi, reason);
    cell_add_or_reason(cell, "t", estimate->t, reason);
    cell_add_or_reason(cell, "p", estimate->p, reason);
}

void cell_add_f_test(const struct cell *cell, const struct linear_test *test)
{
    cell_add_or_reason(cell, "F", test->f, test->reason);
    cell_add_or_reason(cell, "df1", test->df1, test->reason);
    cell_add_or_reason(cell, "df2", test->df2, test->reason);
    cell_add_or_reason(cell, "p", test->p, test->reason);
}

void cell_add_risk_difference(const struct cell *cell, const struct proportion_pair *pair, double level)
{
    struct estimate newcombe = stat_risk_difference_newcombe(pair, level);
    struct estimate score = stat_risk_difference_score(pair, level);
    struct hypothesis_test fisher = stat_fisher(pair);
    cell_add_estimate(cell, (const char *const[4]){"rd", "newcombe_lo", "newcombe_hi", NULL}, &newcombe);
    cell_add_estimate(cell, (const char *const[4]){NULL, "mn_lo", "mn_hi", NULL}, &score);
    cell_add_or_reason(cell, "fisher_p", fisher.p, fisher.reason);
}

/* -- columns --------------------------------------------------------------------------------------------- */

struct columns columns_of_treated(const void *owner, const struct dataset *dataset)
{
    struct column *columns = memory_new_array(owner, struct column, dataset->cohort_count);
    size_t **lists = memory_new_array(columns, size_t *, dataset->cohort_count);
    for (size_t c = 0; c < dataset->cohort_count; c++) {
        lists[c] = memory_new_array(columns, size_t, dataset->subject_count);
        columns[c] = (struct column){.name = dataset->cohorts[c], .subjects = lists[c]};
    }
    for (size_t i = 0; i < dataset->subject_count; i++) {
        int column = dataset_column(dataset, i);
        if (dataset->subjects[i].treated && column != NO_COHORT)
            lists[column][columns[column].count++] = i;
    }
    return (struct columns){columns, dataset->cohort_count};
}

struct contrasts contrasts_of(const void *owner, const struct dataset *dataset)
{
    const struct analysis_plan *plan = &dataset->catalogue->protocol->plan;
    size_t count = dataset->pooled ? 0 : plan->contrast_count;
    struct contrast *contrasts = memory_new_array(owner, struct contrast, count);
    for (size_t i = 0; i < count; i++) {
        size_t a = (size_t)plan->contrasts[i].cohort, b = (size_t)plan->contrasts[i].against;
        char *name = memory_format(contrasts, "%s - %s", dataset->cohorts[a], dataset->cohorts[b]);
        contrasts[i] = (struct contrast){name, a, b};
    }
    return (struct contrasts){contrasts, count};
}

/* -- codes ----------------------------------------------------------------------------------------------- */

size_t codes_find(const struct codes *codes, const char *code)
{
    size_t at = 0;
    while (at < codes->count && strcmp(codes->at[at], code) != 0)
        at++;
    return at;
}

void codes_append(const void *owner, struct codes *codes, const char *code)
{
    if (codes_find(codes, code) < codes->count)
        return;
    codes->at = memory_resize_array(owner, codes->at, const char *, codes->count + 1);
    codes->at[codes->count++] = code;
}

static void append_item(const void *owner, struct codes *codes, const struct item *item)
{
    for (size_t i = 0; i < item->choice_count; i++)
        codes_append(owner, codes, item->choices[i].code);
    if (item->type == ITEM_BOOLEAN) {
        codes_append(owner, codes, "true");
        codes_append(owner, codes, "false");
    }
}

struct codes codes_of_item(const void *owner, const struct catalogue *catalogue, const char *form,
                           const char *item)
{
    struct codes codes = {0};
    for (size_t i = 0; i < catalogue->form_count; i++) {
        const struct form *version = catalogue->forms[i];
        int index = strcmp(version->id, form) == 0 ? form_find_item(version, item) : FORM_NONE;
        if (index != FORM_NONE)
            append_item(owner, &codes, &version->items[index]);
    }
    return codes;
}
