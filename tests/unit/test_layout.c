/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/layout_score.h"
#include "tests/support/study.h"

#define PROTOCOL "tests/support/study.yaml"
#define DAY1 "2026-01-10"

/*
 * Three subjects in CELLS with VAS 60, 70, 80 at baseline and 30, 40 (one missing) at M3; one in CS with 50
 * and 45.
 */
struct fixture {
    struct study *study;
    struct document *document;
};

static void add_vas(struct study *study, size_t subject, const char *visit, const char *date, const char *vas)
{
    struct study_record *record = study_add_record(study, subject, "pain_vas", KNEE_RIGHT, visit, study_date(date));
    if (vas != NULL)
        study_answer(study, record, "vas", vas);
}

static void add_event(struct study *study, size_t subject, const char *term, const char *class,
                      const char *date)
{
    struct study_record *record = study_add_record(study, subject, "adverse_event", KNEE_NONE, "unscheduled",
                                             study_date(date));
    study_answer(study, record, "term", "=knee hurts");
    study_answer(study, record, "coded_term", term);
    study_answer(study, record, "system_organ_class", class);
    study_answer(study, record, "onset", date);
    study_answer(study, record, "severity", "mild");
    study_answer(study, record, "serious", "false");
}

static void add_subjects(struct study *study)
{
    static const struct {
        const char *cohort, *before, *after;
    } subjects[] = {{"CELLS", "60", "30"}, {"CELLS", "70", "40"}, {"CELLS", "80", NULL}, {"CS", "50", "45"}};
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
        size_t subject = study_add_subject(study, 1, (int)i + 1, KNEE_RIGHT, subjects[i].cohort);
        study_add_record(study, subject, "treatment", KNEE_RIGHT, "unscheduled", study_date(DAY1));
        add_vas(study, subject, "BL", "2026-01-09", subjects[i].before);
        add_vas(study, subject, "M3", "2026-04-11", subjects[i].after);
    }
    add_event(study, 0, "Arthralgia", "Musculoskeletal", "2026-01-12");
    add_event(study, 0, "Nausea", "Gastrointestinal", "2026-01-13");
    add_event(study, 3, "Joint swelling", "Musculoskeletal", "2026-01-14");
    add_vas(study, 0, "M3", "2026-05-01", "35");          /* farther from the target: not used */
    add_vas(study, 3, "M6", "2026-04-11", "45"); /* on the day of the M3 record, received later: used */
    add_vas(study, 1, "unscheduled", "2026-02-01", "50");
}

static int set_up(void **state)
{
    struct fixture *fixture = memory_new(NULL, struct fixture);
    fixture->study = study_new(fixture, PROTOCOL);
    add_subjects(fixture->study);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    return talloc_free(*state);
}

static struct document *lay_out(struct fixture *fixture)
{
    struct dataset *dataset = study_finish(fixture->study);
    struct results *results = results_new(fixture);
    analysis_run(dataset, results);
    return layout_document(fixture, dataset, results);
}

static const struct table *find_table(const struct document *document, const char *id)
{
    for (size_t i = 0; i < document->chapter_count; i++)
        for (size_t b = 0; b < document->chapters[i]->block_count; b++) {
            const struct table *table = document->chapters[i]->blocks[b].table;
            if (table != NULL && strcmp(table->id, id) == 0)
                return table;
        }
    fail_msg("no table %s", id);
    return NULL;
}

static const struct table_row *find_row(const struct table *table, const char *group, const char *label)
{
    for (size_t i = 0; i < table->row_count; i++)
        if (strcmp(table->rows[i].group, group) == 0 && strcmp(table->rows[i].label, label) == 0)
            return &table->rows[i];
    fail_msg("table %s has no row %s / %s", table->id, group, label);
    return NULL;
}

