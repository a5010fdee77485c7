/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What somebody who has taken a process over would try: forbidden_call.so, put before a program by LD_PRELOAD, makes
 * one system call whenever the process gets SIGUSR1, and writes "tried NAME: ERRNO" to standard error when it comes
 * back (0: it was allowed).
 */
#ifndef PATELLA_TEST_FORBIDDEN_CALL_H
#define PATELLA_TEST_FORBIDDEN_CALL_H

/* Environment: which call, by its name in the table of forbidden_call.c; and a file that it is about. */
#define FORBIDDEN_CALL_NAME "PATELLA_FORBIDDEN_CALL"
#define FORBIDDEN_CALL_FILE "PATELLA_FORBIDDEN_FILE"

#endif
