/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What handlers ask of a request.  Each function answers a request that does not fit with its problem and
 * returns false or NULL; then the handler has nothing more to do.
 */
#ifndef PATELLA_REQUEST_H
#define PATELLA_REQUEST_H

#include "collector/catalogues.h"
#include "collector/exchange.h"
#include "collector/store.h"

/*
 * The study of the token, which is the one in the path: access_allow has refused everything else.  404 while
 * it has no protocol.
 */
const struct catalogue_study *request_study(struct exchange *exchange);

/* True when the caller may see that site of the study of the token. */
bool request_sees_site(const struct exchange *exchange, int site);

/* 400 for a query parameter that is not in `names` (NULL-terminated) or is given twice. */
bool request_allow_query(struct exchange *exchange, const char *const *names);

/* A whole number least..most in the query; `value` stays as it is when the parameter is absent. */
bool request_query_number(struct exchange *exchange, const char *name, int least, int most, int *value);

/* Site and id of a record, "7.0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"; NULL for an absent parameter. */
bool request_query_record(struct exchange *exchange, const char *name, int *site, const char **id);

/* A UUID in the query; NULL when absent. */
bool request_query_uuid(struct exchange *exchange, const char *name, const char **uuid);

/* A day of UTC or an instant in the query, "2026-03-01" or "2026-03-01T12:00:00.5Z"; NULL when absent. */
bool request_query_instant(struct exchange *exchange, const char *name, const char **instant);
bool request_is_instant(const char *text);

/* True when If-None-Match holds the entity tag, or "*" (RFC 9110, 13.1.2: weak comparison). */
bool request_has_etag(const struct exchange *exchange, const char *etag);

/* A UUID in the path; NULL and 404 for anything else. */
const char *request_path_uuid(struct exchange *exchange, const char *name);

/* A subject number "07-0012" in the query; zeros when absent. */
bool request_query_subject(struct exchange *exchange, const char *name, int site_and_subject[2]);

/* 415 unless the body is declared as application/json (in UTF-8). */
bool request_is_json(struct exchange *exchange);

/* The body, of whatever JSON it is (jansson's json_t), without doubled keys; freed with the exchange. */
struct json_t *request_read_json(struct exchange *exchange);

/*
 * The one field of a body {"FIELD":...}: a text of at most `most` characters without control characters; NULL when
 * it is refused.
 */
const char *request_body_text(struct exchange *exchange, const char *field, size_t most);

struct store_reader request_reader(const struct exchange *exchange, const struct catalogue_study *study);

/*
 * Replies with a body that `stream` makes (exchange_reply_stream).  Its first piece is made here: when that fails, the
 * reply is the failure's.  `context` belongs to the exchange.
 */
void request_reply_stream(struct exchange *exchange, struct store *store, const char *type, stream_function *stream,
                          void *context);

/* The reply to a failure of the store; what is not the caller's doing is logged. */
void request_reply_error(struct exchange *exchange, const struct error *error);

#endif
