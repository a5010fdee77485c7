/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables that compare cohorts: responders, effect sizes, exposure, adverse events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/layout.h"
#include "tests/support/study.h"

#define WEEKS "tests/golden/other_studies/weeks"
#define DIFFERENCES "t9-differences-better-observed"

/* Responders at month 3 of 10 with cells and of 10 with corticosteroid. */
static struct study *new_study(int cells, int steroid)
{
    struct study *study = study_new(NULL, "tests/support/study.yaml");
    for (int i = 0; i < 20; i++) {
        bool responds = i < 10 ? i < cells : i - 10 < steroid;
        size_t subject = study_add_subject(study, 1, i + 1, KNEE_RIGHT, i < 10 ? "CELLS" : "CS");
        char value[16];
        snprintf(value, sizeof value, "%d", responds ? 20 + i : 50 + i);
        study_add_record(study, subject, "treatment", KNEE_RIGHT, "unscheduled", study_date("2024-03-01"));
        study_answer(study,
                     study_add_record(study, subject, "pain_vas", KNEE_RIGHT, "BL", study_date("2024-02-20")),
                     "vas", "60");
        study_answer(study,
                     study_add_record(study, subject, "pain_vas", KNEE_RIGHT, "M3", study_date("2024-05-31")),
                     "vas", value);
    }
    return study;
}

static const struct document *lay_out(struct study *study)
{
    struct dataset *dataset = study_finish(study);
    struct results *results = results_new(study);
    analysis_run(dataset, results);
    return layout_document(study, dataset, results);
}

static const struct table *find_table(const struct document *document, const char *id)
{
    for (size_t i = 0; i < document->chapter_count; i++)
        for (size_t b = 0; b < document->chapters[i]->block_count; b++) {
            const struct table *table = document->chapters[i]->blocks[b].table;
            if (table != NULL && strcmp(table->id, id) == 0)
                return table;
        }
    return NULL;
}

static const char *cell_of(const struct document *document, const char *id, const char *group, const char *label)
{
    const struct table *table = find_table(document, id);
    if (table == NULL)
        fail_msg("no table %s", id);
    for (size_t i = 0; i < table->row_count; i++)
        if (strcmp(table->rows[i].group, group) == 0 && strcmp(table->rows[i].label, label) == 0)
            return table->rows[i].cells[0].text;
    fail_msg("table %s has no row %s / %s", id, group, label);
    return NULL;
}

static bool has_fact(const struct table *table, const char *label)
{
    for (size_t i = 0; i < table->fact_count; i++)
        if (strcmp(table->facts[i].label, label) == 0)
            return true;
    return false;
}


/* Limits of the difference: two_prop in tests/golden/trial1000/refstats.R; of the number needed: 1 / these. */
static void test_layout_responders_number_needed_goes_through_infinity(void **state)
{
    (void)state;
    static const struct {
        int cells, steroid;
        const char *difference, *needed;
    } cases[] = {
        {9, 2, "70.0 [26.6, 86.5]", "NNTB 1.4 [1.2 to 3.8]"},
        {2, 9, "-70.0 [-86.5, -26.6]", "NNTH 1.4 [1.2 to 3.8]"},
        {6, 4, "20.0 [-20.6, 52.8]", "NNTB 5.0 [NNTB 1.9 to infinity to NNTH 4.8]"},
        {5, 5, "0.0 [-37.3, 37.3]", "infinity [NNTB 2.7 to infinity to NNTH 2.7]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct study *study = new_study(cases[i].cells, cases[i].steroid);
        const struct document *document = lay_out(study);
        assert_string_equal(cell_of(document, DIFFERENCES, "3 months (M3)",
                                    "Difference, points of % [95 % CI, Newcombe]"),
                            cases[i].difference);
        assert_string_equal(
            cell_of(document, DIFFERENCES, "3 months (M3)", "Number needed to treat [95 % CI]"), cases[i].needed);
        talloc_free(study);
    }
}

static void test_layout_contrasts_visit_without_values_shows_why(void **state)
{
    (void)state;
    struct study *study = new_study(9, 2);
    const struct document *document = lay_out(study);
    const struct table *table = find_table(document, DIFFERENCES);
    assert_non_null(table);
    assert_string_equal(table->columns[0].title, "CELLS - CS");
    assert_string_equal(cell_of(document, DIFFERENCES, "6 months (M6)", "Number needed to treat [95 % CI]"), "-");
    assert_true(table->footnote_count > 0);
    talloc_free(study);
}

static void test_layout_contrasts_not_randomised_is_told_over_every_table(void **state)
{
    (void)state;
    static const char *const ids[] = {DIFFERENCES, "t9-differences-better-imputed", "t10-effect-sizes-vas",
                                      "t11-differences", "t12-differences", "t13-serious-differences",
                                      "t14-comparisons"};
    struct study *study = new_study(9, 2);
    const struct document *document = lay_out(study);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        const struct table *table = find_table(document, ids[i]);
        if (table == NULL || !has_fact(table, "Not randomised") || table->row_count == 0)
            fail_msg("table %s", ids[i]);
    }
    talloc_free(study);
}

