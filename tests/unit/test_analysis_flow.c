/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The flow of subjects, visits in time and what is missing, on a study small enough to count by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/layout.h"
#include "tests/support/golden.h"
#include "tests/support/study.h"
#include "tests/support/trial1000_study.h"

#define NAMES(...) ((const char *const[4]){__VA_ARGS__})
#define ROW(row, col, stat) NAMES("flow", row, col, stat)

/* Day 1 is 2024-03-01: day 92 is 2024-05-31, day 184 2024-08-31; M3 is due on days 78 to 106, M6 on 163 to
 * 205. */
enum { BOTH, ONLY_M6, LOST, DIED, REFUSED, WAITING, SUBJECTS };

struct fixture {
    struct study *study;
    struct results *results;
};

static struct study_record *add(struct study *study, size_t subject, const char *form, enum knee_side knee,
                                const char *visit, const char *date)
{
    return study_add_record(study, subject, form, knee, visit, study_date(date));
}

static void add_vas(struct study *study, size_t subject, const char *visit, const char *date,
                    const char *value)
{
    struct study_record *record = add(study, subject, "pain_vas", KNEE_RIGHT, visit, date);
    if (value != NULL)
        study_answer(study, record, "vas", value);
}

static void add_screening(struct study *study, size_t subject, const char *eligible, const char *reason)
{
    struct study_record *record = add(study, subject, "screening", KNEE_NONE, "unscheduled", "2024-02-01");
    study_answer(study, record, "occasion", "screening");
    study_answer(study, record, "eligible", eligible);
    if (reason != NULL)
        study_answer(study, record, "not_eligible_reason", reason);
}

static void add_end(struct study *study, size_t subject, const char *reason, const char *date)
{
    struct study_record *record = add(study, subject, "end_of_study", KNEE_NONE, "unscheduled", date);
    study_answer(study, record, "last_contact", date);
    study_answer(study, record, "reason", reason);
    if (strcmp(reason, "died") == 0)
        study_answer(study, record, "death_date", date);
}

static int set_up(void **state)
{
    static const char *const cohorts[SUBJECTS] = {"CELLS", "CELLS", "CELLS", "CS", "CS", NULL};
    struct fixture *fixture = memory_new(NULL, struct fixture);
    struct study *study = fixture->study = study_new(fixture, "tests/support/study.yaml");
    fixture->results = results_new(fixture);
    for (int i = 0; i < SUBJECTS; i++)
        study_add_subject(study, 1, i + 1, KNEE_RIGHT, cohorts[i]);
    for (size_t i = BOTH; i <= DIED; i++) {
        add_screening(study, i, "true", NULL);
        add(study, i, "treatment", KNEE_RIGHT, "unscheduled", "2024-03-01");
        add_vas(study, i, "BL", "2024-02-20", i == BOTH ? "60" : i == ONLY_M6 ? "70" : "40");
    }
    add_screening(study, REFUSED, "false", "too_mild");
    add_vas(study, BOTH, "M3", "2024-05-31", "30");
    add_vas(study, BOTH, "M6", "2024-10-15", "20");    /* day 229: late */
    add_vas(study, ONLY_M6, "M3", "2024-04-15", NULL); /* day 46: early, and not answered */
    add_vas(study, ONLY_M6, "M6", "2024-08-31", "50");
    add_end(study, LOST, "lost_to_follow_up", "2024-06-20"); /* day 112: after the window of M3 */
    add_end(study, DIED, "died", "2024-04-01");
    add_end(study, REFUSED, "not_treated", "2024-03-05");
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    talloc_free(*state);
    return 0;
}

static const struct results *run(struct fixture *fixture)
{
    analysis_run(study_finish(fixture->study), fixture->results);
    return fixture->results;
}

static void test_analysis_flow_counts_screened_and_not_treated_with_reasons(void **state)
{
    const struct results *results = run(*state);
    assert_result(results, ROW("screened", "(all)", "n"), 5);
    assert_result(results, ROW("not_eligible", "(all)", "n"), 1);
    assert_result(results, ROW("not_eligible", "(all)", "reason too_mild"), 1);
    assert_null(results_find(results, "flow", "not_eligible", "(all)", "reason too_severe"));
    assert_result(results, ROW("not_treated", "(all)", "n"), 2);
    assert_result(results, ROW("not_treated", "CS", "n"), 1);
    assert_result(results, ROW("not_treated", "CS", "reason not_treated"), 1);
    assert_result(results, ROW("not_treated", "(all)", "reason no_reason"), 1);
}

