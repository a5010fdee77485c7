/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/writer_shares.h"

#include <string.h>

#include "forms/base/memory.h"

enum {
    BUCKETS = 256,
    BATCH_ROWS = 256,
    ALONE_TURN_US = 50000,           /* a batch without others: 256 rows, but not as many calls */
    TURN_US = 10000,                 /* of a share beside others */
    AS_PRICED = 256,                 /* rows cost what was thought */
    COST_LEAST = 32,
    COST_MOST = 4096,
    LATELY_US = 50000,               /* who was served so long ago may send again any moment */
    AHEAD_MOST_US = 500000,          /* however much a share has cost, it waits no longer for others */
    PASSED_OVER_MOST = 8
};

struct shares {
    struct share *buckets[BUCKETS];
    struct share **ready;            /* a heap: nobody has used less than the first */
    size_t ready_count, ready_room;
    size_t waiting;                  /* shares that are not idle */
    size_t blocked, paused;
    struct share *aside;
    bool stopped;                    /* by one that was passed over too often */
    size_t limit, rows, ready_rows;
    uint64_t last_number;
    uint64_t turn;
    bool alone;                      /* one share has this batch for itself */
    int64_t cut_us;                  /* else: what each has of a long request, at least */
    int64_t batch_us;                /* price of what is in it */
    int64_t least_us;                /* the charge of who was served last: of all that waited the least */
    const struct share *served;      /* last; never followed */
    int64_t served_us;
    int64_t alternated_us;           /* when another one than before was served */
    int64_t pause_end_us;            /* of the first that ends */
};

