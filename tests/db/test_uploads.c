/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Uploads as they come in: begun, added to, ended, given up; who sees them; profiles; what is deleted, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/test_upload.h"

/* Of a file of site 1 (0: none named); "code|id|site". */
static const char *begin(const struct test_fixture *fixture, const char *token, const char *site, const char *rest)
{
    return ASK("SELECT concat_ws('|', COALESCE(u.code, '-'), u.upload_id, u.site_id) "
               "FROM api.begin_upload('%s', 1, %s, %s) u", token, site, rest);
}

#define PLAIN "'a.csv', NULL, NULL, 0, NULL, NULL, NULL, NULL, 24"

/* ---------------------------------------------------------------------------------------------- beginning */

static void test_upload_begins_at_the_site_of_the_token(void **state)
{
    struct test_fixture *fixture = *state;
    assert_string_equal(begin(fixture, "coordinator1", "NULL", PLAIN) + 38, "|1");
    assert_string_equal(begin(fixture, "coordinator1", "1", PLAIN) + 38, "|1");
    assert_string_equal(begin(fixture, "machine1", "NULL", PLAIN) + 38, "|1");
    assert_string_equal(begin(fixture, "coordinator", "NULL", PLAIN) + 38, "|0");
    assert_string_equal(begin(fixture, "coordinator", "2", PLAIN) + 38, "|2");
    assert_string_equal(begin(fixture, "coordinator1", "2", PLAIN), "unknown_site");
    assert_string_equal(begin(fixture, "coordinator", "3", PLAIN), "unknown_site");
    assert_string_equal(begin(fixture, "coordinator", "0", PLAIN), "unknown_site");
    assert_string_equal(begin(fixture, "monitor", "1", PLAIN), "(42501)");
    assert_string_equal(begin(fixture, "coordinator_other", "1", PLAIN), "(42501)");
}

