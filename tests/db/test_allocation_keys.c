/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The allocation of a masked study under a key: what the database takes, tells and gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "forms/allocation_seal.h"
#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "tests/support/test_acts.h"
#include "tests/support/test_submission.h"

#define REQUEST TEST_ID(2)

struct sealing {
    struct test_fixture *fixture;
    struct db *collector, *superuser, *reporter, *admin;
    char id[ALLOCATION_KEY_ID_SIZE];         /* of the key that study 2 has */
    struct allocation_keys *keys;
};

static struct allocation_keys *new_keys(const void *owner, char id[ALLOCATION_KEY_ID_SIZE])
{
    struct error error;
    char path[] = "/tmp/patella-key-test-XXXXXX";
    int descriptor = mkstemp(path);
    FILE *file = fdopen(descriptor, "w");
    assert_non_null(file);
    assert_true(fputs(allocation_key_text(owner, id), file) >= 0);
    assert_int_equal(fclose(file), 0);
    struct allocation_keys *keys = allocation_keys_load(owner, path, &error);
    assert_int_equal(unlink(path), 0);
    assert_non_null(keys);
    return keys;
}

/* Subjects 01-0001 and 01-0002 of the masked study, which has a key; nobody is allocated. */
static int setup(void **state)
{
    test_fixture_setup(state);
    struct sealing *at = memory_new(NULL, struct sealing);
    at->fixture = *state;
    at->collector = at->fixture->collector;
    at->superuser = at->fixture->superuser;
    at->admin = test_database_connect(at->fixture->owner, at->fixture->database, "patella_admin");
    at->reporter = test_database_connect(at->fixture->owner, at->fixture->database, "patella_reporter");
    at->keys = new_keys(at, at->id);
    for (int subject = 1; subject <= 2; subject++) {
        const struct test_row row = {.id = 100 + subject, .study = 2, .subject = subject, .index_knee = "left",
                                     .token = "coordinator_other"};
        assert_string_equal(test_submit(at->collector, &row, 1), "accepted");
    }
    test_run(at->superuser, "SELECT admin.add_account('doctor', 'Name'); SELECT admin.add_token('doctor', 'other', "
                            "'investigator', '{}', sha256('doctor'), now() + interval '9 days');"
                            "SELECT admin.add_account('unmasked_other', 'Name'); SELECT admin.add_token("
                            "'unmasked_other', 'other', 'statistician_unmasked', '{}', sha256('unmasked_other'), "
                            "now() + interval '9 days');"
                            "SELECT admin.add_account('chief', 'Name'); SELECT admin.add_token('chief', 'other', "
                            "'administrator', '{}', sha256('chief'), now() + interval '9 days');"
                            "SELECT admin.grant_reporter('other', 'patella_reporter')");
    *state = at;
    return 0;
}

static int teardown(void **state)
{
    struct sealing *at = *state;
    void *fixture = at->fixture;
    talloc_free(at);
    return test_fixture_teardown(&fixture);
}

static void add_key(struct sealing *at)
{
    assert_string_equal(test_value(at->admin, memory_format(at, "SELECT admin.add_allocation_key('other', '%s')",
                                                            at->id)), "t");
}

/* As a literal of bytea. */
static const char *sealed(struct sealing *at, int subject, int entry, const char *cohort)
{
    struct error error;
    const struct allocation_place place = {"other", 1, subject, "none", entry};
    uint8_t bytes[ALLOCATION_SEALED];
    char hex[2 * ALLOCATION_SEALED + 1];
    assert_true(allocation_seal(at->keys, at->id, &place, cohort, bytes, &error));
    text_to_hex(bytes, sizeof bytes, hex);
    return memory_format(at, "'\\x%s'::bytea", hex);
}

/* A call for one subject without knees; same "NULL": none. */
static const char *call(struct sealing *at, int subject, int after, const char *same, const char *bytes,
                        const char *reason)
{
    return memory_format(at, "SELECT admin.allocate_sealed('other', '{1}', '{%d}', '{none}', '{%d}', "
                             "ARRAY[%s]::bytea[], ARRAY[%s]::bytea[], %s)", subject, after, same, bytes, reason);
}

static void allocate(struct sealing *at, int subject, const char *cohort)
{
    assert_string_equal(test_value(at->admin, call(at, subject, 0, "NULL", sealed(at, subject, 1, cohort), "NULL")),
                        "1");
}

/* ---- keys of a study ---- */

