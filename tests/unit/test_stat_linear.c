/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Expected numbers: R (tests/golden/linear/make_linear.R, tests/golden/cases/unit_vectors.csv). */
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
#include "reports/stat_linear.h"
#include "tests/support/golden.h"

enum { ARM, SITE, GROUP, X1, X2, VARIABLES };

static const size_t LEVELS[VARIABLES] = {3, 30, 2, 0, 0};
static const struct linear_term MAIN_TERMS[] = {
    {ARM, LINEAR_MAIN}, {SITE, LINEAR_MAIN}, {X1, LINEAR_MAIN}, {X2, LINEAR_MAIN},
};
static const struct linear_term GROUP_TERMS[] = {
    {ARM, LINEAR_MAIN}, {GROUP, LINEAR_MAIN}, {X2, LINEAR_MAIN}, {ARM, GROUP},
};
static const struct linear_term SLOPE_TERMS[] = {
    {ARM, LINEAR_MAIN}, {X2, LINEAR_MAIN}, {ARM, X2},
};

struct sample {
    struct linear_variable variables[VARIABLES];
    struct linear_data data;
};

static struct sample *sample_new(const void *owner, size_t records)
{
    struct sample *sample = memory_new(owner, struct sample);
    for (size_t v = 0; v < VARIABLES; v++) {
        sample->variables[v].levels = LEVELS[v];
        if (LEVELS[v] > 0)
            sample->variables[v].codes = memory_new_array(sample, int, records);
        else
            sample->variables[v].values = memory_new_array(sample, double, records);
    }
    sample->data = (struct linear_data){
        .records = records, .response = memory_new_array(sample, double, records),
        .variables = sample->variables, .variable_count = VARIABLES, .terms = MAIN_TERMS, .term_count = 4,
    };
    return sample;
}

static void set_code(struct sample *sample, int variable, size_t record, int code)
{
    ((int *)sample->variables[variable].codes)[record] = code;
}

static void set_value(struct sample *sample, int variable, size_t record, double value)
{
    ((double *)sample->variables[variable].values)[record] = value;
}

static void set_response(struct sample *sample, size_t record, double value)
{
    ((double *)sample->data.response)[record] = value;
}

static double number(const char *text)
{
    return text[0] == '\0' ? (double)NAN : strtod(text, NULL);
}

/* Columns of data.csv: case, arm (A-C), site (s1-s4), group (g1-g2), x1, x2, y. */
static struct sample *load(const void *owner, const char *name)
{
    struct error error = {0};
    const struct csv_table *table = csv_table_load(owner, "tests/golden/linear/data.csv", &error);
    if (table == NULL)
        fail_msg("%s", error.message);
    struct sample *sample = sample_new(owner, table->row_count);
    size_t next = 0;
    for (size_t i = 0; i < table->row_count; i++) {
        char *const *cells = (char *const *)table->rows[i].cells;
        if (strcmp(cells[0], name) != 0)
            continue;
        set_code(sample, ARM, next, cells[1][0] - 'A');
        set_code(sample, SITE, next, cells[2][1] - '1');
        set_code(sample, GROUP, next, cells[3][1] - '1');
        set_value(sample, X1, next, number(cells[4]));
        set_value(sample, X2, next, number(cells[5]));
        set_response(sample, next, number(cells[6]));
        next++;
    }
    if (next == 0)
        fail_msg("no case %s", name);
    sample->data.records = next;
    return sample;
}

/* The rule of make_linear.R, "many"; records whose x2 is not used are all the same there. */
static struct sample *make_many(const void *owner)
{
    size_t n = 200000;
    struct sample *sample = sample_new(owner, n);
    for (size_t i = 0; i < n; i++) {
        int arm = (int)(i * 7 % 13 % 3), site = (int)(i * 31 % 101 % 30);
        double x1 = (double)(i * 7919 % 1009) / 10;
        set_code(sample, ARM, i, arm);
        set_code(sample, SITE, i, site);
        set_value(sample, X1, i, x1);
        double level = (double)(i * 104729 % 2003) / 20;
        set_response(sample, i, level + 3 * (arm == 1) - 0.25 * x1 + (site + 1) / 7.0);
    }
    sample->data.term_count = 3;
    return sample;
}

