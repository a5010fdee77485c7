/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A study in which subject 01-0001 has everything that a casebook shows:
 *   VAS BL        version 2 voids it
 *   VAS M3        40, corrected to 10, locked, unlocked, locked; version 1 verified and signed, version 2 neither; a
 *                 query about the item, answered and closed
 *   VAS M6        30.5, entered a second time as 31, settled for the first entry; version 1 verified and signed
 *   global M3     not answered: not done; a query about the record that is open
 *   adverse event redacted in two steps, and a second one that is serious
 *   WOMAC M3      not entered, a query about it
 * The cut is "full".  Texts that people wrote hold "<b>".
 */
#ifndef PATELLA_TEST_CASEBOOK_RUN_H
#define PATELLA_TEST_CASEBOOK_RUN_H

#include "tests/support/report_run.h"

struct report_run *casebook_run_new(const char *masking);

#endif
