/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file that is cut at any byte, in every framing, with commit=all-or-nothing: nothing of it is ever committed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/clock.h"
#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "tests/support/tus.h"
#include "tests/support/upload_run.h"

#define QUERY "&form=pain_vas&commit=all-or-nothing"
#define COMMITTED "WHERE door = 'csv'"

/* Cut behind a row it would be a file of its own, whole to the eye. */
static const char file[] = "subject,knee,visit,date,vas\n01-0001,right,BL,2024-02-02,61.5\n"
                           "01-0001,right,M3,2024-05-02,40\n";

enum { FILE_LENGTH = sizeof file - 1, CHUNK = 64, FEW = 40 };

static long long count_uploads(struct registry *registry, const char *where)
{
    const char *sql = memory_format(registry, "SELECT count(*) FROM upload.file %s", where);
    return strtoll(test_value(registry->db, sql), NULL, 10);
}

/* Uploads whose bytes are all there, as far as the database knows. */
static long long count_complete(struct registry *registry)
{
    return count_uploads(registry, "WHERE state NOT IN ('receiving', 'expired', 'deleted')");
}

/* Nobody can go on with a body that was cut: the daemon deletes what had come of it, once it notices. */
static void wait_until_none_is_left(struct registry *registry)
{
    int64_t until_us = clock_now_us() + (int64_t)TUS_DEADLINE_MS * 1000;
    while (count_uploads(registry, "WHERE state = 'receiving'") > 0)
        assert_true(clock_now_us() < until_us);
}

/* ---- framings ---- */

static void send_by_length(struct tus_line *line, size_t cut)
{
    tus_say(line, POST_TUS QUERY,
            memory_format(line, "Content-Type: text/csv\r\nPrefer: wait=0\r\nContent-Length: %d\r\n", FILE_LENGTH));
    tus_send(line, file, cut);
}

/* The file in chunks, with the last chunk that says its end; as text. */
static const char *in_chunks(const void *owner)
{
    struct text *out = text_new(owner);
    for (size_t at = 0; at < FILE_LENGTH; at += CHUNK) {
        size_t length = FILE_LENGTH - at < CHUNK ? FILE_LENGTH - at : CHUNK;
        text_append_format(out, "%zx\r\n%.*s\r\n", length, (int)length, file + at);
    }
    text_append(out, "0\r\n\r\n");
    return out->bytes;
}

static void send_in_chunks(struct tus_line *line, size_t cut)
{
    tus_say(line, POST_TUS QUERY, "Content-Type: text/csv\r\nPrefer: wait=0\r\nTransfer-Encoding: chunked\r\n");
    tus_send(line, in_chunks(line), cut);
}

static void cut_everywhere(struct registry *registry, void send(struct tus_line *line, size_t cut), size_t length)
{
    for (size_t cut = 0; cut < length; cut++) {
        struct tus_line *line = tus_open(registry, "coordinator1");
        send(line, cut);
        tls_client_abort(line->client, cut % 2 == 0);
        talloc_free(line);
        if (cut % FEW == FEW - 1)
            wait_until_none_is_left(registry);
    }
    wait_until_none_is_left(registry);
}

/* ---- the property ---- */

static void test_file_cut_at_any_byte_commits_nothing(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0001");
    cut_everywhere(registry, send_by_length, FILE_LENGTH);
    cut_everywhere(registry, send_in_chunks, strlen(in_chunks(registry)));
    /* Most of them have reached the daemon; an account may have a hundred that are not whole. */
    assert_true(count_uploads(registry, "WHERE state = 'deleted'") > FILE_LENGTH);
    assert_int_equal(count_uploads(registry, "NATURAL JOIN upload.chunk"), 0);
    assert_int_equal(count_complete(registry), 0);
    assert_int_equal(count_submissions(registry, COMMITTED), 0);
}

static void test_tus_upload_that_stops_at_any_byte_commits_nothing(void **state)
{
    struct registry *registry = *state;
    struct tus_line *line = tus_open(registry, "coordinator1");
    for (size_t cut = 0; cut < FILE_LENGTH; cut++) {
        struct tus_upload *upload = memory_new(line, struct tus_upload);
        tus_say(line, POST_TUS QUERY,
                memory_format(line, TUS "Upload-Length: %d\r\nContent-Length: 0\r\n", FILE_LENGTH));
        struct tls_reply reply = tus_reply(line, 201);
        tus_read_location(upload, line, tus_header(line, &reply, "Location"));
        tus_patch(line, upload, 0, file, cut);
        assert_int_equal(tus_offset(line, upload), cut);
        assert_string_equal(tus_state(registry, upload), "receiving");
        tus_say(line, upload->delete, TUS "Content-Length: 0\r\n");   /* for nobody may have more than a hundred */
        tus_reply(line, 204);
    }
    assert_int_equal(count_complete(registry), 0);
    assert_int_equal(count_submissions(registry, COMMITTED), 0);
}

static void test_body_that_is_refused_midway_leaves_nothing_to_go_on_with(void **state)
{
    struct registry *registry = *state;
    struct tus_line *line = tus_open(registry, "coordinator1");
    const char *bytes = tus_bytes(line, MIB);
    tus_say(line, POST_TUS QUERY, "Content-Type: text/csv\r\nTransfer-Encoding: chunked\r\n");
    for (size_t at = 0; at < MIB; at += MIB / 4) {
        tls_client_send_text(line->client, "40000\r\n");
        tus_send(line, bytes + at, MIB / 4);
        tls_client_send_text(line->client, "\r\n");
    }
    tls_client_send_text(line->client, "x\r\n");
    tus_expect(line, 400, "bad_chunk");
    wait_until_none_is_left(registry);
    struct tus_line *other = tus_open(registry, "coordinator1");
    tus_say(other, POST_TUS QUERY, "Content-Type: text/csv\r\nContent-Length: 5\r\nUpload-Checksum: sha1 "
            "2jmj7l5rSw0yVb/vlWAYkK/YBwk=\r\n");
    tus_send(other, "hello", 5);
    tus_expect(other, 460, "bad_checksum");
    wait_until_none_is_left(registry);
}

/* The same file to its end: both of its rows, and no upload that was cut wakes up beside it. */
static void test_whole_file_commits_both_rows(void **state)
{
    struct registry *registry = *state;
    upload_to(registry, "coordinator1", "site=1" QUERY, file, "committed");
    assert_int_equal(count_complete(registry), 1);
    assert_int_equal(count_submissions(registry, COMMITTED), 2);
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_cut_at_any_byte_commits_nothing),
        cmocka_unit_test(test_tus_upload_that_stops_at_any_byte_commits_nothing),
        cmocka_unit_test(test_body_that_is_refused_midway_leaves_nothing_to_go_on_with),
        cmocka_unit_test(test_whole_file_commits_both_rows),
    };
    return cmocka_run_group_tests_name("uploads_cut", tests, registry_setup, registry_teardown);
}
