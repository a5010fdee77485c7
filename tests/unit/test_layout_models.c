/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Chapters of the models for repeated measures and of the sensitivity analyses, of the simulated trial. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/layout.h"
#include "tests/support/trial1000.h"
#include "tests/support/trial1000_study.h"

enum { EVERYBODY = 1 << 0, POOLED = 1 << 1, NOT_RANDOMISED = 1 << 2 };

static struct document *make(const void *owner, unsigned how)
{
    static const char *const pooled[] = {"Pooled"};
    struct study *study =
        (how & EVERYBODY) != 0 ? trial1000_study_new(owner) : study_new(owner, TRIAL1000 "/protocol.yaml");
    struct dataset *dataset = study_dataset(study);
    if ((how & POOLED) != 0) {
        dataset->pooled = true;
        dataset->cohorts = dataset->cohort_titles = pooled;
        dataset->cohort_count = 1;
    }
    if ((how & NOT_RANDOMISED) != 0)
        ((struct protocol *)(uintptr_t)dataset->catalogue->protocol)->randomised = false;
    dataset = study_finish(study);
    struct results *results = results_new(owner);
    analysis_populations(dataset, results);
    analysis_ancova(dataset, results);
    analysis_mmrm(dataset, results);
    analysis_sensitivity(dataset, results);
    struct document *document = memory_new(owner, struct document);
    struct layout layout = {.dataset = dataset, .results = results, .document = document};
    layout_mmrm(&layout);
    layout_sensitivity(&layout);
    return document;
}

static const struct table *find_table(const struct document *document, const char *id)
{
    for (size_t c = 0; c < document->chapter_count; c++) {
        const struct chapter *chapter = document->chapters[c];
        for (size_t b = 0; b < chapter->block_count; b++) {
            if (chapter->blocks[b].table != NULL && strcmp(chapter->blocks[b].table->id, id) == 0)
                return chapter->blocks[b].table;
        }
    }
    return NULL;
}

static size_t count_figures(const struct document *document)
{
    size_t count = 0;
    for (size_t c = 0; c < document->chapter_count; c++) {
        for (size_t b = 0; b < document->chapters[c]->block_count; b++)
            count += document->chapters[c]->blocks[b].figure != NULL;
    }
    return count;
}

static const struct cell *find_cell(const struct table *table, const char *group, const char *label,
                                    size_t column)
{
    assert_non_null(table);
    for (size_t i = 0; i < table->row_count; i++) {
        if (strstr(table->rows[i].group, group) != NULL && strcmp(table->rows[i].label, label) == 0)
            return &table->rows[i].cells[column];
    }
    fail_msg("%s: no row %s / %s", table->id, group, label);
    return NULL;
}

static const char *find_fact(const struct table *table, const char *label)
{
    for (size_t i = 0; i < table->fact_count; i++) {
        if (strcmp(table->facts[i].label, label) == 0)
            return table->facts[i].text;
    }
    return "";
}

static const char *find_estimand(const struct table *table, const char *label)
{
    for (size_t i = 0; i < table->estimand_count; i++) {
        if (strcmp(table->estimand[i].label, label) == 0)
            return table->estimand[i].text;
    }
    return "";
}

/* The plan has an estimand of pain and none of function. */
static void test_layout_mmrm_estimands_say_who_and_what(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct document *document = make(owner, EVERYBODY);
    const struct table *means = find_table(document, "t8-means-func"),
                       *differences = find_table(document, "t8-differences-func");
    assert_string_equal(find_estimand(means, "Summary"), "least squares mean of the change");
    assert_string_equal(find_estimand(differences, "Summary"), "difference of least squares means");
    assert_non_null(strstr(find_estimand(means, "Population"), "value at baseline, at least one later"));
    assert_string_equal(find_estimand(find_table(document, "t8-means-pain"), "Summary"),
                        "least squares mean of the change");
    assert_string_equal(find_estimand(find_table(document, "t8-differences-pain"), "Summary"),
                        "difference of mean changes from baseline");
    talloc_free(owner);
}

/* Numbers of tests/golden/trial1000/expected/mmrm_pain.csv, rounded. */
static void test_layout_mmrm_trial1000_shows_means_differences_and_fits(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct document *document = make(owner, EVERYBODY);
    const struct table *means = find_table(document, "t8-means-pain");
    assert_string_equal(find_cell(means, "(M12)", "LS mean (SE)", 0)->text, "-3.0 (0.89)");
    assert_string_equal(find_cell(means, "(M12)", "n with a value in the model", 0)->text, "247");
    const struct table *differences = find_table(document, "t8-differences-pain");
    assert_string_equal(differences->columns[0].title, "AD-MSC - PLACEBO");
    assert_string_equal(find_cell(differences, "(M12)", "Difference [95 % CI]", 0)->text,
                        "-9.7 [-12.2, -7.3]");
    assert_string_equal(find_cell(differences, "(M12)", "SE; df", 0)->text, "1.25; 793.0");
    assert_string_equal(find_cell(differences, "(M12)", "p", 0)->text, "<.0001");
    assert_string_not_equal(find_cell(differences, "M24 - M6", "p", 1)->text, "-");
    assert_true(differences->estimand_count > 3);
    assert_string_equal(find_fact(differences, "Not randomised"), "");
    assert_non_null(strstr(find_fact(differences, "Model"), "cohort x visit + base x visit + site"));
    assert_string_equal(find_cell(find_table(document, "t8-tests"), "pain", "Cohort x visit", 3)->text,
                        "0.3416");
    assert_string_equal(find_cell(find_table(document, "t8-fits"), "pain", "unstructured", 0)->text, "945");
    assert_string_equal(find_cell(find_table(document, "t8-covariances"), "pain", "6 months (M6)", 0)->text,
                        "66.2 (0.330)");
    assert_int_equal(count_figures(document), 5);
    talloc_free(owner);
}

