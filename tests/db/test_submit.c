/* SPDX-License-Identifier: GPL-3.0-or-later */
/* api.submit_batch: a verdict for each row, whatever the others are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_database.h"
#include "tests/support/test_submission.h"

static const char count_koos[] = "SELECT count(*) FROM core.submission WHERE form = 'koos'";

static const char *submit_one(const struct test_fixture *fixture, struct test_row row)
{
    return test_submit(fixture->collector, &row, 1);
}

/* What the rows of a table say when each is sent alone to a study with subject 01-0001 and one KOOS of it. */
struct verdict_case {
    const char *label;
    struct test_row row;
    const char *verdict;
};

#define ENROLMENT .form = "enrolment", .knee = "none", .visit = "unscheduled"
static const struct verdict_case verdict_cases[] = {
    {"a first version", {.id = 2, .visit = "M6"}, "accepted"},
    {"a correction", {.id = 2, .version = 2, .reason = "wrong knee"}, "accepted"},
    {"a machine of the site", {.id = 2, .visit = "M6", .token = "machine1"}, "accepted"},
    {"an adverse event", {.id = 2, .form = "adverse_event", .knee = "none", .visit = "unscheduled"}, "accepted"},
    {"the same again", {.id = 1}, "replayed"},
    {"the same by somebody else", {.id = 1, .token = "machine1"}, "replayed"},
    {"the same number, other content", {.id = 1, .content = "{\"p1\":4}"}, "uuid_reused"},
    {"a second first version", {.id = 2}, "record_exists"},
    {"an unknown token", {.id = 2, .token = "nobody"}, "no_session"},
    {"an empty token", {.id = 2, .token = ""}, "no_session"},
    {"an expired token", {.id = 2, .token = "expired"}, "no_session"},
    {"a revoked token", {.id = 2, .token = "revoked"}, "no_session"},
    {"a stranger with a stored number", {.id = 1, .token = "nobody"}, "no_session"},
    {"a statistician", {.id = 2, .visit = "M6", .token = "statistician"}, "not_allowed"},
    {"an administrator", {.id = 2, .visit = "M6", .token = "administrator"}, "not_allowed"},
    {"a coordinator of another study", {.id = 2, .visit = "M6", .token = "coordinator_other"}, "not_allowed"},
    {"another study with a token of this", {.id = 2, .study = 2}, "not_allowed"},
    {"a study that does not exist", {.id = 2, .study = 99}, "not_allowed"},
    {"a subject that does not exist", {.id = 2, .subject = 2}, "unknown_subject"},
    {"a subject of another site", {.id = 2, .token = "coordinator2"}, "unknown_subject"},
    {"a missing subject of another site", {.id = 2, .subject = 2, .token = "coordinator2"}, "unknown_subject"},
    {"an enrolment twice", {.id = 2, .index_knee = "left"}, "subject_exists"},
    {"an enrolment of another site", {.id = 2, .site = 2, .index_knee = "left", .token = "coordinator1"},
     "not_allowed"},
    {"an enrolment at no site", {.id = 2, .site = 3, .index_knee = "left"}, "not_allowed"},
    {"an enrolment that continues another", {.id = 2, .site = 2, .index_knee = "left", .continues = "01-0001"},
     "accepted"},
    {"an enrolment that continues nobody", {.id = 2, .site = 2, .index_knee = "left", .continues = "01-0009"},
     "continues_unknown"},
    {"an enrolment that continues itself", {.id = 2, .site = 2, .index_knee = "left", .continues = "02-0001"},
     "continues_unknown"},
    {"an enrolment that continues nonsense", {.id = 2, .site = 2, .index_knee = "left", .continues = "somebody"},
     "continues_unknown"},
    {"a number with a zero too many", {.id = 2, .site = 2, .index_knee = "left", .continues = "001-0001"},
     "continues_unknown"},
    {"a subject with a zero too many", {.id = 2, .site = 2, .index_knee = "left", .continues = "01-00001"},
     "continues_unknown"},
    {"a hidden site with a zero too many",
     {.id = 2, .subject = 9, .index_knee = "left", .continues = "002-0001", .token = "coordinator1"},
     "continues_unknown"},
    {"an enrolment corrected", {ENROLMENT, .id = 2, .version = 2, .reason = "wrong knee"}, "accepted"},
    {"an enrolment corrected with its knee",
     {.id = 2, .version = 2, .reason = "wrong knee", .index_knee = "right"}, "accepted"},
    {"an enrolment corrected at a hidden site",
     {.id = 2, .version = 2, .reason = "wrong knee", .index_knee = "right", .token = "coordinator2"},
     "unknown_subject"},
    {"an enrolment corrected to continue nobody",
     {ENROLMENT, .id = 2, .version = 2, .reason = "moved here", .continues = "02-0009"}, "continues_unknown"},
    {"an enrolment corrected to continue itself",
     {ENROLMENT, .id = 2, .version = 2, .reason = "moved here", .continues = "01-0001"}, "continues_unknown"},
    {"an enrolment voided under a record",
     {ENROLMENT, .id = 2, .version = 2, .status = "void", .reason = "wrong subject"}, "subject_has_records"},
    {"no version of the protocol, stored already", {.id = 1, .protocol_version = -1}, "replayed"},
    {"a form that the study has not", {.id = 2, .form = "womac", .visit = "M6"}, "unknown_form"},
    {"a version of the form that it has not", {.id = 2, .visit = "M6", .form_version = 2}, "unknown_form"},
    {"a version of the protocol that it has not", {.id = 2, .visit = "M6", .protocol_version = 2}, "unknown_form"},
    {"a correction without a reason", {.id = 2, .version = 2}, "reason_missing"},
    {"a correction with a blank reason", {.id = 2, .version = 2, .reason = "           "}, "reason_missing"},
    {"a reason of other blanks", {.id = 2, .version = 2, .reason = "\t\n\u00a0\u3000\u200b\u2003 x"}, "reason_missing"},
    {"a reason of four letters", {.id = 2, .version = 2, .reason = "oops"}, "reason_missing"},
    {"a version that leaves one out", {.id = 2, .version = 3, .reason = "wrong knee"}, "version_conflict"},
    {"a second version of nothing", {.id = 2, .visit = "M6", .version = 2, .reason = "wrong knee"},
     "version_conflict"},
    {"version -1", {.id = 2, .visit = "M6", .version = -1}, "version_conflict"},
    {"a first version that is void", {.id = 2, .visit = "M6", .status = "void"}, "version_conflict"},
    {"void", {.id = 2, .version = 2, .status = "void", .reason = "wrong subject"}, "accepted"},
};

