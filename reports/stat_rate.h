/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Events per time under observation, as Poisson counts.
 *
 * The exposure-adjusted incidence rate (EAIR) is such a rate: subjects with the event over the time until
 * each one's first event or end of follow-up; the event rate is all events over all follow-up.
 */
#ifndef PATELLA_STAT_RATE_H
#define PATELLA_STAT_RATE_H

#include <stddef.h>

#include "reports/stat_estimate.h"

struct rate {
    size_t events;
    double time;             /* of all subjects together, e.g. years; > 0 */
};

/*
 * Rate per `per` units of time (100: per 100 person-years) with Garwood's exact limits; no p.  The lower
 * limit is 0 without an event.  NAN without time under observation.
 * Source: Garwood, Biometrika 1936;28:437; Ulm, Am J Epidemiol 1990;131:373.
 */
struct estimate stat_rate(const struct rate *rate, double per, double level);

/*
 * First rate over second, with exact limits and p from the binomial distribution of the first group's events
 * given all events: Clopper-Pearson's, and the sum of all probabilities not above the observed one (equal
 * within 1e-7 relative, as R's poisson.test). value and the upper limit NAN without an event in the second
 * group; p too, and the lower limit, without any event.  All NAN when a group has no time.
 */
struct estimate stat_rate_ratio(const struct rate *first, const struct rate *second, double level);

/*
 * First rate minus second, per `per` units of time, with score limits: the differences that the test with the
 * variance at the most likely rates under that difference does not reject; p of that test at 0, NAN without
 * an event.  All NAN when a group has no time.
 * Source: Miettinen & Nurminen, Stat Med 1985;4:213, section on rates with person-time denominators.
 */
struct estimate stat_rate_difference(const struct rate *first, const struct rate *second, double per,
                                     double level);

#endif
