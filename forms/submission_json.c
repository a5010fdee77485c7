/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "forms/answer.h"
#include "forms/base/memory.h"
#include "forms/submission_read.h"

struct reading {
    const void *owner;
    struct submission_input *input;
    struct problem_list *problems;
};

static void refuse(struct reading *reading, const char *field, const char *text)
{
    problem_add(reading->owner, reading->problems, false, field, "json", "%s", text);
}

/* Nesting outside strings; json_loadb itself would go 2048 deep. */
static bool is_shallow(const char *text, size_t length)
{
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '{' || c == '['))
            depth++;
        else if (!in_string && (c == '}' || c == ']') && depth > 0)
            depth--;
        if (depth > SUBMISSION_JSON_DEPTH)
            return false;
    }
    return true;
}

static int free_json(json_t **json)
{
    json_decref(*json);
    return 0;
}

/* The parsed text, which lives as long as `owner`; NULL and a problem when it cannot be read. */
static json_t *parse(const void *owner, const char *text, size_t length, struct problem_list *problems)
{
    if (length > SUBMISSION_JSON_LIMIT) {
        problem_add(owner, problems, false, NULL, "json",
                    "the submission is larger than 256 KiB; no form is");
        return NULL;
    }
    if (!is_shallow(text, length)) {
        problem_add(owner, problems, false, NULL, "json",
                    "the JSON is nested deeper than %d levels; a submission is not", SUBMISSION_JSON_DEPTH);
        return NULL;
    }
    json_error_t error;
    json_t *json = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL) {
        bool too_large = json_error_code(&error) == json_error_numeric_overflow;
        problem_add(owner, problems, false, NULL, "json", "line %d, column %d: %s%s", error.line,
                    error.column, error.text,
                    too_large ? "; send numbers of more than 18 digits as JSON strings" : "");
        return NULL;
    }
    json_t **holder = memory_new(owner, json_t *);
    *holder = json;
    talloc_set_destructor(holder, free_json);
    return json;
}

static void read_string(struct reading *reading, const char *key, const json_t *value, const char **out)
{
    if (json_is_string(value))
        *out = json_string_value(value);
    else
        problem_add(reading->owner, reading->problems, false, key, "json", "\"%s\" must be a JSON string",
                    key);
}

static void read_integer(struct reading *reading, const char *key, const json_t *value, int64_t *out)
{
    if (json_is_integer(value) && json_integer_value(value) >= 1)
        *out = json_integer_value(value);
    else
        problem_add(reading->owner, reading->problems, false, key, "json",
                    "\"%s\" must be a whole number from 1", key);
}

static struct raw_answer read_value(const void *owner, const char *item, const json_t *value)
{
    struct raw_answer raw = {.item = item, .kind = RAW_OTHER, .text = ""};
    switch (json_typeof(value)) {
    case JSON_STRING:
        raw.kind = RAW_TEXT;
        raw.text = json_string_value(value);
        break;
    case JSON_INTEGER:
        raw.kind = RAW_INTEGER;
        raw.text = memory_format(owner, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_REAL:
        raw.kind = RAW_REAL;
        raw.text = memory_format(owner, "%.15g", json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        raw.kind = RAW_BOOLEAN;
        raw.text = json_is_true(value) ? "true" : "false";
        break;
    case JSON_NULL: raw.kind = RAW_NULL; break;
    case JSON_OBJECT:
    case JSON_ARRAY: break;
    }
    return raw;
}

static void read_answers(struct reading *reading, json_t *object)
{
    if (!json_is_object(object)) {
        refuse(reading, "answers", "\"answers\" must be an object of item ids and values");
        return;
    }
    struct raw_answer *answers =
        memory_new_array(reading->owner, struct raw_answer, json_object_size(object));
    size_t count = 0;
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) {
        answers[count++] = read_value(reading->owner, key, value);
    }
    reading->input->answers = answers;
    reading->input->answer_count = count;
}

static void read_not_answered(struct reading *reading, json_t *object)
{
    if (!json_is_object(object)) {
        refuse(reading, "not_answered", "\"not_answered\" must be an object of item ids and reasons");
        return;
    }
    struct raw_reason *reasons =
        memory_new_array(reading->owner, struct raw_reason, json_object_size(object));
    size_t count = 0;
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) {
        if (json_is_string(value))
            reasons[count++] =
                (struct raw_reason){.item = key, .rule = NULL, .reason = json_string_value(value)};
        else
            problem_add(reading->owner, reading->problems, false, key, "json",
                        "the reason for having no answer must be a JSON string");
    }
    reading->input->not_answered = reasons;
    reading->input->not_answered_count = count;
}

