/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bodies that no client of ours would send: JSON that is none, or more than may be, or almost right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/counters.h"
#include "tests/support/raw_api.h"
#include "tests/support/registry.h"

#define SUBMISSIONS DEMO "/submissions"
#define ID "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"
#define REST "\"subject\":\"01-0001\",\"form\":\"pain_vas\",\"form_version\":1,\"knee\":\"right\",\"visit\":\"BL\"," \
             "\"date\":\"2024-02-02\""
#define HEAD "{\"id\":\"" ID "\"," REST
#define VAS ",\"answers\":{\"vas\":\"1.5\"}"
#define EVENT "{\"id\":\"" ID "\",\"subject\":\"01-0001\",\"form\":\"adverse_event\",\"form_version\":1," \
              "\"date\":\"2024-03-01\",\"answers\":{\"onset\":\"2024-02\",\"serious\":false,\"term\":\""
#define BYTES(literal) literal, sizeof(literal) - 1

struct body_case {
    const char *label;
    const char *bytes;
    size_t length;
    int status;
    const char *code, *says;
};

static void try_bytes(struct raw_api *api, const char *label, const char *target, const char *bytes, size_t length,
                      const struct raw_wanted *wanted)
{
    struct text *body = text_new(NULL);
    text_append_bytes(body, bytes, length);
    raw_api_send(api, label, "POST", target, body, wanted);
    talloc_free(body);
}

static void try_all(struct registry *registry, const struct body_case *cases, size_t count)
{
    struct raw_api *api = raw_api_new(registry, registry->daemon, "coordinator1");
    const char *stored = test_value(registry->db, "SELECT count(*) FROM core.submission");
    for (size_t i = 0; i < count; i++)
        try_bytes(api, cases[i].label, SUBMISSIONS, cases[i].bytes, cases[i].length,
                  &(struct raw_wanted){cases[i].status, cases[i].code, cases[i].says});
    assert_string_equal(test_value(registry->db, "SELECT count(*) FROM core.submission"), stored);
    talloc_free(api);
}

#define TRY_ALL(registry, cases) try_all(registry, cases, sizeof(cases) / sizeof *(cases))

/* ---- JSON ---- */

