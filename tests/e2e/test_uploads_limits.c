/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Uploads whose line is cut, whose sender is slow or sends too much, that belong to others, that end, and a daemon that
 * stops meanwhile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/socket.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "tests/support/tus.h"

static struct registry *registry_with(const char *const *settings)
{
    struct registry *registry = registry_new_stopped(NULL);
    const char *conninfo = test_database_conninfo(registry, registry->database, "patella_collector");
    registry->daemon = daemon_start(registry, conninfo, settings);
    return registry;
}

/* ---- lines that are cut, senders that are slow ---- */

static void test_cut_line_keeps_what_came(void **state)
{
    enum { SIZE = MIB + 4321 };
    struct tus_line *line = tus_open(*state, "coordinator1");
    const char *bytes = tus_bytes(line, SIZE);
    struct tus_upload *upload = tus_begin(line, SIZE + 1);
    static const size_t cuts[] = {1, 70000, 300 * KIB, 300 * KIB + 1, SIZE - 1};
    size_t offset = 0;
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        struct tus_line *cut = tus_open(*state, "coordinator1");
        tus_patch_head(cut, upload, offset, SIZE - offset, "");
        tus_send(cut, bytes + offset, cuts[i] - offset);
        if (i % 2 == 0)
            shutdown(SSL_get_fd(tls_client_ssl(cut->client)), SHUT_WR);
        else
            assert_int_equal(SSL_shutdown(tls_client_ssl(cut->client)), 0);
        tus_wait_for_offset(line, upload, (long)cuts[i]);
        offset = cuts[i];
    }
    tus_patch(line, upload, offset, bytes, SIZE - offset);
    tus_expect_stored(*state, upload, bytes, SIZE);
}

static void test_slow_sender_is_answered_and_keeps_what_came(void **state)
{
    static const char *const settings[] = {"rate_grace_ms=300", "body_min_bytes_per_s=100000", NULL};
    struct registry *registry = registry_with(settings);
    (void)state;
    struct tus_line *line = tus_open(registry, "coordinator1");
    struct tus_upload *upload = tus_begin(line, 100000);
    tus_patch_head(line, upload, 0, 50000, "");
    tus_send(line, tus_bytes(line, 1000), 1000);
    tus_expect(line, 408, "body_too_slow");
    struct tus_line *again = tus_open(registry, "coordinator1");
    assert_int_equal(tus_offset(again, upload), 1000);
    assert_int_equal(daemon_stop(registry->daemon), 0);
    talloc_free(registry);
}

static void test_long_body_needs_rate_and_no_deadline(void **state)
{
    static const char *const settings[] = {"rate_grace_ms=60000", "body_deadline_ms=10", NULL};
    struct registry *registry = registry_with(settings);
    (void)state;
    struct tus_line *line = tus_open(registry, "coordinator1"), *other = tus_open(registry, "coordinator1");
    const char *bytes = tus_bytes(line, 600 * KIB);
    struct tus_upload *upload = tus_begin(line, 600 * KIB + 1);
    tus_patch_head(line, upload, 0, 600 * KIB, "");
    tus_send(line, bytes, 300 * KIB);
    tus_wait_for_offset(other, upload, 256 * KIB);   /* more than a tick behind the deadline of other bodies */
    for (long long until_ms = test_now_ms() + 500; test_now_ms() < until_ms;)
        test_pause();
    tus_send(line, bytes + 300 * KIB, 300 * KIB);
    tus_reply(line, 204);
    tus_expect_stored(registry, upload, bytes, 600 * KIB);
    assert_int_equal(daemon_stop(registry->daemon), 0);
    talloc_free(registry);
}

static void test_two_at_once_do_not_mix(void **state)
{
    struct tus_line *one = tus_open(*state, "coordinator1"), *two = tus_open(*state, "coordinator1");
    const size_t size = 900 * KIB, step = 30 * KIB;
    char *bytes = tus_bytes(one, size + 1);
    struct tus_upload *first = tus_begin(one, size + 1), *second = tus_begin(two, size + 1);
    tus_patch_head(one, first, 0, size, "");
    tus_patch_head(two, second, 0, size, "");
    for (size_t at = 0; at < size; at += step) {
        tus_send(one, bytes + at, step);
        tus_send(two, bytes + 1 + at, step);
    }
    tus_reply(one, 204);
    tus_reply(two, 204);
    tus_expect_stored(*state, first, bytes, size);
    tus_expect_stored(*state, second, bytes + 1, size);
}

/* Two who send the same bytes at the same place: they are stored once, and the later one is told. */
static void test_two_of_one_upload_store_once(void **state)
{
    struct tus_line *one = tus_open(*state, "coordinator1"), *two = tus_open(*state, "coordinator1");
    const char *bytes = tus_bytes(one, 300 * KIB);
    struct tus_upload *upload = tus_begin(one, 300 * KIB + 1);
    tus_patch_head(one, upload, 0, 300 * KIB, "");
    tus_send(one, bytes, 100);
    tus_patch(two, upload, 0, bytes, 200 * KIB);
    tus_send(one, bytes + 100, 300 * KIB - 100);
    struct tls_reply reply = tls_client_read_reply(one->client, TUS_DEADLINE_MS);
    assert_int_equal(reply.status, 409);
    tus_expect_stored(*state, upload, bytes, 200 * KIB);
}

