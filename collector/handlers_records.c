/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Subjects, submissions and adverse events, as stored. */
#include "collector/handlers.h"

#include <stdio.h>
#include <string.h>

#include "collector/json_reply.h"
#include "collector/request.h"
#include "forms/base/memory.h"
#include "forms/json_write.h"

enum { PAGE_DEFAULT = 100, PAGE_MOST = 1000, NUMBER_MOST = 2000000000 };

/* ---- submissions ---- */

/* What every view of a record begins with. */
static void append_key(struct text *out, const struct store_record *record)
{
    char subject[SUBJECT_TEXT_SIZE];
    subject_format(record->site, record->subject, subject);
    json_text(out, "id", record->id);
    json_text(out, "subject", subject);
    json_text(out, "knee", record->knee);
    json_text(out, "form", record->form);
    json_number(out, "form_version", record->form_version);
    json_text(out, "visit", record->visit);
    json_number(out, "instance", record->instance);
    json_number(out, "version", record->version);
    json_text(out, "status", record->status);
    json_text(out, "date", record->dated);
}

static void append_scores(struct text *out, const struct store_record *record,
                          const struct catalogue *catalogue)
{
    const struct form *form = catalogue_find_form(catalogue, record->form, record->form_version);
    json_key(out, "scores");
    bool fits = form != NULL && form->score_count == record->score_count;
    if (fits)
        json_reply_scores(out, form, record->scores);
    else
        text_append(out, "{}");   /* a void version has none */
}

/* `content` is the canonical text, byte for byte: its SHA-256 is `sha256`. */
static void append_submission(struct text *out, const struct store_record *record,
                              const struct catalogue *catalogue)
{
    text_append(out, "{");
    append_key(out, record);
    json_reply_nullable(out, "reason", record->reason);
    json_number(out, "protocol_version", record->protocol_version);
    json_text(out, "door", record->door);
    json_text(out, "recorded_by", record->recorded_by);
    json_text(out, "received_at", record->recorded_at);
    json_text(out, "sha256", record->sha256);
    json_reply_nullable(out, "prev_sha256", record->prev_sha256);
    append_scores(out, record, catalogue);
    json_key(out, "content");
    text_append(out, record->content);
    text_append(out, "}");
}

static void append_submissions(struct text *out, const struct store_records *records,
                               const struct catalogue *catalogue)
{
    text_append(out, "[");
    for (size_t i = 0; i < records->count; i++) {
        text_append(out, i > 0 ? "," : "");
        append_submission(out, &records->rows[i], catalogue);
    }
    text_append(out, "]");
}

/* After a full page site and id of its last record: two sites may have the same id. */
static void append_next_record(struct text *out, const struct store_records *records)
{
    char next[64];
    if (!records->more) {
        json_reply_nullable(out, "next", NULL);
        return;
    }
    const struct store_record *last = &records->rows[records->count - 1];
    snprintf(next, sizeof next, "%d.%s", last->site, last->id);
    json_reply_nullable(out, "next", next);
}

/* Those of subject, form, visit, cut, after and limit that stand in the query. */
static bool read_filter(struct exchange *exchange, struct store_filter *filter)
{
    int subject[2];
    filter->most = PAGE_DEFAULT;
    if (!request_query_subject(exchange, "subject", subject) ||
        !request_query_number(exchange, "cut", 1, NUMBER_MOST, &filter->cut) ||
        !request_query_number(exchange, "limit", 1, PAGE_MOST, &filter->most) ||
        !request_query_record(exchange, "after", &filter->after_site, &filter->after))
        return false;
    filter->site = subject[0];
    filter->subject = subject[1];
    return true;
}

static bool read_versions(struct exchange *exchange, bool *all)
{
    const char *versions = exchange_query(exchange, "versions");
    *all = versions != NULL && strcmp(versions, "all") == 0;
    if (versions == NULL || *all || strcmp(versions, "latest") == 0)
        return true;
    exchange_reply_problem(exchange, 400, "invalid_parameter",
                           "query parameter `versions` must be `latest` or `all`");
    return false;
}

