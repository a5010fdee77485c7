/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What stands beside the versions in the data of a cut: queries, signatures, verification marks, as of the cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_acts.h"
#include "tests/support/test_submission.h"

#define QUERY_AS(token, id, site) \
    "api.open_query('" token "', 1, '" TEST_ID(id) "', " #site ", 1, 'koos', 'left', 'M3', 1, 'p1', 'is it 2?')"
#define ANSWER(id, site) "api.add_query_event('coordinator" #site "', 1, '" TEST_ID(id) "', 'answered', 'it is')"
#define QUERIES "concat_ws(' ', subject, version, item, event_no, kind, text, recorded_by)"
#define SIGNATURES "concat_ws(' ', subject, version, meaning, printed_name, covers)"
#define VERIFICATIONS "concat_ws(' ', subject, version, event_no, kind, covers, reason)"

static void act(struct test_fixture *fixture, const char *call)
{
    assert_string_equal(test_act(fixture->collector, call), "done");
}

/* As api.sign does it for a session that was confirmed; `id` is of a version. */
static void sign(struct test_fixture *fixture, const char *id, const char *meaning)
{
    test_run(fixture->superuser, memory_format(fixture->owner,
        "INSERT INTO core.signature (study_id, site_id, signature_id, submission_id, sha256, meaning, printed_name, "
        "recorded_by) SELECT study_id, site_id, gen_random_uuid(), id, sha256, '%s', 'Ina Investigator', "
        "'investigator1' FROM core.submission WHERE id = '%s'", meaning, id));
}

/* The number of a new cut. */
static int cut(struct test_fixture *fixture)
{
    return test_value(fixture->collector, "SELECT api.make_cut('statistician', 1, 'label ' || clock_timestamp())")[0] -
           '0';
}

static const char *request(struct test_fixture *fixture, const char *token, int number)
{
    return test_value(fixture->collector, memory_format(fixture->owner, "SELECT api.request_export('%s', 1, %d)", token,
                                                        number));
}

/* `what` ("queries") of a cut, a line each as `row` says, sorted. */
static const char *read(struct test_fixture *fixture, const char *token, int number, const char *what, const char *row)
{
    return test_value(fixture->collector, memory_format(fixture->owner,
        "SELECT string_agg(%s, ', ' ORDER BY %s) FROM api.read_export_%s('%s', 1, '%s', NULL, NULL, NULL, 1000)", row,
        row, what, token, request(fixture, token, number)));
}

static void test_queries_of_a_cut_have_its_events_and_no_later_ones(void **state)
{
    struct test_fixture *fixture = *state;
    act(fixture, QUERY_AS("monitor", 5, 1));
    act(fixture, ANSWER(5, 1));
    int first = cut(fixture);
    act(fixture, "api.add_query_event('monitor', 1, '" TEST_ID(5) "', 'closed', 'thank you')");
    act(fixture, QUERY_AS("monitor", 6, 1));
    assert_string_equal(read(fixture, "data_manager", first, "queries", QUERIES),
                        "01-0001 1 p1 1 opened is it 2? monitor, 01-0001 1 p1 2 answered it is coordinator1");
    assert_string_equal(read(fixture, "data_manager", cut(fixture), "queries", "event_no || kind"),
                        "1opened, 1opened, 2answered, 3closed");
}

static void test_signature_covers_what_the_cut_has_nothing_newer_of(void **state)
{
    struct test_fixture *fixture = *state;
    sign(fixture, TEST_ID(1), "review");
    int first = cut(fixture);
    test_correct(fixture->collector);
    sign(fixture, TEST_ID(3), "approval");
    assert_string_equal(read(fixture, "statistician", first, "signatures", SIGNATURES),
                        "01-0001 1 review Ina Investigator t");
    assert_string_equal(read(fixture, "statistician", cut(fixture), "signatures", SIGNATURES),
                        "01-0001 1 review Ina Investigator f, 01-0001 2 approval Ina Investigator t");
}

static void test_verification_covers_until_it_is_withdrawn_or_outdated(void **state)
{
    struct test_fixture *fixture = *state;
    act(fixture, "api.verify_version('monitor', 1, '" TEST_ID(1) "', 'verified', NULL)");
    act(fixture, "api.verify_version('monitor', 1, '" TEST_ID(2) "', 'verified', NULL)");
    int first = cut(fixture);
    act(fixture, "api.verify_version('monitor', 1, '" TEST_ID(2) "', 'withdrawn', 'wrong chart')");
    test_correct(fixture->collector);
    assert_string_equal(read(fixture, "unmasked", first, "verifications", VERIFICATIONS),
                        "01-0001 1 1 verified t, 02-0001 1 1 verified t");
    assert_string_equal(read(fixture, "unmasked", cut(fixture), "verifications", VERIFICATIONS),
                        "01-0001 1 1 verified f, 02-0001 1 1 verified f, 02-0001 1 2 withdrawn f wrong chart");
}

