/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Review of what was changed after it was signed, through the API and through patella-admin. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_acts.h"
#include "tests/support/test_submission.h"

#define KIND "'after_signature', %s, NULL, NULL, NULL, NULL, NULL, NULL"

/* As api.sign does it for a session that was confirmed. */
static void sign(struct test_fixture *fixture, const char *id, const char *meaning)
{
    test_run(fixture->superuser, memory_format(fixture->owner,
        "INSERT INTO core.signature (study_id, site_id, signature_id, submission_id, sha256, meaning, printed_name, "
        "recorded_by) SELECT study_id, site_id, gen_random_uuid(), id, sha256, '%s', 'Ina Investigator', "
        "'investigator1' FROM core.submission WHERE id = '%s'", meaning, id));
}

static void correct(struct test_fixture *fixture, struct test_row row)
{
    row.reason = "read wrongly";
    assert_string_equal(test_submit(fixture->collector, &row, 1), "accepted");
}

static const char *ask(struct test_fixture *fixture, const char *token, const char *since)
{
    return test_value(fixture->collector, memory_format(fixture->owner, "SELECT api.request_review('%s', 1, " KIND ")",
                                                        token, since));
}

static const char *found(struct test_fixture *fixture, const char *token, const char *request, const char *aggregate)
{
    return test_value(fixture->collector, memory_format(fixture->owner,
        "SELECT %s FROM api.read_review('%s', 1, '%s', 1000)", aggregate, token, request));
}

#define LINE \
    "string_agg(concat_ws(' ', found, subject, account, detail ->> 'version', detail ->> 'signed_again', " \
    "(SELECT string_agg(concat_ws('/', s ->> 'version', s ->> 'meaning', s ->> 'printed_name', s ->> 'account'), " \
    "'+') FROM jsonb_array_elements(detail -> 'signatures') s)), ', ' ORDER BY at)"

static void test_version_behind_a_signed_one_is_found_with_the_signature(void **state)
{
    struct test_fixture *fixture = *state;
    sign(fixture, TEST_ID(1), "review");
    assert_string_equal(found(fixture, "monitor", ask(fixture, "monitor", "NULL"), "count(*)"), "0");
    correct(fixture, (struct test_row){.id = 3, .version = 2});
    assert_string_equal(found(fixture, "monitor", ask(fixture, "monitor", "NULL"), LINE),
                        "1 01-0001 coordinator 2 false 1/review/Ina Investigator/investigator1");
}

static void test_version_that_was_signed_again_says_so_and_the_next_names_both(void **state)
{
    struct test_fixture *fixture = *state;
    sign(fixture, TEST_ID(1), "review");
    correct(fixture, (struct test_row){.id = 3, .version = 2});
    sign(fixture, TEST_ID(3), "approval");
    correct(fixture, (struct test_row){.id = 4, .version = 3});
    assert_string_equal(found(fixture, "monitor", ask(fixture, "monitor", "NULL"), LINE),
                        "2 01-0001 coordinator 2 true 1/review/Ina Investigator/investigator1, "
                        "2 01-0001 coordinator 3 false 1/review/Ina Investigator/investigator1+"
                        "2/approval/Ina Investigator/investigator1");
}

/* Neither first versions nor corrections of what nobody signed, of another record or before the signature. */
static void test_other_corrections_are_not_found(void **state)
{
    struct test_fixture *fixture = *state;
    correct(fixture, (struct test_row){.id = 3, .version = 2});
    sign(fixture, TEST_ID(3), "review");
    correct(fixture, (struct test_row){.id = 4, .site = 2, .version = 2});
    const struct test_row visit = {.id = 5, .visit = "M6"};
    assert_string_equal(test_submit(fixture->collector, &visit, 1), "accepted");
    assert_string_equal(found(fixture, "monitor", ask(fixture, "monitor", "NULL"), "count(*)"), "0");
}

