/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which visits a subject owes, and how urgently: cases made by hand, by the small protocols of tests/support. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collector/schedule.h"
#include "forms/base/memory.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define OPEN 9999                /* a day 1, or an end, that there is not */

enum { TREATED = 20454, MOST_VISITS = 8 };   /* 2026-01-01: day 1 of the right knee, unless a case says otherwise */

/* A study day as a date, counted by hand: there is no day 0. */
static date_days on(int day)
{
    return day == OPEN ? DATE_NONE : TREATED + day - (day > 0 ? 1 : 0);
}

struct bench {
    struct catalogue *catalogue;
    struct schedule_plan *plan;
    struct schedule_facts facts;
    int *there;
    struct schedule_cell cells[MOST_VISITS];
};

static void plan_again(struct bench *bench)
{
    talloc_free(bench->plan);
    bench->plan = schedule_plan_new(bench, bench->catalogue);
    bench->there = memory_new_array(bench, int, bench->plan->slot_count * SCHEDULE_KNEES);
    bench->facts.there = bench->there;
}

/* A subject whose right knee was enrolled as index knee on day -40 and treated on day 1. */
static struct bench *bench_by(const char *protocol)
{
    struct error error = {0};
    struct bench *bench = memory_new(NULL, struct bench);
    bench->catalogue = catalogue_load(bench, protocol, "forms/instruments", &error);
    if (bench->catalogue == NULL)
        fail_msg("%s", error.message);
    bench->facts = (struct schedule_facts){.index_knee = SCHEDULE_RIGHT, .enrolled = on(-40),
                                           .day1 = {DATE_NONE, DATE_NONE, on(1)}, .left = DATE_NONE,
                                           .ended = DATE_NONE};
    plan_again(bench);
    return bench;
}

static struct bench *bench_new(void)
{
    return bench_by("tests/support/study.yaml");
}

/* The protocol as it is, for a test to change. */
static struct protocol *own_protocol(struct bench *bench)
{
    struct protocol *protocol = memory_new(bench, struct protocol);
    struct visit *visits = memory_new_array(protocol, struct visit, bench->catalogue->protocol->visit_count);
    *protocol = *bench->catalogue->protocol;
    memcpy(visits, protocol->visits, protocol->visit_count * sizeof visits[0]);
    protocol->visits = visits;
    bench->catalogue->protocol = protocol;
    return protocol;
}

static size_t visit_of(const struct bench *bench, const char *id)
{
    for (size_t v = 0; v < bench->plan->protocol->visit_count; v++)
        if (strcmp(bench->plan->protocol->visits[v].id, id) == 0)
            return v;
    fail_msg("no visit %s", id);
    return 0;
}

static size_t slot_of(const struct bench *bench, const char *visit, const char *form)
{
    for (size_t slot = 0; slot < bench->plan->slot_count; slot++)
        if (strcmp(bench->plan->visits[slot], visit) == 0 && strcmp(bench->plan->forms[slot], form) == 0)
            return slot;
    fail_msg("no form %s at %s", form, visit);
    return 0;
}

static void enter(struct bench *bench, const char *visit, const char *form, enum schedule_knee knee)
{
    bench->there[slot_of(bench, visit, form) * SCHEDULE_KNEES + (size_t)knee]++;
}

/* Those of the follow-up visits that are about the right knee. */
static void enter_all(struct bench *bench, const char *visit)
{
    enter(bench, visit, "womac_lk", SCHEDULE_RIGHT);
    enter(bench, visit, "pain_vas", SCHEDULE_RIGHT);
    enter(bench, visit, "patient_global", SCHEDULE_RIGHT);
}

static const struct schedule_cell *cell_on(struct bench *bench, const char *visit, int day)
{
    assert_true(bench->plan->protocol->visit_count <= MOST_VISITS);
    schedule_make(bench->plan, &bench->facts, on(day), bench->cells);
    return &bench->cells[visit_of(bench, visit)];
}

