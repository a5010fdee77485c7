/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Times to events: the simulated trial against R, and studies small enough to count by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/data_table.h"
#include "reports/event_times.h"
#include "tests/support/golden.h"
#include "tests/support/trial1000.h"
#include "tests/support/trial1000_study.h"

#define NAMES(...) ((const char *const[4]){__VA_ARGS__})

/* -- the simulated trial --------------------------------------------------------------------------------- */

/* Tables are named by the event's id here, and every contrast is written "A - B". */
static void rename_row(struct golden_row *row)
{
    if (strcmp(row->table, "KM time to knee replacement") == 0)
        row->table = "KM replacement";
    else if (strcmp(row->table, "Cox") == 0)
        row->table = "Cox replacement";
    if (strcmp(row->col, "AD-MSC / PLACEBO") == 0)
        row->col = "AD-MSC - PLACEBO";
    else if (strcmp(row->col, "UC-MSC / PLACEBO") == 0)
        row->col = "UC-MSC - PLACEBO";
    if (strcmp(row->table, "RMST tau=730") == 0)
        *row = (struct golden_row){"RMST replacement", "tau=730", row->row, row->stat, row->value};
}

/* 4 days of 5 numbers and 9 of quartiles for 3 cohorts, log-rank 3 + 3 * 2, Cox 2 * 2 * 6, means 3 * 2. */
enum { TKR_ROWS = 3 * (4 * 5 + 9) + 9 + 24 + 6 };

static const struct golden_rules tkr = {TRIAL1000 "/expected/tkr.csv", NULL, rename_row, false};

static void test_analysis_events_trial1000_gives_the_numbers_of_r(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "trial1000");
    struct results *results = results_new(owner);
    analysis_events(study_finish(trial1000_study_new(owner)), results);
    struct golden_outcome outcome = golden_compare(results, &tkr);
    assert_int_equal(outcome.mismatches, 0);
    assert_int_equal(outcome.compared, TKR_ROWS);
    struct golden_rules silent = tkr;
    silent.silent = true;
    assert_int_equal(golden_compare(results_new(owner), &silent).mismatches, TKR_ROWS);
    talloc_free(owner);
}


/* -- a study small enough to count by hand --------------------------------------------------------------- */

/* Day 1 is 2024-03-01; day 92 is 2024-05-31. */
#define DAY_1 "2024-03-01"
#define DEMO "forms/protocols/demo.yaml"
#define WEEKS "tests/golden/other_studies/weeks/"

enum { REPLACEMENT, REINJECTION, DAILY, SPORT };         /* the events of the demo study, in its order */

static size_t add_treated(struct study *study, const char *cohort)
{
    int number = (int)study_dataset(study)->subject_count + 1;
    size_t subject = study_add_subject(study, 1, number, KNEE_RIGHT, cohort);
    study_add_record(study, subject, "treatment", KNEE_RIGHT, "unscheduled", study_date(DAY_1));
    return subject;
}

static void add_end(struct study *study, size_t subject, const char *last_contact, const char *death)
{
    struct study_record *record = study_add_record(study, subject, "end_of_study", KNEE_NONE, "unscheduled",
                                                   study_date(death != NULL ? death : last_contact));
    study_answer(study, record, "last_contact", last_contact);
    study_answer(study, record, "reason", death != NULL ? "died" : "completed");
    if (death != NULL)
        study_answer(study, record, "death_date", death);
}

static void add_joint_event(struct study *study, size_t subject, enum knee_side knee, const char *kind,
                            const char *date)
{
    struct study_record *record =
        study_add_record(study, subject, "joint_event", knee, "unscheduled", study_date(date));
    study_answer(study, record, "kind", kind);
}

static void add_return(struct study *study, size_t subject, const char *date, const char *returned)
{
    struct study_record *record = study_add_record(study, subject, "return_to_activity", KNEE_RIGHT, "M3",
                                                   study_date(date));
    study_answer(study, record, "daily_activity", "returned");
    if (returned != NULL)
        study_answer(study, record, "daily_activity_date", returned);
}

static struct event_times *times_of(struct study *study, size_t event)
{
    const struct dataset *dataset = study_finish(study);
    return event_times_of(study, dataset, &dataset->catalogue->protocol->plan.events[event]);
}

static void assert_time(const struct event_times *times, size_t subject, double day, enum survival_status status)
{
    if (times->days[subject] != day || times->status[subject] != status)
        fail_msg("subject %zu: expected day %g status %d, found day %g status %d", subject, day, (int)status,
                 times->days[subject], (int)times->status[subject]);
}

