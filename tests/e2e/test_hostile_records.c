/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is no TLS, or TLS in a way that no client would choose: each connection ends (or goes on) as it should, with the
 * end in order rather than a reset, counted when it was no handshake, and the server serves the next one.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/err.h>

#include "collector/metrics.h"
#include "forms/base/memory.h"
#include "tests/support/http_server.h"

#define PROBE "GET /probe HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define BYTES(literal) literal, sizeof(literal) - 1
enum { PROBED = 202, DEADLINE_MS = 10000, RECORD_HEAD = 5 };

static int set_up(void **state)
{
    static const char *const settings[] = {"handshake_deadline_ms=5000", NULL};
    *state = http_server_start(memory_owner(NULL, "test"), settings);
    return 0;
}

static int tear_down(void **state)
{
    talloc_free(talloc_parent(*state));
    return 0;
}

static void assert_serves(const struct http_server *server)
{
    struct tls_client *client = http_server_connect(NULL, server);
    assert_true(tls_client_send_text(client, PROBE));
    assert_int_equal(tls_client_read_reply(client, DEADLINE_MS).status, PROBED);
    talloc_free(client);
}

static long long refused_handshakes(void)
{
    static const char name[] = "patella_connections_refused_total{reason=\"handshake\"} ";
    struct text *counters = text_new(NULL);
    long long value = -1;
    metrics_append(counters);
    const char *line = strstr(counters->bytes, name);
    if (line != NULL)
        sscanf(line + sizeof name - 1, "%lld", &value);
    talloc_free(counters);
    return value;
}

/* ---- no TLS ---- */

