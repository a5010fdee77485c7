/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The writer's two threads: what one does while the COMMIT of the other takes its time; and what a locked
 * study does to the others.  The COMMIT of a row of a subject from 01-9000 on waits, by a deferred trigger,
 * for a lock that the test holds, and a row of instance 88 waits for another one as soon as it is inserted;
 * each must get it before the statement timeout.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/counters.h"
#include "tests/support/registry.h"

#define OTHER "/api/v1/studies/other/submissions"

enum { FAILING_INSTANCE = 66, WARNING_INSTANCE = 77, WAITING_INSTANCE = 88 };

static const char trigger[] =
    "CREATE SEQUENCE public.warnings; GRANT USAGE ON SCHEMA public TO PUBLIC; "
    "GRANT USAGE ON SEQUENCE public.warnings TO PUBLIC; "
    "CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "PERFORM pg_advisory_xact_lock_shared(4711); "
    "IF NEW.instance = 66 THEN RAISE EXCEPTION 'a fault' USING ERRCODE = 'check_violation'; END IF; "
    "IF NEW.instance = 77 AND nextval('public.warnings') = 1 THEN RAISE WARNING 'no standby'; END IF; "
    "RETURN NULL; END $$; "
    "CREATE CONSTRAINT TRIGGER hold AFTER INSERT ON core.submission DEFERRABLE INITIALLY DEFERRED "
    "FOR EACH ROW WHEN (NEW.subject_no >= 9000) EXECUTE FUNCTION public.hold(); "
    "CREATE FUNCTION public.wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "PERFORM pg_advisory_xact_lock_shared(4712); RETURN NEW; END $$; "
    "CREATE TRIGGER wait BEFORE INSERT ON core.submission "
    "FOR EACH ROW WHEN (NEW.instance = 88) EXECUTE FUNCTION public.wait()";

/* ---- requests under way: threads, which may not use cmocka's assertions ---- */

struct request {
    struct client *client;
    const char *path, *body;
    struct client_reply *reply;  /* of `client` */
    pthread_t thread;
};

static void *run_request(void *context)
{
    struct request *request = context;
    request->reply = client_try(request->client, "POST", request->path, request->body);
    return NULL;
}

static struct request *begin_as(struct registry *registry, const char *token, const char *path,
                                const char *body)
{
    struct request *request = memory_new(registry, struct request);
    request->client = client_new(registry, registry->daemon, token);
    request->path = path;
    request->body = body;
    assert_int_equal(pthread_create(&request->thread, NULL, run_request, request), 0);
    return request;
}

static struct request *begin(struct registry *registry, const char *body)
{
    return begin_as(registry, "coordinator", DEMO "/submissions", body);
}

static struct request *begin_other(struct registry *registry, const char *body)
{
    return begin_as(registry, "coordinator_other", OTHER, body);
}

static void end(struct request *request, int status)
{
    pthread_join(request->thread, NULL);
    assert_non_null(request->reply);
    assert_status(request->reply, status);
}

/* ---- the lock ---- */

/* Until the connection is freed. */
static struct db *hold_commits(struct registry *registry)
{
    struct db *other = test_database_connect(registry, registry->database, NULL);
    test_run(other, "SELECT pg_advisory_lock(4711), pg_advisory_lock(4712)");
    return other;
}

static void wait_for_true(struct registry *registry, const char *sql)
{
    long long deadline = test_now_ms() + 10000;
    while (strcmp(test_value(registry->db, sql), "t") != 0) {
        if (test_now_ms() > deadline)
            fail_msg("does not become true: %s", sql);
        test_pause();
    }
}

#define MY_WAITING_LOCKS \
    "FROM pg_locks WHERE NOT granted AND locktype = 'advisory' AND database = " \
    "(SELECT oid FROM pg_database WHERE datname = current_database()) AND "

