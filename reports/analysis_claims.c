/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The plan's claims: the estimate that each one is about stands among the results already, written by the
 * analysis that computed it; here it is held against what is claimed.  Runs after all others.
 */
#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/analysis_adjusted.h"
#include "reports/analysis_rows.h"
#include "reports/analysis_subgroups.h"

/* Where the estimate of a claim stands. */
struct source {
    const char *table, *row, *col;
    const char *estimate, *lo, *hi; /* stats */
    double unit;                    /* factor to the unit of the claim: 100 from parts to per cent */
    const char *missing;            /* why there is no source; NULL: there is one */
};

struct claiming {
    const struct dataset *dataset;
    struct results *results;
    void *owner;
    const struct claim *claim;
    const char *a, *b; /* columns of the claim's cohort or cohorts; b NULL without a contrast */
    const char *col;   /* of the estimate: a, or "A - B" */
};

static const struct protocol *protocol_of(const struct claiming *claiming)
{
    return claiming->dataset->catalogue->protocol;
}

static const char *endpoint_id(const struct claiming *claiming)
{
    return protocol_of(claiming)->endpoints[claiming->claim->endpoint].id;
}

static const char *visit_id(const struct claiming *claiming)
{
    return protocol_of(claiming)->visits[claiming->claim->visit].id;
}

/* A comparison of cohorts that were not randomised, or of the levels of a subgroup, which never are: by weights. */
static bool is_adjusted(const struct claiming *claiming)
{
    const struct claim *claim = claiming->claim;
    bool difference = claim->kind == CLAIM_DIFFERENCE || claim->kind == CLAIM_EQUIVALENCE
                   || (claim->kind == CLAIM_RESPONDER && claiming->b != NULL);
    return difference && (!protocol_of(claiming)->randomised || claim->against != NULL);
}

/* -- where estimates stand ------------------------------------------------------------------------------- */

static const char *responder_table(const struct claiming *claiming)
{
    return memory_format(claiming->owner, "responder %s non-responder imputation",
                         protocol_of(claiming)->responders[claiming->claim->responder].id);
}

static struct source responder_source(const struct claiming *claiming)
{
    struct source source = {
        .table = responder_table(claiming),
        .row = visit_id(claiming),
        .col = claiming->col,
        .estimate = "rd",
        .lo = "newcombe_lo",
        .hi = "newcombe_hi",
        .unit = 100,
    };
    if (claiming->b == NULL) {
        source.estimate = memory_format(claiming->owner, "p.%s", claiming->a);
        source.lo = "wilson_lo";
        source.hi = "wilson_hi";
    } else if (is_adjusted(claiming)) {
        source.table = memory_format(claiming->owner, "adjusted responder %s",
                                     protocol_of(claiming)->responders[claiming->claim->responder].id);
        source.estimate = "diff";
        source.lo = "lo";
        source.hi = "hi";
    }
    return source;
}

static const char *model_row(const struct claiming *claiming)
{
    const struct claim *claim = claiming->claim;
    const char *visit = visit_id(claiming);
    if (claim->kind == CLAIM_CHANGE)
        return memory_format(claiming->owner, "lsmean %s", visit);
    if (claim->kind == CLAIM_DURABILITY)
        return memory_format(claiming->owner, "diff %s - %s", visit,
                             protocol_of(claiming)->visits[claim->from].id);
    return memory_format(claiming->owner, "diff %s", visit);
}

/* Of the repeated-measures model, with the limits that the protocol chooses. */
static struct source model_source(const struct claiming *claiming)
{
    bool kenward_roger = strcmp(protocol_of(claiming)->df, "kenward_roger") == 0;
    return (struct source){
        .table = memory_format(claiming->owner, "MMRM %s", endpoint_id(claiming)),
        .row = model_row(claiming),
        .col = claiming->col,
        .estimate = claiming->claim->kind == CLAIM_CHANGE ? "lsmean" : "diff",
        .lo = kenward_roger ? "lo_kr" : "lo",
        .hi = kenward_roger ? "hi_kr" : "hi",
        .unit = 1,
    };
}

