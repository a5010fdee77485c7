/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Profiles of sites through the API: versions that stay, faults with their line, whose they are, what they do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/openapi.h"
#include "tests/support/upload_run.h"

#define PROFILES DEMO "/upload-profiles"
#define HEAD(name) "profile: " name "\nversion: 1\n"

static struct client_reply *add_as(struct registry *registry, const char *token, const char *type, const char *query,
                                   const char *yaml)
{
    struct client *client = client_new(registry, registry->daemon, token);
    const char *path = memory_format(registry, PROFILES "%s", query);
    client_add_header(client, memory_format(registry, "Content-Type: %s", type));
    struct client_reply *reply = client_send_typed(client, path, yaml);
    openapi_assert_reply("POST", path, reply);
    return reply;
}

static struct client_reply *add(struct registry *registry, const char *token, const char *query, const char *yaml)
{
    return add_as(registry, token, "application/yaml", query, yaml);
}

static void assert_added(const struct client_reply *reply, const char *name, int version)
{
    assert_status(reply, 201);
    assert_string_equal(json_text_at(reply->json, "name"), name);
    assert_int_equal(json_number_at(reply->json, "version"), version);
}

static struct client_reply *show(struct registry *registry, const char *token, const char *rest)
{
    return api_get(registry, token, memory_format(registry, PROFILES "/%s", rest));
}

static void test_profile_stays_in_all_its_versions(void **state)
{
    struct registry *registry = *state;
    static const char one[] = HEAD("clinic") "knee: right\n", two[] = HEAD("clinic") "knee: left # the other one\n";
    struct client_reply *first = add(registry, "coordinator1", "?site=1", one);
    assert_added(first, "clinic", 1);
    assert_string_equal(json_text_at(first->json, "added_by"), "coordinator1");
    const char *sha256 = memory_copy_string(registry, json_text_at(first->json, "sha256"));
    assert_added(add(registry, "coordinator1", "?site=1", one), "clinic", 1);
    assert_added(add(registry, "data_manager", "?site=1", two), "clinic", 2);
    struct client_reply *newest = show(registry, "coordinator1", "clinic?site=1");
    assert_status(newest, 200);
    assert_string_equal(newest->body, two);
    assert_string_equal(newest->type, "application/yaml");
    assert_string_equal(client_header(newest, "X-Profile-Version"), "2");
    struct client_reply *older = show(registry, "coordinator1", "clinic?site=1&version=1");
    assert_string_equal(older->body, one);
    assert_string_equal(client_header(older, "ETag"), memory_format(registry, "\"%s\"", sha256));
    assert_problem(show(registry, "coordinator1", "clinic?site=1&version=3"), 404, "not_found");
    assert_problem(show(registry, "coordinator1", "clinics?site=1"), 404, "not_found");
    assert_problem(show(registry, "coordinator1", "clinic?site=1&version=0"), 400, "invalid_parameter");
}

