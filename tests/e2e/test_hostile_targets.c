/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Targets that no client of ours would send: every parameter that collector/openapi.yaml names, with values that it
 * must not have; paths, methods and identifiers of every odd kind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/exchange.h"
#include "forms/base/memory.h"
#include "tests/support/openapi.h"
#include "tests/support/raw_api.h"
#include "tests/support/registry.h"

#define UUID "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"

static const struct raw_wanted bad_parameter = {400, "invalid_parameter", NULL};
static const struct raw_wanted not_found = {404, "not_found", NULL};
static const struct raw_wanted fine = {200, NULL, NULL};

static struct raw_api *api_of(struct registry *registry, const char *token)
{
    return raw_api_new(registry, registry->daemon, token);
}

/* ---- parameters of the query ---- */

/* The path of a pattern, with something that is there in place of each parameter. */
static const char *example_path(const void *owner, const char *pattern)
{
    static const struct {
        const char *name, *value;
    } examples[] = {
        {"{study}", "demo"}, {"{form}", "koos"}, {"{subject}", "01-0001"}, {"{id}", UUID}, {"{report}", UUID},
        {"{name}", "report.html"}, {"{query}", UUID}, {"{redaction}", UUID}, {"{entry}", UUID},
        {"{account}", "coordinator1"}, {"{number}", "1"}, {"{review}", UUID}, {"{token}", UUID}, {"{request}", UUID},
        {"{folder}", "vendor"}, {"{subfolder}", "licenses"},
        {"{draft}", UUID}, {"{link}", UUID},
    };
    struct text *path = text_new(owner);
    while (*pattern != '\0') {
        size_t literal = strcspn(pattern, "{");
        text_append_bytes(path, pattern, literal);
        pattern += literal;
        if (*pattern == '\0')
            break;
        size_t i = 0;
        while (i < sizeof examples / sizeof examples[0] &&
               strncmp(examples[i].name, pattern, strlen(examples[i].name)) != 0)
            i++;
        if (i == sizeof examples / sizeof examples[0])
            fail_msg("there is no example of the parameter %s: add one", pattern);
        text_append(path, examples[i].value);
        pattern += strlen(examples[i].name);
    }
    return path->bytes;
}

/* A token that may call the operation; NULL where none is needed, or a person has to log in. */
static const char *example_token(const struct yaml *operation)
{
    static const char *const tokens[][2] = {
        {"coordinator", "coordinator"},   {"statistician", "statistician"}, {"administrator", "administrator"},
        {"data_manager", "data_manager"}, {"monitor", "monitor"},           {"investigator", "investigator1"},
        {"statistician_unmasked", "unmasked"},
    };
    const struct yaml *roles = yaml_find(operation, "x-roles");
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++)
        for (size_t j = 0; j < roles->count; j++)
            if (strcmp(roles->children[j]->text, tokens[i][0]) == 0)
                return tokens[i][1];
    return NULL;
}

struct operation {
    struct raw_api *api;
    const char *path;
};

static void send_query(const struct operation *operation, const char *query, const struct raw_wanted *wanted)
{
    char *target = memory_format(operation->api, "%s?%s", operation->path, query);
    raw_api_send(operation->api, target, "GET", target, NULL, wanted);
    talloc_free(target);
}

static void try_value(const struct operation *operation, const char *name, const char *value,
                      const struct raw_wanted *wanted)
{
    char *query = memory_format(operation->api, "%s=%s", name, value);
    send_query(operation, query, wanted);
    talloc_free(query);
}

static void try_integer(const struct operation *operation, const char *name, const struct yaml *schema)
{
    static const char *const wrong[] = {
        "-1", "1e3", "0x10", "99999999999999999999", "-99999999999999999999", "9223372036854775808", "%205", "5%20",
        "%2B5", "+5", "", "%E4%BA%94", "1.0", "1%2C000", "5%0A", "NaN", "true", "5%3B", "0b1", "--5", "%EF%BC%95"};
    const struct yaml *minimum = yaml_find(schema, "minimum"), *maximum = yaml_find(schema, "maximum");
    if (minimum == NULL || maximum == NULL)
        fail_msg("%s: the number %s has no range in the description", operation->path, name);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        try_value(operation, name, wrong[i], &bad_parameter);
    struct raw_wanted range = {400, "invalid_parameter", NULL};
    char *says = memory_format(operation->api, "`%s` is", name), number[24];
    range.says = says;
    snprintf(number, sizeof number, "%lld", atoll(minimum->text) - 1);
    try_value(operation, name, number, &range);
    snprintf(number, sizeof number, "%lld", atoll(maximum->text) + 1);
    try_value(operation, name, number, &range);
    talloc_free(says);
}