static const char *level_row(const struct claiming *claiming)
{
    return subgroup_claim_row(claiming->owner, claiming->dataset->catalogue, claiming->claim);
}

/* Of cohorts that were not randomised, or of levels: weighted to be alike in what the plan adjusts for. */
static struct source adjusted_source(const struct claiming *claiming)
{
    bool levels = claiming->claim->level != NULL;
    return (struct source){
        .table = memory_format(claiming->owner, "adjusted %s", endpoint_id(claiming)),
        .row = levels ? memory_format(claiming->owner, "%s %s", visit_id(claiming), level_row(claiming))
                      : visit_id(claiming),
        .col = claiming->col,
        .estimate = "diff",
        .lo = "lo",
        .hi = "hi",
        .unit = 1,
    };
}

/* Of the cohorts of a randomised study within a level. */
static struct source forest_source(const struct claiming *claiming)
{
    return (struct source){
        .table = memory_format(claiming->owner, "forest %s %s", visit_id(claiming), endpoint_id(claiming)),
        .row = level_row(claiming),
        .col = claiming->col,
        .estimate = "diff",
        .lo = "lo",
        .hi = "hi",
        .unit = 1,
    };
}

static struct source difference_source(const struct claiming *claiming)
{
    if (is_adjusted(claiming))
        return adjusted_source(claiming);
    return claiming->claim->level != NULL ? forest_source(claiming) : model_source(claiming);
}

static struct source event_source(const struct claiming *claiming)
{
    const struct claim *claim = claiming->claim;
    const char *id = protocol_of(claiming)->plan.events[claim->event].id;
    return (struct source){
        .table = memory_format(claiming->owner, "incidence %s", id),
        .row = memory_format(claiming->owner, "day %d", claim->day),
        .col = claiming->col,
        .estimate = claiming->b != NULL ? "diff" : "inc",
        .lo = "lo",
        .hi = "hi",
        .unit = 100,
    };
}

/* The limits are parts, the percentage is one: `unit` is for the limits. */
static struct source harm_source(const struct claiming *claiming)
{
    return (struct source){
        .table = "AE special interest",
        .row = claiming->claim->special_interest,
        .col = claiming->col,
        .estimate = "pct",
        .lo = "cp_lo",
        .hi = "cp_hi",
        .unit = 100,
    };
}

static struct source contralateral_source(const struct claiming *claiming)
{
    return (struct source){
        .table = memory_format(claiming->owner, "contralateral %s", endpoint_id(claiming)),
        .row = visit_id(claiming),
        .col = claiming->col,
        .estimate = claiming->b != NULL ? "diff" : "mean",
        .lo = "lo",
        .hi = "hi",
        .unit = 1,
    };
}

static struct source imaging_source(const struct claiming *claiming)
{
    const struct imaging_plan *imaging =
        plan_find_imaging(&protocol_of(claiming)->plan, claiming->claim->endpoint);
    bool ratio = imaging != NULL && imaging->scale == IMAGING_RATIO;
    return (struct source){
        .table = memory_format(claiming->owner, "imaging %s", endpoint_id(claiming)),
        .row = visit_id(claiming),
        .col = claiming->col,
        .estimate = ratio ? "pct_change" : "mean",
        .lo = "lo",
        .hi = "hi",
        .unit = 1,
    };
}

/* The table of a currency has its name; amounts in several currencies are not added up. */
static struct source cost_source(const struct claiming *claiming)
{
    static const char prefix[] = "cost ";
    struct source source = {
        .table = NULL,
        .row = "amount",
        .col = claiming->col,
        .estimate = "mean",
        .lo = "lo",
        .hi = "hi",
        .unit = 1,
        .missing = "nobody has an amount",
    };
    for (size_t i = 0; i < results_count(claiming->results); i++) {
        const struct result *result = results_at(claiming->results, i);
        if (strncmp(result->table, prefix, sizeof prefix - 1) != 0 || strcmp(result->row, source.row) != 0 ||
            strcmp(result->col, source.col) != 0 || strcmp(result->stat, "n") != 0 || !(result->value > 0))
            continue;
        source.missing = source.table == NULL ? NULL : "the amounts are in several currencies";
        source.table = result->table;
    }
    return source;
}