/* Sends all and reads up to the end: 0 for an end in order, otherwise errno; `bytes` is how many came. */
static int talk(const struct http_server *server, const void *bytes, size_t length, size_t *got)
{
    char answer[4096];
    int connected = tls_client_connect_plain(http_server_port(server));
    assert_true(connected >= 0);
    assert_int_equal(send(connected, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
    ssize_t count;
    *got = 0;
    while ((count = recv(connected, answer, sizeof answer, 0)) > 0) {
        assert_null(memmem(answer, (size_t)count, "HTTP", 4));
        *got += (size_t)count;
    }
    int reason = count < 0 ? errno : 0;
    close(connected);
    return reason;
}

static void test_bytes_that_are_no_hello_end_the_connection_in_order(void **state)
{
    static const struct {
        const char *label, *bytes;
        size_t length;
    } cases[] = {
        {"HTTP", BYTES(PROBE)},
        {"HTTP with a body", BYTES("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200\r\n\r\n"
                                   "{\"id\":\"0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b\",\"subject\":\"01-0001\","
                                   "\"form\":\"koos\",\"form_version\":1}")},
        {"SSH", BYTES("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")},
        {"SMTP", BYTES("EHLO localhost\r\nSTARTTLS\r\n")},
        {"proxy protocol", BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n\x16\x03\x01\x00\x05hello")},
        {"noughts", BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")},
        {"all bits", BYTES("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF")},
        {"hello of SSL 2", BYTES("\x80\x2E\x01\x00\x02\x00\x15\x00\x00\x00\x10\x01\x00\x80\x02\x00\x80\x03\x00\x80\x04"
                                 "\x00\x80\x05\x00\x80\x06\x00\x40\x07\x00\xC0" "0123456789abcdef")},
        {"record of SSL 3", BYTES("\x16\x03\x00\x00\x05\x01\x00\x00\x01\x00")},
        {"record of version 9.9", BYTES("\x16\x09\x09\x00\x05\x01\x00\x00\x01\x00")},
        {"record of 65,535 bytes", BYTES("\x16\x03\x01\xFF\xFF\x01\x00\x00\x01\x00")},
        {"handshake of 16 MB", BYTES("\x16\x03\x01\x00\x04\x01\xFF\xFF\xFF")},
        {"handshake of 200,000 bytes", BYTES("\x16\x03\x01\x00\x06\x01\x03\x0D\x40\x03\x03")},
        {"hello without content", BYTES("\x16\x03\x01\x00\x04\x01\x00\x00\x00")},
        {"a server's hello", BYTES("\x16\x03\x03\x00\x05\x02\x00\x00\x01\x00")},
        {"finished first", BYTES("\x16\x03\x03\x00\x10\x14\x00\x00\x0C" "0123456789ab")},
        {"data first", BYTES("\x17\x03\x03\x00\x05hello")},
        {"cipher change first", BYTES("\x14\x03\x03\x00\x01\x01\x14\x03\x03\x00\x01\x01")},
        {"fatal alert first", BYTES("\x15\x03\x01\x00\x02\x02\x28")},
        {"close_notify first", BYTES("\x15\x03\x01\x00\x02\x01\x00")},
        {"heartbeat first", BYTES("\x18\x03\x02\x00\x03\x01\x40\x00")},
        {"unknown record", BYTES("\x99\x03\x03\x00\x05hello")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t got;
        long long before = refused_handshakes();
        int reason = talk(*state, cases[i].bytes, cases[i].length, &got);
        if (reason != 0)
            fail_msg("%s: %s", cases[i].label, strerror(reason));
        if (refused_handshakes() != before + 1)
            fail_msg("%s: not counted", cases[i].label);
    }
    assert_serves(*state);
}

/* Many records that say nothing: an end, and not a loop. */
static void test_records_that_say_nothing_have_an_end(void **state)
{
    static const struct {
        const char *label, *record;
        size_t length;
    } cases[] = {
        {"warnings", BYTES("\x15\x03\x01\x00\x02\x01\x5A")},
        {"empty records", BYTES("\x16\x03\x01\x00\x00")},
        {"cipher changes", BYTES("\x14\x03\x03\x00\x01\x01")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text *flood = text_new(NULL);
        size_t got;
        for (int j = 0; j < 1000; j++)
            text_append_bytes(flood, cases[i].record, cases[i].length);
        long long before = refused_handshakes();
        if (talk(*state, flood->bytes, flood->length, &got) != 0 || refused_handshakes() != before + 1)
            fail_msg("%s: no end in order, or not counted", cases[i].label);
        talloc_free(flood);
    }
    assert_serves(*state);
}

/* ---- TLS in pieces ---- */

/* A client whose records can be changed on their way to the server. */
struct piecemeal {
    SSL_CTX *context;
    SSL *ssl;
    BIO *in, *out;
    int socket;
};

static void open_piecemeal(struct piecemeal *client, const struct http_server *server)
{
    client->context = SSL_CTX_new(TLS_client_method());
    client->ssl = SSL_new(client->context);
    client->in = BIO_new(BIO_s_mem());
    client->out = BIO_new(BIO_s_mem());
    assert_true(client->ssl != NULL && client->in != NULL && client->out != NULL);
    SSL_set_bio(client->ssl, client->in, client->out);
    SSL_set_connect_state(client->ssl);
    client->socket = tls_client_connect_plain(http_server_port(server));
    assert_true(client->socket >= 0);
}

static void close_piecemeal(struct piecemeal *client)
{
    close(client->socket);
    SSL_free(client->ssl);
    SSL_CTX_free(client->context);
}

static void send_all(int socket, const unsigned char *bytes, size_t length)
{
    assert_int_equal(send(socket, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
}

/* The content of each record of `bytes` as records of one byte each. */
static void send_as_tiny_records(int socket, const unsigned char *bytes, size_t length)
{
    for (size_t at = 0; at + RECORD_HEAD <= length;) {
        size_t content = (size_t)bytes[at + 3] << 8 | bytes[at + 4];
        for (size_t i = 0; i < content; i++) {
            unsigned char tiny[] = {bytes[at], bytes[at + 1], bytes[at + 2], 0, 1, bytes[at + RECORD_HEAD + i]};
            send_all(socket, tiny, sizeof tiny);
        }
        at += RECORD_HEAD + content;
    }
}

/* Takes what the server says into the client's TLS; false at its end. */
static bool hear(struct piecemeal *client)
{
    char bytes[4096];
    ssize_t got = recv(client->socket, bytes, sizeof bytes, 0);
    return got > 0 && BIO_write(client->in, bytes, (int)got) == got;
}

static void test_hello_in_records_of_one_byte_is_understood(void **state)
{
    struct piecemeal client;
    unsigned char bytes[4096];
    open_piecemeal(&client, *state);
    (void)SSL_do_handshake(client.ssl);
    int length = BIO_read(client.out, bytes, sizeof bytes);
    assert_true(length > 0);
    send_as_tiny_records(client.socket, bytes, (size_t)length);
    while (SSL_do_handshake(client.ssl) != 1)
        assert_true(hear(&client));
    length = BIO_read(client.out, bytes, sizeof bytes);
    assert_true(length > 0);
    send_all(client.socket, bytes, (size_t)length);
    assert_int_equal(SSL_write(client.ssl, PROBE, sizeof PROBE - 1), (int)sizeof PROBE - 1);
    length = BIO_read(client.out, bytes, sizeof bytes);
    for (int i = 0; i < length; i++)     /* and TCP cuts it up as well */
        send_all(client.socket, bytes + i, 1);
    while (SSL_read(client.ssl, bytes, sizeof bytes) <= 0)
        assert_true(hear(&client));
    assert_memory_equal(bytes, "HTTP/1.1 202", 12);
    close_piecemeal(&client);
}

/* Records that were turned over on their way are found out, and nothing of them is worked on. */
static void test_record_that_was_changed_ends_the_connection(void **state)
{
    struct piecemeal client;
    unsigned char bytes[4096];
    open_piecemeal(&client, *state);
    while (SSL_do_handshake(client.ssl) != 1) {
        int length = BIO_read(client.out, bytes, sizeof bytes);
        if (length > 0)
            send_all(client.socket, bytes, (size_t)length);
        assert_true(hear(&client));
    }
    SSL_write(client.ssl, PROBE, sizeof PROBE - 1);
    int length = BIO_read(client.out, bytes, sizeof bytes);
    assert_true(length > 20);
    bytes[length - 20] ^= 1;
    send_all(client.socket, bytes, (size_t)length);
    while (hear(&client))
        continue;
    assert_true(SSL_read(client.ssl, bytes, sizeof bytes) <= 0);
    ERR_clear_error();
    close_piecemeal(&client);
    assert_serves(*state);
}

/* ---- large and many ---- */

/* Nearly 64 KiB of protocols, the right one last. */
static void test_huge_hello_is_understood(void **state)
{
    static unsigned char protocols[65000];
    static const unsigned char last[] = "\x08http/1.1";
    size_t length = 0;
    while (length + 16 + sizeof last < sizeof protocols) {
        protocols[length] = 15;
        memset(protocols + length + 1, 'x', 15);
        length += 16;
    }
    for (int holds = 0; holds < 2; holds++) {
        struct piecemeal client;
        unsigned char bytes[70000];
        open_piecemeal(&client, *state);
        if (holds)
            memcpy(protocols + length, last, sizeof last - 1);
        SSL_set_alpn_protos(client.ssl, protocols, (unsigned)(length + (holds ? sizeof last - 1 : 0)));
        (void)SSL_do_handshake(client.ssl);
        int hello = BIO_read(client.out, bytes, sizeof bytes);
        assert_true(hello > 60000);
        send_all(client.socket, bytes, (size_t)hello);
        int result;
        while ((result = SSL_do_handshake(client.ssl)) != 1 && hear(&client))
            continue;
        assert_int_equal(result == 1, holds);
        if (!holds)
            assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
        ERR_clear_error();
        close_piecemeal(&client);
    }
    assert_serves(*state);
}

/* Each asks the server for new keys.  Whether OpenSSL ends that or goes on, nobody waits for ever. */
static void test_flood_of_key_updates_is_survived(void **state)
{
    struct tls_client_options options = {.port = http_server_port(*state), .version = TLS1_3_VERSION};
    struct tls_client *client = tls_client_open(*state, &options);
    SSL *ssl = tls_client_ssl(client);
    int updates = 0;
    while (updates < 10000 && SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) == 1 && SSL_do_handshake(ssl) == 1)
        updates++;
    tls_client_send_text(client, PROBE);
    int status = tls_client_read_reply(client, DEADLINE_MS).status;
    assert_true(updates > 0 && (status == PROBED || status == 0));
    ERR_clear_error();
    talloc_free(client);
    assert_serves(*state);
}

/* Renegotiation in the middle of a request: refused, and the request is not worked on. */
static void test_renegotiation_within_a_request_is_refused(void **state)
{
    struct tls_client_options options = {.port = http_server_port(*state), .version = TLS1_2_VERSION};
    struct tls_client *client = tls_client_open(*state, &options);
    assert_non_null(client);
    assert_true(tls_client_send_text(client, "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhe"));
    assert_int_equal(SSL_renegotiate(tls_client_ssl(client)), 1);
    assert_int_not_equal(SSL_do_handshake(tls_client_ssl(client)), 1);
    ERR_clear_error();
    talloc_free(client);
    assert_serves(*state);
}

static void test_sessions_allow_no_early_data(void **state)
{
    struct tls_client_options options = {.port = http_server_port(*state), .version = TLS1_3_VERSION};
    struct tls_client *client = tls_client_open(*state, &options);
    assert_true(tls_client_send_text(client, PROBE));
    assert_int_equal(tls_client_read_reply(client, DEADLINE_MS).status, PROBED);   /* a ticket would be here by now */
    const SSL_SESSION *session = SSL_get0_session(tls_client_ssl(client));
    assert_int_equal(SSL_SESSION_get_max_early_data(session), 0);
    assert_int_equal(SSL_SESSION_is_resumable(session), 0);
    talloc_free(client);
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_that_are_no_hello_end_the_connection_in_order),
        cmocka_unit_test(test_records_that_say_nothing_have_an_end),
        cmocka_unit_test(test_hello_in_records_of_one_byte_is_understood),
        cmocka_unit_test(test_record_that_was_changed_ends_the_connection),
        cmocka_unit_test(test_huge_hello_is_understood),
        cmocka_unit_test(test_flood_of_key_updates_is_survived),
        cmocka_unit_test(test_renegotiation_within_a_request_is_refused),
        cmocka_unit_test(test_sessions_allow_no_early_data),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
