/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/form_read.h"

#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/suggestion.h"

static const char *const method_words[] = {"sum", "mean", NULL};
static const char *const missing_words[] = {"none", "person_mean", NULL};
static const char *const direction_words[] = {"higher_worse", "higher_better", NULL};

static const char *const rule_keys[] = {"id", "item", "soft", "check", "text", NULL};
static const char *const score_keys[] = {
    "id",   "title", "method",    "items",  "scores",  "min_answered", "missing",
    "from", "to",    "direction", "source", "derived", "note",         NULL,
};

/* Reads the expression under `key`; NULL when there is none or it is wrong. */
static const struct expression *read_expression(struct form_reader *reader, const struct yaml *map,
                                                const char *key, enum yaml_need need)
{
    const char *source = yaml_get_text(map, key, need, reader->faults);
    if (source == NULL)
        return NULL;
    const struct yaml *node = yaml_find(map, key);
    struct error error;
    const struct expression *expression =
        expression_parse(reader->form, reader->form, source, node->file, node->line, &error);
    if (expression == NULL)
        yaml_fault(reader->faults, node, "%s", error.message);
    return expression;
}

/* Skip logic may look back only: a form is filled in from top to bottom, and so no two items can hide each
 * other. */
static void read_show(struct form_reader *reader, const struct yaml *node)
{
    const struct yaml *id = yaml_find(node, "id");
    int index = id != NULL && id->kind == YAML_TEXT ? form_find_item(reader->form, id->text) : FORM_NONE;
    const struct expression *show = read_expression(reader, node, "show", YAML_OPTIONAL);
    if (index == FORM_NONE || show == NULL)
        return;
    int last = expression_last_item(show);
    if (last == FORM_NONE)
        yaml_fault(reader->faults, yaml_find(node, "show"),
                   "\"show\" must depend on an item of the form; name one, or remove \"show\"");
    else if (last >= index)
        yaml_fault(reader->faults, yaml_find(node, "show"),
                   "\"show\" depends on item %s, which does not stand before it; "
                   "ask that one first",
                   reader->form->items[last].id);
    ((struct item *)reader->form->items)[index].show = show;   /* not yet shared */
}

static void read_skip_logic(struct form_reader *reader)
{
    const struct yaml *sections = yaml_find(reader->root, "sections");
    for (size_t i = 0; sections != NULL && i < sections->count; i++) {
        const struct yaml *items = yaml_find(sections->children[i], "items");
        for (size_t j = 0; items != NULL && j < items->count; j++)
            read_show(reader, items->children[j]);
    }
}

/* Adds a fault when `id` is no item of the form. */
static int find_item(struct form_reader *reader, const struct yaml *node, const char *id)
{
    int index = form_find_item(reader->form, id);
    if (index != FORM_NONE)
        return index;
    struct suggestion suggestion = suggestion_begin(id);
    for (size_t i = 0; i < reader->form->item_count; i++)
        suggestion_offer(&suggestion, reader->form->items[i].id);
    char hint[SUGGESTION_TEXT_SIZE];
    suggestion_format(&suggestion, hint);
    yaml_fault(reader->faults, node, "no item \"%.64s\" in this form%s", id,
               hint[0] != '\0' ? hint : "; define it under \"sections\"");
    return FORM_NONE;
}

static void read_rule(struct form_reader *reader, const struct yaml *node, struct rule *rule)
{
    struct faults *faults = reader->faults;
    yaml_allow_keys(node, rule_keys, faults);
    const char *id = form_read_id(node, faults);
    rule->id = memory_copy_string(reader->form, id != NULL ? id : "");
    rule->text = form_read_text(reader, node, "text", YAML_REQUIRED);
    rule->item = form_read_text(reader, node, "item", YAML_OPTIONAL);
    rule->line = node->line;
    yaml_get_boolean(node, "soft", YAML_OPTIONAL, &rule->soft, faults);
    rule->check = read_expression(reader, node, "check", YAML_REQUIRED);
    if (rule->check != NULL && expression_last_item(rule->check) == FORM_NONE
        && !expression_names_form_date(rule->check))
        yaml_fault(faults, yaml_find(node, "check"),
                   "\"check\" must depend on an item of the form or on its date; name one, or remove the "
                   "rule");
    if (rule->item != NULL)
        (void)find_item(reader, yaml_find(node, "item"), rule->item);
    if (strcmp(rule->id, "soft_range") == 0)
        yaml_fault(faults, node,
                   "\"soft_range\" is the name of the check of warn_min and warn_max; choose another id");
    for (size_t i = 0; i < reader->form->rule_count; i++)
        if (strcmp(reader->form->rules[i].id, rule->id) == 0)
            yaml_fault(faults, node, "this rule is here twice (first in line %d); give it another id",
                       reader->form->rules[i].line);
}

