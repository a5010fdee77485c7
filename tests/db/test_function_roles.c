/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whom each function of schema api lets in: asked of the function itself, since patellad, which asks its table of
 * routes first, may be wrong or in other hands.  Each function that takes a token and a study has a row here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_database.h"
#include "tests/support/test_submission.h"

/* Roles by a letter, with a token for them of the seed. */
static const struct {
    char letter;
    const char *token;
    const char *role;
} roles[] = {
    {'a', "administrator", "administrator"},
    {'d', "data_manager", "data_manager"},
    {'c', "coordinator", "coordinator"},
    {'i', "investigator1", "investigator"},
    {'o', "monitor", "monitor"},
    {'s', "statistician", "statistician"},
    {'u', "unmasked", "statistician_unmasked"},
    {'m', "machine1", "site_machine"},
    {'t', "a link", "participant"},
};
enum { ROLES = sizeof roles / sizeof roles[0] };

struct entrance {
    const char *function;
    const char *roles;
    bool whole;              /* a token for some sites is refused */
};

static const struct entrance entrances[] = {
    {"add_invitation", "a", true},
    {"add_membership", "a", true},
    {"add_participant_link", "cdi", false},
    {"add_query_event", "do", false},        /* but for answers, see below */
    {"add_token", "a", true},
    {"add_upload_lines", "cdim", false},
    {"add_upload_profile", "cd", false},
    {"append_upload", "cdim", false},
    {"approve_unblinding", "a", true},
    {"ask_redaction", "d", false},
    {"ask_upload_commit", "cdim", false},
    {"ask_upload_take_back", "cdim", false},
    {"begin_upload", "cdim", false},
    {"conclude_review", "ado", false},
    {"decide_redaction", "a", false},
    {"delete_upload", "cdim", false},
    {"disable_account", "a", true},
    {"drop_draft", "cdi", false},
    {"end_invitation", "a", true},
    {"end_membership", "a", true},
    {"end_upload", "cdim", false},
    {"end_upload_check", "cdim", false},
    {"enter_second", "cd", false},
    {"fail_upload_commit", "cdim", false},
    {"fail_upload_take_back", "cdim", false},
    {"find_participant_link", "t", false},
    {"find_submission", "dciosu", false},
    {"find_upload", "dciosum", false},
    {"find_upload_profile", "dciosum", false},
    {"finish_upload", "cdim", false},
    {"finish_upload_take_back", "cdim", false},
    {"freeze_study", "ad", true},
    {"hash_upload", "cdim", false},
    {"list_cuts", "adcsu", false},
    {"list_desk_drafts", "dciosu", false},
    {"list_desk_endings", "dciosu", false},
    {"list_desk_items", "dcio", false},
    {"list_desk_marks", "dciosu", false},
    {"list_desk_records", "dciosu", false},
    {"list_desk_subjects", "dciosu", false},
    {"list_differences", "dciosu", false},
    {"list_drafts", "cdi", false},
    {"list_invitations", "a", true},
    {"list_locks", "dciosu", false},
    {"list_memberships", "a", true},
    {"list_notices", "dcio", false},
    {"list_participant_links", "cdi", false},
    {"list_protocol_versions", "a", true},
    {"list_queries", "dciosu", false},
    {"list_query_events", "dciosu", false},
    {"list_redactions", "adciosu", false},
    {"list_report_files", "asu", true},
    {"list_reports", "asu", true},
    {"list_reviews", "ado", false},
    {"list_second_entries", "dciosu", false},
    {"list_signatures", "dciosu", false},
    {"list_study_sites", "a", true},
    {"list_subjects", "dciosu", false},
    {"list_submissions", "dciosu", false},
    {"list_tokens", "a", true},
    {"list_unblindings", "adiu", false},
    {"list_upload_lines", "dciom", false},
    {"list_upload_profiles", "dciosum", false},
    {"list_upload_versions", "cdim", false},
    {"list_uploads", "dciosum", false},
    {"list_verifications", "dciosu", false},
    {"lock_record", "d", false},
    {"lock_subject", "d", false},
    {"look_up_records", "cdim", false},
    {"make_cut", "dsu", true},
    {"note_upload", "cdim", false},
    {"number_upload", "cdim", false},
    {"open_query", "dio", false},
    {"put_draft", "cdi", false},
    {"put_participant_answers", "t", false},
    {"put_upload_back", "cdim", false},
    {"read_audit", "ado", false},
    {"read_export", "dsu", false},
    {"read_export_queries", "dsu", false},
    {"read_export_signatures", "dsu", false},
    {"read_export_verifications", "dsu", false},
    {"read_report_file", "su", true},
    {"read_review", "ado", false},
    {"read_upload", "cdim", false},
    {"reconcile", "cd", false},
    {"release_offline_key", "d", false},
    {"request_audit", "ado", false},
    {"request_emergency", "i", false},
    {"request_export", "dsu", false},
    {"request_report", "su", true},
    {"request_report_file", "su", true},
    {"request_review", "ado", false},
    {"request_unblinding", "u", true},
    {"reveal_allocation", "i", false},
    {"revoke_participant_link", "cdi", false},
    {"revoke_token", "a", true},
    {"sign", "i", false},
    {"take_upload", "cdim", false},
    {"verify_version", "o", false},
};

