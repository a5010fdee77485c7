/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Logistic regression and overlap weights; expected numbers: R (tests/golden/overlap/make_overlap.R). */
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
#include "reports/stat_logistic.h"
#include "reports/stat_overlap.h"
#include "tests/support/golden.h"

enum { SEX, KL, AGE, BMI, COHORT, VARIABLES };

static const struct linear_term TERMS[] = {
    {SEX, LINEAR_MAIN}, {KL, LINEAR_MAIN}, {AGE, LINEAR_MAIN}, {BMI, LINEAR_MAIN}, {COHORT, LINEAR_MAIN},
};

struct sample {
    struct linear_variable variables[VARIABLES];
    size_t records;
    int *sex, *kl, *cohort;
    double *age, *bmi, *y, *event;
};

static double number(const char *text)
{
    return text[0] == '\0' ? (double)NAN : strtod(text, NULL);
}

static struct sample *sample_new(const void *owner, size_t records)
{
    struct sample *sample = memory_new(owner, struct sample);
    int **codes[] = {&sample->sex, &sample->kl, &sample->cohort};
    double **numbers[] = {&sample->age, &sample->bmi, &sample->y, &sample->event};
    for (size_t i = 0; i < 3; i++)
        *codes[i] = memory_new_array(sample, int, records);
    for (size_t i = 0; i < 4; i++)
        *numbers[i] = memory_new_array(sample, double, records);
    sample->variables[SEX] = (struct linear_variable){2, sample->sex, NULL};
    sample->variables[KL] = (struct linear_variable){4, sample->kl, NULL};    /* nobody has level 3 */
    sample->variables[AGE] = (struct linear_variable){0, NULL, sample->age};
    sample->variables[BMI] = (struct linear_variable){0, NULL, sample->bmi};
    sample->variables[COHORT] = (struct linear_variable){3, sample->cohort, NULL};
    return sample;
}

/* Columns of data.csv: case, sex (f, m), kl (k1-k3), age, bmi, cohort (0-2), y, event (0, 1). */
static struct sample *load(const void *owner, const char *name)
{
    struct error error = {0};
    const struct csv_table *table = csv_table_load(owner, "tests/golden/overlap/data.csv", &error);
    if (table == NULL)
        fail_msg("%s", error.message);
    struct sample *sample = sample_new(owner, table->row_count);
    for (size_t i = 0; i < table->row_count; i++) {
        char *const *cells = (char *const *)table->rows[i].cells;
        if (strcmp(cells[0], name) != 0)
            continue;
        size_t next = sample->records++;
        sample->sex[next] = cells[1][0] == 'm';
        sample->kl[next] = cells[2][1] - '1';
        sample->age[next] = number(cells[3]);
        sample->bmi[next] = number(cells[4]);
        sample->cohort[next] = cells[5][0] - '0';
        sample->y[next] = number(cells[6]);
        sample->event[next] = number(cells[7]);
    }
    if (sample->records == 0)
        fail_msg("no case %s", name);
    return sample;
}

/* The propensity's terms, or with the cohort as a fifth those of the event. */
static struct linear_data *data_new(const struct sample *sample, const double *response, size_t terms)
{
    struct linear_data *data = memory_new(sample, struct linear_data);
    *data = (struct linear_data){
        .records = sample->records, .response = response, .variables = sample->variables,
        .variable_count = terms, .terms = TERMS, .term_count = terms,
    };
    return data;
}

static double pick(const struct linear_estimate *e, const char *stat)
{
    const struct {
        const char *stat;
        double value;
    } all[] = {
        {"estimate", e->estimate}, {"se", e->se}, {"lo", e->lo}, {"hi", e->hi}, {"z", e->t}, {"p", e->p},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(all[i].stat, stat) == 0)
            return all[i].value;
    }
    fail_msg("no statistic %s", stat);
    return 0;
}

static size_t report(const struct golden_row *row, double found)
{
    if (golden_matches(row->stat, row->value, found))
        return 0;
    print_error("%s / %s / %s / %s: expected %s, found %.12g\n", row->table, row->row, row->col, row->stat,
                row->value, found);
    return 1;
}

/* -- overlap weights --------------------------------------------------------------------------------- */

static struct overlap_answer *ask(const struct sample *sample, const double *outcome, int first, int second)
{
    struct overlap_question *question = memory_new(sample, struct overlap_question);
    *question = (struct overlap_question){data_new(sample, outcome, 4), sample->cohort, first, second, 0.95};
    return stat_overlap(sample, question);
}