void form_read_rules(struct form_reader *reader)
{
    struct form *form = reader->form;
    read_skip_logic(reader);
    const struct yaml *list = yaml_get_list(reader->root, "rules", YAML_OPTIONAL, reader->faults);
    if (list == NULL)
        return;
    struct rule *rules = memory_new_array(form, struct rule, list->count);
    form->rules = rules;
    for (size_t i = 0; i < list->count; i++) {
        if (!yaml_expect(list->children[i], YAML_MAP, reader->faults))
            continue;
        read_rule(reader, list->children[i], &rules[form->rule_count]);
        form->rule_count++;
    }
}

/* Least and largest value of an item as a part of a score; false when it has no numbers. */
static bool item_range(const struct item *item, double range[2])
{
    range[0] = item->min;
    range[1] = item->max;
    if (item->type == ITEM_BOOLEAN) {
        range[0] = 0;
        range[1] = 1;
    }
    if (item->type == ITEM_CHOICE && item->choices_are_numbers) {
        range[0] = INFINITY;
        range[1] = -INFINITY;
        for (size_t i = 0; i < item->choice_count; i++) {
            range[0] = fmin(range[0], item->choices[i].number);
            range[1] = fmax(range[1], item->choices[i].number);
        }
        return true;
    }
    return item->type == ITEM_INTEGER || item->type == ITEM_DECIMAL || item->type == ITEM_BOOLEAN;
}

/* Index of a part, and its range; FORM_NONE and a fault when it cannot be one. */
static int read_part(struct form_reader *reader, const struct yaml *node, bool of_scores, double range[2])
{
    const char *id = yaml_text(node, reader->faults);
    if (id == NULL)
        return FORM_NONE;
    if (of_scores) {
        int index = form_find_score(reader->form, id);
        if (index == FORM_NONE)
            yaml_fault(reader->faults, node, "no score \"%.64s\" before this one; define it first", id);
        else
            memcpy(range, reader->form->scores[index].range, sizeof reader->form->scores[index].range);
        return index;
    }
    int index = find_item(reader, node, id);
    if (index != FORM_NONE && !item_range(&reader->form->items[index], range)) {
        yaml_fault(reader->faults, node,
                   "item %s has no numbers to score; only integers, decimals, booleans and choices "
                   "with integer codes have",
                   id);
        return FORM_NONE;
    }
    return index;
}

/* What is not asked for would count as not answered: imputed, or the score lost.  A score of that item alone
 * is missing then, which is right. */
static void check_parts_are_asked(struct form_reader *reader, const struct yaml *list,
                                  const struct score *score)
{
    for (size_t i = 0; i < score->part_count && score->part_count > 1 && !score->of_scores; i++) {
        const struct item *item = &reader->form->items[score->parts[i]];
        if (item->show != NULL)
            yaml_fault(reader->faults, list,
                       "item %s is not always asked (\"show\"), so that it cannot be one of several parts; "
                       "ask it always, or give it a score of its own",
                       item->id);
    }
}

/* Reads the parts and sets the range of the raw score. */
static void read_parts(struct form_reader *reader, const struct yaml *node, struct score *score)
{
    struct faults *faults = reader->faults;
    score->of_scores = yaml_find(node, "scores") != NULL;
    if (score->of_scores == (yaml_find(node, "items") != NULL)) {
        yaml_fault(faults, node, "a score needs either \"items\" or \"scores\", one of the two");
        return;
    }
    const struct yaml *list =
        yaml_get_list(node, score->of_scores ? "scores" : "items", YAML_REQUIRED, faults);
    if (list == NULL)
        return;
    if (list->count == 0)
        yaml_fault(faults, list, "a score needs at least one part");
    size_t *parts = memory_new_array(reader->form, size_t, list->count);
    score->parts = parts;
    double sums[2] = {0, 0};
    for (size_t i = 0; i < list->count; i++) {
        double range[2] = {NAN, NAN};
        int index = read_part(reader, list->children[i], score->of_scores, range);
        if (index == FORM_NONE)
            continue;
        for (size_t j = 0; j < score->part_count; j++)
            if (parts[j] == (size_t)index)
                yaml_fault(faults, list->children[i], "\"%s\" is in this score twice",
                           list->children[i]->text);
        parts[score->part_count++] = (size_t)index;
        sums[0] += range[0];
        sums[1] += range[1];
    }
    check_parts_are_asked(reader, list, score);
    double divisor = score->method == SCORE_MEAN && score->part_count > 0 ? (double)score->part_count : 1;
    score->range[0] = sums[0] / divisor;
    score->range[1] = sums[1] / divisor;
}

