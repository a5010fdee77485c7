/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/json_array.h"

enum { DEPTH_MOST = 64 };

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n'))
        at++;
    return at;
}

/* Behind the closing quote; `end` when there is none. */
static const char *skip_string(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        if (*at == '\\' && at + 1 < end)
            at++;
    return at < end ? at + 1 : end;
}

/* Takes one bracket in; false when it does not fit those that are open. */
static bool take_bracket(char bracket, char open[DEPTH_MOST], size_t *depth)
{
    if (bracket == '{' || bracket == '[') {
        if (*depth == DEPTH_MOST)
            return false;
        open[(*depth)++] = bracket == '{' ? '}' : ']';
        return true;
    }
    if (*depth == 0 || open[*depth - 1] != bracket)
        return false;
    (*depth)--;
    return true;
}

/* The comma or bracket behind the element at `at`; false (and where) when there is none. */
static bool skip_element(const char **at, const char *end)
{
    char open[DEPTH_MOST];
    size_t depth = 0;
    while (*at < end) {
        char c = **at;
        if (depth == 0 && (c == ',' || c == ']'))
            return true;
        if (c == '"') {
            *at = skip_string(*at, end);
            continue;
        }
        if ((c == '{' || c == '[' || c == '}' || c == ']') && !take_bracket(c, open, &depth))
            return false;
        (*at)++;
    }
    return false;
}

struct json_array json_array_begin(const char *text, size_t length)
{
    const char *end = text + length;
    return (struct json_array){.at = skip_blanks(text, end) + 1, .end = end, .first = true};
}

static enum json_array_step end_array(struct json_array *array)
{
    array->at = skip_blanks(array->at + 1, array->end);
    return array->at == array->end ? JSON_ARRAY_END : JSON_ARRAY_BROKEN;
}

enum json_array_step json_array_next(struct json_array *array, const char **element, size_t *length)
{
    bool first = array->first;
    array->first = false;
    array->at = skip_blanks(array->at, array->end);
    if (array->at < array->end && *array->at == ']')
        return end_array(array);
    if (!first)
        array->at = skip_blanks(array->at + 1, array->end);   /* an element ends at a comma or a bracket */
    const char *begin = array->at;
    if (!skip_element(&array->at, array->end) || array->at == begin)
        return JSON_ARRAY_BROKEN;
    *element = begin;
    *length = (size_t)(array->at - begin);
    return JSON_ARRAY_ELEMENT;
}
