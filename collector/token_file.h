/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A token that a program takes from a file, so that it stands in no command line. */
#ifndef PATELLA_TOKEN_FILE_H
#define PATELLA_TOKEN_FILE_H

#include <stdbool.h>

#include "forms/base/error.h"

/* The first line of the file, at most 4096 bytes.  ERROR_INPUT when it is empty. */
bool token_file_read(const void *owner, const char *path, char **token, struct error *error) MUST_CHECK;

#endif
