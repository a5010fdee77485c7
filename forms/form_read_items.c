/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/form_read.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/suggestion.h"

enum { ITEM_LIMIT = 1000, CHOICE_LIMIT = 500, TEXT_LENGTH_DEFAULT = 1000, DECIMALS_DEFAULT = 2 };

static const char *const type_words[] = {"choice",       "integer", "decimal", "date",
                                         "partial_date", "text",    "boolean", NULL};

enum { REQUIRED_FALSE, REQUIRED_TRUE, REQUIRED_ALWAYS };
static const char *const required_words[] = {"false", "true", "always", NULL};

static const char *const section_keys[] = {"id", "title", "items", NULL};
static const char *const choice_keys[] = {"code", "label", NULL};
static const char *const item_keys[] = {
    "id",  "code", "text",     "type",     "unit",     "choices",    "required", "reveals_arm",
    "min", "max",  "warn_min", "warn_max", "decimals", "max_length", "show",     NULL,
};

/* Keys that only some types have. */
static const struct {
    const char *key;
    unsigned types;   /* bits of enum item_type */
    const char *where;
} typed_keys[] = {
    {"choices", 1U << ITEM_CHOICE, "a choice"},
    {"unit", 1U << ITEM_INTEGER | 1U << ITEM_DECIMAL, "an integer or a decimal"},
    {"min", 1U << ITEM_INTEGER | 1U << ITEM_DECIMAL, "an integer or a decimal"},
    {"max", 1U << ITEM_INTEGER | 1U << ITEM_DECIMAL, "an integer or a decimal"},
    {"warn_min", 1U << ITEM_INTEGER | 1U << ITEM_DECIMAL, "an integer or a decimal"},
    {"warn_max", 1U << ITEM_INTEGER | 1U << ITEM_DECIMAL, "an integer or a decimal"},
    {"decimals", 1U << ITEM_DECIMAL, "a decimal"},
    {"max_length", 1U << ITEM_TEXT, "a text"},
};

/* Words that mean something else in an expression. */
static bool is_expression_word(const char *id)
{
    static const char *const words[] = {"or",    "and",      "not", "in",  "true", "false", "date",
                                        "today", "answered", "min", "max", "abs",  "days"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i], id) == 0)
            return true;
    return false;
}

/* "0", "12", "-3": how an integer code must be written. */
static bool is_integer_code(const char *code)
{
    const char *digits = code[0] == '-' ? code + 1 : code;
    size_t length = strlen(digits);
    if (length == 0 || length > 4 || strspn(digits, "0123456789") != length)
        return false;
    return digits[0] != '0' || (length == 1 && code[0] != '-');
}

static void read_choice(struct form_reader *reader, const struct yaml *node, struct item *item)
{
    struct faults *faults = reader->faults;
    if (!yaml_expect(node, YAML_MAP, faults))
        return;
    yaml_allow_keys(node, choice_keys, faults);
    const char *code = form_read_text(reader, node, "code", YAML_REQUIRED);
    const char *label = form_read_text(reader, node, "label", YAML_REQUIRED);
    if (code == NULL || label == NULL)
        return;
    bool is_number = is_integer_code(code);
    if (!is_number && !form_is_id(code)) {
        yaml_fault(faults, node, "code \"%.64s\" must be an integer or a word of small letters, digits and _",
                   code);
        return;
    }
    if (item_find_choice(item, code) != NULL) {
        yaml_fault(faults, node, "code \"%.64s\" is in this list twice; remove one", code);
        return;
    }
    if (item->choice_count > 0 && is_number != item->choices_are_numbers) {
        yaml_fault(faults, node, "code \"%.64s\": the codes of a list must be all integers or all words; "
                   "write this one like the first",
                   code);
        return;
    }
    item->choices_are_numbers = is_number;
    double number = NAN;
    if (is_number && !text_to_decimal(code, &number))
        return;   /* is_integer_code lets only numbers through */
    struct choice *choices = (struct choice *)item->choices;   /* made in read_choice_list, not yet shared */
    choices[item->choice_count++] =
        (struct choice){.code = code, .label = label, .number = number};
}

