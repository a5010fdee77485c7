/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The worklist: what waits for somebody at the caller's sites, most urgent first. */
#include "collector/handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/desk.h"
#include "collector/json_reply.h"
#include "collector/request.h"
#include "forms/base/memory.h"
#include "forms/json_write.h"

enum { PAGE_DEFAULT = 100, PAGE_MOST = 1000, FIRST_ITEMS = 1024 };

/* In order of urgency. */
enum kind { KIND_CLOCK, KIND_OVERDUE, KIND_CLOSING, KIND_DUE, KIND_QUERY, KIND_DRAFT, KIND_UPLOAD, KINDS };

static const char *const kind_names[KINDS] = {"event_clock", "overdue", "closing",       "due",
                                              "query",       "draft",   "refused_upload"};

/* Where an item stands in the list; it says the same on every page. */
struct place {
    enum kind kind;
    char order[32];              /* within a kind: the instant, or the last day of the window */
    int site, subject;           /* 0: none */
    int visit;                   /* index into the protocol's visits, -1: none */
    enum schedule_knee knee;     /* of a window of this knee only */
    char id[40];                 /* "-" or a UUID */
};

struct task {
    struct place place;
    size_t subject;              /* index into the desk's, or its count */
    const struct store_desk_item *stored;   /* NULL: of a visit */
    struct schedule_window window;
};

struct worklist {
    const struct desk *desk;
    int kind;                    /* -1: all */
    const char *visit, *coordinator;        /* NULL: any */
    size_t counts[KINDS];
    struct task *items;
    size_t count, room;
    const struct store_desk_items *drafts;  /* the caller's */
};

/* ---- what there is ---- */

static void add_item(struct worklist *list, const struct task *item)
{
    list->counts[item->place.kind]++;
    if (list->kind >= 0 && list->kind != (int)item->place.kind)
        return;
    if (list->count == list->room) {
        list->room *= 2;
        list->items = memory_resize_array(list, list->items, struct task, list->room);
    }
    list->items[list->count++] = *item;
}

static bool is_wanted(const struct worklist *list, const char *visit, const char *coordinator)
{
    return (list->visit == NULL || (visit != NULL && strcmp(visit, list->visit) == 0)) &&
           (list->coordinator == NULL || (coordinator != NULL && strcmp(coordinator, list->coordinator) == 0));
}

static enum kind kind_of_task(enum schedule_state task)
{
    if (task == SCHEDULE_OVERDUE)
        return KIND_OVERDUE;
    return task == SCHEDULE_CLOSING ? KIND_CLOSING : KIND_DUE;
}

/* What ends first comes first; what has no end behind what has one. */
static void set_order(struct place *place, const struct schedule_window *window)
{
    char *at = place->order;
    if (window->to == DATE_NONE)
        *at++ = '~';
    date_format(window->to != DATE_NONE ? window->to : window->from, at);
}

static void add_visits(struct worklist *list, size_t subject, struct schedule_cell *cells)
{
    const struct desk_subject *of = &list->desk->subjects[subject];
    const struct protocol *protocol = list->desk->plan->protocol;
    schedule_make(list->desk->plan, &of->facts, of->today, cells);
    for (size_t v = 0; v < protocol->visit_count; v++) {
        for (size_t w = 0; w < cells[v].window_count; w++) {
            const struct schedule_window *window = &cells[v].windows[w];
            if (window->task == SCHEDULE_NOT_EXPECTED ||
                !is_wanted(list, protocol->visits[v].id, of->stored->coordinator))
                continue;
            struct task item = {.subject = subject, .window = *window};
            item.place = (struct place){.kind = kind_of_task(window->task), .site = of->stored->site,
                                        .subject = of->stored->subject, .visit = (int)v, .knee = window->knee,
                                        .id = "-"};
            set_order(&item.place, window);
            add_item(list, &item);
        }
    }
}

static const char *coordinator_of(const struct worklist *list, size_t subject, const struct store_desk_item *stored)
{
    if (stored != NULL && stored->person != NULL)
        return stored->person;
    return subject < list->desk->count ? list->desk->subjects[subject].stored->coordinator : NULL;
}

static void add_stored(struct worklist *list, const struct store_desk_item *stored)
{
    size_t subject = desk_find(list->desk, stored->site, stored->subject);
    struct task item = {.subject = subject, .stored = stored,
                        .window = {.from = DATE_NONE, .to = DATE_NONE, .target = DATE_NONE}};
    if (!is_wanted(list, stored->visit, coordinator_of(list, subject, stored)))
        return;
    item.place = (struct place){.site = stored->site, .subject = stored->subject, .visit = -1};
    while (strcmp(kind_names[item.place.kind], stored->kind) != 0 && item.place.kind + 1 < KINDS)
        item.place.kind++;
    snprintf(item.place.id, sizeof item.place.id, "%s", stored->id);
    snprintf(item.place.order, sizeof item.place.order, "%s",
             stored->until != NULL ? stored->until : stored->since);
    add_item(list, &item);
}

