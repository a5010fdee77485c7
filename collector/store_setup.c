/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/store_setup.h"

#include <openssl/sha.h>

#include "collector/store_statements.h"
#include "forms/base/memory.h"

static void read_sites(const void *owner, const struct db_result *result, size_t row, size_t column,
                       struct store_token *token)
{
    double *sites = db_doubles(owner, result, row, column, &token->site_count);
    token->sites = memory_new_array(owner, int, token->site_count + 1);
    for (size_t i = 0; i < token->site_count; i++)
        token->sites[i] = (int)sites[i];
}

struct store_tokens *store_list_tokens(const void *owner, struct store *store, const struct store_reader *reader,
                                       struct error *error)
{
    struct db_parameters *parameters = store_reader_parameters(owner, reader, 2);
    struct db_result *result = store_query(owner, store, STATEMENT_LIST_TOKENS, parameters, error);
    if (result == NULL)
        return NULL;
    struct store_tokens *list = memory_new(owner, struct store_tokens);
    list->count = db_rows(result);
    list->rows = memory_new_array(list, struct store_token, list->count);
    for (size_t row = 0; row < list->count; row++) {
        struct store_token *token = &list->rows[row];
        token->number = (int)db_int(result, row, 0);
        token->account = store_copy(list, result, row, 1);
        token->full_name = store_copy(list, result, row, 2);
        token->role = store_copy(list, result, row, 3);
        read_sites(list, result, row, 4, token);
        token->made_at = store_copy(list, result, row, 5);
        token->expires_at = store_copy(list, result, row, 6);
        token->revoked_at = store_copy(list, result, row, 7);
        token->last_used_at = store_copy(list, result, row, 8);
    }
    return list;
}

struct store_token *store_add_token(const void *owner, struct store *store, const struct store_reader *reader,
                                    const struct store_new_token *token, struct error *error)
{
    struct db_parameters *parameters = store_reader_parameters(owner, reader, 8);
    db_set_text(parameters, 2, token->account);
    db_set_text(parameters, 3, token->full_name);
    db_set_text(parameters, 4, token->role);
    db_set_int_array(parameters, 5, token->sites, token->site_count);
    db_set_bytes(parameters, 6, token->sha256, SHA256_DIGEST_LENGTH);
    db_set_int(parameters, 7, token->days);
    struct db_result *result = db_execute(owner, store->db, STATEMENT_ADD_TOKEN, parameters, error);
    if (result == NULL)
        return NULL;
    struct store_token *added = memory_new(owner, struct store_token);
    added->number = (int)db_int(result, 0, 0);
    added->expires_at = store_copy(added, result, 0, 1);
    return added;
}

bool store_revoke_token(struct store *store, const struct store_reader *reader, int number, struct error *error)
{
    struct db_parameters *parameters = store_reader_parameters(store, reader, 3);
    db_set_int(parameters, 2, number);
    bool revoked = db_run(store->db, STATEMENT_REVOKE_TOKEN, parameters, error);
    talloc_free(parameters);
    return revoked;
}

struct store_protocol_versions *store_list_protocol_versions(const void *owner, struct store *store,
                                                             const struct store_reader *reader, struct error *error)
{
    struct db_parameters *parameters = store_reader_parameters(owner, reader, 2);
    struct db_result *result = store_query(owner, store, STATEMENT_LIST_PROTOCOL_VERSIONS, parameters, error);
    if (result == NULL)
        return NULL;
    struct store_protocol_versions *list = memory_new(owner, struct store_protocol_versions);
    list->count = db_rows(result);
    list->rows = memory_new_array(list, struct store_protocol_version, list->count);
    for (size_t row = 0; row < list->count; row++)
        list->rows[row] = (struct store_protocol_version){
            .version = (int)db_int(result, row, 0),
            .sha256 = store_copy(list, result, row, 1),
            .added_at = store_copy(list, result, row, 2),
            .added_by = store_copy(list, result, row, 3),
        };
    return list;
}

struct store_study_sites *store_list_study_sites(const void *owner, struct store *store,
                                                 const struct store_reader *reader, struct error *error)
{
    struct db_parameters *parameters = store_reader_parameters(owner, reader, 2);
    struct db_result *result = store_query(owner, store, STATEMENT_LIST_STUDY_SITES, parameters, error);
    if (result == NULL)
        return NULL;
    struct store_study_sites *list = memory_new(owner, struct store_study_sites);
    list->count = db_rows(result);
    list->rows = memory_new_array(list, struct store_study_site, list->count);
    for (size_t row = 0; row < list->count; row++)
        list->rows[row] = (struct store_study_site){
            .site = (int)db_int(result, row, 0),
            .name = store_copy(list, result, row, 1),
            .time_zone = store_copy(list, result, row, 2),
            .added_at = store_copy(list, result, row, 3),
            .subjects = (int)db_int(result, row, 4),
        };
    return list;
}
