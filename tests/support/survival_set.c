/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/survival_set.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/date.h"
#include "forms/base/memory.h"
#include "forms/csv_table.h"

static struct csv_table *load(const void *owner, const char *path)
{
    struct error error = {0};
    struct csv_table *table = csv_table_load(owner, path, &error);
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

/* A set with room for `most` subjects; its arrays are filled by add_subject. */
static struct survival_set *set_new(const void *owner, size_t most, const char *const *groups,
                                    size_t group_count)
{
    struct survival_set *set = memory_new(owner, struct survival_set);
    set->data.days = memory_new_array(set, double, most);
    set->data.status = memory_new_array(set, unsigned char, most);
    set->data.group = memory_new_array(set, unsigned, most);
    set->data.stratum = memory_new_array(set, unsigned, most);
    set->data.group_count = group_count;
    set->data.stratum_count = 1;
    set->groups = groups;
    return set;
}

static void add_subject(struct survival_set *set, double days, enum survival_status status, unsigned group)
{
    size_t at = set->data.count++;
    ((double *)set->data.days)[at] = days;
    ((unsigned char *)set->data.status)[at] = (unsigned char)status;
    ((unsigned *)set->data.group)[at] = group;
}

static unsigned find_group(const char *const *groups, size_t count, const char *name)
{
    for (unsigned g = 0; g < count; g++) {
        if (strcmp(groups[g], name) == 0)
            return g;
    }
    fail_msg("no group %s", name);
    return 0;
}

struct survival_set *survival_set_load(const void *owner, const char *name)
{
    static const char *const groups[] = {"0", "1", "2", "3"};
    static const struct csv_table *table;        /* read once: tests ask for a set for each expected row */
    if (table == NULL)
        table = load(NULL, "tests/golden/survival/data.csv");
    struct survival_set *set = set_new(owner, table->row_count, groups, 1);
    set->x = memory_new_array(set, double, table->row_count);
    set->cluster = memory_new_array(set, unsigned, table->row_count);
    for (size_t i = 0; i < table->row_count; i++) {
        if (strcmp(cell(table, i, "set"), name) != 0)
            continue;
        unsigned group = find_group(groups, 4, cell(table, i, "group"));
        unsigned stratum = (unsigned)strtoul(cell(table, i, "stratum"), NULL, 10);
        size_t at = set->data.count;
        ((unsigned *)set->data.stratum)[at] = stratum;
        set->x[at] = strtod(cell(table, i, "x"), NULL);
        set->cluster[at] = (unsigned)strtoul(cell(table, i, "cluster"), NULL, 10);
        add_subject(set, strtod(cell(table, i, "days"), NULL),
                    (enum survival_status)strtoul(cell(table, i, "status"), NULL, 10), group);
        if (group >= set->data.group_count)
            set->data.group_count = group + 1;
        if (stratum >= set->data.stratum_count)
            set->data.stratum_count = stratum + 1;
    }
    if (set->data.count == 0)
        fail_msg("no set %s", name);
    return set;
}

struct survival_set *survival_set_gehan(const void *owner)
{
    static const char *const groups[] = {"6-MP", "control"};
    const struct csv_table *table = load(owner, "tests/golden/cases/gehan.csv");
    struct survival_set *set = set_new(owner, table->row_count, groups, 2);
    for (size_t i = 0; i < table->row_count; i++)
        add_subject(set, strtod(cell(table, i, "time"), NULL),
                    cell(table, i, "cens")[0] == '1' ? SURVIVAL_EVENT : SURVIVAL_CENSORED,
                    find_group(groups, 2, cell(table, i, "treat")));
    return set;
}

static double day_of(const struct csv_table *table, size_t row, const char *column)
{
    date_days date = 0;
    assert_true(date_parse(cell(table, row, column), &date));
    return (double)date;
}

/*
 * As make_expected.R has it: the day of replacement or of the end of study, day 1 being that of the
 * treatment.
 */
struct survival_set *survival_set_trial1000(const void *owner)
{
    static const char *const groups[] = {"PLACEBO", "AD-MSC", "UC-MSC"};
    const struct csv_table *table = load(owner, "tests/golden/trial1000/data/patient.csv");
    struct survival_set *set = set_new(owner, table->row_count, groups, 3);
    for (size_t i = 0; i < table->row_count; i++) {
        bool replaced = cell(table, i, "tkr_date")[0] != '\0';
        double day =
            day_of(table, i, replaced ? "tkr_date" : "eos_date") - day_of(table, i, "treat_date") + 1;
        add_subject(set, fmax(1, day), replaced ? SURVIVAL_EVENT : SURVIVAL_CENSORED,
                    find_group(groups, 3, cell(table, i, "cohort")));
    }
    return set;
}

struct survival_set *survival_set_shuffle(const void *owner, const struct survival_set *set)
{
    const struct survival_data *data = &set->data;
    size_t step = 7;
    while (data->count % step == 0)
        step += 2;
    struct survival_set *other = set_new(owner, data->count, set->groups, data->group_count);
    other->data.stratum_count = data->stratum_count;
    other->x = set->x == NULL ? NULL : memory_new_array(other, double, data->count);
    other->cluster = set->cluster == NULL ? NULL : memory_new_array(other, unsigned, data->count);
    for (size_t i = 0; i < data->count; i++) {
        size_t from = (i * step + 3) % data->count;
        ((unsigned *)other->data.stratum)[i] = data->stratum[from];
        if (set->x != NULL)
            other->x[i] = set->x[from];
        if (set->cluster != NULL)
            other->cluster[i] = set->cluster[from];
        add_subject(other, data->days[from], (enum survival_status)data->status[from], data->group[from]);
    }
    return other;
}

struct cox_model survival_set_model(const void *owner, const struct survival_set *set)
{
    const struct survival_data *data = &set->data;
    size_t *column = memory_new_array(owner, size_t, data->group_count);     /* 0: none, or the reference */
    bool *present = memory_new_array(owner, bool, data->group_count);
    size_t dummies = 0;
    bool reference = true;
    for (size_t i = 0; i < data->count; i++)
        present[data->group[i]] = true;
    for (size_t g = 0; g < data->group_count; g++) {
        if (present[g] && !reference)
            column[g] = ++dummies;
        reference = reference && !present[g];
    }
    size_t width = dummies + (set->x != NULL);
    double *covariates = memory_new_array(owner, double, data->count * width);
    for (size_t i = 0; i < data->count; i++) {
        if (column[data->group[i]] > 0)
            covariates[i * width + column[data->group[i]] - 1] = 1;
        if (set->x != NULL)
            covariates[i * width + dummies] = set->x[i];
    }
    return (struct cox_model){
        .data = data, .covariates = covariates, .covariate_count = width, .group_covariates = dummies,
        .level = 0.95,
    };
}

double survival_argument(const char *stat)
{
    const char *at = strchr(stat, '@');
    if (at == NULL)
        fail_msg("%s: no @", stat);
    return strtod(at + 1, NULL);
}

static bool is_exact(const char *stat)
{
    static const char *const starts[] = {"n_risk", "n",   "events", "obs", "df",
                                         "day@",   "q25", "median", "q75"};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        size_t length = strlen(starts[i]);
        if (strncmp(stat, starts[i], length) == 0 && (length > 1 || stat[length] == '\0'))
            return true;
    }
    return false;
}

static double largest_difference;

double survival_largest_difference(void)
{
    return largest_difference;
}

void survival_assert(const struct golden_row *row, double found)
{
    const char *expected = strcmp(row->value, "NaN") == 0 ? "NA" : row->value;
    if (!golden_matches(is_exact(row->stat) ? "n" : row->stat, expected, found))
        fail_msg("%s / %s / %s / %s: expected %s, found %.12g", row->table, row->row, row->col, row->stat,
                 row->value, found);
    double number = strtod(expected, NULL);
    if (isfinite(found) && fabs(number) > 1e-6)
        largest_difference = fmax(largest_difference, fabs(found - number) / fabs(number));
}
