/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/report.h"
#include "tests/support/collected.h"

struct fixture {
    struct collected *collected;
    struct db *reporter;
};

static struct fixture *new_fixture(const char *masking)
{
    struct error error;
    struct fixture *fixture = memory_new(NULL, struct fixture);
    fixture->collected = collected_new(fixture, masking);
    collected_fill(fixture->collected);
    const char *conninfo = test_database_conninfo(fixture, collected_database(fixture->collected),
                                                  "patella_reporter");
    fixture->reporter = extract_open(fixture, conninfo, &error);
    if (fixture->reporter == NULL)
        fail_msg("%s", error.message);
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
    return talloc_free(*state);
}

static struct dataset *extract(struct fixture *fixture, const char *cut, enum extract_columns columns)
{
    struct error error;
    struct dataset *dataset = extract_dataset(fixture, fixture->reporter, "demo", cut, columns, &error);
    if (dataset == NULL || !dataset_derive(dataset, &error))
        fail_msg("%s", error.message);
    return dataset;
}

static size_t count_records(const struct dataset *dataset, const char *form)
{
    size_t count = 0;
    int number = dataset_form_number(dataset, form);
    for (size_t subject = 0; subject < dataset->subject_count; subject++) {
        struct records records = dataset_records(dataset, subject);
        for (size_t i = 0; i < records.count; i++)
            count += record_is(dataset, &records.at[i], number);
    }
    return count;
}

/* VAS of the first subject at M3. */
static double first_value(const struct dataset *dataset)
{
    return dataset_value(dataset, 0, 0, 1);
}

static void correct_first_value(struct fixture *fixture, int version, const char *vas)
{
    collected_submit(
        fixture->collected,
        &(struct collected_form){"01-0001", "pain_vas", "right", "M3", "2026-04-11", 1, version, NULL}, "vas",
        vas, NULL);
}

static void test_extract_dataset_reads_subjects_records_and_cohorts(void **state)
{
    struct fixture *fixture = *state;
    collected_cut(fixture->collected, "first");
    const struct dataset *dataset = extract(fixture, "first", EXTRACT_COLUMNS_ALLOWED);
    assert_int_equal(dataset->subject_count, 5);
    assert_int_equal(dataset->subjects[4].site, 2);
    assert_int_equal(dataset->subjects[0].allocated[KNEE_NONE], 0);
    assert_int_equal(dataset->subjects[1].allocated[KNEE_NONE], 1);
    assert_int_equal(dataset->subjects[0].index_knee, KNEE_RIGHT);
    assert_int_equal(dataset->record_count, 5 * 4 + 2);
    assert_true(dataset->subjects[0].treated);
    assert_true(first_value(dataset) == 40);
    assert_string_equal(dataset->study_title, "A study");
    assert_int_equal(dataset->cut_no, 1);
    assert_string_equal(test_value(collected_db(fixture->collected), "SELECT count(*) FROM audit.event WHERE "
                                   "operation = 'EXPORT' AND object = 'core.cut'"), "1");
}

static void test_extract_dataset_takes_the_newest_version_at_the_cut(void **state)
{
    struct fixture *fixture = *state;
    correct_first_value(fixture, 2, "35");
    collected_cut(fixture->collected, "corrected");
    correct_first_value(fixture, 3, "30");
    const struct dataset *dataset = extract(fixture, "corrected", EXTRACT_COLUMNS_ALLOWED);
    assert_true(first_value(dataset) == 35);
    assert_int_equal(count_records(dataset, "pain_vas"), 10);
}

static void test_extract_dataset_leaves_voided_records_out(void **state)
{
    struct fixture *fixture = *state;
    collected_cut(fixture->collected, "before");
    const struct collected_form voided = {"01-0001", "pain_vas", "right", "M3", "2026-04-11", 1, 2, "void"};
    collected_submit(fixture->collected, &voided, NULL);
    collected_cut(fixture->collected, "after");
    assert_true(first_value(extract(fixture, "before", EXTRACT_COLUMNS_ALLOWED)) == 40);
    assert_true(isnan(first_value(extract(fixture, "after", EXTRACT_COLUMNS_ALLOWED))));
}