/* A COMMIT waits. */
static void wait_for_commit(struct registry *registry)
{
    wait_for_true(registry, "SELECT count(*) = 1 " MY_WAITING_LOCKS "objid = 4711");
}

/* Somebody waits who executes. */
static void wait_for_execution(struct registry *registry)
{
    wait_for_true(registry, "SELECT count(*) = 1 " MY_WAITING_LOCKS "objid = 4712");
}

static void wait_for_queued(struct registry *registry, int count)
{
    const char *line = memory_format(registry, "\npatella_writer_queued %d\n", count);
    long long deadline = test_now_ms() + 10000;
    while (strstr(api_get(registry, NULL, "/metrics")->body, line) == NULL) {
        if (test_now_ms() > deadline)
            fail_msg("there are not %d in the queue", count);
        test_pause();
    }
}

/* Submissions that were not judged because their study was locked. */
static const char put_off_total[] = "patella_writer_busy_total";

static long long count_put_off(struct registry *registry)
{
    struct client *client = client_new(registry, registry->daemon, NULL);
    long long count = counters_value(counters_read(client), put_off_total);
    talloc_free(client);
    return count;
}

static void wait_for_put_off(struct registry *registry, long long times)
{
    struct client *client = client_new(registry, registry->daemon, NULL);
    counters_wait(client, put_off_total, counters_value(counters_read(client), put_off_total) + times);
    talloc_free(client);
}

/* ---- bodies ---- */

static const char *event(struct registry *registry, const char *subject, int instance)
{
    return registry_event(registry, NULL, subject, "swelling",
                          memory_format(registry, ",\"instance\":%d", instance));
}

static const char *end_of_enrolment(struct registry *registry, const char *subject)
{
    return memory_format(registry,
                         "{\"id\":\"%s\",\"subject\":\"%s\",\"form\":\"enrolment\",\"form_version\":1,"
                         "\"date\":\"2024-03-01\",\"version\":2,\"status\":\"void\","
                         "\"reason\":\"entered by mistake\"}",
                         registry_new_id(registry), subject);
}

static void enrol_two(struct registry *registry, const char *held, const char *free)
{
    registry_enrol(registry, "coordinator", held);
    registry_enrol(registry, "coordinator", free);
}

/* ---- what goes on, and what waits ---- */

static void test_independent_request_is_stored_while_another_commits(void **state)
{
    struct registry *registry = *state;
    enrol_two(registry, "01-9001", "01-1001");
    struct db *other = hold_commits(registry);
    struct request *held = begin(registry, event(registry, "01-9001", 1));
    wait_for_commit(registry);
    assert_status(api_submit(registry, "coordinator", event(registry, "01-1001", 1)), 201);
    assert_status(api_submit(registry, "coordinator", event(registry, "01-1001", 2)), 201);
    wait_for_commit(registry);
    talloc_free(other);
    end(held, 201);
}

static void test_dependent_request_waits_for_the_commit(void **state)
{
    struct registry *registry = *state;
    const char *id = registry_new_id(registry), *form_id = registry_new_id(registry);
    const struct {
        const char *subject;     /* enrolled before, unless it is the first body that does */
        const char *first, *second;
        int status;
    } cases[] = {
        {"01-9010", registry_pain(registry, id, "01-9010", 10, ""),
         registry_pain(registry, id, "01-9010", 10, ""), 200},
        {"01-9011", registry_enrolment(registry, NULL, "01-9011"),
         registry_pain(registry, NULL, "01-9011", 10, ""), 201},
        {"01-9012", registry_pain(registry, NULL, "01-9012", 10, ""),
         registry_pain(registry, NULL, "01-9012", 20, ",\"version\":2,\"reason\":\"read again\""), 201},
        {"01-9013", registry_pain(registry, NULL, "01-9013", 10, ""),
         registry_pain(registry, NULL, "01-9013", 20, ""), 409},
        {"01-9014", registry_pain(registry, form_id, "01-9014", 10, ""),
         registry_pain(registry, form_id, "01-9014", 20, ""), 409},
        {"01-9015", registry_pain(registry, NULL, "01-9015", 10, ""), end_of_enrolment(registry, "01-9015"),
         409},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (strstr(cases[i].first, "index_knee") == NULL)
            registry_enrol(registry, "coordinator", cases[i].subject);
        struct db *other = hold_commits(registry);
        struct request *first = begin(registry, cases[i].first);
        wait_for_commit(registry);
        struct request *second = begin(registry, cases[i].second);
        wait_for_queued(registry, 1);
        talloc_free(other);
        end(first, 201);
        end(second, cases[i].status);
    }
}

