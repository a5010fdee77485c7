/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening the allocation through the API: requests, approval, and what an investigator is shown in an emergency. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/registry.h"

#define OTHER "/api/v1/studies/other"
#define ID "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5d"
#define BODY "{\"request\":\"" ID "\",\"reason\":\"interim analysis\"}"
#define SUBJECT OTHER "/subjects/01-0001/unblindings"

/* People of the masked study, and a subject of it that is allocated. */
static int set_up(void **state)
{
    static const char *const people[][2] = {{"chief", "administrator"}, {"unmasked_other", "statistician_unmasked"},
                                            {"masked_other", "statistician"}, {"doctor", "investigator"}};
    int status = registry_setup(state);
    struct registry *registry = *state;
    for (size_t i = 0; i < sizeof people / sizeof people[0]; i++)
        test_run(registry->db,
                 memory_format(registry,
                               "SELECT admin.add_account('%1$s', 'Name'); SELECT admin.add_token('%1$s', 'other', "
                               "'%2$s', '{}', sha256('%1$s'), now() + interval '9 days')", people[i][0], people[i][1]));
    test_run(registry->db,
             "SET session_replication_role = replica;"
             "INSERT INTO core.subject (study_id, site_id, subject_no, form, knee, visit, instance, index_knee, "
             "enrolled_on, token_no, recorded_by, recorded_at, xid, era) VALUES (2, 1, 1, 'enrolment', 'none', "
             "'unscheduled', 1, 'left', '2026-01-05', 1, 'anna', now(), pg_current_xact_id(), 1);"
             "SET session_replication_role = origin;"
             "SELECT admin.allocate('other', '{1}', '{1}', '{none}', '{AD-MSC}', NULL)");
    return status;
}

static void test_unblinding_of_a_report_is_approved_by_somebody_else(void **state)
{
    struct registry *registry = *state;
    struct client_reply *cut = api_send(registry, "masked_other", "POST", OTHER "/cuts", "{\"label\":\"first\"}");
    assert_status(cut, 201);
    static const char order[] = "{\"cut\":1,\"unblinding\":\"" ID "\"}";
    struct client_reply *early = api_send(registry, "unmasked_other", "POST", OTHER "/reports", order);
    assert_status(early, 403);
    assert_string_equal(json_text_at(early->json, "code"), "not_approved");

    assert_status(api_send(registry, "unmasked_other", "POST", OTHER "/unblindings", BODY), 200);
    assert_status(api_send(registry, "chief", "POST", OTHER "/unblindings/" ID "/approve", "{}"), 200);
    struct client_reply *list = api_get(registry, "chief", OTHER "/unblindings");
    assert_status(list, 200);
    const json_t *first = json_array_get(json_object_get(list->json, "unblindings"), 0);
    assert_string_equal(json_text_at(first, "state"), "approved");
    assert_string_equal(json_text_at(first, "approved_by"), "chief");

    assert_status(api_send(registry, "masked_other", "POST", OTHER "/reports", order), 403);
    struct client_reply *report = api_send(registry, "unmasked_other", "POST", OTHER "/reports", order);
    assert_status(report, 202);
    const char *path = memory_format(registry, OTHER "/reports/%s", json_text_at(report->json, "report"));
    assert_string_equal(json_text_at(api_get(registry, "unmasked_other", path)->json, "unblinding"), ID);
    assert_status(api_get(registry, "masked_other", path), 403);
}

static void test_unblinding_of_one_subject_takes_two_requests(void **state)
{
    struct registry *registry = *state;
    assert_status(api_send(registry, "doctor", "POST", SUBJECT "/" ID "/reveal", "{}"), 404);
    struct client_reply *blank = api_send(registry, "doctor", "POST", SUBJECT,
                                          "{\"request\":\"" ID "\",\"reason\":\" . .\"}");
    assert_status(blank, 422);
    assert_string_equal(json_text_at(blank->json, "code"), "reason_missing");
    assert_status(api_send(registry, "doctor", "POST", SUBJECT, BODY), 200);
    struct client_reply *shown = api_send(registry, "doctor", "POST", SUBJECT "/" ID "/reveal", "{}");
    assert_status(shown, 200);
    assert_non_null(strstr(shown->body, "\"cohort\":\"AD-MSC\""));
    assert_status(api_send(registry, "doctor", "POST", OTHER "/subjects/01-0002/unblindings", BODY), 404);
    assert_status(api_send(registry, "doctor", "POST", OTHER "/subjects/nobody/unblindings", BODY), 404);
    assert_null(strstr(api_get(registry, "doctor", OTHER "/unblindings")->body, "AD-MSC"));
}

static void test_unblinding_of_an_open_study_is_refused(void **state)
{
    struct registry *registry = *state;
    struct client_reply *reply = api_send(registry, "unmasked", "POST", DEMO "/unblindings", BODY);
    assert_status(reply, 409);
    assert_string_equal(json_text_at(reply->json, "code"), "not_masked");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, registry_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_unblinding_of_a_report_is_approved_by_somebody_else),
        CASE(test_unblinding_of_one_subject_takes_two_requests),
        CASE(test_unblinding_of_an_open_study_is_refused),
    };
    memory_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
