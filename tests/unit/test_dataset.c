/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/csv_table.h"
#include "tests/support/study.h"

#define CASES "tests/golden/cases/"

enum { BL, M3, M6 };

static int set_up(void **state)
{
    *state = study_new(NULL, "tests/support/study.yaml");
    return 0;
}

static int tear_down(void **state)
{
    talloc_free(*state);
    return 0;
}

/* Day 1 of the studies below. */
static date_days day1(void)
{
    return study_date("2024-03-01");
}

static date_days date_of(int study_day)
{
    return day1() + study_day - (study_day > 0);
}

static size_t add_treated(struct study *study, enum knee_side knee)
{
    static int number = 0;
    size_t subject = study_add_subject(study, 1, ++number, knee, "CELLS");
    study_add_record(study, subject, "treatment", knee, "unscheduled", day1());
    return subject;
}

/* A pain VAS of the right knee; `value` NULL: not answered. */
static struct study_record *add_vas(struct study *study, size_t subject, const char *visit, int day,
                              const char *value)
{
    struct study_record *record = study_add_record(study, subject, "pain_vas", KNEE_RIGHT, visit, date_of(day));
    if (value != NULL)
        study_answer(study, record, "vas", value);
    return record;
}

/* -- windows --------------------------------------------------------------------------------------------- */

static const struct csv_table *load_case(const void *owner, const char *name)
{
    struct error error = {0};
    const struct csv_table *table = csv_table_load(owner, memory_format(owner, CASES "%s", name), &error);
    if (table == NULL)
        fail_msg("%s: %s", name, error.message);
    return table;
}

/* rec, subj, day, seq, score: `seq` is the order of receipt */
static void add_window_records(struct study *study, const struct csv_table *table)
{
    for (int i = 0; i < 100; i++) {
        size_t subject = study_add_subject(study, 1, i + 1, KNEE_RIGHT, "A");
        study_add_record(study, subject, "treatment", KNEE_RIGHT, "unscheduled", day1());
    }
    for (size_t i = 0; i < table->row_count; i++) {
        const char *const *cells = table->rows[i].cells;
        size_t subject = strtoul(cells[1], NULL, 10) - 1;
        assert_true(subject < 100);
        struct study_record *record = add_vas(study, subject, "M3", atoi(cells[2]), cells[4]);
        record->received_us = strtoll(cells[3], NULL, 10);
        record->instance = atoi(cells[0]);
    }
}

static void check_windows(const struct dataset *dataset, const struct csv_table *windows)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    assert_int_equal(protocol->visit_count, windows->row_count);
    for (size_t i = 0; i < windows->row_count; i++) {
        const char *const *cells = windows->rows[i].cells;
        const struct visit *visit = &protocol->visits[i];
        assert_string_equal(visit->title, cells[0]);
        assert_int_equal(visit->analysis[0], i == 0 ? WINDOW_OPEN_START : atoi(cells[1]));
        assert_int_equal(visit->analysis[1], atoi(cells[2]));
        assert_int_equal(visit->target, atoi(cells[3]));
    }
}

static void check_window(const struct dataset *dataset, const struct record *record, const struct csv_table *expected)
{
    const char *const *cells = expected->rows[record->instance - 1].cells;
    assert_int_equal(atoi(cells[0]), record->instance);
    int visit = record->analysis_visit;
    const char *title = visit == NO_VISIT ? "" : dataset->catalogue->protocol->visits[visit].title;
    if (strcmp(title, cells[1]) != 0 || record->selected != atoi(cells[2]))
        fail_msg("record %s: expected '%s' selected %s, found '%s' selected %d", cells[0], cells[1],
                 cells[2], title, record->selected);
}

static void test_dataset_derive_window_cases_select_as_expected(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct study *study = study_new(owner, CASES "windows.yaml");
    add_window_records(study, load_case(owner, "window_records.csv"));
    const struct dataset *dataset = study_finish(study);
    check_windows(dataset, load_case(owner, "windows.csv"));
    const struct csv_table *expected = load_case(owner, "windows_expected.csv");
    size_t compared = 0;
    for (size_t subject = 0; subject < dataset->subject_count; subject++) {
        struct records records = dataset_records(dataset, subject);
        for (size_t i = 0; i < records.count; i++) {
            if (strcmp(record_form(dataset, &records.at[i])->id, "pain_vas") != 0)
                continue;
            check_window(dataset, &records.at[i], expected);
            compared++;
        }
    }
    assert_int_equal(compared, 406);
    talloc_free(owner);
}

