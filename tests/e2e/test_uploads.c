/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CSV uploads: preview, commit, receipt, taking back; the real daemon on a real PostgreSQL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/upload_run.h"

#define HEADER "subject,knee,visit,date,vas\n"
#define PAIN "site=1&form=pain_vas"

/* ---- preview and commit ---- */

static void test_preview_writes_nothing_and_its_token_commits_exactly_that(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0001");
    long long before = count_submissions(registry, "");
    const char *id = upload_to(registry, "coordinator1", PAIN, HEADER "01-0001,right,BL,2024-02-02,61.5\n",
                               "previewed");
    struct client_reply *previewed = upload_get(registry, "coordinator1", id);
    assert_upload_rows(previewed, 1, 0, 0, 0);
    assert_int_equal(count_submissions(registry, ""), before);
    const char *token = memory_copy_string(registry, json_text_at(previewed->json, "preview.token"));
    struct client_reply *committed = upload_commit(registry, "coordinator1", id, "all-or-nothing", NULL);
    assert_status(committed, 200);
    assert_string_equal(json_text_at(committed->json, "state"), "committed");
    assert_string_equal(json_text_at(committed->json, "receipt.file.sha256"),
                        json_text_at(committed->json, "file.sha256"));
    assert_int_equal(json_number_at(committed->json, "receipt.rows.new"), 1);
    assert_string_equal(json_text_at(committed->json, "receipt.by"), "coordinator1");
    assert_int_equal(count_submissions(registry, "WHERE door = 'csv' AND form = 'pain_vas' AND subject_no = 1"), 1);
    /* A client whose answer was lost sends the same again. */
    const char *body = memory_format(registry, "{\"token\":\"%s\",\"mode\":\"all-or-nothing\"}", token);
    struct client_reply *again = api_send(registry, "coordinator1", "POST",
                                          memory_format(registry, UPLOADS "/%s/commit", id), body);
    assert_status(again, 200);
    assert_string_equal(json_text_at(again->json, "receipt.id"), id);
    assert_int_equal(count_submissions(registry, "WHERE door = 'csv' AND form = 'pain_vas' AND subject_no = 1"), 1);
}

static void test_fewer_rows_than_last_time_warn(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0031");
    static const char global[] = "site=1&form=patient_global", header[] = "subject,knee,visit,date,pga\n";
    const char *two = memory_format(registry, "%s01-0031,right,BL,2024-02-02,61.5\n01-0031,right,M3,2024-05-02,40\n",
                                    header);
    const char *one = memory_format(registry, "%s01-0031,right,BL,2024-02-02,61.5\n", header);
    const char *id = upload_to(registry, "coordinator1", global, two, "previewed");
    const char *before = upload_to(registry, "coordinator1", global, one, "previewed");
    assert_false(upload_has_finding(upload_get(registry, "coordinator1", before), "fewer_rows"));
    assert_status(upload_commit(registry, "coordinator1", id, "all-or-nothing", NULL), 200);
    const char *fewer = upload_to(registry, "coordinator1", global, one, "previewed");
    assert_true(upload_has_finding(upload_get(registry, "coordinator1", fewer), "fewer_rows"));
    const char *as_many =
        upload_to(registry, "coordinator1", global, memory_format(registry, "%s\n", two), "previewed");
    assert_false(upload_has_finding(upload_get(registry, "coordinator1", as_many), "fewer_rows"));
}

static void test_token_of_another_effect_commits_nothing(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0002");
    const char *id = upload_to(registry, "coordinator1", PAIN, HEADER "01-0002,right,BL,2024-02-02,50.0\n",
                               "previewed");
    const char *body = memory_format(registry, "{\"token\":\"%064d\",\"mode\":\"good-rows\"}", 7);
    const char *path = memory_format(registry, UPLOADS "/%s/commit", id);
    assert_problem(api_send(registry, "coordinator1", "POST", path, body), 409, "token_wrong");
    assert_int_equal(count_submissions(registry, "WHERE subject_no = 2 AND form = 'pain_vas'"), 0);
}

