/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/date.h"
#include "forms/base/memory.h"
#include "forms/upload_cell.h"

enum { ROOM = 48, TOKENS_MOST = 3, SERIAL_LEAST = 15000, SERIAL_MOST = 80000 };

/* A date taken apart at its separators: "1. Feb 2026" is 1, Feb, 2026. */
struct token {
    char text[16];
    int length;
    int number;                      /* -1: a word */
};

struct tokens {
    struct token tokens[TOKENS_MOST];
    int count;
    bool time;                       /* a time stands behind */
    bool broken;                     /* something that is no date */
};

/* ---- taking apart ---- */

/* Hyphens and blanks of other kinds become plain ones; false when the cell is too long for a date. */
static bool straighten(const char *cell, char out[ROOM])
{
    size_t length = 0;
    for (const char *at = cell; *at != '\0';) {
        if (length + 1 >= ROOM)
            return false;
        bool hyphen = strncmp(at, "\xe2\x80\x90", 3) == 0 || strncmp(at, "\xe2\x80\x91", 3) == 0
                      || strncmp(at, "\xe2\x80\x93", 3) == 0 || strncmp(at, "\xe2\x88\x92", 3) == 0;
        bool blank = strncmp(at, "\xc2\xa0", 2) == 0;
        out[length] = *at;
        if (hyphen || blank)
            out[length] = hyphen ? '-' : ' ';
        length++;
        at += hyphen ? 3 : blank ? 2 : 1;
    }
    out[length] = '\0';
    return true;
}

/*
 * Cuts "T10:30:00.000Z", " 10:30 PM" off; `*time` when there was one.  False when what stands there is no time.
 */
static bool cut_time(char *text, bool *time)
{
    char *colon = strchr(text, ':');
    if (colon == NULL)
        return true;
    char *hours = colon;
    while (hours > text && isdigit((unsigned char)hours[-1]))
        hours--;
    if (hours == colon || hours == text || (hours[-1] != ' ' && hours[-1] != 'T'))
        return false;
    if (hours[strspn(hours, "0123456789:.,+-ZzAPMapm ")] != '\0')
        return false;
    *time = true;
    hours[-1] = '\0';
    return true;
}

static bool is_separator(char c)
{
    return c == '\0' || strchr(" -/.,", c) != NULL;
}

/* What stands in a token; false when that can be no part of a date. */
static bool read_token(const char *at, size_t length, struct token *token)
{
    size_t numbers = 0;
    if (length >= sizeof token->text)
        return false;
    for (size_t i = 0; i < length; i++)
        numbers += (size_t)(isdigit((unsigned char)at[i]) != 0);
    if (numbers > 0 && (numbers < length || length > 8))
        return false;
    memcpy(token->text, at, length);
    token->text[length] = '\0';
    token->length = (int)length;
    token->number = numbers > 0 ? (int)strtol(token->text, NULL, 10) : -1;
    return true;
}

static struct tokens tokenize(const char *cell)
{
    struct tokens tokens = {.tokens = {{"", 0, -1}, {"", 0, -1}, {"", 0, -1}}};
    char text[ROOM];
    tokens.broken = !straighten(cell, text) || !cut_time(text, &tokens.time);
    for (const char *at = text; !tokens.broken && *at != '\0';) {
        size_t length = 0;
        while (!is_separator(at[length]))
            length++;
        if (length == 0) {
            at++;
            continue;
        }
        tokens.broken = tokens.count == TOKENS_MOST || !read_token(at, length, &tokens.tokens[tokens.count]);
        tokens.count += !tokens.broken;
        at += length;
    }
    return tokens;
}

/* ---- what the words mean ---- */

/* 1..12 for a month's name or its first letters in English, German or French; 0 for other words. */
static int month_of(const char *word)
{
    static const char *const names[12][4] = {
        {"january", "januar", "janvier", "jaenner"},
        {"february", "februar", "fevrier", "f\xc3\xa9vrier"},
        {"march", "maerz", "m\xc3\xa4rz", "mars"},
        {"april", "avril", NULL, NULL},
        {"may", "mai", NULL, NULL},
        {"june", "juni", "juin", NULL},
        {"july", "juli", "juillet", NULL},
        {"august", "aout", "ao\xc3\xbbt", NULL},
        {"september", "septembre", "sept", NULL},
        {"october", "oktober", "octobre", NULL},
        {"november", "novembre", NULL, NULL},
        {"december", "dezember", "decembre", "d\xc3\xa9" "cembre"},
    };
    size_t length = strlen(word);
    int found = 0;
    for (int month = 0; month < 12 && length >= 3; month++)
        for (int i = 0; i < 4 && names[month][i] != NULL; i++)
            if (strncasecmp(names[month][i], word, length) == 0) {
                if (found != 0 && found != month + 1)
                    return 0;   /* "jui" is juin and juillet */
                found = month + 1;
            }
    return found;
}

