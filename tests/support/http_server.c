/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "collector/clock.h"
#include "collector/exchange.h"
#include "forms/base/memory.h"

struct http_server {
    char folder[64];
    struct server *server;
    struct workers *workers;
    pthread_t thread;
    bool joined;
    int status;
    int port;
    const char **assignments;
    struct settings_source source;
};

/* ---- handlers ---- */

static void reply_with(struct exchange *exchange, int status, const char *body, size_t length)
{
    exchange->reply = text_new(exchange);
    text_append_bytes(exchange->reply, body, length);
    exchange->reply_type = "text/plain";
    exchange->status = status;
}

static void handle_echo(struct exchange *exchange, struct store *store)
{
    (void)store;
    reply_with(exchange, 201, exchange->body, exchange->body_length);
}

static void handle_probe(struct exchange *exchange, struct store *store)
{
    (void)store;
    exchange->status = 202;
}

static void handle_large(struct exchange *exchange, struct store *store)
{
    (void)store;
    const char *bytes = exchange_query(exchange, "bytes");
    size_t length = bytes != NULL ? (size_t)atol(bytes) : 0;
    char *body = memory_new_array(exchange, char, length);
    memset(body, 'x', length);
    reply_with(exchange, 200, body, length);
}

static void handle_thing(struct exchange *exchange, struct store *store)
{
    (void)store;
    const char *thing = exchange_parameter(exchange, "thing");
    reply_with(exchange, 200, thing, strlen(thing));
}

static void handle_page(struct exchange *exchange, struct store *store)
{
    static const char page[] = "<!doctype html><title>A page</title><body>";
    (void)store;
    reply_with(exchange, 200, page, sizeof page - 1);
    exchange->reply_type = "text/html";
    exchange_add_header(exchange, "Content-Security-Policy", "default-src * 'unsafe-inline' 'unsafe-eval'");
}

static sem_t held, released;

static void handle_hold(struct exchange *exchange, struct store *store)
{
    (void)store;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 20;          /* a test that fails lets it go */
    sem_post(&held);
    sem_timedwait(&released, &until);
    exchange->status = 202;
}

void http_server_wait_until_held(void)
{
    while (sem_wait(&held) != 0)
        continue;
}

void http_server_release(void)
{
    sem_post(&released);
}

static void handle_silent(struct exchange *exchange, struct store *store)
{
    (void)exchange;
    (void)store;
}

static void *finish_later(void *context)
{
    struct exchange *exchange = context;
    const char *ms = exchange_query(exchange, "ms");
    struct timespec until = clock_deadline(ms != NULL ? atoi(ms) : 0);
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);   /* stands for the writer's COMMIT */
    reply_with(exchange, 200, "done", 4);
    exchange_finish(exchange);
    return NULL;
}

static void handle_later(struct exchange *exchange, struct store *store)
{
    (void)store;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, finish_later, exchange), 0);
    pthread_detach(thread);
}

static const struct route routes[] = {
    {"POST", "/echo", ROLE_ANYONE, 65536, HANDLE_ON_LOOP, handle_echo},
    {"GET", "/echo", ROLE_ANYONE, 0, HANDLE_ON_LOOP, handle_echo},
    {"GET", "/probe", ROLE_ANYONE, 0, HANDLE_ON_LOOP, handle_probe},
    {"GET", "/large", ROLE_ANYONE, 0, HANDLE_ON_LOOP, handle_large},
    {"GET", "/worker", ROLE_ANYONE, 0, HANDLE_ON_WORKER, handle_probe},
    {"POST", "/later", ROLE_ANYONE, 65536, HANDLE_BY_WRITER, handle_later},
    {"GET", "/page", ROLE_ANYONE, 0, HANDLE_ON_LOOP, handle_page},
    {"GET", "/things/{thing}", ROLE_ANYONE, 0, HANDLE_ON_LOOP, handle_thing},
    {"GET", "/secret", ROLE_EVERYONE, 0, HANDLE_ON_LOOP, handle_probe},
    {"GET", "/hold", ROLE_ANYONE, 0, HANDLE_ON_LOOP, handle_hold},
    {"GET", "/silent", ROLE_ANYONE, 0, HANDLE_ON_LOOP, handle_silent},
};

/* ---- certificate ---- */

static void write_pem(const struct http_server *server, const char *name, X509 *certificate, EVP_PKEY *key)
{
    char path[96], fresh[100];
    snprintf(path, sizeof path, "%s/%s", server->folder, name);
    snprintf(fresh, sizeof fresh, "%s.new", path);
    FILE *file = fopen(fresh, "w");
    assert_non_null(file);
    assert_int_equal(fchmod(fileno(file), 0600), 0);
    if (certificate != NULL)
        assert_int_equal(PEM_write_X509(file, certificate), 1);
    else
        assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(fresh, path), 0);
}

