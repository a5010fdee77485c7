/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Notices, and the audit trail: a page of it, the whole of it, and its review.  Whoever reads the trail leaves a row in
 * it, which has committed before the first byte goes: the first of two steps, of which the second reads what that row
 * says.
 */
#include "collector/handlers.h"

#include <string.h>

#include "collector/json_reply.h"
#include "collector/request.h"
#include "collector/review.h"
#include "collector/store_listing.h"
#include "collector/trail.h"
#include "forms/base/memory.h"
#include "forms/json_write.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { PAGE_DEFAULT = 100, PAGE_MOST = 1000, PIECE_ROWS = 500, FINDINGS_MOST = 10000, CONCLUSION_MOST = 4000 };

/* `{"NAME":[...],` with the first `count` columns of each row up to `rows`. */
static struct text *begin_list(struct exchange *exchange, const char *name, const struct store_listing *table,
                               size_t rows,
                               const struct listing_column *columns, size_t count)
{
    struct text *body = text_new(exchange);
    text_append(body, "{");
    json_key(body, name);
    text_append(body, "[");
    for (size_t row = 0; row < rows; row++) {
        text_append(body, row > 0 ? "," : "");
        listing_append_json(body, table, row, columns, count);
    }
    text_append(body, "]");
    return body;
}

/* ---- notices ---- */

void handle_list_notices(struct exchange *exchange, struct store *store)
{
    static const char *const parameters[] = {"after", "limit", NULL};
    static const struct listing_column columns[] = {
        {"notice", LISTING_TEXT},        {"noticed_at", LISTING_TEXT}, {"kind", LISTING_TEXT},
        {"severity", LISTING_TEXT},      {"site", LISTING_NUMBER},     {"subject", LISTING_TEXT},
        {"form", LISTING_TEXT},          {"knee", LISTING_TEXT},       {"visit", LISTING_TEXT},
        {"instance", LISTING_NUMBER},    {"version", LISTING_NUMBER},  {"object", LISTING_TEXT},
        {"sponsor_due", LISTING_TEXT},   {"authority_due", LISTING_TEXT}, {"tries", LISTING_NUMBER},
        {"delivered_at", LISTING_TEXT},
    };
    struct error error = {0};
    int most = PAGE_DEFAULT;
    const char *after = NULL;
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !request_allow_query(exchange, parameters) || !request_query_uuid(exchange, "after", &after) ||
        !request_query_number(exchange, "limit", 1, PAGE_MOST, &most))
        return;
    struct store_reader reader = request_reader(exchange, study);
    struct db_parameters *given = store_reader_parameters(exchange, &reader, 4);
    db_set_text(given, 2, after);
    db_set_int(given, 3, most);
    struct store_listing *notices =
        store_read_listing(exchange, store, STATEMENT_LIST_NOTICES, given, false, &error);
    if (notices == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    bool full = notices->rows == (size_t)most;
    struct text *body = begin_list(exchange, "notices", notices, notices->rows, columns, COUNT(columns));
    json_reply_nullable(body, "next", full ? listing_cell(notices, notices->rows - 1, 0) : NULL);
    text_append(body, "}");
    exchange_reply_json(exchange, 200, body);
}

/* ---- the trail ---- */

enum trail_format { TRAIL_PAGE, TRAIL_CSV, TRAIL_LINES };

/* A reading that was asked for, and how far it has come. */
struct trail {
    struct store_reader reader;
    enum trail_format format;
    const char *request;
    const char *after_at;        /* NULL: from the start */
    const char *after_nth;
    bool began;
};

/* The next events, and perhaps a row that says that there is more (trail.h). */
static struct store_listing *read_events(const void *owner, struct store *store, const struct trail *trail, int most,
                                         struct error *error)
{
    struct db_parameters *given = store_reader_parameters(owner, &trail->reader, 6);
    db_set_text(given, 2, trail->request);
    db_set_text(given, 3, trail->after_at);
    db_set_text(given, 4, trail->after_nth);
    db_set_int(given, 5, most);
    struct store_listing *events = store_read_listing(owner, store, STATEMENT_READ_AUDIT, given, false, error);
    talloc_free(given);
    return events;
}

