/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/test_database.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "migrations/migrate.h"

#define TEMPLATE "patella_template"

struct test_database {
    char *name;
};

static struct db *connect_to(const void *owner, const char *conninfo)
{
    struct error error;
    const struct db_options options = {
        .conninfo = conninfo, .application_name = "patella-test", .verbose_errors = true,
    };
    struct db *db = db_open(owner, &options, &error);
    if (!db)
        fail_msg("%s: %s", conninfo, error.message);
    return db;
}

/* Where databases are made and dropped. */
static struct db *connect_to_cluster(const void *owner)
{
    return connect_to(owner, "dbname=postgres");
}

void test_run(struct db *db, const char *sql)
{
    struct error error;
    if (!db_run_script(db, sql, &error))
        fail_msg("%s %s: %s", error.sqlstate, error.message, sql);
}

const char *test_value(struct db *db, const char *sql)
{
    struct error error;
    struct db_result *result = db_query(db, db, sql, NULL, &error);
    if (!result)
        fail_msg("%s %s: %s", error.sqlstate, error.message, sql);
    return db_rows(result) > 0 ? db_text(result, 0, 0) : "";
}

const char *test_sqlstate(struct db *db, const char *sql)
{
    struct error error;
    if (db_run_script(db, sql, &error))
        return "";
    return memory_copy_string(db, error.sqlstate[0] ? error.sqlstate : "none");
}

/* ------------------------------------------------------------------------------------------------ databases */

static bool is_migrated(const void *owner)
{
    struct error ignored;
    struct db *db = connect_to(owner, "dbname=" TEMPLATE);
    bool migrated = migrate_check(db, &ignored);
    talloc_free(db);
    return migrated;
}

static void make_template(struct db *cluster)
{
    struct error error;
    test_run(cluster, "DROP DATABASE IF EXISTS " TEMPLATE);
    test_run(cluster, "CREATE DATABASE " TEMPLATE " TEMPLATE template0 ENCODING 'UTF8'");
    struct db *db = connect_to(cluster, "dbname=" TEMPLATE);
    FILE *nowhere = fopen("/dev/null", "w");
    assert_non_null(nowhere);
    bool migrated = migrate_up(db, nowhere, &error);
    fclose(nowhere);
    if (!migrated)
        fail_msg("%s", error.message);
    talloc_free(db);
}

/* Once for each cluster that a process uses; several test programs may come at the same time. */
static void need_template(void)
{
    static char made_at[256];
    const char *host = getenv("PGHOST");
    if (host && strcmp(made_at, host) == 0)
        return;
    struct db *cluster = connect_to_cluster(NULL);
    test_run(cluster, "SELECT pg_catalog.pg_advisory_lock(70, 1)");
    const char *there = test_value(cluster, "SELECT pg_catalog.count(*) FROM pg_catalog.pg_database d "
                                            "WHERE d.datname = '" TEMPLATE "'");
    if (strcmp(there, "1") != 0 || !is_migrated(cluster))
        make_template(cluster);
    talloc_free(cluster);
    snprintf(made_at, sizeof made_at, "%s", host ? host : "");
}

static int test_database_drop(struct test_database *database)
{
    struct error ignored;
    const struct db_options options = {.conninfo = "dbname=postgres", .application_name = "patella-test"};
    struct db *cluster = db_open(NULL, &options, &ignored);
    char *sql = memory_format(database, "DROP DATABASE IF EXISTS %s WITH (FORCE)", database->name);
    if (cluster && !db_run_script(cluster, sql, &ignored))
        fprintf(stderr, "test database %s was not dropped: %s\n", database->name, ignored.message);
    talloc_free(cluster);
    return 0;
}

static struct test_database *create_database(const void *owner, const char *from)
{
    static unsigned made;
    struct test_database *database = memory_new(owner, struct test_database);
    database->name = memory_format(database, "patella_test_%ld_%u", (long)getpid(), ++made);
    struct db *cluster = connect_to_cluster(NULL);
    test_run(cluster, memory_format(cluster, "CREATE DATABASE %s TEMPLATE %s", database->name, from));
    talloc_free(cluster);
    talloc_set_destructor(database, test_database_drop);
    return database;
}

struct test_database *test_database_new(const void *owner)
{
    need_template();
    struct test_database *database = create_database(owner, TEMPLATE);
    /* Privileges of a database are not copied with it. */
    struct db *db = test_database_connect(NULL, database, NULL);
    test_run(db, "SELECT patella_meta.close_database()");
    talloc_free(db);
    return database;
}

struct test_database *test_database_new_empty(const void *owner)
{
    return create_database(owner, "template0");
}

