/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The audit trail and the data of a cut as they are read: by whom, in two steps, page by page; its review. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_database.h"
#include "tests/support/test_submission.h"

#define ALL "'json', NULL, NULL, NULL, NULL, NULL, NULL, NULL"

static int setup(void **state)
{
    test_fixture_setup(state);
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    test_enrol(fixture->collector, 2, 1);
    test_run(fixture->superuser,
        "SELECT admin.add_account('monitor1', 'Monitor of site 1'); "
        "SELECT admin.add_token('monitor1', 'demo', 'monitor', '{1}', sha256('monitor1'), now() + interval '1 day')");
    return 0;
}

static void submit(struct test_fixture *fixture, struct test_row row)
{
    assert_string_equal(test_submit(fixture->collector, &row, 1), "accepted");
}

static const char *ask(struct test_fixture *fixture, const char *token, const char *filter)
{
    return test_value(fixture->collector, memory_format(fixture->owner, "SELECT api.request_audit('%s', 1, %s)", token,
                                                        filter));
}

/* An aggregate over what a request shows; `place` NULL: from its start. */
static const char *read(struct test_fixture *fixture, const char *token, const char *request, const char *aggregate)
{
    return test_value(fixture->collector, memory_format(fixture->owner,
        "SELECT %s FROM api.read_audit('%s', 1, '%s', NULL, NULL, 10000) WHERE operation IS NOT NULL", aggregate, token,
        request));
}

/* Page by page; texts of the events in order. */
static const char *read_by_pages(struct test_fixture *fixture, const char *request, int most)
{
    const char *all = "", *at = "NULL", *nth = "NULL";
    for (int pages = 0; pages < 1000 && at[0] != '\0'; pages++) {
        const char *call = memory_format(fixture->owner,
            "api.read_audit('administrator', 1, '%s', %s, %s, %d)", request, at, nth, most);
        all = memory_format(fixture->owner, "%s%s", all, test_value(fixture->collector, memory_format(fixture->owner,
            "SELECT string_agg(concat_ws(' ', at, object, operation, new) || E'\\n', '' ORDER BY at, nth) FROM %s "
            "WHERE operation IS NOT NULL", call)));
        nth = test_value(fixture->collector, memory_format(fixture->owner,
            "SELECT nth FROM %s WHERE operation IS NULL", call));
        at = test_value(fixture->collector, memory_format(fixture->owner,
            "SELECT quote_literal(at) FROM %s WHERE operation IS NULL", call));
    }
    return all;
}

static void test_pages_of_any_size_hold_the_same_events_in_the_same_order(void **state)
{
    struct test_fixture *fixture = *state;
    /* Ten events of one and the same time, among them pages end. */
    test_run(fixture->superuser,
        "INSERT INTO audit.event (xid, era, at, actor, db_role, operation, object, study_id, site_id, new) "
        "SELECT pg_current_xact_id(), 1, '2026-01-01', 'somebody', 'x', 'INSERT', 'test', 1, 1, "
        "jsonb_build_object('n', n) "
        "FROM generate_series(1, 10) n");
    const char *request = ask(fixture, "administrator", ALL);
    const char *whole = read_by_pages(fixture, request, 10000);
    assert_string_not_equal(whole, "");
    for (int most = 1; most < 8; most++)
        assert_string_equal(read_by_pages(fixture, request, most), whole);
}