static void test_submit_batch_row_alone_gets_its_verdict(void **state)
{
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    assert_string_equal(submit_one(fixture, (struct test_row){.id = 1}), "accepted");
    for (size_t i = 0; i < sizeof verdict_cases / sizeof verdict_cases[0]; i++) {
        test_run(fixture->collector, "BEGIN");
        const char *verdict = submit_one(fixture, verdict_cases[i].row);
        if (strcmp(verdict, verdict_cases[i].verdict) != 0)
            fail_msg("%s: %s instead of %s", verdict_cases[i].label, verdict, verdict_cases[i].verdict);
        test_run(fixture->collector, "ROLLBACK");
    }
}

static void test_submit_batch_all_rows_together_get_the_same_verdicts(void **state)
{
    struct test_fixture *fixture = *state;
    enum { COUNT = sizeof verdict_cases / sizeof verdict_cases[0] };
    struct test_row rows[COUNT];
    char expected[4096] = "";
    size_t count = 0;
    test_enrol(fixture->collector, 1, 1);
    assert_string_equal(submit_one(fixture, (struct test_row){.id = 1}), "accepted");
    for (size_t i = 0; i < COUNT; i++) {
        if (strcmp(verdict_cases[i].verdict, "accepted") == 0)
            continue;    /* they would meet each other */
        rows[count] = verdict_cases[i].row;
        if (rows[count].id == 2)
            rows[count].id = 100 + (int)i;
        count++;
        if (expected[0])
            strcat(expected, " ");
        strcat(expected, verdict_cases[i].verdict);
    }
    assert_string_equal(test_submit(fixture->collector, rows, count), expected);
}

