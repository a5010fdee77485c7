/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The files of the app (collector/web), which stand inside the program: collector/embed_web makes the table.
 *
 * Not for: who may have them (anyone), how they are answered (handlers_web.c).
 */
#ifndef PATELLA_WEB_FILES_H
#define PATELLA_WEB_FILES_H

#include <stddef.h>

struct web_file {
    const char *path;            /* of the target, as it is asked for: "/", "/app/lib/api.js" */
    const char *type;            /* media type */
    const char *sha256;          /* of the file, 64 hexadecimal digits */
    const char *bytes;
    size_t length;
    const char *gzip;            /* the same, compressed (RFC 1952) */
    size_t gzip_length;
};

extern const struct web_file web_files[];
extern const size_t web_file_count;

#endif
