/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Weights for missing outcomes; expected numbers: R (tests/golden/missing_weights). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/csv_table.h"
#include "reports/stat_missing_weights.h"
#include "tests/support/golden.h"

#define GOLDEN "tests/golden/missing_weights"

enum { COHORT, BASE, SITE, AGE, VARIABLES };

static const struct linear_term TERMS[] = {
    {COHORT, LINEAR_MAIN}, {BASE, LINEAR_MAIN}, {SITE, LINEAR_MAIN}, {AGE, LINEAR_MAIN},
};

struct sample {
    struct linear_variable variables[VARIABLES];
    struct linear_data data;         /* terms: cohort, base, site */
    int *cohort, *site;
    double *base, *age, *y;
};

static double number(const char *text)
{
    return text[0] == '\0' ? (double)NAN : strtod(text, NULL);
}

static struct sample *sample_new(const void *owner, size_t records)
{
    struct sample *sample = memory_new(owner, struct sample);
    sample->cohort = memory_new_array(sample, int, records);
    sample->site = memory_new_array(sample, int, records);
    sample->base = memory_new_array(sample, double, records);
    sample->age = memory_new_array(sample, double, records);
    sample->y = memory_new_array(sample, double, records);
    sample->variables[COHORT] = (struct linear_variable){3, sample->cohort, NULL};
    sample->variables[SITE] = (struct linear_variable){4, sample->site, NULL};
    sample->variables[BASE] = (struct linear_variable){0, NULL, sample->base};
    sample->variables[AGE] = (struct linear_variable){0, NULL, sample->age};
    sample->data = (struct linear_data){
        .response = sample->y, .variables = sample->variables, .variable_count = VARIABLES,
        .terms = TERMS, .term_count = 3,
    };
    return sample;
}

/* Columns of data.csv: case, cohort (a, b, c), site (s1-s4), base, age, y. */
static struct sample *load(const void *owner, const char *name)
{
    struct error error = {0};
    const struct csv_table *table = csv_table_load(owner, GOLDEN "/data.csv", &error);
    if (table == NULL)
        fail_msg("%s", error.message);
    struct sample *sample = sample_new(owner, table->row_count);
    for (size_t i = 0; i < table->row_count; i++) {
        char *const *cells = (char *const *)table->rows[i].cells;
        if (strcmp(cells[0], name) != 0)
            continue;
        size_t next = sample->data.records++;
        sample->cohort[next] = cells[1][0] - 'a';
        sample->site[next] = cells[2][1] - '1';
        sample->base[next] = number(cells[3]);
        sample->age[next] = number(cells[4]);
        sample->y[next] = number(cells[5]);
    }
    if (sample->data.records == 0)
        fail_msg("no case %s", name);
    return sample;
}

/* The probability's terms: the first of cohort, base, site, age. */
static struct missing_weights *ask(const struct sample *sample, size_t weight_terms)
{
    struct missing_weights_question *question = memory_new(sample, struct missing_weights_question);
    *question = (struct missing_weights_question){&sample->data, TERMS, weight_terms, COHORT};
    return stat_missing_weights(sample, question);
}

static struct linear_estimate difference(const struct missing_weights *answer, int a, int b)
{
    const struct linear_mean first = {COHORT, (size_t)a, LINEAR_MAIN, 0, LINEAR_EQUAL};
    const struct linear_mean second = {COHORT, (size_t)b, LINEAR_MAIN, 0, LINEAR_EQUAL};
    return stat_linear_difference(answer->fit, &first, &second, 0.95);
}

static double find(const struct missing_weights *answer, const struct golden_row *row)
{
    int a = row->col[0] - 'a', b = row->col[4] - 'a';
    struct linear_estimate e = difference(answer, a, b);
    assert_null(e.reason);
    const struct {
        const char *stat;
        double value;
    } all[] = {
        {"diff", e.estimate}, {"se", e.se}, {"df", e.df}, {"lo", e.lo}, {"hi", e.hi}, {"t", e.t},
        {"p", e.p}, {"n", (double)(answer->n[a] + answer->n[b])},
        {"ess", answer->effective[a] + answer->effective[b]},
        {"weight_max", fmax(answer->largest[a], answer->largest[b])},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(all[i].stat, row->stat) == 0)
            return all[i].value;
    }
    fail_msg("no statistic %s", row->stat);
    return 0;
}

static size_t compare(const char *name)
{
    void *owner = memory_owner(NULL, "test");
    const struct sample *sample = load(owner, name);
    const struct missing_weights *all = ask(sample, 4), *two = ask(sample, 2);
    size_t count = 0, compared = 0, wrong = 0;
    const struct golden_row *rows = golden_load(owner, GOLDEN "/expected.csv", &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].table, name) != 0)
            continue;
        double found = find(strcmp(rows[i].row, "all") == 0 ? all : two, &rows[i]);
        compared++;
        if (golden_matches(rows[i].stat, rows[i].value, found))
            continue;
        printf("# %s / %s / %s / %s: %s, not %.14g\n", rows[i].table, rows[i].row, rows[i].col,
               rows[i].stat, rows[i].value, found);
        wrong++;
    }
    assert_int_equal(wrong, 0);
    talloc_free(owner);
    return compared;
}

