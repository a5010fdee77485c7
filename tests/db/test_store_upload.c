/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One upload from its first byte until it was taken back, through the collector's own functions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collector/store_upload.h"
#include "tests/support/test_submission.h"
#include "tests/support/test_upload.h"

#define SHA_A "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"    /* of "a" */
#define SHA_B "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"    /* of "b" */

struct life {
    struct test_fixture *fixture;
    struct store *store;
    struct store_upload_at at;
};

#define GOOD(call) \
    do { \
        struct error error = {0}; \
        if (!(call)) \
            fail_msg("%s: %s", #call, error.message); \
    } while (0)

static const struct store_reader reader = {"coordinator1", 1};

static void *checked(void *result, const struct error *error)
{
    if (result == NULL)
        fail_msg("%s", error->message);
    return result;
}

static struct store_upload *look(struct life *life)
{
    struct error error = {0};
    return checked(store_find_upload(life->fixture->owner, life->store, &life->at, &error), &error);
}

static struct life begin(struct test_fixture *fixture)
{
    struct error failure = {0};
    struct life life = {.fixture = fixture};
    const char *conninfo = test_database_conninfo(fixture->owner, fixture->database, "patella_collector");
    life.store = checked(store_open(fixture->owner, conninfo, &failure), &failure);
    const struct store_new_upload upload = {.site = 1, .name = "a.csv", .form = "koos", .size = -1, .hours = 24,
                                            .metadata = "filename YQ=="};
    struct store_upload_begun begun = {0};
    GOOD(store_begin_upload(life.store, &reader, &upload, &begun, &error));
    assert_string_equal(begun.outcome.code, "");
    assert_int_equal(begun.site, 1);
    assert_true(begun.expires_s > 0);
    life.at = (struct store_upload_at){"coordinator1", 1, memory_copy_string(fixture->owner, begun.outcome.id)};
    return life;
}

static void receive(struct life *life)
{
    struct store_upload_offset now = {0};
    struct store_upload_outcome outcome = {0};
    struct store_upload_piece piece = {.offset = 0, .bytes = "a\0b", .length = 3};
    GOOD(store_append_upload(life->store, &life->at, &piece, &now, &error));
    piece.offset = 5;
    GOOD(store_append_upload(life->store, &life->at, &piece, &now, &error));
    assert_string_equal(now.outcome.code, "wrong_offset");
    assert_int_equal(now.offset, 3);
    assert_int_equal(look(life)->size, -1);
    GOOD(store_end_upload(life->store, &life->at, 3, NULL, &outcome, &error));
    assert_string_equal(outcome.code, "");
}

static void check_file(struct life *life)
{
    struct error failure = {0};
    bool taken = false;
    int64_t ends_s = 0;
    struct store_upload_outcome outcome = {0};
    GOOD(store_take_slot(life->store, &taken, &error));
    assert_true(taken);
    GOOD(store_take_upload(life->store, &life->at, &outcome, &error));
    assert_string_equal(outcome.code, "");
    struct store_upload_bytes *bytes =
        checked(store_read_upload(life->fixture->owner, life->store, &life->at, 1, &failure), &failure);
    assert_int_equal(bytes->length, 2);
    assert_memory_equal(bytes->bytes, "\0b", 2);
    bytes = checked(store_read_upload(life->fixture->owner, life->store, &life->at, 3, &failure), &failure);
    assert_int_equal(bytes->length, 0);
    const struct store_upload_progress progress = {"checking", 2, 3};
    GOOD(store_note_upload(life->store, &life->at, &progress, &error));
    GOOD(store_hash_upload(life->store, &life->at, SHA_A, &outcome, &error));
    assert_string_equal(outcome.id, "");
    struct store_upload_row rows[] = {{2, "new", true, "01-0001 M3", "{\"a\": 1}", NULL},
                                      {3, "refused", false, NULL, "{}", "[\"x\"]"}};
    const struct store_upload_rows added = {rows, 2};
    GOOD(store_add_upload_rows(life->store, &life->at, &added, &error));
    const struct store_upload_check check = {.state = "previewed", .counts = "{\"new\": 1}", .findings = "[]",
                                             .dialect = "{}", .digest = SHA_A, .token_sha256 = SHA_B,
                                             .reason_needed = true};
    GOOD(store_end_check(life->store, &life->at, &check, &ends_s, &error));
    assert_true(ends_s > 0);
    const struct store_upload *upload = look(life);
    assert_int_equal(upload->preview_ends_s, ends_s);
    assert_string_equal(upload->digest, SHA_A);
    assert_string_equal(upload->metadata, "filename YQ==");
    assert_string_equal(upload->findings, "[]");
    assert_true(upload->reason_needed);
    assert_null(upload->receipt);
    const struct store_upload_row_filter filter = {.verdict = "refused", .most = 10};
    struct store_upload_rows *refused =
        checked(store_list_upload_rows(life->fixture->owner, life->store, &life->at, &filter, &failure), &failure);
    assert_int_equal(refused->count, 1);
    assert_string_equal(refused->rows[0].cells, "[\"x\"]");
    assert_null(refused->rows[0].record);
}

/* The row is submitted over the same connection, as the job does; here by the fixture's, before. */
static void commit(struct life *life)
{
    struct error failure = {0};
    bool unknown = false;
    struct store_upload_outcome outcome = {0};
    const struct store_upload_commit wanted = {SHA_B, "good-rows", "as in the file"};
    GOOD(store_ask_commit(life->store, &life->at, &wanted, &outcome, &error));
    assert_string_equal(outcome.code, "");
    GOOD(store_begin(life->store, &error));
    const struct store_upload_key key = {1, 1, "left", "koos", "M3", 1};
    const struct store_upload_keys keys = {&key, 1, "treatment"};
    struct store_upload_found *found =
        checked(store_look_up(life->fixture->owner, life->store, &reader, &keys, &failure), &failure);
    assert_true(found->subject_known);
    assert_int_equal(found->version, 1);
    assert_string_equal(found->dated, "2026-03-01");
    assert_string_equal(found->index_knee, "left");
    assert_null(found->treated_on);
    struct store_upload_batch *batch =
        checked(store_number_upload(life->fixture->owner, life->store, &life->at, &failure), &failure);
    assert_int_equal(batch->batch, 1);
    const struct store_upload_receipt receipt = {batch, "{\"new\": 1}", "{\"receipt\":   true}"};
    GOOD(store_finish_upload(life->store, &life->at, &receipt, &error));
    GOOD(store_commit(life->store, &unknown, &error));
    const struct store_upload *upload = look(life);
    assert_string_equal(upload->state, "committed");
    assert_string_equal(upload->committed_at, batch->committed_at);
    assert_string_equal(upload->receipt, "{\"receipt\":   true}");
}

static void take_back(struct life *life)
{
    struct error failure = {0};
    bool unknown = false, more = true;
    struct store_upload_outcome outcome = {0};
    GOOD(store_ask_take_back(life->store, &life->at, "wrong file", &outcome, &error));
    assert_string_equal(outcome.code, "");
    GOOD(store_fail_take_back(life->store, &life->at, "later_change", &error));
    GOOD(store_ask_take_back(life->store, &life->at, "wrong file", &outcome, &error));
    struct store_upload_versions *versions =
        checked(store_list_upload_versions(life->fixture->owner, life->store, &life->at, 0, 10, &failure), &failure);
    assert_int_equal(versions->count, 0);
    GOOD(store_begin(life->store, &error));
    GOOD(store_finish_take_back(life->store, &life->at, &error));
    GOOD(store_commit(life->store, &unknown, &error));
    assert_string_equal(look(life)->taken_back_reason, "wrong file");
    GOOD(store_leave_slot(life->store, &error));
    GOOD(store_purge_uploads(life->store, &more, &error));
    assert_false(more);
}

static void test_store_upload_goes_from_its_first_byte_until_it_is_taken_back(void **state)
{
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    const struct test_row row = {.id = 1};
    assert_string_equal(test_submit(fixture->collector, &row, 1), "accepted");
    struct life life = begin(fixture);
    receive(&life);
    check_file(&life);
    commit(&life);
    take_back(&life);
    struct error failure = {0};
    const struct store_upload_filter filter = {.site = 1, .state = "taken_back", .most = 10};
    struct store_uploads *uploads =
        checked(store_list_uploads(fixture->owner, life.store, &reader, &filter, &failure), &failure);
    assert_int_equal(uploads->count, 1);
    assert_string_equal(uploads->rows[0].id, life.at.id);
}

static void test_store_upload_that_is_not_there_is_not_found(void **state)
{
    struct life life = begin(*state);
    struct store_upload_outcome outcome = {0};
    static const char *const ids[] = {"x", "", "00000000-0000-4000-8000-000000000000"};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        struct error error = {0};
        life.at.id = ids[i];
        assert_null(store_find_upload(NULL, life.store, &life.at, &error));
        assert_int_equal(error.kind, ERROR_NOT_FOUND);
        error = (struct error){0};
        assert_false(store_delete_upload(life.store, &life.at, &outcome, &error));
        assert_int_equal(error.kind, ERROR_NOT_FOUND);
    }
}

