/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/definitions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "forms/base/memory.h"

static const struct form *must_parse(const void *owner, const char *text)
{
    struct error error = {0};
    const struct form *form = form_parse(owner, "test.yaml", text, strlen(text), &error);
    if (form == NULL)
        fail_msg("test.yaml:%d: %s", error.line, error.message);
    return form;
}

const struct form *definitions_form(const void *owner, const char *body)
{
    return must_parse(
        owner,
        memory_format(owner, "form: test\nversion: 1\ntitle: Test\nsource: none\nabout: subject\n%s", body));
}

const struct form *definitions_form_of_items(const void *owner, const char *items)
{
    struct text *text = text_new(owner);
    text_append(text, "sections:\n  - id: only\n    title: Only\n    items:\n");
    for (const char *line = items; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        text_append_format(text, "      - %.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
    return definitions_form(owner, text->bytes);
}

struct error definitions_refused_form(const char *text)
{
    struct error error = {0};
    void *owner = memory_owner(NULL, "refused");
    if (form_parse(owner, "test.yaml", text, strlen(text), &error) != NULL)
        fail_msg("this form was accepted:\n%s", text);
    talloc_free(owner);
    return error;
}

static const char enrolment[] =
    "form: enrolment\nversion: 1\ntitle: Enrolment\nsource: none\nabout: subject\ncreates_subject: true\n"
    "choices:\n  side: [{code: left, label: left}, {code: right, label: right}]\n"
    "sections:\n  - id: only\n    title: Only\n    items:\n"
    "      - {id: index_knee, text: index knee, type: choice, choices: side, required: always}\n";

const struct catalogue *definitions_catalogue(const void *owner, const struct form *form)
{
    const char *text = memory_format(
        owner,
        "protocol: {id: demo, version: 1, title: Demo, masking: none, randomised: false}\n"
        "cohorts: [{id: A, title: A, kind: active}]\n"
        "visits:\n"
        "  - {id: BL, target: 1, due: [-30, 1], analysis: [min, 1], forms: [%s]}\n"
        "  - {id: M3, target: 92, due: [78, 106], analysis: [2, 137], forms: [%s]}\n"
        "  - {id: M6, target: 184, due: [163, 205], analysis: [138, 274], forms: [other]}\n"
        "any_time: [%s]\n",
        form->id, form->id, form->repeats ? form->id : "enrolment");
    struct error error = {0};
    struct catalogue *catalogue = memory_new(owner, struct catalogue);
    const struct form **forms = memory_new_array(owner, const struct form *, 2);
    forms[catalogue->form_count++] = form;
    if (!form->creates_subject)
        forms[catalogue->form_count++] = must_parse(owner, enrolment);
    catalogue->forms = forms;
    catalogue->protocol = protocol_parse(owner, "demo.yaml", text, strlen(text), &error);
    if (catalogue->protocol == NULL)
        fail_msg("demo.yaml:%d: %s", error.line, error.message);
    catalogue->study = catalogue->protocol->id;
    return catalogue;
}

const char *definitions_read_file(const void *owner, const char *path)
{
    struct error error = {0};
    const char *text = text_read_file(owner, path, 1 << 24, NULL, &error);
    if (text == NULL)
        fail_msg("%s", error.message);
    return text;
}

const char *definitions_altered(const void *owner, const char *whole, const char *from, const char *to)
{
    const char *place = strstr(whole, from);
    if (place == NULL)
        fail_msg("no \"%s\" in the definition", from);
    return memory_format(owner, "%.*s%s%s", (int)(place - whole), whole, to, place + strlen(from));
}
