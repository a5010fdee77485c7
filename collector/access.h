/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who calls: the bearer token of a request, and the holders that were found a moment ago.
 *
 * The cache saves a question to the database for each request; PostgreSQL looks at the token again in every
 * function that reads or writes, so that a revoked one opens nothing meanwhile.  One cache for each loop,
 * without locks.
 */
#ifndef PATELLA_ACCESS_H
#define PATELLA_ACCESS_H

#include "collector/exchange.h"
#include "collector/http.h"
#include "collector/machine_sites.h"

enum { ACCESS_TOKEN_LIMIT = 256, ACCESS_SHA256_SIZE = 32 };

/*
 * The token of "Bearer TOKEN" (RFC 6750), of at most ACCESS_TOKEN_LIMIT bytes; NULL when the value is none.
 */
char *access_read_token(const void *owner, struct http_slice authorization);

struct token_cache;

struct token_cache *token_cache_new(const void *owner);

/* NULL when it is not known, or no longer: `now_us` by clock_now_us. */
const struct principal *token_cache_find(const struct token_cache *cache,
                                         const uint8_t sha256[ACCESS_SHA256_SIZE], int64_t now_us);

/* Takes `principal` over, known until `until_us`. */
void token_cache_add(struct token_cache *cache, const uint8_t sha256[ACCESS_SHA256_SIZE],
                     struct principal *principal, int64_t until_us);

struct principal *access_copy_principal(const void *owner, const struct principal *principal);

/*
 * True when the holder may come in by this door; otherwise the exchange has its reply, 403 `wrong_port` or
 * `wrong_certificate`.  By the machines' door comes a site's machine whose certificate names all sites of its token
 * (machine_sites.h); by the people's door whoever is none, and everybody while there is no other door.
 */
bool access_allow_machine(struct exchange *exchange, const struct machine_sites *certified) MUST_CHECK;
bool access_allow_person(struct exchange *exchange, bool has_machines_door) MUST_CHECK;

/*
 * True when `principal` may call the exchange's route with its study; otherwise the exchange has its
 * reply.
 */
bool access_allow(struct exchange *exchange) MUST_CHECK;

#endif