static void test_review_is_as_of_its_request_and_of_its_time(void **state)
{
    struct test_fixture *fixture = *state;
    sign(fixture, TEST_ID(1), "review");
    correct(fixture, (struct test_row){.id = 3, .version = 2});
    const char *request = ask(fixture, "monitor", "NULL");
    sign(fixture, TEST_ID(3), "approval");
    correct(fixture, (struct test_row){.id = 4, .version = 3});
    assert_string_equal(found(fixture, "monitor", request, LINE),
                        "1 01-0001 coordinator 2 false 1/review/Ina Investigator/investigator1");
    assert_string_equal(found(fixture, "monitor", ask(fixture, "monitor", "now() + interval '1 hour'"), "count(*)"),
                        "0");
}

static void test_monitor_of_a_site_finds_what_is_at_his(void **state)
{
    struct test_fixture *fixture = *state;
    sign(fixture, TEST_ID(1), "review");
    sign(fixture, TEST_ID(2), "review");
    correct(fixture, (struct test_row){.id = 3, .version = 2});
    correct(fixture, (struct test_row){.id = 4, .site = 2, .version = 2});
    static const char subjects[] = "string_agg(subject, ' ' ORDER BY subject)";
    assert_string_equal(found(fixture, "monitor1", ask(fixture, "monitor1", "NULL"), subjects), "01-0001");
    assert_string_equal(found(fixture, "monitor2", ask(fixture, "monitor2", "NULL"), subjects), "02-0001");
    assert_string_equal(found(fixture, "monitor", ask(fixture, "monitor", "NULL"), subjects), "01-0001 02-0001");
}

static void test_kind_that_is_not_known_is_refused(void **state)
{
    struct test_fixture *fixture = *state;
    static const char call[] = "SELECT api.request_review('monitor', 1, %s, NULL, NULL, NULL, NULL, NULL, NULL, NULL)";
    assert_string_equal(test_sqlstate(fixture->collector, memory_format(fixture->owner, call, "'other'")), "22023");
    assert_string_equal(test_sqlstate(fixture->collector, memory_format(fixture->owner, call, "NULL")), "22023");
    assert_string_equal(test_sqlstate(fixture->collector,
        "SELECT api.find_for_review(NULL::rep.reading, true, 9)"), "42501");
}

/* The operator sees all sites of the study, in two steps, and by what he asked for himself. */
static void test_operator_reviews_in_two_steps(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *admin = test_database_connect(fixture->owner, fixture->database, "patella_admin");
    sign(fixture, TEST_ID(1), "review");
    sign(fixture, TEST_ID(2), "review");
    correct(fixture, (struct test_row){.id = 3, .version = 2});
    correct(fixture, (struct test_row){.id = 4, .site = 2, .version = 2});
    static const char call[] = "SELECT admin.request_review('demo', " KIND ")";
    static const char read[] = "SELECT string_agg(subject, ' ' ORDER BY subject) FROM admin.read_review('%s', '%s', 9)";
    test_run(admin, "BEGIN");
    const char *request = test_value(admin, memory_format(fixture->owner, call, "NULL"));
    assert_string_equal(test_sqlstate(admin, memory_format(fixture->owner, read, "demo", request)), "P0002");
    test_run(admin, "ROLLBACK");
    request = test_value(admin, memory_format(fixture->owner, call, "NULL"));
    assert_string_equal(test_value(admin, memory_format(fixture->owner, read, "demo", request)), "01-0001 02-0001");
    assert_string_equal(test_sqlstate(admin, memory_format(fixture->owner, read, "other", request)), "P0002");
    assert_string_equal(test_sqlstate(admin, memory_format(fixture->owner, read, "demo",
                                                           ask(fixture, "monitor", "NULL"))), "P0002");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT string_agg(concat_ws(' ', operation, object, new ->> 'what', new ->> 'kind'), ', ') FROM audit.event "
        "WHERE operation = 'EXPORT' AND actor LIKE 'db:patella_admin%'"),
        "EXPORT audit.event review after_signature");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_acts_setup, test_fixture_teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_version_behind_a_signed_one_is_found_with_the_signature),
        CASE(test_version_that_was_signed_again_says_so_and_the_next_names_both),
        CASE(test_other_corrections_are_not_found),
        CASE(test_review_is_as_of_its_request_and_of_its_time),
        CASE(test_monitor_of_a_site_finds_what_is_at_his),
        CASE(test_kind_that_is_not_known_is_refused),
        CASE(test_operator_reviews_in_two_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
