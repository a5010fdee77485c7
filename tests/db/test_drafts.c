/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drafts: whose they are, how they are saved, when they end, and that nothing of the record knows them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_database.h"
#include "tests/support/test_submission.h"

#define DRAFT "0190a1b2-0000-7000-8000-000000000077"
#define OTHER_DRAFT "0190a1b2-0000-7000-8000-000000000078"

static int setup(void **state)
{
    if (test_fixture_setup(state))
        return -1;
    test_enrol(((struct test_fixture *)*state)->collector, 1, 1);
    return 0;
}

/* "-1" when it was saved with revision 1, "draft_changed" when it was refused. */
static const char *put(struct test_fixture *fixture, const char *token, const char *id, int site, const char *answers,
                       int revision)
{
    return test_value(fixture->collector,
                      memory_format(fixture->owner, "SELECT concat(code, '-' || number) FROM api.put_draft('%s', 1, "
                                    "'%s', %d, 1, 'koos', 1, 'right', 'M3', 1, 1, '{\"answers\":{\"p1\":\"%s\"}}', %d)",
                                    token, id, site, answers, revision));
}

static const char *count(struct test_fixture *fixture, const char *token)
{
    return test_value(fixture->collector,
                      memory_format(fixture->owner, "SELECT count(*) FROM api.list_drafts('%s', 1, NULL, NULL, NULL, "
                                    "NULL, NULL, NULL, 100)", token));
}

static void test_draft_is_saved_by_one_revision_after_the_other(void **state)
{
    struct test_fixture *fixture = *state;
    assert_string_equal(put(fixture, "coordinator1", DRAFT, 1, "1", 0), "-1");
    assert_string_equal(put(fixture, "coordinator1", DRAFT, 1, "1", 0), "-1");             /* the answer was lost */
    assert_string_equal(put(fixture, "coordinator1", DRAFT, 1, "2", 0), "draft_changed");
    assert_string_equal(put(fixture, "coordinator1", DRAFT, 1, "2", 1), "-2");
    assert_string_equal(put(fixture, "coordinator1", DRAFT, 1, "3", 1), "draft_changed");
    assert_string_equal(put(fixture, "coordinator1", OTHER_DRAFT, 1, "3", 1), "draft_changed");    /* none there */
    assert_string_equal(test_value(fixture->superuser, "SELECT content ->> 'answers' FROM core.draft"),
                        "{\"p1\":\"2\"}");
}

static void test_draft_is_of_one_account(void **state)
{
    struct test_fixture *fixture = *state;
    assert_string_equal(put(fixture, "coordinator1", DRAFT, 1, "1", 0), "-1");
    assert_string_equal(put(fixture, "coordinator", DRAFT, 1, "mine", 0), "-1");
    assert_string_equal(put(fixture, "coordinator2", DRAFT, 1, "9", 0), "unknown_subject");
    assert_string_equal(count(fixture, "coordinator1"), "1");
    assert_string_equal(count(fixture, "coordinator2"), "0");
    assert_string_equal(test_sqlstate(fixture->collector, "SELECT api.drop_draft('coordinator2', 1, '" DRAFT "')"),
                        "P0002");
    assert_string_equal(test_sqlstate(fixture->collector, "SELECT api.drop_draft('coordinator1', 1, '" DRAFT "')"), "");
    assert_string_equal(count(fixture, "coordinator1"), "0");
    assert_string_equal(count(fixture, "coordinator"), "1");
}

static void test_draft_of_another_record_is_refused(void **state)
{
    struct test_fixture *fixture = *state;
    assert_string_equal(put(fixture, "coordinator", DRAFT, 1, "1", 0), "-1");
    assert_string_equal(put(fixture, "coordinator", DRAFT, 2, "1", 1), "uuid_reused");
}

static void test_drafts_of_an_account_are_counted(void **state)
{
    struct test_fixture *fixture = *state;
    assert_string_equal(put(fixture, "coordinator1", DRAFT, 1, "1", 0), "-1");
    test_run(fixture->superuser,
             "INSERT INTO core.draft SELECT study_id, site_id, recorded_by, gen_random_uuid(), subject_no, form, "
             "form_version, knee, visit, instance, version, content, revision "
             "FROM core.draft, generate_series(1, 199)");
    assert_string_equal(put(fixture, "coordinator1", OTHER_DRAFT, 1, "1", 0), "too_many_drafts");
    assert_string_equal(put(fixture, "coordinator1", DRAFT, 1, "2", 1), "-2");
}

static void test_draft_ends_when_its_id_is_stored(void **state)
{
    struct test_fixture *fixture = *state;
    const struct test_row row = {.id = 5, .visit = "M3"};
    assert_string_equal(put(fixture, "coordinator1", DRAFT, 1, "1", 0), "-1");
    assert_string_equal(test_submit(fixture->collector, &row, 1), "accepted");
    const char *stored = test_value(fixture->superuser, "SELECT id FROM core.submission WHERE visit = 'M3'");
    assert_string_equal(put(fixture, "coordinator1", stored, 1, "1", 0), "draft_stored");
    test_run(fixture->superuser,
             memory_format(fixture->owner, "INSERT INTO core.draft SELECT study_id, site_id, recorded_by, '%s', "
                           "subject_no, form, form_version, knee, visit, instance, version, content, revision "
                           "FROM core.draft", stored));
    assert_string_equal(count(fixture, "coordinator1"), "1");
    assert_string_equal(test_value(fixture->superuser, "SELECT count(*) FROM core.draft"), "1");
}

