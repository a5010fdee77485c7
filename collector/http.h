/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reader of one HTTP/1.1 request head: a pure function over bytes.
 *
 * Strict where laxness lets two programs read one request differently (RFC 9112, sections 2.2, 3.2, 5, 6,
 * 11.2): no bare LF, no folding, no blank around names, one Content-Length of digits or one Transfer-Encoding that is
 * "chunked" and nothing else, origin-form targets only.
 * Not for: bodies (chunks.h), routes, percent-decoding (router.h), replies (reply.h).
 */
#ifndef PATELLA_HTTP_H
#define PATELLA_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_HEAD_LIMIT = 8192, HTTP_FIELD_LIMIT = 64 };

/* The fields that the server uses; all others are checked and dropped. */
enum http_field {
    HTTP_HOST,
    HTTP_CONTENT_LENGTH,
    HTTP_TRANSFER_ENCODING,
    HTTP_CONNECTION,
    HTTP_EXPECT,
    HTTP_AUTHORIZATION,
    HTTP_CONTENT_TYPE,
    HTTP_CONTENT_ENCODING,
    HTTP_IF_NONE_MATCH,
    HTTP_COOKIE,
    HTTP_ORIGIN,
    HTTP_FORM_TOKEN,
    HTTP_PREFER,
    HTTP_ACCEPT_ENCODING,
    HTTP_TUS_RESUMABLE,
    HTTP_UPLOAD_LENGTH,
    HTTP_UPLOAD_OFFSET,
    HTTP_UPLOAD_METADATA,
    HTTP_UPLOAD_CHECKSUM,
    HTTP_FIELD_COUNT
};

/* Why a request was refused. */
enum http_refusal {
    HTTP_REFUSED_NOTHING,
    HTTP_REFUSED_REQUEST_LINE,
    HTTP_REFUSED_TARGET,
    HTTP_REFUSED_METHOD,
    HTTP_REFUSED_VERSION,
    HTTP_REFUSED_LINE_END,
    HTTP_REFUSED_FIELD,
    HTTP_REFUSED_FOLDING,
    HTTP_REFUSED_TOO_LARGE,
    HTTP_REFUSED_TOO_MANY_FIELDS,
    HTTP_REFUSED_DUPLICATE,
    HTTP_REFUSED_HOST,
    HTTP_REFUSED_LENGTH,
    HTTP_REFUSED_LENGTH_AND_CODING,
    HTTP_REFUSED_TRANSFER_CODING,
    HTTP_REFUSED_LENGTH_MISSING,
    HTTP_REFUSED_BODY,
    HTTP_REFUSED_EXPECTATION,
    HTTP_REFUSAL_COUNT
};

struct http_slice {
    const char *bytes;     /* NULL: absent; points into the bytes that were read */
    size_t length;
};

struct http_head {
    size_t length;                 /* bytes of the head with its empty line */
    const char *method;            /* constant: "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS" */
    struct http_slice path;        /* begins with '/', percent-encoding well-formed */
    struct http_slice query;       /* without '?'; bytes NULL when there is none */
    int minor_version;             /* 0 or 1 */
    struct http_slice fields[HTTP_FIELD_COUNT];   /* values without blanks around */
    int64_t content_length;        /* 0 when none was sent */
    bool chunked;                  /* instead: only of HTTP/1.1, and of a method that takes a body */
    bool expects_continue;
    bool keep_alive;
    enum http_refusal refusal;
    size_t refused_line;           /* 1: the request line; 0: it is no single line that is wrong */
};

enum http_outcome { HTTP_INCOMPLETE, HTTP_COMPLETE, HTTP_REFUSED };

/*
 * Reads the head at the start of `bytes`.
 * HTTP_INCOMPLETE  nothing wrong so far, more bytes are needed
 * HTTP_COMPLETE    `head` is filled; the body starts at head->length
 * HTTP_REFUSED     head->refusal says why; the connection must be closed after the reply
 */
enum http_outcome http_read_head(const char *bytes, size_t length, struct http_head *head);

/* What to answer for a refusal: HTTP status, problem code, and a sentence for the client. */
int http_refusal_status(enum http_refusal refusal);
const char *http_refusal_code(enum http_refusal refusal);
const char *http_refusal_detail(enum http_refusal refusal);

/* Standard reason phrase of a status ("Not Found"), "Unknown" when there is none. */
const char *http_reason(int status);

/* True when `slice` is `text`, letters of either case alike (ASCII). */
bool http_slice_is(struct http_slice slice, const char *text);

#endif
