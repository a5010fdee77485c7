/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <ctype.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "forms/upload_cell.h"

enum { DIGITS_MOST = 40 };

/* A number taken apart: sign, digits before and behind the mark. */
struct parts {
    bool negative;
    const char *whole, *fraction;
    size_t whole_length, fraction_length;
    char mark;                       /* '.', ',' or 0 */
    const char *rest;                /* what stands behind */
};

static const char digits[] = "0123456789";

/* The length of a minus sign of any kind, or of a plus; `*negative` for a minus. */
static size_t take_sign(const char *at, bool *negative)
{
    static const char *const minuses[] = {"-", "\xe2\x88\x92", "\xe2\x80\x90", "\xe2\x80\x91", "\xe2\x80\x93"};
    for (size_t i = 0; i < sizeof minuses / sizeof minuses[0]; i++)
        if (strncmp(at, minuses[i], strlen(minuses[i])) == 0) {
            *negative = true;
            return strlen(minuses[i]);
        }
    return *at == '+';
}

static struct parts take_apart(const char *cell)
{
    struct parts parts = {.negative = false};
    const char *at = cell + take_sign(cell, &parts.negative);
    parts.whole = at;
    parts.whole_length = strspn(at, digits);
    at += parts.whole_length;
    if (*at == '.' || *at == ',') {
        parts.mark = *at++;
        parts.fraction = at;
        parts.fraction_length = strspn(at, digits);
        at += parts.fraction_length;
    }
    parts.rest = at;
    return parts;
}

static bool is_number(const struct parts *parts)
{
    return parts->rest[0] == '\0' && parts->whole_length + parts->fraction_length > 0
           && parts->whole_length + parts->fraction_length <= DIGITS_MOST;
}

char upload_cell_decimal_mark(const char *cell)
{
    struct parts parts = take_apart(cell);
    if (!is_number(&parts) || parts.fraction_length == 0)
        return 0;
    return parts.mark;
}

static bool is_exponent(const char *rest)
{
    if (*rest != 'e' && *rest != 'E')
        return false;
    rest += 1 + (rest[1] == '+' || rest[1] == '-');
    return rest[0] != '\0' && rest[strspn(rest, digits)] == '\0';
}

/* Why a cell is no number, for people. */
static const char *complaint(const char *cell, const struct parts *parts)
{
    bool has_digit = strpbrk(cell, digits) != NULL;
    if (!has_digit)
        return "is no number; correct it, or empty the cell";
    if (cell[0] == '<' || cell[0] == '>' || strncmp(cell, "\xe2\x89", 2) == 0)
        return "is a bound and no value; write the value that counts, or empty the cell";
    if (strchr(cell, '%') != NULL)
        return "has a per cent sign; write the number alone";
    if (is_exponent(parts->rest))
        return "is in scientific notation; format the column as a number with all its digits, and save again";
    if (parts->rest == cell)
        return "is no number; correct it, or empty the cell";
    if (strspn(cell, "0123456789+-., '\xc2\xa0\xe2\x80\xaf\x89") == strlen(cell))
        return "has separators of thousands, or two marks; write digits and one decimal mark only";
    return parts->whole_length > 0 ? "has a unit or another word behind it; write the number alone"
                                   : "is no number; correct it, or empty the cell";
}

static struct upload_cell refuse(const void *owner, const char *cell, const char *what)
{
    return (struct upload_cell){.kind = UPLOAD_CELL_REFUSED, .code = "bad_number",
                                .text = memory_format(owner, "\"%.60s\" %s", cell, what)};
}

/* The parts as submission_check takes them: no leading zeros, no empty ends, no sign of nothing. */
static struct upload_cell write_number(const void *owner, struct parts parts, int decimals)
{
    struct upload_cell cell = {.kind = UPLOAD_CELL_VALUE};
    while (parts.whole_length > 1 && parts.whole[0] == '0') {
        parts.whole++;
        parts.whole_length--;
    }
    size_t given = parts.fraction_length;
    while (parts.fraction != NULL && parts.fraction_length > (size_t)decimals
           && parts.fraction[parts.fraction_length - 1] == '0')
        parts.fraction_length--;
    if (decimals == 0 && parts.fraction_length == 0 && given > 0)
        cell.notes = UPLOAD_NOTE_POINT;
    char out[DIGITS_MOST + 8];
    size_t length = 0;
    if (parts.whole_length == 0)
        out[length++] = '0';
    memcpy(out + length, parts.whole, parts.whole_length);
    length += parts.whole_length;
    if (parts.fraction != NULL && parts.fraction_length > 0) {
        out[length++] = '.';
        memcpy(out + length, parts.fraction, parts.fraction_length);
        length += parts.fraction_length;
    }
    out[length] = '\0';
    bool is_zero = strspn(out, "0.") == length;
    cell.text = memory_format(owner, "%s%s", parts.negative && !is_zero ? "-" : "", out);
    return cell;
}

/* Plain already: digits without a leading zero, as nearly every number of a file is. */
static bool is_plain(const char *cell)
{
    size_t length = strspn(cell, digits);
    return length > 0 && length < 16 && cell[length] == '\0' && (cell[0] != '0' || length == 1);
}

struct upload_cell upload_cell_number(const void *owner, const struct upload_manner *manner, const char *cell,
                                      int decimals)
{
    if (is_plain(cell))
        return (struct upload_cell){.kind = UPLOAD_CELL_VALUE, .text = cell};
    struct parts parts = take_apart(cell);
    if (!is_number(&parts))
        return refuse(owner, cell, complaint(cell, &parts));
    if (parts.mark != 0 && manner->decimal != 0 && parts.mark != manner->decimal)
        return refuse(owner, cell,
                      parts.mark == ','
                          ? "has a comma, and decimal marks are points here; write a point, or declare the decimal "
                            "mark in the site's profile"
                          : "has a point, and decimal marks are commas here; write a comma, or declare the decimal "
                            "mark in the site's profile");
    return write_number(owner, parts, decimals);
}
