/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/store_seal.h"

#include <string.h>

#include "forms/base/memory.h"
#include "migrations/db.h"
#include "migrations/migrate.h"

enum statement {
    SEAL_LOCK,
    SEAL_STATE,
    SEAL_SET_RANGE,
    SEAL_READ_ROWS,
    SEAL_ADD_BLOCK,
    SEAL_LIST_BLOCKS,
    SEAL_COUNT,
    SEAL_ERAS,
    SEAL_OBJECTS,
    SEAL_SET_OBJECT,
    SEAL_TABLE,
    SEAL_NEXT_SITE,
    SEAL_SET_SITE,
    SEAL_SUBMISSIONS,
    SEAL_OPEN_ERA,
    SEAL_NOTE_FAILURE,
    SEAL_STATEMENTS
};

/* COPY has no parameters: these settings of the transaction are theirs. */
#define SETTING(name) "pg_catalog.current_setting('patella_seal." name "')"

static const struct db_statement statements[SEAL_STATEMENTS] = {
    [SEAL_LOCK] = {"lock", "SELECT pg_catalog.pg_advisory_xact_lock(90, 0)"},
    [SEAL_STATE] = {"state",
        "SELECT s.era, s.next_xid, s.horizon, s.block_no, s.block_era, s.upto_xid, s.upto_seq, s.hash\n"
        "FROM audit.seal_state() s"},
    [SEAL_SET_RANGE] = {"set range",
        "SELECT pg_catalog.set_config(setting.name, setting.value, true)\n"
        "FROM (VALUES\n"
        "    ('patella_seal.era', $1::text),\n"
        "    ('patella_seal.from_xid', $2::text),\n"
        "    ('patella_seal.from_seq', $3::text),\n"
        "    ('patella_seal.upto_xid', $4::text),\n"
        "    ('patella_seal.upto_seq', $5::text),\n"
        "    ('patella_seal.most', $6::text)\n"
        ") setting (name, value)"},
    [SEAL_READ_ROWS] = {.name = "read rows", .copies = true, .sql =
        "COPY (\n"
        "    SELECT r.*\n"
        "    FROM audit.rows_between(" SETTING("era") "::smallint, " SETTING("from_xid") "::xid8,\n"
        "        " SETTING("from_seq") "::bigint, " SETTING("upto_xid") "::xid8,\n"
        "        " SETTING("upto_seq") "::bigint, " SETTING("most") "::bigint) r\n"
        ") TO STDOUT (FORMAT binary)"},
    [SEAL_ADD_BLOCK] = {"add block",
        "SELECT audit.add_block($1::bigint, $2::smallint, $3::xid8, $4::bigint, $5::xid8, $6::bigint, $7::int,\n"
        "    $8::bytea, $9::bytea, $10::bytea, $11::bigint, $12::bytea, $13::bytea, $14::bytea, $15::text,\n"
        "    $16::bytea)"},
    [SEAL_LIST_BLOCKS] = {"list blocks",
        "SELECT b.block_no, b.era, b.from_xid, b.from_seq, b.upto_xid, b.upto_seq, b.row_count, b.sealed_us,\n"
        "    b.root, b.list_sha256, b.before, b.key_id, b.signature, b.objects, b.entries\n"
        "FROM audit.list_blocks($1::bigint, 1) b"},
    [SEAL_COUNT] = {"count rows", "SELECT audit.count_rows()"},
    [SEAL_ERAS] = {"list eras",
        "SELECT e.era, e.after_block, e.reason\n"
        "FROM audit.list_eras() e\n"
        "ORDER BY e.era"},
    [SEAL_OBJECTS] = {"list objects",
        "SELECT o.object, pg_catalog.array_to_string(o.left_out, ',')\n"
        "FROM audit.list_objects() o"},
    [SEAL_SET_OBJECT] = {"set object", "SELECT pg_catalog.set_config('patella_seal.object', $1::text, true)"},
    [SEAL_TABLE] = {.name = "read table", .copies = true, .sql =
        "COPY (SELECT r.new FROM audit.table_rows(" SETTING("object") ") r) TO STDOUT (FORMAT binary)"},
    [SEAL_NEXT_SITE] = {"next site",
        "SELECT s.study_id, s.site_id\n"
        "FROM audit.next_site($1::int, $2::int) s"},
    [SEAL_SET_SITE] = {"set site",
        "SELECT pg_catalog.set_config('patella_seal.study', $1::text, true),\n"
        "    pg_catalog.set_config('patella_seal.site', $2::text, true)"},
    [SEAL_SUBMISSIONS] = {.name = "read submissions", .copies = true, .sql =
        "COPY (\n"
        "    SELECT r.*\n"
        "    FROM audit.submission_rows(" SETTING("study") "::int, " SETTING("site") "::int) r\n"
        ") TO STDOUT (FORMAT binary)"},
    [SEAL_OPEN_ERA] = {"open era", "SELECT o.era, o.after_block FROM audit.open_era($1::text) o"},
    [SEAL_NOTE_FAILURE] = {"note failure", "SELECT audit.note_failed_seal()"},
};