/* Reads `key` as [a, b]; false when absent or wrong. */
static bool read_pair(struct form_reader *reader, const struct yaml *map, const char *key, double pair[2])
{
    const struct yaml *list = yaml_get_list(map, key, YAML_OPTIONAL, reader->faults);
    if (list == NULL)
        return false;
    if (list->count != 2) {
        yaml_fault(reader->faults, list, "\"%s\" must be two numbers, as in [0, 100]", key);
        return false;
    }
    bool first = yaml_number(list->children[0], &pair[0], reader->faults);
    return yaml_number(list->children[1], &pair[1], reader->faults) && first;
}

static void read_scale(struct form_reader *reader, const struct yaml *node, struct score *score)
{
    struct faults *faults = reader->faults;
    if ((yaml_find(node, "from") != NULL) != (yaml_find(node, "to") != NULL)) {
        yaml_fault(faults, node, "\"from\" and \"to\" belong together; give both or none");
        return;
    }
    bool from = read_pair(reader, node, "from", score->from);
    score->rescaled = read_pair(reader, node, "to", score->to) && from;
    if (!score->rescaled) {
        if (!isfinite(score->range[0]) || !isfinite(score->range[1]))
            yaml_fault(faults, node,
                       "the range of this score is not known; give its items \"min\" and \"max\"");
        return;
    }
    if (!(score->from[0] < score->from[1]) || score->to[0] == score->to[1]) {
        yaml_fault(faults, node,
                   "\"from\" must rise and \"to\" must have two different numbers; turn a scale with "
                   "to: [100, 0]");
        return;
    }
    bool known = isfinite(score->range[0]) && isfinite(score->range[1]);
    if (known
        && (fabs(score->range[0] - score->from[0]) > 1e-9 || fabs(score->range[1] - score->from[1]) > 1e-9))
        yaml_fault(faults, yaml_find(node, "from"), "\"from\" is [%g, %g], but the parts can give %g to %g",
                   score->from[0], score->from[1], score->range[0], score->range[1]);
    score->range[0] = fmin(score->to[0], score->to[1]);
    score->range[1] = fmax(score->to[0], score->to[1]);
}

static void read_score(struct form_reader *reader, const struct yaml *node, struct score *score)
{
    struct faults *faults = reader->faults;
    yaml_allow_keys(node, score_keys, faults);
    const char *id = form_read_id(node, faults);
    score->id = memory_copy_string(reader->form, id != NULL ? id : "");
    score->title = form_read_text(reader, node, "title", YAML_REQUIRED);
    score->source = form_read_text(reader, node, "source", YAML_OPTIONAL);
    score->note = form_read_text(reader, node, "note", YAML_OPTIONAL);
    score->line = node->line;
    int method = yaml_get_word(node, "method", YAML_REQUIRED, method_words, faults);
    score->method = method == SCORE_MEAN ? SCORE_MEAN : SCORE_SUM;
    int missing = yaml_get_word(node, "missing", YAML_OPTIONAL, missing_words, faults);
    score->missing = missing == SCORE_MISSING_PERSON_MEAN ? SCORE_MISSING_PERSON_MEAN : SCORE_MISSING_NONE;
    int direction = yaml_get_word(node, "direction", YAML_REQUIRED, direction_words, faults);
    score->direction = direction == SCORE_HIGHER_BETTER ? SCORE_HIGHER_BETTER : SCORE_HIGHER_WORSE;
    yaml_get_boolean(node, "derived", YAML_OPTIONAL, &score->derived, faults);
    read_parts(reader, node, score);
    int most = score->part_count > 0 ? (int)score->part_count : 1, least = most;
    yaml_get_integer(node, "min_answered", YAML_OPTIONAL, (struct yaml_bounds){1, most}, &least, faults);
    score->min_answered = (size_t)least;
    if (score->method == SCORE_SUM && score->missing == SCORE_MISSING_NONE && least < most)
        yaml_fault(faults, yaml_find(node, "min_answered"),
                   "the sum of fewer parts is no total; add \"missing: person_mean\" "
                   "or leave \"min_answered\" out");
    read_scale(reader, node, score);
}

void form_read_scores(struct form_reader *reader)
{
    struct form *form = reader->form;
    const struct yaml *list = yaml_get_list(reader->root, "scores", YAML_OPTIONAL, reader->faults);
    if (list == NULL)
        return;
    struct score *scores = memory_new_array(form, struct score, list->count);
    form->scores = scores;
    for (size_t i = 0; i < list->count; i++) {
        const struct yaml *node = list->children[i];
        if (!yaml_expect(node, YAML_MAP, reader->faults))
            continue;
        struct score *score = &scores[form->score_count];
        read_score(reader, node, score);
        int same = form_find_score(form, score->id);
        if (same != FORM_NONE)
            yaml_fault(reader->faults, node,
                       "this score is here twice (first in line %d); give it another id", scores[same].line);
        form->score_count++;
    }
}
