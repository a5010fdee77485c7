/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/upload_take_back.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <jansson.h>
#undef json_boolean   /* a macro of the name that forms/json_write.h has for its function */
#include <openssl/sha.h>

#include "collector/clock.h"
#include "collector/upload_rows.h"
#include "collector/upload_send.h"
#include "forms/base/memory.h"

enum { PAGE = 500, NAMED_MOST = 10, PROBLEMS_SIZE = 400 };

/* Over all versions of the upload, newest first. */
struct going_back {
    struct upload_work *work;
    const struct store_upload *upload;
    int64_t rows;
    int64_t began_us;
    char why_not[PROBLEMS_SIZE];     /* the first records that cannot be taken back; empty: none */
    size_t named;
};

static void name_record(struct going_back *back, const struct store_upload_version *version, const char *why)
{
    size_t used = strlen(back->why_not);
    char *key = upload_key_text(NULL, &version->key);
    if (back->named++ < NAMED_MOST)
        snprintf(back->why_not + used, sizeof back->why_not - used, "%s%s (%s)", used > 0 ? ", " : "", key, why);
    talloc_free(key);
}

/* The same order gives the same ids: version 8 of RFC 9562, of upload and version. */
static void make_id(const char *upload, const char *version, char id[37])
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    char of[120];
    int length = snprintf(of, sizeof of, "patella take back\n%s\n%s", upload, version);
    SHA256((const unsigned char *)of, (size_t)length, hash);
    hash[6] = (unsigned char)((hash[6] & 0x0f) | 0x80);
    hash[8] = (unsigned char)((hash[8] & 0x3f) | 0x80);
    text_from_uuid(hash, id);
}

/* The canonical text is a submission but for its study, and what is new of this version. */
static struct submission_input *input_of(const void *owner, struct going_back *back,
                                         const struct store_upload_version *version, struct problem_list *problems)
{
    char id[37];
    bool is_void = version->before.content == NULL;
    make_id(back->upload->id, version->id, id);
    json_t *root = json_loads(is_void ? version->now.content : version->before.content, 0, NULL);
    if (root == NULL)
        return NULL;
    json_object_del(root, "study");
    json_object_set_new(root, "id", json_string(id));
    json_object_set_new(root, "version", json_integer(version->version + 1));
    json_object_set_new(root, "reason", json_string(back->upload->taken_back_reason));
    if (is_void) {
        json_object_set_new(root, "status", json_string("void"));
        json_object_set_new(root, "answers", json_object());
        json_object_del(root, "not_answered");
        json_object_del(root, "confirmed");
    }
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    struct submission_input *input = submission_read_json(owner, text, strlen(text), problems);
    free(text);
    return input;
}

static date_days today_at(const struct upload_work *work, int site)
{
    date_days today = DATE_NONE;
    struct error ignored;
    int64_t now = (int64_t)time(NULL);
    for (size_t i = 0; i < work->study->site_count; i++)
        if (work->study->sites[i].site == site && date_today(work->study->sites[i].time_zone, now, &today, &ignored))
            return today;
    return (date_days)(now / 86400);
}

static const struct submission *undo_of(const void *owner, struct going_back *back,
                                        const struct store_upload_version *version)
{
    struct problem_list problems = {0};
    const struct upload_work *work = back->work;
    struct submission_input *input = input_of(owner, back, version, &problems);
    struct submission *submission =
        input != NULL ? submission_check(owner, &work->study->catalogue, input, today_at(work, version->key.site),
                                         &problems)
                      : NULL;
    if (submission == NULL)
        name_record(back, version, "its earlier content does not fit the form any more");
    return submission;
}

/* What stands on it is said; else it is undone.  False: a failure. */
static bool undo_page(const void *owner, struct going_back *back, const struct store_upload_versions *page,
                      struct error *error)
{
    struct store_write *writes = memory_new_array(owner, struct store_write, page->count + 1);
    size_t count = 0, refused = 0;
    char code[32] = "";
    for (size_t i = 0; i < page->count; i++) {
        const struct store_upload_version *version = &page->rows[i];
        if (version->newest > version->version || version->redacted) {
            name_record(back, version, version->redacted ? "it was redacted" : "a later change stands on it");
            continue;
        }
        const struct submission *submission = undo_of(owner, back, version);
        if (submission != NULL)
            writes[count++] = upload_write_of(back->work, submission);
    }
    if (back->named > 0 || count == 0)
        return true;
    if (!upload_send_writes(back->work, writes, count, &refused, code, error))
        return false;
    if (refused < count)
        name_record(back, &page->rows[refused], code);
    return true;
}

static bool go_back(struct going_back *back, struct error *error)
{
    struct upload_work *work = back->work;
    int64_t after = 0;
    for (bool more = true; more;) {
        void *owner = memory_owner(work->owner, "versions");
        struct store_upload_versions *page =
            store_list_upload_versions(owner, work->store, &work->at, after, PAGE, error);
        bool good = page != NULL && undo_page(owner, back, page, error);
        more = good && page->count > 0;
        if (more) {
            after = page->rows[page->count - 1].place;
            back->rows += (int64_t)page->count;
        }
        talloc_free(owner);
        struct upload_progress progress = {.phase = UPLOAD_TAKING_BACK, .rows = back->rows,
                                           .began_us = back->began_us};
        if (!good)
            return false;
        if (!upload_job_note(work, &progress))
            return error_set(error, ERROR_BUSY, "the daemon ends");
    }
    return true;
}

bool upload_take_back(struct upload_work *work, const struct store_upload *upload, struct error *error)
{
    struct going_back back = {.work = work, .upload = upload, .began_us = clock_now_us()};
    bool unknown = false;
    bool good = store_begin(work->writer, error) && go_back(&back, error);
    if (good && back.named == 0)
        return store_finish_take_back(work->writer, &work->at, error) && store_commit(work->writer, &unknown, error);
    store_rollback(work->writer);
    if (!good)
        return false;
    upload_work_refuse(work, 409, "later_change", "nothing is taken back, because of %zu record%s: %s%s",
                       back.named, back.named == 1 ? "" : "s", back.why_not, back.named > NAMED_MOST ? ", ..." : "");
    return store_fail_take_back(work->writer, &work->at, "later_change", error);
}