static struct source find_source(const struct claiming *claiming)
{
    switch (claiming->claim->kind) {
    case CLAIM_RESPONDER: return responder_source(claiming);
    case CLAIM_DIFFERENCE:
    case CLAIM_EQUIVALENCE:
        return difference_source(claiming);
    case CLAIM_CHANGE:
    case CLAIM_DURABILITY: return model_source(claiming);
    case CLAIM_EVENT: return event_source(claiming);
    case CLAIM_HARM: return harm_source(claiming);
    case CLAIM_CONTRALATERAL: return contralateral_source(claiming);
    case CLAIM_IMAGING: return imaging_source(claiming);
    case CLAIM_COST: return cost_source(claiming);
    case CLAIM_INTERACTION: break;
    }
    return (struct source){.missing = "no analysis answers claims of this kind"};
}

/* -- estimates ------------------------------------------------------------------------------------------- */

/* A value of the results, or why there is none. */
static double read_stat(const struct claiming *claiming, const struct source *source, const char *stat,
                        const char **reason)
{
    const struct result *result =
        results_find(claiming->results, source->table, source->row, source->col, stat);
    if (result != NULL && result->status[0] == '\0')
        return result->value;
    if (*reason == NULL)
        *reason = result != NULL && result->note[0] != '\0'
                      ? result->note
                      : memory_format(claiming->owner, "the report has no such estimate (%s, %s, %s)",
                                      source->table, source->row, source->col);
    return (double)NAN;
}

static struct estimate read_estimate(const struct claiming *claiming, const struct source *source)
{
    struct estimate estimate = stat_not_estimable(source->missing);
    if (source->missing != NULL)
        return estimate;
    double unit = strcmp(source->estimate, "pct") == 0 ? 1 : source->unit;
    estimate.value = unit * read_stat(claiming, source, source->estimate, &estimate.reason);
    estimate.lo = source->unit * read_stat(claiming, source, source->lo, &estimate.reason);
    estimate.hi = source->unit * read_stat(claiming, source, source->hi, &estimate.reason);
    return estimate;
}

/*
 * Whether every two levels are alike: the interval of what the difference between the cohorts is more in one
 * than in the other lies within the margin.  `levels`: each less the first one.  Between two later levels the
 * interval is the widest that these allow (their correlation is not among the results): its limits are at
 * most as far from the difference as both half-widths together, so that no claim is refuted too easily.
 */
static bool are_alike(const struct estimate *levels, size_t count, double margin)
{
    bool alike = count > 1;
    for (size_t i = 1; i < count; i++) {
        alike = alike && levels[i].lo >= -margin && levels[i].hi <= margin;
        for (size_t j = 1; j < i; j++) {
            double half_widths = (levels[i].hi - levels[i].lo + levels[j].hi - levels[j].lo) / 2;
            alike = alike && fabs(levels[i].value - levels[j].value) + half_widths <= margin;
        }
    }
    return alike;
}

/*
 * Of an interaction: what the difference between the cohorts is more in a level than in the first one; of
 * several levels the largest.  `alike`: see above; false when a level has no estimate.
 */