struct fits {
    const struct linear_fit *main, *hc3, *group, *slope;
};

static struct fits fit_all(struct sample *sample)
{
    struct fits fits = {0};
    struct linear_data *group = memory_new(sample, struct linear_data);
    struct linear_data *slope = memory_new(sample, struct linear_data);
    *group = *slope = sample->data;
    group->terms = GROUP_TERMS;
    group->term_count = 4;
    slope->terms = SLOPE_TERMS;
    slope->term_count = 3;
    fits.main = stat_linear_fit(sample, &sample->data, LINEAR_MODEL_VARIANCE);
    fits.hc3 = stat_linear_fit(sample, &sample->data, LINEAR_HC3);
    fits.group = stat_linear_fit(sample, group, LINEAR_MODEL_VARIANCE);
    fits.slope = stat_linear_fit(sample, slope, LINEAR_MODEL_VARIANCE);
    return fits;
}

/* "A", "A in g2" */
static struct linear_mean parse_mean(const char *arm, const char *col, enum linear_margins margins)
{
    const char *in = strstr(col, " in g");
    struct linear_mean mean = {ARM, (size_t)(arm[0] - 'A'), LINEAR_MAIN, 0, margins};
    if (in != NULL) {
        mean.within = GROUP;
        mean.within_level = (size_t)(in[5] - '1');
    }
    return mean;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);
    return length >= strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}

static struct linear_estimate find_estimate(const struct fits *fits, const struct golden_row *row)
{
    double level = strncmp(row->row, "level ", 6) == 0 ? strtod(row->row + 6, NULL) : 0.95;
    bool observed = ends_with(row->row, "observed");
    enum linear_margins margins = observed ? LINEAR_OBSERVED : LINEAR_EQUAL;
    const struct linear_fit *fit = strstr(row->row, "interaction") != NULL ? fits->group : fits->main;
    if (ends_with(row->row, "HC3"))
        fit = fits->hc3;
    struct linear_mean a = parse_mean(row->col, row->col, margins);
    const char *minus = strstr(row->col, " - ");
    if (minus == NULL)
        return stat_linear_mean(fit, &a, level);
    struct linear_mean b = parse_mean(minus + 3, row->col, margins);
    if (strcmp(row->row, "difference of differences") == 0) {
        const struct linear_mean means[4] = {
            {ARM, 1, GROUP, 1, margins}, {ARM, 0, GROUP, 1, margins},
            {ARM, 1, GROUP, 0, margins}, {ARM, 0, GROUP, 0, margins},
        };
        return stat_linear_interaction(fits->group, means, level);
    }
    return stat_linear_difference(fit, &a, &b, level);
}

static double pick_estimate(const struct linear_estimate *e, const char *stat)
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

static double pick_test(const struct linear_test *t, const char *stat)
{
    const struct {
        const char *stat;
        double value;
    } all[] = {{"ss", t->ss}, {"F", t->f}, {"df1", t->df1}, {"df2", t->df2}, {"p", t->p}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(all[i].stat, stat) == 0)
            return all[i].value;
    }
    fail_msg("no statistic %s", stat);
    return 0;
}

static double pick_model(const struct linear_fit *fit, const char *stat)
{
    if (strcmp(stat, "n") == 0)
        return (double)fit->design->used;
    if (strcmp(stat, "rank") == 0)
        return (double)fit->rank;
    return strcmp(stat, "sd") == 0 ? fit->residual_sd : fit->r2;
}

