/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ANCOVA and subgroups of the simulated trial, against tests/golden/trial1000/expected. */
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
#include "reports/stat_linear_subgroup.h"
#include "tests/support/golden.h"
#include "tests/support/trial1000.h"
#include "tests/support/trial1000_values.h"

enum { COHORT, SITE, BASE, VARIABLES };

struct model {
    struct linear_variable variables[VARIABLES];
    struct linear_data data;
};

static const struct linear_term TERMS[] = {
    {COHORT, LINEAR_MAIN}, {BASE, LINEAR_MAIN}, {SITE, LINEAR_MAIN},
};

/* change ~ cohort + base + site; with two terms without site. */
static struct model *model_new(const void *owner, const struct trial1000_values *trial, int endpoint,
                               int visit, size_t terms)
{
    struct model *model = memory_new(owner, struct model);
    model->variables[COHORT] = (struct linear_variable){3, trial->cohort, NULL};
    model->variables[SITE] = (struct linear_variable){TRIAL1000_SITES_MOST, trial->site, NULL};
    model->variables[BASE] = (struct linear_variable){0, NULL, trial->values[endpoint][0]};
    model->data = (struct linear_data){
        .records = trial->subjects, .response = trial1000_change(model, trial, endpoint, visit),
        .variables = model->variables, .variable_count = VARIABLES, .terms = TERMS, .term_count = terms,
    };
    return model;
}

static int find(const char *const *names, int count, const char *name, size_t length)
{
    for (int i = 0; i < count; i++) {
        if (strlen(names[i]) == length && strncmp(names[i], name, length) == 0)
            return i;
    }
    fail_msg("no such name: %s", name);
    return -1;
}

static double pick(const struct linear_estimate *e, const char *stat)
{
    const struct {
        const char *stat;
        double value;
    } all[] = {
        {"lsmean", e->estimate}, {"diff", e->estimate}, {"se", e->se}, {"df", e->df},
        {"lo", e->lo},           {"hi", e->hi},         {"t", e->t},   {"p", e->p},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(all[i].stat, stat) == 0)
            return all[i].value;
    }
    fail_msg("no statistic %s", stat);
    return 0;
}

static double find_ancova(const struct linear_fit *fit, const struct golden_row *row)
{
    if (strcmp(row->col, "model") == 0)
        return strcmp(row->stat, "rmse") == 0 ? fit->residual_sd : fit->df;
    bool is_difference = row->col[0] == '(';    /* "(AD-MSC) - PLACEBO" */
    const char *name = row->col + is_difference;
    size_t length = is_difference ? strcspn(name, ")") : strlen(name);
    int cohort = find(trial1000_cohorts, 3, name, length);
    const struct linear_mean a = {COHORT, (size_t)cohort, LINEAR_MAIN, 0, LINEAR_EQUAL};
    const struct linear_mean placebo = {COHORT, 0, LINEAR_MAIN, 0, LINEAR_EQUAL};
    struct linear_estimate e = is_difference ? stat_linear_difference(fit, &a, &placebo, 0.95)
                                             : stat_linear_mean(fit, &a, 0.95);
    return pick(&e, row->stat);
}

static void assert_matches(const struct golden_row *row, double found)
{
    if (!golden_matches(row->stat, row->value, found))
        fail_msg("%s / %s / %s / %s: expected %s, found %.12g", row->table, row->row, row->col, row->stat,
                 row->value, found);
}

static void test_stat_linear_trial1000_gives_the_analysis_of_covariance_of_r(void **state)
{
    static const char start[] = "ANCOVA change ~ cohort+base+site ";
    size_t count = 0, compared = 0;
    const struct golden_row *rows = golden_load(*state, TRIAL1000 "/expected/ancova.csv", &count);
    const struct linear_fit *fits[TRIAL1000_ENDPOINTS][TRIAL1000_VISITS] = {{NULL}};
    for (size_t i = 0; i < count; i++) {
        if (strncmp(rows[i].table, start, strlen(start)) != 0)
            continue;
        const char *name = rows[i].table + strlen(start);
        int endpoint = find(trial1000_endpoints, TRIAL1000_ENDPOINTS, name, strlen(name));
        int visit = find(trial1000_visits, TRIAL1000_VISITS, rows[i].row, strlen(rows[i].row));
        const struct linear_fit **fit = &fits[endpoint][visit];
        if (*fit == NULL) {
            const struct model *model = model_new(*state, *state, endpoint, visit, 3);
            *fit = stat_linear_fit(*state, &model->data, LINEAR_MODEL_VARIANCE);
        }
        assert_matches(&rows[i], find_ancova(*fit, &rows[i]));
        compared++;
    }
    assert_int_equal(compared, 620);
}

