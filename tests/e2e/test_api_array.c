/* SPDX-License-Identifier: GPL-3.0-or-later */
/* POST of arrays: rows take effect in their order, each with a result of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "tests/support/registry.h"

static const char *array_of(struct registry *registry, const char *const *rows, size_t count)
{
    struct text *body = text_new(registry);
    text_append(body, "[");
    for (size_t i = 0; i < count; i++)
        text_append_format(body, "%s %s\n", i > 0 ? "," : "", rows[i]);
    text_append(body, "]");
    return body->bytes;
}

static long long row_status(const struct client_reply *reply, size_t row)
{
    char path[32];
    snprintf(path, sizeof path, "results.%zu.status", row);
    return json_number_at(reply->json, path);
}

static const char *row_code(const struct client_reply *reply, size_t row)
{
    char path[40];
    snprintf(path, sizeof path, "results.%zu.problem.code", row);
    return json_text_at(reply->json, path);
}

static void assert_row_status(const struct client_reply *reply, size_t row, int status)
{
    if (row_status(reply, row) != status)
        fail_msg("row %zu: status %lld, not %d: %s", row, row_status(reply, row), status, reply->body);
}

/* Enrolment, three versions of a record and another form: four segments of one transaction. */
static void test_submit_array_dependent_rows_take_effect_in_order(void **state)
{
    struct registry *registry = *state;
    const char *rows[] = {
        registry_enrolment(registry, NULL, "01-0100"),
        registry_pain(registry, NULL, "01-0100", 10, ""),
        registry_pain(registry, NULL, "01-0100", 20, ",\"version\":2,\"reason\":\"typing error\""),
        registry_pain(registry, NULL, "01-0100", 30, ",\"version\":3,\"reason\":\"typing error\""),
        registry_event(registry, NULL, "01-0100", "swelling", ""),
    };
    const char *body = array_of(registry, rows, 5);
    struct client_reply *first = api_submit(registry, "coordinator1", body);
    assert_status(first, 201);
    for (size_t i = 0; i < 5; i++)
        assert_row_status(first, i, 201);
    struct client_reply *again = api_submit(registry, "coordinator1", body);
    assert_status(again, 200);
    for (size_t i = 0; i < 5; i++)
        assert_row_status(again, i, 200);
    assert_string_equal(test_value(registry->db, "SELECT count(*) || ' ' || max(version) FROM "
                                                 "core.submission "
                                                 "WHERE subject_no = 100 AND form = 'pain_vas'"),
                        "3 3");
    assert_string_equal(test_value(registry->db, "SELECT count(DISTINCT xid) FROM core.submission "
                                                 "WHERE subject_no = 100"), "1");
}

static void test_submit_array_mixed_rows_fail_alone(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0101");
    const char *stored = registry_pain(registry, NULL, "01-0101", 10, "");
    assert_status(api_submit(registry, "coordinator1", stored), 201);
    const char *rows[] = {
        registry_event(registry, NULL, "01-0101", "swelling", ""),
        "{\"id\":\"no uuid\"}",
        registry_pain(registry, NULL, "01-0101", 999, ",\"instance\":2"),
        registry_pain(registry, NULL, "01-0102", 10, ""),            /* enrolled by the next row, too late */
        registry_enrolment(registry, NULL, "01-0102"),
        registry_pain(registry, NULL, "01-0102", 10, ""),
        stored,
        registry_pain(registry, NULL, "01-0101", 77, ""),
        "[1, {\"x\": \"]\"}]",
        registry_event(registry, NULL, "01-0101", "[ { \\\" , ] }", ",\"instance\":2"),
    };
    static const int statuses[] = {201, 422, 422, 422, 201, 201, 200, 409, 400, 201};
    struct client_reply *reply = api_submit(registry, "coordinator1", array_of(registry, rows, 10));
    assert_status(reply, 207);
    assert_int_equal(json_array_size(json_object_get(reply->json, "results")), 10);
    for (size_t i = 0; i < 10; i++)
        if (i != 1)
            assert_row_status(reply, i, statuses[i]);
    assert_true(row_status(reply, 1) == 400 || row_status(reply, 1) == 422);
    assert_string_equal(row_code(reply, 3), "unknown_subject");
    assert_string_equal(row_code(reply, 7), "record_exists");
}

