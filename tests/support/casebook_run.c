/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/casebook_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"

#define ACT_ID(n) "00000000-0000-0000-0000-00000000000" n
#define ABOUT(form, visit) "1, 1, '" form "', 'right', '" visit "', 1"

static void submit(struct report_run *run, const char *form, const char *visit, int version, const char *item,
                   const char *text)
{
    const struct collected_form of = {"01-0001", form, "right", visit, "2026-04-12", 1, version, NULL};
    collected_submit(run->collected, &of, item, text, NULL);
}

/* Id of a version, as a sub-select. */
#define VERSION(form, visit, version) \
    "(SELECT id FROM core.submission WHERE (site_id, subject_no, form, visit, version) = (1, 1, '" form "', '" visit \
    "', " version "))"

/* Signing takes a session: what api.sign stores is stored here. */
#define SIGN(number, form, visit) \
    "INSERT INTO core.signature (study_id, site_id, signature_id, submission_id, sha256, meaning, printed_name, " \
    "recorded_by) SELECT 1, 1, '" ACT_ID(number) "', id, sha256, 'responsibility', 'Dr. Ines Vestig', 'investigator' " \
    "FROM core.submission WHERE id = " VERSION(form, visit, "1")

static void act(const struct report_run *run, const char *call)
{
    struct db *db = collected_db(run->collected);
    const char *code = test_value(db, memory_format(run, "SELECT COALESCE(o.code, 'done') FROM %s o", call));
    if (strcmp(code, "done") != 0)
        fail_msg("%s: %s", call, code);
}

static void add_people(const struct report_run *run)
{
    static const char *const roles[][2] = {
        {"data_manager", "Dana Manager"}, {"monitor", "Monty Tor"}, {"administrator", "Ada Ministrator"},
        {"investigator", "Ines Vestig"},
    };
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        test_run(collected_db(run->collected),
                 memory_format(run, "SELECT admin.add_account('%s', '%s'); "
                                    "SELECT admin.add_token('%s', 'demo', '%s', '{}', sha256('%s'), "
                                    "now() + interval '1 day')",
                               roles[i][0], roles[i][1], roles[i][0], roles[i][0], roles[i][0]));
}

static void correct_and_sign(struct report_run *run)
{
    struct db *db = collected_db(run->collected);
    act(run, "api.verify_version('monitor', 1, " VERSION("pain_vas", "M3", "1") ", 'verified', NULL)");
    test_run(db, SIGN("1", "pain_vas", "M3"));
    act(run, "api.open_query('data_manager', 1, '" ACT_ID("2") "', " ABOUT("pain_vas", "M3")
             ", 'vas', 'Is 40 <b>right</b>?')");
    act(run, "api.add_query_event('coordinator', 1, '" ACT_ID("2") "', 'answered', 'No, it was 10')");
    submit(run, "pain_vas", "M3", 2, "vas", "10");
    act(run, "api.add_query_event('data_manager', 1, '" ACT_ID("2") "', 'closed', 'Corrected')");
    act(run, "api.lock_record('data_manager', 1, " VERSION("pain_vas", "M3", "1") ", true, 'clean <b>now</b>')");
    act(run, "api.lock_record('data_manager', 1, " VERSION("pain_vas", "M3", "1") ", false, 'was not clean')");
    act(run, "api.lock_record('data_manager', 1, " VERSION("pain_vas", "M3", "1") ", true, 'clean at last')");
    collected_submit(run->collected,
                     &(struct collected_form){"01-0001", "pain_vas", "right", "BL", "2026-01-09", 1, 2, "void"}, NULL);
}

static void enter_twice(struct report_run *run)
{
    struct db *db = collected_db(run->collected);
    submit(run, "pain_vas", "M6", 1, "vas", "30.5");
    const char *content = test_value(db, "SELECT replace(content::text, '30.5', '31') FROM core.submission WHERE id = "
                                         VERSION("pain_vas", "M6", "1"));
    act(run, memory_format(run, "api.enter_second('data_manager', 1, '" ACT_ID("3") "', " ABOUT("pain_vas", "M6")
                                ", 1, '%s')", content));
    act(run, "api.reconcile('data_manager', 1, '" ACT_ID("3") "', NULL, '{vas}', '{first}', '{as on paper}')");
    act(run, "api.verify_version('monitor', 1, " VERSION("pain_vas", "M6", "1") ", 'verified', NULL)");
    test_run(db, SIGN("4", "pain_vas", "M6"));
}

static void add_events(struct report_run *run)
{
    const struct collected_form event = {"01-0001", "adverse_event", "right", NULL, "2026-05-01", 2, 1, NULL};
    collected_submit(run->collected, &event, "term", "a fall <b>at home</b>", "coded_term", "Fall", "onset", "2026-04",
                     "serious", "true", "aware_on", "2026-04-30", "serious_hospitalisation", "true", "ongoing", "true",
                     "severity", "severe", NULL);
    const char *first = test_value(collected_db(run->collected),
                                   "SELECT id FROM core.submission WHERE (site_id, subject_no, form, instance) "
                                   "= (1, 1, 'adverse_event', 1)");
    act(run, memory_format(run, "api.ask_redaction('data_manager', 1, '%s', '" ACT_ID("5") "', 'a name in it')",
                           first));
    act(run, "api.decide_redaction('administrator', 1, '" ACT_ID("5") "', 'approved', NULL)");
}

struct report_run *casebook_run_new(const char *masking)
{
    struct report_run *run = report_run_new(masking);
    add_people(run);
    correct_and_sign(run);
    enter_twice(run);
    submit(run, "patient_global", "M3", 1, "pga", "!not_done");
    act(run, "api.open_query('monitor', 1, '" ACT_ID("6") "', " ABOUT("patient_global", "M3")
             ", NULL, 'Why was it not done?')");
    act(run, "api.open_query('monitor', 1, '" ACT_ID("7") "', " ABOUT("womac_lk", "M3") ", NULL, 'Where is it?')");
    add_events(run);
    collected_cut(run->collected, "full");
    return run;
}
