/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Structured covariance matrices: sigma_ij = s_i s_j c(|i - j|), c(0) = 1.
 * Parameters: s_1 .. s_m, then c(1) .. c(m - 1) (Toeplitz) or rho with c(d) = rho^d (AR(1)).
 * Compound symmetry: variance, covariance.  Unstructured: the elements themselves.
 */
#include <math.h>
#include <string.h>

#include "reports/stat_matrix.h"
#include "reports/stat_mmrm_model.h"

size_t mmrm_structure_parameters(enum mmrm_structure structure, size_t visits)
{
    switch (structure) {
    case MMRM_TOEPLITZ_H:
        return 2 * visits - 1;
    case MMRM_AR1_H:
        return visits + (visits > 1);
    case MMRM_COMPOUND_SYMMETRY:
        return visits > 1 ? 2 : 1;
    case MMRM_UNSTRUCTURED:
    case MMRM_STRUCTURES:
    default:
        return visits * (visits + 1) / 2;
    }
}

/* Correlation at a distance of 1 or more, its parameter, and its derivatives by that parameter. */
struct correlation {
    size_t parameter;
    double value, slope, bend;
};

static struct correlation correlation_at(enum mmrm_structure structure, const double *parameters,
                                         size_t visits, size_t distance)
{
    double d = (double)distance;
    if (structure == MMRM_TOEPLITZ_H)
        return (struct correlation){visits + distance - 1, parameters[visits + distance - 1], 1, 0};
    double rho = parameters[visits];
    return (struct correlation){visits, pow(rho, d), d * pow(rho, d - 1),
                                distance > 1 ? d * (d - 1) * pow(rho, d - 2) : 0};
}

static void fill_unstructured(const double *parameters, size_t elements, double *sigma, double *jacobian)
{
    memcpy(sigma, parameters, elements * sizeof *sigma);
    for (size_t e = 0; jacobian != NULL && e < elements; e++)
        jacobian[e + e * elements] = 1;
}

static void fill_compound_symmetry(const double *parameters, size_t visits, double *sigma, double *jacobian)
{
    size_t elements = visits * (visits + 1) / 2;
    size_t e = 0;
    for (size_t i = 0; i < visits; i++) {
        for (size_t j = 0; j <= i; j++, e++) {
            sigma[e] = parameters[i == j ? 0 : 1];
            if (jacobian != NULL)
                jacobian[e + (i == j ? 0 : elements)] = 1;
        }
    }
}

void mmrm_structure_sigma(enum mmrm_structure structure, const double *parameters, size_t visits,
                          double *elements, double *jacobian)
{
    size_t count = visits * (visits + 1) / 2;
    size_t e = 0;
    if (jacobian != NULL)
        memset(jacobian, 0, count * mmrm_structure_parameters(structure, visits) * sizeof *jacobian);
    if (structure == MMRM_UNSTRUCTURED) {
        fill_unstructured(parameters, count, elements, jacobian);
        return;
    }
    if (structure == MMRM_COMPOUND_SYMMETRY) {
        fill_compound_symmetry(parameters, visits, elements, jacobian);
        return;
    }
    for (size_t i = 0; i < visits; i++) {
        for (size_t j = 0; j < i; j++, e++) {
            struct correlation c = correlation_at(structure, parameters, visits, i - j);
            elements[e] = parameters[i] * parameters[j] * c.value;
            if (jacobian == NULL)
                continue;
            jacobian[e + i * count] = parameters[j] * c.value;
            jacobian[e + j * count] = parameters[i] * c.value;
            jacobian[e + c.parameter * count] = parameters[i] * parameters[j] * c.slope;
        }
        elements[e] = parameters[i] * parameters[i];
        if (jacobian != NULL)
            jacobian[e + i * count] = 2 * parameters[i];
        e++;
    }
}

static void add_pair(double *h, size_t n, size_t a, size_t b, double value)
{
    h[a + b * n] += value;
    if (a != b)
        h[b + a * n] += value;
}

