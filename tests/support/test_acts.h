/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Acts on records (schema api, outcomes) for tests of the database. */
#ifndef PATELLA_TEST_ACTS_H
#define PATELLA_TEST_ACTS_H

#include "tests/support/test_database.h"

/* UUID number N of a test, as test_submission.h makes them. */
#define TEST_ID(n) "00000000-0000-0000-0000-00000000000" #n

/*
 * A fixture with subjects 01-0001 and 02-0001 enrolled, a record of 01-0001 with one version (TEST_ID(1)), and one of
 * 02-0001 (TEST_ID(2)).  Beside the tokens of test_database_seed there are monitor1 and manager1, monitor and data
 * manager of site 1, monitor2, monitor of site 2, investigator2, investigator of site 2, and manager_other, data
 * manager of study other.
 */
int test_acts_setup(void **state);

/* "done", the code of the refusal, or the SQLSTATE of one that has no code; `call` as "api.open_query(...)". */
const char *test_act(struct db *db, const char *call);

/* The second version of the record of 01-0001, as TEST_ID(3). */
void test_correct(struct db *db);

#endif
