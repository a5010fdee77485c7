/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <cblas.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/stat_matrix.h"
#include "reports/stat_mmrm_model.h"

enum { MOST = MMRM_VISITS_MOST, STEPS = 100, QUICK_STEPS = 25 };

#define DECREMENT 1e-10          /* g'H^-1 g that ends the iteration */
#define QUICK_DECREMENT 1e-15    /* with one subject less: the differences between such fits are small */
#define STILL_EQUAL 1e-11        /* of |m2ll|: rounding */
#define EXACT_FIT 1e-12          /* of the sum of squares of a visit */
#define FLOOR 1e-3               /* of the largest eigenvalue, in the starting Sigma */
#define SINGULAR 1e-11           /* smallest eigenvalue of a matrix with diagonal 1 */

/* Parameters of all groups, the elements of Sigma they make, and both in each other's terms. */
struct search {
    struct mmrm_model *model;
    enum mmrm_structure structure;
    size_t groups, per_group, count;
    double *parameters, *trial;
    double *theta;
    double *jacobian;            /* theta_count x count */
    double *gradient, *hessian, *expected, *factor, *step;
    double *product;             /* theta_count x count */
};

static struct search *search_new(const void *owner, const struct mmrm_fit *fit,
                                 enum mmrm_structure structure)
{
    struct search *search = memory_new(owner, struct search);
    search->model = fit->model;
    search->structure = structure;
    search->groups = fit->group_count;
    search->per_group = mmrm_structure_parameters(structure, fit->model->visits);
    search->count = search->per_group * search->groups;
    size_t n = search->count;
    size_t k = fit->model->theta_count;
    search->parameters = memory_new_array(search, double, n);
    search->trial = memory_new_array(search, double, n);
    search->theta = memory_new_array(search, double, k);
    search->jacobian = memory_new_array(search, double, k * n);
    search->product = memory_new_array(search, double, k * n);
    search->gradient = memory_new_array(search, double, n);
    search->hessian = memory_new_array(search, double, n * n);
    search->expected = memory_new_array(search, double, n * n);
    search->factor = memory_new_array(search, double, n * n);
    search->step = memory_new_array(search, double, n);
    return search;
}

/* theta of the parameters, and with `derivatives` the Jacobian. */
static void make_theta(struct search *search, const double *parameters, bool derivatives)
{
    size_t elements = search->model->sigma_count;
    size_t visits = search->model->visits;
    double *block = memory_new_array(search, double, elements * search->per_group);
    if (derivatives)
        memset(search->jacobian, 0, search->model->theta_count * search->count * sizeof(double));
    for (size_t g = 0; g < search->groups; g++) {
        mmrm_structure_sigma(search->structure, parameters + g * search->per_group, visits,
                             search->theta + g * elements, derivatives ? block : NULL);
        for (size_t k = 0; derivatives && k < search->per_group; k++) {
            size_t column = g * search->per_group + k;
            memcpy(search->jacobian + column * search->model->theta_count + g * elements,
                   block + k * elements, elements * sizeof(double));
        }
    }
    talloc_free(block);
}

/* out (count^2) = J' a J. */
static void transform(const struct search *search, const double *a, double *out)
{
    int k = (int)search->model->theta_count;
    int n = (int)search->count;
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, k, n, k, 1, a, k, search->jacobian, k, 0,
                search->product, k);
    cblas_dgemm(CblasColMajor, CblasTrans, CblasNoTrans, n, n, k, 1, search->jacobian, k, search->product, k,
                0, out, n);
}

static void add_curvature(struct search *search, const double *gradient)
{
    size_t n = search->per_group;
    double *block = memory_new_array(search, double, n * n);
    for (size_t g = 0; g < search->groups; g++) {
        memset(block, 0, n * n * sizeof *block);
        mmrm_structure_add_curvature(search->structure, search->parameters + g * n, search->model->visits,
                                     gradient + g * search->model->sigma_count, block);
        for (size_t l = 0; l < n; l++) {
            for (size_t k = 0; k < n; k++)
                search->hessian[g * n + k + (g * n + l) * search->count] += block[k + l * n];
        }
    }
    talloc_free(block);
}

