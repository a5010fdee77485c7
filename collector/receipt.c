/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/receipt.h"

#include <string.h>

#include "collector/json_reply.h"
#include "collector/metrics.h"
#include "collector/problem_details.h"
#include "forms/base/memory.h"
#include "forms/json_write.h"

enum { RECEIPT_ROOM = 640 };   /* enough for most */

static void append_receipt(struct text *out, const struct batch_row *row)
{
    const struct submission *submission = row->write.submission;
    char id[37], subject[SUBJECT_TEXT_SIZE], date[DATE_TEXT_SIZE];
    text_from_uuid(submission->id, id);
    subject_format(submission->site, submission->subject, subject);
    date_format(submission->date, date);
    text_append(out, "{");
    json_text(out, "id", id);
    json_text(out, "study", submission->study);
    json_text(out, "subject", subject);
    json_text(out, "form", submission->form->id);
    json_number(out, "form_version", submission->form->version);
    json_text(out, "knee", submission->knee);
    json_text(out, "visit", submission->visit);
    json_number(out, "instance", submission->instance);
    json_number(out, "version", submission->version);
    json_text(out, "status", submission->status == SUBMISSION_VOID ? "void" : "complete");
    json_text(out, "date", date);
    json_text(out, "sha256", row->verdict.sha256);
    json_text(out, "received_at", row->verdict.recorded_at);
    json_key(out, "scores");
    json_reply_scores(out, submission->form, submission->scores);
    text_append(out, "}");
}

/* ---- one row ---- */

/*
 * A refusal for want of rights says no more than a subject that is not there, except for an enrolment, which
 * is about the site and not about a subject.
 */
static const char *refusal_code(const struct batch_row *row)
{
    if (row->fate == BATCH_FAILED)
        return row->failure;
    bool enrolment = row->write.submission->form->creates_subject && row->write.submission->version == 1;
    if (strcmp(row->verdict.code, "not_allowed") == 0 && !enrolment)
        return "unknown_subject";
    return row->verdict.code;
}

static bool is_stored(const struct batch_row *row)
{
    return row->fate == BATCH_JUDGED && row->verdict.kind != STORE_REFUSED;
}

int receipt_row_status(const struct batch_row *row)
{
    if (row->fate == BATCH_UNREADABLE)
        return 400;
    if (row->fate == BATCH_INVALID)
        return 422;
    if (!is_stored(row))
        return problem_details_status(refusal_code(row));
    return row->verdict.kind == STORE_ACCEPTED || row->accepted_before ? 201 : 200;
}

static const char *problem_code(const struct batch_row *row)
{
    if (row->fate == BATCH_UNREADABLE)
        return "malformed";
    return row->fate == BATCH_INVALID ? "invalid" : refusal_code(row);
}

static const char *problem_text(const struct batch_row *row)
{
    if (row->fate == BATCH_UNREADABLE)
        return "the submission cannot be read; every problem is listed";
    if (row->fate == BATCH_INVALID)
        return "the answers do not pass the form's checks; every problem is listed; those that are soft go away with a "
               "confirmation and its reason";
    return problem_details_text(refusal_code(row));
}

static void append_problem(struct text *out, const struct batch_row *row)
{
    bool listed = row->fate == BATCH_UNREADABLE || row->fate == BATCH_INVALID;
    metrics_count_problem(problem_code(row));
    problem_details_append(out, receipt_row_status(row), problem_code(row), problem_text(row),
                           listed ? &row->problems : NULL);
}

/* ---- the reply ---- */

/* A subject is told that the answers have come, and nothing about the record that they are now. */
static void reply_participant(const struct batch_request *request)
{
    const struct batch_row *row = &request->rows[0];
    struct text *body = text_new(request->exchange);
    text_append(body, "{");
    json_text(body, "received_at", row->verdict.recorded_at);
    text_append(body, "}");
    exchange_reply_json(request->exchange, receipt_row_status(row), body);
}

static void reply_single(const struct batch_request *request)
{
    struct exchange *exchange = request->exchange;
    const struct batch_row *row = &request->rows[0];
    struct text *body = text_new_with_room(exchange, RECEIPT_ROOM);
    int status = receipt_row_status(row);
    if (is_stored(row) && exchange->principal->role == ROLE_PARTICIPANT) {
        reply_participant(request);
        return;
    }
    if (is_stored(row)) {
        char id[37];
        text_from_uuid(row->write.submission->id, id);
        append_receipt(body, row);
        exchange_reply_json(exchange, status, body);
        exchange_add_header(exchange, "Location", memory_format(exchange, "/api/v1/studies/%s/submissions/%s",
                                                                row->write.submission->study, id));
        return;
    }
    append_problem(body, row);
    exchange_reply_details(exchange, status, body);
}

static int array_status(const struct batch_request *request)
{
    size_t accepted = 0, replayed = 0;
    for (size_t i = 0; i < request->count; i++) {
        int status = receipt_row_status(&request->rows[i]);
        accepted += status == 201;
        replayed += status == 200;
    }
    if (accepted + replayed < request->count)
        return 207;
    return replayed > 0 ? 200 : 201;
}

static bool all_unavailable(const struct batch_request *request)
{
    for (size_t i = 0; i < request->count; i++)
        if (receipt_row_status(&request->rows[i]) != 503)
            return false;
    return true;
}

static void append_result(struct text *out, const struct batch_row *row)
{
    text_append_format(out, "{\"status\":%d,\"%s\":", receipt_row_status(row),
                       is_stored(row) ? "receipt" : "problem");
    if (is_stored(row))
        append_receipt(out, row);
    else
        append_problem(out, row);
    text_append(out, "}");
}

static void reply_array(const struct batch_request *request)
{
    struct text *body = text_new(request->exchange);
    text_append(body, "{\"results\":[");
    for (size_t i = 0; i < request->count; i++) {
        text_append(body, i > 0 ? "," : "");
        append_result(body, &request->rows[i]);
    }
    text_append(body, "]}");
    exchange_reply_json(request->exchange, array_status(request), body);
}

void receipt_reply(const struct batch_request *request)
{
    if (!request->is_array)
        reply_single(request);
    else if (all_unavailable(request))
        exchange_reply_problem(request->exchange, 503, "unavailable", "%s",
                               problem_details_text("unavailable"));
    else
        reply_array(request);
}
