/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/upload_jobs.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "collector/clock.h"
#include "collector/store_upload.h"
#include "collector/upload_clerk.h"
#include "collector/writer.h"
#include "forms/base/log.h"
#include "forms/base/memory.h"

enum {
    THREADS = 2,
    STATEMENT_TIMEOUT_MS = 30000,
    RETRY_MS = 1000,             /* before the next try to reach PostgreSQL */
    SLOT_MS = 250,               /* before the next look for a free slot */
    NOTE_US = 1000000,
    YIELD_MOST_US = 500000,
    START_FAILED_MS = 5000
};

/* Somebody has asked for an upload; in the order of asking. */
struct upload_job {
    struct upload_job *next;
    char upload[37];
    char *token;                 /* whoever asked */
    char *study;
    int study_id;
    bool running;
    struct upload_progress progress;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;      /* a job more, the end */
    char *conninfo;
    struct upload_job *first;
    pthread_t threads[THREADS];
    size_t started, ended;
    bool stopping;
} jobs = {.lock = PTHREAD_MUTEX_INITIALIZER};

const char *upload_phase_name(enum upload_phase phase)
{
    static const char *const names[] = {"reading", "checking", "committing", "taking_back"};
    return names[phase];
}

/* ---- the list; the lock is held ---- */

static struct upload_job *find_job(const char *upload)
{
    struct upload_job *job = jobs.first;
    while (job != NULL && strcmp(job->upload, upload) != 0)
        job = job->next;
    return job;
}

static struct upload_job *first_idle(void)
{
    struct upload_job *job = jobs.first;
    while (job != NULL && job->running)
        job = job->next;
    return job;
}

static struct upload_job *add_job(const struct principal *principal, const char *upload)
{
    struct upload_job *job = memory_new(NULL, struct upload_job);
    snprintf(job->upload, sizeof job->upload, "%s", upload);
    job->token = memory_copy_string(job, principal->token);
    job->study = memory_copy_string(job, principal->study);
    job->study_id = principal->study_id;
    struct upload_job **end = &jobs.first;
    while (*end != NULL)
        end = &(*end)->next;
    *end = job;
    pthread_cond_broadcast(&jobs.changed);
    return job;
}

static void free_job(struct upload_job *job)
{
    OPENSSL_cleanse(job->token, strlen(job->token));
    talloc_free(job);
}

static void remove_job(struct upload_job *job)
{
    struct upload_job **link = &jobs.first;
    while (*link != job)
        link = &(*link)->next;
    *link = job->next;
}

/* ---- for others ---- */

void upload_jobs_wake(const struct principal *principal, const char *upload)
{
    pthread_mutex_lock(&jobs.lock);
    if (!jobs.stopping && find_job(upload) == NULL)
        add_job(principal, upload);
    pthread_mutex_unlock(&jobs.lock);
}

bool upload_jobs_look(const char *upload, struct upload_progress *progress)
{
    pthread_mutex_lock(&jobs.lock);
    const struct upload_job *job = find_job(upload);
    if (job != NULL)
        *progress = job->progress;
    bool found = job != NULL;
    pthread_mutex_unlock(&jobs.lock);
    return found;
}

/* ---- for the work ---- */

void upload_work_refuse(struct upload_work *work, int status, const char *code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    work->problem.status = status;
    snprintf(work->problem.code, sizeof work->problem.code, "%s", code);
    vsnprintf(work->problem.detail, sizeof work->problem.detail, format, arguments);
    va_end(arguments);
}

/* Sleeps, or until the end. */
static bool pause_for(int64_t pause_us)
{
    struct timespec until = clock_deadline((int)(pause_us / 1000));
    int waited = 0;
    pthread_mutex_lock(&jobs.lock);
    while (!jobs.stopping && waited == 0)
        waited = pthread_cond_timedwait(&jobs.changed, &jobs.lock, &until);
    bool goes_on = !jobs.stopping;
    pthread_mutex_unlock(&jobs.lock);
    return goes_on;
}

