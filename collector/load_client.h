/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sends rows to a collector: one HTTPS connection, arrays of submissions, and the same UUIDs again whenever
 * the outcome is not known.
 */
#ifndef PATELLA_LOAD_CLIENT_H
#define PATELLA_LOAD_CLIENT_H

#include "collector/load_rows.h"

struct load_client;

struct load_target {
    const char *url;             /* "https://localhost:8443" */
    const char *ca_file;         /* PEM; NULL: the system's */
    const char *token_file;      /* its first line is the token */
    const char *study;
    int patience_s;              /* how long a server that is away or busy is tried again */
};

struct load_counts {
    size_t accepted, replayed, refused;
};

struct load_client *load_client_new(const void *owner, const struct load_target *target, struct error *error)
    MUST_CHECK;

/*
 * Sends rows[0..count), at most LOAD_ARRAY_ROWS, until the server has decided about each, and adds to
 * `counts`.  Every refusal is printed to stderr.  Fails when the server refuses the request as a whole, or
 * stays away.
 */
enum { LOAD_ARRAY_ROWS = 256 };
bool load_client_send(struct load_client *client, struct load_row *rows, size_t count,
                      struct load_counts *counts, struct error *error) MUST_CHECK;

#endif
