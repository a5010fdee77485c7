/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/trial1000.h"

#include <string.h>

static bool is_of_ranks(const char *stat)
{
    return strcmp(stat, "W") == 0 || strcmp(stat, "auc") == 0 || strncmp(stat, "p_norm", strlen("p_norm")) == 0;
}

/*
 * The other tables of that file are of another part.  There equal changes of function and total are no ties where
 * their last bits differ: their ranks are in ranks.csv.
 */
static bool is_effect_size(const struct golden_row *row)
{
    bool fractions = strcmp(row->table, "effect size func") == 0 || strcmp(row->table, "effect size total") == 0;
    return strncmp(row->table, "effect size ", strlen("effect size ")) == 0 && !(fractions && is_of_ranks(row->stat));
}

static bool is_ancova(const struct golden_row *row)
{
    return strncmp(row->table, "ANCOVA ", strlen("ANCOVA ")) == 0;
}

static const char *renamed(const char *name, const char *const (*names)[2], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, names[i][0]) == 0)
            return names[i][1];
    }
    return name;
}

/* emmeans puts names with a minus into brackets; groups by number have a space in their name. */
static void rename_differences(struct golden_row *row)
{
    static const char *const contrasts[][2] = {{"(AD-MSC) - PLACEBO", "AD-MSC - PLACEBO"},
                                               {"(UC-MSC) - PLACEBO", "UC-MSC - PLACEBO"}};
    static const char *const groups[][2] = {{"BMI <30", "BMI < 30"}, {"BMI >=30", "BMI >= 30"}};
    row->col = renamed(row->col, contrasts, sizeof contrasts / sizeof contrasts[0]);
    row->row = renamed(row->row, groups, sizeof groups / sizeof groups[0]);
}

/*
 * There "expected" is every treated subject; the report calls that `treated`, and `expected` is by the due
 * window.
 */
static void rename_expected(struct golden_row *row)
{
    if (strcmp(row->table, "completeness") == 0 && strcmp(row->stat, "expected") == 0)
        row->stat = "treated";
}

/*
 * Subject 61 (PLACEBO) has no WOMAC pain at baseline, two items of five being open.  There a missing change
 * is "missing" unless two other domains decided; the report asks whether any baseline pain from 0 to 100
 * could make it a response, and at months 6 and 24 none can: one evaluable subject more, no responder more.
 * By the report's definition these rows are in tests/golden/tables.
 */
static bool is_decided_alike(const struct golden_row *row)
{
    return strcmp(row->table, "responder oarsi observed") != 0 || strstr(row->col, "PLACEBO") == NULL
        || (strcmp(row->row, "M6") != 0 && strcmp(row->row, "M24") != 0);
}

const struct trial1000_part trial1000_parts[TRIAL1000_PARTS] = {
    {"descriptive", {TRIAL1000 "/expected/descriptive.csv", NULL, rename_expected, false}, 1695},
    /* 3 rules, observed and imputed, 4 visits: 3 cohorts of 7 numbers, 2 contrasts of 22; 102 are decided otherwise */
    {"responder", {TRIAL1000 "/expected/responder.csv", is_decided_alike, NULL, false}, 1458},
    /* 5 endpoints, 4 visits, 2 contrasts of 24 numbers, less 64 of ranks.csv */
    {"effect size", {TRIAL1000 "/expected/ancova.csv", is_effect_size, NULL, false}, 896},
    /* 5 endpoints, 4 visits: 3 cohorts of 5 numbers, 2 contrasts of 7, 2 of the model */
    {"ancova", {TRIAL1000 "/expected/ancova.csv", is_ancova, rename_differences, false}, 620},
    /* 3 subgroups: 2 levels of 2 contrasts with 7 numbers, and an F test of 4 */
    {"forest", {TRIAL1000 "/expected/forest.csv", NULL, rename_differences, false}, 96},
    /* 23 rows: 3 cohorts of 9 numbers, 2 contrasts of 6; 3 severities and 3 flags in 3 cohorts */
    {"ae", {TRIAL1000 "/expected/ae.csv", NULL, NULL, false}, 915},
    {"tables", {"tests/golden/tables/expected.csv", NULL, NULL, false}, 3449},
    {"covariance", {"tests/golden/covariance/equal.csv", NULL, NULL, false}, 2652},
};
