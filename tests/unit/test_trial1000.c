/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The simulated trial of tests/golden/trial1000, from its CSV straight into a data set: selection, scores and
 * analyses against numbers computed in R.  (The way through the daemon and the database is another test.)
 */
#include <ctype.h>
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
#include "reports/analysis.h"
#include "tests/support/study.h"
#include "tests/support/trial1000.h"

static struct csv_table *load(const void *owner, const char *name)
{
    struct error error = {0};
    struct csv_table *table = csv_table_load(owner, memory_format(owner, TRIAL1000 "/data/%s", name), &error);
    if (table == NULL)
        fail_msg("%s: %s", name, error.message);
    return table;
}

static const char *cell(const struct csv_table *table, size_t row, const char *column)
{
    int at = csv_table_column(table, column);
    assert_true(at != CSV_NO_COLUMN);
    return table->rows[row].cells[at];
}

/* Subjects are numbered 1, 2, ... in the file, so that the index is the number less one. */
static size_t subject_of(const struct csv_table *table, size_t row)
{
    return strtoul(cell(table, row, "pid"), NULL, 10) - 1;
}

static void answer_unless_empty(struct study *study, struct study_record *record, const char *item,
                                const char *text)
{
    if (text[0] != '\0')
        study_answer(study, record, item, text);
}

static char *lower(const void *owner, const char *text)
{
    char *copy = memory_copy_string(owner, text);
    for (char *c = copy; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    return copy;
}

static void add_patients(struct study *study, const struct csv_table *table)
{
    for (size_t i = 0; i < table->row_count; i++) {
        int site = atoi(cell(table, i, "site"));
        size_t subject = study_add_subject(study, site, (int)i + 1, KNEE_RIGHT, cell(table, i, "cohort"));
        assert_int_equal(subject, subject_of(table, i));
        date_days treated = study_date(cell(table, i, "treat_date"));
        study_add_record(study, subject, "treatment", KNEE_RIGHT, "unscheduled", treated);
        struct study_record *record = study_add_record(study, subject, "baseline", KNEE_NONE, "BL", treated);
        study_answer(study, record, "age_years", cell(table, i, "age"));
        study_answer(study, record, "sex", lower(table, cell(table, i, "sex")));
        study_answer(study, record, "bmi", cell(table, i, "bmi"));
        study_answer(study, record, "kl_grade", cell(table, i, "kl"));
        date_days end = study_date(cell(table, i, "eos_date"));
        record = study_add_record(study, subject, "end_of_study", KNEE_NONE, "unscheduled", end);
        study_answer(study, record, "last_contact", cell(table, i, "eos_date"));
    }
}

static const char *visit_of(const char *nominal)
{
    static const char *const visits[][2] = {
        {"0", "BL"}, {"91", "M3"}, {"183", "M6"}, {"365", "M12"}, {"730", "M24"}};
    for (size_t i = 0; i < sizeof visits / sizeof visits[0]; i++) {
        if (strcmp(visits[i][0], nominal) == 0)
            return visits[i][1];
    }
    fail_msg("no visit %s", nominal);
    return NULL;
}

static void add_questionnaires(struct study *study, const struct csv_table *table)
{
    for (size_t i = 0; i < table->row_count; i++) {
        size_t subject = subject_of(table, i);
        const char *visit = visit_of(cell(table, i, "visit_nominal"));
        date_days date = study_date(cell(table, i, "visit_date"));
        struct study_record *record = study_add_record(study, subject, "womac_lk", KNEE_RIGHT, visit, date);
        for (int item = 1; item <= 24; item++) {
            char column[16], id[16];
            snprintf(column, sizeof column, "q%02d", item);
            snprintf(id, sizeof id, "w%d", item);
            answer_unless_empty(study, record, id, cell(table, i, column));
        }
        record = study_add_record(study, subject, "pain_vas", KNEE_RIGHT, visit, date);
        answer_unless_empty(study, record, "vas", cell(table, i, "vas"));
        record = study_add_record(study, subject, "patient_global", KNEE_RIGHT, visit, date);
        answer_unless_empty(study, record, "pga", cell(table, i, "pga"));
    }
}

static void add_events(struct study *study, const struct csv_table *table)
{
    for (size_t i = 0; i < table->row_count; i++) {
        date_days onset = study_date(cell(table, i, "onset_date"));
        struct study_record *record = study_add_record(study, subject_of(table, i), "adverse_event", KNEE_NONE,
                                                 "unscheduled", onset);
        study_answer(study, record, "term", cell(table, i, "pt"));
        study_answer(study, record, "coded_term", cell(table, i, "pt"));
        study_answer(study, record, "system_organ_class", cell(table, i, "soc"));
        study_answer(study, record, "onset", cell(table, i, "onset_date"));
        study_answer(study, record, "severity", lower(table, cell(table, i, "severity")));
        study_answer(study, record, "related_product", lower(table, cell(table, i, "related")));
        study_answer(study, record, "serious", lower(table, cell(table, i, "serious")));
    }
}

static int set_up(void **state)
{
    void *owner = memory_owner(NULL, "trial1000");
    struct study *study = study_new(owner, TRIAL1000 "/protocol.yaml");
    add_patients(study, load(owner, "patient.csv"));
    add_questionnaires(study, load(owner, "submission.csv"));
    add_events(study, load(owner, "ae.csv"));
    struct results *results = results_new(owner);
    analysis_run(study_finish(study), results);
    *state = results;
    return 0;
}

static int tear_down(void **state)
{
    talloc_free(talloc_parent(*state));
    return 0;
}

static void test_analysis_run_trial1000_gives_the_numbers_of_r(void **state)
{
    for (int i = 0; i < TRIAL1000_PARTS; i++) {
        struct golden_outcome outcome = golden_compare(*state, &trial1000_parts[i].rules);
        if (outcome.mismatches > 0)
            fail_msg("%s: %zu of %zu rows differ", trial1000_parts[i].name, outcome.mismatches,
                     outcome.compared);
        assert_int_equal(outcome.compared, trial1000_parts[i].rows);
    }
}

static void test_golden_compare_empty_results_gives_only_mismatches(void **state)
{
    for (int i = 0; i < TRIAL1000_PARTS; i++) {
        struct results *empty = results_new(talloc_parent(*state));
        struct golden_rules rules = trial1000_parts[i].rules;
        rules.silent = true;
        struct golden_outcome outcome = golden_compare(empty, &rules);
        assert_int_equal(outcome.mismatches, trial1000_parts[i].rows);
    }
}

static void test_results_write_csv_read_back_gives_the_same_rows(void **state)
{
    const struct results *results = *state;
    struct text *csv = text_new(results);
    results_write_csv(results, csv);
    char path[] = "/tmp/patella-results-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    FILE *file = fdopen(descriptor, "w");
    assert_int_equal(fwrite(csv->bytes, 1, csv->length, file), csv->length);
    assert_int_equal(fclose(file), 0);
    struct results *read = golden_read_results(results, path);
    remove(path);
    assert_int_equal(results_count(read), results_count(results));
    struct golden_outcome outcome = golden_compare(read, &trial1000_parts[0].rules);
    assert_int_equal(outcome.mismatches, 0);
    struct text *again = text_new(results);
    results_write_csv(read, again);
    assert_string_equal(again->bytes, csv->bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_analysis_run_trial1000_gives_the_numbers_of_r),
        cmocka_unit_test(test_golden_compare_empty_results_gives_only_mismatches),
        cmocka_unit_test(test_results_write_csv_read_back_gives_the_same_rows),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
