/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_survival_test.h"

#include <math.h>
#include <stdbool.h>

#include "forms/base/memory.h"
#include "reports/stat_distribution.h"
#include "reports/stat_matrix.h"

struct survival_chi_square stat_survival_chi_square(const double *scores, const double *variance,
                                                    size_t count)
{
    struct survival_chi_square test = {(double)NAN, (double)NAN, 0};
    void *owner = memory_owner(NULL, "chi-square");
    bool *kept = memory_new_array(owner, bool, count);
    double *factor = memory_new_array(owner, double, memory_size_product(count, count));
    double *taken = memory_new_array(owner, double, count);
    size_t rank = stat_matrix_independent(variance, count, NULL, kept);
    stat_matrix_take(variance, count, kept, factor);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept[i])
            taken[at++] = scores[i];
    }
    if (rank > 0 && stat_matrix_cholesky(factor, rank)) {
        stat_matrix_solve_lower(factor, rank, taken, 1);
        test.value = 0;
        for (size_t i = 0; i < rank; i++)
            test.value += taken[i] * taken[i];
        test.df = rank;
        test.p = stat_chi_square_upper(test.value, (double)rank);
    }
    talloc_free(owner);
    return test;
}
