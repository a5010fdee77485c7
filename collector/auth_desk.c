/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/auth_desk.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "collector/clock.h"
#include "forms/base/memory.h"

enum { QUEUE_MOST = 64, QUEUE_MOST_OF_ADDRESS = 8, ANSWER_MS = 15000 };

struct question {
    struct question *next;
    struct exchange *exchange;       /* its owner */
    struct auth_request request;
    auth_reply *reply;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    int socket;
    bool runs, stopping, ended;
    struct question *first, **last;
    size_t queued;
    uint64_t asked;
} desk = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void refuse(struct exchange *exchange)
{
    exchange_reply_problem(exchange, 503, "unavailable", "nobody can log in now; try again");
}

/* ---- the thread ---- */

/* The answer of that number; answers of questions that were given up are passed over. */
static bool receive_answer(uint64_t number, struct auth_answer *answer)
{
    int64_t until_us = clock_now_us() + (int64_t)ANSWER_MS * 1000;
    for (;;) {
        struct pollfd wanted = {.fd = desk.socket, .events = POLLIN};
        int64_t left_us = until_us - clock_now_us();
        if (left_us <= 0)
            return false;
        int ready = poll(&wanted, 1, (int)(left_us / 1000) + 1);
        if (ready < 0 && errno != EINTR)
            return false;
        if (ready <= 0)
            continue;
        ssize_t got = recv(desk.socket, answer, sizeof *answer, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
            return false;
        if (got == (ssize_t)sizeof *answer && answer->number == number)
            return true;
    }
}

static void put_question(struct question *question)
{
    struct auth_answer answer;
    struct exchange *exchange = question->exchange;
    question->request.number = ++desk.asked;
    bool answered = send(desk.socket, &question->request, sizeof question->request, MSG_NOSIGNAL) ==
                        (ssize_t)sizeof question->request &&
                    receive_answer(question->request.number, &answer);
    OPENSSL_cleanse(&question->request, sizeof question->request);
    if (answered && answer.outcome != AUTH_UNAVAILABLE)
        question->reply(exchange, &answer);
    else
        refuse(exchange);
    OPENSSL_cleanse(&answer, sizeof answer);
    exchange_finish(exchange);
}

/* The next question; NULL at the end. */
static struct question *take(void)
{
    pthread_mutex_lock(&desk.lock);
    while (desk.first == NULL && !desk.stopping)
        pthread_cond_wait(&desk.changed, &desk.lock);
    struct question *question = desk.stopping ? NULL : desk.first;
    if (question != NULL) {
        desk.first = question->next;
        if (desk.first == NULL)
            desk.last = &desk.first;
        desk.queued--;
    }
    pthread_mutex_unlock(&desk.lock);
    return question;
}

static void *run(void *none)
{
    (void)none;
    for (struct question *question; (question = take()) != NULL;)
        put_question(question);
    pthread_mutex_lock(&desk.lock);
    desk.ended = true;
    pthread_cond_broadcast(&desk.changed);
    pthread_mutex_unlock(&desk.lock);
    return NULL;
}

/* ---- for others ---- */

bool auth_desk_start(int socket, struct error *error)
{
    desk.socket = socket;
    desk.last = &desk.first;
    clock_init_condition(&desk.changed);
    int failed = pthread_create(&desk.thread, NULL, run, NULL);
    if (failed != 0)
        return error_io(error, failed, "starting the thread for logins");
    desk.runs = true;
    return true;
}

static size_t count_of_address(const char *peer)
{
    size_t count = 0;
    for (const struct question *question = desk.first; question != NULL; question = question->next)
        count += strcmp(question->exchange->peer, peer) == 0;
    return count;
}

enum admission { ADMITTED, TOO_MANY_OF_ADDRESS, CLOSED };

static enum admission enqueue(struct question *question)
{
    enum admission admission = CLOSED;
    pthread_mutex_lock(&desk.lock);
    if (desk.runs && !desk.stopping && desk.queued < QUEUE_MOST)
        admission = count_of_address(question->exchange->peer) < QUEUE_MOST_OF_ADDRESS ? ADMITTED
                                                                                        : TOO_MANY_OF_ADDRESS;
    if (admission == ADMITTED) {
        *desk.last = question;
        desk.last = &question->next;
        desk.queued++;
        pthread_cond_signal(&desk.changed);
    }
    pthread_mutex_unlock(&desk.lock);
    return admission;
}

void auth_desk_ask(struct exchange *exchange, struct auth_request *request, auth_reply *reply)
{
    struct question *question = memory_new(exchange, struct question);
    *question = (struct question){.exchange = exchange, .request = *request, .reply = reply};
    OPENSSL_cleanse(request, sizeof *request);
    enum admission admission = enqueue(question);
    if (admission == ADMITTED)
        return;
    OPENSSL_cleanse(&question->request, sizeof question->request);
    if (admission == CLOSED)
        refuse(exchange);
    else
        exchange_reply_problem(exchange, 429, "too_many_logins",
                               "too many logins of this address wait already; try again later");
    exchange_finish(exchange);
}

/* With the lock. */
static bool await_end(int deadline_ms)
{
    struct timespec deadline = clock_deadline(deadline_ms);
    int waited = 0;
    while (!desk.ended && waited == 0)
        waited = pthread_cond_timedwait(&desk.changed, &desk.lock, &deadline);
    return desk.ended;
}

bool auth_desk_stop(int deadline_ms)
{
    if (!desk.runs)
        return true;
    pthread_mutex_lock(&desk.lock);
    desk.stopping = true;
    pthread_cond_broadcast(&desk.changed);
    struct question *waiting = desk.first;
    desk.first = NULL;
    if (!await_end(deadline_ms / 2))
        shutdown(desk.socket, SHUT_RDWR);   /* what is under way is given up */
    bool ended = await_end(deadline_ms / 2);
    pthread_mutex_unlock(&desk.lock);
    for (struct question *next; waiting != NULL; waiting = next) {
        next = waiting->next;
        refuse(waiting->exchange);
        exchange_finish(waiting->exchange);
    }
    if (!ended)
        return false;
    pthread_join(desk.thread, NULL);
    close(desk.socket);
    desk.runs = false;
    return true;
}
