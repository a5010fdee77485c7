/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "migrations/db.h"

#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "forms/base/memory.h"
#include "migrations/db_copy_connection.h"
#include "migrations/db_keywords.h"
#include "migrations/db_parameters.h"
#include "migrations/db_result.h"
#include "migrations/db_sqlstate.h"
#include "migrations/server_check.h"

/*
 * statement_timeout does not end a wait for a synchronous standby, and nothing ends a wait for a peer that is gone:
 * after statement_timeout and this many milliseconds the client gives up and closes the connection.
 */
enum { CLIENT_GRACE_MS = 2000 };

enum { NO_DEADLINE = -1 };

struct db {
    PGconn *connection;      /* NULL: given up */
    struct db_options options;   /* its texts are copies */
    struct db *writer;       /* NULL: itself */
    unsigned warnings;       /* WARNINGs that PostgreSQL sent since the last look */
    bool committing;         /* COMMIT is under way, behind the statement before it: db_execute_bound */
    int64_t deadline;        /* of all that was sent together: now_ms, or NO_DEADLINE */
};

/* ------------------------------------------------------------------------------------------------ errors */

static bool set_error(struct error *error, const char *sqlstate, const char *constraint, const char *message)
{
    char state[sizeof error->sqlstate];
    snprintf(state, sizeof state, "%s", sqlstate);
    error_set(error, db_sqlstate_kind(sqlstate), "%s", message);
    memcpy(error->sqlstate, state, sizeof state);
    if (constraint)
        snprintf(error->constraint, sizeof error->constraint, "%s", constraint);
    return false;
}

static bool set_lost(struct error *error, const char *what)
{
    char message[sizeof error->message];
    snprintf(message, sizeof message, "%s: the connection to the database was lost", what);
    return set_error(error, "08006", NULL, message);
}

static const char *field(const PGresult *result, int code)
{
    const char *value = PQresultErrorField(result, code);   /* NULL for what libpq itself reports */
    return value ? value : "";
}

/* PostgreSQL's text may quote a subject's answers: only administration's programs get to see it. */
static bool set_result_error(const struct db *db, const char *what, const PGresult *result, struct error *error)
{
    const char *sqlstate = field(result, PG_DIAG_SQLSTATE);
    const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    if (sqlstate[0] == '\0' && !db_is_alive(db))
        return set_lost(error, what);
    char message[sizeof error->message];
    if (db->options.verbose_errors) {
        const char *text = field(result, PG_DIAG_MESSAGE_PRIMARY);
        const char *hint = field(result, PG_DIAG_MESSAGE_HINT);
        snprintf(message, sizeof message, "%s%s%s", text[0] ? text : PQresultErrorMessage(result),
                 hint[0] ? "; " : "", hint);
    } else {
        snprintf(message, sizeof message, "%s: the database refused (SQLSTATE %s%s%s)", what,
                 sqlstate[0] ? sqlstate : "unknown", constraint ? ", constraint " : "", constraint ? constraint : "");
    }
    return set_error(error, sqlstate, constraint, message);
}

/* ------------------------------------------------------------------------------------------------ connecting */

