/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Connections, and bytes that are held, per client address, so that one machine cannot take them all.  An
 * IPv6 client is its /64 network: that is what one customer gets.
 */
#ifndef PATELLA_ADDRESSES_H
#define PATELLA_ADDRESSES_H

#include <stddef.h>

#include <sys/socket.h>

enum { ADDRESS_TEXT_SIZE = 46 };

struct address_table;
struct address;

struct address_table *address_table_new(const void *owner);

/* Counts one more connection of the address; NULL when it has `limit` already. */
struct address *address_take(struct address_table *table, const struct sockaddr *peer, size_t limit);
void address_release(struct address_table *table, struct address *address);

/* Counts bytes that a request of one of its connections holds, and that may outlive the connection. */
void address_hold(struct address *address, size_t bytes);
void address_let_go(struct address_table *table, struct address *address, size_t bytes);
size_t address_held(const struct address *address);

/* Numeric text without a port: "127.0.0.1", "::1". */
void address_format(const struct sockaddr *peer, char out[ADDRESS_TEXT_SIZE]);

#endif
