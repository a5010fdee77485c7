/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_root.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

enum { STEPS_MOST = 1000 };      /* bisection alone needs about 1,100 at the very most; 10 are usual */

struct bracket {
    double best, f_best;         /* the smaller |f| of the two ends */
    double other, f_other;
    double last, f_last;         /* where `best` was before */
};

static void put_best_first(struct bracket *b)
{
    if (fabs(b->f_other) >= fabs(b->f_best))
        return;
    b->last = b->best;
    b->f_last = b->f_best;
    b->best = b->other;
    b->f_best = b->f_other;
    b->other = b->last;
    b->f_other = b->f_last;
}

/*
 * Where inverse quadratic interpolation leads, or the secant while there are but two points; NAN when no
 * use.
 */
static double interpolated_step(const struct bracket *b, double width, double enough)
{
    double before = b->best - b->last;
    if (fabs(before) < enough || fabs(b->f_last) <= fabs(b->f_best))
        return (double)NAN;
    double s = b->f_best / b->f_last;
    double p = width * s;
    double q = 1 - s;
    if (b->last != b->other) {
        double t = b->f_last / b->f_other;
        double r = b->f_best / b->f_other;
        p = s * (width * t * (t - r) - before * (r - 1));
        q = (t - 1) * (r - 1) * (s - 1);
    }
    if (p > 0)
        q = -q;
    p = fabs(p);
    bool inside = p < 0.75 * width * q - fabs(enough * q) / 2;
    return inside && p < fabs(before * q / 2) ? p / q : (double)NAN;
}

double stat_root(stat_function *f, const void *context, double a, double b, double tolerance)
{
    struct bracket at = {b, f(b, context), a, f(a, context), a, 0};
    if (isnan(at.f_best) || isnan(at.f_other) || (at.f_best > 0 && at.f_other > 0)
        || (at.f_best < 0 && at.f_other < 0))
        return (double)NAN;
    at.f_last = at.f_other;
    for (int i = 0; i < STEPS_MOST; i++) {
        put_best_first(&at);
        double enough = 2 * DBL_EPSILON * fabs(at.best) + tolerance / 2;
        double width = at.other - at.best;
        if (fabs(width / 2) <= enough || at.f_best == 0)
            return at.best;
        double step = interpolated_step(&at, width, enough);
        if (isnan(step))
            step = width / 2;
        at.last = at.best;
        at.f_last = at.f_best;
        at.best += fabs(step) > enough ? step : copysign(enough, step);
        at.f_best = f(at.best, context);
        if (isnan(at.f_best))
            return (double)NAN;
        if ((at.f_best > 0) == (at.f_other > 0)) {
            at.other = at.last;
            at.f_other = at.f_last;
        }
    }
    return at.best;
}
