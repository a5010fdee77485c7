/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * api.submit_batch with many rows of one sender, study and form, which it takes all at once (api.submit_alike): the
 * verdicts are those of rows that come alone, and what is stored is the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_database.h"
#include "tests/support/test_submission.h"

enum { MANY = 20, PLACE = 7, TOO_LARGE = 262145 };
static char large[TOO_LARGE + 1];

#define FOR_EACH_ROW "accepted accepted accepted accepted accepted accepted accepted accepted accepted accepted " \
                     "accepted accepted accepted accepted accepted accepted accepted accepted accepted accepted"

/* Good rows: subject 01-0001 at M12, instance by instance. */
static void fill(struct test_row rows[MANY], const char *token)
{
    for (int i = 0; i < MANY; i++)
        rows[i] = (struct test_row){.id = 500 + i, .visit = "M12", .instance = i + 1, .token = token};
}

/* MANY times the same word, but for the one at PLACE. */
static const char *verdicts_of(const void *owner, const char *others, const char *one)
{
    char *all = memory_copy_string(owner, "");
    for (int i = 0; i < MANY; i++)
        all = memory_format(owner, "%s%s%s", all, i > 0 ? " " : "", i == PLACE ? one : others);
    return all;
}

/* What stands at PLACE among good rows of the same token, and what is said of it. */
struct many_case {
    const char *label;
    struct test_row row;
    const char *verdict;
};

static const struct many_case many_cases[] = {
    {"another visit", {.id = 2, .visit = "M6"}, "accepted"},
    {"another subject", {.id = 2, .subject = 5}, "accepted"},
    {"another site", {.id = 2, .site = 2}, "accepted"},
    {"the same again", {.id = 1}, "replayed"},
    {"the same number, other content", {.id = 1, .content = "{\"p1\":4}"}, "uuid_reused"},
    {"a number of another site", {.id = 9}, "uuid_reused"},
    {"a number of a hidden site", {.id = 9, .visit = "M6", .token = "coordinator1"}, "accepted"},
    {"a number of a hidden site, from a machine", {.id = 9, .visit = "M6", .token = "machine1"}, "accepted"},
    {"a second first version", {.id = 2}, "record_exists"},
    {"a second first version from a machine", {.id = 2, .token = "machine1"}, "record_exists"},
    {"a correction", {.id = 2, .version = 2, .reason = "wrong knee"}, "accepted"},
    {"void", {.id = 2, .version = 2, .status = "void", .reason = "wrong subject"}, "accepted"},
    {"a first version that is void", {.id = 2, .visit = "M6", .status = "void"}, "version_conflict"},
    {"version -1", {.id = 2, .visit = "M6", .version = -1}, "version_conflict"},
    {"a subject that does not exist", {.id = 2, .subject = 2}, "unknown_subject"},
    {"a subject that is locked", {.id = 2, .subject = 3}, "subject_locked"},
    {"a subject whose enrolment is void", {.id = 2, .subject = 4}, "unknown_subject"},
    {"a subject of a hidden site", {.id = 2, .site = 2, .token = "coordinator1"}, "unknown_subject"},
    {"a subject of a site that the machine has not", {.id = 2, .site = 2, .token = "machine1"}, "unknown_subject"},
    {"a record twice in the call", {.id = 2, .visit = "M12", .instance = 1}, "record_exists"},
    {"a number twice in the call", {.id = 500, .visit = "M6", .content = "{}"}, "uuid_reused"},
    {"a number twice in the call, at two sites", {.id = 500, .site = 2, .content = "{}"}, "uuid_reused"},
    {"a content that is too large", {.id = 2, .visit = "M6", .content = large}, "too_large"},
    {"another version of the form", {.id = 2, .visit = "M6", .form_version = 2}, "unknown_form"},
    {"another form", {.id = 2, .form = "adverse_event", .knee = "none", .visit = "unscheduled"}, "accepted"},
    {"an enrolment", {.id = 2, .subject = 6, .index_knee = "left"}, "accepted"},
    {"an enrolment twice", {.id = 2, .index_knee = "left"}, "subject_exists"},
};

static void prepare(const struct test_fixture *fixture)
{
    static const struct test_row rows[] = {
        {.id = 1},
        {.id = 3, .subject = 4, .form = "enrolment", .knee = "none", .visit = "unscheduled", .version = 2,
         .status = "void", .reason = "never came"},
        {.id = 9, .site = 2, .visit = "M24"},
    };
    for (int subject = 1; subject <= 5; subject++)
        if (subject != 2)
            test_enrol(fixture->collector, 1, subject);
    test_enrol(fixture->collector, 2, 1);
    assert_string_equal(test_submit(fixture->collector, rows, 3), "accepted accepted accepted");
    test_run(fixture->superuser, "SELECT admin.lock_subject('demo', 1, 3, true, 'data are clean')");
    memset(large, ' ', TOO_LARGE);
    memcpy(large, "{}", 2);
}

