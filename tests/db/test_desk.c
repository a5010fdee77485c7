/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What worklist and schedule read: day 1, what is there, how it ended, what waits; by whom it is seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_database.h"
#include "tests/support/test_submission.h"
#include "tests/support/test_upload.h"

#define TREATMENT .form = "treatment", .visit = "unscheduled"
#define EVENT .form = "adverse_event", .knee = "none", .visit = "unscheduled"
#define CORRECTED .version = 2, .reason = "typing error"
#define VOID .status = "void", .reason = "a mistake"
#define SERIOUS "{\"answers\":{\"term\":\"fall\",\"serious\":true}}"
#define QUERY "00000000-0000-7000-8000-00000000000"

/* Subjects 1 of sites 1 and 2, and the forms that the seed has not. */
static int setup(void **state)
{
    test_fixture_setup(state);
    struct test_fixture *fixture = *state;
    test_run(fixture->superuser, "SELECT admin.put_form('demo', f, 1, 'form ' || f) "
                                 "FROM unnest('{treatment,end_of_study,screening,pain_vas}'::text[]) f");
    test_enrol(fixture->collector, 1, 1);
    test_enrol(fixture->collector, 2, 1);
    return 0;
}

static void submit(const struct test_fixture *fixture, struct test_row row)
{
    assert_string_equal(test_submit(fixture->collector, &row, 1), "accepted");
}

/* Slots 0 koos M3, 1 koos M6, 2 pain_vas M3; so 1 is the left knee's koos at M3, 5 the right one's at M6. */
#define SLOTS "'treatment', '{koos,koos,pain_vas}', '{M3,M6,M3}'"

/* "SITE-SUBJECT KNEE ENROLLED LEFT RIGHT +THERE -GONE", of each subject. */
static const char *subjects(const struct test_fixture *fixture, const char *token, const char *filter)
{
    return ASK("SELECT string_agg(concat_ws(' ', s.site_id || '-' || s.subject_no, s.index_knee, s.enrolled_on, "
               "COALESCE(s.left_day1::text, '-'), COALESCE(s.right_day1::text, '-'), "
               "(SELECT '+' || string_agg(t::text, ',' ORDER BY t) FROM unnest(s.there) t), "
               "(SELECT '~' || string_agg(t::text, ',' ORDER BY t) FROM unnest(s.gone) t)), '; ') "
               "FROM api.list_desk_subjects('%s', 1, %s, " SLOTS ") s", token, filter);
}

static void test_subjects_are_those_of_the_token_and_the_filter(void **state)
{
    struct test_fixture *fixture = *state;
    static const char one[] = "1-1 left 2026-03-01 - -", two[] = "2-1 left 2026-03-01 - -";
    const char *both = memory_format(fixture->owner, "%s; %s", one, two);
    assert_string_equal(subjects(fixture, "coordinator", "NULL, NULL"), both);
    assert_string_equal(subjects(fixture, "statistician", "NULL, NULL"), both);
    assert_string_equal(subjects(fixture, "coordinator1", "NULL, NULL"), one);
    assert_string_equal(subjects(fixture, "coordinator", "2, NULL"), two);
    assert_string_equal(subjects(fixture, "coordinator", "2, 1"), two);
    assert_string_equal(subjects(fixture, "coordinator", "2, 2"), "");
    assert_string_equal(subjects(fixture, "coordinator1", "2, 1"), "");
    assert_string_equal(ASK("SELECT s.coordinator FROM api.list_desk_subjects('monitor', 1, 1, 1, " SLOTS ") s"),
                        "coordinator");
    assert_string_equal(ASK("SELECT s.locked FROM api.list_desk_subjects('monitor', 1, 1, 1, " SLOTS ") s"), "f");
}

static void test_subjects_are_as_the_newest_version_of_their_enrolment_says(void **state)
{
    struct test_fixture *fixture = *state;
    submit(fixture, (struct test_row){.id = 5, .form = "enrolment", .knee = "none", .visit = "unscheduled", CORRECTED,
                                      .date = "2026-02-01", .content = "{\"answers\":{\"index_knee\":\"right\"}}"});
    submit(fixture, (struct test_row){.id = 6, .site = 2, .form = "enrolment", .knee = "none", .visit = "unscheduled",
                                      .version = 2, VOID});
    assert_string_equal(subjects(fixture, "coordinator", "NULL, NULL"), "1-1 right 2026-02-01 - -");
}