static struct db *open_with(const void *owner, const char *conninfo, size_t statement_count, struct error *error)
{
    const struct db_options options = {
        .conninfo = conninfo,
        .default_user = "patella_sealer",
        .application_name = "patella-seal",
        .statements = statements,
        .statement_count = statement_count,
        .verbose_errors = true,
    };
    return db_open(owner, &options, error);
}

/* The schema is looked at before statements are prepared, for a message that says what to do. */
struct db *store_seal_open(const void *owner, const char *conninfo, struct error *error)
{
    struct db *plain = open_with(owner, conninfo, 0, error);
    bool fits = plain != NULL && migrate_check(plain, error);
    talloc_free(plain);
    return fits ? open_with(owner, conninfo, SEAL_STATEMENTS, error) : NULL;
}

bool store_seal_lock(struct db *db, struct error *error)
{
    return db_run(db, SEAL_LOCK, NULL, error);
}

bool store_seal_note_failure(struct db *db, struct error *error)
{
    return db_run(db, SEAL_NOTE_FAILURE, NULL, error);
}

/* What has another size than it should becomes zeros, which nothing is signed for. */
static void take_bytes(const struct db_result *result, size_t row, size_t column, uint8_t *out, size_t size)
{
    size_t length;
    void *bytes = db_bytes(NULL, result, row, column, &length);
    memset(out, 0, size);
    if (length == size)
        memcpy(out, bytes, size);
    talloc_free(bytes);
}

bool store_seal_state(struct db *db, struct store_seal_state *state, struct error *error)
{
    struct db_result *result = db_execute(NULL, db, SEAL_STATE, NULL, error);
    if (result == NULL)
        return false;
    *state = (struct store_seal_state){
        .era = (int)db_int(result, 0, 0),
        .next_xid = db_int(result, 0, 1),
        .horizon = db_int(result, 0, 2),
        .block = db_int(result, 0, 3),
        .block_era = (int)db_int(result, 0, 4),
        .upto = {db_int(result, 0, 5), db_int(result, 0, 6)},
    };
    take_bytes(result, 0, 7, state->hash, MERKLE_HASH);
    talloc_free(result);
    return true;
}

bool store_seal_rows(struct db *db, const struct store_seal_range *range, db_copy_function *row, void *context,
                     struct error *error)
{
    struct db_parameters *parameters = db_parameters_new(NULL, 6);
    db_set_int(parameters, 0, range->era);
    db_set_int(parameters, 1, range->from.xid);
    db_set_int(parameters, 2, range->from.seq);
    db_set_int(parameters, 3, range->upto.xid);
    db_set_int(parameters, 4, range->upto.seq);
    db_set_int(parameters, 5, range->most);
    const struct db_copy copy = {db, SEAL_READ_ROWS, row, context};
    bool done = db_run(db, SEAL_SET_RANGE, parameters, error) && db_copy(&copy, 1, error);
    talloc_free(parameters);
    return done;
}

bool store_seal_add(struct db *db, const struct seal_block *block, struct error *error)
{
    uint8_t hash[MERKLE_HASH];
    struct db_parameters *parameters = db_parameters_new(NULL, 16);
    seal_block_hash(block, hash);
    db_set_int(parameters, 0, block->number);
    db_set_int(parameters, 1, block->era);
    db_set_int(parameters, 2, block->from.xid);
    db_set_int(parameters, 3, block->from.seq);
    db_set_int(parameters, 4, block->upto.xid);
    db_set_int(parameters, 5, block->upto.seq);
    db_set_int(parameters, 6, block->rows);
    db_set_bytes(parameters, 7, block->root, MERKLE_HASH);
    db_set_bytes(parameters, 8, block->list, MERKLE_HASH);
    db_set_bytes(parameters, 9, block->before, MERKLE_HASH);
    db_set_int(parameters, 10, block->sealed_us);
    db_set_bytes(parameters, 11, block->key_id, SEAL_KEY_ID);
    db_set_bytes(parameters, 12, hash, MERKLE_HASH);
    db_set_bytes(parameters, 13, block->signature, SEAL_SIGNATURE);
    db_set_text(parameters, 14, block->objects);
    db_set_bytes(parameters, 15, block->entries, (size_t)block->rows * SEAL_ENTRY);
    bool added = db_run(db, SEAL_ADD_BLOCK, parameters, error);
    talloc_free(parameters);
    return added;
}

static void take_block(const void *owner, const struct db_result *result, struct seal_block *block)
{
    size_t length;
    *block = (struct seal_block){
        .number = db_int(result, 0, 0),
        .era = (int)db_int(result, 0, 1),
        .from = {db_int(result, 0, 2), db_int(result, 0, 3)},
        .upto = {db_int(result, 0, 4), db_int(result, 0, 5)},
        .rows = db_int(result, 0, 6),
        .sealed_us = db_int(result, 0, 7),
    };
    take_bytes(result, 0, 8, block->root, MERKLE_HASH);
    take_bytes(result, 0, 9, block->list, MERKLE_HASH);
    take_bytes(result, 0, 10, block->before, MERKLE_HASH);
    take_bytes(result, 0, 11, block->key_id, SEAL_KEY_ID);
    take_bytes(result, 0, 12, block->signature, SEAL_SIGNATURE);
    block->objects = memory_copy_string(owner, db_text(result, 0, 13));
    block->entries = db_bytes(owner, result, 0, 14, &length);
    if (length / SEAL_ENTRY < (size_t)block->rows)      /* somebody took the table's check away */
        block->rows = (int64_t)(length / SEAL_ENTRY);
}

