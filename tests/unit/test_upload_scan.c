/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/upload_keys.h"
#include "forms/upload_scan.h"
#include "tests/support/sheet.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A file, what refuses it ("code line column", "-" for none), and what is assumed of it. */
struct example {
    const char *header;
    const char *rows[4];
    const char *refused, *words;
    const char *assumed;
};

static const char *place(const struct sheet *sheet, const struct upload_finding *finding)
{
    return memory_format(sheet->owner, "%s %lld %s", finding->code, (long long)finding->line,
                         finding->column != NULL ? finding->column : "-");
}

static void check(struct sheet *sheet, const struct example *example)
{
    struct upload_scan *scan = upload_scan_new(sheet->owner, sheet->plan, 10);
    for (size_t i = 0; i < COUNT(example->rows) && example->rows[i] != NULL; i++)
        upload_scan_row(scan, sheet_line(sheet, example->rows[i]));
    bool taken = upload_scan_end(scan, sheet->plan, &sheet->findings);
    assert_int_equal(taken, example->refused == NULL);
    const char *assumed = "";
    bool found = example->refused == NULL;
    for (size_t i = 0; i < sheet->findings.count; i++) {
        const struct upload_finding *finding = &sheet->findings.findings[i];
        if (finding->severity == UPLOAD_ASSUMED) {
            assumed = memory_format(sheet->owner, "%s%s ", assumed, finding->code);
            continue;
        }
        found = true;
        if (example->refused == NULL || strcmp(place(sheet, finding), example->refused) != 0)
            fail_msg("%s: %s", place(sheet, finding), finding->text);
        if (example->words != NULL && strstr(finding->text, example->words) == NULL)
            fail_msg("\"%s\" does not say %s", finding->text, example->words);
    }
    assert_true(found);
    if (example->assumed != NULL)
        assert_string_equal(assumed, example->assumed);
}

static void check_all(const struct example *examples, size_t count, struct sheet_manner manner)
{
    for (size_t i = 0; i < count; i++) {
        struct sheet sheet = sheet_of(examples[i].header, manner);
        check(&sheet, &examples[i]);
        sheet_end(&sheet);
    }
}

#define HEADER "subject|knee|visit|date|vas"

static void test_upload_scan_refuses_what_only_the_file_can_tell(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {HEADER, {NULL}, "empty_file 0 -", "no row", NULL},
        {HEADER, {"12;left;M3;2026-03-15;1", "12;left;M6;2026-03-15;1"}, "mixed_delimiters 2 -", "semicolons", NULL},
        {HEADER "|comment", {"12|left|M3|2026-03-15|1|", "12|left|M6|2026-03-15|1|late"}, "unknown_column 1 comment",
         "line 3", NULL},
        {HEADER "|", {"12|left|M3|2026-03-15|1|x"}, "unknown_column 1 -", "column 6", NULL},
        {HEADER, {"12|left|M3|17/07/2025|1", "12|left|M3|01/15/2026|1"}, "mixed_dates 3 date", "line 2", NULL},
        {HEADER, {"12|left|M3|2026-03-15|1.5", "12|left|M6|2026-03-15|2,5"}, "mixed_decimals 3 vas", "line 2", NULL},
        {"site|" HEADER, {"7|12|left|M3|2026-03-15|1", "8|12|left|M6|2026-03-15|1"}, "wrong_site 3 site", "7", NULL},
        {"study|" HEADER, {"demo|12|left|M3|2026-03-15|1", "hip|12|left|M6|2026-03-15|1"}, "wrong_study 3 study",
         "demo", NULL},
    };
    check_all(examples, COUNT(examples), (struct sheet_manner){.site = 7});
}

static void test_upload_scan_states_what_it_takes_for_granted(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {HEADER, {"12|left|M3|2026-03-15|1.5"}, NULL, NULL, ""},
        {HEADER "||", {"12|left|M3|2026-03-15|1.5||"}, NULL, NULL, "empty_columns "},
        {HEADER, {"12|L|3 months|2026-03-15 10:30|UNK"}, NULL, NULL, "missing_codes time_dropped knee visit "},
        {"subject|knee|visit|date|p1|p2", {"12|left|M3|2026-03-15|about once a month|"}, NULL, NULL, "labels "},
        {"subject|knee|date|term|onset", {"12|left|2026-03-15|'=x <U+043E>|2026"}, NULL, NULL, "apostrophe encoding "},
        {"subject|knee|date|injections_planned", {"12|left|2026-03-15|3.0"}, NULL, NULL, "integer_point "},
        {"|subject|knee|visit|date|vas", {"1|12|left|M3|2026-03-15|1", "2|12|left|M6|2026-03-15|1"}, NULL, NULL,
         "ignored_column "},
        {HEADER, {"12|left|M3|2026-03-15", "12|left|M6|2026-03-15|1", "12|left|M12|2026-03-15|1"}, NULL, NULL, ""},
    };
    check_all(examples, COUNT(examples), (struct sheet_manner){.site = 7});
}

