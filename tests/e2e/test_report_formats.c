/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --formats: which files there are; what R reads of the datasets; the progress line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "forms/base/memory.h"
#include "tests/support/report_run.h"

static int set_up(void **state)
{
    *state = report_run_new("none");
    return 0;
}

static void test_formats_decide_which_files_there_are(void **state)
{
    static const struct {
        const char *formats, *files;
    } cases[] = {
        {"html", "manifest.json report.html results.csv"},
        {"ars", "manifest.json results.csv results.json"},
        {"datasets", "adae.csv adae.ndjson adqs.csv adqs.ndjson adsl.csv adsl.ndjson codebook.csv load.R load.sas "
                     "manifest.json results.csv"},
        {"ars,html,ars", "manifest.json report.html results.csv results.json"},
    };
    struct report_run *run = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        report_program(run, "--study demo --cut first --formats %s --out %zu", cases[i].formats, i);
        assert_int_equal(run->status, 0);
        report_shell(run, "ls %zu | LC_ALL=C sort | tr '\\n' ' '", i);
        assert_int_equal(strncmp(run->output, cases[i].files, strlen(cases[i].files)), 0);
        assert_int_equal(strlen(run->output), strlen(cases[i].files) + 1);
    }
}

static void test_formats_by_default_are_html_and_csv(void **state)
{
    struct report_run *run = *state;
    report_program(run, "--study demo --cut first --out default");
    report_program(run, "--study demo --cut first --formats csv,html --out both");
    assert_int_equal(run->status, 0);
    report_shell(run, "diff -r default both && ls default/t3-baseline.csv");
    assert_report(run, 0, "default/t3-baseline.csv\n");
}

/* A file for each table in each of the two, the same names; of figures CSV only. */
static void test_formats_rtf_and_pdf_are_made_of_the_same_tables(void **state)
{
    struct report_run *run = *state;
    report_shell(run, "command -v weasyprint");
    if (run->status != 0)
        skip();
    report_program(run, "--study demo --cut first --formats csv,rtf,pdf --out one");
    assert_report(run, 0, "one/report.pdf\n");
    report_shell(run, "cd one && head -c 5 report.pdf && head -c 5 t3-baseline.rtf && ls report.html");
    assert_report(run, 2, "%PDF-{\\rtf");
    report_shell(run, "cd one && for f in t*.csv l*.csv; do test -s \"${f%%.csv}.rtf\" || echo \"$f\"; done");
    assert_string_equal(run->output, "");
    report_shell(run, "ls one/f*-data.csv | head -n 1");
    assert_report(run, 0, "one/f");
    report_program(run, "verify one --unsealed-ok");
    assert_report(run, 0, "same bytes");
}

static void test_formats_unknown_exit_2(void **state)
{
    static const char *const cases[] = {"word", "''", "html,", ",html", "HTML", "html,word"};
    struct report_run *run = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        report_program(run, "--study demo --cut first --formats %s --out one", cases[i]);
        assert_report(run, 2, "--formats takes html, csv");
    }
}

static void test_manifest_names_every_file_with_its_hash(void **state)
{
    struct report_run *run = *state;
    report_program(run, "--study demo --cut first --formats html,csv,ars,datasets --out one");
    report_shell(run, "cd one && sed -n 's/.*\"name\": \"\\([^\"]*\\)\", \"size\": [0-9]*, \"sha256\": "
                      "\"\\([0-9a-f]*\\)\".*/\\2  \\1/p' manifest.json > ../list && "
                      "sha256sum -c ../list | grep -vc OK");
    assert_string_equal(run->output, "0\n");
    report_shell(run, "ls one | grep -vcx manifest.json");
    const char *files = run->output;
    report_shell(run, "wc -l < list");
    assert_string_equal(run->output, files);
    report_shell(run, "grep -c 'command\": \"patella-report --study demo --cut 1 --columns cohorts --formats "
                      "html,csv,ars,datasets --out DIR' one/manifest.json");
    assert_string_equal(run->output, "1\n");
}

/* The means of the tables, by R from the datasets. */
static const char r_script[] =
    "source(\"one/load.R\")\n"
    "results <- read.csv(\"one/results.csv\")\n"
    "used <- adqs[adqs$ANL01FL == \"Y\" & adqs$SAFFL == \"Y\" & adqs$PARAMCD == \"vas\" & !is.na(adqs$AVAL), ]\n"
    "stopifnot(is.numeric(adqs$AVAL), inherits(adsl$TRTSDT, \"Date\"), is.integer(adqs$ADY))\n"
    "stopifnot(attr(adsl$USUBJID, \"label\") == \"Subject\", nrow(adsl) == 5)\n"
    "compared <- 0\n"
    "for (visit in unique(used$AVISIT)) for (cohort in unique(used$COHORT)) {\n"
    "  mine <- mean(used$AVAL[used$AVISIT == visit & used$COHORT == cohort])\n"
    "  report <- results$value[results$table == \"value vas\" & results$row == visit & results$col == cohort &\n"
    "                          results$stat == \"mean\"]\n"
    "  stopifnot(length(report) == 1, abs(mine - report) < 1e-9)\n"
    "  compared <- compared + 1\n"
    "}\n"
    "events <- sum(adae$TRTEMFL == \"Y\" & adae$COHORT == \"CELLS\")\n"
    "report <- results$value[results$table == \"AE\" & results$row == \"ANY\" & results$col == \"CELLS\" &\n"
    "                        results$stat == \"events\"]\n"
    "stopifnot(events == report)\n"
    "cat(\"compared\", compared, \"\\n\")\n";

static void test_load_r_reads_the_datasets_that_give_the_numbers(void **state)
{
    struct report_run *run = *state;
    report_shell(run, "command -v Rscript");
    if (run->status != 0)
        skip();
    report_program(run, "--study demo --cut first --formats datasets --out one");
    assert_int_equal(run->status, 0);
    report_shell(run, "Rscript one/load.R");
    assert_string_equal(run->output, "");
    assert_int_equal(run->status, 0);
    report_shell(run, "cat > check.R <<'END'\n%sEND\n:", r_script);
    report_shell(run, "Rscript --vanilla check.R");
    assert_report(run, 0, "compared 4 ");
}

/* Nothing when it is quick; with --progress, what it waits for: here to write its row of the audit trail. */
static void test_progress_names_the_step_that_takes_long(void **state)
{
    struct report_run *run = *state;
    struct db *superuser = collected_db(run->collected);
    test_run(superuser, "BEGIN; LOCK TABLE audit.event IN SHARE MODE");
    report_start(run, "log", "--study demo --cut first --progress --out one");
    report_shell(run, "timeout 60 sh -c 'until grep -q \"reading the data cut, [1-9]\" log; do sleep 0.1; done'");
    assert_int_equal(run->status, 0);
    test_run(superuser, "ROLLBACK");
    report_wait(run);
    report_shell(run, "cat log && ls one/manifest.json");
    assert_report(run, 0, "one/manifest.json");
    report_program(run, "--study demo --cut first --out two 2> quiet && cat quiet");
    assert_report_without(run, "reading the data cut");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, report_run_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_formats_decide_which_files_there_are),
        TEST(test_formats_by_default_are_html_and_csv),
        TEST(test_formats_rtf_and_pdf_are_made_of_the_same_tables),
        TEST(test_formats_unknown_exit_2),
        TEST(test_manifest_names_every_file_with_its_hash),
        TEST(test_load_r_reads_the_datasets_that_give_the_numbers),
        TEST(test_progress_names_the_step_that_takes_long),
    };
    memory_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
