/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reports/RESULTS.md names every table and statistic of the reports on the simulated trial and the demo study. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "tests/support/study.h"
#include "tests/support/trial1000_study.h"

enum { LINES_MOST = 400, LINE_SIZE = 4096 };

/* The lines of the table of rows; in each a cell before the first " | " with tables in backquotes. */
struct promise {
    char (*lines)[LINE_SIZE];
    size_t count;
};

static struct promise load_promise(const void *owner)
{
    struct promise promise = {(char (*)[LINE_SIZE])memory_new_array(owner, char, (size_t)LINES_MOST * LINE_SIZE), 0};
    FILE *file = fopen("reports/RESULTS.md", "r");
    assert_non_null(file);
    while (promise.count < LINES_MOST && fgets(promise.lines[promise.count], LINE_SIZE, file) != NULL)
        promise.count += strncmp(promise.lines[promise.count], "| ", 2) == 0;
    fclose(file);
    assert_in_range(promise.count, 50, LINES_MOST - 1);
    return promise;
}

/* The table is `name`, or `name <x> more` with something for <x>, or for a word in capitals at the end. */
static bool fits(const char *name, size_t length, const char *table)
{
    size_t literal = 0;
    while (literal < length && name[literal] != '<'
           && !(literal > 0 && name[literal - 1] == ' ' && strncmp(name + literal, "FORM", 4) == 0)
           && !(literal > 0 && name[literal - 1] == ' ' && strncmp(name + literal, "ENDPOINT", 8) == 0))
        literal++;
    if (strncmp(name, table, literal) != 0)
        return false;
    return literal < length ? table[literal] != '\0' : table[literal] == '\0';
}

/* An empty cell belongs to the tables of the line before. */
static bool names_table(const char *line, const char *table)
{
    const char *end = strstr(line, " | ");
    for (const char *open = strchr(line, '`'); open != NULL && end != NULL && open < end;) {
        const char *close = strchr(open + 1, '`');
        if (close == NULL)
            return false;
        if (fits(open + 1, (size_t)(close - open - 1), table))
            return true;
        open = strchr(close + 1, '`');
    }
    return false;
}

/* Also as an end: `_lo` `_hi`, `pct_` of each. */
static bool names_stat(const struct promise *promise, const char *stat)
{
    char whole[160], part[160];
    snprintf(part, sizeof part, "%.100s", stat);
    char *dot = strchr(part, '.');                   /* x.COHORT */
    if (dot != NULL)
        *dot = '\0';
    snprintf(whole, sizeof whole, dot != NULL ? "`%s.<cohort>`" : "`%s`", part);
    for (size_t i = 0; i < promise->count; i++)
        if (strstr(promise->lines[i], whole) != NULL)
            return true;
    size_t length = strlen(part);
    if (length > 3 && (strcmp(part + length - 3, "_lo") == 0 || strcmp(part + length - 3, "_hi") == 0)) {
        part[length - 3] = '\0';
        return names_stat(promise, part);
    }
    return false;
}

static void assert_promised(const struct promise *promise, const struct results *results)
{
    size_t missing = 0;
    for (size_t i = 0; i < results_count(results); i++) {
        const struct result *row = results_at(results, i);
        if (i > 0 && strcmp(row->table, results_at(results, i - 1)->table) == 0)
            continue;
        bool named = false;
        for (size_t l = 0; l < promise->count && !named; l++)
            named = names_table(promise->lines[l], row->table);
        if (!named)
            print_error("RESULTS.md does not name the table \"%s\"\n", row->table);
        missing += !named;
    }
    for (size_t i = 0; i < results_count(results); i++) {
        const struct result *row = results_at(results, i);
        static const char *const open[] = {"pct_", "reason ", "left "};    /* of endpoints and codes */
        bool derived = strstr(row->stat, "_scorable") != NULL;
        for (size_t k = 0; k < sizeof open / sizeof *open; k++)
            derived = derived || strncmp(row->stat, open[k], strlen(open[k])) == 0;
        if (derived || names_stat(promise, row->stat))
            continue;
        print_error("RESULTS.md does not name the stat \"%s\" (table \"%s\")\n", row->stat, row->table);
        missing++;
    }
    assert_int_equal(missing, 0);
}

static void test_results_promise_names_what_the_simulated_trial_has(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct promise promise = load_promise(owner);
    struct results *results = results_new(owner);
    analysis_run(study_finish(trial1000_study_by(owner, "tests/golden/covariance/protocol.yaml")), results);
    assert_promised(&promise, results);
    assert_false(names_stat(&promise, "no_such_stat"));
    talloc_free(owner);
}

static void test_results_promise_names_what_the_demo_has(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct promise promise = load_promise(owner);
    struct results *results = results_new(owner);
    struct study *study = study_new(owner, "forms/protocols/demo.yaml");
    for (int i = 0; i < 4; i++) {
        size_t subject = study_add_subject(study, 1, i + 1, KNEE_RIGHT, i % 2 == 0 ? "AD-MSC" : "CS");
        struct study_record *record =
            study_add_record(study, subject, "treatment", KNEE_RIGHT, "unscheduled", study_date("2024-03-01"));
        study_answer(study, record, "price", "100.00");
        study_answer(study, record, "currency", "EUR");
    }
    analysis_run(study_finish(study), results);
    assert_promised(&promise, results);
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results_promise_names_what_the_simulated_trial_has),
        cmocka_unit_test(test_results_promise_names_what_the_demo_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
