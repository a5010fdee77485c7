/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows that PostgreSQL does not take, among 256 that are written together, as one array and as single requests: a
 * CHECK that one row violates, a trigger that raises.  They alone fail; the others are stored once each, with
 * their receipts and their lines in the audit trail, and the failed ones are taken once nothing is in their way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "tests/support/fault_run.h"
#include "tests/support/tls_client.h"

enum { ROWS = 256, BAD_MOST = 3, DEADLINE_MS = 30000, INSTANCES = 9999 };

static const char subject[] = "01-0001";

/* What makes a row bad: an answer that no other row has. */
static const char good_answer[] = "12.5", bad_answer[] = "66.5";

struct obstacle {
    const char *label;
    const char *put, *take_away;
};

static const struct obstacle obstacles[] = {
    {"a CHECK", "ALTER TABLE core.submission ADD CONSTRAINT no_bad CHECK (content::text NOT LIKE '%66.5%') "
     "NOT VALID",
     "ALTER TABLE core.submission DROP CONSTRAINT no_bad"},
    {"a trigger that raises 22P02",
     "CREATE FUNCTION public.refuse_bad() RETURNS trigger LANGUAGE plpgsql AS "
     "$$ BEGIN RAISE SQLSTATE '22P02' USING MESSAGE = 'no such text'; END $$; "
     "CREATE TRIGGER no_bad BEFORE INSERT ON core.submission FOR EACH ROW "
     "WHEN (NEW.content::text LIKE '%66.5%') EXECUTE FUNCTION public.refuse_bad()",
     "DROP TRIGGER no_bad ON core.submission; DROP FUNCTION public.refuse_bad()"},
    {"a trigger that fails on the audit's row",
     "CREATE FUNCTION public.refuse_bad() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS "
     "$$ BEGIN PERFORM 1 / (NOT EXISTS (SELECT FROM core.submission s WHERE s.id = NEW.row_id "
     "AND s.content::text LIKE '%66.5%'))::int; RETURN NEW; END $$; "
     "CREATE TRIGGER no_bad BEFORE INSERT ON audit.event FOR EACH ROW "
     "WHEN (NEW.object = 'core.submission' AND NEW.operation = 'INSERT') EXECUTE FUNCTION public.refuse_bad()",
     "DROP TRIGGER no_bad ON audit.event; DROP FUNCTION public.refuse_bad()"},
};

static const struct {
    const char *label;
    size_t count;
    size_t rows[BAD_MOST];
} places[] = {
    {"in the middle", 1, {100}},
    {"the first", 1, {0}},
    {"the last", 1, {ROWS - 1}},
    {"two", 2, {17, 200}},
    {"three in a row", 3, {63, 64, 65}},
};

/* ---- rows ---- */

struct row {
    const char *id;
    const char *body;
    bool bad;
    int status;
    char sha256[65];
};

static int next_instance;

static void make_rows(struct registry *registry, const void *owner, struct row rows[ROWS], size_t place)
{
    for (size_t i = 0; i < ROWS; i++) {
        bool bad = false;
        for (size_t k = 0; k < places[place].count; k++)
            bad = bad || places[place].rows[k] == i;
        assert_true(++next_instance <= INSTANCES);
        rows[i] = (struct row){.id = registry_new_id(registry), .bad = bad};
        rows[i].body = memory_format(owner,
                                     "{\"id\":\"%s\",\"subject\":\"%s\",\"form\":\"pain_vas\",\"form_version\":1,"
                                     "\"knee\":\"right\",\"instance\":%d,\"date\":\"2024-02-02\","
                                     "\"answers\":{\"vas\":\"%s\"}}",
                                     rows[i].id, subject, next_instance, bad ? bad_answer : good_answer);
    }
}

static void note_receipt(struct row *row, int status, const json_t *json)
{
    row->status = status;
    *row->sha256 = '\0';
    if (status == 201)
        snprintf(row->sha256, sizeof row->sha256, "%s", json_text_at(json, "sha256"));
}

