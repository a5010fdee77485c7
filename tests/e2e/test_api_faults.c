/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What breaks while submissions come in.  The ledger: whatever was acknowledged is in the database exactly
 * once, and whatever was not may be sent again.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "tests/support/counters.h"
#include "tests/support/registry.h"

/* ---- senders: threads of their own, which may not use cmocka's assertions ---- */

enum { SENDERS = 4 };

struct sender {
    const struct daemon_process *daemon;
    int number;                  /* subject 01-000N, already enrolled */
    int wanted;                  /* requests to send */
    int rows;                    /* of each, as an array; 0: a submission alone */
    bool stubborn;               /* sends the same again after 503 and after a lost answer */
    _Atomic int acknowledged;    /* requests */
    int odd;                     /* answers that should not come */
    int last_status;
    long long ended_ms;
    pthread_t thread;
};

static bool is_acknowledged(const struct client_reply *reply)
{
    return reply != NULL && (reply->status == 201 || reply->status == 200);
}

/* True when the submission was acknowledged. */
static bool send_one(struct sender *sender, struct client **client, const char *body)
{
    long long deadline = test_now_ms() + 60000;
    while (test_now_ms() < deadline) {
        struct client_reply *reply = client_try(*client, "POST", DEMO "/submissions", body);
        sender->last_status = reply != NULL ? reply->status : 0;
        if (is_acknowledged(reply))
            return true;
        if (reply != NULL && reply->status != 503)
            sender->odd++;
        if (!sender->stubborn || (reply != NULL && reply->status != 503))
            return false;
        talloc_free(reply);
        test_pause();
    }
    return false;
}

static void append_submission(struct text *body, int subject, int instance)
{
    text_append_format(body,
                       "{\"id\":\"0190a1b2-c3d4-7e5f-9a9b-%06d%06d\",\"subject\":\"01-%04d\","
                       "\"form\":\"adverse_event\",\"form_version\":1,\"date\":\"2024-03-01\","
                       "\"instance\":%d,\"answers\":"
                       "{\"term\":\"swelling\",\"onset\":\"2024\",\"serious\":false}}",
                       subject, instance, subject, instance);
}

static const char *make_body(const void *owner, const struct sender *sender, int request)
{
    struct text *body = text_new(owner);
    if (sender->rows == 0) {
        append_submission(body, sender->number, request);
        return body->bytes;
    }
    for (int row = 0; row < sender->rows; row++) {
        text_append(body, row == 0 ? "[" : ",");
        append_submission(body, sender->number, (request - 1) * sender->rows + row + 1);
    }
    text_append(body, "]");
    return body->bytes;
}

static void *run_sender(void *context)
{
    struct sender *sender = context;
    void *owner = memory_owner(NULL, "sender");
    struct client *client = client_new(owner, sender->daemon, "coordinator");
    for (int i = 1; i <= sender->wanted; i++) {
        if (!send_one(sender, &client, make_body(owner, sender, i)))
            break;
        atomic_fetch_add(&sender->acknowledged, 1);
    }
    talloc_free(owner);
    sender->ended_ms = test_now_ms();
    return NULL;
}

static void start_sending(struct registry *registry, struct sender *senders, int wanted, int rows,
                          bool stubborn)
{
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){.daemon = registry->daemon, .number = i + 1, .wanted = wanted,
                                     .rows = rows, .stubborn = stubborn};
        registry_enrol(registry, "coordinator", memory_format(registry, "01-%04d", i + 1));
    }
    for (int i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_create(&senders[i].thread, NULL, run_sender, &senders[i]), 0);
}

static void start_senders(struct registry *registry, struct sender *senders, int wanted, bool stubborn)
{
    start_sending(registry, senders, wanted, 0, stubborn);
}

static int count_acknowledged(struct sender *senders)
{
    int sum = 0;
    for (int i = 0; i < SENDERS; i++)
        sum += atomic_load(&senders[i].acknowledged);
    return sum;
}

static void wait_for_acknowledged(struct sender *senders, int wanted)
{
    long long deadline = test_now_ms() + 60000;
    while (count_acknowledged(senders) < wanted) {
        assert_true(test_now_ms() < deadline);
        test_pause();
    }
}

static void join_senders(struct sender *senders)
{
    for (int i = 0; i < SENDERS; i++)
        pthread_join(senders[i].thread, NULL);
    for (int i = 0; i < SENDERS; i++)
        if (senders[i].odd > 0)
            fail_msg("sender %d got status %d", i, senders[i].last_status);
}