/* "age", "sex f", "kl k2" */
static double find_balance(const struct overlap_answer *answer, const char *name)
{
    static const char *const names[] = {"sex f", "sex m", "kl k1", "kl k2", "kl k3", "age", "bmi"};
    assert_int_equal(answer->balance_count, 7);
    for (size_t i = 0; i < 7; i++) {
        if (strcmp(names[i], name) == 0)
            return answer->balance[i].before;
    }
    fail_msg("no variable %s", name);
    return 0;
}

static double find_overlap(const struct overlap_answer *answer, const struct golden_row *row)
{
    const struct {
        const char *col;
        const struct linear_estimate *estimate;
    } estimates[] = {
        {"mean first", &answer->means[0]},   {"mean second", &answer->means[1]},
        {"difference", &answer->difference}, {"log ratio", &answer->log_ratio},
    };
    for (size_t i = 0; i < 4; i++) {
        if (strcmp(estimates[i].col, row->col) == 0)
            return pick(estimates[i].estimate, row->stat);
    }
    if (strcmp(row->col, "histogram") == 0) {
        int first = strncmp(row->stat, "n.first.", 8) == 0;
        return (double)answer->histogram[!first][strtoul(row->stat + (first ? 8 : 9), NULL, 10)];
    }
    if (strncmp(row->col, "balance ", 8) == 0)
        return find_balance(answer, row->col + 8);
    size_t side = strcmp(row->col, "second") == 0;
    return strcmp(row->stat, "n") == 0 ? (double)answer->n[side] : answer->effective[side];
}

static void assert_balanced(const struct overlap_answer *answer)
{
    for (size_t i = 0; i < answer->balance_count; i++)
        assert_true(fabs(answer->balance[i].after) < 1e-9);
}

static size_t compare_overlap(const char *name)
{
    void *owner = memory_owner(NULL, "test");
    const struct sample *sample = load(owner, name);
    size_t count = 0, compared = 0, wrong = 0;
    const struct golden_row *rows = golden_load(owner, "tests/golden/overlap/expected.csv", &count);
    const struct overlap_answer *answer = NULL;
    for (size_t i = 0; i < count; i++) {
        char outcome[8];
        int first = 0, second = 0;
        if (strcmp(rows[i].table, name) != 0
            || sscanf(rows[i].row, "%7s %d - %d", outcome, &first, &second) != 3)
            continue;
        if (answer == NULL || strcmp(rows[i].row, rows[i - 1].row) != 0) {
            answer = ask(sample, outcome[0] == 'y' ? sample->y : sample->event, first, second);
            if (answer->reason != NULL)
                fail_msg("%s: %s", name, answer->reason);
            assert_balanced(answer);
        }
        wrong += report(&rows[i], find_overlap(answer, &rows[i]));
        compared++;
    }
    assert_int_equal(wrong, 0);
    talloc_free(owner);
    return compared;
}

static void test_stat_overlap_gives_the_numbers_of_r(void **state)
{
    (void)state;
    assert_int_equal(compare_overlap("registry"), 357);
    assert_int_equal(compare_overlap("poor_overlap"), 144);
    assert_int_equal(compare_overlap("small"), 144);
    assert_int_equal(compare_overlap("collinear"), 144);
    assert_int_equal(compare_overlap("equal_outcome"), 80);
}

static void test_stat_overlap_equal_outcomes_have_a_difference_without_a_variance(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct sample *sample = load(owner, "equal_outcome");
    const struct overlap_answer *answer = ask(sample, sample->y, 1, 0);
    const struct linear_estimate *difference = &answer->difference;
    assert_true(difference->estimate == 0 && isnan(difference->se) && isnan(difference->p));
    assert_non_null(strstr(difference->reason, "does not vary"));
    talloc_free(owner);
}

static void test_stat_overlap_separated_or_missing_cohorts_have_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *name, *reason;
    } cases[] = {
        {"separated", "separation"},
        {"apart", "separation"},
        {"one_cohort", "no record in one of the cohorts"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        void *owner = memory_owner(NULL, "test");
        const struct sample *sample = load(owner, cases[i].name);
        const struct overlap_answer *answer = ask(sample, sample->y, 1, 0);
        assert_non_null(answer->reason);
        assert_non_null(strstr(answer->reason, cases[i].reason));
        assert_true(isnan(answer->difference.estimate) && isnan(answer->means[0].estimate));
        assert_true(isnan(answer->log_ratio.estimate) && isnan(answer->effective[0]));
        assert_ptr_equal(answer->difference.reason, answer->reason);
        for (size_t b = 0; b < answer->balance_count; b++) {
            assert_true(isnan(answer->balance[b].after));
            assert_true(isnan(answer->balance[b].before) == (i == 2));
        }
        talloc_free(owner);
    }
}