static double find_test(const struct fits *fits, const struct golden_row *row)
{
    static const char *const names[] = {"arm", "site", "x1", "x2"};
    struct linear_test test = {0};
    if (strcmp(row->col, "arm:group") == 0)
        test = stat_linear_term(fits->group, 3);
    else if (strcmp(row->col, "arm:x2") == 0)
        test = stat_linear_term(fits->slope, 2);
    for (size_t t = 0; t < 4; t++) {
        if (strcmp(row->col, names[t]) == 0)
            test = stat_linear_term(fits->main, t);
    }
    return pick_test(&test, row->stat);
}

static double find(const struct fits *fits, const struct golden_row *row)
{
    if (strcmp(row->row, "model") == 0)
        return pick_model(fits->main, row->stat);
    if (strcmp(row->row, "term") == 0)
        return find_test(fits, row);
    struct linear_estimate e = find_estimate(fits, row);
    if (strncmp(row->row, "tost ", 5) == 0)
        return stat_linear_equivalence(&e, strtod(row->row + 5, NULL));
    assert_true(isnan(e.estimate) == (strcmp(row->value, "NA") == 0));
    assert_true((e.reason != NULL) == isnan(e.se));
    return pick_estimate(&e, row->stat);
}

/* Returns the number of rows that were compared. */
static size_t compare(struct sample *sample, const char *name)
{
    size_t count = 0, compared = 0, wrong = 0;
    const struct fits fits = fit_all(sample);
    const struct golden_row *rows = golden_load(sample, "tests/golden/linear/expected.csv", &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].table, name) != 0)
            continue;
        double found = find(&fits, &rows[i]);
        compared++;
        if (golden_matches(rows[i].stat, rows[i].value, found))
            continue;
        print_error("%s / %s / %s / %s: expected %s, found %.12g\n", name, rows[i].row, rows[i].col,
                    rows[i].stat, rows[i].value, found);
        wrong++;
    }
    assert_int_equal(wrong, 0);
    return compared;
}

static void test_stat_linear_gives_the_numbers_of_r(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t rows;
    } cases[] = {
        {"unbalanced", 303},         {"empty_cell", 257},    {"one_site", 252}, {"one_arm", 19},
        {"equal", 4},                {"collinear", 247},     {"confounded", 245}, {"saturated", 2},
        {"constant_covariate", 252}, {"far_from_zero", 257}, {"alone", 257},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        void *owner = memory_owner(NULL, "test");
        assert_int_equal(compare(load(owner, cases[i].name), cases[i].name), cases[i].rows);
        talloc_free(owner);
    }
}

static void test_stat_linear_of_many_records_gives_the_numbers_of_r(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    assert_int_equal(compare(make_many(owner), "many"), 127);
    talloc_free(owner);
}

/* post ~ Drug + pre; unit_vectors.csv compares with F. */
static struct sample *load_drugs(const void *owner)
{
    static const struct linear_term terms[] = {{ARM, LINEAR_MAIN}, {X1, LINEAR_MAIN}};
    struct error error = {0};
    const struct csv_table *table = csv_table_load(owner, "tests/golden/cases/drugtest.csv", &error);
    if (table == NULL)
        fail_msg("%s", error.message);
    struct sample *sample = sample_new(owner, table->row_count);
    for (size_t i = 0; i < table->row_count; i++) {
        set_code(sample, ARM, i, (int)(strchr("ADF", table->rows[i].cells[0][0]) - "ADF"));
        set_value(sample, X1, i, number(table->rows[i].cells[1]));
        set_response(sample, i, number(table->rows[i].cells[2]));
    }
    sample->data.terms = terms;
    sample->data.term_count = 2;
    return sample;
}

