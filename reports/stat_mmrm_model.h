/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Inside the mixed model for repeated measures: its columns, its sufficient statistics, its likelihood.
 * For stat_mmrm*.c and stat_imputation*.c; callers use stat_mmrm.h.
 *
 * A subject has a row z of `source_count` numbers: one 0/1 a cohort, the covariates (centred, scaled), one
 * 0/1 for each level of a factor but the first that occurs.  A coefficient is a pair (source, visit): column
 * k of the design at visit j is z[source] when `visit` is j or "all", otherwise 0.  Values are centred by
 * visit.
 * Matrices are column-major; those of visits are m x m with 0 where a pattern lacks the visit.
 */
#ifndef PATELLA_STAT_MMRM_MODEL_H
#define PATELLA_STAT_MMRM_MODEL_H

#include "reports/stat_mmrm.h"

/* Where z[source] comes from. */
struct mmrm_source {
    int term;                    /* index, or -1: a cohort */
    int level;                   /* of the factor, or the cohort; -1: a covariate */
    double centre, scale;        /* of a covariate: z = (x - centre) * scale; scale 0 when it is constant */
    double share;                /* of a 0/1: of the records in the fit */
    double equal;                /* of a level: 1 / levels in the fit */
};

struct mmrm_coefficient {
    size_t source;
    size_t visit;                /* used visit; visit_count of the model: all visits */
};

/* Subjects with the same pattern of observed visits and the same cohort, or of all cohorts. */
struct mmrm_cell {
    unsigned mask;               /* bit j: used visit j is observed */
    size_t cohort;
    size_t n;
    double *zz;                  /* source_count^2: sum of zz' */
    double *zy;                  /* source_count x visits: sum of z y_j */
    double *yy;                  /* visits^2: sum of y_j y_k */
};

struct mmrm_model {
    const struct mmrm_input *input;
    size_t visits;               /* used ones, m */
    const size_t *used;          /* the caller's visit of each */
    double y_centre[MMRM_VISITS_MOST];
    struct mmrm_source *sources;
    size_t source_count;
    int **source_of_level;       /* [term][level]: source; -1: first level (no column); -2: not in the fit.
                                    [term][0] of a covariate */
    struct mmrm_coefficient *coefficients;   /* all, also aliased ones */
    size_t coefficient_count;
    bool *kept;                  /* coefficients that are not aliased: beta has these only */
    size_t *kept_index;          /* of each of the `rank` kept ones: the coefficient, */
    unsigned *kept_source, *kept_visit;      /* its source and its visit */
    size_t rank;
    double log_scale;            /* 2 sum log(scale) of kept columns: m2ll is that of unscaled covariates */
    double *alias;               /* rank x (coefficient_count - rank): column = kept columns times this */
    struct mmrm_cell *cells;     /* by mask, then cohort; mask 0: subjects without a value at a used visit */
    size_t cell_count;
    int *cell_table;             /* [mask * cohort_count + cohort]: cell, or -1 */
    struct mmrm_cell *patterns;  /* cells that the fit takes together, none of mask 0 */
    int *pattern_of_cell;        /* -1: mask 0 */
    size_t pattern_count;
    size_t records;
    size_t sigma_count;          /* elements of one Sigma: m (m + 1) / 2 */
    size_t theta_count;          /* of all groups */
    double *theta;               /* estimate: lower triangles by row, group after group */
    struct mmrm_state *state;    /* at theta */
    double *parameters;          /* of the structure, group after group, at the estimate */
    double *curvature;           /* Cholesky factor of the Hessian of m2ll by them */
    double *covariance[2];       /* of theta, theta_count^2: by observed and by expected information */
    double *adjusted[2];         /* Kenward-Roger covariance of beta with each of them */
    double *sandwich;            /* rank^2 or NULL */
    double sandwich_df;
};

/* ---- stat_mmrm_data.c ---- */

/* Visits, columns and cells; false with fit->reason set when nothing is left. */
bool mmrm_model_read(struct mmrm_fit *fit, const struct mmrm_input *input);

/* A subject: the part of z that is not 0, the pattern, and the centred values (0 where not observed). */
struct mmrm_row {
    size_t cohort;
    size_t sources[MMRM_TERMS_MOST + 1];
    double z[MMRM_TERMS_MOST + 1];
    size_t count;
    unsigned mask;
    double y[MMRM_VISITS_MOST];
};

/* False when the subject is not used: a cohort or term is not known, or nobody in the fit has its level. */
bool mmrm_model_row(const struct mmrm_model *model, size_t subject, struct mmrm_row *row);

/* Index of the cell that a row belongs to. */
int mmrm_model_cell(const struct mmrm_model *model, const struct mmrm_row *row);

/* Zeroed cross-products. */
void mmrm_cell_new(const void *owner, const struct mmrm_model *model, struct mmrm_cell *cell);