/* Stored once, with the receipt's hash and one line in the trail; or not at all, without a line. */
static void check_row(struct db *db, const char *label, size_t i, const struct row *row)
{
    const char *sql = memory_format(
        db,
        "SELECT count(DISTINCT s.*::text) || '/' || count(DISTINCT e.seq) || '/' || "
        "COALESCE(min(encode(s.sha256, 'hex')), '') FROM (SELECT '%s'::uuid AS id) r "
        "LEFT JOIN core.submission s ON s.id = r.id "
        "LEFT JOIN audit.event e ON e.row_id = r.id AND e.object = 'core.submission' AND e.operation = 'INSERT'",
        row->id);
    const char *found = test_value(db, sql);
    const char *expected =
        row->status == 201 ? memory_format(db, "1/1/%s", row->sha256) : memory_copy_string(db, "0/0/");
    if ((row->status == 201) == row->bad || (row->bad && row->status != 500) || strcmp(found, expected) != 0)
        fail_msg("%s, row %zu: status %d, stored %s, not %s", label, i, row->status, found, expected);
}

static void check_rows(struct fault_run *run, const char *label, const struct row rows[ROWS])
{
    for (size_t i = 0; i < ROWS; i++)
        check_row(run->registry->db, label, i, &rows[i]);
}

/* ---- one array ---- */

static void send_array(struct fault_run *run, const void *owner, struct row rows[ROWS])
{
    struct text *body = text_new(owner);
    for (size_t i = 0; i < ROWS; i++)
        text_append_format(body, "%s%s", i == 0 ? "[" : ",", rows[i].body);
    text_append(body, "]");
    struct client_reply *reply = api_submit(run->registry, "coordinator", body->bytes);
    assert_status(reply, 207);
    const json_t *results = json_object_get(reply->json, "results");
    assert_int_equal(json_array_size(results), ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        const json_t *result = json_array_get(results, i);
        note_receipt(&rows[i], (int)json_number_at(result, "status"), json_object_get(result, "receipt"));
    }
}

/* ---- single requests that are written together ---- */

static struct tls_client *connect_to(const struct fault_run *run, const void *owner)
{
    struct tls_client *client = tls_client_open(owner, &(struct tls_client_options){.port = run->daemon->port});
    assert_non_null(client);
    return client;
}

