/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * T10 changes from baseline in units of their spread, within cohorts and between them, and compared by ranks:
 * the index knee of treated subjects with a change, unadjusted.
 */
#include <math.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/analysis_rows.h"
#include "reports/stat_effect_size.h"
#include "reports/stat_rank.h"

/* Changes of a column at one visit. */
struct changes_of_column {
    double *values; /* room for every subject of the column; smallest first */
    struct description of;
};

struct effects {
    const struct dataset *dataset;
    struct columns columns;
    struct contrasts contrasts;
    struct changes_of_column *changes; /* one for each column */
    struct results *results;
    void *scratch;
};

/*
 * Rounded far below what is measured: scores are fractions, and equal changes from other baselines would differ
 * in their last bits, which are no ties to ranks and a spread to a cohort that has none.
 */
static double change_of(double value, double baseline)
{
    static const double step = 1e9;
    return round((value - baseline) * step) / step;
}

static void describe_changes(const struct effects *effects, size_t endpoint, int visit)
{
    const struct dataset *dataset = effects->dataset;
    const double *baseline = dataset_values(dataset, endpoint, dataset_baseline(dataset));
    const double *value = dataset_values(dataset, endpoint, visit);
    for (size_t c = 0; c < effects->columns.count; c++) {
        const struct column *column = &effects->columns.at[c];
        double *changes = effects->changes[c].values;
        size_t n = 0;
        for (size_t i = 0; i < column->count; i++) {
            double change = change_of(value[column->subjects[i]], baseline[column->subjects[i]]);
            if (!isnan(change))
                changes[n++] = change;
        }
        effects->changes[c].of = stat_describe(changes, n, dataset->catalogue->protocol->level);
    }
}

static void add_response_mean(const struct cell *cell, const struct description *change, double level)
{
    struct estimate srm = stat_response_mean(change, level);
    cell_add_count(cell, "n", change->n);
    cell_add_estimate(cell, (const char *const[4]){"srm", "srm_lo", "srm_hi", "paired_p"}, &srm);
}

static void add_standardized(const struct cell *cell, const struct description *a,
                             const struct description *b, double level)
{
    struct effect_size size = stat_hedges_g(a, b, level);
    cell_add_or_reason(cell, "sd_pooled", size.sd_pooled, size.g.reason);
    cell_add_or_reason(cell, "cohen_d", size.d, size.g.reason);
    cell_add_or_reason(cell, "J", size.j, size.g.reason);
    cell_add_estimate(cell, (const char *const[4]){"hedges_g", "g_lo", "g_hi", NULL}, &size.g);
}

static void add_t_tests(const struct cell *cell, const struct description *a, const struct description *b,
                        double level)
{
    struct mean_difference welch = stat_mean_difference(a, b, false, level);
    struct mean_difference pooled = stat_mean_difference(a, b, true, level);
    cell_add_or_reason(cell, "diff", welch.difference.value, welch.difference.reason);
    cell_add_or_reason(cell, "welch_t", welch.t, welch.difference.reason);
    cell_add_or_reason(cell, "welch_df", welch.df, welch.difference.reason);
    cell_add_estimate(cell, (const char *const[4]){NULL, "welch_lo", "welch_hi", "welch_p"},
                      &welch.difference);
    cell_add_or_reason(cell, "pooled_t", pooled.t, pooled.difference.reason);
    cell_add_or_reason(cell, "pooled_df", pooled.df, pooled.difference.reason);
    cell_add_estimate(cell, (const char *const[4]){NULL, "pooled_lo", "pooled_hi", "pooled_p"},
                      &pooled.difference);
}

static void add_ranks(const struct effects *effects, const struct cell *cell,
                      const struct changes_of_column *a, const struct changes_of_column *b)
{
    const struct sample first = {a->values, a->of.n}, second = {b->values, b->of.n};
    struct rank_sum ranks = stat_rank_sum(&first, &second);
    struct estimate shift =
        stat_shift(effects->scratch, &first, &second, effects->dataset->catalogue->protocol->level);
    cell_add_or_reason(cell, "W", ranks.w, ranks.plain.reason);
    cell_add_or_reason(cell, "p_norm", ranks.plain.p, ranks.plain.reason);
    cell_add_or_reason(cell, "p_norm_cc", ranks.corrected.p, ranks.corrected.reason);
    cell_add_estimate(cell, (const char *const[4]){"hl", "hl_lo", "hl_hi", NULL}, &shift);
    cell_add_or_reason(cell, "auc", ranks.auc, ranks.plain.reason);
}

static void add_visit(const struct effects *effects, size_t endpoint, int visit, const char *table)
{
    const struct protocol *protocol = effects->dataset->catalogue->protocol;
    struct cell cell = {effects->results, table, protocol->visits[visit].id, NULL};
    describe_changes(effects, endpoint, visit);
    for (size_t c = 0; c < effects->columns.count; c++) {
        cell.col = effects->columns.at[c].name;
        add_response_mean(&cell, &effects->changes[c].of, protocol->level);
    }
    for (size_t i = 0; i < effects->contrasts.count; i++) {
        const struct changes_of_column *a = &effects->changes[effects->contrasts.at[i].a];
        const struct changes_of_column *b = &effects->changes[effects->contrasts.at[i].b];
        cell.col = effects->contrasts.at[i].name;
        cell_add_count(&cell, "n1", a->of.n);
        cell_add_count(&cell, "n2", b->of.n);
        add_standardized(&cell, &a->of, &b->of, protocol->level);
        add_t_tests(&cell, &a->of, &b->of, protocol->level);
        add_ranks(effects, &cell, a, b);
    }
}

void analysis_effect_sizes(const struct dataset *dataset, struct results *results)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    void *owner = memory_owner(NULL, "effect sizes");
    struct effects effects = {
        .dataset = dataset,
        .columns = columns_of_treated(owner, dataset),
        .contrasts = contrasts_of(owner, dataset),
        .results = results,
        .scratch = owner,
    };
    effects.changes = memory_new_array(owner, struct changes_of_column, effects.columns.count);
    for (size_t c = 0; c < effects.columns.count; c++)
        effects.changes[c].values = memory_new_array(owner, double, effects.columns.at[c].count);
    for (size_t m = 0; m < protocol->plan.model_count; m++) {
        size_t endpoint = (size_t)protocol->plan.models[m];
        char *table = memory_format(owner, "effect size %s", protocol->endpoints[endpoint].id);
        for (int visit = 0; visit < (int)protocol->visit_count; visit++) {
            if (dataset_is_after_baseline(dataset, visit))
                add_visit(&effects, endpoint, visit, table);
        }
    }
    talloc_free(owner);
}
