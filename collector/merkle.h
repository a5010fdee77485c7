/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Merkle tree hashes of RFC 6962, section 2.1, with SHA-256, of leaves that come one after the other.
 *
 * A leaf's hash is that of the byte 0 and its data, a node's that of the byte 1 and the hashes of its two children;
 * the left subtree of n leaves holds the largest power of two below n.  The tree of no leaf is the hash of nothing.
 * Memory does not grow with the leaves: one hash for each bit of their number.  Not for proofs.
 */
#ifndef PATELLA_MERKLE_H
#define PATELLA_MERKLE_H

#include <stddef.h>
#include <stdint.h>

enum { MERKLE_HASH = 32 };

struct merkle;

struct merkle *merkle_new(const void *owner);
void merkle_clear(struct merkle *merkle);        /* begins another tree */

/* The leaf hash of `length` bytes; does not add it. */
void merkle_hash_leaf(struct merkle *merkle, const void *data, size_t length, uint8_t hash[MERKLE_HASH]);

void merkle_add(struct merkle *merkle, const uint8_t leaf[MERKLE_HASH]);
uint64_t merkle_count(const struct merkle *merkle);

/* Hash of the tree of all leaves so far; more may be added behind. */
void merkle_root(struct merkle *merkle, uint8_t root[MERKLE_HASH]);

/* Plain SHA-256 of `length` bytes. */
void merkle_sha256(const void *data, size_t length, uint8_t hash[MERKLE_HASH]);

#endif