static void test_filtered_pages_may_be_short_but_lose_nothing(void **state)
{
    struct test_fixture *fixture = *state;
    submit(fixture, (struct test_row){.id = 1});
    const char *request = ask(fixture, "administrator",
                              "'json', NULL, NULL, 'coordinator', 'INSERT', 'core.submission', 1, 1");
    assert_string_equal(read(fixture, "administrator", request,
                             "string_agg(row_id::text || ' ' || subject, ', ' ORDER BY at)"),
                        "00000000-0000-0000-0000-000000001001 01-0001, 00000000-0000-0000-0000-000000000001 01-0001");
    assert_string_equal(read_by_pages(fixture, request, 1), read_by_pages(fixture, request, 100));
    /* One that stands alone behind more events than a call looks at. */
    test_run(fixture->superuser,
        "INSERT INTO audit.event (xid, era, at, actor, db_role, operation, object, study_id, site_id, new) "
        "SELECT pg_current_xact_id(), 1, timestamptz '2001-01-01' + n * interval '1 s', "
        "CASE n WHEN 45000 THEN 'rare' ELSE 'often' END, 'x', 'INSERT', 'test', 1, 1, '{}' "
        "FROM generate_series(1, 45000) n");
    request = ask(fixture, "administrator", "'json', NULL, NULL, 'rare', NULL, NULL, NULL, NULL");
    assert_string_equal(read(fixture, "administrator", request, "count(*)"), "0");
    assert_non_null(strstr(read_by_pages(fixture, request, 10), "test INSERT"));
}

static void test_time_bounds_hold_the_first_and_not_the_last_instant(void **state)
{
    struct test_fixture *fixture = *state;
    test_run(fixture->superuser,
        "INSERT INTO audit.event (xid, era, at, actor, db_role, operation, object, study_id) "
        "SELECT pg_current_xact_id(), 1, timestamptz '2001-01-01' + n * interval '1 hour', 'x', 'x', 'X', 'test', 1 "
        "FROM generate_series(0, 24) n");
    const char *request = ask(fixture, "administrator",
                              "'json', '2001-01-01', '2001-01-02', NULL, NULL, NULL, NULL, NULL");
    assert_string_equal(read(fixture, "administrator", request, "count(*)"), "24");
}

static void test_reading_comes_after_its_request_has_committed(void **state)
{
    struct test_fixture *fixture = *state;
    test_run(fixture->collector, "BEGIN");
    const char *request = ask(fixture, "administrator", ALL);
    assert_string_equal(test_sqlstate(fixture->collector, memory_format(fixture->owner,
        "SELECT api.read_audit('administrator', 1, '%s', NULL, NULL, 9)", request)), "P0002");
    test_run(fixture->collector, "ROLLBACK");
    request = ask(fixture, "administrator", ALL);
    assert_string_equal(test_value(fixture->superuser,
        "SELECT string_agg(actor || ' ' || operation || ' ' || object, ', ' ORDER BY seq) FROM audit.event "
        "WHERE operation = 'EXPORT'"), "administrator EXPORT audit.event");
    /* Nobody else reads with it, and it is no request for anything else. */
    assert_string_equal(test_sqlstate(fixture->collector, memory_format(fixture->owner,
        "SELECT api.read_audit('data_manager', 1, '%s', NULL, NULL, 9)", request)), "P0002");
    assert_string_equal(test_sqlstate(fixture->collector, memory_format(fixture->owner,
        "SELECT api.read_review('administrator', 1, '%s', 9)", request)), "P0002");
    /* What came later is not in it: not even its own trace. */
    const char *before = read(fixture, "administrator", request, "count(*)");
    submit(fixture, (struct test_row){.id = 1});
    assert_string_equal(read(fixture, "administrator", request, "count(*)"), before);
    assert_string_equal(read(fixture, "administrator", request, "count(*) FILTER (WHERE operation = 'EXPORT')"), "0");
}

static void test_trail_is_closed_to_other_roles(void **state)
{
    static const char *const tokens[] = {"coordinator", "investigator1", "statistician", "unmasked", "machine1"};
    struct test_fixture *fixture = *state;
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
        assert_string_equal(test_sqlstate(fixture->collector, memory_format(fixture->owner,
            "SELECT api.request_audit('%s', 1, " ALL ")", tokens[i])), "42501");
        assert_string_equal(test_sqlstate(fixture->collector, memory_format(fixture->owner,
            "SELECT api.request_review('%s', 1, 'accounts', NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
                tokens[i])), "42501");
    }
    assert_string_equal(test_sqlstate(fixture->collector,
                                      "SELECT api.request_audit('administrator', 2, " ALL ")"), "42501");
    assert_string_equal(test_sqlstate(fixture->collector, "SELECT * FROM audit.event"), "42501");
    assert_string_equal(test_sqlstate(fixture->collector,
        "SELECT audit.list_events('{}', pg_current_snapshot(), 1::smallint, true, false, NULL, NULL, 9)"), "42501");
}