/* It is not taken out of turn: the same id twice, and an independent one behind it. */
static void test_request_behind_a_dependent_one_keeps_its_place(void **state)
{
    struct registry *registry = *state;
    enrol_two(registry, "01-9020", "01-1020");
    const char *body = event(registry, "01-9020", 1);
    struct db *other = hold_commits(registry);
    struct request *first = begin(registry, body);
    wait_for_commit(registry);
    struct request *again = begin(registry, body);
    wait_for_queued(registry, 1);
    struct request *behind = begin(registry, event(registry, "01-1020", 1));
    wait_for_queued(registry, 2);
    talloc_free(other);
    end(first, 201);
    end(again, 200);
    end(behind, 201);
}

/* It wants the study without anybody else who writes: it waits for who commits, and nobody waits for it. */
static void test_end_of_an_enrolment_waits_in_the_queue(void **state)
{
    struct registry *registry = *state;
    enrol_two(registry, "01-9030", "01-1030");
    registry_enrol(registry, "coordinator", "01-1031");
    struct db *other = hold_commits(registry);
    struct request *held = begin(registry, event(registry, "01-9030", 1));
    wait_for_commit(registry);
    long long put_off = count_put_off(registry);
    struct request *ends = begin(registry, end_of_enrolment(registry, "01-1030"));
    wait_for_queued(registry, 1);
    assert_status(api_submit(registry, "coordinator1", event(registry, "01-1031", 1)), 201);
    wait_for_queued(registry, 1);
    talloc_free(other);
    end(held, 201);
    end(ends, 201);
    assert_int_equal(count_put_off(registry), put_off);
}

/* ---- faults ---- */

/* The one that fails at COMMIT has to wait for the right to try again, while the other one executes. */
static void test_commit_that_fails_costs_no_neighbour_its_place(void **state)
{
    struct registry *registry = *state;
    enrol_two(registry, "01-9040", "01-1040");
    const char *array = memory_format(registry, "[%s,%s]", event(registry, "01-9040", FAILING_INSTANCE),
                                      event(registry, "01-9040", 1));
    struct db *other = hold_commits(registry);
    struct request *failing = begin(registry, array);
    wait_for_commit(registry);
    struct request *waits = begin(registry, event(registry, "01-1040", WAITING_INSTANCE));
    wait_for_execution(registry);
    talloc_free(other);
    end(failing, 207);
    assert_int_equal(json_number_at(failing->reply->json, "results.0.status"), 500);
    assert_int_equal(json_number_at(failing->reply->json, "results.1.status"), 201);
    end(waits, 201);
}

static void test_commit_with_warning_is_sent_again_beside_another(void **state)
{
    struct registry *registry = *state;
    enrol_two(registry, "01-9050", "01-1050");
    struct db *other = hold_commits(registry);
    struct request *warned = begin(registry, event(registry, "01-9050", WARNING_INSTANCE));
    wait_for_commit(registry);
    struct request *waits = begin(registry, event(registry, "01-1050", WAITING_INSTANCE));
    wait_for_execution(registry);
    talloc_free(other);
    end(warned, 201);
    end(waits, 201);
    assert_string_equal(test_value(registry->db, "SELECT count(*) FROM audit.event e JOIN core.submission s "
                                                 "ON e.row_id = s.id WHERE e.operation = 'REPLAY' "
                                                 "AND s.subject_no = 9050"),
                        "1");
}

