/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A study in a real database, with real forms and the protocol of tests/support/study.yaml, filled with
 * submissions that were checked, scored and stored as the collector does.  Any refusal fails the test.
 */
#ifndef PATELLA_TEST_COLLECTED_H
#define PATELLA_TEST_COLLECTED_H

#include "tests/support/test_database.h"

struct collected;

/* Study "demo" with sites 1 and 2; masking "none" or "double".  patella_reporter may read it. */
struct collected *collected_new(const void *owner, const char *masking);

struct test_database *collected_database(const struct collected *collected);

/* Superuser's connection, for test_run and test_value. */
struct db *collected_db(const struct collected *collected);

/* What is NULL or 0: knee none, visit unscheduled, instance 1, version 1, status complete. */
struct collected_form {
    const char *subject, *form, *knee, *visit, *date;
    int instance, version;
    const char *status;
};

/*
 * Item ids and their texts follow in pairs, ended by NULL; "!not_done" is a reason why there is no answer.  Soft
 * findings are confirmed.
 */
void collected_submit(struct collected *collected, const struct collected_form *form, ...)
    __attribute__((sentinel));

/*
 * Subjects 01-0001 to 01-0004 and 02-0001: enrolled on 2026-01-05, right knee treated on 2026-01-10, VAS 60
 * at baseline and 40 at M3, cohorts CELLS and CS in turn; 01-0001 has an adverse event, 01-0002 one at the
 * harvest site.
 */
void collected_fill(struct collected *collected);

/* A cut with that label; its number. */
int collected_cut(struct collected *collected, const char *label);

#endif
