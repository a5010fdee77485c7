/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tokens of requests, the cache of their holders, and connections per address. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "collector/access.h"
#include "collector/addresses.h"
#include "forms/base/memory.h"

static int set_up(void **state)
{
    *state = memory_owner(NULL, "test");
    return 0;
}

static int tear_down(void **state)
{
    talloc_free(*state);
    return 0;
}

/* ---- tokens ---- */

static void test_access_read_token_takes_bearer_tokens_only(void **state)
{
    static const struct {
        const char *sent, *token;
    } cases[] = {
        {"Bearer abc_123", "abc_123"},
        {"bearer abc", "abc"},
        {"BEARER  abc", "abc"},
        {"Bearer a.b-c~d+e/f==", "a.b-c~d+e/f=="},
        {"", NULL},
        {"Bearer", NULL},
        {"Bearer ", NULL},
        {"Basic abc", NULL},
        {"abc", NULL},
        {"Bearer a b", NULL},
        {"Bearer a,b", NULL},
        {"Bearer \"a\"", NULL},
        {"Bearer \xC3\xA4", NULL},
        {"Bearer\tabc", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *token = access_read_token(*state, (struct http_slice){cases[i].sent, strlen(cases[i].sent)});
        if (cases[i].token == NULL ? token != NULL : token == NULL || strcmp(token, cases[i].token) != 0)
            fail_msg("'%s' gives '%s'", cases[i].sent, token != NULL ? token : "none");
    }
    char longest[7 + ACCESS_TOKEN_LIMIT + 1];
    memset(longest, 'a', sizeof longest);
    memcpy(longest, "Bearer ", 7);
    assert_non_null(access_read_token(*state, (struct http_slice){longest, sizeof longest - 1}));
    assert_null(access_read_token(*state, (struct http_slice){longest, sizeof longest}));
}

static struct principal *holder(const char *account, int64_t expires_at)
{
    struct principal *principal = memory_new(NULL, struct principal);
    principal->token = memory_copy_string(principal, "token");
    principal->account = memory_copy_string(principal, account);
    principal->study = memory_copy_string(principal, "demo");
    principal->role = ROLE_COORDINATOR;
    principal->sites = memory_new_array(principal, int, 1);
    principal->sites[0] = 7;
    principal->site_count = 1;
    principal->expires_at = expires_at;
    return principal;
}

static void test_token_cache_find_knows_a_token_until_its_time(void **state)
{
    struct token_cache *cache = token_cache_new(*state);
    uint8_t key[ACCESS_SHA256_SIZE] = {1, 2, 3}, other[ACCESS_SHA256_SIZE] = {1, 2, 4};
    assert_null(token_cache_find(cache, key, 0));
    token_cache_add(cache, key, holder("anna", time(NULL) + 100), 1000);
    assert_string_equal(token_cache_find(cache, key, 999)->account, "anna");
    assert_null(token_cache_find(cache, key, 1000));
    assert_null(token_cache_find(cache, other, 0));   /* same slot, another token */
    token_cache_add(cache, other, holder("ben", time(NULL) + 100), 1000);
    assert_string_equal(token_cache_find(cache, other, 0)->account, "ben");
    assert_null(token_cache_find(cache, key, 0));
    token_cache_add(cache, key, holder("anna", time(NULL) - 1), 1000);   /* expired in between */
    assert_null(token_cache_find(cache, key, 0));
}

static void test_access_copy_principal_outlives_the_original(void **state)
{
    struct principal *original = holder("anna", 12345);
    struct principal *copy = access_copy_principal(*state, original);
    talloc_free(original);
    assert_string_equal(copy->token, "token");
    assert_string_equal(copy->account, "anna");
    assert_string_equal(copy->study, "demo");
    assert_int_equal(copy->site_count, 1);
    assert_int_equal(copy->sites[0], 7);
    assert_int_equal(copy->expires_at, 12345);
}

static void test_access_allow_judges_study_before_role(void **state)
{
    static const struct route here = {"GET", "/{study}/cuts", ROLE_STATISTICIAN, 0, HANDLE_ON_LOOP, NULL};
    static const struct route open = {"GET", "/{study}/cuts", ROLE_EVERYONE, 0, HANDLE_ON_LOOP, NULL};
    static const struct {
        const struct route *route;
        const char *study;
        int status;
    } cases[] = {{&open, "demo", 0}, {&here, "demo", 403}, {&open, "other", 404}, {&here, "other", 404}};
    const char *other_study = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct exchange *exchange = memory_new(*state, struct exchange);
        exchange->route = cases[i].route;
        exchange->parameters[0] = cases[i].study;
        exchange->principal = talloc_steal(exchange, holder("anna", 0));
        assert_int_equal(access_allow(exchange), cases[i].status == 0);
        assert_int_equal(exchange->status, cases[i].status);
        if (cases[i].status == 404 && other_study != NULL)
            assert_string_equal(exchange->reply->bytes, other_study);
        if (cases[i].status == 404)
            other_study = exchange->reply->bytes;
    }
}