static int count_stored(struct registry *registry)
{
    return atoi(test_value(registry->db, "SELECT count(*) FROM core.submission WHERE form = "
                                         "'adverse_event'"));
}

/* ---- stopping ---- */

static void test_sigterm_under_load_answers_what_is_stored(void **state)
{
    (void)state;
    struct registry *registry = registry_new(NULL);
    struct sender senders[SENDERS];
    start_senders(registry, senders, 100000, false);
    wait_for_acknowledged(senders, 100);
    assert_int_equal(daemon_stop(registry->daemon), 0);
    join_senders(senders);
    assert_int_equal(count_acknowledged(senders), count_stored(registry));
    talloc_free(registry->db);
    talloc_free(registry);
}

static void test_kill_under_load_loses_nothing_that_was_acknowledged(void **state)
{
    (void)state;
    struct registry *registry = registry_new(NULL);
    struct sender senders[SENDERS];
    start_senders(registry, senders, 100000, false);
    wait_for_acknowledged(senders, 100);
    kill(registry->daemon->pid, SIGKILL);
    assert_int_equal(daemon_wait(registry->daemon), 128 + SIGKILL);
    join_senders(senders);
    int stored = count_stored(registry), acknowledged = count_acknowledged(senders);
    assert_in_range(stored, acknowledged, acknowledged + SENDERS);   /* an answer may have been on its way */
    talloc_free(registry->db);
    talloc_free(registry);
}

/* Sends a signal to every process of PostgreSQL that serves the daemon. */
static void signal_backends(struct registry *registry, int number)
{
    struct error error;
    struct db_result *found = db_query(registry, registry->db,
                                       "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
                                       "AND application_name = 'patellad'", NULL, &error);
    assert_non_null(found);
    for (size_t i = 0; i < db_rows(found); i++)
        kill((pid_t)db_int(found, i, 0), number);
}

static void wait_for_queued(struct registry *registry, const char *line)
{
    long long deadline = test_now_ms() + 10000;
    while (strstr(api_get(registry, NULL, "/metrics")->body, line) == NULL && test_now_ms() < deadline)
        test_pause();
}

/* A test that fails half-way must not leave backends standing: CREATE DATABASE of the next waits for them. */
static int let_backends_go_on(void **state)
{
    struct registry *registry = *state;
    signal_backends(registry, SIGCONT);
    talloc_free(registry->db);
    talloc_free(registry);
    return 0;
}

static int start_stopped(void **state)
{
    *state = registry_new_stopped(NULL);
    return 0;
}

/*
 * One of the submissions is with PostgreSQL, which does not answer, the others wait for the writer.
 * PostgreSQL's backends stand for as long as the test lasts: a daemon that waits for them would not end at all, and one
 * that has the time would give them up and find new ones.
 */
static void test_sigterm_with_postgresql_standing_still_answers_in_time(void **state)
{
    static const char *const settings[] = {"stop_deadline_ms=2000", "token_cache_ms=60000", NULL};
    struct registry *registry = *state;
    registry->daemon = daemon_start(
        registry, test_database_conninfo(registry, registry->database, "patella_collector"), settings);
    struct sender senders[SENDERS];
    start_senders(registry, senders, 0, false);
    join_senders(senders);
    signal_backends(registry, SIGSTOP);
    struct client *client = client_new(registry, registry->daemon, NULL);
    long long batches = counters_value(counters_read(client), "patella_writer_batches_total");
    for (int i = 0; i < SENDERS; i++) {
        senders[i].wanted = 1;
        assert_int_equal(pthread_create(&senders[i].thread, NULL, run_sender, &senders[i]), 0);
        if (i == 0)
            counters_wait(client, "patella_writer_batches_total", batches + 1);
    }
    wait_for_queued(registry, "\npatella_writer_queued 3\n");
    int status = daemon_stop(registry->daemon);
    join_senders(senders);
    assert_int_equal(status, 0);
    for (int i = 0; i < SENDERS; i++)
        assert_int_equal(senders[i].last_status, 503);
}

/* ---- starting ---- */

static void test_start_with_pending_migration_is_refused(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct test_database *database = test_database_new_empty(owner);
    const char *log = NULL;
    int status = daemon_refuse(owner, test_database_conninfo(owner, database, NULL), NULL, &log);
    assert_int_equal(status, 1);
    if (strstr(log, "patella-migrate") == NULL)
        fail_msg("the log does not name patella-migrate: %s", log);
    talloc_free(owner);
}