static void test_stat_overlap_too_many_levels_have_a_reason(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct sample *sample = load(owner, "small");
    sample->variables[KL].levels = LINEAR_COLUMNS_MOST;
    const struct overlap_answer *answer = ask(sample, sample->y, 1, 0);
    assert_non_null(strstr(answer->reason, "too many levels"));
    assert_true(isnan(answer->difference.estimate) && answer->balance_count == 0);
    talloc_free(owner);
}

static void test_stat_overlap_without_terms_is_the_plain_difference_of_means(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct sample *sample = load(owner, "small");
    struct linear_data *data = data_new(sample, sample->y, 0);
    const struct overlap_question question = {data, sample->cohort, 1, 0, 0.95};
    const struct overlap_answer *answer = stat_overlap(owner, &question);
    double sum[2] = {0, 0}, squares[2] = {0, 0}, n[2] = {0, 0};
    for (size_t i = 0; i < sample->records; i++) {
        if (sample->cohort[i] > 1)
            continue;
        n[sample->cohort[i]]++;
        sum[sample->cohort[i]] += sample->y[i];
        squares[sample->cohort[i]] += sample->y[i] * sample->y[i];
    }
    double variance = 0;
    for (int c = 0; c < 2; c++)
        variance += (squares[c] - sum[c] * sum[c] / n[c]) / (n[c] * n[c]);
    assert_true(fabs(answer->difference.estimate - (sum[1] / n[1] - sum[0] / n[0])) < 1e-10);
    assert_true(fabs(answer->difference.se / sqrt(variance) - 1) < 1e-10);
    assert_true(answer->effective[0] > n[1] - 1e-9 && answer->effective[1] > n[0] - 1e-9);
    talloc_free(owner);
}

/* -- logistic regression ----------------------------------------------------------------------------- */

static struct linear_mean mean_at(int factor, size_t level)
{
    return (struct linear_mean){factor, level, LINEAR_MAIN, 0, LINEAR_EQUAL};
}

static double find_wald(const struct linear_test *test, const char *stat)
{
    if (strcmp(stat, "chisq") == 0)
        return test->f * test->df1;
    return strcmp(stat, "df1") == 0 ? test->df1 : test->p;
}

/* "1 - 0", "cohort1 - cohort0" and "k2 - k1" */
static double find_difference(const struct linear_fit *fit, int factor, const struct golden_row *row)
{
    const char *minus = strstr(row->col, " - ");
    size_t base = factor == KL ? 1 : 0;
    size_t a = (size_t)(minus[-1] - '0') - base, b = (size_t)(row->col[strlen(row->col) - 1] - '0') - base;
    const struct linear_mean means[2] = {mean_at(factor, a), mean_at(factor, b)};
    struct linear_estimate e = stat_linear_difference(fit, &means[0], &means[1], 0.95);
    assert_null(e.reason);
    return pick(&e, row->stat);
}

static double find_logistic(const struct linear_fit *fit, const double *probabilities,
                            const struct golden_row *row)
{
    if (strcmp(row->col, "probability") == 0) {
        size_t wanted = strtoul(row->stat + strlen("record"), NULL, 10), seen = 0;
        for (size_t i = 0; i < fit->design->data->records; i++) {
            seen += !isnan(probabilities[i]);
            if (seen == wanted)
                return probabilities[i];
        }
    }
    if (strcmp(row->col, "model") == 0)
        return strcmp(row->stat, "n") == 0 ? (double)fit->design->used : (double)fit->rank;
    if (strcmp(row->row, "logistic mean") == 0) {
        const struct linear_mean mean = mean_at(COHORT, (size_t)(row->col[0] - '0'));
        struct linear_estimate e = stat_linear_mean(fit, &mean, 0.95);
        return pick(&e, row->stat);
    }
    int factor = strcmp(row->row, "logistic kl") == 0 ? KL : COHORT;
    if (strcmp(row->col, "Wald") != 0)
        return find_difference(fit, factor, row);
    struct linear_test test = stat_linear_term(fit, factor == KL ? 1 : 4);
    return find_wald(&test, row->stat);
}