/* A stream_function; `context` is a trail. */
static bool stream_trail(void *context, struct store *store, struct text *out, bool *last, struct error *error)
{
    struct trail *trail = context;
    struct store_listing *table = read_events(trail, store, trail, PIECE_ROWS, error);
    if (table == NULL)
        return false;
    bool more = trail_has_more(table);
    size_t events = table->rows - more;
    if (!trail->began && trail->format == TRAIL_CSV)
        listing_append_csv_names(out, trail_columns, TRAIL_COLUMNS);
    trail->began = true;
    for (size_t row = 0; row < events; row++) {
        if (trail->format == TRAIL_CSV) {
            listing_append_csv(out, table, row, trail_columns, TRAIL_COLUMNS);
            continue;
        }
        listing_append_json(out, table, row, trail_columns, TRAIL_COLUMNS);
        text_append(out, "\n");
    }
    *last = !more;
    if (more) {
        trail->after_at = memory_copy_string(trail, listing_cell(table, table->rows - 1, TRAIL_AT));
        trail->after_nth = memory_copy_string(trail, listing_cell(table, table->rows - 1, TRAIL_NTH));
    }
    talloc_free(table);
    return true;
}

static void reply_page(struct exchange *exchange, struct store *store, const struct trail *trail, int most)
{
    struct error error = {0};
    struct store_listing *table = read_events(exchange, store, trail, most, &error);
    if (table == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    bool more = trail_has_more(table);
    size_t events = table->rows - more;
    struct text *body = begin_list(exchange, "events", table, events, trail_columns, TRAIL_COLUMNS);
    json_reply_nullable(body, "next",
                        more ? memory_format(exchange, "%s.%s", listing_cell(table, events, TRAIL_AT),
                                             listing_cell(table, events, TRAIL_NTH))
                             : NULL);
    text_append(body, "}");
    exchange_reply_json(exchange, 200, body);
}

static bool read_format(struct exchange *exchange, enum trail_format *format)
{
    static const char *const names[] = {[TRAIL_PAGE] = "json", [TRAIL_CSV] = "csv", [TRAIL_LINES] = "jsonl"};
    const char *given = exchange_query(exchange, "format");
    for (size_t i = 0; i < COUNT(names); i++) {
        if (strcmp(given != NULL ? given : "json", names[i]) == 0) {
            *format = (enum trail_format)i;
            return true;
        }
    }
    exchange_reply_problem(exchange, 400, "invalid_parameter",
                           "query parameter `format` must be `json`, `csv` or `jsonl`");
    return false;
}

/* "2026-03-01T12:00:00.000000Z.3": a time and a number behind the last point; both NULL when absent. */
static bool read_place(struct exchange *exchange, struct trail *trail)
{
    const char *after = exchange_query(exchange, "after");
    if (after == NULL)
        return true;
    const char *point = strrchr(after, '.');
    int64_t nth = 0;
    if (point != NULL) {
        trail->after_at = memory_copy_bytes(exchange, after, (size_t)(point - after));
        trail->after_nth = point + 1;
    }
    if (point != NULL && request_is_instant(trail->after_at) && text_to_int64(point + 1, &nth) && nth >= 1 &&
        nth <= INT32_MAX)
        return true;
    exchange_reply_problem(exchange, 400, "invalid_parameter",
                           "query parameter `after` must be `next` of the page before");
    return false;
}

/* The first step: what is asked for is on record; NULL when it is refused. */
static const char *request_trail(struct exchange *exchange, struct store *store, const struct store_reader *reader)
{
    const char *since = NULL, *until = NULL;
    int subject[2];
    struct error error = {0};
    if (!request_query_instant(exchange, "from", &since) || !request_query_instant(exchange, "to", &until) ||
        !request_query_subject(exchange, "subject", subject))
        return NULL;
    const char *format = exchange_query(exchange, "format");
    struct db_parameters *given = store_reader_parameters(exchange, reader, 10);
    db_set_text(given, 2, format != NULL ? format : "json");
    db_set_text(given, 3, since);
    db_set_text(given, 4, until);
    db_set_text(given, 5, exchange_query(exchange, "account"));
    db_set_text(given, 6, exchange_query(exchange, "operation"));
    db_set_text(given, 7, exchange_query(exchange, "object"));
    if (subject[0] != 0) {
        db_set_int(given, 8, subject[0]);
        db_set_int(given, 9, subject[1]);
    }
    struct store_listing *requested = store_read_listing(exchange, store, STATEMENT_REQUEST_AUDIT, given, true, &error);
    if (requested == NULL)
        request_reply_error(exchange, &error);
    return requested != NULL ? listing_cell(requested, 0, 0) : NULL;
}

static void reply_whole_trail(struct exchange *exchange, struct store *store, struct trail *trail)
{
    bool csv = trail->format == TRAIL_CSV;
    exchange_add_header(exchange, "Content-Disposition",
                        csv ? "attachment; filename=\"audit.csv\"" : "attachment; filename=\"audit.jsonl\"");
    exchange_add_header(exchange, "Content-Security-Policy", "default-src 'none'; sandbox");
    request_reply_stream(exchange, store, csv ? "text/csv; charset=utf-8; header=present" : "application/jsonl",
                         stream_trail, trail);
}

void handle_list_audit(struct exchange *exchange, struct store *store)
{
    static const char *const parameters[] = {"from",    "to",     "account", "operation", "object",
                                             "subject", "format", "after",   "limit",     NULL};
    int most = PAGE_DEFAULT;
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !request_allow_query(exchange, parameters))
        return;
    struct trail *trail = memory_new(exchange, struct trail);
    trail->reader = request_reader(exchange, study);
    if (!read_format(exchange, &trail->format) || !read_place(exchange, trail) ||
        !request_query_number(exchange, "limit", 1, PAGE_MOST, &most))
        return;
    if (trail->format != TRAIL_PAGE && (trail->after_at != NULL || exchange_query(exchange, "limit") != NULL)) {
        exchange_reply_problem(exchange, 400, "invalid_parameter",
                               "`after` and `limit` are for pages: `csv` and `jsonl` hold the whole");
        return;
    }
    trail->request = request_trail(exchange, store, &trail->reader);
    if (trail->request == NULL)
        return;
    if (trail->format == TRAIL_PAGE)
        reply_page(exchange, store, trail, most);
    else
        reply_whole_trail(exchange, store, trail);
}

