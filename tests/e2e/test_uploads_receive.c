/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes of uploads on their way into the database: every framing, heads that do not fit, checksums. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "forms/base/memory.h"
#include "tests/support/tus.h"

/* ---- framings ---- */

static void test_pieces_are_stored_in_their_order(void **state)
{
    enum { SIZE = 3 * MIB + 12345 };
    struct tus_line *line = tus_open(*state, "coordinator1");
    const char *bytes = tus_bytes(line, SIZE);
    struct tus_upload *upload = tus_begin(line, SIZE + 1);
    assert_int_equal(tus_offset(line, upload), 0);
    tus_patch(line, upload, 0, bytes, 1);
    tus_patch(line, upload, 1, bytes, 256 * KIB);
    tus_patch(line, upload, 1 + 256 * KIB, bytes, 0);
    tus_patch(line, upload, 1 + 256 * KIB, bytes, SIZE - 1 - 256 * KIB);
    assert_int_equal(tus_offset(line, upload), SIZE);
    tus_expect_stored(*state, upload, bytes, SIZE);
    assert_string_equal(tus_state(*state, upload), "receiving");
}

static void test_bodies_in_chunks_are_stored(void **state)
{
    static const size_t chunks[] = {700, 65536, 262144, 262145, MIB};
    struct tus_line *line = tus_open(*state, "coordinator1");
    const size_t size = MIB + 999;
    const char *bytes = tus_bytes(line, size);
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        struct tus_upload *upload = tus_begin(line, size + 1);
        tus_say(line, upload->patch, TUS PIECE_TYPE "Upload-Offset: 0\r\nTransfer-Encoding: chunked\r\n");
        tus_send_chunks(line, bytes, size, chunks[i]);
        tus_reply(line, 204);
        tus_expect_stored(*state, upload, bytes, size);
    }
    assert_int_equal(tus_offset(line, tus_begin(line, 5)), 0);   /* the connection goes on */
}

static void test_broken_chunks_are_refused(void **state)
{
    static const char *const bodies[] = {"5;a=b\r\nhello\r\n0\r\n\r\n", "5\nhello\n0\n\n", "100000000\r\n",
                                         "5\r\nhello\r\n0\r\nHost: evil\r\n\r\n", "x\r\n"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct tus_line *line = tus_open(*state, "coordinator1");
        struct tus_upload *upload = tus_begin(line, 100);
        tus_say(line, upload->patch, TUS PIECE_TYPE "Upload-Offset: 0\r\nTransfer-Encoding: chunked\r\n");
        tls_client_send_text(line->client, bodies[i]);
        tus_expect(line, 400, "bad_chunk");
        assert_true(tls_client_is_closed(line->client, TUS_DEADLINE_MS, NULL));
        talloc_free(line);
    }
}

static void test_creation_brings_first_bytes(void **state)
{
    struct tus_line *line = tus_open(*state, "coordinator1");
    struct tus_upload *upload = memory_new(line, struct tus_upload);
    tus_say(line, POST_TUS, TUS PIECE_TYPE "Upload-Length: 6\r\nContent-Length: 5\r\n");
    tus_send(line, "hello", 5);
    struct tls_reply reply = tus_reply(line, 201);
    tus_read_location(upload, line, tus_header(line, &reply, "Location"));
    assert_int_equal(atol(tus_header(line, &reply, "Upload-Offset")), 5);
    tus_header(line, &reply, "Upload-Expires");
    tus_expect_stored(*state, upload, "hello", 5);
}

static void test_whole_body_is_queued(void **state)
{
    struct registry *registry = *state;
    static const char *const framings[] = {"Content-Length: 12\r\n", "Transfer-Encoding: chunked\r\n"};
    for (size_t i = 0; i < sizeof framings / sizeof *framings; i++) {
        struct tus_line *line = tus_open(registry, "coordinator1");
        struct tus_upload *upload = memory_new(line, struct tus_upload);
        tus_say(line, "POST /api/v1/uploads?study=demo&site=1&name=a.csv",
                 memory_format(line, "Content-Type: text/csv\r\nPrefer: wait=0\r\n%s", framings[i]));
        if (i == 0)
            tus_send(line, "hello, world", 12);
        else
            tus_send_chunks(line, "hello, world", 12, 5);
        struct tls_reply reply = tus_reply(line, 201);
        tus_read_location(upload, line, tus_header(line, &reply, "Location"));
        char *sql = memory_format(line, "SELECT size || ' ' || received || ' ' || name || ' ' || "
                                  "(state <> 'receiving') FROM upload.file WHERE upload_id = '%s'", upload->id);
        assert_string_equal(test_value(registry->db, sql), "12 12 a.csv true");
        talloc_free(line);
    }
}