void handle_list_submissions(struct exchange *exchange, struct store *store)
{
    static const char *const parameters[] = {"subject", "form", "visit", "cut", "versions", "after", "limit",
                                             NULL};
    struct store_filter filter = {.form = exchange_query(exchange, "form"),
                                  .visit = exchange_query(exchange, "visit")};
    struct error error = {0};
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !request_allow_query(exchange, parameters) || !read_filter(exchange, &filter) ||
        !read_versions(exchange, &filter.all_versions))
        return;
    struct store_reader reader = request_reader(exchange, study);
    struct store_records *records = store_list_records(exchange, store, &reader, &filter, &error);
    if (records == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    struct text *body = text_new(exchange);
    text_append(body, "{\"submissions\":");
    append_submissions(body, records, &study->catalogue);
    append_next_record(body, records);
    text_append(body, "}");
    exchange_reply_json(exchange, 200, body);
}

void handle_show_submission(struct exchange *exchange, struct store *store)
{
    static const char *const parameters[] = {NULL};
    struct error error = {0};
    const struct catalogue_study *study = request_study(exchange);
    const char *id = study != NULL ? request_path_uuid(exchange, "id") : NULL;
    if (id == NULL || !request_allow_query(exchange, parameters))
        return;
    struct store_reader reader = request_reader(exchange, study);
    struct store_record *record = store_find_record(exchange, store, &reader, id, &error);
    if (record == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    struct text *body = text_new(exchange);
    append_submission(body, record, &study->catalogue);
    exchange_reply_json(exchange, 200, body);
}

/* ---- subjects ---- */

static void append_subject(struct text *out, const struct store_subject *subject)
{
    char number[SUBJECT_TEXT_SIZE];
    subject_format(subject->site, subject->subject, number);
    json_text(out, "subject", number);
    json_number(out, "site", subject->site);
    json_text(out, "index_knee", subject->index_knee);
    json_text(out, "enrolled_on", subject->enrolled_on);
    json_boolean(out, "locked", subject->locked);
    json_number(out, "record_count", (double)subject->records);
}

void handle_list_subjects(struct exchange *exchange, struct store *store)
{
    static const char *const parameters[] = {"after", "limit", NULL};
    struct error error = {0};
    int after[2];
    struct store_subject_page page = {.most = PAGE_DEFAULT};
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !request_allow_query(exchange, parameters) ||
        !request_query_subject(exchange, "after", after) ||
        !request_query_number(exchange, "limit", 1, PAGE_MOST, &page.most))
        return;
    page.after_site = after[0];
    page.after_subject = after[1];
    struct store_reader reader = request_reader(exchange, study);
    struct store_subjects *subjects = store_list_subjects(exchange, store, &reader, &page, &error);
    if (subjects == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    struct text *body = text_new(exchange);
    char last[SUBJECT_TEXT_SIZE] = "";
    text_append(body, "{\"subjects\":[");
    for (size_t i = 0; i < subjects->count; i++) {
        text_append(body, i > 0 ? ",{" : "{");
        append_subject(body, &subjects->rows[i]);
        text_append(body, "}");
        subject_format(subjects->rows[i].site, subjects->rows[i].subject, last);
    }
    text_append(body, "]");
    json_reply_nullable(body, "next", subjects->count == (size_t)page.most ? last : NULL);
    text_append(body, "}");
    exchange_reply_json(exchange, 200, body);
}

/* The subject with that number, or NULL: the first one behind the number before it. */
static struct store_subject *find_subject(struct exchange *exchange, struct store *store,
                                          const struct store_reader *reader, const int number[2],
                                          struct error *error)
{
    const struct store_subject_page page = {.after_site = number[0], .after_subject = number[1] - 1,
                                            .most = 1};
    struct store_subjects *found = store_list_subjects(exchange, store, reader, &page, error);
    if (found == NULL)
        return NULL;
    if (found->count == 1 && found->rows[0].site == number[0] && found->rows[0].subject == number[1])
        return &found->rows[0];
    error_set(error, ERROR_NOT_FOUND, "no such subject at your sites");
    return NULL;
}

void handle_show_subject(struct exchange *exchange, struct store *store)
{
    static const char *const parameters[] = {NULL};
    struct error error = {0};
    int number[2] = {0, 0};
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !request_allow_query(exchange, parameters))
        return;
    struct store_reader reader = request_reader(exchange, study);
    struct store_subject *subject = NULL;
    if (!subject_parse(exchange_parameter(exchange, "subject"), &number[0], &number[1]))
        error_set(&error, ERROR_NOT_FOUND, "not a subject number");
    else
        subject = find_subject(exchange, store, &reader, number, &error);
    struct store_filter filter = {.site = number[0], .subject = number[1], .most = PAGE_MOST};
    struct store_records *records = NULL;
    if (subject != NULL)
        records = store_list_records(exchange, store, &reader, &filter, &error);
    if (records == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    struct text *body = text_new(exchange);
    text_append(body, "{");
    append_subject(body, subject);
    text_append(body, ",\"knees\":[\"left\",\"right\"],\"records\":");   /* enrolment makes both */
    append_submissions(body, records, &study->catalogue);
    append_next_record(body, records);
    text_append(body, "}");
    exchange_reply_json(exchange, 200, body);
}

/* ---- adverse events ---- */

static void append_answer(struct text *out, const struct item *item, const struct answer *answer)
{
    bool bare = item->type == ITEM_INTEGER || item->type == ITEM_BOOLEAN ||
                (item->type == ITEM_CHOICE && item->choices_are_numbers);
    json_key(out, item->id);
    if (bare)
        text_append(out, answer->text);
    else
        text_append_json(out, answer->text);
}

static void append_answers(struct text *out, const struct form *form, const struct answer *answers)
{
    json_key(out, "answers");
    text_append(out, "{");
    for (size_t i = 0; i < form->item_count; i++)
        if (answers[i].state == ANSWER_GIVEN)
            append_answer(out, &form->items[i], &answers[i]);
    text_append(out, "}");
}

/* False when the stored text does not fit the form's definition: then the error says so. */
static bool append_event(struct text *out, const struct store_record *record,
                         const struct catalogue *catalogue, bool *first, struct error *error)
{
    if (strcmp(record->status, "void") == 0)
        return true;
    const struct form *form = catalogue_find_form(catalogue, record->form, record->form_version);
    if (form == NULL)
        return error_set(error, ERROR_INTERNAL, "form %s version %d is not loaded", record->form,
                         record->form_version);
    struct answer *answers = submission_read_answers(out, form, record->content, error);
    if (answers == NULL)
        return false;
    text_append(out, *first ? "{" : ",{");
    *first = false;
    append_key(out, record);
    json_text(out, "received_at", record->recorded_at);
    append_answers(out, form, answers);
    text_append(out, "}");
    return true;
}

void handle_list_adverse_events(struct exchange *exchange, struct store *store)
{
    static const char *const parameters[] = {"subject", "cut", "after", "limit", NULL};
    struct store_filter filter = {.form = "adverse_event"};
    struct error error = {0};
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !request_allow_query(exchange, parameters) || !read_filter(exchange, &filter))
        return;
    struct store_reader reader = request_reader(exchange, study);
    struct text *body = text_new(exchange);
    bool first = true;
    text_append(body, "{\"adverse_events\":[");
    struct store_records *records = store_list_records(exchange, store, &reader, &filter, &error);
    bool done = records != NULL;
    for (size_t i = 0; done && i < records->count; i++)
        done = append_event(body, &records->rows[i], &study->catalogue, &first, &error);
    if (!done) {
        request_reply_error(exchange, &error);
        return;
    }
    text_append(body, "]");
    append_next_record(body, records);
    text_append(body, "}");
    exchange_reply_json(exchange, 200, body);
}