static void test_refused_row_stops_all_or_nothing_and_not_good_rows(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0003");
    const char *id = upload_to(registry, "coordinator1", PAIN,
                               HEADER "01-0003,right,BL,2024-02-02,40.0\n01-0003,right,M3,2024-05-01,140\n",
                               "previewed");
    assert_upload_rows(upload_get(registry, "coordinator1", id), 1, 0, 0, 1);
    assert_problem(upload_commit(registry, "coordinator1", id, "all-or-nothing", NULL), 409, "refused_rows");
    assert_int_equal(count_submissions(registry, "WHERE subject_no = 3 AND form = 'pain_vas'"), 0);
    assert_status(upload_commit(registry, "coordinator1", id, "good-rows", NULL), 200);
    assert_int_equal(count_submissions(registry, "WHERE subject_no = 3 AND form = 'pain_vas'"), 1);
}

static void test_good_rows_of_a_file_without_any_are_refused(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0033");
    const char *bad = HEADER "01-0033,right,BL,2024-02-02,140\n01-0033,right,M3,2024-05-01,x\n";
    const char *id = upload_to(registry, "coordinator1", PAIN "&commit=good-rows", bad, "refused");
    struct client_reply *refused = upload_get(registry, "coordinator1", id);
    assert_string_equal(json_text_at(refused->json, "problem"), "refused_rows");
    assert_upload_rows(refused, 0, 0, 0, 2);
    struct client_reply *rows = upload_part(registry, "coordinator1", id, "refused");
    assert_status(rows, 200);
    assert_non_null(strstr(rows->body, "01-0033,right,M3,2024-05-01,x,"));
    /* By the preview's token as well; the preview stands. */
    id = upload_to(registry, "coordinator1", PAIN, bad, "previewed");
    struct client_reply *committed = upload_commit(registry, "coordinator1", id, "good-rows", NULL);
    assert_problem(committed, 409, "refused_rows");
    assert_non_null(strstr(json_text_at(committed->json, "detail"), "all 2 rows"));
    assert_string_equal(json_text_at(upload_get(registry, "coordinator1", id)->json, "state"), "previewed");
    /* A row that is stored already is no refused one. */
    const char *good = HEADER "01-0033,right,BL,2024-02-02,20.0\n";
    upload_to(registry, "coordinator1", PAIN "&commit=good-rows", good, "committed");
    const char *mixed = memory_format(registry, "%s01-0033,right,M3,2024-05-01,x\n", good);
    id = upload_to(registry, "coordinator1", PAIN "&commit=good-rows", mixed, "committed");
    assert_upload_rows(upload_get(registry, "coordinator1", id), 0, 0, 1, 1);
    assert_int_equal(count_submissions(registry, "WHERE subject_no = 33 AND form = 'pain_vas'"), 1);
}

static void test_change_needs_a_reason_and_shows_both_values(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0004");
    assert_status(api_submit(registry, "coordinator1", registry_pain(registry, NULL, "01-0004", 30, "")), 201);
    const char *id = upload_to(registry, "coordinator1", PAIN, HEADER "01-0004,right,BL,2024-02-02,33.0\n",
                               "previewed");
    assert_true(json_is_true(json_object_get(
        json_object_get(upload_get(registry, "coordinator1", id)->json, "preview"), "reason_needed")));
    struct client_reply *rows = upload_part(registry, "coordinator1", id, "rows?verdict=changed");
    assert_string_equal(json_text_at(rows->json, "rows.0.changes.0.item"), "vas");
    assert_string_equal(json_text_at(rows->json, "rows.0.changes.0.before"), "30.5");
    assert_string_equal(json_text_at(rows->json, "rows.0.changes.0.after"), "33.0");
    assert_problem(upload_commit(registry, "coordinator1", id, "good-rows", NULL), 422, "reason_missing");
    assert_status(upload_commit(registry, "coordinator1", id, "good-rows", "read again from the paper"), 200);
    assert_int_equal(count_submissions(registry, "WHERE subject_no = 4 AND form = 'pain_vas' AND version = 2 "
                                       "AND reason = 'read again from the paper'"), 1);
}