/* ---- its review ---- */

struct review_order {
    const struct review_kind *kind;
    const char *since, *until;
    int numbers[REVIEW_NUMBERS];
};

/* The kind last: a parameter that is wrong is named, whatever is lacking beside it. */
static bool read_review(struct exchange *exchange, struct review_order *order)
{
    if (!request_query_instant(exchange, "from", &order->since) ||
        !request_query_instant(exchange, "to", &order->until))
        return false;
    for (size_t i = 0; i < REVIEW_NUMBERS; i++) {
        const struct review_number *number = &review_numbers[i];
        order->numbers[i] = number->initial;
        if (!request_query_number(exchange, number->name, number->least, number->most, &order->numbers[i]))
            return false;
    }
    order->kind = review_find_kind(exchange_query(exchange, "kind"));
    if (order->kind == NULL)
        exchange_reply_problem(exchange, 400, "invalid_parameter", "query parameter `kind` must be " REVIEW_KINDS);
    return order->kind != NULL;
}

static const char *request_review(struct exchange *exchange, struct store *store, const struct store_reader *reader,
                                  const struct review_order *order)
{
    struct error error = {0};
    struct db_parameters *given = store_reader_parameters(exchange, reader, 10);
    db_set_text(given, 2, order->kind->name);
    db_set_text(given, 3, order->since);
    db_set_text(given, 4, order->until);
    for (size_t i = 0; i < REVIEW_NUMBERS; i++)
        if (review_takes(order->kind, i))
            db_set_int(given, 5 + i, order->numbers[i]);
    struct store_listing *requested = store_read_listing(exchange, store, STATEMENT_REQUEST_REVIEW, given, true,
                                                         &error);
    if (requested == NULL)
        request_reply_error(exchange, &error);
    return requested != NULL ? listing_cell(requested, 0, 0) : NULL;
}