/* The same answer, whatever another site does. */
static void test_monitor_of_a_site_sees_its_events_only(void **state)
{
    struct test_fixture *fixture = *state;
    static const char everything[] = "string_agg(concat_ws(' ', at, nth, actor, operation, object, site_id, "
                                     "subject, row_id, "
                                     "old, new, reason), E'\\n' ORDER BY at, nth)";
    submit(fixture, (struct test_row){.id = 1});
    const char *request = ask(fixture, "monitor1", ALL);
    const char *before = read(fixture, "monitor1", request, everything);
    assert_non_null(strstr(before, "01-0001"));
    submit(fixture, (struct test_row){.id = 2, .site = 2});
    test_run(fixture->superuser, "SELECT admin.freeze_study('demo', true, 'for the test')");
    request = ask(fixture, "monitor1", ALL);
    assert_string_equal(read(fixture, "monitor1", request, everything), before);
    assert_string_equal(read(fixture, "monitor1", request, "count(*) FILTER (WHERE site_id IS DISTINCT FROM 1)"), "0");
    request = ask(fixture, "monitor", ALL);
    assert_string_equal(read(fixture, "monitor", request, "count(*) FILTER (WHERE object = 'core.study') > 0"), "t");
}

static void test_numbers_that_count_others_work_stay_inside(void **state)
{
    struct test_fixture *fixture = *state;
    const char *request = ask(fixture, "administrator", ALL);
    assert_string_equal(read(fixture, "administrator", request,
                             "count(*) FILTER (WHERE new ?| '{xid,era,token_no}' OR old ?| "
                             "'{xid,era,token_no}')"), "0");
}

static void test_allocation_is_withheld_from_the_trail_of_a_masked_study(void **state)
{
    struct test_fixture *fixture = *state;
    test_run(fixture->superuser,
        "SELECT admin.add_account('manager_other', 'Manager'); "
        "SELECT admin.add_token('manager_other', 'other', 'data_manager', '{}', sha256('manager_other'), "
        "now() + interval '1 day'); "
        "INSERT INTO audit.event (xid, era, at, actor, db_role, operation, object, study_id, site_id, new, reason) "
        "SELECT pg_current_xact_id(), 1, now(), 'x', 'x', 'INSERT', 'blind.allocation', s, 1, "
        "'{\"knee\": \"left\", \"reason\": \"canary CELLS\", \"cohort\": \"canary\"}', 'canary CELLS' "
        "FROM generate_series(1, 2) s");
    const char *request = test_value(fixture->collector, "SELECT api.request_audit('manager_other', 2, " ALL ")");
    static const char seen[] = "SELECT string_agg(concat_ws(' ', new, reason, withheld), '') "
                               "FROM api.read_audit('%s', %d, '%s', NULL, NULL, 10000) WHERE object = "
                               "'blind.allocation'";
    assert_string_equal(test_value(fixture->collector, memory_format(fixture->owner, seen, "manager_other", 2,
                                                                     request)),
                        "{\"knee\": \"left\"} t");
    request = ask(fixture, "administrator", ALL);
    assert_non_null(strstr(test_value(fixture->collector, memory_format(fixture->owner, seen, "administrator",
        1, request)),
                           "canary CELLS f"));
}

/* ---- review ---- */

static const char *review(struct test_fixture *fixture, const char *token, const char *request, const char *aggregate)
{
    return test_value(fixture->collector, memory_format(fixture->owner,
        "SELECT %s FROM api.read_review('%s', 1, '%s', 1000)", aggregate, token, request));
}

static const char *ask_review(struct test_fixture *fixture, const char *token, const char *what)
{
    return test_value(fixture->collector, memory_format(fixture->owner, "SELECT api.request_review('%s', 1, %s)", token,
                                                        what));
}