static void test_blank_never_erases(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0005");
    assert_status(api_submit(registry, "coordinator1", registry_pain(registry, NULL, "01-0005", 44, "")), 201);
    const char *id = upload_to(registry, "coordinator1", PAIN, HEADER "01-0005,right,BL,2024-02-02,\n", "previewed");
    struct client_reply *previewed = upload_get(registry, "coordinator1", id);
    assert_upload_rows(previewed, 0, 0, 1, 0);
    assert_true(upload_has_finding(previewed, "blank_kept"));
}

static void test_change_between_preview_and_commit_is_seen(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0006");
    const char *id = upload_to(registry, "coordinator1", PAIN, HEADER "01-0006,right,BL,2024-02-02,20.0\n",
                               "previewed");
    assert_status(api_submit(registry, "coordinator1", registry_pain(registry, NULL, "01-0006", 70, "")), 201);
    assert_problem(upload_commit(registry, "coordinator1", id, "good-rows", NULL), 409, "changed_since_preview");
    assert_int_equal(count_submissions(registry, "WHERE subject_no = 6 AND form = 'pain_vas'"), 1);
    struct client_reply *again = upload_get(registry, "coordinator1", id);
    assert_string_equal(json_text_at(again->json, "state"), "previewed");
    assert_upload_rows(again, 0, 1, 0, 0);
    assert_status(upload_commit(registry, "coordinator1", id, "good-rows", "the file is right"), 200);
    assert_int_equal(count_submissions(registry, "WHERE subject_no = 6 AND form = 'pain_vas'"), 2);
}

static void test_mode_at_once_needs_no_second_request(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0007");
    const char *good = HEADER "01-0007,right,BL,2024-02-02,20.0\n";
    const char *mixed = HEADER "01-0007,right,BL,2024-02-02,20.0\n01-0007,right,M3,2024-05-01,x\n"
                        "01-0007,right,M6,2024-08-01,12\n";
    const char *id = upload_to(registry, "coordinator1", PAIN "&commit=all-or-nothing", mixed, "refused");
    assert_string_equal(json_text_at(upload_get(registry, "coordinator1", id)->json, "problem"), "refused_rows");
    assert_int_equal(count_submissions(registry, "WHERE subject_no = 7 AND form = 'pain_vas'"), 0);
    upload_to(registry, "coordinator1", PAIN "&commit=all-or-nothing", good, "committed");
    assert_int_equal(count_submissions(registry, "WHERE subject_no = 7 AND form = 'pain_vas'"), 1);
    id = upload_to(registry, "coordinator1", PAIN "&commit=good-rows", mixed, "committed");
    assert_upload_rows(upload_get(registry, "coordinator1", id), 1, 0, 1, 1);
    assert_int_equal(count_submissions(registry, "WHERE subject_no = 7 AND form = 'pain_vas'"), 2);
}

/* ---- the same again, and back ---- */

static void test_same_bytes_again_give_the_first_receipt(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0011");
    const char *csv = HEADER "01-0011,right,BL,2024-02-02,20.0\n";
    const char *first = upload_to(registry, "coordinator1", PAIN "&commit=all-or-nothing", csv, "committed");
    long long stored = count_submissions(registry, "");
    const char *again = upload_to(registry, "coordinator1", PAIN "&commit=all-or-nothing", csv, "repeated");
    struct client_reply *one = upload_get(registry, "coordinator1", first);
    char *receipt = json_dumps(json_object_get(one->json, "receipt"), JSON_COMPACT);
    struct client_reply *other = upload_get(registry, "coordinator1", again);
    assert_string_equal(json_text_at(other->json, "same_as"), first);
    char *repeated = json_dumps(json_object_get(other->json, "receipt"), JSON_COMPACT);
    assert_string_equal(receipt, repeated);
    free(receipt);
    free(repeated);
    assert_int_equal(count_submissions(registry, ""), stored);
}

