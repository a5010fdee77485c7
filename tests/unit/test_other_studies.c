/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whole studies that are none of ours, from their forms to their tables, against R: tests/golden/other_studies.  Weeks
 * or fortnights, sums of 14 to 70 and of 0 to 48, ratings of 1 to 5, two and six cohorts, strata, partial dates.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/csv_table.h"
#include "reports/analysis.h"
#include "tests/support/golden.h"
#include "tests/support/study.h"

#define FOLDER "tests/golden/other_studies"

struct sheet {
    const struct csv_table *table;
    size_t row;
};

static struct sheet open_sheet(const void *owner, const char *study, const char *name)
{
    struct error error;
    char *path = memory_format(owner, FOLDER "/%s/data/%s.csv", study, name);
    const struct csv_table *table = csv_table_load(owner, path, &error);
    if (table == NULL)
        fail_msg("%s: %s", path, error.message);
    return (struct sheet){table, 0};
}

/* Text of a column, NULL where the cell is empty. */
static const char *text_of(const struct sheet *sheet, const char *column)
{
    int at = csv_table_column(sheet->table, column);
    if (at == CSV_NO_COLUMN)
        fail_msg("no column %s", column);
    const char *text = sheet->table->rows[sheet->row].cells[at];
    return text[0] != '\0' ? text : NULL;
}

/* Subjects stand in the order of their numbers, from 1. */
static size_t subject_of(const struct sheet *sheet)
{
    return (size_t)atoi(text_of(sheet, "pid")) - 1;
}

static struct study_record *add(struct study *study, const struct sheet *sheet, const char *form, enum knee_side knee,
                                const char *date)
{
    bool visit = csv_table_column(sheet->table, "visit") != CSV_NO_COLUMN;
    return study_add_record(study, subject_of(sheet), form, knee, visit ? text_of(sheet, "visit") : "unscheduled",
                            study_date(text_of(sheet, date)));
}

/* The items of these names, each from the column of its name. */
static void answer(struct study *study, struct study_record *record, const struct sheet *sheet,
                   const char *const *items)
{
    for (; *items != NULL; items++)
        if (text_of(sheet, *items) != NULL)
            study_answer(study, record, *items, text_of(sheet, *items));
}

static void answer_numbered(struct study *study, struct study_record *record, const struct sheet *sheet, char letter,
                            int count)
{
    for (int i = 1; i <= count; i++) {
        char id[8];
        snprintf(id, sizeof id, "%c%d", letter, i);
        answer(study, record, sheet, (const char *const[]){id, NULL});
    }
}

static void add_subjects(const void *owner, struct study *study, const char *name, const char *visit,
                         const char *const *baseline)
{
    struct sheet sheet = open_sheet(owner, name, "subjects");
    bool sites = csv_table_column(sheet.table, "site") != CSV_NO_COLUMN;
    for (; sheet.row < sheet.table->row_count; sheet.row++) {
        date_days treated = study_date(text_of(&sheet, "treated"));
        size_t subject = study_add_subject(study, sites ? atoi(text_of(&sheet, "site")) : 1,
                                           atoi(text_of(&sheet, "pid")), KNEE_RIGHT, text_of(&sheet, "cohort"));
        struct study_record *record =
            study_add_record(study, subject, "treatment", KNEE_RIGHT, "unscheduled", treated);
        study_answer(study, record, "injections_planned", "1");
        answer(study, study_add_record(study, subject, "baseline", KNEE_NONE, visit, treated), &sheet, baseline);
    }
}

static void add_weeks(const void *owner, struct study *study)
{
    static const char *const baseline[] = {"age_years", "works", "severity", NULL};
    static const char *const end[] = {"last_contact", "reason", NULL};
    static const char *const event[] = {"onset", "end", "severity", "serious", "related_product", NULL};
    add_subjects(owner, study, "weeks", "W0", baseline);
    struct sheet sheet = open_sheet(owner, "weeks", "activities");
    for (; sheet.row < sheet.table->row_count; sheet.row++) {
        struct study_record *record = add(study, &sheet, "activities", KNEE_RIGHT, "date");
        answer_numbered(study, record, &sheet, 'd', 14);
        answer(study, record, &sheet, (const char *const[]){"knee_now", NULL});
    }
    for (sheet = open_sheet(owner, "weeks", "stopped"); sheet.row < sheet.table->row_count; sheet.row++)
        answer(study, add(study, &sheet, "stopped", KNEE_NONE, "date"), &sheet,
               (const char *const[]){"without", "since", NULL});
    for (sheet = open_sheet(owner, "weeks", "ends"); sheet.row < sheet.table->row_count; sheet.row++)
        answer(study, add(study, &sheet, "end_of_study", KNEE_NONE, "last_contact"), &sheet, end);
    for (sheet = open_sheet(owner, "weeks", "adverse_events"); sheet.row < sheet.table->row_count; sheet.row++) {
        struct study_record *record = add(study, &sheet, "adverse_event", KNEE_NONE, "date");
        record->instance = (int)sheet.row + 1;
        answer(study, record, &sheet, event);
        study_answer(study, record, "term", text_of(&sheet, "term"));
        study_answer(study, record, "coded_term", text_of(&sheet, "term"));
        study_answer(study, record, "system_organ_class", text_of(&sheet, "class"));
    }
}

static void add_doses(const void *owner, struct study *study)
{
    static const char *const baseline[] = {"age_years", "grade", NULL};
    add_subjects(owner, study, "doses", "V0", baseline);
    struct sheet sheet = open_sheet(owner, "doses", "visits");
    for (; sheet.row < sheet.table->row_count; sheet.row++) {
        answer_numbered(study, add(study, &sheet, "tasks", KNEE_RIGHT, "date"), &sheet, 'f', 12);
        answer(study, add(study, &sheet, "rating", KNEE_RIGHT, "date"), &sheet, (const char *const[]){"pain", NULL});
    }
}

static void check(const char *name, void (*fill)(const void *owner, struct study *study), size_t least)
{
    void *owner = memory_owner(NULL, "test");
    char *protocol = memory_format(owner, FOLDER "/%s/protocol.yaml", name);
    struct study *study =
        study_new_with_forms(owner, protocol, memory_format(owner, FOLDER "/%s/forms", name));
    fill(owner, study);
    struct results *results = results_new(owner);
    analysis_run(study_finish(study), results);
    struct golden_outcome outcome = golden_compare(
        results, &(struct golden_rules){.path = memory_format(owner, FOLDER "/%s/expected.csv", name)});
    assert_true(outcome.compared >= least);
    assert_int_equal(outcome.mismatches, 0);
    talloc_free(owner);
}

static void test_study_in_weeks_gives_the_numbers_of_r(void **state)
{
    (void)state;
    check("weeks", add_weeks, 900);
}

static void test_study_of_doses_gives_the_numbers_of_r(void **state)
{
    (void)state;
    check("doses", add_doses, 3400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_study_in_weeks_gives_the_numbers_of_r),
        cmocka_unit_test(test_study_of_doses_gives_the_numbers_of_r),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
