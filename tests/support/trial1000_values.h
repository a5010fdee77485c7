/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Values of tests/golden/trial1000 by subject and visit, straight from its CSV files, for tests of
 * statistics that take arrays: the same scores and windows as make_expected.R there.
 */
#ifndef PATELLA_TEST_TRIAL1000_VALUES_H
#define PATELLA_TEST_TRIAL1000_VALUES_H

#include <stddef.h>

/* pain, stiff, func, total, vas: 0-100; the patient global is in no analysis of change. */
enum { TRIAL1000_ENDPOINTS = 5, TRIAL1000_VISITS = 5 };
extern const char *const trial1000_endpoints[TRIAL1000_ENDPOINTS];
extern const char *const trial1000_visits[TRIAL1000_VISITS];     /* BL, M3, M6, M12, M24 */
extern const char *const trial1000_cohorts[3];                   /* the reference, PLACEBO, first */

struct trial1000_values {
    size_t subjects;
    int *cohort, *site, *female, *kl, *injections;   /* cohort and site from 0 */
    double *age, *bmi;
    double *values[TRIAL1000_ENDPOINTS][TRIAL1000_VISITS];   /* of each subject; NAN: missing */
};

enum { TRIAL1000_SITES_MOST = 64 };

struct trial1000_values *trial1000_load_values(const void *owner);

/* Change from baseline of each subject; NAN: missing. */
double *trial1000_change(const void *owner, const struct trial1000_values *trial, int endpoint, int visit);

#endif