/* Reads a named list into a model item, from which the items that use the list take it. */
static void read_choice_list(struct form_reader *reader, const struct yaml *list, struct item *item)
{
    if (!yaml_expect(list, YAML_LIST, reader->faults))
        return;
    if (list->count == 0 || list->count > CHOICE_LIMIT) {
        yaml_fault(reader->faults, list, "choice list \"%.64s\" must have from 1 to %d choices", list->key,
                   CHOICE_LIMIT);
        return;
    }
    item->choices = memory_new_array(reader->form, struct choice, list->count);
    for (size_t i = 0; i < list->count; i++)
        read_choice(reader, list->children[i], item);
}

struct choice_lists {
    const struct yaml *node;   /* NULL when the form has none */
    struct item *models;       /* one for each list */
    bool *used;
};

static struct choice_lists read_choice_lists(struct form_reader *reader)
{
    struct choice_lists lists = {.node =
                                     yaml_get_map(reader->root, "choices", YAML_OPTIONAL, reader->faults)};
    if (lists.node == NULL)
        return lists;
    lists.models = memory_new_array(reader->form, struct item, lists.node->count);
    lists.used = memory_new_array(reader->form, bool, lists.node->count);
    for (size_t i = 0; i < lists.node->count; i++)
        read_choice_list(reader, lists.node->children[i], &lists.models[i]);
    return lists;
}

static void report_unused_lists(struct form_reader *reader, const struct choice_lists *lists)
{
    for (size_t i = 0; lists->node != NULL && i < lists->node->count; i++)
        if (!lists->used[i])
            yaml_fault(reader->faults, lists->node->children[i],
                       "choice list \"%.64s\" is used by no item; remove it", lists->node->children[i]->key);
}

static void use_choice_list(struct form_reader *reader, const struct yaml *node, struct choice_lists *lists,
                            struct item *item)
{
    const char *name = yaml_get_text(node, "choices", YAML_REQUIRED, reader->faults);
    if (name == NULL)
        return;
    struct suggestion suggestion = suggestion_begin(name);
    for (size_t i = 0; lists->node != NULL && i < lists->node->count; i++) {
        suggestion_offer(&suggestion, lists->node->children[i]->key);
        if (strcmp(lists->node->children[i]->key, name) != 0)
            continue;
        item->choices = lists->models[i].choices;
        item->choice_count = lists->models[i].choice_count;
        item->choices_are_numbers = lists->models[i].choices_are_numbers;
        lists->used[i] = true;
        return;
    }
    char hint[SUGGESTION_TEXT_SIZE];
    suggestion_format(&suggestion, hint);
    yaml_fault(reader->faults, yaml_find(node, "choices"), "unknown choice list \"%.64s\"%s", name,
               hint[0] != '\0' ? hint : "; define it under \"choices\" at the top of the form");
}

/* `low` must not be above `high`; NAN is open. */
static void check_order(struct faults *faults, const struct yaml *node, const char *what, double low,
                        double high)
{
    if (low > high)
        yaml_fault(faults, node, "%s: %g is above %g; the first must be the smaller", what, low, high);
}

/* A bound must be a value that the item can have. */
static void check_bound(struct faults *faults, const struct yaml *node, const char *key,
                        const struct item *item)
{
    const struct yaml *bound = yaml_find(node, key);
    const char *point = bound != NULL && bound->kind == YAML_TEXT ? strchr(bound->text, '.') : NULL;
    if (point == NULL)
        return;
    if (item->type == ITEM_INTEGER)
        yaml_fault(faults, bound, "\"%s\" of an integer must be a whole number, not %.40s", key,
                   bound->text);
    else if (strlen(point + 1) > (size_t)item->decimals)
        yaml_fault(faults, bound,
                   "\"%s\" is %.40s, but the item has %d digits after the point; round it, or raise "
                   "\"decimals\"",
                   key, bound->text, item->decimals);
}

