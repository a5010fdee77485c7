/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/dispatch.h"

#include <string.h>

#include <openssl/sha.h>

#include "collector/access.h"
#include "collector/catalogues.h"
#include "collector/clock.h"
#include "collector/connection.h"
#include "collector/container_of.h"
#include "collector/handlers.h"
#include "collector/loop.h"
#include "collector/metrics.h"
#include "collector/receive.h"
#include "collector/session_token.h"
#include "forms/base/log.h"
#include "forms/base/memory.h"

static struct call *call_of_message(struct inbox_message *message)
{
    return CONTAINER_OF(message, struct call, message);
}

static struct call *call_of_work(struct work *work)
{
    return CONTAINER_OF(work, struct call, work);
}

/* Back in the loop: false when the client has gone meanwhile, and the call with it. */
static bool arrive(struct call *call)
{
    call->loop->calls_away--;
    if (call->connection != NULL)
        return true;
    call_free(call);
    return false;
}

static void deliver_reply(struct inbox_message *message)
{
    struct call *call = call_of_message(message);
    if (!arrive(call))
        return;
    if (call->exchange.status == 0 && call->exchange.then != NULL)
        dispatch_go_on(call);
    else
        connection_reply(call->connection);
}

void dispatch_send_to_worker(struct call *call, enum connection_phase phase)
{
    struct connection *connection = call->connection;
    call->loop->calls_away++;
    connection_await(connection, phase);
    if (workers_push(call->loop->workers, &call->work))
        return;
    call->loop->calls_away--;
    metrics_add(METRIC_WORKER_QUEUE_FULL, 1);
    exchange_reply_problem(&call->exchange, 503, "unavailable", "too many requests are waiting; try again");
    connection_reply(connection);
}

/* ---- admission ---- */

static void refuse_token(struct call *call)
{
    metrics_add(METRIC_TOKENS_DENIED, 1);
    exchange_reply_problem(&call->exchange, 401, "bad_token", "the token is unknown, expired or revoked");
    connection_reply(call->connection);
}

static void receive(struct call *call)
{
    if (call->in_pieces)
        receive_begin(call);
    else
        connection_receive_body(call->connection);
}

static void admit_principal(struct call *call, const struct principal *principal)
{
    const struct connection *connection = call->connection;
    bool has_machines = call->loop->tls[DOOR_MACHINES] != NULL;
    call->exchange.principal = access_copy_principal(call, principal);
    bool right_door = connection->door == DOOR_MACHINES ? access_allow_machine(&call->exchange, connection->machine)
                                                        : access_allow_person(&call->exchange, has_machines);
    if (right_door && access_allow(&call->exchange))
        receive(call);
    else
        connection_reply(call->connection);
}

static void deliver_principal(struct inbox_message *message)
{
    struct call *call = call_of_message(message);
    if (!arrive(call))
        return;
    struct loop *loop = call->loop;
    struct connection *connection = call->connection;
    struct principal *found = call->found;
    call->found = NULL;
    if (found != NULL) {
        int64_t until_us = clock_now_us() + (int64_t)loop->settings->token_cache_ms * 1000;
        token_cache_add(loop->tokens, call->token_sha256, found, until_us);
        admit_principal(call, found);
    } else if (call->denied) {
        refuse_token(call);
    } else {
        exchange_reply_problem(&call->exchange, 503, "unavailable",
                               "the database cannot be asked about the token; try again");
        connection_reply(connection);
    }
    connection_go_on(connection);
}

/* A session that opens nothing in the study is still a session: what it asks for is not there, not forbidden. */
static struct principal *find_holder(struct call *call, struct store *store, struct error *error)
{
    const char *session = call->exchange.session;
    struct principal *found = NULL;
    if (session == NULL || call->token != session)
        found = store_find_principal(store, call->token, error);
    if (found != NULL || session == NULL || (call->token != session && error->kind != ERROR_DENIED))
        return found;
    *error = (struct error){0};
    return store_find_session_principal(store, session, error);
}

/* On a worker. */
static void find_principal(struct work *work, struct store *store)
{
    struct call *call = call_of_work(work);
    struct error error = {0};
    if (store != NULL)
        call->found = find_holder(call, store, &error);
    call->denied = error.kind == ERROR_DENIED;
    if (store != NULL && call->found == NULL && !call->denied)
        log_write(LOG_LEVEL_ERROR, "the database cannot be asked about a token", "request",
                  call->exchange.request_id, "error", error.message, "sqlstate", error.sqlstate, NULL);
    inbox_post(call->loop->inbox, &call->message);
}

/* Of a session, the token for the study that the request names, when there is one. */
static void derive_token(struct call *call)
{
    struct exchange *exchange = &call->exchange;
    const char *code = exchange_study(exchange);
    const struct catalogue_study *study =
        exchange->session != NULL && code != NULL ? catalogues_find(exchange->catalogues, code) : NULL;
    if (study == NULL)
        return;
    char derived[SESSION_SECRET_SIZE];
    session_token_for_study(exchange->session, study->study_id, derived);
    call->token = memory_copy_string(call, derived);
}

