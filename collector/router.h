/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a request's target to a route: matching of patterns, percent-decoding, query parameters.
 *
 * A pattern is matched segment by segment against the path as sent; `{name}` takes one whole segment, and an
 * encoded slash never separates.  Not for: the table itself (routes.c), authorisation (access.h).
 */
#ifndef PATELLA_ROUTER_H
#define PATELLA_ROUTER_H

#include "collector/exchange.h"
#include "collector/http.h"

enum { ROUTER_QUERY_LIMIT = 32, ROUTER_ALLOW_SIZE = 64 };

struct router_table {
    const struct route *routes;
    size_t count;
};

struct router_match {
    const struct route *route;                               /* NULL when there is none for the method */
    struct http_slice parameters[EXCHANGE_PARAMETERS];       /* as sent */
    size_t parameter_count;
    char allow[ROUTER_ALLOW_SIZE];   /* methods of the path ("GET, HEAD, POST"); empty: no such path */
};

/* HEAD finds the route of GET, unless one of its own stands before that. */
void router_match(const struct router_table *table, const char *method, struct http_slice path,
                  struct router_match *match);

/* Decoded text; NULL when it is no valid UTF-8 or holds a control character. */
char *router_decode(const void *owner, struct http_slice slice);

/*
 * Parameters of a query string (application/x-www-form-urlencoded); false when one cannot be decoded, has no
 * name, or there are more than ROUTER_QUERY_LIMIT.
 */
bool router_read_query(const void *owner, struct http_slice query, const struct query_parameter **parameters,
                       size_t *count) MUST_CHECK;

#endif
