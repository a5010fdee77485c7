/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/store_accounts.h"

#include <string.h>

#include <openssl/sha.h>

#include "collector/store_statements.h"
#include "forms/base/memory.h"

static void read_sites(const void *owner, const struct db_result *result, size_t row, size_t column,
                       struct store_membership *membership)
{
    double *sites = db_doubles(owner, result, row, column, &membership->site_count);
    membership->sites = memory_new_array(owner, int, membership->site_count + 1);
    for (size_t i = 0; i < membership->site_count; i++)
        membership->sites[i] = (int)sites[i];
}

/* ---- sessions ---- */

static void read_session_roles(struct store_session *session, const struct db_result *result)
{
    size_t rows = db_rows(result);
    session->memberships = memory_new_array(session, struct store_membership, rows);
    for (size_t row = 0; row < rows; row++) {
        if (db_is_null(result, row, 7))
            continue;
        struct store_membership *membership = &session->memberships[session->count++];
        membership->study = store_copy(session, result, row, 7);
        membership->role = store_copy(session, result, row, 8);
        read_sites(session, result, row, 9, membership);
    }
}

struct store_session *store_find_session(const void *owner, struct store *store, const char *token,
                                         struct error *error)
{
    struct db_parameters *parameters = db_parameters_new(owner, 1);
    db_set_bytes(parameters, 0, token, strlen(token));
    struct db_result *result = store_query(owner, store, STATEMENT_FIND_SESSION, parameters, error);
    if (result == NULL && error->kind == ERROR_DENIED)
        error->kind = ERROR_DATABASE;   /* we are refused, not the session */
    if (result == NULL)
        return NULL;
    if (db_rows(result) == 0) {
        error_set(error, ERROR_DENIED, "the session has ended; log in again");
        return NULL;
    }
    struct store_session *session = memory_new(owner, struct store_session);
    session->account = store_copy(session, result, 0, 0);
    session->full_name = store_copy(session, result, 0, 1);
    session->second_factor = db_bool(result, 0, 2);
    session->confirmed_at = store_copy(session, result, 0, 3);
    session->expires_at = store_copy(session, result, 0, 4);
    session->ends_at = store_copy(session, result, 0, 5);
    session->expires_s = db_int(result, 0, 6);
    read_session_roles(session, result);
    return session;
}

struct principal *store_find_session_principal(struct store *store, const char *token, struct error *error)
{
    void *work = memory_owner(NULL, "find session");
    const struct store_session *session = store_find_session(work, store, token, error);
    struct principal *principal = NULL;
    if (session != NULL) {
        principal = memory_new(NULL, struct principal);
        principal->token = memory_copy_string(principal, token);
        principal->account = memory_copy_string(principal, session->account);
        principal->role = ROLE_SESSION;
        principal->expires_at = session->expires_s;
        principal->study_count = session->count;
        principal->studies = memory_new_array(principal, char *, session->count);
        for (size_t i = 0; i < session->count; i++)
            principal->studies[i] = memory_copy_string(principal, session->memberships[i].study);
    }
    talloc_free(work);
    return principal;
}

/* ---- roles in a study ---- */

struct store_memberships *store_list_memberships(const void *owner, struct store *store,
                                                 const struct store_reader *reader, struct error *error)
{
    struct db_parameters *parameters = store_reader_parameters(owner, reader, 2);
    struct db_result *result = store_query(owner, store, STATEMENT_LIST_MEMBERSHIPS, parameters, error);
    if (result == NULL)
        return NULL;
    struct store_memberships *list = memory_new(owner, struct store_memberships);
    list->count = db_rows(result);
    list->rows = memory_new_array(list, struct store_membership, list->count);
    for (size_t row = 0; row < list->count; row++) {
        struct store_membership *membership = &list->rows[row];
        membership->account = store_copy(list, result, row, 0);
        membership->full_name = store_copy(list, result, row, 1);
        membership->role = store_copy(list, result, row, 2);
        read_sites(list, result, row, 3, membership);
        membership->added_at = store_copy(list, result, row, 4);
        membership->password_set = db_bool(result, row, 5);
        membership->second_factor = db_bool(result, row, 6);
        membership->invited_until = store_copy(list, result, row, 7);
    }
    return list;
}

