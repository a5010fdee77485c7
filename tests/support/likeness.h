/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Replies of two servers to the same request, made comparable byte by byte.
 *
 * What a server makes by itself, and cannot be the same twice, is compared by its place and form only: times,
 * ids that are not the test's own (they get numbers in the order of their first appearance, so that one id
 * stays one), tokens, secrets, hashes of receipts, recovery codes and the random numbers of invitations; the
 * headers Date, X-Request-Id and Content-Length are left out.  Everything else, the order of headers, keys and rows and
 * every count, is compared as it was sent.  Of a ZIP its files are compared.
 */
#ifndef PATELLA_TEST_LIKENESS_H
#define PATELLA_TEST_LIKENESS_H

#include "tests/support/client.h"

/* Ids that begin like this are the test's own. */
#define LIKENESS_OWN_ID "0190a1b2-c3d4-7e5f-"

struct likeness;

/* One for each server and each comparison. */
struct likeness *likeness_new(const void *owner);

/* Status, headers and body; belongs to `owner`. */
const char *likeness_of(struct likeness *likeness, const void *owner, const struct client_reply *reply);

/* Where the first of two texts begins to differ from the other, with what stands around it; NULL: nowhere. */
const char *likeness_difference(const void *owner, const char *first, const char *second);

#endif
