/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a study is set up, as its administrator sees it: tokens of programs, protocol versions, sites. */
#ifndef PATELLA_STORE_SETUP_H
#define PATELLA_STORE_SETUP_H

#include "collector/store.h"

struct store_token {
    int number;                      /* of the study, from 1 in the order in which they were made */
    const char *account, *full_name, *role;
    int *sites;
    size_t site_count;               /* 0: all sites */
    const char *made_at, *expires_at;
    const char *revoked_at, *last_used_at; /* NULL: not */
};

struct store_tokens {
    struct store_token *rows;        /* newest first */
    size_t count;
};

struct store_new_token {
    const char *account;
    const char *full_name;           /* NULL: the account is there */
    const char *role;
    const int32_t *sites;
    size_t site_count;
    int days;
    const uint8_t *sha256;           /* 32 bytes */
};

struct store_protocol_version {
    int version;
    const char *sha256;              /* hexadecimal */
    const char *added_at;
    const char *added_by;            /* NULL: the trail does not say */
};

struct store_protocol_versions {
    struct store_protocol_version *rows; /* newest first */
    size_t count;
};

struct store_study_site {
    int site;
    const char *name, *time_zone, *added_at;
    int subjects;
};

struct store_study_sites {
    struct store_study_site *rows;
    size_t count;
};

struct store_tokens *store_list_tokens(const void *owner, struct store *store, const struct store_reader *reader,
                                       struct error *error) MUST_CHECK;
/*
 * Number and end of the new token.  ERROR_DENIED when the account is a person's, another study's, or there without a
 * token of this study; ERROR_CONFLICT when `full_name` is given and the account is there.
 */
struct store_token *store_add_token(const void *owner, struct store *store, const struct store_reader *reader,
                                    const struct store_new_token *token, struct error *error) MUST_CHECK;
bool store_revoke_token(struct store *store, const struct store_reader *reader, int number,
                        struct error *error) MUST_CHECK;

struct store_protocol_versions *store_list_protocol_versions(const void *owner, struct store *store,
                                                             const struct store_reader *reader,
                                                             struct error *error) MUST_CHECK;
struct store_study_sites *store_list_study_sites(const void *owner, struct store *store,
                                                 const struct store_reader *reader, struct error *error) MUST_CHECK;

#endif