static struct estimate read_interaction(const struct claiming *claiming, double margin, bool *alike)
{
    const struct catalogue *catalogue = claiming->dataset->catalogue;
    const struct subgroup *subgroup = &catalogue->protocol->plan.subgroups[claiming->claim->subgroup];
    const char *name = subgroup_row(claiming->owner, catalogue, (size_t)claiming->claim->subgroup);
    size_t count;
    const struct subgroup_level *levels =
        catalogue_subgroup_levels(claiming->owner, catalogue, subgroup, &count);
    struct estimate largest = stat_not_estimable(count < 2 ? "there is only one group" : NULL);
    struct source source = {
        .table = memory_format(claiming->owner, "forest %s %s", visit_id(claiming), endpoint_id(claiming)),
        .row = name,
        .col = "interaction",
        .estimate = "interaction",
        .lo = "interaction_lo",
        .hi = "interaction_hi",
        .unit = 1,
    };
    const char *no_p = NULL;
    double p = read_stat(claiming, &source, "p", &no_p);
    source.col = claiming->col;
    struct estimate *estimates = memory_new_array(claiming->owner, struct estimate, count + 1);
    for (size_t l = 1; l < count; l++) {
        source.row = memory_format(claiming->owner, "%s %s", name, levels[l].title);
        estimates[l] = read_estimate(claiming, &source);
        if (isnan(largest.value) || fabs(estimates[l].value) > fabs(largest.value))
            largest = estimates[l];
    }
    *alike = are_alike(estimates, count, margin);
    largest.p = p;
    largest.reason = largest.reason != NULL ? largest.reason : no_p;
    return largest;
}

/* -- numbers of subjects --------------------------------------------------------------------------------- */

static double read_count(const struct claiming *claiming, const char *table, const char *row, const char *col,
                         const char *stat)
{
    const struct result *result = results_find(claiming->results, table, row, col, stat);
    return result != NULL && result->status[0] == '\0' ? result->value : (double)NAN;
}

/* In the groups of an interaction: `n1` of the first cohort, `n0` of the second. */
static double count_in_levels(const struct claiming *claiming, const char *stat)
{
    const struct catalogue *catalogue = claiming->dataset->catalogue;
    const struct subgroup *subgroup = &catalogue->protocol->plan.subgroups[claiming->claim->subgroup];
    const char *name = subgroup_row(claiming->owner, catalogue, (size_t)claiming->claim->subgroup);
    const char *table =
        memory_format(claiming->owner, "forest %s %s", visit_id(claiming), endpoint_id(claiming));
    size_t count;
    const struct subgroup_level *levels =
        catalogue_subgroup_levels(claiming->owner, catalogue, subgroup, &count);
    double sum = 0;
    for (size_t l = 0; l < count; l++)
        sum += read_count(claiming, table, memory_format(claiming->owner, "%s %s", name, levels[l].title),
                          claiming->col, stat);
    return sum;
}

/* Those with a change at the visit; of an adjusted difference those with every covariate, too.  NULL: against. */
static double count_in_model(const struct claiming *claiming, const struct source *source, const char *col)
{
    void *owner = claiming->owner;
    if (is_adjusted(claiming) || claiming->claim->level != NULL)
        return read_count(claiming, source->table, source->row, source->col,
                          col == claiming->a ? "n1" : "n0");
    double n =
        read_count(claiming, source->table, memory_format(owner, "lsmean %s", visit_id(claiming)), col, "n");
    return !isnan(n) ? n
                     : read_count(claiming, memory_format(owner, "change %s", endpoint_id(claiming)),
                                  visit_id(claiming), col, "n");
}

/* The treated, or those of them among whom the event is studied. */
static double count_in_event(const struct claiming *claiming, const char *col)
{
    const struct timed_event *event = &protocol_of(claiming)->plan.events[claiming->claim->event];
    if (event->among_codes == NULL)
        return read_count(claiming, "analysis sets", "treated", col, "n");
    return read_count(claiming, memory_format(claiming->owner, "KM %s", event->id), "quartiles", col, "n");
}

/* Subjects of a column behind the estimate. */
static double count_subjects(const struct claiming *claiming, const struct source *source, const char *col)
{
    void *owner = claiming->owner;
    switch (claiming->claim->kind) {
    case CLAIM_RESPONDER:
        if (is_adjusted(claiming))
            return count_in_model(claiming, source, col);
        return read_count(claiming, source->table, source->row, col, memory_format(owner, "n.%s", col));
    case CLAIM_DIFFERENCE:
    case CLAIM_CHANGE:
    case CLAIM_DURABILITY:
    case CLAIM_EQUIVALENCE: return count_in_model(claiming, source, col);
    case CLAIM_EVENT: return count_in_event(claiming, col);
    case CLAIM_HARM: return read_count(claiming, "analysis sets", "treated", col, "n");
    case CLAIM_CONTRALATERAL:
    case CLAIM_IMAGING:
    case CLAIM_COST:
        return source->table != NULL ? read_count(claiming, source->table, source->row, col, "n")
                                     : (double)NAN;
    case CLAIM_INTERACTION: return count_in_levels(claiming, col == claiming->a ? "n1" : "n0");
    }
    return (double)NAN;
}