static void test_upload_scan_says_the_declared_order_of_dates(void **state)
{
    (void)state;
    static const struct upload_profile profile = {.name = "demo", .version = 1, .dates = UPLOAD_DATES_DMY,
                                                  .dates_declared = true};
    static const struct example examples[] = {
        {HEADER, {"12|left|M3|07/08/2025|1"}, NULL, NULL, "date_order "},
        {HEADER, {"12|left|M3|2025-08-07|1"}, NULL, NULL, ""},
        {HEADER, {"12|left|M3|17/07/2025|1", "12|left|M3|01/15/2026|1"}, "mixed_dates 3 date", "line 2", NULL},
    };
    check_all(examples, COUNT(examples), (struct sheet_manner){.site = 7, .profile = &profile});
}

/* Cells of one column, the delimiter of the file, and the mark that the column then has. */
static void test_upload_scan_finds_the_decimal_mark_of_each_column(void **state)
{
    (void)state;
    static const struct {
        char delimiter;
        const char *cells[3];
        char mark;
    } cases[] = {
        {',', {"1.5", "2"}, '.'},         {',', {"1,5", "2", "3,25"}, ','}, {';', {"1,5", "2"}, ','},
        {';', {"1.5", "2"}, '.'},         {',', {"1,234", "2"}, '.'},       {',', {"1,234", "2,5"}, ','},
        {';', {"1.234", "2"}, ','},       {',', {"0,125"}, ','},            {',', {"1,234", "2.5"}, '.'},
        {'\t', {"22,5", "20"}, ','},      {',', {"7", "2"}, '.'},           {';', {"7", "2"}, ','},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sheet sheet = sheet_of(HEADER, (struct sheet_manner){.site = 7, .delimiter = cases[i].delimiter});
        struct upload_scan *scan = upload_scan_new(sheet.owner, sheet.plan, 10);
        for (size_t k = 0; k < 3 && cases[i].cells[k] != NULL; k++)
            upload_scan_row(scan, sheet_line(&sheet, memory_format(sheet.owner, "12|left|M3|2026-03-15|%s",
                                                                   cases[i].cells[k])));
        assert_true(upload_scan_end(scan, sheet.plan, &sheet.findings));
        char mark = sheet.plan->column_decimals[4];
        assert_int_equal(mark != '\0' ? mark : sheet.plan->decimal, cases[i].mark);
        sheet_end(&sheet);
    }
}

/* ---- keys ---- */

static int64_t seen(struct sheet *sheet, struct upload_scan *scan, const char *cells, bool *same)
{
    struct upload_row row = sheet_read(sheet, cells);
    uint8_t hash[32];
    assert_int_equal(row.record_count, 1);
    upload_record_hash(&row.records[0], hash);
    return upload_scan_seen(scan, &row.records[0], hash, same);
}

static void test_upload_scan_knows_keys_that_stand_twice_in_any_words(void **state)
{
    (void)state;
    static const char *const rows[] = {"12|left|M3|2026-03-15|1", "12|right|M3|2026-03-15|1",
                                       "07-0012|L|3 months|2026-03-15|1", "12|left|M3|2026-03-15|2",
                                       "13|left|M3|2026-03-15|1"};
    struct sheet sheet = sheet_of(HEADER, (struct sheet_manner){.site = 7});
    struct upload_scan *scan = upload_scan_new(sheet.owner, sheet.plan, 10);
    for (size_t i = 0; i < COUNT(rows); i++)
        upload_scan_row(scan, sheet_line(&sheet, rows[i]));
    assert_true(upload_scan_end(scan, sheet.plan, &sheet.findings));
    for (int reading = 0; reading < 2; reading++) {
        bool same = false;
        sheet.line.line = 1;
        assert_int_equal(seen(&sheet, scan, rows[0], &same), 0);
        assert_int_equal(seen(&sheet, scan, rows[1], &same), 0);
        assert_int_equal(seen(&sheet, scan, rows[2], &same), 2);
        assert_true(same);
        assert_int_equal(seen(&sheet, scan, rows[3], &same), 2);
        assert_false(same);
        assert_int_equal(seen(&sheet, scan, rows[4], &same), 0);
        upload_scan_rewind(scan);
    }
    sheet_end(&sheet);
}

