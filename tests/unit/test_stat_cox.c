/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Expected numbers: R (tests/golden/survival/make_survival.R, tests/golden/cases, tests/golden/trial1000). */
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
#include "reports/stat_cox.h"
#include "tests/support/survival_set.h"

static bool starts_with(const char *string, const char *start)
{
    return strncmp(string, start, strlen(start)) == 0;
}

static enum cox_ties ties_of(const char *name)
{
    return starts_with(name, "efron") ? COX_EFRON : COX_BRESLOW;
}

static double pick_coefficient(const struct cox_coefficient *c, const char *stat, size_t length)
{
    const struct {
        const char *stat;
        double value;
    } all[] = {
        {"coef", c->coef}, {"se", c->se}, {"model_se", c->model_se}, {"hr", c->hr}, {"lo", c->lo},
        {"hi", c->hi},     {"p", c->p},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strlen(all[i].stat) == length && strncmp(all[i].stat, stat, length) == 0)
            return all[i].value;
    }
    fail_msg("no statistic %s", stat);
    return 0;
}

static double count_missing(const struct cox_fit *fit, size_t count)
{
    size_t missing = 0;
    for (size_t j = 0; j < count; j++)
        missing += isnan(fit->coefficients[j].coef);
    return (double)missing;
}

static double pick(const struct cox_fit *fit, const struct golden_row *row, size_t count)
{
    const char *at = strchr(row->stat, '@');
    if (at != NULL)
        return pick_coefficient(&fit->coefficients[strtoul(at + 1, NULL, 10) - 1], row->stat,
                                (size_t)(at - row->stat));
    const struct {
        const char *stat;
        double value;
    } all[] = {
        {"loglik0", fit->log_likelihood_null}, {"loglik", fit->log_likelihood},
        {"score", fit->score.chi_square},      {"lr", fit->likelihood_ratio.chi_square},
        {"wald", fit->wald.chi_square},        {"infinite", count_missing(fit, count)},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(all[i].stat, row->stat) == 0)
            return all[i].value;
    }
    fail_msg("no statistic %s", row->stat);
    return 0;
}

static void check_row(const struct golden_row *row)
{
    void *owner = memory_owner(NULL, "row");
    struct survival_set *set = survival_set_load(owner, row->row);
    if (strstr(row->col, "stratified") == NULL)
        set->data.stratum = NULL;
    struct cox_model model = survival_set_model(owner, set);
    model.ties = ties_of(row->col);
    if (strstr(row->col, "robust") != NULL) {
        model.cluster = set->cluster;
        model.cluster_count = set->data.count;
    }
    const struct cox_fit *fit = stat_cox_fit(owner, &model);
    assert_null(fit->reason);
    survival_assert(row, pick(fit, row, model.covariate_count));
    for (size_t j = 0; j < model.covariate_count; j++)
        assert_true((fit->coefficients[j].reason == NULL) == !isnan(fit->coefficients[j].p));
    talloc_free(owner);
}

static void test_stat_cox_fit_gives_the_numbers_of_r(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    size_t count = 0, compared = 0;
    const struct golden_row *rows = golden_load(owner, SURVIVAL_EXPECTED, &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].table, "cox") != 0)
            continue;
        check_row(&rows[i]);
        compared++;
    }
    assert_int_equal(compared, 1308);
    talloc_free(owner);
}

/* Columns of the expected files: "COHORT / REFERENCE". */
static size_t check_reference(const struct survival_set *set, const char *path, const char *table)
{
    void *owner = memory_owner(NULL, "test");
    size_t count = 0, compared = 0;
    const struct golden_row *rows = golden_load(owner, path, &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].table, table) != 0)
            continue;
        struct cox_model model = survival_set_model(owner, set);
        model.ties = ties_of(rows[i].row);
        const struct cox_fit *fit = stat_cox_fit(owner, &model);
        size_t group = 1;
        while (!starts_with(rows[i].col, set->groups[group]))
            group++;
        survival_assert(&rows[i], pick_coefficient(&fit->coefficients[group - 1], rows[i].stat,
                                                   strlen(rows[i].stat)));
        compared++;
    }
    talloc_free(owner);
    return compared;
}

static void test_stat_cox_fit_of_gehan_gives_the_unit_vectors(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    assert_int_equal(
        check_reference(survival_set_gehan(owner), "tests/golden/cases/unit_vectors.csv", "Cox gehan"), 10);
    talloc_free(owner);
}

