/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ADSL: a row for each subject. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/data_table.h"
#include "reports/subject_sets.h"

#define YES_NO "Y=yes; N=no"

/* An item of the protocol's baseline table. */
struct baseline_item {
    const char *form, *item;
    bool by_visit;               /* its form is due at visits, so that unscheduled records do not count */
    bool is_number;
};

struct baseline_items {
    struct baseline_item *at;
    size_t count;
};

static const struct data_column subject_columns[] = {
    {"SUBJNO", "Number of the subject at its site", DATA_INTEGER, 0, "", "second part of USUBJID"},
    {"ENRLFL", "Enrolled", DATA_TEXT, 0, YES_NO, "Y for every row: voided enrolments are left out"},
    {"ENRLDT", "Date of enrolment", DATA_DATE, 0, "", "date of the newest version of the enrolment"},
    {"INDEXKNE", "Index knee", DATA_TEXT, 0, "left; right", "by the rule of the protocol"},
    {"TRTSDT", "First treatment of the index knee", DATA_DATE, 0, "", "study day 1"},
    {"SAFFL", "Treated (safety set)", DATA_TEXT, 0, YES_NO, "Y: TRTSDT is known"},
    {"FASFL", "Full analysis set", DATA_TEXT, 0, YES_NO,
     "Y: treated, with a baseline and a later value of the primary endpoint (without one: of the completeness "
     "endpoint)"},
    {"PPROTFL", "Per-protocol set", DATA_TEXT, 0, YES_NO,
     "Y: FASFL is Y, and no protocol_deviation form says that a deviation is important, or leaves it open"},
    {"COMPLFL", "Completer", DATA_TEXT, 0, YES_NO, "Y: a value of that endpoint at the last visit"},
    {"EOSSTT", "State at the end", DATA_TEXT, 0, "",
     "in_study, or the reason of the newest end_of_study form; withdrew_consent without such a form: consent was "
     "withdrawn on the screening form"},
    {"LSTCNDT", "Last contact", DATA_DATE, 0, "", "end_of_study.last_contact"},
    {"WITHDT", "Follow-up ended by a decision", DATA_DATE, 0, "",
     "last contact when the reason is a decision, or the withdrawal of consent, whichever is earlier"},
    {"DTHDT", "Death", DATA_DATE, 0, "", "latest day that the date of death can mean"},
};

static bool is_due_anywhere(const struct protocol *protocol, const char *form)
{
    for (size_t i = 0; i < protocol->visit_count; i++)
        if (protocol_form_is_due(&protocol->visits[i], form))
            return true;
    return false;
}

/* --- columns ------------------------------------------------------------------------------------------- */

static bool has_column(const struct data_table *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return true;
    return false;
}

/* The item's id in capitals, with a number behind it when the name is taken. */
static const char *name_of(const struct data_table *table, const char *item)
{
    char name[DATA_NAME_SIZE];
    size_t length = 0;
    for (; item[length] != '\0' && length + 4 < sizeof name; length++)
        name[length] = (char)toupper((unsigned char)item[length]);
    name[length] = '\0';
    for (unsigned number = 2; has_column(table, name) && number < 1000; number++)
        snprintf(name + length, sizeof name - length, "%u", number);
    return memory_copy_string(table, name);
}

static const char *codes_of(const void *owner, const struct item *item)
{
    struct text *codes = text_new(owner);
    for (size_t i = 0; i < item->choice_count; i++)
        text_append_format(codes, "%s%s=%s", i > 0 ? "; " : "", item->choices[i].code, item->choices[i].label);
    if (item->type == ITEM_BOOLEAN)
        text_append(codes, "true; false");
    return codes->bytes;
}

static void add_item(struct data_table *table, struct baseline_items *items,
                     const struct item_reference *reference)
{
    const struct dataset *dataset = table->dataset;
    const struct form *form = catalogue_find_form(dataset->catalogue, reference->form, 0);
    int index = form != NULL ? form_find_item(form, reference->item) : FORM_NONE;
    if (index == FORM_NONE || table->column_count == DATA_MOST_COLUMNS)
        return;                  /* catalogue_check lets no protocol in that names an unknown item */
    const struct item *item = &form->items[index];
    if (dataset->pooled && dataset_item_may_name_arm(item))
        return;
    bool is_number = item->type == ITEM_INTEGER || item->type == ITEM_DECIMAL;
    const char *unit = item->unit != NULL ? memory_format(table, " (%s)", item->unit) : "";
    const struct data_column column = {
        .name = name_of(table, item->id),
        .label = memory_format(table, "%s%s", item->text, unit),
        .type = is_number ? DATA_NUMBER : DATA_TEXT,
        .codes = codes_of(table, item),
        .derivation = memory_format(table,
                                    "%s.%s: last answer on study day 1 or before; of knee forms: the index knee",
                                    reference->form, reference->item),
    };
    items->at[items->count++] = (struct baseline_item){
        .form = reference->form,
        .item = reference->item,
        .by_visit = is_due_anywhere(dataset->catalogue->protocol, reference->form),
        .is_number = is_number,
    };
    data_table_add_columns(table, &column, 1);
}