static void test_bodies_that_are_no_json_are_refused(void **state)
{
    static const struct body_case cases[] = {
        {"empty", BYTES(""), 400, "malformed", "line 1"},
        {"blanks", BYTES(" \r\n\t "), 400, "malformed", "line 2"},
        {"byte order mark", BYTES("\xEF\xBB\xBF" HEAD VAS "}"), 400, "malformed", "line 1, column"},
        {"UTF-16", BYTES("\xFF\xFE{\0\"\0i\0"), 400, "malformed", "line 1"},
        {"one more bracket", BYTES(HEAD VAS "}}"), 400, "malformed", "column"},
        {"a second object", BYTES(HEAD VAS "}" HEAD VAS "}"), 400, "malformed", "column"},
        {"garbage behind", BYTES(HEAD VAS "} x"), 400, "malformed", "column"},
        {"NUL behind", BYTES(HEAD VAS "}\0"), 400, "malformed", "line 1"},
        {"NUL between", BYTES(HEAD "\0" VAS "}"), 400, "malformed", "line 1"},
        {"NUL before", BYTES("\0" HEAD VAS "}"), 400, "malformed", "line 1"},
        {"NUL in a text", BYTES(EVENT "a\0b\"}}"), 400, "malformed", "line 1"},
        {"NUL escaped", BYTES(EVENT "a\\u0000b\"}}"), 400, "malformed", "\\\\u0000"},
        {"NUL in a name", BYTES(HEAD ",\"answers\":{\"va\\u0000s\":\"1.5\"}}"), 400, "malformed", "\\\\u0000"},
        {"control character", BYTES(EVENT "a\001b\"}}"), 400, "malformed", "control character"},
        {"line end in a text", BYTES(EVENT "a\nb\"}}"), 400, "malformed", "line 1"},
        {"byte FF", BYTES(EVENT "a\xFF" "b\"}}"), 400, "malformed", "decode byte"},
        {"overlong slash", BYTES(EVENT "a\xC0\xAF" "b\"}}"), 400, "malformed", "decode byte"},
        {"overlong NUL", BYTES(EVENT "a\xC0\x80" "b\"}}"), 400, "malformed", "decode byte"},
        {"overlong of three bytes", BYTES(EVENT "a\xE0\x80\xAF" "b\"}}"), 400, "malformed", "decode byte"},
        {"encoded surrogate", BYTES(EVENT "a\xED\xA0\x80" "b\"}}"), 400, "malformed", "decode byte"},
        {"encoded pair of surrogates", BYTES(EVENT "\xED\xA0\xBD\xED\xB8\x80\"}}"), 400, "malformed", "decode byte"},
        {"behind the last character", BYTES(EVENT "a\xF4\x90\x80\x80" "b\"}}"), 400, "malformed", "decode byte"},
        {"cut off sequence", BYTES(EVENT "a\xE2\x82\"}}"), 400, "malformed", "decode byte"},
        {"sequence cut off at the end", BYTES(EVENT "a\xE2"), 400, "malformed", "line 1"},
        {"lone continuation", BYTES(EVENT "a\x80" "b\"}}"), 400, "malformed", "decode byte"},
        {"lone high surrogate", BYTES(EVENT "a\\ud800b\"}}"), 400, "malformed", "line 1"},
        {"lone low surrogate", BYTES(EVENT "a\\udc00b\"}}"), 400, "malformed", "line 1"},
        {"surrogates in the wrong order", BYTES(EVENT "a\\udc00\\ud800b\"}}"), 400, "malformed", "line 1"},
        {"high surrogate and a letter", BYTES(EVENT "a\\ud800\\u0041\"}}"), 400, "malformed", "line 1"},
        {"unknown escape", BYTES(EVENT "a\\xb\"}}"), 400, "malformed", "line 1"},
        {"escape cut off", BYTES(EVENT "a\\u12\"}}"), 400, "malformed", "line 1"},
        {"text without end", BYTES(EVENT "abc"), 400, "malformed", "line 1"},
        {"single quotes", BYTES("{'id':'" ID "'}"), 400, "malformed", "line 1"},
        {"name without quotes", BYTES("{id:\"" ID "\"}"), 400, "malformed", "line 1"},
        {"comma behind the last", BYTES(HEAD VAS ",}"), 400, "malformed", "line 1"},
        {"no comma", BYTES(HEAD "\"answers\":{}}"), 400, "malformed", "line 1"},
        {"comment", BYTES(HEAD VAS "/* */}"), 400, "malformed", "line 1"},
        {"form fields", BYTES("id=1&subject=01-0001"), 400, "malformed", "line 1"},
        {"XML", BYTES("<?xml version=\"1.0\"?><a/>"), 400, "malformed", "line 1"},
        {"two lines", BYTES("{\n  \"id\": }\n"), 400, "malformed", "line 2"},
        {"a number", BYTES("5"), 400, "malformed", "line 1"},
        {"a text", BYTES("\"" ID "\""), 400, "malformed", "line 1"},
        {"null", BYTES("null"), 400, "malformed", "line 1"},
        {"true", BYTES("true"), 400, "malformed", "line 1"},
        {"nothing in it", BYTES("{}"), 422, "invalid", "id"},
    };
    TRY_ALL(*state, cases);
}

static void test_names_that_come_twice_are_refused(void **state)
{
    static const struct body_case cases[] = {
        {"a field", BYTES(HEAD VAS ",\"id\":\"" ID "\"}"), 400, "malformed", "duplicate"},
        {"another value", BYTES(HEAD VAS ",\"date\":\"2024-02-03\"}"), 400, "malformed", "duplicate"},
        {"escaped", BYTES(HEAD VAS ",\"\\u0069d\":\"" ID "\"}"), 400, "malformed", "duplicate"},
        {"an item", BYTES(HEAD ",\"answers\":{\"vas\":\"1.5\",\"vas\":\"2.5\"}}"), 400, "malformed", "duplicate"},
        {"an item, the same", BYTES(HEAD ",\"answers\":{\"vas\":\"1.5\",\"vas\":\"1.5\"}}"), 400, "malformed",
         "duplicate"},
        {"answers", BYTES(HEAD VAS VAS "}"), 400, "malformed", "duplicate"},
        {"a reason", BYTES(HEAD ",\"not_answered\":{\"vas\":\"refused\",\"vas\":\"unknown\"}}"), 400, "malformed",
         "duplicate"},
        {"in a confirmation", BYTES(HEAD VAS ",\"confirmed\":[{\"item\":\"vas\",\"item\":\"vas\",\"rule\":\"a\","
                                    "\"reason\":\"because\"}]}"), 400, "malformed", "duplicate"},
        {"an unknown one", BYTES(HEAD VAS ",\"x\":1,\"x\":1}"), 400, "malformed", "duplicate"},
        {"answered and not", BYTES(HEAD VAS ",\"not_answered\":{\"vas\":\"refused\"}}"), 422, "invalid", "vas"},
    };
    TRY_ALL(*state, cases);
}

