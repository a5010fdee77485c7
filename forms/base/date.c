/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/base/date.h"

#include <math.h>
#include <string.h>

#include <unicode/ucal.h>
#include <unicode/ustring.h>

#include "forms/base/text.h"

enum {
    FIRST_YEAR = 1850,
    LAST_YEAR = 2199,
    ZONE_SIZE = 64,
    KNOWN_DAYS = 32,
    DAY_SECONDS = 86400
};

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

date_days date_from_civil(int year, int month, int day)
{
    if (year < FIRST_YEAR || year > LAST_YEAR || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return DATE_NONE;
    /* The year begins in March, so that the leap day is its last; era = 400 years of 146097 days. */
    int y = month <= 2 ? year - 1 : year;
    int era = y / 400;
    int year_of_era = y - era * 400;
    int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

void date_to_civil(date_days days, int *year, int *month, int *day)
{
    int z = days + 719468;
    int era = (z >= 0 ? z : z - 146096) / 146097;
    int day_of_era = z - era * 146097;
    int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int shifted_month = (5 * day_of_year + 2) / 153;
    *day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    *month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
    *year = year_of_era + era * 400 + (*month <= 2 ? 1 : 0);
}

/* Reads exactly `count` digits. */
static bool read_digits(const char *string, int count, int *value)
{
    *value = 0;
    for (int i = 0; i < count; i++) {
        if (string[i] < '0' || string[i] > '9')
            return false;
        *value = *value * 10 + (string[i] - '0');
    }
    return true;
}

bool date_parse_partial(const char *string, struct partial_date *date)
{
    size_t length = strlen(string);
    struct partial_date parsed = {0, 0, 0};
    if ((length != 4 && length != 7 && length != 10) || !read_digits(string, 4, &parsed.year))
        return false;
    if (length >= 7 && (string[4] != '-' || !read_digits(string + 5, 2, &parsed.month)))
        return false;
    if (length == 10 && (string[7] != '-' || !read_digits(string + 8, 2, &parsed.day)))
        return false;
    int month = length >= 7 ? parsed.month : 1;
    int day = length == 10 ? parsed.day : 1;
    if (date_from_civil(parsed.year, month, day) == DATE_NONE)
        return false;
    *date = parsed;
    return true;
}

bool date_parse(const char *string, date_days *days)
{
    struct partial_date date;
    if (strlen(string) != 10 || !date_parse_partial(string, &date))
        return false;
    *days = date_from_civil(date.year, date.month, date.day);
    return true;
}

void date_format_partial(struct partial_date date, char out[DATE_TEXT_SIZE])
{
    /* The remainders make sure that the text fits. */
    const unsigned parts[] = {(unsigned)date.year % 10000, (unsigned)date.month % 100, (unsigned)date.day % 100};
    size_t count = date.month == 0 ? 1 : date.day == 0 ? 2 : 3;
    char *end = out + text_from_number(parts[0], 4, out);
    for (size_t i = 1; i < count; i++) {
        *end++ = '-';
        end += text_from_number(parts[i], 2, end);
    }
}

void date_format(date_days days, char out[DATE_TEXT_SIZE])
{
    struct partial_date date;
    date_to_civil(days, &date.year, &date.month, &date.day);
    date_format_partial(date, out);
}

date_days date_earliest(struct partial_date date)
{
    if (date.year == 0)
        return DATE_NONE;
    return date_from_civil(date.year, date.month > 0 ? date.month : 1, date.day > 0 ? date.day : 1);
}

date_days date_latest(struct partial_date date)
{
    if (date.year == 0)
        return DATE_NONE;
    int month = date.month > 0 ? date.month : 12;
    return date_from_civil(date.year, month, date.day > 0 ? date.day : days_in_month(date.year, month));
}

int date_study_day(date_days date, date_days day1)
{
    return date >= day1 ? date - day1 + 1 : date - day1;
}

/* ICU's zone id in `wide`; false when ICU does not know the zone. */
static bool zone_to_icu(const char *zone, UChar wide[ZONE_SIZE])
{
    if (strlen(zone) == 0 || strlen(zone) >= ZONE_SIZE - 1)
        return false;
    UErrorCode status = U_ZERO_ERROR;
    u_uastrcpy(wide, zone);
    UChar canonical[ZONE_SIZE];
    UBool is_system = 0;
    ucal_getCanonicalTimeZoneID(wide, -1, canonical, ZONE_SIZE, &is_system, &status);
    return U_SUCCESS(status) && is_system;
}

bool date_zone_exists(const char *zone)
{
    UChar wide[ZONE_SIZE];
    return zone_to_icu(zone, wide);
}

/* The time in which it is one and the same date in a zone, as far as its clocks are not changed meanwhile. */
struct local_day {
    char zone[ZONE_SIZE];        /* "": nothing yet */
    date_days date;
    int64_t begin, end;          /* unix seconds; the end is not part of it */
};

/* The nearest change of the zone's clocks after (or at and before) the calendar's time; `none` when there is none. */
static int64_t find_transition(const UCalendar *calendar, UTimeZoneTransitionType type, int64_t none)
{
    UErrorCode status = U_ZERO_ERROR;
    UDate at = 0;
    if (!ucal_getTimeZoneTransitionDate(calendar, type, &at, &status) || U_FAILURE(status))
        return none;
    return (int64_t)floor(at / 1000);
}

static void find_local_day(const UCalendar *calendar, int64_t unix_seconds, struct local_day *day,
                           UErrorCode *status)
{
    int offset_ms = ucal_get(calendar, UCAL_ZONE_OFFSET, status) + ucal_get(calendar, UCAL_DST_OFFSET, status);
    int64_t local = unix_seconds + offset_ms / 1000;
    int64_t days = local >= 0 ? local / DAY_SECONDS : (local - (DAY_SECONDS - 1)) / DAY_SECONDS;
    int64_t begin = days * DAY_SECONDS - offset_ms / 1000, end = begin + DAY_SECONDS;
    int64_t change = find_transition(calendar, UCAL_TZ_TRANSITION_PREVIOUS_INCLUSIVE, begin);
    int64_t next_change = find_transition(calendar, UCAL_TZ_TRANSITION_NEXT, end);
    day->date = (date_days)days;
    day->begin = change > begin ? change : begin;
    day->end = next_change < end ? next_change : end;
}

static bool read_calendar(const char *zone, int64_t unix_seconds, struct local_day *day, struct error *error)
{
    UChar wide[ZONE_SIZE];
    if (!zone_to_icu(zone, wide))
        return error_set(error, ERROR_INPUT, "unknown time zone \"%s\"; use an IANA name such as Europe/Berlin", zone);
    UErrorCode status = U_ZERO_ERROR;
    UCalendar *calendar = ucal_open(wide, -1, "en", UCAL_GREGORIAN, &status);
    if (U_FAILURE(status))
        return error_set(error, ERROR_INTERNAL, "calendar of %s: %s", zone, u_errorName(status));
    ucal_setMillis(calendar, (UDate)unix_seconds * 1000.0, &status);
    find_local_day(calendar, unix_seconds, day, &status);
    ucal_close(calendar);
    if (U_FAILURE(status))
        return error_set(error, ERROR_INTERNAL, "time in %s: %s", zone, u_errorName(status));
    memcpy(day->zone, zone, strlen(zone) + 1);   /* zone_to_icu has looked at its length */
    return true;
}

static size_t slot_of(const char *zone)
{
    size_t hash = 0;
    for (const char *c = zone; *c != '\0'; c++)
        hash = hash * 31 + (unsigned char)*c;
    return hash % KNOWN_DAYS;
}

/* Asked for with every submission, and a calendar of ICU costs a dozen microseconds: each thread keeps the days. */
bool date_today(const char *zone, int64_t unix_seconds, date_days *today, struct error *error)
{
    static _Thread_local struct local_day known[KNOWN_DAYS];
    struct local_day *day = &known[slot_of(zone)];
    bool holds = day->zone[0] != '\0' && strcmp(day->zone, zone) == 0 && unix_seconds >= day->begin &&
                 unix_seconds < day->end;
    struct local_day fresh = {.date = DATE_NONE};
    if (!holds && !read_calendar(zone, unix_seconds, &fresh, error))
        return false;
    if (!holds)
        *day = fresh;
    *today = day->date;
    return true;
}
