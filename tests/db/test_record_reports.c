/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A report reads redacted versions as records without answers, whatever form they are of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/report.h"
#include "tests/support/collected.h"

struct fixture {
    struct collected *collected;
    struct db *reporter;
};

static int set_up(void **state)
{
    struct error error;
    struct fixture *fixture = memory_new(NULL, struct fixture);
    fixture->collected = collected_new(fixture, "none");
    collected_fill(fixture->collected);
    struct db *db = collected_db(fixture->collected);
    static const char *const roles[] = {"data_manager", "administrator"};
    for (size_t i = 0; i < 2; i++) {
        test_run(db, memory_format(fixture, "SELECT admin.add_account('redacting_%s', 'A person')", roles[i]));
        test_run(db, memory_format(fixture,
                                   "SELECT admin.add_token('redacting_%s', 'demo', '%s', '{}', "
                                   "sha256('redacting_%s'), now() + interval '1 day')",
                                   roles[i], roles[i], roles[i]));
    }
    const char *conninfo =
        test_database_conninfo(fixture, collected_database(fixture->collected), "patella_reporter");
    fixture->reporter = extract_open(fixture, conninfo, &error);
    if (fixture->reporter == NULL)
        fail_msg("%s", error.message);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    return talloc_free(*state);
}

/* Every version for which `condition` holds, by the two persons that it takes. */
static void redact(struct fixture *fixture, const char *condition)
{
    struct db *db = collected_db(fixture->collected);
    test_run(db, memory_format(fixture,
                               "SELECT api.ask_redaction('redacting_data_manager', 1, v.id, v.id, 'a name in it') "
                               "FROM core.submission v WHERE %s",
                               condition));
    test_run(db, "SELECT api.decide_redaction('redacting_administrator', 1, r.redaction_id, 'approved', NULL) "
                 "FROM core.redaction r");
}

static struct dataset *extract(struct fixture *fixture, const char *cut)
{
    struct error error;
    struct dataset *dataset =
        extract_dataset(fixture, fixture->reporter, "demo", cut, EXTRACT_COLUMNS_ALLOWED, &error);
    if (dataset == NULL || !dataset_derive(dataset, &error))
        fail_msg("%s", error.message);
    return dataset;
}

static void test_report_reads_a_redacted_value_as_missing(void **state)
{
    struct fixture *fixture = *state;
    collected_cut(fixture->collected, "before");
    assert_true(dataset_value(extract(fixture, "before"), 0, 0, 1) == 40);
    redact(fixture, "(v.site_id, v.subject_no, v.form, v.visit) = (1, 1, 'pain_vas', 'M3')");
    const struct dataset *dataset = extract(fixture, "before");
    assert_true(isnan(dataset_value(dataset, 0, 0, 1)));
    assert_true(dataset_value(dataset, 1, 0, 1) == 40);
}

static void test_report_reads_a_study_that_is_redacted_throughout(void **state)
{
    struct fixture *fixture = *state;
    collected_cut(fixture->collected, "before");
    size_t records = extract(fixture, "before")->record_count;
    redact(fixture, "true");
    assert_string_equal(test_value(collected_db(fixture->collected), "SELECT count(*) FROM core.submission "
                                   "WHERE content ->> 'redacted' IS DISTINCT FROM 'true'"), "0");
    const struct dataset *dataset = extract(fixture, "before");
    assert_int_equal(dataset->subject_count, 5);
    assert_int_equal(dataset->subjects[0].index_knee, KNEE_RIGHT);
    assert_int_equal(dataset->record_count, records);
    assert_true(isnan(dataset_value(dataset, 1, 0, 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_report_reads_a_redacted_value_as_missing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_report_reads_a_study_that_is_redacted_throughout, set_up, tear_down),
    };
    memory_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