/* ---- one treated knee ---- */

enum entered { NOTHING, SOME, ALL };

/* M3 is due on days 78 to 106 with its target on day 92, and is analysed until day 137; BL ends with day 1. */
static const struct {
    const char *label, *visit;
    int today;
    enum entered entered;
    int left, ended;
    enum schedule_state state, task;
} cases[] = {
    {"the day before the window", "M3", 77, NOTHING, OPEN, OPEN, SCHEDULE_NOT_DUE, SCHEDULE_NOT_EXPECTED},
    {"its first day", "M3", 78, NOTHING, OPEN, OPEN, SCHEDULE_DUE, SCHEDULE_DUE},
    {"eight days before its end", "M3", 98, NOTHING, OPEN, OPEN, SCHEDULE_DUE, SCHEDULE_DUE},
    {"seven days before its end", "M3", 99, NOTHING, OPEN, OPEN, SCHEDULE_CLOSING, SCHEDULE_CLOSING},
    {"its last day", "M3", 106, NOTHING, OPEN, OPEN, SCHEDULE_CLOSING, SCHEDULE_CLOSING},
    {"the day behind it", "M3", 107, NOTHING, OPEN, OPEN, SCHEDULE_OVERDUE, SCHEDULE_OVERDUE},
    {"the last day of analysis", "M3", 137, NOTHING, OPEN, OPEN, SCHEDULE_OVERDUE, SCHEDULE_OVERDUE},
    {"behind that", "M3", 138, NOTHING, OPEN, OPEN, SCHEDULE_MISSED, SCHEDULE_NOT_EXPECTED},
    {"a form came early", "M3", 77, SOME, OPEN, OPEN, SCHEDULE_PARTIAL, SCHEDULE_NOT_EXPECTED},
    {"a form is there in the window", "M3", 80, SOME, OPEN, OPEN, SCHEDULE_PARTIAL, SCHEDULE_DUE},
    {"a form is there while it closes", "M3", 100, SOME, OPEN, OPEN, SCHEDULE_PARTIAL, SCHEDULE_CLOSING},
    {"a form is there, others are late", "M3", 107, SOME, OPEN, OPEN, SCHEDULE_OVERDUE, SCHEDULE_OVERDUE},
    {"a form is there, no more will come", "M3", 138, SOME, OPEN, OPEN, SCHEDULE_PARTIAL, SCHEDULE_NOT_EXPECTED},
    {"all are there", "M3", 80, ALL, OPEN, OPEN, SCHEDULE_DONE, SCHEDULE_NOT_EXPECTED},
    {"all were there before the window", "M3", 20, ALL, OPEN, OPEN, SCHEDULE_DONE, SCHEDULE_NOT_EXPECTED},
    {"baseline on the day of treatment", "BL", 1, NOTHING, OPEN, OPEN, SCHEDULE_CLOSING, SCHEDULE_CLOSING},
    {"baseline on the day behind it", "BL", 2, NOTHING, OPEN, OPEN, SCHEDULE_OVERDUE, SCHEDULE_OVERDUE},
    {"baseline while paper may be entered", "BL", 31, NOTHING, OPEN, OPEN, SCHEDULE_OVERDUE, SCHEDULE_OVERDUE},
    {"baseline after that", "BL", 32, NOTHING, OPEN, OPEN, SCHEDULE_MISSED, SCHEDULE_NOT_EXPECTED},
    {"left before the target", "M3", 100, NOTHING, 91, OPEN, SCHEDULE_NOT_EXPECTED, SCHEDULE_NOT_EXPECTED},
    {"left on the target's day", "M3", 100, NOTHING, 92, OPEN, SCHEDULE_NOT_EXPECTED, SCHEDULE_NOT_EXPECTED},
    {"left on the day behind the target, today", "M3", 93, NOTHING, 93, OPEN, SCHEDULE_CLOSING, SCHEDULE_CLOSING},
    {"left on the day behind the target, before", "M3", 94, NOTHING, 93, OPEN, SCHEDULE_OVERDUE, SCHEDULE_OVERDUE},
    {"left behind the window", "M3", 100, NOTHING, 120, OPEN, SCHEDULE_CLOSING, SCHEDULE_CLOSING},
    {"left, and had come before", "M3", 100, SOME, 90, OPEN, SCHEDULE_DONE, SCHEDULE_NOT_EXPECTED},
    {"lost before the window", "M3", 107, NOTHING, OPEN, 77, SCHEDULE_NOT_EXPECTED, SCHEDULE_NOT_EXPECTED},
    {"lost on its first day", "M3", 107, NOTHING, OPEN, 78, SCHEDULE_OVERDUE, SCHEDULE_OVERDUE},
    {"left before baseline's target", "BL", 5, NOTHING, -3, OPEN, SCHEDULE_NOT_EXPECTED, SCHEDULE_NOT_EXPECTED},
};

