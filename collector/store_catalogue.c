/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/store.h"

#include "collector/store_statements.h"
#include "forms/base/memory.h"

bool store_catalogue_version(struct store *store, int64_t *version, struct error *error)
{
    struct db_result *result = store_query(store, store, STATEMENT_CATALOGUE_VERSION, NULL, error);
    if (result == NULL)
        return false;
    *version = db_int(result, 0, 0);
    talloc_free(result);
    return true;
}

bool store_seal_status(struct store *store, int64_t *unsealed_s, int64_t *block_s, struct error *error)
{
    struct db_result *result = store_query(store, store, STATEMENT_SEAL_STATUS, NULL, error);
    if (result == NULL)
        return false;
    *unsealed_s = db_int(result, 0, 0);
    *block_s = db_int(result, 0, 1);
    talloc_free(result);
    return true;
}

bool store_note_expiry(struct store *store, const char *what, int64_t ends_at, struct error *error)
{
    if (!store_ensure(store, error))
        return false;
    struct db_parameters *parameters = db_parameters_new(store, 2);
    db_set_text(parameters, 0, what);
    db_set_int(parameters, 1, ends_at);
    bool told = db_run(store->db, STATEMENT_NOTE_EXPIRY, parameters, error);
    talloc_free(parameters);
    return told;
}

static bool read_studies(struct store *store, struct store_catalogue *catalogue, struct error *error)
{
    struct db_result *result = db_execute(catalogue, store->db, STATEMENT_LIST_STUDIES, NULL, error);
    if (result == NULL)
        return false;
    catalogue->study_count = db_rows(result);
    catalogue->studies = memory_new_array(catalogue, struct store_study, catalogue->study_count);
    for (size_t row = 0; row < catalogue->study_count; row++)
        catalogue->studies[row] = (struct store_study){
            .study_id = (int)db_int(result, row, 0),
            .code = db_text(result, row, 1),
            .title = db_text(result, row, 2),
            .frozen = db_bool(result, row, 3),
        };
    return true;
}

static bool read_sites(struct store *store, struct store_catalogue *catalogue, struct error *error)
{
    struct db_result *result = db_execute(catalogue, store->db, STATEMENT_LIST_SITES, NULL, error);
    if (result == NULL)
        return false;
    catalogue->site_count = db_rows(result);
    catalogue->sites = memory_new_array(catalogue, struct store_site, catalogue->site_count);
    for (size_t row = 0; row < catalogue->site_count; row++)
        catalogue->sites[row] = (struct store_site){
            .study_id = (int)db_int(result, row, 0),
            .site = (int)db_int(result, row, 1),
            .name = db_text(result, row, 2),
            .time_zone = db_text(result, row, 3),
        };
    return true;
}

static bool read_protocols(struct store *store, struct store_catalogue *catalogue, struct error *error)
{
    struct db_result *result = db_execute(catalogue, store->db, STATEMENT_LIST_PROTOCOLS, NULL, error);
    if (result == NULL)
        return false;
    catalogue->protocol_count = db_rows(result);
    catalogue->protocols = memory_new_array(catalogue, struct store_definition, catalogue->protocol_count);
    for (size_t row = 0; row < catalogue->protocol_count; row++)
        catalogue->protocols[row] = (struct store_definition){
            .study_id = (int)db_int(result, row, 0),
            .version = (int)db_int(result, row, 1),
            .yaml = db_text(result, row, 2),
        };
    return true;
}

static bool read_forms(struct store *store, struct store_catalogue *catalogue, struct error *error)
{
    struct db_result *result = db_execute(catalogue, store->db, STATEMENT_LIST_FORMS, NULL, error);
    if (result == NULL)
        return false;
    catalogue->form_count = db_rows(result);
    catalogue->forms = memory_new_array(catalogue, struct store_definition, catalogue->form_count);
    for (size_t row = 0; row < catalogue->form_count; row++)
        catalogue->forms[row] = (struct store_definition){
            .study_id = (int)db_int(result, row, 0),
            .form = db_text(result, row, 1),
            .version = (int)db_int(result, row, 2),
            .yaml = db_text(result, row, 3),
        };
    return true;
}

static bool read_wordings(struct store *store, struct store_catalogue *catalogue, struct error *error)
{
    struct db_result *result = db_execute(catalogue, store->db, STATEMENT_LIST_WORDINGS, NULL, error);
    if (result == NULL)
        return false;
    catalogue->wording_count = db_rows(result);
    catalogue->wordings = memory_new_array(catalogue, struct store_wording, catalogue->wording_count);
    for (size_t row = 0; row < catalogue->wording_count; row++)
        catalogue->wordings[row] = (struct store_wording){
            .study_id = (int)db_int(result, row, 0),
            .form = db_text(result, row, 1),
            .version = (int)db_int(result, row, 2),
            .language = db_text(result, row, 3),
            .yaml = db_text(result, row, 4),
        };
    return true;
}

static bool read_version(struct store *store, struct store_catalogue *catalogue, struct error *error)
{
    struct db_result *result = db_execute(catalogue, store->db, STATEMENT_CATALOGUE_VERSION, NULL, error);
    if (result == NULL)
        return false;
    catalogue->version = db_int(result, 0, 0);
    return true;
}

/* Texts stay where they are, in the results: those hang on the catalogue. */
struct store_catalogue *store_read_catalogue(const void *owner, struct store *store, struct error *error)
{
    if (!db_begin(store->db, DB_REPEATABLE_READ_ONLY, error))
        return NULL;
    struct store_catalogue *catalogue = memory_new(owner, struct store_catalogue);
    bool unknown = false;
    if (read_version(store, catalogue, error) && read_studies(store, catalogue, error) &&
        read_sites(store, catalogue, error) && read_protocols(store, catalogue, error) &&
        read_forms(store, catalogue, error) && read_wordings(store, catalogue, error) &&
        db_commit(store->db, &unknown, error))
        return catalogue;
    db_rollback(store->db);
    talloc_free(catalogue);
    return NULL;
}
