/* SPDX-License-Identifier: GPL-3.0-or-later */
/* patella-report verify: the same, a folder that was changed, a database that gives something else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/seal_run.h"

#define ALL "html,csv,ars,datasets"

static int set_up(void **state)
{
    struct report_run *run = report_run_new("none");
    *state = run;
    report_program(run, "--study demo --cut first --formats " ALL " --out one");
    assert_report(run, 0, "one/manifest.json\n");
    return 0;
}

static void add_value(const struct report_run *run, const char *subject)
{
    collected_submit(run->collected,
                     &(struct collected_form){subject, "pain_vas", "right", "M6", "2026-07-12", 1, 1, NULL}, "vas",
                     "11", NULL);
}

static void test_verify_report_of_the_same_cut_has_the_same_bytes(void **state)
{
    struct report_run *run = *state;
    add_value(run, "01-0001");           /* what came later does not matter */
    report_program(run, "verify one --unsealed-ok");
    assert_report(run, 0, "all as they were written");
    assert_report(run, 0, "same bytes");
    report_program(run, "verify one --unsealed-ok --progress");
    assert_report(run, 0, "same bytes");
}

static void test_verify_refuses_a_cut_that_is_not_sealed(void **state)
{
    struct report_run *run = *state;
    report_program(run, "verify one");
    assert_report(run, 1, "cut 1 of study demo is not sealed");
    assert_report_without(run, "same bytes");
    report_program(run, "verify one --unsealed-ok");
    assert_report(run, 0, "note: the data cut is not sealed");
    report_shell(run, "grep '\"sealed\": false' one/manifest.json");
    assert_report(run, 0, "\"sealed\": false");
}

static void test_verify_takes_a_cut_that_is_sealed(void **state)
{
    struct report_run *run = *state;
    seal_program(run, "patella_sealer", "keygen --key key --public-key key.pub");
    seal_once(run);
    report_program(run, "verify one");
    assert_report(run, 0, "note: the data cut has been sealed since the report was made");
    assert_report(run, 0, "same bytes");
    report_program(run, "--study demo --cut first --formats html --out two");
    assert_report(run, 0, "two/manifest.json\n");
    report_shell(run, "grep '\"sealed\": true' two/manifest.json && "
                      "grep -c 'The data cut is not sealed' two/report.html");
    assert_report(run, 1, "\"sealed\": true");
    assert_report(run, 1, "\n0\n");
    report_program(run, "verify two");
    assert_report(run, 0, "same bytes");
    assert_report_without(run, "note:");
    seal_tamper(run, "DELETE FROM audit.block");
    report_program(run, "verify two --unsealed-ok");
    assert_report(run, 4, "cut 1: sealed in the manifest, not sealed in the database");
}

static void test_verify_names_each_file_that_was_changed(void **state)
{
    struct report_run *run = *state;
    report_shell(run, "sed -i 's/40/41/' one/results.csv && echo >> one/adqs.csv && rm one/load.R && "
                      "echo hello > one/letter.txt");
    assert_int_equal(run->status, 0);
    report_program(run, "verify one --unsealed-ok");
    assert_report(run, 3, "results.csv: changed since it was written\n");
    assert_report(run, 3, "adqs.csv: changed since it was written\n");
    assert_report(run, 3, "load.R: missing\n");
    assert_report(run, 3, "letter.txt: not part of the report\n");
    assert_report(run, 3, "4 file(s) are not as they were written");
    assert_report(run, 3, "made again from study demo, cut 1: same bytes\n");
    assert_report_without(run, "report.html");
}

/* Whoever changes a number and its hash in the manifest is found by making the report again. */
static void test_verify_finds_a_number_that_was_changed_together_with_its_hash(void **state)
{
    struct report_run *run = *state;
    report_shell(run, "old=$(sha256sum < one/results.csv | cut -c1-64) && "
                      "sed -i '/^value vas,M3,CELLS,mean,/s/,40,/,39,/' one/results.csv && "
                      "new=$(sha256sum < one/results.csv | cut -c1-64) && test $old != $new && "
                      "sed -i \"s/$old/$new/\" one/manifest.json");
    assert_int_equal(run->status, 0);
    report_program(run, "verify one --unsealed-ok");
    assert_report(run, 4, "results.csv: made again it has other bytes\n");
    assert_report(run, 4, "value vas, M3, CELLS, mean: 39, made again 40\n");
    assert_report(run, 4, "another report");
}

