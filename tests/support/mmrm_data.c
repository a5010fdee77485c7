/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/mmrm_data.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/csv_table.h"

enum { TERMS = 3, LEVELS_MOST = 64 };

struct column {
    const char *names[LEVELS_MOST];
    size_t count;
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *cell(const struct csv_table *table, size_t row, const char *column)
{
    int at = csv_table_column(table, column);
    assert_int_not_equal(at, CSV_NO_COLUMN);
    return table->rows[row].cells[at];
}

static double number(const char *text)
{
    return text[0] == '\0' ? (double)NAN : strtod(text, NULL);
}

/* Levels of a column among the subjects from..to - 1, in the order of their names. */
static int *read_levels(const void *owner, const struct csv_table *table, const size_t range[2],
                        const char *name, size_t *count)
{
    struct column column = {.count = 0};
    int *levels = memory_new_array(owner, int, range[1] - range[0]);
    for (size_t i = range[0]; i < range[1]; i++) {
        const char *text = cell(table, i, name);
        size_t known = 0;
        while (known < column.count && strcmp(column.names[known], text) != 0)
            known++;
        assert_true(known < LEVELS_MOST);
        if (known == column.count)
            column.names[column.count++] = text;
    }
    qsort(column.names, column.count, sizeof column.names[0], compare_names);
    for (size_t i = range[0]; i < range[1]; i++) {
        while (strcmp(column.names[levels[i - range[0]]], cell(table, i, name)) != 0)
            levels[i - range[0]]++;
    }
    *count = column.count;
    return levels;
}

struct mmrm_input *mmrm_data_load(const void *owner, const char *path, const char *name, size_t visits)
{
    struct error error = {0};
    struct mmrm_input *input = memory_new(owner, struct mmrm_input);
    const struct csv_table *table = csv_table_load(input, path, &error);
    if (table == NULL)
        fail_msg("%s:%d: %s", path, error.line, error.message);
    size_t range[2] = {0, 0};
    while (range[0] < table->row_count && strcmp(cell(table, range[0], "case"), name) != 0)
        range[0]++;
    range[1] = range[0];
    while (range[1] < table->row_count && strcmp(cell(table, range[1], "case"), name) == 0)
        range[1]++;
    size_t n = range[1] - range[0];
    assert_true(n > 0);
    struct mmrm_term *terms = memory_new_array(input, struct mmrm_term, TERMS);
    double *base = memory_new_array(input, double, n);
    double *y = memory_new_array(input, double, n * visits);
    terms[0] = (struct mmrm_term){.name = "base", .covariate = base};
    for (size_t i = 0; i < n; i++) {
        base[i] = number(cell(table, range[0] + i, "base"));
        for (size_t j = 0; j < visits; j++) {
            char column[24];
            snprintf(column, sizeof column, "V%02zu", j + 1);
            y[i * visits + j] = number(cell(table, range[0] + i, column));
        }
    }
    terms[1].name = "site";
    terms[1].level = read_levels(input, table, range, "site", &terms[1].level_count);
    terms[2].name = "stratum";
    terms[2].level = read_levels(input, table, range, "stratum", &terms[2].level_count);
    input->cohort = read_levels(input, table, range, "cohort", &input->cohort_count);
    input->subject_count = n;
    input->visit_count = visits;
    input->y = y;
    input->terms = terms;
    input->term_count = TERMS;
    return input;
}

void mmrm_data_use(struct mmrm_input *input, unsigned terms, unsigned by_visit)
{
    struct mmrm_term *chosen = memory_new_array(input, struct mmrm_term, TERMS);
    size_t count = 0;
    for (size_t t = 0; t < TERMS; t++) {
        if ((terms >> t & 1U) == 0)
            continue;
        chosen[count] = input->terms[t];
        chosen[count++].by_visit = (by_visit >> t & 1U) != 0;
    }
    input->terms = chosen;
    input->term_count = count;
}
