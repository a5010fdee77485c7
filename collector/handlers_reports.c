/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Data cuts, and reports made of them: asked for here, written by patella-report, downloaded here. */
#include "collector/handlers.h"

#include <string.h>
#include <strings.h>

#include "collector/body.h"
#include "collector/json_reply.h"
#include "collector/problem_details.h"
#include "collector/request.h"
#include "forms/base/memory.h"
#include "forms/json_write.h"

#define TOO_MANY_REPORTS "53400"     /* SQLSTATE: configuration limit exceeded */

enum { LABEL_MOST = 100, CUT_MOST = 2000000000 };

static const char *const no_parameters[] = {NULL};

void handle_list_cuts(struct exchange *exchange, struct store *store)
{
    struct error error = {0};
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !request_allow_query(exchange, no_parameters))
        return;
    struct store_reader reader = request_reader(exchange, study);
    struct store_cuts *cuts = store_list_cuts(exchange, store, &reader, &error);
    if (cuts == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    struct text *body = text_new(exchange);
    text_append(body, "{\"cuts\":[");
    for (size_t i = 0; i < cuts->count; i++) {
        text_append(body, i > 0 ? ",{" : "{");
        json_number(body, "cut", cuts->rows[i].cut);
        json_text(body, "label", cuts->rows[i].label);
        json_number(body, "protocol_version", cuts->rows[i].protocol_version);
        json_text(body, "made_by", cuts->rows[i].made_by);
        json_text(body, "made_at", cuts->rows[i].made_at);
        text_append(body, "}");
    }
    text_append(body, "]}");
    exchange_reply_json(exchange, 200, body);
}

void handle_make_cut(struct exchange *exchange, struct store *store)
{
    struct error error = {0};
    int cut = 0;
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !request_allow_query(exchange, no_parameters))
        return;
    const char *label = request_body_text(exchange, "label", LABEL_MOST);
    if (label == NULL)
        return;
    struct store_reader reader = request_reader(exchange, study);
    if (!store_make_cut(store, &reader, label, &cut, &error)) {
        request_reply_error(exchange, &error);
        return;
    }
    struct text *body = text_new(exchange);
    text_append(body, "{");
    json_number(body, "cut", cut);
    json_text(body, "label", label);
    text_append(body, "}");
    exchange_reply_json(exchange, 201, body);
}

static void append_report(struct text *out, const struct store_report *report)
{
    json_text(out, "report", report->id);
    json_number(out, "cut", report->cut);
    json_text(out, "cut_label", report->cut_label);
    json_text(out, "state", report->state);
    json_text(out, "requested_by", report->requested_by);
    json_text(out, "requested_at", report->requested_at);
    json_reply_nullable(out, "started_at", report->started_at);
    json_reply_nullable(out, "finished_at", report->finished_at);
    json_reply_nullable(out, "message", report->message);
    json_reply_nullable(out, "sha256", report->sha256);
    json_reply_nullable(out, "unblinding", report->unblinding);
}

void handle_list_reports(struct exchange *exchange, struct store *store)
{
    struct error error = {0};
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !request_allow_query(exchange, no_parameters))
        return;
    struct store_reader reader = request_reader(exchange, study);
    struct store_reports *reports = store_list_reports(exchange, store, &reader, &error);
    if (reports == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    struct text *body = text_new(exchange);
    text_append(body, "{\"reports\":[");
    for (size_t i = 0; i < reports->count; i++) {
        text_append(body, i > 0 ? ",{" : "{");
        append_report(body, &reports->rows[i]);
        text_append(body, "}");
    }
    text_append(body, "]}");
    exchange_reply_json(exchange, 200, body);
}

/* The limit of reports that wait is the database's (api.request_report). */
static void reply_request_error(struct exchange *exchange, const char *unblinding, const struct error *error)
{
    if (unblinding != NULL && error->kind == ERROR_DENIED) {
        exchange_reply_problem(exchange, 403, "not_approved", "%s", problem_details_text("not_approved"));
        return;
    }
    if (strcmp(error->sqlstate, TOO_MANY_REPORTS) != 0) {
        request_reply_error(exchange, error);
        return;
    }
    exchange_add_header(exchange, "Retry-After", "30");
    exchange_reply_problem(exchange, 429, "too_many_reports",
                           "five reports that this account asked for wait or are being made; ask again when one "
                           "of them is done");
}

