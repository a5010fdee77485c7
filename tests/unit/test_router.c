/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collector/router.h"
#include "forms/base/memory.h"

static const struct route routes[] = {
    {"GET", "/api/v1/studies", ROLE_EVERYONE, 0, HANDLE_ON_WORKER, NULL},
    {"GET", "/api/v1/studies/{study}/subjects", ROLE_EVERYONE, 0, HANDLE_ON_WORKER, NULL},
    {"POST", "/api/v1/studies/{study}/subjects", ROLE_EVERYONE, 10, HANDLE_ON_WORKER, NULL},
    {"GET", "/api/v1/studies/{study}/reports/{report}/files/{name}", ROLE_EVERYONE, 0, HANDLE_ON_WORKER,
     NULL},
    {"GET", "/", ROLE_ANYONE, 0, HANDLE_ON_LOOP, NULL},
    {"HEAD", "/files/{id}", ROLE_ANYONE, 0, HANDLE_ON_LOOP, NULL},
    {"GET", "/files/{id}", ROLE_ANYONE, 0, HANDLE_ON_LOOP, NULL},
    {"PATCH", "/files/{id}", ROLE_ANYONE, 10, HANDLE_IN_PIECES, NULL},
};
static const struct router_table table = {routes, sizeof routes / sizeof *routes};

static struct http_slice slice_of(const char *text)
{
    return (struct http_slice){text, strlen(text)};
}

static void test_router_match_path_finds_route_or_allowed_methods(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path;
        int route;              /* -1: none */
        const char *allow;
        const char *first;      /* first parameter */
    } cases[] = {
        {"GET", "/api/v1/studies", 0, "", NULL},
        {"HEAD", "/api/v1/studies", 0, "", NULL},
        {"GET", "/api/v1/studies/", -1, "", NULL},
        {"GET", "/api/v1/studies//subjects", -1, "", NULL},
        {"GET", "/api/v1/studies/demo/subjects", 1, "", "demo"},
        {"GET", "/api/v1/studies/d%2Fe/subjects", 1, "", "d%2Fe"},
        {"POST", "/api/v1/studies/demo/subjects", 2, NULL, "demo"},
        {"DELETE", "/api/v1/studies/demo/subjects", -1, "GET, HEAD, POST", NULL},
        {"OPTIONS", "/api/v1/studies", -1, "GET, HEAD", NULL},
        {"GET", "/api/v1/studies/demo/subjects/7", -1, "", NULL},
        {"GET", "/api/v1/studies/demo", -1, "", NULL},
        {"GET", "/api/v1/studies/demo/reports/r1/files/a.csv", 3, "", "demo"},
        {"GET", "/api/v1", -1, "", NULL},
        {"GET", "/API/v1/studies", -1, "", NULL},
        {"GET", "/", 4, "", NULL},
        {"POST", "/", -1, "GET, HEAD", NULL},
        {"GET", "/../api/v1/studies", -1, "", NULL},
        {"HEAD", "/files/7", 5, "", "7"},
        {"GET", "/files/7", 6, NULL, "7"},
        {"PATCH", "/files/7", 7, NULL, "7"},
        {"POST", "/files/7", -1, "HEAD, GET, PATCH", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct router_match match;
        router_match(&table, cases[i].method, slice_of(cases[i].path), &match);
        const struct route *expected = cases[i].route >= 0 ? &routes[cases[i].route] : NULL;
        if (match.route != expected || (cases[i].allow != NULL && strcmp(match.allow, cases[i].allow) != 0))
            fail_msg("%s %s: allow '%s'", cases[i].method, cases[i].path, match.allow);
        if (cases[i].first != NULL)
            assert_memory_equal(match.parameters[0].bytes, cases[i].first, match.parameters[0].length);
    }
}

static void test_router_decode_text_is_decoded_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *sent, *decoded;
    } cases[] = {
        {"demo", "demo"}, {"", ""},      {"a%20b", "a b"},    {"a+b", "a+b"},   {"%C3%A4", "\xC3\xA4"},
        {"d%2fe", "d/e"}, {"%00", NULL}, {"a%0Ab", NULL},     {"a%09b", NULL},  {"%7F", NULL},
        {"%FF", NULL},    {"%C3", NULL}, {"%ED%A0%80", NULL}, {"%C0%AF", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *decoded = router_decode(NULL, slice_of(cases[i].sent));
        if (cases[i].decoded == NULL)
            assert_null(decoded);
        else
            assert_string_equal(decoded, cases[i].decoded);
        talloc_free(decoded);
    }
}

static void test_router_read_query_pairs_are_decoded(void **state)
{
    (void)state;
    const struct query_parameter *parameters;
    size_t count;
    void *owner = memory_owner(NULL, "test");
    assert_true(router_read_query(owner, slice_of("a=1&b=x+y%26&c&d=&a=2"), &parameters, &count));
    assert_int_equal(count, 5);
    assert_string_equal(parameters[0].name, "a");
    assert_string_equal(parameters[0].value, "1");
    assert_string_equal(parameters[1].value, "x y&");
    assert_string_equal(parameters[2].name, "c");
    assert_string_equal(parameters[2].value, "");
    assert_string_equal(parameters[3].value, "");
    assert_true(router_read_query(owner, (struct http_slice){NULL, 0}, &parameters, &count));
    assert_int_equal(count, 0);
    talloc_free(owner);
}

static void test_router_read_query_bad_query_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "=1", "a=1&&b=2", "&", "a=%FF", "a%00=1", "a=%0D%0A",
        "1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct query_parameter *parameters;
        size_t count;
        void *owner = memory_owner(NULL, "test");
        if (router_read_query(owner, slice_of(bad[i]), &parameters, &count))
            fail_msg("%s is accepted", bad[i]);
        talloc_free(owner);
    }
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_router_match_path_finds_route_or_allowed_methods),
        cmocka_unit_test(test_router_decode_text_is_decoded_or_refused),
        cmocka_unit_test(test_router_read_query_pairs_are_decoded),
        cmocka_unit_test(test_router_read_query_bad_query_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