static void test_schedule_of_a_treated_knee(void **state)
{
    (void)state;
    unsigned failed = 0;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench *bench = bench_new();
        bench->facts.left = on(cases[i].left);
        bench->facts.ended = on(cases[i].ended);
        if (cases[i].entered == ALL)
            enter_all(bench, cases[i].visit);
        else if (cases[i].entered == SOME)
            enter(bench, cases[i].visit, "pain_vas", SCHEDULE_RIGHT);
        const struct schedule_cell *cell = cell_on(bench, cases[i].visit, cases[i].today);
        if (cell->state != cases[i].state || cell->windows[0].task != cases[i].task) {
            print_error("%s: %s, task %s\n", cases[i].label, schedule_state_name(cell->state),
                        schedule_state_name(cell->windows[0].task));
            failed++;
        }
        talloc_free(bench);
    }
    assert_int_equal(failed, 0);
}

static void test_schedule_windows_are_dates_without_a_day_0(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    const struct schedule_cell *cell = cell_on(bench, "BL", 1);
    assert_int_equal(cell->from, TREATED - 30);
    assert_int_equal(cell->to, TREATED);
    assert_int_equal(cell->target, TREATED);
    cell = cell_on(bench, "M3", 1);
    assert_int_equal(cell->from, TREATED + 77);
    assert_int_equal(cell->to, TREATED + 105);
    assert_int_equal(cell->target, TREATED + 91);
    talloc_free(bench);
}

static void test_schedule_window_ends_with_the_day_on_which_the_subject_left(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    bench->facts.left = on(93);
    assert_int_equal(cell_on(bench, "M3", 90)->to, on(93));
    assert_int_equal(cell_on(bench, "BL", 90)->to, on(1));
    talloc_free(bench);
}

static void test_schedule_counts_forms_and_not_records(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    enter(bench, "M3", "pain_vas", SCHEDULE_RIGHT);
    enter(bench, "M3", "pain_vas", SCHEDULE_RIGHT);
    enter(bench, "BL", "baseline", SCHEDULE_NO_KNEE);
    const struct schedule_cell *cell = cell_on(bench, "M3", 80);
    assert_int_equal(cell->done, 1);
    assert_int_equal(cell->expected, 3);
    cell = cell_on(bench, "BL", 80);
    assert_int_equal(cell->done, 1);
    assert_int_equal(cell->expected, 4);
    talloc_free(bench);
}

static void test_schedule_of_a_last_visit_without_end_is_overdue_for_a_year(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    struct visit *last = (struct visit *)(uintptr_t)&own_protocol(bench)->visits[2];
    last->analysis[1] = WINDOW_OPEN_END;
    plan_again(bench);
    assert_int_equal(cell_on(bench, "M6", 205 + 365)->state, SCHEDULE_OVERDUE);
    assert_int_equal(cell_on(bench, "M6", 205 + 366)->state, SCHEDULE_MISSED);
    talloc_free(bench);
}