void handle_review_audit(struct exchange *exchange, struct store *store)
{
    static const char *const parameters[] = {"kind",    "from",  "to",     "days", "changes",
                                             "minutes", "opens", "closes", "limit", NULL};
    static const struct listing_column columns[] = {
        {"at", LISTING_TEXT}, {"account", LISTING_TEXT}, {"site", LISTING_NUMBER}, {"subject", LISTING_TEXT},
        {"detail", LISTING_JSON},
    };
    struct error error = {0};
    int most = PAGE_MOST;
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !request_allow_query(exchange, parameters) ||
        !request_query_number(exchange, "limit", 1, FINDINGS_MOST, &most))
        return;
    struct review_order order = {0};
    if (!read_review(exchange, &order))
        return;
    struct store_reader reader = request_reader(exchange, study);
    const char *request = request_review(exchange, store, &reader, &order);
    if (request == NULL)
        return;
    struct db_parameters *given = store_reader_parameters(exchange, &reader, 4);
    db_set_text(given, 2, request);
    db_set_int(given, 3, most);
    struct store_listing *findings = store_read_listing(exchange, store, STATEMENT_READ_REVIEW, given, false, &error);
    if (findings == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    struct text *body = begin_list(exchange, "findings", findings, findings->rows, columns, COUNT(columns));
    json_key(body, "found");
    text_append(body, findings->rows > 0 ? listing_cell(findings, 0, COUNT(columns)) : "0");
    json_text(body, "kind", order.kind->name);
    json_text(body, "review", request);
    text_append(body, "}");
    exchange_reply_json(exchange, 200, body);
}

void handle_list_reviews(struct exchange *exchange, struct store *store)
{
    static const char *const parameters[] = {"limit", NULL};
    static const struct listing_column columns[] = {
        {"review", LISTING_TEXT}, {"made_by", LISTING_TEXT},    {"made_at", LISTING_TEXT},
        {"filter", LISTING_JSON}, {"conclusion", LISTING_TEXT}, {"concluded_at", LISTING_TEXT},
    };
    struct error error = {0};
    int most = PAGE_MOST;
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !request_allow_query(exchange, parameters) ||
        !request_query_number(exchange, "limit", 1, FINDINGS_MOST, &most))
        return;
    struct store_reader reader = request_reader(exchange, study);
    struct db_parameters *given = store_reader_parameters(exchange, &reader, 3);
    db_set_int(given, 2, most);
    struct store_listing *table = store_read_listing(exchange, store, STATEMENT_LIST_REVIEWS, given, false, &error);
    if (table == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    struct text *body = begin_list(exchange, "reviews", table, table->rows, columns, COUNT(columns));
    text_append(body, "}");
    exchange_reply_json(exchange, 200, body);
}

void handle_conclude_review(struct exchange *exchange, struct store *store)
{
    static const char *const parameters[] = {NULL};
    struct error error = {0};
    const struct catalogue_study *study = request_study(exchange);
    const char *review = study != NULL ? request_path_uuid(exchange, "review") : NULL;
    if (review == NULL || !request_allow_query(exchange, parameters))
        return;
    const char *conclusion = request_body_text(exchange, "conclusion", CONCLUSION_MOST);
    if (conclusion == NULL)
        return;
    struct store_reader reader = request_reader(exchange, study);
    struct db_parameters *given = store_reader_parameters(exchange, &reader, 4);
    db_set_text(given, 2, review);
    db_set_text(given, 3, conclusion);
    if (store_read_listing(exchange, store, STATEMENT_CONCLUDE_REVIEW, given, true, &error) == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    struct text *body = text_new(exchange);
    text_append(body, "{");
    json_text(body, "review", review);
    text_append(body, "}");
    exchange_reply_json(exchange, 201, body);
}