static bool read_confirmation(json_t *object, struct raw_reason *reason)
{
    const char *key;
    json_t *value;
    bool valid = json_is_object(object);
    json_object_foreach(object, key, value) {
        const char **field = strcmp(key, "item") == 0     ? &reason->item
                             : strcmp(key, "rule") == 0   ? &reason->rule
                             : strcmp(key, "reason") == 0 ? &reason->reason
                                                          : NULL;
        bool no_item = field == &reason->item && json_is_null(value);
        valid = valid && field != NULL && (json_is_string(value) || no_item);
        if (field != NULL)
            *field = json_string_value(value);
    }
    return valid && reason->rule != NULL && reason->reason != NULL;
}

static void read_confirmed(struct reading *reading, json_t *list)
{
    if (!json_is_array(list)) {
        refuse(reading, "confirmed", "\"confirmed\" must be a list of {\"item\", \"rule\", \"reason\"}");
        return;
    }
    struct raw_reason *reasons = memory_new_array(reading->owner, struct raw_reason, json_array_size(list));
    size_t count = 0, index;
    json_t *value;
    json_array_foreach(list, index, value) {
        if (read_confirmation(value, &reasons[count]))
            count++;
        else
            problem_add(reading->owner, reading->problems, false, "confirmed", "json",
                        "entry %zu of \"confirmed\" must be an "
                        "object of the strings \"item\", \"rule\" and \"reason\"",
                        index + 1);
    }
    reading->input->confirmed = reasons;
    reading->input->confirmed_count = count;
}

static void add_unknown_field(struct reading *reading, const char *key)
{
    static const char fields[] =
        "id, subject, knee, form, form_version, visit, instance, version, status, date, reason, "
        "answers, not_answered, confirmed";
    char quote[ANSWER_QUOTE_SIZE];
    problem_add(reading->owner, reading->problems, false, key, "json",
                "unknown field %s; a submission has %s", answer_quote(key, quote), fields);
}

