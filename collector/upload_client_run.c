/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/upload_client_run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "collector/upload_client_summary.h"
#include "forms/base/memory.h"

enum { MOST_PREVIEWS = 3, LINE_LIMIT = 4096 };

struct run {
    struct upload_client *client;
    const void *owner;
    const struct upload_client_file *file;
    const struct upload_client_wish *wish;
    struct upload_client_state *state;
    const char *path;            /* of the upload on the collector */
    const json_t *upload;        /* as it was seen last */
    const char *reason;          /* for change, as it was given */
    int status;
};

static const char *state_of(const struct run *run)
{
    return upload_client_text(run->upload, "state");
}

static bool is_state(const struct run *run, const char *state)
{
    return strcmp(state_of(run), state) == 0;
}

static int64_t rows_of(const struct run *run, const char *what)
{
    return upload_client_number(json_object_get(run->upload, "rows"), what);
}

/* ---- files and words ---- */

static bool write_receipt(const struct run *run, const json_t *receipt, struct error *error)
{
    const char *path = run->wish->receipt_file;
    struct text *text = text_new(run->owner);
    upload_client_append_json(text, receipt);
    text_append(text, "\n");
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool written = file >= 0 && write(file, text->bytes, text->length) == (ssize_t)text->length && fsync(file) == 0;
    if (!written)
        error_io(error, errno, path);
    if (file >= 0)
        close(file);
    return written;
}

/* Only what was refused is written: no file says that all rows are good. */
static bool write_refused(const struct run *run, struct error *error)
{
    return run->wish->refused_file == NULL || rows_of(run, "refused") == 0 ||
           upload_client_save(run->client, upload_client_below(run->owner, run->path, "/refused", ""),
                              run->wish->refused_file, error);
}

static bool print_preview(const struct run *run, struct error *error)
{
    const json_t *changed = NULL;
    if (run->wish->json || run->wish->quiet)
        return true;
    if (rows_of(run, "changed") > 0) {
        const char *query = memory_format(run->owner, "verdict=changed&limit=%d", UPLOAD_CLIENT_SHOWN_CHANGES);
        changed = upload_client_get(run->client, run->owner, upload_client_below(run->owner, run->path, "/rows", query),
                                    error);
        if (changed == NULL)
            return false;
    }
    struct text *out = text_new(run->owner);
    upload_client_append_preview(out, run->upload, changed);
    fputs(out->bytes, stdout);
    return fflush(stdout) == 0 || error_io(error, errno, "stdout");
}

static const char *outcome_name(int status)
{
    switch ((enum upload_client_exit)status) {
    case UPLOAD_CLIENT_STORED: return "stored";
    case UPLOAD_CLIENT_NOT_STORED: return "refused";
    case UPLOAD_CLIENT_MISUSED: return "misused";
    case UPLOAD_CLIENT_IN_PART: return "stored_in_part";
    case UPLOAD_CLIENT_TRY_AGAIN: return "try_again";
    case UPLOAD_CLIENT_PREVIEWED: return "previewed";
    }
    return "refused";
}

/* {"outcome": ..., "upload": {...}} */
static void print_document(const struct run *run)
{
    struct text *upload = text_new(run->owner);
    upload_client_append_json(upload, run->upload);
    printf("{\"outcome\":\"%s\",\"upload\":%s}\n", outcome_name(run->status), upload->bytes);
}

/* ---- questions ---- */

/* A line of standard input without its end; NULL at its end. */
static const char *ask(const struct run *run, const char *question)
{
    char line[LINE_LIMIT];
    fprintf(stderr, "%s ", question);
    fflush(stderr);
    if (fgets(line, sizeof line, stdin) == NULL)
        return NULL;
    line[strcspn(line, "\r\n")] = '\0';
    return memory_copy_string(run->owner, line);
}

static const char *question_of(const struct run *run, enum upload_client_task task)
{
    int64_t fresh = rows_of(run, "new"), changed = rows_of(run, "changed"), refused = rows_of(run, "refused");
    if (task == UPLOAD_CLIENT_STORE_GOOD)
        return memory_format(run->owner,
                             "Leave the %" PRId64 " refused rows out and store %" PRId64 " new and %" PRId64
                             " changed ones? [y/N]", refused, fresh, changed);
    return memory_format(run->owner, "Store %" PRId64 " new and %" PRId64 " changed rows? [y/N]", fresh, changed);
}