static void fill(struct test_fixture *fixture)
{
    act(fixture, QUERY_AS("monitor", 5, 1));
    act(fixture, ANSWER(5, 1));
    act(fixture, QUERY_AS("monitor", 6, 2));
    act(fixture, ANSWER(6, 2));
    sign(fixture, TEST_ID(1), "review");
    sign(fixture, TEST_ID(1), "approval");
    sign(fixture, TEST_ID(2), "review");
    act(fixture, "api.verify_version('monitor', 1, '" TEST_ID(1) "', 'verified', NULL)");
    act(fixture, "api.verify_version('monitor', 1, '" TEST_ID(1) "', 'withdrawn', 'wrong chart')");
    act(fixture, "api.verify_version('monitor', 1, '" TEST_ID(2) "', 'verified', NULL)");
}

static const struct {
    const char *what, *id, *number;
} lists[] = {
    {"queries", "query_id", "event_no"}, {"signatures", "signature_id", "0"}, {"verifications", "id", "event_no"},
};

/* As many calls as there are rows, each behind the row before. */
static void test_pages_of_one_row_hold_what_one_page_holds(void **state)
{
    struct test_fixture *fixture = *state;
    fill(fixture);
    const char *asked = request(fixture, "data_manager", cut(fixture));
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        const char *key = memory_format(fixture->owner, "concat_ws(' ', p.site_id, p.%s, %s%s)", lists[i].id,
                                        lists[i].number[0] == '0' ? "" : "p.", lists[i].number);
        const char *whole = memory_format(fixture->owner,
            "SELECT array_agg(%s) FROM api.read_export_%s('data_manager', 1, '%s', NULL, NULL, NULL, 100) p", key,
            lists[i].what, asked);
        const char *paged = memory_format(fixture->owner,
            "WITH RECURSIVE walk AS ("
            "SELECT %s AS key FROM api.read_export_%s('data_manager', 1, '%s', NULL, NULL, NULL, 1) p "
            "UNION ALL SELECT %s FROM walk w, LATERAL api.read_export_%s('data_manager', 1, '%s', "
            "split_part(w.key, ' ', 1)::int, split_part(w.key, ' ', 2)::uuid, split_part(w.key, ' ', 3)::int, 1) p) "
            "SELECT array_agg(key) FROM walk", key, lists[i].what, asked, key, lists[i].what, asked);
        const char *expected = test_value(fixture->collector, whole);
        assert_non_null(strchr(expected, ','));
        assert_string_equal(test_value(fixture->collector, paged), expected);
    }
}

static void test_token_of_a_site_reads_its_own(void **state)
{
    struct test_fixture *fixture = *state;
    int number;
    fill(fixture);
    number = cut(fixture);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        assert_string_equal(read(fixture, "manager1", number, lists[i].what, "subject"), "01-0001, 01-0001");
        assert_non_null(strstr(read(fixture, "data_manager", number, lists[i].what, "subject"), "02-0001"));
    }
}

static void test_reading_takes_a_request_of_ones_own_that_has_committed(void **state)
{
    struct test_fixture *fixture = *state;
    const char *asked = request(fixture, "data_manager", cut(fixture));
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        static const char call[] = "SELECT api.read_export_%s('%s', 1, '%s', NULL, NULL, NULL, 9)";
        const char *what = lists[i].what;
        assert_string_equal(test_sqlstate(fixture->collector, memory_format(fixture->owner, call, what, "data_manager",
                                                                            asked)), "");
        assert_string_equal(test_sqlstate(fixture->collector, memory_format(fixture->owner, call, what, "statistician",
                                                                            asked)), "P0002");
        assert_string_equal(test_sqlstate(fixture->collector, memory_format(fixture->owner, call, what, "monitor",
                                                                            asked)), "42501");
        test_run(fixture->collector, "BEGIN");
        const char *fresh = request(fixture, "data_manager", 1);
        assert_string_equal(test_sqlstate(fixture->collector, memory_format(fixture->owner, call, what, "data_manager",
                                                                            fresh)), "P0002");
        test_run(fixture->collector, "ROLLBACK");
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_acts_setup, test_fixture_teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_queries_of_a_cut_have_its_events_and_no_later_ones),
        CASE(test_signature_covers_what_the_cut_has_nothing_newer_of),
        CASE(test_verification_covers_until_it_is_withdrawn_or_outdated),
        CASE(test_pages_of_one_row_hold_what_one_page_holds),
        CASE(test_token_of_a_site_reads_its_own),
        CASE(test_reading_takes_a_request_of_ones_own_that_has_committed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
