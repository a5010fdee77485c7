/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who works on uploads: two at once, further ones in the order of arrival; what a stop and a crash leave behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "tests/support/tus.h"
#include "tests/support/upload_run.h"

enum { DEADLINE_MS = 60000, ROWS = 20000, ROWS_OF_SUBJECT = 5000 };

#define HEADER "subject,knee,visit,date,vas\n"
#define PAIN "site=1&form=pain_vas"

/* Begins an upload and does not wait for it. */
static const char *begin_upload(struct registry *registry, const char *query, const char *csv)
{
    struct client *client = client_new(registry, registry->daemon, "coordinator1");
    client_add_header(client, "Content-Type: text/csv");
    client_add_header(client, "Prefer: wait=0");
    const char *path = memory_format(registry, UPLOADS "?name=file.csv&%s", query);
    struct client_reply *reply = client_send_typed(client, path, csv);
    assert_status(reply, 201);
    return memory_copy_string(registry, json_text_at(reply->json, "id"));
}

static const char *state_of(struct registry *registry, const char *id)
{
    struct client_reply *reply = api_get(registry, "coordinator1", memory_format(registry, UPLOADS "/%s", id));
    assert_status(reply, 200);
    return memory_copy_string(registry, json_text_at(reply->json, "state"));
}

static void await_state(struct registry *registry, const char *id, const char *state)
{
    for (long long until = test_now_ms() + DEADLINE_MS; strcmp(state_of(registry, id), state) != 0; test_pause())
        if (test_now_ms() > until)
            fail_msg("upload %s is %s, not %s", id, state_of(registry, id), state);
}

/* What a superuser's transaction keeps everybody else from. */
static struct db *hold(struct registry *registry, const char *lock)
{
    struct db *holder = test_database_connect(registry, registry->database, NULL);
    test_run(holder, "BEGIN");
    test_run(holder, memory_format(registry, "LOCK TABLE core.submission IN %s MODE", lock));
    return holder;
}

static void let_go(struct db *holder)
{
    test_run(holder, "COMMIT");
    talloc_free(holder);
}

static void kill_and_restart(struct registry *registry)
{
    kill(registry->daemon->pid, SIGKILL);
    daemon_wait(registry->daemon);
    daemon_restart(registry->daemon);
    assert_true(daemon_wait_ready(registry->daemon, DEADLINE_MS));
}

static void test_two_are_checked_at_once_and_a_third_waits(void **state)
{
    struct registry *registry = *state;
    const char *ids[3];
    struct db *holder = hold(registry, "ACCESS EXCLUSIVE");
    for (int i = 0; i < 3; i++)
        ids[i] = begin_upload(registry, PAIN,
                              memory_format(registry, HEADER "01-0001,right,BL,2024-02-0%d,20\n", i + 1));
    await_state(registry, ids[0], "checking");
    await_state(registry, ids[1], "checking");
    assert_string_equal(state_of(registry, ids[2]), "queued");
    let_go(holder);
    for (int i = 0; i < 3; i++)
        await_state(registry, ids[i], "previewed");
}

/* POST of a row that waits for its verdict so long; the connection on which the reply will come. */
static struct tus_line *send_and_wait(struct registry *registry, const char *day, const char *seconds)
{
    struct tus_line *line = tus_open(registry, "coordinator1");
    const char *csv = memory_format(line, HEADER "01-0004,right,BL,2024-02-%s,20\n", day);
    tus_say(line, "POST /api/v1/uploads?study=demo&" PAIN,
            memory_format(line, "Content-Type: text/csv\r\nPrefer: wait=%s\r\nContent-Length: %zu\r\n", seconds,
                          strlen(csv)));
    tus_send(line, csv, strlen(csv));
    return line;
}

static void assert_state_in(const struct tls_reply *reply, const char *state)
{
    if (strstr(reply->body, memory_format(reply->body, "\"state\":\"%s\"", state)) == NULL)
        fail_msg("not %s: %s", state, reply->body);
}

static void await_count(struct registry *registry, const char *state, const char *count)
{
    const char *sql = memory_format(registry, "SELECT count(*) FROM upload.file WHERE state = '%s'", state);
    for (long long until = test_now_ms() + DEADLINE_MS; strcmp(test_value(registry->db, sql), count) != 0; test_pause())
        assert_true(test_now_ms() < until);
}

/* Whoever prefers to wait gets the verdict; when that takes longer, what there is by then. */
static void test_reply_waits_for_the_verdict_as_long_as_is_preferred(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0004");
    struct db *holder = hold(registry, "ACCESS EXCLUSIVE");
    struct tus_line *brief = send_and_wait(registry, "01", "1");
    struct tls_reply early = tus_reply(brief, 201);
    assert_state_in(&early, "checking");
    struct tus_line *patient = send_and_wait(registry, "02", "60");
    await_count(registry, "checking", "2");
    let_go(holder);
    struct tls_reply late = tus_reply(patient, 201);
    assert_state_in(&late, "previewed");
    await_count(registry, "checking", "0");
}

