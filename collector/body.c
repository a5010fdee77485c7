/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/body.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "collector/request.h"
#include "forms/base/memory.h"
#include "forms/submission.h"

static const char *list_fields(const void *owner, const struct body_field *fields, size_t count)
{
    struct text *list = text_new(owner);
    text_append(list, count == 0 ? "no fields" : "");
    for (size_t i = 0; i < count; i++)
        text_append_format(list, "%s`%s`%s", i > 0 ? ", " : "", fields[i].name,
                           fields[i].need == BODY_REQUIRED ? "" : " (may be left out)");
    return list->bytes;
}

static bool knows_every_key(json_t *body, const struct body_field *fields, size_t count)
{
    const char *key;
    json_t *value;
    json_object_foreach(body, key, value) {
        size_t i = 0;
        while (i < count && strcmp(fields[i].name, key) != 0)
            i++;
        if (i == count)
            return false;
    }
    return true;
}

static bool lacks_field(json_t *body, const struct body_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (fields[i].need == BODY_REQUIRED && json_object_get(body, fields[i].name) == NULL)
            return true;
    return false;
}

/* ---- one value ---- */

static bool is_text(const char *string, const struct body_field *field)
{
    size_t characters = text_count_characters(string);
    return characters >= 1 && characters <= field->most && string[strspn(string, " \t\n")] != '\0' &&
           !text_has_control(string) && (field->kind == BODY_TEXT || strpbrk(string, "\t\n") == NULL);
}

static bool is_subject(const char *string)
{
    int site = 0, subject = 0;
    return subject_parse(string, &site, &subject);
}

static bool is_choice(const char *string, const char *const *choices)
{
    while (*choices != NULL && strcmp(*choices, string) != 0)
        choices++;
    return *choices != NULL;
}

static bool fits(const char *string, const struct body_field *field)
{
    uint8_t uuid[16];
    switch (field->kind) {
    case BODY_TEXT:
    case BODY_NAME:
        return is_text(string, field);
    case BODY_SUBJECT:
        return is_subject(string);
    case BODY_UUID:
        return text_to_uuid(string, uuid);
    case BODY_SHA256:
        return strlen(string) == 64 && strspn(string, "0123456789abcdef") == 64;
    case BODY_CHOICE:
        return is_choice(string, field->choices);
    case BODY_NUMBER:
    case BODY_COUNT:
    case BODY_ARRAY:
    case BODY_OBJECT:
        break;
    }
    return false;
}

static const char *describe(const void *owner, const struct body_field *field)
{
    switch (field->kind) {
    case BODY_NUMBER:
        return memory_format(owner, "a whole number from 1 to %zu", field->most);
    case BODY_COUNT:
        return memory_format(owner, "a whole number from 0 to %zu", field->most);
    case BODY_SUBJECT:
        return "site-subject, such as \"07-0012\"";
    case BODY_UUID:
        return "a UUID";
    case BODY_SHA256:
        return "a SHA-256 in 64 lower-case hexadecimal digits";
    case BODY_CHOICE: {
        struct text *list = text_new(owner);
        text_append(list, "one of");
        for (const char *const *choice = field->choices; *choice != NULL; choice++)
            text_append_format(list, "%s %s", choice > field->choices ? "," : "", *choice);
        return list->bytes;
    }
    case BODY_ARRAY:
        return "a list";
    case BODY_OBJECT:
        return "an object";
    case BODY_TEXT:
    case BODY_NAME:
        break;
    }
    return memory_format(owner, "a text of 1 to %zu characters that is not blank%s", field->most,
                         field->kind == BODY_NAME ? ", on one line" : ", without control characters");
}

/* The JSON text of a list or an object, whichever is asked for, or NULL. */
static const char *dump_nested(const void *owner, const json_t *value, enum body_kind kind)
{
    bool fits_kind = kind == BODY_ARRAY ? json_is_array(value) : json_is_object(value);
    char *dumped = fits_kind ? json_dumps(value, JSON_COMPACT) : NULL;
    const char *text = dumped != NULL ? memory_copy_string(owner, dumped) : NULL;
    free(dumped);
    return text;
}

static bool read_value(struct exchange *exchange, const struct body_field *field, const json_t *value,
                       const char **text)
{
    *text = NULL;
    if (value == NULL || (field->need == BODY_NULLABLE && json_is_null(value)))
        return true;
    bool is_number = field->kind == BODY_NUMBER || field->kind == BODY_COUNT;
    json_int_t number = json_integer_value(value);   /* 0 for what is no integer */
    json_int_t least = field->kind == BODY_NUMBER ? 1 : 0;
    if (is_number && json_is_integer(value) && number >= least && (uint64_t)number <= field->most)
        *text = memory_format(exchange, "%" JSON_INTEGER_FORMAT, number);
    if (field->kind == BODY_ARRAY || field->kind == BODY_OBJECT)
        *text = dump_nested(exchange, value, field->kind);
    const char *string = json_string_value(value);   /* NULL for what is no text; never with a NUL inside */
    if (!is_number && string != NULL && fits(string, field))
        *text = string;
    if (*text == NULL)
        exchange_reply_problem(exchange, 422, "invalid", "`%s` must be %s", field->name,
                               describe(exchange, field));
    return *text != NULL;
}

bool body_read(struct exchange *exchange, const struct body_field *fields, size_t count, const char **values)
{
    json_t *body = request_read_json(exchange);
    if (body == NULL)
        return false;
    if (!json_is_object(body) || !knows_every_key(body, fields, count) || lacks_field(body, fields, count)) {
        exchange_reply_problem(exchange, 400, "malformed", "the body must be a JSON object with %s and no other field",
                               list_fields(exchange, fields, count));
        return false;
    }
    for (size_t i = 0; i < count; i++)
        if (!read_value(exchange, &fields[i], json_object_get(body, fields[i].name), &values[i]))
            return false;
    return true;
}