/* Castor's UK-MM-YYYY and its like: a part that nobody knows. */
static bool is_unknown_part(const struct token *token)
{
    static const char *const words[] = {"UK", "UN", "UNK", "XX", "??"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(words[i], token->text) == 0)
            return true;
    return false;
}

/* ---- results ---- */

static struct upload_cell refuse(const void *owner, const char *code, const char *cell, const char *what)
{
    return (struct upload_cell){.kind = UPLOAD_CELL_REFUSED, .code = code,
                                .text = memory_format(owner, "\"%.60s\" %s", cell, what)};
}

static struct upload_cell bad_date(const void *owner, const char *cell)
{
    return refuse(owner, "bad_date", cell, "is no date; write it as YYYY-MM-DD");
}

/* `month` and `day` 0 where they are not known. */
static struct upload_cell give(const void *owner, const char *cell, const struct tokens *tokens,
                               struct partial_date date)
{
    if (date_earliest(date) == DATE_NONE)
        return bad_date(owner, cell);
    char text[DATE_TEXT_SIZE];
    date_format_partial(date, text);
    return (struct upload_cell){.kind = UPLOAD_CELL_VALUE, .text = memory_copy_string(owner, text),
                                .notes = tokens->time ? UPLOAD_NOTE_TIME : 0};
}

static struct upload_cell refuse_serial(const void *owner, const char *cell, int serial)
{
    char day[DATE_TEXT_SIZE];
    date_format(date_from_civil(1899, 12, 30) + serial, day);
    char *what = memory_format(owner,
                               "is a spreadsheet's number of a day (%s, if it counts from 1900); format the column "
                               "as a date YYYY-MM-DD, and save again",
                               day);
    return refuse(owner, "serial_date", cell, what);
}

/* ---- shapes ---- */

static bool order_is_known(const struct upload_manner *manner)
{
    return manner->plan->dates_declared && manner->plan->dates != UPLOAD_DATES_ISO;
}

/* The year of a token with two or four digits; 0 when it has neither, -1 for two that were not declared. */
static int year_of(const struct upload_manner *manner, const struct token *token)
{
    enum { CENTURY_TURNS = 69 };   /* POSIX: 69 is 1969, 68 is 2068 */
    if (token->number < 0 || (token->length != 4 && token->length != 2))
        return 0;
    if (token->length == 4)
        return token->number;
    if (!order_is_known(manner))
        return -1;
    return token->number + (token->number < CENTURY_TURNS ? 2000 : 1900);
}

static struct upload_cell read_one(const void *owner, const char *cell, const struct tokens *tokens)
{
    const struct token *token = &tokens->tokens[0];
    if (token->length == 4 && token->number > 0)
        return give(owner, cell, tokens, (struct partial_date){token->number, 0, 0});
    if (token->length == 8 && token->number > 0 && token->number / 100 % 100 > 0 && token->number % 100 > 0)
        return give(owner, cell, tokens, (struct partial_date){token->number / 10000, token->number / 100 % 100,
                                                               token->number % 100});
    if (token->length == 5 && token->number >= SERIAL_LEAST && token->number <= SERIAL_MOST)
        return refuse_serial(owner, cell, token->number);
    return bad_date(owner, cell);
}

/* 2026-02, 02/2026, Feb 2026; 45689.5. */
static struct upload_cell read_two(const void *owner, const char *cell, const struct tokens *tokens)
{
    const struct token *first = &tokens->tokens[0], *second = &tokens->tokens[1];
    if (first->length == 5 && first->number >= SERIAL_LEAST && first->number <= SERIAL_MOST)
        return refuse_serial(owner, cell, first->number);
    const struct token *year = first->length == 4 && first->number >= 0 ? first : second;
    const struct token *part = year == first ? second : first;
    int month = part->number > 0 && part->length <= 2 ? part->number : month_of(part->text);
    if (is_unknown_part(part) && year->number > 0 && year->length == 4)
        return give(owner, cell, tokens, (struct partial_date){year->number, 0, 0});
    if (year->number <= 0 || year->length != 4 || month == 0)
        return bad_date(owner, cell);
    return give(owner, cell, tokens, (struct partial_date){year->number, month, 0});
}