/* Likelihood and derivatives at the parameters. */
static bool derive(struct search *search, struct mmrm_state *state)
{
    int k = (int)search->model->theta_count;
    make_theta(search, search->parameters, true);
    if (!mmrm_reml(search->model, search->theta, MMRM_HESSIAN, state))
        return false;
    cblas_dgemv(CblasColMajor, CblasTrans, k, (int)search->count, 1, search->jacobian, k, state->gradient, 1,
                0, search->gradient, 1);
    transform(search, state->observed, search->hessian);
    transform(search, state->expected, search->expected);
    add_curvature(search, state->gradient);
    return true;
}

/* ---- where it starts ----------------------------------------------------------------------------------- */

static void floor_eigenvalues(double *sigma, size_t m)
{
    double values[MOST], vectors[MOST * MOST];
    memcpy(vectors, sigma, m * m * sizeof *sigma);
    if (!stat_matrix_eigen(vectors, m, values) || values[0] >= FLOOR * values[m - 1])
        return;
    memset(sigma, 0, m * m * sizeof *sigma);
    for (size_t e = 0; e < m; e++) {
        double value = fmax(values[e], FLOOR * values[m - 1]);
        for (size_t j = 0; j < m; j++) {
            for (size_t i = 0; i < m; i++)
                sigma[i + j * m] += value * vectors[i + e * m] * vectors[j + e * m];
        }
    }
}

struct residuals {
    double sums[MOST * MOST];
    double n[MOST * MOST];
    double values[MOST];         /* sum of squares of the centred values */
};

/* Least squares: the model with Sigma = I. */
static bool collect_residuals(struct search *search, struct mmrm_state *state, struct residuals *groups)
{
    const struct mmrm_model *model = search->model;
    size_t m = model->visits;
    if (m == 0)
        return false;
    double r[MOST * MOST];
    double *effects = memory_new_array(search, double, model->source_count * m);
    memset(search->theta, 0, model->theta_count * sizeof(double));
    for (size_t g = 0; g < search->groups; g++) {
        for (size_t j = 0; j < m; j++)
            search->theta[mmrm_theta_index(model, g, j, j)] = 1;
    }
    if (!mmrm_reml(model, search->theta, MMRM_VALUE, state))
        return false;
    mmrm_effects_by_visit(model, state->beta, effects);
    for (size_t p = 0; p < model->pattern_count; p++) {
        const struct mmrm_cell *pattern = &model->patterns[p];
        struct residuals *group = &groups[mmrm_pattern_group(model, pattern)];
        mmrm_residual_products(model, pattern, effects, r);
        for (size_t k = 0; k < m * m; k++) {
            bool both = (pattern->mask >> k % m & 1U) != 0 && (pattern->mask >> k / m & 1U) != 0;
            group->sums[k] += both ? r[k] : 0;
            group->n[k] += both ? (double)pattern->n : 0;
        }
        for (size_t j = 0; j < m; j++)
            group->values[j] += pattern->yy[j + j * m];
    }
    talloc_free(effects);
    return true;
}

static const char *start(struct search *search, struct mmrm_state *state)
{
    size_t m = search->model->visits;
    struct residuals *groups = memory_new_array(search, struct residuals, search->groups);
    if (!collect_residuals(search, state, groups))
        return "the columns of the model cannot be told apart";
    for (size_t g = 0; g < search->groups; g++) {
        double sigma[MOST * MOST] = {0};
        for (size_t k = 0; k < m * m; k++) {
            size_t i = k % m;
            size_t j = k / m;
            if (i == j && groups[g].sums[k] <= EXACT_FIT * groups[g].values[j])
                return "the coefficients fit the values of a visit exactly: no variation is left";
            if (groups[g].n[k] == 0 && search->structure == MMRM_UNSTRUCTURED)
                return "there are two visits that no subject has both of: their covariance is not known";
            sigma[k] = groups[g].n[k] > 0 ? groups[g].sums[k] / groups[g].n[k] : 0;
        }
        floor_eigenvalues(sigma, m);
        mmrm_structure_start(search->structure, sigma, m, search->parameters + g * search->per_group);
    }
    talloc_free(groups);
    return NULL;
}

/* ---- steps -------------------------------------------------------------------------------------------- */