static const char *many_events(struct registry *registry, const char *subject)
{
    struct text *csv = text_new(registry);
    text_append(csv, "subject,instance,date,term,onset,serious\n");
    for (int i = 0; i < ROWS; i++)
        text_append_format(csv, "%s%d,%d,2024-03-01,headache,2024-02-20,false\n", subject, i / ROWS_OF_SUBJECT + 1,
                           i % ROWS_OF_SUBJECT + 1);
    return csv->bytes;
}

static void enrol_many(struct registry *registry, const char *subject)
{
    for (int i = 0; i < ROWS / ROWS_OF_SUBJECT; i++)
        registry_enrol(registry, "coordinator1", memory_format(registry, "%s%d", subject, i + 1));
}

/* The check is queued again, and goes on when its owner asks. */
static void test_stop_in_a_check_is_gone_on_with_after_the_restart(void **state)
{
    struct registry *registry = *state;
    enrol_many(registry, "01-011");
    const char *id = begin_upload(registry, "site=1&form=adverse_event", many_events(registry, "01-011"));
    await_state(registry, id, "checking");
    assert_int_equal(daemon_stop(registry->daemon), 0);
    struct error error;
    struct db_result *queued = db_query(registry, registry->db, memory_format(
        registry, "SELECT state FROM upload.file WHERE upload_id = '%s'", id), NULL, &error);
    assert_non_null(queued);
    assert_string_equal(db_text(queued, 0, 0), "queued");
    daemon_restart(registry->daemon);
    assert_true(daemon_wait_ready(registry->daemon, DEADLINE_MS));
    await_state(registry, id, "previewed");
    assert_upload_rows(upload_get(registry, "coordinator1", id), ROWS, 0, 0, 0);
}

static void test_crash_in_a_check_is_gone_on_with_by_its_owner_only(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0002");
    struct db *holder = hold(registry, "ACCESS EXCLUSIVE");
    const char *id = begin_upload(registry, PAIN, HEADER "01-0002,right,BL,2024-02-02,20\n");
    await_state(registry, id, "checking");
    kill_and_restart(registry);
    let_go(holder);
    struct client_reply *other = api_get(registry, "data_manager", memory_format(registry, UPLOADS "/%s?wait=1", id));
    assert_string_equal(json_text_at(other->json, "state"), "checking");
    await_state(registry, id, "previewed");
}

static void test_crash_in_a_commit_stores_all_of_it_once(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0003");
    const char *id = upload_to(registry, "coordinator1", PAIN,
                               HEADER "01-0003,right,BL,2024-02-02,20\n01-0003,right,M3,2024-05-02,20\n", "previewed");
    struct client_reply *previewed = upload_get(registry, "coordinator1", id);
    const char *body = memory_format(registry, "{\"token\":\"%s\",\"mode\":\"all-or-nothing\"}",
                                     json_text_at(previewed->json, "preview.token"));
    struct db *holder = hold(registry, "SHARE");
    struct client_reply *reply = api_send(registry, "coordinator1", "POST",
                                          memory_format(registry, UPLOADS "/%s/commit?wait=0", id), body);
    assert_status(reply, 202);
    await_state(registry, id, "committing");
    kill_and_restart(registry);
    let_go(holder);
    await_state(registry, id, "committed");
    assert_int_equal(count_submissions(registry, "WHERE subject_no = 3 AND form = 'pain_vas'"), 2);
}

static void test_progress_is_told_while_it_is_under_way(void **state)
{
    struct registry *registry = *state;
    enrol_many(registry, "01-012");
    const char *id = begin_upload(registry, "site=1&form=adverse_event&commit=all-or-nothing",
                                  many_events(registry, "01-012"));
    const char *path = memory_format(registry, UPLOADS "/%s", id);
    long long rows = 0, until = test_now_ms() + DEADLINE_MS;
    for (bool ended = false; !ended && test_now_ms() < until; test_pause()) {
        struct client_reply *reply = api_get(registry, "coordinator1", path);
        json_t *progress = json_object_get(reply->json, "progress");
        if (json_is_object(progress)) {
            rows = rows > json_number_at(progress, "rows") ? rows : json_number_at(progress, "rows");
            assert_true(json_number_at(progress, "bytes") <= json_number_at(progress, "of_bytes"));
        }
        ended = strcmp(json_text_at(reply->json, "state"), "committed") == 0;
    }
    assert_string_equal(state_of(registry, id), "committed");
    assert_true(rows > 0);
    assert_int_equal(count_submissions(registry, "WHERE form = 'adverse_event' AND door = 'csv'"), ROWS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_are_checked_at_once_and_a_third_waits),
        cmocka_unit_test(test_reply_waits_for_the_verdict_as_long_as_is_preferred),
        cmocka_unit_test(test_crash_in_a_check_is_gone_on_with_by_its_owner_only),
        cmocka_unit_test(test_crash_in_a_commit_stores_all_of_it_once),
        cmocka_unit_test(test_progress_is_told_while_it_is_under_way),
        cmocka_unit_test(test_stop_in_a_check_is_gone_on_with_after_the_restart),
    };
    return cmocka_run_group_tests_name("uploads_jobs", tests, registry_setup, registry_teardown);
}