static void test_submit_batch_one_bad_row_leaves_the_others(void **state)
{
    struct test_fixture *fixture = *state;
    struct test_row rows[64];
    test_enrol(fixture->collector, 1, 1);
    for (int i = 0; i < 64; i++)
        rows[i] = (struct test_row){.id = i + 1, .instance = i + 1, .subject = i == 20 ? 77 : 1};
    const char *verdicts = test_submit(fixture->collector, rows, 64);
    assert_non_null(strstr(verdicts, "unknown_subject"));
    assert_null(strstr(strstr(verdicts, "unknown_subject") + 1, "unknown_subject"));
    assert_string_equal(test_value(fixture->superuser, count_koos), "63");
}

static void test_submit_batch_nothing_gives_nothing(void **state)
{
    struct test_fixture *fixture = *state;
    assert_string_equal(test_submit(fixture->collector, NULL, 0), "");
}

static void test_submit_batch_enrolment_adds_subject_and_both_knees(void **state)
{
    struct test_fixture *fixture = *state;
    const struct test_row row = {.id = 5, .site = 2, .subject = 12, .index_knee = "right", .date = "2026-01-31",
                                 .token = "coordinator2"};
    assert_string_equal(test_submit(fixture->collector, &row, 1), "accepted");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT concat_ws(' ', study_id, site_id, subject_no, index_knee, enrolled_on, recorded_by, locked) "
        "FROM core.subject"), "1 2 12 right 2026-01-31 coordinator2 f");
    assert_string_equal(test_value(fixture->superuser, "SELECT string_agg(knee, ' ' ORDER BY knee) FROM core.knee"),
                        "left right");
    assert_string_equal(test_submit(fixture->collector, &row, 1), "replayed");
}

static void test_submit_batch_enrolments_and_others_in_one_call_are_stored(void **state)
{
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    const struct test_row rows[] = {
        {.id = 1}, {.id = 2, .subject = 2, .index_knee = "left"}, {.id = 3, .subject = 3, .index_knee = "right"},
        {.id = 4, .visit = "M6"}, {.id = 5, .subject = 1, .index_knee = "left"},
    };
    assert_string_equal(test_submit(fixture->collector, rows, 5), "accepted accepted accepted accepted subject_exists");
}

static void test_submit_batch_subject_twice_in_one_call_is_enrolled_once(void **state)
{
    struct test_fixture *fixture = *state;
    const struct test_row rows[] = {
        {.id = 1, .index_knee = "left"}, {.id = 2, .instance = 2, .index_knee = "right"},
    };
    assert_string_equal(test_submit(fixture->collector, rows, 2), "accepted subject_exists");
    assert_string_equal(test_value(fixture->superuser, "SELECT count(*) FROM core.subject"), "1");
    assert_string_equal(test_value(fixture->superuser, "SELECT count(*) FROM core.submission"), "1");
}

static void test_submit_batch_enrolment_with_a_stored_number_adds_no_subject(void **state)
{
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    const struct test_row row = {.id = 1001, .subject = 2, .index_knee = "left", .content = "{\"other\":1}"};
    assert_string_equal(test_submit(fixture->collector, &row, 1), "uuid_reused");
    assert_string_equal(test_value(fixture->superuser, "SELECT count(*) FROM core.subject"), "1");
}

static void test_submit_batch_twins_in_one_call_are_stored_once(void **state)
{
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    const struct test_row same[] = {{.id = 1}, {.id = 1}};
    assert_string_equal(test_submit(fixture->collector, same, 2), "accepted replayed");
    const struct test_row record[] = {{.id = 2, .visit = "M6"}, {.id = 3, .visit = "M6"}};
    assert_string_equal(test_submit(fixture->collector, record, 2), "accepted record_exists");
    const struct test_row number[] = {{.id = 4, .visit = "M12"}, {.id = 4, .visit = "M24", .content = "{}"}};
    assert_string_equal(test_submit(fixture->collector, number, 2), "accepted uuid_reused");
    assert_string_equal(test_value(fixture->superuser, count_koos), "3");
}

static void test_submit_batch_dependent_versions_in_one_call_are_refused_not_corrupted(void **state)
{
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    const struct test_row rows[] = {{.id = 1}, {.id = 2, .version = 2, .reason = "wrong knee"}};
    assert_string_equal(test_submit(fixture->collector, rows, 2), "accepted version_conflict");
    assert_string_equal(test_submit(fixture->collector, rows, 2), "replayed accepted");
}

