/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_fisher.h"

#include <math.h>

#define TIES (1 + 1e-7)
#define NEGLIGIBLE 1e-300    /* against 1, the most likely table */

/* Tables with the margins of a pair, by x: the events of the first group. */
struct tables {
    double n1, n2, events;
    double least, most;
};

/* Probability of x + 1 against that of x. */
static double ratio_up(const struct tables *t, double x)
{
    return (t->n1 - x) / (x + 1) * ((t->events - x) / (t->n2 - t->events + x + 1));
}

static double mode_of(const struct tables *t)
{
    double mode = floor((t->n1 + 1) * ((t->events + 1) / (t->n1 + t->n2 + 2)));
    return fmin(t->most, fmax(t->least, mode));
}

/*
 * Goes from the mode, whose weight is 1, to one end: adds the weights up to `bound` to *rare and all to *sum.
 * Returns the weight at x, NAN when x is not on this side.
 */
static double walk(const struct tables *t, int direction, double x, double bound, double sums[2])
{
    double at = mode_of(t);
    double weight = 1;
    double found = at == x ? 1 : (double)NAN;
    while (direction > 0 ? at < t->most : at > t->least) {
        weight *= direction > 0 ? ratio_up(t, at) : 1 / ratio_up(t, at - 1);
        at += direction;
        if (weight < NEGLIGIBLE)
            break;
        if (at == x)
            found = weight;
        sums[0] += weight <= bound ? weight : 0;
        sums[1] += weight;
    }
    return found;
}

struct hypothesis_test stat_fisher(const struct proportion_pair *pair)
{
    const double none = (double)NAN;
    struct hypothesis_test result = {none, none, none, stat_pair_reason(pair)};
    if (result.reason != NULL)
        return result;
    double x = (double)pair->x1;
    struct tables t = {(double)pair->n1, (double)pair->n2, (double)(pair->x1 + pair->x2), 0, 0};
    t.least = fmax(0, t.events - t.n2);
    t.most = fmin(t.events, t.n1);
    double sums[2] = {0, 0};
    int direction = x >= mode_of(&t) ? 1 : -1;
    double weight = walk(&t, direction, x, 0, sums);
    if (isnan(weight)) {
        result.p = 0;
        return result;
    }
    double bound = weight * TIES;
    sums[0] = bound >= 1 ? 1 : 0;
    sums[1] = 1;
    walk(&t, 1, x, bound, sums);
    walk(&t, -1, x, bound, sums);
    result.p = fmin(1, sums[0] / sums[1]);
    return result;
}
