/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>

#include "forms/base/memory.h"
#include "reports/stat_mmrm_model.h"

const char *stat_mmrm_structure_name(enum mmrm_structure structure)
{
    static const char *const names[MMRM_STRUCTURES] = {
        "unstructured",
        "heterogeneous Toeplitz",
        "heterogeneous AR(1)",
        "compound symmetry",
    };
    return names[structure];
}

static struct mmrm_fit *fit_new(const void *owner, const struct mmrm_input *input)
{
    struct mmrm_fit *fit = memory_new(owner, struct mmrm_fit);
    fit->visit_count = input->visit_count;
    fit->cohort_count = input->cohort_count;
    fit->group_count = input->sigma_by_cohort ? input->cohort_count : 1;
    fit->used = memory_new_array(fit, size_t, input->visit_count);
    fit->visit_notes = memory_new_array(fit, const char *, input->visit_count);
    fit->cell_n = memory_new_array(fit, size_t, memory_size_product(input->cohort_count, input->visit_count));
    fit->model = memory_new(fit, struct mmrm_model);
    return fit;
}

static void try_structures(struct mmrm_fit *fit, enum mmrm_structure first)
{
    const char *reason = NULL;
    for (int s = (int)first; s < MMRM_STRUCTURES; s++) {
        struct mmrm_attempt *attempt = &fit->attempts[fit->attempt_count++];
        reason = mmrm_newton(fit, (enum mmrm_structure)s, attempt);
        if (reason == NULL) {
            fit->structure = (enum mmrm_structure)s;
            fit->iterations = attempt->iterations;
            fit->sandwich = s == MMRM_COMPOUND_SYMMETRY && first != MMRM_COMPOUND_SYMMETRY;
            return;
        }
    }
    fit->reason = reason;
}

static void copy_sigma(struct mmrm_fit *fit)
{
    const struct mmrm_model *model = fit->model;
    size_t m = fit->used_count;
    size_t count = memory_size_product(fit->group_count, m * m);
    fit->sigma = memory_new_array(fit, double, count);
    fit->sigma_se = memory_new_array(fit, double, count);
    for (size_t k = 0; k < count; k++) {
        size_t at = mmrm_theta_index(model, k / (m * m), k / m % m, k % m);
        fit->sigma[k] = model->theta[at];
        fit->sigma_se[k] = sqrt(model->covariance[0][at + at * model->theta_count]);
    }
}

static const char *find_empty_group(const struct mmrm_fit *fit)
{
    for (size_t c = 0; fit->group_count > 1 && c < fit->cohort_count; c++) {
        for (size_t j = 0; j < fit->used_count; j++) {
            if (fit->cell_n[c * fit->visit_count + fit->used[j]] == 0)
                return "a cohort has no value at a visit: there is no covariance matrix of its own";
        }
    }
    return NULL;
}

struct mmrm_fit *stat_mmrm_fit(const void *owner, const struct mmrm_input *input)
{
    struct mmrm_fit *fit = fit_new(owner, input);
    struct mmrm_model *model = fit->model;
    if (!mmrm_model_read(fit, input))
        return fit;
    mmrm_model_make_columns(fit);
    fit->reason = find_empty_group(fit);
    if (fit->reason == NULL && fit->records <= fit->coefficients)
        fit->reason = memory_format(fit, "%zu values for %zu coefficients", fit->records, fit->coefficients);
    if (fit->reason != NULL)
        return fit;
    model->sigma_count = model->visits * (model->visits + 1) / 2;
    model->theta_count = model->sigma_count * fit->group_count;
    model->theta = memory_new_array(model, double, model->theta_count);
    try_structures(fit, input->structure);
    if (fit->reason != NULL)
        return fit;
    copy_sigma(fit);
    if (fit->sandwich)
        mmrm_make_sandwich(model);
    else
        mmrm_adjust_covariance(model);
    return fit;
}
