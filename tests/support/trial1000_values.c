/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/trial1000_values.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/date.h"
#include "forms/base/memory.h"
#include "forms/csv_table.h"
#include "tests/support/trial1000.h"

const char *const trial1000_endpoints[TRIAL1000_ENDPOINTS] = {"pain", "stiff", "func", "total", "vas"};
const char *const trial1000_visits[TRIAL1000_VISITS] = {"BL", "M3", "M6", "M12", "M24"};
const char *const trial1000_cohorts[3] = {"PLACEBO", "AD-MSC", "UC-MSC"};

/* The row that counts for a subject's visit so far. */
struct choice {
    int distance, day;
    bool taken;
};

static const struct csv_table *load(const void *owner, const char *name)
{
    struct error error = {0};
    const char *path = memory_format(owner, TRIAL1000 "/data/%s", name);
    const struct csv_table *table = csv_table_load(owner, path, &error);
    if (table == NULL)
        fail_msg("%s: %s", path, error.message);
    return table;
}

static const char *cell(const struct csv_table *table, size_t row, const char *column)
{
    int at = csv_table_column(table, column);
    assert_true(at != CSV_NO_COLUMN);
    return table->rows[row].cells[at];
}

static double number(const struct csv_table *table, size_t row, const char *column)
{
    const char *text = cell(table, row, column);
    return text[0] == '\0' ? (double)NAN : strtod(text, NULL);
}

static int whole(const struct csv_table *table, size_t row, const char *column)
{
    return (int)strtol(cell(table, row, column), NULL, 10);
}

static date_days date(const struct csv_table *table, size_t row, const char *column)
{
    date_days days = DATE_NONE;
    assert_true(date_parse(cell(table, row, column), &days));
    return days;
}

static int cohort_of(const char *name)
{
    for (int c = 0; c < 3; c++) {
        if (strcmp(trial1000_cohorts[c], name) == 0)
            return c;
    }
    fail_msg("no cohort %s", name);
    return 0;
}

static date_days *load_subjects(struct trial1000_values *trial, const struct csv_table *table)
{
    date_days *treated = memory_new_array(trial, date_days, trial->subjects);
    for (size_t i = 0; i < trial->subjects; i++) {
        assert_int_equal(whole(table, i, "pid"), i + 1);
        trial->cohort[i] = cohort_of(cell(table, i, "cohort"));
        trial->site[i] = whole(table, i, "site") - 1;
        assert_in_range(trial->site[i], 0, TRIAL1000_SITES_MOST - 1);
        trial->female[i] = cell(table, i, "sex")[0] == 'F';
        trial->kl[i] = whole(table, i, "kl");
        trial->injections[i] = whole(table, i, "n_inj");
        trial->age[i] = number(table, i, "age");
        trial->bmi[i] = number(table, i, "bmi");
        treated[i] = date(table, i, "treat_date");
    }
    return treated;
}

/* Sum of a range of items, missing ones at the mean of the others; NAN when too many are missing. */
static double sum_items(const struct csv_table *table, size_t row, const int range[2], int missing_most)
{
    double sum = 0;
    int answered = 0, count = range[1] - range[0] + 1;
    for (int item = range[0]; item <= range[1]; item++) {
        char column[16];
        snprintf(column, sizeof column, "q%02d", item);
        double value = number(table, row, column);
        if (isnan(value))
            continue;
        sum += value;
        answered++;
    }
    return count - answered > missing_most ? (double)NAN : sum * count / answered;
}

static void score(const struct csv_table *table, size_t row, double values[TRIAL1000_ENDPOINTS])
{
    double pain = sum_items(table, row, (const int[]){1, 5}, 1);
    double stiffness = sum_items(table, row, (const int[]){6, 7}, 1);
    double function = sum_items(table, row, (const int[]){8, 24}, 3);
    values[0] = pain * 5;
    values[1] = stiffness * 12.5;
    values[2] = function / 68 * 100;
    values[3] = (pain + stiffness + function) / 96 * 100;
    values[4] = number(table, row, "vas");
}

/* The visit whose window has the study day; -1: none. */
static int visit_of(int day)
{
    static const int last_days[TRIAL1000_VISITS] = {1, 137, 274, 548, 911};
    for (int visit = 0; visit < TRIAL1000_VISITS; visit++) {
        if (day <= last_days[visit])
            return visit;
    }
    return -1;
}

/* Closest to the target; then the later day; then the later row. */
static bool is_better(const struct choice *old, const struct choice *new)
{
    if (!old->taken || new->distance != old->distance)
        return !old->taken || new->distance < old->distance;
    return new->day >= old->day;
}

static void load_visits(struct trial1000_values *trial, const struct csv_table *table,
                        const date_days *treated)
{
    static const int targets[TRIAL1000_VISITS] = {1, 92, 184, 366, 731};
    struct choice(*choices)[TRIAL1000_VISITS] =
        memory_zeroed(trial, trial->subjects, sizeof *choices, "choices");
    for (size_t i = 0; i < table->row_count; i++) {
        size_t subject = (size_t)whole(table, i, "pid") - 1;
        int day = date_study_day(date(table, i, "visit_date"), treated[subject]);
        int visit = visit_of(day);
        if (visit < 0)
            continue;
        const struct choice choice = {abs(day - targets[visit]), day, true};
        if (!is_better(&choices[subject][visit], &choice))
            continue;
        choices[subject][visit] = choice;
        double values[TRIAL1000_ENDPOINTS];
        score(table, i, values);
        for (int e = 0; e < TRIAL1000_ENDPOINTS; e++)
            trial->values[e][visit][subject] = values[e];
    }
}

struct trial1000_values *trial1000_load_values(const void *owner)
{
    struct trial1000_values *trial = memory_new(owner, struct trial1000_values);
    const struct csv_table *patients = load(trial, "patient.csv");
    size_t n = trial->subjects = patients->row_count;
    int **codes[] = {&trial->cohort, &trial->site, &trial->female, &trial->kl, &trial->injections};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        *codes[i] = memory_new_array(trial, int, n);
    trial->age = memory_new_array(trial, double, n);
    trial->bmi = memory_new_array(trial, double, n);
    for (int e = 0; e < TRIAL1000_ENDPOINTS; e++) {
        for (int v = 0; v < TRIAL1000_VISITS; v++) {
            trial->values[e][v] = memory_new_array(trial, double, n);
            for (size_t i = 0; i < n; i++)
                trial->values[e][v][i] = (double)NAN;
        }
    }
    load_visits(trial, load(trial, "submission.csv"), load_subjects(trial, patients));
    return trial;
}

double *trial1000_change(const void *owner, const struct trial1000_values *trial, int endpoint, int visit)
{
    double *change = memory_new_array(owner, double, trial->subjects);
    for (size_t i = 0; i < trial->subjects; i++)
        change[i] = trial->values[endpoint][visit][i] - trial->values[endpoint][0][i];
    return change;
}