/* ---- order and pages ---- */

static int compare_places(const struct place *a, const struct place *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    int by_order = strcmp(a->order, b->order);
    if (by_order != 0)
        return by_order;
    const int differences[] = {a->site - b->site, a->subject - b->subject, a->visit - b->visit,
                               (int)a->knee - (int)b->knee};
    for (size_t i = 0; i < sizeof differences / sizeof differences[0]; i++)
        if (differences[i] != 0)
            return differences[i];
    return strcmp(a->id, b->id);
}

static int compare_items(const void *a, const void *b)
{
    return compare_places(&((const struct task *)a)->place, &((const struct task *)b)->place);
}

static const char *place_text(const void *owner, const struct place *place)
{
    return memory_format(owner, "%d,%s,%d,%d,%d,%d,%s", (int)place->kind, place->order, place->site,
                         place->subject, place->visit, (int)place->knee, place->id);
}

/* What stands before the next comma, in memory of `owner`; NULL when there is none. */
static const char *next_part(const void *owner, const char **text)
{
    size_t length = strcspn(*text, ",");
    if ((*text)[length] != ',')
        return NULL;
    const char *part = memory_copy_bytes(owner, *text, length);
    *text += length + 1;
    return part;
}

static bool next_number(const void *owner, const char **text, int least, int most, int *number)
{
    int64_t value = 0;
    const char *part = next_part(owner, text);
    if (part == NULL || !text_to_int64(part, &value) || value < least || value > most)
        return false;
    *number = (int)value;
    return true;
}

/* Reads what place_text wrote. */
static bool read_place(const void *owner, const char *text, struct place *place)
{
    uint8_t uuid[16];
    int kind = 0, knee = 0;
    *place = (struct place){.kind = KIND_CLOCK};
    if (!next_number(owner, &text, 0, KINDS - 1, &kind))
        return false;
    const char *order = next_part(owner, &text);
    if (order == NULL || strlen(order) >= sizeof place->order ||
        !next_number(owner, &text, 0, 9999, &place->site) ||
        !next_number(owner, &text, 0, 999999, &place->subject) ||
        !next_number(owner, &text, -1, 99999, &place->visit) ||
        !next_number(owner, &text, 0, SCHEDULE_KNEES - 1, &knee) ||
        !(strcmp(text, "-") == 0 || text_to_uuid(text, uuid)))
        return false;
    place->kind = (enum kind)kind;
    place->knee = (enum schedule_knee)knee;
    snprintf(place->order, sizeof place->order, "%s", order);
    snprintf(place->id, sizeof place->id, "%s", text);
    return true;
}

/* Index of the first item behind the place. */
static size_t find_behind(const struct worklist *list, const struct place *place)
{
    size_t first = 0, behind = list->count;
    while (first < behind) {
        size_t middle = first + (behind - first) / 2;
        if (compare_places(&list->items[middle].place, place) <= 0)
            first = middle + 1;
        else
            behind = middle;
    }
    return first;
}

/* ---- JSON ---- */

static void append_entry(struct text *out, const struct form *form, const char *knee, const char *state,
                         const char *id)
{
    text_append(out, out->bytes[out->length - 1] == '[' ? "{" : ",{");
    json_text(out, "form", form->id);
    json_text(out, "title", form->title);
    json_number(out, "version", form->version);
    json_text(out, "knee", knee);
    json_text(out, "state", state);
    json_reply_nullable(out, "id", id);
    text_append(out, "}");
}

/* The forms of a visit that are in the item's window. */
static void append_visit_forms(struct text *out, const struct worklist *list, const struct task *item,
                               const struct store_desk_records *records)
{
    const struct schedule_plan *plan = list->desk->plan;
    for (size_t slot = 0; slot < plan->slot_count; slot++) {
        if ((int)plan->slots[slot].visit != item->place.visit)
            continue;
        for (int k = SCHEDULE_NO_KNEE; k < SCHEDULE_KNEES; k++) {
            enum schedule_knee knee = (enum schedule_knee)k;
            size_t window = 0;
            bool asked = schedule_asks(plan, &list->desk->subjects[item->subject].facts, slot, knee, &window);
            if (!asked || (window == 1) != (item->window.knee != SCHEDULE_NO_KNEE))
                continue;
            const struct store_desk_record *record =
                desk_find_record(list->desk, records, item->subject, slot, knee);
            const struct store_desk_item *draft =
                desk_find_draft(list->desk, list->drafts, item->subject, slot, knee);
            append_entry(out, plan->slots[slot].form, schedule_knee_name(knee),
                         record != NULL ? "done" : draft != NULL ? "draft" : "open",
                         record != NULL ? record->id : draft != NULL ? draft->id : NULL);
        }
    }
}