static void test_event_times_first_event_of_the_index_knee_after_day_1_counts(void **state)
{
    struct study *study = *state;
    size_t later = add_treated(study, "AD-MSC"), other_knee = add_treated(study, "AD-MSC");
    size_t before = add_treated(study, "CS"), other_kind = add_treated(study, "CS");
    add_joint_event(study, later, KNEE_RIGHT, "replacement", "2024-06-09");
    add_joint_event(study, later, KNEE_RIGHT, "replacement", "2024-05-31");
    add_joint_event(study, other_knee, KNEE_LEFT, "replacement", "2024-05-31");
    add_joint_event(study, before, KNEE_RIGHT, "replacement", DAY_1);
    add_joint_event(study, other_kind, KNEE_RIGHT, "other_surgery", "2024-05-31");
    for (size_t subject = later; subject <= other_kind; subject++)
        add_end(study, subject, "2025-03-01", NULL);
    const struct event_times *times = times_of(study, REPLACEMENT);
    assert_time(times, later, 92, SURVIVAL_EVENT);
    assert_time(times, other_knee, 366, SURVIVAL_CENSORED);
    assert_time(times, before, 366, SURVIVAL_CENSORED);
    assert_time(times, other_kind, 366, SURVIVAL_CENSORED);
    assert_int_equal(times->imputed_count, 0);
}

/* The demo's return to sport is studied among those who did sport before. */
static void test_event_times_among_some_leaves_the_others_without_a_time(void **state)
{
    static const char *const before[] = {"recreational", "competitive", "none", NULL};
    struct study *study = *state;
    for (size_t i = 0; i < 4; i++) {
        size_t subject = add_treated(study, "AD-MSC");
        struct study_record *record =
            study_add_record(study, subject, "baseline", KNEE_NONE, "BL", study_date(DAY_1));
        if (before[i] != NULL)
            study_answer(study, record, "sport_before", before[i]);
        add_end(study, subject, "2025-03-01", NULL);
    }
    const struct event_times *sport = times_of(study, 3), *daily = times_of(study, 2);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(isnan(sport->days[i]), i >= 2);
        assert_time(daily, i, 366, SURVIVAL_CENSORED);
    }
}

static void test_event_times_death_competes_where_the_protocol_says_so(void **state)
{
    struct study *study = *state;
    size_t died = add_treated(study, "AD-MSC"), after_death = add_treated(study, "CS");
    size_t early = add_treated(study, "CS"), untreated = study_add_subject(study, 1, 9, KNEE_LEFT, "CS");
    size_t no_cohort = add_treated(study, NULL);
    add_end(study, died, "2024-04-30", "2024-05-31");
    add_end(study, after_death, "2024-04-30", "2024-05-31");
    add_joint_event(study, after_death, KNEE_RIGHT, "replacement", "2024-07-01");
    add_end(study, early, "2024-02-01", NULL);
    add_end(study, untreated, "2024-02-01", NULL);
    const struct event_times *times = times_of(study, REPLACEMENT);
    assert_time(times, died, 92, SURVIVAL_COMPETING);
    assert_time(times, after_death, 92, SURVIVAL_COMPETING);
    assert_time(times, early, 1, SURVIVAL_CENSORED);
    assert_true(isnan(times->days[untreated]));
    assert_true(isnan(times->days[no_cohort]));
    assert_time(times_of(study, DAILY), died, 61, SURVIVAL_CENSORED);
}

static void test_event_times_hoped_for_partial_dates_are_the_latest(void **state)
{
    static const struct {
        const char *label, *record, *returned;
        double day;
        enum survival_status status;
        bool imputed;
    } cases[] = {
        {"on day 1", "2024-05-31", DAY_1, 1, SURVIVAL_EVENT, false},
        {"next day", "2024-05-31", "2024-03-02", 2, SURVIVAL_EVENT, false},
        {"before", "2024-05-31", "2024-02-29", 366, SURVIVAL_CENSORED, false},
        {"month of treatment", "2024-05-31", "2024-03", 31, SURVIVAL_EVENT, true},
        {"month of the record", "2024-05-05", "2024-05", 66, SURVIVAL_EVENT, true},
        {"year", "2024-05-31", "2024", 92, SURVIVAL_EVENT, true},
        {"month before", "2024-05-31", "2024-02", 366, SURVIVAL_CENSORED, false},
        {"not given", "2024-05-31", NULL, 92, SURVIVAL_EVENT, false},
    };
    struct study *study = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t subject = add_treated(study, "CS");
        add_return(study, subject, cases[i].record, cases[i].returned);
        add_end(study, subject, "2025-03-01", NULL);
    }
    const struct event_times *times = times_of(study, DAILY);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (times->days[i] != cases[i].day || times->status[i] != cases[i].status
            || times->imputed[i] != cases[i].imputed)
            fail_msg("%s: found day %g status %d", cases[i].label, times->days[i], (int)times->status[i]);
    }
    assert_int_equal(times->imputed_count, 3);
}