static void test_key_of_a_study_is_audited_and_kept(void **state)
{
    struct sealing *at = *state;
    add_key(at);
    assert_string_equal(test_value(at->admin, memory_format(at, "SELECT admin.add_allocation_key('other', '%s')",
                                                            at->id)), "f");
    assert_string_equal(test_value(at->superuser,
                                   "SELECT string_agg(new ->> 'key_id', ',') FROM audit.event "
                                   "WHERE object = 'blind.key' AND study_id = 2 AND operation = 'INSERT'"), at->id);
    assert_string_equal(test_sqlstate(at->superuser, "UPDATE blind.key SET key_id = '0000000000000000'"), "42501");
    assert_string_equal(test_sqlstate(at->superuser, "DELETE FROM blind.key"), "42501");
    assert_string_equal(test_sqlstate(at->superuser, "TRUNCATE blind.key"), "42501");
    assert_string_equal(test_sqlstate(at->admin, "SELECT * FROM blind.key"), "42501");
}

static void test_key_is_sixteen_digits_of_a_masked_study(void **state)
{
    struct sealing *at = *state;
    static const char *const refused[][2] = {
        {"SELECT admin.add_allocation_key('demo', '0123456789abcdef')", "22023"},
        {"SELECT admin.add_allocation_key('none', '0123456789abcdef')", "P0002"},
        {"SELECT admin.add_allocation_key('other', '0123456789ABCDEF')", "23514"},
        {"SELECT admin.add_allocation_key('other', '0123456789abcde')", "23514"},
        {"SELECT admin.add_allocation_key('other', NULL)", "23502"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_string_equal(test_sqlstate(at->admin, refused[i][0]), refused[i][1]);
    assert_string_equal(test_sqlstate(at->collector, "SELECT admin.add_allocation_key('other', '0123456789abcdef')"),
                        "42501");
}

static void test_key_that_follows_another_is_for_new_entries(void **state)
{
    struct sealing *at = *state;
    add_key(at);
    allocate(at, 1, "CS");
    assert_string_equal(test_value(at->admin, "SELECT admin.add_allocation_key('other', '0123456789abcdef')"), "t");
    struct error error;
    assert_null(db_query(at, at->admin, call(at, 2, 0, "NULL", sealed(at, 2, 1, "CS"), "NULL"), NULL, &error));
    assert_string_equal(error.sqlstate, "22023");
    assert_non_null(strstr(error.message, "the newest key of the study is 0123456789abcdef"));
    assert_string_equal(test_sqlstate(at->admin, memory_format(at, "SELECT admin.add_allocation_key('other', '%s')",
                                                               at->id)), "22023");
    assert_string_equal(test_value(at->admin, "SELECT string_agg(key_no || ' ' || entries, ', ') "
                                              "FROM admin.list_allocation_keys('other')"), "1 1, 2 0");
}

/* ---- entries ---- */

static void test_study_with_a_key_refuses_cohorts_in_the_clear(void **state)
{
    struct sealing *at = *state;
    static const char plain[] = "SELECT admin.allocate('other', '{1}', '{1}', '{none}', '{CS}', NULL)";
    add_key(at);
    assert_string_equal(test_sqlstate(at->admin, plain), "22023");
    assert_string_equal(test_value(at->superuser, "SELECT count(*) FROM blind.allocation"), "0");
    test_enrol(at->collector, 1, 1);
    assert_string_equal(test_value(at->admin, "SELECT admin.allocate('demo', '{1}', '{1}', '{none}', '{CS}', NULL)"),
                        "1");
}

static void test_study_without_a_key_refuses_sealed_cohorts(void **state)
{
    struct sealing *at = *state;
    assert_string_equal(test_sqlstate(at->admin, call(at, 1, 0, "NULL", sealed(at, 1, 1, "CS"), "NULL")), "22023");
}

static void test_sealed_entry_is_one_of_cohort_and_bytes_of_one_length(void **state)
{
    struct sealing *at = *state;
    static const char *const values[] = {"NULL, NULL", "'CS', decode(repeat('00', 100), 'hex')",
                                         "NULL, decode(repeat('00', 99), 'hex')",
                                         "NULL, decode(repeat('00', 101), 'hex')", "NULL, ''"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        assert_string_equal(
            test_sqlstate(at->superuser,
                          memory_format(at, "INSERT INTO blind.allocation (study_id, site_id, subject_no, knee, entry, "
                                            "cohort, cohort_sealed, entered_by, entered_at, xid, era) VALUES (2, 1, 1, "
                                            "'none', 1, %s, 'x', now(), pg_current_xact_id(), 1)", values[i])),
            "23514");
}

static void test_sealed_entry_given_again_is_none(void **state)
{
    struct sealing *at = *state;
    add_key(at);
    allocate(at, 1, "CS");
    const char *again = sealed(at, 1, 1, "CS"), *behind = sealed(at, 1, 2, "CS");
    assert_string_equal(test_value(at->admin, call(at, 1, 1, again, behind, "NULL")), "0");
    assert_string_equal(test_value(at->admin, call(at, 1, 1, again, behind, "'entered wrongly'")), "0");
}

static void test_sealed_entry_of_another_cohort_needs_a_reason(void **state)
{
    struct sealing *at = *state;
    add_key(at);
    allocate(at, 1, "CS");
    const char *same = sealed(at, 1, 1, "AD-MSC"), *behind = sealed(at, 1, 2, "AD-MSC");
    assert_string_equal(test_sqlstate(at->admin, call(at, 1, 1, same, behind, "NULL")), "22023");
    assert_string_equal(test_sqlstate(at->admin, call(at, 1, 1, same, behind, "'    '")), "22023");
    assert_string_equal(test_value(at->admin, call(at, 1, 1, same, behind, "'entered wrongly'")), "1");
    assert_string_equal(test_value(at->admin, memory_format(at, "SELECT entry || ' ' || (key_id = '%s') FROM "
                                                                "admin.newest_entries('other', '{1}', '{1}', '{none}')",
                                                            at->id)), "2 true");
}

static void test_sealed_entry_behind_one_in_the_clear_needs_a_reason(void **state)
{
    struct sealing *at = *state;
    test_run(at->superuser, "SELECT admin.allocate('other', '{1}', '{1}', '{none}', '{CS}', NULL)");
    add_key(at);
    const char *behind = sealed(at, 1, 2, "CS");
    assert_string_equal(test_sqlstate(at->admin, call(at, 1, 1, "NULL", behind, "NULL")), "22023");
    assert_string_equal(test_value(at->admin, call(at, 1, 1, "NULL", behind, "'under a key now'")), "1");
    assert_string_equal(test_value(at->admin, "SELECT string_agg(COALESCE(key_no::text, 'clear') || ' ' || entries, "
                                              "', ') FROM admin.list_allocation_keys('other')"), "clear 1, 1 1");
}

static void test_sealed_list_with_a_mistake_enters_nothing(void **state)
{
    struct sealing *at = *state;
    add_key(at);
    allocate(at, 1, "CS");
    assert_string_equal(test_sqlstate(at->admin, call(at, 9, 0, "NULL", sealed(at, 9, 1, "CS"), "NULL")), "P0002");
    assert_string_equal(test_sqlstate(at->admin, call(at, 1, 0, "NULL", sealed(at, 1, 1, "CS"), "'again'")), "40001");
    assert_string_equal(test_sqlstate(at->admin, call(at, 2, 1, "NULL", sealed(at, 2, 2, "CS"), "'again'")), "40001");
    assert_string_equal(test_sqlstate(at->admin, call(at, 2, 0, "NULL", "NULL", "NULL")), "22023");
    assert_string_equal(
        test_sqlstate(at->admin, memory_format(at, "SELECT admin.allocate_sealed('other', '{1,1}', '{2,2}', "
                                                   "'{none,none}', '{0,0}', '{NULL,NULL}', ARRAY[%s, %s], NULL)",
                                               sealed(at, 2, 1, "CS"), sealed(at, 2, 1, "AD-MSC"))), "23505");
    assert_string_equal(test_value(at->superuser, "SELECT count(*) FROM blind.allocation"), "1");
}

/* ---- what leaves ---- */

static void test_trail_has_the_hash_of_what_was_sealed_alone(void **state)
{
    struct sealing *at = *state;
    add_key(at);
    allocate(at, 1, "CS");
    assert_string_equal(
        test_value(at->superuser,
                   "SELECT (e.new ->> 'cohort_sealed_sha256')::bytea = sha256(a.cohort_sealed) "
                   "AND NOT e.new ? 'cohort' AND NOT e.new ? 'cohort_sealed' FROM audit.event e, blind.allocation a "
                   "WHERE e.object = 'blind.allocation'"), "t");
}

/* Of a row that was sealed under `id`: what the program gets, opened. */
static void assert_opens(struct sealing *at, struct db *db, const char *from, int entry, const char *cohort)
{
    struct error error;
    struct db_result *row = db_query(at, db, memory_format(at, "SELECT knee, entry, cohort, sealed FROM %s", from),
                                     NULL, &error);
    if (row == NULL)
        fail_msg("%s", error.message);
    assert_int_equal(db_rows(row), 1);
    assert_int_equal(db_int(row, 0, 1), entry);
    assert_true(db_is_null(row, 0, 2));
    size_t length;
    char opened[ALLOCATION_COHORT_SIZE];
    const uint8_t *bytes = db_bytes(at, row, 0, 3, &length);
    const struct allocation_place place = {"other", 1, 1, db_text(row, 0, 0), entry};
    assert_int_equal(length, ALLOCATION_SEALED);
    if (!allocation_open(at->keys, &place, bytes, length, opened, &error))
        fail_msg("%s", error.message);
    assert_string_equal(opened, cohort);
}

static void test_report_gets_the_newest_sealed_entry_of_the_cut(void **state)
{
    struct sealing *at = *state;
    add_key(at);
    allocate(at, 1, "CS");
    test_run(at->superuser, "SELECT admin.make_cut('other', 'first')");
    test_run(at->admin, call(at, 1, 1, sealed(at, 1, 1, "AD-MSC"), sealed(at, 1, 2, "AD-MSC"), "'entered wrongly'"));
    test_run(at->superuser, "SELECT admin.make_cut('other', 'second')");
    assert_string_equal(test_act(at->collector, "api.request_unblinding('unmasked_other', 2, '" REQUEST
                                                "', 'interim analysis')"), "done");
    assert_string_equal(test_act(at->collector, "api.approve_unblinding('chief', 2, '" REQUEST "')"), "done");
    test_run(at->reporter, "SELECT rep.open_allocation(2, 1, '" REQUEST "')");
    test_run(at->reporter, "SELECT rep.open_allocation(2, 2, '" REQUEST "')");
    assert_opens(at, at->reporter, "rep.allocation(2, 1, '" REQUEST "')", 1, "CS");
    assert_opens(at, at->reporter, "rep.allocation(2, 2, '" REQUEST "')", 2, "AD-MSC");
}

#define REVEAL(keys) "api.reveal_allocation('doctor', 2, 1, 1, '" TEST_ID(1) "', " keys ")"
#define REVEALED "SELECT count(*) FROM audit.event WHERE operation = 'REVEAL'"

static void test_emergency_without_the_key_is_told_its_id_and_no_more(void **state)
{
    struct sealing *at = *state;
    static const char *const without[] = {"NULL", "'{}'", "'{0123456789abcdef}'", "'{NULL}'"};
    add_key(at);
    allocate(at, 1, "CS");
    assert_string_equal(test_act(at->collector, "api.request_emergency('doctor', 2, 1, 1, '" TEST_ID(1)
                                                "', 'anaphylaxis after injection')"), "done");
    for (size_t i = 0; i < sizeof without / sizeof *without; i++)
        assert_string_equal(
            test_value(at->collector,
                       memory_format(at, "SELECT code || ' ' || key_id || ' ' || num_nonnulls(knee, cohort, sealed) "
                                         "FROM api.reveal_allocation('doctor', 2, 1, 1, '" TEST_ID(1) "', %s)",
                                     without[i])), memory_format(at, "allocation_key_missing %s 0", at->id));
    assert_string_equal(test_value(at->superuser, REVEALED), "0");
    assert_opens(at, at->collector, memory_format(at, REVEAL("'{0123456789abcdef,%s}'"), at->id), 1, "CS");
    assert_string_equal(test_value(at->superuser, REVEALED), "1");
}

static void test_emergency_of_an_entry_in_the_clear_needs_no_key(void **state)
{
    struct sealing *at = *state;
    test_run(at->superuser, "SELECT admin.allocate('other', '{1}', '{1}', '{none}', '{CS}', NULL)");
    add_key(at);
    assert_string_equal(test_act(at->collector, "api.request_emergency('doctor', 2, 1, 1, '" TEST_ID(1)
                                                "', 'anaphylaxis after injection')"), "done");
    assert_string_equal(test_value(at->collector, "SELECT concat_ws(' ', code, cohort, key_id) FROM " REVEAL("NULL")),
                        "CS");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_key_of_a_study_is_audited_and_kept),
        CASE(test_key_is_sixteen_digits_of_a_masked_study),
        CASE(test_key_that_follows_another_is_for_new_entries),
        CASE(test_study_with_a_key_refuses_cohorts_in_the_clear),
        CASE(test_study_without_a_key_refuses_sealed_cohorts),
        CASE(test_sealed_entry_is_one_of_cohort_and_bytes_of_one_length),
        CASE(test_sealed_entry_given_again_is_none),
        CASE(test_sealed_entry_of_another_cohort_needs_a_reason),
        CASE(test_sealed_entry_behind_one_in_the_clear_needs_a_reason),
        CASE(test_sealed_list_with_a_mistake_enters_nothing),
        CASE(test_trail_has_the_hash_of_what_was_sealed_alone),
        CASE(test_report_gets_the_newest_sealed_entry_of_the_cut),
        CASE(test_emergency_without_the_key_is_told_its_id_and_no_more),
        CASE(test_emergency_of_an_entry_in_the_clear_needs_no_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
