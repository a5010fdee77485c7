/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The quantiles themselves are held against R by the tests of the statistics that use them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "reports/stat_distribution.h"

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

static void test_stat_quantile_outside_its_domain_is_nan(void **state)
{
    (void)state;
    assert_true(isnan(stat_normal_quantile(2)));
    assert_true(isnan(stat_t_quantile(0.975, -1)));
    assert_true(isnan(stat_beta_quantile(0.5, -1, 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat_beta_quantile_imprecise_warns_on_stderr_only),
        cmocka_unit_test(test_stat_quantile_outside_its_domain_is_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