/* Newton's direction; Fisher scoring when the Hessian is not positive definite; Levenberg when neither is. */
static bool find_step(struct search *search)
{
    size_t n = search->count;
    size_t bytes = n * n * sizeof(double);
    memcpy(search->factor, search->hessian, bytes);
    bool found = stat_matrix_cholesky(search->factor, n);
    double damping = 0;
    for (int tries = 0; !found && tries < 16; tries++) {
        memcpy(search->factor, search->expected, bytes);
        for (size_t k = 0; k < n; k++)
            search->factor[k + k * n] += damping * (fabs(search->expected[k + k * n]) + DBL_MIN);
        found = stat_matrix_cholesky(search->factor, n);
        damping = damping == 0 ? 1e-6 : damping * 10;
    }
    if (!found)
        return false;
    memcpy(search->step, search->gradient, n * sizeof(double));
    stat_matrix_solve(search->factor, n, search->step, 1);
    return true;
}

/* Length of the step that does not raise m2ll; 0 when there is none. */
static double take_step(struct search *search, double m2ll, struct mmrm_state *state)
{
    for (int halvings = 0; halvings < 30; halvings++) {
        double length = ldexp(1, -halvings);
        for (size_t k = 0; k < search->count; k++)
            search->trial[k] = search->parameters[k] - length * search->step[k];
        make_theta(search, search->trial, false);
        if (mmrm_reml(search->model, search->theta, MMRM_VALUE, state)
            && state->m2ll <= m2ll + STILL_EQUAL * (1 + fabs(m2ll))) {
            memcpy(search->parameters, search->trial, search->count * sizeof(double));
            return length;
        }
    }
    return 0;
}

static const char *iterate(struct search *search, struct mmrm_state *state, int *iterations)
{
    if (!derive(search, state))
        return "the starting covariance matrix is singular";
    for (*iterations = 1; *iterations <= STEPS; (*iterations)++) {
        if (!find_step(search))
            return "the information about the covariances is singular";
        double decrement = cblas_ddot((int)search->count, search->step, 1, search->gradient, 1);
        double length = take_step(search, state->m2ll, state);
        if (!derive(search, state))
            return "the covariance matrix becomes singular";
        if (decrement < DECREMENT && (length == 1 || length == 0))
            return NULL;
        if (length == 0)
            return "no step towards the maximum of the likelihood can be found";
    }
    *iterations = STEPS;
    return "no convergence in 100 steps";
}

/* ---- whether it is a maximum --------------------------------------------------------------------------- */

/* Least and greatest eigenvalue of a, scaled to a diagonal of 1; false when that cannot be. */
static bool scaled_eigenvalues(const double *a, size_t n, double *least, double *greatest)
{
    if (n == 0)
        return false;
    double *scaled = memory_new_array(NULL, double, n * n);
    double *values = memory_new_array(scaled, double, n);
    bool valid = true;
    for (size_t j = 0; j < n; j++) {
        valid = valid && a[j + j * n] > 0;
        for (size_t i = 0; i < n; i++)
            scaled[i + j * n] = a[i + j * n] / sqrt(fabs(a[i + i * n] * a[j + j * n]) + DBL_MIN);
    }
    valid = valid && stat_matrix_eigen(scaled, n, values);
    *least = valid ? values[0] : 0;
    *greatest = valid ? values[n - 1] : 0;
    talloc_free(scaled);
    return valid;
}

static const char *check_sigma(struct mmrm_fit *fit, const struct search *search)
{
    size_t m = fit->used_count;
    fit->condition = 1;
    for (size_t g = 0; g < search->groups; g++) {
        double sigma[MOST * MOST] = {0};
        double least = 0, greatest = 0;
        for (size_t j = 0; j < m; j++) {
            for (size_t i = 0; i < m; i++)
                sigma[i + j * m] = search->theta[mmrm_theta_index(fit->model, g, i, j)];
        }
        if (!scaled_eigenvalues(sigma, m, &least, &greatest) || !(least > SINGULAR))
            return "the covariance matrix is singular";
        fit->condition = fmax(fit->condition, greatest / least);
    }
    return NULL;
}

/* out (theta_count^2) = 2 J a^-1 J'; false when a is not positive definite. */
static bool make_covariance(struct search *search, const double *a, double *out)
{
    int k = (int)search->model->theta_count;
    int n = (int)search->count;
    memcpy(search->factor, a, search->count * search->count * sizeof(double));
    if (!stat_matrix_cholesky(search->factor, search->count))
        return false;
    stat_matrix_invert(search->factor, search->count);
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, k, n, n, 2, search->jacobian, k, search->factor, n,
                0, search->product, k);
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasTrans, k, k, n, 1, search->product, k, search->jacobian, k,
                0, out, k);
    return true;
}

