/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A certificate made on the spot: ECDSA P-256, self-signed, for localhost and 127.0.0.1. */
#ifndef PATELLA_TEST_CERTIFICATE_H
#define PATELLA_TEST_CERTIFICATE_H

/* Writes both as PEM; a failure fails the test. */
void certificate_make(const char *certificate_path, const char *key_path);

/* The same, one that ends in so many days. */
void certificate_make_ending(const char *certificate_path, const char *key_path, int days);

/* The same, one that has ended a minute ago. */
void certificate_make_expired(const char *certificate_path, const char *key_path);

#endif