/* ---- too much ---- */

static void test_body_over_the_limit_is_refused_when_it_gets_there(void **state)
{
    static const char *const settings[] = {"max_upload_mib=1", NULL};
    struct registry *registry = registry_with(settings);
    (void)state;
    struct tus_line *line = tus_open(registry, "coordinator1");
    const char *bytes = tus_bytes(line, 2 * MIB);
    tus_say(line, "POST /api/v1/uploads?study=demo&site=1",
             "Content-Type: text/csv\r\nTransfer-Encoding: chunked\r\n");
    struct text *chunk = text_new(line);
    text_append_format(chunk, "%x\r\n", 2 * MIB);
    tus_send(line, chunk->bytes, chunk->length);
    tus_send(line, bytes, MIB + 1);
    tus_expect(line, 413, "too_large");
    assert_string_equal(test_value(registry->db, "SELECT string_agg(state, ' ') FROM upload.file"), "deleted");
    struct tus_line *other = tus_open(registry, "coordinator1");
    tus_say(other, "POST /api/v1/uploads?study=demo&site=1", "Content-Type: text/csv\r\nContent-Length: 1048577\r\n");
    tus_expect(other, 413, "too_large");
    assert_int_equal(daemon_stop(registry->daemon), 0);
    talloc_free(registry);
}

static long memory_peak_kb(const struct registry *registry)
{
    char line[128];
    long kilobytes = 0;
    snprintf(line, sizeof line, "/proc/%d/status", (int)registry->daemon->pid);
    FILE *status = fopen(line, "r");
    assert_non_null(status);
    while (fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, "VmHWM:", 6) == 0)
            kilobytes = atol(line + 6);
    fclose(status);
    assert_true(kilobytes > 0);
    return kilobytes;
}

/* Sanitizers keep what was freed for a while. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEMORY_IS_TOLD false
#else
#define MEMORY_IS_TOLD true
#endif

/* A body twenty times as long takes no more memory than one of a few pieces. */
static void test_memory_does_not_grow_with_the_body(void **state)
{
    enum { SMALL = 4 * MIB, LARGE = 96 * MIB, MOST_KB = 4 * KIB };
    struct registry *registry = registry_new(NULL);
    struct tus_line *line = tus_open(registry, "coordinator1");
    const char *bytes = tus_bytes(line, LARGE);
    (void)state;
    tus_patch(line, tus_begin(line, SMALL + 1), 0, bytes, SMALL);
    long before_kb = memory_peak_kb(registry);
    struct tus_upload *upload = tus_begin(line, LARGE + 1);
    tus_patch(line, upload, 0, bytes, LARGE);
    long after_kb = memory_peak_kb(registry);
    printf("# VmHWM: %ld kB after %d MiB, %ld kB after %d MiB\n", before_kb, SMALL / MIB, after_kb, LARGE / MIB);
    assert_true(after_kb - before_kb <= MOST_KB || !MEMORY_IS_TOLD);
    assert_int_equal(tus_offset(line, upload), LARGE);
    assert_int_equal(daemon_stop(registry->daemon), 0);
    talloc_free(registry);
}

/* ---- whose it is, and its end ---- */

static void expect_no_upload(struct registry *registry, const char *token, const struct tus_upload *upload)
{
    struct tus_line *line = tus_open(registry, token);
    tus_say(line, upload->head, TUS);
    assert_int_equal(tls_client_read_head_reply(line->client, TUS_DEADLINE_MS).status, 404);
    tus_say(line, upload->delete, TUS);
    tus_expect(line, 404, "not_found");
    tus_patch_head(line, upload, 0, 1, "");
    tus_expect(line, 404, "not_found");
    talloc_free(line);
}

static void test_uploads_of_others_are_out_of_reach(void **state)
{
    struct tus_line *line = tus_open(*state, "coordinator1"), *all = tus_open(*state, "coordinator");
    struct tus_upload *upload = tus_begin(line, 10);
    expect_no_upload(*state, "coordinator2", upload);
    expect_no_upload(*state, "coordinator_other", upload);
    assert_int_equal(tus_offset(all, upload), 0);
    tus_patch_head(all, upload, 0, 1, "");
    tus_expect(all, 403, "not_allowed");
    assert_int_equal(tus_offset(line, upload), 0);
}

static void test_deleted_upload_is_gone(void **state)
{
    struct tus_line *line = tus_open(*state, "coordinator1");
    struct tus_upload *upload = tus_begin(line, 10);
    tus_patch(line, upload, 0, "hello", 5);
    tus_say(line, upload->delete, TUS);
    tus_reply(line, 204);
    tus_say(line, upload->head, TUS);
    assert_int_equal(tls_client_read_head_reply(line->client, TUS_DEADLINE_MS).status, 410);
    tus_patch_head(line, upload, 5, 1, "");
    tus_expect(line, 410, "upload_expired");
}

