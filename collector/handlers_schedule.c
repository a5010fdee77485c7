/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The schedule: subjects by visits, and one subject's visits with their forms. */
#include "collector/handlers.h"

#include <string.h>

#include "collector/desk.h"
#include "collector/json_reply.h"
#include "collector/request.h"
#include "forms/base/memory.h"
#include "forms/json_write.h"

enum { PAGE_DEFAULT = 100, PAGE_MOST = 1000 };

/* What is written of subjects: the study's, and what was asked for them. */
struct view {
    const struct desk *desk;
    const struct store_desk_records *records;
    const struct store_desk_marks *marks;
    const struct store_desk_items *drafts;       /* the caller's */
    struct schedule_cell *cells;         /* one for each visit, of the subject that is written */
    bool with_forms;
};

/* ---- one subject ---- */

static void append_form(struct text *out, const struct view *view, size_t subject, size_t slot,
                        enum schedule_knee knee)
{
    const struct desk_subject *of = &view->desk->subjects[subject];
    const struct form *form = view->desk->plan->slots[slot].form;
    const struct store_desk_record *record = desk_find_record(view->desk, view->records, subject, slot, knee);
    const struct store_desk_item *draft =
        record == NULL ? desk_find_draft(view->desk, view->drafts, subject, slot, knee) : NULL;
    size_t window = 0;
    bool asked = schedule_asks(view->desk->plan, &of->facts, slot, knee, &window);
    const struct schedule_window *in = &view->cells[view->desk->plan->slots[slot].visit].windows[window];
    if (!asked && record == NULL && draft == NULL)
        return;
    bool open = asked && in->done < in->expected;
    text_append(out, out->bytes[out->length - 1] == '[' ? "{" : ",{");
    json_text(out, "form", form->id);
    json_text(out, "title", form->title);
    json_number(out, "version", form->version);
    json_text(out, "knee", schedule_knee_name(knee));
    json_text(out, "state",
              record != NULL ? "done" : draft != NULL ? "draft" : open ? "open" : "not_expected");
    json_reply_nullable(out, "id", record != NULL ? record->id : draft != NULL ? draft->id : NULL);
    json_reply_nullable(out, "date", record != NULL ? record->dated : NULL);
    desk_append_date(out, "from", asked ? in->from : DATE_NONE);
    desk_append_date(out, "to", asked ? in->to : DATE_NONE);
    text_append(out, "}");
}

static void append_forms(struct text *out, const struct view *view, size_t subject, size_t visit)
{
    json_key(out, "forms");
    text_append(out, "[");
    for (size_t slot = 0; slot < view->desk->plan->slot_count; slot++)
        for (int knee = SCHEDULE_NO_KNEE; knee < SCHEDULE_KNEES; knee++)
            if (view->desk->plan->slots[slot].visit == visit)
                append_form(out, view, subject, slot, (enum schedule_knee)knee);
    text_append(out, "]");
}

static void append_cell(struct text *out, const struct view *view, size_t subject, size_t visit)
{
    const struct schedule_cell *cell = &view->cells[visit];
    json_text(out, "visit", view->desk->plan->protocol->visits[visit].id);
    json_text(out, "state", schedule_state_name(cell->state));
    desk_append_dates(out, cell->from, cell->to, cell->target);
    json_number(out, "done", cell->done);
    json_number(out, "expected", cell->expected);
    if (view->with_forms)
        append_forms(out, view, subject, visit);
}

static const struct store_desk_mark *find_mark(const struct store_desk_marks *marks,
                                               const struct store_desk_subject *of)
{
    for (size_t i = 0; i < marks->count; i++)
        if (marks->rows[i].site == of->site && marks->rows[i].subject == of->subject)
            return &marks->rows[i];
    return NULL;
}

static size_t count_drafts(const struct store_desk_items *drafts, const struct store_desk_subject *of)
{
    size_t count = 0;
    for (size_t i = 0; i < drafts->count; i++)
        count += drafts->rows[i].site == of->site && drafts->rows[i].subject == of->subject;
    return count;
}