static void test_day_1_is_the_first_treatment_of_each_knee_that_counts(void **state)
{
    struct test_fixture *fixture = *state;
    submit(fixture, (struct test_row){.id = 1, TREATMENT, .instance = 1, .date = "2026-03-20"});
    submit(fixture, (struct test_row){.id = 2, TREATMENT, .instance = 2, .date = "2026-03-10"});
    submit(fixture, (struct test_row){.id = 3, TREATMENT, .knee = "right", .date = "2026-04-01"});
    assert_string_equal(subjects(fixture, "coordinator1", "NULL, NULL"), "1-1 left 2026-03-01 2026-03-10 2026-04-01");
    submit(fixture, (struct test_row){.id = 4, TREATMENT, .instance = 2, .version = 2, VOID, .date = "2026-03-10"});
    submit(fixture, (struct test_row){.id = 5, TREATMENT, .knee = "right", CORRECTED, .date = "2026-04-02"});
    assert_string_equal(subjects(fixture, "coordinator1", "NULL, NULL"), "1-1 left 2026-03-01 2026-03-20 2026-04-02");
    submit(fixture, (struct test_row){.id = 6, TREATMENT, .knee = "right", .version = 3, VOID});
    assert_string_equal(subjects(fixture, "coordinator1", "NULL, NULL"), "1-1 left 2026-03-01 2026-03-20 -");
}

static void test_records_at_expected_visits_are_there_until_they_are_void(void **state)
{
    struct test_fixture *fixture = *state;
    submit(fixture, (struct test_row){.id = 1});
    submit(fixture, (struct test_row){.id = 2, .visit = "M6", .knee = "right"});
    submit(fixture, (struct test_row){.id = 3, .visit = "M12"});             /* no slot */
    submit(fixture, (struct test_row){.id = 4, .visit = "unscheduled"});
    submit(fixture, (struct test_row){.id = 5, CORRECTED});                  /* the same record */
    submit(fixture, (struct test_row){.id = 6, .form = "pain_vas", .instance = 2});
    assert_string_equal(subjects(fixture, "coordinator1", "NULL, NULL"), "1-1 left 2026-03-01 - - +1,5,7");
    submit(fixture, (struct test_row){.id = 7, .version = 3, VOID});
    assert_string_equal(subjects(fixture, "coordinator1", "NULL, NULL"), "1-1 left 2026-03-01 - - +1,5,7 ~1");
    submit(fixture, (struct test_row){.id = 8, .instance = 2});              /* another record of the same slot */
    assert_string_equal(subjects(fixture, "coordinator1", "NULL, NULL"), "1-1 left 2026-03-01 - - +1,1,5,7 ~1");
    submit(fixture, (struct test_row){.id = 9, .version = 4, .reason = "it was none"});
    assert_string_equal(subjects(fixture, "coordinator1", "NULL, NULL"), "1-1 left 2026-03-01 - - +1,1,5,7");
}

/* The store asks without slots where it wants none. */
static void test_subjects_without_slots_have_nothing_there(void **state)
{
    struct test_fixture *fixture = *state;
    submit(fixture, (struct test_row){.id = 1});
    assert_string_equal(ASK("SELECT concat_ws(' ', count(*), count(s.there)) "
                            "FROM api.list_desk_subjects('coordinator1', 1, NULL, NULL, 'treatment', '{}', '{}') s"),
                        "1 0");
}

static const char *endings(const struct test_fixture *fixture, const char *token, const char *filter)
{
    return ASK("SELECT string_agg(concat_ws(' ', e.site_id || '-' || e.subject_no, e.form, e.dated, e.content), '; ') "
               "FROM api.list_desk_endings('%s', 1, %s, 'end_of_study', 'screening', 'withdrawal_date') e", token,
               filter);
}

