/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The audit trail through the API: whole and by pages, streamed in bounded memory to readers of any speed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/registry.h"
#include "tests/support/tls_client.h"

enum { MANY = 200000, ROOM_KB = 24 * 1024, DEADLINE_MS = 30000 };

#define GET_LINES \
    "GET " DEMO "/audit?format=jsonl HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer administrator\r\n\r\n"

static void add_events(struct registry *registry, int count)
{
    test_run(registry->db, memory_format(registry,
        "INSERT INTO audit.event (xid, era, at, actor, db_role, operation, object, study_id, site_id, new, reason) "
        "SELECT pg_current_xact_id(), 1, timestamptz '2020-01-01' + n * interval '1 s', '=cmd|calc', 'x', 'INSERT', "
        "'test', 1, 1, jsonb_build_object('n', n, 'padding', repeat('x', 200)), 'a, \"quoted\" reason' "
        "FROM generate_series(1, %d) n", count));
}

/* Kilobytes of memory that the daemon has, now or ("VmHWM") had at most. */
static long memory_of(const struct registry *registry, const char *name)
{
    char *path = memory_format(registry, "/proc/%d/status", (int)registry->daemon->pid), line[256];
    FILE *file = fopen(path, "r");
    long kilobytes = 0;
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            kilobytes = strtol(line + strlen(name) + 1, NULL, 10);
    fclose(file);
    assert_true(kilobytes > 0);
    return kilobytes;
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;
    for (const char *end = text; (end = strchr(end, '\n')) != NULL; end++)
        lines++;
    return lines;
}

static void test_whole_trail_is_what_the_pages_hold(void **state)
{
    struct registry *registry = *state;
    add_events(registry, 1200);
    static const char of_test[] = DEMO "/audit?object=test";
    struct client_reply *lines = api_get(registry, "administrator", memory_format(registry, "%s&format=jsonl",
        of_test));
    assert_status(lines, 200);
    assert_string_equal(client_header(lines, "Content-Type"), "application/jsonl");
    assert_string_equal(client_header(lines, "Transfer-Encoding"), "chunked");
    assert_null(client_header(lines, "Content-Length"));
    assert_int_equal(count_lines(lines->body), 1200);
    const char *line = lines->body, *after = "";
    size_t events = 0;
    do {
        struct client_reply *page = api_get(registry, "administrator",
                                            memory_format(registry, "%s&limit=500%s", of_test, after));
        assert_status(page, 200);
        json_t *list = json_object_get(page->json, "events"), *next = json_object_get(page->json, "next");
        for (size_t i = 0; i < json_array_size(list); i++, events++, line = strchr(line, '\n') + 1) {
            json_t *streamed = json_loadb(line, strcspn(line, "\n"), 0, NULL);
            assert_true(json_equal(streamed, json_array_get(list, i)));
            json_decref(streamed);
        }
        after = json_is_string(next) ? memory_format(registry, "&after=%s", json_string_value(next)) : NULL;
    } while (after != NULL);
    assert_int_equal(events, 1200);
}

static void test_csv_is_quoted_and_holds_no_formula(void **state)
{
    struct registry *registry = *state;
    struct client_reply *csv = api_get(registry, "administrator", DEMO "/audit?format=csv&object=test");
    assert_status(csv, 200);
    assert_string_equal(client_header(csv, "Content-Disposition"), "attachment; filename=\"audit.csv\"");
    assert_string_equal(client_header(csv, "Content-Type"), "text/csv; charset=utf-8; header=present");
    static const char names[] = "at,account,operation,object,site,subject,row,sha256,old,new,reason,withheld\r\n";
    assert_memory_equal(csv->body, names, sizeof names - 1);
    assert_int_equal(count_lines(csv->body), 1201);
    assert_non_null(strstr(csv->body, ",'=cmd|calc,"));
    assert_null(strstr(csv->body, ",=cmd"));
    assert_non_null(strstr(csv->body, "\"a, \"\"quoted\"\" reason\""));
}

static void test_reading_the_trail_is_on_the_trail(void **state)
{
    struct registry *registry = *state;
    api_get(registry, "monitor", DEMO "/audit?format=csv&account=nobody");
    assert_string_equal(test_value(registry->db,
        "SELECT concat_ws(' ', actor, object, new ->> 'format', new ->> 'account') FROM audit.event "
        "WHERE operation = 'EXPORT' ORDER BY seq DESC LIMIT 1"), "monitor audit.event csv nobody");
}

