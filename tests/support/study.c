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
#include "reports/dataset_build.h"

#define END_OF_2099_US INT64_C(4102444799000000)

struct study {
    struct dataset *dataset;
    size_t subject_capacity;
    struct study_record **records;
    size_t record_count;
};

struct study *study_new(const void *owner, const char *protocol_path)
{
    return study_new_with_forms(owner, protocol_path, "forms/instruments");
}

struct study *study_new_with_forms(const void *owner, const char *protocol_path, const char *forms)
{
    struct study *study = memory_new(owner, struct study);
    struct dataset *dataset = study->dataset = memory_new(study, struct dataset);
    struct error error = {0};
    dataset->catalogue = catalogue_load(dataset, protocol_path, forms, &error);
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

struct study_record *study_add_record(struct study *study, size_t subject, const char *form, enum knee_side knee,
                                      const char *visit, date_days date)
{
    const struct form *definition = catalogue_find_form(study->dataset->catalogue, form, 0);
    if (definition == NULL)
        fail_msg("no form %s", form);
    if ((study->record_count & (study->record_count - 1)) == 0)
        study->records = memory_resize_array(study, study->records, struct study_record *,
                                             study->record_count == 0 ? 1 : 2 * study->record_count);
    struct study_record *record = memory_new(study, struct study_record);
    *record = (struct study_record){
        .subject = subject,
        .form = definition,
        .knee = knee,
        .visit = visit,
        .instance = 1,
        .version = 1,
        .date = date,
        .received_us = (int64_t)study->record_count,
        .answers = memory_new_array(record, struct answer, definition->item_count),
    };
    study->records[study->record_count++] = record;
    return record;
}

struct study_record *study_record_at(const struct study *study, size_t index)
{
    return index < study->record_count ? study->records[index] : NULL;
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

void study_answer(struct study *study, struct study_record *record, const char *item, const char *text)
{
    int at = form_find_item(record->form, item);
    if (at == FORM_NONE)
        fail_msg("%s has no item %s", record->form->id, item);
    const struct item *definition = &record->form->items[at];
    struct answer *answer = &record->answers[at];
    *answer = (struct answer){
        .state = ANSWER_GIVEN,
        .text = memory_copy_string(study->dataset, text),
        .number = number_of(definition, text),
    };
    if ((definition->type == ITEM_DATE || definition->type == ITEM_PARTIAL_DATE)
        && !date_parse_partial(text, &answer->date))
        fail_msg("%s is no date: %s", item, text);
}

/* Index of the record's form in the catalogue, which gets it when it has it not. */
static size_t index_of_form(const struct dataset *dataset, const struct form *form)
{
    struct catalogue *catalogue = (struct catalogue *)(uintptr_t)dataset->catalogue;
    for (size_t i = 0; i < catalogue->form_count; i++)
        if (catalogue->forms[i] == form)
            return i;
    const struct form **forms = memory_new_array(dataset, const struct form *, catalogue->form_count + 1);
    memcpy(forms, catalogue->forms, catalogue->form_count * sizeof forms[0]);
    forms[catalogue->form_count] = form;
    catalogue->forms = forms;
    return catalogue->form_count++;
}

/* The part of a canonical text that is read back. */
static const char *write_content(const void *owner, const struct study_record *record)
{
    struct text *content = text_new(owner);
    const char *separator = "";
    text_append(content, "{\"form\":");
    text_append_json(content, record->form->id);
    text_append_format(content, ",\"form_version\":%d,\"answers\":{", record->form->version);
    for (size_t i = 0; i < record->form->item_count; i++) {
        const struct item *item = &record->form->items[i];
        bool bare = item->type == ITEM_INTEGER || item->type == ITEM_BOOLEAN
                 || (item->type == ITEM_CHOICE && item->choices_are_numbers);
        if (record->answers[i].state != ANSWER_GIVEN)
            continue;
        text_append_format(content, "%s\"%s\":", separator, item->id);
        if (bare)
            text_append(content, record->answers[i].text);
        else
            text_append_json(content, record->answers[i].text);
        separator = ",";
    }
    text_append(content, "}}");
    return content->bytes;
}

static void store_record(const struct study *study, const struct study_record *record, size_t number)
{
    struct dataset *dataset = study->dataset;
    void *work = memory_owner(study, "record");
    struct error error = {0};
    double *scores = memory_new_array(work, double, record->form->score_count);
    struct record_origin origin = {.received_us = record->received_us};
    const char *content = write_content(work, record);
    score_compute(record->form, record->answers, scores);
    for (size_t i = 0; i < sizeof(uint32_t); i++)
        origin.id[i] = (uint8_t)(number >> 8 * (sizeof(uint32_t) - 1 - i));
    const struct record_input input = {
        .person = (uint32_t)record->subject,
        .form = index_of_form(dataset, record->form),
        .knee = record->knee,
        .visit = record->visit,
        .visit_length = strlen(record->visit),
        .instance = record->instance,
        .version = record->version,
        .voided = record->void_reason != NULL,
        .reason = record->void_reason,
        .date = record->date,
        .scores = scores,
        .content = content,
        .content_length = strlen(content),
        .origin = &origin,
    };
    if (!record_store_add(dataset->store, &input, &error))
        fail_msg("%s: %s", content, error.message);
    talloc_free(work);
}

struct dataset *study_finish(struct study *study)
{
    struct dataset *dataset = study->dataset;
    struct error error = {0};
    for (size_t i = 0; i < study->record_count; i++)
        index_of_form(dataset, study->records[i]->form);
    talloc_free(dataset->store);
    record_store_new(dataset, false);
    for (size_t i = 0; i < study->record_count; i++)
        store_record(study, study->records[i], i);
    record_store_close(dataset->store);
    dataset->record_count = 0;
    for (size_t i = 0; i < dataset->subject_count; i++)
        record_store_give(dataset->store, i, &(uint32_t){(uint32_t)i}, 1);
    if (!dataset_derive(dataset, &error))
        fail_msg("%s", error.message);
    return dataset;
}