static void test_event_times_feared_partial_dates_are_the_earliest_after_day_1(void **state)
{
    static const struct {
        const char *returned;
        double day;
        enum survival_status status;
    } cases[] = {
        {"2024-03", 2, SURVIVAL_EVENT}, {"2024", 2, SURVIVAL_EVENT},     {"2024-05", 62, SURVIVAL_EVENT},
        {DAY_1, 366, SURVIVAL_CENSORED}, {"2024-02", 366, SURVIVAL_CENSORED},
    };
    struct study *study = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t subject = add_treated(study, "CS");
        add_return(study, subject, "2024-05-31", cases[i].returned);
        add_end(study, subject, "2025-03-01", NULL);
    }
    const struct dataset *dataset = study_finish(study);
    struct timed_event event = dataset->catalogue->protocol->plan.events[DAILY];
    event.favourable = false;
    const struct event_times *times = event_times_of(study, dataset, &event);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_time(times, i, cases[i].day, cases[i].status);
}

static void make_pooled(struct study *study)
{
    static const char *const pooled[] = {"Pooled"};
    struct dataset *dataset = study_dataset(study);
    dataset->pooled = true;
    dataset->cohorts = pooled;
    dataset->cohort_titles = pooled;
    dataset->cohort_count = 1;
}

static void test_event_times_pooled_condition_that_names_an_arm_is_refused(void **state)
{
    struct study *study = *state;
    add_treated(study, "AD-MSC");
    const struct dataset *dataset = study_finish(study);
    struct timed_event event = {.id = "cells", .title = "cells", .form = "treatment", .when = "product_kind = 'cells'"};
    assert_false(event_times_of(study, dataset, &event)->refused);
    make_pooled(study);
    const struct event_times *times = event_times_of(study, study_finish(study), &event);
    assert_true(times->refused);
    assert_true(isnan(times->days[0]));
    event.when = "imaging_guidance = 'none'";
    assert_false(event_times_of(study, dataset, &event)->refused);
    event.date = "harvest_date";
    assert_true(event_times_of(study, dataset, &event)->refused);
}

/* -- rows ------------------------------------------------------------------------------------------------ */

static const struct results *run(struct study *study)
{
    struct results *results = results_new(study);
    analysis_events(study_finish(study), results);
    return results;
}

static void assert_near(const struct results *results, const char *const names[4], double value)
{
    const struct result *found = results_find(results, names[0], names[1], names[2], names[3]);
    assert_non_null(found);
    assert_true(fabs(found->value - value) < 1e-12);
}

static void test_analysis_events_by_hand_are_right(void **state)
{
    struct study *study = *state;
    for (int i = 0; i < 4; i++) {                /* of four with cells one has it on day 92, one dies on day 31 */
        size_t subject = add_treated(study, "AD-MSC");
        add_end(study, subject, i == 1 ? "2024-03-31" : "2026-03-01", i == 1 ? "2024-03-31" : NULL);
        if (i == 0)
            add_joint_event(study, subject, KNEE_RIGHT, "replacement", "2024-05-31");
    }
    for (int i = 0; i < 2; i++)                  /* nobody of two others, who are followed for 366 days */
        add_end(study, add_treated(study, "CS"), "2025-03-01", NULL);
    const struct results *results = run(study);
    assert_result(results, NAMES("KM replacement", "day 92", "AD-MSC", "n_risk"), 3);
    assert_near(results, NAMES("KM replacement", "day 92", "AD-MSC", "surv"), 2.0 / 3);
    assert_near(results, NAMES("incidence replacement", "day 92", "AD-MSC", "inc"), 0.25);
    assert_near(results, NAMES("incidence replacement", "day 92", "AD-MSC - CS", "diff"), 0.25);
    assert_result(results, NAMES("KM replacement", "quartiles", "AD-MSC", "competing"), 1);
    assert_result(results, NAMES("KM replacement", "day 366", "CS", "surv"), 1);
    assert_result(results, NAMES("KM replacement", "day 366", "CS", "se"), 0);
    assert_result_status(results, NAMES("KM replacement", "day 366", "CS", "lo"), "not_estimable");
    assert_result(results, NAMES("KM replacement", "day 731", "CS", "n_risk"), 0);
    assert_result_status(results, NAMES("KM replacement", "day 731", "CS", "surv"), "not_estimable");
    assert_result_status(results, NAMES("RMST replacement", "tau=731", "CS", "rmst"), "not_estimable");
    assert_result_status(results, NAMES("RMST replacement", "tau=731", "AD-MSC - CS", "diff"), "not_estimable");
    assert_result_status(results, NAMES("Cox replacement", "efron", "AD-MSC - CS", "hr"), "not_estimable");
    assert_result_status(results, NAMES("Cox replacement", "efron", "UC-MSC - CS", "hr"), "not_estimable");
    assert_result_status(results, NAMES("KM replacement", "quartiles", "UC-MSC", "last_day"), "not_estimable");
    assert_result_status(results, NAMES("KM replacement", "log-rank", "UC-MSC - CS", "p"), "not_estimable");
    assert_result(results, NAMES("KM replacement", "log-rank", "overall", "df"), 1);
}