/* The cohort of the index knee, or of the subject; nobody's while the study is masked. */
static const char *find_cohort(const struct view *view, const struct desk_subject *of,
                               const struct store_desk_mark *mark)
{
    if (mark == NULL || view->desk->plan->protocol->masking != MASKING_NONE)
        return NULL;
    return mark->cohorts[of->index_knee] != NULL ? mark->cohorts[of->index_knee] : mark->cohorts[SCHEDULE_NO_KNEE];
}

static void append_subject(struct text *out, const struct view *view, size_t subject)
{
    const struct desk_subject *of = &view->desk->subjects[subject];
    const struct store_desk_mark *mark = find_mark(view->marks, of->stored);
    char number[SUBJECT_TEXT_SIZE];
    subject_format(of->stored->site, of->stored->subject, number);
    schedule_make(view->desk->plan, &of->facts, of->today, view->cells);
    json_text(out, "subject", number);
    json_number(out, "site", of->stored->site);
    json_text(out, "index_knee", schedule_knee_name(of->index_knee));
    desk_append_date(out, "enrolled_on", of->stored->enrolled);
    desk_append_date(out, "today", of->today);
    json_text(out, "coordinator", of->stored->coordinator);
    json_text(out, "state", desk_state_names[of->state]);
    json_boolean(out, "locked", of->stored->locked);
    json_reply_nullable(out, "cohort", find_cohort(view, of, mark));
    json_key(out, "day1");
    text_append(out, "{");
    desk_append_date(out, "left", of->facts.day1[SCHEDULE_LEFT]);
    desk_append_date(out, "right", of->facts.day1[SCHEDULE_RIGHT]);
    text_append(out, "}");
    json_key(out, "cells");
    text_append(out, "[");
    for (size_t v = 0; v < view->desk->plan->protocol->visit_count; v++) {
        text_append(out, v > 0 ? ",{" : "{");
        append_cell(out, view, subject, v);
        text_append(out, "}");
    }
    text_append(out, "]");
    json_number(out, "open_queries", mark != NULL ? (double)mark->open_queries : 0);
    json_number(out, "drafts", (double)count_drafts(view->drafts, of->stored));
}

/* Asks for what belongs to these subjects; `view->desk` stands. */
static bool fill_view(struct exchange *exchange, struct store *store, struct desk *desk, const size_t *subjects,
                      size_t count, struct view *view)
{
    struct error error = {0};
    struct store_reader reader = request_reader(exchange, desk->study);
    struct store_desk_numbers numbers = desk_numbers(exchange, desk, subjects, count);
    struct store_desk_records *records = store_list_desk_records(exchange, store, &reader, &numbers, &error);
    if (records != NULL)
        view->marks = store_list_desk_marks(exchange, store, &reader, &numbers, &error);
    if (records != NULL && view->marks != NULL)
        view->drafts = store_list_desk_drafts(exchange, store, &reader, &(struct store_desk_filter){0}, &error);
    if (records == NULL || view->marks == NULL || view->drafts == NULL) {
        request_reply_error(exchange, &error);
        return false;
    }
    desk_count_records(desk, records);
    view->desk = desk;
    view->records = records;
    view->cells = memory_new_array(exchange, struct schedule_cell, desk->plan->protocol->visit_count);
    return true;
}

void handle_show_subject_schedule(struct exchange *exchange, struct store *store)
{
    static const char *const parameters[] = {NULL};
    struct store_desk_filter filter = {0};
    struct view view = {.with_forms = true};
    struct error error = {0};
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !request_allow_query(exchange, parameters))
        return;
    struct desk *desk = NULL;
    if (!subject_parse(exchange_parameter(exchange, "subject"), &filter.site, &filter.subject))
        error_set(&error, ERROR_NOT_FOUND, "not a subject number");
    else
        desk = desk_read(exchange, store, study, &filter, &error);
    if (desk != NULL && desk->count != 1) {
        error_set(&error, ERROR_NOT_FOUND, "no such subject at your sites");
        desk = NULL;
    }
    if (desk == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    size_t only = 0;
    if (!fill_view(exchange, store, desk, &only, 1, &view))
        return;
    struct text *body = text_new(exchange);
    text_append(body, "{");
    json_text(body, "as_of", desk->as_of);
    desk_append_visits(body, desk->plan->protocol);
    append_subject(body, &view, 0);
    text_append(body, "}");
    exchange_reply_json(exchange, 200, body);
}

