/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The reader of request heads, against every odd request that is known to have fooled a server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/http.h"

#define BYTES(literal) literal, sizeof literal - 1
#define H "Host: localhost\r\n"

struct request_case {
    const char *label;
    const char *bytes;
    size_t length;
    int status;          /* 0: accepted */
};

static const struct request_case refused_cases[] = {
    {"equal lengths twice", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
     400},
    {"two lengths", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 44\r\n\r\n"), 400},
    {"length list", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n\r\n"), 400},
    {"length +5", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: +5\r\n\r\n"), 400},
    {"length -5", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: -5\r\n\r\n"), 400},
    {"length 0x5", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 0x5\r\n\r\n"), 400},
    {"length VT 5", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: \v5\r\n\r\n"), 400},
    {"length empty", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: \r\n\r\n"), 400},
    {"length overflow", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 99999999999999999999\r\n\r\n"), 400},
    {"length 2^63", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 9223372036854775808\r\n\r\n"), 400},
    {"length with blank inside", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 5 5\r\n\r\n"), 400},
    {"post without length", BYTES("POST / HTTP/1.1\r\n" H "\r\n"), 411},
    {"put without length", BYTES("PUT / HTTP/1.1\r\n" H "\r\n"), 411},
    {"length and chunked",
     BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
    {"chunked twice",
     BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"), 501},
    {"coding and chunked",
     BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"), 501},
    {"chunked twice and length",
     BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"
           "Content-Length: 5\r\n\r\n"), 400},
    {"coding empty", BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n\r\n"), 501},
    {"chunked of a delete", BYTES("DELETE / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"), 501},
    {"two offsets", BYTES("PATCH / HTTP/1.1\r\n" H "Content-Length: 0\r\nUpload-Offset: 1\r\nUpload-Offset: 2\r\n\r\n"),
     400},
    {"xchunked and length",
     BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\n"), 400},
    {"gzip, chunked", BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n"), 501},
    {"identity", BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n"), 501},
    {"coding of a get", BYTES("GET / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"), 501},
    {"coding in 1.0", BYTES("POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n"), 501},
    {"blank before colon of coding", BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding : chunked\r\n\r\n"),
     400},
    {"blank before colon of length", BYTES("POST / HTTP/1.1\r\n" H "Content-Length : 5\r\n\r\n"), 400},
    {"folded header", BYTES("GET / HTTP/1.1\r\n" H "X-A: 1\r\n 2\r\n\r\n"), 400},
    {"folded length", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n 1\r\n\r\n"), 400},
    {"first header folded", BYTES("GET / HTTP/1.1\r\n " H "\r\n"), 400},
    {"folded by tab", BYTES("GET / HTTP/1.1\r\n" H "X-A: 1\r\n\t2\r\n\r\n"), 400},
    {"bare LF lines", BYTES("GET / HTTP/1.1\nHost: a\n\n"), 400},
    {"bare LF in one header", BYTES("GET / HTTP/1.1\r\n" H "X-A: 1\nX-B: 2\r\n\r\n"), 400},
    {"bare LF ends the head", BYTES("GET / HTTP/1.1\r\n" H "\n"), 400},
    {"bare CR in value", BYTES("GET / HTTP/1.1\r\n" H "X-A: 1\rX-B: 2\r\n\r\n"), 400},
    {"CR CR LF", BYTES("GET / HTTP/1.1\r\n" H "X-A: 1\r\r\n\r\n"), 400},
    {"NUL in value", BYTES("GET / HTTP/1.1\r\n" H "X-A: 1\0002\r\n\r\n"), 400},
    {"line starts with NUL", BYTES("GET / HTTP/1.1\r\n" H "\000X-A: 1\r\n\r\n"), 400},
    {"NUL in name", BYTES("GET / HTTP/1.1\r\n" H "X\000A: 1\r\n\r\n"), 400},
    {"no colon", BYTES("GET / HTTP/1.1\r\n" H "nocolon\r\n\r\n"), 400},
    {"empty name", BYTES("GET / HTTP/1.1\r\n" H ": 1\r\n\r\n"), 400},
    {"blank in name", BYTES("GET / HTTP/1.1\r\n" H "X A: 1\r\n\r\n"), 400},
    {"non-ASCII name", BYTES("GET / HTTP/1.1\r\n" H "X-\xC3\xA4: 1\r\n\r\n"), 400},
    {"control 0x01 in value", BYTES("GET / HTTP/1.1\r\n" H "X-A: \001\r\n\r\n"), 400},
    {"DEL in value", BYTES("GET / HTTP/1.1\r\n" H "X-A: \177\r\n\r\n"), 400},
    {"no host", BYTES("GET / HTTP/1.1\r\n\r\n"), 400},
    {"empty host", BYTES("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 400},
    {"blank in host", BYTES("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), 400},
    {"slash in host", BYTES("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400},
    {"two hosts", BYTES("GET / HTTP/1.1\r\n" H "Host: other\r\n\r\n"), 400},
    {"two authorizations", BYTES("GET / HTTP/1.1\r\n" H "Authorization: a\r\nauthorization: b\r\n\r\n"), 400},
    {"two content types", BYTES("GET / HTTP/1.1\r\n" H "Content-Type: a/b\r\nContent-Type: c/d\r\n\r\n"),
     400},
    {"unknown method", BYTES("BREW / HTTP/1.1\r\n" H "\r\n"), 501},
    {"lower-case method", BYTES("get / HTTP/1.1\r\n" H "\r\n"), 501},
    {"trace", BYTES("TRACE / HTTP/1.1\r\n" H "\r\n"), 501},
    {"connect", BYTES("CONNECT a:1 HTTP/1.1\r\n" H "\r\n"), 400},
    {"method with a colon", BYTES("GE:T / HTTP/1.1\r\n" H "\r\n"), 400},
    {"head with body", BYTES("HEAD / HTTP/1.1\r\n" H "Content-Length: 33\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n"),
     400},
    {"get with body", BYTES("GET / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello"), 400},
    {"delete with body", BYTES("DELETE / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello"), 400},
    {"absolute target", BYTES("GET https://localhost/ HTTP/1.1\r\n" H "\r\n"), 400},
    {"ftp target", BYTES("GET ftp://localhost/ HTTP/1.1\r\n" H "\r\n"), 400},
    {"two slashes", BYTES("GET //evil/fast HTTP/1.1\r\n" H "\r\n"), 400},
    {"fragment", BYTES("GET /a#b HTTP/1.1\r\n" H "\r\n"), 400},
    {"blank in target", BYTES("GET /a b HTTP/1.1\r\n" H "\r\n"), 400},
    {"backslash in target", BYTES("GET /a\\b HTTP/1.1\r\n" H "\r\n"), 400},
    {"quote in target", BYTES("GET /a\"b HTTP/1.1\r\n" H "\r\n"), 400},
    {"half an escape", BYTES("GET /a%2 HTTP/1.1\r\n" H "\r\n"), 400},
    {"bad escape", BYTES("GET /a%zz HTTP/1.1\r\n" H "\r\n"), 400},
    {"half bad escape", BYTES("GET /a%4z HTTP/1.1\r\n" H "\r\n"), 400},
    {"bad escape in query", BYTES("GET /a?b=%4 HTTP/1.1\r\n" H "\r\n"), 400},
    {"tab as separator", BYTES("GET\t/\tHTTP/1.1\r\n" H "\r\n"), 400},
    {"two blanks", BYTES("GET  / HTTP/1.1\r\n" H "\r\n"), 400},
    {"byte 0xff in target", BYTES("GET /\xFF HTTP/1.1\r\n" H "\r\n"), 400},
    {"asterisk", BYTES("OPTIONS * HTTP/1.1\r\n" H "\r\n"), 400},
    {"no target", BYTES("GET HTTP/1.1\r\n" H "\r\n"), 400},
    {"only a method", BYTES("GET\r\n" H "\r\n"), 400},
    {"HTTP/0.9 request", BYTES("GET /\r\n"), 400},
    {"HTTP/1.7", BYTES("GET / HTTP/1.7\r\n" H "\r\n"), 505},
    {"HTTP/0.9", BYTES("GET / HTTP/0.9\r\n" H "\r\n"), 505},
    {"HTTP/2.0", BYTES("GET / HTTP/2.0\r\n" H "\r\n"), 505},
    {"HTTP/+1.-1", BYTES("GET / HTTP/+1.-1\r\n" H "\r\n"), 400},
    {"HTTP/1.10", BYTES("GET / HTTP/1.10\r\n" H "\r\n"), 400},
    {"lower-case version", BYTES("GET / http/1.1\r\n" H "\r\n"), 400},
    {"blank after version", BYTES("GET / HTTP/1.1 \r\n" H "\r\n"), 400},
    {"leading CRLF", BYTES("\r\nGET / HTTP/1.1\r\n" H "\r\n"), 400},
    {"garbage", BYTES("\x16\x03\x01\x02\x00\x01\x00"), 400},
    {"garbage without an end", BYTES("\x80\x81\001"), 400},
    {"preface of HTTP/2", BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 400},
    {"unknown expectation", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nExpect: foo\r\n\r\n"), 417},
};

static void test_http_read_head_odd_request_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused_cases / sizeof *refused_cases; i++) {
        const struct request_case *c = &refused_cases[i];
        struct http_head head;
        enum http_outcome outcome = http_read_head(c->bytes, c->length, &head);
        if (outcome != HTTP_REFUSED || http_refusal_status(head.refusal) != c->status)
            fail_msg("%s: outcome %d, status %d, not %d", c->label, (int)outcome,
                     http_refusal_status(head.refusal), c->status);
    }
}

static const struct request_case accepted_cases[] = {
    {"post", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello"), 0},
    {"get", BYTES("GET / HTTP/1.1\r\n" H "\r\n"), 0},
    {"get of no bytes", BYTES("GET / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n"), 0},
    {"HTTP/1.0 without host", BYTES("GET / HTTP/1.0\r\n\r\n"), 0},
    {"length 005", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 005\r\n\r\nhello"), 0},
    {"blanks around length", BYTES("POST / HTTP/1.1\r\n" H "Content-Length:\t 5 \t\r\n\r\nhello"), 0},
    {"no blank after colon", BYTES("GET / HTTP/1.1\r\nHost:localhost:8443\r\n\r\n"), 0},
    {"IPv6 host", BYTES("GET / HTTP/1.1\r\nHost: [::1]:8443\r\n\r\n"), 0},
    {"empty value", BYTES("GET / HTTP/1.1\r\n" H "X-A:\r\n\r\n"), 0},
    {"UTF-8 value", BYTES("GET / HTTP/1.1\r\n" H "X-A: \xC3\xA4\r\n\r\n"), 0},
    {"unknown header twice", BYTES("GET / HTTP/1.1\r\n" H "X-A: 1\r\nX-A: 2\r\n\r\n"), 0},
    {"escapes", BYTES("GET /a%20b/%C3%A4?q=%26 HTTP/1.1\r\n" H "\r\n"), 0},
    {"chunked", BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), 0},
    {"chunked patch", BYTES("PATCH / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"), 0},
    {"two preferences", BYTES("GET / HTTP/1.1\r\n" H "Prefer: wait=1\r\nPrefer: wait=2\r\n\r\n"), 0},
    {"delete", BYTES("DELETE /a HTTP/1.1\r\n" H "\r\n"), 0},
    {"expect 100-Continue",
     BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nExpect: 100-Continue\r\n\r\n"), 0},
    {"expectation of 1.0", BYTES("POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: foo\r\n\r\n"), 0},
};

/* Every prefix is incomplete, the whole is complete: the same however the bytes arrive. */
static void test_http_read_head_good_request_is_accepted_at_its_last_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof accepted_cases / sizeof *accepted_cases; i++) {
        const struct request_case *c = &accepted_cases[i];
        struct http_head head;
        if (http_read_head(c->bytes, c->length, &head) != HTTP_COMPLETE)
            fail_msg("%s: not complete, refusal %s", c->label, http_refusal_code(head.refusal));
        size_t head_length = head.length;
        for (size_t length = 0; length < head_length; length++)
            if (http_read_head(c->bytes, length, &head) != HTTP_INCOMPLETE)
                fail_msg("%s: %zu bytes are not incomplete", c->label, length);
    }
}

static void assert_slice(struct http_slice slice, const char *expected)
{
    assert_non_null(slice.bytes);
    assert_int_equal(slice.length, strlen(expected));
    assert_memory_equal(slice.bytes, expected, slice.length);
}

static void test_http_read_head_request_yields_its_parts(void **state)
{
    (void)state;
    static const char bytes[] =
        "POST /api/v1/a%20b?x=1&y=2 HTTP/1.1\r\nhOST: localhost:8443\r\nContent-Length: 12\r\n"
        "Content-Type:  application/json \r\nAuthorization: Bearer t\r\nExpect: 100-continue\r\n"
        "If-None-Match: \"a\"\r\nX-Other: 1\r\n\r\nhello";
    struct http_head head;
    assert_int_equal(http_read_head(BYTES(bytes), &head), HTTP_COMPLETE);
    assert_string_equal(head.method, "POST");
    assert_slice(head.path, "/api/v1/a%20b");
    assert_slice(head.query, "x=1&y=2");
    assert_slice(head.fields[HTTP_HOST], "localhost:8443");
    assert_slice(head.fields[HTTP_CONTENT_TYPE], "application/json");
    assert_slice(head.fields[HTTP_AUTHORIZATION], "Bearer t");
    assert_slice(head.fields[HTTP_IF_NONE_MATCH], "\"a\"");
    assert_null(head.fields[HTTP_CONTENT_ENCODING].bytes);
    assert_int_equal(head.content_length, 12);
    assert_int_equal(head.minor_version, 1);
    assert_true(head.expects_continue);
    assert_true(head.keep_alive);
    assert_int_equal(head.length, sizeof bytes - 1 - 5);
}

static void test_http_read_head_body_in_chunks_has_no_length(void **state)
{
    (void)state;
    struct http_head head;
    assert_int_equal(http_read_head(BYTES("PATCH / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n"
                                          "Expect: 100-continue\r\n\r\n"), &head), HTTP_COMPLETE);
    assert_true(head.chunked && head.expects_continue);
    assert_int_equal(head.content_length, 0);
    assert_int_equal(http_read_head(BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\n"), &head), HTTP_COMPLETE);
    assert_false(head.chunked);
}

static void test_http_read_head_pipelined_requests_are_read_one_by_one(void **state)
{
    (void)state;
    static const char bytes[] = "GET /a HTTP/1.1\r\n" H "\r\nGET /b HTTP/1.1\r\n" H "\r\n";
    struct http_head head;
    assert_int_equal(http_read_head(BYTES(bytes), &head), HTTP_COMPLETE);
    assert_slice(head.path, "/a");
    size_t first = head.length;
    assert_int_equal(http_read_head(bytes + first, sizeof bytes - 1 - first, &head), HTTP_COMPLETE);
    assert_slice(head.path, "/b");
    assert_int_equal(first + head.length, sizeof bytes - 1);
}

static void test_http_read_head_connection_close_ends_keep_alive(void **state)
{
    (void)state;
    static const struct {
        const char *lines;
        bool keep_alive;
    } cases[] = {
        {"", true},
        {"Connection: keep-alive\r\n", true},
        {"Connection: close\r\n", false},
        {"Connection: Close\r\n", false},
        {"Connection: te , CLOSE\r\n", false},
        {"Connection: closed\r\n", true},
        {"Connection: a\r\nConnection: close\r\n", false},
        {"Connection: ,,\r\n", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char bytes[256];
        int length = snprintf(bytes, sizeof bytes, "GET / HTTP/1.1\r\n" H "%s\r\n", cases[i].lines);
        struct http_head head;
        assert_int_equal(http_read_head(bytes, (size_t)length, &head), HTTP_COMPLETE);
        assert_int_equal(head.keep_alive, cases[i].keep_alive);
    }
    struct http_head head;
    assert_int_equal(http_read_head(BYTES("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), &head),
                     HTTP_COMPLETE);
    assert_false(head.keep_alive);
}

/* A head of exactly `size` bytes: one long header, or a long request line. */
static char *head_of_size(size_t size, bool long_line)
{
    char *bytes = malloc(size + 1);
    assert_non_null(bytes);
    const char *before = long_line ? "GET /" : "GET / HTTP/1.1\r\n" H "X-A: ";
    const char *after = long_line ? " HTTP/1.1\r\n" H "\r\n" : "\r\n\r\n";
    memset(bytes, 'a', size);
    memcpy(bytes, before, strlen(before));
    memcpy(bytes + size - strlen(after), after, strlen(after));
    return bytes;
}

static void test_http_read_head_size_is_limited_to_the_byte(void **state)
{
    (void)state;
    for (int long_line = 0; long_line <= 1; long_line++) {
        struct http_head head;
        char *bytes = head_of_size(HTTP_HEAD_LIMIT, long_line);
        assert_int_equal(http_read_head(bytes, HTTP_HEAD_LIMIT, &head), HTTP_COMPLETE);
        assert_int_equal(http_read_head(bytes, HTTP_HEAD_LIMIT - 1, &head), HTTP_INCOMPLETE);
        free(bytes);
        bytes = head_of_size(HTTP_HEAD_LIMIT + 1, long_line);
        assert_int_equal(http_read_head(bytes, HTTP_HEAD_LIMIT + 1, &head), HTTP_REFUSED);
        assert_int_equal(http_refusal_status(head.refusal), 431);
        assert_int_equal(http_read_head(bytes, HTTP_HEAD_LIMIT, &head), HTTP_REFUSED);
        free(bytes);
    }
}

static void test_http_read_head_field_count_is_limited(void **state)
{
    (void)state;
    for (int fields = HTTP_FIELD_LIMIT; fields <= HTTP_FIELD_LIMIT + 1; fields++) {
        char bytes[2048];
        size_t length = (size_t)snprintf(bytes, sizeof bytes, "GET / HTTP/1.1\r\n" H);
        for (int i = 1; i < fields; i++)
            length += (size_t)snprintf(bytes + length, sizeof bytes - length, "X-%d: %d\r\n", i, i);
        length += (size_t)snprintf(bytes + length, sizeof bytes - length, "\r\n");
        struct http_head head;
        enum http_outcome outcome = http_read_head(bytes, length, &head);
        assert_int_equal(outcome, fields <= HTTP_FIELD_LIMIT ? HTTP_COMPLETE : HTTP_REFUSED);
        if (outcome == HTTP_REFUSED)
            assert_int_equal(http_refusal_status(head.refusal), 431);
    }
}

static void test_http_read_head_refusal_names_its_reason(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        enum http_refusal refusal;
    } cases[] = {
        {"GET / HTTP/1.1\r\n" H "X-A: 1\r\n 2\r\n\r\n", HTTP_REFUSED_FOLDING},
        {"GET / HTTP/1.1\r\n" H "X-A: 1\r\n\t2\r\n\r\n", HTTP_REFUSED_FOLDING},
        {"GET / HTTP/1.1\nHost: a\n\n", HTTP_REFUSED_LINE_END},
        {"GET / HTTP/1.1\r\n" H H "\r\n", HTTP_REFUSED_DUPLICATE},
        {"POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", HTTP_REFUSED_LENGTH},
        {"GET / HTTP/1.1\r\n" H "X A: 1\r\n\r\n", HTTP_REFUSED_FIELD},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_head head;
        assert_int_equal(http_read_head(cases[i].bytes, strlen(cases[i].bytes), &head), HTTP_REFUSED);
        assert_string_equal(http_refusal_code(head.refusal), http_refusal_code(cases[i].refusal));
    }
}

static void test_http_refusals_all_have_status_code_and_detail(void **state)
{
    (void)state;
    for (int i = HTTP_REFUSED_NOTHING + 1; i < HTTP_REFUSAL_COUNT; i++) {
        int status = http_refusal_status((enum http_refusal)i);
        assert_true(status >= 400 && status <= 505);
        assert_string_not_equal(http_reason(status), "Unknown");
        assert_non_null(http_refusal_code((enum http_refusal)i));
        assert_non_null(http_refusal_detail((enum http_refusal)i));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_read_head_odd_request_is_refused),
        cmocka_unit_test(test_http_read_head_good_request_is_accepted_at_its_last_byte),
        cmocka_unit_test(test_http_read_head_request_yields_its_parts),
        cmocka_unit_test(test_http_read_head_body_in_chunks_has_no_length),
        cmocka_unit_test(test_http_read_head_pipelined_requests_are_read_one_by_one),
        cmocka_unit_test(test_http_read_head_connection_close_ends_keep_alive),
        cmocka_unit_test(test_http_read_head_size_is_limited_to_the_byte),
        cmocka_unit_test(test_http_read_head_field_count_is_limited),
        cmocka_unit_test(test_http_read_head_refusal_names_its_reason),
        cmocka_unit_test(test_http_refusals_all_have_status_code_and_detail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
