/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/extract_header.h"

#include <string.h>

#include "forms/base/memory.h"

enum { MOST_DIGITS = 9 };

/* A place in a text; it never goes behind `end`. */
struct scan {
    const char *at, *end;
};

__attribute__((always_inline)) static inline bool take_bytes(struct scan *scan, const char *bytes, size_t length)
{
    if ((size_t)(scan->end - scan->at) < length || memcmp(scan->at, bytes, length) != 0)
        return false;
    scan->at += length;
    return true;
}

#define TAKE(scan, literal) take_bytes(scan, literal, sizeof(literal) - 1)

static bool take_number(struct scan *scan, int *number)
{
    const char *from = scan->at;
    *number = 0;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9' && scan->at - from < MOST_DIGITS)
        *number = *number * 10 + (*scan->at++ - '0');
    return scan->at > from;
}

/* Up to the quote that ends it; ids need no escapes. */
static bool take_id(struct scan *scan, const char **id, size_t *length)
{
    *id = scan->at;
    while (scan->at < scan->end && *scan->at != '"' && *scan->at != '\\')
        scan->at++;
    *length = (size_t)(scan->at - *id);
    return TAKE(scan, "\"");
}

static bool take_knee(struct scan *scan, enum knee_side *knee)
{
    if (TAKE(scan, "right\""))
        *knee = KNEE_RIGHT;
    else if (TAKE(scan, "left\""))
        *knee = KNEE_LEFT;
    else if (TAKE(scan, "none\""))
        *knee = KNEE_NONE;
    else
        return false;
    return true;
}

static bool take_status(struct scan *scan, bool *voided)
{
    *voided = TAKE(scan, "void\"");
    return *voided || TAKE(scan, "complete\"");
}

static bool take_date(struct scan *scan, date_days *date)
{
    int year, month, day;
    if (!take_number(scan, &year) || !TAKE(scan, "-") || !take_number(scan, &month) || !TAKE(scan, "-")
        || !take_number(scan, &day) || !TAKE(scan, "\""))
        return false;
    *date = date_from_civil(year, month, day);
    return *date != DATE_NONE;
}

char *record_header_begin(const void *owner, const char *study)
{
    return memory_format(owner, "{\"study\":\"%s\",\"subject\":\"", study);
}

bool record_header_read(const char *text, size_t length, const char *begin, struct record_header *header)
{
    struct scan scan = {text, text + length};
    return take_bytes(&scan, begin, strlen(begin)) && take_number(&scan, &header->site) && TAKE(&scan, "-")
        && take_number(&scan, &header->number) && TAKE(&scan, "\",\"knee\":\"") && take_knee(&scan, &header->knee)
        && TAKE(&scan, ",\"form\":\"") && take_id(&scan, &header->form, &header->form_length)
        && TAKE(&scan, ",\"form_version\":") && take_number(&scan, &header->form_version)
        && TAKE(&scan, ",\"visit\":\"") && take_id(&scan, &header->visit, &header->visit_length)
        && TAKE(&scan, ",\"instance\":") && take_number(&scan, &header->instance)
        && TAKE(&scan, ",\"version\":") && take_number(&scan, &header->version)
        && TAKE(&scan, ",\"status\":\"") && take_status(&scan, &header->voided)
        && TAKE(&scan, ",\"date\":\"") && take_date(&scan, &header->date)
        && (header->behind = (size_t)(scan.at - text)) > 0;
}
