/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The program itself: exit status, what is on standard output, the folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "forms/base/memory.h"
#include "tests/support/collected.h"
#include "tests/support/command.h"

struct fixture {
    struct collected *collected;
    const char *conninfo;
    char *folder;                /* of this test, removed at its end */
};

static struct fixture *new_fixture(const char *masking)
{
    struct fixture *fixture = memory_new(NULL, struct fixture);
    fixture->collected = collected_new(fixture, masking);
    collected_fill(fixture->collected);
    collected_cut(fixture->collected, "first");
    fixture->conninfo =
        test_database_conninfo(fixture, collected_database(fixture->collected), "patella_reporter");
    fixture->folder = memory_copy_string(fixture, "/tmp/patella-report-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    return fixture;
}

static int set_up(void **state)
{
    *state = new_fixture("none");
    return 0;
}

static int set_up_masked(void **state)
{
    *state = new_fixture("double");
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    int status;
    command_run(fixture, memory_format(fixture, "rm -r '%s'", fixture->folder), &status);
    return talloc_free(fixture);
}

/* patella-report with `options`, in which %s is the test's folder; the study's database is given. */
static const char *run_report(const struct fixture *fixture, const char *options, const char *name,
                              int *status)
{
    char *command = memory_format(fixture, "%s --db '%s' %s --out '%s/%s' 2>&1",
                                  command_program(fixture, "patella-report"), fixture->conninfo, options,
                                  fixture->folder, name);
    return command_run(fixture, command, status);
}

static int compare_folders(const struct fixture *fixture, const char *a, const char *b)
{
    int status;
    command_run(fixture, memory_format(fixture, "cd '%s' && diff -r '%s' '%s'", fixture->folder, a, b),
                &status);
    return status;
}

static void test_patella_report_same_cut_twice_gives_the_same_folder(void **state)
{
    struct fixture *fixture = *state;
    int status;
    run_report(fixture, "--study demo --cut first", "one", &status);
    assert_int_equal(status, 0);
    collected_submit(fixture->collected,
                     &(struct collected_form){"01-0001", "pain_vas", "right", "M3", "2026-04-11", 1, 2, NULL},
                     "vas", "10", NULL);
    const char *output = run_report(fixture, "--study demo --cut 1", "two", &status);
    assert_int_equal(status, 0);
    assert_int_equal(compare_folders(fixture, "one", "two"), 0);
    assert_non_null(strstr(output, "two/report.html\n"));
    assert_non_null(strstr(output, "two/manifest.json\n"));
    run_report(fixture, "--study demo", "three", &status);
    assert_int_equal(status, 0);
    assert_int_equal(compare_folders(fixture, "one", "three"), 1);
}

static void test_patella_report_without_a_cut_says_which_it_made(void **state)
{
    struct fixture *fixture = *state;
    int status;
    const char *output = run_report(fixture, "--study demo", "new", &status);
    assert_int_equal(status, 0);
    assert_non_null(strstr(output, "made cut 2 of study demo"));
}

static void test_patella_report_folder_with_a_report_is_replaced_by_force_only(void **state)
{
    struct fixture *fixture = *state;
    int status;
    run_report(fixture, "--study demo --cut 1", "one", &status);
    const char *output = run_report(fixture, "--study demo --cut 1", "one", &status);
    assert_int_equal(status, 1);
    assert_non_null(strstr(output, "--force"));
    run_report(fixture, "--study demo --cut 1 --columns pooled --force", "one", &status);
    assert_int_equal(status, 0);
    run_report(fixture, "--study demo --cut 1 --columns pooled", "two", &status);
    assert_int_equal(compare_folders(fixture, "one", "two"), 0);
}

static void test_patella_report_folder_of_something_else_is_never_replaced(void **state)
{
    struct fixture *fixture = *state;
    int status;
    command_run(fixture,
                memory_format(fixture, "cd '%s' && mkdir mine && echo x > mine/letter", fixture->folder),
                &status);
    run_report(fixture, "--study demo --cut 1 --force", "mine", &status);
    assert_int_equal(status, 1);
    assert_string_equal(
        command_run(fixture, memory_format(fixture, "ls '%s/mine'", fixture->folder), &status), "letter\n");
    assert_string_equal(command_run(fixture, memory_format(fixture, "ls '%s'", fixture->folder), &status),
                        "mine\n");
}

static void test_patella_report_masked_study_by_cohort_is_refused(void **state)
{
    struct fixture *fixture = *state;
    int status;
    const char *output = run_report(fixture, "--study demo --cut 1 --columns cohorts", "one", &status);
    assert_int_equal(status, 1);
    assert_non_null(strstr(output, "masked"));
    run_report(fixture, "--study demo --columns cohorts", "one", &status);
    assert_int_equal(status, 1);
    const char *cuts = test_value(collected_db(fixture->collected), "SELECT count(*) FROM core.cut");
    assert_string_equal(cuts, "1");      /* a refused report makes no cut */
    run_report(fixture, "--study demo --cut 1", "one", &status);
    assert_int_equal(status, 0);
}

#define REQUEST "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5d"

/* Asked for and approved, in transactions of their own, as the API does it. */
static void approve(const struct fixture *fixture)
{
    struct db *db = collected_db(fixture->collected);
    test_run(db, "SELECT blind.add_request(1, '" REQUEST "', 'interim analysis', 'anna')");
    test_run(db, "SELECT blind.add_approval(1, '" REQUEST "', 'berta')");
}

static void test_patella_report_masked_study_by_an_approved_request(void **state)
{
    struct fixture *fixture = *state;
    int status;
    static const char options[] = "--study demo --cut 1 --unblinding " REQUEST;
    const char *output = run_report(fixture, options, "early", &status);
    assert_int_equal(status, 1);
    assert_non_null(strstr(output, "was approved within seven days"));
    approve(fixture);
    output = run_report(fixture, options, "one", &status);
    if (status != 0)
        fail_msg("%s", output);
    static const char *const holds[] = {"'This report is unmasked' report.html", "CELLS results.csv",
                                        "'\"unblinding\": \"" REQUEST "\"' manifest.json"};
    for (size_t i = 0; i < sizeof holds / sizeof holds[0]; i++) {
        command_run(fixture, memory_format(fixture, "cd '%s/one' && grep -q %s", fixture->folder, holds[i]), &status);
        if (status != 0)
            fail_msg("not there: %s", holds[i]);
    }
    const char *command = memory_format(fixture, "%s verify '%s/one' --unsealed-ok --db '%s' 2>&1",
                                        command_program(fixture, "patella-report"), fixture->folder, fixture->conninfo);
    output = command_run(fixture, command, &status);
    if (status != 0)
        fail_msg("%s", output);
    assert_string_equal(test_value(collected_db(fixture->collected),
                                   "SELECT count(*) FROM audit.event WHERE object = 'blind.opening'"), "2");
}

static void test_patella_report_open_study_needs_no_request(void **state)
{
    struct fixture *fixture = *state;
    int status;
    const char *output = run_report(fixture, "--study demo --cut 1 --unblinding " REQUEST, "one", &status);
    assert_int_equal(status, 2);
    assert_non_null(strstr(output, "leave --unblinding away"));
}

static void test_patella_report_used_wrongly_exits_2(void **state)
{
    struct fixture *fixture = *state;
    static const char *const cases[] = {"", "--study demo --columns both", "--study demo --nonsense",
                                        "--study demo --jobs", "--study demo --once",
                                        "--study demo --unblinding 1", "--study demo extra",
                                        "--study demo --columns pooled --unblinding " REQUEST};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int status;
        const char *output = run_report(fixture, cases[i], "one", &status);
        assert_int_equal(status, 2);
        assert_non_null(strstr(output, "patella-report: "));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_patella_report_same_cut_twice_gives_the_same_folder),
        TEST(test_patella_report_without_a_cut_says_which_it_made),
        TEST(test_patella_report_folder_with_a_report_is_replaced_by_force_only),
        TEST(test_patella_report_folder_of_something_else_is_never_replaced),
        cmocka_unit_test_setup_teardown(test_patella_report_masked_study_by_cohort_is_refused, set_up_masked,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_patella_report_masked_study_by_an_approved_request, set_up_masked,
                                        tear_down),
        TEST(test_patella_report_open_study_needs_no_request),
        TEST(test_patella_report_used_wrongly_exits_2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