/* ---- a page of subjects ---- */

struct filter {
    int site, most;
    const char *part;                    /* of a subject's number, or NULL */
    const char *state;                   /* NULL: any */
    int after[2];
};

static bool read_state(struct exchange *exchange, struct filter *filter)
{
    filter->state = exchange_query(exchange, "state");
    for (size_t i = 0; i < DESK_STATES; i++)
        if (filter->state == NULL || strcmp(filter->state, desk_state_names[i]) == 0)
            return true;
    exchange_reply_problem(exchange, 400, "invalid_parameter", "query parameter `state` must be one of screened, "
                           "active, completed, withdrawn, died, ended");
    return false;
}

static bool read_filter(struct exchange *exchange, struct filter *filter)
{
    static const char *const parameters[] = {"site", "q", "state", "after", "limit", NULL};
    *filter = (struct filter){.most = PAGE_DEFAULT, .part = exchange_query(exchange, "q")};
    return request_allow_query(exchange, parameters) &&
           request_query_number(exchange, "site", 1, 9999, &filter->site) &&
           request_query_number(exchange, "limit", 1, PAGE_MOST, &filter->most) &&
           request_query_subject(exchange, "after", filter->after) && read_state(exchange, filter);
}

static bool is_wanted(const struct desk_subject *subject, const struct filter *filter)
{
    char number[SUBJECT_TEXT_SIZE];
    subject_format(subject->stored->site, subject->stored->subject, number);
    return (filter->state == NULL || strcmp(filter->state, desk_state_names[subject->state]) == 0) &&
           (filter->part == NULL || strstr(number, filter->part) != NULL);
}

static bool is_behind(const struct store_desk_subject *subject, const int after[2])
{
    return subject->site > after[0] || (subject->site == after[0] && subject->subject > after[1]);
}

/* What a filter leaves: how many, and a page of them. */
struct page {
    size_t total, count;
    size_t *subjects;
    bool more;
};

static struct page find_page(const void *owner, const struct desk *desk, const struct filter *filter)
{
    struct page page = {.subjects = memory_new_array(owner, size_t, (size_t)filter->most)};
    for (size_t i = 0; i < desk->count; i++) {
        if (!is_wanted(&desk->subjects[i], filter))
            continue;
        page.total++;
        if (!is_behind(desk->subjects[i].stored, filter->after))
            continue;
        if (page.count < (size_t)filter->most)
            page.subjects[page.count++] = i;
        else
            page.more = true;
    }
    return page;
}

void handle_list_schedule(struct exchange *exchange, struct store *store)
{
    struct filter filter;
    struct view view = {0};
    struct error error = {0};
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !read_filter(exchange, &filter))
        return;
    struct desk *desk =
        desk_read(exchange, store, study, &(struct store_desk_filter){.site = filter.site}, &error);
    if (desk == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    struct page page = find_page(exchange, desk, &filter);
    if (!fill_view(exchange, store, desk, page.subjects, page.count, &view))
        return;
    struct text *body = text_new(exchange);
    char last[SUBJECT_TEXT_SIZE] = "";
    text_append(body, "{");
    json_text(body, "as_of", desk->as_of);
    desk_append_visits(body, desk->plan->protocol);
    json_key(body, "subjects");
    text_append(body, "[");
    for (size_t i = 0; i < page.count; i++) {
        const struct store_desk_subject *stored = desk->subjects[page.subjects[i]].stored;
        text_append(body, i > 0 ? ",{" : "{");
        append_subject(body, &view, page.subjects[i]);
        text_append(body, "}");
        subject_format(stored->site, stored->subject, last);
    }
    text_append(body, "]");
    json_number(body, "total", (double)page.total);
    json_reply_nullable(body, "next", page.more ? last : NULL);
    text_append(body, "}");
    exchange_reply_json(exchange, 200, body);
}
