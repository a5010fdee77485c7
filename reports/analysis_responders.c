/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * T9 responders of the index knee of treated subjects: proportions by cohort, and their differences, also
 * within the protocol's strata.
 */
#include <math.h>

#include "forms/base/memory.h"
#include "forms/responder.h"
#include "reports/analysis.h"
#include "reports/analysis_responders.h"
#include "reports/analysis_rows.h"
#include "reports/analysis_strata.h"
#include "reports/stat_association.h"
#include "reports/stat_stratified.h"
#include "reports/visit_dates.h"

enum { MOST_DOMAINS = 3 };

struct responses {
    const struct dataset *dataset;
    struct columns columns;
    struct contrasts contrasts;
    struct strata strata;
    bool stratified; /* the protocol has strata */
    struct results *results;
    const struct responder *responder;
    const struct score *scores[MOST_DOMAINS]; /* NULL: not collected */
    size_t domain_count;
    unsigned char **at; /* enum response, [visit][subject] */
};

/* -- who responded --------------------------------------------------------------------------------------- */

static void set_rule(struct responses *responses, const struct responder *responder)
{
    const struct catalogue *catalogue = responses->dataset->catalogue;
    responses->responder = responder;
    responses->domain_count = responder->kind == RESPONDER_OMERACT_OARSI ? MOST_DOMAINS : 1;
    for (size_t i = 0; i < responses->domain_count; i++) {
        int endpoint = responder->endpoints[i];
        responses->scores[i] =
            endpoint >= 0 ? catalogue_endpoint_score(catalogue, &catalogue->protocol->endpoints[endpoint])
                          : NULL;
    }
}

/* Values of the rule's domains at baseline and at a visit; NULL: not collected. */
struct domain_values {
    const double *baseline[MOST_DOMAINS], *value[MOST_DOMAINS];
};

/*
 * A subject without any value at the visit is not evaluable, even where the scale's range would rule a
 * response out: the rule is for forms with gaps, not for forms that never came.
 */
static enum response respond(const struct responses *responses, const struct domain_values *values,
                             size_t subject)
{
    struct response_domain domains[MOST_DOMAINS] = {0};
    bool came = false;
    for (size_t i = 0; i < responses->domain_count; i++) {
        const struct score *score = responses->scores[i];
        domains[i].baseline = domains[i].value = (double)NAN;
        if (score == NULL)
            continue;
        domains[i] = (struct response_domain){
            .baseline = values->baseline[i][subject],
            .value = values->value[i][subject],
            .range = {score->range[0], score->range[1]},
            .direction = score->direction,
            .collected = true,
        };
        came = came || !isnan(domains[i].value);
    }
    return came ? responder_evaluate(responses->responder, domains) : RESPONSE_NOT_EVALUABLE;
}

static struct domain_values find_values(const struct responses *responses, int visit)
{
    const struct dataset *dataset = responses->dataset;
    struct domain_values values = {0};
    for (size_t i = 0; i < responses->domain_count; i++) {
        if (responses->scores[i] == NULL)
            continue;
        size_t endpoint = (size_t)responses->responder->endpoints[i];
        values.baseline[i] = dataset_values(dataset, endpoint, dataset_baseline(dataset));
        values.value[i] = dataset_values(dataset, endpoint, visit);
    }
    return values;
}

static void evaluate(const struct responses *responses, int visit)
{
    struct domain_values values = find_values(responses, visit);
    for (size_t c = 0; c < responses->columns.count; c++) {
        const struct column *column = &responses->columns.at[c];
        for (size_t i = 0; i < column->count; i++)
            responses->at[visit][column->subjects[i]] =
                (unsigned char)respond(responses, &values, column->subjects[i]);
    }
}

void responders_at(const struct dataset *dataset, const struct responder *responder, int visit,
                   unsigned char *responses)
{
    struct responses rule = {.dataset = dataset};
    set_rule(&rule, responder);
    struct domain_values values = find_values(&rule, visit);
    for (size_t i = 0; i < dataset->subject_count; i++)
        responses[i] = (unsigned char)respond(&rule, &values, i);
}

/* -- counts ---------------------------------------------------------------------------------------------- */

struct counts {
    size_t x, n;
};

/*
 * Of one column into counts[stratum], which are zero; all in counts[0] without `by_stratum`.  `imputed`: all for
 * whom the visit is over, and who of them cannot be evaluated has not responded.  Who came while the window is
 * still open is not counted then, as those who have not come yet cannot be: early comers need not be like them.
 */