static void test_profile_that_does_not_fit_is_refused_with_its_lines(void **state)
{
    struct registry *registry = *state;
    static const struct {
        const char *yaml, *says;
    } cases[] = {
        {HEAD("bad") "kneee: right\n", "line 3"},
        {HEAD("bad") "columns:\n  A: koos.p99\n  B: nothing.p1\n", "line 5"},
        {HEAD("bad") "visits: {E1: M99}\n", "M99"},
        {"profile: bad\n", "version"},
        {"[", "not YAML"},
        {HEAD("bad") "knee: \xff\n", "UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct client_reply *reply = add(registry, "coordinator1", "?site=1", cases[i].yaml);
        assert_problem(reply, 422, "invalid");
        if (strstr(json_text_at(reply->json, "detail"), cases[i].says) == NULL)
            fail_msg("%s is not said: %s", cases[i].says, reply->body);
    }
    assert_problem(add_as(registry, "coordinator1", "text/csv", "?site=1", HEAD("bad")), 415, "wrong_type");
    assert_problem(add(registry, "coordinator1", "?version=1", HEAD("bad")), 400, "invalid_parameter");
    assert_problem(show(registry, "coordinator1", "bad?site=1"), 404, "not_found");
}

/* A site sees its own and the study's; its own stands before the study's of the same name. */
static void test_profile_is_of_a_site_or_of_the_study(void **state)
{
    struct registry *registry = *state;
    static const char all[] = HEAD("shared") "knee: left\n", own[] = HEAD("shared") "knee: right\n";
    assert_problem(add(registry, "coordinator1", "", all), 404, "not_found");
    assert_problem(add(registry, "coordinator1", "?site=2", own), 404, "not_found");
    struct client_reply *added = add(registry, "data_manager", "", all);
    assert_added(added, "shared", 1);
    assert_true(json_is_null(json_object_get(added->json, "site")));
    assert_string_equal(show(registry, "coordinator1", "shared?site=1")->body, all);
    assert_added(add(registry, "coordinator1", "?site=1", own), "shared", 1);
    assert_string_equal(show(registry, "coordinator1", "shared?site=1")->body, own);
    assert_string_equal(show(registry, "coordinator2", "shared?site=2")->body, all);
    assert_added(add(registry, "data_manager", "?site=3", HEAD("third")), "third", 1);
    struct client_reply *listed = api_get(registry, "coordinator1", PROFILES);
    assert_status(listed, 200);
    assert_null(strstr(listed->body, "\"third\""));
    assert_non_null(strstr(listed->body, "\"name\":\"shared\",\"version\":1,\"site\":null"));
    assert_non_null(strstr(listed->body, "\"name\":\"shared\",\"version\":1,\"site\":1"));
    assert_problem(show(registry, "coordinator1", "third?site=3"), 404, "not_found");
}

/* A file is read as the version says that it is sent with; the newest, when none is named. */
static void test_upload_is_read_by_the_version_that_it_names(void **state)
{
    struct registry *registry = *state;
    static const char csv[] = "subject;date;visit;vas\n01-0001;02/03/2024;BL;20\n";
    registry_enrol(registry, "coordinator1", "01-0001");
    assert_added(add(registry, "coordinator1", "?site=1", HEAD("dates") "knee: right\ndates: dmy\n"), "dates", 1);
    assert_added(add(registry, "coordinator1", "?site=1", HEAD("dates") "knee: right\ndates: mdy\n"), "dates", 2);
    static const struct {
        const char *query, *date;
        int version;
    } cases[] = {{"&profile_version=1", "2024-03-02", 1}, {"", "2024-02-03", 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *query = memory_format(registry, "site=1&form=pain_vas&profile=dates%s&commit=all-or-nothing&reason="
                                          "the+paper+says+so", cases[i].query);
        const char *id = upload_to(registry, "coordinator1", query, csv, "committed");
        struct client_reply *reply = upload_get(registry, "coordinator1", id);
        assert_string_equal(json_text_at(reply->json, "receipt.profile.name"), "dates");
        assert_int_equal(json_number_at(reply->json, "receipt.profile.version"), cases[i].version);
        assert_int_equal(count_submissions(registry, memory_format(registry, "WHERE form = 'pain_vas' AND version = %d "
                                                                   "AND dated = '%s'", cases[i].version,
                                                                   cases[i].date)), 1);
    }
    assert_problem(upload_send(registry, "coordinator1", "site=1&form=pain_vas&profile=dates&profile_version=3", csv),
                   422, "unknown_profile");
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_profile_stays_in_all_its_versions),
        cmocka_unit_test(test_profile_that_does_not_fit_is_refused_with_its_lines),
        cmocka_unit_test(test_profile_is_of_a_site_or_of_the_study),
        cmocka_unit_test(test_upload_is_read_by_the_version_that_it_names),
    };
    return cmocka_run_group_tests_name("upload_profiles", tests, registry_setup, registry_teardown);
}
