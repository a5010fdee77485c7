/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as the target of a request whose head is otherwise right.  What is decoded, of the path and of the
 * query, can be shown; encoded anew in full it is decoded to the same; and a path means the same route however
 * it is written.
 */
#define FUZZ_TARGET fuzz_query
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <string.h>

#include "collector/router.h"
#include "forms/base/memory.h"

static const struct route routes[] = {
    {"GET", "/", ROLE_ANYONE, 0, HANDLE_ON_LOOP, NULL},
    {"GET", "/a", ROLE_ANYONE, 0, HANDLE_ON_LOOP, NULL},
    {"POST", "/a", ROLE_ANYONE, 0, HANDLE_ON_LOOP, NULL},
    {"GET", "/a/{b}", ROLE_ANYONE, 0, HANDLE_ON_LOOP, NULL},
    {"GET", "/a/{b}/c/{d}", ROLE_ANYONE, 0, HANDLE_ON_LOOP, NULL},
    {"GET", "/a/b", ROLE_ANYONE, 0, HANDLE_ON_LOOP, NULL},
};

static const struct router_table table = {routes, sizeof routes / sizeof routes[0]};

static void require_shown(const char *text)
{
    FUZZ_REQUIRE(text_is_utf8(text, strlen(text)));
    FUZZ_REQUIRE_WITH(!text_has_control(text) && strpbrk(text, "\t\n\r") == NULL, text);
}

static void append_encoded(struct text *out, const char *text)
{
    for (; *text != '\0'; text++)
        text_append_format(out, "%%%02X", (unsigned char)*text);
}

static bool read_head(const struct text *request, struct http_head *head)
{
    return http_read_head(request->bytes, request->length, head) == HTTP_COMPLETE;
}

/* The same list, every octet of it encoded. */
static void require_same_again(const void *owner, const struct query_parameter *query, size_t count)
{
    struct text *text = text_new(owner);
    const struct query_parameter *again;
    size_t count_again;
    for (size_t i = 0; i < count; i++) {
        text_append(text, i > 0 ? "&" : "");
        append_encoded(text, query[i].name);
        text_append(text, "=");
        append_encoded(text, query[i].value);
    }
    FUZZ_REQUIRE(router_read_query(owner, (struct http_slice){text->bytes, text->length}, &again, &count_again));
    FUZZ_REQUIRE(count_again == count);
    for (size_t i = 0; i < count; i++) {
        FUZZ_REQUIRE_WITH(strcmp(query[i].name, again[i].name) == 0, query[i].name);
        FUZZ_REQUIRE_WITH(strcmp(query[i].value, again[i].value) == 0, query[i].value);
    }
}

static void require_path(const void *owner, struct http_slice path)
{
    struct router_match match;
    router_match(&table, "GET", path, &match);
    FUZZ_REQUIRE(match.parameter_count <= EXCHANGE_PARAMETERS);
    FUZZ_REQUIRE(strlen(match.allow) < ROUTER_ALLOW_SIZE);
    if (match.route == NULL)
        return;
    for (size_t i = 0; i < match.parameter_count; i++) {
        struct http_slice sent = match.parameters[i];
        FUZZ_REQUIRE(sent.length > 0 && memchr(sent.bytes, '/', sent.length) == NULL);
        char *value = router_decode(owner, sent);
        if (value == NULL)
            continue;
        require_shown(value);
        struct text *encoded = text_new(owner);
        append_encoded(encoded, value);
        char *again = router_decode(owner, (struct http_slice){encoded->bytes, encoded->length});
        FUZZ_REQUIRE_WITH(again != NULL && strcmp(again, value) == 0, value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    void *owner = memory_owner(NULL, "fuzz");
    struct text *request = text_new(owner);
    struct http_head head;
    text_append(request, "GET /");
    text_append_bytes(request, (const char *)data, size);
    text_append(request, " HTTP/1.1\r\nHost: a\r\n\r\n");
    if (read_head(request, &head)) {
        const struct query_parameter *query;
        size_t count;
        require_path(owner, head.path);
        if (router_read_query(owner, head.query, &query, &count)) {
            FUZZ_REQUIRE(count <= ROUTER_QUERY_LIMIT);
            for (size_t i = 0; i < count; i++) {
                FUZZ_REQUIRE(query[i].name[0] != '\0');
                require_shown(query[i].name);
                require_shown(query[i].value);
            }
            require_same_again(owner, query, count);
        }
    }
    talloc_free(owner);
    return 0;
}