/* -- study days ------------------------------------------------------------------------------------------ */

static void test_dataset_derive_treatments_give_each_knee_its_day_1(void **state)
{
    struct study *study = *state;
    size_t subject = add_treated(study, KNEE_RIGHT);
    study_add_record(study, subject, "treatment", KNEE_RIGHT, "unscheduled", date_of(60));
    study_add_record(study, subject, "treatment", KNEE_LEFT, "unscheduled", date_of(31));
    size_t untreated = study_add_subject(study, 2, 1, KNEE_LEFT, NULL);
    size_t one_knee = add_treated(study, KNEE_LEFT);
    const struct dataset *dataset = study_finish(study);
    assert_int_equal(dataset->subjects[subject].day1[KNEE_RIGHT], day1());
    assert_int_equal(dataset->subjects[subject].day1[KNEE_LEFT], date_of(31));
    assert_int_equal(dataset->subjects[subject].day1[KNEE_NONE], day1());
    assert_true(dataset->subjects[subject].treated);
    assert_int_equal(dataset->subjects[untreated].day1[KNEE_NONE], DATE_NONE);
    assert_false(dataset->subjects[untreated].treated);
    assert_int_equal(dataset->subjects[one_knee].day1[KNEE_RIGHT], DATE_NONE);
}

static const struct record *find_record(const struct dataset *dataset, const char *form, enum knee_side knee)
{
    for (size_t subject = 0; subject < dataset->subject_count; subject++) {
        struct records records = dataset_records(dataset, subject);
        for (size_t i = 0; i < records.count; i++)
            if (strcmp(record_form(dataset, &records.at[i])->id, form) == 0 && records.at[i].knee == knee)
                return &records.at[i];
    }
    fail_msg("no record of %s", form);
    return NULL;
}

static void test_dataset_derive_days_count_from_the_knee_or_the_index_knee(void **state)
{
    struct study *study = *state;
    size_t both = add_treated(study, KNEE_RIGHT);
    study_add_record(study, both, "treatment", KNEE_LEFT, "unscheduled", date_of(31));
    study_add_record(study, both, "pain_vas", KNEE_LEFT, "M3", date_of(31));
    study_add_record(study, both, "pain_vas", KNEE_RIGHT, "M3", date_of(31));
    study_add_record(study, both, "end_of_study", KNEE_NONE, "unscheduled", date_of(31));
    size_t one = add_treated(study, KNEE_RIGHT);
    study_add_record(study, one, "patient_global", KNEE_LEFT, "M3", date_of(31));
    size_t none = study_add_subject(study, 2, 1, KNEE_RIGHT, NULL);
    study_add_record(study, none, "baseline", KNEE_NONE, "BL", date_of(31));
    const struct dataset *dataset = study_finish(study);
    assert_int_equal(find_record(dataset, "pain_vas", KNEE_LEFT)->day, 1);
    assert_int_equal(find_record(dataset, "pain_vas", KNEE_RIGHT)->day, 31);
    assert_int_equal(find_record(dataset, "end_of_study", KNEE_NONE)->day, 31);
    assert_int_equal(find_record(dataset, "patient_global", KNEE_LEFT)->day, 31);
    assert_int_equal(find_record(dataset, "baseline", KNEE_NONE)->day, STUDY_DAY_NONE);
    assert_int_equal(find_record(dataset, "baseline", KNEE_NONE)->analysis_visit, NO_VISIT);
}

/* -- selection ------------------------------------------------------------------------------------------- */

static void test_dataset_derive_chosen_visit_does_not_matter_but_unscheduled_is_left_out(void **state)
{
    struct study *study = *state;
    size_t subject = add_treated(study, KNEE_RIGHT);
    add_vas(study, subject, "M6", 100, "40");
    add_vas(study, subject, "unscheduled", 92, "90");
    const struct dataset *dataset = study_finish(study);
    const struct record *selected = dataset_selected(dataset, subject, KNEE_RIGHT, "pain_vas", M3);
    assert_non_null(selected);
    assert_int_equal(selected->day, 100);
    assert_true(dataset_value(dataset, subject, 0, M3) == 40);
    assert_true(isnan(dataset_value(dataset, subject, 0, M6)));
    assert_null(dataset_selected(dataset, subject, KNEE_RIGHT, "pain_vas", M6));
    assert_null(dataset_selected(dataset, subject, KNEE_LEFT, "pain_vas", M3));
    assert_null(dataset_selected(dataset, subject, KNEE_RIGHT, "womac_lk", M3));
}

