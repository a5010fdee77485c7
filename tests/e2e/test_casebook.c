/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Casebooks and archives of sites: what stands in them, what is withheld, what the audit trail says, verify. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "tests/support/casebook_run.h"

#define REQUEST "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5d"

static int set_up(void **state)
{
    *state = casebook_run_new("none");
    return 0;
}

static int set_up_masked(void **state)
{
    *state = casebook_run_new("double");
    return 0;
}

/* The page as a reader sees it: without tags, blanks made one. */
static const char *read_page(struct report_run *run, const char *page)
{
    return report_shell(run, "sed -e 's/<style>/<!--/;s,</style>,-->,' %s | sed '/<!--/,/-->/d' | "
                             "sed -e 's/<[^>]*>/ /g' | tr -s ' \\n' ' '", page);
}

static void assert_holds(const char *page, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strstr(page, texts[i]) == NULL)
            fail_msg("not there: %s", texts[i]);
}

static void assert_lacks(const char *page, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strstr(page, texts[i]) != NULL)
            fail_msg("there: %s", texts[i]);
}

#define ASSERT_HOLDS(page, texts) assert_holds(page, texts, sizeof(texts) / sizeof *(texts))
#define ASSERT_LACKS(page, texts) assert_lacks(page, texts, sizeof(texts) / sizeof *(texts))

static const char *make_casebook(struct report_run *run)
{
    report_program(run, "--study demo --cut full --casebook 01-0001 --formats html --out one");
    assert_report(run, 0, "one/casebook.html\n");
    return read_page(run, "one/casebook.html");
}

static void test_casebook_shows_everything_of_the_subject(void **state)
{
    static const char *const texts[] = {
        "Subject 01-0001", "A study (demo)", "01, First; time zone Europe/Berlin", "2, &quot;full&quot;, made at",
        "Allocation at the cut Cells", "not sealed",
        /* versions, changes with reason, person and door; a void record; what was not done */
        "pain in this knee over the week, mm on the line 2 40 mm 10 mm corrected for a test coordinator",
        "the whole record 2 complete void corrected for a test", "which has been voided since",
        "not answered: not done", "Pain VAS 0-100 mm 10",
        /* queries with all their events, of a record that was not entered, too */
        "opened Is 40 &lt;b&gt;right&lt;/b&gt;? data_manager", "answered No, it was 10 coordinator",
        "closed Corrected data_manager", "opened Why was it not done? monitor", "(version 1), open",
        "(not entered)", "Where is it?",
        /* marks, signatures and whether they cover the newest version, locks, double entry, redaction */
        "verified monitor", "Dr. Ines Vestig investigator responsibility",
        "version 1 only; it does not cover version 2", "version 1, the newest", "older version only",
        "locked data_manager", "clean &lt;b&gt;now&lt;/b&gt;", "unlocked data_manager",
        "30.5 mm 31 mm first entry as on paper data_manager",
        "a name in it approved administrator", "Item Answer Remark Date of the form 2026-02-01",
        /* serious events, trail, people */
        "serious event", "Sponsor by (UTC)", "REDACT core.submission", "INSERT core.record_lock",
        "investigator Ines Vestig", "a fall &lt;b&gt;at home&lt;/b&gt;",
    };
    struct report_run *run = *state;
    const char *page = make_casebook(run);
    ASSERT_HOLDS(page, texts);
    static const char *const others[] = {"something happened", "01-0002", "LOT-9"};
    ASSERT_LACKS(page, others);
}

/* Records in the order of the protocol, each after what comes before it at its visit. */
static void test_casebook_follows_the_protocol(void **state)
{
    static const char *const order[] = {
        "2 Enrolment 2.1 Enrolment", "3 Baseline (BL) 3.1 Knee pain, visual analogue scale, right knee",
        "4 3 months (M3) 4.1 Knee pain", "4.2 Patient global", "5 6 months (M6) 5.1",
        "6 Unscheduled and at any time 6.1 Treatment", "6.2 Adverse event, right knee, no. 1",
        "6.3 Adverse event, right knee, no. 2",
    };
    struct report_run *run = *state;
    const char *at = strstr(make_casebook(run), "Records at a glance");
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        const char *next = strstr(at, order[i]);
        if (next == NULL)
            fail_msg("not behind the one before: %s", order[i]);
        at = next;
    }
}

