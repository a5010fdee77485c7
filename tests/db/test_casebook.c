/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What casebooks read: in two steps, by whom, of which subject, and as of which cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_acts.h"
#include "tests/support/test_submission.h"

struct casebook {
    struct test_fixture *fixture;
    struct db *collector, *superuser, *reporter;
};

static int setup(void **state)
{
    struct casebook *casebook = memory_new(NULL, struct casebook);
    void *acts;
    test_acts_setup(&acts);
    casebook->fixture = acts;
    casebook->collector = casebook->fixture->collector;
    casebook->superuser = casebook->fixture->superuser;
    casebook->reporter =
        test_database_connect(casebook->fixture->owner, casebook->fixture->database, "patella_reporter");
    *state = casebook;
    return 0;
}

static int teardown(void **state)
{
    struct casebook *casebook = *state;
    void *fixture = casebook->fixture;
    talloc_free(casebook);
    return test_fixture_teardown(&fixture);
}

static void act(const struct casebook *casebook, const char *call)
{
    assert_string_equal(test_act(casebook->collector, call), "done");
}

/* Everything that can be done to the record of 01-0001: a query, a mark, a lock, a redaction, a second entry. */
static void act_on_everything(const struct casebook *casebook)
{
    act(casebook, "api.open_query('data_manager', 1, '" TEST_ID(4) "', 1, 1, 'koos', 'left', 'M3', 1, 'p1', 'why?')");
    act(casebook, "api.add_query_event('coordinator', 1, '" TEST_ID(4) "', 'answered', 'because')");
    act(casebook, "api.verify_version('monitor', 1, '" TEST_ID(1) "', 'verified', NULL)");
    act(casebook, "api.lock_record('data_manager', 1, '" TEST_ID(1) "', true, 'data are clean')");
    act(casebook, "api.enter_second('data_manager', 1, '" TEST_ID(6) "', 1, 1, 'koos', 'left', 'M3', 1, 1, "
                  "'{\"form\":\"koos\",\"answers\":{}}')");
    act(casebook, "api.ask_redaction('data_manager', 1, '" TEST_ID(1) "', '" TEST_ID(5) "', 'a name in it')");
    act(casebook, "api.decide_redaction('administrator', 1, '" TEST_ID(5) "', 'approved', NULL)");
    assert_string_equal(test_act(casebook->collector,
                                 "api.decide_redaction('administrator', 1, '" TEST_ID(5) "', 'declined', 'too late')"),
                        "decided_already");
}

static const char *cut(const struct casebook *casebook, const char *label)
{
    return test_value(casebook->superuser,
                      memory_format(casebook, "SELECT admin.make_cut('demo', '%s')", label));
}

static const char *open_for(const struct casebook *casebook, const char *cut_no, const char *subject)
{
    return test_value(casebook->reporter,
                      memory_format(casebook, "SELECT rep.open_casebook(1, %s, 1, %s, NULL)", cut_no, subject));
}

/* "INSERT core.query, ..." of what is shown about subject `subject`. */
static const char *trail(const struct casebook *casebook, const char *request, int subject)
{
    return test_value(casebook->reporter,
                      memory_format(casebook,
                                    "SELECT string_agg((event ->> 'operation') || ' ' || (event ->> 'object'), ', ' "
                                    "ORDER BY place) FROM rep.casebook_trail(1, '%s', %d, %d) "
                                    "WITH ORDINALITY t (subject_no, event, place) WHERE subject_no = %d",
                                    request, subject, subject, subject));
}

static void test_casebook_is_recorded_before_anything_is_read(void **state)
{
    const struct casebook *casebook = *state;
    const char *number = cut(casebook, "one");
    open_for(casebook, number, "1");
    open_for(casebook, number, "NULL");
    assert_string_equal(test_value(casebook->superuser,
                                   "SELECT string_agg(concat_ws(' ', object, actor, site_id, new), ', ' ORDER BY at) "
                                   "FROM audit.event WHERE operation = 'EXPORT'"),
                        "core.cut db:patella_reporter 1 {\"what\": \"casebook\", \"cut_no\": 1, \"subject_no\": 1}, "
                        "core.cut db:patella_reporter 1 {\"what\": \"site archive\", \"cut_no\": 1}");
    assert_string_equal(test_value(casebook->superuser,
                                   "SELECT count(*) FROM audit.event WHERE object = 'rep.casebook'"), "2");
}

