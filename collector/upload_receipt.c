/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/upload_receipt.h"

#include <string.h>
#include <time.h>

#include <jansson.h>
#undef json_boolean   /* a macro of the name that forms/json_write.h has for its function */
#include <openssl/sha.h>

#include "collector/clock.h"
#include "collector/json_reply.h"
#include "forms/base/memory.h"
#include "forms/json_write.h"

enum { INSTANT_SIZE = 32, OF_EFFECT_SIZE = 160 };

/* ---- the token ---- */

void upload_sha256_of(const char *text, char sha256[65])
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)text, strlen(text), hash);
    text_to_hex(hash, sizeof hash, sha256);
}

void upload_preview_token(const char *upload, const char *digest, char token[65])
{
    char of[OF_EFFECT_SIZE];
    snprintf(of, sizeof of, "patella preview\n%s\n%s", upload, digest);
    upload_sha256_of(of, token);
}

/* ---- parts ---- */

static void append_instant(struct text *out, const char *key, int64_t unix_s)
{
    char instant[INSTANT_SIZE];
    time_t at = (time_t)unix_s;
    struct tm utc;
    if (gmtime_r(&at, &utc) != NULL && strftime(instant, sizeof instant, "%Y-%m-%dT%H:%M:%SZ", &utc) > 0)
        json_text(out, key, instant);
}

static void append_integer(struct text *out, const char *key, int64_t number)
{
    json_key(out, key);
    text_append_integer(out, number);
}

/* JSON that is there already, or null. */
static void append_json(struct text *out, const char *key, const char *json)
{
    json_key(out, key);
    text_append(out, json != NULL ? json : "null");
}

static void append_site(struct text *out, int site)
{
    json_key(out, "site");
    if (site > 0)
        text_append_integer(out, site);
    else
        text_append(out, "null");
}

static void append_file(struct text *out, const struct store_upload *upload, const char *sha256)
{
    json_key(out, "file");
    text_append(out, "{");
    json_text(out, "name", upload->name);
    append_integer(out, "size", upload->size >= 0 ? upload->size : upload->received);
    json_reply_nullable(out, "sha256", sha256);
    text_append(out, "}");
}

static void append_profile(struct text *out, const struct store_upload *upload)
{
    json_key(out, "profile");
    if (upload->profile == NULL) {
        text_append(out, "null");
        return;
    }
    text_append(out, "{");
    json_text(out, "name", upload->profile);
    append_integer(out, "version", upload->profile_version);
    text_append(out, "}");
}

static void append_refused_rows(struct text *out, const char *id, const char *study, int64_t refused)
{
    json_key(out, "refused_rows");
    if (refused > 0)
        text_append_format(out, "\"/api/v1/uploads/%s/refused?study=%s\"", id, study);
    else
        text_append(out, "null");
}

static int64_t count_of(const struct store_upload *upload, const char *name)
{
    json_t *root = upload->counts != NULL ? json_loads(upload->counts, 0, NULL) : NULL;
    int64_t count = json_integer_value(json_object_get(root, name));
    json_decref(root);
    return count;
}

int64_t upload_count_refused(const struct store_upload *upload)
{
    return count_of(upload, "refused");
}

int64_t upload_count_read(const struct store_upload *upload)
{
    return count_of(upload, "read");
}

/* ---- progress ---- */

static bool is_under_way(const char *state)
{
    return strcmp(state, "checking") == 0 || strcmp(state, "committing") == 0 || strcmp(state, "taking_back") == 0;
}

static void append_progress(struct text *out, const struct store_upload *upload,
                            const struct upload_progress *progress)
{
    json_key(out, "progress");
    if (!is_under_way(upload->state) || (progress == NULL && upload->phase == NULL)) {
        text_append(out, "null");
        return;
    }
    bool known = progress != NULL;
    int64_t rows = known ? progress->rows : upload->rows_done;
    int64_t bytes = known ? progress->bytes : upload->bytes_done;
    int64_t of_bytes = known && progress->of_bytes > 0 ? progress->of_bytes : upload->received;
    double spent_s = known ? (double)(clock_now_us() - progress->began_us) / 1e6
                           : (double)(time(NULL) - upload->phase_began_s);
    text_append(out, "{");
    json_text(out, "phase", known ? upload_phase_name(progress->phase) : upload->phase);
    append_integer(out, "rows", rows);
    append_integer(out, "bytes", bytes);
    append_integer(out, "of_bytes", of_bytes);
    append_integer(out, "rows_per_s", spent_s > 0 ? (int64_t)((double)rows / spent_s) : 0);
    if (bytes > 0 && of_bytes >= bytes)
        append_instant(out, "ends_at",
                       (int64_t)time(NULL) + (int64_t)(spent_s * (double)(of_bytes - bytes) / (double)bytes));
    text_append(out, "}");
}

