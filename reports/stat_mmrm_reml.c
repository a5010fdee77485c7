/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/stat_matrix.h"
#include "reports/stat_mmrm_model.h"

enum { MOST = MMRM_VISITS_MOST, WIDE = MOST + 1 };

#define LOG_TWO_PI 1.83787706640934548356

struct mmrm_state *mmrm_state_new(const void *owner, const struct mmrm_model *model)
{
    size_t q = model->rank;
    size_t count = model->theta_count;
    struct mmrm_state *state = memory_new(owner, struct mmrm_state);
    state->beta = memory_new_array(state, double, q);
    state->factor = memory_new_array(state, double, q * q);
    state->phi = memory_new_array(state, double, q * q);
    state->gradient = memory_new_array(state, double, count);
    state->observed = memory_new_array(state, double, count * count);
    state->expected = memory_new_array(state, double, count * count);
    return state;
}

size_t mmrm_pattern_group(const struct mmrm_model *model, const struct mmrm_cell *pattern)
{
    return model->input->sigma_by_cohort ? pattern->cohort : 0;
}

size_t mmrm_theta_index(const struct mmrm_model *model, size_t group, size_t i, size_t j)
{
    size_t row = i > j ? i : j;
    size_t column = i > j ? j : i;
    return group * model->sigma_count + row * (row + 1) / 2 + column;
}

bool mmrm_pattern_inverse(const struct mmrm_model *model, const double *theta,
                          const struct mmrm_cell *pattern, double *w, double *log_determinant)
{
    size_t m = model->visits;
    size_t group = mmrm_pattern_group(model, pattern);
    size_t visit[MOST];
    double part[MOST * MOST];
    size_t n = 0;
    for (size_t j = 0; j < m; j++) {
        if ((pattern->mask >> j & 1U) != 0)
            visit[n++] = j;
    }
    for (size_t j = 0; j < n; j++) {
        for (size_t i = 0; i < n; i++)
            part[i + j * n] = theta[mmrm_theta_index(model, group, visit[i], visit[j])];
    }
    if (!stat_matrix_cholesky(part, n))
        return false;
    *log_determinant = stat_matrix_log_determinant(part, n);
    stat_matrix_invert(part, n);
    memset(w, 0, m * m * sizeof *w);
    for (size_t j = 0; j < n; j++) {
        for (size_t i = 0; i < n; i++)
            w[visit[i] + visit[j] * m] = part[i + j * n];
    }
    return true;
}

/* A kernel with the sums of its rows and columns behind, for coefficients of all visits. */
static void widen(const double *kernel, size_t m, double wide[WIDE * WIDE])
{
    size_t n = m + 1;
    memset(wide, 0, n * n * sizeof *wide);
    for (size_t k = 0; k < m; k++) {
        for (size_t j = 0; j < m; j++) {
            double value = kernel[j + k * m];
            wide[j + k * n] = value;
            wide[m + k * n] += value;
            wide[j + m * n] += value;
            wide[m + m * n] += value;
        }
    }
}

void mmrm_add_cross_products(const struct mmrm_model *model, const struct mmrm_cell *pattern,
                             const double *kernel, double *c)
{
    size_t q = model->rank;
    const unsigned *source = model->kept_source;
    const unsigned *visit = model->kept_visit;
    double wide[WIDE * WIDE];
    widen(kernel, model->visits, wide);
    for (size_t b = 0; b < q; b++) {
        const double *weights = wide + visit[b] * (model->visits + 1);
        const double *zz = pattern->zz + source[b] * model->source_count;
        for (size_t a = b; a < q; a++)
            c[a + b * q] += weights[visit[a]] * zz[source[a]];
    }
}

/* out[rank] += sum_jk kernel[j,k] X_j' u_k, where zu (sources x m) holds the sums of z u_k. */
static void add_right_side(const struct mmrm_model *model, const double *zu, const double *kernel,
                           double *out)
{
    double wide[WIDE * WIDE];
    widen(kernel, model->visits, wide);
    for (size_t a = 0; a < model->rank; a++) {
        const double *weights = wide + model->kept_visit[a];
        const double *sums = zu + model->kept_source[a];
        for (size_t k = 0; k < model->visits; k++)
            out[a] += weights[k * (model->visits + 1)] * sums[k * model->source_count];
    }
}

