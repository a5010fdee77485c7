/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "reports/stat_matrix.h"

/* LL' with L = (2 0 0; 1 3 0; -1 0.5 4), whose determinant is 24^2. */
static const double POSITIVE[9] = {4, 2, -2, 2, 10, 0.5, -2, 0.5, 17.25};

static double distance(const double *a, const double *b, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++)
        most = fmax(most, fabs(a[i] - b[i]));
    return most;
}

static void test_stat_matrix_cholesky_finds_the_factor_and_its_log_determinant(void **state)
{
    (void)state;
    double a[9];
    memcpy(a, POSITIVE, sizeof a);
    assert_true(stat_matrix_cholesky(a, 3));
    const double found[6] = {a[0], a[1], a[2], a[4], a[5], a[8]};
    assert_true(distance(found, (double[]){2, 1, -1, 3, 0.5, 4}, 6) < 1e-14);
    assert_true(fabs(stat_matrix_log_determinant(a, 3) - 2 * log(24)) < 1e-14);
}

static void test_stat_matrix_cholesky_reads_the_lower_triangle_alone(void **state)
{
    (void)state;
    double a[9];
    memcpy(a, POSITIVE, sizeof a);
    a[3] = a[6] = a[7] = (double)NAN;
    assert_true(stat_matrix_cholesky(a, 3));
}