static void test_access_allow_finds_the_study_in_the_query_of_uploads(void **state)
{
    static const struct route route = {"GET", "/api/v1/uploads/{id}", ROLE_EVERYONE, 0, HANDLE_ON_LOOP, NULL};
    static const struct route elsewhere = {"GET", "/api/v1/me", ROLE_EVERYONE, 0, HANDLE_ON_LOOP, NULL};
    static const struct {
        const struct route *route;
        const char *named, *bound;
        int status;
    } cases[] = {
        {&route, "demo", "demo", 0},     {&route, NULL, "demo", 0}, {&route, "other", "demo", 404},
        {&route, "demo", NULL, 404},     {&route, NULL, NULL, 400}, {&elsewhere, "other", "demo", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct exchange *exchange = memory_new(*state, struct exchange);
        struct principal *principal = talloc_steal(exchange, holder("anna", 0));
        const struct query_parameter study = {"study", cases[i].named};
        principal->study = cases[i].bound != NULL ? principal->study : NULL;
        exchange->route = cases[i].route;
        exchange->query = &study;
        exchange->query_count = cases[i].named != NULL;
        exchange->principal = principal;
        assert_int_equal(access_allow(exchange), cases[i].status == 0);
        assert_int_equal(exchange->status, cases[i].status);
    }
}

/* ---- replies of handlers ---- */

static void test_exchange_add_header_replaces_and_defuses(void **state)
{
    struct exchange *exchange = memory_new(*state, struct exchange);
    exchange_add_header(exchange, "ETag", "\"1\"");
    exchange_add_header(exchange, "etag", "\"2\"\r\nSet-Cookie: a=b");
    assert_int_equal(exchange->reply_header_count, 1);
    assert_string_equal(exchange->reply_headers[0].value, "\"2\"??Set-Cookie: a=b");
    for (int i = 0; i < 2 * EXCHANGE_REPLY_HEADERS; i++)
        exchange_add_header(exchange, memory_format(*state, "X-%d", i), "1");
    assert_int_equal(exchange->reply_header_count, EXCHANGE_REPLY_HEADERS);
}

/* ---- addresses ---- */

static struct address *take(struct address_table *table, const char *text, size_t limit)
{
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
        return address_take(table, (struct sockaddr *)&four, limit);
    assert_int_equal(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
    return address_take(table, (struct sockaddr *)&six, limit);
}

static void test_address_take_limits_each_client(void **state)
{
    static const struct {
        const char *first, *second;
        bool same;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"2001:db8::1", "2001:db8::2", true},
        {"2001:db8::1", "2001:db8:0:1::1", false},
        {"::ffff:192.0.2.1", "192.0.2.1", true},
        {"::1", "::1", true},
        {"::1", "::2", false},
        {"::1", "0.0.0.1", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct address_table *table = address_table_new(*state);
        struct address *first = take(table, cases[i].first, 1);
        assert_non_null(first);
        struct address *second = take(table, cases[i].second, 1);
        if ((second == NULL) != cases[i].same)
            fail_msg("%s and %s", cases[i].first, cases[i].second);
        address_release(table, first);
        assert_true(second != NULL || take(table, cases[i].second, 1) != NULL);
    }
}

#define ACCESS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        ACCESS_TEST(test_access_read_token_takes_bearer_tokens_only),
        ACCESS_TEST(test_token_cache_find_knows_a_token_until_its_time),
        ACCESS_TEST(test_access_copy_principal_outlives_the_original),
        ACCESS_TEST(test_access_allow_judges_study_before_role),
        ACCESS_TEST(test_access_allow_finds_the_study_in_the_query_of_uploads),
        ACCESS_TEST(test_exchange_add_header_replaces_and_defuses),
        ACCESS_TEST(test_address_take_limits_each_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