static double find_drug(const struct linear_fit *fit, const struct golden_row *row)
{
    static const char drugs[] = "ADF";
    if (strcmp(row->row, "type III Drug") == 0) {
        struct linear_test test = stat_linear_term(fit, 0);
        return pick_test(&test, row->stat);
    }
    if (strcmp(row->col, "model") == 0)
        return strcmp(row->stat, "rmse") == 0 ? fit->residual_sd : fit->df;
    size_t at = (size_t)(strchr(drugs, row->col[0]) - drugs);
    const struct linear_mean a = {ARM, at, LINEAR_MAIN, 0, LINEAR_EQUAL};
    const struct linear_mean b = {ARM, 2, LINEAR_MAIN, 0, LINEAR_EQUAL};
    struct linear_estimate e = strchr(row->col, '-') == NULL ? stat_linear_mean(fit, &a, 0.95)
                                                             : stat_linear_difference(fit, &a, &b, 0.95);
    return pick_estimate(&e, row->stat);
}

static void test_stat_linear_drug_test_gives_the_unit_vectors(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    size_t count = 0, compared = 0;
    const struct sample *sample = load_drugs(owner);
    const struct linear_fit *fit = stat_linear_fit(owner, &sample->data, LINEAR_MODEL_VARIANCE);
    const struct golden_row *rows = golden_load(owner, "tests/golden/cases/unit_vectors.csv", &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].table, "ANCOVA DrugTest") != 0)
            continue;
        double found = find_drug(fit, &rows[i]);
        compared++;
        if (!golden_matches(rows[i].stat, rows[i].value, found))
            fail_msg("%s / %s: expected %s, found %.12g", rows[i].col, rows[i].stat, rows[i].value, found);
    }
    assert_int_equal(compared, 34);
    talloc_free(owner);
}

/* -- what cannot be estimated ------------------------------------------------------------------------- */

static struct linear_mean arm_mean(size_t arm)
{
    return (struct linear_mean){ARM, arm, LINEAR_MAIN, 0, LINEAR_EQUAL};
}

static struct linear_estimate difference(const struct linear_fit *fit, size_t a, size_t b)
{
    const struct linear_mean means[2] = {arm_mean(a), arm_mean(b)};
    return stat_linear_difference(fit, &means[0], &means[1], 0.95);
}

static void assert_none(const struct linear_estimate *e, const char *reason)
{
    assert_true(isnan(e->estimate) && isnan(e->se) && isnan(e->df) && isnan(e->lo) && isnan(e->hi));
    assert_true(isnan(e->t) && isnan(e->p));
    assert_non_null(e->reason);
    assert_non_null(strstr(e->reason, reason));
    assert_true(isnan(stat_linear_equivalence(e, 5)));
}

static void test_stat_linear_group_without_records_has_a_reason(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct sample *sample = load(owner, "one_arm");
    const struct linear_fit *fit = stat_linear_fit(owner, &sample->data, LINEAR_MODEL_VARIANCE);
    const struct linear_mean a = arm_mean(0), b = arm_mean(1);
    struct linear_estimate e = stat_linear_mean(fit, &a, 0.95);
    assert_true(e.reason == NULL && e.se > 0);
    e = stat_linear_mean(fit, &b, 0.95);
    assert_none(&e, "no record in the group");
    e = difference(fit, 1, 0);
    assert_none(&e, "no record in the group");
    struct linear_test test = stat_linear_term(fit, 0);
    assert_true(test.df1 == 0 && isnan(test.f) && isnan(test.p) && isnan(test.ss));
    assert_non_null(strstr(test.reason, "adds nothing"));
    talloc_free(owner);
}

static void test_stat_linear_arm_of_its_own_site_has_a_reason(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct sample *sample = load(owner, "confounded");
    const struct linear_fit *fit = stat_linear_fit(owner, &sample->data, LINEAR_MODEL_VARIANCE);
    struct linear_estimate e = difference(fit, 2, 0);
    assert_none(&e, "cannot be told apart");
    talloc_free(owner);
}