void http_server_write_certificate(const struct http_server *server, const char *common_name, int valid_days)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    assert_true(key != NULL && certificate != NULL);
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -2L * 86400);
    X509_gmtime_adj(X509_getm_notAfter(certificate), valid_days * 86400L);
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)common_name, -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_set_pubkey(certificate, key);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    write_pem(server, "key.pem", NULL, key);
    write_pem(server, "server.pem", certificate, NULL);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

/* ---- server ---- */

static void remove_folder(const struct http_server *server)
{
    static const char *const names[] = {"/server.pem", "/key.pem", ""};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[96];
        snprintf(path, sizeof path, "%s%s", server->folder, names[i]);
        remove(path);
    }
}

static int free_http_server(struct http_server *server)
{
    if (!server->joined) {
        http_server_stop(server);
        http_server_join(server);
    }
    assert_true(workers_stop(server->workers, 5000));
    server_free(server->server);
    remove_folder(server);
    return 0;
}

static void add_assignment(struct http_server *server, const char *assignment)
{
    server->assignments[server->source.assignment_count++] = assignment;
}

static void make_settings(struct http_server *server, const char *const *assignments)
{
    server->assignments = memory_new_array(server, const char *, 32);
    server->source.assignments = server->assignments;
    add_assignment(server, memory_format(server, "certificate=%s/server.pem", server->folder));
    add_assignment(server, memory_format(server, "key=%s/key.pem", server->folder));
    add_assignment(server, memory_copy_string(server, "listen_address=127.0.0.1"));
    add_assignment(server, memory_copy_string(server, "listen_port=0"));
    add_assignment(server, memory_copy_string(server, "access_log=false"));
    add_assignment(server, memory_copy_string(server, "log_level=error"));
    for (; assignments != NULL && *assignments != NULL; assignments++)
        add_assignment(server, memory_copy_string(server, *assignments));
}

static void *run(void *context)
{
    struct http_server *server = context;
    server->status = server_run(server->server);
    return NULL;
}

struct http_server *http_server_start(const void *owner, const char *const *assignments)
{
    struct http_server *server = memory_new(owner, struct http_server);
    struct error error = {0};
    signal(SIGPIPE, SIG_IGN);   /* as the program does */
    assert_true(sem_init(&held, 0, 0) == 0 && sem_init(&released, 0, 0) == 0);
    snprintf(server->folder, sizeof server->folder, "/tmp/patella-http-XXXXXX");
    assert_non_null(mkdtemp(server->folder));
    http_server_write_certificate(server, "localhost", 30);
    make_settings(server, assignments);
    const struct settings *settings = settings_load(server, &server->source, &error);
    struct workers_options workers = {
        .conninfo = "host=/nonexistent dbname=none", .threads = 1, .queue_limit = 4};
    server->workers = settings != NULL ? workers_start(NULL, &workers, &error) : NULL;
    struct tls *tls = NULL;
    if (server->workers != NULL)
        tls = tls_load(server, settings->certificate, settings->key, &error);
    struct server_options options = {.settings = settings, .source = &server->source, .tls = {tls},
                                     .workers = server->workers,
                                     .routes = {routes, sizeof routes / sizeof *routes}};
    server->server = tls != NULL ? server_new(NULL, &options, &error) : NULL;
    if (server->server == NULL || !server_handle_signals(server->server, &error))
        fail_msg("%s", error.message);
    server->port = server_port(server->server);
    assert_int_equal(pthread_create(&server->thread, NULL, run, server), 0);
    talloc_set_destructor(server, free_http_server);
    return server;
}

int http_server_port(const struct http_server *server)
{
    return server->port;
}

const char *http_server_folder(const struct http_server *server)
{
    return server->folder;
}

void http_server_stop(struct http_server *server)
{
    server_stop(server->server, 0);
}

int http_server_join(struct http_server *server)
{
    assert_int_equal(pthread_join(server->thread, NULL), 0);
    server->joined = true;
    return server->status;
}

int http_server_end_of(int client)
{
    struct sockaddr_in wanted = {0}, found = {0};
    socklen_t length = sizeof wanted;
    assert_int_equal(getsockname(client, (struct sockaddr *)&wanted, &length), 0);
    for (int candidate = 3; candidate < 1024; candidate++) {
        length = sizeof found;
        if (getpeername(candidate, (struct sockaddr *)&found, &length) == 0 && found.sin_family == AF_INET &&
            found.sin_port == wanted.sin_port)
            return candidate;
    }
    fail_msg("the server has no socket of port %d", ntohs(wanted.sin_port));
    return -1;
}

struct tls_client *http_server_connect(const void *owner, const struct http_server *server)
{
    struct tls_client_options options = {.port = server->port};
    struct tls_client *client = tls_client_open(owner, &options);
    assert_non_null(client);
    return client;
}