static void test_expired_upload_is_gone(void **state)
{
    struct registry *registry = *state;
    struct tus_line *line = tus_open(registry, "coordinator1");
    struct tus_upload *upload = tus_begin(line, 10);
    test_run(registry->db, memory_format(registry, "SET session_replication_role = replica; UPDATE upload.file SET "
                                         "expires_at = now() - interval '1 second' WHERE upload_id = '%s'; RESET "
                                         "session_replication_role", upload->id));
    tus_say(line, upload->head, TUS);
    assert_int_equal(tls_client_read_head_reply(line->client, TUS_DEADLINE_MS).status, 410);
    tus_patch_head(line, upload, 0, 1, "");
    tus_expect(line, 410, "upload_expired");
}

static void test_last_byte_queues_the_upload(void **state)
{
    struct registry *registry = *state;
    struct tus_line *line = tus_open(registry, "coordinator1");
    struct tus_upload *upload = tus_begin(line, 5);
    tus_patch(line, upload, 0, "hello", 5);
    assert_string_not_equal(tus_state(registry, upload), "receiving");
    assert_int_equal(tus_offset(line, upload), 5);
    tus_patch_head(line, upload, 5, 0, "");
    tus_expect(line, 409, "not_receiving");
}

/* A daemon that ends between the last byte and the end of the upload leaves that to whoever asks next. */
static void test_whole_upload_is_queued_by_who_asks(void **state)
{
    struct registry *registry = *state;
    struct tus_line *line = tus_open(registry, "coordinator1");
    struct tus_upload *upload = tus_begin(line, 5);
    test_run(registry->db, memory_format(registry, "SET session_replication_role = replica; INSERT INTO upload.chunk "
                                         "SELECT study_id, site_id, upload_id, 0, 'hello' FROM upload.file WHERE "
                                         "upload_id = '%s'; UPDATE upload.file SET received = 5 WHERE upload_id = "
                                         "'%s'; RESET session_replication_role", upload->id, upload->id));
    assert_string_equal(tus_state(registry, upload), "receiving");
    assert_int_equal(tus_offset(line, upload), 5);
    assert_string_not_equal(tus_state(registry, upload), "receiving");
}

static void test_options_tell_what_is_spoken(void **state)
{
    struct tus_line *line = tus_open(*state, "coordinator1");
    assert_true(tls_client_send_text(line->client, "OPTIONS /api/v1/uploads HTTP/1.1\r\nHost: a\r\n\r\n"));
    struct tls_reply reply = tus_reply(line, 204);
    assert_string_equal(tus_header(line, &reply, "Tus-Version"), "1.0.0");
    assert_non_null(strstr(tus_header(line, &reply, "Tus-Extension"), "checksum"));
    assert_string_equal(tus_header(line, &reply, "Tus-Max-Size"), "2147483648");
}

static void test_stop_ends_behind_a_piece_and_another_daemon_goes_on(void **state)
{
    struct registry *registry = registry_new(NULL);
    struct tus_line *line = tus_open(registry, "coordinator1"), *other = tus_open(registry, "coordinator1");
    const size_t size = MIB;
    const char *bytes = tus_bytes(line, size);
    (void)state;
    struct tus_upload *upload = tus_begin(line, size + 1);
    tus_patch_head(line, upload, 0, size, "");
    tus_send(line, bytes, 300 * KIB);
    tus_wait_for_offset(other, upload, 256 * KIB);
    talloc_free(other);
    assert_int_equal(daemon_stop(registry->daemon), 0);
    tus_expect(line, 503, "unavailable");
    daemon_restart(registry->daemon);
    assert_true(daemon_wait_ready(registry->daemon, TUS_DEADLINE_MS));
    struct tus_line *again = tus_open(registry, "coordinator1");
    assert_int_equal(tus_offset(again, upload), 300 * KIB);
    tus_patch(again, upload, 300 * KIB, bytes, size - 300 * KIB);
    tus_expect_stored(registry, upload, bytes, size);
    assert_int_equal(daemon_stop(registry->daemon), 0);
    talloc_free(registry);
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_line_keeps_what_came),
        cmocka_unit_test(test_slow_sender_is_answered_and_keeps_what_came),
        cmocka_unit_test(test_long_body_needs_rate_and_no_deadline),
        cmocka_unit_test(test_two_at_once_do_not_mix),
        cmocka_unit_test(test_two_of_one_upload_store_once),
        cmocka_unit_test(test_body_over_the_limit_is_refused_when_it_gets_there),
        cmocka_unit_test(test_memory_does_not_grow_with_the_body),
        cmocka_unit_test(test_uploads_of_others_are_out_of_reach),
        cmocka_unit_test(test_deleted_upload_is_gone),
        cmocka_unit_test(test_expired_upload_is_gone),
        cmocka_unit_test(test_last_byte_queues_the_upload),
        cmocka_unit_test(test_whole_upload_is_queued_by_who_asks),
        cmocka_unit_test(test_options_tell_what_is_spoken),
        cmocka_unit_test(test_stop_ends_behind_a_piece_and_another_daemon_goes_on),
    };
    return cmocka_run_group_tests(tests, registry_setup, registry_teardown);
}