/* Rows as the writer would have stored them at another time. */
static void add_version(struct test_fixture *fixture, int version, const char *recorded_at, int id)
{
    test_run(fixture->superuser, memory_format(fixture->owner,
        "INSERT INTO core.submission SELECT study_id, site_id, subject_no, 'koos', 'left', 'M3', 1, %d, "
        "('00000000-0000-0000-0000-' || lpad('%d', 12, '0'))::uuid, 'complete', 1, 1, '2026-03-02', '{}', sha256, %s, "
        "'{}', %s, 'api', token_no, 'coordinator1', '%s', pg_current_xact_id(), 1 "
        "FROM core.submission WHERE (site_id, subject_no, form) = (1, 1, 'enrolment')",
        version, id, version > 1 ? "sha256" : "NULL", version > 1 ? "'because of this'" : "NULL", recorded_at));
}

static void test_review_finds_late_entries_by_the_day_at_the_site(void **state)
{
    struct test_fixture *fixture = *state;
    /* 23:30 UTC of 2026-03-12 is the day after in Berlin: eleven days late. */
    add_version(fixture, 1, "2026-03-12 23:30+00", 71);
    add_version(fixture, 2, "2026-05-12 12:00+00", 72);
    static const char koos[] = "count(*) FILTER (WHERE detail ->> 'form' = 'koos')";
    assert_string_equal(review(fixture, "monitor1", ask_review(fixture, "monitor1",
        "'late_entries', NULL, NULL, 10, NULL, NULL, NULL, NULL"), koos), "1");
    assert_string_equal(review(fixture, "monitor1", ask_review(fixture, "monitor1",
        "'late_entries', NULL, NULL, 11, NULL, NULL, NULL, NULL"), koos), "0");
}

static void test_review_finds_runs_of_corrections_across_the_clock(void **state)
{
    struct test_fixture *fixture = *state;
    add_version(fixture, 1, "2026-03-12 09:00+00", 71);
    for (int i = 2; i <= 6; i++)
        add_version(fixture, i, memory_format(fixture->owner, "2026-03-12 10:0%d+00", i), 71 + i);
    add_version(fixture, 7, "2026-03-12 12:00+00", 80);
    static const char runs[] = "string_agg(concat_ws(' ', account, at, detail ->> 'changes', found), ', ')";
    assert_string_equal(review(fixture, "monitor1", ask_review(fixture, "monitor1",
        "'bulk_edits', NULL, NULL, NULL, 5, 4, NULL, NULL"), runs), "coordinator1 2026-03-12 10:02:00+00 5 1");
    assert_string_equal(review(fixture, "monitor1", ask_review(fixture, "monitor1",
        "'bulk_edits', NULL, NULL, NULL, 5, 3, NULL, NULL"), "count(*)"), "0");
    assert_string_equal(review(fixture, "monitor1", ask_review(fixture, "monitor1",
        "'bulk_edits', NULL, NULL, NULL, 6, 5, NULL, NULL"), "count(*)"), "0");
}

static void test_review_finds_entries_out_of_the_hours_of_the_site(void **state)
{
    static const struct {
        const char *at;
        const char *found;
    } times[] = {
        {"2026-03-10 05:59+00", "1"},      /* 06:59 in Berlin */
        {"2026-03-10 06:00+00", "0"},
        {"2026-03-10 17:59+00", "0"},
        {"2026-03-10 18:00+00", "1"},
        {"2026-03-14 12:00+00", "1"},      /* Saturday */
        {"2026-07-10 05:00+00", "0"},      /* in summer 07:00 */
    };
    struct test_fixture *fixture = *state;
    for (int i = 0; i < (int)(sizeof times / sizeof times[0]); i++) {
        add_version(fixture, i + 1, times[i].at, 71 + i);
        const char *request = ask_review(fixture, "monitor1", "'out_of_hours', NULL, NULL, NULL, NULL, NULL, 7, 19");
        const char *found = review(fixture, "monitor1", request, memory_format(fixture->owner,
            "count(*) FILTER (WHERE at = '%s')", times[i].at));
        if (strcmp(found, times[i].found) != 0)
            fail_msg("%s: %s", times[i].at, found);
    }
}

