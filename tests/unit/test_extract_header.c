/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "reports/extract_header.h"

#define TEXT                                                                                                          \
    "{\"study\":\"demo\",\"subject\":\"07-0012\",\"knee\":\"left\",\"form\":\"koos\",\"form_version\":3,"             \
    "\"visit\":\"M3\",\"instance\":2,\"version\":4,\"status\":\"complete\",\"date\":\"2024-02-29\",\"answers\":{}}"

static bool read_header(const char *text, size_t length, struct record_header *header)
{
    char *begin = record_header_begin(NULL, "demo");
    char *copy = memory_copy_bytes(begin, text, length);     /* of this size: a look behind it is found */
    bool read = record_header_read(copy, length, begin, header);
    if (read) {
        header->form = text + (header->form - copy);
        header->visit = text + (header->visit - copy);
    }
    talloc_free(begin);
    return read;
}

static void test_record_header_read_gives_what_the_text_says(void **state)
{
    (void)state;
    struct record_header header;
    assert_true(read_header(TEXT, strlen(TEXT), &header));
    assert_int_equal(header.site, 7);
    assert_int_equal(header.number, 12);
    assert_int_equal(header.knee, KNEE_LEFT);
    assert_int_equal(header.form_length, 4);
    assert_memory_equal(header.form, "koos", 4);
    assert_int_equal(header.form_version, 3);
    assert_int_equal(header.visit_length, 2);
    assert_memory_equal(header.visit, "M3", 2);
    assert_int_equal(header.instance, 2);
    assert_int_equal(header.version, 4);
    assert_false(header.voided);
    assert_int_equal(header.date, date_from_civil(2024, 2, 29));
    assert_string_equal(TEXT + header.behind, ",\"answers\":{}}");
}

/* The text with one piece of it replaced. */
static bool read_changed(const char *piece, const char *by, struct record_header *header)
{
    const char *at = strstr(TEXT, piece);
    assert_non_null(at);
    char *text = memory_format(NULL, "%.*s%s%s", (int)(at - TEXT), TEXT, by, at + strlen(piece));
    bool read = read_header(text, strlen(text), header);
    talloc_free(text);
    return read;
}

static void test_record_header_read_knows_every_knee_and_status(void **state)
{
    (void)state;
    struct record_header header;
    assert_true(read_changed("\"left\"", "\"right\"", &header) && header.knee == KNEE_RIGHT);
    assert_true(read_changed("\"left\"", "\"none\"", &header) && header.knee == KNEE_NONE);
    assert_true(read_changed("\"complete\"", "\"void\"", &header) && header.voided);
    assert_true(read_changed("07-0012", "1203-123456", &header) && header.site == 1203 && header.number == 123456);
}

static void test_record_header_read_of_another_text_is_refused(void **state)
{
    static const char *const changes[][2] = {
        {"demo", "demo2"},      {"07-0012", "070012"},    {"\"left\"", "\"both\""},   {"\"koos\"", "\"ko\\\"os\""},
        {":3,", ":x,"},         {"\"M3\",", "\"M3\" ,"},  {"\"complete\"", "\"new\""}, {"2024-02-29", "2023-02-29"},
        {"\"knee\"", "\"side\""}, {"2024-02-29\"", "2024-02-29T\""},
    };
    (void)state;
    struct record_header header;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        assert_false(read_changed(changes[i][0], changes[i][1], &header));
}

static void test_record_header_read_of_a_text_that_is_cut_off_is_refused(void **state)
{
    (void)state;
    struct record_header header;
    size_t whole = (size_t)(strstr(TEXT, ",\"answers\"") - TEXT);
    for (size_t length = 0; length < whole; length++)
        assert_false(read_header(TEXT, length, &header));
    assert_true(read_header(TEXT, whole, &header));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record_header_read_gives_what_the_text_says),
        cmocka_unit_test(test_record_header_read_knows_every_knee_and_status),
        cmocka_unit_test(test_record_header_read_of_another_text_is_refused),
        cmocka_unit_test(test_record_header_read_of_a_text_that_is_cut_off_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