static void test_analysis_flow_each_treated_subject_is_in_one_place_of_a_visit(void **state)
{
    static const char *const places[] = {"with_data", "left", "not_due", "missed"};
    static const char *const columns[] = {"CELLS", "CS", "(all)"};
    static const double treated[] = {3, 1, 4};
    const struct results *results = run(*state);
    for (size_t c = 0; c < 3; c++) {
        double m3 = 0, m6 = 0;
        for (size_t p = 0; p < 4; p++) {
            m3 += results_find(results, "flow", "visit M3", columns[c], places[p])->value;
            m6 += results_find(results, "flow", "visit M6", columns[c], places[p])->value;
        }
        assert_true(m3 == treated[c]);
        assert_true(m6 == treated[c]);
    }
    assert_result(results, ROW("visit M3", "CELLS", "with_data"), 1);
    assert_result(results, ROW("visit M3", "CELLS", "missed"), 2);
    assert_result(results, ROW("visit M3", "CS", "left died"), 1);
    assert_result(results, ROW("visit M6", "CELLS", "with_data"), 2);
    assert_result(results, ROW("visit M6", "CELLS", "left lost_to_follow_up"), 1);
}

static void test_analysis_flow_open_windows_are_not_due(void **state)
{
    struct fixture *fixture = *state;
    const int64_t seconds = (int64_t)study_date("2024-06-14") * 86400; /* day 106: the last day of M3 */
    study_dataset(fixture->study)->cut_made_us = seconds * 1000000;
    const struct results *results = run(fixture);
    assert_result(results, ROW("visit M3", "CELLS", "missed"), 0);
    assert_result(results, ROW("visit M3", "CELLS", "not_due"), 2);
}

static void test_analysis_compliance_one_record_inside_the_window_is_enough(void **state)
{
    const struct results *results = run(*state);
    assert_result(results, NAMES("visit compliance", "M3", "CELLS", "visited"), 2);
    assert_result(results, NAMES("visit compliance", "M3", "CELLS", "inside"), 1);
    assert_result(results, NAMES("visit compliance", "M3", "CELLS", "early"), 1);
    assert_result(results, NAMES("visit compliance", "M6", "CELLS", "late"), 1);
    assert_result(results, NAMES("visit compliance", "M6", "CELLS", "pct_inside"), 50);
    assert_result_status(results, NAMES("visit compliance", "M6", "CS", "pct_inside"), "empty");
}

/* The last day of M3's window, and the day after. */
static void test_analysis_compliance_counts_those_whose_window_has_closed(void **state)
{
    struct fixture *fixture = *state;
    const int64_t seconds = (int64_t)study_date("2024-06-14") * 86400;
    study_dataset(fixture->study)->cut_made_us = seconds * 1000000;
    const struct results *open = run(fixture);
    assert_result(open, NAMES("visit compliance", "M3", "CELLS", "treated"), 3);
    assert_result(open, NAMES("visit compliance", "M3", "CELLS", "over"), 0);
    assert_result(open, NAMES("visit compliance", "M3", "CELLS", "visited"), 2);
    assert_result(open, NAMES("visit compliance", "M3", "CELLS", "pct"), 100.0 * 2 / 3);
    assert_result_status(open, NAMES("visit compliance", "M3", "CELLS", "pct_over"), "empty");
    assert_result(open, NAMES("visit compliance", "BL", "CELLS", "pct_over"), 100);
    struct results *closed = fixture->results = results_new(fixture);
    study_dataset(fixture->study)->cut_made_us = (seconds + 86400) * 1000000;
    run(fixture);
    assert_result(closed, NAMES("visit compliance", "M3", "CELLS", "over"), 3);
    assert_result(closed, NAMES("visit compliance", "M3", "CELLS", "over_visited"), 2);
    assert_result(closed, NAMES("visit compliance", "M3", "CELLS", "pct_over"), 100.0 * 2 / 3);
    assert_result(closed, NAMES("visit compliance", "M6", "CELLS", "over"), 0);
}

static void test_analysis_missingness_items_not_answered_are_counted(void **state)
{
    const struct results *results = run(*state);
    assert_result(results, NAMES("missing items pain_vas", "M3", "CELLS", "records"), 2);
    assert_result(results, NAMES("missing items pain_vas", "M3", "CELLS", "complete"), 1);
    assert_result(results, NAMES("missing items pain_vas", "M3", "CELLS", "pct_missing"), 50);
    assert_result(results, NAMES("missing items pain_vas", "BL", "CELLS", "missing"), 0);
}