static void test_fields_of_another_kind_are_refused(void **state)
{
    static const struct body_case cases[] = {
        {"unknown", BYTES(HEAD VAS ",\"shoe_size\":44}"), 400, "malformed", "shoe_size"},
        {"in upper case", BYTES(HEAD VAS ",\"Reason\":\"abcde\"}"), 400, "malformed", "Reason"},
        {"__proto__", BYTES(HEAD VAS ",\"__proto__\":{}}"), 400, "malformed", "__proto__"},
        {"id as a number", BYTES("{\"id\":1," REST "}"), 400, "malformed", "must be a JSON string"},
        {"id as null", BYTES("{\"id\":null," REST "}"), 400, "malformed", "must be a JSON string"},
        {"version as a text", BYTES(HEAD VAS ",\"version\":\"1\"}"), 400, "malformed", "whole number"},
        {"version 0", BYTES(HEAD VAS ",\"version\":0}"), 400, "malformed", "whole number"},
        {"version -1", BYTES(HEAD VAS ",\"version\":-1}"), 400, "malformed", "whole number"},
        {"version -0", BYTES(HEAD VAS ",\"version\":-0}"), 400, "malformed", "whole number"},
        {"version 1.0", BYTES(HEAD VAS ",\"version\":1.0}"), 400, "malformed", "whole number"},
        {"version 1e0", BYTES(HEAD VAS ",\"version\":1e0}"), 400, "malformed", "whole number"},
        {"version 01", BYTES(HEAD VAS ",\"version\":01}"), 400, "malformed", "line 1"},
        {"version +1", BYTES(HEAD VAS ",\"version\":+1}"), 400, "malformed", "line 1"},
        {"version 0x1", BYTES(HEAD VAS ",\"version\":0x1}"), 400, "malformed", "line 1"},
        {"version 1.", BYTES(HEAD VAS ",\"version\":1.}"), 400, "malformed", "line 1"},
        {"version .5", BYTES(HEAD VAS ",\"version\":.5}"), 400, "malformed", "line 1"},
        {"version NaN", BYTES(HEAD VAS ",\"version\":NaN}"), 400, "malformed", "line 1"},
        {"version Infinity", BYTES(HEAD VAS ",\"version\":Infinity}"), 400, "malformed", "line 1"},
        {"version 1e400", BYTES(HEAD VAS ",\"version\":1e400}"), 400, "malformed", "overflow"},
        {"version 2147483648", BYTES(HEAD VAS ",\"version\":2147483648}"), 422, "invalid", "version"},
        {"version 2^63", BYTES(HEAD VAS ",\"version\":9223372036854775808}"), 400, "malformed", "line 1"},
        {"instance 2^31", BYTES(HEAD VAS ",\"instance\":2147483648}"), 422, "invalid", "instance"},
        {"instance 2^63 - 1", BYTES(HEAD VAS ",\"instance\":9223372036854775807}"), 422, "invalid", "instance"},
        {"form_version 10^6", BYTES("{\"id\":\"" ID "\",\"subject\":\"01-0001\",\"form\":\"pain_vas\","
                                    "\"form_version\":1000000,\"date\":\"2024-02-02\"}"), 422, "invalid", "form"},
        {"answers as a list", BYTES(HEAD ",\"answers\":[1,2]}"), 400, "malformed", "answers"},
        {"answers as null", BYTES(HEAD ",\"answers\":null}"), 400, "malformed", "answers"},
        {"an answer as an object", BYTES(HEAD ",\"answers\":{\"vas\":{}}}"), 422, "invalid", "vas"},
        {"an answer as a list", BYTES(HEAD ",\"answers\":{\"vas\":[\"1.5\"]}}"), 422, "invalid", "vas"},
        {"an answer as a boolean", BYTES(HEAD ",\"answers\":{\"vas\":true}}"), 422, "invalid", "vas"},
        {"an answer 1e1", BYTES(HEAD ",\"answers\":{\"vas\":1e1}}"), 422, "invalid", "vas"},
        {"an answer '1e1'", BYTES(HEAD ",\"answers\":{\"vas\":\"1e1\"}}"), 422, "invalid", "exponent"},
        {"an answer '-0'", BYTES(HEAD ",\"answers\":{\"vas\":\"-0\"}}"), 422, "invalid", "vas"},
        {"an answer '+1.5'", BYTES(HEAD ",\"answers\":{\"vas\":\"+1.5\"}}"), 422, "invalid", "vas"},
        {"an answer '1,5'", BYTES(HEAD ",\"answers\":{\"vas\":\"1,5\"}}"), 422, "invalid", "comma"},
        {"an answer below its range", BYTES(HEAD ",\"answers\":{\"vas\":\"-0.1\"}}"), 422, "invalid", "vas"},
        {"an answer above its range", BYTES(HEAD ",\"answers\":{\"vas\":\"100.1\"}}"), 422, "invalid", "vas"},
        {"an answer of digits of another script", BYTES(HEAD ",\"answers\":{\"vas\":\"\xEF\xBC\x95\"}}"), 422,
         "invalid", "vas"},
        {"unknown item", BYTES(HEAD ",\"answers\":{\"vas\":\"1.5\",\"VAS\":\"1.5\"}}"), 422, "invalid", "VAS"},
        {"unknown reason", BYTES(HEAD ",\"not_answered\":{\"vas\":\"tired\"}}"), 422, "invalid", "tired"},
        {"reason as a number", BYTES(HEAD ",\"not_answered\":{\"vas\":1}}"), 400, "malformed", "vas"},
        {"confirmed as an object", BYTES(HEAD VAS ",\"confirmed\":{}}"), 400, "malformed", "confirmed"},
        {"confirmed of nothing", BYTES(HEAD VAS ",\"confirmed\":[{}]}"), 400, "malformed", "confirmed"},
        {"confirmed with a further field", BYTES(HEAD VAS ",\"confirmed\":[{\"item\":\"vas\",\"rule\":\"a\","
                                                 "\"reason\":\"because\",\"x\":\"y\"}]}"), 400,
         "malformed", "confirmed"},
        {"unknown knee", BYTES("{\"id\":\"" ID "\",\"subject\":\"01-0001\",\"form\":\"pain_vas\",\"form_version\":1,"
                               "\"knee\":\"both\",\"visit\":\"BL\",\"date\":\"2024-02-02\"" VAS "}"), 422,
         "invalid", "left, right or none"},
        {"unknown status", BYTES(HEAD VAS ",\"status\":\"draft\"}"), 422, "invalid", "complete or void"},
        {"unknown form", BYTES("{\"id\":\"" ID "\",\"subject\":\"01-0001\",\"form\":\"../koos\",\"form_version\":1,"
                               "\"date\":\"2024-02-02\"}"), 422, "invalid", "../koos"},
    };
    TRY_ALL(*state, cases);
}

