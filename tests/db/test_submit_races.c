/* SPDX-License-Identifier: GPL-3.0-or-later */
/* api.submit_batch beside other writers: a second connection holds a transaction open. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_database.h"
#include "tests/support/test_submission.h"

static void test_submit_batch_rival_of_the_same_record_waits_and_is_refused(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *rival = test_database_connect(fixture->owner, fixture->database, "patella_collector");
    test_enrol(fixture->collector, 1, 1);
    const struct test_row first = {.id = 1}, second = {.id = 2};
    test_run(rival, "BEGIN");
    assert_string_equal(test_submit(rival, &first, 1), "accepted");
    /* While the rival has not committed, the other one waits for it; lock_timeout ends that here. */
    test_run(fixture->collector, "SET lock_timeout = '50ms'");
    assert_string_equal(test_submit_sqlstate(fixture->collector, &second, 1), "55P03");
    assert_string_equal(test_submit_sqlstate(fixture->collector, &first, 1), "55P03");
    test_run(rival, "COMMIT");
    assert_string_equal(test_submit(fixture->collector, &second, 1), "record_exists");
    assert_string_equal(test_submit(fixture->collector, &first, 1), "replayed");
}

static void test_submit_batch_after_a_rival_rolled_back_is_accepted(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *rival = test_database_connect(fixture->owner, fixture->database, "patella_collector");
    const struct test_row row = {.id = 1, .index_knee = "left"};
    test_run(rival, "BEGIN");
    assert_string_equal(test_submit(rival, &row, 1), "accepted");
    test_run(rival, "ROLLBACK");
    assert_string_equal(test_submit(fixture->collector, &row, 1), "accepted");
}

static void test_submit_batch_rival_enrolment_enrols_once(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *rival = test_database_connect(fixture->owner, fixture->database, "patella_collector");
    const struct test_row first = {.id = 1, .index_knee = "left"}, second = {.id = 2, .index_knee = "right"};
    test_run(rival, "BEGIN");
    assert_string_equal(test_submit(rival, &first, 1), "accepted");
    test_run(fixture->collector, "SET lock_timeout = '50ms'");
    assert_string_equal(test_submit_sqlstate(fixture->collector, &second, 1), "55P03");
    test_run(rival, "COMMIT");
    assert_string_equal(test_submit(fixture->collector, &second, 1), "subject_exists");
}

static void test_submit_batch_holds_off_freezing_until_it_has_committed(void **state)
{
    struct test_fixture *fixture = *state;
    const struct test_row row = {.id = 1, .index_knee = "left"};
    test_run(fixture->collector, "BEGIN");
    assert_string_equal(test_submit(fixture->collector, &row, 1), "accepted");
    test_run(fixture->superuser, "SET lock_timeout = '50ms'");
    assert_string_equal(test_sqlstate(fixture->superuser, "SELECT admin.freeze_study('demo', true, 'database lock')"),
                        "55P03");
    test_run(fixture->collector, "COMMIT");
    test_run(fixture->superuser, "SELECT admin.freeze_study('demo', true, 'database lock')");
}

/* Nothing waits, is stored or is recorded, and what is of another study may come again at once. */
static void test_submit_batch_while_a_subject_is_being_locked_the_study_is_busy(void **state)
{
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    const struct test_row row = {.id = 1};
    const struct test_row rows[] = {
        row, {.id = 2, .study = 2, .index_knee = "left", .token = "coordinator_other"}, {.id = 3, .visit = "M6"},
    };
    struct db *holder = test_database_connect(fixture->owner, fixture->database, NULL);
    test_run(holder, "BEGIN; SELECT admin.lock_subject('demo', 1, 1, true, 'data are clean')");
    static const char events[] = "SELECT count(*) || ' ' || max(operation) FROM audit.event WHERE seq > %s";
    const char *before = test_value(fixture->superuser, "SELECT max(seq) FROM audit.event");
    assert_string_equal(test_submit(fixture->collector, &row, 1), "study_busy");
    assert_string_equal(test_submit(fixture->collector, rows, 3), "study_busy conflict study_busy");
    assert_string_equal(test_submit(fixture->collector, &rows[1], 1), "accepted");
    const char *recorded = test_value(fixture->superuser, memory_format(fixture->owner, events, before));
    assert_string_equal(recorded, "4 INSERT");     /* of an enrolment */
    test_run(holder, "COMMIT");
    assert_string_equal(test_submit(fixture->collector, rows, 3), "subject_locked replayed subject_locked");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_fixture_setup, test_fixture_teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_submit_batch_rival_of_the_same_record_waits_and_is_refused),
        CASE(test_submit_batch_after_a_rival_rolled_back_is_accepted),
        CASE(test_submit_batch_rival_enrolment_enrols_once),
        CASE(test_submit_batch_holds_off_freezing_until_it_has_committed),
        CASE(test_submit_batch_while_a_subject_is_being_locked_the_study_is_busy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
