/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the server takes as TLS, and how it changes its certificate while it runs. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/x509.h>

#include "collector/clock.h"
#include "collector/tls.h"
#include "forms/base/memory.h"
#include "tests/support/http_server.h"

#define PROBE "GET /probe HTTP/1.1\r\nHost: localhost\r\n\r\n"
enum { PROBED = 202, DEADLINE_MS = 10000 };

static int set_up(void **state)
{
    *state = http_server_start(memory_owner(NULL, "test"), NULL);
    return 0;
}

static int tear_down(void **state)
{
    talloc_free(talloc_parent(*state));
    return 0;
}

static void test_tls_accept_offers_are_taken_or_refused(void **state)
{
    static const struct {
        const char *label;
        int version;
        const char *ciphers, *protocol;
        bool taken;
    } cases[] = {
        {"TLS 1.0", TLS1_VERSION, NULL, NULL, false},
        {"TLS 1.1", TLS1_1_VERSION, NULL, NULL, false},
        {"TLS 1.2", TLS1_2_VERSION, NULL, NULL, true},
        {"TLS 1.3", TLS1_3_VERSION, NULL, NULL, true},
        {"AES-GCM", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", NULL, true},
        {"ChaCha20", TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305", NULL, true},
        {"CBC", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256", NULL, false},
        {"CCM", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-CCM", NULL, false},
        {"static RSA", TLS1_2_VERSION, "AES128-GCM-SHA256", NULL, false},
        {"finite-field DH", TLS1_2_VERSION, "DHE-RSA-AES128-GCM-SHA256", NULL, false},
        {"no encryption", TLS1_2_VERSION, "ECDHE-ECDSA-NULL-SHA", NULL, false},
        {"http/1.1", 0, NULL, "http/1.1", true},
        {"h2", 0, NULL, "h2", false},
        {"another protocol", 0, NULL, "imap", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tls_client_options options = {.port = http_server_port(*state), .version = cases[i].version,
                                             .ciphers = cases[i].ciphers, .protocol = cases[i].protocol};
        struct tls_client *client = tls_client_open(*state, &options);
        if ((client != NULL) != cases[i].taken)
            fail_msg("%s is %s", cases[i].label, client != NULL ? "taken" : "refused");
        if (client != NULL) {
            assert_true(tls_client_send_text(client, PROBE));
            assert_int_equal(tls_client_read_reply(client, DEADLINE_MS).status, PROBED);
        }
        talloc_free(client);
    }
}

static void test_tls_accept_session_cannot_be_resumed(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < 2; i++) {
        struct tls_client_options options = {.port = http_server_port(*state), .version = versions[i]};
        struct tls_client *client = tls_client_open(*state, &options);
        assert_non_null(client);
        assert_true(tls_client_send_text(client, PROBE));
        assert_int_equal(tls_client_read_reply(client, DEADLINE_MS).status, PROBED);
        const SSL_SESSION *session = SSL_get0_session(tls_client_ssl(client));
        unsigned int id_length = 0;
        SSL_SESSION_get_id(session, &id_length);
        assert_false(SSL_SESSION_has_ticket(session));
        if (versions[i] == TLS1_2_VERSION)
            assert_int_equal(id_length, 0);
        talloc_free(client);
    }
}

static void test_tls_accept_renegotiation_is_refused(void **state)
{
    struct tls_client_options options = {.port = http_server_port(*state), .version = TLS1_2_VERSION};
    struct tls_client *client = tls_client_open(*state, &options);
    assert_non_null(client);
    assert_int_equal(SSL_renegotiate(tls_client_ssl(client)), 1);
    assert_int_not_equal(SSL_do_handshake(tls_client_ssl(client)), 1);
    talloc_free(client);
}

/* ---- files ---- */

/* Common name of the certificate that a new connection gets. */
static const char *served_name(const void *owner, const struct http_server *server)
{
    struct tls_client *client = http_server_connect(owner, server);
    X509 *certificate = SSL_get1_peer_certificate(tls_client_ssl(client));
    assert_non_null(certificate);
    char name[64];
    assert_true(
        X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name) > 0);
    X509_free(certificate);
    talloc_free(client);
    return memory_copy_string(owner, name);
}

static bool wait_for_name(const void *owner, const struct http_server *server, const char *name)
{
    int64_t until_us = clock_now_us() + (int64_t)DEADLINE_MS * 1000;
    while (clock_now_us() < until_us)
        if (strcmp(served_name(owner, server), name) == 0)
            return true;
    return false;
}

static void test_server_reload_serves_the_new_certificate_and_keeps_connections(void **state)
{
    struct tls_client *before = http_server_connect(*state, *state);
    http_server_write_certificate(*state, "second", 30);
    assert_string_equal(served_name(*state, *state), "localhost");
    kill(getpid(), SIGHUP);
    assert_true(wait_for_name(*state, *state, "second"));
    assert_true(tls_client_send_text(before, PROBE));
    assert_int_equal(tls_client_read_reply(before, DEADLINE_MS).status, PROBED);
    talloc_free(before);
}

static void spoil(const struct http_server *server, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", http_server_folder(server), name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("no PEM\n", file);
    fclose(file);
}

/* Each spoilt pair is refused; a good one afterwards shows that the signal was worked on. */
static void test_server_reload_of_bad_files_keeps_the_old_certificate(void **state)
{
    static const char *const names[] = {"server.pem", "key.pem"};
    for (size_t i = 0; i < 2; i++) {
        spoil(*state, names[i]);
        kill(getpid(), SIGHUP);
        assert_string_equal(served_name(*state, *state), i == 0 ? "localhost" : "after 0");
        char name[16];
        snprintf(name, sizeof name, "after %zu", i);
        http_server_write_certificate(*state, name, 30);
        kill(getpid(), SIGHUP);
        assert_true(wait_for_name(*state, *state, name));
    }
}

static void assert_load_fails(const struct http_server *server, const char *says)
{
    struct error error = {0};
    char certificate[128], key[128];
    snprintf(certificate, sizeof certificate, "%s/server.pem", http_server_folder(server));
    snprintf(key, sizeof key, "%s/key.pem", http_server_folder(server));
    assert_null(tls_load(server, certificate, key, &error));
    if (strstr(error.message, says) == NULL)
        fail_msg("'%s' does not say '%s'", error.message, says);
    assert_true(*error.file != '\0' || error.kind == ERROR_IO);
}

static void test_tls_load_bad_files_are_refused_with_a_reason(void **state)
{
    char key[128];
    snprintf(key, sizeof key, "%s/key.pem", http_server_folder(*state));
    http_server_write_certificate(*state, "old", -1);
    assert_load_fails(*state, "expired");
    http_server_write_certificate(*state, "open", 30);
    assert_int_equal(chmod(key, 0644), 0);
    assert_load_fails(*state, "chmod 0600");
    spoil(*state, "key.pem");
    assert_int_equal(chmod(key, 0600), 0);
    assert_load_fails(*state, "no key that belongs to");
    assert_int_equal(unlink(key), 0);
    assert_load_fails(*state, "No such file");
    spoil(*state, "server.pem");
    assert_load_fails(*state, "no certificate chain");
}

#define SERVER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    memory_init();
    tls_init();
    const struct CMUnitTest tests[] = {
        SERVER_TEST(test_tls_accept_offers_are_taken_or_refused),
        SERVER_TEST(test_tls_accept_session_cannot_be_resumed),
        SERVER_TEST(test_tls_accept_renegotiation_is_refused),
        SERVER_TEST(test_server_reload_serves_the_new_certificate_and_keeps_connections),
        SERVER_TEST(test_server_reload_of_bad_files_keeps_the_old_certificate),
        SERVER_TEST(test_tls_load_bad_files_are_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