static void test_submit_batch_row_among_many_gets_its_verdict(void **state)
{
    struct test_fixture *fixture = *state;
    struct test_row rows[MANY];
    prepare(fixture);
    for (size_t i = 0; i < sizeof many_cases / sizeof many_cases[0]; i++) {
        const struct many_case *item = &many_cases[i];
        fill(rows, item->row.token);
        rows[PLACE] = item->row;
        test_run(fixture->collector, "BEGIN");
        const char *verdicts = test_submit(fixture->collector, rows, MANY);
        const char *expected = verdicts_of(fixture->owner, "accepted", item->verdict);
        if (strcmp(verdicts, expected) != 0)
            fail_msg("%s: %s", item->label, verdicts);
        test_run(fixture->collector, "ROLLBACK");
    }
}

/* All of them alike. */
static const struct many_case alike_cases[] = {
    {"good ones", {.id = 0}, "accepted"},
    {"of a machine", {.token = "machine1"}, "accepted"},
    {"of nobody", {.token = "nobody"}, "no_session"},
    {"of an expired token", {.token = "expired"}, "no_session"},
    {"of a revoked token", {.token = "revoked"}, "no_session"},
    {"of a statistician", {.token = "statistician"}, "not_allowed"},
    {"of a coordinator of another study", {.token = "coordinator_other"}, "not_allowed"},
    {"of a coordinator of another site", {.token = "coordinator2"}, "unknown_subject"},
    {"of another study", {.study = 2}, "not_allowed"},
    {"of a version of the form that is not there", {.form_version = 2}, "unknown_form"},
    {"of a version of the protocol that is not there", {.protocol_version = 2}, "unknown_form"},
    {"of a locked subject", {.subject = 3}, "subject_locked"},
    {"of a subject that is enrolled no more", {.subject = 4}, "unknown_subject"},
    {"void", {.status = "void"}, "version_conflict"},
    {"later versions", {.version = 2, .reason = "wrong knee"}, "version_conflict"},
};

static void test_submit_batch_many_rows_get_the_verdict_of_one(void **state)
{
    struct test_fixture *fixture = *state;
    struct test_row rows[MANY];
    prepare(fixture);
    for (size_t i = 0; i < sizeof alike_cases / sizeof alike_cases[0]; i++) {
        const struct many_case *item = &alike_cases[i];
        for (int row = 0; row < MANY; row++) {
            rows[row] = item->row;
            rows[row].id = 500 + row;
            rows[row].visit = "M12";
            rows[row].instance = row + 1;
        }
        test_run(fixture->collector, "BEGIN");
        const char *verdicts = test_submit(fixture->collector, rows, MANY);
        if (strcmp(verdicts, verdicts_of(fixture->owner, item->verdict, item->verdict)) != 0)
            fail_msg("%s: %s", item->label, verdicts);
        test_run(fixture->collector, "ROLLBACK");
    }
}

static void test_submit_batch_many_rows_of_a_frozen_study_are_refused(void **state)
{
    struct test_fixture *fixture = *state;
    struct test_row rows[MANY];
    prepare(fixture);
    fill(rows, NULL);
    test_run(fixture->superuser, "SELECT admin.freeze_study('demo', true, 'database lock')");
    assert_string_equal(test_submit(fixture->collector, rows, MANY),
                        verdicts_of(fixture->owner, "study_frozen", "study_frozen"));
}

/* The key of an enrolment belongs to a record of the form: the others are plain rows. */
static void test_submit_batch_key_of_the_enrolment_among_many_is_taken(void **state)
{
    struct test_fixture *fixture = *state;
    struct test_row rows[MANY];
    prepare(fixture);
    fill(rows, NULL);
    for (int i = 0; i < MANY; i++) {
        rows[i].form = "enrolment";
        rows[i].knee = "none";
        rows[i].visit = "unscheduled";
        rows[i].instance = i == PLACE ? 1 : i + 2;
    }
    assert_string_equal(test_submit(fixture->collector, rows, MANY),
                        verdicts_of(fixture->owner, "accepted", "record_exists"));
}

