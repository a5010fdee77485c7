/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/answer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/suggestion.h"

const char *const answer_decline_reasons[] = {"refused",        "not_done",  "unknown",
                                              "not_applicable", "illegible", NULL};

static const double largest_integer = 9007199254740992.0;   /* 2^53: JSON readers keep integers up to here */

/* One value on its way. */
struct reading {
    const void *owner;
    const struct item *item;
    const char *sent;
    struct problem_list *problems;
};

struct answer answer_missing(void)
{
    return (struct answer){.state = ANSWER_MISSING, .text = NULL, .number = NAN, .date = {0, 0, 0}};
}

const char *answer_quote(const char *text, char out[ANSWER_QUOTE_SIZE])
{
    size_t length = 0;
    for (size_t characters = 0; text[length] != '\0' && characters < 40; characters++) {
        length++;
        while (((unsigned char)text[length] & 0xC0) == 0x80)   /* the rest of a UTF-8 sequence */
            length++;
    }
    snprintf(out, ANSWER_QUOTE_SIZE, "\"%.*s%s\"", (int)length, text, text[length] != '\0' ? "..." : "");
    return out;
}

static bool refuse(const struct reading *reading, const char *rule, const char *what)
{
    char quote[ANSWER_QUOTE_SIZE];
    problem_add(reading->owner, reading->problems, false, reading->item->id, rule, "%s %s",
                answer_quote(reading->sent, quote), what);
    return false;
}

/* Why a text is no number as Patella writes them; NULL when it is one. */
static const char *number_complaint(const char *text)
{
    const char *digits = text[0] == '-' ? text + 1 : text;
    size_t whole = strspn(digits, "0123456789");
    if (strchr(text, ',') != NULL)
        return "has a comma; write the decimal mark as a point and no thousands separators";
    if (digits[0] == '.' && strspn(digits + 1, "0123456789") > 0)
        return "has no digit before the point; write 0.5 and not .5";
    if (whole > 0 && (digits[whole] == 'e' || digits[whole] == 'E'))
        return "has an exponent; write all digits out";
    double value = 0;
    if (text[0] == '+' || !text_to_decimal(text, &value))
        return "is no number; write digits only, without unit, blanks or sign +";
    if (whole > 1 && digits[0] == '0')
        return "has a leading zero; remove it";
    if (text[0] == '-' && value == 0)
        return "is zero with a sign; write 0";
    return NULL;
}

static bool check_range(const struct reading *reading, double value)
{
    const struct item *item = reading->item;
    char what[160];
    if (!(value < item->min) && !(value > item->max))   /* an open end is NAN */
        return true;
    const char *unit = item->unit != NULL ? item->unit : "";
    const char *blank = item->unit != NULL ? " " : "";
    if (isnan(item->min))
        snprintf(what, sizeof what, "is above %.10g%s%.40s, the most that is possible; correct it", item->max,
                 blank, unit);
    else if (isnan(item->max))
        snprintf(what, sizeof what, "is below %.10g%s%.40s, the least that is possible; correct it",
                 item->min, blank, unit);
    else
        snprintf(what, sizeof what, "lies outside %.10g to %.10g%s%.40s; correct it", item->min, item->max,
                 blank, unit);
    return refuse(reading, "range", what);
}

static bool read_integer(const struct reading *reading, struct answer *answer)
{
    const char *complaint = number_complaint(reading->sent);
    if (complaint != NULL)
        return refuse(reading, "type", complaint);
    if (strchr(reading->sent, '.') != NULL)
        return refuse(reading, "type", "is no whole number; write it without a decimal point");
    if (!text_to_decimal(reading->sent, &answer->number) || fabs(answer->number) > largest_integer)
        return refuse(reading, "range", "is larger than any whole number that can be kept; correct it");
    return check_range(reading, answer->number);
}

static bool read_decimal(const struct reading *reading, struct answer *answer)
{
    const char *complaint = number_complaint(reading->sent);
    if (complaint != NULL)
        return refuse(reading, "type", complaint);
    const char *point = strchr(reading->sent, '.');
    if (point != NULL && strlen(point + 1) > (size_t)reading->item->decimals) {
        char what[80];
        snprintf(what, sizeof what, "has more than %d digits after the point; round it",
                 reading->item->decimals);
        return refuse(reading, "decimals", what);
    }
    if (!text_to_decimal(reading->sent, &answer->number) || fabs(answer->number) > largest_integer)
        return refuse(reading, "range", "is larger than any number that can be kept; correct it");
    return check_range(reading, answer->number);
}

/* "0 none, 1 mild, ..." as far as it fits. */
static void list_choices(const struct item *item, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < item->choice_count; i++) {
        int length = snprintf(out + used, size - used, "%s%s", i > 0 ? ", " : "", item->choices[i].code);
        if (length < 0 || (size_t)length >= size - used) {
            out[used] = '\0';
            snprintf(out + used, size - used, "%s", used + 6 < size ? ", ..." : "");
            return;
        }
        used += (size_t)length;
    }
}