static void count_warning(void *context, const PGresult *result)
{
    struct db *db = context;
    const char *severity = field(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (strcmp(severity, "WARNING") == 0)
        db->warnings++;
}

static void disconnect(struct db *db)
{
    PQfinish(db->connection);   /* NULL is fine */
    db->connection = NULL;
    db->committing = false;
}

static int db_destroy(struct db *db)
{
    disconnect(db);
    return 0;
}

static bool set_connect_error(const struct db *db, struct error *error)
{
    /* libpq gives no SQLSTATE here.  Its text holds host, role and database, no row of anybody. */
    char text[sizeof error->message];
    snprintf(text, sizeof text, "%s", PQerrorMessage(db->connection));
    for (char *end = text + strlen(text); end > text && end[-1] == '\n'; end--)
        end[-1] = '\0';
    char message[sizeof error->message];
    snprintf(message, sizeof message, "cannot connect to PostgreSQL: %.800s; is it running, and do PGHOST, PGPORT, "
             "PGUSER and PGDATABASE (or PGSERVICE) name it?", text);
    return set_error(error, "08001", NULL, message);
}

static bool warns_instead(const struct db *db, const struct error *error)
{
    if (db->options.server_warning)
        db->options.server_warning(error);
    return db->options.server_warning != NULL;
}

/* When libpq has the connection: before anything is sent over it. */
static bool connect_with(struct db *db, const struct db_keywords *keywords, struct error *error)
{
    db->connection = PQconnectdbParams(keywords->names, keywords->values, 0);
    if (PQstatus(db->connection) != CONNECTION_OK)
        return set_connect_error(db, error);
    if (!server_check_version(PQserverVersion(db->connection), error) && !warns_instead(db, error))
        return false;
    PQsetNoticeReceiver(db->connection, count_warning, db);
    PQsetnonblocking(db->connection, 1);   /* sending has the same deadline as waiting: next_result */
    return true;
}

static bool connect_now(struct db *db, struct error *error)
{
    struct db_keywords *keywords = db_keywords_new(NULL, &db->options, error);
    bool connected = keywords && connect_with(db, keywords, error);
    talloc_free(keywords);
    return connected;
}

bool db_is_alive(const struct db *db)
{
    return db->connection && PQstatus(db->connection) == CONNECTION_OK;
}

/* ------------------------------------------------------------------------------------------------ executing */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Whenever something is sent. */
static void start_deadline(struct db *db)
{
    int timeout_ms = db->options.statement_timeout_ms;
    db->deadline = timeout_ms > 0 ? now_ms() + timeout_ms + CLIENT_GRACE_MS : NO_DEADLINE;
}

static void *send_cancel(void *request)
{
    char ignored[256];
    PQcancel(request, ignored, sizeof ignored);
    PQfreeCancel(request);
    return NULL;
}

/*
 * A backend that waits for a standby does not notice that its client has gone, and keeps its locks: it is told.  By a
 * thread that nobody waits for, because PQcancel itself waits until the postmaster has heard it.
 */
static void give_up(struct db *db)
{
    pthread_t thread;
    PGcancel *request = PQgetCancel(db->connection);
    if (request && pthread_create(&thread, NULL, send_cancel, request) == 0)
        pthread_detach(thread);
    else
        PQfreeCancel(request);
    disconnect(db);
}

/* True when a result can be taken without waiting, or the connection was lost; false at the deadline. */
static bool await_result(struct db *db, int64_t deadline)
{
    while (db_is_alive(db) && PQisBusy(db->connection)) {
        int64_t left = deadline == NO_DEADLINE ? -1 : deadline - now_ms();
        bool unsent = PQflush(db->connection) == 1;
        struct pollfd wait = {
            .fd = PQsocket(db->connection), .events = unsent ? POLLIN | POLLOUT : POLLIN, .revents = 0,
        };
        if (deadline != NO_DEADLINE && left <= 0)
            return false;
        if (poll(&wait, 1, (int)left) > 0 && (wait.revents & ~POLLOUT))
            PQconsumeInput(db->connection);   /* a failure shows as PQstatus or as an error result */
    }
    return true;
}

/* The next result of what was sent; NULL when there is none, or when the connection was lost or given up. */
static PGresult *next_result(struct db *db)
{
    if (!await_result(db, db->deadline))
        give_up(db);
    return db->connection ? PQgetResult(db->connection) : NULL;
}

/* Reads to the end of what was sent; keeps the first error result, else the last result. */
static PGresult *collect_result(struct db *db)
{
    PGresult *kept = NULL;
    for (PGresult *result; (result = next_result(db)) != NULL;) {
        if (kept && PQresultStatus(kept) == PGRES_FATAL_ERROR) {
            PQclear(result);
            continue;
        }
        PQclear(kept);
        kept = result;
    }
    return kept;
}

static bool is_success(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_SINGLE_TUPLE ||
           status == PGRES_EMPTY_QUERY;
}

/* Takes `result` (may be NULL); true when it is a success, else it is cleared and `error` set. */
static bool accept_result(const struct db *db, const char *what, PGresult *result, struct error *error)
{
    if (!result)
        return set_lost(error, what);
    if (is_success(result))
        return true;
    set_result_error(db, what, result, error);
    PQclear(result);
    return false;
}

/* Transaction control and scripts; simple protocol, so that `sql` may hold several statements. */
static PGresult *execute_simple(struct db *db, const char *what, const char *sql, struct error *error)
{
    start_deadline(db);
    if (!db_is_alive(db) || !PQsendQuery(db->connection, sql)) {
        set_lost(error, what);
        return NULL;
    }
    PGresult *result = collect_result(db);
    return accept_result(db, what, result, error) ? result : NULL;
}

bool db_run_script(struct db *db, const char *sql, struct error *error)
{
    PGresult *result = execute_simple(db, "script", sql, error);
    PQclear(result);
    return result != NULL;
}

/* ------------------------------------------------------------------------------------------------ opening */

/* What was acknowledged must be on disk, and on the standbys that there are. */
static bool check_settings(struct db *db, struct error *error)
{
    PGresult *result = execute_simple(db, "settings", server_check_query, error);
    if (!result)
        return false;
    const struct server_settings settings = {
        PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1), PQgetvalue(result, 0, 2),
        strcmp(PQgetvalue(result, 0, 3), "t") == 0,
    };
    bool good = server_check_settings(&settings, error) || warns_instead(db, error);
    PQclear(result);
    return good;
}

