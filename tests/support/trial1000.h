/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The report of the simulated trial held against tests/golden/trial1000/expected (its README says how they
 * differ).
 */
#ifndef PATELLA_TEST_TRIAL1000_H
#define PATELLA_TEST_TRIAL1000_H

#include "tests/support/golden.h"

#define TRIAL1000 "tests/golden/trial1000"

struct trial1000_part {
    const char *name;
    struct golden_rules rules;
    size_t rows;             /* that have to be compared: a filter that lets nothing through must not pass */
};

/* descriptive, responder, effect size, ancova, forest, ae; tables and covariance:
 * what the reference has not (tests/golden/tables, tests/golden/covariance). */
enum { TRIAL1000_PARTS = 8 };
extern const struct trial1000_part trial1000_parts[TRIAL1000_PARTS];

#endif