static bool read_choice(const struct reading *reading, struct answer *answer)
{
    const struct choice *choice = item_find_choice(reading->item, reading->sent);
    if (choice != NULL) {
        answer->text = choice->code;
        answer->number = choice->number;
        return true;
    }
    char known[200], what[260];
    list_choices(reading->item, known, sizeof known);
    snprintf(what, sizeof what, "is no choice of this item; send one of %s", known);
    return refuse(reading, "choice", what);
}

static bool read_date(const struct reading *reading, struct answer *answer)
{
    if (!date_parse_partial(reading->sent, &answer->date))
        return refuse(reading, "type",
                      reading->item->type == ITEM_DATE
                          ? "is no date; write it as YYYY-MM-DD"
                          : "is no date; write YYYY-MM-DD, YYYY-MM or YYYY, as far as it is known");
    if (reading->item->type == ITEM_DATE && answer->date.day == 0)
        return refuse(reading, "type", "is only a part of a date; write it as YYYY-MM-DD");
    return true;
}

static bool read_text(const struct reading *reading, struct answer *answer)
{
    const char *text = text_to_nfc(reading->owner, reading->sent);
    size_t length = text_count_characters(text);
    if (text_has_control(text)) {
        problem_add(
            reading->owner, reading->problems, false, reading->item->id, "control",
            "the text has a control character; only line breaks (LF) and tabs are kept, remove the others");
        return false;
    }
    if (text_count_visible(text) == 0)
        return refuse(reading, "type", "holds only blanks; leave the item out or write a text");
    if (length > (size_t)reading->item->max_length) {
        problem_add(reading->owner, reading->problems, false, reading->item->id, "length",
                    "the text has %zu characters, at most %d fit; shorten it", length,
                    reading->item->max_length);
        return false;
    }
    answer->text = text;
    return true;
}

static bool read_boolean(const struct reading *reading, struct answer *answer)
{
    bool is_true = strcmp(reading->sent, "true") == 0;
    if (!is_true && strcmp(reading->sent, "false") != 0)
        return refuse(reading, "type", "is neither true nor false; send one of the two words");
    answer->text = is_true ? "true" : "false";
    answer->number = is_true;
    return true;
}

/* What a JSON value of a wrong kind is told; NULL when that kind may be read. */
static const char *kind_complaint(const struct item *item, enum raw_kind kind)
{
    bool is_number = item->type == ITEM_INTEGER || item->type == ITEM_DECIMAL
                     || (item->type == ITEM_CHOICE && item->choices_are_numbers);
    switch (kind) {
    case RAW_TEXT:
    case RAW_NULL: return NULL;
    case RAW_INTEGER: return is_number ? NULL : "is a JSON number, this item is none; send a JSON string";
    case RAW_REAL:
        return item->type == ITEM_DECIMAL
                   ? "is a JSON number with a fraction, which loses digits; send it as a JSON "
                     "string, as in \"27.4\""
                   : "is a number with a fraction; this item has none";
    case RAW_BOOLEAN: return item->type == ITEM_BOOLEAN ? NULL : "is true or false, this item is neither";
    case RAW_OTHER: break;
    }
    return "is a list or an object; send one value";
}

bool answer_read(const void *owner, const struct item *item, const struct raw_answer *raw,
                 struct answer *answer, struct problem_list *problems)
{
    struct reading reading = {.owner = owner, .item = item, .sent = raw->text, .problems = problems};
    *answer = answer_missing();
    const char *complaint = kind_complaint(item, raw->kind);
    if (complaint != NULL)
        return refuse(&reading, "type", complaint);
    if (raw->kind == RAW_NULL || raw->text[0] == '\0')
        return true;
    struct answer given = answer_missing();
    bool valid = false;
    switch (item->type) {
    case ITEM_CHOICE: valid = read_choice(&reading, &given); break;
    case ITEM_INTEGER: valid = read_integer(&reading, &given); break;
    case ITEM_DECIMAL: valid = read_decimal(&reading, &given); break;
    case ITEM_DATE:
    case ITEM_PARTIAL_DATE: valid = read_date(&reading, &given); break;
    case ITEM_TEXT: valid = read_text(&reading, &given); break;
    case ITEM_BOOLEAN: valid = read_boolean(&reading, &given); break;
    }
    if (!valid)
        return false;
    given.state = ANSWER_GIVEN;
    /* Codes and truth values point to constants; NFC may have made a copy; the rest is the sender's. */
    if (given.text == NULL || given.text == raw->text)
        given.text = memory_copy_string(owner, raw->text);
    *answer = given;
    return true;
}

bool answer_is_unusual(const struct item *item, const struct answer *answer)
{
    return answer->state == ANSWER_GIVEN
           && (answer->number < item->warn_min || answer->number > item->warn_max);
}
