/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collector/seal_json.h"
#include "forms/base/memory.h"

/* Microseconds by `date -u -d TEXT +%s`. */
static void test_seal_json_read_instant_knows_offsets(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } cases[] = {
        {"1970-01-01T00:00:00+00:00", 0},
        {"2026-03-01T13:00:00.5+01:00", 1772366400500000},
        {"2026-03-01T12:00:00.500000+00:00", 1772366400500000},
        {"2026-03-01T08:30:00.000001-03:30", 1772366400000001},
        {"1890-06-01T00:53:28+00:53:28", -2511475200000000},
    };
    static const char *const others[] = {"", "2026-03-01", "2026-03-01T13:00:00", "2026-03-01 13:00:00+01:00",
                                         "2026-03-01T13:00:00+01:00x", "2026-02-30T13:00:00+01:00", "07-0012"};
    int64_t us;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(seal_json_read_instant(cases[i].text, &us));
        assert_int_equal(us, cases[i].us);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(seal_json_read_instant(others[i], &us));
}

static void check_written(const char *json, const char *expected)
{
    static const char *const left_out[] = {"token_sha256", "last_used_at"};
    struct text *text = text_new(NULL);
    json_t *row = seal_json_read(json, strlen(json), left_out, 2);
    assert_non_null(row);
    seal_json_write(row, text);
    assert_string_equal(text->bytes, expected);
    json_decref(row);
    talloc_free(text);
}

static void test_seal_json_write_drops_nulls_and_what_is_left_out(void **state)
{
    (void)state;
    check_written("{\"b\": 2, \"a\": null, \"last_used_at\": \"x\", \"token_sha256\": null}", "{\"b\":2}");
    check_written("{\"b\": false, \"a\": [1, null], \"at\": \"2026-03-01T13:00:00+01:00\"}",
                  "{\"a\":[1,null],\"at\":\"@1772366400000000\",\"b\":false}");
    assert_null(seal_json_read("[1]", 3, NULL, 0));
    assert_null(seal_json_read("{", 1, NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seal_json_read_instant_knows_offsets),
        cmocka_unit_test(test_seal_json_write_drops_nulls_and_what_is_left_out),
    };
    memory_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