/* A cut from before knows nothing of what came later. */
static void test_casebook_holds_the_cut_and_nothing_later(void **state)
{
    static const char *const later[] = {"Is 40", "it was 10", "Ines Vestig", "30.5", "not done", "Fall"};
    struct report_run *run = *state;
    report_program(run, "--study demo --cut first --casebook 01-0001 --formats html --out old");
    assert_report(run, 0, "old/casebook.html\n");
    const char *page = read_page(run, "old/casebook.html");
    ASSERT_LACKS(page, later);
    static const char *const there[] = {"40 mm", "redacted", "approved, after the cut administrator"};
    ASSERT_HOLDS(page, there);
}

static void test_casebook_same_request_gives_the_same_bytes(void **state)
{
    struct report_run *run = *state;
    make_casebook(run);
    collected_submit(run->collected,
                     &(struct collected_form){"01-0001", "pain_vas", "right", "M6", "2026-07-12", 1, 2, NULL}, "vas",
                     "11", NULL);
    report_program(run, "verify one --unsealed-ok");
    assert_report(run, 0, "same bytes");
    report_shell(run, "sed -i 's/40 mm/41 mm/' one/casebook.html");
    report_program(run, "verify one --unsealed-ok");
    assert_report(run, 3, "casebook.html: changed since it was written");
}

static void test_casebook_verify_tells_another_database(void **state)
{
    struct report_run *run = *state;
    make_casebook(run);
    test_run(collected_db(run->collected),
             "SET session_replication_role = replica; "
             "UPDATE core.query_event SET text = 'Is 41 right?' WHERE text LIKE 'Is 40%'; "
             "SET session_replication_role = origin");
    report_program(run, "verify one --unsealed-ok");
    assert_report(run, 4, "casebook.html: made again it has other bytes");
    assert_report(run, 4, "another casebook");
}

static void test_casebook_verify_by_another_program_version_tells_so(void **state)
{
    struct report_run *run = *state;
    make_casebook(run);
    report_shell(run, "cd one && sed -i 's/made at/made on/' casebook.html && "
                      "new=$(sha256sum casebook.html | cut -c-64) && old=$(jq -r '.files[0].sha256' manifest.json) && "
                      "sed -i \"s/$old/$new/; s/\\\"version\\\": \\\"0/\\\"version\\\": \\\"7/\" manifest.json");
    report_program(run, "verify one --unsealed-ok");
    assert_report(run, 5, "program: version 7");
    assert_report(run, 5, "the same versions of records");
}

static void test_casebook_pdf_has_the_pages(void **state)
{
    struct report_run *run = *state;
    report_program(run, "--study demo --cut full --casebook 01-0001 --out one");
    assert_report(run, 0, "one/casebook.pdf\n");
    report_shell(run, "pdftotext -layout one/casebook.pdf - | grep -c 'Study demo, subject 01-0001'");
    assert_true(atoi(run->output) > 3);
    report_shell(run, "pdftotext -layout one/casebook.pdf - | grep -E 'Cut 2, .*not sealed; made .* Page 2 of [0-9]+'");
    assert_report(run, 0, "Page 2 of");
}

/* ---- masked ---- */

/* What names the arm, or could: treatment, texts of people, events of a harvest site, cohorts. */
static const char *const naming[] = {
    "LOT-7", "Cells", "CELLS", "something happened", "a fall", "Is 40", "corrected for a test", "Where is it",
    "clean at last", "a name in it", "as on paper", "harvest_site", "event at the harvest site (",
};

static void test_casebook_of_a_masked_study_never_names_the_arm(void **state)
{
    struct report_run *run = *state;
    report_program(run, "--study demo --cut full --casebook 01-0001 --formats html --out one");
    assert_report(run, 0, "one/casebook.html\n");
    const char *page = read_page(run, "one/casebook.html");
    ASSERT_LACKS(page, naming);
    static const char *const there[] = {"Allocation withheld (masked study)", "lot withheld (masked study)", "40 mm",
                                        "The study is masked."};
    ASSERT_HOLDS(page, there);
    report_program(run, "--study demo --cut full --site-archive 1 --formats html --out site");
    assert_report(run, 0, "site/01-0002.html\n");
    for (int i = 1; i <= 4; i++)
        ASSERT_LACKS(read_page(run, memory_format(run, "site/01-000%d.html", i)), naming);
}