/* One row after the other, each in a call of its own. */
static void check_in_turn(const struct test_fixture *fixture, const struct verdict_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *verdict = submit_one(fixture, cases[i].row);
        if (strcmp(verdict, cases[i].verdict) != 0)
            fail_msg("%s: %s instead of %s", cases[i].label, verdict, cases[i].verdict);
    }
}

#define CHECK_IN_TURN(fixture, cases) check_in_turn(fixture, cases, sizeof(cases) / sizeof(cases)[0])

static void test_submit_batch_void_record_is_entered_anew_with_a_reason(void **state)
{
    struct test_fixture *fixture = *state;
    static const struct verdict_case cases[] = {
        {"first", {.id = 1}, "accepted"},
        {"void", {.id = 2, .version = 2, .status = "void", .reason = "wrong subject", .content = "{}"}, "accepted"},
        {"void again", {.id = 3, .version = 3, .status = "void", .reason = "wrong subject"}, "record_void"},
        {"a first version", {.id = 3}, "record_exists"},
        {"without a reason", {.id = 3, .version = 3}, "reason_missing"},
        {"anew", {.id = 3, .version = 3, .reason = "it was right after all"}, "accepted"},
        {"the void one again", {.id = 2, .version = 2, .status = "void", .reason = "wrong subject", .content = "{}"},
         "replayed"},
        {"corrected", {.id = 4, .version = 4, .reason = "typing error"}, "accepted"},
    };
    test_enrol(fixture->collector, 1, 1);
    CHECK_IN_TURN(fixture, cases);
}

#define SUBJECTS "SELECT string_agg(concat_ws(' ', subject_no, index_knee, enrolled_on), ', ') " \
                 "FROM api.list_subjects('coordinator', 1, 0, 0, 100)"
#define RIGHT_KNEE "{\"answers\":{\"index_knee\":\"right\"}}"

static void test_submit_batch_corrected_enrolment_is_what_lists_show(void **state)
{
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    assert_string_equal(test_value(fixture->collector, SUBJECTS), "1 left 2026-03-01");
    assert_string_equal(submit_one(fixture, (struct test_row){ENROLMENT, .id = 2, .version = 2, .date = "2026-02-01",
                                                              .reason = "wrong knee", .content = RIGHT_KNEE}),
                        "accepted");
    assert_string_equal(test_value(fixture->collector, SUBJECTS), "1 right 2026-02-01");
}

static void test_submit_batch_void_enrolment_leaves_no_subject_until_it_is_entered_anew(void **state)
{
    struct test_fixture *fixture = *state;
    static const struct verdict_case cases[] = {
        {"a record", {.id = 1}, "accepted"},
        {"void under it", {ENROLMENT, .id = 2, .version = 2, .status = "void", .reason = "never came"},
         "subject_has_records"},
        {"the record void", {.id = 3, .version = 2, .status = "void", .reason = "never came"}, "accepted"},
        {"void", {ENROLMENT, .id = 2, .version = 2, .status = "void", .reason = "never came"}, "accepted"},
        {"void, sent again", {ENROLMENT, .id = 2, .version = 2, .status = "void", .reason = "never came"}, "replayed"},
        {"void twice", {ENROLMENT, .id = 4, .version = 3, .status = "void", .reason = "never came"}, "record_void"},
        {"a new record", {.id = 4, .visit = "M6"}, "unknown_subject"},
        {"the old record", {.id = 4, .version = 3, .reason = "came at last"}, "unknown_subject"},
        {"the old record, sent again", {.id = 1}, "replayed"},
        {"enrolled as if new", {.id = 4, .index_knee = "left"}, "subject_exists"},
        {"continued", {.id = 4, .site = 2, .index_knee = "left", .continues = "01-0001"}, "continues_unknown"},
    }, anew[] = {
        {"enrolled anew", {ENROLMENT, .id = 5, .version = 3, .reason = "came at last", .content = RIGHT_KNEE},
         "accepted"},
        {"a new record", {.id = 6, .visit = "M6"}, "accepted"},
        {"continued", {.id = 7, .site = 2, .index_knee = "left", .continues = "01-0001"}, "accepted"},
    };
    test_enrol(fixture->collector, 1, 1);
    CHECK_IN_TURN(fixture, cases);
    assert_string_equal(test_value(fixture->collector, SUBJECTS), "");
    CHECK_IN_TURN(fixture, anew);
    assert_string_equal(test_value(fixture->collector, SUBJECTS), "1 right 2026-03-01, 1 left 2026-03-01");
}