static bool prepare_statements(struct db *db, struct error *error)
{
    for (size_t i = 0; i < db->options.statement_count; i++) {
        const struct db_statement *statement = &db->options.statements[i];
        if (statement->copies)
            continue;
        start_deadline(db);
        if (!PQsendPrepare(db->connection, statement->name, statement->sql, 0, NULL))
            return set_lost(error, statement->name);
        PGresult *result = collect_result(db);
        if (!accept_result(db, statement->name, result, error))
            return false;
        PQclear(result);
    }
    return true;
}

bool db_reopen(struct db *db, struct error *error)
{
    disconnect(db);
    if (connect_now(db, error) && check_settings(db, error) && prepare_statements(db, error))
        return true;
    disconnect(db);
    return false;
}

struct db *db_open(const void *owner, const struct db_options *options, struct error *error)
{
    struct db *db = memory_new(owner, struct db);
    talloc_set_destructor(db, db_destroy);
    db->options = *options;
    db->options.conninfo = memory_copy_string(db, options->conninfo ? options->conninfo : "");
    db->options.default_user = options->default_user ? memory_copy_string(db, options->default_user) : NULL;
    db->options.application_name =
        memory_copy_string(db, options->application_name ? options->application_name : "patella");
    if (db_reopen(db, error))
        return db;
    talloc_free(db);
    return NULL;
}

struct db *db_open_beside(const void *owner, const struct db *db, struct error *error)
{
    return db_open(owner, &db->options, error);
}

struct db *db_writer(struct db *db)
{
    return db->writer != NULL ? db->writer : db;
}

void db_set_writer(struct db *db, struct db *writer)
{
    db->writer = writer;
}

/* ------------------------------------------------------------------------------------------------ transactions */

static const char *const begin_statements[] = {
    [DB_READ_COMMITTED] = "BEGIN ISOLATION LEVEL READ COMMITTED",   /* READ WRITE has a standby say 0A000, not 25006 */
    [DB_REPEATABLE_READ_ONLY] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
};

bool db_begin(struct db *db, enum db_transaction kind, struct error *error)
{
    PGresult *result = execute_simple(db, "begin", begin_statements[kind], error);
    PQclear(result);
    return result != NULL;
}

/* Reads what is left of a pipeline, to its end. */
static void end_pipeline(struct db *db)
{
    bool more = true;
    while (more && db_is_alive(db)) {
        PGresult *result = collect_result(db);
        more = result && PQresultStatus(result) != PGRES_PIPELINE_SYNC;
        PQclear(result);
    }
    db->committing = false;
    if (db_is_alive(db) && !PQexitPipelineMode(db->connection))
        disconnect(db);   /* does not happen: everything was read */
}

/* The answer to a COMMIT that was sent with the statement before it. */
static PGresult *await_commit(struct db *db, struct error *error)
{
    PGresult *result = collect_result(db);
    end_pipeline(db);
    return accept_result(db, "commit", result, error) ? result : NULL;
}

bool db_await_commit(struct db *db, int timeout_ms)
{
    return !db->committing || await_result(db, now_ms() + timeout_ms);
}