/* ---- identifiers and dates ---- */

static void test_identifiers_and_dates_of_odd_kinds_are_refused(void **state)
{
    static const struct {
        const char *field, *values[16];
    } cases[] = {
        {"id", {"", "1", "0190a1b2c3d47e5f8a9b0c1d2e3f4a5b", ID "0", "{" ID "}", "urn:uuid:" ID,
                "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5", "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5g",
                "0190a1b2_c3d4_7e5f_8a9b_0c1d2e3f4a5b", " " ID, ID " ", "'); DROP TABLE core.submission; --"}},
        {"subject", {"", "0-0", "00-0001", "99999-1", "1-1", "01-0000", "001-0001", "01-00001", "01-1000000", "01_0001",
                     "-1-0001", "01-0001 ", "01-0001\\n", "\xEF\xBC\x90\xEF\xBC\x91-0001", "0x1-0001"}},
        {"date", {"", "2024-02-30", "2023-02-29", "0000-00-00", "10000-01-01", "2024-13-01", "2024-00-10", "2024-1-1",
                  "2024-01-00", "20240101", "01/02/2024", "2024-02-02T00:00:00Z", "-2024-01-01", "2024-02",
                  "9999-12-31", "1800-01-01"}},
    };
    struct registry *registry = *state;
    struct raw_api *api = raw_api_new(registry, registry->daemon, "coordinator1");
    static const struct raw_wanted invalid = {422, "invalid", NULL};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t j = 0; j < 16 && cases[i].values[j] != NULL; j++) {
            bool is_id = strcmp(cases[i].field, "id") == 0, is_date = strcmp(cases[i].field, "date") == 0;
            char *body = memory_format(
                api, "{\"id\":\"%s\",\"subject\":\"%s\",\"form\":\"pain_vas\",\"form_version\":1,\"knee\":\"right\","
                "\"visit\":\"BL\",\"date\":\"%s\",\"answers\":{\"vas\":\"1.5\"}}",
                is_id ? cases[i].values[j] : ID, !is_id && !is_date ? cases[i].values[j] : "01-0001",
                is_date ? cases[i].values[j] : "2024-02-02");
            char *label = memory_format(api, "%s '%s'", cases[i].field, cases[i].values[j]);
            try_bytes(api, label, SUBMISSIONS, body, strlen(body), &invalid);
            char *item = memory_format(api, "\"item\":\"%s\"", cases[i].field);
            if (strstr(raw_api_body(api), item) == NULL)
                fail_msg("%s: is not named: %s", label, raw_api_body(api));
        }
    talloc_free(api);
}