static const struct {
    const char *label;
    int days[2];
    int64_t received[2];
    int selected;                /* 0: the first, 1: the second */
} selection_cases[] = {
    {"closest to the target", {90, 95}, {1, 2}, 0},
    {"same distance: the later day", {91, 93}, {2, 1}, 1},
    {"same day: the later receipt", {91, 91}, {2, 1}, 0},
    {"same receipt: the greater id", {91, 91}, {1, 1}, 1},
};

static void test_dataset_derive_several_records_select_one(void **state)
{
    struct study *study = *state;
    enum { CASES_COUNT = sizeof selection_cases / sizeof selection_cases[0] };
    size_t subjects[CASES_COUNT];
    for (size_t i = 0; i < CASES_COUNT; i++) {
        subjects[i] = add_treated(study, KNEE_RIGHT);
        for (int k = 0; k < 2; k++) {
            struct study_record *record =
                add_vas(study, subjects[i], "M3", selection_cases[i].days[k], k == 0 ? "10" : "20");
            record->received_us = selection_cases[i].received[k];
        }
    }
    const struct dataset *dataset = study_finish(study);
    for (size_t i = 0; i < CASES_COUNT; i++) {
        double expected = selection_cases[i].selected == 0 ? 10 : 20;
        if (dataset_value(dataset, subjects[i], 0, M3) != expected)
            fail_msg("%s: expected %g", selection_cases[i].label, expected);
    }
}

/* One request that brings two records has one time of receipt; ids are random. */
static void test_dataset_derive_same_receipt_selects_the_greater_instance(void **state)
{
    struct study *study = *state;
    size_t subject = add_treated(study, KNEE_RIGHT);
    for (int instance = 2; instance >= 1; instance--) {
        struct study_record *record = add_vas(study, subject, "M3", 91, instance == 2 ? "20" : "10");
        record->received_us = 7;
        record->instance = instance;
    }
    assert_true(dataset_value(study_finish(study), subject, 0, M3) == 20);
}

static void test_dataset_distance_leaves_day_0_out(void **state)
{
    (void)state;
    static const int cases[][3] = {{1, 1, 0}, {1, -1, 1}, {-1, 2, 2}, {92, 91, 1}, {-5, -8, 3}, {-42, 1, 42}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(dataset_distance(cases[i][0], cases[i][1]), cases[i][2]);
        assert_int_equal(dataset_distance(cases[i][1], cases[i][0]), cases[i][2]);
    }
}

/* -- a screening visit before the baseline visit --------------------------------------------------------- */

static void test_dataset_value_at_baseline_may_come_from_a_screening_visit(void **state)
{
    enum { SCR, BASELINE };
    struct study *study = study_new(*state, "tests/support/study_screening.yaml");
    size_t both = add_treated(study, KNEE_RIGHT);
    add_vas(study, both, "SCR", -42, "70");
    add_vas(study, both, "BL", -3, "60");
    size_t screened = add_treated(study, KNEE_RIGHT);
    add_vas(study, screened, "SCR", -42, "71");
    add_vas(study, screened, "unscheduled", -10, "20");
    add_vas(study, screened, "BL", 1, NULL);
    const struct dataset *dataset = study_finish(study);
    assert_int_equal(dataset_baseline(dataset), BASELINE);
    assert_true(dataset_value(dataset, both, 0, BASELINE) == 60);
    assert_true(dataset_value(dataset, both, 0, SCR) == 70);
    assert_true(dataset_value(dataset, screened, 0, BASELINE) == 71);
    assert_int_equal(dataset_selected(dataset, screened, KNEE_RIGHT, "pain_vas", BASELINE)->day, 1);
    assert_false(dataset_is_after_baseline(dataset, SCR));
    assert_false(dataset_is_after_baseline(dataset, BASELINE));
    assert_true(dataset_is_after_baseline(dataset, BASELINE + 1));
}