static void test_upload_is_not_begun_with_what_nobody_knows(void **state)
{
    struct test_fixture *fixture = *state;
    static const char *const cases[][2] = {
        {"'', NULL, NULL, 0, NULL, NULL, NULL, NULL, 24", "bad_name"},
        {"repeat('x', 256), NULL, NULL, 0, NULL, NULL, NULL, NULL, 24", "bad_name"},
        {"'a', 'sf36', NULL, 0, NULL, NULL, NULL, NULL, 24", "unknown_form"},
        {"'a', NULL, 'redcap', 0, NULL, NULL, NULL, NULL, 24", "unknown_profile"},
        {"'a', NULL, NULL, 0, NULL, 'some', NULL, NULL, 24", "bad_mode"},
        {"'a', NULL, NULL, 0, NULL, NULL, '  x  ', NULL, 24", "reason_missing"},
        {"'a', NULL, NULL, 0, 2147483649, NULL, NULL, NULL, 24", "too_large"},
        {"'a', NULL, NULL, 0, NULL, NULL, NULL, repeat('m', 4097), 24", "too_large"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(begin(fixture, "coordinator1", "1", cases[i][0]), cases[i][1]);
    assert_string_equal(test_count(fixture, "upload.file"), "0");
    assert_string_equal(begin(fixture, "coordinator1", "1",
                              "'a', 'koos', NULL, 0, 2147483648, 'good-rows', 'as sent', repeat('m', 4096), 24") + 38,
                        "|1");
}

static void test_upload_of_who_never_ends_is_refused(void **state)
{
    struct test_fixture *fixture = *state;
    for (int i = 0; i < 100; i++)
        test_upload_begin(fixture, "coordinator1", "1");
    assert_string_equal(begin(fixture, "coordinator1", "1", PLAIN), "too_many");
    test_upload_begin(fixture, "coordinator", "1");
    test_run(fixture->superuser, "SET session_replication_role = replica; UPDATE upload.file SET expires_at = now() "
                                 "WHERE upload_id = (SELECT upload_id FROM upload.file "
                                 "WHERE recorded_by = 'coordinator1' LIMIT 1)");
    test_upload_begin(fixture, "coordinator1", "1");
}

/* ---------------------------------------------------------------------------------------------- bytes */

static void test_upload_takes_pieces_in_their_order_once(void **state)
{
    struct test_fixture *fixture = *state;
    const char *id = test_upload_begin(fixture, "coordinator1", "1");
    assert_string_equal(test_upload_append(fixture, "coordinator1", id, 0, "abc"), "- 3");
    assert_string_equal(test_upload_append(fixture, "coordinator1", id, 3, "defg"), "- 7");
    assert_string_equal(test_upload_append(fixture, "coordinator1", id, 3, "defg"), "- 7");   /* sent again */
    assert_string_equal(test_upload_append(fixture, "coordinator1", id, 0, "abc"), "- 7");
    assert_string_equal(test_upload_append(fixture, "coordinator1", id, 3, "DEFG"), "wrong_offset 7");
    assert_string_equal(test_upload_append(fixture, "coordinator1", id, 0, "ab"), "wrong_offset 7");
    assert_string_equal(test_upload_append(fixture, "coordinator1", id, 8, "h"), "wrong_offset 7");
    assert_string_equal(test_upload_append(fixture, "coordinator1", id, 7, ""), "too_large 7");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT convert_from(string_agg(bytes, '' ORDER BY start), 'UTF8') FROM upload.chunk"), "abcdefg");
    assert_string_equal(test_upload_end(fixture, "coordinator1", id, 8), "incomplete");
    assert_string_equal(test_upload_end(fixture, "coordinator1", id, 7), "-");
    assert_string_equal(test_upload_end(fixture, "coordinator1", id, 7), "-");                /* sent again */
    assert_string_equal(test_upload_end(fixture, "coordinator1", id, 6), "not_receiving");
    assert_string_equal(test_upload_append(fixture, "coordinator1", id, 7, "h"), "not_receiving 7");
    assert_string_equal(test_upload_state(fixture, id), "queued");
}

static void test_upload_is_no_larger_than_was_said(void **state)
{
    struct test_fixture *fixture = *state;
    const char *begun = begin(fixture, "coordinator1", "1", "'a', NULL, NULL, 0, 5, NULL, NULL, NULL, 24");
    const char *id = memory_copy_bytes(fixture->owner, begun + 2, 36);
    assert_string_equal(test_upload_append(fixture, "coordinator1", id, 0, "abc"), "- 3");
    assert_string_equal(test_upload_append(fixture, "coordinator1", id, 3, "def"), "too_large 3");
    assert_string_equal(test_upload_end(fixture, "coordinator1", id, 3), "incomplete");
    assert_string_equal(test_upload_append(fixture, "coordinator1", id, 3, "de"), "- 5");
    assert_string_equal(test_upload_end(fixture, "coordinator1", id, 5), "-");
    assert_string_equal(ASK("SELECT u.code FROM api.append_upload('coordinator1', 1, '%s', 0, "
                            "convert_to(repeat('x', 262145), 'UTF8')) u",
                            test_upload_begin(fixture, "coordinator1", "1")), "too_large");
}

static void test_upload_is_added_to_by_who_began_it_only(void **state)
{
    struct test_fixture *fixture = *state;
    const char *id = test_upload_begin(fixture, "coordinator1", "1");
    static const char *const others[] = {"coordinator", "machine1", "investigator1", "coordinator2"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_string_equal(test_upload_append(fixture, others[i], id, 0, "x"), "(P0002)");
        assert_string_equal(test_upload_end(fixture, others[i], id, 0), "(P0002)");
        assert_string_equal(ASK("SELECT api.delete_upload('%s', 1, '%s')", others[i], id), "(P0002)");
    }
    assert_string_equal(test_count(fixture, "upload.chunk"), "0");
    assert_string_equal(test_upload_state(fixture, id), "receiving");
}

static void test_upload_expires(void **state)
{
    struct test_fixture *fixture = *state;
    const char *id = test_upload_begin(fixture, "coordinator1", "1");
    test_upload_append(fixture, "coordinator1", id, 0, "abc");
    test_run(fixture->superuser, "SET session_replication_role = replica; "
                                 "UPDATE upload.file SET expires_at = now() - interval '1 second'");
    assert_string_equal(test_upload_state(fixture, id), "expired");
    assert_string_equal(test_upload_append(fixture, "coordinator1", id, 3, "d"), "expired 3");
    assert_string_equal(test_upload_end(fixture, "coordinator1", id, 3), "expired");
    assert_string_equal(test_count(fixture, "upload.file WHERE state = 'receiving'"), "1");
    assert_string_equal(ASK("SELECT api.purge_uploads()"), "f");
    assert_string_equal(test_count(fixture, "upload.file WHERE state = 'expired' AND NOT keeps_bytes"), "1");
    assert_string_equal(test_count(fixture, "upload.chunk"), "0");
}

static void test_upload_that_nobody_comes_back_for_expires(void **state)
{
    struct test_fixture *fixture = *state;
    const char *id = test_upload_begin(fixture, "coordinator1", "1");
    test_upload_append(fixture, "coordinator1", id, 0, "abc");
    test_upload_end(fixture, "coordinator1", id, 3);
    test_run(fixture->superuser, "UPDATE upload.file SET state_at = now() - interval '6 days 23 hours'");
    ASK("SELECT api.purge_uploads()");
    assert_string_equal(test_upload_state(fixture, id), "queued");
    test_run(fixture->superuser, "UPDATE upload.file SET state_at = now() - interval '7 days 1 second'");
    test_run(fixture->superuser, memory_format(fixture->owner, "SELECT pg_advisory_lock(85, hashtext('%s'))", id));
    ASK("SELECT api.purge_uploads()");
    assert_string_equal(test_upload_state(fixture, id), "queued");              /* a job has it */
    test_run(fixture->superuser, "SELECT pg_advisory_unlock_all()");
    ASK("SELECT api.purge_uploads()");
    assert_string_equal(test_upload_state(fixture, id), "expired");
    assert_string_equal(test_count(fixture, "upload.chunk"), "0");
}

static void test_upload_that_was_deleted_keeps_its_row(void **state)
{
    struct test_fixture *fixture = *state;
    const char *id = test_upload_begin(fixture, "coordinator1", "1");
    test_upload_append(fixture, "coordinator1", id, 0, "abc");
    assert_string_equal(ASK("SELECT api.delete_upload('coordinator1', 1, '%s')", id), "");
    assert_string_equal(ASK("SELECT api.delete_upload('coordinator1', 1, '%s')", id), "");
    assert_string_equal(test_upload_state(fixture, id), "deleted");
    assert_string_equal(test_upload_append(fixture, "coordinator1", id, 3, "d"), "not_receiving 3");
    assert_string_equal(ASK("SELECT api.purge_uploads()"), "f");
    assert_string_equal(test_count(fixture, "upload.chunk"), "0");
    assert_string_equal(test_count(fixture, "upload.file"), "1");
}

static void test_upload_is_purged_a_thousand_rows_at_a_time(void **state)
{
    struct test_fixture *fixture = *state;
    const char *id = test_upload_begin(fixture, "coordinator1", "1");
    test_run(fixture->superuser,
             "SET session_replication_role = replica; INSERT INTO upload.chunk SELECT study_id, site_id, upload_id, "
             "n, 'x' FROM upload.file, generate_series(0, 1499) n; SET session_replication_role = origin");
    assert_string_equal(ASK("SELECT api.purge_uploads()"), "f");
    assert_string_equal(test_count(fixture, "upload.chunk"), "1500");       /* it is being received */
    ASK("SELECT api.delete_upload('coordinator1', 1, '%s')", id);
    assert_string_equal(ASK("SELECT api.purge_uploads()"), "t");
    assert_string_equal(test_count(fixture, "upload.chunk"), "500");
    assert_string_equal(ASK("SELECT api.purge_uploads()"), "f");
    assert_string_equal(test_count(fixture, "upload.chunk"), "0");
}

static void test_upload_of_a_study_without_sites_is_refused(void **state)
{
    struct test_fixture *fixture = *state;
    test_run(fixture->superuser, "SELECT admin.add_study('empty', 'No site yet', 'none'); "
                                 "SELECT admin.add_token('coordinator', 'empty', 'coordinator', '{}', sha256('early'), "
                                 "now() + interval '9 days')");
    assert_string_equal(ASK("SELECT u.code FROM api.begin_upload('early', (SELECT study_id FROM api.find_credential("
                            "'early')), NULL, 'a.csv', NULL, NULL, 0, NULL, NULL, NULL, NULL, 24) u"), "unknown_site");
}

/* Lines as well; and with the very last row of a thousand it is said that there may be more. */
static void test_upload_is_purged_of_its_lines_a_thousand_at_a_time(void **state)
{
    struct test_fixture *fixture = *state;
    const char *id = test_upload_queued(fixture, "coordinator1", "1", "a,b");
    test_upload_preview(fixture, "coordinator1", id, "a,b");
    test_run(fixture->superuser,
             "SET session_replication_role = replica; INSERT INTO upload.line (study_id, site_id, upload_id, "
             "reading_no, line, verdict, warned, detail) SELECT study_id, site_id, upload_id, reading_no, n, 'new', "
             "false, '{}' FROM upload.file, generate_series(1, 1001) n; SET session_replication_role = origin");
    ASK("SELECT api.delete_upload('coordinator1', 1, '%s')", id);
    assert_string_equal(ASK("SELECT api.purge_uploads()"), "t");
    assert_string_equal(test_count(fixture, "upload.file WHERE keeps_rows"), "1");
    assert_string_equal(test_count(fixture, "upload.reading"), "1");
    assert_string_equal(ASK("SELECT api.purge_uploads()"), "f");
    assert_string_equal(test_count(fixture, "upload.line"), "0");
    assert_string_equal(test_count(fixture, "upload.reading"), "0");
}

static void test_uploads_are_purged_by_one_at_a_time(void **state)
{
    struct test_fixture *fixture = *state;
    const char *id = test_upload_begin(fixture, "coordinator1", "1");
    test_upload_append(fixture, "coordinator1", id, 0, "abc");
    ASK("SELECT api.delete_upload('coordinator1', 1, '%s')", id);
    test_run(fixture->superuser, "SELECT pg_advisory_lock(84, 0)");
    assert_string_equal(ASK("SELECT api.purge_uploads()"), "f");
    assert_string_equal(test_count(fixture, "upload.chunk"), "1");
    test_run(fixture->superuser, "SELECT pg_advisory_unlock_all()");
    assert_string_equal(ASK("SELECT api.purge_uploads()"), "f");
    assert_string_equal(test_count(fixture, "upload.chunk"), "0");
}

/* ---------------------------------------------------------------------------------------------- who sees what */

static const char *seen_by(const struct test_fixture *fixture, const char *token)
{
    return ASK("SELECT string_agg(u.name, ' ' ORDER BY u.name) "
               "FROM api.list_uploads('%s', 1, NULL, NULL, NULL, 100) u", token);
}

static void test_upload_is_seen_by_who_sees_all_its_sites(void **state)
{
    struct test_fixture *fixture = *state;
    test_run(fixture->superuser, "SELECT admin.add_token('coordinator', 'demo', 'coordinator', '{2,1}', "
                                 "sha256('both'), now() + interval '1 day')");
    begin(fixture, "coordinator1", "1", "'of1', NULL, NULL, 0, NULL, NULL, NULL, NULL, 24");
    begin(fixture, "coordinator2", "2", "'of2', NULL, NULL, 0, NULL, NULL, NULL, NULL, 24");
    begin(fixture, "both", "NULL", "'of12', NULL, NULL, 0, NULL, NULL, NULL, NULL, 24");
    begin(fixture, "coordinator", "NULL", "'of_all', NULL, NULL, 0, NULL, NULL, NULL, NULL, 24");
    assert_string_equal(seen_by(fixture, "coordinator1"), "of1");
    assert_string_equal(seen_by(fixture, "machine1"), "of1");
    assert_string_equal(seen_by(fixture, "coordinator2"), "of2");
    assert_string_equal(seen_by(fixture, "both"), "of1 of12 of2 of_all");
    assert_string_equal(seen_by(fixture, "monitor"), "of1 of12 of2 of_all");
    assert_string_equal(seen_by(fixture, "administrator"), "(42501)");
    test_run(fixture->superuser, "SELECT admin.add_site('demo', 3, 'Third', 'Europe/Vienna')");
    begin(fixture, "coordinator", "NULL", "'of123', NULL, NULL, 0, NULL, NULL, NULL, NULL, 24");
    assert_string_equal(seen_by(fixture, "both"), "of1 of12 of2 of_all");
    assert_string_equal(seen_by(fixture, "monitor"), "of1 of12 of123 of2 of_all");
    assert_string_equal(ASK("SELECT u.name FROM api.find_upload('coordinator2', 1, (SELECT upload_id FROM "
                            "api.list_uploads('coordinator1', 1, NULL, NULL, NULL, 1))) u"), "(P0002)");
    assert_string_equal(ASK("SELECT count(*) FROM api.list_uploads('coordinator_other', 2, NULL, NULL, NULL, 9)"),
                        "0");
}

/* Names on a page of two. */
static const char *page(const struct test_fixture *fixture, const char *filter)
{
    return ASK("SELECT string_agg(u.name, ' ' ORDER BY u.begun_at DESC) "
               "FROM api.list_uploads('coordinator', 1, %s, 2) u", filter);
}

static void test_upload_list_goes_from_the_newest_by_pages(void **state)
{
    struct test_fixture *fixture = *state;
    for (int i = 1; i <= 5; i++)
        begin(fixture, "coordinator1", "1",
              memory_format(fixture->owner, "'f%d', NULL, NULL, 0, NULL, NULL, NULL, NULL, 24", i));
    assert_string_equal(page(fixture, "NULL, NULL, NULL"), "f5 f4");
    const char *last = ASK("SELECT (array_agg(u.upload_id ORDER BY u.begun_at))[1]::text "
                           "FROM api.list_uploads('coordinator', 1, NULL, NULL, NULL, 2) u");
    assert_string_equal(page(fixture, memory_format(fixture->owner, "NULL, NULL, '%s'", last)), "f3 f2");
    ASK("SELECT api.delete_upload('coordinator1', 1, '%s')", last);
    assert_string_equal(page(fixture, "1, 'deleted', NULL"), "f4");
    assert_string_equal(page(fixture, "2, NULL, NULL"), "");
    assert_string_equal(page(fixture, "NULL, NULL, '00000000-0000-0000-0000-000000000000'"), "(P0002)");
}

/* ---------------------------------------------------------------------------------------------- the record */

static void test_upload_leaves_its_moves_in_the_trail_and_no_words(void **state)
{
    struct test_fixture *fixture = *state;
    begin(fixture, "machine1", "1", "'Mrs Secret.csv', NULL, NULL, 0, NULL, NULL, NULL, 'Secret', 24");
    const char *id = test_value(fixture->superuser, "SELECT upload_id FROM upload.file");
    test_upload_append(fixture, "machine1", id, 0, "Secret");
    test_upload_end(fixture, "machine1", id, 6);
    assert_string_equal(test_value(fixture->superuser,
        "SELECT string_agg(e.operation || ' ' || (e.new ->> 'state') || ' ' || e.actor || ' ' || e.site_id, ', ' "
        "ORDER BY e.xid, e.seq) FROM audit.event e WHERE e.object = 'upload.file'"),
        "INSERT receiving machine1 1, UPDATE queued machine1 1");
    assert_string_equal(test_count(fixture, "audit.event e WHERE e::text LIKE '%ecret%'"), "0");
    assert_string_equal(test_count(fixture, "upload.file f WHERE f::text LIKE '%ecret%'"), "1");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT e.token_no = c.token_no FROM audit.event e, sec.credential c WHERE e.object = 'upload.file' "
        "AND e.operation = 'INSERT' AND c.token_sha256 = sha256('machine1')"), "t");
}