/* ---- sizes ---- */

static struct text *repeated(const void *owner, const char *before, const char *piece, size_t times, const char *after)
{
    struct text *text = text_new(owner);
    text_append(text, before);
    for (size_t i = 0; i < times; i++)
        text_append(text, piece);
    text_append(text, after);
    return text;
}

static void test_bodies_that_are_too_much_are_refused(void **state)
{
    static const struct {
        const char *label, *before, *piece;
        size_t times;
        const char *after;
        int status;
        const char *code, *says;
    } cases[] = {
        {"arrays, 100,000 deep", "", "[", 100000, "", 400, "not_json", "line 1"},
        {"arrays, 100,000 deep and closed", "[", "[],", 0, "", 400, "not_json", "line 1"},
        {"objects, 20,000 deep", "", "{\"a\":", 20000, "1", 400, "malformed", "deeper"},
        {"an answer 20 deep", HEAD ",\"answers\":{\"vas\":", "[", 20, "}}", 400, "malformed", "deeper"},
        {"a number of 100,000 digits", HEAD VAS ",\"version\":", "9", 100000, "}", 400, "malformed", "JSON strings"},
        {"an answer of 100,000 digits", HEAD ",\"answers\":{\"vas\":", "9", 100000, "}}", 400, "malformed",
         "JSON strings"},
        {"an answer of 100,000 digits as a text", HEAD ",\"answers\":{\"vas\":\"", "9", 100000, "\"}}", 422, "invalid",
         "vas"},
        {"100,000 decimals", HEAD ",\"answers\":{\"vas\":1.", "5", 100000, "}}", 422, "invalid", "vas"},
        {"a text of 200,000 characters", EVENT, "a", 200000, "\"}}", 422, "invalid", "term"},
        {"a text of 2 x 60,000 marks on one letter", EVENT "a", "\xCC\x81", 60000, "\"}}", 422, "invalid", "term"},
        {"a subject of 200,000 characters", "{\"id\":\"" ID "\",\"subject\":\"", "0", 200000, "\"}", 422, "invalid",
         "subject"},
        {"a name of 200,000 characters", HEAD VAS ",\"", "a", 200000, "\":1}", 400, "malformed", "unknown field"},
        {"10,000 escapes", EVENT, "\\u0041", 10000, "\"}}", 422, "invalid", "term"},
        {"more than 256 KiB in one submission", HEAD VAS ",\"reason\":\"", "a", 262144, "\"}", 400, "malformed",
         "256 KiB"},
        {"more than 256 KiB of blanks", "", " ", 262144, HEAD VAS "}", 400, "malformed", "256 KiB"},
        {"10,000 confirmations", HEAD VAS ",\"confirmed\":[{}", ",{}", 10000, "]}", 400, "malformed", "confirmed"},
        {"an array of nothing", "[", "", 0, "]", 400, "malformed", "1 to 256"},
        {"an array of blanks", "[", " ", 1000, "]", 400, "malformed", "1 to 256"},
        {"an array of 257", "[{}", ",{}", 256, "]", 413, "too_large", "257"},
        {"an array of 500,000", "[1", ",1", 499999, "]", 413, "too_large", "500000"},
        {"an array without end", "[{}", ",{}", 10, "", 400, "not_json", "line 1"},
        {"an array and more", "[{}", "", 0, "] x", 400, "not_json", "line 1"},
        {"an array with a comma too many", "[{},", "", 0, "]", 400, "not_json", "line 1"},
    };
    struct registry *registry = *state;
    struct raw_api *api = raw_api_new(registry, registry->daemon, "coordinator1");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text *body = repeated(api, cases[i].before, cases[i].piece, cases[i].times, cases[i].after);
        raw_api_send(api, cases[i].label, "POST", SUBMISSIONS, body,
                     &(struct raw_wanted){cases[i].status, cases[i].code, cases[i].says});
        assert_true(raw_api_is_open(api));
        talloc_free(body);
    }
    talloc_free(api);
}

