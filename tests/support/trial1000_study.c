/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/trial1000_study.h"

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

static void add_replacement(struct study *study, size_t subject, const char *date)
{
    struct study_record *record =
        study_add_record(study, subject, "joint_event", KNEE_RIGHT, "unscheduled", study_date(date));
    study_answer(study, record, "kind", "replacement");
}

static void add_patients(struct study *study, const struct csv_table *table)
{
    for (size_t i = 0; i < table->row_count; i++) {
        int site = atoi(cell(table, i, "site"));
        size_t subject = study_add_subject(study, site, (int)i + 1, KNEE_RIGHT, cell(table, i, "cohort"));
        assert_int_equal(subject, subject_of(table, i));
        date_days treated = study_date(cell(table, i, "treat_date"));
        struct study_record *record =
            study_add_record(study, subject, "treatment", KNEE_RIGHT, "unscheduled", treated);
        study_answer(study, record, "injections_planned", cell(table, i, "n_inj"));
        record = study_add_record(study, subject, "baseline", KNEE_NONE, "BL", treated);
        study_answer(study, record, "age_years", cell(table, i, "age"));
        study_answer(study, record, "sex", lower(table, cell(table, i, "sex")));
        study_answer(study, record, "bmi", cell(table, i, "bmi"));
        study_answer(study, record, "kl_grade", cell(table, i, "kl"));
        date_days end = study_date(cell(table, i, "eos_date"));
        record = study_add_record(study, subject, "end_of_study", KNEE_NONE, "unscheduled", end);
        study_answer(study, record, "last_contact", cell(table, i, "eos_date"));
        if (cell(table, i, "tkr_date")[0] != '\0')
            add_replacement(study, subject, cell(table, i, "tkr_date"));
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
        struct study_record *record =
            study_add_record(study, subject_of(table, i), "adverse_event", KNEE_NONE, "unscheduled", onset);
        study_answer(study, record, "term", cell(table, i, "pt"));
        study_answer(study, record, "coded_term", cell(table, i, "pt"));
        study_answer(study, record, "system_organ_class", cell(table, i, "soc"));
        study_answer(study, record, "onset", cell(table, i, "onset_date"));
        study_answer(study, record, "severity", lower(table, cell(table, i, "severity")));
        study_answer(study, record, "related_product", lower(table, cell(table, i, "related")));
        study_answer(study, record, "serious", lower(table, cell(table, i, "serious")));
    }
}

struct study *trial1000_study_new(const void *owner)
{
    return trial1000_study_by(owner, TRIAL1000 "/protocol.yaml");
}

struct study *trial1000_study_by(const void *owner, const char *protocol_path)
{
    struct study *study = study_new(owner, protocol_path);
    void *tables = memory_owner(NULL, "trial1000");
    add_patients(study, load(tables, "patient.csv"));
    add_questionnaires(study, load(tables, "submission.csv"));
    add_events(study, load(tables, "ae.csv"));
    talloc_free(tables);
    return study;
}
