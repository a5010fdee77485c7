/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Refusals that come from the database: each is counted under its code, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/counters.h"
#include "tests/support/registry.h"

#define FIRST_ID "0190a1b2-c3d4-7e5f-8a9b-00000000ffff"
#define AGAIN ",\"version\":2,\"reason\":\"typing error\""

static const char *counters_now(struct registry *registry)
{
    struct client *scraper = client_new(registry, registry->daemon, NULL);
    const char *counters = memory_copy_string(registry, counters_read(scraper));
    talloc_free(scraper);
    return counters;
}

static void assert_counted(struct registry *registry, const char *before, const char *code)
{
    const char *after = counters_now(registry);
    const char *name = memory_format(registry, "patella_problems_total{code=\"%s\"}", code);
    if (counters_value(after, name) != counters_value(before, name) + 1 ||
        counters_sum(after, "patella_problems_total") != counters_sum(before, "patella_problems_total") + 1)
        fail_msg("%s: %lld, then %lld", code, counters_value(before, name), counters_value(after, name));
}

static void test_verdicts_are_counted_by_code(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0001");
    registry_enrol(registry, "coordinator1", "01-0002");
    assert_status(api_submit(registry, "coordinator1", registry_pain(registry, FIRST_ID, "01-0001", 10, "")), 201);
    test_run(registry->db, "SELECT admin.lock_subject('demo', 1, 2, true, 'database lock')");
    const struct {
        const char *token, *body;
        int status;
        const char *code;
    } cases[] = {
        {"coordinator1", registry_pain(registry, NULL, "01-0001", 11, ""), 409, "record_exists"},
        {"coordinator1", registry_pain(registry, FIRST_ID, "01-0001", 12, ""), 409, "uuid_reused"},
        {"coordinator1", registry_pain(registry, NULL, "01-0001", 13,
                                       ",\"version\":3,\"reason\":\"typing error\""), 409, "version_conflict"},
        {"coordinator1", registry_enrolment(registry, NULL, "01-0001"), 409, "subject_exists"},
        {"coordinator1", registry_pain(registry, NULL, "01-0002", 14, ""), 423, "subject_locked"},
        {"coordinator1", registry_pain(registry, NULL, "01-0777", 15, ""), 422, "unknown_subject"},
        {"coordinator1", registry_enrolment(registry, NULL, "02-0777"), 403, "not_allowed"},
        {"statistician", registry_pain(registry, NULL, "01-0001", 16, AGAIN), 403, "not_allowed"},
        {"nobody", registry_pain(registry, NULL, "01-0001", 17, ""), 401, "bad_token"},
        {NULL, registry_pain(registry, NULL, "01-0001", 18, ""), 401, "no_token"},
        {"coordinator1", registry_pain(registry, NULL, "01-0001", 999, AGAIN), 422, "invalid"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *before = counters_now(registry);
        assert_problem(api_submit(registry, cases[i].token, cases[i].body), cases[i].status, cases[i].code);
        assert_counted(registry, before, cases[i].code);
    }
    test_run(registry->db, "SELECT admin.freeze_study('demo', true, 'interim analysis')");
    const char *before = counters_now(registry);
    assert_problem(api_submit(registry, "coordinator1", registry_pain(registry, NULL, "01-0001", 19, AGAIN)), 423,
                   "study_frozen");
    assert_counted(registry, before, "study_frozen");
    test_run(registry->db, "SELECT admin.freeze_study('demo', false, 'interim analysis done')");
}

/* What is no refusal is counted nowhere. */
static void test_receipts_are_no_problems(void **state)
{
    struct registry *registry = *state;
    const char *before = counters_now(registry);
    const char *body = registry_enrolment(registry, NULL, "01-0003");
    assert_status(api_submit(registry, "coordinator1", body), 201);
    assert_status(api_submit(registry, "coordinator1", body), 200);
    assert_status(api_get(registry, "coordinator1", DEMO "/subjects/01-0003"), 200);
    assert_int_equal(counters_sum(counters_now(registry), "patella_problems_total"),
                     counters_sum(before, "patella_problems_total"));
}

/* A second cut of one name, and a label that is too long. */
static void test_conflicts_of_names_are_counted(void **state)
{
    struct registry *registry = *state;
    assert_status(api_send(registry, "statistician", "POST", DEMO "/cuts", "{\"label\":\"first\"}"), 201);
    const char *before = counters_now(registry);
    assert_problem(api_send(registry, "statistician", "POST", DEMO "/cuts", "{\"label\":\"first\"}"), 409, "exists");
    assert_counted(registry, before, "exists");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts_are_counted_by_code),
        cmocka_unit_test(test_receipts_are_no_problems),
        cmocka_unit_test(test_conflicts_of_names_are_counted),
    };
    memory_init();
    return cmocka_run_group_tests(tests, registry_setup, registry_teardown);
}