/* As long as the batch has taken, when anybody else had something to store meanwhile. */
static bool yield_to_others(struct upload_work *work)
{
    struct writer_counts counts = writer_read_counts();
    uint64_t others = counts.accepted + counts.replayed + counts.refused;
    int64_t spent_us = clock_now_us() - work->turn_us;
    bool busy = counts.queued > 0 || others != work->others;
    work->others = others;
    if (busy && work->turn_us != 0 && !pause_for(spent_us < YIELD_MOST_US ? spent_us : YIELD_MOST_US))
        return false;
    work->turn_us = clock_now_us();
    return true;
}

bool upload_job_note(struct upload_work *work, const struct upload_progress *progress)
{
    pthread_mutex_lock(&jobs.lock);
    work->job->progress = *progress;
    work->job->progress.at_us = clock_now_us();
    bool goes_on = !jobs.stopping;
    pthread_mutex_unlock(&jobs.lock);
    if (goes_on && clock_now_us() - work->noted_us >= NOTE_US) {
        struct error ignored = {0};
        struct store_upload_progress note = {upload_phase_name(progress->phase), progress->rows, progress->bytes};
        if (!store_note_upload(work->store, &work->at, &note, &ignored))
            log_write(LOG_LEVEL_WARNING, "progress of an upload is not noted", "upload", work->at.id, "error",
                      ignored.message, NULL);
        work->noted_us = clock_now_us();
    }
    return goes_on && yield_to_others(work);
}

/* ---- a thread ---- */

struct session {
    struct store *store, *writer;
};

static bool open_or_keep(struct store **store, struct error *error)
{
    if (*store != NULL)
        return store_ensure(*store, error);
    *store = store_open_writer(NULL, jobs.conninfo, STATEMENT_TIMEOUT_MS, error);
    return *store != NULL;
}

static bool connect_stores(struct session *session)
{
    struct error error = {0};
    if (open_or_keep(&session->store, &error) && open_or_keep(&session->writer, &error))
        return true;
    log_write(LOG_LEVEL_WARNING, "an upload waits for the database", "error", error.message, NULL);
    return false;
}

/* A slot of the two that all daemons share; false at the end, or when the connection is lost. */
static bool await_slot(struct session *session, struct error *error)
{
    bool taken = false;
    while (store_take_slot(session->writer, &taken, error) && !taken)
        if (!pause_for((int64_t)SLOT_MS * 1000))
            return error_set(error, ERROR_BUSY, "the daemon ends");
    return taken;
}

static bool work_on(struct session *session, struct upload_job *job, struct upload_problem *problem,
                    struct error *error)
{
    const struct catalogues *catalogues = catalogues_hold();
    const struct catalogue_study *study = catalogues != NULL ? catalogues_find(catalogues, job->study) : NULL;
    struct upload_work work = {
        .owner = memory_owner(NULL, "upload"), .store = session->store, .writer = session->writer,
        .at = {job->token, job->study_id, job->upload}, .study = study, .job = job};
    bool good = study != NULL ? upload_work_run(&work, error)
                              : error_set(error, ERROR_BUSY, "the study is not loaded yet");
    *problem = work.problem;
    talloc_free((void *)work.owner);
    catalogues_release(catalogues);
    return good;
}

static void run_job(struct session *session, struct upload_job *job, struct upload_problem *problem)
{
    struct error error = {0};
    bool good = await_slot(session, &error);
    if (good) {
        struct error ignored = {0};
        good = work_on(session, job, problem, &error);
        if (store_is_connected(session->writer) && !store_leave_slot(session->writer, &ignored))
            log_write(LOG_LEVEL_WARNING, "the slot of an upload is not free", "error", ignored.message, NULL);
    }
    if (good || error.kind == ERROR_BUSY)
        return;
    log_write(LOG_LEVEL_ERROR, "work on an upload failed", "upload", job->upload, "error", error.message, "sqlstate",
              error.sqlstate, NULL);
    problem->status = store_is_unavailable(&error) ? 503 : error.kind == ERROR_DENIED ? 403 : 500;
    snprintf(problem->code, sizeof problem->code, "%s",
             problem->status == 503 ? "unavailable" : problem->status == 403 ? "not_allowed" : "internal");
    snprintf(problem->detail, sizeof problem->detail, "%s",
             problem->status == 503   ? "the database does not answer now; try again"
             : problem->status == 403 ? "the token does not allow this"
                                      : "an error of the collector; report it with the request id");
}

