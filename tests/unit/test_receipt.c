/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a client reads about its submissions. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "collector/receipt.h"
#include "collector/json_reply.h"
#include "forms/base/memory.h"

static const struct score scores[] = {{.id = "pain"}, {.id = "function"}};
static const struct form form = {.id = "koos", .version = 2, .scores = scores, .score_count = 2};
static const struct form enrolment = {.id = "enrolment", .version = 1, .creates_subject = true};
static double values[] = {45.833333333333336, (double)NAN};

static struct submission submission_of(const struct form *about)
{
    return (struct submission){
        .id = {0x01, 0x90, 0xa1, 0xb2, 0xc3, 0xd4, 0x7e, 0x5f, 0x8a, 0x9b, 0x0c, 0x1d, 0x2e, 0x3f, 0x4a,
               0x5b},
        .study = "demo",
        .site = 7,
        .subject = 12,
        .knee = "right",
        .form = about,
        .visit = "M3",
        .instance = 1,
        .version = 1,
        .date = 20513,
        .scores = about->score_count > 0 ? values : NULL,
    };
}

static struct batch_row judged(const struct submission *submission, enum store_verdict_kind kind,
                               const char *code)
{
    struct batch_row row = {
        .fate = BATCH_JUDGED, .write = {.submission = submission}, .verdict = {.kind = kind}};
    snprintf(row.verdict.code, sizeof row.verdict.code, "%s", code);
    memset(row.verdict.sha256, 'a', 64);
    snprintf(row.verdict.recorded_at, sizeof row.verdict.recorded_at, "2026-03-01T12:00:00.000001Z");
    return row;
}

static const struct exchange *reply_to_role(const void *owner, enum role role, struct batch_row *rows, size_t count,
                                            bool is_array)
{
    struct principal *principal = memory_new(owner, struct principal);
    principal->role = role;
    struct exchange *exchange = memory_new(owner, struct exchange);
    exchange->principal = principal;
    struct batch_request request = {.exchange = exchange, .rows = rows, .count = count, .is_array = is_array};
    receipt_reply(&request);
    return exchange;
}

static const struct exchange *reply_to(const void *owner, struct batch_row *rows, size_t count, bool is_array)
{
    return reply_to_role(owner, ROLE_COORDINATOR, rows, count, is_array);
}

static void test_receipt_reply_accepted_gives_receipt_and_location(void **state)
{
    static const char expected[] = "{\"id\":\"0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b\",\"study\":\"demo\","
                                   "\"subject\":\"07-0012\",\"form\":\"koos\","
                                   "\"form_version\":2,\"knee\":\"right\",\"visit\":\"M3\",\"instance\":1,"
                                   "\"version\":1,\"status\":\"complete\","
                                   "\"date\":\"2026-03-01\",\"sha256\":"
                                   "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\","
                                   "\"received_at\":\"2026-03-01T12:00:00.000001Z\",\"scores\":{\"pain\":45."
                                   "833333333333336,\"function\":null}}";
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct submission submission = submission_of(&form);
    struct batch_row row = judged(&submission, STORE_ACCEPTED, "");
    const struct exchange *exchange = reply_to(owner, &row, 1, false);
    assert_int_equal(exchange->status, 201);
    assert_string_equal(exchange->reply_type, "application/json");
    assert_string_equal(exchange->reply->bytes, expected);
    assert_int_equal(exchange->reply_header_count, 1);
    assert_string_equal(exchange->reply_headers[0].name, "Location");
    assert_string_equal(exchange->reply_headers[0].value,
                        "/api/v1/studies/demo/submissions/0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b");
    talloc_free(owner);
}

static void test_receipt_reply_replayed_has_the_bytes_of_the_first(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct submission submission = submission_of(&form);
    struct batch_row first = judged(&submission, STORE_ACCEPTED, ""),
                     again = judged(&submission, STORE_REPLAYED, "");
    const struct exchange *accepted = reply_to(owner, &first, 1, false);
    const struct exchange *replayed = reply_to(owner, &again, 1, false);
    assert_int_equal(replayed->status, 200);
    assert_string_equal(replayed->reply->bytes, accepted->reply->bytes);
    talloc_free(owner);
}

static void test_receipt_reply_tells_a_participant_only_that_it_came(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct submission submission = submission_of(&form);
    struct batch_row row = judged(&submission, STORE_ACCEPTED, "");
    const struct exchange *exchange = reply_to_role(owner, ROLE_PARTICIPANT, &row, 1, false);
    assert_int_equal(exchange->status, 201);
    assert_string_equal(exchange->reply->bytes, "{\"received_at\":\"2026-03-01T12:00:00.000001Z\"}");
    assert_int_equal(exchange->reply_header_count, 0);
    talloc_free(owner);
}