/* Names of one hash value or many: a wrong submission costs what its length says, and its problems have an end. */
static void test_thousands_of_names_end_in_a_bounded_list(void **state)
{
    struct registry *registry = *state;
    struct raw_api *api = raw_api_new(registry, registry->daemon, "coordinator1");
    struct text *fields = text_new(api), *items = text_new(api);
    text_append(fields, HEAD VAS);
    text_append(items, HEAD ",\"answers\":{\"vas\":\"1.5\"");
    for (int i = 0; i < 15000; i++) {
        text_append_format(fields, ",\"f%d\":1", i);
        text_append_format(items, ",\"i%d\":1", i);
    }
    text_append(fields, "}");
    text_append(items, "}}");
    raw_api_send(api, "15,000 fields", "POST", SUBMISSIONS, fields, &(struct raw_wanted){400, "malformed", "f1"});
    assert_true(strlen(raw_api_body(api)) < 65536);
    raw_api_send(api, "15,000 items", "POST", SUBMISSIONS, items, &(struct raw_wanted){422, "invalid", "i1"});
    assert_true(strlen(raw_api_body(api)) < 65536);
    talloc_free(api);
}

/* Only the length is announced: no body needs to be sent for the refusal. */
static void test_lengths_over_the_limit_are_refused_unread(void **state)
{
    static const struct {
        const char *target, *length;
        int status;
        const char *code;
    } cases[] = {
        {SUBMISSIONS, "1048577", 413, "too_large"}, {SUBMISSIONS, "9223372036854775807", 413, "too_large"},
        {SUBMISSIONS, "9223372036854775808", 400, "bad_content_length"}, {DEMO "/cuts", "4097", 413, "too_large"},
        {DEMO "/reports", "4097", 413, "too_large"},
    };
    struct registry *registry = *state;
    struct raw_api *api = raw_api_new(registry, registry->daemon, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *head = memory_format(api, "POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer coordinator1\r\n"
                                   "Content-Type: application/json\r\nContent-Length: %s\r\n\r\n", cases[i].target,
                                   cases[i].length);
        raw_api_expect(api, head, head, strlen(head), &(struct raw_wanted){cases[i].status, cases[i].code, NULL});
        assert_false(raw_api_is_open(api));
    }
    talloc_free(api);
}

/* ---- content types ---- */

