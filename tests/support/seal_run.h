/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * patella-seal as a user runs it, on the study of report_run.h with a corrected record, a signature, keys and a
 * checkpoint file.
 */
#ifndef PATELLA_TEST_SEAL_RUN_H
#define PATELLA_TEST_SEAL_RUN_H

#include "tests/support/report_run.h"

/* Key "key", "key.pub"; nothing is sealed yet. */
struct report_run *seal_run_new(void);

/* patella-seal in the folder, as that role, with `arguments` as by printf; assert_report looks at what it said. */
const char *seal_program(struct report_run *run, const char *role, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Path of the program. */
const char *seal_path(struct report_run *run);

/* `run --once` with the checkpoint file "checkpoints"; a failure fails the test. */
void seal_once(struct report_run *run);

/* `verify` with key and checkpoint file. */
const char *seal_verify(struct report_run *run);

/* As a superuser for whom no trigger runs. */
void seal_tamper(struct report_run *run, const char *sql);

/* One value, for that superuser. */
const char *seal_value(struct report_run *run, const char *sql);

#endif