static void test_submit_batch_enrolment_voided_beside_a_new_record_stays(void **state)
{
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    const struct test_row rows[] = {
        {ENROLMENT, .id = 2, .version = 2, .status = "void", .reason = "never came"}, {.id = 1},
    };
    assert_string_equal(test_submit(fixture->collector, rows, 2), "subject_has_records accepted");
}

/* Its records are only all there to be seen when nobody else is writing one. */
static void test_submit_batch_voiding_an_enrolment_beside_another_writer_is_busy(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *rival = test_database_connect(fixture->owner, fixture->database, "patella_collector");
    test_enrol(fixture->collector, 1, 1);
    const struct test_row record = {.id = 1};
    const struct test_row end = {ENROLMENT, .id = 2, .version = 2, .status = "void", .reason = "never came"};
    test_run(rival, "BEGIN");
    assert_string_equal(test_submit(rival, &record, 1), "accepted");
    assert_string_equal(test_submit(fixture->collector, &end, 1), "study_busy");
    assert_string_equal(test_value(fixture->collector, "SHOW lock_timeout"), "5s");
    test_run(rival, "COMMIT");
    assert_string_equal(test_submit(fixture->collector, &end, 1), "subject_has_records");
    assert_string_equal(test_value(fixture->collector, "SHOW lock_timeout"), "5s");
}

static void test_submit_batch_every_row_has_a_time_of_its_own_in_the_order_sent(void **state)
{
    struct test_fixture *fixture = *state;
    enum { ROWS = 40 };
    struct test_row rows[ROWS];
    for (int i = 0; i < ROWS; i++)
        rows[i] = (struct test_row){.id = 1 + i % 20, .instance = 1 + i % 20};      /* each sent twice */
    test_enrol(fixture->collector, 1, 1);
    test_run(fixture->collector, "BEGIN");
    const char *first = test_submit(fixture->collector, rows, ROWS);
    assert_null(strstr(first, "replayed accepted"));
    assert_non_null(strstr(first, "accepted replayed"));
    const struct test_row later[] = {{.id = 50, .visit = "M6"}, {.id = 51, .subject = 2, .index_knee = "left"}};
    assert_string_equal(test_submit(fixture->collector, later, 2), "accepted accepted");
    test_run(fixture->collector, "COMMIT");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT count(DISTINCT recorded_at) || ' ' || (array_agg(instance ORDER BY recorded_at))[1:20]::text "
        "FROM core.submission WHERE form = 'koos' OR subject_no = 2"),
        "22 {1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20}");
}

static void test_submit_batch_content_over_the_limit_is_too_large(void **state)
{
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    char *large = memory_new_array(fixture->owner, char, 262146);
    memset(large, ' ', 262145);
    memcpy(large, "{}", 2);
    assert_string_equal(submit_one(fixture, (struct test_row){.content = large}), "too_large");
    large[262144] = '\0';
    assert_string_equal(submit_one(fixture, (struct test_row){.content = large}), "accepted");
}

static void test_submit_batch_content_that_is_no_json_fails_the_call(void **state)
{
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    const struct test_row row = {.content = "{bad"};
    assert_string_equal(test_submit_sqlstate(fixture->collector, &row, 1), "22P02");
    assert_string_equal(test_value(fixture->superuser, count_koos), "0");
}

static void test_submit_batch_frozen_study_takes_nothing_but_answers_replays(void **state)
{
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    assert_string_equal(submit_one(fixture, (struct test_row){.id = 1}), "accepted");
    test_run(fixture->superuser, "SELECT admin.freeze_study('demo', true, 'database lock')");
    const struct test_row rows[] = {
        {.id = 1}, {.id = 2, .visit = "M6"}, {.id = 3, .subject = 9, .index_knee = "left"},
        {.id = 4, .study = 2, .token = "coordinator_other", .index_knee = "left"},
    };
    assert_string_equal(test_submit(fixture->collector, rows, 4), "replayed study_frozen study_frozen accepted");
    test_run(fixture->superuser, "SELECT admin.freeze_study('demo', false, 'opened again')");
    assert_string_equal(test_submit(fixture->collector, &rows[1], 1), "accepted");
}