static void test_taken_back_as_a_whole_and_uploaded_again(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0012");
    assert_status(api_submit(registry, "coordinator1", registry_pain(registry, NULL, "01-0012", 30, "")), 201);
    const char *csv = HEADER "01-0012,right,BL,2024-02-02,33.0\n01-0012,right,M3,2024-05-01,22.0\n";
    const char *id = upload_to(registry, "coordinator1", PAIN "&commit=good-rows&reason=from+the+export", csv,
                               "committed");
    struct client_reply *back = upload_take_back(registry, "coordinator1", id, "the export was of another visit");
    assert_status(back, 200);
    assert_string_equal(json_text_at(back->json, "state"), "taken_back");
    assert_int_equal(count_submissions(registry, "WHERE subject_no = 12 AND visit = 'M3' AND status = 'void' "
                                       "AND version = 2"), 1);
    assert_int_equal(count_submissions(registry, "WHERE subject_no = 12 AND visit = 'BL' AND version = 3 "
                                       "AND content->'answers'->>'vas' = '30.5'"), 1);
    assert_problem(upload_take_back(registry, "coordinator1", id, "the export was of another visit"), 409,
                   "not_committed");
    upload_to(registry, "coordinator1", PAIN "&commit=good-rows&reason=from+the+export", csv, "committed");
    assert_int_equal(count_submissions(registry, "WHERE subject_no = 12 AND visit = 'M3' AND status = 'complete' "
                                       "AND version = 3"), 1);
}

static void test_later_change_stands_against_taking_back(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0013");
    const char *id = upload_to(registry, "coordinator1", PAIN "&commit=good-rows",
                               HEADER "01-0013,right,BL,2024-02-02,33.0\n01-0013,right,M3,2024-05-01,22.0\n",
                               "committed");
    assert_status(api_submit(registry, "coordinator1",
                             registry_pain(registry, NULL, "01-0013", 12,
                                           ",\"version\":2,\"reason\":\"read again\"")), 201);
    long long stored = count_submissions(registry, "");
    struct client_reply *refused = upload_take_back(registry, "coordinator1", id, "not these");
    assert_problem(refused, 409, "later_change");
    assert_non_null(strstr(refused->body, "01-0013 right pain_vas BL 1"));
    assert_int_equal(count_submissions(registry, ""), stored);
    assert_string_equal(json_text_at(upload_get(registry, "coordinator1", id)->json, "state"), "committed");
}

/* ---- refused rows ---- */

static void test_refused_rows_are_mended_and_uploaded_again(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0014");
    const char *id = upload_to(registry, "coordinator1", PAIN "&commit=good-rows",
                               "subject;knee;visit;date;vas\r\n01-0014;right;BL;2024-02-02;12,5\r\n"
                               "01-0014;right;M3;2024-05-01;222,5\r\n", "committed");
    struct client_reply *refused = upload_part(registry, "coordinator1", id, "refused");
    assert_status(refused, 200);
    static const char header[] = "subject;knee;visit;date;vas;error_line;error_column;error_code;error_text\r\n";
    assert_memory_equal(refused->body, header, sizeof header - 1);
    const char *row = refused->body + sizeof header - 1;
    static const char begin[] = "01-0014;right;M3;2024-05-01;222,5;3;vas;range;";
    assert_memory_equal(row, begin, sizeof begin - 1);
    char *mended = memory_copy_string(registry, refused->body);
    memcpy(strstr(mended, "222,5"), "022,5", 5);
    upload_to(registry, "coordinator1", PAIN "&commit=all-or-nothing", mended, "committed");
    assert_int_equal(count_submissions(registry, "WHERE subject_no = 14 AND visit = 'M3' "
                                       "AND content->'answers'->>'vas' IN ('22.5', '022.5')"), 1);
}

