/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/yaml.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "forms/base/text.h"
#include "forms/suggestion.h"

static const char *const kind_names[] = {"a text", "a list", "a map of keys"};
static const char *const kind_hints[] = {
    "write one value after the colon",
    "write [a, b] or one \"- \" line for each",
    "write {key: value} or one \"key: value\" line for each",
};

const struct yaml *yaml_find(const struct yaml *map, const char *key)
{
    if (map->kind != YAML_MAP)
        return NULL;
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->children[i]->key, key) == 0)
            return map->children[i];
    return NULL;
}

/* The id of the nearest map that has one, or NULL: what a message is about. */
static const char *nearest_id(const struct yaml *node)
{
    for (const struct yaml *at = node; at != NULL; at = at->parent) {
        const struct yaml *id = yaml_find(at, "id");
        if (id != NULL && id->kind == YAML_TEXT && id != node)
            return id->text;
    }
    return NULL;
}

void yaml_fault(struct faults *faults, const struct yaml *node, const char *format, ...)
{
    char message[sizeof(((struct error *)0)->message)];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    const char *id = nearest_id(node);
    if (id != NULL)
        faults_add(faults, node->file, node->line, "%.64s: %s", id, message);
    else
        faults_add(faults, node->file, node->line, "%s", message);
}

bool yaml_expect(const struct yaml *node, enum yaml_kind kind, struct faults *faults)
{
    if (node->kind == kind)
        return true;
    if (node->key != NULL)
        yaml_fault(faults, node, "\"%.64s\" must be %s, not %s; %s", node->key, kind_names[kind],
                   kind_names[node->kind], kind_hints[kind]);
    else
        yaml_fault(faults, node, "here must stand %s, not %s; %s", kind_names[kind], kind_names[node->kind],
                   kind_hints[kind]);
    return false;
}

void yaml_allow_keys(const struct yaml *map, const char *const *keys, struct faults *faults)
{
    if (map->kind != YAML_MAP)
        return;
    for (size_t i = 0; i < map->count; i++) {
        const struct yaml *child = map->children[i];
        struct suggestion suggestion = suggestion_begin(child->key);
        bool known = false;
        for (const char *const *key = keys; *key != NULL && !known; key++) {
            known = strcmp(*key, child->key) == 0;
            suggestion_offer(&suggestion, *key);
        }
        if (known)
            continue;
        char hint[SUGGESTION_TEXT_SIZE];
        suggestion_format(&suggestion, hint);
        struct yaml place = *child;   /* the line of the key, not of what follows it */
        place.line = child->key_line;
        yaml_fault(faults, &place, "unknown key \"%.64s\"%s", child->key,
                   hint[0] != '\0' ? hint : "; remove it");
    }
}

/* A plain empty value, ~ or null: the key was written and the value forgotten. */
static bool is_empty(const struct yaml *node)
{
    return node->text[0] == '\0'
           || (!node->quoted && (strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0));
}

const char *yaml_text(const struct yaml *node, struct faults *faults)
{
    if (!yaml_expect(node, YAML_TEXT, faults))
        return NULL;
    if (is_empty(node)) {
        yaml_fault(faults, node, "\"%.64s\" has no value; give one or remove the key",
                   node->key ? node->key : "-");
        return NULL;
    }
    if (text_has_control(node->text)) {
        yaml_fault(faults, node, "a control character in \"%.64s\"; remove it",
                   node->key ? node->key : "this text");
        return NULL;
    }
    return node->text;
}

/* The value of the key, when it is there and of that kind. */
static const struct yaml *get(const struct yaml *map, const char *key, enum yaml_need need,
                              enum yaml_kind kind, struct faults *faults)
{
    const struct yaml *node = yaml_find(map, key);
    if (node == NULL) {
        if (need == YAML_REQUIRED)
            yaml_fault(faults, map, "\"%s\" is missing; add it", key);
        return NULL;
    }
    return yaml_expect(node, kind, faults) ? node : NULL;
}

const char *yaml_get_text(const struct yaml *map, const char *key, enum yaml_need need, struct faults *faults)
{
    const struct yaml *node = get(map, key, need, YAML_TEXT, faults);
    return node != NULL ? yaml_text(node, faults) : NULL;
}

const struct yaml *yaml_get_list(const struct yaml *map, const char *key, enum yaml_need need,
                                 struct faults *faults)
{
    return get(map, key, need, YAML_LIST, faults);
}

const struct yaml *yaml_get_map(const struct yaml *map, const char *key, enum yaml_need need,
                                struct faults *faults)
{
    return get(map, key, need, YAML_MAP, faults);
}

void yaml_get_integer(const struct yaml *map, const char *key, enum yaml_need need, struct yaml_bounds bounds,
                      int *value, struct faults *faults)
{
    const struct yaml *node = get(map, key, need, YAML_TEXT, faults);
    const char *text = node != NULL ? yaml_text(node, faults) : NULL;
    if (text == NULL)
        return;
    int64_t number = 0;
    if (text_to_int64(text, &number) && number >= bounds.least && number <= bounds.most)
        *value = (int)number;
    else
        yaml_fault(faults, node, "\"%s\" must be a whole number from %d to %d, not \"%.64s\"", key, bounds.least,
                   bounds.most, text);
}

bool yaml_number(const struct yaml *node, double *value, struct faults *faults)
{
    const char *text = yaml_text(node, faults);
    if (text == NULL)
        return false;
    if (text_to_decimal(text, value))
        return true;
    yaml_fault(faults, node, "\"%.64s\" must be a number such as 12 or 0.5, not \"%.64s\"",
               node->key != NULL ? node->key : "an entry", text);
    return false;
}

void yaml_get_number(const struct yaml *map, const char *key, enum yaml_need need, double *value,
                     struct faults *faults)
{
    const struct yaml *node = get(map, key, need, YAML_TEXT, faults);
    double number = NAN;
    if (node != NULL && yaml_number(node, &number, faults))
        *value = number;
}

void yaml_get_boolean(const struct yaml *map, const char *key, enum yaml_need need, bool *value,
                      struct faults *faults)
{
    static const char *const words[] = {"false", "true", NULL};
    int word = yaml_get_word(map, key, need, words, faults);
    if (word >= 0)
        *value = word == 1;
}

/* "a, b or c", cut at the size of `out`. */
static void list_words(const char *const *words, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; words[i] != NULL && used < size - 1; i++) {
        const char *between = i == 0 ? "" : words[i + 1] == NULL ? " or " : ", ";
        int written = snprintf(out + used, size - used, "%s%s", between, words[i]);
        used += written > 0 ? (size_t)written : 0;
    }
}

int yaml_get_word(const struct yaml *map, const char *key, enum yaml_need need, const char *const *words,
                  struct faults *faults)
{
    const struct yaml *node = get(map, key, need, YAML_TEXT, faults);
    const char *text = node != NULL ? yaml_text(node, faults) : NULL;
    if (text == NULL)
        return -1;
    for (int i = 0; words[i] != NULL; i++)
        if (strcmp(words[i], text) == 0)
            return i;
    char known[256];
    list_words(words, known, sizeof known);
    yaml_fault(faults, node, "\"%s\" must be %s, not \"%.64s\"", key, known, text);
    return -1;
}
