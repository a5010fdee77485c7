/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signing by people: with password and second factor for the first, one of them for each that follows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/people.h"

#define CONFIRM "/api/v1/session/confirm"

static int setup(void **state)
{
    *state = people_registry_new(NULL, NULL);
    return 0;
}

/* A subject with a record; the address of its newest version, whose id is `id`. */
static const char *add_record(struct registry *registry, const char *subject, const char *id)
{
    registry_enrol(registry, "coordinator1", subject);
    assert_status(api_submit(registry, "coordinator1", registry_pain(registry, id, subject, 10, "")), 201);
    return memory_format(registry, DEMO "/submissions/%s", id);
}

static const char *signature_of(struct registry *registry, const char *path, const char *meaning)
{
    struct client_reply *shown = api_get(registry, "monitor", path);
    assert_status(shown, 200);
    return memory_format(registry, "{\"signature\":\"%s\",\"sha256\":\"%s\",\"meaning\":\"%s\"}",
                         registry_new_id(registry), json_text_at(shown->json, "sha256"), meaning);
}

static struct client_reply *sign(struct registry *registry, const char *token, const char *path, const char *body)
{
    return api_send(registry, token, "POST", memory_format(registry, "%s/sign", path), body);
}

/* The session's new token after it was confirmed with what `members` holds. */
static const char *confirm(struct registry *registry, const char *token, const char *members)
{
    struct client_reply *reply = api_send(registry, token, "POST", CONFIRM, members);
    assert_status(reply, 200);
    return memory_copy_string(registry, json_text_at(reply->json, "token"));
}

static const char *both_factors(struct registry *registry, struct person *person)
{
    return memory_format(registry, "{\"password\":\"" PEOPLE_PASSWORD "\",\"code\":\"%s\"}", people_next_code(person));
}

static void test_signature_takes_a_confirmation_each_time(void **state)
{
    struct registry *registry = *state;
    struct person *person = people_join(registry, "ines", "\"role\":\"investigator\",\"sites\":[1]");
    const char *path = add_record(registry, "01-0801", registry_new_id(registry));
    const char *first = signature_of(registry, path, "authorship"), *second = signature_of(registry, path, "approval");
    const char *token = people_log_in(person);
    assert_problem(sign(registry, token, path, first), 403, "not_confirmed");
    token = confirm(registry, token, both_factors(registry, person));
    assert_status(sign(registry, token, path, first), 200);
    assert_problem(sign(registry, token, path, second), 403, "not_confirmed");
    assert_status(sign(registry, token, path, first), 200);     /* sent again: no second signature */
    token = confirm(registry, token, "{\"password\":\"" PEOPLE_PASSWORD "\"}");
    assert_status(sign(registry, token, path, second), 200);
    assert_string_equal(test_value(registry->db, "SELECT string_agg(recorded_by || ' ' || meaning, ', ' "
                                   "ORDER BY recorded_at) FROM core.signature"), "ines authorship, ines approval");
}

/* What is refused for another reason leaves the confirmation for the next try. */
static void test_signature_refused_uses_no_confirmation_up(void **state)
{
    struct registry *registry = *state;
    struct person *person = people_join(registry, "jana", "\"role\":\"investigator\",\"sites\":[1]");
    const char *path = add_record(registry, "01-0802", registry_new_id(registry));
    const char *token = people_log_in(person);
    token = confirm(registry, token, both_factors(registry, person));
    const char *wrong = memory_format(registry, "{\"signature\":\"%s\",\"sha256\":\"%064d\",\"meaning\":\"review\"}",
                                      registry_new_id(registry), 0);
    assert_problem(sign(registry, token, path, wrong), 409, "content_differs");
    assert_status(sign(registry, token, path, signature_of(registry, path, "review")), 200);
}

static void test_signature_of_another_site_is_of_nothing(void **state)
{
    struct registry *registry = *state;
    struct person *person = people_join(registry, "kai", "\"role\":\"investigator\",\"sites\":[2]");
    const char *path = add_record(registry, "01-0803", registry_new_id(registry));
    const char *token = people_log_in(person);
    token = confirm(registry, token, both_factors(registry, person));
    assert_problem(sign(registry, token, path, signature_of(registry, path, "review")), 404, "not_found");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signature_takes_a_confirmation_each_time),
        cmocka_unit_test(test_signature_refused_uses_no_confirmation_up),
        cmocka_unit_test(test_signature_of_another_site_is_of_nothing),
    };
    memory_init();
    return cmocka_run_group_tests(tests, setup, registry_teardown);
}