/* Adds (sign 1) one subject to a cell or a pattern, or takes it away (sign -1). */
void mmrm_cell_add(const struct mmrm_model *model, struct mmrm_cell *cell, const struct mmrm_row *row,
                   double sign);

/* ---- stat_mmrm_columns.c ---- */

/* Coefficients, those that can be estimated, and patterns from cells. */
void mmrm_model_make_columns(struct mmrm_fit *fit);

/* Which coefficients can be estimated from the patterns as they are: kept, kept_index and rank. */
void mmrm_model_choose_columns(struct mmrm_model *model);

/* ---- stat_mmrm_reml.c ---- */

enum mmrm_depth { MMRM_VALUE, MMRM_GRADIENT, MMRM_HESSIAN };

struct mmrm_state {
    double m2ll;
    double *beta;                /* rank */
    double *factor;              /* Cholesky factor L of A = X'V^-1 X */
    double *phi;                 /* A^-1; from MMRM_GRADIENT on */
    double *gradient;            /* theta_count, of m2ll; from MMRM_GRADIENT on */
    double *observed, *expected; /* theta_count^2: Hessian of m2ll and its expectation; MMRM_HESSIAN */
    double *p;                   /* rank^2 x theta_count: L^-1 P_h L^-T, P_h = dA/dtheta_h; MMRM_HESSIAN */
};

struct mmrm_state *mmrm_state_new(const void *owner, const struct mmrm_model *model);

/* Restricted likelihood at theta over model->patterns; false when a Sigma or A is not positive definite. */
bool mmrm_reml(const struct mmrm_model *model, const double *theta, enum mmrm_depth depth,
               struct mmrm_state *state);

/* Index of element (i, j) of a group's Sigma in theta. */
size_t mmrm_theta_index(const struct mmrm_model *model, size_t group, size_t i, size_t j);
size_t mmrm_pattern_group(const struct mmrm_model *model, const struct mmrm_cell *pattern);

/* m x m with the inverse of Sigma's part in the pattern; log determinant; false when there is none. */
bool mmrm_pattern_inverse(const struct mmrm_model *model, const double *theta,
                          const struct mmrm_cell *pattern, double *w, double *log_determinant);

/* c[rank^2], lower triangle, += sum_jk kernel[j,k] X_j'X_k of the pattern. */
void mmrm_add_cross_products(const struct mmrm_model *model, const struct mmrm_cell *pattern,
                             const double *kernel, double *c);

/* source_count x m: what coefficients beta make of z at each visit. */
void mmrm_effects_by_visit(const struct mmrm_model *model, const double *beta, double *effects);

/* Residual cross-products of a pattern, m x m: r = yy - 2 zy'e + e'zz e. */
void mmrm_residual_products(const struct mmrm_model *model, const struct mmrm_cell *pattern,
                            const double *effects, double *r);

/* ---- stat_mmrm_structures.c ---- */

size_t mmrm_structure_parameters(enum mmrm_structure structure, size_t visits);

/* Parameters near Sigma `sigma` (m x m). */
void mmrm_structure_start(enum mmrm_structure structure, const double *sigma, size_t visits,
                          double *parameters);

/* Elements of Sigma (lower triangle by row), and when not NULL their derivatives (elements x parameters). */
void mmrm_structure_sigma(enum mmrm_structure structure, const double *parameters, size_t visits,
                          double *elements, double *jacobian);

/* h (parameters^2) += sum over elements of weight x second derivatives. */
void mmrm_structure_add_curvature(enum mmrm_structure structure, const double *parameters, size_t visits,
                                  const double *weights, double *h);

/* ---- stat_mmrm_newton.c ---- */

/* One structure; NULL or the reason why it cannot be had.  On success theta, state and covariance are set. */
const char *mmrm_newton(struct mmrm_fit *fit, enum mmrm_structure structure, struct mmrm_attempt *attempt);

/*
 * Fits `replicate`, a copy of fit->model whose patterns have lost some subjects, from the fit's estimate with
 * the fit's Hessian, which is nearly its own; by Newton's method when that does not converge.  theta, and
 * beta in state, are the replicate's.  NULL or the reason why it cannot be fitted.
 */
const char *mmrm_refit(const struct mmrm_fit *fit, struct mmrm_model *replicate, double *theta,
                       struct mmrm_state *state);

/* ---- stat_mmrm_df.c ---- */

/* Covariance of beta with the Kenward-Roger adjustment for both kinds of information. */
void mmrm_adjust_covariance(struct mmrm_model *model);

/* Estimates and tests of linear functions of beta (rank numbers each); `offset` is added to the estimate. */
struct mmrm_estimate mmrm_function_estimate(const struct mmrm_fit *fit, const double *function, double offset,
                                            enum mmrm_method method, double level);
struct mmrm_test mmrm_functions_test(const struct mmrm_fit *fit, const double *functions, size_t count,
                                     enum mmrm_method method);

/* ---- stat_mmrm_sandwich.c ---- */

void mmrm_make_sandwich(struct mmrm_model *model);

#endif