static void test_content_types_other_than_json_are_refused(void **state)
{
    static const struct {
        const char *headers;
        bool taken;              /* as a type: the body is refused later, for what it is */
    } cases[] = {
        {"", false}, {"Content-Type:\r\n", false}, {"Content-Type: text/plain\r\n", false},
        {"Content-Type: application/x-www-form-urlencoded\r\n", false},
        {"Content-Type: multipart/form-data; boundary=a\r\n", false}, {"Content-Type: application/jsonp\r\n", false},
        {"Content-Type: application/json+x\r\n", false}, {"Content-Type: application/json,text/plain\r\n", false},
        {"Content-Type: application/vnd.api+json\r\n", false}, {"Content-Type: application/problem+json\r\n", false},
        {"Content-Type: application /json\r\n", false}, {"Content-Type: json\r\n", false},
        {"Content-Type: */*\r\n", false}, {"Content-Type: application/json; charset=latin1\r\n", false},
        {"Content-Type: application/json; charset=utf-16\r\n", false},
        {"Content-Type: application/json; charset=utf-8; charset=utf-16\r\n", false},
        {"Content-Type: application/json; charset=\r\n", false}, {"Content-Type: application/json; x=y\r\n", false},
        {"Content-Type: application/json\r\nContent-Encoding: gzip\r\n", false},
        {"Content-Type: application/json\r\nContent-Encoding: identity, gzip\r\n", false},
        {"Content-Type: application/json\r\nContent-Encoding: br\r\n", false},
        {"Content-Type: application/json\r\nContent-Encoding: \r\n", false},
        {"Content-Type: application/json\r\n", true}, {"content-type:application/json\r\n", true},
        {"Content-Type: APPLICATION/JSON\r\n", true}, {"Content-Type: application/json; charset=utf-8\r\n", true},
        {"Content-Type: application/json;charset=\"UTF-8\"\r\n", true}, {"Content-Type: application/json;\r\n", true},
        {"Content-Type: application/json\r\nContent-Encoding: identity\r\n", true},
    };
    struct registry *registry = *state;
    struct raw_api *api = raw_api_new(registry, registry->daemon, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *request = memory_format(api, "POST " SUBMISSIONS " HTTP/1.1\r\nHost: localhost\r\n"
                                      "Authorization: Bearer coordinator1\r\n%sContent-Length: 2\r\n\r\n{}",
                                      cases[i].headers);
        const struct raw_wanted taken = {422, "invalid", NULL}, refused = {415, "wrong_type", "Content-"};
        raw_api_expect(api, cases[i].headers, request, strlen(request), cases[i].taken ? &taken : &refused);
    }
    static const char twice[] = "POST " SUBMISSIONS " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                                "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    raw_api_expect(api, "two content types", twice, sizeof twice - 1,
                   &(struct raw_wanted){400, "duplicate_header", NULL});
    talloc_free(api);
}

/* ---- the small bodies ---- */

static void test_small_bodies_are_refused_for_what_they_are(void **state)
{
    static const struct {
        const char *target;
        const char *bytes;
        size_t length;
        int status;
        const char *code, *says;
    } cases[] = {
        {"/cuts", BYTES(""), 400, "not_json", "line"}, {"/cuts", BYTES("{"), 400, "not_json", "line 1"},
        {"/cuts", BYTES("{}"), 400, "malformed", "label"}, {"/cuts", BYTES("[]"), 400, "malformed", "label"},
        {"/cuts", BYTES("{\"label\":\"a\",\"label\":\"a\"}"), 400, "not_json", "line 1"},
        {"/cuts", BYTES("{\"label\":\"a\",\"cut\":1}"), 400, "malformed", "label"},
        {"/cuts", BYTES("{\"label\":\"\"}"), 422, "invalid", "1 to 100"},
        {"/cuts", BYTES("{\"label\":5}"), 422, "invalid", "label"},
        {"/cuts", BYTES("{\"label\":null}"), 422, "invalid", "label"},
        {"/cuts", BYTES("{\"label\":\"a\\u0000b\"}"), 400, "not_json", "line 1"},
        {"/cuts", BYTES("{\"label\":\"a\\u0007b\"}"), 422, "invalid", "control"},
        {"/cuts", BYTES("{\"label\":\"a\\u009Bb\"}"), 422, "invalid", "control"},
        {"/cuts", BYTES("{\"label\":\"\xFF\"}"), 400, "not_json", "line 1"},
        {"/cuts", BYTES("{\"label\":\"\\ud800\"}"), 400, "not_json", "line 1"},
        {"/cuts", BYTES("{\"label\":\"a\"} x"), 400, "not_json", "line 1"},
        {"/cuts", BYTES("{\"label\":\"a\"}\0"), 400, "not_json", "line 1"},
        {"/reports", BYTES("{\"cut\":0}"), 422, "invalid", "from 1 to 2000000000"},
        {"/reports", BYTES("{\"cut\":-1}"), 422, "invalid", "from 1 to"},
        {"/reports", BYTES("{\"cut\":-0}"), 422, "invalid", "from 1 to"},
        {"/reports", BYTES("{\"cut\":1.0}"), 422, "invalid", "from 1 to"},
        {"/reports", BYTES("{\"cut\":1e0}"), 422, "invalid", "from 1 to"},
        {"/reports", BYTES("{\"cut\":\"1\"}"), 422, "invalid", "from 1 to"},
        {"/reports", BYTES("{\"cut\":true}"), 422, "invalid", "from 1 to"},
        {"/reports", BYTES("{\"cut\":[1]}"), 422, "invalid", "from 1 to"},
        {"/reports", BYTES("{\"cut\":2000000001}"), 422, "invalid", "from 1 to"},
        {"/reports", BYTES("{\"cut\":9223372036854775807}"), 422, "invalid", "from 1 to"},
        {"/reports", BYTES("{\"cut\":9223372036854775808}"), 400, "not_json", "line 1"},
        {"/reports", BYTES("{\"cut\":1e400}"), 400, "not_json", "line 1"},
        {"/reports", BYTES("{\"cut\":2000000000}"), 404, "not_found", NULL},
    };
    struct registry *registry = *state;
    struct raw_api *api = raw_api_new(registry, registry->daemon, "statistician");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *target = memory_format(api, DEMO "%s", cases[i].target);
        char *label = memory_format(api, "%s %s", cases[i].target, cases[i].bytes);
        try_bytes(api, label, target, cases[i].bytes, cases[i].length,
                  &(struct raw_wanted){cases[i].status, cases[i].code, cases[i].says});
    }
    struct text *label = repeated(api, "{\"label\":\"", "\xC3\xA4", 101, "\"}");
    raw_api_send(api, "101 characters", "POST", DEMO "/cuts", label, &(struct raw_wanted){422, "invalid", "1 to 100"});
    struct text *deep = repeated(api, "", "[", 4000, "");
    raw_api_send(api, "4,000 deep", "POST", DEMO "/cuts", deep, &(struct raw_wanted){400, "not_json", "line 1"});
    talloc_free(api);
}