static void read_field(struct reading *reading, const char *key, json_t *value)
{
    struct submission_input *input = reading->input;
    const struct {
        const char *key;
        const char **text;
    } texts[] = {{"id", &input->id},     {"subject", &input->subject}, {"knee", &input->knee},
                 {"form", &input->form}, {"visit", &input->visit},     {"status", &input->status},
                 {"date", &input->date}, {"reason", &input->reason}};
    const struct {
        const char *key;
        int64_t *number;
    } numbers[] = {
        {"form_version", &input->form_version}, {"instance", &input->instance}, {"version", &input->version}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (strcmp(texts[i].key, key) == 0) {
            read_string(reading, key, value, texts[i].text);
            return;
        }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (strcmp(numbers[i].key, key) == 0) {
            read_integer(reading, key, value, numbers[i].number);
            return;
        }
    if (strcmp(key, "answers") == 0)
        read_answers(reading, value);
    else if (strcmp(key, "not_answered") == 0)
        read_not_answered(reading, value);
    else if (strcmp(key, "confirmed") == 0)
        read_confirmed(reading, value);
    else
        add_unknown_field(reading, key);
}

struct submission_input *submission_read_json(const void *owner, const char *text, size_t length,
                                              struct problem_list *problems)
{
    struct submission_input *plain = NULL;
    if (length <= SUBMISSION_JSON_LIMIT)
        plain = submission_read_plain(owner, text, length);
    return plain != NULL ? plain : submission_read_full(owner, text, length, problems);
}

struct submission_input *submission_read_full(const void *owner, const char *text, size_t length,
                                              struct problem_list *problems)
{
    size_t problems_before = problems->count;
    json_t *json = parse(owner, text, length, problems);
    if (json == NULL)
        return NULL;
    struct reading reading = {
        .owner = owner, .input = memory_new(owner, struct submission_input), .problems = problems};
    if (!json_is_object(json))
        refuse(&reading, NULL, "a submission must be a JSON object");
    const char *key;
    json_t *value;
    json_object_foreach(json, key, value) {
        read_field(&reading, key, value);
    }
    return problems->count == problems_before ? reading.input : NULL;
}

/* One value of a stored text; false when it is not what this item would have been stored as. */
static bool restore_answer(const void *owner, const struct item *item, const json_t *value,
                           struct answer *answer)
{
    struct problem_list problems = {NULL, 0};
    struct raw_answer raw = read_value(owner, item->id, value);
    return answer_read(owner, item, &raw, answer, &problems) && answer->state == ANSWER_GIVEN;
}

static bool restore_values(const void *owner, const struct form *form, json_t *object, struct answer *answers,
                           const char **culprit)
{
    const char *key;
    json_t *value;
    int last = FORM_NONE;
    json_object_foreach(object, key, value) {
        int index = form_find_item(form, key);
        *culprit = key;
        if (index <= last || !restore_answer(owner, &form->items[index], value, &answers[index]))
            return false;
        last = index;
    }
    return true;
}

static bool restore_declined(const struct form *form, json_t *object, struct answer *answers,
                             const char **culprit)
{
    const char *key;
    json_t *value;
    int last = FORM_NONE;
    json_object_foreach(object, key, value) {
        int index = form_find_item(form, key);
        *culprit = key;
        if (index <= last || answers[index].state != ANSWER_MISSING || !json_is_string(value))
            return false;
        for (const char *const *known = answer_decline_reasons; *known != NULL; known++)
            if (strcmp(*known, json_string_value(value)) == 0)
                answers[index].text = *known;
        if (answers[index].text == NULL)
            return false;
        answers[index].state = ANSWER_DECLINED;
        last = index;
    }
    return true;
}

static bool restore(const void *owner, const struct form *form, json_t *json, struct answer *answers,
                    struct error *error)
{
    const char *form_id = json_string_value(json_object_get(json, "form"));
    json_int_t version = json_integer_value(json_object_get(json, "form_version"));
    if (form_id == NULL || strcmp(form_id, form->id) != 0 || version != form->version)
        return error_set(error, ERROR_INPUT, "the stored text is not of form %s version %d", form->id,
                         form->version);
    json_t *values = json_object_get(json, "answers");
    if (!json_is_object(values))
        return error_set(error, ERROR_INPUT, "the stored text has no answers");
    const char *culprit = "";
    if (restore_values(owner, form, values, answers, &culprit)
        && restore_declined(form, json_object_get(json, "not_answered"), answers, &culprit))
        return true;
    return error_set(error, ERROR_INPUT,
                     "the stored text is not canonical for form %s version %d at item %.64s", form->id,
                     form->version, culprit);
}

struct answer *submission_read_answers(const void *owner, const struct form *form, const char *canonical,
                                       struct error *error)
{
    json_error_t json_error;
    json_t *json = json_loads(canonical, JSON_REJECT_DUPLICATES, &json_error);
    if (json == NULL) {
        error_set(error, ERROR_INPUT, "the stored text is not JSON: %s", json_error.text);
        return NULL;
    }
    struct answer *answers = memory_new_array(owner, struct answer, form->item_count);
    for (size_t i = 0; i < form->item_count; i++)
        answers[i] = answer_missing();
    bool restored = restore(answers, form, json, answers, error);
    json_decref(json);
    if (!restored) {
        talloc_free(answers);
        return NULL;
    }
    return answers;
}
