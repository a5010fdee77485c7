/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/wording.h"

#include <string.h>

#include "forms/base/memory.h"
#include "forms/faults.h"
#include "forms/suggestion.h"
#include "forms/yaml.h"

enum { LANGUAGE_MOST = 20 };

static const char *const root_keys[] = {"wording", "title", "items", "choices", "sections", NULL};
static const char *const head_keys[] = {"form", "version", "language", "source", NULL};

const char *wording_target(const struct yaml *root, int *version, struct faults *faults)
{
    const struct yaml *head = yaml_get_map(root, "wording", YAML_REQUIRED, faults);
    if (head == NULL)
        return NULL;
    *version = 0;
    yaml_get_integer(head, "version", YAML_REQUIRED, (struct yaml_bounds){1, 9999}, version, faults);
    return yaml_get_text(head, "form", YAML_REQUIRED, faults);
}

bool wording_is_language(const char *text)
{
    static const char small[] = "abcdefghijklmnopqrstuvwxyz";
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    size_t length = strspn(text, small);
    bool fits = length >= 2 && length <= 3 && strlen(text) <= LANGUAGE_MOST;
    for (text += length; fits && *text == '-'; text += length) {
        text++;
        length = strspn(text, letters);
        fits = length >= 2 && length <= 8;
    }
    return fits && *text == '\0';
}

const char *wording_language(const struct yaml *root, struct faults *faults)
{
    const struct yaml *head = yaml_find(root, "wording");
    const char *language = head != NULL ? yaml_get_text(head, "language", YAML_REQUIRED, faults) : NULL;
    if (language == NULL || wording_is_language(language))
        return language;
    yaml_fault(faults, yaml_find(head, "language"), "\"%.64s\" is no language; write a tag such as de or de-CH",
               language);
    return NULL;
}

static void check_head(const struct form *form, const struct yaml *root, struct faults *faults)
{
    const struct yaml *head = yaml_find(root, "wording");
    size_t faults_before = faults->count;
    int version = 0;
    const char *id = wording_target(root, &version, faults);
    if (id == NULL || faults->count > faults_before)
        return;
    yaml_allow_keys(head, head_keys, faults);
    (void)wording_language(root, faults);
    (void)yaml_get_text(head, "source", YAML_REQUIRED, faults);
    if (strcmp(id, form->id) != 0 || version != form->version)
        yaml_fault(faults, head, "this wording is for %.64s version %d, the form is %s version %d", id,
                   version, form->id, form->version);
}

/* The form's item that the key of `node` names; FORM_NONE and a fault when there is none. */
static int item_of(const struct form *form, const struct yaml *node, struct faults *faults)
{
    int index = form_find_item(form, node->key);
    if (index != FORM_NONE)
        return index;
    struct suggestion suggestion = suggestion_begin(node->key);
    for (size_t i = 0; i < form->item_count; i++)
        suggestion_offer(&suggestion, form->items[i].id);
    char hint[SUGGESTION_TEXT_SIZE];
    suggestion_format(&suggestion, hint);
    yaml_fault(faults, node, "form %s has no item \"%.64s\"%s", form->id, node->key, hint);
    return FORM_NONE;
}

static void overlay_items(struct form *form, struct item *items, const struct yaml *map,
                          struct faults *faults)
{
    for (size_t i = 0; map != NULL && i < map->count; i++) {
        int index = item_of(form, map->children[i], faults);
        const char *text = yaml_text(map->children[i], faults);
        if (index != FORM_NONE && text != NULL)
            items[index].text = memory_copy_string(form, text);
    }
}

static void overlay_labels(struct form *form, struct item *item, const struct yaml *map,
                           struct faults *faults)
{
    if (!yaml_expect(map, YAML_MAP, faults))
        return;
    struct choice *choices = memory_new_array(form, struct choice, item->choice_count);
    for (size_t i = 0; i < item->choice_count; i++)
        choices[i] = item->choices[i];
    for (size_t i = 0; i < map->count; i++) {
        const struct yaml *node = map->children[i];
        const struct choice *choice = item_find_choice(item, node->key);
        const char *label = yaml_text(node, faults);
        if (choice == NULL)
            yaml_fault(faults, node, "item %s has no choice \"%.64s\"", item->id, node->key);
        else if (label != NULL)
            choices[choice - item->choices].label = memory_copy_string(form, label);
    }
    item->choices = choices;
}

static void overlay_choices(struct form *form, struct item *items, const struct yaml *map,
                            struct faults *faults)
{
    for (size_t i = 0; map != NULL && i < map->count; i++) {
        int index = item_of(form, map->children[i], faults);
        if (index != FORM_NONE)
            overlay_labels(form, &items[index], map->children[i], faults);
    }
}

static void overlay_sections(struct form *form, struct section *sections, const struct yaml *map,
                             struct faults *faults)
{
    for (size_t i = 0; map != NULL && i < map->count; i++) {
        const struct yaml *node = map->children[i];
        const char *title = yaml_text(node, faults);
        size_t at = 0;
        while (at < form->section_count && strcmp(sections[at].id, node->key) != 0)
            at++;
        if (at == form->section_count)
            yaml_fault(faults, node, "form %s has no section \"%.64s\"", form->id, node->key);
        else if (title != NULL)
            sections[at].title = memory_copy_string(form, title);
    }
}

struct form *wording_apply(const void *owner, const struct form *form, const struct yaml *root,
                           struct faults *faults)
{
    if (!yaml_expect(root, YAML_MAP, faults))
        return NULL;
    size_t faults_before = faults->count;
    yaml_allow_keys(root, root_keys, faults);
    check_head(form, root, faults);
    struct form *copy = memory_new(owner, struct form);
    *copy = *form;
    struct item *items = memory_new_array(copy, struct item, form->item_count);
    for (size_t i = 0; i < form->item_count; i++)
        items[i] = form->items[i];
    struct section *sections = memory_new_array(copy, struct section, form->section_count);
    for (size_t i = 0; i < form->section_count; i++)
        sections[i] = form->sections[i];
    copy->items = items;
    copy->sections = sections;
    const char *title = yaml_get_text(root, "title", YAML_OPTIONAL, faults);
    if (title != NULL)
        copy->title = memory_copy_string(copy, title);
    overlay_items(copy, items, yaml_get_map(root, "items", YAML_OPTIONAL, faults), faults);
    overlay_choices(copy, items, yaml_get_map(root, "choices", YAML_OPTIONAL, faults), faults);
    overlay_sections(copy, sections, yaml_get_map(root, "sections", YAML_OPTIONAL, faults), faults);
    return faults->count == faults_before ? copy : NULL;
}
