/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_multiplicity.h"

#include <math.h>
#include <stdlib.h>

#include "forms/base/memory.h"

struct placed {
    double p;
    size_t place;
};

static int compare_placed(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    if (x->p != y->p)
        return x->p < y->p ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

void stat_adjust_holm(const void *owner, const double *p, size_t count, double *adjusted)
{
    struct placed *tested = memory_new_array(owner, struct placed, count);
    size_t tests = 0;
    for (size_t i = 0; i < count; i++) {
        adjusted[i] = p[i];
        if (!isnan(p[i]))
            tested[tests++] = (struct placed){p[i], i};
    }
    qsort(tested, tests, sizeof tested[0], compare_placed);
    double least = 0;
    for (size_t i = 0; i < tests; i++) {
        least = fmin(1, fmax(least, tested[i].p * (double)(tests - i)));
        adjusted[tested[i].place] = least;
    }
    talloc_free(tested);
}

void stat_adjust_fixed_sequence(const double *p, size_t count, double *adjusted)
{
    double least = 0;
    for (size_t i = 0; i < count; i++) {
        least = isnan(least) || isnan(p[i]) ? (double)NAN : fmax(least, p[i]);
        adjusted[i] = least;
    }
}