/* ---- untreated ---- */

static void test_schedule_of_an_untreated_subject_has_its_baseline_from_enrolment_on(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    bench->facts.day1[SCHEDULE_RIGHT] = DATE_NONE;
    const struct schedule_cell *cell = cell_on(bench, "BL", 300);
    assert_int_equal(cell->state, SCHEDULE_DUE);
    assert_int_equal(cell->from, on(-40));
    assert_int_equal(cell->to, DATE_NONE);
    assert_int_equal(cell->target, DATE_NONE);
    assert_int_equal(cell_on(bench, "M3", 300)->state, SCHEDULE_NOT_EXPECTED);
    assert_int_equal(cell_on(bench, "M3", 300)->from, DATE_NONE);
    enter(bench, "BL", "pain_vas", SCHEDULE_RIGHT);
    assert_int_equal(cell_on(bench, "BL", 300)->state, SCHEDULE_PARTIAL);
    assert_int_equal(cell_on(bench, "BL", 300)->windows[0].task, SCHEDULE_DUE);
    talloc_free(bench);
}

static void test_schedule_of_an_untreated_subject_ends_with_the_study(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    bench->facts.day1[SCHEDULE_RIGHT] = DATE_NONE;
    bench->facts.ended = on(10);
    assert_int_equal(cell_on(bench, "BL", 5)->state, SCHEDULE_NOT_EXPECTED);
    bench->facts.ended = DATE_NONE;
    bench->facts.left = on(10);
    assert_int_equal(cell_on(bench, "BL", 5)->state, SCHEDULE_NOT_EXPECTED);
    talloc_free(bench);
}

static void test_schedule_of_an_untreated_subject_has_the_visits_before_baseline_too(void **state)
{
    (void)state;
    struct bench *bench = bench_by("tests/support/study_screening.yaml");
    bench->facts.day1[SCHEDULE_RIGHT] = DATE_NONE;
    assert_int_equal(cell_on(bench, "SCR", 1)->state, SCHEDULE_DUE);
    assert_int_equal(cell_on(bench, "BL", 1)->state, SCHEDULE_DUE);
    assert_int_equal(cell_on(bench, "M3", 1)->state, SCHEDULE_NOT_EXPECTED);
    bench->facts.day1[SCHEDULE_RIGHT] = on(1);
    assert_int_equal(cell_on(bench, "SCR", -60)->state, SCHEDULE_DUE);
    assert_int_equal(cell_on(bench, "SCR", -60)->from, TREATED - 60);
    assert_int_equal(cell_on(bench, "SCR", -31)->state, SCHEDULE_CLOSING);
    assert_int_equal(cell_on(bench, "SCR", -30)->state, SCHEDULE_OVERDUE);
    talloc_free(bench);
}

/* ---- two knees ---- */

static void test_schedule_asks_nothing_of_an_untreated_knee(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    size_t window = 9, slot = slot_of(bench, "M3", "pain_vas");
    enter_all(bench, "M3");
    enter(bench, "M3", "pain_vas", SCHEDULE_LEFT);
    assert_false(schedule_asks(bench->plan, &bench->facts, slot, SCHEDULE_LEFT, &window));
    assert_true(schedule_asks(bench->plan, &bench->facts, slot, SCHEDULE_RIGHT, &window));
    assert_false(schedule_asks(bench->plan, &bench->facts, slot, SCHEDULE_NO_KNEE, &window));
    assert_true(schedule_has(bench->plan, &bench->facts, slot, SCHEDULE_LEFT));
    const struct schedule_cell *cell = cell_on(bench, "M3", 80);
    assert_int_equal(cell->expected, 3);
    assert_int_equal(cell->done, 3);
    assert_int_equal(cell->window_count, 1);
    talloc_free(bench);
}

