/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>

#include "forms/base/memory.h"
#include "forms/codebook.h"

static void add_form(const struct catalogue *catalogue, const char *id, const struct form **forms,
                     size_t *count)
{
    const struct form *form = catalogue_find_form(catalogue, id, 0);
    for (size_t i = 0; i < *count; i++)
        if (forms[i] == form)
            return;
    if (form != NULL)
        forms[(*count)++] = form;
}

const struct form **codebook_forms(const void *owner, const struct catalogue *catalogue, size_t *count)
{
    const struct protocol *protocol = catalogue->protocol;
    const struct form **forms = memory_new_array(owner, const struct form *, catalogue->form_count);
    *count = 0;
    for (size_t i = 0; i < catalogue->form_count; i++)
        if (catalogue->forms[i]->creates_subject)
            add_form(catalogue, catalogue->forms[i]->id, forms, count);
    for (size_t i = 0; i < protocol->visit_count; i++)
        for (size_t j = 0; j < protocol->visits[i].form_count; j++)
            add_form(catalogue, protocol->visits[i].forms[j], forms, count);
    for (size_t i = 0; i < protocol->any_time_count; i++)
        add_form(catalogue, protocol->any_time[i], forms, count);
    return forms;
}

static const char *const columns[] = {
    "form",        "form_version", "kind",         "section",    "id",          "code",
    "text",        "type",         "unit",         "choices",    "min",         "max",
    "warn_min",    "warn_max",     "decimals",     "max_length", "required",    "shown_when",
    "reveals_arm", "parts",        "min_answered", "missing",    "range_least", "range_most",
    "direction",   "derived",      "check",        "source",     "note",
};

/* Ends a cell: all but the last of a row are followed by a comma. */
static void put_text(struct text *out, const char *text)
{
    text_append_csv(out, text != NULL ? text : "");
    text_append(out, ",");
}

static void put_number(struct text *out, double number)
{
    if (isfinite(number))
        text_append_format(out, "%.12g", number);
    text_append(out, ",");
}

static void put_empty(struct text *out, size_t cells)
{
    for (size_t i = 0; i < cells; i++)
        text_append(out, ",");
}

static void put_choices(struct text *out, const struct item *item)
{
    struct text *list = text_new(out);
    for (size_t i = 0; i < item->choice_count; i++)
        text_append_format(list, "%s%s=%s", i > 0 ? "; " : "", item->choices[i].code, item->choices[i].label);
    put_text(out, list->bytes);
    talloc_free(list);
}

static void write_item(struct text *out, const struct form *form, const struct item *item)
{
    put_text(out, form->id);
    put_number(out, form->version);
    put_text(out, "item");
    put_text(out, item->section);
    put_text(out, item->id);
    put_text(out, item->code);
    put_text(out, item->text);
    put_text(out, item_type_name(item->type));
    put_text(out, item->unit);
    put_choices(out, item);
    put_number(out, item->min);
    put_number(out, item->max);
    put_number(out, item->warn_min);
    put_number(out, item->warn_max);
    put_number(out, item->type == ITEM_DECIMAL ? item->decimals : (double)NAN);
    put_number(out, item->type == ITEM_TEXT ? item->max_length : (double)NAN);
    put_text(out, item->must_be_answered ? "always" : item->required ? "true" : "false");
    put_text(out, item->show != NULL ? expression_source(item->show) : NULL);
    put_text(out, item->reveals_arm ? "true" : "false");
    put_empty(out, 9);
    text_append(out, "\n");
}

/* `parts` is the item that the message stands beside. */
static void write_rule(struct text *out, const struct form *form, const struct rule *rule)
{
    put_text(out, form->id);
    put_number(out, form->version);
    put_text(out, "rule");
    put_empty(out, 1);
    put_text(out, rule->id);
    put_empty(out, 1);
    put_text(out, rule->text);
    put_text(out, rule->soft ? "soft" : "hard");
    put_empty(out, 11);
    put_text(out, rule->item);
    put_empty(out, 6);
    put_text(out, expression_source(rule->check));
    put_empty(out, 1);
    text_append(out, "\n");
}

static void put_parts(struct text *out, const struct form *form, const struct score *score)
{
    struct text *list = text_new(out);
    for (size_t i = 0; i < score->part_count; i++)
        text_append_format(list, "%s%s", i > 0 ? " " : "",
                           score->of_scores ? form->scores[score->parts[i]].id
                                            : form->items[score->parts[i]].id);
    put_text(out, list->bytes);
    talloc_free(list);
}

static void write_score(struct text *out, const struct form *form, const struct score *score)
{
    put_text(out, form->id);
    put_number(out, form->version);
    put_text(out, "score");
    put_empty(out, 1);
    put_text(out, score->id);
    put_empty(out, 1);
    put_text(out, score->title);
    put_text(out, score->method == SCORE_MEAN ? "mean" : "sum");
    put_empty(out, 11);
    put_parts(out, form, score);
    put_number(out, (double)score->min_answered);
    put_text(out, score->missing == SCORE_MISSING_PERSON_MEAN ? "person_mean" : "none");
    put_number(out, score->range[0]);
    put_number(out, score->range[1]);
    put_text(out, score->direction == SCORE_HIGHER_BETTER ? "higher_better" : "higher_worse");
    put_text(out, score->derived ? "true" : "false");
    put_empty(out, 1);
    put_text(out, score->source);
    text_append_csv(out, score->note != NULL ? score->note : "");
    text_append(out, "\n");
}

void codebook_write_csv(struct text *out, const struct catalogue *catalogue)
{
    size_t count = 0;
    const struct form **forms = codebook_forms(out, catalogue, &count);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        text_append_format(out, "%s%s", i > 0 ? "," : "", columns[i]);
    text_append(out, "\n");
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < forms[i]->item_count; j++)
            write_item(out, forms[i], &forms[i]->items[j]);
        for (size_t j = 0; j < forms[i]->rule_count; j++)
            write_rule(out, forms[i], &forms[i]->rules[j]);
        for (size_t j = 0; j < forms[i]->score_count; j++)
            write_score(out, forms[i], &forms[i]->scores[j]);
    }
}