static void count_column(const struct responses *responses, int visit, const struct column *column,
                         bool imputed, bool by_stratum, struct counts *counts)
{
    const struct dataset *dataset = responses->dataset;
    const struct visit *due = &dataset->catalogue->protocol->visits[visit];
    for (size_t i = 0; i < column->count; i++) {
        size_t subject = column->subjects[i];
        unsigned char response = responses->at[visit][subject];
        bool counted = imputed ? visit_is_over(dataset, &dataset->subjects[subject], due)
                               : response != RESPONSE_NOT_EVALUABLE;
        struct counts *count = &counts[by_stratum ? responses->strata.of_subject[subject] : 0];
        count->x += counted && response == RESPONSE_YES;
        count->n += counted;
    }
}

/* -- rows ------------------------------------------------------------------------------------------------ */

static void add_ratios(const struct cell *cell, const struct proportion_pair *pair, double level)
{
    struct estimate wald = stat_risk_difference_wald(pair, level);
    struct estimate ratio = stat_risk_ratio(pair, level), odds = stat_odds_ratio(pair, level);
    struct hypothesis_test plain = stat_pair_chi_square(pair, false);
    struct hypothesis_test corrected = stat_pair_chi_square(pair, true);
    cell_add_estimate(cell, (const char *const[4]){NULL, "wald_lo", "wald_hi", NULL}, &wald);
    cell_add_estimate(cell, (const char *const[4]){"rr", "rr_lo", "rr_hi", NULL}, &ratio);
    cell_add_estimate(cell, (const char *const[4]){"or", "or_lo", "or_hi", NULL}, &odds);
    cell_add_or_reason(cell, "chisq", plain.statistic, plain.reason);
    cell_add_or_reason(cell, "chisq_p", plain.p, plain.reason);
    cell_add_or_reason(cell, "chisq_cc", corrected.statistic, corrected.reason);
    cell_add_or_reason(cell, "chisq_cc_p", corrected.p, corrected.reason);
}

/* From the difference with Newcombe's limits. */
static void add_number_needed(const struct cell *cell, const struct proportion_pair *pair, double level)
{
    struct estimate difference = stat_risk_difference_newcombe(pair, level);
    struct number_needed needed = stat_number_needed(&difference);
    cell_add_or_reason(cell, "nnt", needed.value, needed.reason);
    cell_add_or_reason(cell, "nnt_lo", needed.lo, needed.reason);
    cell_add_or_reason(cell, "nnt_hi", needed.hi, needed.reason);
    if (!isnan(difference.value))
        cell_add(cell, "nnt_through_infinity", needed.through_infinity);
}

static void add_stratified(const struct responses *responses, const struct cell *cell,
                           const struct counts *first, const struct counts *second)
{
    size_t count = responses->strata.count;
    struct proportion_pair *pairs = memory_new_array(NULL, struct proportion_pair, count);
    for (size_t i = 0; i < count; i++)
        pairs[i] = (struct proportion_pair){first[i].x, first[i].n, second[i].x, second[i].n};
    struct stratified s = stat_stratified(pairs, count, responses->dataset->catalogue->protocol->level);
    cell_add_count(cell, "strata_used", s.used);
    cell_add_count(cell, "strata_dropped", s.dropped);
    cell_add_estimate(cell, (const char *const[4]){"mh_rd", "mh_rd_lo", "mh_rd_hi", NULL}, &s.difference);
    cell_add_estimate(cell, (const char *const[4]){"mh_rr", "mh_rr_lo", "mh_rr_hi", NULL}, &s.ratio);
    cell_add_estimate(cell, (const char *const[4]){"mh_or", "mh_or_lo", "mh_or_hi", NULL}, &s.odds);
    cell_add_or_reason(cell, "cmh", s.test.statistic, s.test.reason);
    cell_add_or_reason(cell, "cmh_p", s.test.p, s.test.reason);
    talloc_free(pairs);
}

static void add_contrast(const struct responses *responses, const struct cell *cell,
                         const struct proportion_pair *pair)
{
    double level = responses->dataset->catalogue->protocol->level;
    cell_add_count(cell, "x1", pair->x1);
    cell_add_count(cell, "n1", pair->n1);
    cell_add_count(cell, "x2", pair->x2);
    cell_add_count(cell, "n2", pair->n2);
    cell_add_risk_difference(cell, pair, level);
    add_ratios(cell, pair, level);
    add_number_needed(cell, pair, level);
}

/* Counts of each column by stratum, one behind the other. */
static struct counts *count_strata(const void *owner, const struct responses *responses, int visit,
                                   bool imputed)
{
    size_t strata = responses->strata.count;
    struct counts *counts =
        memory_new_array(owner, struct counts, memory_size_product(strata, responses->columns.count));
    for (size_t c = 0; c < responses->columns.count; c++)
        count_column(responses, visit, &responses->columns.at[c], imputed, true, counts + c * strata);
    return counts;
}