static void test_start_with_unknown_migration_is_refused(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct test_database *database = test_database_new(owner);
    struct db *db = test_database_connect(owner, database, NULL);
    test_run(db, "SET session_replication_role = replica; INSERT INTO patella_meta.migration "
                 "SELECT (jsonb_populate_record(m, '{\"number\": 9999, \"name\": \"tomorrow\"}')).* "
                 "FROM patella_meta.migration m WHERE m.number = 1");
    const char *log = NULL;
    assert_int_equal(
        daemon_refuse(owner, test_database_conninfo(owner, database, "patella_collector"), NULL, &log), 1);
    if (strstr(log, "9999") == NULL)
        fail_msg("the log does not name the migration: %s", log);
    talloc_free(db);
    talloc_free(owner);
}

/* ---- PostgreSQL ---- */

static void end_backends(struct registry *registry)
{
    test_run(registry->db, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                           "WHERE datname = current_database() AND pid <> pg_backend_pid()");
}

static void test_backends_killed_under_load_lose_nothing(void **state)
{
    (void)state;
    struct registry *registry = registry_new(NULL);
    struct sender senders[SENDERS];
    start_senders(registry, senders, 150, true);
    for (int kills = 1; kills <= 10; kills++) {
        wait_for_acknowledged(senders, kills * 40);
        end_backends(registry);
    }
    join_senders(senders);
    assert_int_equal(count_acknowledged(senders), SENDERS * 150);
    assert_int_equal(count_stored(registry), SENDERS * 150);
    assert_true(daemon_wait_ready(registry->daemon, 10000));
    assert_int_equal(daemon_stop(registry->daemon), 0);
    talloc_free(registry->db);
    talloc_free(registry);
}

/* An array whose answer was lost is sent again as a whole, whatever of it is stored. */
static void test_arrays_under_kills_are_stored_once(void **state)
{
    enum { ARRAYS = 20, ROWS = 100 };
    (void)state;
    struct registry *registry = registry_new(NULL);
    struct sender senders[SENDERS];
    start_sending(registry, senders, ARRAYS, ROWS, true);
    for (int kills = 1; kills <= 6; kills++) {
        wait_for_acknowledged(senders, kills * 10);
        if (kills % 2 == 0) {
            end_backends(registry);
            continue;
        }
        kill(registry->daemon->pid, SIGKILL);
        assert_int_equal(daemon_wait(registry->daemon), 128 + SIGKILL);
        daemon_restart(registry->daemon);
    }
    join_senders(senders);
    assert_int_equal(count_acknowledged(senders), SENDERS * ARRAYS);
    assert_int_equal(count_stored(registry), SENDERS * ARRAYS * ROWS);
    assert_string_equal(test_value(registry->db, "SELECT count(*) = count(DISTINCT row_id) FROM audit.event "
                                                 "WHERE operation = 'INSERT' AND row_id IS NOT NULL"),
                        "t");
    assert_true(daemon_wait_ready(registry->daemon, 10000));
    assert_int_equal(daemon_stop(registry->daemon), 0);
    talloc_free(registry->db);
    talloc_free(registry);
}

static void test_database_away_is_503_and_comes_back(void **state)
{
    static const char *const settings[] = {"write_wait_ms=1000", NULL};
    (void)state;
    struct registry *registry = registry_new_stopped(NULL);
    registry->daemon = daemon_start(
        registry, test_database_conninfo(registry, registry->database, "patella_collector"), settings);
    registry_enrol(registry, "coordinator1", "01-0001");
    const char *body = registry_pain(registry, NULL, "01-0001", 10, "");
    test_run(registry->db, "UPDATE pg_database SET datallowconn = false WHERE datname = current_database()");
    end_backends(registry);
    struct client_reply *away = api_submit(registry, "coordinator1", body);
    assert_problem(away, 503, "unavailable");
    assert_non_null(client_header(away, "Retry-After"));
    assert_status(api_get(registry, "coordinator1", DEMO "/subjects"), 503);
    assert_status(api_get(registry, NULL, "/readyz"), 503);
    assert_status(api_get(registry, NULL, "/healthz"), 200);
    assert_status(api_get(registry, "coordinator1", DEMO), 200);
    test_run(registry->db, "UPDATE pg_database SET datallowconn = true WHERE datname = current_database()");
    assert_true(daemon_wait_ready(registry->daemon, 10000));
    assert_status(api_submit(registry, "coordinator1", body), 201);
    assert_int_equal(daemon_stop(registry->daemon), 0);
    talloc_free(registry->db);
    talloc_free(registry);
}

