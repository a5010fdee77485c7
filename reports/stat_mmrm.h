/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mixed model for repeated measures: one value per subject and visit, some of them missing, by restricted
 * maximum likelihood (REML) with a covariance matrix Sigma of the visits.
 *
 * Fixed effects: cohort x visit, and terms of the subject (covariates, factors), each with one coefficient
 * for all visits or one a visit.  The data are read in one pass into cross-products per missingness pattern;
 * everything after that takes the same time for 100 subjects and for a million.
 * Sources: Mallinckrodt et al., Drug Inf J 2008;42:303 (the model); Kenward & Roger, Biometrics 1997;53:983
 * (adjusted covariance, F); Fai & Cornelius, J Stat Comput Simul 1996;54:363 (Satterthwaite's F);
 * Liang & Zeger, Biometrika 1986;73:13 (sandwich).
 * Not for: covariates that change between visits, random effects, more than MMRM_VISITS_MOST visits.
 */
#ifndef PATELLA_STAT_MMRM_H
#define PATELLA_STAT_MMRM_H

#include <stdbool.h>
#include <stddef.h>

enum { MMRM_VISITS_MOST = 16, MMRM_TERMS_MOST = 31 };
enum { MMRM_ALL_VISITS = -1, MMRM_NO_VISIT = -2, MMRM_NO_COHORT = -1, MMRM_NO_TERM = -1 };

/* In the order in which they are tried; the last one gets sandwich standard errors when it is a fallback. */
enum mmrm_structure {
    MMRM_UNSTRUCTURED,           /* every variance and covariance of its own */
    MMRM_TOEPLITZ_H,             /* a variance a visit, a correlation for each distance between visits */
    MMRM_AR1_H,                  /* a variance a visit, correlation rho^distance */
    MMRM_COMPOUND_SYMMETRY,      /* one variance, one covariance */
    MMRM_STRUCTURES
};

struct mmrm_term {
    const char *name;            /* for reasons */
    const double *covariate;     /* a number for each subject, NAN = missing; NULL for a factor */
    const int *level;            /* of a factor: 0 .. level_count - 1 for each subject, negative = missing */
    size_t level_count;
    bool by_visit;               /* a coefficient (of each level) a visit, not one for all */
};

struct mmrm_input {
    size_t subject_count, visit_count, cohort_count, term_count;
    const int *cohort;           /* of each subject: 0 .. cohort_count - 1; negative: subject is not used */
    const struct mmrm_term *terms;
    const double *y;             /* [subject * visit_count + visit], NAN = not observed; in order of time */
    enum mmrm_structure structure;   /* the first that is tried: MMRM_UNSTRUCTURED in every report */
    bool sigma_by_cohort;        /* a Sigma for each cohort */
};

struct mmrm_attempt {
    enum mmrm_structure structure;
    int iterations;
    const char *reason;          /* why it was given up; NULL for the one that was taken */
};

/* Visits are the caller's 0 .. visit_count - 1, the ones in the fit ("used") 0 .. used_count - 1. */
struct mmrm_fit {
    const char *reason;          /* why there is no fit; NULL when there is one */
    size_t visit_count, used_count, cohort_count;
    size_t *used;                /* the caller's visit of each used one */
    const char **visit_notes;    /* why a visit is not used; NULL when it is */
    size_t *cell_n;              /* [cohort * visit_count + visit]: values in the fit */
    size_t subjects, records;    /* in the fit: all terms known and at least one value at a used visit */
    size_t coefficients, patterns;
    size_t parameters;           /* of the covariance structure */
    enum mmrm_structure structure;
    bool sandwich;               /* empirical standard errors; df = subjects - rank of their own columns */
    struct mmrm_attempt attempts[MMRM_STRUCTURES];
    size_t attempt_count;
    size_t group_count;          /* 1, or cohort_count with sigma_by_cohort */
    double *sigma, *sigma_se;    /* [(group * used_count + i) * used_count + j] */
    int iterations;
    double m2ll;                 /* -2 x restricted log likelihood, with all constants */
    double aic;                  /* m2ll + 2 parameters */
    double gradient_max;         /* largest |d m2ll / d parameter| where the iteration stopped */
    double condition;            /* of the correlation matrix of Sigma (of the worst group) */
    struct mmrm_model *model;    /* stat_mmrm_model.h */
};

/*
 * The fit; it owns its memory and refers to the input, which must stay.  Never NULL: what cannot be fitted
 * has a reason.  Visits with fewer than two subjects, without variation or with as many coefficients of their
 * own as values are left out; visit_notes says so.
 * Newton's method on the elements of Sigma, Fisher scoring or Levenberg steps where the Hessian is not
 * positive definite; stops when the decrement g'H^-1 g is < 1e-10 in a full step.  A structure is given up
 * after 100 steps, or when Sigma or the information is singular at the end.
 */
struct mmrm_fit *stat_mmrm_fit(const void *owner, const struct mmrm_input *input);

const char *stat_mmrm_structure_name(enum mmrm_structure structure);

/*
 * How standard errors and degrees of freedom are taken.  Kenward-Roger: linear in the elements of Sigma
 * (second derivatives of structures other than unstructured left out), with the inverse of the observed
 * information as SAS DDFM=KR does; MMRM_KENWARD_ROGER_EXPECTED as in the paper of 1997 and R's pbkrtest.
 * With a sandwich all three are the same.
 */
enum mmrm_method {
    MMRM_SATTERTHWAITE,
    MMRM_KENWARD_ROGER,
    MMRM_KENWARD_ROGER_EXPECTED,
    MMRM_METHODS
};

/* Over what a least squares mean is averaged; covariates stand at their mean over the records of the fit. */
enum mmrm_margins {
    MMRM_EQUAL_MARGINS,          /* levels of a factor weigh the same (SAS LSMEANS) */
    MMRM_OBSERVED_MARGINS        /* as often as they occur in the records of the fit (SAS OM) */
};

/* The LS mean of a cohort at a visit, or the difference cohort - reference; no member may be left out. */
struct mmrm_contrast {
    int cohort;
    int reference;               /* MMRM_NO_COHORT: the LS mean itself */
    int visit;                   /* the caller's, or MMRM_ALL_VISITS: the plain mean over the used visits */
    int minus_visit;             /* MMRM_NO_VISIT, or the same at this visit is subtracted */
    enum mmrm_margins margins;
};

struct mmrm_estimate {
    double estimate, se, df, lo, hi, t, p;   /* all NAN when there is a reason; p two-sided, against 0 */
    const char *reason;          /* static text, or NULL */
};

struct mmrm_estimate stat_mmrm_estimate(const struct mmrm_fit *fit, const struct mmrm_contrast *contrast,
                                        enum mmrm_method method, double level);

/*
 * A fixed effect as programs print it that code by a first level (R's treatment contrasts): differences from
 * cohort 0, from the first used visit and from the first level that occurs; covariates at 0, not at their
 * mean.  Nothing named is the intercept; a cohort or a term with a visit is their interaction.
 */
struct mmrm_effect {
    int cohort;                  /* 1 ..: or MMRM_NO_COHORT */
    int term, level;             /* MMRM_NO_TERM; level of a factor, -1 of a covariate */
    int visit;                   /* the caller's, or MMRM_NO_VISIT */
    struct mmrm_estimate estimate;
};

/* Effects of a fit, those included that cannot be estimated; none when there is no fit. */
size_t stat_mmrm_effect_count(const struct mmrm_fit *fit);
struct mmrm_effect stat_mmrm_effect(const struct mmrm_fit *fit, size_t index, enum mmrm_method method,
                                    double level);

enum mmrm_hypothesis {
    MMRM_COHORT,                 /* no difference between cohorts in the mean over visits (type III) */
    MMRM_COHORT_BY_VISIT,        /* differences are the same at all visits (type III) */
    MMRM_COHORT_ANYWHERE,        /* no difference at any visit */
    MMRM_TERM,                   /* the term has no effect in the mean over visits (type III) */
    MMRM_TERM_BY_VISIT           /* the effect of a term by visit is the same at all visits (type III) */
};

struct mmrm_test {
    double f, df1, df2, p;       /* NAN when there is a reason */
    const char *reason;
    bool reduced;                /* empty cells: only the part that can be estimated is tested */
};

/*
 * Rows are differences from the first cohort that has values, and from the first used visit: Satterthwaite's
 * df depend on that, Kenward and Roger's do not.
 * `term` is the index of the term of MMRM_TERM and MMRM_TERM_BY_VISIT.
 */
struct mmrm_test stat_mmrm_test(const struct mmrm_fit *fit, enum mmrm_hypothesis hypothesis, size_t term,
                                enum mmrm_method method);

#endif