static void test_submit_batch_locked_subject_takes_nothing_but_answers_replays(void **state)
{
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    test_enrol(fixture->collector, 1, 2);
    assert_string_equal(submit_one(fixture, (struct test_row){.id = 1}), "accepted");
    test_run(fixture->superuser, "SELECT admin.lock_subject('demo', 1, 1, true, 'data are clean')");
    const struct test_row rows[] = {
        {.id = 1}, {.id = 2, .visit = "M6"}, {.id = 3, .version = 2, .reason = "too late"}, {.id = 4, .subject = 2},
    };
    assert_string_equal(test_submit(fixture->collector, rows, 4), "replayed subject_locked subject_locked accepted");
}

static void test_submit_batch_same_number_at_two_sites_are_two_submissions(void **state)
{
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    test_enrol(fixture->collector, 2, 1);
    const struct test_row rows[] = {
        {.id = 1, .token = "coordinator1"}, {.id = 1, .site = 2, .token = "coordinator2", .content = "{\"p1\":3}"},
    };
    assert_string_equal(test_submit(fixture->collector, rows, 2), "accepted accepted");
}

static void test_submit_batch_same_number_at_two_sites_that_the_caller_sees_is_reused(void **state)
{
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    test_enrol(fixture->collector, 2, 1);
    const struct test_row rows[] = {{.id = 1}, {.id = 1, .site = 2}};
    assert_string_equal(test_submit(fixture->collector, rows, 2), "accepted uuid_reused");
    assert_string_equal(submit_one(fixture, rows[1]), "uuid_reused");
    assert_string_equal(submit_one(fixture, rows[0]), "replayed");
    assert_string_equal(submit_one(fixture, (struct test_row){.id = 1, .site = 2, .subject = 9, .index_knee = "left"}),
                        "uuid_reused");
    assert_string_equal(test_value(fixture->superuser, count_koos), "1");
}

static void test_submit_batch_continues_at_a_hidden_site_tells_nothing(void **state)
{
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 2, 1);
    const struct test_row rows[] = {
        {.id = 1, .index_knee = "left", .continues = "02-0001", .token = "coordinator1"},
        {.id = 2, .subject = 2, .index_knee = "left", .continues = "02-0002", .token = "coordinator1"},
    };
    assert_string_equal(test_submit(fixture->collector, rows, 2), "accepted accepted");
}

static void test_submit_batch_versions_are_chained_by_hash(void **state)
{
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    assert_string_equal(submit_one(fixture, (struct test_row){.id = 1, .content = "{\"p1\": 1}"}), "accepted");
    assert_string_equal(submit_one(fixture, (struct test_row){.id = 2, .version = 2, .reason = "typing error",
                                                              .content = "{\"p1\":2}"}), "accepted");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT bool_and(v.sha256 = sha256(convert_to(v.content::text, 'UTF8'))) "
        "AND bool_and(v.prev_sha256 IS NOT DISTINCT FROM p.sha256) AND count(*) = 2 "
        "FROM core.submission v LEFT JOIN core.submission p "
        "ON (p.site_id, p.subject_no, p.form, p.version) = (v.site_id, v.subject_no, v.form, v.version - 1) "
        "WHERE v.form = 'koos'"), "t");
    assert_string_equal(test_value(fixture->superuser, "SELECT content::text FROM core.submission WHERE version = 1 "
                                                       "AND form = 'koos'"), "{\"p1\": 1}");
}

static void test_submit_batch_scores_belong_to_their_rows(void **state)
{
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    const struct test_row rows[] = {{.id = 1}, {.id = 2, .visit = "M6"}, {.id = 3, .visit = "M12"}};
    assert_string_equal(test_submit(fixture->collector, rows, 3), "accepted accepted accepted");
    assert_string_equal(test_value(fixture->superuser, "SELECT string_agg(scores::text, ' ' ORDER BY id) "
                                   "FROM core.submission WHERE form = 'koos'"), "{0,NaN} {1,NaN} {2,NaN}");
}