static void test_stat_cox_fit_of_the_simulated_trial_gives_its_expected_numbers(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    assert_int_equal(
        check_reference(survival_set_trial1000(owner), "tests/golden/trial1000/expected/tkr.csv", "Cox"), 24);
    talloc_free(owner);
}

static void test_stat_cox_fit_agrees_with_r_to_many_more_digits_than_asked(void **state)
{
    (void)state;
    assert_true(survival_largest_difference() > 0);
    assert_true(survival_largest_difference() < 1e-7);
}

/* ---- what cannot be estimated ---- */

static const struct cox_fit *fit_of(const void *owner, const char *name, size_t *group_covariates)
{
    const struct survival_set *set = survival_set_load(owner, name);
    const struct cox_model model = survival_set_model(owner, set);
    *group_covariates = model.group_covariates;
    return stat_cox_fit(owner, &model);
}

static void test_stat_cox_fit_of_a_group_without_events_says_so(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    size_t groups = 0;
    const struct cox_fit *fit = fit_of(owner, "one group without events", &groups);
    assert_int_equal(groups, 2);
    assert_string_equal(fit->coefficients[0].reason, "no event in the group");
    assert_true(isnan(fit->coefficients[0].hr) && isnan(fit->coefficients[0].hi)
                && isnan(fit->coefficients[0].p));
    assert_null(fit->coefficients[1].reason);
    assert_true(fit->likelihood_ratio.chi_square > 0 && isnan(fit->wald.chi_square));
    talloc_free(owner);
}

static void test_stat_cox_fit_without_events_in_the_reference_says_so(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const double days[] = {5, 6, 7, 8, 9, 10};
    const unsigned char status[] = {1, 0, 1, 0, 1, 0};
    const double active[] = {1, 0, 1, 0, 1, 0};
    const struct survival_data data = {days, status, NULL, NULL, 6, 1, 1};
    const struct cox_model model = {
        .data = &data, .covariates = active, .covariate_count = 1, .group_covariates = 1, .level = 0.95,
    };
    const struct cox_fit *fit = stat_cox_fit(owner, &model);
    assert_string_equal(fit->coefficients[0].reason, "no event in the reference group");
    assert_true(fit->score.p < 0.1 && fit->likelihood_ratio.chi_square > 0);
    talloc_free(owner);
}

static void test_stat_cox_fit_of_separated_covariate_is_not_infinite(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const double days[] = {1, 2, 3, 4, 5, 6};
    const unsigned char status[] = {1, 1, 1, 1, 1, 1};
    const double x[] = {60, 50, 40, 30, 20, 10};
    const struct survival_data data = {days, status, NULL, NULL, 6, 1, 1};
    const struct cox_model model = {.data = &data, .covariates = x, .covariate_count = 1, .level = 0.95};
    const struct cox_fit *fit = stat_cox_fit(owner, &model);
    assert_true(isnan(fit->coefficients[0].coef));
    assert_non_null(strstr(fit->coefficients[0].reason, "monotone likelihood"));
    talloc_free(owner);
}

static void test_stat_cox_fit_without_events_or_subjects_has_a_reason(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    size_t groups = 0;
    const struct cox_fit *fit = fit_of(owner, "all censored", &groups);
    assert_string_equal(fit->reason, "no event in any group");
    assert_string_equal(fit->coefficients[0].reason, fit->reason);
    assert_true(isnan(fit->score.p) && isnan(fit->log_likelihood));
    const struct survival_data nobody = {NULL, NULL, NULL, NULL, 0, 1, 1};
    const struct cox_model model = {.data = &nobody, .covariate_count = 1, .level = 0.95};
    assert_string_equal(stat_cox_fit(owner, &model)->reason, "no subjects");
    talloc_free(owner);
}

static void test_stat_cox_fit_leaves_out_constant_and_dependent_covariates(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct survival_set *set = survival_set_load(owner, "ties");
    const struct cox_model alone = survival_set_model(owner, set);
    double *x = memory_new_array(owner, double, set->data.count * 4);
    for (size_t i = 0; i < set->data.count; i++) {
        const double *own = alone.covariates + i * 2;
        const double all[] = {0.1, own[0], own[1], 3 * own[1] - own[0]};
        memcpy(x + i * 4, all, sizeof all);
    }
    struct cox_model model = alone;
    model.covariates = x;
    model.covariate_count = 4;
    model.group_covariates = 0;
    const struct cox_fit *a = stat_cox_fit(owner, &alone), *b = stat_cox_fit(owner, &model);
    assert_non_null(b->coefficients[0].reason);
    assert_non_null(b->coefficients[3].reason);
    assert_true(a->coefficients[0].coef == b->coefficients[1].coef);
    assert_true(a->coefficients[1].se == b->coefficients[2].se && a->score.df == 2 && b->score.df == 2);
    assert_true(isnan(b->covariance[0]) && b->covariance[1 + 2 * 4] == a->covariance[0 + 1 * 2]);
    talloc_free(owner);
}

