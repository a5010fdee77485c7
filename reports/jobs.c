/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/jobs.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "forms/base/log.h"
#include "forms/base/memory.h"
#include "reports/report.h"

enum { POLL_SECONDS = 2 };

struct job {
    char *id, *study, *cut, *unblinding;
};

static bool find_unblinding(const void *owner, struct db *db, struct job *job, struct error *error)
{
    struct db_parameters *parameters = db_parameters_new(owner, 1);
    db_set_text(parameters, 0, job->id);
    struct db_result *result = db_execute(owner, db, EXTRACT_JOB_UNBLINDING, parameters, error);
    if (result == NULL)
        return false;
    if (!db_is_null(result, 0, 0))
        job->unblinding = memory_copy_string(job, db_text(result, 0, 0));
    return true;
}

/* Sets *job NULL when none is waiting. */
static bool take_job(const void *owner, struct db *db, int at_once, struct job **job, struct error *error)
{
    struct db_parameters *parameters = db_parameters_new(owner, 1);
    db_set_int(parameters, 0, at_once);
    *job = NULL;
    if (!db_run(db, EXTRACT_RELEASE_JOBS, NULL, error))
        return false;
    struct db_result *result = db_execute(owner, db, EXTRACT_TAKE_JOB, parameters, error);
    if (result == NULL)
        return false;
    if (db_rows(result) == 0 || db_is_null(result, 0, 0))
        return true;
    *job = memory_new(owner, struct job);
    (*job)->id = memory_copy_string(*job, db_text(result, 0, 0));
    (*job)->study = memory_copy_string(*job, db_text(result, 0, 1));
    (*job)->cut = memory_copy_string(*job, db_text(result, 0, 2));
    return find_unblinding(owner, db, *job, error);
}

static bool collect(void *context, const void *bytes, size_t length, struct error *error)
{
    (void)error;
    text_append_bytes(context, bytes, length);
    return true;
}

/* The database takes a file as a whole. */
static bool add_file(const void *owner, struct db *db, const struct job *job, struct report *report, size_t index,
                     struct error *error)
{
    const struct report_file *file = &report->files[index];
    struct text *bytes = text_new(owner);
    if (!report_send_file(report, index, collect, bytes, error))
        return false;
    struct db_parameters *parameters = db_parameters_new(bytes, 4);
    db_set_text(parameters, 0, job->id);
    db_set_text(parameters, 1, file->name);
    db_set_text(parameters, 2, file->media_type);
    db_set_bytes(parameters, 3, bytes->bytes, bytes->length);
    bool added = db_run(db, EXTRACT_ADD_FILE, parameters, error);
    talloc_free(bytes);
    return added;
}

static bool finish_job(const void *owner, struct db *db, const struct job *job, const char *failure,
                       struct error *error)
{
    struct db_parameters *parameters = db_parameters_new(owner, 3);
    db_set_text(parameters, 0, job->id);
    db_set_text(parameters, 1, failure == NULL ? "true" : "false");
    db_set_text(parameters, 2, failure);
    return db_run(db, EXTRACT_FINISH_JOB, parameters, error);
}

/* All files and the end of the job become visible at once. */
static bool store_report(const void *owner, struct db *db, const struct job *job, struct report *report,
                         struct error *error)
{
    if (!db_begin(db, DB_READ_COMMITTED, error))
        return false;
    bool stored = true, unknown;
    for (size_t i = 0; i < report->file_count && stored; i++)
        stored = add_file(owner, db, job, report, i, error);
    stored = stored && finish_job(owner, db, job, NULL, error) && db_commit(db, &unknown, error);
    if (!stored)
        db_rollback(db);
    return stored;
}

/* For people who have no terminal: the message with what it is about. */
static char *describe(const void *owner, const struct error *failure)
{
    if (failure->file[0] == '\0')
        return memory_copy_string(owner, failure->message);
    return memory_format(owner, "%s:%d: %s", failure->file, failure->line, failure->message);
}

/* False only when the job's end could not be written down. */
static bool do_job(const void *owner, struct db *db, const struct job *job, unsigned formats,
                   struct error *error)
{
    struct error failure = {.kind = ERROR_NONE};
    const struct report_order order = {
        .study = job->study, .cut = job->cut, .columns = EXTRACT_COLUMNS_ALLOWED, .unblinding = job->unblinding,
        .formats = formats};
    log_write(LOG_LEVEL_INFO, "report begins", "job", job->id, "study", job->study, "cut", job->cut, NULL);
    struct report *report = report_make(owner, db, &order, &failure);
    if (report != NULL && store_report(owner, db, job, report, &failure)) {
        log_write(LOG_LEVEL_INFO, "report stored", "job", job->id, NULL);
        return true;
    }
    char *description = describe(owner, &failure);
    log_write(LOG_LEVEL_ERROR, "report failed", "job", job->id, "error", description, NULL);
    if (!db_is_alive(db))
        return error_set(error, failure.kind, "%s", description);   /* released when another worker looks */
    return finish_job(owner, db, job, description, error);
}

static void block_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    sigprocmask(SIG_BLOCK, signals, NULL);
}

/* Waits so long for a signal; true when one came.  Signals stay blocked during a job and wait for its end. */
static bool is_stopped(const sigset_t *signals, int seconds)
{
    const struct timespec wait = {.tv_sec = seconds};
    return sigtimedwait(signals, NULL, &wait) > 0;
}

/* Takes and does one job; *found says whether there was one. */
static bool work(struct db *db, const struct jobs_order *order, bool *found, struct error *error)
{
    void *owner = memory_owner(NULL, "job");
    struct job *job;
    bool done = take_job(owner, db, order->at_once, &job, error);
    *found = done && job != NULL;
    if (*found)
        done = do_job(owner, db, job, order->formats, error);
    talloc_free(owner);
    return done;
}

bool jobs_run(struct db *db, const struct jobs_order *order, struct error *error)
{
    sigset_t signals;
    block_signals(&signals);
    bool found = false;
    for (int pause = 0; !is_stopped(&signals, pause); pause = found ? 0 : POLL_SECONDS) {
        bool done = work(db, order, &found, error);
        if (done && order->once && !found)
            return true;
        if (done)
            continue;
        if (order->once || (db_is_alive(db) && !db_is_transient(error)))
            return false;
        log_write(LOG_LEVEL_WARNING, "waiting for the database", "error", error->message, NULL);
        found = false;
        if (!db_is_alive(db) && !db_reopen(db, error))
            log_write(LOG_LEVEL_WARNING, "cannot connect", "error", error->message, NULL);
    }
    return true;
}
