/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The simulated trial of tests/golden/trial1000 as a study in memory, for tests of analyses. */
#ifndef PATELLA_TEST_TRIAL1000_STUDY_H
#define PATELLA_TEST_TRIAL1000_STUDY_H

#include "tests/support/study.h"

/* All records of its CSV files; study_finish comes next. */
struct study *trial1000_study_new(const void *owner);
/* The same subjects by another protocol with the same cohorts, visits and forms. */
struct study *trial1000_study_by(const void *owner, const char *protocol_path);

#endif
