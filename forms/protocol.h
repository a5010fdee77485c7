/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A study's protocol: cohorts, visits, which forms are due, endpoints, responder rules, what the report analyses.
 *
 * Nothing about the knee, WOMAC or 3/6/12/24 months is known outside the YAML.  A `struct catalogue` is a protocol
 * version together with the form versions of its study.
 */
#ifndef PATELLA_PROTOCOL_H
#define PATELLA_PROTOCOL_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "forms/base/error.h"
#include "forms/form.h"
#include "forms/protocol_analysis.h"

enum masking { MASKING_NONE, MASKING_DOUBLE };
enum allocation_unit { ALLOCATE_SUBJECT, ALLOCATE_KNEE };
/* Which knee of a subject the efficacy tables hold. */
enum index_knee_rule {
    INDEX_KNEE_FIRST_TREATED,    /* treated first; same day: worse baseline pain, then right; as enrolled before that */
    INDEX_KNEE_AS_ENROLLED
};
enum cohort_kind { COHORT_ACTIVE, COHORT_CONTROL, COHORT_PLACEBO };

#define WINDOW_OPEN_START INT_MIN   /* `min` in YAML */
#define WINDOW_OPEN_END INT_MAX     /* `max` in YAML */

struct cohort {
    const char *id;
    const char *title;
    enum cohort_kind kind;
};

struct visit {
    const char *id;
    const char *title;           /* defaults to the id */
    int target;                  /* study day; 1 = day of treatment, no day 0 */
    int due[2];                  /* study days, inclusive */
    int analysis[2];             /* study days, inclusive; WINDOW_OPEN_* allowed */
    bool baseline;               /* the visit whose analysis window ends on day 1 or before */
    const char *const *forms;
    size_t form_count;
    int line;
};

struct endpoint {
    const char *id;
    const char *title;           /* defaults to the score's title */
    const char *form;            /* "koos" of "koos.womac_pain_0_100" */
    const char *score;           /* "womac_pain_0_100" */
    double mcid;                 /* minimal important change, scale points, NAN when not given */
    const char *source;          /* of the mcid, or NULL */
    int line;
};

enum responder_kind {
    RESPONDER_OMERACT_OARSI,     /* pain, function, global */
    RESPONDER_IMPROVED_BY,       /* change of at least so many points in the good direction */
    RESPONDER_IMPROVED_PERCENT,  /* ... so many per cent of baseline */
    RESPONDER_STATE              /* value at follow-up at least as good as this (PASS) */
};

struct responder {
    const char *id;
    const char *title;
    enum responder_kind kind;
    int endpoints[3];            /* indices of endpoints: pain, function, global (-1: not collected); else [0] only */
    double threshold;            /* points, per cent or value by kind; NAN for the OMERACT-OARSI rule */
    const char *source;
    int line;
};

struct protocol {
    const char *id;
    int version;
    const char *title;
    enum masking masking;
    bool randomised;
    enum allocation_unit allocation;
    enum index_knee_rule index_knee_rule;
    int index_knee_pain;         /* endpoint that decides between knees treated on one day, -1 without endpoints */
    const struct cohort *cohorts;
    size_t cohort_count;
    const struct visit *visits;      /* in order of target */
    size_t visit_count;
    const char *const *any_time;     /* forms that may come at any time, visit "unscheduled" */
    size_t any_time_count;
    const struct endpoint *endpoints;
    size_t endpoint_count;
    const struct responder *responders;
    size_t responder_count;
    const char *reference;           /* cohort id, or NULL */
    double level;                    /* of confidence intervals, 0.95 */
    bool lsmeans_equal;              /* equal weights of factor levels; else observed margins */
    const char *df;                  /* "kenward_roger" or "satterthwaite" */
    const char *const *covariates;
    size_t covariate_count;
    const char *const *strata;
    size_t stratum_count;
    const char *primary_endpoint;    /* or NULL */
    const char *primary_visit;
    int completeness_endpoint;   /* its form and score are counted in the table "completeness"; -1 without endpoints */
    const struct item_reference *baseline;   /* items of the baseline table, in order */
    size_t baseline_count;
    const struct item_reference *model_items;   /* named by covariates, strata, adjustment and subgroups */
    size_t model_item_count;
    struct analysis_plan plan;   /* everything else of `analysis`, and the same resolved to indices */
    int any_time_line;
};

struct catalogue {
    const char *study;               /* code of the study */
    const struct protocol *protocol;
    const struct form *const *forms; /* all versions; newest version of a form first */
    size_t form_count;
};

/*
 * Reads a protocol; names of forms and scores are checked by catalogue_check.  protocol_read takes a YAML tree and
 * gives every fault at once; nothing points into the tree.
 */
struct protocol *protocol_read(const void *owner, const struct yaml *root, struct faults *faults) MUST_CHECK;
struct protocol *protocol_parse(const void *owner, const char *file, const char *text, size_t length,
                                struct error *error) MUST_CHECK;

/*
 * Checks that every form, score and item that the protocol names exists in `forms` and fits (endpoint direction and
 * range known, baseline item exists, exactly one form creates subjects).  `file` names the protocol in messages.
 */
bool catalogue_check(const struct catalogue *catalogue, const char *file, struct error *error) MUST_CHECK;
/* The same with every fault at once. */
void catalogue_find_faults(const struct catalogue *catalogue, const char *file, struct faults *faults);

/*
 * Loads every *.yaml in a directory, newest version of a form first.  Returns the forms without faults (`count`).
 */
const struct form **catalogue_load_forms(const void *owner, const char *directory, size_t *count,
                                         struct faults *faults) MUST_CHECK;

/* Puts forms in the order of a catalogue: by id, newest version first.  Two files of one version are a fault. */
void catalogue_sort_forms(const struct form **forms, size_t count, struct faults *faults);

/* Loads a protocol file and every *.yaml form in `forms_directory`; NULL and the first error. */
struct catalogue *catalogue_load(const void *owner, const char *protocol_path, const char *forms_directory,
                                 struct error *error) MUST_CHECK;

/* The form with that id and version (0: newest), or NULL. */
const struct form *catalogue_find_form(const struct catalogue *catalogue, const char *id, int version);
const struct visit *protocol_find_visit(const struct protocol *protocol, const char *id);
int protocol_find_cohort(const struct protocol *protocol, const char *id);       /* -1: none */
int protocol_find_endpoint(const struct protocol *protocol, const char *id);     /* -1: none */

/* Score behind an endpoint: newest form version that has it. */
const struct score *catalogue_endpoint_score(const struct catalogue *catalogue, const struct endpoint *endpoint);

/* True when `form` is due at `visit`, or may come at any time. */
bool protocol_form_is_due(const struct visit *visit, const char *form);
bool protocol_form_is_any_time(const struct protocol *protocol, const char *form);

/* The rule for the index knee in words, for people. */
const char *protocol_index_knee_text(const struct protocol *protocol);

void protocol_to_json(struct text *out, const struct protocol *protocol);

#endif
