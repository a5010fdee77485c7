/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ed25519 keys that blocks and checkpoints are signed with, as PEM files.
 *
 * A key goes by its id: the first eight bytes of the SHA-256 of its 32 public bytes.  The private key is read by the
 * sealer only; a file that others may read is refused.
 */
#ifndef PATELLA_SEAL_KEY_H
#define PATELLA_SEAL_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forms/base/error.h"

enum { SEAL_KEY_ID = 8, SEAL_SIGNATURE = 64 };

struct seal_key;      /* private */
struct seal_keys;     /* public, one or several: after a change of keys old blocks have the old one's signature */

/* Makes both files; a file that is there already is left alone: ERROR_CONFLICT. */
bool seal_key_generate(const char *private_path, const char *public_path, struct error *error) MUST_CHECK;

struct seal_key *seal_key_load(const void *owner, const char *path, struct error *error) MUST_CHECK;
const uint8_t *seal_key_id(const struct seal_key *key);
void seal_key_sign(const struct seal_key *key, const void *message, size_t length, uint8_t signature[SEAL_SIGNATURE]);
/* The public key that belongs to it. */
struct seal_keys *seal_key_public(const void *owner, const struct seal_key *key);

/* A file with one public key or several, one behind the other. */
struct seal_keys *seal_keys_load(const void *owner, const char *path, struct error *error) MUST_CHECK;

enum seal_verdict { SEAL_SIGNED, SEAL_NOT_SIGNED, SEAL_KEY_UNKNOWN };

enum seal_verdict seal_keys_verify(const struct seal_keys *keys, const uint8_t id[SEAL_KEY_ID], const void *message,
                                   size_t length, const uint8_t signature[SEAL_SIGNATURE]);

#endif
