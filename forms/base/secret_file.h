/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that hold a key: opened only when nobody but their owner may read them. */
#ifndef PATELLA_SECRET_FILE_H
#define PATELLA_SECRET_FILE_H

#include <stdio.h>

#include "forms/base/error.h"

/*
 * For reading; closed with fclose.  "%d/NAME" is the credential NAME that the service manager hands over
 * (systemd.exec(5), LoadCredential=).  ERROR_DENIED when others may read it, ERROR_IO when it cannot be read.
 */
FILE *secret_file_open(const char *path, struct error *error) MUST_CHECK;

#endif
