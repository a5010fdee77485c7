/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/tls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "collector/client_trust.h"
#include "collector/tls_failure.h"
#include "forms/base/memory.h"

struct tls {
    SSL_CTX *context;
    int64_t expires_at;
    struct client_trust_ends ends;   /* zeros: none */
};

/*
 * Without memory OpenSSL fails, and what it sets up once, at the first handshake, stays undone for ever: no
 * connection would be served again, by a process that looks alive.
 */
static void *allocate(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return memory_allocate(size);
}

static void *reallocate(void *block, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    if (size > 0)
        return memory_reallocate(block, size);
    free(block);
    return NULL;
}

static void release(void *block, const char *file, int line)
{
    (void)file;
    (void)line;
    free(block);
}

void tls_init(void)
{
    CRYPTO_set_mem_functions(allocate, reallocate, release);   /* refused to a test that used OpenSSL before */
    OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
}

static int free_context(struct tls *tls)
{
    SSL_CTX_free(tls->context);   /* open connections hold references of their own */
    return 0;
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_length,
                           const unsigned char *in, unsigned int in_length, void *context)
{
    (void)ssl;
    (void)context;
    static const unsigned char http[] = "\x08http/1.1";
    unsigned char *chosen = NULL;
    int result = SSL_select_next_proto(&chosen, out_length, http, sizeof http - 1, in, in_length);
    if (result != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;   /* RFC 7301, 3.2; also keeps other protocols' replays away */
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static bool configure(SSL_CTX *context, struct error *error)
{
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    bool good = SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
                SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
                SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                                                  "TLS_CHACHA20_POLY1305_SHA256") == 1 &&
                SSL_CTX_set1_groups_list(context, "X25519:P-256") == 1 &&
                SSL_CTX_set_num_tickets(context, 0) == 1 && SSL_CTX_set_max_early_data(context, 0) == 1;
    return good ||
           error_set(error, ERROR_INTERNAL, "this OpenSSL does not take our TLS settings: %s", tls_failure_reason());
}

static bool check_key_file(const char *key, struct error *error)
{
    struct stat status;
    if (stat(key, &status) != 0)
        return error_io(error, errno, key);
    if ((status.st_mode & (S_IROTH | S_IWOTH)) != 0)
        return error_at(error, ERROR_INPUT, key, 0,
                        "everybody on this machine may read the key; chmod 0600 it");
    return true;
}

static bool read_expiry(struct tls *tls, const char *certificate, struct error *error)
{
    struct tm ends;
    if (ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(tls->context)), &ends) != 1)
        return error_at(error, ERROR_INPUT, certificate, 0, "the certificate has no end: %s", tls_failure_reason());
    tls->expires_at = timegm(&ends);
    if (tls->expires_at < time(NULL))
        return error_at(error, ERROR_INPUT, certificate, 0,
                        "the certificate has expired; put a new one in its place");
    return true;
}

static bool load_files(struct tls *tls, const char *certificate, const char *key, struct error *error)
{
    if (SSL_CTX_use_certificate_chain_file(tls->context, certificate) != 1)
        return error_at(error, ERROR_INPUT, certificate, 0,
                        "no certificate chain can be read: %s; give PEM, the "
                        "server's own certificate first",
                        tls_failure_reason());
    if (!check_key_file(key, error))
        return false;
    if (SSL_CTX_use_PrivateKey_file(tls->context, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(tls->context) != 1)
        return error_at(error, ERROR_INPUT, key, 0,
                        "no key that belongs to %s can be read: %s; give the PEM file "
                        "that the certificate was made with, without a passphrase",
                        certificate, tls_failure_reason());
    return read_expiry(tls, certificate, error);
}

/* A key with a passphrase must not make the daemon ask on a terminal. */
static int no_passphrase(char *buffer, int size, int writing, void *context)
{
    (void)writing;
    (void)context;
    if (size > 0)
        *buffer = '\0';
    return -1;
}

struct tls *tls_load(const void *owner, const char *certificate, const char *key, struct error *error)
{
    struct tls *tls = memory_new(owner, struct tls);
    ERR_clear_error();
    tls->context = SSL_CTX_new(TLS_server_method());
    talloc_set_destructor(tls, free_context);
    bool good = tls->context != NULL;
    if (!good)
        error_set(error, ERROR_INTERNAL, "OpenSSL cannot make a context: %s", tls_failure_reason());
    if (good)
        SSL_CTX_set_default_passwd_cb(tls->context, no_passphrase);
    if (good && configure(tls->context, error) && load_files(tls, certificate, key, error))
        return tls;
    talloc_free(tls);
    return NULL;
}

struct tls *tls_load_for_machines(const void *owner, const struct settings *settings, struct error *error)
{
    struct tls *tls = tls_load(owner, settings->certificate, settings->key, error);
    if (tls != NULL && client_trust_load(tls->context, settings->machine_client_ca, settings->machine_crl,
                                         &tls->ends, error))
        return tls;
    talloc_free(tls);
    return NULL;
}

SSL *tls_accept(const struct tls *tls)
{
    return SSL_new(tls->context);
}

int64_t tls_expires_at(const struct tls *tls)
{
    return tls->expires_at;
}

int64_t tls_authorities_expire_at(const struct tls *tls)
{
    return tls->ends.authorities;
}

int64_t tls_lists_expire_at(const struct tls *tls)
{
    return tls->ends.lists;
}