static void test_verify_finds_a_manifest_that_was_changed(void **state)
{
    struct report_run *run = *state;
    report_shell(run, "sed -i 's/\"label\": \"first\"/\"label\": \"final\"/' one/manifest.json");
    report_program(run, "verify one --unsealed-ok");
    assert_report(run, 4, "\"final\" made at");
    assert_report(run, 4, "manifest.json: made again it has other bytes\n");
}

/* The rows of a cut are never changed, but by who may do everything: as if somebody had. */
static void test_verify_finds_data_that_were_changed(void **state)
{
    struct report_run *run = *state;
    struct db *superuser = collected_db(run->collected);
    test_run(superuser, "SET session_replication_role = replica; "
                        "UPDATE core.submission SET scores = '{77}', "
                        "content = replace(content::text, '\"60\"', '\"77\"')::json "
                        "WHERE form = 'pain_vas' AND visit = 'BL' AND (site_id, subject_no) = (1, 1); "
                        "RESET session_replication_role");
    report_program(run, "verify one --unsealed-ok");
    assert_report(run, 4, "all as they were written");
    assert_report(run, 4, "results.csv: made again it has other bytes");
    assert_report(run, 4, "another report");
}

/* As if an earlier release had written it: the manifest and a file that has other bytes, but the same numbers. */
static void test_verify_with_another_version_compares_numbers(void **state)
{
    struct report_run *run = *state;
    report_shell(run, "old=$(sha256sum < one/report.html | cut -c1-64) && echo '<!-- -->' >> one/report.html && "
                      "new=$(sha256sum < one/report.html | cut -c1-64) && sed -i \"s/$old/$new/\" one/manifest.json && "
                      "sed -i 's/\"name\": \"patella-report\", \"version\": \"[^\"]*\"/\"name\": \"patella-report\", "
                      "\"version\": \"0.0.1\"/' one/manifest.json");
    report_program(run, "verify one --unsealed-ok");
    assert_report(run, 5, "version 0.0.1 then");
    assert_report(run, 5, "report.html: made again it has other bytes");
    assert_report(run, 5, "numbers at 1e-9: 0 of");
    assert_report(run, 5, "the same numbers");
}

static void test_verify_of_no_report_fails(void **state)
{
    struct report_run *run = *state;
    report_shell(run, "mkdir empty other && echo '{}' > other/manifest.json");
    report_program(run, "verify empty --unsealed-ok");
    assert_report(run, 1, "manifest.json");
    report_program(run, "verify other --unsealed-ok");
    assert_report(run, 1, "no manifest of patella-report");
    report_shell(run, "mkdir out && sed 's/\"report.html\"/\"..\\/one\\/report.html\"/' one/manifest.json > "
                      "out/manifest.json");
    report_program(run, "verify out --unsealed-ok");
    assert_report(run, 1, "no manifest of patella-report");
}

static void test_verify_used_wrongly_exits_2(void **state)
{
    struct report_run *run = *state;
    static const char *const cases[] = {"verify", "verify one two", "verify one --study demo",
                                        "verify one --formats html", "check one", "verify one --jobs",
                                        "--study demo --out three --unsealed-ok"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        report_program(run, "%s", cases[i]);
        assert_report(run, 2, "patella-report: ");
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, report_run_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_verify_report_of_the_same_cut_has_the_same_bytes),
        TEST(test_verify_refuses_a_cut_that_is_not_sealed),
        TEST(test_verify_takes_a_cut_that_is_sealed),
        TEST(test_verify_names_each_file_that_was_changed),
        TEST(test_verify_finds_a_number_that_was_changed_together_with_its_hash),
        TEST(test_verify_finds_a_manifest_that_was_changed),
        TEST(test_verify_finds_data_that_were_changed),
        TEST(test_verify_with_another_version_compares_numbers),
        TEST(test_verify_of_no_report_fails),
        TEST(test_verify_used_wrongly_exits_2),
    };
    memory_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