struct shares *shares_new(const void *owner, size_t limit)
{
    struct shares *shares = memory_new(owner, struct shares);
    shares->limit = limit;
    shares->pause_end_us = INT64_MAX;
    shares->alternated_us = shares->served_us = -LATELY_US;
    return shares;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- those that are ready: a binary heap by charge ---- */

static void put(struct shares *shares, size_t place, struct share *share)
{
    shares->ready[place] = share;
    share->place = place;
}

static void rise(struct shares *shares, struct share *share)
{
    size_t place = share->place;
    while (place > 0 && shares->ready[(place - 1) / 2]->charge_us > share->charge_us) {
        put(shares, place, shares->ready[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(shares, place, share);
}

static void sink(struct shares *shares, struct share *share)
{
    size_t place = share->place;
    for (size_t below; (below = 2 * place + 1) < shares->ready_count; place = below) {
        if (below + 1 < shares->ready_count &&
            shares->ready[below + 1]->charge_us < shares->ready[below]->charge_us)
            below++;
        if (shares->ready[below]->charge_us >= share->charge_us)
            break;
        put(shares, place, shares->ready[below]);
    }
    put(shares, place, share);
}

static void make_ready(struct shares *shares, struct share *share)
{
    if (shares->ready_count == shares->ready_room) {
        shares->ready_room = 2 * shares->ready_room + 16;
        shares->ready = memory_resize_array(shares, shares->ready, struct share *, shares->ready_room);
    }
    shares->ready_rows += share->linked_rows;
    put(shares, shares->ready_count++, share);
    rise(shares, share);
}

static void leave_ready(struct shares *shares, struct share *share)
{
    struct share *last = shares->ready[--shares->ready_count];
    shares->ready_rows -= share->linked_rows;
    if (last == share)
        return;
    put(shares, share->place, last);
    rise(shares, last);
    sink(shares, last);
}

static void charge(struct shares *shares, struct share *share, int64_t more_us)
{
    share->charge_us = earlier(share->charge_us + more_us, shares->least_us + AHEAD_MOST_US);
    if (share->state != SHARE_READY)
        return;
    rise(shares, share);
    sink(shares, share);
}

static void set_state(struct shares *shares, struct share *share, enum share_state state)
{
    if (share->state == SHARE_READY)
        leave_ready(shares, share);
    shares->waiting += (size_t)(state != SHARE_IDLE) - (size_t)(share->state != SHARE_IDLE);
    shares->blocked += (size_t)(state == SHARE_BLOCKED) - (size_t)(share->state == SHARE_BLOCKED);
    shares->paused += (size_t)(state == SHARE_PAUSED) - (size_t)(share->state == SHARE_PAUSED);
    share->state = state;
    if (state == SHARE_READY)
        make_ready(shares, share);
}

/* ---- the table ---- */

/* FNV-1a (Fowler, Noll, Vo); accounts are named by the administrator. */
static size_t bucket_of(const char *account, int study_id)
{
    uint32_t hash = 2166136261U ^ (uint32_t)study_id;
    for (const char *c = account; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619U;
    return hash % BUCKETS;
}

/* Nothing of it waits, and its charge is what a newcomer's would be. */
static bool may_be_forgotten(const struct shares *shares, const struct share *share, int64_t now_us)
{
    return share->state == SHARE_IDLE && share->in_hand == 0 && share->paused_until_us <= now_us &&
           share->charge_us - (now_us - share->idle_since_us) <= shares->least_us;
}

static void forget_idle(struct shares *shares, struct share **bucket, int64_t now_us)
{
    for (struct share *share; (share = *bucket) != NULL;) {
        if (!may_be_forgotten(shares, share, now_us)) {
            bucket = &share->next;
            continue;
        }
        *bucket = share->next;
        talloc_free(share);
    }
}

static struct share *find(const struct shares *shares, const struct principal *principal)
{
    struct share *share = shares->buckets[bucket_of(principal->account, principal->study_id)];
    while (share != NULL &&
           (share->study_id != principal->study_id || strcmp(share->account, principal->account) != 0))
        share = share->next;
    return share;
}

static struct share *add(struct shares *shares, const struct principal *principal, int64_t now_us)
{
    struct share *share = memory_new(shares, struct share);
    share->account = memory_copy_string(share, principal->account);
    share->study_id = principal->study_id;
    share->bucket = bucket_of(principal->account, principal->study_id);
    share->end = &share->first;
    share->charge_us = shares->least_us;
    share->cost = AS_PRICED;
    share->idle_since_us = now_us;
    struct share **bucket = &shares->buckets[share->bucket];
    forget_idle(shares, bucket, now_us);
    share->next = *bucket;
    return *bucket = share;
}

/* All of them, one after the other; behind NULL comes the first. */
static struct share *next_of(const struct shares *shares, const struct share *share)
{
    if (share != NULL && share->next != NULL)
        return share->next;
    for (size_t bucket = share != NULL ? share->bucket + 1 : 0; bucket < BUCKETS; bucket++)
        if (shares->buckets[bucket] != NULL)
            return shares->buckets[bucket];
    return NULL;
}

/* ---- what comes and goes ---- */

/* So many rows of a request, from now on, take room in the queue. */
static void count_rows(struct shares *shares, struct batch_request *request, size_t rows)
{
    struct share *share = request->share;
    shares->rows += rows - request->counted;
    share->rows += rows - request->counted;
    request->counted = rows;
}

/* A request comes to the others, or leaves them. */
static void count_linked(struct shares *shares, struct share *share, size_t more, size_t less)
{
    share->linked_rows += more - less;
    if (share->state == SHARE_READY)
        shares->ready_rows += more - less;
}

/* A charge melts away while nothing is asked for, as fast as the clock runs. */
static void wake(struct shares *shares, struct share *share, int64_t now_us)
{
    int64_t idle_us = share->in_hand == 0 ? now_us - share->idle_since_us : 0;
    share->charge_us = later(share->charge_us - idle_us, shares->least_us);
    bool pauses = share->paused_until_us > now_us;
    set_state(shares, share, pauses ? SHARE_PAUSED : SHARE_READY);
    if (pauses)
        shares->pause_end_us = earlier(shares->pause_end_us, share->paused_until_us);
}

static bool has_room(const struct shares *shares, const struct share *share, size_t rows)
{
    size_t own = share != NULL ? share->rows : 0;
    return shares->rows == 0 || own + shares->rows + rows <= shares->limit;
}

bool shares_have_room(const struct shares *shares, const struct principal *principal, size_t rows)
{
    return has_room(shares, find(shares, principal), rows);
}

bool shares_add(struct shares *shares, struct batch_request *request, int64_t now_us)
{
    const struct principal *principal = request->exchange->principal;
    struct share *share = find(shares, principal);
    if (!has_room(shares, share, request->waiting))
        return false;
    if (share == NULL)
        share = add(shares, principal, now_us);
    request->share = share;
    request->number = ++shares->last_number;
    request->next = NULL;
    *share->end = request;
    share->end = &request->next;
    count_rows(shares, request, request->waiting);
    count_linked(shares, share, request->waiting, 0);
    if (share->state == SHARE_IDLE)
        wake(shares, share, now_us);
    return true;
}

static struct batch_request *unlink_first(struct shares *shares, struct share *share)
{
    struct batch_request *request = share->first;
    share->first = request->next;
    if (share->first == NULL)
        share->end = &share->first;
    request->next = NULL;
    share->compared_with = 0;
    share->passed_over = 0;
    count_linked(shares, share, 0, request->waiting);
    return request;
}

static void rest(struct shares *shares, struct share *share, int64_t now_us)
{
    if (share->first != NULL)
        return;
    set_state(shares, share, SHARE_IDLE);
    share->idle_since_us = now_us;
}

/* Only what another thread has put back may be older. */
static void link_in_order(struct shares *shares, struct share *share, struct batch_request *request)
{
    struct batch_request **at = &share->first;
    while (*at != NULL && (*at)->number < request->number)
        at = &(*at)->next;
    request->next = *at;
    if (*at == NULL)
        share->end = &request->next;
    *at = request;
    share->compared_with = 0;
    count_linked(shares, share, request->waiting, 0);
}

static void pause_share(struct shares *shares, struct share *share, int64_t until_us)
{
    share->paused_until_us = until_us;
    if (share->state == SHARE_IDLE)
        return;
    set_state(shares, share, SHARE_PAUSED);
    shares->pause_end_us = earlier(shares->pause_end_us, until_us);
}

/*
 * The study is locked.  Who pauses already keeps the end of it: others who come and find out put nobody off
 * for ever. One that wants the study for itself may be the only one that does not get it.
 */
static void pause_study(struct shares *shares, const struct batch_request *request, int64_t until_us)
{
    if (batch_excludes_others(request)) {
        pause_share(shares, request->share, until_us);
        return;
    }
    for (struct share *share = NULL; (share = next_of(shares, share)) != NULL;)
        if (share->study_id == request->share->study_id && share->state != SHARE_PAUSED)
            pause_share(shares, share, until_us);
}

bool shares_put_back(struct shares *shares, struct batch_request *request, int64_t now_us)
{
    struct share *share = request->share;
    shares_settle(shares, request);
    share->in_hand--;
    count_rows(shares, request, request->waiting);
    if (share->state == SHARE_IDLE)
        share->idle_since_us = now_us;   /* until now it kept somebody busy */
    if (request->waiting == 0)
        return false;
    link_in_order(shares, share, request);
    if (share->state == SHARE_IDLE)
        wake(shares, share, now_us);
    if (request->pause_ms > 0)
        pause_study(shares, request, now_us + (int64_t)request->pause_ms * 1000);
    request->pause_ms = 0;
    return true;
}

/* ---- whose turn it is ---- */

/* What others have used during the pause is no claim. */
static void make_ready_again(struct shares *shares, struct share *share)
{
    share->charge_us = later(share->charge_us, shares->least_us);
    set_state(shares, share, SHARE_READY);
}

static void end_pauses(struct shares *shares, int64_t now_us)
{
    if (shares->paused == 0 || now_us < shares->pause_end_us)
        return;
    shares->pause_end_us = INT64_MAX;
    for (struct share *share = NULL; (share = next_of(shares, share)) != NULL;) {
        if (share->state != SHARE_PAUSED)
            continue;
        if (share->paused_until_us <= now_us)
            make_ready_again(shares, share);
        else
            shares->pause_end_us = earlier(shares->pause_end_us, share->paused_until_us);
    }
}

struct share *shares_first(struct shares *shares, int64_t now_us)
{
    end_pauses(shares, now_us);
    return shares->ready_count > 0 && !shares->stopped ? shares->ready[0] : NULL;
}

void shares_begin_batch(struct shares *shares, int64_t cut_us, int64_t now_us)
{
    bool others = shares->waiting > 1 || now_us - shares->alternated_us < LATELY_US;
    shares->turn++;
    shares->batch_us = 0;
    shares->alone = !others;
    shares->cut_us = earlier(cut_us, TURN_US);
}

/*
 * As much as all before it have got, where that is more.  What does not fit into the rest of a turn waits for
 * the next one; what fits into none is cut, by what the rows of this share have cost lately.
 */
struct batch_piece shares_next_piece(const struct shares *shares, const struct share *share)
{
    const struct batch_request *request = share->first;
    int64_t used_us = share->turn == shares->turn ? share->turn_us : 0;
    int64_t others_us = shares->batch_us - used_us, alone_us = ALONE_TURN_US * share->cost / AS_PRICED;
    int64_t turn_us = shares->alone ? alone_us : later(TURN_US, others_us);
    int64_t most_us = shares->alone ? alone_us : later(shares->cut_us, others_us);
    struct batch_piece most = {.rows = request->company == BATCH_SINGLY ? 1 : BATCH_ROWS,
                               .price_us = most_us * AS_PRICED / share->cost};
    struct batch_piece piece = batch_cut(request, &most);
    piece.price_us = piece.price_us * share->cost / AS_PRICED;
    bool whole = piece.rows == request->waiting;
    if (used_us > 0 && (!whole || used_us + piece.price_us > turn_us))
        piece.rows = 0;
    return piece;
}

struct batch_request *shares_take(struct shares *shares, struct share *share, const struct batch_piece *piece,
                                  int64_t now_us)
{
    if (shares->served != share && now_us - shares->served_us < LATELY_US)
        shares->alternated_us = now_us;   /* who comes after a silence shares with nobody */
    shares->served = share;
    shares->served_us = now_us;
    shares->least_us = later(shares->least_us, share->charge_us);
    share->turn_us = piece->price_us + (share->turn == shares->turn ? share->turn_us : 0);
    share->turn = shares->turn;
    shares->batch_us += piece->price_us;
    struct batch_request *request = unlink_first(shares, share);
    count_rows(shares, request, request->waiting - piece->rows);
    batch_take(request, piece);
    request->price_us = piece->price_us;
    request->spent_us = 0;
    share->in_hand++;
    charge(shares, share, piece->price_us);
    rest(shares, share, now_us);
    return request;
}

void shares_set_aside(struct shares *shares, struct share *share)
{
    set_state(shares, share, SHARE_ASIDE);
    share->next_aside = shares->aside;
    shares->aside = share;
}

void shares_end_batch(struct shares *shares)
{
    for (struct share *share; (share = shares->aside) != NULL;) {
        shares->aside = share->next_aside;
        set_state(shares, share, SHARE_READY);
    }
}

void shares_block(struct shares *shares, struct share *share)
{
    set_state(shares, share, SHARE_BLOCKED);
    shares->stopped = shares->stopped || ++share->passed_over > PASSED_OVER_MOST;
}

void shares_unblock(struct shares *shares)
{
    shares->stopped = false;
    if (shares->blocked == 0)
        return;
    for (struct share *share = NULL; (share = next_of(shares, share)) != NULL;)
        if (share->state == SHARE_BLOCKED)
            set_state(shares, share, SHARE_READY);
}

/*
 * What rows cost is learnt from the last few requests: answers of a kilobyte or of a hundred, refused or
 * stored.
 */
static void learn_cost(struct share *share, const struct batch_request *request)
{
    if (request->price_us <= 0 || request->spent_us <= 0)
        return;
    int64_t cost = share->cost * request->spent_us / request->price_us;
    share->cost = later(COST_LEAST, earlier((3 * share->cost + cost) / 4, COST_MOST));
}

void shares_settle(struct shares *shares, struct batch_request *request)
{
    learn_cost(request->share, request);
    charge(shares, request->share, request->spent_us - request->price_us);
    request->price_us = request->spent_us = 0;
}

/* ---- deadlines ---- */

/* Deadlines of a share come in the order of its requests: all wait equally long. */
struct batch_request *shares_take_expired(struct shares *shares, int64_t until_ms, int64_t now_us,
                                          int64_t *next_ms)
{
    struct batch_request *expired = NULL, **end = &expired;
    *next_ms = INT64_MAX;
    for (struct share *share = NULL; (share = next_of(shares, share)) != NULL;) {
        if (share->state == SHARE_IDLE)
            continue;
        for (; share->first != NULL && share->first->deadline_ms <= until_ms; end = &(*end)->next) {
            *end = unlink_first(shares, share);
            count_rows(shares, *end, 0);
        }
        if (share->first != NULL)
            *next_ms = earlier(*next_ms, share->first->deadline_ms);
        rest(shares, share, now_us);
    }
    for (size_t bucket = 0; bucket < BUCKETS; bucket++)
        forget_idle(shares, &shares->buckets[bucket], now_us);
    return expired;
}

void shares_hurry(struct shares *shares, int64_t deadline_ms)
{
    for (struct share *share = NULL; (share = next_of(shares, share)) != NULL;)
        for (struct batch_request *request = share->first; request != NULL; request = request->next)
            request->deadline_ms = earlier(request->deadline_ms, deadline_ms);
}

/* ---- questions ---- */

size_t shares_count_rows(const struct shares *shares)
{
    return shares->rows;
}

size_t shares_count_ready_rows(const struct shares *shares)
{
    return shares->ready_rows;
}

int64_t shares_pause_end_us(const struct shares *shares)
{
    return shares->paused > 0 ? shares->pause_end_us : INT64_MAX;
}