static void test_submit_array_rows_after_a_refused_one_are_refused(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0103");
    const char *rows[] = {
        registry_pain(registry, NULL, "01-0103", 10, ""),
        registry_pain(registry, NULL, "01-0103", 20, ",\"version\":3,\"reason\":\"typing error\""),
        registry_pain(registry, NULL, "01-0103", 30, ",\"version\":4,\"reason\":\"typing error\""),
    };
    struct client_reply *reply = api_submit(registry, "coordinator1", array_of(registry, rows, 3));
    assert_status(reply, 207);
    assert_row_status(reply, 0, 201);
    assert_string_equal(row_code(reply, 1), "version_conflict");
    assert_string_equal(row_code(reply, 2), "version_conflict");
}

static void test_submit_array_same_id_twice_is_a_replay_or_reused(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0104");
    const char *id = registry_new_id(registry);
    const char *rows[] = {
        registry_pain(registry, id, "01-0104", 10, ""),
        registry_pain(registry, id, "01-0104", 10, ""),
        registry_pain(registry, id, "01-0104", 11, ""),
    };
    struct client_reply *reply = api_submit(registry, "coordinator1", array_of(registry, rows, 3));
    assert_status(reply, 207);
    assert_row_status(reply, 0, 201);
    assert_row_status(reply, 1, 200);
    assert_string_equal(row_code(reply, 2), "uuid_reused");
    json_t *results = json_object_get(reply->json, "results");
    assert_true(json_equal(json_object_get(json_array_get(results, 0), "receipt"),
                           json_object_get(json_array_get(results, 1), "receipt")));
}

static void test_submit_array_of_256_is_taken_and_of_257_is_not(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0105");
    const char *rows[257];
    for (size_t i = 0; i < 257; i++)
        rows[i] = registry_event(registry, NULL, "01-0105", "swelling",
                                 memory_format(registry, ",\"instance\":%zu", i + 1));
    assert_problem(api_submit(registry, "coordinator1", array_of(registry, rows, 257)), 413, "too_large");
    struct client_reply *reply = api_submit(registry, "coordinator1", array_of(registry, rows, 256));
    assert_status(reply, 201);
    assert_int_equal(json_array_size(json_object_get(reply->json, "results")), 256);
    assert_string_equal(test_value(registry->db, "SELECT count(*) FROM core.submission WHERE subject_no = "
                                                 "105 "
                                                 "AND form = 'adverse_event'"),
                        "256");
}

/* A trigger of the test's own fails on one row: the whole batch is rolled back, then split. */
static void test_submit_array_row_that_postgresql_refuses_fails_alone(void **state)
{
    struct registry *registry = *state;
    test_run(registry->db, "CREATE FUNCTION public.bang() RETURNS trigger LANGUAGE plpgsql AS "
                           "$$ BEGIN RAISE EXCEPTION 'bang' USING ERRCODE = '22012'; END $$; "
                           "GRANT USAGE ON SCHEMA public TO PUBLIC; "
                           "CREATE TRIGGER bang BEFORE INSERT ON core.submission FOR EACH ROW "
                           "WHEN (NEW.instance = 13) EXECUTE FUNCTION public.bang()");
    registry_enrol(registry, "coordinator1", "01-0106");
    const char *rows[20];
    for (size_t i = 0; i < 20; i++)
        rows[i] = registry_event(registry, NULL, "01-0106", "swelling",
                                 memory_format(registry, ",\"instance\":%zu", i + 1));
    struct client_reply *reply = api_submit(registry, "coordinator1", array_of(registry, rows, 20));
    test_run(registry->db, "DROP TRIGGER bang ON core.submission; DROP FUNCTION public.bang()");
    assert_status(reply, 207);
    for (size_t i = 0; i < 20; i++)
        assert_row_status(reply, i, i == 12 ? 500 : 201);
    assert_string_equal(row_code(reply, 12), "internal");
    const char *line = memory_format(reply, "requests=%s", client_header(reply, "X-Request-Id"));
    if (strstr(daemon_read_log(registry, registry->daemon), line) == NULL)
        fail_msg("the log does not name the request: %s", line);
    assert_row_status(api_submit(registry, "coordinator1", array_of(registry, &rows[12], 1)), 0, 201);
}