/* ---- the upload ---- */

static void append_preview(struct text *out, const struct store_upload *upload)
{
    json_key(out, "preview");
    if (strcmp(upload->state, "previewed") != 0 || upload->digest == NULL) {
        text_append(out, "null");
        return;
    }
    char token[65];
    upload_preview_token(upload->id, upload->digest, token);
    text_append(out, "{");
    json_text(out, "token", token);
    append_instant(out, "expires_at", upload->preview_ends_s);
    json_boolean(out, "reason_needed", upload->reason_needed);
    text_append(out, "}");
}

/* Findings quote cells: also of items that may name the arm. */
static bool sees_cells(const struct principal *principal)
{
    return principal->role != ROLE_STATISTICIAN && principal->role != ROLE_STATISTICIAN_UNMASKED;
}

void upload_append_json(struct text *out, const struct principal *principal, const struct store_upload *upload,
                        const struct upload_progress *progress)
{
    const char *study = principal->study;

    text_append(out, "{");
    json_text(out, "id", upload->id);
    json_text(out, "study", study);
    append_site(out, upload->site);
    json_reply_nullable(out, "form", upload->form);
    json_text(out, "state", upload->state);
    json_reply_nullable(out, "problem", upload->problem);
    append_file(out, upload, upload->sha256);
    append_profile(out, upload);
    json_reply_nullable(out, "mode", upload->mode);
    json_reply_nullable(out, "reason", upload->reason);
    json_text(out, "begun_by", upload->account);
    json_text(out, "begun_at", upload->begun_at);
    append_progress(out, upload, progress);
    append_json(out, "rows", upload->counts != NULL && strcmp(upload->counts, "{}") != 0 ? upload->counts : NULL);
    append_json(out, "findings", upload->findings != NULL && sees_cells(principal) ? upload->findings : "[]");
    append_preview(out, upload);
    append_json(out, "receipt", upload->receipt);
    append_refused_rows(out, upload->id, study, upload_count_refused(upload));
    if (upload->same_as != NULL)
        json_text(out, "same_as", upload->same_as);
    json_reply_nullable(out, "taken_back_by", upload->taken_back_at != NULL ? upload->taken_back_by : NULL);
    json_reply_nullable(out, "taken_back_at", upload->taken_back_at);
    json_reply_nullable(out, "taken_back_reason", upload->taken_back_reason);
    text_append(out, "}");
}

void upload_append_receipt(struct text *out, const struct upload_work *work, const struct upload_run *run,
                           const struct store_upload_batch *batch)
{
    const struct store_upload *upload = run->reading->upload;
    const struct upload_counts *counts = upload_tally_counts(run->tally);
    text_append(out, "{");
    json_text(out, "id", upload->id);
    json_text(out, "study", work->study->code);
    append_site(out, upload->site);
    append_file(out, upload, run->reading->sha256);
    append_profile(out, upload);
    json_reply_nullable(out, "form", upload->form);
    json_key(out, "assumed");
    upload_tally_assumed_to_json(out, run->tally);
    json_key(out, "rows");
    upload_counts_to_json(out, counts);
    append_integer(out, "batch", batch->batch);
    json_text(out, "mode", run->whole ? "all-or-nothing" : "good-rows");
    json_text(out, "committed_at", batch->committed_at);
    json_text(out, "by", batch->committed_by);
    append_refused_rows(out, upload->id, work->study->code, counts->refused);
    text_append(out, "}");
}

/* ---- orders ---- */

void upload_reply_outcome(struct exchange *exchange, const char *code)
{
    static const struct {
        const char *code;
        int status;
        const char *detail;
    } known[] = {
        {"not_previewed", 409, "the upload is not previewed, so that there is nothing to commit; GET tells its state"},
        {"preview_expired", 409, "the preview is older than 24 hours; upload the file again"},
        {"token_wrong", 409, "the token is not that of the present preview; look at that one, and send its token"},
        {"bad_mode", 422, "`mode` is `all-or-nothing` or `good-rows`"},
        {"reason_missing", 422, "stored records would change, and not all of their rows give a reason; send one as "
                                "`reason`, of at least five characters"},
        {"not_committed", 409, "the upload is not committed, so that there is nothing to take back"},
        {"under_way", 409, "the upload is being worked on; ask again when that has ended"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].code, code) == 0) {
            exchange_reply_problem(exchange, known[i].status, code, "%s", known[i].detail);
            return;
        }
    exchange_reply_problem(exchange, 409, code, "the state of the upload does not allow this; GET tells it");
}