/* A cohort without events makes its own ratios infinite, not those of the others. */
static void test_analysis_events_cohort_without_events_leaves_other_ratios(void **state)
{
    static const char *const cohorts[] = {"AD-MSC", "UC-MSC", "CS"};
    static const char *const dates[] = {"2024-05-31", "2024-06-30", "2024-07-31", "2024-08-31"};
    struct study *study = *state;
    for (size_t i = 0; i < 12; i++) {
        size_t subject = add_treated(study, cohorts[i % 3]);
        if (i < 6 && i % 3 != 1)
            add_joint_event(study, subject, KNEE_RIGHT, "replacement", dates[i / 3 + (i % 3 == 2 ? 2 : 0)]);
        add_end(study, subject, "2025-03-01", NULL);
    }
    const struct results *results = run(study);
    assert_result_status(results, NAMES("Cox replacement", "efron", "UC-MSC - CS", "hr"), "not_estimable");
    assert_result_status(results, NAMES("Cox replacement", "efron", "AD-MSC - UC-MSC", "hr"), "not_estimable");
    const struct result *ratio = results_find(results, "Cox replacement", "efron", "AD-MSC - CS", "hr");
    assert_non_null(ratio);
    assert_string_equal(ratio->status, "");
    assert_true(ratio->value > 1);
    assert_non_null(results_find(results, "Cox replacement", "efron stratified", "AD-MSC - CS", "hr"));
}

/* Rows are there and tell why they have no value, whatever there is of subjects. */
static void assert_only_reasons(const struct results *results)
{
    assert_true(results_count(results) > 0);
    for (size_t i = 0; i < results_count(results); i++) {
        const struct result *row = results_at(results, i);
        assert_true(isnan(row->value) == (row->status[0] != '\0'));
        assert_true(row->status[0] == '\0' || row->note[0] != '\0');
    }
}

static void test_analysis_events_without_events_or_subjects_gives_reasons(void **state)
{
    struct study *study = *state;
    assert_only_reasons(run(study));
    add_end(study, add_treated(study, "CS"), "2025-03-01", NULL);
    const struct results *results = run(study);
    assert_only_reasons(results);
    assert_result(results, NAMES("KM replacement", "quartiles", "CS", "n"), 1);
    add_end(study, add_treated(study, "AD-MSC"), "2025-03-01", NULL);
    results = run(study);
    assert_only_reasons(results);
    assert_result_status(results, NAMES("KM replacement", "log-rank", "overall", "p"), "not_estimable");
    assert_result_status(results, NAMES("incidence replacement", "Gray", "overall", "p"), "not_estimable");
    assert_result(results, NAMES("incidence replacement", "day 92", "AD-MSC - CS", "diff"), 0);
    assert_result_status(results, NAMES("incidence replacement", "day 92", "AD-MSC - CS", "p"), "not_estimable");
}

static void test_analysis_events_pooled_compares_nothing(void **state)
{
    struct study *study = *state;
    add_joint_event(study, add_treated(study, "AD-MSC"), KNEE_RIGHT, "replacement", "2024-05-31");
    add_end(study, add_treated(study, "CS"), "2025-03-01", NULL);
    make_pooled(study);
    const struct results *results = run(study);
    assert_result(results, NAMES("KM replacement", "quartiles", "Pooled", "events"), 1);
    for (size_t i = 0; i < results_count(results); i++) {
        const struct result *row = results_at(results, i);
        assert_true(strcmp(row->col, "Pooled") == 0 || strcmp(row->col, "overall") == 0);
        assert_true(strncmp(row->table, "Cox", 3) != 0 && strncmp(row->row, "log-rank", 8) != 0);
    }
}