static void test_receipt_row_status_says_what_became_of_it(void **state)
{
    static const struct {
        const char *label;
        const struct form *form;
        enum store_verdict_kind kind;
        const char *code;
        bool accepted_before;
        int status;
    } cases[] = {
        {"accepted", &form, STORE_ACCEPTED, "", false, 201},
        {"replayed", &form, STORE_REPLAYED, "", false, 200},
        {"replayed after a commit of unknown outcome", &form, STORE_REPLAYED, "", true, 201},
        {"record exists", &form, STORE_REFUSED, "record_exists", false, 409},
        {"refused though accepted before", &form, STORE_REFUSED, "version_conflict", true, 409},
        {"unknown subject", &form, STORE_REFUSED, "unknown_subject", false, 422},
        {"no right to an enrolment", &enrolment, STORE_REFUSED, "not_allowed", false, 403},
        {"no right to a subject says that it is unknown", &form, STORE_REFUSED, "not_allowed", false, 422},
        {"locked", &form, STORE_REFUSED, "subject_locked", false, 423},
        {"frozen", &form, STORE_REFUSED, "study_frozen", false, 423},
        {"lost a race", &form, STORE_REFUSED, "conflict", false, 503},
        {"token revoked meanwhile", &form, STORE_REFUSED, "no_session", false, 401},
        {"too large", &form, STORE_REFUSED, "too_large", false, 413},
        {"a code of tomorrow", &form, STORE_REFUSED, "never_heard_of", false, 500},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct submission submission = submission_of(cases[i].form);
        struct batch_row row = judged(&submission, cases[i].kind, cases[i].code);
        row.accepted_before = cases[i].accepted_before;
        if (receipt_row_status(&row) != cases[i].status)
            fail_msg("%s: %d, not %d", cases[i].label, receipt_row_status(&row), cases[i].status);
    }
}

static void test_receipt_reply_unavailable_asks_to_come_back(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct submission submission = submission_of(&form);
    struct batch_row row = {
        .fate = BATCH_FAILED, .write = {.submission = &submission}, .failure = "unavailable"};
    const struct exchange *exchange = reply_to(owner, &row, 1, false);
    assert_int_equal(exchange->status, 503);
    assert_string_equal(exchange->reply_type, "application/problem+json");
    assert_string_equal(exchange->reply_headers[0].name, "Retry-After");
    assert_non_null(strstr(exchange->reply->bytes, "\"code\":\"unavailable\""));
    talloc_free(owner);
}

static void test_receipt_reply_invalid_lists_all_problems(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct batch_row row = {.fate = BATCH_INVALID};
    problem_add(owner, &row.problems, false, "p1", "choice", "there is no choice \"%s\"", "9");
    problem_add(owner, &row.problems, true, NULL, "order", "the dates do not follow each other");
    const struct exchange *exchange = reply_to(owner, &row, 1, false);
    assert_int_equal(exchange->status, 422);
    assert_non_null(strstr(exchange->reply->bytes, "\"problems\":[{\"item\":\"p1\",\"rule\":\"choice\","
                                                   "\"text\":\"there is no "
                                                   "choice "
                                                   "\\\"9\\\"\",\"soft\":false},{\"item\":null,\"rule\":"
                                                   "\"order\",\"text\":\"the dates do not "
                                                   "follow each other\",\"soft\":true}]}"));
    talloc_free(owner);
}

static void test_receipt_reply_array_status_follows_the_rows(void **state)
{
    struct submission submission = submission_of(&form);
    const struct batch_row accepted = judged(&submission, STORE_ACCEPTED, "");
    const struct batch_row replayed = judged(&submission, STORE_REPLAYED, "");
    const struct batch_row refused = judged(&submission, STORE_REFUSED, "record_exists");
    const struct batch_row away = {.fate = BATCH_FAILED, .write = {.submission = &submission},
                                   .failure = "unavailable"};
    const struct {
        const char *label;
        const struct batch_row *rows[2];
        int status;
    } cases[] = {
        {"all accepted", {&accepted, &accepted}, 201},
        {"one replayed", {&accepted, &replayed}, 200},
        {"one refused", {&accepted, &refused}, 207},
        {"all refused", {&refused, &refused}, 207},
        {"one not stored now", {&accepted, &away}, 207},
        {"nothing stored now", {&away, &away}, 503},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        void *owner = memory_owner(NULL, "test");
        struct batch_row rows[2] = {*cases[i].rows[0], *cases[i].rows[1]};
        const struct exchange *exchange = reply_to(owner, rows, 2, true);
        if (exchange->status != cases[i].status)
            fail_msg("%s: %d, not %d", cases[i].label, exchange->status, cases[i].status);
        talloc_free(owner);
    }
}

static void test_receipt_reply_array_of_one_has_results(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct submission submission = submission_of(&form);
    struct batch_row row = judged(&submission, STORE_REFUSED, "uuid_reused");
    const struct exchange *exchange = reply_to(owner, &row, 1, true);
    assert_ptr_equal(strstr(exchange->reply->bytes, "{\"results\":[{\"status\":409,\"problem\":{\"type\":"
                                                    "\"urn:patella:"
                                                    "problem:uuid_reused\""),
                     exchange->reply->bytes);
    talloc_free(owner);
}

static void test_json_reply_number_reads_back_the_same(void **state)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {50, "50"},
        {0.1, "0.1"},
        {45.833333333333336, "45.833333333333336"},
        {100.0 / 3, "33.333333333333336"},
        {-2.5, "-2.5"},
        {(double)NAN, "null"},
        {(double)INFINITY, "null"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text *out = text_new(NULL);
        json_reply_number(out, cases[i].value);
        assert_string_equal(out->bytes, cases[i].text);
        talloc_free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_receipt_reply_accepted_gives_receipt_and_location),
        cmocka_unit_test(test_receipt_reply_replayed_has_the_bytes_of_the_first),
        cmocka_unit_test(test_receipt_reply_tells_a_participant_only_that_it_came),
        cmocka_unit_test(test_receipt_row_status_says_what_became_of_it),
        cmocka_unit_test(test_receipt_reply_unavailable_asks_to_come_back),
        cmocka_unit_test(test_receipt_reply_invalid_lists_all_problems),
        cmocka_unit_test(test_receipt_reply_array_status_follows_the_rows),
        cmocka_unit_test(test_receipt_reply_array_of_one_has_results),
        cmocka_unit_test(test_json_reply_number_reads_back_the_same),
    };
    memory_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
