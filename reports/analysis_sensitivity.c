/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * T16 what the differences against the reference cohort would be if subjects without a value went on as those
 * of the reference (stat_imputation.h), and how much worse imputed values would have to be to undo them.
 * The model is that of T8; one fit and one jackknife serve all methods.
 */
#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/analysis_repeated.h"
#include "reports/analysis_rows.h"
#include "reports/stat_imputation.h"

/* Missing at random is always shown, for comparison. */
static const struct {
    const char *name;
    unsigned bit; /* of enum imputation_method; 0: always */
    enum imputation_strategy strategy;
} methods[] = {
    {"MAR", 0, IMPUTATION_MAR},
    {"J2R", IMPUTE_J2R, IMPUTATION_JUMP},
    {"CR", IMPUTE_CR, IMPUTATION_COPY},
    {"CIR", IMPUTE_CIR, IMPUTATION_INCREMENTS},
};

struct sensitivity {
    const struct dataset *dataset;
    const struct protocol *protocol;
    const struct repeated *repeated;
    struct results *results;
    const struct imputation *imputation; /* of the endpoint */
    const char *endpoint;
};

static const char *visit_id(const struct sensitivity *sensitivity, size_t visit)
{
    return sensitivity->protocol->visits[sensitivity->repeated->visits[visit]].id;
}

static void add_imputation(const struct sensitivity *sensitivity)
{
    const struct imputation *imputation = sensitivity->imputation;
    const struct dataset *dataset = sensitivity->dataset;
    char *table = memory_format(NULL, "sensitivity %s", sensitivity->endpoint);
    struct cell cell = {sensitivity->results, table, "jackknife", "model"};
    cell_add_count(&cell, "subjects", imputation->subjects);
    cell_add_count(&cell, "replicates", imputation->replicates);
    cell_add_count(&cell, "grouped", imputation->grouped ? 1 : 0);
    for (size_t j = 0; j < sensitivity->repeated->visit_count; j++) {
        cell.row = visit_id(sensitivity, j);
        for (size_t c = 0; c < dataset->cohort_count; c++) {
            size_t code = (size_t)sensitivity->repeated->code_of_column[c];
            cell.col = dataset->cohorts[c];
            cell_add_count(&cell, "imputed",
                           imputation->imputed[code * sensitivity->repeated->visit_count + j]);
        }
    }
    talloc_free(table);
}

static void add_difference(const struct sensitivity *sensitivity, const struct cell *cell,
                           const struct imputation_contrast *contrast)
{
    double level = sensitivity->protocol->level;
    struct imputation_estimate e = stat_imputation_estimate(sensitivity->imputation, contrast, level);
    cell_add_or_reason(cell, "diff", e.estimate, e.reason);
    cell_add_or_reason(cell, "se", e.se, e.reason);
    cell_add_or_reason(cell, "lo", e.lo, e.reason);
    cell_add_or_reason(cell, "hi", e.hi, e.reason);
    cell_add_or_reason(cell, "z", e.z, e.reason);
    cell_add_or_reason(cell, "p", e.p, e.reason);
    if (sensitivity->protocol->plan.sensitivity.tipping) {
        struct imputation_tipping tipping = stat_imputation_tipping(sensitivity->imputation, contrast, level);
        cell_add_or_reason(cell, "tipping_delta", tipping.delta, tipping.reason);
    }
}

static void add_method(const struct sensitivity *sensitivity, size_t method)
{
    const struct dataset *dataset = sensitivity->dataset;
    size_t reference = sensitivity->repeated->column_of_code[0];
    void *owner = memory_owner(NULL, "method");
    const char *table =
        memory_format(owner, "sensitivity %s %s", sensitivity->endpoint, methods[method].name);
    for (size_t j = 0; j < sensitivity->repeated->visit_count; j++) {
        for (size_t c = 0; c < dataset->cohort_count; c++) {
            if (c == reference)
                continue;
            const char *col =
                memory_format(owner, "%s - %s", dataset->cohorts[c], dataset->cohorts[reference]);
            const struct cell cell = {sensitivity->results, table, visit_id(sensitivity, j), col};
            add_difference(sensitivity, &cell,
                           &(struct imputation_contrast){methods[method].strategy,
                                                         sensitivity->repeated->code_of_column[c], (int)j,
                                                         0});
        }
    }
    talloc_free(owner);
}

void analysis_sensitivity(const struct dataset *dataset, struct results *results)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    const struct sensitivity_plan *plan = &protocol->plan.sensitivity;
    if (repeated_reference(dataset) == NO_COHORT || plan->endpoint_count == 0)
        return;
    void *owner = memory_owner(NULL, "sensitivity");
    const struct repeated *repeated = repeated_new(owner, dataset);
    for (size_t e = 0; e < plan->endpoint_count; e++) {
        size_t endpoint = (size_t)plan->endpoints[e];
        void *memory = memory_owner(owner, "endpoint");
        const struct mmrm_input *input = repeated_input(memory, repeated, endpoint);
        const struct sensitivity sensitivity = {
            .dataset = dataset,
            .protocol = protocol,
            .repeated = repeated,
            .results = results,
            .imputation = stat_imputation(memory, input, 0),
            .endpoint = protocol->endpoints[endpoint].id,
        };
        add_imputation(&sensitivity);
        for (size_t m = 0; m < sizeof methods / sizeof methods[0]; m++) {
            if (methods[m].bit == 0 || (plan->methods & methods[m].bit) != 0)
                add_method(&sensitivity, m);
        }
        talloc_free(memory);
    }
    talloc_free(owner);
}
