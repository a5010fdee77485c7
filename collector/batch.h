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
};

/* Enough for the ids of a few requests, and for the words that there are more. */
enum { BATCH_IDS_SIZE = 160 };

struct batch_request {
    struct exchange *exchange;       /* owns the request and all of its rows */
    struct batch_row *rows;
    size_t count;
    bool is_array;                   /* an array was sent: the reply holds a result for each row */
    size_t bytes;                    /* of canonical texts */
    int64_t deadline_ms;             /* monotonic; later than this the answer is "unavailable" */
    bool alone;                      /* the connection was lost over it: no neighbours in the next attempt */
    struct batch_request *next;      /* in the writer's queue */
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

/*
 * The end of the segment of rows[from..count) that may go to the database in one call: no row of it depends
 * on another, which would be the same id, another version of the same record, an enrolment, void or not, and
 * anything else about that subject.  Always greater than `from` when from < count.
 */
size_t batch_segment_end(struct batch_row *const *rows, size_t from, size_t count);

/*
 * True when a waiting row of `request` depends, in the same sense, on one of `rows`: it may not be judged
 * before that one is decided.  Reads of `rows` only what the event loop wrote.
 */
bool batch_depends_on(const struct batch_request *request, struct batch_row *const *rows, size_t count);

#endif