/*
 * Whether more than two cohorts differ at all, within strata where there are some.  `counts`: of each column by
 * stratum, one behind the other.
 */
static void add_overall(const struct responses *responses, struct cell *cell, const struct counts *counts,
                        size_t strata)
{
    size_t cohorts = responses->columns.count;
    if (responses->contrasts.count == 0 || cohorts <= 2)
        return;
    size_t *cells = memory_new_array(NULL, size_t, memory_size_product(strata * cohorts, 2));
    for (size_t s = 0; s < strata; s++)
        for (size_t c = 0; c < cohorts; c++) {
            const struct counts *count = &counts[c * strata + s];
            cells[2 * (s * cohorts + c)] = count->x;
            cells[2 * (s * cohorts + c) + 1] = count->n - count->x;
        }
    struct contingency table = {strata, cohorts, 2, cells, NULL, NULL};
    struct association association = stat_association(cells, &table);
    cell->col = "cohorts";
    cell_add_count(cell, "strata_used", association.used);
    cell_add_or_reason(cell, "gcmh", association.general.statistic, association.general.reason);
    cell_add_or_reason(cell, "gcmh_df", association.general.df, association.general.reason);
    cell_add_or_reason(cell, "gcmh_p", association.general.p, association.general.reason);
    talloc_free(cells);
}

static void add_visit(const struct responses *responses, const char *table, int visit, bool imputed)
{
    const struct protocol *protocol = responses->dataset->catalogue->protocol;
    struct cell cell = {responses->results, table, protocol->visits[visit].id, NULL};
    struct counts *all = memory_new_array(NULL, struct counts, responses->columns.count);
    for (size_t c = 0; c < responses->columns.count; c++) {
        count_column(responses, visit, &responses->columns.at[c], imputed, false, &all[c]);
        struct proportion p = stat_proportion(all[c].x, all[c].n, protocol->level);
        cell.col = responses->columns.at[c].name;
        cell_add_proportion(&cell, &p);
    }
    bool stratified = responses->stratified && responses->contrasts.count > 0;
    struct counts *strata = stratified ? count_strata(all, responses, visit, imputed) : NULL;
    for (size_t i = 0; i < responses->contrasts.count; i++) {
        const struct contrast *contrast = &responses->contrasts.at[i];
        size_t a = contrast->a, b = contrast->b, count = responses->strata.count;
        cell.col = contrast->name;
        add_contrast(responses, &cell, &(struct proportion_pair){all[a].x, all[a].n, all[b].x, all[b].n});
        if (stratified)
            add_stratified(responses, &cell, strata + a * count, strata + b * count);
    }
    add_overall(responses, &cell, stratified ? strata : all, stratified ? responses->strata.count : 1);
    talloc_free(all);
}

/* All rows of the observed table stand before those of the imputed one. */
static void add_responder(struct responses *responses)
{
    static const char *const ways[] = {"observed", "non-responder imputation"};
    const struct protocol *protocol = responses->dataset->catalogue->protocol;
    for (int imputed = 0; imputed < 2; imputed++) {
        char *table = memory_format(NULL, "responder %s %s", responses->responder->id, ways[imputed]);
        for (int visit = 0; visit < (int)protocol->visit_count; visit++) {
            if (!dataset_is_after_baseline(responses->dataset, visit))
                continue;
            if (imputed == 0)
                evaluate(responses, visit);
            add_visit(responses, table, visit, imputed == 1);
        }
        talloc_free(table);
    }
}

void analysis_responders(const struct dataset *dataset, struct results *results)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    void *owner = memory_owner(NULL, "responders");
    struct responses responses = {
        .dataset = dataset,
        .columns = columns_of_treated(owner, dataset),
        .contrasts = contrasts_of(owner, dataset),
        .stratified = protocol->plan.stratum_count > 0,
        .results = results,
        .at = memory_new_array(owner, unsigned char *, protocol->visit_count),
    };
    if (responses.stratified && responses.contrasts.count > 0 && protocol->responder_count > 0)
        responses.strata = strata_of(owner, dataset, protocol->plan.strata, protocol->plan.stratum_count);
    for (int visit = 0; visit < (int)protocol->visit_count; visit++)
        responses.at[visit] = memory_new_array(owner, unsigned char, dataset->subject_count);
    for (size_t r = 0; r < protocol->responder_count; r++) {
        set_rule(&responses, &protocol->responders[r]);
        add_responder(&responses);
    }
    talloc_free(owner);
}
