/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sandbox.c's half for files: Landlock. */
#ifndef PATELLA_SANDBOX_FILES_H
#define PATELLA_SANDBOX_FILES_H

#include "forms/base/error.h"

/* See sandbox_enter.  The process must have given up new privileges (PR_SET_NO_NEW_PRIVS). */
bool sandbox_limit_files(const char *const *files, struct error *error) MUST_CHECK;

#endif