void handle_request_report(struct exchange *exchange, struct store *store)
{
    struct error error = {0};
    static const struct body_field fields[] = {
        {"cut", BODY_NUMBER, BODY_REQUIRED, CUT_MOST, NULL},
        {"unblinding", BODY_UUID, BODY_OPTIONAL, 0, NULL},
    };
    const char *given[2] = {NULL};
    int64_t cut = 0;
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !request_allow_query(exchange, no_parameters) ||
        !body_read(exchange, fields, 2, given) || !text_to_int64(given[0], &cut))   /* it is a number: body_read */
        return;
    struct store_reader reader = request_reader(exchange, study);
    const char *report = store_request_report(exchange, store, &reader, (int)cut, given[1], &error);
    if (report == NULL) {
        reply_request_error(exchange, given[1], &error);
        return;
    }
    struct text *body = text_new(exchange);
    text_append(body, "{");
    json_text(body, "report", report);
    json_number(body, "cut", (int)cut);
    text_append(body, "}");
    exchange_reply_json(exchange, 202, body);
    exchange_add_header(exchange, "Location",
                        memory_format(exchange, "/api/v1/studies/%s/reports/%s", study->code, report));
}

/* ---- one report ---- */

static const struct store_report *find_report(struct exchange *exchange, struct store *store,
                                              const struct store_reader *reader, const char *id,
                                              struct error *error)
{
    struct store_reports *reports = store_list_reports(exchange, store, reader, error);
    if (reports == NULL)
        return NULL;
    for (size_t i = 0; i < reports->count; i++)
        if (strcasecmp(reports->rows[i].id, id) == 0)
            return &reports->rows[i];
    error_set(error, ERROR_NOT_FOUND, "no such report");
    return NULL;
}

static void append_files(struct text *out, const struct store_files *files)
{
    json_key(out, "files");
    text_append(out, "[");
    for (size_t i = 0; i < files->count; i++) {
        text_append(out, i > 0 ? ",{" : "{");
        json_text(out, "name", files->rows[i].name);
        json_text(out, "media_type", files->rows[i].media_type);
        json_number(out, "size", (double)files->rows[i].size);
        json_text(out, "sha256", files->rows[i].sha256);
        text_append(out, "}");
    }
    text_append(out, "]");
}

void handle_show_report(struct exchange *exchange, struct store *store)
{
    struct error error = {0};
    const struct catalogue_study *study = request_study(exchange);
    const char *id = study != NULL ? request_path_uuid(exchange, "report") : NULL;
    if (id == NULL || !request_allow_query(exchange, no_parameters))
        return;
    struct store_reader reader = request_reader(exchange, study);
    const struct store_report *report = find_report(exchange, store, &reader, id, &error);
    struct store_files *files = NULL;
    if (report != NULL)
        files = store_list_files(exchange, store, &reader, id, &error);
    if (files == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    struct text *body = text_new(exchange);
    text_append(body, "{");
    append_report(body, report);
    append_files(body, files);
    text_append(body, "}");
    exchange_reply_json(exchange, 200, body);
}

/* ---- one file ---- */

/* A name that the report store holds has no character that would need quoting; anything else is replaced. */
static char *disposition(const void *owner, const char *name)
{
    char *header = memory_format(owner, "attachment; filename=\"%s\"", name);
    for (char *c = header + strlen("attachment; filename=\""); c[0] != '\0' && c[1] != '\0'; c++)
        if (*c == '"' || *c == '\\' || (unsigned char)*c >= 0x7f)
            *c = '_';
    return header;
}

/* A report is a file that somebody made: it is never shown as a page of this server. */
void handle_download_file(struct exchange *exchange, struct store *store)
{
    struct error error = {0};
    const struct catalogue_study *study = request_study(exchange);
    const char *id = study != NULL ? request_path_uuid(exchange, "report") : NULL;
    if (id == NULL || !request_allow_query(exchange, no_parameters))
        return;
    struct store_reader reader = request_reader(exchange, study);
    const char *name = exchange_parameter(exchange, "name");
    struct store_file_content *file = store_read_file(exchange, store, &reader, id, name, &error);
    if (file == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    const char *etag = memory_format(exchange, "\"%s\"", file->sha256);
    exchange_add_header(exchange, "ETag", etag);
    exchange_add_header(exchange, "Content-Disposition", disposition(exchange, name));
    exchange_add_header(exchange, "Content-Security-Policy", REPLY_POLICY "; sandbox");
    exchange->reply = text_new(exchange);
    exchange->reply_type = file->media_type;
    exchange->status = request_has_etag(exchange, etag) ? 304 : 200;
    if (exchange->status == 200)
        text_append_bytes(exchange->reply, file->bytes, file->length);
}
