/* SPDX-License-Identifier: GPL-3.0-or-later */
/* People as the collector's database functions know them: sessions, and what an administrator does with accounts. */
#ifndef PATELLA_STORE_ACCOUNTS_H
#define PATELLA_STORE_ACCOUNTS_H

#include "collector/store.h"

struct store_membership {
    const char *study;               /* of a session */
    const char *account, *full_name; /* of a list */
    const char *role;
    int *sites;
    size_t site_count;               /* 0: all sites */
    const char *added_at;
    bool password_set, second_factor;
    const char *invited_until;       /* NULL: no open invitation */
};

struct store_session {
    const char *account, *full_name;
    bool second_factor;
    const char *confirmed_at;        /* NULL: not confirmed */
    const char *expires_at, *ends_at;
    int64_t expires_s;               /* unix seconds */
    struct store_membership *memberships;
    size_t count;
};

struct store_memberships {
    struct store_membership *rows;
    size_t count;
};

struct store_invitation {
    int number;
    const char *account, *made_at, *expires_at;
    const char *opened_at;           /* NULL: not yet */
};

struct store_invitations {
    struct store_invitation *rows;
    size_t count;
};

/* ERROR_DENIED when there is no such session. */
struct store_session *store_find_session(const void *owner, struct store *store, const char *token,
                                         struct error *error) MUST_CHECK;

struct store_memberships *store_list_memberships(const void *owner, struct store *store,
                                                 const struct store_reader *reader, struct error *error) MUST_CHECK;

struct store_new_membership {
    const char *account;
    const char *full_name;           /* NULL: the account is there */
    const char *role;
    const int32_t *sites;
    size_t site_count;
};

bool store_add_membership(struct store *store, const struct store_reader *reader,
                          const struct store_new_membership *membership, struct error *error) MUST_CHECK;
bool store_end_membership(struct store *store, const struct store_reader *reader, const char *account,
                          struct error *error) MUST_CHECK;
bool store_disable_account(struct store *store, const struct store_reader *reader, const char *account,
                           struct error *error) MUST_CHECK;

struct store_invitations *store_list_invitations(const void *owner, struct store *store,
                                                 const struct store_reader *reader, struct error *error) MUST_CHECK;
/* `token_sha256`: 32 bytes.  Number, account and end of the new invitation. */
struct store_invitation *store_add_invitation(struct store *store, const struct store_reader *reader,
                                              const char *account, const uint8_t *token_sha256,
                                              const void *owner, struct error *error) MUST_CHECK;
bool store_end_invitation(struct store *store, const struct store_reader *reader, int number,
                          struct error *error) MUST_CHECK;

#endif
