/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "forms/base/date.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_date_from_civil_known_days(void **state)
{
    (void)state;
    static const struct {
        int year, month, day;
        date_days days;
    } cases[] = {
        {1970, 1, 1, 0},          {1969, 12, 31, -1},       {2000, 2, 29, 11016},
        {2026, 3, 1, 20513},      {1850, 1, 1, -43829},     {2199, 12, 31, 84005},
        {1900, 2, 29, DATE_NONE}, {2100, 2, 29, DATE_NONE}, {2026, 13, 1, DATE_NONE},
        {2026, 0, 1, DATE_NONE},  {2026, 4, 31, DATE_NONE}, {1849, 12, 31, DATE_NONE},
        {2200, 1, 1, DATE_NONE},  {2026, 1, 0, DATE_NONE},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(date_from_civil(cases[i].year, cases[i].month, cases[i].day), cases[i].days);
}

static void test_date_to_civil_every_day_comes_back(void **state)
{
    (void)state;
    date_days last = date_from_civil(2199, 12, 31);
    for (date_days days = date_from_civil(1850, 1, 1); days <= last; days++) {
        int year, month, day;
        date_to_civil(days, &year, &month, &day);
        assert_int_equal(date_from_civil(year, month, day), days);
    }
}

static void test_date_parse_cases(void **state)
{
    (void)state;
    static const struct {
        const char *string;
        bool whole, partial;
    } cases[] = {
        {"2026-03-01", true, true},   {"2026-03", false, true},     {"2026", false, true},
        {"", false, false},           {"2026-3-1", false, false},   {"2026-02-30", false, false},
        {"2026-13", false, false},    {"01-03-2026", false, false}, {"2026-03-01 ", false, false},
        {"2026/03/01", false, false}, {"20260301", false, false},   {"1849", false, false},
        {"-026", false, false},       {"2026-03-0x", false, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        date_days days;
        struct partial_date date;
        assert_int_equal(date_parse(cases[i].string, &days), cases[i].whole);
        assert_int_equal(date_parse_partial(cases[i].string, &date), cases[i].partial);
        char text[DATE_TEXT_SIZE];
        if (cases[i].partial) {
            date_format_partial(date, text);
            assert_string_equal(text, cases[i].string);
        }
        if (cases[i].whole) {
            date_format(days, text);
            assert_string_equal(text, cases[i].string);
        }
    }
}

static void test_date_earliest_and_latest_span_what_is_possible(void **state)
{
    (void)state;
    struct partial_date month = {2024, 2, 0}, year = {2025, 0, 0}, none = {0, 0, 0};
    assert_int_equal(date_earliest(month), date_from_civil(2024, 2, 1));
    assert_int_equal(date_latest(month), date_from_civil(2024, 2, 29));
    assert_int_equal(date_earliest(year), date_from_civil(2025, 1, 1));
    assert_int_equal(date_latest(year), date_from_civil(2025, 12, 31));
    assert_int_equal(date_earliest(none), DATE_NONE);
    assert_int_equal(date_latest(none), DATE_NONE);
}

static void test_date_study_day_has_no_day_0(void **state)
{
    (void)state;
    assert_int_equal(date_study_day(100, 100), 1);
    assert_int_equal(date_study_day(191, 100), 92);
    assert_int_equal(date_study_day(99, 100), -1);
    assert_int_equal(date_study_day(70, 100), -30);
}

static void test_date_today_differs_by_zone(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        int64_t instant;   /* 2026-03-01T02:30:00Z and 2026-06-30T22:30:00Z */
        int year, month, day;
    } cases[] = {
        {"UTC", 1772332200, 2026, 3, 1},
        {"America/New_York", 1772332200, 2026, 2, 28},
        {"Pacific/Auckland", 1772332200, 2026, 3, 1},
        {"Europe/Berlin", 1782858600, 2026, 7, 1},
        {"Europe/London", 1782858600, 2026, 6, 30},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error error = {0};
        date_days today = DATE_NONE;
        assert_true(date_zone_exists(cases[i].zone));
        assert_true(date_today(cases[i].zone, cases[i].instant, &today, &error));
        assert_int_equal(today, date_from_civil(cases[i].year, cases[i].month, cases[i].day));
    }
}

static void test_date_today_unknown_zone_is_refused(void **state)
{
    (void)state;
    struct error error = {0};
    date_days today;
    assert_false(date_zone_exists("Europe/Atlantis"));
    assert_false(date_zone_exists(""));
    assert_false(date_today("Europe/Atlantis", 0, &today, &error));
    assert_int_equal(error.kind, ERROR_INPUT);
    assert_non_null(strstr(error.message, "Europe/Atlantis"));
}

/* What the C library says of the same instant. */
static date_days libc_today(int64_t instant)
{
    time_t at = (time_t)instant;
    struct tm local;
    localtime_r(&at, &local);
    return date_from_civil(local.tm_year + 1900, local.tm_mon + 1, local.tm_mday);
}

static void assert_today(const char *zone, int64_t instant)
{
    struct error error = {0};
    date_days today = DATE_NONE;
    assert_true(date_today(zone, instant, &today, &error));
    if (today != libc_today(instant))
        fail_msg("%s at %lld: %d, not %d", zone, (long long)instant, today, libc_today(instant));
}

/* A day's length is kept between two calls: forward, back and to and fro over midnights and changes of clocks. */
static void test_date_today_around_changes_of_clocks_is_that_of_libc(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        int64_t change;
    } cases[] = {
        {"UTC", 1585443600},
        {"Europe/Berlin", 1585443600},        /* 2020-03-29, an hour forward */
        {"Europe/Berlin", 1603587600},        /* 2020-10-25, an hour back */
        {"Pacific/Apia", 1325239200},         /* 2011-12-30 did not take place */
        {"Australia/Lord_Howe", 1570289400},  /* 2019-10-06, half an hour */
        {"America/Havana", 1583643600},       /* 2020-03-08 began at 01:00 */
        {"America/Havana", 1604206800},       /* 2020-11-01 had 00:00 to 01:00 twice */
        {"America/Sao_Paulo", 1541300400},    /* 2018-11-04 began at 01:00 */
        {"America/Sao_Paulo", 1550368800},    /* 2019-02-16 ended twice */
    };
    enum { AROUND = 3 * 86400, STEP = 900 };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(setenv("TZ", cases[i].zone, 1), 0);
        tzset();
        for (int64_t off = -AROUND; off <= AROUND; off += STEP)
            assert_today(cases[i].zone, cases[i].change + off);
        for (int64_t off = AROUND; off >= -AROUND; off -= STEP)
            assert_today(cases[i].zone, cases[i].change + off - 1);
        for (int64_t off = 0; off <= AROUND; off += STEP) {
            assert_today(cases[i].zone, cases[i].change + off);
            assert_today(cases[i].zone, cases[i].change - 1 - off);
        }
    }
    assert_int_equal(unsetenv("TZ"), 0);
    tzset();
}

