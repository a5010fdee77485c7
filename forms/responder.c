/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/responder.h"

#include <math.h>

static const double tolerance = 1e-9;   /* 0.2 of a baseline is hit often and exactly */

/* Value on a scale of 0 to 100 where higher is worse; NAN stays NAN. */
static double to_worse(const struct response_domain *domain, double value)
{
    double part = (value - domain->range[0]) / (domain->range[1] - domain->range[0]) * 100;
    return domain->direction == SCORE_HIGHER_WORSE ? part : 100 - part;
}

/* Improved by at least `points` and that part of baseline; nothing is missing here. */
static bool is_improved(double baseline, double value, double points, double part)
{
    double improvement = baseline - value;
    return improvement >= points - tolerance && improvement >= part * baseline - tolerance;
}

/*
 * Yes or no when both values are there.  Otherwise no when not even the best completion (baseline 100,
 * follow-up 0) would be a response, else not evaluable: improvement grows with the baseline and falls with
 * the follow-up value.
 */
static enum response domain_response(const struct response_domain *domain, double points, double part)
{
    if (!domain->collected)
        return RESPONSE_NO;
    double baseline = to_worse(domain, domain->baseline), value = to_worse(domain, domain->value);
    if (!isnan(baseline) && !isnan(value))
        return is_improved(baseline, value, points, part) ? RESPONSE_YES : RESPONSE_NO;
    bool possible = is_improved(isnan(baseline) ? 100 : baseline, isnan(value) ? 0 : value, points, part);
    return possible ? RESPONSE_NOT_EVALUABLE : RESPONSE_NO;
}

enum response responder_omeract_oarsi(const struct response_domain domains[3], int *rule)
{
    bool high = false, high_possible = false;
    for (int i = 0; i < 2; i++) {
        enum response response = domain_response(&domains[i], 20, 0.5);
        high |= response == RESPONSE_YES;
        high_possible |= response != RESPONSE_NO;
    }
    int two = 0, two_possible = 0;
    for (int i = 0; i < 3; i++) {
        enum response response = domain_response(&domains[i], 10, 0.2);
        two += response == RESPONSE_YES;
        two_possible += response != RESPONSE_NO;
    }
    if (rule != NULL)
        *rule = high ? 1 : two >= 2 ? 2 : 0;
    if (high || two >= 2)
        return RESPONSE_YES;
    return high_possible || two_possible >= 2 ? RESPONSE_NOT_EVALUABLE : RESPONSE_NO;
}

static enum response truth(bool responds)
{
    return responds ? RESPONSE_YES : RESPONSE_NO;
}

static enum response improved_by(const struct response_domain *domain, double points)
{
    double change = domain->value - domain->baseline;
    double improvement = domain->direction == SCORE_HIGHER_BETTER ? change : -change;
    return isnan(improvement) ? RESPONSE_NOT_EVALUABLE : truth(improvement >= points - tolerance);
}

static enum response improved_percent(const struct response_domain *domain, double percent)
{
    double baseline = to_worse(domain, domain->baseline), value = to_worse(domain, domain->value);
    if (isnan(baseline) || isnan(value))
        return RESPONSE_NOT_EVALUABLE;
    return truth(baseline > tolerance && baseline - value >= percent / 100 * baseline - tolerance);
}

static enum response reached_state(const struct response_domain *domain, double threshold)
{
    if (isnan(domain->value))
        return RESPONSE_NOT_EVALUABLE;
    return truth(domain->direction == SCORE_HIGHER_BETTER ? domain->value >= threshold - tolerance
                                                          : domain->value <= threshold + tolerance);
}

enum response responder_evaluate(const struct responder *responder, const struct response_domain *domains)
{
    switch (responder->kind) {
    case RESPONDER_OMERACT_OARSI: return responder_omeract_oarsi(domains, NULL);
    case RESPONDER_IMPROVED_BY: return improved_by(&domains[0], responder->threshold);
    case RESPONDER_IMPROVED_PERCENT: return improved_percent(&domains[0], responder->threshold);
    case RESPONDER_STATE: return reached_state(&domains[0], responder->threshold);
    }
    return RESPONSE_NOT_EVALUABLE;
}
