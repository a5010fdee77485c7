/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the process may still do once it has begun: read a few files (Landlock) and make the system calls that serving
 * takes (seccomp).  Whoever takes the process over can start no program, look into no other process, read and write no
 * other file, and listen nowhere.
 *
 * A file that is not named is "permission denied".  A system call that is not in the list ends the process by SIGSYS,
 * with its number in the log.  No setting turns this off; builds with a sanitizer or for coverage, which do other
 * things than serving, have none (PATELLA_WITHOUT_SANDBOX).
 * Not for: system calls that a handler would like to make.  Add them to the list, with the reason.
 */
#ifndef PATELLA_SANDBOX_H
#define PATELLA_SANDBOX_H

#include "forms/base/error.h"

/*
 * From here on, for this thread and those that it starts: called while there is only one.
 * files    paths that may be read, ended by NULL: of a file its whole folder (a new one takes its place there), of a
 *          link what it leads to as well; those that are not there are passed over
 * Fails with ERROR_INTERNAL when the kernel takes no filter; a kernel without Landlock is only logged.
 */
bool sandbox_enter(const char *const *files, struct error *error) MUST_CHECK;

#endif