/* t (m x m) with tr(Phi C(kernel)) = sum_jk kernel[j,k] t[j,k] for every kernel. */
static void make_trace_kernel(const struct mmrm_model *model, const struct mmrm_cell *pattern,
                              const double *phi, double *t)
{
    size_t m = model->visits;
    size_t n = m + 1;
    size_t q = model->rank;
    double wide[WIDE * WIDE] = {0};
    /* Each pair once, the diagonal by half; the other half is the transpose. */
    for (size_t b = 0; b < q; b++) {
        const double *zz = pattern->zz + model->kept_source[b] * model->source_count;
        double *sums = wide + model->kept_visit[b] * n;
        sums[model->kept_visit[b]] += phi[b + b * q] * zz[model->kept_source[b]] / 2;
        for (size_t a = b + 1; a < q; a++)
            sums[model->kept_visit[a]] += phi[a + b * q] * zz[model->kept_source[a]];
    }
    for (size_t k = 0; k < m; k++) {
        for (size_t j = 0; j < m; j++)
            t[j + k * m] = wide[j + k * n] + wide[k + j * n] + wide[m + k * n] + wide[k + m * n]
                         + wide[j + m * n] + wide[m + j * n] + 2 * wide[m + m * n];
    }
}

void mmrm_effects_by_visit(const struct mmrm_model *model, const double *beta, double *effects)
{
    size_t q0 = model->source_count;
    memset(effects, 0, q0 * model->visits * sizeof *effects);
    for (size_t a = 0; a < model->rank; a++) {
        const struct mmrm_coefficient *at = &model->coefficients[model->kept_index[a]];
        for (size_t j = 0; j < model->visits; j++) {
            if (at->visit == j || at->visit == model->visits)
                effects[at->source + j * q0] += beta[a];
        }
    }
}

/* Sums of z r_k: zy - zz e. */
static void make_residual_sums(const struct mmrm_model *model, const struct mmrm_cell *pattern,
                               const double *effects, double *zr)
{
    int q0 = (int)model->source_count;
    int m = (int)model->visits;
    memcpy(zr, pattern->zy, (size_t)q0 * (size_t)m * sizeof *zr);
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, q0, m, q0, -1, pattern->zz, q0, effects, q0, 1, zr,
                q0);
}

/* r = yy - e'zy - (zr)'e, so that what was taken from zy once is not taken again. */
static void make_products(const struct mmrm_model *model, const struct mmrm_cell *pattern,
                          const double *effects, const double *zr, double *r)
{
    size_t m = model->visits;
    size_t q0 = model->source_count;
    for (size_t k = 0; k < m; k++) {
        for (size_t j = 0; j <= k; j++) {
            double sum = pattern->yy[j + k * m];
            for (size_t s = 0; s < q0; s++)
                sum -= effects[s + j * q0] * pattern->zy[s + k * q0] + zr[s + j * q0] * effects[s + k * q0];
            r[j + k * m] = r[k + j * m] = sum;
        }
    }
}

void mmrm_residual_products(const struct mmrm_model *model, const struct mmrm_cell *pattern,
                            const double *effects, double *r)
{
    double *zr = memory_new_array(model, double, model->source_count * model->visits);
    make_residual_sums(model, pattern, effects, zr);
    make_products(model, pattern, effects, zr, r);
    talloc_free(zr);
}

static void multiply(size_t m, const double *a, const double *b, double *out)
{
    for (size_t j = 0; j < m; j++) {
        for (size_t i = 0; i < m; i++) {
            double sum = 0;
            for (size_t k = 0; k < m; k++)
                sum += a[i + k * m] * b[k + j * m];
            out[i + j * m] = sum;
        }
    }
}

/* w a w */
static void sandwich(size_t m, const double *w, const double *a, double *out)
{
    double half[MOST * MOST] = {0};
    multiply(m, w, a, half);
    multiply(m, half, w, out);
}

struct element {
    size_t i, j, theta;
};

/* Elements of Sigma that a pattern knows. */
static size_t list_elements(const struct mmrm_model *model, const struct mmrm_cell *pattern,
                            struct element *elements)
{
    size_t count = 0;
    for (size_t i = 0; i < model->visits; i++) {
        for (size_t j = 0; j <= i; j++) {
            if ((pattern->mask >> i & 1U) != 0 && (pattern->mask >> j & 1U) != 0)
                elements[count++] = (struct element){
                    i, j, mmrm_theta_index(model, mmrm_pattern_group(model, pattern), i, j)};
        }
    }
    return count;
}

enum { ELEMENTS = MOST * (MOST + 1) / 2 };