static void test_analysis_missingness_patterns_have_a_kind(void **state)
{
    const struct results *results = run(*state);
    assert_result(results, NAMES("missing patterns", "complete", "CELLS", "n"), 1);
    assert_result(results, NAMES("missing patterns", "intermittent", "CELLS", "n"), 1);
    assert_result(results, NAMES("missing patterns", "monotone", "CELLS", "n"), 0);
    assert_result(results, NAMES("missing patterns", "none", "CELLS", "n"), 1);
    assert_result(results, NAMES("missing patterns", "none", "CS", "n"), 1);
    assert_result(results, NAMES("commonest patterns", "..", "CS", "n"), 1);
    assert_result(results, NAMES("commonest patterns", ".+", "CELLS", "n"), 1);
    assert_null(results_find(results, "commonest patterns", "+.", "CELLS", "n"));
}

/* M6 of who came to it is not over before 2024-09-22: no pattern has it, nobody is a completer yet. */
static void test_analysis_missingness_is_of_visits_that_are_over(void **state)
{
    struct fixture *fixture = *state;
    study_dataset(fixture->study)->cut_made_us = (int64_t)study_date("2024-07-01") * 86400000000;
    const struct results *results = run(fixture);
    assert_result(results, NAMES("completers and drop-outs", "vas", "completers", "n"), 0);
    assert_result(results, NAMES("completers and drop-outs", "vas", "drop-outs", "n"), 0);
    assert_result(results, NAMES("commonest patterns", ".-", "CELLS", "n"), 2);
    assert_result(results, NAMES("commonest patterns", "+-", "CELLS", "n"), 1);
    assert_result(results, NAMES("missing patterns", "intermittent", "CELLS", "n"), 0);
}

static void test_analysis_missingness_describes_completers_and_drop_outs(void **state)
{
    const struct results *results = run(*state);
    assert_result(results, NAMES("completers and drop-outs", "vas", "completers", "mean"), 65);
    assert_result(results, NAMES("completers and drop-outs", "vas", "drop-outs", "mean"), 40);
    assert_result(results, NAMES("completers and drop-outs", "vas", "drop-outs", "sd"), 0);
    assert_result(results, NAMES("completers and drop-outs", "baseline.age_years", "drop-outs", "nmiss"), 2);
    assert_result_status(results,
                         NAMES("completers and drop-outs", "baseline.age_years", "difference", "smd"),
                         "not_estimable");
}

static void test_analysis_run_study_without_subjects_has_its_tables(void **state)
{
    struct fixture *fixture = *state;
    struct study *empty = study_new(fixture, "tests/support/study.yaml");
    struct dataset *dataset = study_finish(empty);
    analysis_run(dataset, fixture->results);
    assert_result(fixture->results, ROW("visit M3", "(all)", "with_data"), 0);
    assert_result_status(fixture->results, NAMES("visit compliance", "M3", "CS", "pct_over"), "empty");
    assert_non_null(layout_document(fixture, dataset, fixture->results));
}

/* Visits in weeks or days, other forms, up to five cohorts; one subject who was enrolled and nothing else. */
static void test_analysis_run_other_studies_have_their_tables(void **state)
{
    static const char *const folders[] = {"tests/golden/other_studies/doses",
                                          "tests/golden/other_studies/weeks"};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        struct study *study =
            study_new_with_forms(fixture, memory_format(fixture, "%s/protocol.yaml", folders[i]),
                                 memory_format(fixture, "%s/forms", folders[i]));
        const struct protocol *protocol = study_dataset(study)->catalogue->protocol;
        study_add_subject(study, 1, 1, KNEE_NONE, protocol->cohorts[0].id);
        struct results *results = results_new(fixture);
        struct dataset *dataset = study_finish(study);
        analysis_run(dataset, results);
        assert_result(results, ROW("not_treated", protocol->cohorts[0].id, "n"), 1);
        size_t verdicts = 0;
        for (size_t r = 0; r < results_count(results); r++) {
            const struct result *row = results_at(results, r);
            verdicts += strcmp(row->table, "claims") == 0 && strcmp(row->stat, "refuted") == 0;
        }
        assert_int_equal(verdicts, protocol->plan.claim_count);
        assert_non_null(layout_document(fixture, dataset, results));
    }
}

/* -- the diagram ----------------------------------------------------------------------------------------- */

static const struct figure *find_figure(const struct document *document, enum figure_kind kind)
{
    const struct figure *found = NULL;
    for (size_t c = 0; c < document->chapter_count; c++)
        for (size_t b = 0; b < document->chapters[c]->block_count; b++) {
            const struct figure *figure = document->chapters[c]->blocks[b].figure;
            found = figure != NULL && figure->kind == kind ? figure : found;
        }
    if (found == NULL)
        fail_msg("no figure of kind %d", (int)kind);
    return found;
}