/* The next job, which is running then; NULL at the end. */
static struct upload_job *take(void)
{
    pthread_mutex_lock(&jobs.lock);
    while (first_idle() == NULL && !jobs.stopping)
        pthread_cond_wait(&jobs.changed, &jobs.lock);
    struct upload_job *job = jobs.stopping ? NULL : first_idle();
    if (job != NULL)
        job->running = true;
    pthread_mutex_unlock(&jobs.lock);
    return job;
}

static void finish(struct upload_job *job, const struct upload_problem *problem)
{
    pthread_mutex_lock(&jobs.lock);
    remove_job(job);
    pthread_mutex_unlock(&jobs.lock);
    upload_clerk_tell(job->upload, problem);
    free_job(job);
}

static void *run(void *none)
{
    (void)none;
    struct session session = {NULL, NULL};
    struct upload_job *job;
    while ((job = take()) != NULL) {
        struct upload_problem problem = {0};
        bool connected;
        while (!(connected = connect_stores(&session)) && pause_for((int64_t)RETRY_MS * 1000))
            ;
        if (connected)
            run_job(&session, job, &problem);
        finish(job, &problem);
    }
    talloc_free(session.store);
    talloc_free(session.writer);
    pthread_mutex_lock(&jobs.lock);
    jobs.ended++;
    pthread_cond_broadcast(&jobs.changed);
    pthread_mutex_unlock(&jobs.lock);
    return NULL;
}

/* ---- begin and end ---- */

bool upload_jobs_start(const char *conninfo, struct error *error)
{
    jobs.conninfo = memory_copy_string(NULL, conninfo != NULL ? conninfo : "");
    clock_init_condition(&jobs.changed);
    if (!upload_clerk_start(jobs.conninfo, error))
        return false;
    for (size_t i = 0; i < THREADS; i++) {
        int failed = pthread_create(&jobs.threads[i], NULL, run, NULL);
        if (failed != 0) {
            if (!upload_jobs_stop(START_FAILED_MS))
                log_write(LOG_LEVEL_WARNING, "a thread for uploads that was started does not end", NULL);
            return error_io(error, failed, "starting a thread for uploads");
        }
        jobs.started++;
    }
    return true;
}

static void end_threads(bool ended)
{
    for (size_t i = 0; i < jobs.started; i++) {
        if (ended)
            pthread_join(jobs.threads[i], NULL);
        else
            pthread_detach(jobs.threads[i]);
    }
    jobs.started = 0;
}

void upload_jobs_hurry(void)
{
    pthread_mutex_lock(&jobs.lock);
    jobs.stopping = true;
    pthread_cond_broadcast(&jobs.changed);
    pthread_mutex_unlock(&jobs.lock);
    upload_clerk_hurry();
}

bool upload_jobs_stop(int deadline_ms)
{
    struct timespec deadline = clock_deadline(deadline_ms);
    int waited = 0;
    pthread_mutex_lock(&jobs.lock);
    jobs.stopping = true;
    pthread_cond_broadcast(&jobs.changed);
    while (jobs.ended < jobs.started && waited == 0)
        waited = pthread_cond_timedwait(&jobs.changed, &jobs.lock, &deadline);
    bool ended = jobs.ended == jobs.started;
    pthread_mutex_unlock(&jobs.lock);
    end_threads(ended);
    ended = upload_clerk_stop(deadline_ms) && ended;
    if (!ended)
        return false;
    for (struct upload_job *job; (job = jobs.first) != NULL;) {
        remove_job(job);
        free_job(job);
    }
    talloc_free(jobs.conninfo);
    jobs.conninfo = NULL;
    return true;
}