static void append_forms(struct text *out, const struct worklist *list, const struct task *item,
                         const struct store_desk_records *records)
{
    const struct store_desk_item *stored = item->stored;
    json_key(out, "forms");
    text_append(out, "[");
    const struct form *form = stored != NULL && stored->form != NULL
                                  ? catalogue_find_form(&list->desk->study->catalogue, stored->form, 0)
                                  : NULL;
    if (stored == NULL)
        append_visit_forms(out, list, item, records);
    else if (form != NULL && stored->knee != NULL)
        append_entry(out, form, stored->knee,
                     item->place.kind == KIND_DRAFT ? "draft" : stored->record != NULL ? "done" : "open",
                     item->place.kind == KIND_DRAFT ? stored->id : stored->record);
    text_append(out, "]");
}

static const char *knee_of(const struct task *item)
{
    if (item->stored != NULL)
        return item->stored->knee;
    return item->window.knee != SCHEDULE_NO_KNEE ? schedule_knee_name(item->window.knee) : NULL;
}

static void append_item(struct text *out, const struct worklist *list, const struct task *item,
                        const struct store_desk_records *records)
{
    static const struct store_desk_item nothing;
    const struct store_desk_item *stored = item->stored != NULL ? item->stored : &nothing;
    const struct visit *visit = item->stored == NULL ? &list->desk->plan->protocol->visits[item->place.visit] : NULL;
    char number[SUBJECT_TEXT_SIZE];
    subject_format(item->place.site, item->place.subject, number);
    json_text(out, "kind", kind_names[item->place.kind]);
    json_key(out, "site");
    if (item->place.site != 0)
        text_append_integer(out, item->place.site);
    else
        text_append(out, "null");
    json_reply_nullable(out, "subject", item->place.subject != 0 ? number : NULL);
    json_reply_nullable(out, "knee", knee_of(item));
    json_reply_nullable(out, "visit", visit != NULL ? visit->id : stored->visit);
    json_reply_nullable(out, "title", visit != NULL ? visit->title : stored->title);
    append_forms(out, list, item, records);
    desk_append_dates(out, item->window.from, item->window.to, item->window.target);
    json_reply_nullable(out, "id", stored->id);
    json_reply_nullable(out, "since", stored->since);
    json_reply_nullable(out, "until", stored->until);
    json_reply_nullable(out, "coordinator", coordinator_of(list, item->subject, item->stored));
}

static void append_counts(struct text *out, const struct worklist *list)
{
    json_key(out, "counts");
    text_append(out, "{");
    for (size_t kind = 0; kind < KINDS; kind++)
        json_number(out, kind_names[kind], (double)list->counts[kind]);
    text_append(out, "}");
}

/* Accounts that enrolled any of the subjects, each once, in the order of the subjects. */
static void append_coordinators(struct text *out, const struct desk *desk)
{
    const char **accounts = NULL;
    size_t count = 0;
    for (size_t i = 0; i < desk->count; i++) {
        const char *account = desk->subjects[i].stored->coordinator;
        size_t at = 0;
        while (at < count && strcmp(accounts[at], account) != 0)
            at++;
        if (at < count)
            continue;
        accounts = memory_resize_array(out, accounts, const char *, count + 1);
        accounts[count++] = account;
    }
    json_texts(out, "coordinators", accounts, count);
}

/* ---- the request ---- */

static bool read_kind(struct exchange *exchange, struct worklist *list)
{
    const char *kind = exchange_query(exchange, "kind");
    struct text *known = text_new(exchange);
    list->kind = -1;
    for (int i = 0; i < KINDS; i++) {
        if (kind != NULL && strcmp(kind, kind_names[i]) == 0)
            list->kind = i;
        text_append_format(known, "%s%s", i > 0 ? ", " : "", kind_names[i]);
    }
    if (kind == NULL || list->kind >= 0)
        return true;
    exchange_reply_problem(exchange, 400, "invalid_parameter", "query parameter `kind` must be one of %s",
                           known->bytes);
    return false;
}

static bool read_visit(struct exchange *exchange, const struct protocol *protocol, struct worklist *list)
{
    list->visit = exchange_query(exchange, "visit");
    if (list->visit == NULL || strcmp(list->visit, "unscheduled") == 0 ||
        protocol_find_visit(protocol, list->visit) != NULL)
        return true;
    exchange_reply_problem(exchange, 400, "invalid_parameter",
                           "query parameter `visit` must be a visit of the protocol, or unscheduled");
    return false;
}

