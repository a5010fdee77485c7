/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "collector/upload_job.h"
#include "collector/upload_receipt.h"
#include "collector/upload_run.h"
#include "collector/upload_take_back.h"
#include "forms/base/memory.h"

enum { ATTEMPTS = 3 };

/* How an attempt to commit has ended. */
enum attempt { ATTEMPT_DONE, ATTEMPT_AGAIN, ATTEMPT_CHANGED, ATTEMPT_REFUSED, ATTEMPT_FAILED };

/* ---- checks ---- */

static const char *first_refusal(const struct upload_findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        if (findings->findings[i].severity == UPLOAD_FILE_REFUSED)
            return findings->findings[i].code;
    return "refused";
}

/* What the database keeps of a check. */
static bool end_check(struct upload_work *work, const struct upload_reading *reading,
                      const struct upload_tally *tally, struct store_upload_check *check, struct error *error)
{
    int64_t ends_s = 0;
    struct text *counts = text_new(work->owner), *findings = text_new(work->owner), *dialect = text_new(work->owner);
    upload_counts_to_json(counts, upload_tally_counts(tally));
    upload_tally_findings_to_json(findings, tally);
    upload_dialect_to_json(dialect, reading);
    check->counts = counts->bytes;
    check->findings = findings->bytes;
    check->dialect = reading->plan != NULL ? dialect->bytes : "{}";
    return store_end_check(work->store, &work->at, check, &ends_s, error);
}

static bool refuse_file(struct upload_work *work, const struct upload_reading *reading, const char *problem,
                        const struct upload_tally *tally, struct error *error)
{
    struct store_upload_check check = {.state = "refused", .problem = problem};
    return end_check(work, reading, tally, &check, error);
}

static bool offer_preview(struct upload_work *work, const struct upload_run *run, struct error *error)
{
    char token[65], token_sha256[65];
    upload_preview_token(work->at.id, run->digest, token);
    upload_sha256_of(token, token_sha256);
    struct store_upload_check check = {.state = "previewed", .digest = run->digest, .token_sha256 = token_sha256,
                                       .reason_needed = run->reason_pending && upload_tally_needs_reason(run->tally)};
    return end_check(work, run->reading, run->tally, &check, error);
}