static void test_stat_linear_equal_values_give_estimates_without_a_variance(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct sample *sample = load(owner, "equal");
    for (int variance = LINEAR_MODEL_VARIANCE; variance <= LINEAR_HC3; variance++) {
        const struct linear_fit *fit = stat_linear_fit(owner, &sample->data, (enum linear_variance)variance);
        const struct linear_mean a = arm_mean(0);
        struct linear_estimate e = stat_linear_mean(fit, &a, 0.95);
        assert_true(fabs(e.estimate - 7.3) < 1e-14 && isnan(e.se) && isnan(e.lo) && isnan(e.p));
        assert_non_null(strstr(e.reason, "no residual variation"));
        e = difference(fit, 1, 0);
        assert_true(e.estimate == 0 && isnan(e.p) && e.reason != NULL);
        struct linear_test test = stat_linear_term(fit, 0);
        assert_true(isnan(test.f) && isnan(test.p) && test.reason != NULL);
    }
    talloc_free(owner);
}

static void test_stat_linear_as_many_coefficients_as_records_has_no_variance(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct sample *sample = load(owner, "saturated");
    const struct linear_fit *fit = stat_linear_fit(owner, &sample->data, LINEAR_MODEL_VARIANCE);
    struct linear_estimate e = difference(fit, 1, 0);
    assert_true(isfinite(e.estimate) && isnan(e.se));
    assert_non_null(strstr(e.reason, "no degrees of freedom"));
    talloc_free(owner);
}

static void test_stat_linear_record_alone_at_its_site_leaves_no_hc3(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct sample *sample = load(owner, "alone");
    const struct linear_fit *fit = stat_linear_fit(owner, &sample->data, LINEAR_HC3);
    struct linear_estimate e = difference(fit, 1, 0);
    assert_true(isfinite(e.estimate) && isnan(e.se));
    assert_non_null(strstr(e.reason, "alone in its level"));
    talloc_free(owner);
}

static void test_stat_linear_without_records_or_with_too_many_levels_has_a_reason(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct sample *sample = load(owner, "one_arm");
    const bool *nobody = memory_new_array(sample, bool, sample->data.records);
    sample->data.included = nobody;
    const struct linear_fit *fit = stat_linear_fit(owner, &sample->data, LINEAR_MODEL_VARIANCE);
    struct linear_estimate e = difference(fit, 1, 0);
    assert_none(&e, "no record");
    assert_int_equal(fit->design->left_out, 0);
    sample->data.included = NULL;
    set_response(sample, 3, (double)INFINITY);
    fit = stat_linear_fit(owner, &sample->data, LINEAR_MODEL_VARIANCE);
    assert_int_equal(fit->design->left_out, 1);
    sample->variables[SITE].levels = LINEAR_COLUMNS_MOST;
    fit = stat_linear_fit(owner, &sample->data, LINEAR_MODEL_VARIANCE);
    e = difference(fit, 1, 0);
    assert_none(&e, "too many levels");
    struct linear_test test = stat_linear_term(fit, 0);
    assert_true(isnan(test.df1) && test.reason == fit->reason);
    talloc_free(owner);
}

static void test_stat_linear_main_effect_of_an_interaction_has_no_test_of_its_own(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct fits fits = fit_all(load(owner, "unbalanced"));
    for (size_t term = 0; term < 2; term++)
        assert_non_null(strstr(stat_linear_term(fits.group, term).reason, "part of an interaction"));
    assert_null(stat_linear_term(fits.group, 2).reason);
    assert_null(stat_linear_term(fits.group, 3).reason);
    talloc_free(owner);
}

static void test_stat_linear_values_out_of_range_have_a_reason(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct sample *sample = load(owner, "one_site");
    set_response(sample, 0, 1e200);
    const struct linear_fit *fit = stat_linear_fit(owner, &sample->data, LINEAR_MODEL_VARIANCE);
    struct linear_estimate e = difference(fit, 1, 0);
    assert_none(&e, "out of the range");
    talloc_free(owner);
}

/* -- cells and rows -------------------------------------------------------------------------------------- */

static void assert_close(double a, double b)
{
    if (!(fabs(a - b) <= 1e-9 * (fabs(a) + 1e-3)))
        fail_msg("%.17g is not %.17g", a, b);
}

