/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_rank.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "forms/base/memory.h"
#include "reports/stat_descriptive.h"
#include "reports/stat_distribution.h"

static const char *empty_reason(const struct sample *a, const struct sample *b)
{
    if (a->count == 0)
        return b->count == 0 ? "no value in either group" : "no value in the first group";
    return b->count == 0 ? "no value in the second group" : NULL;
}

/* ---- rank sum ---- */

/* How many values from `at` on are equal to `value`. */
static size_t run_of(const struct sample *sample, size_t at, double value)
{
    size_t end = at;
    while (end < sample->count && sample->values[end] == value)
        end++;
    return end - at;
}

/*
 * Goes up through the values of both; returns w, and in *ties the sum of t^3 - t over runs of equal values.
 */
static double count_wins(const struct sample *a, const struct sample *b, double *ties)
{
    double w = 0;
    *ties = 0;
    for (size_t i = 0, j = 0; i < a->count || j < b->count;) {
        bool from_a = j == b->count || (i < a->count && a->values[i] <= b->values[j]);
        double value = from_a ? a->values[i] : b->values[j];
        size_t run_a = run_of(a, i, value), run_b = run_of(b, j, value);
        w += (double)run_a * ((double)j + (double)run_b / 2);
        double t = (double)(run_a + run_b);
        *ties += t * (t - 1) * (t + 1);
        i += run_a;
        j += run_b;
    }
    return w;
}

static struct hypothesis_test z_test(double distance, double sigma)
{
    double z = distance / sigma;
    return (struct hypothesis_test){z, (double)NAN, stat_normal_two_sided(z), NULL};
}

struct rank_sum stat_rank_sum(const struct sample *a, const struct sample *b)
{
    const double none = (double)NAN;
    const char *reason = empty_reason(a, b);
    struct rank_sum result = {none, none, {none, none, none, reason}, {none, none, none, reason}};
    if (reason != NULL)
        return result;
    double n_a = (double)a->count, n_b = (double)b->count, n = n_a + n_b;
    double ties = 0;
    result.w = count_wins(a, b, &ties);
    result.auc = result.w / (n_a * n_b);
    double spread = n + 1 - ties / n / (n - 1);
    if (ties >= n * (n - 1) * (n + 1)) {
        result.plain.reason = result.corrected.reason = "all values are equal";
        return result;
    }
    double sigma = sqrt(n_a * n_b / 12 * spread);
    double distance = result.w - n_a * n_b / 2;
    result.plain = z_test(distance, sigma);
    double correction = distance == 0 ? 0 : copysign(0.5, distance);
    result.corrected = z_test(distance - correction, sigma);
    return result;
}

/* ---- shift ---- */

/* Distinct values of a sample, how often each occurs, and how many values lie before it. */
struct distinct {
    double *values;
    size_t *before;              /* count + 1: the last is the number of values */
    size_t count;
};

static struct distinct distinct_of(const void *owner, const struct sample *sample)
{
    struct distinct d = {memory_new_array(owner, double, sample->count),
                         memory_new_array(owner, size_t, sample->count + 1), 0};
    for (size_t i = 0; i < sample->count; i++) {
        if (d.count == 0 || sample->values[i] != d.values[d.count - 1]) {
            d.values[d.count] = sample->values[i];
            d.before[d.count++] = i;
        }
    }
    d.before[d.count] = sample->count;
    return d;
}

struct differences {
    struct distinct a, b;
};

/*
 * How many differences are at most x; *distinct: of distinct values.  Subtraction in doubles is monotone in
 * both values, so that one pass over each is enough.
 */
static double count_up_to(const struct differences *all, double x, double *distinct)
{
    double count = 0;
    *distinct = 0;
    size_t j = 0;                /* from here on, b is large enough: the differences are at most x */
    for (size_t i = 0; i < all->a.count; i++) {
        while (j < all->b.count && all->a.values[i] - all->b.values[j] > x)
            j++;
        double times = (double)(all->a.before[i + 1] - all->a.before[i]);
        count += times * (double)(all->b.before[all->b.count] - all->b.before[j]);
        *distinct += (double)(all->b.count - j);
    }
    return count;
}

/* A difference and how many pairs have it. */
struct weighted {
    double value;
    double times;
};

static int compare_weighted(const void *a, const void *b)
{
    const struct weighted *x = a, *y = b;
    return (x->value > y->value) - (x->value < y->value);
}

/* Differences above x[0] and up to x[1], how many differences and distinct ones are up to each of the two. */
struct range {
    double x[2];
    double count[2];
    double distinct[2];
};