static void try_text(const struct operation *operation, const char *name, const struct yaml *schema)
{
    static const char *const undecodable[] = {"%FF", "%C0%80", "%ED%A0%80", "%00", "a%00b", "%0A", "%1B", "%C3", "%7F"};
    static const char *const unfitting[] = {"", "%20", "07-0012x", "latest%20", "../..", "%27%3B--", "999999-1"};
    for (size_t i = 0; i < sizeof undecodable / sizeof undecodable[0]; i++)
        try_value(operation, name, undecodable[i], &bad_parameter);
    bool free_text = yaml_find(schema, "pattern") == NULL && yaml_find(schema, "enum") == NULL &&
                     yaml_find(schema, "format") == NULL;
    for (size_t i = 0; i < sizeof unfitting / sizeof unfitting[0]; i++)
        try_value(operation, name, unfitting[i], free_text ? &fine : &bad_parameter);
}

static size_t try_parameters(const struct operation *operation, const struct yaml *list)
{
    size_t tried = 0;
    for (size_t i = 0; list != NULL && i < list->count; i++) {
        const struct yaml *parameter = openapi_resolve(list->children[i]);
        if (strcmp(yaml_find(parameter, "in")->text, "query") != 0)
            continue;
        const char *name = yaml_find(parameter, "name")->text;
        const struct yaml *schema = openapi_resolve(yaml_find(parameter, "schema"));
        if (strcmp(yaml_find(schema, "type")->text, "integer") == 0)
            try_integer(operation, name, schema);
        else
            try_text(operation, name, schema);
        char *twice = memory_format(operation->api, "%s=1&%s=1", name, name);
        send_query(operation, twice, &(struct raw_wanted){400, "invalid_parameter", "twice"});
        talloc_free(twice);
        tried++;
    }
    return tried;
}

/* Of every operation that reads: a new parameter is tried as soon as it is described. */
static void test_every_query_parameter_refuses_what_it_must_not_be(void **state)
{
    struct registry *registry = *state;
    size_t tried = 0;
    for (size_t i = 0; i < route_count; i++) {
        const struct route *route = &route_table[i];
        if (strcmp(route->method, "GET") != 0)
            continue;
        const struct yaml *described = openapi_operation(route->method, route->pattern);
        struct operation operation = {.api = api_of(registry, example_token(described))};
        operation.path = example_path(operation.api, route->pattern);
        tried += try_parameters(&operation, yaml_find(described, "parameters"));
        talloc_free(operation.api);
    }
    assert_true(tried >= 14);   /* as many as there were when this was written */
}

/* What is not described is refused, by its name, on every route under /api/v1. */
static void test_unknown_query_parameters_are_refused_everywhere(void **state)
{
    struct registry *registry = *state;
    for (size_t i = 0; i < route_count; i++) {
        const struct route *route = &route_table[i];
        const struct yaml *described = openapi_operation(route->method, route->pattern);
        bool of_person =
            (route->roles & (ROLE_SESSION | ROLE_PARTICIPANT)) != 0 && example_token(described) == NULL;
        bool silent = strcmp(route->method, "HEAD") == 0;   /* a problem is in its status only */
        if (strncmp(route->pattern, "/api/v1/", 8) != 0 || of_person || silent)
            continue;
        struct raw_api *api = api_of(registry, example_token(described));
        struct text *body = NULL;
        if (route->body_limit > 0) {
            body = text_new(api);
            text_append(body, "{}");
        }
        char *target = memory_format(api, "%s?shoe_size=44", example_path(api, route->pattern));
        raw_api_send(api, target, route->method, target, body,
                     &(struct raw_wanted){400, "invalid_parameter", "shoe_size"});
        talloc_free(api);
    }
}