/* tr(D_h x D_l y), x and y symmetric. */
static double trace_of(size_t m, const struct element *h, const struct element *l, const double *x,
                       const double *y)
{
    double sum = x[h->j + l->i * m] * y[l->j + h->i * m];
    if (h->i != h->j)
        sum += x[h->i + l->i * m] * y[l->j + h->j * m];
    if (l->i != l->j)
        sum += x[h->j + l->j * m] * y[l->i + h->i * m];
    if (h->i != h->j && l->i != l->j)
        sum += x[h->i + l->j * m] * y[l->i + h->j * m];
    return sum;
}

struct workspace {
    double *inverses;            /* of each pattern, m x m */
    double *effects, *zr;
    double *s;                   /* rank x theta_count */
};

/* P_h (with its sign) and s_h of one pattern. */
static void add_design_parts(const struct mmrm_model *model, const struct mmrm_cell *pattern, const double *w,
                             struct workspace *work, struct mmrm_state *state)
{
    size_t m = model->visits;
    size_t q = model->rank;
    struct element elements[ELEMENTS] = {{0}};
    size_t count = list_elements(model, pattern, elements);
    for (size_t h = 0; h < count; h++) {
        const struct element *at = &elements[h];
        double kernel[MOST * MOST] = {0};    /* W D_h W */
        for (size_t k = 0; k < m; k++) {
            for (size_t j = 0; j < m; j++) {
                kernel[j + k * m] = w[j + at->i * m] * w[at->j + k * m];
                if (at->i != at->j)
                    kernel[j + k * m] += w[j + at->j * m] * w[at->i + k * m];
            }
        }
        add_right_side(model, work->zr, kernel, work->s + at->theta * q);
        for (size_t k = 0; k < m * m; k++)
            kernel[k] = -kernel[k];
        mmrm_add_cross_products(model, pattern, kernel, state->p + at->theta * q * q);
    }
}

static void add_pattern_derivatives(const struct mmrm_model *model, const struct mmrm_cell *pattern,
                                    const double *w, struct workspace *work, struct mmrm_state *state)
{
    size_t m = model->visits;
    size_t count = model->theta_count;
    double n = (double)pattern->n;
    double r[MOST * MOST] = {0}, t[MOST * MOST] = {0};
    double ur[MOST * MOST] = {0}, ut[MOST * MOST] = {0};
    struct element elements[ELEMENTS] = {{0}};
    make_residual_sums(model, pattern, work->effects, work->zr);
    make_products(model, pattern, work->effects, work->zr, r);
    make_trace_kernel(model, pattern, state->phi, t);
    sandwich(m, w, r, ur);
    sandwich(m, w, t, ut);
    size_t active = list_elements(model, pattern, elements);
    for (size_t h = 0; h < active; h++) {
        size_t at = elements[h].i + elements[h].j * m;
        double twice = elements[h].i == elements[h].j ? 1 : 2;
        state->gradient[elements[h].theta] += twice * (n * w[at] - ut[at] - ur[at]);
    }
    if (work->s == NULL)
        return;
    for (size_t h = 0; h < active; h++) {
        for (size_t l = 0; l <= h; l++) {
            double plain = n * trace_of(m, &elements[h], &elements[l], w, w);
            double design = 2 * trace_of(m, &elements[h], &elements[l], w, ut);
            size_t at = elements[h].theta + elements[l].theta * count;
            state->observed[at] += -plain + design + 2 * trace_of(m, &elements[h], &elements[l], w, ur);
            state->expected[at] += plain - design;
        }
    }
    add_design_parts(model, pattern, w, work, state);
}

static void transpose(double *a, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        for (size_t i = j + 1; i < n; i++) {
            double kept = a[i + j * n];
            a[i + j * n] = a[j + i * n];
            a[j + i * n] = kept;
        }
    }
}

/* P_h becomes L^-1 P_h L^-T, and tr(Phi P_h Phi P_l) is the sum of products of two of them. */
static void finish_hessian(const struct mmrm_model *model, struct workspace *work, struct mmrm_state *state)
{
    size_t q = model->rank;
    size_t count = model->theta_count;
    for (size_t h = 0; h < count; h++) {
        double *p = state->p + h * q * q;
        for (size_t j = 0; j < q; j++) {
            for (size_t i = j + 1; i < q; i++)
                p[j + i * q] = p[i + j * q];
        }
        stat_matrix_solve_lower(state->factor, q, p, q);
        transpose(p, q);
        stat_matrix_solve_lower(state->factor, q, p, q);
    }
    stat_matrix_solve_lower(state->factor, q, work->s, count);
    int size = (int)(q * q);
    cblas_dsyrk(CblasColMajor, CblasLower, CblasTrans, (int)count, size, 1, state->p, size, 1,
                state->expected, (int)count);
    cblas_dsyrk(CblasColMajor, CblasLower, CblasTrans, (int)count, size, -1, state->p, size, 1,
                state->observed, (int)count);
    cblas_dsyrk(CblasColMajor, CblasLower, CblasTrans, (int)count, (int)q, -2, work->s, (int)q, 1,
                state->observed, (int)count);
    for (size_t l = 0; l < count; l++) {
        for (size_t h = l + 1; h < count; h++) {
            state->observed[l + h * count] = state->observed[h + l * count];
            state->expected[l + h * count] = state->expected[h + l * count];
        }
    }
}