/* Two zones may share a place among the kept days. */
static void test_date_today_many_zones_in_turn_keep_their_own_dates(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        int day;             /* of January 2024, at 11:30 UTC on the 10th */
    } cases[] = {
        {"Pacific/Niue", 10},       {"Pacific/Pago_Pago", 10}, {"Pacific/Honolulu", 10}, {"America/Anchorage", 10},
        {"America/Lima", 10},       {"Europe/Paris", 10},      {"Asia/Tokyo", 10},       {"Asia/Kathmandu", 10},
        {"Australia/Perth", 10},    {"Pacific/Tongatapu", 11}, {"Pacific/Auckland", 11}, {"Pacific/Kiritimati", 11},
        {"Pacific/Chatham", 11},    {"Asia/Kamchatka", 10},    {"Africa/Cairo", 10},     {"Asia/Kolkata", 10},
        {"Pacific/Enderbury", 11},  {"Pacific/Fakaofo", 11},   {"Pacific/Midway", 10},   {"America/Lima", 10},
    };
    for (int turn = 0; turn < 2; turn++)
        for (size_t i = 0; i < COUNT(cases); i++) {
            struct error error = {0};
            date_days today = DATE_NONE;
            assert_true(date_today(cases[i].zone, 1704886200, &today, &error));
            assert_int_equal(today, date_from_civil(2024, 1, cases[i].day));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_date_from_civil_known_days),
        cmocka_unit_test(test_date_to_civil_every_day_comes_back),
        cmocka_unit_test(test_date_parse_cases),
        cmocka_unit_test(test_date_earliest_and_latest_span_what_is_possible),
        cmocka_unit_test(test_date_study_day_has_no_day_0),
        cmocka_unit_test(test_date_today_differs_by_zone),
        cmocka_unit_test(test_date_today_unknown_zone_is_refused),
        cmocka_unit_test(test_date_today_around_changes_of_clocks_is_that_of_libc),
        cmocka_unit_test(test_date_today_many_zones_in_turn_keep_their_own_dates),
    };
    return cmocka_run_group_tests_name("date", tests, NULL, NULL);
}