static void test_refused_rows_are_no_formulas_and_come_back_unharmed(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0032");
    static const char events[] = "site=1&form=adverse_event";
    const char *id = upload_to(registry, "coordinator1", events,
                               "subject,knee,date,instance,term,onset,serious,ctcae_grade\n"
                               "01-0032,none,2024-03-01,1,=1+1,2024-02,maybe,\n"
                               "01-0032,none,2024-03-01,2,-2 degrees,2024-02,false,-1\n", "previewed");
    struct client_reply *refused = upload_part(registry, "coordinator1", id, "refused");
    assert_non_null(strstr(refused->body, ",1,'=1+1,2024-02,maybe,,"));
    assert_non_null(strstr(refused->body, ",2,'-2 degrees,2024-02,false,-1,"));
    const char *mended = "subject,knee,date,instance,term,onset,serious\n"
                         "01-0032,none,2024-03-01,1,'=1+1,2024-02,true\n";
    id = upload_to(registry, "coordinator1", events, mended, "previewed");
    assert_status(upload_commit(registry, "coordinator1", id, "all-or-nothing", NULL), 200);
    assert_int_equal(count_submissions(registry, "WHERE form = 'adverse_event' AND content::json #>> "
                                                 "'{answers,term}' = '=1+1'"), 1);
}

static void test_refused_row_with_missing_cells_keeps_the_columns_of_what_is_said(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0015");
    const char *id = upload_to(registry, "coordinator1", PAIN,
                               HEADER "01-0015,right,BL,2024-02-02,20\n01-0015,right,M3\n", "previewed");
    struct client_reply *refused = upload_part(registry, "coordinator1", id, "refused");
    assert_non_null(strstr(refused->body, "\n01-0015,right,M3,,,3,,field_count,"));
}

static void test_file_that_cannot_be_read_is_refused_with_its_line(void **state)
{
    struct registry *registry = *state;
    const char *id = upload_to(registry, "coordinator1", PAIN,
                               "subject,knee,visit,date,vas,vass\n01-0001,right,BL,2024-02-02,20,1\n", "refused");
    struct client_reply *upload = upload_get(registry, "coordinator1", id);
    assert_string_equal(json_text_at(upload->json, "problem"), "unknown_column");
    assert_string_equal(json_text_at(upload->json, "findings.0.column"), "vass");
    const char *body = memory_format(registry, "{\"token\":\"%064d\",\"mode\":\"good-rows\"}", 7);
    assert_problem(api_send(registry, "coordinator1", "POST", memory_format(registry, UPLOADS "/%s/commit", id), body),
                   409, "not_previewed");
}

/* ---- who sees what ---- */

static void test_other_sites_subjects_are_unknown_and_their_uploads_not_there(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator2", "02-0001");
    const char *there = upload_to(registry, "coordinator1", "form=pain_vas",
                                  HEADER "02-0001,right,BL,2024-02-02,20.0\n", "previewed");
    const char *nowhere = upload_to(registry, "coordinator1", "form=pain_vas",
                                    HEADER "02-0002,right,BL,2024-02-02,20.0\n", "previewed");
    char *known = memory_copy_string(registry, upload_part(registry, "coordinator1", there, "rows")->body);
    char *unknown = memory_copy_string(registry, upload_part(registry, "coordinator1", nowhere, "rows")->body);
    for (char *number; (number = strstr(unknown, "02-0002")) != NULL;)
        number[6] = '1';
    assert_string_equal(known, unknown);
    assert_problem(api_get(registry, "coordinator2", memory_format(registry, UPLOADS "/%s", there)), 404,
                   "not_found");
    struct client_reply *ledger = api_get(registry, "coordinator2", UPLOADS);
    assert_int_equal(json_array_size(json_object_get(ledger->json, "uploads")), 0);
}

/* ---- whole studies in a file ---- */

static void test_order_of_rows_does_not_matter(void **state)
{
    struct registry *registry = *state;
    const char *id = upload_to(registry, "coordinator1", "site=1",
                               "subject,form,knee,visit,date,vas,index_knee\n"
                               "01-0021,pain_vas,right,BL,2024-02-02,20.5,\n"
                               "01-0021,enrolment,none,unscheduled,2024-02-01,,right\n", "previewed");
    assert_upload_rows(upload_get(registry, "coordinator1", id), 2, 0, 0, 0);
    assert_status(upload_commit(registry, "coordinator1", id, "all-or-nothing", NULL), 200);
    assert_int_equal(count_submissions(registry, "WHERE subject_no = 21"), 2);
}

