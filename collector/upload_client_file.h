/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The file that patella-upload sends: what can be seen of it here, and its bytes.
 *
 * Not for what stands in it: the collector reads and judges the rows.
 */
#ifndef PATELLA_UPLOAD_CLIENT_FILE_H
#define PATELLA_UPLOAD_CLIENT_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "forms/base/error.h"

struct upload_client_file {
    const char *path;            /* as it was given */
    const char *real_path;
    const char *name;            /* without folders */
    int64_t size;                /* bytes, 1 .. UPLOAD_CLIENT_MOST */
    char sha256[65];             /* of all bytes, lower-case hexadecimal */
    int descriptor;              /* closed with the file's memory */
    struct stat seen;            /* when it was opened */
};

#define UPLOAD_CLIENT_MOST INT64_C(2147483648)

/*
 * Opens the file and reads it once.  ERROR_INPUT when it is empty, larger than UPLOAD_CLIENT_MOST, no file or a
 * workbook (.xlsx, .xls, .ods), with what to do.
 */
struct upload_client_file *upload_client_file_open(const void *owner, const char *path, struct error *error) MUST_CHECK;

/* `length` bytes from `offset` on; ERROR_CONFLICT when the file has become shorter. */
bool upload_client_file_read(const struct upload_client_file *file, int64_t offset, void *bytes, size_t length,
                             struct error *error) MUST_CHECK;

/* False with ERROR_CONFLICT when somebody has written to the file since it was opened. */
bool upload_client_file_check(const struct upload_client_file *file, struct error *error) MUST_CHECK;

#endif
