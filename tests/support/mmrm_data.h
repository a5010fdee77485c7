/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Data sets of tests/golden/mmrm and tests/golden/imputation as input of the models. */
#ifndef PATELLA_TEST_MMRM_DATA_H
#define PATELLA_TEST_MMRM_DATA_H

#include "reports/stat_mmrm.h"

enum mmrm_data_term { MMRM_DATA_BASE = 1, MMRM_DATA_SITE = 2, MMRM_DATA_STRATUM = 4 };

/*
 * The subjects of a case with `visits` columns from V01 on; cohorts and levels by the order of their names.
 * Terms: those of the bits `terms`, in the order base, site, stratum; base and, with a second argument of
 * by_visit bits, others by visit.  The test fails when there is no such case.
 */
struct mmrm_input *mmrm_data_load(const void *owner, const char *path, const char *name, size_t visits);

/* The input with these terms, `by_visit` of them with coefficients by visit. */
void mmrm_data_use(struct mmrm_input *input, unsigned terms, unsigned by_visit);

#endif
