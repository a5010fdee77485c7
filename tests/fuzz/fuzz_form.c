/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as a form: refused with a line, or a definition that can be written as JSON, found by its ids, and
 * whose scores stay within the range that it states.
 */
#define FUZZ_TARGET fuzz_form
#include "tests/fuzz/fuzz.h"

#include <math.h>
#include <string.h>

#include "forms/answer.h"
#include "forms/base/memory.h"
#include "forms/score.h"

static void require_ids(const struct form *form)
{
    for (size_t i = 0; i < form->item_count; i++)
        FUZZ_REQUIRE_WITH(form_find_item(form, form->items[i].id) == (int)i, form->items[i].id);
    for (size_t i = 0; i < form->score_count; i++)
        FUZZ_REQUIRE_WITH(form_find_score(form, form->scores[i].id) == (int)i, form->scores[i].id);
    FUZZ_REQUIRE(form_find_item(form, "no such item") == FORM_NONE);
    size_t items = 0;
    for (size_t i = 0; i < form->section_count; i++) {
        FUZZ_REQUIRE(form->sections[i].first_item == items);
        items += form->sections[i].item_count;
    }
    FUZZ_REQUIRE(items == form->item_count);
}

/* The lowest or highest value that the item takes; NAN when it has no number. */
static double extreme(const struct item *item, bool highest)
{
    if (item->type == ITEM_BOOLEAN)
        return highest;
    if (item->type == ITEM_INTEGER || item->type == ITEM_DECIMAL)
        return highest ? item->max : item->min;
    double found = NAN;
    for (size_t i = 0; item->choices_are_numbers && i < item->choice_count; i++)
        found = highest ? fmax(found, item->choices[i].number) : fmin(found, item->choices[i].number);
    return found;
}

/* `pattern`: 0 all at the lowest value, 1 all at the highest, 2 in turn, 3 in turn with every third one missing. */
static void require_scores(const void *owner, const struct form *form, unsigned pattern)
{
    struct answer *answers = memory_new_array(owner, struct answer, form->item_count);
    for (size_t i = 0; i < form->item_count; i++) {
        answers[i] = answer_missing();
        double number = extreme(&form->items[i], pattern > 1 ? i % 2 == 1 : pattern == 1);
        if (isnan(number) || (pattern == 3 && i % 3 == 0))
            continue;
        answers[i].state = ANSWER_GIVEN;
        answers[i].text = "";
        answers[i].number = number;
    }
    double *values = memory_new_array(owner, double, form->score_count);
    score_compute(form, answers, values);
    for (size_t i = 0; i < form->score_count; i++) {
        const struct score *score = &form->scores[i];
        FUZZ_REQUIRE_WITH(score->range[0] <= score->range[1], score->id);
        FUZZ_REQUIRE_WITH(isfinite(score->range[0]) && isfinite(score->range[1]), score->id);
        double slack = 1e-9 * (1 + fabs(score->range[0]) + fabs(score->range[1]));
        bool within = values[i] >= score->range[0] - slack && values[i] <= score->range[1] + slack;
        FUZZ_REQUIRE_WITH(isnan(values[i]) || within,
                          memory_format(owner, "%s: %.17g of %.17g..%.17g", score->id, values[i],
                                        score->range[0], score->range[1]));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    void *owner = memory_owner(NULL, "fuzz");
    struct error error = {0};
    const struct form *form = form_parse(owner, "fuzz.yaml", (const char *)data, size, &error);
    if (form == NULL) {
        fuzz_require_refusal(&error, ERROR_INPUT);
    } else {
        struct text *json = text_new(owner);
        form_to_json(json, form);
        fuzz_require_json(json->bytes);
        require_ids(form);
        for (unsigned pattern = 0; pattern < 4; pattern++)
            require_scores(owner, form, pattern);
    }
    talloc_free(owner);
    return 0;
}