static void send_single(struct tls_client *client, const char *body)
{
    char *request = memory_format(client,
                                  "POST " DEMO "/submissions HTTP/1.1\r\nHost: localhost\r\n"
                                  "Authorization: Bearer coordinator\r\nContent-Type: application/json\r\n"
                                  "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
    assert_true(tls_client_send_text(client, request));
}

static void wait_for_queued(struct fault_run *run, long long wanted)
{
    static const char name[] = "\npatella_writer_queued ";
    long long deadline = test_now_ms() + DEADLINE_MS, queued = -1;
    while (queued != wanted) {
        struct client_reply *reply = api_get(run->registry, NULL, "/metrics");
        const char *found = strstr(reply->body, name);
        assert_non_null(found);
        queued = strtoll(found + strlen(name), NULL, 10);
        if (test_now_ms() > deadline)
            fault_fail(run, "the requests are not queued");
        test_pause();
    }
}

static void wait_for_writer(struct fault_run *run)
{
    long long deadline = test_now_ms() + DEADLINE_MS;
    while (strcmp(test_value(run->registry->db, "SELECT count(*) FROM pg_locks WHERE NOT granted "
                                                "AND relation = 'core.submission'::regclass"),
                  "1") != 0) {
        if (test_now_ms() > deadline)
            fault_fail(run, "the writer does not wait");
        test_pause();
    }
}

/*
 * The writer waits for a locked table with the plug while the rest queues up; no longer than a statement may take,
 * therefore everybody is connected before.
 */
static void send_singles(struct fault_run *run, const void *owner, struct row rows[ROWS])
{
    struct db *holder =
        cluster_connect(owner, run->cluster, test_database_name(run->registry->database));
    struct tls_client *plug = connect_to(run, owner), *clients[ROWS];
    struct row others[ROWS];
    make_rows(run->registry, owner, others, 0);
    for (size_t i = 0; i < ROWS; i++)
        clients[i] = connect_to(run, owner);
    test_run(holder, "BEGIN; LOCK TABLE core.submission IN ACCESS EXCLUSIVE MODE");
    send_single(plug, others[0].body);
    wait_for_writer(run);
    for (size_t i = 0; i < ROWS; i++)
        send_single(clients[i], rows[i].body);
    wait_for_queued(run, ROWS);
    test_run(holder, "ROLLBACK");
    assert_int_equal(tls_client_read_reply(plug, DEADLINE_MS).status, 201);
    for (size_t i = 0; i < ROWS; i++) {
        struct tls_reply reply = tls_client_read_reply(clients[i], DEADLINE_MS);
        json_t *json = json_loads(reply.body != NULL ? reply.body : "", 0, NULL);
        note_receipt(&rows[i], reply.status, json);
        json_decref(json);
        talloc_free(clients[i]);
    }
}

static size_t whole_batches_rolled_back(const struct fault_run *run)
{
    size_t count = 0;
    void *work = memory_owner(NULL, "log");
    for (const char *at = daemon_read_log(work, run->daemon);
         (at = strstr(at, "msg=\"batch was rolled back\"")) != NULL; at++) {
        const char *rows = strstr(at, " rows="), *end = strchr(at, '\n');
        count += rows != NULL && end != NULL && rows < end && strncmp(rows, " rows=256 ", 10) == 0;
    }
    talloc_free(work);
    return count;
}

/* ---- cases ---- */

typedef void send_function(struct fault_run *run, const void *owner, struct row rows[ROWS]);

static void run_case(struct fault_run *run, const struct obstacle *obstacle, size_t place, send_function *send)
{
    void *work = memory_owner(NULL, "case");
    struct row rows[ROWS];
    const char *label = memory_format(work, "%s, %s, %s", obstacle->label, places[place].label,
                                      send == send_array ? "array" : "single requests");
    size_t before = whole_batches_rolled_back(run);
    make_rows(run->registry, work, rows, place);
    send(run, work, rows);
    check_rows(run, label, rows);
    if (whole_batches_rolled_back(run) != before + 1)
        fault_fail(run, memory_format(work, "%s: the rows were not written together", label));
    fault_note("%-70s stored %d, refused %zu", label, ROWS - (int)places[place].count, places[place].count);
    test_run(run->registry->db, obstacle->take_away);
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].bad) {
            struct client_reply *reply = api_submit(run->registry, "coordinator", rows[i].body);
            assert_status(reply, 201);
            rows[i].bad = false;
            note_receipt(&rows[i], 201, reply->json);
        }
    check_rows(run, label, rows);
    test_run(run->registry->db, obstacle->put);
    talloc_free(work);
}

static void run_cases(struct cluster *cluster, const char *name, send_function *send)
{
    /* Row by row after the batch was refused: on a busy machine that takes long. */
    static const char *const settings[] = {"write_wait_ms=120000", NULL};
    struct fault_run *run =
        fault_run_new(cluster, &(struct fault_options){.label = name, .settings = settings});
    next_instance = 0;
    /* For check_row, which looks at every row. */
    test_run(run->registry->db, "CREATE INDEX ON audit.event (row_id); CREATE INDEX ON core.submission (id)");
    for (size_t i = 0; i < sizeof obstacles / sizeof *obstacles; i++) {
        test_run(run->registry->db, obstacles[i].put);
        for (size_t k = 0; k < sizeof places / sizeof *places; k++)
            if (faults_are_long() || i == 0 || k == i + 2)
                run_case(run, &obstacles[i], k, send);
        test_run(run->registry->db, obstacles[i].take_away);
    }
    assert_int_equal(daemon_stop(run->daemon), 0);
    talloc_free(run->registry->db);
    talloc_free(run);
}

static void test_bad_rows_of_an_array_fail_alone(void **state)
{
    run_cases(*state, "bad rows of an array", send_array);
}

static void test_bad_single_requests_of_a_batch_fail_alone(void **state)
{
    run_cases(*state, "bad single requests", send_singles);
}

static int make_cluster(void **state)
{
    *state = cluster_new(NULL, NULL);
    return 0;
}

static int remove_cluster(void **state)
{
    talloc_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_rows_of_an_array_fail_alone),
        cmocka_unit_test(test_bad_single_requests_of_a_batch_fail_alone),
    };
    memory_init();
    return cmocka_run_group_tests(tests, make_cluster, remove_cluster);
}
