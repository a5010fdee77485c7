/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The server's side of TLS: 1.2 with ECDHE and AEAD ciphers, and 1.3; no renegotiation, compression, session
 * tickets, session cache or early data; ALPN "http/1.1".
 * At the machines' door a client must show a certificate for TLS clients that one of our CAs has issued, that has not
 * ended and that the CA's list has not revoked.  Not for: what a certificate allows (machine_sites.h), TLS to
 * PostgreSQL (libpq's).
 */
#ifndef PATELLA_TLS_H
#define PATELLA_TLS_H

#include <stdint.h>

#include <openssl/ssl.h>

#include "collector/settings.h"
#include "forms/base/error.h"

struct tls;

/* OpenSSL without its system-wide configuration file, and aborting without memory; before anything else uses it. */
void tls_init(void);

/*
 * Loads a certificate chain and its key (PEM).  ERROR_INPUT when a file is no good, when the two do not
 * belong together, when the certificate has expired, or when others may read the key.
 */
struct tls *tls_load(const void *owner, const char *certificate, const char *key,
                     struct error *error) MUST_CHECK;

/*
 * The same for the machines' door, with machine_client_ca and machine_crl.  ERROR_INPUT, too, when a CA's certificate
 * is none or has ended, and when a list is missing, has ended, or was not signed by its CA.
 */
struct tls *tls_load_for_machines(const void *owner, const struct settings *settings, struct error *error) MUST_CHECK;

/* A server-side connection, which keeps what it needs when `tls` is freed; NULL when out of memory. */
SSL *tls_accept(const struct tls *tls);

/* When the certificate ends, unix seconds. */
int64_t tls_expires_at(const struct tls *tls);

/* When the first of the machines' CAs ends, unix seconds; 0 when there are none. */
int64_t tls_authorities_expire_at(const struct tls *tls);

/* When the first of the lists of revoked certificates ends, unix seconds; 0 when there are none. */
int64_t tls_lists_expire_at(const struct tls *tls);

#endif
