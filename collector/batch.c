/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/batch.h"

#include <stdio.h>
#include <string.h>

#include "forms/base/memory.h"

/* Of a row among many, and of a call beside that of its rows: measured, and rounded. */
enum { ROW_US = 50, CALL_US = 400 };

void batch_settle(struct batch_row *row)
{
    bool found = row->verdict.kind != STORE_REFUSED;
    if (row->verdict.kind == STORE_UNJUDGED) {   /* does not happen: nobody is told that it is stored */
        row->fate = BATCH_FAILED;
        row->failure = "internal";
        return;
    }
    row->fate = found || !row->replay_only ? BATCH_JUDGED : BATCH_INVALID;
}

/* Rows of one request stand together. */
void batch_name_requests(struct batch_row *const *rows, size_t count, char ids[BATCH_IDS_SIZE])
{
    static const char more[] = ",...";
    const char *last = NULL;
    size_t used = 0;
    ids[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const char *id = rows[i]->request_id;
        if (id == NULL || (last != NULL && strcmp(id, last) == 0))
            continue;
        last = id;
        if (used + 1 + strlen(id) + sizeof more > BATCH_IDS_SIZE) {
            memcpy(ids + used, more, sizeof more);
            return;
        }
        used += (size_t)snprintf(ids + used, BATCH_IDS_SIZE - used, "%s%s", used > 0 ? "," : "", id);
    }
}

size_t batch_count_waiting(const struct batch_request *request)
{
    size_t waiting = 0;
    for (size_t i = 0; i < request->count; i++)
        if (request->rows[i].fate == BATCH_WAITING)
            waiting++;
    return waiting;
}

static struct batch_row **collect(const void *owner, const struct batch_request *group, bool taken,
                                  size_t *count)
{
    size_t waiting = 0;
    *count = 0;
    for (const struct batch_request *request = group; request != NULL; request = request->next)
        waiting += batch_count_waiting(request);
    struct batch_row **rows = memory_new_array(owner, struct batch_row *, waiting);
    for (const struct batch_request *request = group; request != NULL; request = request->next)
        for (size_t i = 0; i < (taken ? request->taken_end : request->count); i++)
            if (request->rows[i].fate == BATCH_WAITING)
                rows[(*count)++] = &request->rows[i];
    return rows;
}

struct batch_row **batch_collect_waiting(const void *owner, const struct batch_request *group, size_t *count)
{
    return collect(owner, group, false, count);
}

struct batch_row **batch_collect_taken(const void *owner, const struct batch_request *group, size_t *count)
{
    return collect(owner, group, true, count);
}

/* ---- what depends on what ---- */

static bool same_subject(const struct store_write *a, const struct store_write *b)
{
    return a->submission->subject == b->submission->subject && a->submission->site == b->submission->site &&
           a->study_id == b->study_id;
}

/* Any version of an enrolment: a void one ends, a new one begins what the subject's other rows need. */
static bool enrols(const struct store_write *row)
{
    return row->submission->form->creates_subject;
}

/* Of rows about the same subject. */
static bool same_record(const struct submission *a, const struct submission *b)
{
    return a->instance == b->instance && strcmp(a->form->id, b->form->id) == 0 &&
           strcmp(a->knee, b->knee) == 0 && strcmp(a->visit, b->visit) == 0;
}

static bool continues(const struct store_write *enrolment, const struct store_write *other)
{
    int site = 0, subject = 0;
    return enrolment->continues != NULL && enrolment->study_id == other->study_id &&
           subject_parse(enrolment->continues, &site, &subject) && site == other->submission->site &&
           subject == other->submission->subject;
}

static bool depends(const struct store_write *a, const struct store_write *b)
{
    if (memcmp(a->submission->id, b->submission->id, sizeof a->submission->id) == 0)
        return true;
    if (continues(a, b) || continues(b, a))
        return true;
    return same_subject(a, b) && (enrols(a) || enrols(b) || same_record(a->submission, b->submission));
}

/*
 * Beside another transaction that writes about the study it would wait for that one's end, in the database.
 */
static bool excludes_writers(const struct store_write *row)
{
    return enrols(row) && row->submission->status == SUBMISSION_VOID;
}

static bool excludes(const struct store_write *a, const struct store_write *b)
{
    return a->study_id == b->study_id && (excludes_writers(a) || excludes_writers(b));
}

/* At most 256 rows and one comparison of numbers for most pairs: cheaper than a table of hashes. */
size_t batch_segment_end(struct batch_row *const *rows, size_t from, size_t count)
{
    for (size_t end = from + 1; end < count; end++)
        for (size_t i = from; i < end; i++)
            if (depends(&rows[i]->write, &rows[end]->write))
                return end;
    return count;
}

bool batch_row_depends_on(const struct batch_row *row, struct batch_row *const *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (depends(&row->write, &rows[i]->write))
            return true;
    return false;
}

bool batch_depends_on(const struct batch_request *request, struct batch_row *const *rows, size_t count)
{
    for (size_t i = 0; i < request->count && count > 0; i++) {
        const struct store_write *row = &request->rows[i].write;
        if (request->rows[i].fate != BATCH_WAITING)
            continue;
        for (size_t other = 0; other < count; other++)
            if (depends(row, &rows[other]->write) || excludes(row, &rows[other]->write))
                return true;
    }
    return false;
}

bool batch_excludes_others(const struct batch_request *request)
{
    for (size_t i = 0; i < request->count; i++)
        if (request->rows[i].fate == BATCH_WAITING && excludes_writers(&request->rows[i].write))
            return true;
    return false;
}

/* ---- pieces ---- */

void batch_prepare(struct batch_request *request)
{
    struct batch_row **rows = batch_collect_waiting(request, request, &request->waiting);
    for (size_t i = 0; i < request->waiting; i++)
        rows[i]->request = request;
    for (size_t end = 0; (end = batch_segment_end(rows, end, request->waiting)) < request->waiting;)
        rows[end]->apart = true;
    talloc_free(rows);
}

struct batch_piece batch_cut(const struct batch_request *request, const struct batch_piece *most)
{
    struct batch_piece piece = {0};
    for (size_t i = 0; i < request->count && piece.rows < most->rows; i++) {
        const struct batch_row *row = &request->rows[i];
        if (row->fate != BATCH_WAITING)
            continue;
        int64_t price_us = ROW_US + (row->apart ? CALL_US : 0);
        if (piece.rows > 0 && piece.price_us + price_us > most->price_us)
            break;
        piece.rows++;
        piece.price_us += price_us;
    }
    return piece;
}

void batch_take(struct batch_request *request, const struct batch_piece *piece)
{
    size_t taken = 0;
    request->taken_end = 0;
    while (taken < piece->rows)
        taken += request->rows[request->taken_end++].fate == BATCH_WAITING;
}

static void fail_rows(struct batch_request *request, size_t end, const char *failure)
{
    for (size_t i = 0; i < end; i++) {
        if (request->rows[i].fate != BATCH_WAITING)
            continue;
        request->rows[i].fate = BATCH_FAILED;
        request->rows[i].failure = failure;
    }
}

void batch_fail_waiting(struct batch_request *request, const char *failure)
{
    fail_rows(request, request->count, failure);
}

void batch_fail_taken(struct batch_request *request, const char *failure)
{
    fail_rows(request, request->taken_end, failure);
}
