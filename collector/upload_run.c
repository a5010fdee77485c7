/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/upload_run.h"

#include "collector/clock.h"
#include "collector/upload_sender.h"
#include "forms/base/memory.h"

enum { COLLECT_ROWS = 2000 };

/* Where a run is. */
struct position {
    struct upload_run *run;
    struct upload_rules *rules;
    struct upload_batch *batch;
    struct upload_sender *sender;    /* of a commit */
    enum upload_sweep sweep;
    struct upload_pass pass;
    struct upload_progress progress;
    int64_t bytes_before;        /* of earlier sweeps */
};

static bool is_over(const struct upload_run *run)
{
    return run->rejection.line != 0;
}

/* The batch is gone then, one way or the other. */
static bool send(struct position *at, struct error *error)
{
    struct upload_run *run = at->run;
    struct upload_batch *batch = at->batch;
    bool left_out = run->whole && upload_tally_counts(run->tally)->refused > 0;
    struct upload_calls *calls = at->sender != NULL && !left_out ? upload_calls_of(NULL, run->work, batch) : NULL;
    at->batch = NULL;
    talloc_free(batch);
    return calls == NULL || upload_sender_give(at->sender, calls, &run->rejection, error);
}

/* Judges, counts, keeps, stores what has been collected. */
static bool end_batch(struct position *at, struct error *error)
{
    struct upload_run *run = at->run;
    bool good = upload_batch_judge(at->batch, at->rules, error);
    at->progress.rows += (int64_t)at->batch->count;
    at->progress.bytes = at->bytes_before + at->pass.bytes;
    if (good) {
        upload_tally_add_batch(run->tally, at->batch);
        good = (!run->keeps || upload_tally_keep(run->tally, run->work, at->batch, error)) && send(at, error);
    }
    talloc_free(at->batch);
    at->batch = upload_batch_new(at->rules);
    return good && (upload_job_note(run->work, &at->progress) || error_set(error, ERROR_BUSY, "the daemon ends"));
}

static bool take_line(void *context, const struct csv_line *line, struct error *error)
{
    struct position *at = context;
    if (is_over(at->run))
        return true;
    upload_batch_add(at->batch, at->rules, line, at->sweep);
    return !upload_batch_is_full(at->batch) || end_batch(at, error);
}

static bool run_sweep(struct position *at, struct error *error)
{
    at->pass = (struct upload_pass){.on_line = take_line, .context = at};
    bool good = upload_reading_pass(at->run->work, at->run->reading, &at->pass, error) &&
                (is_over(at->run) || end_batch(at, error));
    at->bytes_before += at->pass.bytes;
    return good;
}

static bool collect_line(void *context, const struct csv_line *line, struct error *error)
{
    struct position *at = context;
    upload_scan_collect(at->run->reading->scan, line);
    return ++at->progress.rows % COLLECT_ROWS != 0 || upload_job_note(at->run->work, &at->progress) ||
           error_set(error, ERROR_BUSY, "the daemon ends");
}

/* Where keys may stand twice, what is said of them is looked at first: the order of rows decides nothing. */
static bool collect_doubles(struct position *at, struct error *error)
{
    struct upload_reading *reading = at->run->reading;
    struct upload_pass pass = {.on_line = collect_line, .context = at};
    if (reading->collected || !upload_scan_has_suspects(reading->scan))
        return true;
    reading->collected = upload_reading_pass(at->run->work, reading, &pass, error);
    at->progress.rows = 0;
    return reading->collected;
}

static bool run_sweeps(struct position *at, struct error *error)
{
    for (int sweep = 0; sweep < SWEEP_COUNT; sweep++) {
        at->sweep = (enum upload_sweep)sweep;
        if (at->run->reading->wanted[sweep] && !run_sweep(at, error))
            return false;
    }
    return true;
}

/* The sender has the transaction meanwhile. */
static bool run_commit(struct position *at, struct error *error)
{
    struct error failed = {0};
    at->sender = upload_sender_start(at->run->work, error);
    if (at->sender == NULL)
        return false;
    bool good = run_sweeps(at, error);
    bool sent = upload_sender_end(at->sender, &at->run->rejection, &failed);
    if (good && !sent)
        *error = failed;
    return good && sent;
}

bool upload_run_all(struct upload_run *run, struct error *error)
{
    struct upload_work *work = run->work;
    struct position at = {.run = run};
    at.rules = upload_rules_new(work, run->reading);
    at.rules->judging.reason = run->reason;
    at.rules->judging.reason_pending = run->reason_pending;
    at.batch = upload_batch_new(at.rules);
    at.progress = (struct upload_progress){.phase = run->commits ? UPLOAD_COMMITTING : UPLOAD_CHECKING,
                                           .began_us = clock_now_us()};
    for (int sweep = 0; sweep < SWEEP_COUNT; sweep++)
        at.progress.of_bytes += run->reading->wanted[sweep] ? run->reading->upload->received : 0;
    upload_scan_rewind(run->reading->scan);
    run->tally = upload_tally_new(work->owner);
    upload_tally_add_findings(run->tally, &run->reading->findings);
    bool good = collect_doubles(&at, error) && (run->commits ? run_commit(&at, error) : run_sweeps(&at, error));
    talloc_free(at.rules);
    if (good)
        upload_tally_digest(run->tally, run->digest);
    return good;
}