/* The mode to store in; NULL: not now. */
static const char *decide_mode(const struct run *run, enum upload_client_task task)
{
    if (run->wish->reading.mode != NULL)
        return run->wish->reading.mode;
    if (!run->wish->may_ask)
        return NULL;
    const char *answer = ask(run, question_of(run, task));
    bool yes = answer != NULL && (strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0);
    if (!yes)
        return NULL;
    return task == UPLOAD_CLIENT_STORE_GOOD ? "good-rows" : "all-or-nothing";
}

static bool decide_reason(struct run *run, struct error *error)
{
    bool needed = json_is_true(json_object_get(json_object_get(run->upload, "preview"), "reason_needed"));
    run->reason = run->wish->reason != NULL ? run->wish->reason : run->reason;
    if (needed && run->reason == NULL && run->wish->may_ask)
        run->reason = ask(run, "Reason for the changes:");
    if (!needed || (run->reason != NULL && text_count_visible(run->reason) >= UPLOAD_CLIENT_REASON_LEAST))
        return true;
    return error_set(error, ERROR_INPUT,
                     "nothing was stored: rows change what is stored and give no reason of their own; "
                     "give --reason TEXT, of at least %d characters", UPLOAD_CLIENT_REASON_LEAST);
}

/* ---- the end ---- */

/* What is known for good need not be remembered; a preview may yet be stored. */
static bool end_as(struct run *run, enum upload_client_exit status, struct error *error)
{
    run->status = (int)status;
    if (status != UPLOAD_CLIENT_PREVIEWED)
        upload_client_state_forget(run->state);
    if (!write_refused(run, error))
        return false;
    if (run->wish->json)
        print_document(run);
    return true;
}

static void say(const struct run *run, const char *words)
{
    if (!run->wish->json && !run->wish->quiet)
        printf("%s\n", words);
}

static bool end_stored(struct run *run, struct error *error)
{
    const json_t *receipt = json_object_get(run->upload, "receipt");
    bool in_part = upload_client_number(json_object_get(receipt, "rows"), "refused") > 0;
    if (is_state(run, "repeated"))
        say(run, "these bytes were uploaded before: this is the receipt of then, and nothing was stored again");
    if (!run->wish->json && !run->wish->quiet) {
        struct text *out = text_new(run->owner);
        upload_client_append_receipt(out, receipt);
        fputs(out->bytes, stdout);
    }
    /* The same command gets the same receipt: a full disk is no reason to be without. */
    run->client->try_again = !end_as(run, in_part ? UPLOAD_CLIENT_IN_PART : UPLOAD_CLIENT_STORED, error) ||
                             (run->wish->receipt_file != NULL && !write_receipt(run, receipt, error));
    return !run->client->try_again;
}

static bool end_refused(struct run *run, struct error *error)
{
    int64_t refused = rows_of(run, "refused");
    if (!end_as(run, UPLOAD_CLIENT_NOT_STORED, error))
        return false;
    if (is_state(run, "refused"))
        return error_at(error, ERROR_INPUT, run->file->path, 0, "nothing was stored: the file is refused as a whole");
    return error_at(error, ERROR_INPUT, run->file->path, 0,
                    "nothing was stored: %" PRId64 " rows are refused; mend them and upload again%s%s", refused,
                    run->wish->refused_file != NULL ? "" : " (--refused FILE writes them with what is wrong)",
                    upload_client_task_of(run->upload) == UPLOAD_CLIENT_STORE_GOOD
                        ? ", or store the others with --commit good-rows" : "");
}

/* The collector has other bytes than those that were read here: somebody wrote to the file meanwhile. */
static bool check_bytes(struct run *run, struct error *error)
{
    const char *sha256 = upload_client_text(json_object_get(run->upload, "file"), "sha256");
    if (sha256[0] == '\0' || strcasecmp(sha256, run->file->sha256) == 0)
        return true;
    upload_client_state_forget(run->state);
    run->client->try_again = true;
    return error_at(error, ERROR_CONFLICT, run->file->path, 0,
                    "the collector has received other bytes than the file has: it was changed while it was sent; "
                    "begin again when nobody writes to it");
}

