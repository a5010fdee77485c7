/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cohorts that were not randomised: result rows against R (tests/golden/covariance), and their tables. */
#include <math.h>
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
#include "tests/support/trial1000_study.h"
#include "tests/support/weeks_study.h"

#define NAMES(...) ((const char *const[4]){__VA_ARGS__})
#define COVARIANCE "tests/golden/covariance"

static bool is_adjusted(const struct golden_row *row)
{
    return strncmp(row->table, "adjusted ", strlen("adjusted ")) == 0;
}

static void test_analysis_adjusted_gives_the_numbers_of_r(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct results *results = results_new(owner);
    analysis_adjusted(study_finish(trial1000_study_by(owner, COVARIANCE "/protocol.yaml")), results);
    struct golden_outcome outcome =
        golden_compare(results, &(struct golden_rules){COVARIANCE "/observed.csv", is_adjusted, NULL, false});
    /*
     * 2 endpoints, 2 contrasts: 4 visits of 14; balance of 3 numbers, 4 grades, 2 sexes; 20 bins of 2.  A responder
     * at 4 visits, 16.
     */
    assert_int_equal(outcome.compared, 2 * 2 * (4 * 14 + 9 + 20 * 2) + 2 * 4 * 16);
    assert_int_equal(outcome.mismatches, 0);
    talloc_free(owner);
}

/* Two claims name the same group of men: it has its rows once. */
static void test_analysis_adjusted_levels_of_claims_give_the_numbers_of_r(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct results *results = results_new(owner);
    analysis_adjusted(study_finish(trial1000_study_by(owner, COVARIANCE "/protocol.yaml")), results);
    struct golden_outcome outcome =
        golden_compare(results, &(struct golden_rules){COVARIANCE "/levels.csv", is_adjusted, NULL, false});
    assert_int_equal(outcome.compared, 3 * 14);
    assert_int_equal(outcome.mismatches, 0);
    size_t men = 0;
    for (size_t i = 0; i < results_count(results); i++)
        men += strcmp(results_at(results, i)->row, "M12 sex (women) male") == 0;
    assert_int_equal(men, 14);
    talloc_free(owner);
}

static void test_analysis_adjusted_weights_balance_what_the_model_holds(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct results *results = results_new(owner);
    analysis_adjusted(study_finish(trial1000_study_by(owner, COVARIANCE "/protocol.yaml")), results);
    size_t compared = 0;
    for (size_t i = 0; i < results_count(results); i++) {
        const struct result *row = results_at(results, i);
        if (strcmp(row->stat, "smd_after") != 0)
            continue;
        assert_true(fabs(row->value) < 1e-8);
        compared++;
    }
    assert_int_equal(compared, 2 * 2 * 9);
    talloc_free(owner);
}

static void test_analysis_adjusted_randomised_or_masked_study_has_none(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct results *results = results_new(owner);
    analysis_adjusted(study_finish(weeks_study_new(owner, &(struct weeks_shape){.subjects = 20})), results);
    struct dataset *dataset = study_finish(study_new(owner, "tests/support/study.yaml"));
    dataset->pooled = true;
    analysis_adjusted(dataset, results);
    assert_int_equal(results_count(results), 0);
    talloc_free(owner);
}

static void make_registry(struct study *study)
{
    ((struct protocol *)study_dataset(study)->catalogue->protocol)->randomised = false;
}

