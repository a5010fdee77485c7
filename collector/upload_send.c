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

/* rows[from..end) of which none depends on another, in one call. */
static bool send_segment(struct upload_work *work, struct batch_row **rows, size_t count, struct error *error)
{
    void *owner = memory_owner(NULL, "segment");
    const struct store_write **writes = memory_new_array(owner, const struct store_write *, count);
    struct store_verdict **verdicts = memory_new_array(owner, struct store_verdict *, count);
    bool unknown = false;
    for (size_t i = 0; i < count; i++) {
        writes[i] = &rows[i]->write;
        verdicts[i] = &rows[i]->verdict;
    }
    struct store_segment segment = {.rows = writes, .verdicts = verdicts, .count = count};
    bool good = store_submit(work->writer, &segment, &unknown, error);
    talloc_free(owner);
    return good;
}

bool upload_send_writes(struct upload_work *work, const struct store_write *writes, size_t count, size_t *refused,
                        char code[32], struct error *error)
{
    void *owner = memory_owner(NULL, "writes");
    struct batch_row *all = memory_new_array(owner, struct batch_row, count + 1);
    struct batch_row **rows = memory_new_array(owner, struct batch_row *, count + 1);
    bool good = true;
    *refused = count;
    for (size_t i = 0; i < count; i++) {
        all[i] = (struct batch_row){.fate = BATCH_WAITING, .write = writes[i]};
        rows[i] = &all[i];
    }
    for (size_t from = 0, end = 0; good && *refused == count && from < count; from = end) {
        end = batch_segment_end(rows, from, count);
        good = send_segment(work, rows + from, end - from, error);
        for (size_t i = from; good && i < end && *refused == count; i++)
            if (all[i].verdict.kind != STORE_ACCEPTED) {
                *refused = i;
                snprintf(code, sizeof all[i].verdict.code, "%s",
                         all[i].verdict.kind == STORE_REPLAYED ? "uuid_reused" : all[i].verdict.code);
            }
    }
    talloc_free(owner);
    return good;
}

/* New and changed records of one kind. */
static size_t collect_writes(struct upload_work *work, const struct upload_batch *batch, enum upload_sweep sweep,
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

/* What others rest on first. */
bool upload_send_batch(struct upload_work *work, const struct upload_batch *batch,
                       struct upload_rejection *rejection, struct error *error)
{
    struct store_write *writes = memory_new_array(batch, struct store_write, batch->records + 1);
    int64_t *lines = memory_new_array(batch, int64_t, batch->records + 1);
    for (int sweep = 0; sweep < SWEEP_COUNT && rejection->line == 0; sweep++) {
        size_t refused = 0, count = collect_writes(work, batch, (enum upload_sweep)sweep, writes, lines);
        if (count == 0)
            continue;
        if (!upload_send_writes(work, writes, count, &refused, rejection->code, error))
            return false;
        rejection->line = refused < count ? lines[refused] : 0;
    }
    return true;
}