static void test_schedule_of_two_knees_of_one_day_is_one_window(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    bench->facts.day1[SCHEDULE_LEFT] = on(1);
    enter_all(bench, "M3");
    const struct schedule_cell *cell = cell_on(bench, "M3", 80);
    assert_int_equal(cell->window_count, 1);
    assert_int_equal(cell->expected, 6);
    assert_int_equal(cell->done, 3);
    assert_int_equal(cell->state, SCHEDULE_PARTIAL);
    assert_int_equal(cell_on(bench, "BL", 80)->expected, 7);     /* the form about the subject is there once */
    talloc_free(bench);
}

static void test_schedule_of_a_knee_treated_later_has_windows_of_its_own(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    size_t window = 9;
    bench->facts.day1[SCHEDULE_LEFT] = on(21);
    enter_all(bench, "M3");
    const struct schedule_cell *cell = cell_on(bench, "M3", 110);
    assert_int_equal(cell->window_count, 2);
    assert_int_equal(cell->windows[0].state, SCHEDULE_DONE);
    assert_int_equal(cell->windows[1].knee, SCHEDULE_LEFT);
    assert_int_equal(cell->windows[1].state, SCHEDULE_DUE);
    assert_int_equal(cell->windows[1].from, TREATED + 20 + 77);
    assert_int_equal(cell->state, SCHEDULE_DUE);                 /* the more urgent one is shown */
    assert_int_equal(cell->from, TREATED + 20 + 77);
    assert_int_equal(cell->done, 3);
    assert_int_equal(cell->expected, 6);
    assert_true(schedule_asks(bench->plan, &bench->facts, slot_of(bench, "M3", "pain_vas"), SCHEDULE_LEFT, &window));
    assert_int_equal(window, 1);
    assert_true(schedule_asks(bench->plan, &bench->facts, slot_of(bench, "M3", "pain_vas"), SCHEDULE_RIGHT, &window));
    assert_int_equal(window, 0);
    assert_true(schedule_asks(bench->plan, &bench->facts, slot_of(bench, "BL", "baseline"), SCHEDULE_NO_KNEE, &window));
    assert_int_equal(window, 0);
    talloc_free(bench);
}

static void test_schedule_index_knee_is_the_first_treated_or_as_enrolled(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    bench->facts.index_knee = SCHEDULE_LEFT;
    assert_int_equal(schedule_index_knee(bench->plan, &bench->facts), SCHEDULE_RIGHT);   /* the only treated one */
    bench->facts.day1[SCHEDULE_LEFT] = on(5);
    assert_int_equal(schedule_index_knee(bench->plan, &bench->facts), SCHEDULE_RIGHT);
    bench->facts.day1[SCHEDULE_LEFT] = on(-5);
    assert_int_equal(schedule_index_knee(bench->plan, &bench->facts), SCHEDULE_LEFT);
    bench->facts.index_knee = SCHEDULE_RIGHT;
    bench->facts.day1[SCHEDULE_LEFT] = on(1);
    assert_int_equal(schedule_index_knee(bench->plan, &bench->facts), SCHEDULE_RIGHT);   /* of one day: as enrolled */
    bench->facts.day1[SCHEDULE_LEFT] = on(-5);
    own_protocol(bench)->index_knee_rule = INDEX_KNEE_AS_ENROLLED;
    plan_again(bench);
    assert_int_equal(schedule_index_knee(bench->plan, &bench->facts), SCHEDULE_RIGHT);
    talloc_free(bench);
}

