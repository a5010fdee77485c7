/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/access.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include "forms/base/memory.h"

/* A slot for each value of the first bits of the key; a newer token takes the place of an older one. */
enum { TOKEN_SLOTS = 1024 };

struct token_slot {
    uint8_t sha256[ACCESS_SHA256_SIZE];
    struct principal *principal;
    int64_t until_us;
};

struct token_cache {
    struct token_slot slots[TOKEN_SLOTS];
};

/* RFC 6750, section 2.1: b64token. */
static bool is_token_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~+/=", c) != NULL);
}

char *access_read_token(const void *owner, struct http_slice authorization)
{
    static const char scheme[] = "Bearer ";
    size_t skip = sizeof scheme - 1;
    if (authorization.length <= skip || strncasecmp(authorization.bytes, scheme, skip) != 0)
        return NULL;
    const char *token = authorization.bytes + skip;
    size_t length = authorization.length - skip;
    while (length > 0 && *token == ' ') {
        token++;
        length--;
    }
    if (length == 0 || length > ACCESS_TOKEN_LIMIT)
        return NULL;
    for (size_t i = 0; i < length; i++)
        if (!is_token_character(token[i]))
            return NULL;
    return memory_copy_bytes(owner, token, length);
}

static size_t slot_of(const uint8_t sha256[ACCESS_SHA256_SIZE])
{
    return ((size_t)sha256[0] << 8 | sha256[1]) % TOKEN_SLOTS;
}

struct token_cache *token_cache_new(const void *owner)
{
    return memory_new(owner, struct token_cache);
}

const struct principal *token_cache_find(const struct token_cache *cache,
                                         const uint8_t sha256[ACCESS_SHA256_SIZE], int64_t now_us)
{
    const struct token_slot *slot = &cache->slots[slot_of(sha256)];
    bool known = slot->principal != NULL && slot->until_us > now_us &&
                 memcmp(slot->sha256, sha256, ACCESS_SHA256_SIZE) == 0 &&
                 slot->principal->expires_at > time(NULL);
    return known ? slot->principal : NULL;
}

void token_cache_add(struct token_cache *cache, const uint8_t sha256[ACCESS_SHA256_SIZE],
                     struct principal *principal, int64_t until_us)
{
    struct token_slot *slot = &cache->slots[slot_of(sha256)];
    talloc_free(slot->principal);
    memcpy(slot->sha256, sha256, ACCESS_SHA256_SIZE);
    slot->principal = talloc_steal(cache, principal);
    slot->until_us = until_us;
}

struct principal *access_copy_principal(const void *owner, const struct principal *principal)
{
    struct principal *copy = memory_new(owner, struct principal);
    *copy = *principal;
    copy->token = memory_copy_string(copy, principal->token);
    copy->account = memory_copy_string(copy, principal->account);
    copy->study = principal->study != NULL ? memory_copy_string(copy, principal->study) : NULL;
    copy->studies = memory_new_array(copy, char *, principal->study_count);
    for (size_t i = 0; i < principal->study_count; i++)
        copy->studies[i] = memory_copy_string(copy, principal->studies[i]);
    copy->sites = memory_new_array(copy, int, principal->site_count);
    if (principal->site_count > 0)
        memcpy(copy->sites, principal->sites,
               memory_size_product(principal->site_count, sizeof *copy->sites));
    return copy;
}

bool access_allow_machine(struct exchange *exchange, const struct machine_sites *certified)
{
    const struct principal *principal = exchange->principal;
    if (principal->role != ROLE_SITE_MACHINE)
        exchange_reply_problem(exchange, 403, "wrong_port",
                               "this port is for sites' machines; people use the other one");
    bool covered = principal->site_count > 0;
    for (size_t i = 0; i < principal->site_count; i++)
        covered = covered && machine_sites_have(certified, principal->study, principal->sites[i]);
    if (exchange->status == 0 && !covered)
        exchange_reply_problem(exchange, 403, "wrong_certificate",
                               "the client certificate is not for the site of this token; use the one that was "
                               "issued for it");
    return exchange->status == 0;
}

bool access_allow_person(struct exchange *exchange, bool has_machines_door)
{
    if (has_machines_door && exchange->principal->role == ROLE_SITE_MACHINE)
        exchange_reply_problem(exchange, 403, "wrong_port",
                               "sites' machines use the port that asks for a client certificate");
    return exchange->status == 0;
}

bool access_allow(struct exchange *exchange)
{
    const struct principal *principal = exchange->principal;
    const char *study = exchange_study(exchange);
    /* The same words for a study that does not exist and for one that the token is not bound to. */
    if (study != NULL && (principal->study == NULL || strcmp(study, principal->study) != 0))
        exchange_reply_problem(
            exchange, 404, "not_found",
            "the token is not bound to this study; GET /api/v1/studies lists what it may see");
    else if (study == NULL && principal->study == NULL && exchange_takes_study_in_query(exchange))
        exchange_reply_problem(exchange, 400, "invalid_parameter",
                               "the token opens several studies: say which one by `?study=CODE`");
    else if ((exchange->route->roles & (unsigned)principal->role) == 0)
        exchange_reply_problem(exchange, 403, "not_allowed", "the role of this token may not do this");
    return exchange->status == 0;
}