/* Name, and its arguments behind token and study, all NULL. */
static const char functions_sql[] =
    "SELECT p.proname, COALESCE((SELECT string_agg(', NULL::' || format_type(t.type, NULL), '' "
    "ORDER BY t.no) FROM unnest(p.proargtypes) WITH ORDINALITY t (type, no) WHERE t.no > 2), '') "
    "FROM pg_proc p WHERE p.pronamespace = 'api'::regnamespace AND p.pronargs >= 2 "
    "AND (p.proargtypes[0], p.proargtypes[1]) = ('bytea'::regtype, 'int'::regtype) "
    "AND has_function_privilege('patella_collector', p.oid, 'EXECUTE') ORDER BY p.proname";

/* SQLSTATE of the call; "P0999" when the function ends well, and what it did is undone. */
static const char *call(struct db *db, const char *function, const char *token, const char *arguments)
{
    return test_sqlstate(db, memory_format(db, "DO $$ BEGIN PERFORM FROM api.%s('%s', 1%s); "
                                               "RAISE EXCEPTION 'undone' USING ERRCODE = 'P0999'; END $$",
                                           function, token, arguments));
}

static const struct entrance *find_entrance(const char *function)
{
    for (size_t i = 0; i < sizeof entrances / sizeof entrances[0]; i++)
        if (strcmp(entrances[i].function, function) == 0)
            return &entrances[i];
    return NULL;
}

static unsigned check_roles(struct db *db, const struct entrance *entrance, const char *arguments)
{
    unsigned failed = 0;
    for (size_t i = 0; i < ROLES; i++) {
        const char *sqlstate = call(db, entrance->function, roles[i].token, arguments);
        bool in = strcmp(sqlstate, "42501") != 0 && strcmp(sqlstate, "28000") != 0;
        if (in != (strchr(entrance->roles, roles[i].letter) != NULL)) {
            print_error("%s is %s by %s\n", roles[i].role, in ? "let in" : "refused", entrance->function);
            failed++;
        }
    }
    return failed;
}

/* A token of this role for site 1. */
static unsigned check_token_of_a_site(struct test_fixture *fixture, const struct entrance *entrance, size_t role,
                                      const char *arguments)
{
    const char *sqlstate = call(fixture->collector, entrance->function,
                                memory_format(fixture->owner, "%s of site 1", roles[role].role), arguments);
    if (strcmp(sqlstate, "42501") == 0)
        return 0;
    print_error("%s of one site is let in by %s: %s\n", roles[role].role, entrance->function, sqlstate);
    return 1;
}

static unsigned check_strangers(struct db *db, const struct entrance *entrance, const char *arguments)
{
    static const char *const strangers[][2] = {
        {"nobody", "28000"},  {"", "28000"}, {"expired", "28000"},
        {"revoked", "28000"}, {"statistician_other", "42501"},
    };
    unsigned failed = 0;
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        const char *sqlstate = call(db, entrance->function, strangers[i][0], arguments);
        if (strcmp(sqlstate, strangers[i][1]) != 0) {
            print_error("%s: token \"%s\": %s\n", entrance->function, strangers[i][0], sqlstate);
            failed++;
        }
    }
    return failed;
}

static void test_function_lets_in_its_roles_and_nobody_else(void **state)
{
    struct test_fixture *fixture = *state;
    struct error error;
    struct db_result *functions = db_query(fixture->owner, fixture->superuser, functions_sql, NULL, &error);
    if (!functions)
        fail_msg("%s", error.message);
    test_enrol(fixture->collector, 1, 1);
    static const char *const links[] = {"a link", "participant of site 1"};
    for (size_t i = 0; i < 2; i++)
        test_run(fixture->collector,
                 memory_format(fixture->owner, "SELECT api.add_participant_link('coordinator', 1, sha256('%s'), 1, 1, "
                               "'koos', 1, 'left', 'M3', NULL, 5)", links[i]));
    for (size_t i = 0; i < ROLES && roles[i].letter != 't'; i++)
        test_run(fixture->superuser,
                 memory_format(fixture->owner, "SELECT admin.add_token('%s', 'demo', '%s', '{1}', "
                               "sha256('%s of site 1'), now() + interval '1 day')",
                               roles[i].token, roles[i].role, roles[i].role));
    unsigned failed = 0;
    for (size_t row = 0; row < db_rows(functions); row++) {
        const struct entrance *entrance = find_entrance(db_text(functions, row, 0));
        const char *arguments = db_text(functions, row, 1);
        if (!entrance) {
            print_error("%s has no row\n", db_text(functions, row, 0));
            failed++;
            continue;
        }
        failed += check_roles(fixture->collector, entrance, arguments);
        failed += check_strangers(fixture->collector, entrance, arguments);
        for (size_t role = 0; entrance->whole && role < ROLES; role++)
            failed += check_token_of_a_site(fixture, entrance, role, arguments);
    }
    assert_int_equal(failed, 0);
    assert_int_equal(db_rows(functions), sizeof entrances / sizeof entrances[0]);
}

static void test_function_add_query_event_lets_others_answer(void **state)
{
    struct test_fixture *fixture = *state;
    const struct entrance answering = {"add_query_event", "cid", false};
    assert_int_equal(check_roles(fixture->collector, &answering, ", NULL, 'answered', 'text'"), 0);
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_function_lets_in_its_roles_and_nobody_else),
        cmocka_unit_test(test_function_add_query_event_lets_others_answer),
    };
    return cmocka_run_group_tests(tests, test_fixture_setup, test_fixture_teardown);
}
