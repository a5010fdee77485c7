/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "migrations/migrate.h"

#include <inttypes.h>
#include <openssl/sha.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "migrations/migration_list.h"

enum { HEX_SIZE = 2 * SHA256_DIGEST_LENGTH + 1 };

/* A migration that the database says it has. */
struct applied {
    int number;
    const char *name;
    const char *sha256;      /* hexadecimal */
    const char *at;          /* "" when it was not asked for */
};

struct applied_list {
    struct applied *items;
    size_t count;
};

enum state { STATE_APPLIED, STATE_PENDING, STATE_ALTERED, STATE_UNKNOWN };

static void hash(const struct migration *migration, char hex[HEX_SIZE])
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    SHA256((const uint8_t *)migration->sql, migration->length, digest);
    text_to_hex(digest, sizeof digest, hex);
}

static bool read_applied(const void *owner, struct db *db, const char *sql, struct applied_list *list,
                         struct error *error)
{
    struct db_result *result = db_query(owner, db, sql, NULL, error);
    if (!result)
        return false;
    list->count = db_rows(result);
    list->items = memory_new_array(owner, struct applied, list->count);
    for (size_t i = 0; i < list->count; i++)
        list->items[i] = (struct applied){(int)db_int(result, i, 0), db_text(result, i, 1), db_text(result, i, 2),
                                          db_text(result, i, 3)};
    return true;
}

static const struct applied *find_applied(const struct applied_list *list, int number)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].number == number)
            return &list->items[i];
    return NULL;
}

static bool is_known(int number)
{
    return number >= 1 && (size_t)number <= migration_count;
}

static enum state state_of(const struct applied_list *list, const struct migration *migration)
{
    const struct applied *applied = find_applied(list, migration->number);
    char hex[HEX_SIZE];
    if (!applied)
        return STATE_PENDING;
    hash(migration, hex);
    return strcmp(applied->sha256, hex) == 0 ? STATE_APPLIED : STATE_ALTERED;
}

/* What no program may go on with: the database was made by another text than the one in this program. */
static bool refuse_unknown_and_altered(const struct applied_list *list, struct error *error)
{
    for (size_t i = 0; i < list->count; i++)
        if (!is_known(list->items[i].number))
            return error_set(error, ERROR_CONFLICT, "the database has migration %04d (%s), which this program does "
                             "not know; install the version of Patella that made it", list->items[i].number,
                             list->items[i].name);
    for (size_t i = 0; i < migration_count; i++)
        if (state_of(list, &migration_list[i]) == STATE_ALTERED)
            return error_set(error, ERROR_CONFLICT, "migration %04d (%s) in the database has another text than in "
                             "this program; a landed migration is never edited: install the version that made the "
                             "database, or restore it", migration_list[i].number, migration_list[i].name);
    return true;
}

static bool refuse_pending(const struct applied_list *list, struct error *error)
{
    for (size_t i = 0; i < migration_count; i++)
        if (state_of(list, &migration_list[i]) == STATE_PENDING)
            return error_set(error, ERROR_CONFLICT, "migration %04d (%s) is pending; run `patella-migrate up`",
                             migration_list[i].number, migration_list[i].name);
    return true;
}

static int highest(const struct applied_list *list)
{
    int number = 0;
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].number > number)
            number = list->items[i].number;
    return number;
}

/* Applied after what came later, it would meet a schema that nobody has tried it on. */
static bool refuse_overtaken(const struct applied_list *list, struct error *error)
{
    int newest = highest(list);
    for (size_t i = 0; i < migration_count; i++)
        if (migration_list[i].number < newest && state_of(list, &migration_list[i]) == STATE_PENDING)
            return error_set(error, ERROR_CONFLICT, "migration %04d (%s) is not in the database, which has %04d "
                             "already: migrations go in order only; give it the next number, or restore the "
                             "database", migration_list[i].number, migration_list[i].name, newest);
    return true;
}

static bool check_with(const void *owner, struct db *db, struct error *error)
{
    static const char sql[] = "SELECT m.number, m.name, pg_catalog.encode(m.sha256, 'hex'), '' "
                              "FROM api.schema_status() m";
    struct applied_list list = {NULL, 0};
    if (read_applied(owner, db, sql, &list, error))
        return refuse_unknown_and_altered(&list, error) && refuse_overtaken(&list, error) &&
               refuse_pending(&list, error);
    /* No such schema, no such function. */
    if (strcmp(error->sqlstate, "3F000") == 0 || strcmp(error->sqlstate, "42883") == 0)
        error_set(error, ERROR_CONFLICT, "the database has no tables of Patella yet; run `patella-migrate up`");
    return false;
}

bool migrate_check(struct db *db, struct error *error)
{
    void *work = memory_owner(NULL, "migrate check");
    bool right = check_with(work, db, error);
    talloc_free(work);
    return right;
}

bool migrate_check_era(struct db *db, struct error *error)
{
    struct db_result *result = db_query(NULL, db, "SELECT api.transactions_went_back()", NULL, error);
    bool right = result != NULL && !db_bool(result, 0, 0);
    if (result != NULL && !right)
        error_set(error, ERROR_CONFLICT, "numbers of transactions went back: the database came out of a dump, and new "
                  "rows would count among those of old data cuts; open a new era with `patella-seal new-era` before "
                  "anything is written to it");
    talloc_free(result);
    return right;
}

/* ------------------------------------------------------------------------------------------------ up */

/* The runner's own table; everything else comes from sql/. */
static const char make_table[] =
    "CREATE SCHEMA IF NOT EXISTS patella_meta;\n"
    "CREATE TABLE IF NOT EXISTS patella_meta.migration (\n"
    "    number int PRIMARY KEY CHECK (number >= 1),\n"
    "    name text NOT NULL,\n"
    "    sha256 bytea NOT NULL,\n"
    "    applied_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),\n"
    "    applied_by name NOT NULL DEFAULT session_user);\n";