/* With the reason, which a masked study keeps to itself; of a subject who moved, under the first number. */
static void test_extract_dataset_keeps_voided_records_apart(void **state)
{
    struct fixture *fixture = *state;
    collected_submit(
        fixture->collected,
        &(struct collected_form){.subject = "02-0002", .form = "enrolment", .date = "2026-06-01"},
        "index_knee", "right", "continues", "01-0002", NULL);
    const struct collected_form first = {"02-0002", "pain_vas", "right", "M6", "2026-07-12", 1, 1, NULL};
    const struct collected_form voided = {"02-0002", "pain_vas", "right", "M6", "2026-07-12", 1, 2, "void"};
    collected_submit(fixture->collected, &first, "vas", "25", NULL);
    collected_cut(fixture->collected, "before");
    collected_submit(fixture->collected, &voided, NULL);
    collected_cut(fixture->collected, "after");
    size_t count;
    dataset_voided(extract(fixture, "before", EXTRACT_COLUMNS_ALLOWED), &count);
    assert_int_equal(count, 0);
    static const char *const reasons[] = {"corrected for a test", ""};
    for (int pooled = 0; pooled < 2; pooled++) {
        const struct dataset *dataset =
            extract(fixture, "after", pooled ? EXTRACT_COLUMNS_POOLED : EXTRACT_COLUMNS_ALLOWED);
        const struct voided_record *record = dataset_voided(dataset, &count);
        assert_int_equal(count, 1);
        assert_int_equal(dataset->subjects[record->record.subject].number, 2);
        assert_int_equal(dataset->subjects[record->record.subject].site, 1);
        assert_int_equal(record->record.version, 2);
        assert_string_equal(record_visit(dataset, &record->record), "M6");
        assert_string_equal(record_void_reason(dataset, &record->record), reasons[pooled]);
    }
}

static void test_extract_dataset_subject_whose_enrolment_is_void_is_left_out(void **state)
{
    struct fixture *fixture = *state;
    collected_submit(
        fixture->collected,
        &(struct collected_form){.subject = "02-0002", .form = "enrolment", .date = "2026-06-01"},
        "index_knee", "right", "continues", "01-0002", NULL);
    collected_submit(fixture->collected,
                     &(struct collected_form){"02-0002", "pain_vas", "right", "M6", "2026-07-12", 1, 1, NULL},
                     "vas", "25", NULL);
    collected_cut(fixture->collected, "before");
    static const struct collected_form records[] = {
        {"01-0002", "treatment", "right", NULL, "2026-01-10", 1, 2, "void"},
        {"01-0002", "adverse_event", "right", NULL, "2026-02-01", 1, 2, "void"},
        {"01-0002", "pain_vas", "right", "BL", "2026-01-09", 1, 2, "void"},
        {"01-0002", "pain_vas", "right", "M3", "2026-04-11", 1, 2, "void"},
    };
    for (size_t i = 0; i < sizeof records / sizeof *records; i++)
        collected_submit(fixture->collected, &records[i], NULL);
    collected_submit(fixture->collected,
                     &(struct collected_form){.subject = "01-0002", .form = "enrolment", .date = "2026-01-05",
                                              .version = 2, .status = "void"}, NULL);
    collected_cut(fixture->collected, "after");
    const struct dataset *before = extract(fixture, "before", EXTRACT_COLUMNS_ALLOWED);
    assert_int_equal(before->subject_count, 5);
    assert_int_equal(before->voided_count, 0);
    const struct dataset *after = extract(fixture, "after", EXTRACT_COLUMNS_ALLOWED);
    assert_int_equal(after->subject_count, 5);     /* 02-0002 stands for itself now */
    assert_int_equal(after->voided_count, 1);
    size_t voided;
    dataset_voided(after, &voided);
    assert_int_equal(voided, 0);                   /* those of nobody are in no listing */
    assert_int_equal(count_records(after, "pain_vas"), 4 * 2 + 1);
    for (size_t i = 0; i < after->subject_count; i++)
        assert_false(after->subjects[i].site == 1 && after->subjects[i].number == 2);
}

/* Two records of one day: the one that came later counts, also when the other is corrected afterwards. */
static void test_extract_dataset_correction_makes_no_record_younger(void **state)
{
    struct fixture *fixture = *state;
    collected_submit(fixture->collected,
                     &(struct collected_form){"01-0001", "pain_vas", "right", "M6", "2026-04-11", 1, 1, NULL},
                     "vas", "30", NULL);
    correct_first_value(fixture, 2, "41");
    collected_cut(fixture->collected, "corrected");
    assert_true(first_value(extract(fixture, "corrected", EXTRACT_COLUMNS_ALLOWED)) == 30);
}

