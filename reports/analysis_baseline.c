/* SPDX-License-Identifier: GPL-3.0-or-later */
/* T3 baseline characteristics and standardized differences against the reference cohort. */
#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/analysis_rows.h"
#include "reports/analysis_strata.h"
#include "reports/stat_standardized.h"

/* One item of the table: the answer of each subject, NULL where there is none. */
struct variable {
    const struct item_reference *reference;
    const struct item *item;             /* of the newest version of the form */
    const struct answer **answers;
    const char *table;                   /* "baseline FORM.ITEM" */
    const char *name;                    /* "FORM.ITEM" */
    struct codes codes;                  /* of choices and booleans */
};

/* -- numbers --------------------------------------------------------------------------------------------- */

static struct description describe_column(const struct dataset *dataset, const struct variable *variable,
                                          const struct column *column)
{
    double *values = memory_new_array(NULL, double, column->count);
    size_t n = 0;
    for (size_t i = 0; i < column->count; i++) {
        const struct answer *answer = variable->answers[column->subjects[i]];
        if (answer != NULL && !isnan(answer->number))
            values[n++] = answer->number;
    }
    struct description d = stat_describe(values, n, dataset->catalogue->protocol->level);
    talloc_free(values);
    return d;
}

/* -- categories ------------------------------------------------------------------------------------------ */

static size_t *count_codes(const void *owner, const struct variable *variable, const struct column *column,
                           size_t *n)
{
    size_t *counts = memory_new_array(owner, size_t, variable->codes.count);
    *n = 0;
    for (size_t i = 0; i < column->count; i++) {
        const struct answer *answer = variable->answers[column->subjects[i]];
        size_t code = answer != NULL ? codes_find(&variable->codes, answer->text) : variable->codes.count;
        if (code == variable->codes.count)
            continue;
        counts[code]++;
        (*n)++;
    }
    return counts;
}

static void add_categories(struct cell cell, const struct variable *variable, const struct column *column,
                           const size_t *counts, size_t n)
{
    cell_add_count(&cell, "n", n);
    cell_add_count(&cell, "nmiss", column->count - n);
    for (size_t c = 0; c < variable->codes.count; c++) {
        cell.row = variable->codes.at[c];
        cell_add_count(&cell, "n", counts[c]);
        cell_add_percent(&cell, "pct", counts[c], n);
    }
}

/* -- differences ----------------------------------------------------------------------------------------- */

static void add_difference(struct results *results, const struct variable *variable, const char *cohort,
                           const char *reference, double smd)
{
    char *col = memory_format(NULL, "%s - %s", cohort, reference);
    struct result row = {"baseline smd", variable->name, col, "smd", smd, "not_estimable",
                         "no values, or no variance, in one of the cohorts"};
    if (isnan(smd))
        results_add_missing(results, &row);
    else
        results_add(results, row.table, row.row, row.col, row.stat, smd);
    talloc_free(col);
}

static int reference_column(const struct dataset *dataset)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    if (dataset->pooled || protocol->reference == NULL)
        return NO_COHORT;
    return protocol_find_cohort(protocol, protocol->reference);
}

static void add_numeric(const struct dataset *dataset, const struct variable *variable,
                        struct columns columns, struct results *results)
{
    int reference = reference_column(dataset);
    struct description *all = memory_new_array(NULL, struct description, columns.count);
    for (size_t c = 0; c < columns.count; c++) {
        all[c] = describe_column(dataset, variable, &columns.at[c]);
        struct cell cell = {results, variable->table, "", columns.at[c].name};
        cell_add_description(&cell, &all[c], columns.at[c].count, DESCRIPTION_PLAIN);
    }
    for (size_t c = 0; reference != NO_COHORT && c < columns.count; c++) {
        if ((int)c == reference)
            continue;
        double smd =
            stat_standardized_numeric(all[c].mean, all[c].sd, all[reference].mean, all[reference].sd);
        add_difference(results, variable, columns.at[c].name, columns.at[reference].name, smd);
    }
    talloc_free(all);
}

static void add_categorical(const struct dataset *dataset, const struct variable *variable,
                            struct columns columns, struct results *results)
{
    int reference = reference_column(dataset);
    size_t **counts = memory_new_array(NULL, size_t *, columns.count);
    for (size_t c = 0; c < columns.count; c++) {
        size_t n = 0;
        counts[c] = count_codes(counts, variable, &columns.at[c], &n);
        struct cell cell = {results, variable->table, "", columns.at[c].name};
        add_categories(cell, variable, &columns.at[c], counts[c], n);
    }
    for (size_t c = 0; reference != NO_COHORT && c < columns.count; c++) {
        if ((int)c == reference)
            continue;
        double smd = stat_standardized_categorical(counts[c], counts[reference], variable->codes.count);
        add_difference(results, variable, columns.at[c].name, columns.at[reference].name, smd);
    }
    talloc_free(counts);
}

/* -- table ----------------------------------------------------------------------------------------------- */

static void add_variable(const struct dataset *dataset, struct variable *variable, struct columns columns,
                         struct results *results)
{
    if (dataset->pooled && dataset_item_may_name_arm(variable->item)) {
        struct cell cell = {results, variable->table, "", dataset->cohorts[0]};
        cell_add_refused(&cell, "n");
        return;
    }
    variable->answers = answers_at_baseline(variable->table, dataset, variable->reference);
    if (variable->codes.count > 0)
        add_categorical(dataset, variable, columns, results);
    else
        add_numeric(dataset, variable, columns, results);
}

void analysis_baseline(const struct dataset *dataset, struct results *results)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    void *owner = memory_owner(NULL, "baseline");
    struct columns columns = columns_of_treated(owner, dataset);
    for (size_t i = 0; i < protocol->baseline_count; i++) {
        const struct item_reference *reference = &protocol->baseline[i];
        const struct form *form = catalogue_find_form(dataset->catalogue, reference->form, 0);
        int item = form != NULL ? form_find_item(form, reference->item) : FORM_NONE;
        if (item == FORM_NONE)
            continue;   /* catalogue_check lets no such protocol in */
        struct variable variable = {
            .reference = reference,
            .item = &form->items[item],
            .table = memory_format(owner, "baseline %s.%s", reference->form, reference->item),
            .name = memory_format(owner, "%s.%s", reference->form, reference->item),
            .codes = codes_of_item(owner, dataset->catalogue, reference->form, reference->item),
        };
        add_variable(dataset, &variable, columns, results);
        talloc_free(variable.answers);
    }
    talloc_free(owner);
}
