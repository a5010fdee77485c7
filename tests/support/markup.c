/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/markup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"

enum { DEEPEST = 64, NAME_SIZE = 32 };

struct nesting {
    char names[DEEPEST][NAME_SIZE];
    size_t depth;
};

static bool is_void_element(const char *name)
{
    static const char *const names[] = {"!DOCTYPE", "meta", "br", "img", "link", "hr"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* End of the tag that begins at `tag`, over quoted values. */
static const char *end_of_tag(const char *tag)
{
    bool quoted = false;
    for (const char *c = tag; *c != '\0'; c++) {
        if (*c == '"')
            quoted = !quoted;
        if (*c == '<' && c > tag)
            fail_msg("'<' inside a tag: %.60s", tag);
        if (*c == '>' && !quoted)
            return c;
    }
    fail_msg("tag without end: %.60s", tag);
    return tag;
}

static void take_tag(struct nesting *nesting, const char *tag, const char *end)
{
    bool closes = tag[1] == '/';
    const char *name = tag + (closes ? 2 : 1);
    size_t length = strcspn(name, " />\n");
    char copy[NAME_SIZE];
    assert_true(length > 0 && length < sizeof copy);
    memcpy(copy, name, length);
    copy[length] = '\0';
    if (closes) {
        if (nesting->depth == 0 || strcmp(nesting->names[nesting->depth - 1], copy) != 0)
            fail_msg("</%s> closes <%s>", copy, nesting->depth > 0 ? nesting->names[nesting->depth - 1] : "");
        nesting->depth--;
    } else if (end[-1] != '/' && !is_void_element(copy)) {
        assert_true(nesting->depth < DEEPEST);
        memcpy(nesting->names[nesting->depth++], copy, sizeof copy);
    }
}

static void check_nesting(const char *markup)
{
    struct nesting nesting = {.depth = 0};
    for (const char *tag = strchr(markup, '<'); tag != NULL;) {
        const char *end = end_of_tag(tag);
        take_tag(&nesting, tag, end);
        tag = strchr(end, '<');
    }
    if (nesting.depth != 0)
        fail_msg("<%s> is not closed", nesting.names[nesting.depth - 1]);
}

size_t markup_count(const char *markup, const char *part)
{
    size_t count = 0;
    for (const char *at = markup; (at = strstr(at, part)) != NULL; at += strlen(part))
        count++;
    return count;
}

/* Every value of attribute `before` ("id=\"") must occur as id exactly once. */
static void check_ids(const char *markup, const char *before)
{
    for (const char *at = markup; (at = strstr(at, before)) != NULL;) {
        at += strlen(before);
        char *id = memory_format(NULL, " id=\"%.*s\"", (int)strcspn(at, "\""), at);
        if (markup_count(markup, id) != 1)
            fail_msg("%zu times%s", markup_count(markup, id), id);
        talloc_free(id);
    }
}

void markup_check(const char *markup)
{
    check_nesting(markup);
    check_ids(markup, " id=\"");
    check_ids(markup, "href=\"#");
}