static size_t compare_logistic(const char *name)
{
    void *owner = memory_owner(NULL, "test");
    struct sample *sample = load(owner, name);
    for (size_t i = 0; i < sample->records; i++) {
        if (isnan(sample->y[i]))
            sample->event[i] = (double)NAN;    /* make_overlap.R takes complete records */
    }
    const struct linear_data *data = data_new(sample, sample->event, 5);
    const struct linear_fit *fit = stat_logistic_fit(owner, data);
    assert_null(fit->reason);
    double *probabilities = memory_new_array(owner, double, data->records);
    stat_logistic_probabilities(fit, probabilities);
    size_t count = 0, compared = 0, wrong = 0;
    const struct golden_row *rows = golden_load(owner, "tests/golden/overlap/expected.csv", &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].table, name) != 0 || strncmp(rows[i].row, "logistic", 8) != 0)
            continue;
        wrong += report(&rows[i], find_logistic(fit, probabilities, &rows[i]));
        compared++;
    }
    assert_int_equal(wrong, 0);
    talloc_free(owner);
    return compared;
}

static void test_stat_logistic_gives_the_numbers_of_r(void **state)
{
    (void)state;
    assert_int_equal(compare_logistic("registry"), 59);
    assert_int_equal(compare_logistic("small"), 59);
    assert_int_equal(compare_logistic("collinear"), 59);
}

static void test_stat_logistic_without_an_estimate_has_a_reason(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct sample *sample = load(owner, "small");
    double *response = memory_new_array(owner, double, sample->records);
    const struct linear_data *data = data_new(sample, response, 4);
    assert_non_null(strstr(stat_logistic_fit(owner, data)->reason, "the same in every record"));
    response[3] = 0.5;
    assert_non_null(strstr(stat_logistic_fit(owner, data)->reason, "neither 0 nor 1"));
    for (size_t i = 0; i < sample->records; i++)
        response[i] = sample->age[i] > 60;
    const struct linear_fit *fit = stat_logistic_fit(owner, data);
    assert_non_null(strstr(fit->reason, "separation"));
    const struct linear_mean mean = mean_at(SEX, 0);
    struct linear_estimate e = stat_linear_mean(fit, &mean, 0.95);
    assert_true(isnan(e.estimate) && e.reason == fit->reason);
    assert_true(isnan(stat_linear_term(fit, 0).p));
    talloc_free(owner);
}

static void test_stat_logistic_rare_event_of_many_records_converges(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    size_t n = 100000;
    struct sample *sample = sample_new(owner, n);
    sample->records = n;
    for (size_t i = 0; i < n; i++) {
        sample->sex[i] = i % 3 == 0;
        sample->event[i] = i % 5000 == 0 || i % 7500 == 3;
    }
    static const struct linear_term terms[] = {{SEX, LINEAR_MAIN}};
    struct linear_data *data = data_new(sample, sample->event, 1);
    data->terms = terms;
    const struct linear_fit *fit = stat_logistic_fit(owner, data);
    assert_null(fit->reason);
    double events[2] = {0, 0}, all[2] = {0, 0}, *probabilities = memory_new_array(owner, double, n);
    stat_logistic_probabilities(fit, probabilities);
    for (size_t i = 0; i < n; i++) {
        events[sample->sex[i]] += sample->event[i];
        all[sample->sex[i]]++;
    }
    for (size_t i = 0; i < 2; i++) {
        double expected = events[sample->sex[i]] / all[sample->sex[i]];
        assert_true(fabs(probabilities[i] / expected - 1) < 1e-10);
    }
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat_overlap_gives_the_numbers_of_r),
        cmocka_unit_test(test_stat_overlap_equal_outcomes_have_a_difference_without_a_variance),
        cmocka_unit_test(test_stat_overlap_separated_or_missing_cohorts_have_a_reason),
        cmocka_unit_test(test_stat_overlap_too_many_levels_have_a_reason),
        cmocka_unit_test(test_stat_overlap_without_terms_is_the_plain_difference_of_means),
        cmocka_unit_test(test_stat_logistic_gives_the_numbers_of_r),
        cmocka_unit_test(test_stat_logistic_without_an_estimate_has_a_reason),
        cmocka_unit_test(test_stat_logistic_rare_event_of_many_records_converges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