static void test_expectation_is_answered_after_authorisation(void **state)
{
    struct tus_line *line = tus_open(*state, "coordinator1");
    struct tus_upload *upload = tus_begin(line, 6);
    tus_patch_head(line, upload, 0, 5, "Expect: 100-continue\r\n");
    tus_reply(line, 100);
    tus_send(line, "hello", 5);
    tus_reply(line, 204);
    tus_patch_head(line, upload, 3, 1, "Expect: 100-continue\r\n");
    tus_expect(line, 409, "wrong_offset");
    struct tus_line *nobody = tus_open(*state, "never-given-out");
    tus_patch_head(nobody, upload, 5, 1, "Expect: 100-continue\r\n");
    tus_expect(nobody, 401, "bad_token");
    struct tus_line *reader = tus_open(*state, "statistician");
    tus_patch_head(reader, upload, 5, 1, "Expect: 100-continue\r\n");
    tus_expect(reader, 403, "not_allowed");
}

/* One whose line was cut is still on its way when the other goes on from there: each byte is where it belongs. */
static void test_two_that_send_the_same_bytes_store_them_once(void **state)
{
    enum { PIECE = 256 * KIB };
    struct tus_line *slow = tus_open(*state, "coordinator1"), *fast = tus_open(*state, "coordinator1");
    const char *bytes = tus_bytes(slow, MIB);
    struct tus_upload *upload = tus_begin(slow, MIB);
    tus_patch_head(slow, upload, 0, MIB, "Expect: 100-continue\r\n");
    tus_reply(slow, 100);
    tus_send(slow, bytes, PIECE - 1);
    tus_patch(fast, upload, 0, bytes, 2 * PIECE);
    tus_send(slow, bytes + PIECE - 1, PIECE + 1);
    tus_expect(slow, 409, "wrong_offset");
    tus_expect_stored(*state, upload, bytes, 2 * PIECE);
}

/* ---- what is refused ---- */

static void test_heads_that_do_not_fit_are_refused(void **state)
{
    static const struct {
        const char *request, *fields;
        int status;
        const char *code;
    } cases[] = {
        {"PATCH", PIECE_TYPE "Upload-Offset: 0\r\nContent-Length: 1\r\n", 412, "tus_version"},
        {"PATCH", "Tus-Resumable: 0.2.2\r\n" PIECE_TYPE "Upload-Offset: 0\r\nContent-Length: 1\r\n", 412,
         "tus_version"},
        {"PATCH", TUS "Upload-Offset: 0\r\nContent-Length: 1\r\n", 415, "wrong_type"},
        {"PATCH", TUS "Content-Type: text/csv\r\nUpload-Offset: 0\r\nContent-Length: 1\r\n", 415, "wrong_type"},
        {"PATCH", TUS PIECE_TYPE "Content-Length: 1\r\n", 400, "invalid"},
        {"PATCH", TUS PIECE_TYPE "Upload-Offset: -1\r\nContent-Length: 1\r\n", 400, "invalid"},
        {"PATCH", TUS PIECE_TYPE "Upload-Offset: 1\r\nContent-Length: 1\r\n", 409, "wrong_offset"},
        {"PATCH", TUS PIECE_TYPE "Upload-Offset: 0\r\nContent-Length: 11\r\n", 413, "too_large"},
        {"PATCH", TUS PIECE_TYPE "Upload-Offset: 0\r\nContent-Length: 1\r\nUpload-Checksum: crc32 AAAA\r\n", 400,
         "invalid"},
        {POST_TUS, TUS "Content-Length: 0\r\n", 400, "invalid"},
        {POST_TUS, TUS "Upload-Length: 5\r\nContent-Length: 0\r\nUpload-Metadata: filename x\r\n", 400, "invalid"},
        {POST_TUS, TUS "Upload-Length: 2147483649\r\nContent-Length: 0\r\n", 413, "too_large"},
        {POST_TUS, TUS "Upload-Length: 5\r\nContent-Length: 1\r\nContent-Type: text/csv\r\n", 415, "wrong_type"},
        {POST_TUS, TUS PIECE_TYPE "Upload-Length: 5\r\nContent-Length: 6\r\n", 413, "too_large"},
        {POST_TUS, "Tus-Resumable: 2\r\nUpload-Length: 5\r\nContent-Length: 0\r\n", 412, "tus_version"},
        {POST_TUS, "Content-Type: multipart/form-data; boundary=a\r\nContent-Length: 1\r\n", 415, "wrong_type"},
        {POST_TUS, "Content-Length: 2147483649\r\n", 413, "too_large"},
        {POST_TUS "&commit=perhaps", "Content-Length: 1\r\n", 400, "invalid_parameter"},
        {POST_TUS "&name=%2F", "Content-Length: 1\r\n", 400, "invalid_parameter"},
        {POST_TUS "&form=no_such_form", "Content-Length: 1\r\n", 422, "unknown_form"},
        {POST_TUS "&profile=none", "Content-Length: 1\r\n", 422, "unknown_profile"},
        {"POST /api/v1/uploads?study=demo&site=2", "Content-Length: 1\r\n", 422, "unknown_site"},
        {"POST /api/v1/uploads?study=demo&site=0", "Content-Length: 1\r\n", 400, "invalid_parameter"},
        {"POST /api/v1/uploads?study=other&site=1", "Content-Length: 1\r\n", 404, "not_found"},
        {"POST /api/v1/uploads?study=nowhere&site=1", "Content-Length: 1\r\n", 404, "not_found"},
    };
    struct tus_line *first = tus_open(*state, "coordinator1");
    const struct tus_upload *upload = tus_begin(first, 10);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tus_line *line = tus_open(*state, "coordinator1");
        tus_say(line, strcmp(cases[i].request, "PATCH") == 0 ? upload->patch : cases[i].request, cases[i].fields);
        tus_expect(line, cases[i].status, cases[i].code);
        talloc_free(line);
    }
    assert_int_equal(tus_offset(first, upload), 0);
}