/* Bounds themselves are no offence. */
static void test_query_parameters_at_their_bounds_are_taken(void **state)
{
    static const char *const targets[] = {
        DEMO "/submissions?limit=1", DEMO "/submissions?limit=1000", DEMO "/submissions?limit=0001",
        DEMO "/submissions?subject=9999-999999", DEMO "/submissions?subject=01-0001", DEMO "/submissions?versions=all",
        DEMO "/submissions?", DEMO "/subjects?after=01-0001&limit=5",
        DEMO "/subjects?%6Cimit=5", DEMO "/forms/koos?version=1", "/api/v1/studies/dem%6F/forms",
    };
    struct raw_api *api = api_of(*state, "coordinator");
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
        raw_api_send(api, targets[i], "GET", targets[i], NULL, &fine);
}

static void test_odd_queries_are_refused(void **state)
{
    static const char *const queries[] = {"&", "a&&b", "=1", "limit", "limit&limit=1", "limit=1&", "&limit=1",
                                          "limit=1?limit=2", "limit%3D1", "limit=1;after=2", "LIMIT=1", "limit[]=1"};
    struct raw_api *api = api_of(*state, "coordinator");
    struct operation operation = {.api = api, .path = DEMO "/submissions"};
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        bool bad_target = strchr(queries[i], '[') != NULL;
        bool fits = strcmp(queries[i], "limit=1&") == 0;
        struct raw_wanted wanted = bad_target ? (struct raw_wanted){400, "bad_target", NULL} : bad_parameter;
        send_query(&operation, queries[i], fits ? &fine : &wanted);
    }
    struct text *many = text_new(api);
    for (int i = 0; i < 33; i++)
        text_append_format(many, "%sa%d=1", i > 0 ? "&" : "", i);
    send_query(&operation, many->bytes, &bad_parameter);
    struct text *longest = text_new(api);
    for (int i = 0; i < 7000; i++)
        text_append(longest, "1");
    try_value(&operation, "limit", longest->bytes, &bad_parameter);
    for (int i = 0; i < 2000; i++)
        text_append(longest, "1");
    try_value(&operation, "limit", longest->bytes, &(struct raw_wanted){431, "head_too_large", "8192"});
}

/* ---- paths and methods ---- */

static void test_unknown_paths_are_not_found(void **state)
{
    static const char *const paths[] = {
        "/app/../app/main.js", "/app/./main.js", "/app//main.js", "/app/%6dain.js", "/api", "/api/",
        "/api/v1", "/api/v1/", "/api/v2/studies", "/API/v1/studies", "/api/v1/studies/",
        "/api/v1//studies", "/api/v1/./studies", "/api/v1/studies/../studies", "/api/v1/%2e%2e/v1/studies",
        "/api%2Fv1%2Fstudies", "/api/v1/studies%2Fdemo", DEMO "/", DEMO "/submissions/", DEMO "/submissions/" UUID "/",
        "/..%2f..%2fetc/passwd", "/index.html", "/.git/config", "/healthz/", "/healthz;a=1", "/metrics%00",
        "/healthz%20", "/%68ealthz/x", "/favicon.ico", "/api/v1/studies/demo%2Fforms", "/api/v1/studies//forms",
    };
    struct raw_api *api = api_of(*state, "coordinator");
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        raw_api_send(api, paths[i], "GET", paths[i], NULL, &not_found);
}