static void test_casebook_in_one_transaction_gives_nothing(void **state)
{
    const struct casebook *casebook = *state;
    const char *number = cut(casebook, "one");
    test_run(casebook->reporter, "BEGIN");
    const char *request = open_for(casebook, number, "1");
    assert_string_equal(test_sqlstate(casebook->reporter,
                                      memory_format(casebook, "SELECT rep.casebook_trail(1, '%s', 1, 1)", request)),
                        "42501");
    test_run(casebook->reporter, "ROLLBACK");
    assert_string_equal(test_sqlstate(casebook->reporter,
                                      memory_format(casebook, "SELECT rep.casebook_people(1, '%s')", request)),
                        "42501");
}

/* Of a role that was not granted the study, and of another role's request. */
static void test_casebook_of_another_study_or_role_is_refused(void **state)
{
    const struct casebook *casebook = *state;
    test_run(casebook->superuser, "SELECT admin.make_cut('other', 'one')");
    assert_string_equal(test_sqlstate(casebook->reporter, "SELECT rep.open_casebook(2, 1, 1, 1, NULL)"), "42501");
    assert_string_equal(test_sqlstate(casebook->reporter, "SELECT rep.open_casebook(1, 9, 1, 1, NULL)"), "P0002");
    const char *request = open_for(casebook, cut(casebook, "one"), "1");
    static const char *const calls[] = {"casebook_trail(1, '%s', 1, 1)", "casebook_notices(1, '%s', 1)",
                                        "casebook_people(1, '%s')"};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        char *call = memory_format(casebook, "SELECT rep.%s", calls[i]);
        char *sql = memory_format(casebook, "%.*s%s%s", (int)(strchr(call, '%') - call), call, request,
                                  strchr(call, '%') + 2);
        assert_string_equal(test_sqlstate(casebook->reporter, sql), "");
        assert_string_equal(test_sqlstate(casebook->superuser, sql), "42501");
    }
    assert_string_equal(test_sqlstate(casebook->collector, "SELECT rep.open_casebook(1, 1, 1, 1, NULL)"), "42501");
    assert_string_equal(test_sqlstate(casebook->reporter, "SELECT * FROM rep.casebook"), "42501");
    assert_string_equal(test_sqlstate(casebook->reporter, "SELECT * FROM audit.event"), "42501");
}

/* Whoever loses the study while a casebook is open reads no more of it. */
static void test_casebook_ends_with_the_grant_of_the_study(void **state)
{
    const struct casebook *casebook = *state;
    const char *request = open_for(casebook, cut(casebook, "one"), "1");
    const char *sql = memory_format(casebook, "SELECT rep.casebook_people(1, '%s')", request);
    assert_string_equal(test_sqlstate(casebook->reporter, sql), "");
    test_run(casebook->superuser, "SET session_replication_role = replica; DELETE FROM sec.reporter_grant; "
                                  "RESET session_replication_role");
    assert_string_equal(test_sqlstate(casebook->reporter, sql), "42501");
}

static void test_casebook_needs_an_approved_request_for_unblinding(void **state)
{
    const struct casebook *casebook = *state;
    cut(casebook, "one");
    assert_string_equal(test_sqlstate(casebook->reporter,
                                      "SELECT rep.open_casebook(1, 1, 1, 1, '" TEST_ID(9) "')"), "42501");
}

