/* SPDX-License-Identifier: GPL-3.0-or-later */
/* POST of submissions: read, check and score here, in the event loop; store in the writer. */
#include "collector/handlers.h"

#include <stddef.h>
#include <string.h>

#include "collector/batch.h"
#include "collector/json_array.h"
#include "collector/receipt.h"
#include "collector/recheck.h"
#include "collector/request.h"
#include "collector/site_date.h"
#include "collector/writer.h"
#include "forms/base/date.h"
#include "forms/base/memory.h"

enum { ROWS_MOST = 256, ARRAY_PROBLEMS_MOST = 1000 };

/* ---- reading and checking a row ---- */

static const char *given_answer(const struct submission *submission, const char *item)
{
    int index = form_find_item(submission->form, item);
    if (index == FORM_NONE || submission->answers[index].state != ANSWER_GIVEN)
        return NULL;
    return submission->answers[index].text;
}

static struct store_write write_of(const struct exchange *exchange, const struct catalogue_study *study,
                                   const struct submission *submission)
{
    bool enrolment = submission->form->creates_subject && submission->status == SUBMISSION_COMPLETE;
    return (struct store_write){
        .token = exchange->principal->token,
        .study_id = study->study_id,
        .protocol_version = study->catalogue.protocol->version,
        .submission = submission,
        .door = exchange->principal->role == ROLE_PARTICIPANT ? "participant" : "api",
        .index_knee = enrolment && submission->version == 1 ? given_answer(submission, "index_knee") : NULL,
        .continues = enrolment ? given_answer(submission, "continues") : NULL,
    };
}

static void check_row(struct batch_request *request, const struct catalogue_study *study,
                      struct batch_row *row, const char *text, size_t length)
{
    struct exchange *exchange = request->exchange;
    void *work = memory_owner(exchange, "submission as sent");
    struct submission_input *input = submission_read_json(work, text, length, &row->problems);
    if (input == NULL) {
        row->fate = BATCH_UNREADABLE;   /* its problems stay in `work` */
        return;
    }
    date_days today = site_date_of(exchange, study, input);
    struct submission *submission =
        submission_check(exchange, &study->catalogue, input, today, &row->problems);
    if (submission == NULL) {
        submission = recheck_as_before(exchange, &study->catalogue, input, today, &row->problems);
        row->replay_only = true;
    }
    talloc_free(work);   /* many times the size of its text, and a checked submission does not need it */
    if (submission == NULL) {
        row->fate = BATCH_INVALID;
        return;
    }
    row->fate = BATCH_WAITING;
    row->write = write_of(exchange, study, submission);
    if (row->replay_only)
        row->write.protocol_version = STORE_NO_PROTOCOL;
    request->bytes += strlen(submission->canonical);
}

/* ---- the request ---- */

/* Judging wrong rows takes the longest, and the event loop waits for it; nobody reads a thousand problems. */
static void leave_unjudged(struct batch_request *request, struct batch_row *row)
{
    row->fate = BATCH_INVALID;
    problem_add(request->exchange, &row->problems, false, NULL, "not_judged",
                "not judged: the submissions before it have more than %d problems; correct them, and send "
                "this one again", ARRAY_PROBLEMS_MOST);
}

static void check_array(struct batch_request *request, const struct catalogue_study *study)
{
    struct json_array array = json_array_begin(request->exchange->body, request->exchange->body_length);
    size_t length = 0, problems = 0;
    const char *text = NULL;
    for (size_t i = 0; json_array_next(&array, &text, &length) == JSON_ARRAY_ELEMENT; i++) {
        struct batch_row *row = &request->rows[i];
        if (problems > ARRAY_PROBLEMS_MOST)
            leave_unjudged(request, row);
        else
            check_row(request, study, row, text, length);
        problems += row->problems.count;
    }
}

static void reply_broken(struct exchange *exchange, const char *at)
{
    int line = 1;
    const char *begin = exchange->body;
    for (const char *c = begin; c < at; c++)
        if (*c == '\n') {
            line++;
            begin = c + 1;
        }
    exchange_reply_problem(exchange, 400, "not_json",
                           "the body is no JSON array: a bracket, quote or comma is missing or one too many "
                           "at line %d, column %td", line, at - begin + 1);
}

/* Elements of the array that is the body; 0 and a reply when it is no array, empty or too long. */
static size_t count_elements(struct exchange *exchange)
{
    struct json_array array = json_array_begin(exchange->body, exchange->body_length);
    size_t length = 0, count = 0;
    const char *text = NULL;
    enum json_array_step step;
    while ((step = json_array_next(&array, &text, &length)) == JSON_ARRAY_ELEMENT)
        count++;
    if (step == JSON_ARRAY_BROKEN) {
        reply_broken(exchange, array.at);
        return 0;
    }
    if (count >= 1 && count <= ROWS_MOST)
        return count;
    exchange_reply_problem(exchange, count > ROWS_MOST ? 413 : 400,
                           count > ROWS_MOST ? "too_large" : "malformed",
                           "an array of submissions holds 1 to %d; this one has %zu", ROWS_MOST, count);
    return 0;
}

static void reply_full(struct exchange *exchange)
{
    exchange_reply_problem(exchange, 503, "unavailable",
                           "too many submissions are waiting; send the same ids again after a moment");
}

/* Long arrays take the loop milliseconds each, which those that there is no room for need not. */
static struct batch_request *read_request(struct exchange *exchange, const struct catalogue_study *study)
{
    char first = exchange->body[strspn(exchange->body, " \t\r\n")];
    size_t count = first == '[' ? count_elements(exchange) : 1;
    if (count == 0)
        return NULL;
    if (count > 1 && !writer_has_room(exchange->principal, count)) {
        reply_full(exchange);
        return NULL;
    }
    struct batch_request *request = memory_new(exchange, struct batch_request);
    request->exchange = exchange;
    request->is_array = first == '[';
    request->count = count;
    request->rows = memory_new_array(request, struct batch_row, count);
    for (size_t i = 0; i < count; i++)
        request->rows[i].request_id = exchange->request_id;
    if (request->is_array)
        check_array(request, study);
    else
        check_row(request, study, &request->rows[0], exchange->body, exchange->body_length);
    return request;
}

/* What a checked request keeps until it is written, near enough: the texts, and what belongs to each item. */
static size_t held_bytes(const struct batch_request *request)
{
    size_t bytes = 2 * request->bytes + request->count * sizeof(struct batch_row);
    for (size_t i = 0; i < request->count; i++)
        if (request->rows[i].fate == BATCH_WAITING)
            bytes += request->rows[i].write.submission->form->item_count * sizeof(struct answer);
    return bytes;
}

/* From writer_submit on the exchange is the writer's; in every other case it is finished here. */
void handle_submit(struct exchange *exchange, struct store *store)
{
    static const char *const no_parameters[] = {NULL};
    (void)store;
    const struct catalogue_study *study = request_study(exchange);
    struct batch_request *request = NULL;
    if (study != NULL && request_allow_query(exchange, no_parameters) && request_is_json(exchange))
        request = read_request(exchange, study);
    if (request != NULL && batch_count_waiting(request) == 0)
        receipt_reply(request);
    else if (request != NULL && exchange_hold(exchange, held_bytes(request)) && writer_submit(request))
        return;
    else if (request != NULL && exchange->status == 0)
        reply_full(exchange);
    exchange_finish(exchange);
}