static void test_rows_that_contradict_each_other_are_all_refused(void **state)
{
    struct registry *registry = *state;
    static const char *const orders[] = {HEADER "01-0023,right,BL,2024-02-02,20\n01-0023,right,M3,2024-05-02,9\n"
                                         "01-0023,right,BL,2024-02-02,21\n01-0023,right,BL,2024-02-02,20\n",
                                         HEADER "01-0023,right,BL,2024-02-02,21\n01-0023,right,BL,2024-02-02,20\n"
                                         "01-0023,right,BL,2024-02-02,20\n01-0023,right,M3,2024-05-02,9\n"};
    registry_enrol(registry, "coordinator1", "01-0023");
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        const char *id = upload_to(registry, "coordinator1", PAIN, orders[i], "previewed");
        assert_upload_rows(upload_get(registry, "coordinator1", id), 1, 0, 0, 3);
        struct client_reply *rows = upload_part(registry, "coordinator1", id, "rows?verdict=refused");
        for (int row = 0; row < 3; row++) {
            const char *path = memory_format(registry, "rows.%d.findings.0.code", row);
            assert_string_equal(json_text_at(rows->json, path), "doubled_key");
        }
    }
}

static void test_redcap_flat_export_needs_no_profile(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0022");
    const char *id = upload_to(registry, "coordinator1", "site=1&form=pain_vas",
                               "record_id,redcap_event_name,redcap_data_access_group,knee,date,vas,"
                               "pain_vas_complete\n"
                               "01-0022,bl_arm_1,clinic,right,2024-02-02,20.5,2\n"
                               "01-0022,m3_arm_1,clinic,right,2024-05-02,.5,2\n", "previewed");
    struct client_reply *previewed = upload_get(registry, "coordinator1", id);
    assert_upload_rows(previewed, 2, 0, 0, 0);
    assert_true(upload_has_finding(previewed, "tool"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_preview_writes_nothing_and_its_token_commits_exactly_that),
        cmocka_unit_test(test_fewer_rows_than_last_time_warn),
        cmocka_unit_test(test_token_of_another_effect_commits_nothing),
        cmocka_unit_test(test_refused_row_stops_all_or_nothing_and_not_good_rows),
        cmocka_unit_test(test_good_rows_of_a_file_without_any_are_refused),
        cmocka_unit_test(test_change_needs_a_reason_and_shows_both_values),
        cmocka_unit_test(test_blank_never_erases),
        cmocka_unit_test(test_change_between_preview_and_commit_is_seen),
        cmocka_unit_test(test_mode_at_once_needs_no_second_request),
        cmocka_unit_test(test_same_bytes_again_give_the_first_receipt),
        cmocka_unit_test(test_taken_back_as_a_whole_and_uploaded_again),
        cmocka_unit_test(test_later_change_stands_against_taking_back),
        cmocka_unit_test(test_refused_rows_are_mended_and_uploaded_again),
        cmocka_unit_test(test_refused_rows_are_no_formulas_and_come_back_unharmed),
        cmocka_unit_test(test_refused_row_with_missing_cells_keeps_the_columns_of_what_is_said),
        cmocka_unit_test(test_file_that_cannot_be_read_is_refused_with_its_line),
        cmocka_unit_test(test_other_sites_subjects_are_unknown_and_their_uploads_not_there),
        cmocka_unit_test(test_order_of_rows_does_not_matter),
        cmocka_unit_test(test_rows_that_contradict_each_other_are_all_refused),
        cmocka_unit_test(test_redcap_flat_export_needs_no_profile),
    };
    return cmocka_run_group_tests_name("uploads", tests, registry_setup, registry_teardown);
}