/* Whatever of a record stands elsewhere goes with its body: drafts, whosever, and what the form of a link holds. */
static void test_redaction_takes_drafts_of_the_record_and_answers_of_its_link(void **state)
{
    static const char stored[] = "00000000-0000-0000-0000-000000000005", asked[] = DRAFT;
    struct test_fixture *fixture = *state;
    const struct test_row row = {.id = 5, .knee = "right"};
    test_run(fixture->collector, "SELECT api.add_participant_link('coordinator1', 1, sha256('p_1'), 1, 1, 'koos', 1, "
                                 "'right', 'M3', NULL, 14)");
    assert_string_equal(test_value(fixture->collector, "SELECT concat(code, number) FROM api.put_participant_answers("
                                   "'p_1', 1, '{\"answers\":{\"p1\":\"Mr Miller\"}}', 0)"), "1");
    assert_string_equal(put(fixture, "coordinator1", DRAFT, 1, "Mr Miller", 0), "-1");
    assert_string_equal(put(fixture, "coordinator", DRAFT, 1, "Mr Miller", 0), "-1");
    test_run(fixture->collector, "SELECT api.put_draft('coordinator1', 1, '" OTHER_DRAFT "', 1, 1, 'koos', 1, 'left', "
                                 "'M3', 1, 1, '{}', 0)");
    assert_string_equal(test_submit(fixture->collector, &row, 1), "accepted");
    test_run(fixture->collector,
             memory_format(fixture->owner, "SELECT api.ask_redaction('data_manager', 1, '%s', '%s', 'a name in it')",
                           stored, asked));
    assert_string_equal(test_value(fixture->superuser, "SELECT count(*) FROM core.draft"), "3");
    test_run(fixture->collector,
             memory_format(fixture->owner, "SELECT api.decide_redaction('administrator', 1, '%s', 'approved', NULL)",
                           asked));
    assert_string_equal(test_value(fixture->superuser, "SELECT string_agg(draft_id::text, ' ') FROM core.draft"),
                        OTHER_DRAFT);
    assert_string_equal(test_value(fixture->superuser, "SELECT string_agg((answers IS NULL)::text, ' ') "
                                   "FROM core.participant_link"), "true");
}

static void test_draft_leaves_that_it_was_made_and_dropped_and_no_word(void **state)
{
    struct test_fixture *fixture = *state;
    put(fixture, "coordinator1", DRAFT, 1, "SECRET", 0);
    put(fixture, "coordinator1", DRAFT, 1, "SECRET2", 1);
    test_run(fixture->collector, "SELECT api.drop_draft('coordinator1', 1, '" DRAFT "')");
    assert_string_equal(
        test_value(fixture->superuser,
                   "SELECT string_agg(operation || ' ' || actor || ' ' || row_id, ', ' ORDER BY seq) FROM audit.event "
                   "WHERE object = 'core.draft'"),
        "MAKE DRAFT coordinator1 " DRAFT ", DROP DRAFT coordinator1 " DRAFT);
    assert_string_equal(test_value(fixture->superuser,
                                   "SELECT count(*) FROM audit.event e WHERE e::text LIKE '%SECRET%'"),
                        "0");
}

/* What is read of a study for cuts, reports, exports and casebooks is read by these roles; none of them may. */
static void test_draft_is_seen_by_the_api_alone(void **state)
{
    struct test_fixture *fixture = *state;
    assert_string_equal(
        test_value(fixture->superuser,
                   "SELECT string_agg(r.rolname, ' ' ORDER BY r.rolname) FROM pg_roles r WHERE r.rolname LIKE "
                   "'patella\\_%' AND has_any_column_privilege(r.oid, 'core.draft', 'SELECT')"),
        "patella_api patella_owner");
    assert_string_equal(
        test_value(fixture->superuser,
                   "SELECT string_agg(p.proname, ' ' ORDER BY p.proname) FROM pg_proc p WHERE p.prosrc LIKE "
                   "'%core.draft%' AND (p.pronamespace = 'rep'::regnamespace "
                   "OR p.proname ~ 'export|casebook|cut|report')"),
        "");
}

static void test_draft_of_others_is_changed_by_nobody(void **state)
{
    struct test_fixture *fixture = *state;
    put(fixture, "coordinator1", DRAFT, 1, "1", 0);
    assert_string_equal(test_sqlstate(fixture->superuser, "DELETE FROM core.draft"), "42501");
    assert_string_equal(test_sqlstate(fixture->superuser, "UPDATE core.draft SET subject_no = 2, revision = 2"),
                        "42501");
    assert_string_equal(test_sqlstate(fixture->superuser, "UPDATE core.draft SET content = '{}'"), "42501");
    assert_string_equal(test_sqlstate(fixture->superuser, "UPDATE core.draft SET content = '{}', revision = 2"), "");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, test_fixture_teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_draft_is_saved_by_one_revision_after_the_other),
        CASE(test_draft_is_of_one_account),
        CASE(test_draft_of_another_record_is_refused),
        CASE(test_drafts_of_an_account_are_counted),
        CASE(test_draft_ends_when_its_id_is_stored),
        CASE(test_redaction_takes_drafts_of_the_record_and_answers_of_its_link),
        CASE(test_draft_leaves_that_it_was_made_and_dropped_and_no_word),
        CASE(test_draft_is_seen_by_the_api_alone),
        CASE(test_draft_of_others_is_changed_by_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
