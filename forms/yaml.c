/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/yaml.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <yaml.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "forms/suggestion.h"

struct reading {
    const void *owner;
    const char *file;
    yaml_parser_t parser;
    struct error *error;
};

static int line_of(const yaml_mark_t *mark)
{
    return (int)mark->line + 1;   /* at most 2^20 lines */
}

static bool refuse(struct reading *reading, int line, const char *what)
{
    return error_at(reading->error, ERROR_INPUT, reading->file, line, "%s", what);
}

static bool next_event(struct reading *reading, yaml_event_t *event)
{
    if (yaml_parser_parse(&reading->parser, event))
        return true;
    const yaml_parser_t *parser = &reading->parser;
    if (parser->error == YAML_MEMORY_ERROR || parser->error == YAML_NO_ERROR)
        memory_exhausted();      /* no fault of the text, which would be held against it */
    const char *problem = parser->problem != NULL ? parser->problem : "cannot be read";
    int line = line_of(&parser->problem_mark);
    if (parser->context == NULL)
        return error_at(reading->error, ERROR_INPUT, reading->file, line,
                        "not YAML: %s; look at the indentation, "
                        "colons and quotes of this line and the one before",
                        problem);
    return error_at(reading->error, ERROR_INPUT, reading->file, line,
                    "not YAML: %s (%s of line %d); look at the "
                    "indentation, colons and quotes",
                    problem, parser->context, line_of(&parser->context_mark));
}

/* An anchor or a tag on a node, which this subset of YAML has not. */
static bool check_plain(struct reading *reading, int line, const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (anchor != NULL)
        return refuse(reading, line,
                      "anchors (&name) are not allowed; write the text out where it is needed");
    if (tag != NULL)
        return refuse(reading, line, "tags (!name) are not allowed; write the value without it");
    return true;
}

static struct yaml *new_node(struct reading *reading, const struct yaml *parent, enum yaml_kind kind,
                             int line)
{
    struct yaml *node = memory_new(reading->owner, struct yaml);
    node->kind = kind;
    node->file = reading->file;
    node->line = line;
    node->parent = parent;
    return node;
}

static void add_child(struct reading *reading, struct yaml *parent, struct yaml *child)
{
    size_t count = parent->count;
    if ((count & (count - 1)) == 0)   /* 0, 1, 2, 4, ...: the room doubles */
        parent->children = memory_resize_array(reading->owner, parent->children, struct yaml *,
                                               count == 0 ? 1 : 2 * count);
    parent->children[parent->count++] = child;
}

static struct yaml *read_text(struct reading *reading, const struct yaml *parent, const yaml_event_t *event)
{
    int line = line_of(&event->start_mark);
    const yaml_char_t *tag = event->data.scalar.tag;
    if (!check_plain(reading, line, event->data.scalar.anchor, tag))
        return NULL;
    struct yaml *node = new_node(reading, parent, YAML_TEXT, line);
    if (memchr(event->data.scalar.value, '\0', event->data.scalar.length) != NULL) {
        refuse(reading, line, "a text holds a NUL character; remove it");
        return NULL;
    }
    node->text = memory_copy_bytes(reading->owner, event->data.scalar.value, event->data.scalar.length);
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    return node;
}

static struct yaml *read_node(struct reading *reading, const struct yaml *parent, int depth,
                              const yaml_event_t *event);

static bool read_list(struct reading *reading, struct yaml *list, int depth)
{
    for (;;) {
        yaml_event_t event;
        if (!next_event(reading, &event))
            return false;
        bool ended = event.type == YAML_SEQUENCE_END_EVENT;
        struct yaml *child = ended ? NULL : read_node(reading, list, depth, &event);
        yaml_event_delete(&event);
        if (ended)
            return true;
        if (child == NULL)
            return false;
        add_child(reading, list, child);
    }
}

/* The key in `event` as a text of its own; NULL when it cannot be a key of `map`. */
static const char *read_key(struct reading *reading, const struct yaml *map, const yaml_event_t *event)
{
    int line = line_of(&event->start_mark);
    if (event->type != YAML_SCALAR_EVENT) {
        refuse(reading, line,
               event->type == YAML_ALIAS_EVENT ? "aliases (*name) are not allowed; write the text out"
                                               : "a key must be a plain word");
        return NULL;
    }
    const struct yaml *key = read_text(reading, map, event);
    if (key == NULL)
        return NULL;
    if (map->count >= YAML_KEY_LIMIT) {
        refuse(reading, line, "more than 4096 keys in one map; a definition needs no more");
        return NULL;
    }
    const struct yaml *same = yaml_find(map, key->text);
    if (same != NULL) {
        error_at(reading->error, ERROR_INPUT, reading->file, line,
                 "key \"%.80s\" is here twice (first in line %d); keep one of them", key->text,
                 same->key_line);
        return NULL;
    }
    return key->text;
}

