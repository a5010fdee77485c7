/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands of a shell and programs of the build, as a user runs them. */
#ifndef PATELLA_TEST_COMMAND_H
#define PATELLA_TEST_COMMAND_H

/*
 * Runs a command of the shell to its end; what it writes to standard output ("2>&1" adds the rest), to its first NUL.
 * `status` is its exit status, 128 when a signal ended it.
 */
const char *command_run(const void *owner, const char *command, int *status);

/* Absolute path of $BUILD/bin/`program`, wherever the command runs; fails the test when it is not there. */
const char *command_program(const void *owner, const char *program);

#endif
