/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Several calls of api.submit_batch in one transaction, as the collector makes them of rows that depend on each other,
 * also when the clock is stepped back in between.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_database.h"
#include "tests/support/test_submission.h"

static void test_submit_batch_version_after_the_clock_stepped_back_follows_the_call_before(void **state)
{
    struct test_fixture *fixture = *state;
    const struct test_row other = {.id = 1, .visit = "M12"};
    const struct test_row rows[] = {{.id = 3, .version = 2, .reason = "wrong knee"}, {.id = 4, .visit = "M24"}};
    test_enrol(fixture->collector, 1, 1);
    assert_string_equal(test_submit(fixture->collector, &other, 1), "accepted");
    test_run(fixture->superuser, "BEGIN");
    /* Version 1, of an earlier call of this transaction when the clock showed an hour more. */
    test_run(fixture->superuser,
        "INSERT INTO core.submission (study_id, site_id, subject_no, form, knee, visit, instance, version, id, "
        "status, form_version, protocol_version, dated, content, sha256, scores, door, token_no, recorded_by, "
        "recorded_at, xid, era) "
        "SELECT v.study_id, v.site_id, v.subject_no, v.form, v.knee, 'M3', v.instance, 1, "
        "'00000000-0000-0000-0000-000000000002', v.status, v.form_version, v.protocol_version, v.dated, v.content, "
        "v.sha256, v.scores, v.door, v.token_no, v.recorded_by, clock_timestamp() + interval '1 hour', "
        "pg_current_xact_id(), v.era FROM core.submission v WHERE v.visit = 'M12'");
    assert_string_equal(test_submit(fixture->superuser, rows, 2), "accepted accepted");
    test_run(fixture->superuser, "COMMIT");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT count(*) FROM core.submission a JOIN core.submission b ON a.sha256 = b.prev_sha256 "
        "WHERE (a.visit, a.version, b.visit, b.version) = ('M3', 1, 'M3', 2)"), "1");
}

static void test_submit_batch_row_of_the_call_before_beside_new_ones_is_replayed(void **state)
{
    struct test_fixture *fixture = *state;
    const struct test_row first[] = {{.id = 1}, {.id = 2, .visit = "M6"}};
    const struct test_row second[] = {{.id = 3, .visit = "M12"}, {.id = 1}, {.id = 2, .visit = "M6", .content = "{}"},
                                      {.id = 4, .version = 2, .reason = "wrong knee"}};
    test_enrol(fixture->collector, 1, 1);
    test_run(fixture->collector, "BEGIN");
    assert_string_equal(test_submit(fixture->collector, first, 2), "accepted accepted");
    assert_string_equal(test_submit(fixture->collector, second, 4), "accepted replayed uuid_reused accepted");
    assert_string_equal(test_submit(fixture->collector, second, 4), "replayed replayed uuid_reused replayed");
    test_run(fixture->collector, "COMMIT");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT string_agg(e.operation, ' ' ORDER BY e.operation) FROM audit.event e "
        "WHERE e.object = 'core.submission' AND e.row_id::text LIKE '%-00000000000_'"),
        "INSERT INSERT INSERT INSERT REFUSE uuid_reused REFUSE uuid_reused REPLAY REPLAY REPLAY REPLAY");
}

/* A first KOOS, judged as a row of a call that began at a given time. */
static const char *submit_at(const struct test_fixture *fixture, const char *content, const char *time)
{
    return test_value(fixture->superuser, memory_format(fixture->owner,
        "SELECT COALESCE(v.code, v.verdict) FROM api.submit_rest(api.read_rest('{1}', ARRAY['coordinator'::bytea], "
        "'{00000000-0000-0000-0000-000000000001}', '{1}', '{1}', '{1}', '{left}', '{koos}', '{1}', '{M3}', '{1}', "
        "'{1}', '{complete}', '{2026-03-01}', '{1}', ARRAY['%s'], '{}', '{1}', '{0}', ARRAY[NULL::text], '{json}', "
        "ARRAY[NULL::text], ARRAY[NULL::text], '%s'), '{}', '{}') v", content, time));
}

static void test_submit_rest_row_of_the_call_before_at_the_same_time_is_replayed(void **state)
{
    struct test_fixture *fixture = *state;
    const char *time = "2026-04-01 12:00:00.000001Z";
    test_enrol(fixture->collector, 1, 1);
    test_run(fixture->superuser, "BEGIN");
    assert_string_equal(submit_at(fixture, "{}", time), "accepted");
    assert_string_equal(submit_at(fixture, "{}", time), "replayed");
    assert_string_equal(submit_at(fixture, "{\"p1\":4}", time), "uuid_reused");
    test_run(fixture->superuser, "COMMIT");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT count(*) FROM audit.event e WHERE e.operation = 'REPLAY'"), "1");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_fixture_setup, test_fixture_teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_submit_batch_version_after_the_clock_stepped_back_follows_the_call_before),
        CASE(test_submit_batch_row_of_the_call_before_beside_new_ones_is_replayed),
        CASE(test_submit_rest_row_of_the_call_before_at_the_same_time_is_replayed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