/* --- rows ---------------------------------------------------------------------------------------------- */

/* Records of a form stand in order of age: the last answer stays.  As analysis_baseline.c takes it. */
static const struct answer *answer_at_baseline(const struct dataset *dataset, size_t subject,
                                               const struct baseline_item *item)
{
    const struct subject *who = &dataset->subjects[subject];
    const struct answer *last = NULL;
    struct records records = dataset_records_of(dataset, subject, dataset_form_number(dataset, item->form));
    for (size_t i = 0; i < records.count; i++) {
        const struct record *record = &records.at[i];
        bool counts = record->day != STUDY_DAY_NONE && record->day <= 1 &&
                      !(item->by_visit && record_is_unscheduled(dataset, record)) &&
                      (record->knee == KNEE_NONE || record->knee == who->index_knee);
        if (!counts)
            continue;
        const struct answer *answer = record_answer(dataset, record, item->item);
        if (answer != NULL)
            last = answer;
    }
    return last;
}

static const char *state_of(const struct subject *subject)
{
    if (subject->end_reason != NULL)
        return subject->end_reason;
    return subject->withdrawn != DATE_NONE ? "withdrew_consent" : "in_study";
}

static void fill_subject(struct data_row *row, const struct dataset *dataset, size_t subject, int deviations)
{
    const struct subject *who = &dataset->subjects[subject];
    const struct subject_sets sets = subject_sets_of(dataset, subject);
    static const char *const knees[] = {[KNEE_NONE] = NULL, [KNEE_LEFT] = "left", [KNEE_RIGHT] = "right"};
    data_row_begin(row, dataset, subject);
    data_row_add_number(row, who->number);
    data_row_add_flag(row, true);
    data_row_add_date(row, who->enrolled);
    data_row_add_text(row, knees[who->index_knee]);
    data_row_add_date(row, who->day1[KNEE_NONE]);
    data_row_add_flag(row, sets.treated);
    data_row_add_flag(row, sets.full_analysis);
    data_row_add_flag(row, sets.full_analysis && subject_keeps_protocol(dataset, subject, deviations));
    data_row_add_flag(row, sets.completer);
    data_row_add_text(row, state_of(who));
    data_row_add_date(row, who->last_contact);
    data_row_add_date(row, who->withdrawn);
    data_row_add_date(row, who->died);
}

static void write_rows(const struct data_table *table, data_row_function *take, void *context)
{
    const struct baseline_items *items = table->items;
    struct data_row row;
    int deviations = subject_sets_deviations(table->dataset);
    for (size_t i = 0; i < table->dataset->subject_count; i++) {
        fill_subject(&row, table->dataset, i, deviations);
        for (size_t k = 0; k < items->count; k++) {
            const struct answer *answer = answer_at_baseline(table->dataset, i, &items->at[k]);
            if (items->at[k].is_number)
                data_row_add_number(&row, answer != NULL ? answer->number : (double)NAN);
            else
                data_row_add_text(&row, answer != NULL ? answer->text : NULL);
        }
        take(context, row.values);
    }
}

struct data_table *data_table_adsl(const void *owner, const struct dataset *dataset)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    struct data_table *table = data_table_new(owner, dataset, "ADSL", "Subjects");
    struct baseline_items *items = memory_new(table, struct baseline_items);
    items->at = memory_new_array(items, struct baseline_item, protocol->baseline_count);
    data_table_add_subject_columns(table);
    data_table_add_columns(table, subject_columns, sizeof subject_columns / sizeof subject_columns[0]);
    for (size_t i = 0; i < protocol->baseline_count; i++)
        add_item(table, items, &protocol->baseline[i]);
    table->items = items;
    table->write_rows = write_rows;
    return table;
}