/* Of another study as of none: the same words. */
static void test_odd_names_in_paths_are_refused(void **state)
{
    static const struct {
        const char *path;
        int status;
    } cases[] = {
        {"/api/v1/studies/other", 404}, {"/api/v1/studies/..", 404}, {"/api/v1/studies/%2e%2e", 404},
        {"/api/v1/studies/.", 404}, {"/api/v1/studies/DEMO", 404}, {"/api/v1/studies/demo%20", 404},
        {"/api/v1/studies/demo%00", 400}, {"/api/v1/studies/%00", 400}, {"/api/v1/studies/%ff", 400},
        {"/api/v1/studies/%c0%ae%c0%ae", 400}, {"/api/v1/studies/%ed%a0%80", 400}, {"/api/v1/studies/a%0d%0ab", 400},
        {"/api/v1/studies/demo%7f", 400}, {"/api/v1/studies/%E2%80%AEomed", 404}, {"/api/v1/studies/'--", 404},
        {DEMO "/forms/no_such_form", 404}, {DEMO "/forms/%2e%2e%2fkoos", 404}, {DEMO "/forms/koos?version=9999", 404},
        {DEMO "/forms/koos?language=de", 404}, {DEMO "/forms/koos?language=de'--", 400},
        {DEMO "/forms/koos?language=DE", 400}, {DEMO "/forms/koos?language=de&language=de", 400},
        {DEMO "/subjects/01-9999", 404}, {DEMO "/subjects/0-0", 404}, {DEMO "/subjects/00-0001", 404},
        {DEMO "/subjects/1-1", 404}, {DEMO "/subjects/99999-1", 404}, {DEMO "/subjects/99999-0001", 404},
        {DEMO "/subjects/01-1000000", 404}, {DEMO "/subjects/001-0001", 404}, {DEMO "/subjects/01-00001", 404},
        {DEMO "/subjects/01-0000", 404}, {DEMO "/subjects/-01-0001", 404}, {DEMO "/subjects/01_0001", 404},
        {DEMO "/subjects/%EF%BC%91%EF%BC%91-0001", 404}, {DEMO "/subjects/01-0001%00", 400},
        {DEMO "/submissions/" UUID, 404}, {DEMO "/submissions/0190A1B2-C3D4-7E5F-8A9B-0C1D2E3F4A5B", 404},
        {DEMO "/submissions/0190a1b2c3d47e5f8a9b0c1d2e3f4a5b", 404}, {DEMO "/submissions/" UUID "0", 404},
        {DEMO "/submissions/%7B" UUID "%7D", 404}, {DEMO "/submissions/urn:uuid:" UUID, 404},
        {DEMO "/submissions/0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5", 404},
        {DEMO "/submissions/0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5g", 404},
        {DEMO "/submissions/0190a1b2_c3d4_7e5f_8a9b_0c1d2e3f4a5b", 404}, {DEMO "/submissions/1", 404},
        {DEMO "/submissions/00000000-0000-0000-0000-000000000000", 404},
        {DEMO "/submissions/ffffffff-ffff-ffff-ffff-ffffffffffff", 404},
    };
    struct raw_api *api = api_of(*state, "coordinator");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        raw_api_send(api, cases[i].path, "GET", cases[i].path, NULL,
                     cases[i].status == 404 ? &not_found : &bad_parameter);
}

/* A UUID has no case: the record is found in both writings. */
static void test_identifiers_are_found_in_upper_case(void **state)
{
    struct registry *registry = *state;
    struct raw_api *api = api_of(registry, "coordinator");
    registry_enrol(registry, "coordinator", "01-0042");
    assert_status(api_submit(registry, "coordinator",
                             registry_pain(registry, "0190ABCD-c3d4-7e5f-8a9b-0c1d2e3f4a5b", "01-0042", 3, "")), 201);
    raw_api_send(api, "upper case", "GET", DEMO "/submissions/0190ABCD-C3D4-7E5F-8A9B-0C1D2E3F4A5B", NULL, &fine);
    raw_api_send(api, "lower case", "GET", DEMO "/submissions/0190abcd-c3d4-7e5f-8a9b-0c1d2e3f4a5b", NULL, &fine);
}

static void test_paths_that_are_too_long_are_refused(void **state)
{
    struct raw_api *api = api_of(*state, "coordinator");
    struct text *path = text_new(api);
    text_append(path, "/api/v1/studies/");
    for (int i = 0; i < 7900; i++)
        text_append(path, "a");
    raw_api_send(api, "7,900 bytes", "GET", path->bytes, NULL, &not_found);
    for (int i = 0; i < 300; i++)
        text_append(path, "a");
    raw_api_send(api, "8,200 bytes", "GET", path->bytes, NULL, &(struct raw_wanted){431, "head_too_large", NULL});
    assert_false(raw_api_is_open(api));
}

