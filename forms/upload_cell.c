/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/upload_cell.h"

#include <stdlib.h>
#include <string.h>

#include "forms/answer.h"
#include "forms/base/memory.h"
#include "forms/base/text.h"

struct upload_manner upload_manner_of(const struct upload_plan *plan, size_t column)
{
    struct upload_manner manner = {.plan = plan, .decimal = plan->decimal};
    if (plan->column_decimals != NULL && column < plan->column_count && plan->column_decimals[column] != '\0')
        manner.decimal = plan->column_decimals[column];
    return manner;
}

/* ---- blanks around a cell ---- */

/* The length of a blank at `at`: ASCII, NBSP, a space of other width, a byte order mark or joiner of no width. */
static size_t blank_length(const char *at)
{
    unsigned char a = (unsigned char)at[0];
    if (a == ' ' || (a >= '\t' && a <= '\r'))
        return 1;
    if (a == 0xC2 && (unsigned char)at[1] == 0xA0)
        return 2;
    if (a == 0xEF)
        return strncmp(at, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    if (a != 0xE2 || (unsigned char)at[1] != 0x80)
        return 0;
    unsigned char c = (unsigned char)at[2];
    return (c >= 0x80 && c <= 0x8B) || c == 0xAF ? 3 : 0;
}

char *upload_cell_trim(char *cell)
{
    size_t blank;
    while ((blank = blank_length(cell)) > 0)
        cell += blank;
    char *end = cell;
    for (char *at = cell; *at != '\0';) {
        blank = blank_length(at);
        at += blank > 0 ? blank : 1;
        if (blank == 0)
            end = at;
    }
    *end = '\0';
    return cell;
}

/* ---- results ---- */

static struct upload_cell give(const char *text, unsigned notes)
{
    return (struct upload_cell){.kind = UPLOAD_CELL_VALUE, .text = text, .notes = notes};
}

static struct upload_cell blank(unsigned notes)
{
    return (struct upload_cell){.kind = UPLOAD_CELL_BLANK, .notes = notes};
}

/* ---- words for what is missing ---- */

struct missing_word {
    const char *word;
    const char *reason;              /* "": blank; NULL: nobody can read it */
};

/* HL7 null flavours, REDCap's and R's words.  Source: HL7 v3 NullFlavor. */
static const struct missing_word usual_words[] = {
    {"UNK", "unknown"},   {"NI", "unknown"},    {"NAV", "unknown"},       {"ASKU", "unknown"}, {"NASK", "not_done"},
    {"NP", "not_done"},   {"NPE", "not_done"},  {"ND", "not_done"},       {"MSK", "refused"},  {"OTH", NULL},
    {"PINF", NULL},       {"NINF", NULL},       {"NA", ""},               {"N/A", ""},         {"n/a", ""},
    {".", ""},            {"-", ""},            {"[not completed]", ""},  {"[document]", ""},
};

/* Castor's user-missing values. */
static const struct missing_word castor_words[] = {
    {"-95", "not_done"}, {"-96", "not_applicable"}, {"-97", "unknown"}, {"-98", "not_done"}, {"-99", "unknown"},
};

static const struct missing_word *find_usual(const struct upload_manner *manner, const char *cell)
{
    enum { LONGEST = 15 };
    if (strlen(cell) > LONGEST)
        return NULL;
    for (size_t i = 0; i < sizeof usual_words / sizeof usual_words[0]; i++)
        if (strcmp(usual_words[i].word, cell) == 0)
            return &usual_words[i];
    if (manner->plan->tool == UPLOAD_CASTOR)
        for (size_t i = 0; i < sizeof castor_words / sizeof castor_words[0]; i++)
            if (strcmp(castor_words[i].word, cell) == 0)
                return &castor_words[i];
    return NULL;
}

/* What the profile says of it: a reason, "blank", or NULL. */
static const char *find_declared(const struct upload_manner *manner, const char *cell)
{
    const struct upload_profile *profile = manner->plan->profile;
    for (size_t i = 0; profile != NULL && i < profile->missing.count; i++)
        if (upload_same_name(profile->missing.words[i].file, cell))
            return profile->missing.words[i].means;
    return NULL;
}

/* The item may have this very value, so that it is no code. */
static bool is_own_value(const struct item *item, const char *cell)
{
    double value;
    if (item == NULL)
        return false;
    if (item->type == ITEM_CHOICE)
        return item_find_choice(item, cell) != NULL;
    return (item->type == ITEM_INTEGER || item->type == ITEM_DECIMAL) && text_to_decimal(cell, &value)
           && value >= item->min && value <= item->max;
}

/* What a value is called that cannot be read, by the item's type. */
static const char *unreadable_code(const struct item *item)
{
    if (item == NULL || item->type == ITEM_INTEGER || item->type == ITEM_DECIMAL)
        return "bad_number";
    if (item->type == ITEM_DATE || item->type == ITEM_PARTIAL_DATE)
        return "bad_date";
    return item->type == ITEM_CHOICE ? "choice" : "type";
}

struct upload_cell upload_cell_missing(const struct upload_manner *manner, const struct item *item, const char *cell)
{
    const char *declared = find_declared(manner, cell);
    if (declared != NULL && !is_own_value(item, cell)) {
        if (strcmp(declared, "blank") == 0)
            return blank(UPLOAD_NOTE_MISSING);
        return (struct upload_cell){.kind = UPLOAD_CELL_REASON, .text = declared, .notes = UPLOAD_NOTE_MISSING};
    }
    const struct missing_word *usual = find_usual(manner, cell);
    if (usual == NULL || is_own_value(item, cell))
        return give(cell, 0);
    if (usual->reason == NULL)
        return (struct upload_cell){.kind = UPLOAD_CELL_REFUSED, .code = unreadable_code(item),
                                    .text = "the cell says that there is a value (other, infinite) and not which; "
                                            "write the value, or empty the cell"};
    if (usual->reason[0] == '\0')
        return blank(UPLOAD_NOTE_MISSING);
    return (struct upload_cell){.kind = UPLOAD_CELL_REASON, .text = usual->reason, .notes = UPLOAD_NOTE_MISSING};
}

/* ---- by type ---- */

/* Codes of the profile's `codes`; the cell itself when it is none of them. */
static const char *translate(const struct upload_manner *manner, const char *cell)
{
    const struct upload_profile *profile = manner->plan->profile;
    for (size_t i = 0; profile != NULL && i < profile->codes.count; i++)
        if (upload_same_name(profile->codes.words[i].file, cell))
            return profile->codes.words[i].means;
    return cell;
}

static const struct choice *find_label(const struct item *item, const char *cell)
{
    const struct choice *found = NULL;
    for (size_t i = 0; i < item->choice_count; i++) {
        if (!upload_same_name(item->choices[i].label, cell))
            continue;
        if (found != NULL)
            return NULL;
        found = &item->choices[i];
    }
    return found;
}

bool upload_cell_truth(const char *cell, bool *truth)
{
    static const struct {
        const char *word;
        bool truth;
    } words[] = {
        {"true", true},   {"false", false}, {"1", true},     {"0", false},       {"yes", true}, {"no", false},
        {"y", true},      {"n", false},     {"t", true},     {"f", false},       {"ja", true},  {"nein", false},
        {"oui", true},    {"non", false},   {"1.0", true},   {"0.0", false},     {"x", true},   {"checked", true},
        {"unchecked", false},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(words[i].word, cell) == 0) {
            *truth = words[i].truth;
            return true;
        }
    return false;
}

static struct upload_cell read_boolean(const struct upload_manner *manner, const char *cell)
{
    bool truth;
    const char *word = translate(manner, cell);
    if (!upload_cell_truth(word, &truth))
        return give(cell, 0);   /* submission_check says what it thinks of it */
    bool is_own = strcmp(cell, "true") == 0 || strcmp(cell, "false") == 0;
    return give(truth ? "true" : "false", is_own ? 0 : UPLOAD_NOTE_LABEL);
}

/* TRUE and FALSE of R for a choice of exactly 1 and 0. */
static const struct choice *find_truth(const struct item *item, const char *cell)
{
    if (item->choice_count != 2 || (strcasecmp(cell, "true") != 0 && strcasecmp(cell, "false") != 0)
        || item_find_choice(item, "0") == NULL)
        return NULL;
    return item_find_choice(item, strcasecmp(cell, "true") == 0 ? "1" : "0");
}

static struct upload_cell read_choice(const void *owner, const struct upload_manner *manner, const struct item *item,
                                      const char *cell)
{
    const char *word = translate(manner, cell);
    const struct choice *choice = item_find_choice(item, word);
    if (choice != NULL)
        return give(choice->code, word == cell ? 0 : UPLOAD_NOTE_LABEL);
    choice = find_label(item, word);
    if (choice == NULL)
        choice = find_truth(item, word);
    if (choice != NULL)
        return give(choice->code, UPLOAD_NOTE_LABEL);
    if (item->choices_are_numbers) {
        struct upload_cell number = upload_cell_number(owner, manner, word, 0);
        if (number.kind == UPLOAD_CELL_VALUE)
            return number;
    }
    return give(cell, 0);   /* submission_check knows the choices */
}

/* A letter that R could not write in Windows: <U+043E>.  The length of the escape, 0 for none. */
static size_t escape_length(const char *at, unsigned long *letter)
{
    if (strncmp(at, "<U+", 3) != 0)
        return 0;
    size_t digits = strspn(at + 3, "0123456789ABCDEF");
    if (digits < 4 || digits > 6 || at[3 + digits] != '>')
        return 0;
    *letter = strtoul(at + 3, NULL, 16);
    bool is_letter = *letter >= 0xA0 && *letter <= 0x10FFFF && (*letter < 0xD800 || *letter > 0xDFFF);
    return is_letter ? digits + 4 : 0;
}

static void append_letter(struct text *out, unsigned long letter)
{
    char bytes[4];
    size_t length = letter < 0x800 ? 2 : letter < 0x10000 ? 3 : 4;
    static const unsigned char heads[] = {[2] = 0xC0, [3] = 0xE0, [4] = 0xF0};
    for (size_t i = length; i-- > 1; letter >>= 6)
        bytes[i] = (char)(0x80 | (letter & 0x3F));
    bytes[0] = (char)(heads[length] | letter);
    text_append_bytes(out, bytes, length);
}

/* Line breaks of other kinds become LF, R's escapes the letters that they stand for. */
static struct upload_cell read_text(const void *owner, const char *cell)
{
    if (strchr(cell, '\r') == NULL && strstr(cell, "<U+") == NULL)
        return give(cell, 0);
    unsigned notes = 0;
    struct text *out = text_new_with_room(owner, strlen(cell) + 1);
    for (const char *at = cell; *at != '\0';) {
        unsigned long letter = 0;
        size_t length = escape_length(at, &letter);
        if (length > 0) {
            append_letter(out, letter);
            notes = UPLOAD_NOTE_ESCAPE;
        } else if (*at == '\r') {
            text_append(out, "\n");
            length = at[1] == '\n' ? 2 : 1;
        } else {
            length = 1;
            text_append_bytes(out, at, 1);
        }
        at += length;
    }
    return give(out->bytes, notes);
}

static struct upload_cell read_by_type(const void *owner, const struct upload_manner *manner,
                                       const struct item *item, const char *cell)
{
    switch (item->type) {
    case ITEM_CHOICE: return read_choice(owner, manner, item, cell);
    case ITEM_INTEGER: return upload_cell_number(owner, manner, cell, 0);
    case ITEM_DECIMAL: return upload_cell_number(owner, manner, cell, item->decimals);
    case ITEM_DATE:
    case ITEM_PARTIAL_DATE: return upload_cell_date(owner, manner, cell);
    case ITEM_TEXT: return read_text(owner, cell);
    case ITEM_BOOLEAN: return read_boolean(manner, cell);
    }
    return give(cell, 0);
}

struct upload_cell upload_cell_read(const void *owner, const struct upload_manner *manner, const struct item *item,
                                    const char *cell)
{
    if (cell[0] == '\0')
        return blank(0);
    if (cell[0] == '\'' && cell[1] != '\0' && strchr("=+-@\t\r", cell[1]) != NULL) {
        struct upload_cell disarmed = read_by_type(owner, manner, item, cell + 1);
        disarmed.notes |= UPLOAD_NOTE_APOSTROPHE;
        return disarmed;
    }
    const struct upload_profile *profile = manner->plan->profile;
    bool is_translated = profile != NULL && profile->codes.count > 0;
    const struct choice *choice =
        item->type == ITEM_CHOICE && !is_translated ? item_find_choice(item, cell) : NULL;
    if (choice != NULL)
        return give(choice->code, 0);   /* what nearly every cell of a file is */
    struct upload_cell missing = upload_cell_missing(manner, item, cell);
    if (missing.kind != UPLOAD_CELL_VALUE)
        return missing;
    return read_by_type(owner, manner, item, cell);
}