/* Then the index knee has no visits but baseline, and the treated one has its own. */
static void test_schedule_of_an_index_knee_as_enrolled_that_was_not_treated(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    own_protocol(bench)->index_knee_rule = INDEX_KNEE_AS_ENROLLED;
    bench->facts.index_knee = SCHEDULE_LEFT;
    plan_again(bench);
    const struct schedule_cell *cell = cell_on(bench, "M3", 80);
    assert_int_equal(cell->windows[0].state, SCHEDULE_NOT_EXPECTED);
    assert_int_equal(cell->windows[1].knee, SCHEDULE_RIGHT);
    assert_int_equal(cell->windows[1].state, SCHEDULE_DUE);
    assert_int_equal(cell->state, SCHEDULE_DUE);
    talloc_free(bench);
}

/* ---- forms ---- */

static void test_schedule_leaves_out_forms_that_may_come_at_any_time(void **state)
{
    static const char *const any_time[] = {"pain_vas"};
    (void)state;
    struct bench *bench = bench_new();
    struct protocol *protocol = own_protocol(bench);
    protocol->any_time = any_time;
    protocol->any_time_count = 1;
    plan_again(bench);
    assert_int_equal(cell_on(bench, "M3", 80)->expected, 2);
    talloc_free(bench);
}

static void test_schedule_form_about_either_counts_with_the_index_knee_or_without(void **state)
{
    static const char *const forms[] = {"adverse_event"};
    (void)state;
    for (int knee = SCHEDULE_NO_KNEE; knee < SCHEDULE_KNEES; knee++) {
        struct bench *bench = bench_new();
        struct protocol *protocol = own_protocol(bench);
        struct visit *visit = (struct visit *)(uintptr_t)&protocol->visits[1];
        protocol->any_time_count = 0;
        visit->forms = forms;
        visit->form_count = 1;
        plan_again(bench);
        enter(bench, "M3", "adverse_event", (enum schedule_knee)knee);
        const struct schedule_cell *cell = cell_on(bench, "M3", 80);
        assert_int_equal(cell->expected, 1);
        assert_int_equal(cell->done, knee != SCHEDULE_LEFT);
        talloc_free(bench);
    }
}

static void test_schedule_names(void **state)
{
    (void)state;
    assert_string_equal(schedule_state_name(SCHEDULE_NOT_EXPECTED), "not_expected");
    assert_string_equal(schedule_state_name(SCHEDULE_OVERDUE), "overdue");
    for (int knee = SCHEDULE_NO_KNEE; knee < SCHEDULE_KNEES; knee++)
        assert_int_equal(schedule_knee_from_name(schedule_knee_name((enum schedule_knee)knee)), knee);
    assert_int_equal(schedule_knee_from_name("both"), SCHEDULE_NO_KNEE);
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schedule_of_a_treated_knee),
        cmocka_unit_test(test_schedule_windows_are_dates_without_a_day_0),
        cmocka_unit_test(test_schedule_window_ends_with_the_day_on_which_the_subject_left),
        cmocka_unit_test(test_schedule_counts_forms_and_not_records),
        cmocka_unit_test(test_schedule_of_a_last_visit_without_end_is_overdue_for_a_year),
        cmocka_unit_test(test_schedule_of_an_untreated_subject_has_its_baseline_from_enrolment_on),
        cmocka_unit_test(test_schedule_of_an_untreated_subject_ends_with_the_study),
        cmocka_unit_test(test_schedule_of_an_untreated_subject_has_the_visits_before_baseline_too),
        cmocka_unit_test(test_schedule_asks_nothing_of_an_untreated_knee),
        cmocka_unit_test(test_schedule_of_two_knees_of_one_day_is_one_window),
        cmocka_unit_test(test_schedule_of_a_knee_treated_later_has_windows_of_its_own),
        cmocka_unit_test(test_schedule_index_knee_is_the_first_treated_or_as_enrolled),
        cmocka_unit_test(test_schedule_of_an_index_knee_as_enrolled_that_was_not_treated),
        cmocka_unit_test(test_schedule_leaves_out_forms_that_may_come_at_any_time),
        cmocka_unit_test(test_schedule_form_about_either_counts_with_the_index_knee_or_without),
        cmocka_unit_test(test_schedule_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