/* A day or month in digits, 0 when it is not known, -1 when it is neither. */
static int part_of(const struct token *token)
{
    if (is_unknown_part(token))
        return 0;
    return token->number > 0 && token->length <= 2 ? token->number : -1;
}

static struct upload_cell read_year_first(const void *owner, const char *cell, const struct tokens *tokens)
{
    const struct token *parts = tokens->tokens;
    int named = month_of(parts[1].text);
    int month = named > 0 ? named : part_of(&parts[1]), day = part_of(&parts[2]);
    if (month < 0 || day < 0 || (month == 0 && day > 0))
        return bad_date(owner, cell);
    return give(owner, cell, tokens, (struct partial_date){parts[0].number, month, day});
}

static struct upload_cell read_named_month(const void *owner, const struct upload_manner *manner, const char *cell,
                                           const struct tokens *tokens)
{
    const struct token *parts = tokens->tokens;
    int first = month_of(parts[0].text), second = month_of(parts[1].text);
    int day = part_of(first > 0 ? &parts[1] : &parts[0]), year = year_of(manner, &parts[2]);
    if (year < 0)
        return refuse(owner, "two_digit_year", cell,
                      "has a year of two digits; write four, or declare the order of dates in the site's profile");
    if ((first > 0) == (second > 0) || day < 0 || year == 0)
        return bad_date(owner, cell);
    return give(owner, cell, tokens, (struct partial_date){year, first > 0 ? first : second, day});
}

static struct upload_cell read_numbers(const void *owner, const struct upload_manner *manner, const char *cell,
                                       const struct tokens *tokens)
{
    const struct token *parts = tokens->tokens;
    bool month_first = manner->plan->dates == UPLOAD_DATES_MDY;
    int first = part_of(&parts[0]), second = part_of(&parts[1]), year = year_of(manner, &parts[2]);
    if (first < 0 || second < 0 || (parts[2].length != 4 && parts[2].length != 2) || parts[2].number < 0
        || first > 31 || second > 31 || (first > 12 && second > 12))
        return bad_date(owner, cell);
    bool has_unknown = first == 0;
    if (!order_is_known(manner) && !has_unknown)
        return refuse(owner, "ambiguous_date", cell,
                      "may be read in two ways, for nobody has said whether the day or the month comes first; write "
                      "YYYY-MM-DD, or declare `dates: dmy` (or mdy) in the site's profile");
    if (year < 0)
        return refuse(owner, "two_digit_year", cell,
                      "has a year of two digits; write four, or declare the order of dates in the site's profile");
    if (has_unknown)
        return give(owner, cell, tokens, (struct partial_date){year, second, 0});
    int day = month_first ? second : first, month = month_first ? first : second;
    if (month == 0 || day == 0 || month > 12)
        return refuse(owner, "bad_date", cell,
                      month_first ? "is no date: months come first here, by the site's profile; correct it"
                                  : "is no date: days come first here; correct it");
    return give(owner, cell, tokens, (struct partial_date){year, month, day});
}

struct upload_cell upload_cell_date(const void *owner, const struct upload_manner *manner, const char *cell)
{
    struct partial_date plain;
    if (date_parse_partial(cell, &plain))
        return (struct upload_cell){.kind = UPLOAD_CELL_VALUE, .text = cell};
    struct tokens tokens = tokenize(cell);
    if (tokens.broken || tokens.count == 0)
        return bad_date(owner, cell);
    if (tokens.count == 1)
        return read_one(owner, cell, &tokens);
    if (tokens.count == 2)
        return read_two(owner, cell, &tokens);
    if (tokens.tokens[0].length == 4 && tokens.tokens[0].number > 0)
        return read_year_first(owner, cell, &tokens);
    bool all_parts = part_of(&tokens.tokens[0]) >= 0 && part_of(&tokens.tokens[1]) >= 0;
    return all_parts ? read_numbers(owner, manner, cell, &tokens) : read_named_month(owner, manner, cell, &tokens);
}

bool upload_cell_date_order(const char *cell, int *first, int *second)
{
    if (strpbrk(cell, "-/. ") == NULL || !isdigit((unsigned char)cell[0]))
        return false;
    struct tokens tokens = tokenize(cell);
    if (tokens.broken || tokens.count != TOKENS_MOST || tokens.tokens[2].number < 0
        || (tokens.tokens[2].length != 4 && tokens.tokens[2].length != 2))
        return false;
    *first = part_of(&tokens.tokens[0]);
    *second = part_of(&tokens.tokens[1]);
    return *first > 0 && *second > 0 && *first <= 31 && *second <= 31;
}