bool db_commit(struct db *db, bool *unknown, struct error *error)
{
    *unknown = false;
    if (!db_is_alive(db))
        return set_lost(error, "commit");   /* before COMMIT was sent: it has rolled back */
    if (!db->committing)
        db->warnings = 0;
    PGresult *result =
        db->committing ? await_commit(db, error) : execute_simple(db, "commit", "COMMIT", error);
    if (!result) {
        *unknown = !db_is_alive(db);
        return false;
    }
    /* COMMIT of a failed transaction succeeds, with the tag ROLLBACK. */
    bool rolled_back = strcmp(PQcmdStatus(result), "COMMIT") != 0;
    PQclear(result);
    if (rolled_back)
        return set_error(error, "25P02", NULL, "commit: the transaction had failed and was rolled back");
    if (db->warnings > 0) {
        *unknown = true;
        return set_error(error, "01000", NULL, "commit: PostgreSQL warned while committing, so a standby may not "
                         "have it; send the same again");
    }
    return true;
}

void db_rollback(struct db *db)
{
    struct error ignored;
    if (db->committing)
        PQclear(await_commit(db, &ignored));
    PQclear(execute_simple(db, "rollback", "ROLLBACK", &ignored));
}

/* ------------------------------------------------------------------------------------------------ statements */

static bool send_prepared(struct db *db, size_t statement, const struct db_parameters *parameters,
                          struct error *error)
{
    if (statement >= db->options.statement_count)
        return error_set(error, ERROR_INTERNAL, "statement %zu of %zu", statement, db->options.statement_count);
    const char *name = db->options.statements[statement].name;
    int count = parameters ? (int)parameters->count : 0;
    start_deadline(db);
    if (!db_is_alive(db) ||
        !PQsendQueryPrepared(db->connection, name, count, parameters ? parameters->values : NULL,
                             parameters ? parameters->lengths : NULL, parameters ? parameters->formats : NULL, 0))
        return set_lost(error, name);
    return true;
}

/* Outside of a transaction the statement commits by itself, and a WARNING says what it says at COMMIT. */
static bool warned_alone(const struct db *db)
{
    return db->warnings > 0 && PQtransactionStatus(db->connection) == PQTRANS_IDLE;
}

static struct db_result *receive(const void *owner, struct db *db, const char *name, struct error *error)
{
    PGresult *result = collect_result(db);
    if (!accept_result(db, name, result, error))
        return NULL;
    if (warned_alone(db)) {
        PQclear(result);
        set_error(error, "01000", NULL, "PostgreSQL warned while committing, so a standby may not have it; try again");
        return NULL;
    }
    return db_result_new(owner, result);
}

struct db_result *db_execute(const void *owner, struct db *db, size_t statement,
                             const struct db_parameters *parameters, struct error *error)
{
    db->warnings = 0;
    if (!send_prepared(db, statement, parameters, error))
        return NULL;
    return receive(owner, db, db->options.statements[statement].name, error);
}

static bool send_control(struct db *db, const char *sql)
{
    return PQsendQueryParams(db->connection, sql, 0, NULL, NULL, NULL, NULL, 0);
}

/* The statement's result is to come before the COMMIT has ended: it says what it is that may be committed. */
static bool send_bound(struct db *db, size_t statement, const struct db_parameters *parameters, unsigned bounds,
                       struct error *error)
{
    bool begun = db_is_alive(db) && PQenterPipelineMode(db->connection) &&
                 (!(bounds & DB_BEGINS) || send_control(db, begin_statements[DB_READ_COMMITTED]));
    if (!begun)
        return set_lost(error, "begin");
    if (!send_prepared(db, statement, parameters, error))
        return false;
    db->committing = bounds & DB_COMMITS;
    bool sent = !db->committing || (PQsendFlushRequest(db->connection) && send_control(db, "COMMIT"));
    return (sent && PQpipelineSync(db->connection)) || set_lost(error, "commit");
}

static PGresult *receive_bound(struct db *db, const char *name, unsigned bounds, struct error *error)
{
    if (bounds & DB_BEGINS) {
        PGresult *begun = collect_result(db);
        if (!accept_result(db, "begin", begun, error))
            return NULL;
        PQclear(begun);
    }
    PGresult *result = collect_result(db);
    db->warnings = 0;   /* from here on they are the COMMIT's */
    return accept_result(db, name, result, error) ? result : NULL;
}