static const char read_table[] =
    "SELECT m.number, m.name, pg_catalog.encode(m.sha256, 'hex'),\n"
    "       pg_catalog.to_char(m.applied_at, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')\n"
    "FROM patella_meta.migration m\n"
    "ORDER BY m.number";

static bool need_superuser(const void *owner, struct db *db, struct error *error)
{
    struct db_result *result = db_query(owner, db, "SELECT pg_catalog.current_setting('is_superuser') = 'on', "
                                        "session_user", NULL, error);
    if (!result)
        return false;
    if (db_bool(result, 0, 0))
        return true;
    return error_set(error, ERROR_DENIED, "role %s is no superuser, and migrations make roles and event triggers; "
                     "connect as the cluster's superuser (--db \"user=postgres dbname=...\")", db_text(result, 0, 1));
}

static bool record(const void *owner, struct db *db, const struct migration *migration, struct error *error)
{
    static const char sql[] = "INSERT INTO patella_meta.migration (number, name, sha256) "
                              "VALUES ($1::int, $2::text, pg_catalog.decode($3::text, 'hex'))";
    char hex[HEX_SIZE];
    hash(migration, hex);
    struct db_parameters *parameters = db_parameters_new(owner, 3);
    db_set_int(parameters, 0, migration->number);
    db_set_text(parameters, 1, migration->name);
    db_set_text(parameters, 2, hex);
    return db_query(owner, db, sql, parameters, error) != NULL;
}

static bool apply(const void *owner, struct db *db, const struct migration *migration, struct error *error)
{
    bool unknown = false;
    /* A migration works as the owner of what it makes (SET LOCAL ROLE); the record is the superuser's. */
    if (db_begin(db, DB_READ_COMMITTED, error) && db_run_script(db, migration->sql, error) &&
        db_run_script(db, "RESET ROLE", error) && record(owner, db, migration, error) &&
        db_commit(db, &unknown, error))
        return true;
    db_rollback(db);
    char sqlstate[sizeof error->sqlstate];
    memcpy(sqlstate, error->sqlstate, sizeof sqlstate);
    error_set(error, error->kind, "migration %04d (%s): %s", migration->number, migration->name, error->message);
    memcpy(error->sqlstate, sqlstate, sizeof sqlstate);
    return false;
}

static bool apply_pending(const void *owner, struct db *db, FILE *progress, struct error *error)
{
    struct applied_list list = {NULL, 0};
    if (!db_run_script(db, make_table, error) || !read_applied(owner, db, read_table, &list, error) ||
        !refuse_unknown_and_altered(&list, error) || !refuse_overtaken(&list, error))
        return false;
    for (size_t i = 0; i < migration_count; i++) {
        if (state_of(&list, &migration_list[i]) != STATE_PENDING)
            continue;
        if (!apply(owner, db, &migration_list[i], error))
            return false;
        fprintf(progress, "%04d %s applied\n", migration_list[i].number, migration_list[i].name);
    }
    return db_run_script(db, "SELECT patella_meta.close_database()", error);
}

bool migrate_up(struct db *db, FILE *progress, struct error *error)
{
    /* Held by the session, across the transactions of the migrations. */
    static const char lock[] = "SELECT pg_catalog.pg_advisory_lock(70, 0)";
    static const char unlock[] = "SELECT pg_catalog.pg_advisory_unlock(70, 0)";
    void *work = memory_owner(NULL, "migrate up");
    bool done = need_superuser(work, db, error) && db_run_script(db, lock, error);
    if (done) {
        struct error ignored;
        done = apply_pending(work, db, progress, error);
        /* When this fails the connection is gone, and the lock with it. */
        bool unlocked = db_run_script(db, unlock, &ignored);
        (void)unlocked;
    }
    talloc_free(work);
    return done;
}

/* ------------------------------------------------------------------------------------------------ status */

static void print_line(FILE *out, int number, const char *name, enum state state, const char *at)
{
    static const char *const words[] = {
        [STATE_APPLIED] = "applied",
        [STATE_PENDING] = "pending",
        [STATE_ALTERED] = "ALTERED",
        [STATE_UNKNOWN] = "UNKNOWN",
    };
    fprintf(out, "%04d %-16s %s%s%s\n", number, name, words[state], at[0] ? " " : "", at);
}

static bool read_table_if_any(const void *owner, struct db *db, struct applied_list *list, struct error *error)
{
    struct db_result *there = db_query(owner, db, "SELECT pg_catalog.to_regclass('patella_meta.migration') IS NOT NULL",
                                       NULL, error);
    if (!there)
        return false;
    return !db_bool(there, 0, 0) || read_applied(owner, db, read_table, list, error);
}

bool migrate_print_status(struct db *db, FILE *out, struct error *error)
{
    void *work = memory_owner(NULL, "migrate status");
    struct applied_list list = {NULL, 0};
    bool read = read_table_if_any(work, db, &list, error);
    for (size_t i = 0; read && i < migration_count; i++) {
        const struct applied *applied = find_applied(&list, migration_list[i].number);
        print_line(out, migration_list[i].number, migration_list[i].name, state_of(&list, &migration_list[i]),
                   applied ? applied->at : "");
    }
    for (size_t i = 0; read && i < list.count; i++)
        if (!is_known(list.items[i].number))
            print_line(out, list.items[i].number, list.items[i].name, STATE_UNKNOWN, list.items[i].at);
    talloc_free(work);
    return read;
}
