/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/protocol_analysis.h"

#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/protocol.h"

const char *const strategy_words[] = {"treatment_policy",   "hypothetical",      "composite",
                                      "while_on_treatment", "principal_stratum", NULL};
const char *const claim_kind_words[] = {"responder",   "difference", "change", "durability",
                                        "interaction", "event",      "harm",   "contralateral",
                                        "equivalence", "imaging",    "cost",   NULL};
const char *const claim_refuted_words[] = {"above", "below", "outside", NULL};
const char *const multiplicity_words[] = {"holm", "ordered", NULL};
const char *const imputation_words[] = {"j2r", "cr", "cir", NULL};
const char *const event_knee_words[] = {"any", "index", NULL};
const char *const imaging_scale_words[] = {"difference", "ratio", NULL};

const struct equivalence_margin *plan_find_margin(const struct analysis_plan *plan, int endpoint)
{
    for (size_t i = 0; i < plan->margin_count; i++)
        if (plan->margins[i].endpoint == endpoint)
            return &plan->margins[i];
    return NULL;
}

const struct planned_estimand *plan_find_estimand(const struct analysis_plan *plan, int endpoint)
{
    for (size_t i = 0; i < plan->estimand_count; i++)
        if (plan->estimands[i].endpoint == endpoint)
            return &plan->estimands[i];
    return NULL;
}

const struct imaging_plan *plan_find_imaging(const struct analysis_plan *plan, int endpoint)
{
    for (size_t i = 0; i < plan->imaging_count; i++)
        if (plan->imaging[i].endpoint == endpoint)
            return &plan->imaging[i];
    return NULL;
}

int plan_find_contrast(const struct analysis_plan *plan, int cohort, int against)
{
    for (size_t i = 0; i < plan->contrast_count; i++)
        if (plan->contrasts[i].cohort == cohort && plan->contrasts[i].against == against)
            return (int)i;
    return PLAN_NONE;
}

bool plan_has_model(const struct analysis_plan *plan, int endpoint)
{
    for (size_t i = 0; i < plan->model_count; i++)
        if (plan->models[i] == endpoint)
            return true;
    return false;
}

struct code_levels {
    struct subgroup_level *levels;
    size_t count;
};

static void add_code(const void *owner, struct code_levels *found, const char *code, const char *label)
{
    for (size_t i = 0; i < found->count; i++)
        if (strcmp(found->levels[i].codes[0], code) == 0)
            return;
    const char **codes = memory_new_array(owner, const char *, 1);
    codes[0] = code;
    found->levels = memory_resize_array(owner, found->levels, struct subgroup_level, found->count + 1);
    found->levels[found->count++] =
        (struct subgroup_level){.title = label, .codes = codes, .code_count = 1, .from = NAN, .below = NAN};
}

const struct subgroup_level *catalogue_item_levels(const void *owner, const struct catalogue *catalogue,
                                                   const struct item_reference *reference, size_t *count)
{
    struct code_levels found = {0};
    for (size_t i = 0; i < catalogue->form_count; i++) {
        const struct form *form = catalogue->forms[i];
        int index =
            strcmp(form->id, reference->form) == 0 ? form_find_item(form, reference->item) : FORM_NONE;
        if (index == FORM_NONE)
            continue;
        const struct item *item = &form->items[index];
        for (size_t j = 0; j < item->choice_count; j++)
            add_code(owner, &found, item->choices[j].code, item->choices[j].label);
        if (item->type == ITEM_BOOLEAN) {
            add_code(owner, &found, "true", "yes");
            add_code(owner, &found, "false", "no");
        }
    }
    *count = found.count;
    return found.levels;
}

static bool is_left_out(const struct subgroup *subgroup, const char *code)
{
    for (size_t i = 0; i < subgroup->left_out_count; i++)
        if (strcmp(subgroup->left_out[i], code) == 0)
            return true;
    return false;
}

const struct subgroup_level *catalogue_subgroup_levels(const void *owner, const struct catalogue *catalogue,
                                                       const struct subgroup *subgroup, size_t *count)
{
    *count = subgroup->level_count;
    if (subgroup->levels != NULL)
        return subgroup->levels;
    size_t all = 0;
    const struct subgroup_level *levels = catalogue_item_levels(owner, catalogue, &subgroup->item, &all);
    struct subgroup_level *kept = memory_new_array(owner, struct subgroup_level, all);
    for (size_t i = 0; i < all; i++)
        if (!is_left_out(subgroup, levels[i].codes[0]))
            kept[(*count)++] = levels[i];
    return kept;
}

const char *catalogue_subgroup_title(const struct catalogue *catalogue, const struct subgroup *subgroup)
{
    if (subgroup->title != NULL)
        return subgroup->title;
    const struct form *form = catalogue_find_form(catalogue, subgroup->item.form, 0);
    int item = form != NULL ? form_find_item(form, subgroup->item.item) : FORM_NONE;
    return item != FORM_NONE ? form->items[item].text : subgroup->id;
}

static bool level_holds(const struct subgroup_level *level, const char *text, double number)
{
    if (level->codes == NULL)
        return number >= level->from && number < level->below;
    for (size_t i = 0; text != NULL && i < level->code_count; i++)
        if (strcmp(level->codes[i], text) == 0)
            return true;
    return false;
}

int subgroup_find_level(const struct subgroup_level *levels, size_t count, const char *text, double number)
{
    for (size_t i = 0; i < count; i++)
        if (level_holds(&levels[i], text, number))
            return (int)i;
    return PLAN_NONE;
}

int subgroup_find_name(const struct subgroup_level *levels, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(levels[i].title, name) == 0)
            return (int)i;
    for (size_t i = 0; i < count; i++)
        if (levels[i].code_count == 1 && strcmp(levels[i].codes[0], name) == 0)
            return (int)i;
    return PLAN_NONE;
}

struct expression *event_condition(const void *owner, const struct timed_event *event,
                                   const struct form *form, struct error *error)
{
    *error = (struct error){.kind = ERROR_NONE};
    if (event->when == NULL)
        return NULL;
    return expression_parse(owner, form, event->when, form->file, event->line, error);
}