static void add_arm(const struct report_run *run, const char *subject, const char *kind, const char *lot)
{
    const struct collected_form treatment = {subject, "treatment", "right", NULL, "2026-01-10", 1, 2, NULL};
    const struct collected_form event = {subject, "adverse_event", "right", NULL, "2026-02-01", 1, 1, NULL};
    bool cells = strcmp(kind, "cells") == 0;
    collected_submit(run->collected, &treatment, "injections_planned", "1", "product_kind", kind, "product_lot", lot,
                     NULL);
    collected_submit(run->collected, &event, "term", cells ? "bruise of the belly" : "flush of the face", "coded_term",
                     cells ? "Harvest site bruise" : "Flushing", "onset", "2026-01-20", "serious", "false",
                     "special_interest", cells ? "harvest_site" : "none", NULL);
}

/* Two who differ in their cohort, its product and an event of the harvest look the same but for numbers and times. */
static void test_casebook_of_a_masked_study_is_the_same_for_both_arms(void **state)
{
    struct report_run *run = *state;
    add_arm(run, "01-0003", "cells", "LOT-9");
    add_arm(run, "01-0004", "corticosteroid", "LOT-8");
    collected_cut(run->collected, "both");
    report_program(run, "--study demo --cut both --site-archive 1 --formats html --out site");
    assert_report(run, 0, "site/01-0004.html\n");
    report_shell(run, "cd site; for i in 3 4; do sed -E \"s/01-000$i/01-000X/g; s/[0-9a-f]{64}//g; "
                      "s/[0-9a-f]{8}-[0-9a-f-]{27}//g; s/[0-9]{2}:[0-9]{2}:[0-9]{2}//g\" 01-000$i.html > $i; done; "
                      "diff 3 4 && grep -c 'withheld (masked study)' 3 && echo alike");
    assert_report(run, 0, "alike");
}

static void test_casebook_of_a_masked_study_by_an_approved_request(void **state)
{
    struct report_run *run = *state;
    static const char options[] = "--study demo --cut full --casebook 01-0001 --formats html --unblinding " REQUEST;
    report_program(run, "%s --out early", options);
    assert_report(run, 1, "was approved within seven days");
    struct db *db = collected_db(run->collected);
    test_run(db, "SELECT blind.add_request(1, '" REQUEST "', 'close-out', 'anna')");
    test_run(db, "SELECT blind.add_approval(1, '" REQUEST "', 'berta')");
    report_program(run, "%s --out one", options);
    assert_report(run, 0, "one/casebook.html\n");
    static const char *const there[] = {"Allocation at the cut Cells", "LOT-7", "This copy is unmasked", REQUEST};
    ASSERT_HOLDS(read_page(run, "one/casebook.html"), there);
    report_program(run, "verify one --unsealed-ok");
    assert_report(run, 0, "same bytes");
    assert_string_equal(test_value(db, "SELECT count(*) FROM audit.event WHERE object = 'blind.opening'"), "2");
}

/* ---- recorded ---- */

#define EXPORTS \
    "SELECT string_agg(concat_ws(' ', new ->> 'what', new ->> 'cut_no', site_id, new ->> 'subject_no', actor), ', ' " \
    "ORDER BY at) FROM audit.event WHERE operation = 'EXPORT'"

static void test_casebook_and_archive_are_recorded_as_exports(void **state)
{
    struct report_run *run = *state;
    make_casebook(run);
    report_program(run, "--study demo --cut full --site-archive 2 --formats html --out two");
    assert_string_equal(test_value(collected_db(run->collected), EXPORTS),
                        "casebook 2 1 1 db:patella_reporter, site archive 2 2 db:patella_reporter");
}

/* The run fails when it makes the PDF: what was read until then is recorded, and no folder is left. */
static void test_casebook_that_fails_later_is_recorded_all_the_same(void **state)
{
    struct report_run *run = *state;
    report_shell(run, "mkdir bin && printf '#!/bin/sh\\nexit 3\\n' > bin/weasyprint && chmod 755 bin/weasyprint");
    const char *path = getenv("PATH");
    char *before = memory_copy_string(run, path);
    setenv("PATH", memory_format(run, "%s/bin:%s", run->folder, path), 1);
    report_program(run, "--study demo --cut full --casebook 01-0001 --out one");
    setenv("PATH", before, 1);
    assert_report(run, 1, "weasyprint");
    report_shell(run, "ls");
    assert_report_without(run, "one");
    assert_string_equal(test_value(collected_db(run->collected), EXPORTS), "casebook 2 1 1 db:patella_reporter");
}

