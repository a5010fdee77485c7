/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/form_read.h"
#include "forms/protocol_read.h"

static const char *const subgroup_keys[] = {"id",  "title",  "item",      "groups",
                                            "cut", "titles", "leave_out", NULL};
static const char *const group_keys[] = {"title", "codes", NULL};

static void read_groups(struct protocol_reader *reader, const struct yaml *list, struct subgroup *subgroup)
{
    struct subgroup_level *levels = memory_new_array(reader->protocol, struct subgroup_level, list->count);
    subgroup->levels = levels;
    for (size_t i = 0; i < list->count; i++) {
        const struct yaml *node = list->children[i];
        if (!yaml_expect(node, YAML_MAP, reader->faults))
            continue;
        struct subgroup_level *level = &levels[subgroup->level_count++];
        yaml_allow_keys(node, group_keys, reader->faults);
        level->title = protocol_read_text(reader, node, "title", YAML_REQUIRED);
        level->codes = protocol_read_texts(reader, node, "codes", &level->code_count);
        level->from = level->below = NAN;
        if (level->code_count == 0)
            yaml_fault(reader->faults, node, "\"codes\" is missing or empty; name the codes of this group");
    }
    if (list->count < 2)
        yaml_fault(reader->faults, list,
                   "\"groups\" needs at least two groups; add one, or remove the subgroup");
}

/* "< 25", "25 to < 30", ">= 30". */
static const char *range_title(const void *owner, const struct subgroup_level *level)
{
    if (!isfinite(level->from))
        return memory_format(owner, "< %.10g", level->below);
    if (!isfinite(level->below))
        return memory_format(owner, ">= %.10g", level->from);
    return memory_format(owner, "%.10g to < %.10g", level->from, level->below);
}

static void read_cuts(struct protocol_reader *reader, const struct yaml *map, struct subgroup *subgroup)
{
    const struct yaml *list = yaml_get_list(map, "cut", YAML_OPTIONAL, reader->faults);
    if (list == NULL)
        return;
    struct subgroup_level *levels =
        memory_new_array(reader->protocol, struct subgroup_level, list->count + 1);
    subgroup->levels = levels;
    subgroup->has_cuts = true;
    double last = -INFINITY;
    for (size_t i = 0; i < list->count; i++) {
        double cut = NAN;
        if (!yaml_number(list->children[i], &cut, reader->faults))
            continue;
        if (cut <= last)
            yaml_fault(reader->faults, list->children[i], "\"cut\" must rise; %.10g stands behind %.10g", cut,
                       last);
        levels[subgroup->level_count++] = (struct subgroup_level){.from = last, .below = cut};
        last = cut;
    }
    levels[subgroup->level_count++] = (struct subgroup_level){.from = last, .below = INFINITY};
    if (list->count == 0)
        yaml_fault(reader->faults, list, "\"cut\" is empty; name the value at which the second group begins");
    size_t title_count = 0;
    const char *const *titles = protocol_read_texts(reader, map, "titles", &title_count);
    if (titles != NULL && title_count != list->count + 1)
        yaml_fault(reader->faults, yaml_find(map, "titles"),
                   "%zu cuts make %zu groups, and %zu have titles; give each one", list->count,
                   list->count + 1, title_count);
    for (size_t i = 0; i < subgroup->level_count; i++)
        levels[i].title =
            titles != NULL && i < title_count ? titles[i] : range_title(reader->protocol, &levels[i]);
}

static void read_map(struct protocol_reader *reader, const struct yaml *node, struct subgroup *subgroup)
{
    struct faults *faults = reader->faults;
    yaml_allow_keys(node, subgroup_keys, faults);
    const char *id = form_read_id(node, faults);
    subgroup->id = memory_copy_string(reader->protocol, id != NULL ? id : "");
    subgroup->title = protocol_read_text(reader, node, "title", YAML_OPTIONAL);
    const struct yaml *item = yaml_find(node, "item");
    if (yaml_get_text(node, "item", YAML_REQUIRED, faults) != NULL
        && protocol_read_reference(reader, item, &subgroup->item.form, &subgroup->item.item))
        protocol_add_model_item(reader, &subgroup->item);
    const struct yaml *groups = yaml_get_list(node, "groups", YAML_OPTIONAL, faults);
    if (groups != NULL)
        read_groups(reader, groups, subgroup);
    if (groups != NULL && yaml_find(node, "cut") != NULL)
        yaml_fault(faults, yaml_find(node, "cut"),
                   "a subgroup has \"groups\" of codes or a \"cut\" of numbers; remove one");
    else
        read_cuts(reader, node, subgroup);
    if (yaml_find(node, "titles") != NULL && yaml_find(node, "cut") == NULL)
        yaml_fault(faults, yaml_find(node, "titles"),
                   "\"titles\" belong to \"cut\"; groups have a title each");
    subgroup->left_out = protocol_read_texts(reader, node, "leave_out", &subgroup->left_out_count);
    if (subgroup->left_out_count > 0 && subgroup->has_cuts)
        yaml_fault(faults, yaml_find(node, "leave_out"),
                   "\"leave_out\" names codes; it does not fit a \"cut\"");
}

/* "baseline.sex": each code is a level, the item's name is the id. */
static void read_short(struct protocol_reader *reader, const struct yaml *node, struct subgroup *subgroup)
{
    subgroup->id = "";
    if (!protocol_read_reference(reader, node, &subgroup->item.form, &subgroup->item.item))
        return;
    subgroup->id = subgroup->item.item;
    protocol_add_model_item(reader, &subgroup->item);
}

void protocol_read_subgroups(struct protocol_reader *reader, const struct yaml *analysis)
{
    struct analysis_plan *plan = &reader->protocol->plan;
    const struct yaml *list = yaml_get_list(analysis, "subgroups", YAML_OPTIONAL, reader->faults);
    if (list == NULL)
        return;
    struct subgroup *subgroups = memory_new_array(reader->protocol, struct subgroup, list->count);
    plan->subgroups = subgroups;
    for (size_t i = 0; i < list->count; i++) {
        const struct yaml *node = list->children[i];
        struct subgroup *subgroup = &subgroups[plan->subgroup_count];
        subgroup->line = node->line;
        subgroup->item =
            (struct item_reference){.key = "subgroups", .form = "", .item = "", .line = node->line};
        if (node->kind == YAML_MAP)
            read_map(reader, node, subgroup);
        else
            read_short(reader, node, subgroup);
        if (subgroup->id[0] != '\0' && protocol_find_in(reader->protocol, LIST_SUBGROUPS, subgroup->id) >= 0)
            yaml_fault(reader->faults, node, "subgroup \"%.64s\" is here twice; give it another id",
                       subgroup->id);
        plan->subgroup_count++;
    }
}