static void test_review_counts_what_accounts_did(void **state)
{
    struct test_fixture *fixture = *state;
    submit(fixture, (struct test_row){.id = 1});
    submit(fixture, (struct test_row){.id = 2, .version = 2, .reason = "wrong knee"});
    const struct test_row again = {.id = 1}, refused = {.id = 3};
    assert_string_equal(test_submit(fixture->collector, &again, 1), "replayed");
    assert_string_equal(test_submit(fixture->collector, &refused, 1), "record_exists");
    const char *request = ask_review(fixture, "administrator", "'accounts', NULL, NULL, NULL, NULL, NULL, NULL, NULL");
    static const char counts[] = "string_agg((detail - 'last_at')::text, '') FILTER (WHERE account = 'coordinator')";
    const char *found = review(fixture, "administrator", request, counts);
    assert_non_null(strstr(found, "\"entries\": 3"));
    assert_non_null(strstr(found, "\"corrections\": 1"));
    assert_non_null(strstr(found, "\"refused\": 1"));
    assert_non_null(strstr(found, "\"repeated\": 1"));
}

/* Of what it asks for: from then on, at the reader's sites, and nothing that came behind the request. */
static void test_review_counts_what_it_was_asked_for(void **state)
{
    static const char found[] = "COALESCE(max((detail ->> 'entries')::int) FILTER (WHERE account = 'coordinator'), 0)";
    static const char all[] = "'accounts', NULL, NULL, NULL, NULL, NULL, NULL, NULL";
    struct test_fixture *fixture = *state;
    const char *before = ask_review(fixture, "monitor1", all);
    long entries = strtol(review(fixture, "monitor1", before, found), NULL, 10);
    submit(fixture, (struct test_row){.id = 1});
    assert_int_equal(strtol(review(fixture, "monitor1", before, found), NULL, 10), entries);
    assert_int_equal(strtol(review(fixture, "monitor1", ask_review(fixture, "monitor1", all), found), NULL, 10),
                     entries + 1);
    assert_string_equal(review(fixture, "monitor1", ask_review(fixture, "monitor1",
        "'accounts', now() + interval '1 hour', NULL, NULL, NULL, NULL, NULL, NULL"), found), "0");
    assert_string_equal(review(fixture, "monitor1", ask_review(fixture, "monitor1",
        "'accounts', NULL, now() - interval '1 hour', NULL, NULL, NULL, NULL, NULL"), found), "0");
    test_run(fixture->superuser, "SET session_replication_role = replica; UPDATE audit.event SET site_id = 2 "
                                 "WHERE actor = 'coordinator'; RESET session_replication_role");
    assert_string_equal(review(fixture, "monitor1", ask_review(fixture, "monitor1", all), found), "0");
}

static void test_review_is_concluded_once_by_whoever_made_it(void **state)
{
    struct test_fixture *fixture = *state;
    const char *request = ask_review(fixture, "monitor1", "'accounts', NULL, NULL, NULL, NULL, NULL, NULL, NULL");
    static const char conclude[] = "SELECT api.conclude_review('%s', 1, '%s', %s)";
    assert_string_equal(test_sqlstate(fixture->collector, memory_format(fixture->owner, conclude, "monitor1",
        request, "NULL")),
                        "22023");
    assert_string_equal(test_sqlstate(fixture->collector, memory_format(fixture->owner, conclude, "monitor", request,
                                                                        "'not mine'")), "P0002");
    test_run(fixture->collector, memory_format(fixture->owner, conclude, "monitor1", request, "'nothing odd'"));
    assert_string_equal(test_sqlstate(fixture->collector, memory_format(fixture->owner, conclude, "monitor1", request,
                                                                        "'again odd'")), "23505");
    assert_string_equal(test_value(fixture->collector,
        "SELECT string_agg(concat_ws(' ', requested_by, filter ->> 'kind', conclusion), ', ') "
        "FROM api.list_reviews('administrator', 1, 10)"), "monitor1 accounts nothing odd");
    ask_review(fixture, "monitor", "'accounts', NULL, NULL, NULL, NULL, NULL, NULL, NULL");
    assert_string_equal(test_value(fixture->collector,
                                   "SELECT count(*) FROM api.list_reviews('monitor1', 1, 10)"), "1");
    assert_string_equal(test_value(fixture->collector, "SELECT count(*) FROM api.list_reviews('monitor', 1, 10)"), "2");
    assert_string_equal(test_sqlstate(fixture->superuser, "UPDATE rep.review SET conclusion = 'other words'"), "42501");
    assert_string_equal(test_sqlstate(fixture->superuser,
        "INSERT INTO rep.review SELECT 1, request_id, NULL, 'x', now() FROM rep.reading LIMIT 1"), "23502");
}

