/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/test_acts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_submission.h"

static const struct {
    const char *account, *study, *role, *sites;
} further[] = {
    {"monitor1", "demo", "monitor", "{1}"},           {"monitor2", "demo", "monitor", "{2}"},
    {"manager1", "demo", "data_manager", "{1}"},      {"investigator2", "demo", "investigator", "{2}"},
    {"manager_other", "other", "data_manager", "{}"},
};

int test_acts_setup(void **state)
{
    test_fixture_setup(state);
    struct test_fixture *fixture = *state;
    for (size_t i = 0; i < sizeof further / sizeof further[0]; i++) {
        const char *account = further[i].account;
        test_run(fixture->superuser,
                 memory_format(fixture->owner, "SELECT admin.add_account('%s', 'Name of %s')", account, account));
        test_run(
            fixture->superuser,
            memory_format(
                fixture->owner,
                "SELECT admin.add_token('%s', '%s', '%s', '%s', sha256('%s'), now() + interval '9 days')",
                account, further[i].study, further[i].role, further[i].sites, account));
    }
    test_enrol(fixture->collector, 1, 1);
    test_enrol(fixture->collector, 2, 1);
    const struct test_row rows[] = {{.id = 1}, {.id = 2, .site = 2}};
    assert_string_equal(test_submit(fixture->collector, rows, 2), "accepted accepted");
    return 0;
}

const char *test_act(struct db *db, const char *call)
{
    char *sql = memory_format(db, "SELECT COALESCE(o.code, 'done') FROM %s o", call);
    struct error error;
    struct db_result *result = db_query(db, db, sql, NULL, &error);
    return result != NULL ? db_text(result, 0, 0) : memory_copy_string(db, error.sqlstate);
}

void test_correct(struct db *db)
{
    const struct test_row row = {.id = 3, .version = 2, .reason = "read wrongly"};
    assert_string_equal(test_submit(db, &row, 1), "accepted");
}