static void test_extract_dataset_corrected_index_knee_counts(void **state)
{
    struct fixture *fixture = *state;
    collected_submit(fixture->collected,
                     &(struct collected_form){.subject = "01-0001", .form = "enrolment", .date = "2026-01-04",
                                              .version = 2}, "index_knee", "left", NULL);
    collected_cut(fixture->collected, "corrected");
    struct error error;      /* not derived: then the treated knee would count */
    const struct dataset *dataset =
        extract_dataset(fixture, fixture->reporter, "demo", "corrected", EXTRACT_COLUMNS_ALLOWED, &error);
    assert_non_null(dataset);
    assert_int_equal(dataset->subjects[0].index_knee, KNEE_LEFT);
    assert_int_equal(dataset->subjects[0].enrolled, date_from_civil(2026, 1, 4));
}

static void test_extract_dataset_subject_who_moved_stands_under_the_first_number(void **state)
{
    struct fixture *fixture = *state;
    collected_submit(
        fixture->collected,
        &(struct collected_form){.subject = "02-0002", .form = "enrolment", .date = "2026-06-01"},
        "index_knee", "right", "continues", "01-0001", NULL);
    collected_submit(fixture->collected,
                     &(struct collected_form){"02-0002", "pain_vas", "right", "M6", "2026-07-12", 1, 1, NULL},
                     "vas", "25", NULL);
    collected_cut(fixture->collected, "moved");
    const struct dataset *dataset = extract(fixture, "moved", EXTRACT_COLUMNS_ALLOWED);
    assert_int_equal(dataset->subject_count, 5);
    assert_true(dataset_value(dataset, 0, 0, 2) == 25);
    assert_int_equal(dataset->subjects[0].allocated[KNEE_NONE], 0);
}

static void assert_names_no_arm(const struct dataset *dataset, const struct record *record)
{
    const struct form *form = record_form(dataset, record);
    for (size_t item = 0; item < form->item_count; item++) {
        if (!form->items[item].reveals_arm && strcmp(form->items[item].id, "term") != 0)
            continue;
        assert_null(record_answer(dataset, record, form->items[item].id));
        assert_false(record_item_answered(dataset, record, item));
    }
}

static void test_extract_dataset_masked_study_names_no_arm(void **state)
{
    struct fixture *fixture = *state;
    collected_cut(fixture->collected, "masked");
    const struct dataset *dataset = extract(fixture, "masked", EXTRACT_COLUMNS_ALLOWED);
    assert_true(dataset->pooled);
    assert_int_equal(dataset->cohort_count, 1);
    assert_string_equal(dataset->cohorts[0], "Pooled");
    assert_int_equal(count_records(dataset, "adverse_event"), 1);     /* not the one at the harvest site */
    for (size_t i = 0; i < dataset->subject_count; i++)
        assert_int_equal(dataset->subjects[i].allocated[KNEE_NONE], NO_COHORT);
    for (size_t subject = 0; subject < dataset->subject_count; subject++)
        for (size_t i = 0; i < dataset_records(dataset, subject).count; i++)
            assert_names_no_arm(dataset, &dataset_records(dataset, subject).at[i]);
}

static void test_extract_dataset_masked_study_by_cohort_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    collected_cut(fixture->collected, "masked");
    assert_null(
        extract_dataset(fixture, fixture->reporter, "demo", "masked", EXTRACT_COLUMNS_COHORTS, &error));
    assert_int_equal(error.kind, ERROR_DENIED);
    assert_non_null(strstr(error.message, "masked"));
}

static void test_extract_make_cut_for_a_report_that_is_refused_makes_none(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    int cut;
    assert_false(extract_make_cut(fixture->reporter, "demo", EXTRACT_COLUMNS_COHORTS, &cut, &error));
    assert_int_equal(error.kind, ERROR_DENIED);
    assert_string_equal(test_value(collected_db(fixture->collected), "SELECT count(*) FROM core.cut"), "0");
}