static void test_analysis_adjusted_what_cannot_be_estimated_has_a_reason(void **state)
{
    (void)state;
    static const struct {
        struct weeks_shape shape;
        const char *stat, *reason;
    } cases[] = {
        {{.subjects = 0}, "diff", "no record"},
        {{.subjects = 1}, "effective_1", "no record in one of the cohorts"},
        {{.subjects = 30, .one_cohort = true}, "evalue", "no record in one of the cohorts"},
        {{.subjects = 30, .unmeasured = true}, "p", "no record"},
        {{.subjects = 4}, "diff", "separation"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        void *owner = memory_owner(NULL, "test");
        struct study *study = weeks_study_new(owner, &cases[i].shape);
        make_registry(study);
        struct results *results = results_new(owner);
        analysis_adjusted(study_finish(study), results);
        const struct result *row =
            results_find(results, "adjusted effort", "W13", "PLASMA - SALINE", cases[i].stat);
        assert_non_null(row);
        assert_string_equal(row->status, "not_estimable");
        if (strstr(row->note, cases[i].reason) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", row->note, cases[i].reason);
        assert_null(results_find(results, "adjusted overlap effort", "0.50", "PLASMA - SALINE", "n1"));
        row = results_find(results, "adjusted responder eased", "W13", "PLASMA - SALINE", "rr");
        assert_non_null(row);
        assert_string_equal(row->status, "not_estimable");
        assert_true(strlen(row->note) > 0);
        talloc_free(owner);
    }
}

/* -- tables ---------------------------------------------------------------------------------------------- */

static const struct chapter *find_chapter(const struct document *document, const char *id)
{
    static const struct chapter none = {.block_count = 0};
    for (size_t i = 0; i < document->chapter_count; i++) {
        if (strcmp(document->chapters[i]->id, id) == 0)
            return document->chapters[i];
    }
    return &none;
}

static size_t count_figures(const struct chapter *chapter, enum figure_kind kind)
{
    size_t count = 0;
    for (size_t b = 0; b < chapter->block_count; b++)
        count += chapter->blocks[b].figure != NULL && chapter->blocks[b].figure->kind == kind;
    return count;
}

static bool has_fact(const struct table *table, const char *label)
{
    for (size_t i = 0; i < table->fact_count; i++) {
        if (strcmp(table->facts[i].label, label) == 0)
            return true;
    }
    return false;
}

/* What of a chapter is a table of contrasts; every one of them says that they are associations. */
static void assert_associations(const struct chapter *chapter)
{
    size_t seen = 0;
    for (size_t b = 0; b < chapter->block_count; b++) {
        const struct table *table = chapter->blocks[b].table;
        if (table == NULL || table->estimand_count == 0 || table->column_count == 0
            || strstr(table->columns[0].title, " - ") == NULL)
            continue;
        assert_true(has_fact(table, "Not randomised"));
        seen++;
    }
    assert_true(seen > 0);
}

static void assert_balance_is_labelled(const struct chapter *chapter)
{
    static const char *const labels[][2] = {{"", "Value at baseline"},
                                            {"", "Age in whole years"},
                                            {"", "Body mass index"},
                                            {"Sex", "female"},
                                            {"Kellgren-Lawrence grade, index knee", "moderate"}};
    for (size_t l = 0; l < sizeof labels / sizeof labels[0]; l++) {
        bool found = false;
        for (size_t b = 0; b < chapter->block_count; b++) {
            const struct table *table = chapter->blocks[b].table;
            for (size_t r = 0; table != NULL && r < table->row_count; r++)
                found |= strcmp(table->rows[r].group, labels[l][0]) == 0
                         && strcmp(table->rows[r].label, labels[l][1]) == 0;
        }
        if (!found)
            fail_msg("no row %s / %s", labels[l][0], labels[l][1]);
    }
}

static struct document *lay_out(const void *owner, struct study *study)
{
    struct dataset *dataset = study_finish(study);
    struct results *results = results_new(owner);
    analysis_run(dataset, results);
    return layout_document(owner, dataset, results);
}

static void test_layout_adjusted_registry_says_that_differences_are_associations(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct document *document = lay_out(owner, trial1000_study_by(owner, COVARIANCE "/protocol.yaml"));
    const struct chapter *adjusted = find_chapter(document, "adjusted");
    assert_true(adjusted->paragraph_count > 0);
    assert_non_null(strstr(adjusted->paragraphs[0], "associations"));
    assert_associations(adjusted);
    assert_balance_is_labelled(adjusted);
    assert_associations(find_chapter(document, "ancova"));
    assert_associations(find_chapter(document, "subgroups"));
    /* Of the primary endpoint, two contrasts. */
    assert_int_equal(count_figures(adjusted, FIGURE_HISTOGRAM), 2);
    assert_int_equal(count_figures(find_chapter(document, "subgroups"), FIGURE_FOREST), 2);
    talloc_free(owner);
}

static void test_layout_adjusted_says_what_each_limit_is(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct study *study = weeks_study_new(owner, &(struct weeks_shape){.subjects = 30});
    make_registry(study);
    const struct table *table = find_chapter(lay_out(owner, study), "adjusted")->blocks[0].table;
    size_t said = 0;
    for (size_t i = 0; i < table->fact_count; i++)
        said += strcmp(table->facts[i].label, "Limits") == 0 && strstr(table->facts[i].text, "normal") != NULL
                && strstr(table->facts[i].text, "sandwich") != NULL
                && strstr(table->facts[i].text, "Welch") != NULL;
    assert_int_equal(said, 1);
    talloc_free(owner);
}

static void test_layout_adjusted_randomised_study_has_no_such_chapter(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct document *document = lay_out(owner, weeks_study_new(owner, &(struct weeks_shape){.subjects = 40}));
    assert_int_equal(find_chapter(document, "adjusted")->block_count, 0);
    assert_int_equal(find_chapter(document, "multiplicity")->block_count, 1);
    talloc_free(owner);
}

static void test_layout_of_nobody_has_tables_with_reasons(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct study *study = weeks_study_new(owner, &(struct weeks_shape){.subjects = 0});
    make_registry(study);
    struct document *document = lay_out(owner, study);
    static const char *const ids[] = {"ancova", "subgroups", "adjusted"};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        const struct chapter *chapter = find_chapter(document, ids[i]);
        size_t notes = 0;
        for (size_t b = 0; b < chapter->block_count; b++)
            notes += chapter->blocks[b].table != NULL ? chapter->blocks[b].table->footnote_count : 0;
        assert_true(notes > 0);
    }
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_analysis_adjusted_gives_the_numbers_of_r),
        cmocka_unit_test(test_analysis_adjusted_levels_of_claims_give_the_numbers_of_r),
        cmocka_unit_test(test_analysis_adjusted_weights_balance_what_the_model_holds),
        cmocka_unit_test(test_analysis_adjusted_randomised_or_masked_study_has_none),
        cmocka_unit_test(test_analysis_adjusted_what_cannot_be_estimated_has_a_reason),
        cmocka_unit_test(test_layout_adjusted_registry_says_that_differences_are_associations),
        cmocka_unit_test(test_layout_adjusted_says_what_each_limit_is),
        cmocka_unit_test(test_layout_adjusted_randomised_study_has_no_such_chapter),
        cmocka_unit_test(test_layout_of_nobody_has_tables_with_reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