static void test_layout_outcomes_descriptives_are_formatted_by_statistic(void **state)
{
    const struct table *table = find_table(lay_out(*state), "t6-value-vas");
    static const char *const rows[][2] = {
        {"n (missing)", "2 (1)"},
        {"Mean (SD)", "35.0 (7.07)"},        /* the form allows 0.1 mm, and nobody used it */
        {"SE of the mean", "5.00"},
        {"95 % CI of the mean", "[-28.5, 98.5]"},
        {"Median [Q1, Q3]", "35.0 [30.0, 40.0]"},
        {"Min, max", "30, 40"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(find_row(table, "3 months (M3)", rows[i][0])->cells[0].text, rows[i][1]);
    assert_string_equal(table->columns[0].subtitle, "N = 3");
}

static void test_layout_outcomes_one_value_with_a_decimal_widens_all(void **state)
{
    struct fixture *fixture = *state;
    size_t subject = study_add_subject(fixture->study, 1, 9, KNEE_RIGHT, "CS");
    study_add_record(fixture->study, subject, "treatment", KNEE_RIGHT, "unscheduled", study_date(DAY1));
    add_vas(fixture->study, subject, "BL", "2026-01-09", "50.5");
    const struct table *table = find_table(lay_out(fixture), "t6-value-vas");
    const struct table_row *mean = find_row(table, "3 months (M3)", "Mean (SD)");
    assert_string_equal(mean->cells[0].text, "35.00 (7.071)");
    assert_string_equal(find_row(table, "3 months (M3)", "Min, max")->cells[0].text, "30.0, 40.0");
}

static void test_layout_outcomes_single_value_has_reason_as_footnote(void **state)
{
    const struct table *table = find_table(lay_out(*state), "t6-change-vas");
    const struct table_row *row = find_row(table, "3 months (M3)", "Mean (SD)");
    assert_string_equal(row->cells[1].text, "-5.0 (NE)");
    assert_in_range(row->cells[1].footnote, 1, table->footnote_count);
    assert_true(strlen(table->footnotes[row->cells[1].footnote - 1]) > 0);
}

static void test_layout_outcomes_visit_without_values_shows_a_dash(void **state)
{
    const struct table *table = find_table(lay_out(*state), "t6-value-vas");
    const struct table_row *row = find_row(table, "6 months (M6)", "Mean (SD)");
    assert_string_equal(row->cells[0].text, "-");
    assert_true(row->cells[0].footnote > 0);
}

static void test_layout_outcomes_changes_are_told_in_per_cent_too(void **state)
{
    const struct table *table = find_table(lay_out(*state), "t6-change-vas");
    const struct table_row *row = find_row(table, "3 months (M3)", "Per cent: n; mean [95 % CI]");
    const struct table_row *points = find_row(table, "3 months (M3)", "n (missing)");
    assert_true(row->cells[0].text[0] == points->cells[0].text[0] && row->cells[0].text[1] == ';');
}

static void test_layout_outcomes_visit_without_the_form_is_left_out_unless_it_has_values(void **state)
{
    struct fixture *fixture = *state;
    const struct protocol *protocol = study_dataset(fixture->study)->catalogue->protocol;
    for (size_t v = 1; v < protocol->visit_count; v++)
        ((struct visit *)(uintptr_t)&protocol->visits[v])->form_count = 1; /* womac_lk alone */
    const struct table *table = find_table(lay_out(fixture), "t6-value-vas");
    bool month_3 = false;
    for (size_t r = 0; r < table->row_count; r++) {
        month_3 = month_3 || strcmp(table->rows[r].group, "3 months (M3)") == 0;
        assert_string_not_equal(table->rows[r].group, "6 months (M6)");
    }
    assert_true(month_3);
}

/* True when the table has that fact with that text in it. */
static bool has_fact(const struct table *table, const char *label, const char *part)
{
    for (size_t i = 0; i < table->fact_count; i++)
        if (strcmp(table->facts[i].label, label) == 0 && strstr(table->facts[i].text, part) != NULL)
            return true;
    return false;
}

static void test_layout_outcomes_table_states_instrument_range_and_direction(void **state)
{
    struct fixture *fixture = *state;
    const struct dataset *dataset = study_dataset(fixture->study);
    struct form older = *catalogue_find_form(dataset->catalogue, "pain_vas", 0);
    older.version = 3;
    size_t changed = 0;
    while (strcmp(study_record_at(fixture->study, changed)->form->id, "pain_vas") != 0)
        changed++;
    study_record_at(fixture->study, changed)->form = &older;
    const struct document *document = lay_out(fixture);
    const struct table *tables[] = {find_table(document, "t6-value-vas"),
                                    find_table(document, "t9-responder-better")};
    for (size_t i = 0; i < 2; i++) {
        assert_true(has_fact(tables[i], "Instrument", "pain_vas, versions 1 and 3"));
        assert_true(has_fact(tables[i], "Score", "range 0 to 100, higher is worse"));
        assert_true(has_fact(tables[i], "Population", "index knee"));
    }
    assert_true(has_fact(tables[0], "Minimal important change", "19.9 points"));
    assert_true(has_fact(tables[1], "Missing values", "not evaluable without a value at baseline"));
}

static void test_layout_outcomes_figure_states_its_population(void **state)
{
    const struct document *document = lay_out(*state);
    size_t figures = 0;
    for (size_t i = 0; i < document->chapter_count; i++)
        for (size_t b = 0; b < document->chapters[i]->block_count; b++) {
            const struct figure *figure = document->chapters[i]->blocks[b].figure;
            if (figure == NULL || figure->kind != FIGURE_LINES)
                continue;
            assert_true(has_fact(figure->data, "Population", "index knee"));
            figures++;
        }
    assert_int_equal(figures, 6);
}

static void test_layout_collected_decimals_follow_items_and_method(void **state)
{
    static const struct {
        const char *form, *score;
        int expected;
    } cases[] = {{"pain_vas", "vas", 1},        {"pain_nrs", "nrs", 0}, {"womac_lk", "pain", 0},
                 {"womac_lk", "pain_0_100", 0}, {"koos", "pain", 0},    {"koos", "koos4", 0}};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct form *form =
            catalogue_find_form(study_dataset(fixture->study)->catalogue, cases[i].form, 0);
        const struct score *score = &form->scores[form_find_score(form, cases[i].score)];
        if (layout_collected_decimals(form, score) != cases[i].expected)
            fail_msg("%s.%s: %d decimals", cases[i].form, cases[i].score,
                     layout_collected_decimals(form, score));
    }
}

static void test_layout_responders_counts_stand_with_both_intervals(void **state)
{
    const struct table *table = find_table(lay_out(*state), "t9-responder-better");
    const char *visit = "3 months (M3)";
    assert_string_equal(find_row(table, visit, "Observed: x / n (%)")->cells[0].text, "2 / 2 (100.0)");
    assert_string_equal(find_row(table, visit, "Missing = non-responder: x / n (%)")->cells[0].text,
                        "2 / 3 (66.7)");
    /* R: prop.test(2, 2, correct = FALSE)$conf.int, binom.test(2, 2)$conf.int */
    assert_string_equal(find_row(table, visit, "95 % CI, Wilson")->cells[0].text, "[34.2, 100.0]");
    assert_string_equal(find_row(table, visit, "95 % CI, Clopper-Pearson")->cells[0].text, "[15.8, 100.0]");
}

static void test_layout_safety_terms_follow_their_class(void **state)
{
    const struct table *table = find_table(lay_out(*state), "t12-adverse-events-by-term");
    static const char *const labels[] = {"Any adverse event", "Gastrointestinal", "Nausea", "Musculoskeletal",
                                         "Arthralgia", "Joint swelling"};
    assert_int_equal(table->row_count, sizeof labels / sizeof *labels);
    for (size_t i = 0; i < table->row_count; i++)
        assert_string_equal(table->rows[i].label, labels[i]);
    assert_int_equal(table->rows[2].indent, 1);
    assert_true(table->rows[3].strong);
    assert_string_equal(table->rows[0].cells[0].text, "1 (33.3 %), 2");
    /* Nobody of one: R: binom.test(0, 1)$conf.int[2] = 0.975 */
    assert_string_equal(table->rows[1].cells[1].text, "0 (< 97.5 %), 0");
}

/* Text of the column with that title in a row. */
static const char *cell_of(const struct table *table, size_t row, const char *title)
{
    for (size_t c = 0; c < table->column_count; c++)
        if (strcmp(table->columns[c].title, title) == 0)
            return table->rows[row].cells[c].text;
    fail_msg("table %s has no column %s", table->id, title);
    return NULL;
}

static void test_layout_listings_unused_records_say_why(void **state)
{
    const struct table *table = find_table(lay_out(*state), "l5-records-not-used");
    static const char *const expected[][2] = {
        {"01-0001", "the record of day 92 is closer to the target"},
        {"01-0002", "entered as unscheduled: counts for no visit"},
        {"01-0004", "the record of day 92 was received later"},
    };
    assert_int_equal(table->row_count, 3);
    for (size_t i = 0; i < table->row_count; i++) {
        assert_string_equal(cell_of(table, i, "Form"), "Knee pain, visual analogue scale");
        assert_string_equal(table->rows[i].label, expected[i][0]);
        assert_string_equal(table->rows[i].cells[table->column_count - 1].text, expected[i][1]);
    }
}

static struct study_record *add_voided(struct fixture *fixture, size_t subject, const char *form, const char *visit,
                                       const char *reason)
{
    struct study_record *record =
        study_add_record(fixture->study, subject, form, KNEE_RIGHT, visit, study_date("2026-04-11"));
    record->instance = 7;
    record->version = 2;
    record->void_reason = reason;
    return record;
}

/* Of any form, behind the other records of their subject; the words of who voided them may name an arm. */
static void test_layout_listings_voided_records_stand_with_their_reason(void **state)
{
    struct fixture *fixture = *state;
    add_voided(fixture, 1, "pain_vas", "M3", "entered for the wrong subject");
    add_voided(fixture, 1, "adverse_event", "unscheduled", "");
    add_voided(fixture, 2, "pain_vas", "M3", "a mistake")->version = 1;
    add_voided(fixture, 2, "pain_vas", "M3", NULL);      /* its next version is not void */
    fixture->document = lay_out(fixture);
    const struct table *table = find_table(fixture->document, "l5-records-not-used");
    static const char *const expected[][4] = {
        {"01-0001", "1", "112", "the record of day 92 is closer to the target"},
        {"01-0002", "1", "23", "entered as unscheduled: counts for no visit"},
        {"01-0002", "7", "92", "voided"},
        {"01-0002", "7", "92", "voided: entered for the wrong subject"},
        {"01-0003", "1", "92", "the record of day 92 was received later"},
        {"01-0004", "1", "92", "the record of day 92 was received later"},
    };
    assert_int_equal(table->row_count, 6);
    for (size_t i = 0; i < table->row_count; i++) {
        assert_string_equal(table->rows[i].label, expected[i][0]);
        assert_string_equal(cell_of(table, i, "Instance"), expected[i][1]);
        assert_string_equal(cell_of(table, i, "Study day"), expected[i][2]);
        assert_string_equal(cell_of(table, i, "Decision"), expected[i][3]);
    }
    assert_string_equal(cell_of(table, 2, "Form"), "Adverse event");
    const struct table *windows = find_table(fixture->document, "l6-visit-windows");
    for (size_t i = 0; i < windows->row_count; i++)
        assert_int_equal(strncmp(cell_of(windows, i, "Decision"), "voided", 6) == 0, 0);
}

static void test_layout_listings_events_have_onset_day_and_emergence(void **state)
{
    struct fixture *fixture = *state;
    add_event(fixture->study, 1, "Pain", "Musculoskeletal", "2026-01-08");
    struct study_record *partial = study_add_record(fixture->study, 2, "adverse_event", KNEE_NONE, "unscheduled",
                                              study_date("2026-02-03"));
    study_answer(fixture->study, partial, "onset", "2026-01");
    partial->instance = 4;
    const struct table *table = find_table(lay_out(fixture), "l3-adverse-events");
    static const struct {
        const char *instance, *date, *day, *onset, *emergent;
    } expected[] = {
        {"1", "2026-01-12", "3", "3", "yes"},
        {"1", "2026-01-13", "4", "4", "yes"},
        {"1", "2026-01-08", "-2", "-2", "no"},
        {"4", "2026-02-03", "25", "-9 to 22", "yes, onset may lie before"},
        {"1", "2026-01-14", "5", "5", "yes"},
    };
    assert_int_equal(table->row_count, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < table->row_count; i++) {
        assert_string_equal(cell_of(table, i, "Instance"), expected[i].instance);
        assert_string_equal(cell_of(table, i, "Date of the report"), expected[i].date);
        assert_string_equal(cell_of(table, i, "Study day"), expected[i].day);
        assert_string_equal(cell_of(table, i, "Onset day"), expected[i].onset);
        assert_string_equal(cell_of(table, i, "Treatment-emergent"), expected[i].emergent);
    }
}

static void test_layout_listings_deaths_and_serious_events_are_complete(void **state)
{
    struct fixture *fixture = *state;
    struct study_record *end = study_add_record(fixture->study, 0, "end_of_study", KNEE_NONE, "unscheduled",
                                          study_date("2026-03-03"));
    study_answer(fixture->study, end, "reason", "died");
    study_answer(fixture->study, end, "death_date", "2026-03-01");
    study_answer(fixture->study, end, "death_cause", "infarct");
    add_event(fixture->study, 1, "Stroke", "Nervous system", "2026-02-08");
    size_t last = 0;
    while (study_record_at(fixture->study, last + 1) != NULL)
        last++;
    study_answer(fixture->study, study_record_at(fixture->study, last), "outcome", "fatal");
    study_add_record(fixture->study, 2, "adverse_event", KNEE_NONE, "unscheduled", study_date("2026-02-03"));
    const struct document *document = lay_out(fixture);
    const struct table *deaths = find_table(document, "l1-deaths");
    assert_int_equal(deaths->row_count, 2);
    assert_string_equal(cell_of(deaths, 0, "Cause, or event"), "infarct");
    assert_string_equal(cell_of(deaths, 0, "Death, or end of the event"), "2026-03-01");
    assert_string_equal(cell_of(deaths, 1, "Cause, or event"), "Stroke");
    assert_string_equal(cell_of(deaths, 1, "Told by"), "Adverse event");
    const struct table *serious = find_table(document, "l2-serious-adverse-events");
    assert_int_equal(serious->row_count, 2);      /* the stroke, and the one that nobody judged */
    assert_string_equal(serious->rows[1].label, "01-0003");
}

static void test_layout_front_open_registry_makes_no_causal_claim(void **state)
{
    const struct document *document = lay_out(*state);
    bool found = false;
    for (size_t i = 0; i < document->notice_count; i++)
        found |= strstr(document->notices[i], "no causal claim") != NULL;
    assert_true(found);
}

static bool has_notice(const struct document *document, const char *part)
{
    for (size_t i = 0; i < document->notice_count; i++)
        if (strstr(document->notices[i], part) != NULL)
            return true;
    return false;
}

static void test_layout_pooled_names_no_cohort(void **state)
{
    struct fixture *fixture = *state;
    struct dataset *dataset = study_dataset(fixture->study);
    dataset->pooled = true;
    dataset->cohorts = (const char *const[]){"Pooled"};
    dataset->cohort_titles = (const char *const[]){"All subjects"};
    dataset->cohort_count = 1;
    const struct document *document = lay_out(fixture);
    const struct table *events = find_table(document, "l3-adverse-events");
    cell_of(events, 0, "Coded term");
    for (size_t c = 0; c < events->column_count; c++)
        assert_null(strstr(events->columns[c].title, "reporter's words"));
    for (size_t i = 0; i < document->chapter_count; i++)
        for (size_t b = 0; b < document->chapters[i]->block_count; b++) {
            const struct table *table = document->chapters[i]->blocks[b].table;
            for (size_t c = 0; table != NULL && c < table->column_count; c++) {
                assert_string_not_equal(table->columns[c].title, "Cohort");
                assert_string_not_equal(table->columns[c].title, "CELLS");
            }
        }
    assert_true(has_notice(document, "one column"));
}

static void test_layout_pooled_says_once_that_nothing_is_compared(void **state)
{
    static const char *const gone[] = {"sensitivity", "subgroups", "multiplicity", "adjusted"};
    struct fixture *fixture = *state;
    struct dataset *dataset = study_dataset(fixture->study);
    dataset->pooled = true;
    dataset->cohorts = dataset->cohort_titles = (const char *const[]){"Pooled"};
    dataset->cohort_count = 1;
    const struct document *document = lay_out(fixture);
    assert_true(has_notice(document, "not compared"));
    for (size_t i = 0; i < document->chapter_count; i++) {
        const struct chapter *chapter = document->chapters[i];
        for (size_t g = 0; g < sizeof gone / sizeof *gone; g++)
            assert_string_not_equal(chapter->id, gone[g]);
        for (size_t p = 0; p < chapter->paragraph_count; p++)
            assert_null(strstr(chapter->paragraphs[p], "not compared"));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_layout_outcomes_descriptives_are_formatted_by_statistic),
        TEST(test_layout_outcomes_one_value_with_a_decimal_widens_all),
        TEST(test_layout_outcomes_single_value_has_reason_as_footnote),
        TEST(test_layout_outcomes_visit_without_values_shows_a_dash),
        TEST(test_layout_outcomes_changes_are_told_in_per_cent_too),
        TEST(test_layout_outcomes_visit_without_the_form_is_left_out_unless_it_has_values),
        TEST(test_layout_outcomes_table_states_instrument_range_and_direction),
        TEST(test_layout_outcomes_figure_states_its_population),
        TEST(test_layout_collected_decimals_follow_items_and_method),
        TEST(test_layout_responders_counts_stand_with_both_intervals),
        TEST(test_layout_safety_terms_follow_their_class),
        TEST(test_layout_listings_unused_records_say_why),
        TEST(test_layout_listings_voided_records_stand_with_their_reason),
        TEST(test_layout_listings_events_have_onset_day_and_emergence),
        TEST(test_layout_listings_deaths_and_serious_events_are_complete),
        TEST(test_layout_front_open_registry_makes_no_causal_claim),
        TEST(test_layout_pooled_names_no_cohort),
        TEST(test_layout_pooled_says_once_that_nothing_is_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
