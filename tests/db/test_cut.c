/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A data cut holds the same rows for ever: those that had committed when it was made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_database.h"
#include "tests/support/test_submission.h"

/* Ids (last two digits) and versions of what the statistician reads as of a cut; "" for none. */
static const char *read_cut(const struct test_fixture *fixture, int cut, bool all_versions)
{
    return test_value(fixture->collector, memory_format(fixture->owner,
        "SELECT string_agg(right(s.id::text, 2) || ':' || s.version, ' ' ORDER BY s.id) "
        "FROM api.list_submissions('statistician', 1, NULL, NULL, 'koos', NULL, %d, %s, NULL, NULL, 1000) s",
        cut, all_versions ? "true" : "false"));
}

static void submit(struct db *db, struct test_row row)
{
    assert_string_equal(test_submit(db, &row, 1), "accepted");
}

static void make_cut(const struct test_fixture *fixture, const char *label)
{
    test_run(fixture->collector, memory_format(fixture->owner, "SELECT api.make_cut('statistician', 1, '%s')", label));
}

static void test_cut_later_submissions_are_not_in_it(void **state)
{
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    submit(fixture->collector, (struct test_row){.id = 1});
    make_cut(fixture, "first");
    submit(fixture->collector, (struct test_row){.id = 2, .visit = "M6"});
    assert_string_equal(read_cut(fixture, 1, false), "01:1");
    make_cut(fixture, "second");
    assert_string_equal(read_cut(fixture, 1, false), "01:1");
    assert_string_equal(read_cut(fixture, 2, false), "01:1 02:1");
}

static void test_cut_later_corrections_leave_the_version_of_then(void **state)
{
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    submit(fixture->collector, (struct test_row){.id = 1});
    make_cut(fixture, "first");
    submit(fixture->collector, (struct test_row){.id = 2, .version = 2, .reason = "typing error"});
    make_cut(fixture, "second");
    submit(fixture->collector, (struct test_row){.id = 3, .version = 3, .status = "void", .reason = "wrong subject"});
    assert_string_equal(read_cut(fixture, 1, false), "01:1");
    assert_string_equal(read_cut(fixture, 2, false), "02:2");
    assert_string_equal(read_cut(fixture, 2, true), "01:1 02:2");
}

/* A transaction that began before the cut and commits after it: by the clock it would come and go. */
static void test_cut_transaction_across_it_is_never_in_it(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *slow = test_database_connect(fixture->owner, fixture->database, "patella_collector");
    test_enrol(fixture->collector, 1, 1);
    submit(fixture->collector, (struct test_row){.id = 1});
    test_run(slow, "BEGIN");
    submit(slow, (struct test_row){.id = 2, .visit = "M6"});
    submit(fixture->collector, (struct test_row){.id = 3, .visit = "M12"});   /* later number, committed before */
    make_cut(fixture, "across");
    assert_string_equal(read_cut(fixture, 1, false), "01:1 03:1");
    test_run(slow, "COMMIT");
    assert_string_equal(read_cut(fixture, 1, false), "01:1 03:1");
    make_cut(fixture, "after");
    assert_string_equal(read_cut(fixture, 2, false), "01:1 02:1 03:1");
}

static void test_cut_reporter_sees_the_same_rows(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *reporter = test_database_connect(fixture->owner, fixture->database, "patella_reporter");
    struct db *slow = test_database_connect(fixture->owner, fixture->database, "patella_collector");
    static const char sql[] =
        "SELECT string_agg(right(v.id::text, 2), ' ' ORDER BY v.id) FROM core.submission v JOIN core.cut c "
        "USING (study_id) WHERE c.cut_no = 1 AND v.form = 'koos' AND pg_visible_in_snapshot(v.xid, c.snapshot) "
        "AND core.is_in_cut(v.xid, v.era, c.snapshot, c.era)";
    test_enrol(fixture->collector, 1, 1);
    submit(fixture->collector, (struct test_row){.id = 1});
    test_run(slow, "BEGIN");
    submit(slow, (struct test_row){.id = 2, .visit = "M6"});
    test_run(reporter, "SELECT rep.make_cut(1, 'by the report')");
    test_run(slow, "COMMIT");
    assert_string_equal(test_value(reporter, sql), "01");
}

static void test_cut_subject_and_site_say_whether_they_are_in_it(void **state)
{
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    make_cut(fixture, "first");
    test_enrol(fixture->collector, 1, 2);
    test_run(fixture->superuser, "SELECT admin.add_site('demo', 3, 'Third clinic', 'Asia/Tokyo')");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT string_agg(s.subject_no::text, ' ') FROM core.subject s, core.cut c "
        "WHERE core.is_in_cut(s.xid, s.era, c.snapshot, c.era)"), "1");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT string_agg(s.site_id::text, ' ' ORDER BY s.site_id) FROM core.site s JOIN core.cut c USING (study_id) "
        "WHERE core.is_in_cut(s.xid, s.era, c.snapshot, c.era)"), "1 2");
}