/* The same model, with a factor of so many levels that it is summed by rows; all are at its first level. */
static struct linear_fit *fit_by_rows(const void *owner, const struct linear_data *data)
{
    struct linear_data *wide = memory_new(owner, struct linear_data);
    struct linear_variable *variables = memory_new_array(owner, struct linear_variable, VARIABLES + 1);
    struct linear_term *terms = memory_new_array(owner, struct linear_term, data->term_count + 1);
    memcpy(variables, data->variables, VARIABLES * sizeof *variables);
    memcpy(terms, data->terms, data->term_count * sizeof *terms);
    variables[VARIABLES] = (struct linear_variable){300, memory_new_array(owner, int, data->records), NULL};
    terms[data->term_count] = (struct linear_term){VARIABLES, LINEAR_MAIN};
    *wide = *data;
    wide->variables = variables;
    wide->variable_count = VARIABLES + 1;
    wide->terms = terms;
    wide->term_count = data->term_count + 1;
    return stat_linear_fit(owner, wide, LINEAR_MODEL_VARIANCE);
}

static void test_stat_linear_by_cells_equals_by_rows(void **state)
{
    (void)state;
    static const struct linear_term terms[] = {
        {X1, LINEAR_MAIN}, {ARM, LINEAR_MAIN}, {SITE, LINEAR_MAIN}, {GROUP, LINEAR_MAIN},
        {ARM, GROUP},      {X2, LINEAR_MAIN},  {X2, ARM},           {SITE, X1},
    };
    void *owner = memory_owner(NULL, "test");
    struct sample *sample = make_many(owner);
    sample->data.records = 1000;
    for (size_t i = 0; i < 1000; i++) {
        set_code(sample, GROUP, i, i * 17 % 29 < 11);
        set_value(sample, X2, i, 50 + (double)(i * 13 % 37) / 7);
        if (i % 23 == 0)
            set_code(sample, GROUP, i, -1);
    }
    sample->data.terms = terms;
    sample->data.term_count = sizeof terms / sizeof terms[0];
    const struct linear_fit *cells = stat_linear_fit(owner, &sample->data, LINEAR_MODEL_VARIANCE);
    const struct linear_fit *rows = fit_by_rows(owner, &sample->data);
    assert_int_equal(cells->rank, rows->rank);
    assert_close(cells->total_ss, rows->total_ss);
    assert_close(cells->residual_ss, rows->residual_ss);
    for (size_t j = 0; j < cells->design->columns; j++) {
        assert_close(cells->xty[j], rows->xty[j]);
        assert_close(cells->squares[j], rows->squares[j]);
        for (size_t i = 0; i < cells->design->columns; i++)
            assert_close(cells->xtx[i + j * cells->design->columns], rows->xtx[i + j * rows->design->columns]);
    }
    for (size_t t = 6; t < sample->data.term_count; t++)
        assert_close(stat_linear_term(cells, t).p, stat_linear_term(rows, t).p);
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat_linear_gives_the_numbers_of_r),
        cmocka_unit_test(test_stat_linear_of_many_records_gives_the_numbers_of_r),
        cmocka_unit_test(test_stat_linear_drug_test_gives_the_unit_vectors),
        cmocka_unit_test(test_stat_linear_group_without_records_has_a_reason),
        cmocka_unit_test(test_stat_linear_arm_of_its_own_site_has_a_reason),
        cmocka_unit_test(test_stat_linear_equal_values_give_estimates_without_a_variance),
        cmocka_unit_test(test_stat_linear_as_many_coefficients_as_records_has_no_variance),
        cmocka_unit_test(test_stat_linear_record_alone_at_its_site_leaves_no_hc3),
        cmocka_unit_test(test_stat_linear_without_records_or_with_too_many_levels_has_a_reason),
        cmocka_unit_test(test_stat_linear_main_effect_of_an_interaction_has_no_test_of_its_own),
        cmocka_unit_test(test_stat_linear_values_out_of_range_have_a_reason),
        cmocka_unit_test(test_stat_linear_by_cells_equals_by_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
