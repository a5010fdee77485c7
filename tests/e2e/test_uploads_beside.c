/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Submissions of others while an upload's transaction is open: who sends what it holds is answered, others go on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/registry.h"

/* An upload that is being checked, as if a daemon were at it. */
static void add_upload(struct registry *registry, struct db *db)
{
    test_run(db, "SELECT api.begin_upload('coordinator1', 1, 1, 'a.csv', NULL, NULL, 0, NULL, 'good-rows', NULL, "
                 "NULL, 24)");
    const char *id = test_value(registry->db, "SELECT upload_id FROM upload.file");
    test_run(db, memory_format(db, "SELECT api.append_upload('coordinator1', 1, '%s', 0, 'a,b')", id));
    test_run(db, memory_format(db, "SELECT api.end_upload('coordinator1', 1, '%s', 3, NULL)", id));
    test_run(db, memory_format(db, "SELECT api.take_upload('coordinator1', 1, '%s')", id));
    assert_string_equal(test_value(registry->db, "SELECT state FROM upload.file"), "checking");
}

/* The record that subject 61 has, of another subject, stored by a transaction that stays open. */
static void hold_record(struct db *holder, const char *subject)
{
    test_run(holder, memory_format(holder,
        "BEGIN; SET LOCAL session_replication_role = replica; "
        "INSERT INTO core.submission SELECT study_id, site_id, %s, form, knee, visit, instance, version, "
        "gen_random_uuid(), status, form_version, protocol_version, dated, content, sha256, prev_sha256, scores, "
        "reason, 'csv', token_no, recorded_by, recorded_at, pg_current_xact_id(), era FROM core.submission "
        "WHERE study_id = 1 AND subject_no = 61 AND form = 'pain_vas'", subject));
}

static void test_record_of_an_upload_under_way_is_answered_and_others_go_on(void **state)
{
    struct registry *registry = *state;
    static const char *const subjects[] = {"01-0061", "01-0062", "01-0063"};
    for (size_t i = 0; i < 3; i++)
        registry_enrol(registry, "coordinator1", subjects[i]);
    assert_status(api_submit(registry, "coordinator1", registry_pain(registry, NULL, "01-0061", 10, "")), 201);
    add_upload(registry, test_database_connect(registry, registry->database, "patella_collector"));
    struct db *holder = test_database_connect(registry, registry->database, NULL);
    hold_record(holder, "62");

    const char *theirs = registry_pain(registry, NULL, "01-0062", 20, "");
    assert_problem(api_submit(registry, "coordinator1", theirs), 503, "unavailable");
    assert_status(api_submit(registry, "coordinator2", registry_enrolment(registry, NULL, "02-0061")), 201);
    assert_status(api_submit(registry, "coordinator1", registry_pain(registry, NULL, "01-0063", 30, "")), 201);
    test_run(holder, "ROLLBACK");
    assert_status(api_submit(registry, "coordinator1", theirs), 201);
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record_of_an_upload_under_way_is_answered_and_others_go_on),
    };
    return cmocka_run_group_tests(tests, registry_setup, registry_teardown);
}
