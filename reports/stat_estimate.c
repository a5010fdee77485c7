/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_estimate.h"

#include <math.h>
#include <stddef.h>

#include "reports/stat_distribution.h"

struct estimate stat_not_estimable(const char *reason)
{
    const double none = (double)NAN;
    return (struct estimate){none, none, none, none, reason};
}

struct estimate stat_estimate_ratio(double ratio, double log_variance, double level)
{
    double factor = exp(stat_normal_quantile((1 + level) / 2) * sqrt(fmax(0, log_variance)));
    return (struct estimate){ratio, ratio / factor, ratio * factor, (double)NAN, NULL};
}