/* -- verdicts -------------------------------------------------------------------------------------------- */

struct verdict {
    double excluded; /* 1: the interval does not hold the value, or what is claimed; 0; NAN */
    double refuted;
    double borne_out; /* 1: the interval lies wholly where the claim holds; of no interaction */
    const char *reason;
};

/* A limit that touches the value holds it. */
static struct verdict judge_value(const struct claim *claim, const struct estimate *estimate)
{
    if (isnan(estimate->lo) || isnan(estimate->hi))
        return (struct verdict){(double)NAN, (double)NAN, (double)NAN, estimate->reason};
    bool above = estimate->lo > claim->value, below = estimate->hi < claim->value;
    bool refuted = claim->refuted == REFUTED_ABOVE   ? above
                   : claim->refuted == REFUTED_BELOW ? below
                                                     : above || below;
    bool borne_out = claim->refuted == REFUTED_ABOVE   ? estimate->hi <= claim->value
                     : claim->refuted == REFUTED_BELOW ? estimate->lo >= claim->value
                                                       : false;
    return (struct verdict){above || below, refuted, borne_out, NULL};
}

static struct verdict judge_equivalence(double margin, const struct estimate *estimate)
{
    if (isnan(estimate->lo) || isnan(estimate->hi) || isnan(margin))
        return (struct verdict){(double)NAN, (double)NAN, (double)NAN, estimate->reason};
    bool outside = estimate->lo > margin || estimate->hi < -margin;
    bool within = estimate->lo >= -margin && estimate->hi <= margin;
    return (struct verdict){outside, outside, within, NULL};
}

/* That groups differ is refuted when they are shown to be alike; which way they differ is not claimed. */
static struct verdict judge_interaction(double margin, const struct estimate *estimate, bool alike)
{
    if (isnan(margin))
        return (struct verdict){
            (double)NAN, (double)NAN, (double)NAN,
            "the protocol has no margin for the endpoint within which groups count as alike"};
    if (isnan(estimate->p) || isnan(estimate->lo))
        return (struct verdict){(double)NAN, (double)NAN, (double)NAN, estimate->reason};
    return (struct verdict){alike, alike, (double)NAN, NULL};
}

/* -- rows ------------------------------------------------------------------------------------------------ */

static void add_numbers(const struct claiming *claiming, const struct cell *cell, const struct source *source,
                        const struct estimate *estimate)
{
    static const char uncounted[] = "not counted";
    cell_add_or_reason(cell, "est", estimate->value, estimate->reason);
    cell_add_or_reason(cell, "lo", estimate->lo, estimate->reason);
    cell_add_or_reason(cell, "hi", estimate->hi, estimate->reason);
    if (claiming->a == NULL)
        return;
    cell_add_or_reason(cell, "n", count_subjects(claiming, source, claiming->a), uncounted);
    if (claiming->b != NULL || claiming->claim->against != NULL)
        cell_add_or_reason(cell, "n_against", count_subjects(claiming, source, claiming->b), uncounted);
}

static void add_verdict(const struct claiming *claiming, const struct cell *cell,
                        const struct verdict *verdict)
{
    cell_add_or_reason(cell, "excluded", verdict->excluded, verdict->reason);
    if (claiming->claim->kind != CLAIM_INTERACTION)
        cell_add_or_reason(cell, "borne_out", verdict->borne_out, verdict->reason);
    cell_add_or_reason(cell, "refuted", verdict->refuted, verdict->reason);
}