static void test_table_locked_is_503_and_the_same_id_goes_through_later(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0051");
    const char *body = registry_pain(registry, NULL, "01-0051", 10, "");
    struct db *other = test_database_connect(registry, registry->database, NULL);
    test_run(other, "BEGIN; LOCK TABLE core.submission IN ACCESS EXCLUSIVE MODE");
    assert_problem(api_submit(registry, "coordinator1", body), 503, "unavailable");
    test_run(other, "COMMIT");
    assert_status(api_submit(registry, "coordinator1", body), 201);
    talloc_free(other);
}

/* PostgreSQL says yes to COMMIT, but with a WARNING: the wait for a standby was cancelled. */
static void test_commit_with_warning_is_not_acknowledged(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0052");
    test_run(registry->db, "CREATE FUNCTION public.warn() RETURNS trigger LANGUAGE plpgsql AS "
                           "$$ BEGIN RAISE WARNING 'canceling wait for synchronous replication'; RETURN "
                           "NULL; END $$; "
                           "GRANT USAGE ON SCHEMA public TO PUBLIC; "
                           "CREATE CONSTRAINT TRIGGER warn AFTER INSERT ON core.submission DEFERRABLE "
                           "INITIALLY DEFERRED "
                           "FOR EACH ROW EXECUTE FUNCTION public.warn()");
    const char *body = registry_pain(registry, NULL, "01-0052", 10, "");
    struct client_reply *reply = api_submit(registry, "coordinator1", body);
    test_run(registry->db, "DROP TRIGGER warn ON core.submission; DROP FUNCTION public.warn()");
    /*
     * The first COMMIT warned; sent again it is a replay, whose COMMIT did not: the client's first sending,
     * stored.
     */
    assert_status(reply, 201);
    assert_string_equal(
        test_value(registry->db, "SELECT count(*) FROM audit.event WHERE operation = 'REPLAY'"), "1");
    assert_status(api_submit(registry, "coordinator1", body), 200);
}

/* That the daemon may not ask is no news about the token. */
static void test_right_to_ask_about_tokens_lost_is_503(void **state)
{
    struct registry *registry = *state;
    static const char function[] = "FUNCTION api.find_credential(bytea)";
    test_run(registry->db, memory_format(registry, "REVOKE EXECUTE ON %s FROM patella_collector", function));
    struct client_reply *reply = api_get(registry, "statistician", DEMO);
    test_run(registry->db, memory_format(registry, "GRANT EXECUTE ON %s TO patella_collector", function));
    assert_problem(reply, 503, "unavailable");
    if (strstr(daemon_read_log(registry, registry->daemon), "sqlstate=42501") == NULL)
        fail_msg("the log does not tell of the lost right");
    assert_status(api_get(registry, "statistician", DEMO), 200);
}

static void replace_verdict(struct registry *registry, const char *from, const char *to)
{
    test_run(registry->db, memory_format(registry,
                                         "DO $$ BEGIN EXECUTE replace("
                                         "pg_get_functiondef('api.submit_batch'::regproc), "
                                         "$q$SELECT g, '%s'$q$, $q$SELECT g, '%s'$q$); END $$", from, to));
}

/* COMMIT is on its way before they are read: the log does not say that nothing was stored. */
static void test_verdicts_that_cannot_be_read_do_not_tell_what_was_committed(void **state)
{
    (void)state;
    struct registry *registry = registry_new(NULL);
    registry_enrol(registry, "coordinator1", "01-0001");
    const char *body = registry_pain(registry, NULL, "01-0001", 10, "");
    replace_verdict(registry, "accepted", "perhaps");
    assert_status(api_submit(registry, "coordinator1", body), 500);
    const char *log = daemon_read_log(registry, registry->daemon);
    assert_null(strstr(log, "batch was rolled back"));
    assert_non_null(strstr(log, "outcome of a commit is unknown"));
    replace_verdict(registry, "perhaps", "accepted");
    assert_status(api_submit(registry, "coordinator1", body), 200);
    assert_int_equal(daemon_stop(registry->daemon), 0);
    talloc_free(registry->db);
    talloc_free(registry);
}

/* ---- the catalogue ---- */