static void test_endings_are_by_date_and_of_withdrawals_only_when_consent_was_withdrawn(void **state)
{
    struct test_fixture *fixture = *state;
    static const char withdrawal[] = "{\"answers\":{\"withdrawal_date\":\"2026-05-01\"}}";
    submit(fixture, (struct test_row){.id = 1, .form = "end_of_study", .knee = "none", .visit = "unscheduled",
                                      .date = "2026-06-01", .content = "{}"});
    submit(fixture, (struct test_row){.id = 2, .form = "screening", .knee = "none", .visit = "unscheduled",
                                      .content = "{\"answers\":{\"eligible\":true}}"});
    submit(fixture, (struct test_row){.id = 3, .form = "screening", .knee = "none", .visit = "unscheduled",
                                      .instance = 2, .date = "2026-05-01", .content = withdrawal});
    submit(fixture, (struct test_row){.id = 4, .site = 2, .form = "end_of_study", .knee = "none",
                                      .visit = "unscheduled", .content = "{}"});
    const char *own = memory_format(fixture->owner, "1-1 screening 2026-05-01 %s; 1-1 end_of_study 2026-06-01 {}",
                                    withdrawal);
    assert_string_equal(endings(fixture, "coordinator1", "NULL, NULL"), own);
    assert_string_equal(endings(fixture, "coordinator", "1, 1"), own);
    assert_string_equal(endings(fixture, "coordinator", "2, NULL"), "2-1 end_of_study 2026-03-01 {}");
    assert_string_equal(endings(fixture, "coordinator1", "2, NULL"), "");
    submit(fixture, (struct test_row){.id = 5, .form = "screening", .knee = "none", .visit = "unscheduled",
                                      .instance = 2, .version = 2, VOID});
    submit(fixture, (struct test_row){.id = 6, .form = "end_of_study", .knee = "none", .visit = "unscheduled",
                                      CORRECTED, .date = "2026-06-02", .content = "{\"b\":1}"});
    assert_string_equal(endings(fixture, "coordinator1", "NULL, NULL"), "1-1 end_of_study 2026-06-02 {\"b\":1}");
}

static void test_records_are_newest_versions_at_visits(void **state)
{
    struct test_fixture *fixture = *state;
    static const char sql[] =
        "SELECT string_agg(concat_ws(' ', r.site_id || '-' || r.subject_no, r.form, r.knee, r.visit, r.instance, "
        "right(r.id::text, 1), r.dated), '; ') FROM api.list_desk_records('%s', 1, '{2,1}', '{1,1}') r";
    submit(fixture, (struct test_row){.id = 1});
    submit(fixture, (struct test_row){.id = 2, CORRECTED, .date = "2026-03-02"});
    submit(fixture, (struct test_row){.id = 3, .visit = "unscheduled"});
    submit(fixture, (struct test_row){.id = 4, .visit = "M6"});
    submit(fixture, (struct test_row){.id = 5, .visit = "M6", .version = 2, VOID});
    submit(fixture, (struct test_row){.id = 6, .site = 2, .knee = "right"});
    assert_string_equal(ASK(sql, "coordinator"),
                        "2-1 koos right M3 1 6 2026-03-01; 1-1 koos left M3 1 2 2026-03-02");
    assert_string_equal(ASK(sql, "coordinator1"), "1-1 koos left M3 1 2 2026-03-02");
}

static void ask_query(const struct test_fixture *fixture, int id, int site)
{
    assert_string_equal(ASK("SELECT code FROM api.open_query('monitor', 1, '" QUERY "%d', %d, 1, 'koos', 'left', 'M3', "
                            "1, 'p1', 'in the source?')", id, site), "");
}

static void query_event(const struct test_fixture *fixture, int id, const char *token, const char *kind)
{
    assert_string_equal(ASK("SELECT code FROM api.add_query_event('%s', 1, '" QUERY "%d', '%s', 'it is %s')", token, id,
                            kind, kind), "");
}

static const char *marks(const struct test_fixture *fixture, const char *token, int study)
{
    return ASK("SELECT string_agg(concat_ws(' ', m.site_id || '-' || m.subject_no, m.open_queries, m.cohort, "
               "m.left_cohort, m.right_cohort), '; ') FROM api.list_desk_marks('%s', %d, '{1,2,1}', '{1,1,7}') m",
               token, study);
}

static void test_marks_have_open_queries_and_the_newest_cohort(void **state)
{
    struct test_fixture *fixture = *state;
    ask_query(fixture, 1, 1);
    ask_query(fixture, 2, 1);
    ask_query(fixture, 3, 2);
    test_run(fixture->superuser, "SELECT admin.allocate('demo', '{1,1,2}', '{1,1,1}', '{none,left,none}', "
                                 "'{AD-MSC,CS,CS}', NULL)");
    test_run(fixture->superuser, "SELECT admin.allocate('demo', '{1}', '{1}', '{none}', '{UC-MSC}', 'typing error')");
    assert_string_equal(marks(fixture, "coordinator", 1), "1-1 2 UC-MSC CS; 2-1 1 CS");
    assert_string_equal(marks(fixture, "coordinator1", 1), "1-1 2 UC-MSC CS");
    query_event(fixture, 1, "coordinator1", "answered");
    assert_string_equal(marks(fixture, "coordinator1", 1), "1-1 1 UC-MSC CS");
    query_event(fixture, 1, "monitor", "reopened");
    assert_string_equal(marks(fixture, "coordinator1", 1), "1-1 2 UC-MSC CS");
}