/* What no JSON reader takes spoils its own row only. */
static void test_submit_array_row_that_cannot_be_read_fails_alone(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0107");
    const char *rows[] = {
        registry_event(registry, NULL, "01-0107", "swelling", ""),
        registry_event(registry, NULL, "01-0107", "swelling", ",\"instance\":12345678901234567890123"),
        registry_event(registry, NULL, "01-0107", "swelling", ",\"instance\":1e999"),
        registry_event(registry, NULL, "01-0107", "swelling", ",\"instance\":tru"),
        registry_event(registry, NULL, "01-0107", "swelling", ",\"instance\":2"),
    };
    struct client_reply *reply = api_submit(registry, "coordinator1", array_of(registry, rows, 5));
    assert_status(reply, 207);
    for (size_t i = 0; i < 5; i++)
        assert_row_status(reply, i, i == 0 || i == 4 ? 201 : 400);
    assert_string_equal(row_code(reply, 1), "malformed");
    assert_problem(api_submit(registry, "coordinator1", "[{\"id\":\"x\"}"), 400, "not_json");
    assert_problem(api_submit(registry, "coordinator1", "[{\"id\":\"x\"},]"), 400, "not_json");
}

/* 256 rows of 170 items that no form has: once the first of them fill a page, the rest is not judged. */
static void test_submit_array_of_many_problems_is_not_judged_to_its_end(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0108");
    struct text *answers = text_new(registry);
    for (int i = 0; i < 170; i++)
        text_append_format(answers, "%s\"unknown_item_%d\":1", i > 0 ? "," : "", i);
    const char *rows[256];
    for (size_t i = 0; i < 256; i++)
        rows[i] =
            memory_format(registry,
                          "{\"id\":\"%s\",\"subject\":\"01-0108\",\"form\":\"koos\","
                          "\"form_version\":1,\"knee\":\"left\",\"date\":\"2024-03-01\",\"answers\":{%s}}",
                          registry_new_id(registry), answers->bytes);
    long long started = test_now_ms();
    struct client_reply *reply = api_submit(registry, "coordinator1", array_of(registry, rows, 256));
    long long took = test_now_ms() - started;
    assert_status(reply, 207);
    assert_string_equal(json_text_at(reply->json, "results.0.problem.problems.0.rule"), "unknown");
    assert_string_equal(json_text_at(reply->json, "results.255.problem.problems.0.rule"), "not_judged");
    assert_row_status(reply, 255, 422);
    if (took > 2000)
        fail_msg("it took %lld ms", took);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_submit_array_dependent_rows_take_effect_in_order),
        cmocka_unit_test(test_submit_array_mixed_rows_fail_alone),
        cmocka_unit_test(test_submit_array_rows_after_a_refused_one_are_refused),
        cmocka_unit_test(test_submit_array_same_id_twice_is_a_replay_or_reused),
        cmocka_unit_test(test_submit_array_of_256_is_taken_and_of_257_is_not),
        cmocka_unit_test(test_submit_array_row_that_postgresql_refuses_fails_alone),
        cmocka_unit_test(test_submit_array_row_that_cannot_be_read_fails_alone),
        cmocka_unit_test(test_submit_array_of_many_problems_is_not_judged_to_its_end),
    };
    memory_init();
    return cmocka_run_group_tests(tests, registry_setup, registry_teardown);
}