static void test_stat_cox_fit_of_groups_in_strata_of_their_own_has_a_reason(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct survival_set *set = survival_set_load(owner, "four groups");
    set->data.stratum = set->data.group;
    set->data.stratum_count = set->data.group_count;
    set->x = NULL;
    const struct cox_model model = survival_set_model(owner, set);
    const struct cox_fit *fit = stat_cox_fit(owner, &model);
    assert_non_null(fit->reason);
    assert_non_null(strstr(fit->coefficients[0].reason, "of this and of another group"));
    assert_true(fit->score.df == 0 && isnan(fit->score.p));
    talloc_free(owner);
}

static void test_stat_cox_fit_with_one_cluster_has_no_robust_error(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct survival_set *set = survival_set_load(owner, "ties");
    struct cox_model model = survival_set_model(owner, set);
    model.cluster = memory_new_array(owner, unsigned, set->data.count);
    model.cluster_count = 1;
    assert_string_equal(stat_cox_fit(owner, &model)->reason, "fewer than two clusters");
    talloc_free(owner);
}

/* ---- units and order ---- */

static void test_stat_cox_fit_in_other_units_gives_the_same_test(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct survival_set *set = survival_set_load(owner, "four groups");
    const struct cox_model model = survival_set_model(owner, set);
    const struct cox_fit *a = stat_cox_fit(owner, &model);
    for (size_t i = 0; i < set->data.count; i++)
        set->x[i] = 1e6 + set->x[i] * 1e-3;
    const struct cox_model other = survival_set_model(owner, set);
    const struct cox_fit *b = stat_cox_fit(owner, &other);
    assert_true(fabs(b->coefficients[3].z / a->coefficients[3].z - 1) < 1e-6);
    assert_true(fabs(b->coefficients[3].coef / a->coefficients[3].coef * 1e-3 - 1) < 1e-6);
    talloc_free(owner);
}

static void test_stat_cox_fit_in_another_order_gives_the_same_bits(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct survival_set *set = survival_set_load(owner, "strata");
    struct survival_set *other = survival_set_shuffle(owner, set);
    struct cox_model model = survival_set_model(owner, set), shuffled = survival_set_model(owner, other);
    model.cluster = set->cluster;
    shuffled.cluster = other->cluster;
    model.cluster_count = shuffled.cluster_count = set->data.count;
    const struct cox_fit *a = stat_cox_fit(owner, &model), *b = stat_cox_fit(owner, &shuffled);
    assert_memory_equal(&a->coefficients[0], &b->coefficients[0], offsetof(struct cox_coefficient, reason));
    assert_memory_equal(&a->coefficients[1], &b->coefficients[1], offsetof(struct cox_coefficient, reason));
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat_cox_fit_gives_the_numbers_of_r),
        cmocka_unit_test(test_stat_cox_fit_of_gehan_gives_the_unit_vectors),
        cmocka_unit_test(test_stat_cox_fit_of_the_simulated_trial_gives_its_expected_numbers),
        cmocka_unit_test(test_stat_cox_fit_agrees_with_r_to_many_more_digits_than_asked),
        cmocka_unit_test(test_stat_cox_fit_of_a_group_without_events_says_so),
        cmocka_unit_test(test_stat_cox_fit_without_events_in_the_reference_says_so),
        cmocka_unit_test(test_stat_cox_fit_of_separated_covariate_is_not_infinite),
        cmocka_unit_test(test_stat_cox_fit_without_events_or_subjects_has_a_reason),
        cmocka_unit_test(test_stat_cox_fit_leaves_out_constant_and_dependent_covariates),
        cmocka_unit_test(test_stat_cox_fit_of_groups_in_strata_of_their_own_has_a_reason),
        cmocka_unit_test(test_stat_cox_fit_with_one_cluster_has_no_robust_error),
        cmocka_unit_test(test_stat_cox_fit_in_other_units_gives_the_same_test),
        cmocka_unit_test(test_stat_cox_fit_in_another_order_gives_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
