/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/openapi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"

#define DOCUMENT "collector/openapi.yaml"

static void *document_owner;   /* until the end of the process */

static void free_document(void)
{
    talloc_free(document_owner);
}

const struct yaml *openapi_document(void)
{
    static const struct yaml *document;
    struct error error;
    size_t length = 0;
    if (document != NULL)
        return document;
    void *work = memory_owner(NULL, "openapi");
    char *text = text_read_file(work, DOCUMENT, YAML_SIZE_LIMIT, &length, &error);
    if (text == NULL)
        fail_msg("%s", error.message);
    document_owner = memory_owner(NULL, "openapi document");
    document = yaml_parse(document_owner, DOCUMENT, text, length, &error);
    if (document == NULL)
        fail_msg("%s:%d: %s", DOCUMENT, error.line, error.message);
    talloc_free(work);
    atexit(free_document);
    return document;
}

const struct yaml *openapi_resolve(const struct yaml *node)
{
    const struct yaml *reference = node != NULL ? yaml_find(node, "$ref") : NULL;
    if (reference == NULL)
        return node;
    char kind[32], name[64];
    if (sscanf(reference->text, "#/components/%31[^/]/%63s", kind, name) != 2)
        fail_msg("%s:%d: reference %s", DOCUMENT, reference->line, reference->text);
    const struct yaml *found = yaml_find(yaml_find(openapi_document(), "components"), kind);
    found = found != NULL ? yaml_find(found, name) : NULL;
    if (found == NULL)
        fail_msg("%s:%d: nothing at %s", DOCUMENT, reference->line, reference->text);
    return found;
}

const struct yaml *openapi_operation(const char *method, const char *pattern)
{
    const struct yaml *path = yaml_find(yaml_find(openapi_document(), "paths"), pattern);
    if (path == NULL)
        return NULL;
    char name[16] = "";
    for (size_t i = 0; method[i] != '\0' && i < sizeof name - 1; i++)
        name[i] = (char)(method[i] | 0x20);
    return yaml_find(path, name);
}

/* ---- a value and its schema ---- */

static bool fits(const struct yaml *schema, const json_t *value, struct text *where);

static bool misfit(struct text *where, const char *what, const char *name)
{
    if (strstr(where->bytes, ": ") == NULL)
        text_append_format(where, ": %s %s", what, name);
    return false;
}

static bool is_type(const char *type, const json_t *value)
{
    return (strcmp(type, "object") == 0 && json_is_object(value)) ||
           (strcmp(type, "array") == 0 && json_is_array(value)) ||
           (strcmp(type, "string") == 0 && json_is_string(value)) ||
           (strcmp(type, "integer") == 0 && json_is_integer(value)) ||
           (strcmp(type, "number") == 0 && json_is_number(value)) ||
           (strcmp(type, "boolean") == 0 && json_is_boolean(value)) ||
           (strcmp(type, "null") == 0 && json_is_null(value));
}

static bool fits_type(const struct yaml *type, const json_t *value)
{
    if (type == NULL)
        return true;
    if (type->kind == YAML_TEXT)
        return is_type(type->text, value);
    for (size_t i = 0; i < type->count; i++)
        if (is_type(type->children[i]->text, value))
            return true;
    return false;
}

static bool fits_enum(const struct yaml *values, const json_t *value)
{
    if (values == NULL)
        return true;
    for (size_t i = 0; i < values->count; i++)
        if (json_is_string(value) && strcmp(values->children[i]->text, json_string_value(value)) == 0)
            return true;
    return false;
}

static bool fits_one_of(const struct yaml *choices, const json_t *value)
{
    size_t fitting = 0;
    for (size_t i = 0; i < choices->count; i++) {
        struct text *ignored = text_new(NULL);
        fitting += fits(choices->children[i], value, ignored);
        talloc_free(ignored);
    }
    return fitting == 1;
}

static bool fits_field(const struct yaml *schema, const char *key, const json_t *value, struct text *where)
{
    const struct yaml *properties = yaml_find(schema, "properties");
    const struct yaml *others = yaml_find(schema, "additionalProperties");
    const struct yaml *property = properties != NULL ? yaml_find(properties, key) : NULL;
    if (property == NULL)
        property = others != NULL && others->kind == YAML_MAP ? others : NULL;
    if (property == NULL)
        return misfit(where, "not described:", key);
    text_append_format(where, ".%s", key);
    size_t length = where->length;
    if (!fits(property, value, where))
        return false;
    where->length = length - strlen(key) - 1;
    where->bytes[where->length] = '\0';
    return true;
}

