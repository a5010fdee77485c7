/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A small CA in a folder, for those who have none: certificates of sites' machines and of servers, ECDSA P-256, and the
 * list of revoked ones (RFC 5280).
 *
 *   ca.pem, ca-key.pem       its certificate, and its key, which never leaves the folder
 *   NAME.pem, NAME-key.pem   what it has issued
 *   issued, revoked          one line each: SERIAL UNIXTIME NAME FOR..., and SERIAL UNIXTIME
 *   crl.pem, crl-number      the newest list, and its number
 *
 * The folder is its operator's alone (0700).  Not for: checking certificates (client_trust.h), many operators.
 */
#ifndef PATELLA_CERTIFICATE_AUTHORITY_H
#define PATELLA_CERTIFICATE_AUTHORITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forms/base/error.h"

enum { CA_SERIAL_SIZE = 33 };    /* 16 bytes in hexadecimal, NUL */

struct certificate_authority;

/* Makes the folder (it may be there, empty), key, certificate and an empty list.  ERROR_CONFLICT when it has a CA. */
bool ca_create(const char *folder, const char *name, int days, int list_days, struct error *error) MUST_CHECK;

/* Closed, and others let in, when it is freed.  ERROR_BUSY when somebody else has it open. */
struct certificate_authority *ca_open(const void *owner, const char *folder, struct error *error) MUST_CHECK;

struct ca_request {
    const char *name;                /* of the files and of the subject: letters, digits, ".", "_", "-" */
    const char *sites;               /* "demo:7,other:1": a machine's certificate; NULL: a server's */
    const char *hosts;               /* "localhost,127.0.0.1" */
    int days;                        /* not behind the CA's own end */
};

/* Writes certificate and key.  ERROR_CONFLICT when there are files of that name. */
bool ca_issue(struct certificate_authority *ca, const struct ca_request *request, char serial[CA_SERIAL_SIZE],
              struct error *error) MUST_CHECK;

/* By serial number, hexadecimal.  The list that says so is ca_write_list's. */
bool ca_revoke(struct certificate_authority *ca, const char *serial, struct error *error) MUST_CHECK;

/* A new list, valid for that many days from now. */
bool ca_write_list(struct certificate_authority *ca, int days, struct error *error) MUST_CHECK;

struct ca_entry {
    const char *serial, *name, *subjects;    /* subjects: "demo:7,other:1", or hosts */
    int64_t ends_at, revoked_at;             /* unix seconds; 0: not revoked */
};

/* What it has issued, oldest first. */
struct ca_entry *ca_entries(const void *owner, struct certificate_authority *ca, size_t *count,
                            struct error *error) MUST_CHECK;

#endif