static bool read_after(struct exchange *exchange, struct place *after)
{
    const char *text = exchange_query(exchange, "after");
    *after = (struct place){.kind = KIND_CLOCK, .visit = -1};   /* before all */
    if (text == NULL || read_place(exchange, text, after))
        return true;
    exchange_reply_problem(exchange, 400, "invalid_parameter",
                           "query parameter `after` must be `next` of the page before");
    return false;
}

/* Indices of the subjects of these items' visits, each once, in ascending order. */
static size_t list_subjects(const struct task *items, size_t count, size_t most, size_t *subjects)
{
    size_t found = 0;
    bool *wanted = memory_new_array(NULL, bool, most + 1);
    for (size_t i = 0; i < count; i++)
        wanted[items[i].stored == NULL ? items[i].subject : most] = true;
    for (size_t i = 0; i < most; i++)
        if (wanted[i])
            subjects[found++] = i;
    talloc_free(wanted);
    return found;
}

static void reply_page(struct exchange *exchange, const struct worklist *list, const struct task *items,
                       size_t count, const struct store_desk_records *records)
{
    bool more = items + count < list->items + list->count;
    struct text *body = text_new(exchange);
    text_append(body, "{");
    json_text(body, "as_of", list->desk->as_of);
    append_counts(body, list);
    json_key(body, "items");
    text_append(body, "[");
    for (size_t i = 0; i < count; i++) {
        text_append(body, i > 0 ? ",{" : "{");
        append_item(body, list, &items[i], records);
        text_append(body, "}");
    }
    text_append(body, "]");
    json_reply_nullable(body, "next", more ? place_text(body, &items[count - 1].place) : NULL);
    desk_append_visits(body, list->desk->plan->protocol);
    append_coordinators(body, list->desk);
    text_append(body, "}");
    exchange_reply_json(exchange, 200, body);
}

/* Everything that the filters leave, in order. */
static bool fill(struct exchange *exchange, struct store *store, int site, struct worklist *list,
                 struct error *error)
{
    const struct desk *desk = list->desk;
    struct store_reader reader = request_reader(exchange, desk->study);
    struct store_desk_items *stored = store_list_desk_items(exchange, store, &reader, site, error);
    if (stored == NULL)
        return false;
    list->drafts =
        store_list_desk_drafts(exchange, store, &reader, &(struct store_desk_filter){.site = site}, error);
    if (list->drafts == NULL)
        return false;
    struct schedule_cell *cells =
        memory_new_array(list, struct schedule_cell, desk->plan->protocol->visit_count);
    for (size_t i = 0; i < desk->count; i++)
        add_visits(list, i, cells);
    for (size_t i = 0; i < stored->count; i++)
        add_stored(list, &stored->rows[i]);
    for (size_t i = 0; i < list->drafts->count; i++)
        add_stored(list, &list->drafts->rows[i]);
    if (list->count > 0)
        qsort(list->items, list->count, sizeof list->items[0], compare_items);
    return true;
}

void handle_list_worklist(struct exchange *exchange, struct store *store)
{
    static const char *const parameters[] = {"kind", "site", "visit", "coordinator", "after", "limit", NULL};
    struct worklist *list = memory_new(exchange, struct worklist);
    struct place after;
    struct error error = {0};
    int site = 0, most = PAGE_DEFAULT;
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !request_allow_query(exchange, parameters) || !read_kind(exchange, list) ||
        !request_query_number(exchange, "site", 1, 9999, &site) ||
        !read_visit(exchange, study->catalogue.protocol, list) || !read_after(exchange, &after) ||
        !request_query_number(exchange, "limit", 1, PAGE_MOST, &most))
        return;
    list->coordinator = exchange_query(exchange, "coordinator");
    list->room = FIRST_ITEMS;
    list->items = memory_new_array(list, struct task, list->room);
    list->desk = desk_read(exchange, store, study,
                           &(struct store_desk_filter){.site = site, .with_records = true}, &error);
    if (list->desk == NULL || !fill(exchange, store, site, list, &error)) {
        request_reply_error(exchange, &error);
        return;
    }
    size_t first = find_behind(list, &after);
    size_t count = list->count - first < (size_t)most ? list->count - first : (size_t)most;
    size_t *subjects = memory_new_array(exchange, size_t, list->desk->count);
    size_t found = list_subjects(list->items + first, count, list->desk->count, subjects);
    struct store_desk_numbers numbers = desk_numbers(exchange, list->desk, subjects, found);
    struct store_reader reader = request_reader(exchange, study);
    struct store_desk_records *records = store_list_desk_records(exchange, store, &reader, &numbers, &error);
    if (records == NULL)
        request_reply_error(exchange, &error);
    else
        reply_page(exchange, list, list->items + first, count, records);
}
