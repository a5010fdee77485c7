/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/submission_read.h"

enum { MEMBERS_MOST = 256, SLOTS = 2 * MEMBERS_MOST, DIGITS_MOST = 15 };

/* A reader in the copy of the text.  It writes NULs behind the texts that it takes; one stands at the end. */
struct plain {
    const void *owner;
    char *at;
};

/* The names of an object's members, to find one that comes twice. */
struct members {
    const char *names[SLOTS];
    size_t count;
};

/* ---- tokens ---- */

static void skip_blanks(struct plain *plain)
{
    while (*plain->at == ' ' || *plain->at == '\n' || *plain->at == '\t' || *plain->at == '\r')
        plain->at++;
}

static bool take(struct plain *plain, char c)
{
    skip_blanks(plain);
    if (*plain->at != c)
        return false;
    plain->at++;
    return true;
}

/* A string without escapes; NULL for anything else. */
static const char *take_string(struct plain *plain)
{
    if (!take(plain, '"'))
        return NULL;
    char *begin = plain->at, *end = begin;
    unsigned char bits = 0;
    for (; *end != '"'; end++) {
        unsigned char c = (unsigned char)*end;
        if (c < 0x20 || c == '\\')
            return NULL;
        bits |= c;
    }
    if ((bits & 0x80) != 0 && !text_is_utf8(begin, (size_t)(end - begin)))
        return NULL;
    *end = '\0';
    plain->at = end + 1;
    return begin;
}

/* The digits of a whole number as JSON writes them; NULL for anything else.  No NUL is behind them. */
static char *take_digits(struct plain *plain)
{
    skip_blanks(plain);
    char *begin = plain->at, *digits = *begin == '-' ? begin + 1 : begin, *end = digits;
    while (*end >= '0' && *end <= '9')
        end++;
    bool zero_first = *digits == '0' && (end - digits > 1 || digits > begin);
    bool goes_on = *end == '.' || *end == 'e' || *end == 'E';
    if (end == digits || end - digits > DIGITS_MOST || zero_first || goes_on)
        return NULL;
    plain->at = end;
    return begin;
}

static bool take_word(struct plain *plain, const char *word)
{
    size_t length = strlen(word);
    if (strncmp(plain->at, word, length) != 0)
        return false;
    plain->at += length;
    return true;
}

/* ---- members ---- */

/* The name of the next member and its colon; NULL when there is none, or when it was there before. */
static const char *take_name(struct plain *plain, struct members *members)
{
    const char *name = take_string(plain);
    if (name == NULL || ++members->count > MEMBERS_MOST || !take(plain, ':'))
        return NULL;
    size_t hash = 5381;
    for (const char *c = name; *c != '\0'; c++)
        hash = hash * 33 + (unsigned char)*c;
    size_t slot = hash % SLOTS;
    for (; members->names[slot] != NULL; slot = (slot + 1) % SLOTS)
        if (strcmp(members->names[slot], name) == 0)
            return NULL;
    members->names[slot] = name;
    return name;
}

/* Behind a member: 1 when another one follows, 0 at the end of the object, -1 when neither is there. */
static int take_separator(struct plain *plain)
{
    if (take(plain, ','))
        return 1;
    return take(plain, '}') ? 0 : -1;
}

/* A value; `*end` is where a NUL belongs once what follows was read, or NULL. */
static bool take_value(struct plain *plain, struct raw_answer *answer, char **end)
{
    *end = NULL;
    if (take(plain, '"')) {
        plain->at--;
        answer->kind = RAW_TEXT;
        answer->text = take_string(plain);
        return answer->text != NULL;
    }
    answer->text = take_digits(plain);
    if (answer->text != NULL) {
        answer->kind = RAW_INTEGER;
        *end = plain->at;
        return true;
    }
    bool is_true = take_word(plain, "true");
    answer->kind = RAW_BOOLEAN;
    answer->text = is_true ? "true" : "false";
    if (is_true || take_word(plain, "false"))
        return true;
    answer->kind = RAW_NULL;
    answer->text = "";
    return take_word(plain, "null");
}

static bool take_answers(struct plain *plain, struct submission_input *input)
{
    struct members members = {.count = 0};
    if (!take(plain, '{'))
        return false;
    struct raw_answer *answers = memory_resize_array(plain->owner, NULL, struct raw_answer, MEMBERS_MOST);
    input->answers = answers;
    if (take(plain, '}'))
        return true;
    for (int more = 1; more > 0;) {
        char *end = NULL;
        const char *item = take_name(plain, &members);
        if (item == NULL || !take_value(plain, &answers[input->answer_count], &end))
            return false;
        answers[input->answer_count++].item = item;
        more = take_separator(plain);
        if (more < 0)
            return false;
        if (end != NULL)
            *end = '\0';
    }
    return true;
}

static bool take_not_answered(struct plain *plain, struct submission_input *input)
{
    struct members members = {.count = 0};
    if (!take(plain, '{'))
        return false;
    struct raw_reason *reasons = memory_new_array(plain->owner, struct raw_reason, MEMBERS_MOST);
    input->not_answered = reasons;
    if (take(plain, '}'))
        return true;
    int more = 1;
    while (more > 0) {
        struct raw_reason *reason = &reasons[input->not_answered_count];
        reason->item = take_name(plain, &members);
        reason->reason = reason->item != NULL ? take_string(plain) : NULL;
        if (reason->reason == NULL)
            return false;
        input->not_answered_count++;
        more = take_separator(plain);
    }
    return more == 0;
}

/* ---- the submission ---- */

static bool take_text_field(struct plain *plain, const char **field)
{
    *field = take_string(plain);
    return *field != NULL;
}

static bool take_number_field(struct plain *plain, int64_t *field)
{
    const char *digits = take_digits(plain);
    *field = digits != NULL ? strtoll(digits, NULL, 10) : 0;
    return *field >= 1;
}

static bool take_field(struct plain *plain, const char *name, struct submission_input *input)
{
    const struct {
        const char *name;
        const char **text;
        int64_t *number;
    } fields[] = {
        {"id", &input->id, NULL},
        {"subject", &input->subject, NULL},
        {"knee", &input->knee, NULL},
        {"form", &input->form, NULL},
        {"form_version", NULL, &input->form_version},
        {"visit", &input->visit, NULL},
        {"instance", NULL, &input->instance},
        {"version", NULL, &input->version},
        {"status", &input->status, NULL},
        {"date", &input->date, NULL},
        {"reason", &input->reason, NULL},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (strcmp(name, fields[i].name) != 0)
            continue;
        if (fields[i].text != NULL)
            return take_text_field(plain, fields[i].text);
        return fields[i].number != NULL && take_number_field(plain, fields[i].number);
    }
    if (strcmp(name, "answers") == 0)
        return take_answers(plain, input);
    return strcmp(name, "not_answered") == 0 && take_not_answered(plain, input);
}

struct submission_input *submission_read_plain(const void *owner, const char *text, size_t length)
{
    struct plain plain = {.owner = owner, .at = memory_copy_bytes(owner, text, length)};
    const char *text_end = plain.at + length;
    struct submission_input *input = memory_new(owner, struct submission_input);
    struct members members = {.count = 0};
    if (!take(&plain, '{'))
        return NULL;
    for (int more = 1; more > 0;) {
        const char *name = take_name(&plain, &members);
        if (name == NULL || !take_field(&plain, name, input))
            return NULL;
        more = take_separator(&plain);
        if (more < 0)
            return NULL;
    }
    return take(&plain, '\0') && plain.at == text_end + 1 ? input : NULL;
}