static bool fits_object(const struct yaml *schema, const json_t *object, struct text *where)
{
    const struct yaml *required = yaml_find(schema, "required");
    for (size_t i = 0; required != NULL && i < required->count; i++)
        if (json_object_get(object, required->children[i]->text) == NULL)
            return misfit(where, "missing:", required->children[i]->text);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
        if (!fits_field(schema, key, value, where))
            return false;
    return true;
}

static bool fits(const struct yaml *schema, const json_t *value, struct text *where)
{
    schema = openapi_resolve(schema);
    const struct yaml *one_of = yaml_find(schema, "oneOf"), *items = yaml_find(schema, "items");
    if (one_of != NULL)
        return fits_one_of(one_of, value) || misfit(where, "fits not exactly one of", "oneOf");
    if (schema->kind == YAML_MAP && schema->count == 0)
        return true;   /* {}: anything */
    if (!fits_type(yaml_find(schema, "type"), value))
        return misfit(where, "has another type than", "described");
    if (!fits_enum(yaml_find(schema, "enum"), value))
        return misfit(where, "is not in its enum:", json_string_value(value) ? json_string_value(value) : "");
    if (json_is_object(value))
        return fits_object(schema, value, where);
    for (size_t i = 0; i < json_array_size(value); i++)
        if (items == NULL || !fits(items, json_array_get(value, i), where))
            return misfit(where, "in an", "array");
    return true;
}

/* ---- a reply ---- */

/* A path without its query fits a pattern when they agree segment by segment; {..} fits anything. */
static bool path_fits(const char *pattern, const char *path)
{
    while (*pattern != '\0') {
        if (*pattern == '{') {
            pattern += strcspn(pattern, "}") + 1;
            path += strcspn(path, "/?");
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return *path == '\0' || *path == '?';
}

/* A pattern without parameters is a better fit than one with. */
static const char *find_pattern(const char *path)
{
    const struct yaml *paths = yaml_find(openapi_document(), "paths");
    const char *best = NULL;
    for (size_t i = 0; i < paths->count; i++) {
        const char *pattern = paths->children[i]->key;
        if (path_fits(pattern, path) && (best == NULL || strchr(pattern, '{') == NULL))
            best = pattern;
    }
    return best;
}

static const struct yaml *find_response(const struct yaml *operation, int status)
{
    char code[16];
    snprintf(code, sizeof code, "%d", status);
    const struct yaml *responses = yaml_find(operation, "responses");
    const struct yaml *response = yaml_find(responses, code);
    return openapi_resolve(response != NULL ? response : yaml_find(responses, "default"));
}

static const struct yaml *find_media(const struct yaml *response, const char *type)
{
    const struct yaml *content = yaml_find(response, "content");
    char plain[128];
    snprintf(plain, sizeof plain, "%.*s", (int)strcspn(type, ";"), type);
    const struct yaml *media = content != NULL ? yaml_find(content, plain) : NULL;
    return media != NULL || content == NULL ? media : yaml_find(content, "*/*");
}

static const char *say(const char *format, ...) PRINTF_LIKE(1, 2);

static const char *say(const char *format, ...)
{
    static char finding[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(finding, sizeof finding, format, arguments);
    va_end(arguments);
    return finding;
}

/* The reply to a HEAD has no body. */
static const char *check_body(const char *method, const struct yaml *schema, const struct client_reply *reply)
{
    bool json = strstr(reply->type, "json") != NULL && strstr(reply->type, "jsonl") == NULL;
    if (json && reply->length == 0 && strcmp(method, "HEAD") == 0)
        return NULL;
    if (json && reply->json == NULL)
        return say("%d is not JSON: %s", reply->status, reply->body);
    if (!json)
        return NULL;
    struct text *where = text_new(NULL);
    const char *finding = NULL;
    if (!fits(schema, reply->json, where))
        finding = say("%d: body%s\n%s", reply->status, where->bytes, reply->body);
    talloc_free(where);
    return finding;
}

const char *openapi_check_reply(const char *method, const char *path, const struct client_reply *reply)
{
    const char *pattern = find_pattern(path);
    const struct yaml *operation = pattern != NULL ? openapi_operation(method, pattern) : NULL;
    if (operation == NULL)
        return say("is not described");
    const struct yaml *response = find_response(operation, reply->status);
    const struct yaml *media = find_media(response, reply->type);
    if (media == NULL && yaml_find(response, "content") == NULL && reply->length == 0)
        return NULL;
    if (media == NULL)
        return say("%d with media type %s is not described", reply->status, reply->type);
    return check_body(method, yaml_find(media, "schema"), reply);
}

void openapi_assert_reply(const char *method, const char *path, const struct client_reply *reply)
{
    const char *finding = openapi_check_reply(method, path, reply);
    if (finding != NULL)
        fail_msg("%s %s: %s", method, path, finding);
}