static void test_catalogue_news_come_without_restart(void **state)
{
    struct registry *registry = *state;
    test_run(registry->db, "SELECT admin.add_site('demo', 4, 'Fourth clinic', 'Asia/Tokyo')");
    long long deadline = test_now_ms() + 20000;
    while (strstr(api_get(registry, "coordinator", DEMO)->body, "Asia/Tokyo") == NULL) {
        assert_true(test_now_ms() < deadline);
        test_pause();
    }
}

static void test_catalogue_that_does_not_parse_keeps_the_old_one(void **state)
{
    (void)state;
    struct registry *registry = registry_new(NULL);
    registry_enrol(registry, "coordinator1", "01-0001");
    test_run(registry->db, "SELECT admin.put_form('demo', 'koos', 2, 'form: [koos')");
    long long deadline = test_now_ms() + 20000;
    while (api_get(registry, NULL, "/readyz")->status != 503) {
        assert_true(test_now_ms() < deadline);
        test_pause();
    }
    assert_status(api_submit(registry, "coordinator1", registry_pain(registry, NULL, "01-0001", 10, "")),
                  201);
    assert_status(api_get(registry, "coordinator1", DEMO "/forms/koos"), 200);
    const char *log = daemon_read_log(registry, registry->daemon);
    if (strstr(log, "koos.2.yaml") == NULL)
        fail_msg("the log does not name the form: %s", log);
    assert_int_equal(daemon_stop(registry->daemon), 0);
    talloc_free(registry->db);
    talloc_free(registry);
}

/* Of four requests one is with PostgreSQL, which waits for a lock, and one is in the queue. */
static void test_queue_full_is_503_at_once(void **state)
{
    static const char *const settings[] = {"queue_limit=1", NULL};
    (void)state;
    struct registry *registry = registry_new_stopped(NULL);
    registry->daemon = daemon_start(
        registry, test_database_conninfo(registry, registry->database, "patella_collector"), settings);
    struct sender senders[SENDERS];
    start_senders(registry, senders, 0, false);
    join_senders(senders);   /* they have enrolled their subjects */
    struct db *other = test_database_connect(registry, registry->database, NULL);
    test_run(other, "BEGIN; LOCK TABLE core.submission IN ACCESS EXCLUSIVE MODE");
    long long started = test_now_ms();
    for (int i = 0; i < SENDERS; i++) {
        senders[i].wanted = 1;
        assert_int_equal(pthread_create(&senders[i].thread, NULL, run_sender, &senders[i]), 0);
    }
    join_senders(senders);
    int at_once = 0;
    for (int i = 0; i < SENDERS; i++) {
        assert_int_equal(senders[i].last_status, 503);
        at_once += senders[i].ended_ms - started < 1500;
    }
    test_run(other, "COMMIT");
    assert_in_range(at_once, SENDERS - 2,
                    SENDERS - 1); /* the first may still have been in the queue itself */
    assert_int_equal(count_stored(registry), 0);
    assert_int_equal(daemon_stop(registry->daemon), 0);
    talloc_free(other);
    talloc_free(registry->db);
    talloc_free(registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sigterm_under_load_answers_what_is_stored),
        cmocka_unit_test(test_kill_under_load_loses_nothing_that_was_acknowledged),
        cmocka_unit_test_setup_teardown(test_sigterm_with_postgresql_standing_still_answers_in_time,
                                        start_stopped, let_backends_go_on),
        cmocka_unit_test(test_start_with_pending_migration_is_refused),
        cmocka_unit_test(test_start_with_unknown_migration_is_refused),
        cmocka_unit_test(test_backends_killed_under_load_lose_nothing),
        cmocka_unit_test(test_arrays_under_kills_are_stored_once),
        cmocka_unit_test(test_database_away_is_503_and_comes_back),
        cmocka_unit_test(test_queue_full_is_503_at_once),
        cmocka_unit_test(test_table_locked_is_503_and_the_same_id_goes_through_later),
        cmocka_unit_test(test_commit_with_warning_is_not_acknowledged),
        cmocka_unit_test(test_right_to_ask_about_tokens_lost_is_503),
        cmocka_unit_test(test_verdicts_that_cannot_be_read_do_not_tell_what_was_committed),
        cmocka_unit_test(test_catalogue_news_come_without_restart),
        cmocka_unit_test(test_catalogue_that_does_not_parse_keeps_the_old_one),
    };
    memory_init();
    return cmocka_run_group_tests(tests, registry_setup, registry_teardown);
}
