/* SPDX-License-Identifier: GPL-3.0-or-later */
/* patella-report as a user runs it, on a study in a real database, with a folder for what it writes. */
#ifndef PATELLA_TEST_REPORT_RUN_H
#define PATELLA_TEST_REPORT_RUN_H

#include "tests/support/collected.h"

struct report_run {
    struct collected *collected;
    const char *conninfo;        /* as patella_reporter */
    char *folder;                /* of this test, removed at its end */
    int status;                  /* of the last command */
    const char *output;          /* its standard output and error */
};

/* The study that collected_fill makes, with the cut "first". */
struct report_run *report_run_new(const char *masking);

/* Tear-down of cmocka: removes the folder. */
int report_run_tear_down(void **state);

/* Runs a shell command in the folder; the output. */
const char *report_shell(struct report_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* patella-report in the folder, with its database; `arguments` are printed as by printf. */
const char *report_program(struct report_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Fails the test, with the output, unless the last command ended so and its output holds `text`. */
void assert_report(const struct report_run *run, int status, const char *text);

/* The same for a text that its output must not hold. */
void assert_report_without(const struct report_run *run, const char *text);

/* Runs a command in the background; its output goes into FOLDER/`log`.  report_wait waits for its end. */
void report_start(struct report_run *run, const char *log, const char *arguments);
void report_wait(struct report_run *run);

#endif
