/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Studies of tests/golden/other_studies/weeks in memory: two cohorts, visits in weeks, a score of 14 to 70.
 * Values vary without pattern and are always the same.
 */
#ifndef PATELLA_TEST_WEEKS_STUDY_H
#define PATELLA_TEST_WEEKS_STUDY_H

#include "tests/support/study.h"

struct weeks_shape {
    size_t subjects;             /* treated, in turn in PLASMA and SALINE, at three sites */
    bool one_cohort;             /* all in PLASMA */
    bool one_site;
    bool unmeasured;             /* nobody has a value after treatment */
    bool no_severity;            /* the covariate of every fourth subject is missing */
};

struct study *weeks_study_new(const void *owner, const struct weeks_shape *shape);

#endif
