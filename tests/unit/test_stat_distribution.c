/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Expected numbers: R (tests/golden/distributions/make_distributions.R). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "reports/stat_distribution.h"
#include "tests/support/golden.h"

enum { MOST_ARGUMENTS = 3 };
#define TOLERANCE 1e-12      /* relative: the library is R's own */

static const struct function {
    const char *name;
    double (*one)(double);
    double (*two)(double, double);
    double (*three)(double, double, double);
} functions[] = {
    {"normal_quantile", stat_normal_quantile, NULL, NULL},
    {"normal_upper", stat_normal_upper, NULL, NULL},
    {"normal_two_sided", stat_normal_two_sided, NULL, NULL},
    {"t_quantile", NULL, stat_t_quantile, NULL},
    {"t_upper", NULL, stat_t_upper, NULL},
    {"t_two_sided", NULL, stat_t_two_sided, NULL},
    {"f_quantile", NULL, NULL, stat_f_quantile},
    {"f_upper", NULL, NULL, stat_f_upper},
    {"chi_square_upper", NULL, stat_chi_square_upper, NULL},
    {"gamma_quantile", NULL, stat_gamma_quantile, NULL},
    {"beta_quantile", NULL, NULL, stat_beta_quantile},
    {"binomial_density", NULL, NULL, stat_binomial_density},
    {"binomial_lower", NULL, NULL, stat_binomial_lower},
    {"binomial_upper", NULL, NULL, stat_binomial_upper},
    {"log_gamma", stat_log_gamma, NULL, NULL},
};
enum { FUNCTIONS = sizeof functions / sizeof functions[0] };

static double call(const struct function *function, const char *arguments)
{
    double a[MOST_ARGUMENTS] = {0};
    char *end = NULL;
    for (size_t i = 0; i < MOST_ARGUMENTS && *arguments != '\0'; i++, arguments = end)
        a[i] = strtod(arguments, &end);
    if (function->one != NULL)
        return function->one(a[0]);
    return function->two != NULL ? function->two(a[0], a[1]) : function->three(a[0], a[1], a[2]);
}

static void test_stat_distribution_each_function_gives_the_numbers_of_r(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    size_t count = 0, compared = 0;
    const struct golden_row *rows = golden_load(owner, "tests/golden/distributions/expected.csv", &count);
    for (size_t f = 0; f < FUNCTIONS; f++) {
        size_t before = compared;
        for (size_t i = 0; i < count; i++) {
            if (strcmp(rows[i].table, functions[f].name) != 0)
                continue;
            double expected = strtod(rows[i].value, NULL);
            double found = call(&functions[f], rows[i].row);
            if (!(fabs(found - expected) <= TOLERANCE * fabs(expected)))
                fail_msg("%s(%s): expected %.17g, found %.17g", rows[i].table, rows[i].row, expected, found);
            compared++;
        }
        assert_true(compared > before);
    }
    assert_int_equal(compared, count);
    talloc_free(owner);
}

/* Asks for a quantile that r-mathlib warns about, with stdout (1) or stderr (2) going to a file. */
static long bytes_written_to(int descriptor)
{
    FILE *caught = tmpfile();
    assert_non_null(caught);
    fflush(NULL);
    int kept = dup(descriptor);
    assert_true(kept >= 0);
    assert_true(dup2(fileno(caught), descriptor) >= 0);
    stat_beta_quantile(1e-300, 1, 1e-300);
    fflush(NULL);
    assert_true(dup2(kept, descriptor) >= 0);
    close(kept);
    fseek(caught, 0, SEEK_END);
    long bytes = ftell(caught);
    fclose(caught);
    return bytes;
}

static void test_stat_beta_quantile_imprecise_warns_on_stderr_only(void **state)
{
    (void)state;
    assert_int_equal(bytes_written_to(STDOUT_FILENO), 0);
    assert_true(bytes_written_to(STDERR_FILENO) > 0);
}

static void test_stat_distribution_outside_its_domain_is_nan(void **state)
{
    (void)state;
    for (size_t f = 0; f < FUNCTIONS; f++)
        assert_true(isnan(call(&functions[f], "nan nan nan")));
    assert_true(isnan(stat_normal_quantile(2)));
    assert_true(isnan(stat_t_quantile(0.975, -1)));
    assert_true(isnan(stat_beta_quantile(0.5, -1, 1)));
    assert_true(isnan(stat_t_two_sided(1, 0)));
    assert_true(isnan(stat_f_upper(1, -1, 4)));
    assert_true(isnan(stat_chi_square_upper(1, -1)));
    assert_true(isnan(stat_gamma_quantile(-0.5, 1)));
    assert_true(isnan(stat_binomial_lower(1, 2, 1.5)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat_beta_quantile_imprecise_warns_on_stderr_only),
        cmocka_unit_test(test_stat_distribution_each_function_gives_the_numbers_of_r),
        cmocka_unit_test(test_stat_distribution_outside_its_domain_is_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
