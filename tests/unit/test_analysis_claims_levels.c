/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Claims of the levels of a subgroup, against rows that stand in for the analyses. */
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

#define NAMES(...) ((const char *const[4]){__VA_ARGS__})
#define COVARIANCE "tests/golden/covariance/protocol.yaml"
#define MEN "M12 sex (women) male", "AD-MSC - PLACEBO"
#define ONE "M12 injections 1 - 2-3", "AD-MSC"

struct source_rows {
    const char *table, *row, *col;
    const char *stats[3];
    double values[3];
};

static const struct source_rows sources[] = {
    {"adjusted pain", MEN, {"diff", "lo", "hi"}, {-4, -9, 1}},
    {"adjusted pain", MEN, {"n1", "n0", "evalue"}, {40, 30, 1.7}},
    {"adjusted pain", ONE, {"diff", "lo", "hi"}, {1, -3, 4.5}},
    {"adjusted pain", ONE, {"n1", "n0", "evalue"}, {20, 25, 1.2}},
    {"adjusted vas", "M6 KL two - four", "UC-MSC", {"diff", "lo", "hi"}, {9, 2, 16}},
    {"forest M12 pain", "sex (women) male", "AD-MSC - PLACEBO", {"diff", "lo", "hi"}, {-6, -8, -4}},
    {"forest M12 pain", "sex (women) male", "AD-MSC - PLACEBO", {"n1", "n0", "df"}, {42, 33, 72}},
};
enum { SOURCES = sizeof sources / sizeof *sources };

static void add_rows(struct results *results, const struct source_rows *rows)
{
    for (size_t i = 0; i < 3; i++)
        results_add(results, rows->table, rows->row, rows->col, rows->stats[i], rows->values[i]);
}

static const struct table *find_claims(const struct document *document)
{
    size_t at = 0;
    while (at < document->chapter_count && strcmp(document->chapters[at]->id, "claims") != 0)
        at++;
    assert_true(at < document->chapter_count);
    return document->chapters[at]->blocks[0].table;
}

static struct results *judge_levels(const void *owner, bool randomised, struct dataset **dataset)
{
    struct study *study = study_new(owner, COVARIANCE);
    struct results *results = results_new(owner);
    ((struct protocol *)study_dataset(study)->catalogue->protocol)->randomised = randomised;
    for (size_t i = 0; i < SOURCES; i++)
        add_rows(results, &sources[i]);
    *dataset = study_finish(study);
    analysis_claims(*dataset, results);
    return results;
}

static void test_analysis_claims_of_a_level_are_of_its_subjects(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    static const struct {
        bool randomised;
        double estimate, n, refuted;
    } ways[] = {{false, -4, 40, 0}, {true, -6, 42, 0}};
    for (size_t i = 0; i < 2; i++) {
        struct dataset *dataset;
        const struct results *results = judge_levels(owner, ways[i].randomised, &dataset);
        assert_result(results, NAMES("claims", "men", "AD-MSC - PLACEBO", "est"), ways[i].estimate);
        assert_result(results, NAMES("claims", "men", "AD-MSC - PLACEBO", "n"), ways[i].n);
        assert_result(results, NAMES("claims", "men_too", "AD-MSC - PLACEBO", "est"), ways[i].estimate);
        assert_int_equal(results_find(results, "claims", "men", "AD-MSC - PLACEBO", "adjusted") != NULL,
                         !ways[i].randomised);
        assert_result(results, NAMES("claims", "men", "AD-MSC - PLACEBO", "refuted"), ways[i].refuted);
    }
    talloc_free(owner);
}

/* Levels of a subgroup are not randomised, whatever the cohorts are. */
static void test_analysis_claims_between_levels_are_adjusted_in_a_randomised_study_too(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    for (int randomised = 0; randomised < 2; randomised++) {
        struct dataset *dataset;
        const struct results *results = judge_levels(owner, randomised == 1, &dataset);
        assert_result(results, NAMES("claims", "one", "AD-MSC", "est"), 1);
        assert_result(results, NAMES("claims", "one", "AD-MSC", "margin"), 5);
        assert_result(results, NAMES("claims", "one", "AD-MSC", "borne_out"), 1);
        assert_result(results, NAMES("claims", "one", "AD-MSC", "n"), 20);
        assert_result(results, NAMES("claims", "one", "AD-MSC", "n_against"), 25);
        assert_result(results, NAMES("claims", "one", "AD-MSC", "adjusted"), 1);
        assert_result(results, NAMES("claims", "early", "UC-MSC", "refuted"), 1);
    }
    talloc_free(owner);
}

static void test_analysis_claims_of_levels_are_worded_as_such(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct dataset *dataset;
    struct results *results = judge_levels(owner, false, &dataset);
    const struct document *document = layout_document(owner, dataset, results);
    const struct table *table = find_claims(document);
    static const struct {
        size_t row, cell;
        const char *text;
    } expected[] = {
        {0, 0,
         "Difference of mean changes of WOMAC pain 0-100, in the group sex (women) male, 12 months (M12), "
         "AD-MSC - PLACEBO"},
        {2, 0,
         "Difference of mean changes of WOMAC pain 0-100, between groups: injections 1 - 2-3, 12 months (M12), "
         "AD-MSC"},
        {2, 3, "20 against 25"},
        {2, 6, "not refuted; the whole interval agrees"},
        {3, 6, "refuted"},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_string_equal(table->rows[expected[i].row].cells[expected[i].cell].text, expected[i].text);
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_analysis_claims_of_a_level_are_of_its_subjects),
        cmocka_unit_test(test_analysis_claims_between_levels_are_adjusted_in_a_randomised_study_too),
        cmocka_unit_test(test_analysis_claims_of_levels_are_worded_as_such),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
