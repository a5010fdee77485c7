/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A real PostgreSQL database for one test.
 *
 * The environment names a running cluster whose superuser PGUSER may connect as any role (PGHOST, PGUSER; tests/run
 * sees to it).  The first test of a cluster migrates a template database; every test database is a copy of it, made
 * in some 35 ms and dropped with its owner.  Whatever goes wrong here fails the test.
 *
 *   struct test_database *database = test_database_new(owner);
 *   test_database_seed(database);
 *   struct db *db = test_database_connect(owner, database, "patella_collector");
 *   const char *conninfo = test_database_conninfo(owner, database, NULL);     for a program: "dbname=patella_test_..."
 */
#ifndef PATELLA_TEST_DATABASE_H
#define PATELLA_TEST_DATABASE_H

#include "migrations/db.h"

struct test_database;

/* A migrated, empty database; dropped (with whoever is still connected) when `owner` is freed. */
struct test_database *test_database_new(const void *owner);

/* The same, without any migration: for tests of the migrations themselves. */
struct test_database *test_database_new_empty(const void *owner);

const char *test_database_name(const struct test_database *database);

/* "dbname=NAME user=ROLE"; ROLE NULL: no user in it, so PGUSER or the program's own default counts. */
const char *test_database_conninfo(const void *owner, const struct test_database *database, const char *role);

/* A connection with verbose errors and no prepared statements; role NULL: the superuser. */
struct db *test_database_connect(const void *owner, const struct test_database *database, const char *role);

/*
 * Two studies, by the functions of schema admin:
 * study 1 "demo" (not masked) with sites 1 and 2, and study 2 "other" (masking: double) with site 1; each with protocol
 * version 1 and forms enrolment, koos and adverse_event, version 1 (their YAML is a line of text, no definition).
 * Tokens are their own names, as text; role and reach:
 *   coordinator1, coordinator2   coordinators of demo, site 1 and site 2
 *   coordinator                  coordinator of demo, all sites
 *   machine1                     site machine of demo, site 1
 *   statistician, administrator  of demo, all sites
 *   data_manager, monitor        of demo, all sites; unmasked likewise, a statistician who may be
 *   investigator1                investigator of demo, site 1
 *   coordinator_other            coordinator of other, all sites;  statistician_other likewise
 *   expired, revoked             coordinators of demo, all sites
 * patella_reporter may read study demo only.
 */
void test_database_seed(const struct test_database *database);

/* What most tests of the database begin with: cmocka's setup and teardown of one test; *state is a test_fixture. */
struct test_fixture {
    void *owner;
    struct test_database *database;      /* seeded */
    struct db *superuser;
    struct db *collector;                /* patella_collector */
};
int test_fixture_setup(void **state);
int test_fixture_teardown(void **state);

/* ---- statements of a test; each takes one SQL statement that was not prepared ---- */

/* Runs it; fails the test with PostgreSQL's message when it is refused.  Several statements are allowed. */
void test_run(struct db *db, const char *sql);

/* Value of the first column of the first row as text, "" for NULL and for no row; lives as long as `db`. */
const char *test_value(struct db *db, const char *sql);

/* SQLSTATE with which it is refused, "" when it is not; lives as long as `db`. */
const char *test_sqlstate(struct db *db, const char *sql);

#endif