static void test_one_study_may_be_left_out(void **state)
{
    struct tus_line *line = tus_open(*state, "coordinator1");
    tus_say(line, "POST /api/v1/uploads?site=1", TUS "Upload-Length: 5\r\nContent-Length: 0\r\n");
    struct tls_reply reply = tus_reply(line, 201);
    assert_non_null(strstr(tus_header(line, &reply, "Location"), "?study=demo"));
}

static const char *checksum_of(const void *owner, const char *bytes, size_t length)
{
    unsigned char digest[SHA_DIGEST_LENGTH], text[64] = "";
    SHA1((const unsigned char *)bytes, length, digest);
    EVP_EncodeBlock(text, digest, sizeof digest);
    return memory_format(owner, "Upload-Checksum: sha1 %s\r\n", (char *)text);
}

static void test_checksum_that_differs_stores_nothing(void **state)
{
    enum { SIZE = 700 * KIB };
    struct tus_line *line = tus_open(*state, "coordinator1");
    const char *bytes = tus_bytes(line, SIZE);
    struct tus_upload *upload = tus_begin(line, SIZE + 1);
    tus_patch_head(line, upload, 0, SIZE, checksum_of(line, bytes, SIZE - 1));
    tus_send(line, bytes, SIZE);
    tus_expect(line, 460, "bad_checksum");
    assert_int_equal(tus_offset(line, upload), 0);
    tus_patch_head(line, upload, 0, SIZE, checksum_of(line, bytes, SIZE));
    tus_send(line, bytes, SIZE);
    tus_reply(line, 204);
    tus_expect_stored(*state, upload, bytes, SIZE);
}

static void test_checksum_of_a_cut_body_stores_nothing(void **state)
{
    struct tus_line *line = tus_open(*state, "coordinator1"), *other = tus_open(*state, "coordinator1");
    const char *bytes = tus_bytes(line, MIB);
    struct tus_upload *upload = tus_begin(line, MIB + 1);
    tus_patch_head(line, upload, 0, MIB, checksum_of(line, bytes, MIB));
    tus_send(line, bytes, MIB / 2);
    tls_client_abort(line->client, false);
    tus_patch(other, upload, 0, bytes, 10);
    tus_expect_stored(*state, upload, bytes, 10);
    tus_say(other, upload->patch,
             memory_format(other, TUS PIECE_TYPE "Upload-Offset: 10\r\nTransfer-Encoding: chunked\r\n%s",
                           checksum_of(other, bytes + 10, 4096)));
    tus_send_chunks(other, bytes + 10, 4096, 100);
    tus_reply(other, 204);
    tus_expect_stored(*state, upload, bytes, 10 + 4096);
}

static void test_large_bodies_with_checksum_are_refused(void **state)
{
    struct tus_line *line = tus_open(*state, "coordinator1");
    struct tus_upload *upload = tus_begin(line, 20 * MIB);
    tus_patch_head(line, upload, 0, 8 * MIB + 1, checksum_of(line, "", 0));
    tus_expect(line, 413, "too_large");
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_are_stored_in_their_order),
        cmocka_unit_test(test_bodies_in_chunks_are_stored),
        cmocka_unit_test(test_broken_chunks_are_refused),
        cmocka_unit_test(test_creation_brings_first_bytes),
        cmocka_unit_test(test_whole_body_is_queued),
        cmocka_unit_test(test_expectation_is_answered_after_authorisation),
        cmocka_unit_test(test_two_that_send_the_same_bytes_store_them_once),
        cmocka_unit_test(test_heads_that_do_not_fit_are_refused),
        cmocka_unit_test(test_one_study_may_be_left_out),
        cmocka_unit_test(test_checksum_that_differs_stores_nothing),
        cmocka_unit_test(test_checksum_of_a_cut_body_stores_nothing),
        cmocka_unit_test(test_large_bodies_with_checksum_are_refused),
    };
    return cmocka_run_group_tests(tests, registry_setup, registry_teardown);
}
