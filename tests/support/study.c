/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/study.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/score.h"

#define END_OF_2099_US INT64_C(4102444799000000)

struct study {
    struct dataset *dataset;
    size_t subject_capacity, record_capacity;
};

struct study *study_new(const void *owner, const char *protocol_path)
{
    struct study *study = memory_new(owner, struct study);
    struct dataset *dataset = study->dataset = memory_new(study, struct dataset);
    struct error error = {0};
    dataset->catalogue = catalogue_load(dataset, protocol_path, "forms/instruments", &error);
    if (dataset->catalogue == NULL)
        fail_msg("%s:%d: %s", error.file, error.line, error.message);
    const struct protocol *protocol = dataset->catalogue->protocol;
    const char **ids = memory_new_array(dataset, const char *, protocol->cohort_count);
    const char **titles = memory_new_array(dataset, const char *, protocol->cohort_count);
    for (size_t i = 0; i < protocol->cohort_count; i++) {
        ids[i] = protocol->cohorts[i].id;
        titles[i] = protocol->cohorts[i].title;
    }
    dataset->study_title = protocol->title;
    dataset->cut_label = "test";
    dataset->cut_made_us = END_OF_2099_US;
    dataset->cohorts = ids;
    dataset->cohort_titles = titles;
    dataset->cohort_count = protocol->cohort_count;
    return study;
}

struct dataset *study_dataset(struct study *study)
{
    return study->dataset;
}

date_days study_date(const char *text)
{
    date_days date = DATE_NONE;
    if (!date_parse(text, &date))
        fail_msg("no date: %s", text);
    return date;
}

size_t study_add_subject(struct study *study, int site, int number, enum knee_side index_knee,
                         const char *cohort)
{
    struct dataset *dataset = study->dataset;
    if (dataset->subject_count == study->subject_capacity) {
        study->subject_capacity = 2 * study->subject_capacity + 64;
        dataset->subjects =
            memory_resize_array(dataset, dataset->subjects, struct subject, study->subject_capacity);
    }
    int column = cohort != NULL ? protocol_find_cohort(dataset->catalogue->protocol, cohort) : NO_COHORT;
    if (cohort != NULL && column == NO_COHORT)
        fail_msg("no cohort %s", cohort);
    dataset->subjects[dataset->subject_count] = (struct subject){
        .site = site,
        .number = number,
        .index_knee = index_knee,
        .allocated = {column, NO_COHORT, NO_COHORT},
        .enrolled = DATE_NONE,
    };
    return dataset->subject_count++;
}

struct record *study_add_record(struct study *study, size_t subject, const char *form, enum knee_side knee,
                                const char *visit, date_days date)
{
    struct dataset *dataset = study->dataset;
    if (dataset->record_count == study->record_capacity) {
        study->record_capacity = 2 * study->record_capacity + 256;
        dataset->records =
            memory_resize_array(dataset, dataset->records, struct record, study->record_capacity);
    }
    const struct form *definition = catalogue_find_form(dataset->catalogue, form, 0);
    if (definition == NULL)
        fail_msg("no form %s", form);
    struct record *record = &dataset->records[dataset->record_count];
    *record = (struct record){
        .subject = subject,
        .form = definition,
        .knee = knee,
        .visit = visit,
        .instance = 1,
        .version = 1,
        .date = date,
        .received_us = (int64_t)dataset->record_count,
        .answers = memory_new_array(dataset, struct answer, definition->item_count),
        .scores = memory_new_array(dataset, double, definition->score_count),
    };
    snprintf(record->id, sizeof record->id, "%08zx-0000-4000-8000-000000000000", dataset->record_count);
    dataset->record_count++;
    return record;
}

static double number_of(const struct item *item, const char *text)
{
    double number = (double)NAN;
    if (item->type == ITEM_BOOLEAN)
        return strcmp(text, "true") == 0;
    if (item->type == ITEM_CHOICE) {
        const struct choice *choice = item_find_choice(item, text);
        if (choice == NULL)
            fail_msg("%s has no choice %s", item->id, text);
        return choice->number;
    }
    if ((item->type == ITEM_INTEGER || item->type == ITEM_DECIMAL) && !text_to_decimal(text, &number))
        fail_msg("%s is no number: %s", item->id, text);
    return number;
}

void study_answer(struct study *study, struct record *record, const char *item, const char *text)
{
    int at = form_find_item(record->form, item);
    if (at == FORM_NONE)
        fail_msg("%s has no item %s", record->form->id, item);
    const struct item *definition = &record->form->items[at];
    struct answer *answer = (struct answer *)&record->answers[at];
    *answer = (struct answer){
        .state = ANSWER_GIVEN,
        .text = memory_copy_string(study->dataset, text),
        .number = number_of(definition, text),
    };
    if ((definition->type == ITEM_DATE || definition->type == ITEM_PARTIAL_DATE)
        && !date_parse_partial(text, &answer->date))
        fail_msg("%s is no date: %s", item, text);
}

struct dataset *study_finish(struct study *study)
{
    struct dataset *dataset = study->dataset;
    struct error error = {0};
    for (size_t i = 0; i < dataset->record_count; i++) {
        const struct record *record = &dataset->records[i];
        score_compute(record->form, record->answers, (double *)record->scores);
    }
    if (!dataset_derive(dataset, &error))
        fail_msg("%s", error.message);
    return dataset;
}