/* ---- arrays ---- */

/* Each row by itself: what cannot be read is refused and counted, its neighbours are stored. */
static void test_problems_of_an_array_are_counted_row_by_row(void **state)
{
    static const struct {
        const char *name;
        long long more;
    } counted[] = {
        {"patella_problems_total{code=\"malformed\"}", 5}, {"patella_problems_total{code=\"invalid\"}", 1},
        {"patella_problems_total{code=\"unknown_subject\"}", 1}, {"patella_problems_total{code=\"other\"}", 0},
    };
    struct registry *registry = *state;
    struct client *scraper = client_new(registry, registry->daemon, NULL);
    char *before = memory_copy_string(registry, counters_read(scraper));
    struct client_reply *reply = api_submit(registry, "coordinator1", memory_format(
        registry, "[%s,5,null,[],\"\xC3\xA4\",{\"id\":1},%s,{},%s]", registry_pain(registry, NULL, "01-0001", 7, ""),
        registry_event(registry, NULL, "01-0001", "fever", ""), registry_pain(registry, NULL, "01-7777", 8, "")));
    static const int statuses[] = {201, 400, 400, 400, 400, 400, 201, 422, 422};
    assert_status(reply, 207);
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        assert_int_equal(json_number_at(reply->json, memory_format(registry, "results.%zu.status", i)), statuses[i]);
    const char *after = counters_read(scraper);
    for (size_t i = 0; i < sizeof counted / sizeof counted[0]; i++)
        if (counters_value(after, counted[i].name) - counters_value(before, counted[i].name) != counted[i].more)
            fail_msg("%s: %lld, then %lld", counted[i].name, counters_value(before, counted[i].name),
                     counters_value(after, counted[i].name));
}

static int set_up(void **state)
{
    registry_setup(state);
    registry_enrol(*state, "coordinator1", "01-0001");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies_that_are_no_json_are_refused),
        cmocka_unit_test(test_names_that_come_twice_are_refused),
        cmocka_unit_test(test_fields_of_another_kind_are_refused),
        cmocka_unit_test(test_identifiers_and_dates_of_odd_kinds_are_refused),
        cmocka_unit_test(test_bodies_that_are_too_much_are_refused),
        cmocka_unit_test(test_thousands_of_names_end_in_a_bounded_list),
        cmocka_unit_test(test_lengths_over_the_limit_are_refused_unread),
        cmocka_unit_test(test_content_types_other_than_json_are_refused),
        cmocka_unit_test(test_small_bodies_are_refused_for_what_they_are),
        cmocka_unit_test(test_problems_of_an_array_are_counted_row_by_row),
    };
    memory_init();
    return cmocka_run_group_tests(tests, set_up, registry_teardown);
}