static void test_dataset_value_selected_record_without_score_is_missing(void **state)
{
    struct study *study = *state;
    size_t subject = add_treated(study, KNEE_RIGHT);
    add_vas(study, subject, "M3", 92, NULL);
    add_vas(study, subject, "M3", 99, "55");
    const struct dataset *dataset = study_finish(study);
    assert_int_equal(dataset_selected(dataset, subject, KNEE_RIGHT, "pain_vas", M3)->day, 92);
    assert_true(isnan(dataset_value(dataset, subject, 0, M3)));
}

static void test_dataset_value_at_baseline_is_the_last_one_until_day_1(void **state)
{
    struct study *study = *state;
    size_t subject = add_treated(study, KNEE_RIGHT);
    add_vas(study, subject, "BL", -20, "61");
    add_vas(study, subject, "BL", -3, "62");
    add_vas(study, subject, "BL", 1, NULL);
    add_vas(study, subject, "BL", 2, "10");
    add_vas(study, subject, "unscheduled", -1, "20");
    const struct dataset *dataset = study_finish(study);
    assert_true(dataset_value(dataset, subject, 0, BL) == 62);
    assert_int_equal(dataset_selected(dataset, subject, KNEE_RIGHT, "pain_vas", BL)->day, 1);
    assert_true(dataset_value(dataset, subject, 0, M3) == 10);
}

static void test_dataset_value_is_of_the_index_knee_of_treated_subjects(void **state)
{
    struct study *study = *state;
    size_t other_knee = add_treated(study, KNEE_LEFT);
    add_vas(study, other_knee, "M3", 92, "33");
    size_t untreated = study_add_subject(study, 2, 1, KNEE_RIGHT, "CELLS");
    add_vas(study, untreated, "M3", 92, "44");
    const struct dataset *dataset = study_finish(study);
    assert_true(isnan(dataset_value(dataset, other_knee, 0, M3)));
    assert_true(isnan(dataset_value(dataset, untreated, 0, M3)));
}

/* Pain VAS of one knee before treatment; higher is worse. */
static void add_baseline_pain(struct study *study, size_t subject, enum knee_side knee, const char *value)
{
    if (value == NULL)
        return;
    struct study_record *record = study_add_record(study, subject, "pain_vas", knee, "BL", date_of(-3));
    study_answer(study, record, "vas", value);
}

static void test_dataset_derive_index_knee_follows_the_rule_of_the_protocol(void **state)
{
    static const struct {
        const char *label;
        enum knee_side enrolled;
        int left_day, right_day;                 /* of the first treatment from day 1 on; 0: not treated */
        const char *left_pain, *right_pain;
        enum knee_side first_treated;
    } cases[] = {
        {"not treated: as enrolled", KNEE_LEFT, 0, 0, NULL, NULL, KNEE_LEFT},
        {"one treated: that one", KNEE_LEFT, 0, 1, NULL, NULL, KNEE_RIGHT},
        {"left treated first", KNEE_RIGHT, 1, 8, "10", "90", KNEE_LEFT},
        {"right treated first", KNEE_LEFT, 8, 1, "90", "10", KNEE_RIGHT},
        {"same day: left is worse", KNEE_RIGHT, 1, 1, "61", "60", KNEE_LEFT},
        {"same day: right is worse", KNEE_LEFT, 1, 1, "60", "61", KNEE_RIGHT},
        {"same day, same pain: right", KNEE_LEFT, 1, 1, "60", "60", KNEE_RIGHT},
        {"same day, only left known", KNEE_RIGHT, 1, 1, "5", NULL, KNEE_LEFT},
        {"same day, nothing known: right", KNEE_LEFT, 1, 1, NULL, NULL, KNEE_RIGHT},
    };
    for (size_t rule = INDEX_KNEE_FIRST_TREATED; rule <= INDEX_KNEE_AS_ENROLLED; rule++) {
        struct study *study = study_new(*state, "tests/support/study.yaml");
        ((struct protocol *)study_dataset(study)->catalogue->protocol)->index_knee_rule =
            (enum index_knee_rule)rule;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            size_t subject = study_add_subject(study, 3, (int)i + 1, cases[i].enrolled, "CELLS");
            if (cases[i].left_day > 0)
                study_add_record(study, subject, "treatment", KNEE_LEFT, "unscheduled",
                                 date_of(cases[i].left_day));
            if (cases[i].right_day > 0)
                study_add_record(study, subject, "treatment", KNEE_RIGHT, "unscheduled",
                                 date_of(cases[i].right_day));
            add_baseline_pain(study, subject, KNEE_LEFT, cases[i].left_pain);
            add_baseline_pain(study, subject, KNEE_RIGHT, cases[i].right_pain);
        }
        const struct dataset *dataset = study_finish(study);
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            bool as_enrolled = rule == INDEX_KNEE_AS_ENROLLED;
            enum knee_side expected = as_enrolled ? cases[i].enrolled : cases[i].first_treated;
            if (dataset->subjects[i].index_knee != expected)
                fail_msg("%s, rule %zu: knee %d", cases[i].label, rule, (int)dataset->subjects[i].index_knee);
        }
    }
}

