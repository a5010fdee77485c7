/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the report analyses: the `analysis` of a protocol beyond the reference, level and baseline table that
 * protocol.h holds.
 *
 * Whatever names an endpoint, a visit, a cohort, a contrast, an event, a subgroup or a responder rule is an
 * index into the protocol's arrays, so that the analyses search for nothing.  Items stand as form.item; that
 * forms, items and codes exist is held by catalogue_check (protocol.h).  An absent key has its default here.
 */
#ifndef PATELLA_PROTOCOL_ANALYSIS_H
#define PATELLA_PROTOCOL_ANALYSIS_H

#include <stdbool.h>
#include <stddef.h>

#include "forms/base/error.h"
#include "forms/base/text.h"
#include "forms/form.h"

struct catalogue;
struct protocol;

enum { PLAN_NONE = -1 };         /* an index that names nothing */

struct item_reference {          /* "baseline.age_years" */
    const char *key;             /* where it is named: "baseline", "covariates", "strata", "subgroups" ... */
    const char *form;
    const char *item;
    int line;
};

struct cohort_contrast {         /* differences are cohort - against, ratios cohort / against */
    int cohort, against;         /* indices of cohorts */
    int line;                    /* 0: made from `reference` */
};

enum term_kind { TERM_BASE, TERM_SITE, TERM_ITEM };
struct model_term {              /* of `covariates`, `strata`, `adjustment` */
    enum term_kind kind;
    struct item_reference item;  /* TERM_ITEM only; numbers are linear, choices and booleans factors */
};

struct subgroup_level {
    const char *title;
    const char *const *codes;    /* of a choice or boolean ("true", "false"); NULL with cuts */
    size_t code_count;
    double from, below;          /* from <= number < below, infinite where open; NAN without cuts */
};
struct subgroup {
    const char *id;
    const char *title;           /* NULL: the item's text (catalogue_subgroup_title) */
    struct item_reference item;
    bool has_cuts;
    const struct subgroup_level *levels;   /* NULL: each code is a level (catalogue_subgroup_levels) */
    size_t level_count;
    const char *const *left_out; /* codes that are in no level on purpose */
    size_t left_out_count;
    int line;
};

struct equivalence_margin {      /* at most one for an endpoint */
    int endpoint;
    double margin;               /* scale points, > 0: from -margin to margin is equivalent */
    const char *source;
    int line;
};

enum imputation_method { IMPUTE_J2R = 1, IMPUTE_CR = 2, IMPUTE_CIR = 4 };   /* bits */
struct sensitivity_plan {        /* against protocol->reference; no endpoints without one */
    const int *endpoints;
    size_t endpoint_count;
    unsigned methods;            /* of enum imputation_method */
    bool tipping;
};

enum event_knee { EVENT_ANY_KNEE, EVENT_INDEX_KNEE };
/*
 * Time from day 1 to each subject's first record of `form` for which `when` is true and whose day lies after
 * day 1 (on day 1 or after, when one hopes for it), in study days; censored at the last contact.
 */
struct timed_event {
    const char *id;
    const char *title;           /* defaults to the id */
    const char *form;
    const char *when;            /* over the form's items (event_condition); NULL: every record */
    const char *date;            /* item of the form with the day it happened, NULL: the record's date */
    struct item_reference among; /* only subjects with one of these codes at baseline */
    const char *const *among_codes;      /* NULL: everybody */
    size_t among_count;
    enum event_knee knee;        /* which knee's records count; nothing to a form about the subject */
    bool death_competes;
    bool favourable;             /* an event that one hopes for: curves rise, a ratio above 1 is good */
    int horizon;                 /* study day to which restricted means go; default: last target */
    const int *days;             /* study days at which the curve is read, rising */
    size_t day_count;
    int line;
};

struct contralateral_plan {      /* the untreated knee of subjects treated on one side */
    const int *endpoints;        /* none: not analysed */
    size_t endpoint_count;
    double at_least;             /* its baseline is this bad or worse; NAN: any baseline */
    int line;
};

enum imaging_scale { IMAGING_DIFFERENCE, IMAGING_RATIO };
struct imaging_plan {            /* at most one for an endpoint */
    int endpoint;
    enum imaging_scale scale;    /* ratio: of geometric means, values above 0 */
    bool has_readings;           /* agreement of readings is analysed, by two items of the endpoint's form: */
    struct item_reference reader, reading;   /* number of the reader; of the reading by that reader */
    int line;
};

struct cost_plan {
    bool analysed;
    struct item_reference amount;    /* an integer or decimal */
    struct item_reference currency;  /* a text or choice of the same form */
};

enum multiplicity_method { MULTIPLICITY_HOLM, MULTIPLICITY_ORDERED };
struct planned_hypothesis {      /* no difference; by the model of the endpoint */
    int endpoint, visit;
    int contrast;                /* index of plan->contrasts */
};
struct multiplicity_plan {
    enum multiplicity_method method;
    /* in order; default: every contrast at the primary endpoint and visit */
    const struct planned_hypothesis *hypotheses;
    size_t hypothesis_count;
};

/* ICH E9(R1), section 3.2. */
enum strategy {
    STRATEGY_TREATMENT_POLICY,
    STRATEGY_HYPOTHETICAL,
    STRATEGY_COMPOSITE,
    STRATEGY_WHILE_ON_TREATMENT,
    STRATEGY_PRINCIPAL_STRATUM
};
struct intercurrent {
    const char *event;           /* in words */
    enum strategy strategy;
};
struct planned_estimand {        /* at most one for an endpoint */
    int endpoint;
    const char *population;
    const char *summary;         /* the summary measure in words */
    const struct intercurrent *intercurrent;
    size_t intercurrent_count;
    int line;
};