static void test_store_upload_profiles_say_what_is_wrong_with_one(void **state)
{
    struct life life = begin(*state);
    struct error error = {0};
    struct store_upload_profile added = {.site = 1, .name = "redcap", .yaml = "profile: redcap"};
    struct store_upload_profile *profile =
        checked(store_add_upload_profile(life.fixture->owner, life.store, &reader, &added, &error), &error);
    assert_int_equal(profile->version, 1);
    assert_string_equal(profile->added_by, "coordinator1");
    const struct store_upload_profile wanted = {.site = 1, .name = "redcap"};
    profile = checked(store_find_upload_profile(life.fixture->owner, life.store, &reader, &wanted, &error), &error);
    assert_string_equal(profile->yaml, "profile: redcap");
    struct store_upload_profiles *profiles =
        checked(store_list_upload_profiles(life.fixture->owner, life.store, &reader, &error), &error);
    assert_int_equal(profiles->count, 1);
    assert_null(profiles->rows[0].yaml);
    added.name = "../x";
    assert_null(store_add_upload_profile(NULL, life.store, &reader, &added, &error));
    assert_int_equal(error.kind, ERROR_INPUT);
    assert_non_null(strstr(error.message, "1 to 63 letters"));
    added.name = "x";
    added.yaml = "";
    assert_null(store_add_upload_profile(NULL, life.store, &reader, &added, &error));
    assert_non_null(strstr(error.message, "1 MiB"));
    added.site = 2;
    assert_null(store_add_upload_profile(NULL, life.store, &reader, &added, &error));
    assert_int_equal(error.kind, ERROR_NOT_FOUND);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_fixture_setup, test_fixture_teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_store_upload_goes_from_its_first_byte_until_it_is_taken_back),
        CASE(test_store_upload_that_is_not_there_is_not_found),
        CASE(test_store_upload_profiles_say_what_is_wrong_with_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