static void test_parameters_that_do_not_fit_are_refused(void **state)
{
    static const char *const queries[] = {
        "format=xml", "from=yesterday", "from=2026-02-30", "to=2026-03-01T25:00:00Z", "to=2026-03-01T10:00:00",
            "after=7",
        "after=2026-03-01.x", "limit=0", "limit=1001", "subject=1", "format=csv&limit=5", "unknown=1", "from=&from=",
    };
    struct registry *registry = *state;
    const char *before = test_value(registry->db, "SELECT count(*) FROM rep.reading");
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        struct client_reply *reply =
            api_get(registry, "administrator", memory_format(registry, DEMO "/audit?%s", queries[i]));
        if (reply->status != 400)
            fail_msg("%s: %d %s", queries[i], reply->status, reply->body);
    }
    assert_string_equal(test_value(registry->db, "SELECT count(*) FROM rep.reading"), before);
    assert_problem(api_get(registry, "administrator", DEMO "/audit/review?kind=other"), 400, "invalid_parameter");
}

static void test_review_is_made_and_concluded(void **state)
{
    struct registry *registry = *state;
    struct client_reply *review = api_get(registry, "monitor", DEMO "/audit/review?kind=late_entries&days=3");
    assert_status(review, 200);
    const char *path = memory_format(registry, DEMO "/audit/reviews/%s", json_text_at(review->json, "review"));
    assert_problem(api_send(registry, "monitor", "POST", path, "{\"conclusion\":\"ok\"}"), 422, "invalid");
    assert_status(api_send(registry, "monitor", "POST", path, "{\"conclusion\":\"nothing odd\"}"), 201);
    assert_problem(api_send(registry, "monitor", "POST", path, "{\"conclusion\":\"nothing odd\"}"), 409, "exists");
    struct client_reply *list = api_get(registry, "data_manager", DEMO "/audit/reviews");
    assert_string_equal(json_text_at(list->json, "reviews.0.conclusion"), "nothing odd");
}

static void test_review_finds_what_was_changed_after_it_was_signed(void **state)
{
    struct registry *registry = *state;
    const char *id = registry_new_id(registry);
    registry_enrol(registry, "coordinator1", "01-0043");
    assert_status(api_submit(registry, "coordinator1", registry_pain(registry, id, "01-0043", 40, "")), 201);
    test_run(registry->db, memory_format(registry,
        "INSERT INTO core.signature (study_id, site_id, signature_id, submission_id, sha256, meaning, printed_name, "
        "recorded_by) SELECT study_id, site_id, gen_random_uuid(), id, sha256, 'review', 'Ina Investigator', "
        "'investigator1' FROM core.submission WHERE id = '%s'", id));
    assert_status(api_submit(registry, "coordinator1", registry_pain(registry, NULL, "01-0043", 50,
        ",\"version\":2,\"reason\":\"read wrongly\"")), 201);
    struct client_reply *review = api_get(registry, "monitor", DEMO "/audit/review?kind=after_signature");
    assert_status(review, 200);
    assert_int_equal(json_number_at(review->json, "found"), 1);
    assert_string_equal(json_text_at(review->json, "findings.0.subject"), "01-0043");
    assert_string_equal(json_text_at(review->json, "findings.0.account"), "coordinator1");
    assert_string_equal(json_text_at(review->json, "findings.0.detail.signatures.0.printed_name"), "Ina Investigator");
}

static void test_serious_event_leaves_a_notice(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0042");
    const char *event = memory_format(registry,
        "{\"id\":\"%s\",\"subject\":\"01-0042\",\"form\":\"adverse_event\",\"form_version\":1,\"date\":\"2024-03-01\","
        "\"answers\":{\"term\":\"fall\",\"onset\":\"2024-02\",\"serious\":true,\"serious_hospitalisation\":true}}",
        registry_new_id(registry));
    assert_status(api_submit(registry, "coordinator1", event), 201);
    struct client_reply *notices = api_get(registry, "investigator1", DEMO "/notices");
    assert_status(notices, 200);
    assert_string_equal(json_text_at(notices->json, "notices.0.subject"), "01-0042");
    assert_string_equal(json_text_at(notices->json, "notices.0.kind"), "serious_event");
    assert_null(strstr(notices->body, "fall"));
}

/* ---- streams ---- */

static void test_http_1_0_is_told_to_use_1_1(void **state)
{
    struct registry *registry = *state;
    const struct tls_client_options options = {.port = registry->daemon->port};
    struct tls_client *client = tls_client_open(registry, &options);
    assert_true(tls_client_send_text(client, "GET " DEMO "/audit?format=csv HTTP/1.0\r\nHost: localhost\r\n"
                                             "Authorization: Bearer administrator\r\n\r\n"));
    assert_int_equal(tls_client_read_reply(client, DEADLINE_MS).status, 505);
    talloc_free(client);
}

/* Reads to the end of the connection, or of what comes; whether the last chunk has come. */
static bool read_stream(struct tls_client *client, size_t *bytes)
{
    static char buffer[65536 + 8];
    SSL *ssl = tls_client_ssl(client);
    size_t kept = 0;
    for (*bytes = 0;;) {
        int got = SSL_read(ssl, buffer + kept, 65536);
        if (got <= 0)
            return false;
        *bytes += (size_t)got;
        size_t have = kept + (size_t)got;
        if (have >= 7 && memcmp(buffer + have - 7, "\r\n0\r\n\r\n", 7) == 0)
            return true;
        kept = have < 6 ? have : 6;
        memmove(buffer, buffer + have - kept, kept);
    }
}