/* How many were ended. */
static int end_backends(struct registry *registry, const char *which)
{
    const char *sql = memory_format(registry,
                                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE "
                                    "datname = current_database() AND application_name = 'patellad' AND %s",
                                    which);
    return atoi(test_value(registry->db, sql));
}

static void assert_stored_once(struct registry *registry, int subject, int versions)
{
    const char *sql =
        memory_format(registry, "SELECT count(*) FROM core.submission WHERE subject_no = %d", subject);
    assert_int_equal(atoi(test_value(registry->db, sql)), versions);
}

/* One executes and one commits; each of them is lost, then both. */
static void test_lost_connections_lose_and_double_nothing(void **state)
{
    static const struct {
        const char *which;
        int count;
    } cases[] = {
        {"wait_event = 'advisory' AND query = 'COMMIT'", 1},
        {"wait_event = 'advisory' AND query <> 'COMMIT'", 1},
        {"wait_event = 'advisory'", 2},
    };
    struct registry *registry = *state;
    for (int i = 0; i < 3; i++) {
        const char *held_subject = memory_format(registry, "01-%d", 9060 + i);
        const char *free_subject = memory_format(registry, "01-%d", 1060 + i);
        enrol_two(registry, held_subject, free_subject);
        struct db *other = hold_commits(registry);
        struct request *held = begin(registry, event(registry, held_subject, 1));
        wait_for_commit(registry);
        struct request *waits = begin(registry, event(registry, free_subject, WAITING_INSTANCE));
        wait_for_execution(registry);
        assert_int_equal(end_backends(registry, cases[i].which), cases[i].count);
        talloc_free(other);
        end(held, 201);
        end(waits, 201);
        assert_stored_once(registry, 9060 + i, 2);
        assert_stored_once(registry, 1060 + i, 2);
    }
}

static int count_in_log(struct registry *registry, const char *words)
{
    int count = 0;
    for (const char *at = daemon_read_log(registry, registry->daemon); (at = strstr(at, words)) != NULL; at++)
        count++;
    return count;
}

/* Transactions that were begun in vain. */
static int count_failures(struct registry *registry)
{
    return count_in_log(registry, "batch was rolled back") +
           count_in_log(registry, "outcome of a commit is unknown");
}

/* The one that is idle would lose the same request once more. */
static void test_idle_connection_is_looked_after_when_the_other_is_lost(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator", "01-1070");
    int before = count_failures(registry);
    assert_true(end_backends(registry, "true") >= 2);
    end(begin(registry, event(registry, "01-1070", 1)), 201);
    assert_int_equal(count_failures(registry) - before, 1);
    assert_stored_once(registry, 1070, 2);
}

/* Both come back by themselves. */
static void test_database_that_was_away_is_used_again(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator", "01-1071");
    int before = count_in_log(registry, "writer lost PostgreSQL");
    test_run(registry->db, "UPDATE pg_database SET datallowconn = false WHERE datname = current_database()");
    assert_true(end_backends(registry, "true") >= 2);
    struct request *request = begin(registry, event(registry, "01-1071", 1));
    long long deadline = test_now_ms() + 8000;
    while (count_in_log(registry, "writer lost PostgreSQL") < before + 2 && test_now_ms() < deadline)
        test_pause();
    int losses = count_in_log(registry, "writer lost PostgreSQL") - before;
    test_run(registry->db, "UPDATE pg_database SET datallowconn = true WHERE datname = current_database()");
    end(request, 201);
    assert_int_equal(losses, 2);
    assert_true(daemon_wait_ready(registry->daemon, 10000));
    assert_stored_once(registry, 1071, 2);
}

/* ---- a locked study ---- */

