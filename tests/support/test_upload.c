/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/test_upload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

const char *test_ask(struct db *db, const char *sql)
{
    struct error error = {0};
    struct db_result *result = db_query(db, db, sql, NULL, &error);
    if (result == NULL)
        return memory_format(db, "(%s)", error.sqlstate);
    return db_rows(result) > 0 ? db_text(result, 0, 0) : "";
}

const char *test_upload_begin(const struct test_fixture *fixture, const char *token, const char *site)
{
    const char *begun = ASK("SELECT COALESCE(u.code, u.upload_id::text) FROM api.begin_upload('%s', 1, %s, 'a.csv', "
                            "NULL, NULL, 0, NULL, NULL, NULL, NULL, 24) u", token, site != NULL ? site : "NULL");
    if (strlen(begun) != 36)
        fail_msg("%s", begun);
    return begun;
}

const char *test_upload_append(const struct test_fixture *fixture, const char *token, const char *id, int at,
                               const char *bytes)
{
    return ASK("SELECT COALESCE(u.code, '-') || ' ' || u.received "
               "FROM api.append_upload('%s', 1, '%s', %d, '%s') u", token, id, at, bytes);
}

const char *test_upload_end(const struct test_fixture *fixture, const char *token, const char *id, int size)
{
    return ASK("SELECT COALESCE(u.code, '-') FROM api.end_upload('%s', 1, '%s', %d, NULL) u", token, id, size);
}

const char *test_upload_queued(const struct test_fixture *fixture, const char *token, const char *site,
                               const char *bytes)
{
    const char *id = test_upload_begin(fixture, token, site);
    test_upload_append(fixture, token, id, 0, bytes);
    assert_string_equal(test_upload_end(fixture, token, id, (int)strlen(bytes)), "-");
    return id;
}

const char *test_upload_state(const struct test_fixture *fixture, const char *id)
{
    return ASK("SELECT u.state FROM api.find_upload('coordinator', 1, '%s') u", id);
}

const char *test_upload_take(struct db *db, const char *token, const char *id)
{
    return ASK_AT(db, "SELECT COALESCE(api.take_upload('%s', 1, '%s'), '-')", token, id);
}

void test_upload_preview(const struct test_fixture *fixture, const char *token, const char *id, const char *bytes)
{
    assert_string_equal(test_upload_take(fixture->collector, token, id), "-");
    assert_string_equal(ASK("SELECT api.hash_upload('%s', 1, '%s', sha256('%s'))", token, id, bytes), "");
    assert_int_equal(strlen(ASK("SELECT api.end_upload_check('%s', 1, '%s', 'previewed', NULL, '{\"read\": 1}', '[]', "
                                "'{}', sha256('effect'), sha256('token'), false)::date::text", token, id)), 10);
}

const char *test_count(const struct test_fixture *fixture, const char *from_where)
{
    return test_value(fixture->superuser, memory_format(fixture->owner, "SELECT count(*) FROM %s", from_where));
}
