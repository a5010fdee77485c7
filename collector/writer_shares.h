/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Requests that wait for the writer, by who sent them, and whose turn it is.  Not for callers: they use
 * writer.h. Knows neither threads nor the database: who calls it holds the writer's mutex.
 *
 * An account in a study has a share.  Its requests stay in their order; between shares none is promised, for
 * nothing of them has been answered.  A share is charged with the time for which its rows have kept the
 * executor busy, and who has used least is first: whoever sends much, or what is expensive, waits behind
 * whoever sends little.  Newcomers begin at the least charge of those who wait, so that nobody saves up a
 * claim by being silent.
 *
 * A share is one of these: idle; ready; blocked, because its first request depends on rows that another
 * transaction holds; paused, because its study is locked; aside, because it has had its turn in the batch
 * that is put together.
 */
#ifndef PATELLA_WRITER_SHARES_H
#define PATELLA_WRITER_SHARES_H

#include "collector/batch.h"

enum share_state { SHARE_IDLE, SHARE_READY, SHARE_BLOCKED, SHARE_PAUSED, SHARE_ASIDE };

struct share {
    enum share_state state;
    struct batch_request *first;     /* in the order of arrival */
    struct batch_request **end;      /* where the next one is linked */
    uint64_t compared_with;          /* the held rows that `first` is known not to depend on; 0: none */

    /* For writer_shares.c alone. */
    char *account;
    int study_id;
    size_t bucket;
    struct share *next;              /* of its bucket */
    struct share *next_aside;
    size_t place;                    /* among those that are ready */
    size_t rows;                     /* that take room in the queue */
    size_t linked_rows;              /* of the requests from `first` on */
    size_t in_hand;                  /* requests that were taken and have not come back */
    int passed_over;                 /* times that `first` was blocked */
    int64_t charge_us;
    int64_t cost;                    /* what its rows have cost lately, in parts of their price */
    int64_t turn_us;                 /* price of what it has in the batch that is put together */
    uint64_t turn;                   /* the batch that this is true of */
    int64_t idle_since_us;
    int64_t paused_until_us;
};

struct shares;

/* `limit`: of the rows that wait.  Times are by clock_now_us. */
struct shares *shares_new(const void *owner, size_t limit);

/*
 * Whether there is room for so many rows of this account.  A share may fill as much as it leaves free: one
 * alone half of the limit, two a third each, so that whoever comes next finds room.  When nothing waits, an
 * array that is longer than the limit is taken.
 */
bool shares_have_room(const struct shares *shares, const struct principal *principal, size_t rows);

/* Queues a request that batch_prepare has seen; false when there is no room for it. */
bool shares_add(struct shares *shares, struct batch_request *request, int64_t now_us) MUST_CHECK;

/* Of those that are ready who has used least; NULL: none. */
struct share *shares_first(struct shares *shares, int64_t now_us);

/*
 * A batch is put together: from now on nobody has had a turn.  Beside others a share has at most 10 ms in it, or
 * what the others have, and of a longer request at least `cut_us`; without others of late it is more.
 */
void shares_begin_batch(struct shares *shares, int64_t cut_us, int64_t now_us);

/* What of its first request may go into the batch; no rows: it has had its turn. */
struct batch_piece shares_next_piece(const struct shares *shares, const struct share *share);

/* Takes this piece of its first request, and charges its price until shares_settle knows better. */
struct batch_request *shares_take(struct shares *shares, struct share *share, const struct batch_piece *piece,
                                  int64_t now_us);

/* It is not ready until the end of the batch. */
void shares_set_aside(struct shares *shares, struct share *share);
void shares_end_batch(struct shares *shares);

/*
 * It is not ready until shares_unblock.  One that was passed over again and again stops all others meanwhile:
 * shares_first gives none of them.
 */
void shares_block(struct shares *shares, struct share *share);
void shares_unblock(struct shares *shares);

/* Charges what a request that was taken has cost so far in place of its price. */
void shares_settle(struct shares *shares, struct batch_request *request);

/*
 * A request that was taken comes back; true when some of its rows still wait (`waiting`): then it has its old
 * place again.  When it has a pause, all shares of its study have one, or its own when it wants the study for
 * itself.
 */
bool shares_put_back(struct shares *shares, struct batch_request *request, int64_t now_us);

/*
 * All requests with a deadline until then; `*next_ms`: the first deadline of the others, INT64_MAX: there are
 * none.
 */
struct batch_request *shares_take_expired(struct shares *shares, int64_t until_ms, int64_t now_us,
                                          int64_t *next_ms);

/* No request has a later deadline. */
void shares_hurry(struct shares *shares, int64_t deadline_ms);

/*
 * Rows that wait, with those that are to follow others of their request; and those of them whose share is
 * ready.
 */
size_t shares_count_rows(const struct shares *shares);
size_t shares_count_ready_rows(const struct shares *shares);

/* When the first pause is over; INT64_MAX: there is none. */
int64_t shares_pause_end_us(const struct shares *shares);

#endif