static void test_stat_missing_weights_gives_the_numbers_of_r(void **state)
{
    (void)state;
    static const char *const cases[] = {"trial", "heavy", "small", "rare", "complete", "gaps"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(compare(cases[i]), 2 * 3 * 10);
}

static void test_stat_missing_weights_levels_that_are_all_alike_give_the_numbers_of_r(void **state)
{
    (void)state;
    assert_int_equal(compare("full_levels"), 2 * 3 * 10);
    assert_int_equal(compare("empty_site"), 2 * 3 * 10);
    assert_int_equal(compare("empty_cohort"), 2 * 1 * 10);
}

static void test_stat_missing_weights_level_probabilities_are_1_and_0(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct sample *full = load(owner, "full_levels"), *empty = load(owner, "empty_site");
    const struct missing_weights *of_full = ask(full, 4), *of_empty = ask(empty, 4);
    for (size_t i = 0; i < full->data.records; i++) {
        if (full->cohort[i] == 0 || full->site[i] == 2)
            assert_true(of_full->probabilities[i] == 1);
        else
            assert_true(of_full->probabilities[i] > 0 && of_full->probabilities[i] < 1);
        assert_true(isnan(of_full->weights[i]) == isnan(full->y[i]));
    }
    for (size_t i = 0; i < empty->data.records; i++)
        assert_true((of_empty->probabilities[i] == 0) == (empty->site[i] == 3));
    talloc_free(owner);
}

static void test_stat_missing_weights_of_the_cohort_alone_are_1(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct sample *sample = load(owner, "heavy");
    const struct missing_weights *answer = ask(sample, 1);
    for (size_t c = 0; c < 3; c++) {
        assert_true(fabs(answer->largest[c] - 1) < 1e-12);
        assert_true(fabs(answer->effective[c] / (double)answer->n[c] - 1) < 1e-12);
    }
    assert_true(ask(sample, 4)->largest[0] > 1.5);
    talloc_free(owner);
}

static void test_stat_missing_weights_nobody_missing_is_least_squares(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct sample *sample = load(owner, "complete");
    struct linear_estimate weighted = difference(ask(sample, 4), 1, 0);
    const struct missing_weights plain = {
        .fit = stat_linear_fit(owner, &sample->data, LINEAR_MODEL_VARIANCE)};
    struct linear_estimate e = difference(&plain, 1, 0);
    assert_true(fabs(weighted.estimate / e.estimate - 1) < 1e-12);
    assert_true(weighted.df == e.df);
    for (size_t i = 0; i < sample->data.records; i++)
        assert_true(ask(sample, 4)->weights[i] == 1);
    talloc_free(owner);
}

static void test_stat_missing_weights_what_cannot_be_estimated_has_a_reason(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct sample *separated = load(owner, "separated");
    const struct missing_weights *answer = ask(separated, 4);
    struct linear_estimate e = difference(answer, 1, 0);
    assert_true(isnan(e.estimate) && strstr(e.reason, "separation") != NULL);
    assert_true(answer->n[0] > 0 && isnan(answer->effective[0]) && isnan(answer->largest[0]));
    /* Without the age the probability can be had; the outcome then follows the baseline exactly. */
    e = difference(ask(separated, 2), 1, 0);
    assert_true(fabs(e.estimate) < 1e-9 && isnan(e.se));
    assert_non_null(strstr(e.reason, "no residual variation"));
    e = difference(ask(load(owner, "empty_cohort"), 4), 1, 0);
    assert_true(isnan(e.estimate) && strstr(e.reason, "no record in the group") != NULL);
    struct sample *sample = load(owner, "small");
    for (size_t i = 0; i < sample->data.records; i++)
        sample->y[i] = (double)NAN;
    e = difference(ask(sample, 4), 1, 0);
    assert_true(isnan(e.estimate) && e.reason != NULL);
    sample->data.records = 0;
    e = difference(ask(sample, 4), 1, 0);
    assert_true(isnan(e.estimate) && e.reason != NULL);
    sample->variables[SITE].levels = LINEAR_COLUMNS_MOST;
    e = difference(ask(sample, 4), 1, 0);
    assert_true(isnan(e.estimate) && strstr(e.reason, "too many levels") != NULL);
    talloc_free(owner);
}

static void test_stat_missing_weights_one_record_has_no_variance(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct sample *sample = load(owner, "trial");
    sample->data.records = 1;
    sample->y[0] = 3;
    struct missing_weights *answer = ask(sample, 4);
    const struct linear_mean mean = {COHORT, (size_t)sample->cohort[0], LINEAR_MAIN, 0, LINEAR_EQUAL};
    struct linear_estimate e = stat_linear_mean(answer->fit, &mean, 0.95);
    assert_true(e.estimate == 3 && isnan(e.se) && e.reason != NULL);
    assert_true(answer->weights[0] == 1);
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat_missing_weights_gives_the_numbers_of_r),
        cmocka_unit_test(test_stat_missing_weights_levels_that_are_all_alike_give_the_numbers_of_r),
        cmocka_unit_test(test_stat_missing_weights_level_probabilities_are_1_and_0),
        cmocka_unit_test(test_stat_missing_weights_of_the_cohort_alone_are_1),
        cmocka_unit_test(test_stat_missing_weights_nobody_missing_is_least_squares),
        cmocka_unit_test(test_stat_missing_weights_what_cannot_be_estimated_has_a_reason),
        cmocka_unit_test(test_stat_missing_weights_one_record_has_no_variance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