static struct tls_client *begin_stream(struct registry *registry)
{
    const struct tls_client_options options = {.port = registry->daemon->port};
    struct tls_client *client = tls_client_open(registry, &options);
    assert_non_null(client);
    assert_true(tls_client_send_text(client, GET_LINES));
    return client;
}

static void test_stream_of_many_events_needs_little_memory(void **state)
{
    struct registry *registry = *state;
    add_events(registry, MANY);
    size_t bytes = 0;
    struct tls_client *first = begin_stream(registry);   /* warms up what is kept */
    assert_true(read_stream(first, &bytes));
    talloc_free(first);
    assert_true(bytes > (size_t)MANY * 300);
    long before_kb = memory_of(registry, "VmRSS:");
    struct tls_client *clients[4];
    for (size_t i = 0; i < 4; i++)
        clients[i] = begin_stream(registry);             /* three of them do not read */
    assert_true(read_stream(clients[3], &bytes));
    long after_kb = memory_of(registry, "VmHWM:");
    print_message("# %zu bytes; memory before %ld kB, at most %ld kB\n", bytes, before_kb, after_kb);
    assert_true(after_kb < before_kb + ROOM_KB);
    for (size_t i = 0; i < 4; i++)
        tls_client_abort(clients[i], true);
}

/* More readers that stand still than there are workers: others are answered. */
static void test_readers_that_stand_still_hold_no_worker(void **state)
{
    struct registry *registry = *state;
    struct tls_client *clients[12];
    for (size_t i = 0; i < 12; i++)
        clients[i] = begin_stream(registry);
    for (int i = 0; i < 20; i++)
        assert_status(api_get(registry, "coordinator1", DEMO "/subjects"), 200);
    for (size_t i = 0; i < 12; i++)
        tls_client_abort(clients[i], i % 2 == 0);
    assert_status(api_get(registry, "coordinator1", DEMO "/subjects"), 200);
}

static void test_reader_that_stands_still_is_cut(void **state)
{
    static const char *const settings[] = {"rate_grace_ms=300", "reply_min_bytes_per_s=100000", NULL};
    struct registry *registry = *state;
    struct daemon_process *daemon = daemon_start(registry, registry->daemon->conninfo, settings);
    const struct tls_client_options options = {.port = daemon->port};
    struct tls_client *client = tls_client_open(registry, &options);
    struct client *metrics = client_new(registry, daemon, NULL);
    assert_true(tls_client_send_text(client, GET_LINES));
    long long deadline = test_now_ms() + DEADLINE_MS;
    static const char counted[] = "patella_deadlines_total{phase=\"reply\"} 1";
    while (strstr(client_send(metrics, "GET", "/metrics", NULL)->body, counted) == NULL) {
        assert_true(test_now_ms() < deadline);
        test_pause();
    }
    size_t bytes = 0;
    assert_false(read_stream(client, &bytes));
    talloc_free(client);
    talloc_free(metrics);
    assert_int_equal(daemon_stop(daemon), 0);
}

/* PostgreSQL refuses in the middle: the body has no last chunk. */
static void test_stream_that_fails_has_no_end(void **state)
{
    struct registry *registry = *state;
    struct tls_client *client = begin_stream(registry);
    char head[16];
    assert_true(SSL_read(tls_client_ssl(client), head, sizeof head) > 0);
    test_run(registry->db, "UPDATE sec.credential SET revoked_at = now() WHERE account = 'administrator'");
    size_t bytes = 0;
    assert_false(read_stream(client, &bytes));
    assert_true(bytes < (size_t)MANY * 300);
    assert_non_null(strstr(daemon_read_log(registry, registry->daemon), "a body could not be ended"));
    talloc_free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_trail_is_what_the_pages_hold),
        cmocka_unit_test(test_csv_is_quoted_and_holds_no_formula),
        cmocka_unit_test(test_reading_the_trail_is_on_the_trail),
        cmocka_unit_test(test_parameters_that_do_not_fit_are_refused),
        cmocka_unit_test(test_review_is_made_and_concluded),
        cmocka_unit_test(test_review_finds_what_was_changed_after_it_was_signed),
        cmocka_unit_test(test_serious_event_leaves_a_notice),
        cmocka_unit_test(test_http_1_0_is_told_to_use_1_1),
        cmocka_unit_test(test_stream_of_many_events_needs_little_memory),
        cmocka_unit_test(test_readers_that_stand_still_hold_no_worker),
        cmocka_unit_test(test_reader_that_stands_still_is_cut),
        cmocka_unit_test(test_stream_that_fails_has_no_end),   /* the last one: its token is revoked */
    };
    memory_init();
    return cmocka_run_group_tests(tests, registry_setup, registry_teardown);
}