void mmrm_structure_add_curvature(enum mmrm_structure structure, const double *parameters, size_t visits,
                                  const double *weights, double *h)
{
    size_t n = mmrm_structure_parameters(structure, visits);
    size_t e = 0;
    if (structure == MMRM_UNSTRUCTURED || structure == MMRM_COMPOUND_SYMMETRY)
        return;
    for (size_t i = 0; i < visits; i++) {
        for (size_t j = 0; j < i; j++, e++) {
            struct correlation c = correlation_at(structure, parameters, visits, i - j);
            add_pair(h, n, i, j, weights[e] * c.value);
            add_pair(h, n, i, c.parameter, weights[e] * parameters[j] * c.slope);
            add_pair(h, n, j, c.parameter, weights[e] * parameters[i] * c.slope);
            add_pair(h, n, c.parameter, c.parameter, weights[e] * parameters[i] * parameters[j] * c.bend);
        }
        add_pair(h, n, i, i, 2 * weights[e++]);
    }
}

static double mean_correlation(const double *sigma, size_t visits, size_t distance)
{
    double sum = 0;
    for (size_t i = distance; i < visits; i++) {
        size_t j = i - distance;
        sum += sigma[i + j * visits] / sqrt(sigma[i + i * visits] * sigma[j + j * visits]);
    }
    return sum / (double)(visits - distance);
}

static bool is_positive_definite(const double *elements, size_t visits)
{
    double a[MMRM_VISITS_MOST * MMRM_VISITS_MOST];
    size_t e = 0;
    for (size_t i = 0; i < visits; i++) {
        for (size_t j = 0; j <= i; j++)
            a[i + j * visits] = elements[e++];
    }
    for (size_t j = 1; j < visits; j++) {
        for (size_t i = 0; i < j; i++)
            a[i + j * visits] = 0;
    }
    return stat_matrix_cholesky(a, visits);
}

static void start_unstructured(const double *sigma, size_t visits, double *parameters)
{
    size_t e = 0;
    for (size_t i = 0; i < visits; i++) {
        for (size_t j = 0; j <= i; j++)
            parameters[e++] = sigma[i + j * visits];
    }
}

static void start_compound_symmetry(const double *sigma, size_t visits, double *parameters)
{
    double variance = 0, covariance = 0;
    for (size_t i = 0; i < visits; i++) {
        variance += sigma[i + i * visits];
        for (size_t j = 0; j < i; j++)
            covariance += sigma[i + j * visits];
    }
    parameters[0] = variance / (double)visits;
    if (visits > 1)
        parameters[1] = 2 * covariance / (double)(visits * (visits - 1));
}

void mmrm_structure_start(enum mmrm_structure structure, const double *sigma, size_t visits,
                          double *parameters)
{
    size_t count = mmrm_structure_parameters(structure, visits);
    size_t first = structure == MMRM_COMPOUND_SYMMETRY ? 1 : visits;
    double elements[MMRM_VISITS_MOST * (MMRM_VISITS_MOST + 1) / 2];
    if (structure == MMRM_UNSTRUCTURED) {
        start_unstructured(sigma, visits, parameters);
        return;
    }
    if (structure == MMRM_COMPOUND_SYMMETRY) {
        start_compound_symmetry(sigma, visits, parameters);
    } else {
        for (size_t i = 0; i < visits; i++)
            parameters[i] = sqrt(sigma[i + i * visits]);
        for (size_t k = visits; k < count; k++)
            parameters[k] = mean_correlation(sigma, visits, k - visits + 1);
    }
    /* Towards independence until it is a covariance matrix: with correlations of 0 it is one. */
    for (int tries = 0; tries < 60; tries++) {
        mmrm_structure_sigma(structure, parameters, visits, elements, NULL);
        if (is_positive_definite(elements, visits))
            return;
        for (size_t k = first; k < count; k++)
            parameters[k] *= 0.8;
    }
}
