/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/form.h"

#include <math.h>

#include "forms/json_write.h"

static const char *const about_names[] = {"subject", "knee", "either"};
static const char *const method_names[] = {"sum", "mean"};
static const char *const missing_names[] = {"none", "person_mean"};
static const char *const direction_names[] = {"higher_worse", "higher_better"};

static void choices_to_json(struct text *out, const struct item *item)
{
    json_key(out, "choices");
    text_append(out, "[");
    for (size_t i = 0; i < item->choice_count; i++) {
        const struct choice *choice = &item->choices[i];
        text_append(out, i > 0 ? ",{\"code\":" : "{\"code\":");
        if (item->choices_are_numbers)
            text_append(out, choice->code);
        else
            text_append_json(out, choice->code);
        json_text(out, "label", choice->label);
        text_append(out, "}");
    }
    text_append(out, "]");
}

static void item_to_json(struct text *out, const struct item *item)
{
    text_append(out, "{");
    json_text(out, "id", item->id);
    json_text(out, "code", item->code);
    json_text(out, "text", item->text);
    json_text(out, "type", item_type_name(item->type));
    json_text(out, "unit", item->unit);
    if (item->type == ITEM_CHOICE)
        choices_to_json(out, item);
    json_boolean(out, "required", item->required);
    json_boolean(out, "must_be_answered", item->must_be_answered);
    json_boolean(out, "reveals_arm", item->reveals_arm);
    json_number(out, "min", item->min);
    json_number(out, "max", item->max);
    json_number(out, "warn_min", item->warn_min);
    json_number(out, "warn_max", item->warn_max);
    if (item->type == ITEM_DECIMAL)
        json_number(out, "decimals", item->decimals);
    if (item->type == ITEM_TEXT)
        json_number(out, "max_length", item->max_length);
    if (item->show != NULL) {
        json_key(out, "show");
        expression_to_json(out, item->show);
    }
    text_append(out, "}");
}

static void section_to_json(struct text *out, const struct form *form, const struct section *section)
{
    text_append(out, "{");
    json_text(out, "id", section->id);
    json_text(out, "title", section->title);
    json_key(out, "items");
    text_append(out, "[");
    for (size_t i = 0; i < section->item_count; i++) {
        text_append(out, i > 0 ? "," : "");
        item_to_json(out, &form->items[section->first_item + i]);
    }
    text_append(out, "]}");
}

static void rule_to_json(struct text *out, const struct rule *rule)
{
    text_append(out, "{");
    json_text(out, "id", rule->id);
    json_text(out, "item", rule->item);
    json_text(out, "text", rule->text);
    json_boolean(out, "soft", rule->soft);
    json_key(out, "check");
    expression_to_json(out, rule->check);
    text_append(out, "}");
}

static void score_to_json(struct text *out, const struct form *form, const struct score *score)
{
    text_append(out, "{");
    json_text(out, "id", score->id);
    json_text(out, "title", score->title);
    json_text(out, "source", score->source);
    json_text(out, "method", method_names[score->method]);
    json_key(out, score->of_scores ? "scores" : "items");
    text_append(out, "[");
    for (size_t i = 0; i < score->part_count; i++) {
        size_t part = score->parts[i];
        text_append(out, i > 0 ? "," : "");
        text_append_json(out, score->of_scores ? form->scores[part].id : form->items[part].id);
    }
    text_append(out, "]");
    json_number(out, "min_answered", (double)score->min_answered);
    json_text(out, "missing", missing_names[score->missing]);
    if (score->rescaled) {
        json_pair(out, "from", score->from);
        json_pair(out, "to", score->to);
    }
    json_pair(out, "range", score->range);
    json_text(out, "direction", direction_names[score->direction]);
    json_boolean(out, "derived", score->derived);
    json_text(out, "note", score->note);
    text_append(out, "}");
}

void form_to_json(struct text *out, const struct form *form)
{
    text_append(out, "{");
    json_text(out, "form", form->id);
    json_number(out, "version", form->version);
    json_text(out, "title", form->title);
    json_text(out, "source", form->source);
    json_text(out, "recall", form->recall);
    json_text(out, "about", about_names[form->about]);
    json_boolean(out, "creates_subject", form->creates_subject);
    json_boolean(out, "repeats", form->repeats);
    json_key(out, "sections");
    text_append(out, "[");
    for (size_t i = 0; i < form->section_count; i++) {
        text_append(out, i > 0 ? "," : "");
        section_to_json(out, form, &form->sections[i]);
    }
    text_append(out, "]");
    json_key(out, "rules");
    text_append(out, "[");
    for (size_t i = 0; i < form->rule_count; i++) {
        text_append(out, i > 0 ? "," : "");
        rule_to_json(out, &form->rules[i]);
    }
    text_append(out, "]");
    json_key(out, "scores");
    text_append(out, "[");
    for (size_t i = 0; i < form->score_count; i++) {
        text_append(out, i > 0 ? "," : "");
        score_to_json(out, form, &form->scores[i]);
    }
    text_append(out, "]}");
}