/* Another sender among them, and they are taken row by row. */
static void test_submit_batch_many_rows_are_stored_as_row_by_row(void **state)
{
    struct test_fixture *fixture = *state;
    struct test_row rows[MANY + 1];
    prepare(fixture);
    fill(rows, "machine1");
    for (int i = 0; i < MANY; i++)
        rows[i].content = memory_format(fixture->owner, "{\"form\":\"koos\",\"p1\":%d}", i);
    assert_string_equal(test_submit(fixture->collector, rows, MANY), FOR_EACH_ROW);
    for (int i = 0; i < MANY; i++) {
        rows[i].id += 100;
        rows[i].visit = "M6";
    }
    rows[MANY] = (struct test_row){.id = 700, .visit = "M24", .token = "coordinator1"};
    assert_string_equal(test_submit(fixture->collector, rows, MANY + 1), FOR_EACH_ROW " accepted");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT count(*) || ' ' || count(DISTINCT a.recorded_at) || ' ' || count(DISTINCT a.xid) "
        "FROM core.submission a JOIN core.submission b ON b.visit = 'M6' AND b.instance = a.instance "
        "WHERE a.visit = 'M12' AND "
        "to_jsonb(a) - '{visit,id,recorded_at,xid}'::text[] = to_jsonb(b) - '{visit,id,recorded_at,xid}'::text[]"),
        "20 20 1");       /* scores among them, which tests take from the place in the call */
    assert_string_equal(test_value(fixture->superuser,
        "SELECT count(*) FROM audit.event a JOIN audit.event b ON b.new ->> 'visit' = 'M6' "
        "AND b.new -> 'instance' = a.new -> 'instance' "
        "WHERE a.new ->> 'visit' = 'M12' AND a.new - 'visit' = b.new - 'visit' AND "
        "to_jsonb(a) - '{new,row_id,at,xid,seq}'::text[] = to_jsonb(b) - '{new,row_id,at,xid,seq}'::text[]"), "20");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT string_agg(v.instance::text, ' ' ORDER BY v.recorded_at) FROM core.submission v WHERE v.visit = 'M12'"),
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20");
}

static long index_scans(struct db *db)
{
    return strtol(test_value(db,
        "SELECT COALESCE(sum(pg_stat_get_xact_numscans(i.indexrelid)), 0) FROM pg_index i "
        "WHERE i.indrelid = 'core.submission'::regclass"), NULL, 10);
}

/* One look at the subject's enrolment, and at each number only where the sender sees other sites. */
static void test_submit_batch_many_rows_are_looked_up_together(void **state)
{
    struct test_fixture *fixture = *state;
    struct test_row rows[MANY];
    static const struct {
        const char *token;
        long scans;
    } senders[] = {{"machine1", 1}, {"coordinator1", 1}, {"coordinator", 1 + MANY}};
    prepare(fixture);
    for (size_t i = 0; i < sizeof senders / sizeof senders[0]; i++) {
        fill(rows, senders[i].token);
        test_run(fixture->superuser, "BEGIN");
        long before = index_scans(fixture->superuser);
        assert_string_equal(test_submit(fixture->superuser, rows, MANY), FOR_EACH_ROW);
        assert_int_equal(index_scans(fixture->superuser) - before, senders[i].scans);
        test_run(fixture->superuser, "ROLLBACK");
    }
}

static void test_submit_batch_many_rows_beside_a_rival_lose_the_one_it_took(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *rival = test_database_connect(fixture->owner, fixture->database, "patella_collector");
    struct test_row rows[MANY];
    prepare(fixture);
    fill(rows, "machine1");
    struct test_row taken = rows[PLACE];
    taken.id = 2;
    test_run(rival, "BEGIN");
    assert_string_equal(test_submit(rival, &taken, 1), "accepted");
    test_run(fixture->collector, "SET lock_timeout = '50ms'");
    assert_string_equal(test_submit_sqlstate(fixture->collector, rows, MANY), "55P03");
    test_run(rival, "COMMIT");
    assert_string_equal(test_submit(fixture->collector, rows, MANY),
                        verdicts_of(fixture->owner, "accepted", "record_exists"));
    assert_string_equal(test_value(fixture->superuser,
        "SELECT count(*) FROM core.submission v WHERE v.visit = 'M12'"), "20");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_fixture_setup, test_fixture_teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_submit_batch_row_among_many_gets_its_verdict),
        CASE(test_submit_batch_many_rows_get_the_verdict_of_one),
        CASE(test_submit_batch_many_rows_of_a_frozen_study_are_refused),
        CASE(test_submit_batch_key_of_the_enrolment_among_many_is_taken),
        CASE(test_submit_batch_many_rows_are_stored_as_row_by_row),
        CASE(test_submit_batch_many_rows_are_looked_up_together),
        CASE(test_submit_batch_many_rows_beside_a_rival_lose_the_one_it_took),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
