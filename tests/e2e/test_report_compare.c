/* SPDX-License-Identifier: GPL-3.0-or-later */
/* patella-report --compare: subjects, records and numbers that changed between two cuts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "forms/base/memory.h"
#include "tests/support/report_run.h"

static struct report_run *new_run(const char *masking)
{
    struct report_run *run = report_run_new(masking);
    report_program(run, "--study demo --cut first --out old");
    assert_report(run, 0, "old/manifest.json\n");
    return run;
}

static int set_up(void **state)
{
    *state = new_run("none");
    return 0;
}

static int set_up_masked(void **state)
{
    *state = new_run("double");
    return 0;
}

/* A correction, a void, an end, a new subject with a value. */
static void change(const struct report_run *run)
{
    struct collected *collected = run->collected;
    const struct collected_form corrected = {"01-0001", "pain_vas", "right", "M3", "2026-04-11", 1, 2, NULL};
    collected_submit(collected, &corrected, "vas", "10", NULL);
    collected_submit(collected,
                     &(struct collected_form){"01-0002", "pain_vas", "right", "M3", "2026-04-11", 1, 2, "void"}, NULL);
    collected_submit(collected, &(struct collected_form){.subject = "01-0003", .form = "end_of_study",
                                                         .date = "2026-05-01"},
                     "last_contact", "2026-05-01", "reason", "lost_to_follow_up", NULL);
    collected_submit(collected, &(struct collected_form){.subject = "02-0002", .form = "enrolment",
                                                         .date = "2026-05-02"},
                     "index_knee", "right", NULL);
    collected_submit(collected,
                     &(struct collected_form){"02-0002", "pain_vas", "right", "BL", "2026-05-02", 1, 1, NULL}, "vas",
                     "70", NULL);
    collected_cut(run->collected, "second");
}

static void test_compare_names_subjects_records_and_numbers(void **state)
{
    struct report_run *run = *state;
    change(run);
    report_program(run, "--study demo --cut second --compare old --out new");
    assert_report(run, 0, "new/compare.csv\n");
    report_shell(run, "cat new/compare.csv");
    assert_report(run, 0, "subject,new,02-0002,");
    assert_report(run, 0, "subject,left,01-0003,");
    assert_report(run, 0, "record,corrected,01-0001,pain_vas,right,M3,1,,,,,version 1,version 2\n");
    assert_report(run, 0, "record,voided,01-0002,pain_vas,right,M3,1,,,,,version 1,\n");
    assert_report(run, 0, "record,new,02-0002,pain_vas,right,BL,1,,,,,,version 1\n");
    assert_report(run, 0, "record,new,01-0003,end_of_study,,unscheduled,1,,,,,,version 1\n");
    assert_report(run, 0, "number,changed,,,,,,value vas,M3,CS,n,2,1\n");
    assert_report(run, 0, "number,changed,,,,,,value vas,M3,CELLS,min,40,10\n");
    assert_report_without(run, "record,corrected,01-0002");
    assert_report_without(run, ",enrolment,,unscheduled,1,,,,,version 1,version 1");
    report_shell(run, "grep -c 'Changes since the earlier report' new/report.html");
    assert_int_equal(run->status, 0);
    report_shell(run, "grep -c '^pain_vas,1,1,1$' new/d2-records.csv");
    assert_int_equal(run->status, 0);
    report_shell(run, "grep '\"compared_with\": {\"cut\": 1' new/manifest.json");
    assert_int_equal(run->status, 0);
}

/* Every number of the later report is the same as before, or in compare.csv; a reason is no number. */
static void test_compare_lists_each_number_that_differs_and_no_other(void **state)
{
    struct report_run *run = *state;
    change(run);
    report_program(run, "--study demo --cut second --compare old --out new");
    assert_int_equal(run->status, 0);
    report_shell(run, "for r in old new; do grep ',,$' $r/results.csv | LC_ALL=C sort > $r.numbers; done && "
                      "LC_ALL=C comm -13 old.numbers new.numbers | wc -l");
    const char *differing = run->output;
    report_shell(run, "grep '^number,\\(changed\\|new\\)' new/compare.csv | "
                      "grep -vc ',\\(not_estimable\\|empty\\|refused\\)$'");
    assert_string_equal(run->output, differing);
    assert_true(strcmp(differing, "0\n") != 0);
}

static void test_compare_with_itself_finds_nothing(void **state)
{
    struct report_run *run = *state;
    report_program(run, "--study demo --cut first --compare old --out new");
    assert_int_equal(run->status, 0);
    report_shell(run, "wc -l < new/compare.csv");
    assert_string_equal(run->output, "1\n");
    report_shell(run, "grep -c 'Nothing changed' new/report.html");
    assert_string_equal(run->output, "1\n");
}

static void test_compare_is_verified_with_the_same_earlier_report(void **state)
{
    struct report_run *run = *state;
    change(run);
    report_program(run, "--study demo --cut second --compare old --out new");
    report_program(run, "verify new --unsealed-ok");
    assert_report(run, 1, "--compare");
    report_program(run, "verify new --compare old --unsealed-ok");
    assert_report(run, 0, "same bytes");
    report_program(run, "verify old --compare old --unsealed-ok");
    assert_report(run, 1, "leave --compare away");
}

static void test_compare_with_what_is_no_earlier_report_is_refused(void **state)
{
    struct report_run *run = *state;
    report_program(run, "--study demo --cut first --columns pooled --out pooled");
    report_program(run, "--study demo --cut first --compare pooled --out new");
    assert_report(run, 1, "--columns");
    report_program(run, "--study demo --cut first --compare nothing --out new");
    assert_report(run, 1, "nothing/manifest.json");
    assert_non_null(strstr(run->output, "give the folder of a report"));
    report_shell(run, "sed 's/\"study\": \"demo\"/\"study\": \"other\"/' -i pooled/manifest.json");
    report_program(run, "--study demo --cut first --compare pooled --out new");
    assert_report(run, 1, "study \"other\"");
    report_shell(run, "sed -i 's/40/41/' old/results.csv");
    report_program(run, "--study demo --cut first --compare old --out new");
    assert_report(run, 1, "not as it was written");
    report_shell(run, "ls new");
    assert_int_not_equal(run->status, 0);
}

static void test_compare_of_a_masked_study_names_no_cohort(void **state)
{
    struct report_run *run = *state;
    change(run);
    report_program(run, "--study demo --cut second --compare old --formats html,csv,ars,datasets --out new");
    assert_int_equal(run->status, 0);
    report_shell(run, "grep -l 'CELLS\\|COHORT\\|LOT-7' new/*");
    assert_string_equal(run->output, "");
    report_shell(run, "grep -c '^number,changed,,,,,,value vas,M3,Pooled,' new/compare.csv");
    assert_int_equal(run->status, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, report_run_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_compare_names_subjects_records_and_numbers),
        TEST(test_compare_lists_each_number_that_differs_and_no_other),
        TEST(test_compare_with_itself_finds_nothing),
        TEST(test_compare_is_verified_with_the_same_earlier_report),
        TEST(test_compare_with_what_is_no_earlier_report_is_refused),
        cmocka_unit_test_setup_teardown(test_compare_of_a_masked_study_names_no_cohort, set_up_masked,
                                        report_run_tear_down),
    };
    memory_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