/* -- forest -------------------------------------------------------------------------------------------- */

static const char *const GROUPS[3][3] = {
    {"KL", "KL 1-2", "KL 3-4"},
    {"BMI", "BMI <30", "BMI >=30"},
    {"injections", "injections 1", "injections 2-3"},
};

static int *group_codes(const struct trial1000_values *trial, int subgroup)
{
    int *codes = memory_new_array(trial, int, trial->subjects);
    for (size_t i = 0; i < trial->subjects; i++) {
        const bool seconds[3] = {trial->kl[i] >= 3, trial->bmi[i] >= 30, trial->injections[i] >= 2};
        codes[i] = seconds[subgroup];
    }
    return codes;
}

static double find_interaction(const struct linear_test *test, const char *stat)
{
    if (strcmp(stat, "F") == 0)
        return test->f;
    if (strcmp(stat, "p") == 0)
        return test->p;
    return strcmp(stat, "df1") == 0 ? test->df1 : test->df2;
}

static double find_forest(struct subgroup_answer *const *answers, const struct golden_row *row)
{
    for (int s = 0; s < 3; s++) {
        if (strcmp(row->row, GROUPS[s][0]) == 0)
            return find_interaction(&answers[s]->interaction, row->stat);
        for (int g = 0; g < 2; g++) {
            if (strcmp(row->row, GROUPS[s][g + 1]) != 0)
                continue;
            const struct subgroup_difference *d = &answers[s]->differences[g * 2 + (row->col[1] == 'U')];
            if (strcmp(row->stat, "n1") == 0)
                return (double)d->n;
            return strcmp(row->stat, "n0") == 0 ? (double)d->n_against : pick(&d->difference, row->stat);
        }
    }
    fail_msg("no group %s", row->row);
    return 0;
}

static void test_stat_linear_subgroup_trial1000_gives_the_forest_of_r(void **state)
{
    static const struct subgroup_pair pairs[] = {{1, 0}, {2, 0}};
    struct subgroup_answer *answers[3];
    size_t count = 0;
    const struct model *model = model_new(*state, *state, 0, 3, 2);
    for (int s = 0; s < 3; s++) {
        const struct subgroup_question question = {
            &model->data, COHORT, group_codes(*state, s), 2, pairs, 2, 0.95,
        };
        answers[s] = stat_linear_subgroup(*state, &question);
    }
    const struct golden_row *rows = golden_load(*state, TRIAL1000 "/expected/forest.csv", &count);
    for (size_t i = 0; i < count; i++)
        assert_matches(&rows[i], find_forest(answers, &rows[i]));
    assert_int_equal(count, 96);
}

static void test_stat_linear_subgroup_empty_groups_have_a_reason(void **state)
{
    const struct trial1000_values *trial = *state;
    static const struct subgroup_pair pairs[] = {{1, 0}};
    const struct model *model = model_new(trial, trial, 0, 3, 2);
    int *codes = memory_new_array(trial, int, trial->subjects);
    for (size_t i = 0; i < trial->subjects; i++)
        codes[i] = trial->cohort[i] == 0 ? 0 : 2;    /* group 1 is empty, 0 has the reference alone */
    const struct subgroup_question question = {&model->data, COHORT, codes, 3, pairs, 1, 0.95};
    const struct subgroup_answer *answer = stat_linear_subgroup(trial, &question);
    for (size_t g = 0; g < 3; g++) {
        assert_true(isnan(answer->differences[g].difference.estimate));
        assert_non_null(answer->differences[g].difference.reason);
    }
    assert_true(answer->differences[0].n == 0 && answer->differences[0].n_against > 0);
    assert_true(answer->differences[1].n == 0 && answer->differences[1].n_against == 0);
    assert_true(answer->differences[2].n > 0 && answer->differences[2].n_against == 0);
    assert_true(isnan(answer->interaction.p) && answer->interaction.reason != NULL);
}

static int set_up(void **state)
{
    *state = trial1000_load_values(NULL);
    return 0;
}

static int tear_down(void **state)
{
    talloc_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat_linear_trial1000_gives_the_analysis_of_covariance_of_r),
        cmocka_unit_test(test_stat_linear_subgroup_trial1000_gives_the_forest_of_r),
        cmocka_unit_test(test_stat_linear_subgroup_empty_groups_have_a_reason),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
