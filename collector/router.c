/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/router.h"

#include <stdio.h>
#include <string.h>

#include "forms/base/memory.h"

/* The segment at `*at`, which stands on a '/'; `*at` moves to the next '/' or to the end. */
static struct http_slice next_segment(const char **at, const char *end)
{
    const char *start = *at + 1;
    const char *slash = start < end ? memchr(start, '/', (size_t)(end - start)) : NULL;
    *at = slash != NULL ? slash : end;
    return (struct http_slice){start, (size_t)(*at - start)};
}

static bool match_pattern(const char *pattern, struct http_slice path, struct router_match *match)
{
    const char *pattern_end = pattern + strlen(pattern);
    const char *at = path.bytes, *end = path.bytes + path.length;
    match->parameter_count = 0;
    while (pattern < pattern_end && at < end) {
        struct http_slice wanted = next_segment(&pattern, pattern_end);
        struct http_slice found = next_segment(&at, end);
        bool is_parameter = wanted.length > 0 && wanted.bytes[0] == '{';
        if (is_parameter && found.length > 0 && match->parameter_count < EXCHANGE_PARAMETERS)
            match->parameters[match->parameter_count++] = found;
        else if (is_parameter || found.length != wanted.length ||
                 memcmp(found.bytes, wanted.bytes, found.length) != 0)
            return false;
    }
    return pattern == pattern_end && at == end;
}

static void allow(struct router_match *match, const char *method)
{
    size_t used = strlen(match->allow);
    if (strcmp(method, "HEAD") == 0 && strstr(match->allow, method) != NULL)
        return;   /* it has a route of its own */
    snprintf(match->allow + used, sizeof match->allow - used, "%s%s", used > 0 ? ", " : "", method);
}

void router_match(const struct router_table *table, const char *method, struct http_slice path,
                  struct router_match *match)
{
    *match = (struct router_match){0};
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    for (size_t i = 0; i < table->count; i++) {
        const struct route *route = &table->routes[i];
        if (!match_pattern(route->pattern, path, match))
            continue;
        if (strcmp(route->method, wanted) == 0 || strcmp(route->method, method) == 0) {
            match->route = route;
            return;
        }
        allow(match, route->method);
        if (strcmp(route->method, "GET") == 0)
            allow(match, "HEAD");
    }
}

static unsigned hex_value(char digit)
{
    return digit <= '9' ? (unsigned)(digit - '0') : (unsigned)((digit | 0x20) - 'a') + 10;
}

/* The reader of heads has seen that every '%' has its two digits. */
static char *decode(const void *owner, struct http_slice slice, bool plus_is_blank)
{
    char *text = memory_copy_bytes(owner, slice.bytes, slice.length);
    size_t length = 0;
    for (size_t i = 0; i < slice.length; i++) {
        char c = slice.bytes[i];
        if (c == '%' && i + 2 < slice.length) {
            c = (char)(hex_value(slice.bytes[i + 1]) << 4 | hex_value(slice.bytes[i + 2]));
            i += 2;
        } else if (c == '+' && plus_is_blank) {
            c = ' ';
        }
        text[length++] = c;
    }
    text[length] = '\0';
    if (text_is_utf8(text, length) && strpbrk(text, "\t\n") == NULL && !text_has_control(text))
        return text;
    talloc_free(text);
    return NULL;
}

char *router_decode(const void *owner, struct http_slice slice)
{
    return decode(owner, slice, false);
}

static bool read_parameter(const void *owner, struct http_slice pair, struct query_parameter *parameter)
{
    const char *equals = memchr(pair.bytes, '=', pair.length);
    struct http_slice name = {pair.bytes, equals != NULL ? (size_t)(equals - pair.bytes) : pair.length};
    struct http_slice value = {name.bytes + name.length, 0};
    if (equals != NULL)
        value = (struct http_slice){equals + 1, pair.length - name.length - 1};
    parameter->name = decode(owner, name, true);
    parameter->value = decode(owner, value, true);
    return parameter->name != NULL && parameter->value != NULL && *parameter->name != '\0';
}

bool router_read_query(const void *owner, struct http_slice query, const struct query_parameter **parameters,
                       size_t *count)
{
    *count = 0;
    *parameters = NULL;
    if (query.length == 0)
        return true;
    struct query_parameter *list = memory_new_array(owner, struct query_parameter, ROUTER_QUERY_LIMIT);
    *parameters = list;
    const char *at = query.bytes, *end = query.bytes + query.length;
    while (at < end) {
        const char *ampersand = memchr(at, '&', (size_t)(end - at));
        const char *stop = ampersand != NULL ? ampersand : end;
        bool good = *count < ROUTER_QUERY_LIMIT &&
                    read_parameter(list, (struct http_slice){at, (size_t)(stop - at)}, &list[*count]);
        if (!good)
            return false;
        (*count)++;
        at = stop + 1;
    }
    return true;
}