static void test_extract_dataset_unknown_study_or_cut_is_not_found(void **state)
{
    struct fixture *fixture = *state;
    static const char *const cases[][2] = {{"nothing", "1"}, {"demo", "7"}, {"demo", "no such label"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error;
        assert_null(extract_dataset(fixture, fixture->reporter, cases[i][0], cases[i][1],
                                    EXTRACT_COLUMNS_ALLOWED, &error));
        assert_int_equal(error.kind, ERROR_NOT_FOUND);
    }
}

static void test_extract_dataset_of_a_study_not_granted_is_not_found(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    test_run(collected_db(fixture->collected),
             "SELECT admin.add_study('hidden', 'Hidden', 'none', 'patella_auditor')");
    assert_null(extract_dataset(fixture, fixture->reporter, "hidden", "1", EXTRACT_COLUMNS_ALLOWED, &error));
    assert_int_equal(error.kind, ERROR_NOT_FOUND);
}

static void test_extract_make_cut_holds_what_had_committed(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    int cut;
    assert_true(extract_make_cut(fixture->reporter, "demo", EXTRACT_COLUMNS_ALLOWED, &cut, &error));
    correct_first_value(fixture, 2, "10");
    const char *number = memory_format(fixture, "%d", cut);
    assert_true(first_value(extract(fixture, number, EXTRACT_COLUMNS_ALLOWED)) == 40);
}

/* --- large studies ------------------------------------------------------------------------------------- */

/*
 * Copies of the first subject's VAS at M3 as unscheduled records, `count` for each subject of the study, as they would
 * stand in the table; the triggers of which the audit trail is made are off.
 */
static void multiply_records(struct fixture *fixture, int count)
{
    test_run(collected_db(fixture->collected),
             memory_format(fixture,
                           "SET session_replication_role = replica;"
                           "INSERT INTO core.submission (study_id, site_id, subject_no, form, knee, visit, instance, "
                           "version, id, status, form_version, protocol_version, dated, content, sha256, scores, door, "
                           "token_no, recorded_by, recorded_at, xid, era) "
                           "SELECT v.study_id, s.site_id, s.subject_no, v.form, v.knee, 'unscheduled', g, 1, "
                           "gen_random_uuid(), v.status, v.form_version, v.protocol_version, v.dated + g, "
                           "replace(replace(replace(replace(v.content::text, '01-0001', format('%%s-%%s', "
                           "to_char(s.site_id, 'FM00'), to_char(s.subject_no, 'FM0000'))), '\"M3\"', "
                           "'\"unscheduled\"'), '\"instance\":1', '\"instance\":' || g), v.dated::text, "
                           "(v.dated + g)::text)::json, v.sha256, ARRAY[g::float8], v.door, v.token_no, v.recorded_by, "
                           "v.recorded_at, v.xid, v.era "
                           "FROM core.submission v, core.subject s, generate_series(1, %d) g "
                           "WHERE (v.site_id, v.subject_no, v.form, v.visit) = (1, 1, 'pain_vas', 'M3') "
                           "AND s.study_id = v.study_id;"
                           "SET session_replication_role = origin",
                           count));
}

static double sum_of_unscheduled(const struct dataset *dataset, size_t subject)
{
    struct records records = dataset_records(dataset, subject);
    double sum = 0;
    for (size_t i = 0; i < records.count; i++)
        if (record_is_unscheduled(dataset, &records.at[i])
            && record_is(dataset, &records.at[i], dataset_form_number(dataset, "pain_vas")))
            sum += record_score(dataset, &records.at[i], 0);
    return sum;
}

/* More than 1024 blocks of the table: over two connections. */
static void test_extract_dataset_of_a_large_study_is_read_whole(void **state)
{
    enum { EACH = 6000 };
    struct fixture *fixture = *state;
    multiply_records(fixture, EACH);
    assert_true(atoi(test_value(collected_db(fixture->collected),
                                "SELECT pg_relation_size('core.submission') / 8192")) > 1024);
    collected_cut(fixture->collected, "large");
    correct_first_value(fixture, 2, "10");       /* after the cut, at the end of the table */
    const struct dataset *dataset = extract(fixture, "large", EXTRACT_COLUMNS_ALLOWED);
    assert_int_equal(dataset->record_count, 5 * EACH + 5 * 4 + 2);
    assert_true(first_value(dataset) == 40);
    for (size_t i = 0; i < dataset->subject_count; i++)
        assert_true(sum_of_unscheduled(dataset, i) == EACH * (EACH + 1.0) / 2);
}

/* A small study beside a large one is read by the index. */
static void test_extract_dataset_beside_a_larger_study_holds_its_own_records(void **state)
{
    struct fixture *fixture = *state;
    test_run(collected_db(fixture->collected),
             "SELECT admin.add_study('large', 'Large', 'none', 'patella_reporter');"
             "SELECT admin.add_site('large', 1, 'First', 'UTC');"
             "SET session_replication_role = replica;"
             "INSERT INTO core.subject (study_id, site_id, subject_no, form, knee, visit, instance, index_knee, "
             "enrolled_on, token_no, recorded_by, recorded_at, xid, era) "
             "SELECT 2, 1, g, s.form, s.knee, s.visit, s.instance, s.index_knee, s.enrolled_on, s.token_no, "
             "s.recorded_by, s.recorded_at, s.xid, s.era FROM core.subject s, generate_series(1, 1000) g "
             "WHERE (s.site_id, s.subject_no) = (1, 1);"
             "INSERT INTO core.submission (study_id, site_id, subject_no, form, knee, visit, instance, version, id, "
             "status, form_version, protocol_version, dated, content, sha256, scores, door, token_no, recorded_by, "
             "recorded_at, xid, era) "
             "SELECT 2, 1, g, v.form, v.knee, v.visit, v.instance, v.version, gen_random_uuid(), v.status, "
             "v.form_version, v.protocol_version, v.dated, v.content, v.sha256, v.scores, v.door, v.token_no, "
             "v.recorded_by, v.recorded_at, v.xid, v.era FROM core.submission v, generate_series(1, 1000) g "
             "WHERE (v.site_id, v.subject_no) = (1, 1);"
             "SET session_replication_role = origin; ANALYZE core.subject, core.submission");
    collected_cut(fixture->collected, "small");
    const struct dataset *dataset = extract(fixture, "small", EXTRACT_COLUMNS_ALLOWED);
    assert_int_equal(dataset->subject_count, 5);
    assert_int_equal(dataset->record_count, 5 * 4 + 2);
    assert_true(first_value(dataset) == 40);
}

/* --- the whole report ---------------------------------------------------------------------------------- */

static struct report *make_report(struct fixture *fixture, const char *cut)
{
    struct error error;
    const struct report_order order = {.study = "demo", .cut = cut};
    struct report *report = report_make(fixture, fixture->reporter, &order, &error);
    if (report == NULL)
        fail_msg("%s", error.message);
    return report;
}

static void test_report_make_of_a_cut_is_the_same_after_more_came_in(void **state)
{
    struct fixture *fixture = *state;
    collected_cut(fixture->collected, "first");
    const struct report *before = make_report(fixture, "first");
    correct_first_value(fixture, 2, "10");
    collected_submit(
        fixture->collected,
        &(struct collected_form){.subject = "01-0009", .form = "enrolment", .date = "2026-01-05"},
        "index_knee", "left", NULL);
    test_run(collected_db(fixture->collected),
             "SELECT admin.allocate('demo', '{1}', '{1}', '{none}', '{CS}', 'allocated anew')");
    test_run(collected_db(fixture->collected),
             "SELECT admin.put_form('demo', 'extra', 1, $$no form at all$$)");
    collected_cut(fixture->collected, "second");
    const struct report *after = make_report(fixture, "1");
    assert_int_equal(before->file_count, after->file_count);
    for (size_t i = 0; i < before->file_count; i++) {
        assert_string_equal(before->files[i].name, after->files[i].name);
        assert_string_equal(before->files[i].sha256, after->files[i].sha256);
    }
}

static void test_report_make_of_a_masked_study_holds_no_cohort_and_no_lot(void **state)
{
    struct fixture *fixture = *state;
    collected_cut(fixture->collected, "masked");
    const struct report *report = make_report(fixture, "masked");
    for (size_t i = 0; i < report->file_count; i++) {
        assert_null(strstr(report->files[i].bytes->bytes, "LOT-7"));
        assert_null(strstr(report->files[i].bytes->bytes, "CELLS"));
        assert_null(strstr(report->files[i].bytes->bytes, "Steroid injection"));
        assert_null(strstr(report->files[i].bytes->bytes, "something happened"));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_MASKED(name) cmocka_unit_test_setup_teardown(name, set_up_masked, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_extract_dataset_reads_subjects_records_and_cohorts),
        TEST(test_extract_dataset_takes_the_newest_version_at_the_cut),
        TEST(test_extract_dataset_leaves_voided_records_out),
        TEST(test_extract_dataset_keeps_voided_records_apart),
        TEST(test_extract_dataset_subject_whose_enrolment_is_void_is_left_out),
        TEST(test_extract_dataset_correction_makes_no_record_younger),
        TEST(test_extract_dataset_corrected_index_knee_counts),
        TEST(test_extract_dataset_subject_who_moved_stands_under_the_first_number),
        TEST_MASKED(test_extract_dataset_masked_study_names_no_arm),
        TEST_MASKED(test_extract_dataset_masked_study_by_cohort_is_refused),
        TEST_MASKED(test_extract_make_cut_for_a_report_that_is_refused_makes_none),
        TEST(test_extract_dataset_unknown_study_or_cut_is_not_found),
        TEST(test_extract_dataset_of_a_study_not_granted_is_not_found),
        TEST(test_extract_make_cut_holds_what_had_committed),
        TEST(test_extract_dataset_of_a_large_study_is_read_whole),
        TEST(test_extract_dataset_beside_a_larger_study_holds_its_own_records),
        TEST(test_report_make_of_a_cut_is_the_same_after_more_came_in),
        TEST_MASKED(test_report_make_of_a_masked_study_holds_no_cohort_and_no_lot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