const char *test_database_name(const struct test_database *database)
{
    return database->name;
}

const char *test_database_conninfo(const void *owner, const struct test_database *database, const char *role)
{
    return role ? memory_format(owner, "dbname=%s user=%s", database->name, role)
                : memory_format(owner, "dbname=%s", database->name);
}

struct db *test_database_connect(const void *owner, const struct test_database *database, const char *role)
{
    return connect_to(owner, test_database_conninfo(database, database, role));
}

/* ------------------------------------------------------------------------------------------------ seed */

static const char *const seed_studies[] = {
    "SELECT admin.add_study('demo', 'Demonstration study', 'none', 'patella_reporter')",
    "SELECT admin.add_study('other', 'Masked study', 'double', 'patella_auditor')",
    "SELECT admin.add_site('demo', 1, 'First clinic', 'Europe/Berlin')",
    "SELECT admin.add_site('demo', 2, 'Second clinic', 'America/New_York')",
    "SELECT admin.add_site('other', 1, 'First clinic', 'Europe/Berlin')",
    "SELECT admin.put_protocol(code, 1, 'protocol of ' || code, masking) FROM core.study",
    "SELECT admin.put_form(s, f, 1, 'form ' || f) FROM unnest('{demo,other}'::text[]) s, "
    "unnest('{enrolment,koos,adverse_event}'::text[]) f",
};

struct seed_token {
    const char *account;     /* the token as well */
    const char *study;
    const char *role;
    const char *sites;
};

static const struct seed_token seed_tokens[] = {
    {"coordinator1", "demo", "coordinator", "{1}"},
    {"coordinator2", "demo", "coordinator", "{2}"},
    {"coordinator", "demo", "coordinator", "{}"},
    {"machine1", "demo", "site_machine", "{1}"},
    {"statistician", "demo", "statistician", "{}"},
    {"administrator", "demo", "administrator", "{}"},
    {"coordinator_other", "other", "coordinator", "{}"},
    {"statistician_other", "other", "statistician", "{}"},
    {"expired", "demo", "coordinator", "{}"},
    {"revoked", "demo", "coordinator", "{}"},
    /* Of roles that early migrations do not know, which some tests stop at; so they come last. */
    {"data_manager", "demo", "data_manager", "{}"},
    {"investigator1", "demo", "investigator", "{1}"},
    {"monitor", "demo", "monitor", "{}"},
    {"unmasked", "demo", "statistician_unmasked", "{}"},
};

enum { EARLY_TOKENS = sizeof seed_tokens / sizeof seed_tokens[0] - 4 };

void test_database_seed(const struct test_database *database)
{
    struct db *db = test_database_connect(NULL, database, NULL);
    for (size_t i = 0; i < sizeof seed_studies / sizeof seed_studies[0]; i++)
        test_run(db, seed_studies[i]);
    bool early = strcmp(test_value(db, "SELECT count(*) FROM pg_constraint WHERE conname = 'credential_role_check' "
                                       "AND pg_get_constraintdef(oid) LIKE '%monitor%'"), "0") == 0;
    for (size_t i = 0; i < (early ? EARLY_TOKENS : sizeof seed_tokens / sizeof seed_tokens[0]); i++) {
        const struct seed_token *token = &seed_tokens[i];
        test_run(db, memory_format(db, "SELECT admin.add_account('%s', 'Name of %s')", token->account, token->account));
        test_run(db, memory_format(db, "SELECT admin.add_token('%s', '%s', '%s', '%s', sha256('%s'), "
                                   "now() + interval '30 days')",
                                   token->account, token->study, token->role, token->sites, token->account));
    }
    test_run(db, "SELECT admin.revoke_token(token_no) FROM sec.credential WHERE account = 'revoked'");
    /* An end in the past cannot be asked for, only waited for. */
    test_run(db, "SET session_replication_role = replica; "
                 "UPDATE sec.credential SET created_at = now() - interval '2 days', "
                 "expires_at = now() - interval '1 second' WHERE account = 'expired'");
    talloc_free(db);
}

int test_fixture_setup(void **state)
{
    void *owner = memory_owner(NULL, "test fixture");
    struct test_fixture *fixture = memory_new(owner, struct test_fixture);
    fixture->owner = owner;
    fixture->database = test_database_new(owner);
    test_database_seed(fixture->database);
    fixture->superuser = test_database_connect(owner, fixture->database, NULL);
    fixture->collector = test_database_connect(owner, fixture->database, "patella_collector");
    *state = fixture;
    return 0;
}

int test_fixture_teardown(void **state)
{
    struct test_fixture *fixture = *state;
    talloc_free(fixture->owner);
    return 0;
}