static void test_upload_of_several_sites_is_in_the_trail_of_who_sees_all(void **state)
{
    struct test_fixture *fixture = *state;
    test_upload_begin(fixture, "coordinator", "NULL");
    const char *request = ASK("SELECT api.request_audit('data_manager', 1, 'json', NULL, NULL, NULL, NULL, "
                              "'upload.file', NULL, NULL)::text");
    assert_string_equal(ASK("SELECT count(*) FROM api.read_audit('data_manager', 1, '%s', NULL, NULL, 100) e "
                            "WHERE e.object = 'upload.file'", request), "1");
}

static void test_upload_keeps_what_was_said(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *db = fixture->superuser;
    const char *id = test_upload_begin(fixture, "coordinator1", "1");
    test_upload_append(fixture, "coordinator1", id, 0, "abc");
    test_upload_end(fixture, "coordinator1", id, 3);
    test_run(db, "UPDATE upload.file SET sha256 = sha256('abc')");
    static const char *const refused[] = {
        "UPDATE upload.file SET name = 'b.csv'",        "UPDATE upload.file SET recorded_by = 'eve'",
        "UPDATE upload.file SET site_id = 0",           "UPDATE upload.file SET received = 2",
        "UPDATE upload.file SET size = 4",              "UPDATE upload.file SET sha256 = sha256('x')",
        "UPDATE upload.file SET state = 'receiving'",   "UPDATE upload.file SET state = 'committed'",
        "UPDATE upload.file SET state = 'previewed'",   "UPDATE upload.file SET form = 'koos'",
        "DELETE FROM upload.file",                      "TRUNCATE upload.file CASCADE",
        "DELETE FROM upload.chunk",                     "UPDATE upload.chunk SET bytes = 'x'",
        "TRUNCATE upload.chunk",                        "TRUNCATE upload.line",
        "TRUNCATE upload.reading",                      "TRUNCATE upload.profile CASCADE",
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (strcmp(test_sqlstate(db, refused[i]), "42501") != 0)
            fail_msg("%s is not refused", refused[i]);
    test_run(db, "UPDATE upload.file SET state = 'checking'");
}

/* ---------------------------------------------------------------------------------------------- profiles */

static const char *add_profile(const struct test_fixture *fixture, const char *token, int site, const char *yaml)
{
    return ASK("SELECT p.site_id || ' ' || p.version FROM api.add_upload_profile('%s', 1, %d, 'redcap', '%s') p",
               token, site, yaml);
}

static const char *find_profile(const struct test_fixture *fixture, const char *token, int site, int version)
{
    return ASK("SELECT p.yaml FROM api.find_upload_profile('%s', 1, %d, 'redcap', %d) p", token, site, version);
}

static void test_profile_versions_follow_each_other(void **state)
{
    struct test_fixture *fixture = *state;
    assert_string_equal(add_profile(fixture, "coordinator1", 1, "a: 1"), "1 1");
    assert_string_equal(add_profile(fixture, "coordinator1", 1, "a: 1"), "1 1");
    assert_string_equal(add_profile(fixture, "coordinator1", 1, "a: 2"), "1 2");
    assert_string_equal(add_profile(fixture, "coordinator1", 1, "a: 1"), "1 3");
    assert_string_equal(add_profile(fixture, "data_manager", 0, "a: 0"), "0 1");
    assert_string_equal(add_profile(fixture, "coordinator1", 0, "a: 0"), "(P0002)");
    assert_string_equal(add_profile(fixture, "coordinator1", 2, "a: 0"), "(P0002)");
    assert_string_equal(add_profile(fixture, "coordinator", 3, "a: 0"), "(P0002)");
    assert_string_equal(ASK("SELECT string_agg(p.site_id || ' ' || p.version, ', ') "
                            "FROM api.list_upload_profiles('machine1', 1) p"), "0 1, 1 3");
    assert_string_equal(ASK("SELECT string_agg(p.site_id || ' ' || p.version, ', ') "
                            "FROM api.list_upload_profiles('coordinator2', 1) p"), "0 1");
    assert_string_equal(find_profile(fixture, "coordinator1", 1, 0), "a: 1");
    assert_string_equal(find_profile(fixture, "coordinator1", 1, 2), "a: 2");
    assert_string_equal(find_profile(fixture, "coordinator2", 2, 0), "a: 0");
    assert_string_equal(find_profile(fixture, "coordinator2", 1, 0), "a: 0");
    assert_string_equal(find_profile(fixture, "coordinator2", 1, 2), "(P0002)");
    assert_string_equal(test_count(fixture, "audit.event e WHERE e.object = 'upload.profile' AND e.new ? 'sha256' "
                                       "AND NOT e.new ? 'yaml'"), "4");
    assert_string_equal(test_sqlstate(fixture->superuser, "UPDATE upload.profile SET yaml = 'b'"), "42501");
    assert_string_equal(test_sqlstate(fixture->superuser, "DELETE FROM upload.profile"), "42501");
}

static const char *begin_with(const struct test_fixture *fixture, const char *token, const char *site, int version)
{
    return begin(fixture, token, site, memory_format(fixture->owner, "'a', NULL, 'redcap', %d, NULL, NULL, NULL, "
                                                     "NULL, 24", version));
}

static void test_profile_of_an_upload_is_its_newest_then(void **state)
{
    struct test_fixture *fixture = *state;
    add_profile(fixture, "coordinator1", 1, "a: 1");
    add_profile(fixture, "data_manager", 0, "a: 0");
    begin_with(fixture, "coordinator1", "1", 0);
    add_profile(fixture, "coordinator1", 1, "a: 2");
    begin_with(fixture, "coordinator2", "2", 0);
    begin_with(fixture, "coordinator", "NULL", 0);
    assert_string_equal(begin_with(fixture, "coordinator1", "1", 3),
                        "unknown_profile");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT string_agg(concat_ws(' ', site_id, profile_site, profile_version), ', ' ORDER BY recorded_at) "
        "FROM upload.file"), "1 1 1, 2 0 1, 0 0 1");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_fixture_setup, test_fixture_teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_upload_begins_at_the_site_of_the_token),
        CASE(test_upload_is_not_begun_with_what_nobody_knows),
        CASE(test_upload_of_who_never_ends_is_refused),
        CASE(test_upload_takes_pieces_in_their_order_once),
        CASE(test_upload_is_no_larger_than_was_said),
        CASE(test_upload_is_added_to_by_who_began_it_only),
        CASE(test_upload_expires),
        CASE(test_upload_that_nobody_comes_back_for_expires),
        CASE(test_upload_that_was_deleted_keeps_its_row),
        CASE(test_upload_is_purged_a_thousand_rows_at_a_time),
        CASE(test_upload_of_a_study_without_sites_is_refused),
        CASE(test_upload_is_purged_of_its_lines_a_thousand_at_a_time),
        CASE(test_uploads_are_purged_by_one_at_a_time),
        CASE(test_upload_is_seen_by_who_sees_all_its_sites),
        CASE(test_upload_list_goes_from_the_newest_by_pages),
        CASE(test_upload_leaves_its_moves_in_the_trail_and_no_words),
        CASE(test_upload_of_several_sites_is_in_the_trail_of_who_sees_all),
        CASE(test_upload_keeps_what_was_said),
        CASE(test_profile_versions_follow_each_other),
        CASE(test_profile_of_an_upload_is_its_newest_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