static struct registry *start_with(const char *const *settings)
{
    struct registry *registry = registry_new_stopped(NULL);
    registry->daemon = daemon_start(
        registry, test_database_conninfo(registry, registry->database, "patella_collector"), settings);
    test_run(registry->db, trigger);
    return registry;
}

static void free_registry(struct registry *registry)
{
    talloc_free(registry->db);
    talloc_free(registry);
}

/* Who freezes study other, say, until the connection is freed. */
static struct db *lock_other(struct registry *registry)
{
    struct db *locks = test_database_connect(registry, registry->database, NULL);
    test_run(locks, "SELECT pg_advisory_lock(71, study_id) FROM core.study WHERE code = 'other'");
    return locks;
}

static void test_locked_study_holds_up_no_other(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator", "01-1080");
    const char *body = memory_format(registry, "[%s,%s]", registry_enrolment(registry, NULL, "01-1080"),
                                     event(registry, "01-1080", 1));
    struct db *locks = lock_other(registry);
    struct request *waits = begin_other(registry, body);
    wait_for_put_off(registry, 4);
    for (int i = 1; i <= 20; i++)
        assert_status(api_submit(registry, "coordinator", event(registry, "01-1080", i)), 201);
    wait_for_queued(registry, 2);
    talloc_free(locks);
    end(waits, 201);
}

/* Beside a locked study, in one batch: what depends on a row is not judged without it. */
static void test_rows_beside_a_locked_study_keep_their_order(void **state)
{
    struct registry *registry = *state;
    enrol_two(registry, "01-1081", "01-1082");
    struct db *other = hold_commits(registry), *locks = lock_other(registry);
    struct request *plug = begin(registry, event(registry, "01-1081", WAITING_INSTANCE));
    wait_for_execution(registry);
    struct request *locked = begin_other(registry, registry_enrolment(registry, NULL, "01-1082"));
    wait_for_queued(registry, 1);
    const char *body = memory_format(registry, "[%s,%s,%s,%s]", event(registry, "01-1082", 1),
                                     registry_enrolment(registry, NULL, "01-1083"),
                                     event(registry, "01-1083", 1), event(registry, "01-1082", 1));
    struct request *array = begin(registry, body);
    wait_for_queued(registry, 5);
    talloc_free(other);
    end(plug, 201);
    end(array, 207);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(json_number_at(array->reply->json, memory_format(registry, "results.%zu.status", i)),
                         i < 3 ? 201 : 409);
    wait_for_queued(registry, 1);
    talloc_free(locks);
    end(locked, 201);
}

/* Nothing is stored, and nobody is said to have been refused. */
static void test_locked_study_is_unavailable_after_the_wait(void **state)
{
    static const char *const settings[] = {"write_wait_ms=300", NULL};
    (void)state;
    struct registry *registry = start_with(settings);
    struct db *locks = lock_other(registry);
    struct client_reply *reply =
        api_send(registry, "coordinator_other", "POST", OTHER, registry_enrolment(registry, NULL, "01-1001"));
    assert_problem(reply, 503, "unavailable");
    assert_non_null(client_header(reply, "Retry-After"));
    wait_for_queued(registry, 0);
    talloc_free(locks);
    assert_string_equal(test_value(registry->db, "SELECT count(*) FROM core.submission"), "0");
    const char *refusals = "SELECT count(*) FROM audit.event WHERE operation = 'REFUSE'";
    assert_string_equal(test_value(registry->db, refusals), "0");
    free_registry(registry);
}

/*
 * Somebody else writes about the study for a long time: whoever wants it alone does not keep the others from
 * it.
 */
