/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fuzz/fuzz.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"

void fuzz_fail(const char *file, int line, const char *condition, const char *shown)
{
    fprintf(stderr, "%s:%d: this does not hold: %s\n%s\n", file, line, condition, shown);
    abort();
}

void fuzz_require_refusal(const struct error *error, enum error_kind kind)
{
    FUZZ_REQUIRE_WITH(error->kind == kind, error->message);
    FUZZ_REQUIRE(error->message[0] != '\0');
    FUZZ_REQUIRE_WITH(text_is_utf8(error->message, strlen(error->message)), error->message);
    FUZZ_REQUIRE(error->line >= 0);
}

void fuzz_require_json(const char *text)
{
    FUZZ_REQUIRE_WITH(text_is_utf8(text, strlen(text)), text);
    json_error_t error;
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    FUZZ_REQUIRE_WITH(json != NULL, text);
    json_decref(json);
}

const struct form *fuzz_shipped_form(const void *owner, const char *name)
{
    struct error error = {0};
    const struct form *form =
        form_load(owner, memory_format(owner, "forms/instruments/%s.yaml", name), &error);
    FUZZ_REQUIRE_WITH(form != NULL, error.message);
    return form;
}

static bool same_text(const char *one, const char *other)
{
    return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

void fuzz_require_same_answers(const struct form *form, const struct answer *one, const struct answer *other)
{
    for (size_t i = 0; i < form->item_count; i++) {
        const char *item = form->items[i].id;
        FUZZ_REQUIRE_WITH(one[i].state == other[i].state, item);
        FUZZ_REQUIRE_WITH(same_text(one[i].text, other[i].text), item);
        FUZZ_REQUIRE_WITH(isnan(one[i].number) ? isnan(other[i].number) : one[i].number == other[i].number,
                          item);
        FUZZ_REQUIRE_WITH(one[i].date.year == other[i].date.year && one[i].date.month == other[i].date.month &&
                              one[i].date.day == other[i].date.day,
                          item);
    }
}