enum claim_kind {
    CLAIM_RESPONDER,             /* % responders at visit, cohort; or risk difference in points, contrast */
    CLAIM_DIFFERENCE,            /* difference of LS mean changes at visit, contrast; or of levels, see below */
    CLAIM_CHANGE,                /* LS mean change at visit, cohort */
    CLAIM_DURABILITY,            /* difference at visit minus difference at from, contrast */
    CLAIM_INTERACTION,           /* difference between the levels of subgroup, at visit, contrast; no value */
    CLAIM_EVENT,                 /* % with the event by day, cohort; or difference in points, contrast */
    CLAIM_HARM,                  /* % of the cohort's treated subjects with an event of special interest */
    CLAIM_CONTRALATERAL,         /* change of the untreated knee at visit, cohort; or difference, contrast */
    CLAIM_EQUIVALENCE,           /* such a difference is within the margin; no value */
    CLAIM_IMAGING,               /* change at visit, cohort: points, or % change where the scale is ratio */
    CLAIM_COST                   /* mean amount for each treated subject of the cohort */
};
/* The claim is refuted when the confidence interval lies wholly there, seen from `value`. */
enum claim_refuted { REFUTED_ABOVE, REFUTED_BELOW, REFUTED_OUTSIDE };
struct claim {
    const char *id;
    const char *claim;           /* what is claimed, in words */
    const char *source;          /* who claims it, or NULL */
    enum claim_kind kind;
    /* indices, PLAN_NONE where the kind has no such part */
    int responder, endpoint, visit, from, cohort, contrast, event, subgroup;
    int day;                     /* study day of CLAIM_EVENT, else 0 */
    const char *special_interest;    /* code of adverse_event.special_interest, CLAIM_HARM only */
    /*
     * Of CLAIM_DIFFERENCE and CLAIM_EQUIVALENCE, names of levels of the subgroup (subgroup_find_name), NULL without:
     * `level` with a contrast: the cohorts, of subjects in that level; `level` and `against` with a cohort: its
     * subjects in the one level less those in the other.
     */
    const char *level, *against;
    double value;                /* in the unit of the kind, NAN for those without */
    enum claim_refuted refuted;
    int line;
};

struct analysis_plan {
    const struct cohort_contrast *contrasts;   /* default: each other cohort against the reference, if any */
    size_t contrast_count;
    const int *models;                   /* endpoints with ANCOVA, MMRM and effect sizes; default: all */
    size_t model_count;
    const struct model_term *covariates; /* the protocol's `covariates`, resolved */
    size_t covariate_count;
    const struct model_term *strata;     /* sites and items only */
    size_t stratum_count;
    const struct model_term *adjustment; /* of cohorts not randomised; default: covariates without site */
    size_t adjustment_count;
    int primary_endpoint, primary_visit; /* PLAN_NONE without `primary` */
    const struct subgroup *subgroups;
    size_t subgroup_count;
    const struct equivalence_margin *margins;
    size_t margin_count;
    struct sensitivity_plan sensitivity;
    const struct timed_event *events;
    size_t event_count;
    const int *safety_periods;           /* last days after an injection, rising: 7, 30 is 0-7, 8-30, > 30 */
    size_t safety_period_count;
    struct contralateral_plan contralateral;
    const struct imaging_plan *imaging;
    size_t imaging_count;
    struct cost_plan cost;
    struct multiplicity_plan multiplicity;
    const struct planned_estimand *estimands;
    size_t estimand_count;
    const struct claim *claims;
    size_t claim_count;
};

/* NULL when the endpoint has none. */
const struct equivalence_margin *plan_find_margin(const struct analysis_plan *plan, int endpoint);
const struct planned_estimand *plan_find_estimand(const struct analysis_plan *plan, int endpoint);
const struct imaging_plan *plan_find_imaging(const struct analysis_plan *plan, int endpoint);
/* PLAN_NONE when there is none. */
int plan_find_contrast(const struct analysis_plan *plan, int cohort, int against);
bool plan_has_model(const struct analysis_plan *plan, int endpoint);

/* One level for each code of an item (in every version of its form), none for numbers.  On `owner`. */
const struct subgroup_level *catalogue_item_levels(const void *owner, const struct catalogue *catalogue,
                                                   const struct item_reference *reference, size_t *count);

/* The levels of a subgroup; without `groups` and `cut` those of its item, with the labels as titles. */
const struct subgroup_level *catalogue_subgroup_levels(const void *owner, const struct catalogue *catalogue,
                                                       const struct subgroup *subgroup, size_t *count);
const char *catalogue_subgroup_title(const struct catalogue *catalogue, const struct subgroup *subgroup);

/* The level with this title, or else the one whose only code this is; PLAN_NONE when there is none. */
int subgroup_find_name(const struct subgroup_level *levels, size_t count, const char *name);

/* The level that an answer (canonical text, number; struct answer) is in, PLAN_NONE when in none. */
int subgroup_find_level(const struct subgroup_level *levels, size_t count, const char *text, double number);

/*
 * An event's condition over the items of one version of its form.  NULL with kind ERROR_NONE when it has
 * none; NULL with ERROR_INPUT when it does not fit this version (the newest is checked).
 */
struct expression *event_condition(const void *owner, const struct timed_event *event,
                                   const struct form *form, struct error *error);

/* Words as they stand in YAML, by enum; NULL-terminated. */
extern const char *const strategy_words[], *const claim_kind_words[], *const claim_refuted_words[];
extern const char *const multiplicity_words[], *const imaging_scale_words[], *const event_knee_words[];
extern const char *const imputation_words[];   /* of the bits 1, 2, 4 */

/* The members of the JSON object `analysis` that this header is about; after another member or "{". */
void analysis_plan_to_json(struct text *out, const struct protocol *protocol);

#endif