static void test_dataset_derive_cohort_of_knees_is_the_index_knees(void **state)
{
    struct study *study = *state;
    size_t subject = study_add_subject(study, 1, 77, KNEE_LEFT, "CELLS");
    study_dataset(study)->subjects[subject].allocated[KNEE_NONE] = NO_COHORT;
    study_dataset(study)->subjects[subject].allocated[KNEE_LEFT] = 0;
    study_dataset(study)->subjects[subject].allocated[KNEE_RIGHT] = 1;
    study_add_record(study, subject, "treatment", KNEE_RIGHT, "unscheduled", day1());
    const struct dataset *dataset = study_finish(study);
    assert_int_equal(dataset->subjects[subject].cohort, 1);
}

static void test_dataset_derive_records_in_any_order_give_the_same(void **state)
{
    struct study *study = *state;
    size_t a = add_treated(study, KNEE_RIGHT);
    size_t b = add_treated(study, KNEE_RIGHT);
    add_vas(study, b, "M3", 93, "3");
    add_vas(study, a, "M3", 93, "1");
    add_vas(study, b, "M3", 91, "4");
    add_vas(study, a, "M6", 184, "2");
    const struct dataset *dataset = study_finish(study);
    assert_true(dataset_value(dataset, a, 0, M3) == 1);
    assert_true(dataset_value(dataset, a, 0, M6) == 2);
    assert_true(dataset_value(dataset, b, 0, M3) == 3);
    for (size_t i = 0; i < dataset->subject_count; i++) {
        struct records records = dataset_records(dataset, i);
        for (size_t k = 0; k < records.count; k++)
            assert_int_equal(records.at[k].subject, i);
    }
}

/* -- end of study, cut ----------------------------------------------------------------------------------- */

static void add_end(struct study *study, size_t subject, const char *reason, const char *death)
{
    struct study_record *record = study_add_record(study, subject, "end_of_study", KNEE_NONE, "unscheduled",
                                             study_date("2024-09-20"));
    study_answer(study, record, "last_contact", "2024-09-10");
    study_answer(study, record, "reason", reason);
    if (death != NULL)
        study_answer(study, record, "death_date", death);
}

static void test_dataset_derive_end_of_study_gives_death_and_withdrawal(void **state)
{
    struct study *study = *state;
    size_t completed = add_treated(study, KNEE_RIGHT);
    add_end(study, completed, "completed", NULL);
    size_t died = add_treated(study, KNEE_RIGHT);
    add_end(study, died, "died", "2024-09");
    size_t withdrew = add_treated(study, KNEE_RIGHT);
    add_end(study, withdrew, "withdrew_consent", NULL);
    size_t there = add_treated(study, KNEE_RIGHT);
    const struct dataset *dataset = study_finish(study);
    const struct subject *subjects = dataset->subjects;
    assert_string_equal(subjects[completed].end_reason, "completed");
    assert_int_equal(subjects[completed].last_contact, study_date("2024-09-10"));
    assert_int_equal(subjects[completed].withdrawn, DATE_NONE);
    assert_int_equal(subjects[died].died, study_date("2024-09-20")); /* no later than the form that says so */
    assert_int_equal(subjects[withdrew].withdrawn, study_date("2024-09-10"));
    assert_int_equal(subjects[withdrew].died, DATE_NONE);
    assert_null(subjects[there].end_reason);
    assert_int_equal(subjects[there].last_contact, DATE_NONE);
}