static struct document *lay_out(struct fixture *fixture, const struct results *results)
{
    return layout_document(fixture, study_dataset(fixture->study), results);
}

static void test_layout_flow_boxes_tell_why_subjects_are_not_there(void **state)
{
    struct fixture *fixture = *state;
    const struct results *results = run(fixture);
    const struct figure *figure = find_figure(lay_out(fixture, results), FIGURE_FLOW);
    const struct figure_flow *flow = &figure->as.flow;
    assert_int_equal(flow->stage_count, 2);
    assert_string_equal(flow->stages[0].aside.title, "Found not eligible (n = 1)");
    assert_string_equal(flow->stages[0].aside.lines[0], "too little pain or change: 1");
    assert_string_equal(flow->stages[1].box.title, "Enrolled (n = 6)");
    assert_string_equal(flow->stages[1].aside.title, "Not allocated to a cohort (n = 1)");
    assert_int_equal(flow->column_count, 2);
    assert_int_equal(flow->box_count, 5);
    assert_string_equal(flow->columns[0].boxes[0].title, "Allocated (n = 3)");
    assert_string_equal(flow->columns[0].boxes[2].title, "3 months (M3): with data (n = 1)");
    assert_string_equal(flow->columns[0].boxes[2].lines[0], "visit missed: 2");
    assert_string_equal(flow->columns[1].boxes[2].lines[1], "\xe2\x80\x93 died: 1");
    assert_string_equal(flow->columns[0].boxes[4].title, "Analysed: full analysis set (n = 2)");
}

/* -- single values --------------------------------------------------------------------------------------- */

static void test_layout_figures_boxes_reach_from_the_smallest_to_the_largest_value(void **state)
{
    struct fixture *fixture = *state;
    const struct figure *figure = find_figure(lay_out(fixture, run(fixture)), FIGURE_BOXES);
    const struct figure_box *box = &figure->as.boxes.boxes[0];
    assert_true(box->lo == 40 && box->hi == 70 && box->median == 60);
}

static void test_layout_figures_waterfall_is_sorted_change_in_per_cent(void **state)
{
    struct fixture *fixture = *state;
    const struct figure *figure = find_figure(lay_out(fixture, run(fixture)), FIGURE_WATERFALL);
    const struct figure_waterfall_panel *cells = &figure->as.waterfall.panels[0];
    assert_int_equal(cells->count, 2);
    assert_true(cells->values[0] < -66.66 && cells->values[0] > -66.67); /* 60 to 20 */
    assert_true(cells->values[1] < -28.57 && cells->values[1] > -28.58); /* 70 to 50 */
    assert_int_equal(figure->as.waterfall.panels[1].count, 0);
}

static void test_layout_figures_profiles_leave_out_subjects_without_values(void **state)
{
    struct fixture *fixture = *state;
    study_add_record(fixture->study, REFUSED, "treatment", KNEE_RIGHT, "unscheduled",
                     study_date("2024-03-01"));
    const struct figure *figure = find_figure(lay_out(fixture, run(fixture)), FIGURE_PROFILES);
    assert_int_equal(figure->as.profiles.panels[0].count, 3);
    assert_int_equal(figure->as.profiles.panels[1].count, 1);
}

static void test_analysis_distribution_rises_to_all_who_have_a_change(void **state)
{
    struct fixture *fixture = *state;
    const struct results *results = run(fixture);
    assert_result(results, NAMES("cumulative vas", "-50", "CELLS", "n"), 0);
    assert_result(results, NAMES("cumulative vas", "-40", "CELLS", "n"), 1); /* a change of -40 counts */
    assert_result(results, NAMES("cumulative vas", "-20", "CELLS", "pct"), 100);
    assert_result_status(results, NAMES("cumulative vas", "0", "CS", "pct"), "empty");
}

static void test_layout_figures_pooled_are_one_panel(void **state)
{
    static const char *const pooled[] = {"Pooled"};
    struct fixture *fixture = *state;
    struct dataset *dataset = study_dataset(fixture->study);
    dataset->pooled = true;
    dataset->cohorts = dataset->cohort_titles = pooled;
    dataset->cohort_count = 1;
    const struct document *document = lay_out(fixture, run(fixture));
    assert_int_equal(find_figure(document, FIGURE_WATERFALL)->as.waterfall.panel_count, 1);
    assert_int_equal(find_figure(document, FIGURE_PROFILES)->as.profiles.panel_count, 1);
    assert_string_equal(find_figure(document, FIGURE_FLOW)->as.flow.columns[0].title, "Pooled");
}