static void test_marks_of_a_masked_study_have_no_cohort(void **state)
{
    struct test_fixture *fixture = *state;
    const struct test_row enrolment = {.token = "coordinator_other", .id = 9, .study = 2, .index_knee = "left"};
    assert_string_equal(test_submit(fixture->collector, &enrolment, 1), "accepted");
    test_run(fixture->superuser, "SELECT admin.allocate('other', '{1}', '{1}', '{none}', '{AD-MSC}', NULL)");
    assert_string_equal(test_value(fixture->superuser, "SELECT count(*) FROM blind.allocation WHERE study_id = 2"),
                        "1");
    assert_string_equal(marks(fixture, "coordinator_other", 2), "1-1 0");
}

static const char *items(const struct test_fixture *fixture, const char *token, const char *site)
{
    return ASK("SELECT string_agg(concat_ws(' ', i.kind, i.site_id, i.subject_no, i.knee, i.visit, i.form, "
               "right(i.id::text, 1), right(i.record::text, 1), i.title, "
               "round(extract(epoch FROM i.until - clock_timestamp()) / 3600), i.person), '; ' "
               "ORDER BY i.kind, i.site_id) FROM api.list_desk_items('%s', 1, %s) i", token, site);
}

static void test_items_have_queries_that_wait_for_an_answer(void **state)
{
    struct test_fixture *fixture = *state;
    submit(fixture, (struct test_row){.id = 1});
    submit(fixture, (struct test_row){.id = 2, CORRECTED});
    ask_query(fixture, 7, 1);
    ask_query(fixture, 8, 2);
    static const char one[] = "query 1 1 left M3 koos 7 2 in the source?";
    static const char two[] = "query 2 1 left M3 koos 8 in the source?";
    assert_string_equal(items(fixture, "coordinator", "NULL"), memory_format(fixture->owner, "%s; %s", one, two));
    assert_string_equal(items(fixture, "coordinator1", "NULL"), one);
    assert_string_equal(items(fixture, "coordinator", "2"), two);
    query_event(fixture, 7, "coordinator1", "answered");
    assert_string_equal(items(fixture, "coordinator1", "NULL"), "");
    query_event(fixture, 7, "monitor", "reopened");
    assert_string_equal(items(fixture, "coordinator1", "NULL"), "query 1 1 left M3 koos 7 2 it is reopened");
    query_event(fixture, 7, "monitor", "closed");
    assert_string_equal(items(fixture, "coordinator1", "NULL"), "");
}

/* Moves the clocks, as time would. */
static void age_notices(const struct test_fixture *fixture, const char *by)
{
    test_run(fixture->superuser, "SET session_replication_role = replica");
    test_run(fixture->superuser,
             memory_format(fixture->owner, "UPDATE audit.notice SET sponsor_due = sponsor_due - interval '%s', "
                           "authority_due = authority_due - interval '%s'", by, by));
    test_run(fixture->superuser, "RESET session_replication_role");
}

static void test_items_have_the_clock_of_a_serious_event_that_ends_next(void **state)
{
    struct test_fixture *fixture = *state;
    submit(fixture, (struct test_row){EVENT, .id = 1, .content = SERIOUS});
    submit(fixture, (struct test_row){EVENT, .id = 2, .site = 2, .content = SERIOUS});
    assert_string_equal(items(fixture, "coordinator1", "NULL"),
                        "event_clock 1 1 none unscheduled adverse_event 1 1 fall 24");
    submit(fixture, (struct test_row){EVENT, .id = 3, CORRECTED, .content = SERIOUS});
    assert_string_equal(items(fixture, "coordinator1", "NULL"),
                        "event_clock 1 1 none unscheduled adverse_event 3 3 fall 24");
    age_notices(fixture, "25 hours");
    assert_string_equal(items(fixture, "coordinator1", "NULL"),
                        "event_clock 1 1 none unscheduled adverse_event 3 3 fall 335");
    age_notices(fixture, "336 hours");
    assert_string_equal(items(fixture, "coordinator1", "NULL"), "");
}

static void test_items_have_no_clock_of_an_event_that_is_not_serious_any_more(void **state)
{
    struct test_fixture *fixture = *state;
    submit(fixture, (struct test_row){EVENT, .id = 1, .content = SERIOUS});
    submit(fixture, (struct test_row){EVENT, .id = 2, CORRECTED, .content = "{\"answers\":{\"serious\":false}}"});
    assert_string_equal(items(fixture, "coordinator1", "NULL"), "");
}

static const char *uploads(const struct test_fixture *fixture, const char *token)
{
    return ASK("SELECT string_agg(concat_ws(' ', i.kind, i.site_id, i.title IS NOT NULL, i.person), '; ' "
               "ORDER BY i.site_id) FROM api.list_desk_items('%s', 1, NULL) i", token);
}

