/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/golden.h"

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

static struct csv_table *load(const void *owner, const char *path)
{
    struct error error = {0};
    struct csv_table *table = csv_table_load(owner, path, &error);
    if (table == NULL)
        fail_msg("%s:%d: %s", path, error.line, error.message);
    return table;
}

static const char *cell(const struct csv_table *table, size_t row, const char *column)
{
    int at = csv_table_column(table, column);
    if (at == CSV_NO_COLUMN)
        fail_msg("expected numbers: no column %s", column);
    return table->rows[row].cells[at];
}

struct golden_row *golden_load(const void *owner, const char *path, size_t *count)
{
    const struct csv_table *table = load(owner, path);
    struct golden_row *rows = memory_new_array(owner, struct golden_row, table->row_count);
    for (size_t i = 0; i < table->row_count; i++) {
        rows[i] = (struct golden_row){
            cell(table, i, "table"), cell(table, i, "row"), cell(table, i, "col"), cell(table, i, "stat"),
            cell(table, i, "value"),
        };
    }
    *count = table->row_count;
    return rows;
}

double *golden_load_sample(const void *owner, const char *sample, size_t *count)
{
    double factor = 0, modulus = 0, divisor = 0;
    if (sscanf(sample, "seq %zu %lf %lf %lf", count, &factor, &modulus, &divisor) == 4) {
        double *sequence = memory_new_array(owner, double, *count);
        for (size_t i = 0; i < *count; i++)
            sequence[i] = fmod((double)i * factor, modulus) / divisor;
        return sequence;
    }
    const struct csv_table *table = load(owner, "tests/golden/statistics/samples.csv");
    double *values = memory_new_array(owner, double, table->row_count);
    *count = 0;
    for (size_t i = 0; i < table->row_count; i++) {
        if (strcmp(cell(table, i, "sample"), sample) == 0)
            values[(*count)++] = strtod(cell(table, i, "value"), NULL);
    }
    if (*count == 0)
        fail_msg("no sample %s", sample);
    return values;
}

struct results *golden_read_results(const void *owner, const char *path)
{
    struct results *results = results_new(owner);
    const struct csv_table *table = load(results, path);
    for (size_t i = 0; i < table->row_count; i++) {
        const struct result row = {
            cell(table, i, "table"), cell(table, i, "row"), cell(table, i, "col"), cell(table, i, "stat"),
            strtod(cell(table, i, "value"), NULL), cell(table, i, "status"), cell(table, i, "note"),
        };
        if (row.status[0] == '\0')
            results_add(results, row.table, row.row, row.col, row.stat, row.value);
        else
            results_add_missing(results, &row);
    }
    return results;
}

static bool starts_with(const char *string, const char *start)
{
    return strncmp(string, start, strlen(start)) == 0;
}

static bool ends_with(const char *string, const char *end)
{
    size_t length = strlen(string);
    return length >= strlen(end) && strcmp(string + length - strlen(end), end) == 0;
}

static bool is_exact(const char *stat)
{
    static const char *const names[] = {
        "n",   "nmiss",   "q1",       "median",      "q3",       "min",
        "max", "treated", "expected", "submissions", "subjects", "events",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(stat, names[i]) == 0)
            return true;
    }
    return starts_with(stat, "x.") || starts_with(stat, "n.") || ends_with(stat, "_subjects")
        || ends_with(stat, "_events") || (ends_with(stat, "_scorable") && !starts_with(stat, "pct"));
}

bool golden_matches(const char *stat, const char *expected, double actual)
{
    if (expected[0] == '\0' || strcmp(expected, "NA") == 0)
        return isnan(actual);
    double number = strtod(expected, NULL);
    if (!is_exact(stat))
        return fabs(actual - number) <= 1e-6 * fabs(number) + 1e-12;
    char digits[2][32];
    snprintf(digits[0], sizeof digits[0], "%.12g", number);
    snprintf(digits[1], sizeof digits[1], "%.12g", actual);
    return strcmp(digits[0], digits[1]) == 0;
}

static bool row_matches(const struct results *results, const struct golden_rules *rules,
                        const struct golden_row *row)
{
    const struct result *found = results_find(results, row->table, row->row, row->col, row->stat);
    if (found != NULL && golden_matches(row->stat, row->value, found->value))
        return true;
    if (rules->silent)
        return false;
    print_error("%s: %s / %s / %s / %s: expected %s, ", rules->path, row->table, row->row, row->col,
                row->stat, row->value);
    if (found == NULL)
        print_error("no such row\n");
    else
        print_error("found %.12g %s\n", found->value, found->status);
    return false;
}

struct golden_outcome golden_compare(const struct results *results, const struct golden_rules *rules)
{
    struct golden_outcome outcome = {0};
    void *owner = memory_owner(NULL, "golden rows");
    size_t count = 0;
    struct golden_row *rows = golden_load(owner, rules->path, &count);
    for (size_t i = 0; i < count; i++) {
        if (rules->compares != NULL && !rules->compares(&rows[i]))
            continue;
        if (rules->adjust != NULL)
            rules->adjust(&rows[i]);
        outcome.compared++;
        outcome.mismatches += !row_matches(results, rules, &rows[i]);
    }
    talloc_free(owner);
    return outcome;
}

static const struct result *find(const struct results *results, const char *const names[4])
{
    const struct result *found = results_find(results, names[0], names[1], names[2], names[3]);
    if (found == NULL)
        fail_msg("%s / %s / %s / %s: no such row", names[0], names[1], names[2], names[3]);
    return found;
}

void assert_result(const struct results *results, const char *const names[4], double value)
{
    const struct result *found = find(results, names);
    if (found->status[0] != '\0' || found->value != value)
        fail_msg("%s / %s / %s / %s: expected %.12g, found %.12g %s", names[0], names[1], names[2], names[3],
                 value, found->value, found->status);
}

void assert_result_status(const struct results *results, const char *const names[4], const char *status)
{
    const struct result *found = find(results, names);
    if (strcmp(found->status, status) != 0 || !isnan(found->value) || found->note[0] == '\0')
        fail_msg("%s / %s / %s / %s: expected status %s with a note, found %.12g '%s' '%s'", names[0],
                 names[1], names[2], names[3], status, found->value, found->status, found->note);
}