static const char *finish(struct mmrm_fit *fit, struct search *search, struct mmrm_state *state)
{
    struct mmrm_model *model = fit->model;
    double least = 0, greatest = 0;
    const char *reason = check_sigma(fit, search);
    if (reason != NULL)
        return reason;
    if (!scaled_eigenvalues(search->hessian, search->count, &least, &greatest) || least < SINGULAR)
        return "the information about the covariances is singular at the end";
    for (int kind = 0; kind < 2; kind++) {
        talloc_free(model->covariance[kind]);
        model->covariance[kind] =
            memory_new_array(model, double, memory_size_product(model->theta_count, model->theta_count));
        if (!make_covariance(search, kind == 0 ? search->hessian : search->expected, model->covariance[kind]))
            return "the information about the covariances is singular at the end";
    }
    talloc_free(model->parameters);
    talloc_free(model->curvature);
    model->parameters = memory_new_array(model, double, search->count);
    model->curvature = memory_new_array(model, double, search->count * search->count);
    memcpy(model->parameters, search->parameters, search->count * sizeof(double));
    memcpy(model->curvature, search->hessian, search->count * search->count * sizeof(double));
    if (!stat_matrix_cholesky(model->curvature, search->count))
        return "the information about the covariances is singular at the end";
    memcpy(model->theta, search->theta, model->theta_count * sizeof(double));
    model->state = talloc_steal(model, state);
    fit->parameters = search->count;
    fit->m2ll = state->m2ll;
    fit->aic = state->m2ll + 2 * (double)search->count;
    fit->gradient_max = 0;
    for (size_t k = 0; k < search->count; k++)
        fit->gradient_max = fmax(fit->gradient_max, fabs(search->gradient[k]));
    return NULL;
}

const char *mmrm_newton(struct mmrm_fit *fit, enum mmrm_structure structure, struct mmrm_attempt *attempt)
{
    struct search *search = search_new(fit, fit, structure);
    struct mmrm_state *state = mmrm_state_new(search, fit->model);
    attempt->structure = structure;
    attempt->reason = start(search, state);
    if (attempt->reason == NULL)
        attempt->reason = iterate(search, state, &attempt->iterations);
    if (attempt->reason == NULL)
        attempt->reason = finish(fit, search, state);
    talloc_free(search);
    return attempt->reason;
}

/* ---- the same fit with a few subjects less ------------------------------------------------------------- */

/* Steps with the Hessian of the whole fit; false when they do not get shorter fast enough. */
static bool follow(const struct mmrm_fit *fit, struct search *search, struct mmrm_state *state)
{
    int k = (int)search->model->theta_count;
    size_t n = search->count;
    for (int i = 0; i < QUICK_STEPS; i++) {
        make_theta(search, search->parameters, true);
        if (!mmrm_reml(search->model, search->theta, MMRM_GRADIENT, state))
            return false;
        cblas_dgemv(CblasColMajor, CblasTrans, k, (int)n, 1, search->jacobian, k, state->gradient, 1, 0,
                    search->gradient, 1);
        memcpy(search->step, search->gradient, n * sizeof(double));
        stat_matrix_solve(fit->model->curvature, n, search->step, 1);
        double decrement = cblas_ddot((int)n, search->step, 1, search->gradient, 1);
        for (size_t p = 0; p < n; p++)
            search->parameters[p] -= search->step[p];
        if (decrement >= QUICK_DECREMENT)
            continue;
        make_theta(search, search->parameters, false);
        return mmrm_reml(search->model, search->theta, MMRM_VALUE, state);
    }
    return false;
}

const char *mmrm_refit(const struct mmrm_fit *fit, struct mmrm_model *replicate, double *theta,
                       struct mmrm_state *state)
{
    int iterations = 0;
    const char *reason = NULL;
    struct search *search = search_new(state, fit, fit->structure);
    search->model = replicate;
    memcpy(search->parameters, fit->model->parameters, search->count * sizeof(double));
    if (!follow(fit, search, state)) {
        memcpy(search->parameters, fit->model->parameters, search->count * sizeof(double));
        reason = iterate(search, state, &iterations);
    }
    memcpy(theta, search->theta, replicate->theta_count * sizeof(double));
    talloc_free(search);
    return reason;
}