static bool read_map(struct reading *reading, struct yaml *map, int depth)
{
    for (;;) {
        yaml_event_t event;
        if (!next_event(reading, &event))
            return false;
        bool ended = event.type == YAML_MAPPING_END_EVENT;
        int key_line = line_of(&event.start_mark);
        const char *key = ended ? NULL : read_key(reading, map, &event);
        yaml_event_delete(&event);
        if (ended)
            return true;
        if (key == NULL || !next_event(reading, &event))
            return false;
        struct yaml *child = read_node(reading, map, depth, &event);
        yaml_event_delete(&event);
        if (child == NULL)
            return false;
        child->key = key;
        child->key_line = key_line;
        add_child(reading, map, child);
    }
}

/* The node that begins with `event`; `depth` is that of the node above. */
static struct yaml *read_node(struct reading *reading, const struct yaml *parent, int depth,
                              const yaml_event_t *event)
{
    int line = line_of(&event->start_mark);
    if (event->type == YAML_SCALAR_EVENT)
        return read_text(reading, parent, event);
    if (event->type == YAML_ALIAS_EVENT) {
        refuse(reading, line, "aliases (*name) are not allowed; write the text out where it is needed");
        return NULL;
    }
    if (depth >= YAML_DEPTH_LIMIT) {
        refuse(reading, line, "nested deeper than 16 levels; a definition needs no more");
        return NULL;
    }
    bool is_list = event->type == YAML_SEQUENCE_START_EVENT;
    bool plain = is_list
        ? check_plain(reading, line, event->data.sequence_start.anchor, event->data.sequence_start.tag)
        : check_plain(reading, line, event->data.mapping_start.anchor, event->data.mapping_start.tag);
    if (!plain)
        return NULL;
    struct yaml *node = new_node(reading, parent, is_list ? YAML_LIST : YAML_MAP, line);
    bool read = is_list ? read_list(reading, node, depth + 1) : read_map(reading, node, depth + 1);
    return read ? node : NULL;
}

/* Takes the next event, which must be of that type; otherwise `complaint`. */
static bool take_event(struct reading *reading, yaml_event_type_t type, const char *complaint)
{
    yaml_event_t event;
    if (!next_event(reading, &event))
        return false;
    bool fits = event.type == type;
    int line = line_of(&event.start_mark);
    yaml_event_delete(&event);
    return fits || refuse(reading, line, complaint);
}

static struct yaml *read_document(struct reading *reading)
{
    yaml_event_t event;
    if (!take_event(reading, YAML_STREAM_START_EVENT, "not YAML")
        || !take_event(reading, YAML_DOCUMENT_START_EVENT, "the file is empty; a definition was expected")
        || !next_event(reading, &event))
        return NULL;
    struct yaml *root = read_node(reading, NULL, 0, &event);
    yaml_event_delete(&event);
    if (root == NULL || !take_event(reading, YAML_DOCUMENT_END_EVENT, "not YAML")
        || !take_event(reading, YAML_STREAM_END_EVENT,
                       "a second document begins here; write one definition into one file"))
        return NULL;
    return root;
}

/* Line of the first byte that is not UTF-8. */
static int first_bad_line(const char *text, size_t length)
{
    int line = 1;
    const char *start = text, *end = text + length;
    for (;;) {
        const char *newline = memchr(start, '\n', (size_t)(end - start));
        const char *stop = newline != NULL ? newline : end;
        if (newline == NULL || !text_is_utf8(start, (size_t)(stop - start)))
            return line;
        start = newline + 1;
        line++;
    }
}

struct yaml *yaml_parse(const void *owner, const char *file, const char *text, size_t length,
                        struct error *error)
{
    struct reading reading = {.owner = owner, .file = memory_copy_string(owner, file), .error = error};
    if (length > YAML_SIZE_LIMIT) {
        refuse(&reading, 0, "larger than 1 MiB; a definition needs no more");
        return NULL;
    }
    if (!text_is_utf8(text, length)) {
        refuse(&reading, first_bad_line(text, length), "not valid UTF-8; save the file as UTF-8");
        return NULL;
    }
    if (!yaml_parser_initialize(&reading.parser))
        memory_exhausted();
    yaml_parser_set_encoding(&reading.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reading.parser, (const unsigned char *)text, length);
    struct yaml *root = read_document(&reading);
    yaml_parser_delete(&reading.parser);
    return root;
}
