/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reference-based imputation by conditional means: what the differences between cohorts would be if subjects
 * who left went on as in the reference cohort.  No random numbers.
 *
 * A mixed model for repeated measures (stat_mmrm.h, one Sigma for all cohorts) gives means and Sigma; missing
 * values are replaced by their conditional mean given the observed ones; an analysis of covariance (cohort
 * and the model's terms, each visit by itself) compares the completed cohorts; the jackknife, which repeats
 * all of this without each subject, gives the standard error.  Limits are normal.
 * A cohort that has no value at a visit of the model, as it is or in a replicate, is left out of all of it.
 * Sources: Wolbers et al., Pharm Stat 2022;21:1246; Carpenter et al., J Biopharm Stat 2013;23:1352.
 * Not for: values after an intercurrent event that are to be set aside (the caller makes them missing).
 */
#ifndef PATELLA_STAT_IMPUTATION_H
#define PATELLA_STAT_IMPUTATION_H

#include "reports/stat_mmrm.h"

/*
 * What a subject of another cohort than the reference is taken for who has no value after visit L (the last
 * one observed; none: L is before the first visit).  Gaps before a later value, and the reference cohort, are
 * always imputed with the own cohort's means.
 */
enum imputation_strategy {
    IMPUTATION_MAR,              /* own cohort's means: missing at random */
    IMPUTATION_JUMP,             /* J2R: own means up to L, the reference's afterwards */
    IMPUTATION_COPY,             /* CR: the reference's means throughout */
    IMPUTATION_INCREMENTS,       /* CIR: own mean at L, from there on the reference's changes */
    IMPUTATION_STRATEGIES
};

/*
 * With more than IMPUTATION_LEAVE_ONE_OUT_MOST subjects the jackknife leaves out one of IMPUTATION_GROUPS
 * groups at a time: the k-th subject that is used is in group k modulo IMPUTATION_GROUPS.
 */
enum { IMPUTATION_LEAVE_ONE_OUT_MOST = 1000, IMPUTATION_GROUPS = 200 };

struct imputation {
    const char *reason;          /* why there is none; NULL when there is one */
    const struct mmrm_fit *fit;
    int reference;
    size_t subjects;             /* completed: cohort and all terms known, also without any value */
    size_t replicates;           /* of the jackknife: subjects, or IMPUTATION_GROUPS */
    bool grouped;
    size_t *imputed;             /* [cohort * visit_count + visit]: values that were imputed */
    size_t *analysed;            /* likewise: subjects compared, by their own value or an imputed one */
    const struct imputation_cells *cells;
    double *estimates;           /* [replicate][strategy][cohort][used visit]; replicate 0 is the whole */
    double *slopes;              /* [replicate][cohort][used visit]: of the estimate by delta */
    const char **cohort_reasons; /* why a cohort is in neither fit nor jackknife, so has no estimates */
};

/*
 * Fits, imputes and repeats.  Owned by `owner`; refers to the input, which must stay.
 * over[subject * visit_count + visit]: the visit is over, so that no value means that there will be none.
 * A subject is compared at visits that are over, by its own value or an imputed one, and at no others, also
 * where it has a value already.  The mixed model takes all values.  NULL: all are over.  Not kept.
 */
struct imputation *stat_imputation(const void *owner, const struct mmrm_input *input, int reference,
                                   const bool *over);

struct imputation_estimate {
    double estimate, se, lo, hi, z, p;       /* all NAN when there is a reason; p two-sided */
    const char *reason;
};

struct imputation_contrast {
    enum imputation_strategy strategy;
    int cohort;                  /* minus the reference */
    int visit;                   /* the caller's */
    double delta;                /* added to the imputed values of the cohort */
};

struct imputation_estimate stat_imputation_estimate(const struct imputation *imputation,
                                                    const struct imputation_contrast *contrast, double level);

/*
 * The tipping point: the delta nearest to 0 at which the confidence interval reaches 0, exactly: the estimate
 * is linear in delta and its jackknife variance quadratic.  The contrast's own delta does not count.  NAN
 * with a reason when the interval holds 0 without any delta, when nothing was imputed, or when no delta does it.
 */
struct imputation_tipping {
    double delta;
    const char *reason;
};
struct imputation_tipping stat_imputation_tipping(const struct imputation *imputation,
                                                  const struct imputation_contrast *contrast, double level);

#endif