static void test_layout_contrasts_pooled_has_none_and_keeps_the_rest(void **state)
{
    (void)state;
    static const char *const pooled[] = {"Pooled"};
    struct study *study = new_study(9, 2);
    struct dataset *dataset = study_dataset(study);
    dataset->pooled = true;
    dataset->cohorts = dataset->cohort_titles = pooled;
    dataset->cohort_count = 1;
    const struct document *document = lay_out(study);
    assert_null(find_table(document, DIFFERENCES));
    assert_null(find_table(document, "t12-differences"));
    assert_non_null(find_table(document, "t4-exposure"));
    assert_non_null(find_table(document, "t14-incidence-rates"));
    talloc_free(study);
}

static void test_layout_safety_classes_are_followed_by_their_terms(void **state)
{
    (void)state;
    static const char *const events[][2] = {{"Skin", "Rash"}, {"Skin of the knee", "Itch"}, {"Skin", "Acne"}};
    static const char *const labels[] = {"Any adverse event", "Skin", "Acne", "Rash", "Skin of the knee", "Itch"};
    static const char *const ids[] = {"t12-adverse-events-by-term", "t12-differences", "t13-severity",
                                      "t14-incidence-rates"};
    struct study *study = new_study(9, 2);
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        struct study_record *record = study_add_record(study, 0, "adverse_event", KNEE_NONE, "unscheduled",
                                                       study_date("2024-03-05"));
        study_answer(study, record, "onset", "2024-03-05");
        study_answer(study, record, "system_organ_class", events[i][0]);
        study_answer(study, record, "coded_term", events[i][1]);
    }
    const struct document *document = lay_out(study);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        const struct table *table = find_table(document, ids[i]);
        assert_non_null(table);
        assert_int_equal(table->row_count, sizeof labels / sizeof *labels);
        for (size_t r = 0; r < table->row_count; r++)
            assert_string_equal(table->rows[r].label, labels[r]);
    }
    assert_string_equal(cell_of(document, "t13-periods", "Any adverse event", "Day 0-7 after the last injection"),
                        "1 (10.0 %), 3");
    talloc_free(study);
}

/* 90 % limits, strata of site and of an item, endpoints where more is better. */
static void test_layout_contrasts_of_another_study(void **state)
{
    (void)state;
    struct study *study = study_new_with_forms(NULL, WEEKS "/protocol.yaml", WEEKS "/forms");
    study_add_subject(study, 1, 1, KNEE_RIGHT, "PLASMA");
    const struct document *document = lay_out(study);
    const struct table *table = find_table(document, "t9-differences-good-observed");
    assert_non_null(table);
    assert_true(has_fact(table, "Strata"));
    assert_false(has_fact(table, "Not randomised"));
    assert_string_equal(cell_of(document, "t9-differences-good-observed", "Week 4 (W4)",
                                "Difference within strata [90 % CI, Sato]"),
                        "-");
    assert_non_null(find_table(document, "t10-effect-sizes-now"));
    talloc_free(study);
}

static const char *find_fact(const struct table *table, const char *label)
{
    for (size_t i = 0; table != NULL && i < table->fact_count; i++)
        if (strcmp(table->facts[i].label, label) == 0)
            return table->facts[i].text;
    return "";
}

/* 30 % from the best end of a scale that does not begin at 0 are not 30 % from 0. */
static void test_layout_responders_per_cent_say_where_they_are_measured_from(void **state)
{
    (void)state;
    static const char *const ids[] = {"t9-responder-eased", "t9-responder-good"};
    struct study *study = study_new_with_forms(NULL, WEEKS "/protocol.yaml", WEEKS "/forms");
    const struct catalogue *catalogue = study_dataset(study)->catalogue;
    for (size_t i = 0; i < 2; i++) {
        struct responder *responder = (struct responder *)(uintptr_t)&catalogue->protocol->responders[i];
        responder->kind = RESPONDER_IMPROVED_PERCENT;
        responder->threshold = 30;
    }
    study_add_subject(study, 1, 1, KNEE_RIGHT, "PLASMA");
    const struct document *document = lay_out(study);
    const char *eased = find_fact(find_table(document, ids[0]), "Responder");
    const char *good = find_fact(find_table(document, ids[1]), "Responder");
    assert_non_null(strstr(eased, "best end of the scale, 14, not from 0"));
    assert_non_null(strstr(good, "best end of the scale, 5, not from 0"));
    const char *compared = find_fact(find_table(document, "t9-differences-good-observed"), "Responder");
    assert_non_null(strstr(compared, find_table(document, ids[1])->number));
    talloc_free(study);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout_responders_number_needed_goes_through_infinity),
        cmocka_unit_test(test_layout_contrasts_visit_without_values_shows_why),
        cmocka_unit_test(test_layout_contrasts_not_randomised_is_told_over_every_table),
        cmocka_unit_test(test_layout_contrasts_pooled_has_none_and_keeps_the_rest),
        cmocka_unit_test(test_layout_safety_classes_are_followed_by_their_terms),
        cmocka_unit_test(test_layout_contrasts_of_another_study),
        cmocka_unit_test(test_layout_responders_per_cent_say_where_they_are_measured_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