/* The k-th smallest of all differences, which is in the range, by sorting those there. */
static double select_in(const void *owner, const struct differences *all, const struct range *range, double k)
{
    size_t room = (size_t)(range->distinct[1] - range->distinct[0]), count = 0, j = 0;
    struct weighted *between = memory_new_array(owner, struct weighted, room);
    for (size_t i = 0; i < all->a.count; i++) {
        while (j < all->b.count && all->a.values[i] - all->b.values[j] > range->x[1])
            j++;
        for (size_t l = j; l < all->b.count && all->a.values[i] - all->b.values[l] > range->x[0]; l++) {
            double times = (double)(all->a.before[i + 1] - all->a.before[i]);
            between[count].value = all->a.values[i] - all->b.values[l];
            between[count++].times = times * (double)(all->b.before[l + 1] - all->b.before[l]);
        }
    }
    qsort(between, count, sizeof between[0], compare_weighted);
    size_t at = 0;
    double seen = range->count[0] + between[0].times;
    while (seen < k && at + 1 < count)
        seen += between[++at].times;
    double value = between[at].value;
    talloc_free(between);
    return value;
}

/* The k-th smallest difference: the range shrinks until few enough are left to be sorted. */
static double select_difference(const void *owner, const struct differences *all, double k)
{
    const struct distinct *a = &all->a, *b = &all->b;
    double least = a->values[0] - b->values[b->count - 1], most = a->values[a->count - 1] - b->values[0];
    double pairs = (double)a->before[a->count] * (double)b->before[b->count];
    struct range range = {{nextafter(least, -(double)INFINITY), most}, {0, pairs},
                          {0, (double)a->count * (double)b->count}};
    double few = 1000 + (double)(a->count + b->count) / 16;
    for (size_t step = 1; range.distinct[1] - range.distinct[0] > few; step++) {
        /* Where the k-th would be if they lay evenly; each third time the middle, which always helps. */
        double part = (k - range.count[0]) / (range.count[1] - range.count[0]);
        part = step % 3 == 0 ? 0.5 : fmin(0.98, fmax(0.02, part));
        double x = range.x[0] * (1 - part) + range.x[1] * part, distinct = 0;
        if (!(x > range.x[0] && x < range.x[1]))
            x = range.x[0] / 2 + range.x[1] / 2;
        if (!(x > range.x[0] && x < range.x[1]))
            return range.x[1];
        double count = count_up_to(all, x, &distinct);
        int end = count < k ? 0 : 1;
        range.x[end] = x;
        range.count[end] = count;
        range.distinct[end] = distinct;
    }
    return select_in(owner, all, &range, k);
}

/* The smallest difference above x; INFINITY when there is none. */
static double next_difference(const struct differences *all, double x)
{
    double next = (double)INFINITY;
    size_t j = 0;
    for (size_t i = 0; i < all->a.count; i++) {
        while (j < all->b.count && all->a.values[i] - all->b.values[j] > x)
            j++;
        if (j > 0)
            next = fmin(next, all->a.values[i] - all->b.values[j - 1]);
    }
    return next;
}

static double median_difference(const void *owner, const struct differences *all, double pairs)
{
    double distinct = 0, k = floor((pairs + 1) / 2);
    double low = select_difference(owner, all, k);
    if (fmod(pairs, 2) != 0 || count_up_to(all, low, &distinct) > k)
        return low;
    return (low + next_difference(all, low)) / 2;
}

struct estimate stat_shift(const void *owner, const struct sample *a, const struct sample *b, double level)
{
    struct estimate result = stat_not_estimable(empty_reason(a, b));
    if (result.reason != NULL)
        return result;
    void *scratch = memory_owner(owner, "shift");
    struct differences all = {distinct_of(scratch, a), distinct_of(scratch, b)};
    double n_a = (double)a->count, n_b = (double)b->count, pairs = n_a * n_b;
    result.value = median_difference(scratch, &all, pairs);
    double half = stat_normal_quantile((1 + level) / 2) * sqrt(pairs / 12 * (n_a + n_b + 1));
    double k = floor(pairs / 2 - half);
    if (k >= 1) {
        result.lo = select_difference(scratch, &all, k);
        result.hi = select_difference(scratch, &all, pairs + 1 - k);
    } else {
        result.reason = "too few values for limits at this level";
    }
    struct rank_sum test = stat_rank_sum(a, b);
    result.p = test.corrected.p;
    if (result.reason == NULL)
        result.reason = test.corrected.reason;
    talloc_free(scratch);
    return result;
}

/* ---- median ---- */

/* The largest k with P(Binomial(n, 1/2) < k) <= tail, from 0 to n. */
static size_t limit_rank(size_t n, double tail)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t middle = lo + (hi - lo + 1) / 2;
        if (stat_binomial_lower((double)middle - 1, (double)n, 0.5) <= tail)
            lo = middle;
        else
            hi = middle - 1;
    }
    return lo;
}

struct estimate stat_median(const struct sample *sample, double level)
{
    if (sample->count == 0)
        return stat_not_estimable("no value");
    struct estimate result = stat_not_estimable(NULL);
    result.value = stat_quantile(sample->values, sample->count, 1, 2);
    size_t k = limit_rank(sample->count, (1 - level) / 2);
    if (k == 0) {
        result.reason = "too few values for limits at this level";
        return result;
    }
    result.lo = sample->values[k - 1];
    result.hi = sample->values[sample->count - k];
    return result;
}