static void test_layout_sensitivity_trial1000_shows_methods_beside_each_other(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct table *table = find_table(make(owner, EVERYBODY), "t16-sensitivity-pain");
    assert_string_equal(find_cell(table, "(M24)", "Values imputed, of each", 0)->text, "112, 118");
    assert_non_null(find_cell(table, "(M24)", "n in the analysis, of each", 0));
    assert_non_null(strstr(find_fact(table, "In the analysis"), "who may still come is not imputed"));
    assert_string_equal(find_cell(table, "(M24)", "Mixed model, no imputation", 0)->text,
                        "-6.9 [-9.4, -4.3]");
    assert_string_not_equal(find_cell(table, "(M24)", "Analysis of covariance, those with a value", 0)->text,
                            "-");
    assert_string_not_equal(find_cell(table, "(M24)", "The same, values within the strict windows", 0)->text,
                            "-");
    assert_int_equal(atof(find_cell(table, "(M24)", "Imputed: jump to reference (J2R)", 0)->text) * 10, -45);
    assert_true(atof(find_cell(table, "(M24)", "Tipping point", 0)->text) > 0);
    const char *label = "Those with a value, weighted for those without";
    assert_string_equal(find_cell(table, "(M3)", label, 0)->text, "-7.0 [-9.3, -4.7]; <.0001");
    assert_string_equal(find_cell(table, "(M3)", "n, effective n; largest weight", 0)->text,
                        "623, 621.5; 1.20");
    assert_non_null(strstr(find_fact(table, "Weighted"), "inverse of the probability"));
    assert_non_null(strstr(find_fact(table, "Limits"), "each of 999 subjects"));
    talloc_free(owner);
}

static void test_layout_mmrm_not_randomised_says_association(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct document *document = make(owner, NOT_RANDOMISED);
    assert_string_not_equal(find_fact(find_table(document, "t8-differences-vas"), "Not randomised"), "");
    assert_string_not_equal(find_fact(find_table(document, "t16-sensitivity-pain"), "Not randomised"), "");
    talloc_free(owner);
}

static void test_layout_mmrm_without_values_says_why_and_draws_nothing(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct document *document = make(owner, 0);
    const struct table *differences = find_table(document, "t8-differences-pain");
    const struct cell *cell = find_cell(differences, "(M12)", "Difference [95 % CI]", 0);
    assert_string_equal(cell->text, "-");
    assert_true(cell->footnote > 0);
    cell =
        find_cell(find_table(document, "t16-sensitivity-pain"), "(M12)", "Imputed: copy reference (CR)", 1);
    assert_string_equal(cell->text, "-");
    assert_true(cell->footnote > 0);
    assert_int_equal(count_figures(document), 0);
    talloc_free(owner);
}

static void refuse_cohorts(const char *text)
{
    static const char *const names[] = {"PLACEBO", "AD-MSC", "UC-MSC"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (text != NULL && strstr(text, names[i]) != NULL)
            fail_msg("names %s: %s", names[i], text);
    }
}

static void test_layout_mmrm_pooled_names_no_cohort(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct document *document = make(owner, EVERYBODY | POOLED);
    assert_null(find_table(document, "t8-differences-pain"));
    assert_null(find_table(document, "t16-sensitivity-pain"));
    assert_string_equal(
        find_cell(find_table(document, "t8-means-pain"), "(M3)", "n with a value in the model", 0)->text,
        "915");
    for (size_t c = 0; c < document->chapter_count; c++) {
        const struct chapter *chapter = document->chapters[c];
        assert_true(chapter->paragraph_count > 0);
        for (size_t b = 0; b < chapter->block_count; b++) {
            const struct table *table = chapter->blocks[b].table;
            if (table == NULL) {
                refuse_cohorts(chapter->blocks[b].figure->description);
                continue;
            }
            for (size_t i = 0; i < table->fact_count; i++)
                refuse_cohorts(table->facts[i].text);
            for (size_t i = 0; i < table->row_count; i++)
                refuse_cohorts(table->rows[i].label);
            for (size_t i = 0; i < table->column_count; i++)
                refuse_cohorts(table->columns[i].title);
        }
    }
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout_mmrm_trial1000_shows_means_differences_and_fits),
        cmocka_unit_test(test_layout_mmrm_estimands_say_who_and_what),
        cmocka_unit_test(test_layout_sensitivity_trial1000_shows_methods_beside_each_other),
        cmocka_unit_test(test_layout_mmrm_not_randomised_says_association),
        cmocka_unit_test(test_layout_mmrm_without_values_says_why_and_draws_nothing),
        cmocka_unit_test(test_layout_mmrm_pooled_names_no_cohort),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
