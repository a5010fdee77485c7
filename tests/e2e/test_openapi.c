/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * collector/openapi.yaml against the route table.  Statuses and fields are held against the running daemon by
 * every other test of the API: api_send checks each reply (tests/support/openapi.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "collector/exchange.h"
#include "collector/openapi.h"
#include "collector/problem_details.h"
#include "collector/roles.h"
#include "forms/base/memory.h"
#include "tests/support/openapi.h"

static unsigned described_roles(const struct yaml *operation)
{
    const struct yaml *list = yaml_find(operation, "x-roles");
    unsigned found = 0;
    assert_non_null(list);
    for (size_t i = 0; i < list->count; i++) {
        const char *name = list->children[i]->text;
        enum role role = strcmp(name, "session") == 0       ? ROLE_SESSION
                         : strcmp(name, "participant") == 0 ? ROLE_PARTICIPANT
                                                            : role_from_name(name);
        assert_int_not_equal(role, ROLE_ANYONE);
        found |= role;
    }
    return found;
}

static void test_every_route_is_described(void **state)
{
    (void)state;
    for (size_t i = 0; i < route_count; i++) {
        const struct route *route = &route_table[i];
        const struct yaml *operation = openapi_operation(route->method, route->pattern);
        if (operation == NULL)
            fail_msg("%s %s is not described", route->method, route->pattern);
        if (described_roles(operation) != route->roles)
            fail_msg("%s %s: roles are not those of the route table", route->method, route->pattern);
        bool open = yaml_find(operation, "security") != NULL;
        assert_int_equal(open, route->roles == ROLE_ANYONE);
        assert_int_equal(yaml_find(operation, "requestBody") != NULL, route->body_limit > 0);
        assert_non_null(yaml_find(yaml_find(operation, "responses"), "default"));
    }
}

static const struct route *find_route(const char *method, const char *pattern)
{
    for (size_t i = 0; i < route_count; i++)
        if (strcasecmp(route_table[i].method, method) == 0 && strcmp(route_table[i].pattern, pattern) == 0)
            return &route_table[i];
    return NULL;
}

static void test_every_operation_is_a_route(void **state)
{
    (void)state;
    size_t operations = 0;
    const struct yaml *paths = yaml_find(openapi_document(), "paths");
    for (size_t i = 0; i < paths->count; i++) {
        const struct yaml *path = paths->children[i];
        for (size_t j = 0; j < path->count; j++) {
            const char *method = path->children[j]->key;
            if (strcmp(method, "parameters") == 0)
                continue;
            operations++;
            if (find_route(method, path->key) == NULL)
                fail_msg("%s %s is no route", method, path->key);
        }
    }
    assert_int_equal(operations, route_count);
}

/* Whether a parameter of that name and place is listed for a path or an operation. */
static bool lists_parameter(const struct yaml *node, const char *name, const char *place)
{
    const struct yaml *list = yaml_find(node, "parameters");
    for (size_t i = 0; list != NULL && i < list->count; i++) {
        const struct yaml *parameter = openapi_resolve(list->children[i]);
        if (strcmp(yaml_find(parameter, "name")->text, name) == 0 &&
            strcmp(yaml_find(parameter, "in")->text, place) == 0)
            return true;
    }
    return false;
}

static void test_every_parameter_of_a_path_is_described(void **state)
{
    (void)state;
    const struct yaml *paths = yaml_find(openapi_document(), "paths");
    for (size_t i = 0; i < paths->count; i++) {
        const char *at = paths->children[i]->key;
        while ((at = strchr(at, '{')) != NULL) {
            char name[32];
            assert_int_equal(sscanf(at, "{%31[^}]}", name), 1);
            if (!lists_parameter(paths->children[i], name, "path"))
                fail_msg("%s: {%s} is not described", paths->children[i]->key, name);
            at++;
        }
    }
}

static void test_every_problem_code_is_described(void **state)
{
    (void)state;
    const struct yaml *schemas = yaml_find(yaml_find(openapi_document(), "components"), "schemas");
    const struct yaml *properties = yaml_find(yaml_find(schemas, "Problem"), "properties");
    const struct yaml *codes = yaml_find(yaml_find(properties, "code"), "enum");
    assert_non_null(codes);
    size_t count = 0;
    while (problem_details_code(count) != NULL)
        count++;
    assert_int_equal(codes->count, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(codes->children[i]->text, problem_details_code(i));
}

static void assert_references(const struct yaml *node)
{
    openapi_resolve(node);   /* fails the test when it points nowhere */
    for (size_t i = 0; i < node->count; i++)
        assert_references(node->children[i]);
}

static void test_every_reference_points_somewhere(void **state)
{
    (void)state;
    assert_references(openapi_document());
}

static void test_openapi_yaml_inside_the_program_is_the_file(void **state)
{
    (void)state;
    struct error error;
    size_t length = 0;
    void *owner = memory_owner(NULL, "test");
    char *file = text_read_file(owner, "collector/openapi.yaml", 1 << 20, &length, &error);
    assert_non_null(file);
    assert_int_equal(openapi_yaml_length, length);
    assert_memory_equal(openapi_yaml, file, length);
    talloc_free(owner);
}

/* The checker of replies must be able to fail: replies that the description does not allow. */
static void test_openapi_check_finds_what_is_not_described(void **state)
{
    static const struct {
        const char *label, *method, *path;
        int status;
        const char *type, *body;
        bool described;
    } cases[] = {
        {"as described", "GET", "/healthz", 200, "application/json", "{\"status\":\"alive\"}", true},
        {"unknown path", "GET", "/nowhere", 200, "application/json", "{\"status\":\"alive\"}", false},
        {"unknown method", "POST", "/healthz", 200, "application/json", "{\"status\":\"alive\"}", false},
        {"other media type", "GET", "/healthz", 200, "text/html", "alive", false},
        {"missing field", "GET", "/healthz", 200, "application/json", "{}", false},
        {"further field", "GET", "/healthz", 200, "application/json", "{\"status\":\"alive\",\"x\":1}",
         false},
        {"other type", "GET", "/healthz", 200, "application/json", "{\"status\":1}", false},
        {"not in enum", "GET", "/healthz", 200, "application/json", "{\"status\":\"asleep\"}", false},
        {"in a list", "GET", "/api/v1/studies", 200, "application/json",
         "{\"studies\":[{\"study\":\"demo\"}]}", false},
        {"no success as default", "GET", "/healthz", 204, "application/json", "{\"status\":\"alive\"}",
         false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client_reply reply = {.status = cases[i].status, .type = cases[i].type, .body = cases[i].body,
                                     .length = strlen(cases[i].body)};
        reply.json = json_loads(cases[i].body, 0, NULL);
        const char *finding = openapi_check_reply(cases[i].method, cases[i].path, &reply);
        if ((finding == NULL) != cases[i].described)
            fail_msg("%s: %s", cases[i].label, finding != NULL ? finding : "nothing found");
        json_decref(reply.json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_route_is_described),
        cmocka_unit_test(test_every_operation_is_a_route),
        cmocka_unit_test(test_every_parameter_of_a_path_is_described),
        cmocka_unit_test(test_every_problem_code_is_described),
        cmocka_unit_test(test_every_reference_points_somewhere),
        cmocka_unit_test(test_openapi_yaml_inside_the_program_is_the_file),
        cmocka_unit_test(test_openapi_check_finds_what_is_not_described),
    };
    memory_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