/* Every route, with every method that it does not have: 405, and Allow names those that it has. */
static void test_other_methods_are_refused_with_those_that_are_there(void **state)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    struct raw_api *api = api_of(*state, "coordinator");
    for (size_t i = 0; i < route_count; i++) {
        const char *path = example_path(api, route_table[i].pattern);
        for (size_t j = 0; j < sizeof methods / sizeof methods[0]; j++) {
            const bool carries = methods[j][0] == 'P';
            struct text *body = text_new(api);
            const char *first = NULL;
            bool there = false;
            for (size_t k = 0; k < route_count; k++) {
                if (strcmp(route_table[k].pattern, route_table[i].pattern) != 0)
                    continue;
                there = there || strcmp(route_table[k].method, methods[j]) == 0;
                first = first != NULL ? first : route_table[k].method;
            }
            first = strcmp(first, "GET") == 0 ? "GET, HEAD" : first;
            if (!there)
                raw_api_send(api, memory_format(api, "%s %s", methods[j], path), methods[j], path,
                             carries ? body : NULL, &(struct raw_wanted){405, "method_not_allowed", first});
        }
    }
}

static void test_methods_that_are_unknown_are_not_implemented(void **state)
{
    static const char *const methods[] = {"TRACE", "BREW", "get", "Get", "PROPFIND", "GETT", "GE", "M-SEARCH", "PRI"};
    struct raw_api *api = api_of(*state, "coordinator");
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        raw_api_send(api, methods[i], methods[i], "/healthz", NULL, &(struct raw_wanted){501, "unknown_method", NULL});
    raw_api_send(api, "CONNECT", "CONNECT", "localhost:443", NULL, &(struct raw_wanted){400, "bad_target", NULL});
    raw_api_send(api, "OPTIONS *", "OPTIONS", "*", NULL, &(struct raw_wanted){400, "bad_target", NULL});
}

/* ---- tokens ---- */

static void test_odd_authorizations_are_refused(void **state)
{
    static const char *const headers[] = {
        "", "Authorization: \r\n", "Authorization: Bearer\r\n", "Authorization: Bearer \r\n",
        "Authorization: Basic Y29vcmRpbmF0b3I6\r\n", "Authorization: coordinator\r\n",
        "Authorization: Bearer coordinator coordinator\r\n", "Authorization: Bearer coordinator,Bearer x\r\n",
        "Authorization: Bearercoordinator\r\n", "Authorization: Bearer \"coordinator\"\r\n",
        "Authorization: Bearer coordinator\xC3\xA4\r\n", "Cookie: token=coordinator\r\n",
        "Proxy-Authorization: Bearer coordinator\r\n",
    };
    static const char *const unknown[] = {"nobody", "revoked", "coordinato", "coordinatorr", "COORDINATOR", "'--", "="};
    struct raw_api *api = api_of(*state, NULL);
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        char *request = memory_format(api, "GET " DEMO " HTTP/1.1\r\nHost: localhost\r\n%s\r\n", headers[i]);
        raw_api_expect(api, headers[i], request, strlen(request), &(struct raw_wanted){401, "no_token", NULL});
    }
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        struct raw_api *other = api_of(*state, unknown[i]);
        bool is_token = strchr(unknown[i], '\'') == NULL;
        raw_api_send(other, unknown[i], "GET", DEMO, NULL,
                     &(struct raw_wanted){401, is_token ? "bad_token" : "no_token", NULL});
        talloc_free(other);
    }
    static const char twice[] = "GET " DEMO " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer coordinator\r\n"
                                "authorization: Bearer machine1\r\n\r\n";
    raw_api_expect(api, "twice", twice, sizeof twice - 1, &(struct raw_wanted){400, "duplicate_header", "line 4"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_query_parameter_refuses_what_it_must_not_be),
        cmocka_unit_test(test_unknown_query_parameters_are_refused_everywhere),
        cmocka_unit_test(test_query_parameters_at_their_bounds_are_taken),
        cmocka_unit_test(test_odd_queries_are_refused),
        cmocka_unit_test(test_unknown_paths_are_not_found),
        cmocka_unit_test(test_odd_names_in_paths_are_refused),
        cmocka_unit_test(test_identifiers_are_found_in_upper_case),
        cmocka_unit_test(test_paths_that_are_too_long_are_refused),
        cmocka_unit_test(test_other_methods_are_refused_with_those_that_are_there),
        cmocka_unit_test(test_methods_that_are_unknown_are_not_implemented),
        cmocka_unit_test(test_odd_authorizations_are_refused),
    };
    memory_init();
    return cmocka_run_group_tests(tests, registry_setup, registry_teardown);
}