/* Sums over patterns at W: A, X'V^-1 y, y'V^-1 y, log determinants. */
static bool add_values(const struct mmrm_model *model, const double *theta, struct workspace *work,
                       struct mmrm_state *state, double *squares)
{
    size_t m = model->visits;
    *squares = 0;
    for (size_t p = 0; p < model->pattern_count; p++) {
        const struct mmrm_cell *pattern = &model->patterns[p];
        double *w = work->inverses + p * m * m;
        double log_determinant = 0;
        if (pattern->n == 0)
            continue;
        if (!mmrm_pattern_inverse(model, theta, pattern, w, &log_determinant))
            return false;
        state->m2ll += (double)pattern->n * log_determinant;
        mmrm_add_cross_products(model, pattern, w, state->factor);
        add_right_side(model, pattern->zy, w, state->beta);
        for (size_t k = 0; k < m * m; k++)
            *squares += w[k] * pattern->yy[k];
    }
    return true;
}

static void clear(const struct mmrm_model *model, enum mmrm_depth depth, struct mmrm_state *state)
{
    size_t q = model->rank;
    size_t count = model->theta_count;
    state->m2ll = 0;
    memset(state->beta, 0, q * sizeof(double));
    memset(state->factor, 0, q * q * sizeof(double));
    memset(state->gradient, 0, count * sizeof(double));
    if (depth < MMRM_HESSIAN)
        return;
    memset(state->observed, 0, count * count * sizeof(double));
    memset(state->expected, 0, count * count * sizeof(double));
    if (state->p == NULL)
        state->p = memory_new_array(state, double, memory_size_product(count, q * q));
    else
        memset(state->p, 0, count * q * q * sizeof(double));
}

static bool evaluate(const struct mmrm_model *model, const double *theta, enum mmrm_depth depth,
                     struct workspace *work, struct mmrm_state *state)
{
    size_t q = model->rank;
    size_t m = model->visits;
    double squares = 0;
    clear(model, depth, state);
    if (!add_values(model, theta, work, state, &squares) || !stat_matrix_cholesky(state->factor, q))
        return false;
    stat_matrix_solve_lower(state->factor, q, state->beta, 1);
    for (size_t k = 0; k < q; k++)
        squares -= state->beta[k] * state->beta[k];
    cblas_dtrsv(CblasColMajor, CblasLower, CblasTrans, CblasNonUnit, (int)q, state->factor, (int)q,
                state->beta, 1);
    state->m2ll += stat_matrix_log_determinant(state->factor, q) - model->log_scale + squares
                 + ((double)model->records - (double)q) * LOG_TWO_PI;
    if (depth == MMRM_VALUE)
        return isfinite(state->m2ll);
    memcpy(state->phi, state->factor, q * q * sizeof(double));
    stat_matrix_invert(state->phi, q);
    mmrm_effects_by_visit(model, state->beta, work->effects);
    for (size_t p = 0; p < model->pattern_count; p++) {
        if (model->patterns[p].n > 0)
            add_pattern_derivatives(model, &model->patterns[p], work->inverses + p * m * m, work, state);
    }
    if (depth == MMRM_HESSIAN)
        finish_hessian(model, work, state);
    return isfinite(state->m2ll);
}

bool mmrm_reml(const struct mmrm_model *model, const double *theta, enum mmrm_depth depth,
               struct mmrm_state *state)
{
    size_t m = model->visits;
    size_t q0 = model->source_count;
    struct workspace *work = memory_new(state, struct workspace);
    work->inverses = memory_new_array(work, double, memory_size_product(model->pattern_count, m * m));
    work->effects = memory_new_array(work, double, q0 * m);
    work->zr = memory_new_array(work, double, q0 * m);
    if (depth == MMRM_HESSIAN)
        work->s = memory_new_array(work, double, model->rank * model->theta_count);
    bool valid = evaluate(model, theta, depth, work, state);
    talloc_free(work);
    return valid;
}
