/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/upload_send.h"

#include <stdio.h>
#include <string.h>

#include "collector/batch.h"
#include "forms/base/memory.h"

static const char *given_answer(const struct submission *submission, const char *item)
{
    int index = form_find_item(submission->form, item);
    if (index == FORM_NONE || submission->answers[index].state != ANSWER_GIVEN)
        return NULL;
    return submission->answers[index].text;
}

struct store_write upload_write_of(const struct upload_work *work, const struct submission *submission)
{
    bool enrolment = submission->form->creates_subject && submission->status == SUBMISSION_COMPLETE;
    return (struct store_write){
        .token = work->at.token,
        .study_id = work->at.study_id,
        .protocol_version = work->study->catalogue.protocol->version,
        .submission = submission,
        .door = "csv",
        .index_knee = enrolment && submission->version == 1 ? given_answer(submission, "index_knee") : NULL,
        .continues = enrolment ? given_answer(submission, "continues") : NULL,
    };
}

/* ---- calls ---- */

/* Rows of which none depends on another, in one call. */
struct call {
    struct store_parcel *rows;
    int64_t *lines;              /* of each row */
    size_t count;
};

struct upload_calls {
    struct call *calls;
    size_t count;
};

static void add_call(struct upload_calls *calls, const struct store_write *writes, const int64_t *lines, size_t count)
{
    const struct store_write **rows = memory_new_array(calls, const struct store_write *, count);
    for (size_t i = 0; i < count; i++)
        rows[i] = &writes[i];
    calls->calls = memory_resize_array(calls, calls->calls, struct call, calls->count + 1);
    struct call *call = &calls->calls[calls->count++];
    *call = (struct call){.rows = store_parcel_new(calls, rows, count), .count = count};
    call->lines = memory_new_array(calls, int64_t, count);
    memcpy(call->lines, lines, count * sizeof *lines);
    talloc_free(rows);
}

/* As many calls as what depends on what asks for. */
static void add_segments(struct upload_calls *calls, const struct store_write *writes, const int64_t *lines,
                         size_t count)
{
    struct batch_row *all = memory_new_array(calls, struct batch_row, count + 1);
    struct batch_row **rows = memory_new_array(calls, struct batch_row *, count + 1);
    for (size_t i = 0; i < count; i++) {
        all[i] = (struct batch_row){.fate = BATCH_WAITING, .write = writes[i]};
        rows[i] = &all[i];
    }
    for (size_t from = 0, end = 0; from < count; from = end) {
        end = batch_segment_end(rows, from, count);
        add_call(calls, writes + from, lines + from, end - from);
    }
    talloc_free(rows);
    talloc_free(all);
}

bool upload_send_calls(struct upload_work *work, const struct upload_calls *calls, struct upload_rejection *rejection,
                       struct error *error)
{
    for (size_t i = 0; i < calls->count; i++) {
        const struct call *call = &calls->calls[i];
        size_t refused = 0;
        if (!store_parcel_send(work->writer, call->rows, &refused, rejection->code, error))
            return false;
        if (refused < call->count) {
            rejection->line = call->lines[refused];
            break;
        }
    }
    return true;
}

/* ---- what becomes of a batch ---- */

/* New and changed records of one kind. */
static size_t collect_writes(const struct upload_work *work, const struct upload_batch *batch, enum upload_sweep sweep,
                             struct store_write *writes, int64_t *lines)
{
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct upload_judged *row = &batch->rows[i];
        for (size_t record = 0; row->verdict != UPLOAD_REFUSED && record < row->row.record_count; record++) {
            const struct submission *submission = row->effects[record].submission;
            if (submission == NULL || upload_sweep_of(submission->form) != sweep)
                continue;
            writes[count] = upload_write_of(work, submission);
            lines[count++] = row->line.line;
        }
    }
    return count;
}

/*
 * What others rest on first.  Behind the enrolments no row depends on another, for no record stands twice in a file;
 * were it otherwise, the database would say so.
 */
struct upload_calls *upload_calls_of(const void *owner, const struct upload_work *work,
                                     const struct upload_batch *batch)
{
    struct upload_calls *calls = memory_new(owner, struct upload_calls);
    struct store_write *writes = memory_new_array(calls, struct store_write, batch->records + 1);
    int64_t *lines = memory_new_array(calls, int64_t, batch->records + 1);
    for (int sweep = 0; sweep < SWEEP_COUNT; sweep++) {
        size_t count = collect_writes(work, batch, (enum upload_sweep)sweep, writes, lines);
        if (sweep == SWEEP_ENROLMENTS)
            add_segments(calls, writes, lines, count);
        else if (count > 0)
            add_call(calls, writes, lines, count);
    }
    talloc_free(writes);
    talloc_free(lines);
    return calls;
}

bool upload_send_writes(struct upload_work *work, const struct store_write *writes, size_t count, size_t *refused,
                        char code[32], struct error *error)
{
    struct upload_calls *calls = memory_new(NULL, struct upload_calls);
    struct upload_rejection rejection = {0};
    int64_t *places = memory_new_array(calls, int64_t, count + 1);
    for (size_t i = 0; i < count; i++)
        places[i] = (int64_t)i + 1;
    add_segments(calls, writes, places, count);
    bool good = upload_send_calls(work, calls, &rejection, error);
    *refused = rejection.line > 0 ? (size_t)rejection.line - 1 : count;
    snprintf(code, sizeof rejection.code, "%s", rejection.code);
    talloc_free(calls);
    return good;
}
