/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Load on a patellad, with a ledger: KOOS submissions over many connections, one thread, and afterwards the question
 * whether the database holds exactly what was acknowledged.
 *
 *   struct error error;
 *   struct load_options options = {.port = daemon->port, .certificate = daemon->certificate, .connections = 64,
 *                                  .submissions = 10000};
 *   struct load *load = load_new(owner, &options, &error);        NULL: see `error`
 *   load_enrol(load, &error);                                     its subjects, through the API
 *   load_start(load);                                             in a thread of its own (or load_run: in this one)
 *   ... load_peek(load).acknowledged ... kill something ... load_set_port(load, port) ...
 *   load_stop(load); load_join(load);
 *   struct load_findings findings;
 *   if (!load_check_ledger(load, superuser, &findings)) fail_msg("%s", findings.text);
 *
 * Each of the connections (TLS 1.3, kept alive) sends one submission, waits for its answer and sends the next.  The
 * submissions are version 1 of records that differ: subject by subject, knee by knee, the visits of the demo protocol
 * and then unscheduled ones; all 42 answers are given and vary.  Every submission is in one of these states:
 *
 *   in flight      sent, no answer yet
 *   acknowledged   201 or 200; the receipt's sha256 is kept
 *   refused        4xx; status and code are kept
 *   unknown        connection cut, 5xx, nothing in time, an answer that cannot be read
 *
 * What is unknown is sent again under the same id, on the same connection or, after a cut, on a new one, until it is
 * acknowledged or refused (unless `gives_up`).  load_stop, `submissions` and `duration_ms` end the *new* submissions;
 * what is unknown then is still sent again for `settle_ms`.
 *
 * Nothing in here uses cmocka: it runs in any thread.  Several engines of one process do not touch each other; give
 * each its own subjects (`site`, `first_subject`), because the ledger counts whatever else is stored of them as never
 * sent.  SIGPIPE is ignored in the process from load_new on.
 */
#ifndef PATELLA_TEST_LOAD_H
#define PATELLA_TEST_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forms/base/error.h"
#include "migrations/db.h"

enum load_ids {
    LOAD_IDS_VERSION_7,          /* by the clock, as our clients make them */
    LOAD_IDS_VERSION_4           /* random */
};

/* A zero stands for what is said in brackets.  Texts must live as long as the engine. */
struct load_options {
    int port;                    /* of 127.0.0.1 */
    const char *certificate;     /* PEM file that is trusted (any server is) */
    const char *source;          /* own address, "127.0.0.2" (the kernel's choice) */
    const char *token;           /* (coordinator) */
    const char *study;           /* (demo) */
    int site;                    /* (1) */
    int first_subject;           /* (1) */
    int subjects;                /* how many (64); each has room for 20,008 submissions */
    int connections;             /* (1) */
    enum load_ids ids;
    uint64_t submissions;        /* new ones end after so many (no limit) */
    int duration_ms;             /* new ones end after this time from the first one on (no limit) */
    bool together;               /* nothing is sent before all connections are open */
    bool gives_up;               /* what is unknown is not sent again */
    int answer_ms;               /* an answer that takes longer is none (60 s) */
    int retry_most_ms;           /* Retry-After is honoured up to this; also the pause before a new connection (200) */
    int settle_ms;               /* how long what is unknown is tried on after the end (60 s) */
};

struct load;

/* Fails when the certificate cannot be read or threads and sockets are lacking. */
struct load *load_new(const void *owner, const struct load_options *options, struct error *error) MUST_CHECK;

/* Enrols the subjects in arrays of 256, before the run; those that are enrolled so already are no failure. */
bool load_enrol(struct load *load, struct error *error) MUST_CHECK;

/* The run: in this thread until its end, or in a thread of its own until load_join.  Once for an engine. */
void load_run(struct load *load);
bool load_start(struct load *load, struct error *error) MUST_CHECK;
void load_join(struct load *load);

/* From any thread, at any time: no new submissions; or the end at once, whatever is in flight stays unknown. */
void load_stop(struct load *load);
void load_abort(struct load *load);

/* From any thread: where new connections go from now on.  Open ones stay open. */
void load_set_port(struct load *load, int port);

/* What has happened so far; from any thread, also during the run. */
struct load_counts {
    uint64_t submissions;        /* different ones that were sent */
    uint64_t acknowledged;       /* by 201 and by 200 */
    uint64_t replayed;           /* by 200 */
    uint64_t refused;
    uint64_t unknown_now;        /* of those that the last answer, or the lack of one, left open */
    uint64_t unanswered;         /* times that a connection ended, or time ran out, with a submission in flight */
    uint64_t unavailable;        /* answers 503 */
    uint64_t failed;             /* other answers 5xx, and answers that cannot be read */
    uint64_t connects;           /* handshakes that were completed */
    uint64_t connect_failures;   /* connections refused or cut before the end of the handshake */
    uint64_t open;               /* connections that are open now */
    bool begun;                  /* the first submission was sent */
    bool ended;
};
struct load_counts load_peek(const struct load *load);

/* ---- after the end of the run ---- */

/*
 * Microseconds from the first submission to the last acknowledgement, and CPU time of the engine's thread from the
 * first submission to the end.
 */
int64_t load_elapsed_us(const struct load *load);
int64_t load_cpu_us(const struct load *load);

/* Time from sending a submission first to its acknowledgement, at `share` (0.5, 0.99) of all; within 1.6 per cent. */
double load_latency_us(const struct load *load, double share);

/* The first submission that was refused: "409 record_exists", or "" when none was. */
const char *load_first_refusal(const struct load *load);

/* What the database says to the ledger. */
struct load_findings {
    uint64_t acknowledged, refused, unknown;   /* the ledger's own count */
    uint64_t stored;             /* how many of its ids are stored */
    /* Faults, all of them 0 when the ledger is right. */
    uint64_t lost;               /* acknowledged and not stored */
    uint64_t doubled;            /* an id that is stored more than once */
    uint64_t altered;            /* stored with another record key, content or sha256 than was acknowledged */
    uint64_t not_as_sent;        /* content, scores, date or account differ from what was sent, which is made anew */
    uint64_t without_sha256;     /* acknowledged by a receipt whose sha256 cannot be read */
    uint64_t misaudited;         /* not exactly one INSERT of it in the audit trail, or one of what is not stored */
    uint64_t refused_stored;     /* refused and stored */
    uint64_t never_sent;         /* stored for its subjects, but not in the ledger */
    char text[2048];             /* the counts in a line, and for each fault the first five ids */
};

/* Compares after the end of the run; `db`: a superuser's connection.  False for any fault, or without a comparison. */
bool load_check_ledger(const struct load *load, struct db *db, struct load_findings *findings) MUST_CHECK;

#endif
