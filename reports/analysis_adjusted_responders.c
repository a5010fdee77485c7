/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * X3 responders of cohorts that were not randomised: parts who respond, weighted as the changes are, their difference
 * and ratio, and the ratio's E-value.  Who has no value has not responded, of those for whom the visit is over.
 */
#include <math.h>

#include "forms/base/memory.h"
#include "forms/responder.h"
#include "reports/analysis_adjusted.h"
#include "reports/analysis_covariates.h"
#include "reports/analysis_responders.h"
#include "reports/stat_evalue.h"
#include "reports/visit_dates.h"

struct responding {
    const struct dataset *dataset;
    struct covariates covariates;
    struct contrasts contrasts;
    const struct linear_variable *variables;
    const struct linear_term *terms;
    unsigned char *responses;
    double *outcome;             /* 1, 0, or NAN where the visit is not over */
    struct results *results;
};

static void find_outcomes(const struct responding *responding, const struct responder *responder, int visit)
{
    const struct dataset *dataset = responding->dataset;
    const struct visit *due = &dataset->catalogue->protocol->visits[visit];
    responders_at(dataset, responder, visit, responding->responses);
    for (size_t i = 0; i < dataset->subject_count; i++) {
        const struct subject *subject = &dataset->subjects[i];
        bool over = subject->treated && visit_is_over(dataset, subject, due);
        responding->outcome[i] = !over ? (double)NAN : responding->responses[i] == RESPONSE_YES ? 1 : 0;
    }
}

static void add_ratio(const struct cell *cell, const struct linear_estimate *log_ratio)
{
    const char *reason = log_ratio->reason;
    double ratio = exp(log_ratio->estimate), lo = exp(log_ratio->lo), hi = exp(log_ratio->hi);
    struct evalue evalue = {.estimate = (double)NAN, .limit = (double)NAN, .reason = reason};
    if (reason == NULL)
        evalue = stat_evalue_risk_ratio(ratio, lo, hi);
    cell_add_or_reason(cell, "rr", reason == NULL ? ratio : (double)NAN, reason);
    cell_add_or_reason(cell, "rr_lo", reason == NULL ? lo : (double)NAN, reason);
    cell_add_or_reason(cell, "rr_hi", reason == NULL ? hi : (double)NAN, reason);
    cell_add_or_reason(cell, "evalue", evalue.estimate, evalue.reason);
    cell_add_or_reason(cell, "evalue_limit", evalue.limit, evalue.reason);
}

static void add_contrast(const struct responding *responding, struct cell cell, const struct contrast *contrast)
{
    void *owner = memory_owner(responding->outcome, "adjusted responders");
    const struct linear_data data = {
        .records = responding->dataset->subject_count,
        .response = responding->outcome,
        .included = responding->covariates.included,
        .variables = responding->variables,
        .variable_count = responding->covariates.count,
        .terms = responding->terms,
        .term_count = responding->covariates.count,
    };
    const struct overlap_question question = {
        &data, responding->covariates.cohort, (int)contrast->a, (int)contrast->b,
        responding->dataset->catalogue->protocol->level,
    };
    const struct overlap_answer *answer = stat_overlap(owner, &question);
    cell.col = contrast->name;
    adjusted_add_means(&cell, answer);
    add_ratio(&cell, &answer->log_ratio);
    talloc_free(owner);
}

/* Before treatment, of the first endpoint that the rule has. */
static const double *baseline_of(const struct dataset *dataset, const struct responder *responder)
{
    size_t first = 0;
    while (first + 1 < sizeof responder->endpoints / sizeof responder->endpoints[0] && responder->endpoints[first] < 0)
        first++;
    return dataset_values(dataset, (size_t)responder->endpoints[first], dataset_baseline(dataset));
}

static void add_responder(struct responding *responding, const struct responder *responder)
{
    const struct dataset *dataset = responding->dataset;
    const struct protocol *protocol = dataset->catalogue->protocol;
    void *owner = memory_owner(responding->outcome, "responder");
    const double *baseline = baseline_of(dataset, responder);
    struct cell cell = {responding->results, memory_format(owner, "adjusted responder %s", responder->id), NULL, NULL};
    responding->variables = covariates_variables(owner, &responding->covariates, baseline) + 1;
    for (int visit = 0; visit < (int)protocol->visit_count; visit++) {
        if (!dataset_is_after_baseline(dataset, visit))
            continue;
        cell.row = protocol->visits[visit].id;
        find_outcomes(responding, responder, visit);
        for (size_t i = 0; i < responding->contrasts.count; i++)
            add_contrast(responding, cell, &responding->contrasts.at[i]);
    }
    talloc_free(owner);
}

void adjusted_responders(const struct dataset *dataset, struct results *results)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    void *owner = memory_owner(NULL, "adjusted responders");
    struct responding responding = {
        .dataset = dataset,
        .covariates = covariates_of(owner, dataset, protocol->plan.adjustment, protocol->plan.adjustment_count),
        .contrasts = contrasts_of(owner, dataset),
        .terms = covariates_terms(owner, protocol->plan.adjustment_count),
        .responses = memory_new_array(owner, unsigned char, dataset->subject_count),
        .outcome = memory_new_array(owner, double, dataset->subject_count),
        .results = results,
    };
    for (size_t r = 0; r < protocol->responder_count; r++)
        add_responder(&responding, &protocol->responders[r]);
    talloc_free(owner);
}