static void read_ranges(struct form_reader *reader, const struct yaml *node, struct item *item)
{
    static const char *const bounds[] = {"min", "max", "warn_min", "warn_max"};
    struct faults *faults = reader->faults;
    item->min = item->max = item->warn_min = item->warn_max = NAN;
    if (item->type != ITEM_INTEGER && item->type != ITEM_DECIMAL)
        return;
    yaml_get_number(node, "min", YAML_OPTIONAL, &item->min, faults);
    yaml_get_number(node, "max", YAML_OPTIONAL, &item->max, faults);
    yaml_get_number(node, "warn_min", YAML_OPTIONAL, &item->warn_min, faults);
    yaml_get_number(node, "warn_max", YAML_OPTIONAL, &item->warn_max, faults);
    check_order(faults, node, "min and max", item->min, item->max);
    check_order(faults, node, "warn_min and warn_max", item->warn_min, item->warn_max);
    check_order(faults, node, "min and warn_min", item->min, item->warn_min);
    check_order(faults, node, "warn_max and max", item->warn_max, item->max);
    check_order(faults, node, "warn_min and max", item->warn_min, item->max);
    check_order(faults, node, "min and warn_max", item->min, item->warn_max);
    item->decimals = item->type == ITEM_DECIMAL ? DECIMALS_DEFAULT : 0;
    if (item->type == ITEM_DECIMAL)
        yaml_get_integer(node, "decimals", YAML_OPTIONAL, (struct yaml_bounds){1, 9}, &item->decimals,
                         faults);
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++)
        check_bound(faults, node, bounds[i], item);
}

static void check_typed_keys(struct form_reader *reader, const struct yaml *node, enum item_type type)
{
    for (size_t i = 0; i < sizeof typed_keys / sizeof typed_keys[0]; i++) {
        const struct yaml *value = yaml_find(node, typed_keys[i].key);
        if (value != NULL && (typed_keys[i].types & (1U << type)) == 0)
            yaml_fault(reader->faults, value, "\"%s\" fits %s, not type %s; remove it", typed_keys[i].key,
                       typed_keys[i].where, item_type_name(type));
    }
}

/* False when the item has no id or type, so that nothing else can be said of it. */
static bool read_item(struct form_reader *reader, const struct yaml *node, struct choice_lists *lists,
                      struct item *item)
{
    struct faults *faults = reader->faults;
    if (!yaml_expect(node, YAML_MAP, faults))
        return false;
    yaml_allow_keys(node, item_keys, faults);
    const char *id = form_read_id(node, faults);
    if (id != NULL && is_expression_word(id)) {
        yaml_fault(faults, node, "\"%s\" is a word of the expression language; choose another id", id);
        id = NULL;
    }
    int type = yaml_get_word(node, "type", YAML_REQUIRED, type_words, faults);
    item->text = form_read_text(reader, node, "text", YAML_REQUIRED);
    if (id == NULL || type < 0)
        return false;
    item->id = memory_copy_string(reader->form, id);
    item->type = (enum item_type)type;
    item->line = node->line;
    item->code = form_read_text(reader, node, "code", YAML_OPTIONAL);
    check_typed_keys(reader, node, item->type);
    int required = yaml_get_word(node, "required", YAML_OPTIONAL, required_words, faults);
    item->required = required >= REQUIRED_TRUE;
    item->must_be_answered = required == REQUIRED_ALWAYS;
    yaml_get_boolean(node, "reveals_arm", YAML_OPTIONAL, &item->reveals_arm, faults);
    read_ranges(reader, node, item);
    if (item->type == ITEM_INTEGER || item->type == ITEM_DECIMAL)
        item->unit = form_read_text(reader, node, "unit", YAML_OPTIONAL);
    if (item->type == ITEM_CHOICE)
        use_choice_list(reader, node, lists, item);
    item->max_length = item->type == ITEM_TEXT ? TEXT_LENGTH_DEFAULT : 0;
    if (item->type == ITEM_TEXT)
        yaml_get_integer(node, "max_length", YAML_OPTIONAL, (struct yaml_bounds){1, 20000}, &item->max_length,
                         faults);
    return true;
}

