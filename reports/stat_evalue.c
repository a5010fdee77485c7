/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_evalue.h"

#include <math.h>
#include <stddef.h>

static double of_ratio(double ratio)
{
    double above = ratio < 1 ? 1 / ratio : ratio;
    return above + sqrt(above * (above - 1));
}

struct evalue stat_evalue_risk_ratio(double ratio, double lo, double hi)
{
    double none = (double)NAN;
    if (isnan(ratio) || isnan(lo) || isnan(hi))
        return (struct evalue){none, none, none, "there is no risk ratio with limits"};
    if (!(ratio > 0) || isinf(ratio))
        return (struct evalue){none, none, none, "the risk ratio is 0 or infinite"};
    struct evalue evalue = {ratio, of_ratio(ratio), 1, NULL};
    if (lo > 1)
        evalue.limit = of_ratio(lo);
    else if (hi < 1)
        evalue.limit = of_ratio(hi);
    return evalue;
}

struct evalue stat_evalue_difference(double d, double se)
{
    double none = (double)NAN;
    if (isnan(d) || isnan(se))
        return (struct evalue){none, none, none, "there is no standardized difference with a standard error"};
    return stat_evalue_risk_ratio(exp(0.91 * d), exp(0.91 * d - 1.78 * se), exp(0.91 * d + 1.78 * se));
}