/* Collected, every line of a key with two contents is told of another, and of equal ones all but the first. */
static void test_upload_scan_collected_keys_do_not_depend_on_order(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "12|left|M3|2026-03-15|1",             /* line 2, and otherwise in 4 */
        "13|left|M3|2026-03-15|1",             /* line 3, alike in 6 */
        "07-0012|L|3 months|2026-03-15|2",
        "12|left|M3|2026-03-15|1.0",           /* line 5 says what 2 says */
        "13|left|M3|2026-03-15|1",
        "14|left|M3|2026-03-15|1",
        "14|left|M3|2026-03-15|much",          /* line 8 cannot be read */
    };
    static const int64_t expected[] = {4, 0, 2, 4, 3, 0};
    struct sheet sheet = sheet_of(HEADER, (struct sheet_manner){.site = 7});
    struct upload_scan *scan = upload_scan_new(sheet.owner, sheet.plan, 10);
    for (size_t i = 0; i < COUNT(rows); i++)
        upload_scan_row(scan, sheet_line(&sheet, rows[i]));
    assert_true(upload_scan_end(scan, sheet.plan, &sheet.findings));
    assert_true(upload_scan_has_suspects(scan));
    sheet.line.line = 1;
    for (size_t i = 0; i < COUNT(rows); i++)
        upload_scan_collect(scan, sheet_line(&sheet, rows[i]));
    for (int order = 0; order < 2; order++)
        for (size_t k = 0; k < COUNT(expected); k++) {
            size_t i = order == 0 ? k : COUNT(expected) - 1 - k;
            bool same = false;
            sheet.line.line = (int64_t)i + 1;
            int64_t line = seen(&sheet, scan, rows[i], &same);
            assert_int_equal(line, expected[i]);
            assert_int_equal(same, i == 4);
        }
    sheet_end(&sheet);
}

static void test_upload_scan_without_doubles_has_no_suspects(void **state)
{
    (void)state;
    struct sheet sheet = sheet_of(HEADER, (struct sheet_manner){.site = 7});
    struct upload_scan *scan = upload_scan_new(sheet.owner, sheet.plan, 10);
    upload_scan_row(scan, sheet_line(&sheet, "12|left|M3|2026-03-15|1"));
    upload_scan_row(scan, sheet_line(&sheet, "12|right|M3|2026-03-15|1"));
    assert_false(upload_scan_has_suspects(scan));
    sheet_end(&sheet);
}

static struct upload_key number_key(long number)
{
    char text[32];
    snprintf(text, sizeof text, "%ld", number);
    const char *const texts[] = {"subject", text, NULL};
    return upload_key_of(texts);
}

/* All keys of five million rows in the memory that is promised, a thousand of them twice; none of those is missed. */
static void test_upload_keys_stay_small_and_miss_nothing(void **state)
{
    (void)state;
    enum { MANY = 5000000, EVERY = 5000 };
    void *owner = memory_owner(NULL, "test");
    struct upload_keys *keys = upload_keys_new(owner, MANY);
    for (long i = 0; i < MANY; i++)
        upload_keys_add(keys, number_key(i));
    for (long i = 0; i < MANY; i += EVERY)
        upload_keys_add(keys, number_key(i));
    assert_true(talloc_total_size(keys) < (size_t)24 << 20);
    assert_false(upload_keys_are_too_many(keys));
    bool same = false;
    for (int reading = 0; reading < 2; reading++) {
        for (long i = 0; i < MANY; i += EVERY)
            assert_int_equal(upload_keys_seen(keys, number_key(i), i + 1, (uint64_t)i, &same), 0);
        for (long i = 0; i < MANY; i += EVERY) {
            assert_int_equal(upload_keys_seen(keys, number_key(i), MANY + i, (uint64_t)i, &same), i + 1);
            assert_true(same);
        }
        upload_keys_rewind(keys);
    }
    for (long i = 0; i < MANY; i += EVERY) {   /* of each other one the second line says something else */
        upload_keys_collect(keys, number_key(i), i + 1, 7);
        upload_keys_collect(keys, number_key(i), MANY + i, i % (2 * EVERY) == 0 ? 8 : 7);
    }
    for (long i = 0; i < MANY; i += EVERY) {
        bool differs = i % (2 * EVERY) == 0;
        assert_int_equal(upload_keys_seen(keys, number_key(i), MANY + i, differs ? 8 : 7, &same), i + 1);
        assert_int_equal(same, !differs);
        assert_int_equal(upload_keys_seen(keys, number_key(i), i + 1, 7, &same), differs ? MANY + i : 0);
    }
    for (long i = 0; i < UPLOAD_KEYS_SUSPECTS + 1; i++)
        upload_keys_add(keys, number_key(i));
    assert_true(upload_keys_are_too_many(keys));
    assert_true(talloc_total_size(keys) < (size_t)24 << 20);
    talloc_free(owner);
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_upload_scan_refuses_what_only_the_file_can_tell),
        cmocka_unit_test(test_upload_scan_states_what_it_takes_for_granted),
        cmocka_unit_test(test_upload_scan_says_the_declared_order_of_dates),
        cmocka_unit_test(test_upload_scan_finds_the_decimal_mark_of_each_column),
        cmocka_unit_test(test_upload_scan_knows_keys_that_stand_twice_in_any_words),
        cmocka_unit_test(test_upload_scan_collected_keys_do_not_depend_on_order),
        cmocka_unit_test(test_upload_scan_without_doubles_has_no_suspects),
        cmocka_unit_test(test_upload_keys_stay_small_and_miss_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
