/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which client certificates a TLS context takes: those of our CAs that the CAs' lists have not revoked. */
#ifndef PATELLA_CLIENT_TRUST_H
#define PATELLA_CLIENT_TRUST_H

#include <stdint.h>

#include <openssl/ssl.h>

#include "forms/base/error.h"

/* Unix seconds. */
struct client_trust_ends {
    int64_t authorities;         /* when the first CA's certificate ends */
    int64_t lists;               /* when the first list does */
};

/*
 * Reads the CAs' certificates and their lists (PEM; several of each may stand in a file), and has `context` refuse
 * every client without a certificate for TLS clients that one of them has issued and not revoked.  A CA without a list
 * is refused: its certificates could not be checked, and none would be taken.
 * Fails with ERROR_INPUT, naming the file.
 */
bool client_trust_load(SSL_CTX *context, const char *ca_file, const char *crl_file, struct client_trust_ends *ends,
                       struct error *error) MUST_CHECK;

#endif
