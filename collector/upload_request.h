/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the header fields of an upload say: those of tus 1.0 (https://tus.io/protocols/resumable-upload) and Prefer
 * (RFC 7240).  Pure functions over texts, which may be NULL where a field was not sent.
 */
#ifndef PATELLA_UPLOAD_REQUEST_H
#define PATELLA_UPLOAD_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UPLOAD_TUS_VERSION "1.0.0"
#define UPLOAD_TUS_EXTENSIONS "creation,creation-with-upload,expiration,checksum,termination"
#define UPLOAD_TUS_CHECKSUMS "sha1,sha256,md5"
#define UPLOAD_TUS_TYPE "application/offset+octet-stream"

enum { UPLOAD_DIGEST_MOST = 64, UPLOAD_NAME_MOST = 255, UPLOAD_METADATA_MOST = 4096 };

/* Upload-Length, Upload-Offset: digits only. */
bool upload_read_number(const char *text, int64_t *number);

/*
 * The file's name in Upload-Metadata, "filename BASE64" among pairs parted by commas, without the folders before it, in
 * at most UPLOAD_NAME_MOST characters without control characters.  `*name` stays as it is when there is none; false
 * when the header is no such list, or longer than UPLOAD_METADATA_MOST bytes.
 */
bool upload_read_metadata(const void *owner, const char *metadata, const char **name);

/* What stands behind the last slash or backslash: some browsers send a path. */
const char *upload_base_name(const char *path);

/* True for a name that can be shown and kept: 1 to UPLOAD_NAME_MOST characters on one line. */
bool upload_is_name(const char *name);

struct upload_checksum {
    const char *algorithm;                       /* as OpenSSL calls it */
    unsigned char digest[UPLOAD_DIGEST_MOST];
    size_t length;
};

/* Upload-Checksum: "sha1 BASE64".  False for an algorithm that is not offered, or a digest that is none of it. */
bool upload_read_checksum(const char *text, struct upload_checksum *checksum);
bool upload_fits_checksum(const struct upload_checksum *checksum, const void *bytes, size_t length);

/* "wait=N" of Prefer, in seconds, at most `most`; `initial` when nothing of it can be read. */
int upload_read_wait(const char *prefer, int initial, int most);

#endif