static void admit_token(struct call *call)
{
    struct loop *loop = call->loop;
    derive_token(call);
    SHA256((const unsigned char *)call->token, strlen(call->token), call->token_sha256);
    /* Whether a session has ended is asked where it says who it is. */
    bool must_ask = (call->exchange.route->roles & ROLE_SESSION) != 0 && call->exchange.session != NULL;
    const struct principal *known =
        must_ask ? NULL : token_cache_find(loop->tokens, call->token_sha256, clock_now_us());
    metrics_add(known != NULL ? METRIC_TOKENS_CACHED : METRIC_TOKENS_ASKED, 1);
    if (known != NULL) {
        admit_principal(call, known);
        return;
    }
    call->message.deliver = deliver_principal;
    call->work.run = find_principal;
    dispatch_send_to_worker(call, PHASE_ADMISSION);
}

static bool is_change(const char *method)
{
    return strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0 && strcmp(method, "OPTIONS") != 0;
}

/*
 * What a browser sends by itself is not enough: other sites' pages must not act for whoever is logged in here.  The
 * one thing that a page asks before it has the form token is who it is.
 */
static bool refuse_foreign_page(struct call *call)
{
    struct exchange *exchange = &call->exchange;
    bool changes = is_change(exchange->method);
    bool bare = call->token == NULL || exchange->by_cookie;
    if (changes && bare && (call->origin == ORIGIN_FOREIGN || (exchange->by_cookie && call->origin == ORIGIN_UNSAID)))
        exchange_reply_problem(exchange, 403, "bad_origin",
                               "a page of another site sent this, or the header Origin is missing");
    else if (exchange->by_cookie && !call->shows_form_token && exchange->route->handler != handle_show_session &&
             exchange->route->roles != ROLE_ANYONE)
        exchange_reply_problem(exchange, 403, "bad_form_token",
                               "beside the cookie send the header X-Patella-Form; GET /api/v1/session tells its "
                               "value");
    return exchange->status != 0;
}

/* What needs no token, and is not only looked at, is people's: their logins and invitations. */
static bool refuse_people_among_machines(struct call *call)
{
    struct exchange *exchange = &call->exchange;
    bool changes = is_change(exchange->method);
    if (call->connection->door == DOOR_MACHINES && changes && exchange->route->roles == ROLE_ANYONE)
        exchange_reply_problem(exchange, 403, "wrong_port", "people use the other port");
    return exchange->status != 0;
}

void dispatch_admit(struct call *call)
{
    struct exchange *exchange = &call->exchange;
    if (refuse_foreign_page(call) || refuse_people_among_machines(call)) {
        connection_reply(call->connection);
    } else if (exchange->route->roles == ROLE_ANYONE) {
        receive(call);
    } else if (!call_has_room(call, 0)) {
        exchange_reply_problem(exchange, 503, "unavailable", "too much is waiting; try again after a moment");
        connection_reply(call->connection);
    } else if (exchange->catalogues == NULL) {
        exchange_reply_problem(exchange, 503, "unavailable", "the server is still waiting for its database");
        connection_reply(call->connection);
    } else if (call->token == NULL) {
        exchange_reply_problem(exchange, 401, "no_token", "send a header 'Authorization: Bearer TOKEN'");
        exchange_add_header(exchange, "WWW-Authenticate", "Bearer realm=\"patella\"");
        connection_reply(call->connection);
    } else {
        admit_token(call);
    }
}

/* ---- handlers ---- */

/* On a worker. */
static void run_handler(struct work *work, struct store *store)
{
    struct call *call = call_of_work(work);
    if (store != NULL)
        call->exchange.route->handler(&call->exchange, store);
    else
        exchange_reply_problem(&call->exchange, 503, "unavailable",
                               "the database does not answer; try again");
    inbox_post(call->loop->inbox, &call->message);
}

static void run_by_writer(struct call *call, route_handler *handler)
{
    call->loop->calls_away++;
    connection_await(call->connection, PHASE_WORK);
    handler(&call->exchange, NULL);   /* from here on the call is the writer's */
}

void dispatch_run(struct call *call)
{
    struct exchange *exchange = &call->exchange;
    call->message.deliver = deliver_reply;
    switch (exchange->route->handling) {
    case HANDLE_ON_LOOP:
        exchange->route->handler(exchange, NULL);
        connection_reply(call->connection);
        break;
    case HANDLE_ON_WORKER:
        call->work.run = run_handler;
        dispatch_send_to_worker(call, PHASE_WORK);
        break;
    case HANDLE_BY_WRITER:
        run_by_writer(call, exchange->route->handler);
        break;
    case HANDLE_IN_PIECES:
        break;   /* receive.c has it */
    }
}

void dispatch_go_on(struct call *call)
{
    route_handler *then = call->exchange.then;
    call->exchange.then = NULL;
    call->message.deliver = deliver_reply;
    run_by_writer(call, then);
}