static void test_submit_batch_first_version_keeps_no_reason(void **state)
{
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    assert_string_equal(submit_one(fixture, (struct test_row){.reason = "none is needed"}), "accepted");
    assert_string_equal(test_value(fixture->superuser, "SELECT reason IS NULL FROM core.submission "
                                                       "WHERE form = 'koos'"), "t");
}

/* ---------------------------------------------------------------------------------------------- audit */

static void test_submit_batch_every_verdict_of_a_known_caller_is_audited(void **state)
{
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    const struct test_row rows[] = {
        {.id = 1}, {.id = 1}, {.id = 2, .subject = 9}, {.id = 3, .token = "nobody"}, {.id = 4, .token = "statistician"},
    };
    assert_string_equal(test_submit(fixture->collector, rows, 5),
                        "accepted replayed unknown_subject no_session not_allowed");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT string_agg(actor || ' ' || operation, ', ' ORDER BY seq) FROM audit.event "
        "WHERE object = 'core.submission' AND new ->> 'form' = 'koos'"),
        "coordinator INSERT, coordinator REPLAY, coordinator REFUSE unknown_subject, statistician REFUSE not_allowed");
}

static void test_submit_batch_audit_holds_no_answers(void **state)
{
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    const struct test_row rows[] = {
        {.id = 1, .content = "{\"p1\":\"canary\"}"}, {.id = 2, .content = "{\"p1\":\"canary\"}"},
    };
    assert_string_equal(test_submit(fixture->collector, rows, 2), "accepted record_exists");
    assert_string_equal(test_value(fixture->superuser, "SELECT count(*) FROM audit.event e "
                                                       "WHERE e::text LIKE '%canary%'"), "0");
    assert_string_equal(test_value(fixture->superuser, "SELECT count(*) FROM audit.event e JOIN core.submission v "
                                   "ON v.id = e.row_id AND v.sha256 = e.digest AND v.xid = e.xid "
                                   "WHERE e.operation = 'INSERT'"), "2");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_fixture_setup, test_fixture_teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_submit_batch_row_alone_gets_its_verdict),
        CASE(test_submit_batch_all_rows_together_get_the_same_verdicts),
        CASE(test_submit_batch_one_bad_row_leaves_the_others),
        CASE(test_submit_batch_nothing_gives_nothing),
        CASE(test_submit_batch_enrolment_adds_subject_and_both_knees),
        CASE(test_submit_batch_enrolments_and_others_in_one_call_are_stored),
        CASE(test_submit_batch_subject_twice_in_one_call_is_enrolled_once),
        CASE(test_submit_batch_enrolment_with_a_stored_number_adds_no_subject),
        CASE(test_submit_batch_twins_in_one_call_are_stored_once),
        CASE(test_submit_batch_dependent_versions_in_one_call_are_refused_not_corrupted),
        CASE(test_submit_batch_void_record_is_entered_anew_with_a_reason),
        CASE(test_submit_batch_corrected_enrolment_is_what_lists_show),
        CASE(test_submit_batch_void_enrolment_leaves_no_subject_until_it_is_entered_anew),
        CASE(test_submit_batch_enrolment_voided_beside_a_new_record_stays),
        CASE(test_submit_batch_voiding_an_enrolment_beside_another_writer_is_busy),
        CASE(test_submit_batch_every_row_has_a_time_of_its_own_in_the_order_sent),
        CASE(test_submit_batch_same_number_at_two_sites_that_the_caller_sees_is_reused),
        CASE(test_submit_batch_content_over_the_limit_is_too_large),
        CASE(test_submit_batch_content_that_is_no_json_fails_the_call),
        CASE(test_submit_batch_frozen_study_takes_nothing_but_answers_replays),
        CASE(test_submit_batch_locked_subject_takes_nothing_but_answers_replays),
        CASE(test_submit_batch_same_number_at_two_sites_are_two_submissions),
        CASE(test_submit_batch_continues_at_a_hidden_site_tells_nothing),
        CASE(test_submit_batch_versions_are_chained_by_hash),
        CASE(test_submit_batch_scores_belong_to_their_rows),
        CASE(test_submit_batch_first_version_keeps_no_reason),
        CASE(test_submit_batch_every_verdict_of_a_known_caller_is_audited),
        CASE(test_submit_batch_audit_holds_no_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