bool store_add_membership(struct store *store, const struct store_reader *reader,
                          const struct store_new_membership *membership, struct error *error)
{
    struct db_parameters *parameters = store_reader_parameters(store, reader, 6);
    db_set_text(parameters, 2, membership->account);
    db_set_text(parameters, 3, membership->full_name);
    db_set_text(parameters, 4, membership->role);
    db_set_int_array(parameters, 5, membership->sites, membership->site_count);
    bool added = db_run(store->db, STATEMENT_ADD_MEMBERSHIP, parameters, error);
    talloc_free(parameters);
    return added;
}

static bool run_for_account(struct store *store, const struct store_reader *reader, enum store_statement statement,
                            const char *account, struct error *error)
{
    struct db_parameters *parameters = store_reader_parameters(store, reader, 3);
    db_set_text(parameters, 2, account);
    bool done = db_run(store->db, statement, parameters, error);
    talloc_free(parameters);
    return done;
}

bool store_end_membership(struct store *store, const struct store_reader *reader, const char *account,
                          struct error *error)
{
    return run_for_account(store, reader, STATEMENT_END_MEMBERSHIP, account, error);
}

bool store_disable_account(struct store *store, const struct store_reader *reader, const char *account,
                           struct error *error)
{
    return run_for_account(store, reader, STATEMENT_DISABLE_ACCOUNT, account, error);
}

/* ---- invitations ---- */

struct store_invitations *store_list_invitations(const void *owner, struct store *store,
                                                 const struct store_reader *reader, struct error *error)
{
    struct db_parameters *parameters = store_reader_parameters(owner, reader, 2);
    struct db_result *result = store_query(owner, store, STATEMENT_LIST_INVITATIONS, parameters, error);
    if (result == NULL)
        return NULL;
    struct store_invitations *list = memory_new(owner, struct store_invitations);
    list->count = db_rows(result);
    list->rows = memory_new_array(list, struct store_invitation, list->count);
    for (size_t row = 0; row < list->count; row++)
        list->rows[row] = (struct store_invitation){
            .number = (int)db_int(result, row, 0),
            .account = store_copy(list, result, row, 1),
            .made_at = store_copy(list, result, row, 2),
            .expires_at = store_copy(list, result, row, 3),
            .opened_at = store_copy(list, result, row, 4),
        };
    return list;
}

struct store_invitation *store_add_invitation(struct store *store, const struct store_reader *reader,
                                              const char *account, const uint8_t *token_sha256,
                                              const void *owner, struct error *error)
{
    struct db_parameters *parameters = store_reader_parameters(owner, reader, 4);
    db_set_text(parameters, 2, account);
    db_set_bytes(parameters, 3, token_sha256, SHA256_DIGEST_LENGTH);
    struct db_result *result = db_execute(owner, store->db, STATEMENT_ADD_INVITATION, parameters, error);
    if (result == NULL)
        return NULL;
    struct store_invitation *invitation = memory_new(owner, struct store_invitation);
    invitation->number = (int)db_int(result, 0, 0);
    invitation->account = account;
    invitation->expires_at = store_copy(owner, result, 0, 1);
    return invitation;
}

bool store_end_invitation(struct store *store, const struct store_reader *reader, int number, struct error *error)
{
    struct db_parameters *parameters = store_reader_parameters(store, reader, 3);
    db_set_int(parameters, 2, number);
    bool ended = db_run(store->db, STATEMENT_END_INVITATION, parameters, error);
    talloc_free(parameters);
    return ended;
}