static void test_analysis_events_of_another_study_have_its_days_and_level(void **state)
{
    (void)state;
    struct study *study = study_new_with_forms(NULL, WEEKS "protocol.yaml", WEEKS "forms");
    for (int i = 0; i < 4; i++) {
        size_t subject = add_treated(study, i < 2 ? "PLASMA" : "SALINE");
        struct study_record *record = study_add_record(study, subject, "stopped", KNEE_NONE, "W8",
                                                       study_date("2024-04-26"));
        study_answer(study, record, "without", i != 3 ? "true" : "false");
        if (i < 2)
            study_answer(study, record, "since", i == 0 ? "2024-03-15" : "2024-04");
    }
    const struct results *results = run(study);
    assert_result(results, NAMES("incidence free", "day 15", "PLASMA", "inc"), 0.5);
    assert_result(results, NAMES("incidence free", "day 57", "PLASMA - SALINE", "diff"), 0.5);
    assert_result(results, NAMES("KM free", "quartiles", "SALINE", "events"), 1);
    assert_result(results, NAMES("KM free", "quartiles", "PLASMA", "median"), (15 + 57) / 2.0);
    assert_result(results, NAMES("KM free", "derivation", "overall", "partial_dates"), 1);
    assert_only_reasons(results);
    talloc_free(study);
}

/* -- analysis dataset ------------------------------------------------------------------------------------ */

struct tte {
    size_t rows, events, deaths;
    double days;
    int aval, cnsr;              /* columns */
};

static void take_row(void *context, const struct data_value *values)
{
    struct tte *tte = context;
    tte->rows++;
    tte->events += values[tte->cnsr].number == 0 ? 1 : 0;
    tte->deaths += values[tte->cnsr].number == 2 ? 1 : 0;
    tte->days += values[tte->aval].number;
}

/* Nobody did sport before, so that nobody has a time to sport. */
static void test_adtte_has_a_row_for_each_subject_and_event(void **state)
{
    struct study *study = *state;
    size_t event = add_treated(study, "AD-MSC"), died = add_treated(study, "CS");
    study_add_subject(study, 1, 9, KNEE_LEFT, "CS");         /* not treated */
    add_joint_event(study, event, KNEE_RIGHT, "replacement", "2024-05-31");
    add_end(study, event, "2025-03-01", NULL);
    add_end(study, died, "2024-03-31", "2024-03-31");
    size_t count = 0;
    struct data_table **tables = data_tables(study, study_finish(study), &count);
    const struct data_table *adtte = tables[count - 1];
    struct tte tte = {0};
    assert_string_equal(adtte->name, "ADTTE");
    for (size_t i = 0; i < adtte->column_count; i++) {
        tte.aval = strcmp(adtte->columns[i].name, "AVAL") == 0 ? (int)i : tte.aval;
        tte.cnsr = strcmp(adtte->columns[i].name, "CNSR") == 0 ? (int)i : tte.cnsr;
    }
    adtte->write_rows(adtte, take_row, &tte);
    assert_int_equal(tte.rows, 2 * SPORT);
    assert_int_equal(tte.rows, adtte->row_count);
    assert_int_equal(tte.events, 1);
    assert_int_equal(tte.deaths, 2);                         /* before replacement and before reinjection */
    assert_true(tte.days == 92 + 2 * 366 + 3 * 31);
}

static int set_up(void **state)
{
    *state = study_new(NULL, DEMO);
    return 0;
}

static int tear_down(void **state)
{
    return talloc_free(*state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_analysis_events_trial1000_gives_the_numbers_of_r),
        TEST(test_event_times_first_event_of_the_index_knee_after_day_1_counts),
        TEST(test_event_times_death_competes_where_the_protocol_says_so),
        TEST(test_event_times_hoped_for_partial_dates_are_the_latest),
        TEST(test_event_times_feared_partial_dates_are_the_earliest_after_day_1),
        TEST(test_event_times_among_some_leaves_the_others_without_a_time),
        TEST(test_event_times_pooled_condition_that_names_an_arm_is_refused),
        TEST(test_analysis_events_by_hand_are_right),
        TEST(test_analysis_events_cohort_without_events_leaves_other_ratios),
        TEST(test_analysis_events_without_events_or_subjects_gives_reasons),
        TEST(test_analysis_events_pooled_compares_nothing),
        TEST(test_adtte_has_a_row_for_each_subject_and_event),
        cmocka_unit_test(test_analysis_events_of_another_study_have_its_days_and_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
