/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Uploads in tests of the database: the functions of schema api, called as patella_collector for study 1. */
#ifndef PATELLA_TEST_UPLOAD_H
#define PATELLA_TEST_UPLOAD_H

#include "forms/base/memory.h"
#include "tests/support/test_database.h"

/* The first value of a statement; its SQLSTATE in brackets when it fails. */
const char *test_ask(struct db *db, const char *sql);

#define ASK_AT(db, ...) test_ask(db, memory_format(db, __VA_ARGS__))
#define ASK(...) ASK_AT(fixture->collector, __VA_ARGS__)

/* Begins a file of that site (NULL: none named); its id. */
const char *test_upload_begin(const struct test_fixture *fixture, const char *token, const char *site);

/* "CODE RECEIVED"; the code is "-" when it was done. */
const char *test_upload_append(const struct test_fixture *fixture, const char *token, const char *id, int at,
                               const char *bytes);

/* Code, or "-". */
const char *test_upload_end(const struct test_fixture *fixture, const char *token, const char *id, int size);

/* One that is queued and holds these bytes. */
const char *test_upload_queued(const struct test_fixture *fixture, const char *token, const char *site,
                               const char *bytes);

/* As the coordinator of all sites sees it. */
const char *test_upload_state(const struct test_fixture *fixture, const char *id);

/* Code of api.take_upload over `db`, "-" when it is taken. */
const char *test_upload_take(struct db *db, const char *token, const char *id);

/*
 * Takes it over the collector's connection and ends a check without any line: `previewed`.  Its SHA-256 is that of
 * `bytes`, its preview's token "token".
 */
void test_upload_preview(const struct test_fixture *fixture, const char *token, const char *id, const char *bytes);

const char *test_count(const struct test_fixture *fixture, const char *from_where);

#endif
