/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What one site asks and does about its records is answered the same, whatever another site has. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "tests/support/test_acts.h"
#include "tests/support/test_submission.h"

/* Everything that a token may read of its records. */
static const char *read_all(const struct test_fixture *fixture, const char *token)
{
    static const char *const lists[] = {"queries", "verifications", "signatures", "locks", "redactions",
                                        "second_entries"};
    struct text *all = text_new(fixture->owner);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        char *sql = memory_format(fixture->owner, "SELECT string_agg(l::text, ', ') FROM api.list_%s('%s', 1, NULL, "
                                  "NULL, NULL, NULL, NULL, NULL, 100) l", lists[i], token);
        text_append_format(all, "%s\n", test_value(fixture->collector, sql));
    }
    return all->bytes;
}

/* Acts at a site, of which some are refused; its submission has the number of the site. */
static const char *act_at(const struct test_fixture *fixture, int site)
{
    static const char *const acts[] = {
        "api.open_query('monitor%1$d', 1, '" TEST_ID(5) "', %1$d, 1, 'koos', 'left', 'M3', 1, 'p1', 'right?')",
        "api.open_query('monitor%1$d', 1, '" TEST_ID(6) "', %1$d, 9, 'koos', 'left', 'M3', 1, 'p1', 'right?')",
        "api.add_query_event('monitor%1$d', 1, '" TEST_ID(5) "', 'closed', 'seen')",
        "api.verify_version('monitor%1$d', 1, '00000000-0000-0000-0000-00000000000%1$d', 'verified', NULL)",
        "api.verify_version('monitor%1$d', 1, '" TEST_ID(9) "', 'verified', NULL)",
        "api.sign('investigator%1$d', 1, '00000000-0000-0000-0000-00000000000%1$d', '" TEST_ID(5) "', NULL, 'review')",
        "api.enter_second('coordinator%1$d', 1, '" TEST_ID(5) "', %1$d, 1, 'koos', 'left', 'M3', 1, 1, '{}')",
        "api.lock_record('data_manager', 1, '00000000-0000-0000-0000-00000000000%1$d', true, 'data are clean')",
    };
    struct text *answers = text_new(fixture->owner);
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        char number[2] = {(char)('0' + site), '\0'};
        struct text *call = text_new(fixture->owner);
        for (const char *c = acts[i]; *c != '\0'; c++) {
            bool place = strncmp(c, "%1$d", 4) == 0;
            text_append_bytes(call, place ? number : c, 1);
            c += place ? 3 : 0;
        }
        text_append_format(answers, "%s ", test_act(fixture->collector, call->bytes));
    }
    return answers->bytes;
}

static const char *const readers[] = {"monitor1", "coordinator1", "investigator1", "manager1"};
enum { READERS = sizeof readers / sizeof readers[0] };

static void test_lists_of_a_site_do_not_change_with_what_another_does(void **state)
{
    const struct test_fixture *fixture = *state;
    const char *before[READERS];
    act_at(fixture, 1);
    for (size_t i = 0; i < READERS; i++)
        before[i] = read_all(fixture, readers[i]);
    assert_non_null(strstr(before[0], TEST_ID(5)));
    act_at(fixture, 2);
    for (size_t i = 0; i < READERS; i++)
        assert_string_equal(read_all(fixture, readers[i]), before[i]);
    assert_string_not_equal(read_all(fixture, "monitor"), before[0]);
}

/* The same ids at both sites: the second is answered as the first was. */
static void test_acts_of_a_site_are_answered_as_if_it_were_alone(void **state)
{
    const struct test_fixture *fixture = *state;
    const char *first = act_at(fixture, 1);
    assert_string_equal(act_at(fixture, 2), first);
    assert_string_equal(first, "done unknown_subject done done P0002 content_differs done done ");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_acts_setup, test_fixture_teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_lists_of_a_site_do_not_change_with_what_another_does),
        CASE(test_acts_of_a_site_are_answered_as_if_it_were_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