static void test_casebook_of_nobody_is_refused_without_a_trace(void **state)
{
    static const char *const cases[][2] = {
        {"--cut full --casebook 01-0099", "no subject 01-0099"},
        {"--cut full --casebook someone", "no subject someone"},
        {"--cut 9 --casebook 01-0001", "no cut"}, {"--cut full --site-archive 7", "no site 7"},
        {"--cut full --casebook 01-0001 --unblinding " REQUEST, "nothing to be unblinded"},
    };
    struct report_run *run = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        report_program(run, "--study demo %s --out one", cases[i][0]);
        assert_true(run->status == 1 || run->status == 2);
        assert_report(run, run->status, cases[i][1]);
    }
    assert_string_equal(test_value(collected_db(run->collected), EXPORTS), "");
}

static void test_casebook_used_wrongly_exits_2(void **state)
{
    static const char *const cases[] = {
        "--casebook 01-0001 --site-archive 1", "--casebook 01-0001 --columns pooled", "--site-archive x",
        "--site-archive 0", "--casebook 01-0001 --formats csv", "--casebook 01-0001 --compare old",
        "--casebook 01-0001 --jobs", "--casebook 01-0001 --record-on host=elsewhere",
    };
    struct report_run *run = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        report_program(run, "--study demo --cut full --out one %s", cases[i]);
        assert_report(run, 2, "patella-report: ");
    }
}

/* ---- the archive of a site ---- */

static void test_archive_holds_each_subject_an_index_and_a_list(void **state)
{
    struct report_run *run = *state;
    report_program(run, "--study demo --cut full --site-archive 1 --formats html --out site");
    assert_report(run, 0, "site/manifest.json\n");
    report_shell(run, "cd site && ls | tr '\\n' ' '");
    assert_string_equal(run->output, "01-0001.html 01-0002.html 01-0003.html 01-0004.html contents.csv index.html "
                                     "manifest.json ");
    static const char *const lines[] = {"01-0001 8 10 1 2 2 HTML", "01-0004 4 4 0 0 0 HTML", "Subjects 4"};
    ASSERT_HOLDS(read_page(run, "site/index.html"), lines);
    report_shell(run, "tail -n +2 site/contents.csv | wc -l");
    assert_string_equal(memory_format(run, "%d", atoi(run->output)),
                        test_value(collected_db(run->collected),
                                   "SELECT count(*) FROM core.submission WHERE site_id = 1"));
    report_shell(run, "cd site && jq -r '.files[] | .sha256 + \"  \" + .name' manifest.json | sha256sum --check --quiet"
                      " && echo every hash");
    assert_report(run, 0, "every hash");
    report_program(run, "verify site --unsealed-ok");
    assert_report(run, 0, "same bytes");
    report_shell(run, "rm site/01-0003.html && echo >> site/contents.csv");
    report_program(run, "verify site --unsealed-ok");
    assert_report(run, 3, "01-0003.html: missing");
    assert_report(run, 3, "contents.csv: changed since it was written");
}

static void test_archive_of_a_site_without_subjects_is_an_empty_one(void **state)
{
    struct report_run *run = *state;
    test_run(collected_db(run->collected), "SELECT admin.add_site('demo', 3, 'Third', 'Europe/Berlin')");
    report_program(run, "--study demo --site-archive 3 --formats html --out site");
    assert_report(run, 0, "site/index.html\n");
    report_program(run, "verify site --unsealed-ok");
    assert_report(run, 0, "same bytes");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, report_run_tear_down)
#define MASKED(name) cmocka_unit_test_setup_teardown(name, set_up_masked, report_run_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_casebook_shows_everything_of_the_subject),
        TEST(test_casebook_follows_the_protocol),
        TEST(test_casebook_holds_the_cut_and_nothing_later),
        TEST(test_casebook_same_request_gives_the_same_bytes),
        TEST(test_casebook_verify_tells_another_database),
        TEST(test_casebook_verify_by_another_program_version_tells_so),
        TEST(test_casebook_pdf_has_the_pages),
        MASKED(test_casebook_of_a_masked_study_never_names_the_arm),
        MASKED(test_casebook_of_a_masked_study_is_the_same_for_both_arms),
        MASKED(test_casebook_of_a_masked_study_by_an_approved_request),
        TEST(test_casebook_and_archive_are_recorded_as_exports),
        TEST(test_casebook_that_fails_later_is_recorded_all_the_same),
        TEST(test_casebook_of_nobody_is_refused_without_a_trace),
        TEST(test_casebook_used_wrongly_exits_2),
        TEST(test_archive_holds_each_subject_an_index_and_a_list),
        TEST(test_archive_of_a_site_without_subjects_is_an_empty_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
