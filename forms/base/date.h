/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Calendar dates at a site, whole and partial, and study days.
 *
 * A date is what stands in a form: the date at the site, never converted.  Instants (UTC seconds) appear only where
 * "today at the site" is asked for.  Proleptic Gregorian calendar, years 1850 to 2199.
 */
#ifndef PATELLA_DATE_H
#define PATELLA_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "forms/base/error.h"

typedef int32_t date_days;   /* days since 1970-01-01 */
#define DATE_NONE INT32_MIN  /* no date */
#define DATE_TEXT_SIZE 11    /* "2026-03-01" and its NUL */

/* A date of which the day, or the day and the month, may be unknown: 2026-03-01, 2026-03, 2026. */
struct partial_date {
    int year;    /* 0: nothing known */
    int month;   /* 0: not known */
    int day;     /* 0: not known */
};

/* Days of a calendar date, DATE_NONE when there is no such date.  Source: H. Hinnant, days_from_civil. */
date_days date_from_civil(int year, int month, int day);
void date_to_civil(date_days days, int *year, int *month, int *day);

/* "YYYY-MM-DD" only. */
bool date_parse(const char *string, date_days *days) MUST_CHECK;
void date_format(date_days days, char out[DATE_TEXT_SIZE]);

/* "YYYY", "YYYY-MM" or "YYYY-MM-DD" only. */
bool date_parse_partial(const char *string, struct partial_date *date) MUST_CHECK;
void date_format_partial(struct partial_date date, char out[DATE_TEXT_SIZE]);

/* First and last day that a partial date can mean (inclusive); DATE_NONE when nothing is known. */
date_days date_earliest(struct partial_date date);
date_days date_latest(struct partial_date date);

/*
 * Study day of `date` when treatment was on `day1`: day1 is 1, the day before is -1; there is no day 0.
 * Source: CDISC ADaM Implementation Guide, ADY.
 */
int date_study_day(date_days date, date_days day1);

/* True when `zone` is an IANA time zone that this machine knows ("Europe/Berlin"). */
bool date_zone_exists(const char *zone);

/* The date in `zone` at the instant `unix_seconds` (UTC).  ERROR_INPUT for an unknown zone.  (ICU) */
bool date_today(const char *zone, int64_t unix_seconds, date_days *today, struct error *error) MUST_CHECK;

#endif