static void test_dataset_derive_decisions_end_follow_up_and_other_reasons_do_not(void **state)
{
    static const struct {
        const char *reason;
        bool ends;
    } cases[] = {
        {"withdrew_consent", true}, {"adverse_event", true},      {"physician_decision", true},
        {"study_stopped", true},    {"joint_replacement", false}, {"lost_to_follow_up", false},
        {"completed", false},
    };
    struct study *study = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        add_end(study, add_treated(study, KNEE_RIGHT), cases[i].reason, NULL);
    const struct dataset *dataset = study_finish(study);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        date_days expected = cases[i].ends ? study_date("2024-09-10") : DATE_NONE;
        if (dataset->subjects[i].withdrawn != expected)
            fail_msg("%s: withdrawn %d", cases[i].reason, (int)dataset->subjects[i].withdrawn);
    }
}

static void test_dataset_derive_withdrawn_consent_counts_unless_for_treatment_only(void **state)
{
    struct study *study = *state;
    static const char *const scopes[] = {"treatment", "all_contact"};
    for (size_t i = 0; i < 2; i++) {
        size_t subject = add_treated(study, KNEE_RIGHT);
        struct study_record *record =
            study_add_record(study, subject, "screening", KNEE_NONE, "unscheduled", date_of(80));
        study_answer(study, record, "withdrawal_date", "2024-05-05");
        study_answer(study, record, "withdrawal_scope", scopes[i]);
    }
    const struct dataset *dataset = study_finish(study);
    assert_int_equal(dataset->subjects[0].withdrawn, DATE_NONE);
    assert_int_equal(dataset->subjects[1].withdrawn, study_date("2024-05-05"));
    assert_null(dataset->subjects[1].end_reason);
}

static void test_dataset_column_pooled_is_one(void **state)
{
    struct study *study = *state;
    study_add_subject(study, 1, 1, KNEE_RIGHT, "CS");
    study_add_subject(study, 1, 2, KNEE_RIGHT, NULL);
    struct dataset *dataset = study_finish(study);
    assert_int_equal(dataset_column(dataset, 0), 1);
    assert_int_equal(dataset_column(dataset, 1), NO_COHORT);
    dataset->pooled = true;
    assert_int_equal(dataset_column(dataset, 0), 0);
    assert_int_equal(dataset_column(dataset, 1), 0);
}

static void test_dataset_cut_date_is_the_day_in_utc(void **state)
{
    (void)state;
    struct dataset dataset = {.cut_made_us = INT64_C(86399999999)};
    assert_int_equal(dataset_cut_date(&dataset), 0);
    dataset.cut_made_us++;
    assert_int_equal(dataset_cut_date(&dataset), 1);
    dataset.cut_made_us = -1;
    assert_int_equal(dataset_cut_date(&dataset), -1);
}

#define WITH_STUDY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dataset_derive_window_cases_select_as_expected),
        WITH_STUDY(test_dataset_derive_treatments_give_each_knee_its_day_1),
        WITH_STUDY(test_dataset_derive_days_count_from_the_knee_or_the_index_knee),
        WITH_STUDY(test_dataset_derive_chosen_visit_does_not_matter_but_unscheduled_is_left_out),
        WITH_STUDY(test_dataset_derive_several_records_select_one),
        WITH_STUDY(test_dataset_derive_same_receipt_selects_the_greater_instance),
        cmocka_unit_test(test_dataset_distance_leaves_day_0_out),
        WITH_STUDY(test_dataset_value_at_baseline_may_come_from_a_screening_visit),
        WITH_STUDY(test_dataset_value_selected_record_without_score_is_missing),
        WITH_STUDY(test_dataset_value_at_baseline_is_the_last_one_until_day_1),
        WITH_STUDY(test_dataset_value_is_of_the_index_knee_of_treated_subjects),
        WITH_STUDY(test_dataset_derive_index_knee_follows_the_rule_of_the_protocol),
        WITH_STUDY(test_dataset_derive_cohort_of_knees_is_the_index_knees),
        WITH_STUDY(test_dataset_derive_records_in_any_order_give_the_same),
        WITH_STUDY(test_dataset_derive_end_of_study_gives_death_and_withdrawal),
        WITH_STUDY(test_dataset_derive_decisions_end_follow_up_and_other_reasons_do_not),
        WITH_STUDY(test_dataset_derive_withdrawn_consent_counts_unless_for_treatment_only),
        WITH_STUDY(test_dataset_column_pooled_is_one),
        cmocka_unit_test(test_dataset_cut_date_is_the_day_in_utc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