static void test_cut_allocation_is_that_of_then(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *reporter = test_database_connect(fixture->owner, fixture->database, "patella_reporter");
    test_enrol(fixture->collector, 1, 1);
    make_cut(fixture, "before");
    test_run(fixture->superuser, "SELECT admin.allocate('demo', '{1}', '{1}', '{none}', '{CS}', NULL)");
    make_cut(fixture, "allocated");
    test_run(fixture->superuser, "SELECT admin.allocate('demo', '{1}', '{1}', '{none}', '{AD-MSC}', "
                                 "'entered wrongly')");
    make_cut(fixture, "corrected");
    assert_string_equal(test_value(reporter, "SELECT cohort FROM rep.allocation(1, 1)"), "");
    assert_string_equal(test_value(reporter, "SELECT cohort FROM rep.allocation(1, 2)"), "CS");
    assert_string_equal(test_value(reporter, "SELECT cohort FROM rep.allocation(1, 3)"), "AD-MSC");
}

static void test_cut_row_of_an_earlier_era_is_in_it(void **state)
{
    struct test_fixture *fixture = *state;
    /* Era 1 had gone far; after a restore the numbers began again. */
    assert_string_equal(test_value(fixture->superuser,
        "SELECT core.is_in_cut('900000', 1::smallint, '100:200:', 2::smallint)"), "t");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT core.is_in_cut('150', 2::smallint, '100:200:150', 2::smallint)"), "f");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT core.is_in_cut('50', 2::smallint, '100:200:', 1::smallint)"), "f");
}

static void test_cut_label_twice_is_a_conflict(void **state)
{
    struct test_fixture *fixture = *state;
    make_cut(fixture, "first");
    assert_string_equal(test_sqlstate(fixture->collector, "SELECT api.make_cut('statistician', 1, 'first')"), "23505");
    assert_string_equal(test_sqlstate(fixture->collector, "SELECT api.make_cut('statistician', 1, '  ')"), "23514");
    assert_string_equal(test_sqlstate(fixture->collector, "SELECT api.make_cut('statistician', 1, NULL)"), "23502");
}

/* `--cut 7` and `--cut LABEL` are the same option. */
static void test_cut_label_of_digits_only_is_refused(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *reporter = test_database_connect(fixture->owner, fixture->database, "patella_reporter");
    assert_string_equal(test_sqlstate(fixture->collector, "SELECT api.make_cut('statistician', 1, '7')"), "22023");
    assert_string_equal(test_sqlstate(fixture->superuser, "SELECT admin.make_cut('demo', ' 2026 ')"), "22023");
    assert_string_equal(test_sqlstate(reporter, "SELECT rep.make_cut(1, '12')"), "22023");
    make_cut(fixture, "2026-03-01");
}

static void test_cut_unknown_number_is_not_found(void **state)
{
    struct test_fixture *fixture = *state;
    assert_string_equal(test_sqlstate(fixture->collector,
        "SELECT * FROM api.list_submissions('statistician', 1, NULL, NULL, NULL, NULL, 7, false, NULL, NULL, 10)"),
        "P0002");
}

static void test_cut_study_without_protocol_is_refused(void **state)
{
    struct test_fixture *fixture = *state;
    test_run(fixture->superuser, "SELECT admin.add_study('bare', 'Bare study', 'none')");
    assert_string_equal(test_sqlstate(fixture->superuser, "SELECT admin.make_cut('bare', 'first')"), "P0002");
}

static void test_cut_names_the_newest_protocol(void **state)
{
    struct test_fixture *fixture = *state;
    make_cut(fixture, "first");
    test_run(fixture->superuser, "SELECT admin.put_protocol('demo', 2, 'protocol, second version', 'none')");
    make_cut(fixture, "second");
    assert_string_equal(test_value(fixture->collector,
        "SELECT string_agg(label || ' ' || protocol_version, ', ' ORDER BY cut_no) "
        "FROM api.list_cuts('statistician', 1)"),
        "first 1, second 2");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_fixture_setup, test_fixture_teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_cut_later_submissions_are_not_in_it),
        CASE(test_cut_later_corrections_leave_the_version_of_then),
        CASE(test_cut_transaction_across_it_is_never_in_it),
        CASE(test_cut_reporter_sees_the_same_rows),
        CASE(test_cut_subject_and_site_say_whether_they_are_in_it),
        CASE(test_cut_allocation_is_that_of_then),
        CASE(test_cut_row_of_an_earlier_era_is_in_it),
        CASE(test_cut_label_twice_is_a_conflict),
        CASE(test_cut_label_of_digits_only_is_refused),
        CASE(test_cut_unknown_number_is_not_found),
        CASE(test_cut_study_without_protocol_is_refused),
        CASE(test_cut_names_the_newest_protocol),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