/* The p value that the groups are the same, and whether it says that they differ, whichever way. */
static void add_interaction(const struct claiming *claiming, const struct cell *cell,
                            const struct estimate *estimate)
{
    double differ = estimate->p < 1 - protocol_of(claiming)->level;
    cell_add_or_reason(cell, "p_interaction", estimate->p, estimate->reason);
    cell_add_or_reason(cell, "differ", isnan(estimate->p) ? (double)NAN : differ, estimate->reason);
}

/* Of what was not randomised: whether the difference is adjusted, and its E-values. */
static void add_adjustment(const struct claiming *claiming, const struct cell *cell,
                           const struct source *source)
{
    bool cohorts = claiming->b != NULL && !protocol_of(claiming)->randomised;
    if (!cohorts && (claiming->a == NULL || claiming->claim->against == NULL))
        return;
    bool adjusted = is_adjusted(claiming);
    size_t terms;
    adjusted_terms(claiming->owner, &protocol_of(claiming)->plan, claiming->claim, &terms);
    cell_add(cell, "adjusted", adjusted && terms > 0);
    if (!adjusted)
        return;
    const char *reason = NULL, *limit_reason = NULL;
    double evalue = read_stat(claiming, source, "evalue", &reason);
    double limit = read_stat(claiming, source, "evalue_limit", &limit_reason);
    cell_add_or_reason(cell, "evalue", evalue, reason);
    cell_add_or_reason(cell, "evalue_limit", limit, limit_reason);
}

static void add_claim(const struct claiming *claiming)
{
    static const char pooled[] = "all subjects stand in one column: cohorts are not told apart";
    const struct claim *claim = claiming->claim;
    const struct equivalence_margin *planned =
        plan_find_margin(&protocol_of(claiming)->plan, claim->endpoint);
    double margin = planned != NULL ? planned->margin : (double)NAN;
    struct source source = find_source(claiming);
    struct estimate estimate;
    struct verdict verdict;
    if (claiming->dataset->pooled) {
        estimate = stat_not_estimable(pooled);
        verdict = (struct verdict){(double)NAN, (double)NAN, (double)NAN, pooled};
    } else if (claim->kind == CLAIM_INTERACTION) {
        bool alike;
        estimate = read_interaction(claiming, margin, &alike);
        verdict = judge_interaction(margin, &estimate, alike);
    } else {
        estimate = read_estimate(claiming, &source);
        verdict = claim->kind == CLAIM_EQUIVALENCE ? judge_equivalence(margin, &estimate)
                                                   : judge_value(claim, &estimate);
    }
    const struct cell cell = {claiming->results, "claims", claim->id, claiming->col};
    if (!isnan(claim->value))
        cell_add(&cell, "value", claim->value);
    if ((claim->kind == CLAIM_EQUIVALENCE || claim->kind == CLAIM_INTERACTION) && !isnan(margin))
        cell_add(&cell, "margin", margin);
    add_numbers(claiming, &cell, &source, &estimate);
    add_adjustment(claiming, &cell, &source);
    if (claim->kind == CLAIM_INTERACTION)
        add_interaction(claiming, &cell, &estimate);
    add_verdict(claiming, &cell, &verdict);
}

void analysis_claims(const struct dataset *dataset, struct results *results)
{
    const struct analysis_plan *plan = &dataset->catalogue->protocol->plan;
    for (size_t i = 0; i < plan->claim_count; i++) {
        const struct claim *claim = &plan->claims[i];
        struct claiming claiming = {dataset, results, memory_owner(NULL, "claim"), claim, NULL, NULL, NULL};
        if (dataset->pooled) {
            claiming.col = dataset->cohorts[0];
        } else if (claim->contrast >= 0) {
            const struct cohort_contrast *contrast = &plan->contrasts[claim->contrast];
            claiming.a = dataset->cohorts[contrast->cohort];
            claiming.b = dataset->cohorts[contrast->against];
            claiming.col = memory_format(claiming.owner, "%s - %s", claiming.a, claiming.b);
        } else {
            claiming.a = claiming.col = dataset->cohorts[claim->cohort];
        }
        add_claim(&claiming);
        talloc_free(claiming.owner);
    }
}