static void test_stat_matrix_cholesky_refuses_what_is_not_positive_definite(void **state)
{
    (void)state;
    static const double cases[][4] = {
        {1, 1, 1, 1},           {1, 2, 2, 1},                {0, 0, 0, 0},
        {1, (double)NAN, 0, 1}, {(double)INFINITY, 0, 0, 1}, {-1, 0, 0, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double a[4];
        memcpy(a, cases[i], sizeof a);
        assert_false(stat_matrix_cholesky(a, 2));
    }
}

static void test_stat_matrix_solve_and_inverse_undo_the_matrix(void **state)
{
    (void)state;
    static const double x[6] = {1, -2, 0.5, 0, 7, -3};
    double b[6], factor[9], inverse[9], unit[9];
    for (size_t c = 0; c < 2; c++) {
        for (size_t i = 0; i < 3; i++) {
            const double *column = x + 3 * c;
            const double *row = POSITIVE + i;
            b[i + 3 * c] = row[0] * column[0] + row[3] * column[1] + row[6] * column[2];
        }
    }
    double form = b[0] * x[0] + b[1] * x[1] + b[2] * x[2];
    memcpy(factor, POSITIVE, sizeof factor);
    assert_true(stat_matrix_cholesky(factor, 3));
    double half[3] = {b[0], b[1], b[2]};
    stat_matrix_solve_lower(factor, 3, half, 1);
    assert_true(fabs(half[0] * half[0] + half[1] * half[1] + half[2] * half[2] - form) < 1e-12);
    stat_matrix_solve(factor, 3, b, 2);
    assert_true(distance(b, x, 6) < 1e-13);
    memcpy(inverse, factor, sizeof inverse);
    stat_matrix_invert(inverse, 3);
    for (size_t i = 0; i < 9; i++) {
        const double *row = inverse + 3 * (i % 3);
        const double *column = POSITIVE + 3 * (i / 3);
        unit[i] = row[0] * column[0] + row[1] * column[1] + row[2] * column[2];
    }
    assert_true(distance(unit, (double[]){1, 0, 0, 0, 1, 0, 0, 0, 1}, 9) < 1e-13);
}

static void cross_product(const double *x, size_t rows, size_t columns, double *a)
{
    for (size_t j = 0; j < columns; j++) {
        for (size_t i = 0; i < columns; i++) {
            a[i + j * columns] = 0;
            for (size_t r = 0; r < rows; r++)
                a[i + j * columns] += x[r + i * rows] * x[r + j * rows];
        }
    }
}

static void test_stat_matrix_independent_drops_the_later_of_dependent_columns(void **state)
{
    (void)state;
    /* intercept, a dummy, its complement, a number, the number in other units and moved, nothing, a number */
    static const double x[] = {
        1, 1, 1, 1, 1, 1,  1, 1, 0, 0, 0, 0,  0, 0, 1, 1, 1, 1,  31.1, 28.7, 40.3, 22.9, 35.5, 19.3,
        311.1, 287.1, 403.1, 229.1, 355.1, 193.1,  0, 0, 0, 0, 0, 0,  5, 0, 3, 2, 0, 1,
    };
    static const bool expected[7] = {true, true, false, true, false, false, true};
    double a[49];
    bool kept[7];
    cross_product(x, 6, 7, a);
    assert_int_equal(stat_matrix_independent(a, 7, NULL, kept), 4);
    assert_memory_equal(kept, expected, sizeof kept);
    double small[16];
    stat_matrix_take(a, 7, kept, small);
    assert_true(small[1] == 2 && small[2] == a[3] && small[15] == 39 && small[14] == a[6 + 3 * 7]);
    assert_true(stat_matrix_cholesky(small, 4));
}

static void test_stat_matrix_independent_measures_by_the_lengths_before_centring(void **state)
{
    (void)state;
    double a[4] = {3, 0, 0, 3e-30};    /* a constant number, centred: rounding is all that is left */
    bool kept[2];
    assert_int_equal(stat_matrix_independent(a, 2, NULL, kept), 2);
    assert_int_equal(stat_matrix_independent(a, 2, (double[]){3, 3e4}, kept), 1);
    a[3] = (double)NAN;
    assert_int_equal(stat_matrix_independent(a, 2, NULL, kept), 1);
    assert_true(kept[0] && !kept[1]);
}

static void test_stat_matrix_eigen_finds_values_and_vectors(void **state)
{
    (void)state;
    double a[9], values[3];
    memcpy(a, POSITIVE, sizeof a);
    assert_true(stat_matrix_eigen(a, 3, values));
    assert_true(values[0] < values[1] && values[1] < values[2]);
    assert_true(fabs(values[0] * values[1] * values[2] - 24 * 24) < 1e-9);
    for (size_t v = 0; v < 3; v++) {
        const double *vector = a + 3 * v;
        double largest = vector[0];
        for (size_t i = 0; i < 3; i++) {
            const double *row = POSITIVE + i;
            double product = row[0] * vector[0] + row[3] * vector[1] + row[6] * vector[2];
            assert_true(fabs(product - values[v] * vector[i]) < 1e-12);
            largest = fabs(vector[i]) > fabs(largest) ? vector[i] : largest;
        }
        assert_true(largest > 0);
    }
    double bad[4] = {1, (double)INFINITY, (double)NAN, 1};
    assert_false(stat_matrix_eigen(bad, 2, values));
}

static void test_stat_matrix_bilinear_reads_the_lower_triangle_alone(void **state)
{
    (void)state;
    const double a[4] = {2, 3, (double)NAN, 5};
    assert_true(stat_matrix_bilinear(a, 2, (double[]){1, -1}, (double[]){4, 2}) == 1 * 8 + 6 - 12 - 10);
}

static void test_stat_matrix_without_columns_is_no_error(void **state)
{
    (void)state;
    double nothing[1] = {0};
    assert_true(stat_matrix_cholesky(nothing, 0));
    stat_matrix_solve(nothing, 0, nothing, 1);
    stat_matrix_invert(nothing, 0);
    assert_true(stat_matrix_log_determinant(nothing, 0) == 0);
    assert_true(stat_matrix_eigen(nothing, 0, nothing));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat_matrix_cholesky_finds_the_factor_and_its_log_determinant),
        cmocka_unit_test(test_stat_matrix_cholesky_reads_the_lower_triangle_alone),
        cmocka_unit_test(test_stat_matrix_cholesky_refuses_what_is_not_positive_definite),
        cmocka_unit_test(test_stat_matrix_solve_and_inverse_undo_the_matrix),
        cmocka_unit_test(test_stat_matrix_independent_drops_the_later_of_dependent_columns),
        cmocka_unit_test(test_stat_matrix_independent_measures_by_the_lengths_before_centring),
        cmocka_unit_test(test_stat_matrix_eigen_finds_values_and_vectors),
        cmocka_unit_test(test_stat_matrix_bilinear_reads_the_lower_triangle_alone),
        cmocka_unit_test(test_stat_matrix_without_columns_is_no_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