static void test_end_of_an_enrolment_that_waits_in_the_database_lets_others_by(void **state)
{
    struct registry *registry = *state;
    enrol_two(registry, "01-1084", "01-1085");
    struct db *writes = test_database_connect(registry, registry->database, NULL);
    test_run(writes, "SELECT pg_advisory_lock_shared(71, study_id) FROM core.study WHERE code = 'demo'");
    struct request *ends = begin(registry, end_of_enrolment(registry, "01-1084"));
    wait_for_put_off(registry, 1);
    for (int i = 1; i <= 20; i++)
        assert_status(api_submit(registry, "coordinator1", event(registry, "01-1085", i)), 201);
    wait_for_queued(registry, 1);
    talloc_free(writes);
    end(ends, 201);
}

/* ---- the end ---- */

/* One commits and another waits for it in the queue. */
static void test_sigterm_writes_what_waits_for_a_commit(void **state)
{
    (void)state;
    struct registry *registry = start_with(NULL);
    registry_enrol(registry, "coordinator", "01-9001");
    const char *body = event(registry, "01-9001", 1);
    struct db *other = hold_commits(registry);
    struct request *held = begin(registry, body);
    wait_for_commit(registry);
    struct request *again = begin(registry, body);
    wait_for_queued(registry, 1);
    kill(registry->daemon->pid, SIGTERM);
    while (strstr(daemon_read_log(registry, registry->daemon), "msg=stopping") == NULL)
        test_pause();
    talloc_free(other);
    end(held, 201);
    end(again, 200);
    assert_int_equal(daemon_wait(registry->daemon), 0);
    free_registry(registry);
}

/* One commits, one executes, one is in the queue, and PostgreSQL lets none of them go on in time. */
static void test_sigterm_with_both_threads_stuck_answers_in_time(void **state)
{
    static const char *const settings[] = {"stop_deadline_ms=1200", NULL};
    (void)state;
    struct registry *registry = start_with(settings);
    enrol_two(registry, "01-9001", "01-1001");
    struct db *other = hold_commits(registry);
    struct request *held = begin(registry, event(registry, "01-9001", 1));
    wait_for_commit(registry);
    struct request *waits = begin(registry, event(registry, "01-1001", WAITING_INSTANCE));
    wait_for_execution(registry);
    struct request *queued = begin(registry, event(registry, "01-9001", 2));
    wait_for_queued(registry, 1);
    assert_int_equal(daemon_stop(registry->daemon), 0);
    end(held, 503);
    end(waits, 503);
    end(queued, 503);
    talloc_free(other);
    free_registry(registry);
}

static int set_up(void **state)
{
    /* Whose token was seen a moment ago is not asked for again while the database is away, on a slow machine either. */
    *state = start_with((const char *const[]){"token_cache_ms=60000", NULL});
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_independent_request_is_stored_while_another_commits),
        cmocka_unit_test(test_dependent_request_waits_for_the_commit),
        cmocka_unit_test(test_request_behind_a_dependent_one_keeps_its_place),
        cmocka_unit_test(test_end_of_an_enrolment_waits_in_the_queue),
        cmocka_unit_test(test_commit_that_fails_costs_no_neighbour_its_place),
        cmocka_unit_test(test_commit_with_warning_is_sent_again_beside_another),
        cmocka_unit_test(test_lost_connections_lose_and_double_nothing),
        cmocka_unit_test(test_idle_connection_is_looked_after_when_the_other_is_lost),
        cmocka_unit_test(test_database_that_was_away_is_used_again),
        cmocka_unit_test(test_locked_study_holds_up_no_other),
        cmocka_unit_test(test_rows_beside_a_locked_study_keep_their_order),
        cmocka_unit_test(test_locked_study_is_unavailable_after_the_wait),
        cmocka_unit_test(test_end_of_an_enrolment_that_waits_in_the_database_lets_others_by),
        cmocka_unit_test(test_sigterm_writes_what_waits_for_a_commit),
        cmocka_unit_test(test_sigterm_with_both_threads_stuck_answers_in_time),
    };
    memory_init();
    return cmocka_run_group_tests(tests, set_up, registry_teardown);
}