/* What came of a preview. */
enum step { STEP_ENDED, STEP_FAILED, STEP_COMMITTED, STEP_AGAIN };

static enum step commit(struct run *run, const char *mode, struct error *error)
{
    const struct upload_client_commit commit = {
        .token = upload_client_text(json_object_get(run->upload, "preview"), "token"),
        .mode = mode,
        .reason = run->reason,
    };
    bool moved = false;
    const json_t *stored = upload_client_commit(run->client, run->owner, run->path, &commit, &moved, error);
    if (stored == NULL)
        return moved ? STEP_AGAIN : STEP_FAILED;
    run->upload = stored;
    return STEP_COMMITTED;
}

static enum step end_preview(struct run *run, struct error *error)
{
    enum upload_client_task task = upload_client_task_of(run->upload);
    if (!print_preview(run, error))
        return STEP_FAILED;
    if (task == UPLOAD_CLIENT_REFUSED)
        return end_refused(run, error) ? STEP_ENDED : STEP_FAILED;
    if (task == UPLOAD_CLIENT_NOTHING && run->wish->reading.mode == NULL) {
        say(run, "nothing to store: every row is there as it is in the file");
        return end_as(run, UPLOAD_CLIENT_STORED, error) ? STEP_ENDED : STEP_FAILED;
    }
    const char *mode = decide_mode(run, task);
    if (mode == NULL) {
        say(run, "nothing was stored: this was the preview; --commit all-or-nothing or --commit good-rows stores it");
        return end_as(run, UPLOAD_CLIENT_PREVIEWED, error) ? STEP_ENDED : STEP_FAILED;
    }
    if (task == UPLOAD_CLIENT_STORE_GOOD && strcmp(mode, "all-or-nothing") == 0)
        return end_refused(run, error) ? STEP_ENDED : STEP_FAILED;
    return decide_reason(run, error) ? commit(run, mode, error) : STEP_FAILED;
}

static bool end_judged(struct run *run, struct error *error)
{
    if (is_state(run, "committed") || is_state(run, "repeated"))
        return end_stored(run, error);
    if (is_state(run, "refused"))
        return print_preview(run, error) && end_refused(run, error);
    upload_client_state_forget(run->state);
    return error_set(error, ERROR_CONFLICT, "nothing was stored: the upload is \"%s\"; upload the file again",
                     state_of(run));
}

static bool decide(struct run *run, struct error *error)
{
    for (int previews = 0; previews < MOST_PREVIEWS; previews++) {
        run->upload = upload_client_follow(run->client, run->owner, run->path, error);
        if (run->upload == NULL || !check_bytes(run, error))
            return false;
        enum step step = is_state(run, "previewed") ? end_preview(run, error) : STEP_COMMITTED;
        if (step == STEP_COMMITTED)
            return end_judged(run, error);
        if (step != STEP_AGAIN)
            return step == STEP_ENDED;
        say(run, "what is stored has changed since this preview; here is another one");
    }
    run->client->try_again = true;
    return error_set(error, ERROR_BUSY, "nothing was stored: what is there changed with each preview; try again later");
}

bool upload_client_run(struct upload_client *client, const void *owner, const struct upload_client_file *file,
                       const struct upload_client_wish *wish, int *status, struct error *error)
{
    struct run run = {.client = client, .owner = owner, .file = file, .wish = wish};
    const char *const parts[] = {client->study, wish->reading.site, wish->reading.form, wish->reading.profile,
                                 wish->reading.profile_version};
    const char *target = client->url;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        target = memory_format(owner, "%s\n%s", target, parts[i] != NULL ? parts[i] : "");
    run.state = upload_client_state_find(owner, target, file);
    run.path = upload_client_send(client, owner, file, &wish->reading, run.state, error);
    bool done = run.path != NULL && decide(&run, error);
    *status = done ? run.status : client->try_again ? UPLOAD_CLIENT_TRY_AGAIN : UPLOAD_CLIENT_NOT_STORED;
    return done;
}
