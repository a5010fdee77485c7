/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What waits for the writer: the submissions of one request, the fate of each, and which of them may go to
 * the database in one call.  Pure: knows neither threads nor the database.
 */
#ifndef PATELLA_BATCH_H
#define PATELLA_BATCH_H

#include "collector/exchange.h"
#include "collector/store.h"

enum batch_fate {
    BATCH_UNREADABLE,    /* refused by the reader: problems */
    BATCH_INVALID,       /* refused by the check: problems */
    BATCH_WAITING,       /* checked; not yet judged by the database */
    BATCH_JUDGED,        /* `verdict` holds, once the transaction has committed */
    BATCH_FAILED         /* not stored: `failure` says why */
};

struct batch_row {
    enum batch_fate fate;
    struct problem_list problems;    /* of BATCH_UNREADABLE and BATCH_INVALID */
    struct store_write write;        /* else */
    bool replay_only;                /* invalid, unless the database knows that it is stored (recheck.h) */
    struct store_verdict verdict;
    bool accepted_before;            /* an attempt whose COMMIT has an unknown outcome had accepted it */
    const char *failure;             /* "unavailable" or "internal" */
    const char *request_id;          /* of the exchange: for the log */
    struct batch_request *request;   /* that it came with; from batch_prepare on */
    bool apart;                      /* it depends on one before it in the request: a call begins with it */
};

/* Enough for the ids of a few requests, and for the words that there are more. */
enum { BATCH_IDS_SIZE = 160 };

/* With whom a request is written the next time. */
enum batch_company {
    BATCH_TOGETHER,
    BATCH_ALONE,         /* something failed while others were there */
    BATCH_SINGLY         /* something failed while it was alone: row by row */
};

struct batch_request {
    struct exchange *exchange;       /* owns the request and all of its rows */
    struct batch_row *rows;
    size_t count;
    bool is_array;                   /* an array was sent: the reply holds a result for each row */
    size_t bytes;                    /* of canonical texts */
    int64_t deadline_ms;             /* monotonic; later than this the answer is "unavailable" */
    struct batch_request *next;      /* in the writer's queue */

    /* The writer's own; all zero before batch_prepare. */
    enum batch_company company;
    struct share *share;             /* writer_shares.h */
    uint64_t number;                 /* by order of arrival */
    size_t waiting;                  /* rows that wait, as of the last count */
    size_t counted;                  /* those for which it takes room in the queue */
    size_t taken_end;                /* of the rows before this one those that wait are with PostgreSQL */
    int64_t price_us;                /* what its share was charged in advance */
    int64_t spent_us;                /* for how long it has kept the executor busy since */
    int pause_ms;                    /* its study was locked: not again before */
};

/* Part of a request. */
struct batch_piece {
    size_t rows;
    int64_t price_us;                /* what it will cost the executor, roughly */
};

/*
 * The database has judged `row`, and its transaction has committed.  A row that may only be a replay and is
 * none is as invalid as the check found it.
 */
void batch_settle(struct batch_row *row);

/* The ids of the requests that the rows came with, each once, with commas between them. */
void batch_name_requests(struct batch_row *const *rows, size_t count, char ids[BATCH_IDS_SIZE]);

/* Rows that the database has to judge. */
size_t batch_count_waiting(const struct batch_request *request);

/* These rows, of all requests of a list, in their order; an array of `owner`. */
struct batch_row **batch_collect_waiting(const void *owner, const struct batch_request *group, size_t *count);

/* The same, without those behind what was taken. */
struct batch_row **batch_collect_taken(const void *owner, const struct batch_request *group, size_t *count);

/* Before a request is queued: counts what waits, and sees which rows need calls of their own. */
void batch_prepare(struct batch_request *request);

/* The first rows that wait: at most so many, and of this price; at least one, when one waits. */
struct batch_piece batch_cut(const struct batch_request *request, const struct batch_piece *most);

/* This piece is with PostgreSQL from now on. */
void batch_take(struct batch_request *request, const struct batch_piece *piece);

/* The rows that wait have failed: all, or those that were taken. */
void batch_fail_waiting(struct batch_request *request, const char *failure);
void batch_fail_taken(struct batch_request *request, const char *failure);

/*
 * The end of the segment of rows[from..count) that may go to the database in one call: no row of it depends
 * on another, which would be the same id, another version of the same record, an enrolment, void or not, and
 * anything else about that subject.  Always greater than `from` when from < count.
 */
size_t batch_segment_end(struct batch_row *const *rows, size_t from, size_t count);

/* True when it depends, in the same sense, on one of `rows`. */
bool batch_row_depends_on(const struct batch_row *row, struct batch_row *const *rows, size_t count);

/*
 * True when a waiting row voids an enrolment: its transaction takes the study without anybody else who
 * writes.
 */
bool batch_excludes_others(const struct batch_request *request);

/*
 * True when a waiting row of `request` may not be sent before one of `rows`, in another transaction, is
 * decided: it depends on it, or one of the two voids an enrolment, which waits for all who write about the
 * study.  Reads of `rows` only what the event loop wrote.
 */
bool batch_depends_on(const struct batch_request *request, struct batch_row *const *rows, size_t count);

#endif