static void read_section(struct form_reader *reader, const struct yaml *node, struct choice_lists *lists,
                         struct section *section)
{
    struct faults *faults = reader->faults;
    struct form *form = reader->form;
    struct item *items = (struct item *)form->items;   /* made in form_read_items, not yet shared */
    section->first_item = form->item_count;
    if (!yaml_expect(node, YAML_MAP, faults))
        return;
    yaml_allow_keys(node, section_keys, faults);
    const char *id = form_read_id(node, faults);
    section->id = memory_copy_string(form, id != NULL ? id : "");
    section->title = form_read_text(reader, node, "title", YAML_REQUIRED);
    const struct yaml *list = yaml_get_list(node, "items", YAML_REQUIRED, faults);
    if (list == NULL)
        return;
    if (list->count == 0)
        yaml_fault(faults, list, "a section needs at least one item; add one or remove the section");
    for (size_t i = 0; i < list->count && form->item_count < ITEM_LIMIT; i++) {
        struct item *item = &items[form->item_count];
        item->section = section->id;
        if (read_item(reader, list->children[i], lists, item))
            form->item_count++;
    }
    section->item_count = form->item_count - section->first_item;
}

static int compare_ids(const void *a, const void *b, void *items)
{
    const struct item *all = items;
    return strcmp(all[*(const uint16_t *)a].id, all[*(const uint16_t *)b].id);
}

static void index_items(struct form_reader *reader)
{
    struct form *form = reader->form;
    uint16_t *order = memory_new_array(form, uint16_t, form->item_count);
    for (size_t i = 0; i < form->item_count; i++)
        order[i] = (uint16_t)i;
    if (form->item_count > 0)
        qsort_r(order, form->item_count, sizeof order[0], compare_ids, (void *)form->items);
    for (size_t i = 1; i < form->item_count; i++) {
        const struct item *a = &form->items[order[i - 1]], *b = &form->items[order[i]];
        if (strcmp(a->id, b->id) == 0)
            faults_add(reader->faults, reader->root->file, a->line > b->line ? a->line : b->line,
                       "item %s is here twice (first in line %d); give it another id", a->id,
                       a->line > b->line ? b->line : a->line);
    }
    form->items_by_id = order;
}

static void check_section_ids(struct form_reader *reader, const struct yaml *list)
{
    const struct form *form = reader->form;
    for (size_t i = 1; i < form->section_count; i++)
        for (size_t j = 0; j < i; j++)
            if (form->sections[i].id != NULL && form->sections[j].id != NULL
                && form->sections[i].id[0] != '\0' && strcmp(form->sections[i].id, form->sections[j].id) == 0)
                yaml_fault(reader->faults, list->children[i], "section %s is here twice; give it another id",
                           form->sections[i].id);
}

void form_read_items(struct form_reader *reader)
{
    struct form *form = reader->form;
    size_t faults_before = reader->faults->count;
    struct choice_lists lists = read_choice_lists(reader);
    form->items = memory_new_array(form, struct item, ITEM_LIMIT);
    const struct yaml *list = yaml_get_list(reader->root, "sections", YAML_REQUIRED, reader->faults);
    if (list != NULL && list->count == 0)
        yaml_fault(reader->faults, list, "a form needs at least one section");
    if (list != NULL) {
        struct section *sections = memory_new_array(form, struct section, list->count);
        for (size_t i = 0; i < list->count; i++)
            read_section(reader, list->children[i], &lists, &sections[i]);
        form->sections = sections;
        form->section_count = list->count;
        check_section_ids(reader, list);
    }
    if (form->item_count == ITEM_LIMIT)
        yaml_fault(reader->faults, reader->root, "%d items or more; split the form", ITEM_LIMIT);
    form->items = memory_resize_array(form, (void *)form->items, struct item, form->item_count);
    if (reader->faults->count == faults_before)   /* a mistyped name also leaves its list unused */
        report_unused_lists(reader, &lists);
    index_items(reader);
}