static const char *commit(const struct test_fixture *fixture, const char *bytes, const char *counts)
{
    const char *id = test_upload_queued(fixture, "coordinator1", "1", bytes);
    test_upload_preview(fixture, "coordinator1", id, bytes);
    ASK("SELECT api.ask_upload_commit('coordinator1', 1, '%s', sha256('token'), 'good-rows', NULL)", id);
    return ASK("SELECT api.finish_upload('coordinator1', 1, '%s', %d, now(), '%s', '{}')", id, bytes[0] - 'a' + 1,
               counts);
}

static void test_items_have_uploads_that_were_refused_in_whole_or_in_part(void **state)
{
    struct test_fixture *fixture = *state;
    assert_string_equal(commit(fixture, "a,b", "{\"refused\":0}"), "");
    assert_string_equal(uploads(fixture, "coordinator1"), "");
    assert_string_equal(commit(fixture, "b,b", "{\"refused\":3}"), "");
    assert_string_equal(uploads(fixture, "coordinator1"), "refused_upload 1 t coordinator1");
    const char *id = test_upload_queued(fixture, "coordinator", NULL, "a,d");
    test_upload_take(fixture->collector, "coordinator", id);
    ASK("SELECT api.end_upload_check('coordinator', 1, '%s', 'refused', 'bad', '{}', '[]', '{}', NULL, NULL, false)",
        id);
    assert_string_equal(uploads(fixture, "coordinator"),
                        "refused_upload 0 t coordinator; refused_upload 1 t coordinator1");
    assert_string_equal(uploads(fixture, "coordinator1"), "refused_upload 1 t coordinator1");
}

static void put_draft(const struct test_fixture *fixture, const char *token, int id, int site)
{
    assert_string_equal(ASK("SELECT code FROM api.put_draft('%s', 1, '00000000-0000-0000-0000-00000000000%d', %d, 1, "
                            "'koos', 1, 'left', 'M3', 1, 1, '{}', 0)", token, id, site), "");
}

static const char *drafts(const struct test_fixture *fixture, const char *token, const char *filter)
{
    return ASK("SELECT string_agg(concat_ws(' ', d.site_id || '-' || d.subject_no, d.knee, d.visit, d.form, "
               "right(d.id::text, 1), d.version, d.person), '; ') FROM api.list_desk_drafts('%s', 1, %s) d", token,
               filter);
}

static void test_drafts_are_ones_own_until_they_are_stored(void **state)
{
    struct test_fixture *fixture = *state;
    static const char own[] = "1-1 left M3 koos 1 1 coordinator1";
    put_draft(fixture, "coordinator1", 1, 1);
    put_draft(fixture, "coordinator", 2, 2);
    assert_string_equal(drafts(fixture, "coordinator1", "NULL, NULL"), own);
    assert_string_equal(drafts(fixture, "coordinator1", "1, 1"), own);
    assert_string_equal(drafts(fixture, "coordinator1", "1, 2"), "");
    assert_string_equal(drafts(fixture, "coordinator1", "2, NULL"), "");
    assert_string_equal(drafts(fixture, "coordinator", "NULL, NULL"), "2-1 left M3 koos 2 1 coordinator");
    assert_string_equal(drafts(fixture, "monitor", "NULL, NULL"), "");
    submit(fixture, (struct test_row){.id = 1});
    assert_string_equal(drafts(fixture, "coordinator1", "NULL, NULL"), "");
}

int main(void)
{
    memory_init();
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, test_fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_subjects_are_those_of_the_token_and_the_filter),
        CASE(test_subjects_are_as_the_newest_version_of_their_enrolment_says),
        CASE(test_day_1_is_the_first_treatment_of_each_knee_that_counts),
        CASE(test_records_at_expected_visits_are_there_until_they_are_void),
        CASE(test_subjects_without_slots_have_nothing_there),
        CASE(test_endings_are_by_date_and_of_withdrawals_only_when_consent_was_withdrawn),
        CASE(test_records_are_newest_versions_at_visits),
        CASE(test_marks_have_open_queries_and_the_newest_cohort),
        CASE(test_marks_of_a_masked_study_have_no_cohort),
        CASE(test_items_have_queries_that_wait_for_an_answer),
        CASE(test_items_have_the_clock_of_a_serious_event_that_ends_next),
        CASE(test_items_have_no_clock_of_an_event_that_is_not_serious_any_more),
        CASE(test_items_have_uploads_that_were_refused_in_whole_or_in_part),
        CASE(test_drafts_are_ones_own_until_they_are_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