/* ---- data of a cut ---- */

static const char *read_export(struct test_fixture *fixture, const char *request, const char *form)
{
    return test_value(fixture->collector, memory_format(fixture->owner,
        "SELECT string_agg(concat_ws(' ', site_id, subject_no, visit, version, content IS NULL), ', ') "
        "FROM api.read_export('data_manager', 1, '%s', %s, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1000)",
            request, form));
}

static void test_export_holds_the_newest_version_of_its_cut(void **state)
{
    struct test_fixture *fixture = *state;
    submit(fixture, (struct test_row){.id = 1});
    submit(fixture, (struct test_row){.id = 2, .version = 2, .reason = "wrong knee"});
    submit(fixture, (struct test_row){.id = 3, .visit = "M6"});
    test_run(fixture->collector, "SELECT api.make_cut('statistician', 1, 'first')");
    submit(fixture, (struct test_row){.id = 4, .version = 3, .reason = "after the cut"});
    submit(fixture, (struct test_row){.id = 5, .visit = "M12"});
    const char *request = test_value(fixture->collector, "SELECT api.request_export('data_manager', 1, 1)");
    assert_string_equal(read_export(fixture, request, "'koos'"), "1 1 M3 2 f, 1 1 M6 1 f");
    assert_string_equal(read_export(fixture, request, "NULL"),
                        "1 1 unscheduled 1 t, 1 1 M3 1 t, 1 1 M3 2 t, 1 1 M6 1 t, 2 1 unscheduled 1 t");
    /* Behind a record. */
    assert_string_equal(test_value(fixture->collector, memory_format(fixture->owner,
        "SELECT string_agg(visit, ' ') FROM api.read_export('data_manager', 1, '%s', 'koos', 1, 1, 'koos', "
        "'left', 'M3', 1, "
        "2, 1000)", request)), "M6");
    assert_string_equal(test_sqlstate(fixture->collector, "SELECT api.request_export('data_manager', 1, 2)"), "P0002");
    assert_string_equal(test_sqlstate(fixture->collector, "SELECT api.request_export('coordinator', 1, 1)"), "42501");
    assert_string_equal(test_sqlstate(fixture->collector, "SELECT api.request_export('administrator', 1, 1)"), "42501");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT actor || ' ' || (new ->> 'cut') FROM audit.event WHERE operation = 'EXPORT' AND object = 'core.cut'"),
        "data_manager 1");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, test_fixture_teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_pages_of_any_size_hold_the_same_events_in_the_same_order),
        CASE(test_filtered_pages_may_be_short_but_lose_nothing),
        CASE(test_time_bounds_hold_the_first_and_not_the_last_instant),
        CASE(test_reading_comes_after_its_request_has_committed),
        CASE(test_trail_is_closed_to_other_roles),
        CASE(test_monitor_of_a_site_sees_its_events_only),
        CASE(test_numbers_that_count_others_work_stay_inside),
        CASE(test_allocation_is_withheld_from_the_trail_of_a_masked_study),
        CASE(test_review_finds_late_entries_by_the_day_at_the_site),
        CASE(test_review_finds_runs_of_corrections_across_the_clock),
        CASE(test_review_finds_entries_out_of_the_hours_of_the_site),
        CASE(test_review_counts_what_accounts_did),
        CASE(test_review_counts_what_it_was_asked_for),
        CASE(test_review_is_concluded_once_by_whoever_made_it),
        CASE(test_export_holds_the_newest_version_of_its_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