struct db_result *db_execute_bound(const void *owner, struct db *db, size_t statement,
                                   const struct db_parameters *parameters, unsigned bounds, struct error *error)
{
    PGresult *result = NULL;
    bool alive = db_is_alive(db);
    if (send_bound(db, statement, parameters, bounds, error))
        result = receive_bound(db, db->options.statements[statement].name, bounds, error);
    else
        disconnect(db);   /* who knows what of it has left */
    bool told = error->sqlstate[0] != '\0' && strcmp(error->sqlstate, "08006") != 0;   /* by PostgreSQL */
    bool may_have_committed = !result && alive && (bounds & DB_COMMITS) && !told;
    if (!result || !db->committing)
        end_pipeline(db);
    if (may_have_committed)
        set_error(error, DB_UNKNOWN_OUTCOME, NULL, "the connection to the database was lost over a transaction");
    return result ? db_result_new(owner, result) : NULL;
}

struct db_result *db_query(const void *owner, struct db *db, const char *sql, const struct db_parameters *parameters,
                           struct error *error)
{
    static const struct db_parameters none = {0, NULL, NULL, NULL};
    const struct db_parameters *sent = parameters ? parameters : &none;
    db->warnings = 0;
    start_deadline(db);
    if (!db_is_alive(db) || !PQsendQueryParams(db->connection, sql, (int)sent->count, NULL, sent->values,
                                               sent->lengths, sent->formats, 0)) {
        set_lost(error, "query");
        return NULL;
    }
    return receive(owner, db, "query", error);
}

static void cancel(struct db *db)
{
    char *row;
    PGcancel *request = PQgetCancel(db->connection);
    if (request)
        send_cancel(request);
    while (PQgetCopyData(db->connection, &row, 0) > 0)   /* what of a copy is on its way */
        PQfreemem(row);
    start_deadline(db);
    PQclear(collect_result(db));
}

/* ---- for db_copy.c ---- */
PGconn *db_connection(const struct db *db)
{
    return db->connection;
}

bool db_begin_copy(struct db *db, size_t statement, struct error *error)
{
    const struct db_statement *copying = &db->options.statements[statement];
    if (statement >= db->options.statement_count || !copying->copies)
        return error_set(error, ERROR_INTERNAL, "statement %zu does not copy", statement);
    db->warnings = 0;
    start_deadline(db);
    if (!db_is_alive(db) || !PQsendQuery(db->connection, copying->sql))
        return set_lost(error, copying->name);
    PGresult *result = next_result(db);
    bool begun = result && PQresultStatus(result) == PGRES_COPY_OUT;
    if (!begun && !accept_result(db, copying->name, result, error))
        return false;
    PQclear(result);
    return begun || error_set(error, ERROR_INTERNAL, "%s: copied nothing", copying->name);
}

bool db_end_copy(struct db *db, size_t statement, struct error *error)
{
    PGresult *result = collect_result(db);
    if (!accept_result(db, db->options.statements[statement].name, result, error))
        return false;
    PQclear(result);
    return true;
}

void db_cancel_copy(struct db *db)
{
    if (db_is_alive(db))
        cancel(db);
}

bool db_stream(struct db *db, size_t statement, const struct db_parameters *parameters, db_row_function *row,
               void *context, struct error *error)
{
    if (!send_prepared(db, statement, parameters, error))
        return false;
    PQsetSingleRowMode(db->connection);
    const char *name = db->options.statements[statement].name;
    bool ended = false;
    for (PGresult *result; (result = next_result(db)) != NULL; start_deadline(db)) {
        ended = PQresultStatus(result) == PGRES_TUPLES_OK;   /* an empty result follows the last row */
        if (!accept_result(db, name, result, error)) {
            PQclear(db->connection ? collect_result(db) : NULL);
            return false;
        }
        struct db_result one = {result};
        bool wanted = ended || row(context, &one, error);
        PQclear(result);
        if (!wanted) {
            cancel(db);
            return false;
        }
    }
    return ended || set_lost(error, name);
}