static bool same_text(const char *one, const char *other)
{
    return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

/* By what was said with it; where nothing was, by its name. */
static bool is_same_export(const struct store_upload *one, const struct store_upload *other)
{
    bool said = one->form != NULL || one->profile != NULL;
    return one->site == other->site && same_text(one->form, other->form) && same_text(one->profile, other->profile) &&
           (said || same_text(one->name, other->name));
}

/* An export holds what the one before held, and more: one with fewer rows may have been cut off. */
static bool warn_of_fewer_rows(struct upload_work *work, const struct upload_run *run, struct error *error)
{
    enum { LOOKED_AT = 50 };
    const struct store_upload *now = run->reading->upload;
    const struct store_reader reader = {work->at.token, work->at.study_id};
    const struct store_upload_filter filter = {.site = now->site, .state = "committed", .most = LOOKED_AT};
    struct store_uploads *earlier = store_list_uploads(work->owner, work->store, &reader, &filter, error);
    int64_t rows = upload_tally_counts(run->tally)->read;
    for (size_t i = 0; earlier != NULL && i < earlier->count; i++) {
        const struct store_upload *last = &earlier->rows[i];
        if (!is_same_export(last, now))
            continue;
        struct upload_findings findings = upload_findings_begin(work->owner);
        if (upload_count_read(last) > rows)
            upload_finding_add(&findings, UPLOAD_WARNING, "fewer_rows", NULL,
                               "the file has %lld rows, and the last one, \"%.80s\", had %lld; look whether the export "
                               "is whole", (long long)rows, last->name, (long long)upload_count_read(last));
        upload_tally_add_findings(run->tally, &findings);
        break;
    }
    return earlier != NULL;
}

static bool preview(struct upload_work *work, struct upload_reading *reading, struct error *error)
{
    struct upload_run run = {.work = work, .reading = reading, .keeps = true, .reason = reading->upload->reason,
                             .reason_pending = reading->upload->reason == NULL};
    return upload_run_all(&run, error) && warn_of_fewer_rows(work, &run, error) && offer_preview(work, &run, error);
}

/* ---- commits ---- */

/* The last steps: the receipt, the state, COMMIT. */
static bool finish_commit(struct upload_work *work, const struct upload_run *run, struct error *error)
{
    bool unknown = false;
    struct store_upload_batch *batch = store_number_upload(work->owner, work->writer, &work->at, error);
    if (batch == NULL)
        return false;
    struct text *counts = text_new(work->owner), *receipt = text_new(work->owner);
    upload_counts_to_json(counts, upload_tally_counts(run->tally));
    upload_append_receipt(receipt, work, run, batch);
    struct store_upload_receipt done = {batch, counts->bytes, receipt->bytes};
    return store_finish_upload(work->writer, &work->at, &done, error) &&
           store_commit(work->writer, &unknown, error);
}

static bool is_lost_race(const struct upload_rejection *rejection)
{
    return strcmp(rejection->code, "study_busy") == 0 || strcmp(rejection->code, "conflict") == 0;
}

/* One transaction over all rows; the caller rolls back when it is not done. */
static enum attempt try_rows(struct upload_work *work, struct upload_run *run, struct error *error)
{
    if (!store_begin(work->writer, error))
        return ATTEMPT_FAILED;
    if (!upload_run_all(run, error))
        return store_is_connected(work->writer) && error->kind != ERROR_BUSY && store_is_unavailable(error)
                   ? ATTEMPT_AGAIN : ATTEMPT_FAILED;
    if (run->rejection.line != 0)
        return is_lost_race(&run->rejection) ? ATTEMPT_AGAIN : ATTEMPT_CHANGED;
    return ATTEMPT_DONE;
}

static enum attempt try_commit(struct upload_work *work, struct upload_run *run, const char *digest,
                               struct error *error)
{
    enum attempt attempt = try_rows(work, run, error);
    if (attempt == ATTEMPT_DONE && strcmp(run->digest, digest) != 0)
        attempt = ATTEMPT_CHANGED;
    if (attempt == ATTEMPT_DONE && !finish_commit(work, run, error))
        attempt = ATTEMPT_FAILED;
    if (attempt != ATTEMPT_DONE)
        store_rollback(work->writer);
    return attempt;
}

static bool check(struct upload_work *work, const struct store_upload *upload, struct error *error);

static bool take(struct upload_work *work, bool *taken, struct error *error)
{
    struct store_upload_outcome outcome = {0};
    if (!store_take_upload(work->writer, &work->at, &outcome, error))
        return false;
    *taken = outcome.code[0] == '\0';
    return true;
}

/* Back to the queue, and at once to a new preview. */
static bool preview_again(struct upload_work *work, const char *problem, struct error *error)
{
    bool taken = false;
    if (!store_fail_commit(work->writer, &work->at, "queued", problem, error) || !take(work, &taken, error))
        return false;
    if (!taken)
        return true;
    struct store_upload *upload = store_find_upload(work->owner, work->store, &work->at, error);
    return upload != NULL && check(work, upload, error);
}

static bool say_changed(struct upload_work *work, const struct upload_run *run, bool busy, struct error *error)
{
    char line[80] = "";
    if (run->rejection.line != 0)
        snprintf(line, sizeof line, " (line %lld: %s)", (long long)run->rejection.line, run->rejection.code);
    if (busy)
        upload_work_refuse(work, 503, "conflict", "others write what this file writes%s; nothing is stored; commit the "
                           "new preview", line);
    else
        upload_work_refuse(work, 409, "changed_since_preview", "what is stored has changed since the preview%s; "
                           "nothing of the file is stored; look at the new preview and commit that", line);
    return preview_again(work, busy ? "conflict" : "changed_since_preview", error);
}

static bool commit(struct upload_work *work, const struct store_upload *upload, struct error *error)
{
    struct upload_reading *reading = upload_reading_new(work, upload, error);
    if (reading == NULL)
        return false;
    struct upload_run run = {.work = work, .reading = reading, .commits = true, .reason = upload->reason};
    run.whole = upload->mode != NULL && strcmp(upload->mode, "all-or-nothing") == 0;
    if (reading->refused)
        return say_changed(work, &run, false, error);
    for (int tries = 1;; tries++) {
        enum attempt attempt = try_commit(work, &run, upload->digest != NULL ? upload->digest : "", error);
        if (attempt == ATTEMPT_DONE || attempt == ATTEMPT_FAILED)
            return attempt == ATTEMPT_DONE;
        if (attempt == ATTEMPT_CHANGED || tries == ATTEMPTS)
            return say_changed(work, &run, attempt == ATTEMPT_AGAIN, error);
        run.rejection = (struct upload_rejection){0};
        *error = (struct error){0};
    }
}

/* ---- a mode that was given at once ---- */

/* The rows stand in the transaction; the preview is written beside it, asked to be committed, and committed. */
static bool commit_previewed(struct upload_work *work, const struct upload_run *run, struct error *error)
{
    char token[65], token_sha256[65];
    struct store_upload_outcome outcome = {0};
    upload_preview_token(work->at.id, run->digest, token);
    upload_sha256_of(token, token_sha256);
    struct store_upload_commit wanted = {.token_sha256 = token_sha256};
    if (!offer_preview(work, run, error) || !store_ask_commit(work->store, &work->at, &wanted, &outcome, error))
        return false;
    if (outcome.code[0] != '\0')
        return error_set(error, ERROR_INTERNAL, "a commit at once is refused: %s", outcome.code);
    return finish_commit(work, run, error);
}

/* A file without a good row has nothing to store in either mode. */
static bool is_refused_by_rows(const struct upload_run *run)
{
    const struct upload_counts *counts = upload_tally_counts(run->tally);
    return counts->refused > 0 && (run->whole || counts->refused == counts->read);
}

static bool commit_at_once(struct upload_work *work, struct upload_reading *reading, struct error *error)
{
    struct upload_run run = {.work = work, .reading = reading, .commits = true, .keeps = true,
                             .reason = reading->upload->reason};
    run.whole = strcmp(reading->upload->mode, "all-or-nothing") == 0;
    for (int tries = 1;; tries++) {
        enum attempt attempt = try_rows(work, &run, error);
        if (attempt == ATTEMPT_DONE && is_refused_by_rows(&run))
            attempt = ATTEMPT_REFUSED;
        if (attempt == ATTEMPT_DONE && commit_previewed(work, &run, error))
            return true;
        store_rollback(work->writer);
        if (attempt == ATTEMPT_REFUSED)
            return refuse_file(work, reading, "refused_rows", run.tally, error);
        if (attempt == ATTEMPT_DONE || attempt == ATTEMPT_FAILED)
            return false;
        if (attempt == ATTEMPT_CHANGED || tries == ATTEMPTS) {
            upload_work_refuse(work, 409, "conflict", "line %lld: the database refuses it (%s); nothing is stored",
                               (long long)run.rejection.line, run.rejection.code);
            return preview(work, reading, error);
        }
        run.rejection = (struct upload_rejection){0};
        *error = (struct error){0};
    }
}

/* ---- what the state asks for ---- */

static bool check(struct upload_work *work, const struct store_upload *upload, struct error *error)
{
    struct store_upload_outcome same = {0};
    struct upload_reading *reading = upload_reading_new(work, upload, error);
    if (reading == NULL || !store_hash_upload(work->store, &work->at, reading->sha256, &same, error))
        return false;
    if (same.id[0] != '\0')
        return true;
    if (reading->refused) {
        struct upload_tally *tally = upload_tally_new(work->owner);
        upload_tally_add_findings(tally, &reading->findings);
        return refuse_file(work, reading, first_refusal(&reading->findings), tally, error);
    }
    bool at_once = upload->mode != NULL && upload->problem == NULL;
    return at_once ? commit_at_once(work, reading, error) : preview(work, reading, error);
}

/* A failure that another try would not mend must not be tried for ever. */
static bool give_up(struct upload_work *work, const struct error *failure)
{
    struct error ignored = {0};
    if (!store_is_connected(work->store))
        return false;
    if (failure->kind == ERROR_BUSY || failure->kind == ERROR_DENIED || store_is_unavailable(failure))
        return store_put_upload_back(work->store, &work->at, &ignored);
    struct store_upload_check check = {.state = "refused", .problem = "internal", .counts = "{}", .findings = "[]",
                                       .dialect = "{}"};
    if (failure->kind == ERROR_INPUT)
        check.problem = "too_large";
    int64_t ends_s = 0;
    return store_end_check(work->store, &work->at, &check, &ends_s, &ignored);
}

bool upload_work_run(struct upload_work *work, struct error *error)
{
    bool taken = false;
    if (!take(work, &taken, error))
        return false;
    struct store_upload *upload = taken ? store_find_upload(work->owner, work->store, &work->at, error) : NULL;
    if (upload == NULL)
        return !taken;
    bool good = true, checks = strcmp(upload->state, "checking") == 0;
    if (checks)
        good = check(work, upload, error);
    else if (strcmp(upload->state, "committing") == 0)
        good = commit(work, upload, error);
    else if (strcmp(upload->state, "taking_back") == 0)
        good = upload_take_back(work, upload, error);
    if (!good && checks && !give_up(work, error))
        return false;
    return good;
}