/* Events that name their subject only by a version, a query, a redaction or a second entry. */
static void test_casebook_trail_is_all_of_the_subject_and_of_no_other(void **state)
{
    const struct casebook *casebook = *state;
    act_on_everything(casebook);
    const char *request = open_for(casebook, cut(casebook, "one"), "NULL");
    assert_string_equal(trail(casebook, request, 1),
                        "INSERT core.submission, INSERT core.subject, INSERT core.knee, INSERT core.knee, "
                        "INSERT core.submission, INSERT core.query, INSERT core.query_event, INSERT core.query_event, "
                        "INSERT core.verification, INSERT core.record_lock, INSERT core.second_entry, "
                        "INSERT core.redaction, REDACT core.submission, INSERT core.redaction_decision, "
                        "REFUSE decided_already core.redaction");
    test_enrol(casebook->collector, 1, 2);
    request = open_for(casebook, cut(casebook, "two"), "NULL");
    assert_string_equal(trail(casebook, request, 2), "INSERT core.submission, INSERT core.subject, "
                                                     "INSERT core.knee, INSERT core.knee");
}

static void test_casebook_of_one_subject_shows_no_other(void **state)
{
    const struct casebook *casebook = *state;
    test_enrol(casebook->collector, 1, 2);
    const char *request = open_for(casebook, cut(casebook, "one"), "1");
    assert_string_equal(trail(casebook, request, 2), "");
    assert_int_not_equal(strlen(trail(casebook, request, 1)), 0);
}

static void test_casebook_holds_the_cut_and_nothing_later(void **state)
{
    const struct casebook *casebook = *state;
    const char *number = cut(casebook, "one");
    act_on_everything(casebook);
    const char *request = open_for(casebook, number, "1");
    assert_null(strstr(trail(casebook, request, 1), "core.query"));
    static const char kinds[] = "SELECT string_agg(DISTINCT kind, ' ' ORDER BY kind) FROM "
                                "rep.casebook_rows(1, %s, 1, 1)";
    assert_string_equal(test_value(casebook->reporter, memory_format(casebook, kinds, number)),
                        "redaction subject version");
    assert_string_equal(test_value(casebook->reporter, memory_format(casebook, kinds, cut(casebook, "two"))),
                        "lock query redaction second_entry subject verification version");
}

static void test_casebook_tells_when_the_study_was_frozen(void **state)
{
    const struct casebook *casebook = *state;
    act(casebook, "api.freeze_study('data_manager', 1, true, 'database lock')");
    const char *request = open_for(casebook, cut(casebook, "one"), "1");
    assert_string_equal(test_value(casebook->reporter,
                                   memory_format(casebook, "SELECT (event ->> 'reason') FROM "
                                                 "rep.casebook_trail(1, '%s', 1, 1) WHERE subject_no = 0", request)),
                        "database lock");
}

static void test_casebook_people_are_those_of_the_study_by_the_cut(void **state)
{
    const struct casebook *casebook = *state;
    const char *request = open_for(casebook, cut(casebook, "one"), "1");
    test_run(casebook->superuser,
             "SELECT admin.add_account('late', 'Came later'); SELECT admin.add_token('late', 'demo', 'monitor', '{}', "
             "sha256('late'), now() + interval '9 days')");
    static const char people[] = "SELECT string_agg(account || ' ' || full_name || ' ' || roles, ', ') "
                                 "FROM rep.casebook_people(1, '%s') "
                                 "WHERE account IN ('late', 'monitor1', 'manager_other')";
    assert_string_equal(test_value(casebook->reporter, memory_format(casebook, people, request)),
                        "monitor1 Name of monitor1 monitor");
    request = open_for(casebook, cut(casebook, "two"), "1");
    assert_string_equal(test_value(casebook->reporter, memory_format(casebook, people, request)),
                        "late Came later monitor, monitor1 Name of monitor1 monitor");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_casebook_is_recorded_before_anything_is_read),
        CASE(test_casebook_in_one_transaction_gives_nothing),
        CASE(test_casebook_of_another_study_or_role_is_refused),
        CASE(test_casebook_ends_with_the_grant_of_the_study),
        CASE(test_casebook_needs_an_approved_request_for_unblinding),
        CASE(test_casebook_trail_is_all_of_the_subject_and_of_no_other),
        CASE(test_casebook_of_one_subject_shows_no_other),
        CASE(test_casebook_holds_the_cut_and_nothing_later),
        CASE(test_casebook_tells_when_the_study_was_frozen),
        CASE(test_casebook_people_are_those_of_the_study_by_the_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
