/* SPDX-License-Identifier: GPL-3.0-or-later */
/* patella-seal verify holds the ledger of uploads and their profiles against the trail; what is purged is no fault. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/seal_run.h"

/* By the account carla, of all sites. */
static const char *call(struct report_run *run, const char *function, const char *rest)
{
    return seal_value(run, memory_format(run, "SELECT f FROM api.%s('carla', 1, %s) f", function, rest));
}

static const char *with_id(struct report_run *run, const char *id, const char *rest)
{
    return memory_format(run, "'%s'%s", id, rest);
}

/* Received, previewed, committed; a profile is there too. */
static const char *make_committed(struct report_run *run)
{
    call(run, "add_upload_profile", "0, 'redcap', 'profile: redcap'");
    call(run, "begin_upload", "NULL, 'a.csv', NULL, 'redcap', 0, NULL, NULL, NULL, 'metadata', 24");
    const char *id = memory_copy_string(run, seal_value(run, "SELECT upload_id FROM upload.file"));
    call(run, "append_upload", with_id(run, id, ", 0, 'a,b'"));
    call(run, "append_upload", with_id(run, id, ", 3, 'c'"));
    call(run, "end_upload", with_id(run, id, ", 4, NULL"));
    call(run, "take_upload", with_id(run, id, ""));
    call(run, "note_upload", with_id(run, id, ", 'checking', 1, 4"));
    call(run, "hash_upload", with_id(run, id, ", sha256('a,bc')"));
    call(run, "add_upload_lines", with_id(run, id, ", '{2}', '{new}', '{0}', '{NULL}', '{\"{}\"}', '{NULL}'"));
    call(run, "end_upload_check", with_id(run, id, ", 'previewed', NULL, '{\"new\": 1}', '[]', '{}', sha256('e'), "
                                                   "sha256('t'), false"));
    call(run, "ask_upload_commit", with_id(run, id, ", sha256('t'), 'good-rows', 'as in the file'"));
    call(run, "finish_upload", with_id(run, id, ", 1, now(), '{\"new\": 1}', '{}'"));
    assert_string_equal(seal_value(run, "SELECT state FROM upload.file"), "committed");
    return id;
}

static int set_up(void **state)
{
    struct report_run *run = seal_run_new();
    *state = run;
    test_run(collected_db(run->collected),
             "SELECT admin.add_account('carla', 'Carla Coordinator'); SELECT admin.add_token('carla', s.code, "
             "'coordinator', '{}', sha256('carla'), now() + interval '1 day') FROM core.study s WHERE s.study_id = 1");
    const char *id = make_committed(run);
    seal_once(run);
    call(run, "ask_upload_take_back", with_id(run, id, ", 'wrong file'"));
    return 0;
}

static void test_verify_uploads_are_as_the_trail_says(void **state)
{
    struct report_run *run = *state;
    seal_value(run, "SELECT api.purge_uploads()");
    assert_string_equal(seal_value(run, "SELECT count(*) FROM upload.chunk"), "0");
    seal_once(run);
    seal_verify(run);
    assert_report(run, 0, "all as they were sealed");
}

static void test_verify_names_an_upload_that_was_altered(void **state)
{
    static const char *const changes[] = {
        "UPDATE upload.file SET sha256 = sha256('other')", "UPDATE upload.file SET counts = '{\"new\": 2}'",
        "UPDATE upload.file SET receipt_sha256 = sha256('other')", "DELETE FROM upload.file",
    };
    struct report_run *run = *state;
    seal_once(run);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        test_run(collected_db(run->collected), "CREATE TEMP TABLE kept AS SELECT * FROM upload.file");
        seal_tamper(run, changes[i]);
        seal_verify(run);
        assert_report(run, 1, "of upload.file study 1");
        seal_tamper(run, "DELETE FROM upload.file; INSERT INTO upload.file SELECT * FROM kept; DROP TABLE kept");
        seal_verify(run);
        assert_report(run, 0, "all as they were sealed");
    }
    seal_tamper(run, "UPDATE upload.profile SET yaml = 'profile: other'");
    seal_verify(run);
    assert_report(run, 1, "of upload.profile study 1");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, report_run_tear_down)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_verify_uploads_are_as_the_trail_says),
        CASE(test_verify_names_an_upload_that_was_altered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
