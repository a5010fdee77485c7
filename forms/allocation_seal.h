/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Cohorts as sealed bytes: what the database keeps of the allocation of a masked study.
 *
 *   key's id (8)  nonce (12)  cohort, filled up with zeros and encrypted (64)  tag (16)
 * AES-256-GCM (NIST SP 800-38D); associated data are the key's id, study, site, subject, knee and entry, so that bytes
 * that were moved to another row do not open.  All are of one length.  The nonce is not drawn but made from what is
 * sealed, by HMAC-SHA-256 under a key of its own, as in RFC 8452: the same cohort for the same place gives the same
 * bytes, another one other bytes, and no place is used twice.  So equal entries are told without being opened.
 */
#ifndef PATELLA_ALLOCATION_SEAL_H
#define PATELLA_ALLOCATION_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forms/base/error.h"

enum {
    ALLOCATION_KEY_ID_BYTES = 8,
    ALLOCATION_KEY_ID_SIZE = 2 * ALLOCATION_KEY_ID_BYTES + 1,    /* in hexadecimal, with its NUL */
    ALLOCATION_COHORT_SIZE = 64,                                 /* with its NUL */
    ALLOCATION_SEALED = ALLOCATION_KEY_ID_BYTES + 12 + ALLOCATION_COHORT_SIZE + 16
};

/* The row that a cohort stands in. */
struct allocation_place {
    const char *study;           /* code */
    int site, subject;
    const char *knee;            /* "none", "left", "right" */
    int entry;                   /* >= 1 */
};

/* One key or several: entries keep the one they were made with.  Used by one thread at a time. */
struct allocation_keys;

/* What a new key's file says: a key of 32 random bytes, with its id; `id` out. */
char *allocation_key_text(const void *owner, char id[ALLOCATION_KEY_ID_SIZE]);

/*
 * A file of lines "patella-allocation-key ID KEY", both in hexadecimal; empty ones and those that begin with # are
 * passed over.  Only its owner may read it (forms/base/secret_file.h).
 */
struct allocation_keys *allocation_keys_load(const void *owner, const char *path, struct error *error) MUST_CHECK;

size_t allocation_keys_count(const struct allocation_keys *keys);
/* The ids in the order of the file. */
const char *allocation_keys_id(const struct allocation_keys *keys, size_t at);
bool allocation_keys_has(const struct allocation_keys *keys, const char *id);

/* `cohort` of at most 63 bytes.  ERROR_NOT_FOUND when the key is none of them; `keys` may be NULL: none at all. */
bool allocation_seal(const struct allocation_keys *keys, const char *id, const struct allocation_place *place,
                     const char *cohort, uint8_t sealed[ALLOCATION_SEALED], struct error *error) MUST_CHECK;

/*
 * The cohort that was sealed for this place.  ERROR_NOT_FOUND, with the key's id, when its key is none of `keys` (NULL:
 * none at all); ERROR_INPUT when the bytes were altered, or sealed for another place.  `cohort` is untouched then.
 */
bool allocation_open(const struct allocation_keys *keys, const struct allocation_place *place, const uint8_t *sealed,
                     size_t length, char cohort[ALLOCATION_COHORT_SIZE], struct error *error) MUST_CHECK;

#endif