/* -- listings -------------------------------------------------------------------------------------------- */

static const struct table *find_table(const struct document *document, const char *id)
{
    const struct table *found = NULL;
    for (size_t c = 0; c < document->chapter_count; c++)
        for (size_t b = 0; b < document->chapters[c]->block_count; b++) {
            const struct table *table = document->chapters[c]->blocks[b].table;
            found = table != NULL && strcmp(table->id, id) == 0 ? table : found;
        }
    if (found == NULL)
        fail_msg("no table %s", id);
    return found;
}

static void test_layout_listings_windows_hold_every_record_of_a_visit(void **state)
{
    struct fixture *fixture = *state;
    add_vas(fixture->study, BOTH, "M3", "2024-06-02", "31"); /* farther from the target than 2024-05-31 */
    const struct table *table = find_table(lay_out(fixture, run(fixture)), "l6-visit-windows");
    size_t last = table->column_count - 1, used = 0;
    assert_int_equal(table->row_count, 9);
    for (size_t i = 0; i < table->row_count; i++)
        used += strcmp(table->rows[i].cells[last].text, "used") == 0;
    assert_int_equal(used, 8);
    assert_string_equal(table->rows[2].cells[last].text, "the record of day 92 is closer to the target");
    assert_string_equal(table->rows[1].cells[last - 1].text, "yes");
}

static void count_row(void *count, const struct table_row *row)
{
    assert_true(strlen(row->label) > 0);
    (*(size_t *)count)++;
}

/* The table says how many rows there are; the file has to have them. */
static void test_layout_listings_windows_of_a_large_study_come_row_by_row(void **state)
{
    struct fixture *fixture = *state;
    struct dataset *dataset = study_finish(trial1000_study_new(fixture));
    const struct document *document = layout_document(fixture, dataset, fixture->results);
    const struct table *table = find_table(document, "l6-visit-windows");
    size_t given = 0;
    assert_non_null(table->source);
    assert_true(table->row_count > 10000);
    table->source(table, count_row, &given);
    assert_int_equal(given, table->row_count);
}

static void test_layout_listings_events_that_led_to_withdrawal_stand_alone(void **state)
{
    struct fixture *fixture = *state;
    struct study_record *event =
        add(fixture->study, BOTH, "adverse_event", KNEE_NONE, "unscheduled", "2024-04-01");
    study_answer(fixture->study, event, "term", "knee hurts");
    event = add(fixture->study, LOST, "adverse_event", KNEE_NONE, "unscheduled", "2024-04-02");
    study_answer(fixture->study, event, "term", "knee swollen");
    study_answer(fixture->study, event, "led_to_withdrawal", "true");
    const struct table *table = find_table(lay_out(fixture, run(fixture)), "l3-withdrawal-adverse-events");
    assert_int_equal(table->row_count, 1);
}

#define WITH_STUDY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STUDY(test_analysis_flow_counts_screened_and_not_treated_with_reasons),
        WITH_STUDY(test_analysis_flow_each_treated_subject_is_in_one_place_of_a_visit),
        WITH_STUDY(test_analysis_flow_open_windows_are_not_due),
        WITH_STUDY(test_analysis_compliance_one_record_inside_the_window_is_enough),
        WITH_STUDY(test_analysis_compliance_counts_those_whose_window_has_closed),
        WITH_STUDY(test_analysis_missingness_items_not_answered_are_counted),
        WITH_STUDY(test_analysis_missingness_patterns_have_a_kind),
        WITH_STUDY(test_analysis_missingness_is_of_visits_that_are_over),
        WITH_STUDY(test_analysis_missingness_describes_completers_and_drop_outs),
        WITH_STUDY(test_analysis_run_study_without_subjects_has_its_tables),
        WITH_STUDY(test_analysis_run_other_studies_have_their_tables),
        WITH_STUDY(test_layout_flow_boxes_tell_why_subjects_are_not_there),
        WITH_STUDY(test_layout_figures_boxes_reach_from_the_smallest_to_the_largest_value),
        WITH_STUDY(test_layout_figures_waterfall_is_sorted_change_in_per_cent),
        WITH_STUDY(test_layout_figures_profiles_leave_out_subjects_without_values),
        WITH_STUDY(test_analysis_distribution_rises_to_all_who_have_a_change),
        WITH_STUDY(test_layout_figures_pooled_are_one_panel),
        WITH_STUDY(test_layout_listings_windows_hold_every_record_of_a_visit),
        WITH_STUDY(test_layout_listings_windows_of_a_large_study_come_row_by_row),
        WITH_STUDY(test_layout_listings_events_that_led_to_withdrawal_stand_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