bool store_seal_block(const void *owner, struct db *db, int64_t number, struct seal_block *block, bool *found,
                      struct error *error)
{
    struct db_parameters *parameters = db_parameters_new(NULL, 1);
    db_set_int(parameters, 0, number);
    struct db_result *result = db_execute(NULL, db, SEAL_LIST_BLOCKS, parameters, error);
    talloc_free(parameters);
    *found = result != NULL && db_rows(result) == 1;
    if (*found)
        take_block(owner, result, block);
    talloc_free(result);
    return result != NULL;
}

bool store_seal_count(struct db *db, int64_t *count, struct error *error)
{
    struct db_result *result = db_execute(NULL, db, SEAL_COUNT, NULL, error);
    *count = result != NULL ? db_int(result, 0, 0) : 0;
    talloc_free(result);
    return result != NULL;
}

struct store_seal_eras *store_seal_eras(const void *owner, struct db *db, struct error *error)
{
    struct db_result *result = db_execute(owner, db, SEAL_ERAS, NULL, error);
    if (result == NULL)
        return NULL;
    struct store_seal_eras *eras = memory_new(owner, struct store_seal_eras);
    eras->count = db_rows(result);
    eras->at = memory_zeroed(eras, eras->count, sizeof *eras->at, "eras");
    for (size_t i = 0; i < eras->count; i++) {
        eras->at[i].era = (int)db_int(result, i, 0);
        eras->at[i].after = db_int(result, i, 1);
        eras->at[i].reason = memory_copy_string(eras, db_text(result, i, 2));
    }
    talloc_free(result);
    return eras;
}

struct store_seal_objects *store_seal_objects(const void *owner, struct db *db, struct error *error)
{
    struct db_result *result = db_execute(owner, db, SEAL_OBJECTS, NULL, error);
    if (result == NULL)
        return NULL;
    struct store_seal_objects *objects = memory_new(owner, struct store_seal_objects);
    objects->count = db_rows(result);
    objects->names = memory_new_array(objects, const char *, objects->count);
    objects->left_out = memory_new_array(objects, const char *, objects->count);
    for (size_t i = 0; i < objects->count; i++) {
        objects->names[i] = memory_copy_string(objects, db_text(result, i, 0));
        objects->left_out[i] = memory_copy_string(objects, db_text(result, i, 1));
    }
    talloc_free(result);
    return objects;
}

bool store_seal_table(struct db *db, const char *object, db_copy_function *row, void *context, struct error *error)
{
    struct db_parameters *parameters = db_parameters_new(NULL, 1);
    db_set_text(parameters, 0, object);
    const struct db_copy copy = {db, SEAL_TABLE, row, context};
    bool done = db_run(db, SEAL_SET_OBJECT, parameters, error) && db_copy(&copy, 1, error);
    talloc_free(parameters);
    return done;
}

/* Moves on to the next site that has submissions. */
static bool next_site(struct db *db, int64_t *study, int64_t *site, bool *found, struct error *error)
{
    struct db_parameters *parameters = db_parameters_new(NULL, 2);
    db_set_int(parameters, 0, *study);
    db_set_int(parameters, 1, *site);
    struct db_result *result = db_execute(NULL, db, SEAL_NEXT_SITE, parameters, error);
    *found = result != NULL && db_rows(result) == 1;
    if (*found) {
        *study = db_int(result, 0, 0);
        *site = db_int(result, 0, 1);
        db_set_int(parameters, 0, *study);
        db_set_int(parameters, 1, *site);
    }
    bool done = result != NULL && (!*found || db_run(db, SEAL_SET_SITE, parameters, error));
    talloc_free(result);
    talloc_free(parameters);
    return done;
}

bool store_seal_submissions(struct db *db, db_copy_function *row, void *context, struct error *error)
{
    const struct db_copy copy = {db, SEAL_SUBMISSIONS, row, context};
    int64_t study = INT32_MIN, site = INT32_MIN;
    for (bool found;;) {
        if (!next_site(db, &study, &site, &found, error))
            return false;
        if (!found)
            return true;
        if (!db_copy(&copy, 1, error))
            return false;
    }
}

bool store_seal_open_era(struct db *db, const char *reason, int *era, int64_t *after, struct error *error)
{
    struct db_parameters *parameters = db_parameters_new(NULL, 1);
    db_set_text(parameters, 0, reason);
    struct db_result *result = db_execute(NULL, db, SEAL_OPEN_ERA, parameters, error);
    if (result != NULL) {
        *era = (int)db_int(result, 0, 0);
        *after = db_int(result, 0, 1);
    }
    talloc_free(result);
    talloc_free(parameters);
    return result != NULL;
}
