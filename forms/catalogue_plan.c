/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the protocol analyses, held against the forms. */
#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/catalogue_checking.h"
#include "forms/suggestion.h"

/* -- subgroups ------------------------------------------------------------------------------------------- */

static bool is_number(const struct item *item)
{
    return item->type == ITEM_INTEGER || item->type == ITEM_DECIMAL
           || (item->type == ITEM_CHOICE && item->choices_are_numbers);
}

static void check_cuts(struct checking *checking, const struct subgroup *subgroup, const struct item *item)
{
    if (!is_number(item)) {
        faults_add(checking->faults, checking->file, subgroup->line,
                   "%s: %s.%s has type %s, and \"cut\" divides numbers; write \"groups\" of codes", subgroup->id,
                   subgroup->item.form, item->id, item_type_name(item->type));
        return;
    }
    double first = subgroup->levels[0].below, last = subgroup->levels[subgroup->level_count - 1].from;
    if (first <= item->min)
        faults_add(checking->faults, checking->file, subgroup->line,
                   "%s: no value of %s.%s lies below %.10g (it begins at %.10g); name a greater cut",
                   subgroup->id, subgroup->item.form, item->id, first, item->min);
    if (last > item->max)
        faults_add(checking->faults, checking->file, subgroup->line,
                   "%s: no value of %s.%s reaches %.10g (it ends at %.10g); name a smaller cut", subgroup->id,
                   subgroup->item.form, item->id, last, item->max);
}

static size_t count_code(const char *const *codes, size_t count, const char *code)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += strcmp(codes[i], code) == 0;
    return found;
}

/* How often a code is in the groups and among those left out. */
static size_t count_uses(const struct subgroup *subgroup, const char *code)
{
    size_t uses = count_code(subgroup->left_out, subgroup->left_out_count, code);
    for (size_t i = 0; i < subgroup->level_count; i++)
        uses += count_code(subgroup->levels[i].codes, subgroup->levels[i].code_count, code);
    return uses;
}

/* The codes that the item has. */
struct item_codes {
    const struct subgroup_level *levels;
    size_t count;
};

static void check_codes_exist(struct checking *checking, const struct subgroup *subgroup,
                              const struct item_codes *known, const char *const *codes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct suggestion suggestion = suggestion_begin(codes[i]);
        bool exists = false;
        for (size_t j = 0; j < known->count; j++) {
            exists |= strcmp(known->levels[j].codes[0], codes[i]) == 0;
            suggestion_offer(&suggestion, known->levels[j].codes[0]);
        }
        char hint[SUGGESTION_TEXT_SIZE];
        suggestion_format(&suggestion, hint);
        if (!exists)
            faults_add(checking->faults, checking->file, subgroup->line, "%s: %s.%s has no code \"%.64s\"%s",
                       subgroup->id, subgroup->item.form, subgroup->item.item, codes[i],
                       hint[0] != '\0' ? hint : "; the codebook lists its codes");
    }
}

/* Every code of every version of the form is in one group, or left out on purpose. */
static void check_coverage(struct checking *checking, const struct subgroup *subgroup,
                           const struct item_codes *known)
{
    for (size_t i = 0; i < subgroup->level_count; i++)
        check_codes_exist(checking, subgroup, known, subgroup->levels[i].codes,
                          subgroup->levels[i].code_count);
    check_codes_exist(checking, subgroup, known, subgroup->left_out, subgroup->left_out_count);
    for (size_t i = 0; i < known->count; i++) {
        const char *code = known->levels[i].codes[0];
        size_t uses = count_uses(subgroup, code);
        if (uses == 0 && subgroup->levels != NULL)
            faults_add(checking->faults, checking->file, subgroup->line,
                       "%s: code \"%.64s\" of %s.%s is in no group; put it into one, or name it under "
                       "\"leave_out\"",
                       subgroup->id, code, subgroup->item.form, subgroup->item.item);
        if (uses > 1)
            faults_add(checking->faults, checking->file, subgroup->line,
                       "%s: code \"%.64s\" of %s.%s is in %zu groups; a subject belongs to one", subgroup->id,
                       code, subgroup->item.form, subgroup->item.item, uses);
    }
}

static void check_subgroup(struct checking *checking, const struct subgroup *subgroup)
{
    const struct form *form = catalogue_find_form(checking->catalogue, subgroup->item.form, 0);
    int index = form != NULL ? form_find_item(form, subgroup->item.item) : FORM_NONE;
    if (index == FORM_NONE)
        return; /* told with the items of the models */
    const struct item *item = &form->items[index];
    if (subgroup->has_cuts) {
        check_cuts(checking, subgroup, item);
        return;
    }
    void *owner = memory_owner(NULL, "codes");
    struct item_codes known = {0};
    known.levels = catalogue_item_levels(owner, checking->catalogue, &subgroup->item, &known.count);
    if (known.count > 0)
        check_coverage(checking, subgroup, &known);
    else if (item->type == ITEM_INTEGER || item->type == ITEM_DECIMAL)
        faults_add(checking->faults, checking->file, subgroup->line,
                   "%s: %s.%s has type %s and no codes; say with \"cut\" where its groups begin",
                   subgroup->id, subgroup->item.form, item->id, item_type_name(item->type));
    talloc_free(owner);
}

/* -- endpoints ------------------------------------------------------------------------------------------- */

static void check_margin(struct checking *checking, const struct equivalence_margin *margin)
{
    const struct endpoint *endpoint = &checking->catalogue->protocol->endpoints[margin->endpoint];
    const struct score *score = catalogue_endpoint_score(checking->catalogue, endpoint);
    if (score != NULL && margin->margin >= score->range[1] - score->range[0])
        faults_add(checking->faults, checking->file, margin->line,
                   "the margin %.10g of %s is as wide as its scale, %.10g to %.10g; name a smaller one",
                   margin->margin, endpoint->id, score->range[0], score->range[1]);
}

static void check_contralateral(struct checking *checking)
{
    const struct protocol *protocol = checking->catalogue->protocol;
    const struct contralateral_plan *plan = &protocol->plan.contralateral;
    for (size_t i = 0; i < plan->endpoint_count; i++) {
        const struct endpoint *endpoint = &protocol->endpoints[plan->endpoints[i]];
        const struct form *form = catalogue_find_form(checking->catalogue, endpoint->form, 0);
        const struct score *score = catalogue_endpoint_score(checking->catalogue, endpoint);
        if (form != NULL && form->about == FORM_ABOUT_SUBJECT)
            faults_add(checking->faults, checking->file, plan->line,
                       "contralateral: endpoint %s is about the subject (form %s); name one about a knee",
                       endpoint->id, form->id);
        if (score != NULL && (plan->at_least < score->range[0] || plan->at_least > score->range[1]))
            faults_add(checking->faults, checking->file, plan->line,
                       "contralateral: at_least %.10g lies outside the scale of %s, %.10g to %.10g",
                       plan->at_least, endpoint->id, score->range[0], score->range[1]);
    }
}

static void check_imaging(struct checking *checking, const struct imaging_plan *imaging)
{
    const struct endpoint *endpoint = &checking->catalogue->protocol->endpoints[imaging->endpoint];
    const struct score *score = catalogue_endpoint_score(checking->catalogue, endpoint);
    if (score != NULL && imaging->scale == IMAGING_RATIO && score->range[0] < 0)
        faults_add(checking->faults, checking->file, imaging->line,
                   "imaging: %s can be negative, and has no ratio; write scale: difference", endpoint->id);
    const struct item_reference *const items[] = {&imaging->reader, &imaging->reading};
    for (size_t i = 0; imaging->has_readings && i < 2; i++) {
        const struct item *item = checking_find_item(checking, items[i]);
        if (item != NULL && item->type != ITEM_INTEGER)
            faults_add(checking->faults, checking->file, items[i]->line,
                       "imaging: %s.%s has type %s; \"%s\" names a whole number", items[i]->form, item->id,
                       item_type_name(item->type), items[i]->key);
    }
}

/* -- events ---------------------------------------------------------------------------------------------- */

static bool is_collected(const struct protocol *protocol, const char *form)
{
    for (size_t i = 0; i < protocol->visit_count; i++)
        if (protocol_form_is_due(&protocol->visits[i], form))
            return true;
    return protocol_form_is_any_time(protocol, form);
}

static void check_event_date(struct checking *checking, const struct timed_event *event)
{
    struct item_reference reference = {event->id, event->form, event->date, event->line};
    const struct item *item = checking_find_item(checking, &reference);
    if (item != NULL && item->type != ITEM_DATE && item->type != ITEM_PARTIAL_DATE)
        faults_add(checking->faults, checking->file, event->line,
                   "%s: %s.%s has type %s; \"date\" names a date or partial date", event->id, event->form,
                   item->id, item_type_name(item->type));
}

/* That the item exists is told with the items of the models. */
static void check_among(struct checking *checking, const struct timed_event *event)
{
    if (event->among_codes == NULL)
        return;
    void *owner = memory_owner(NULL, "codes");
    size_t count = 0;
    const struct subgroup_level *known =
        catalogue_item_levels(owner, checking->catalogue, &event->among, &count);
    const struct form *form = catalogue_find_form(checking->catalogue, event->among.form, 0);
    bool exists = form != NULL && form_find_item(form, event->among.item) != FORM_NONE;
    for (size_t i = 0; exists && i < event->among_count; i++)
        if (subgroup_find_level(known, count, event->among_codes[i], (double)NAN) == PLAN_NONE)
            faults_add(checking->faults, checking->file, event->among.line,
                       "%s: among: %s.%s has no code \"%.64s\"; the codebook lists its codes", event->id,
                       event->among.form, event->among.item, event->among_codes[i]);
    talloc_free(owner);
}

static void check_event(struct checking *checking, const struct timed_event *event)
{
    const struct form *form = checking_find_form(checking, event->line, event->id, event->form);
    if (form == NULL)
        return;
    if (!is_collected(checking->catalogue->protocol, form->id) && !form->creates_subject)
        faults_add(checking->faults, checking->file, event->line,
                   "%s: no visit asks for the form %s; add it to a visit or to \"any_time\"", event->id,
                   form->id);
    if (event->date != NULL)
        check_event_date(checking, event);
    check_among(checking, event);
    void *owner = memory_owner(NULL, "condition");
    struct error error;
    if (event_condition(owner, event, form, &error) == NULL && error.kind != ERROR_NONE)
        faults_add(checking->faults, checking->file, event->line, "%s: when: %s", event->id, error.message);
    talloc_free(owner);
}

/* -- cost and claims ------------------------------------------------------------------------------------- */

static void check_cost(struct checking *checking, const struct cost_plan *cost)
{
    const struct item *amount = checking_find_item(checking, &cost->amount);
    const struct item *currency = checking_find_item(checking, &cost->currency);
    if (amount != NULL && amount->type != ITEM_INTEGER && amount->type != ITEM_DECIMAL)
        faults_add(checking->faults, checking->file, cost->amount.line,
                   "cost: %s.%s has type %s; \"amount\" names a number", cost->amount.form, amount->id,
                   item_type_name(amount->type));
    if (currency != NULL && currency->type != ITEM_TEXT && currency->type != ITEM_CHOICE)
        faults_add(checking->faults, checking->file, cost->currency.line,
                   "cost: %s.%s has type %s; \"currency\" names a text or a choice", cost->currency.form,
                   currency->id, item_type_name(currency->type));
}

static void check_harm(struct checking *checking, const struct claim *claim)
{
    struct item_reference reference = {claim->id, "adverse_event", "special_interest", claim->line};
    const struct item *item = checking_find_item(checking, &reference);
    if (item == NULL)
        return;
    if (strcmp(claim->special_interest, "none") == 0)
        faults_add(checking->faults, checking->file, claim->line,
                   "%s: special_interest: none is no event; name another code", claim->id);
    struct suggestion suggestion = suggestion_begin(claim->special_interest);
    for (size_t i = 0; i < item->choice_count; i++)
        suggestion_offer(&suggestion, item->choices[i].code);
    char hint[SUGGESTION_TEXT_SIZE];
    suggestion_format(&suggestion, hint);
    if (item_find_choice(item, claim->special_interest) == NULL)
        faults_add(checking->faults, checking->file, claim->line,
                   "%s: adverse_event.special_interest has no code \"%.64s\"%s", claim->id,
                   claim->special_interest, hint[0] != '\0' ? hint : "; the codebook lists its codes");
}

static void check_level(struct checking *checking, const struct claim *claim, const char *key, const char *name)
{
    if (claim->subgroup < 0 || name == NULL)
        return;
    const struct subgroup *subgroup = &checking->catalogue->protocol->plan.subgroups[claim->subgroup];
    void *owner = memory_owner(NULL, "levels");
    size_t count;
    const struct subgroup_level *levels = catalogue_subgroup_levels(owner, checking->catalogue, subgroup, &count);
    struct suggestion suggestion = suggestion_begin(name);
    for (size_t i = 0; i < count; i++)
        suggestion_offer(&suggestion, levels[i].title);
    char hint[SUGGESTION_TEXT_SIZE];
    suggestion_format(&suggestion, hint);
    if (subgroup_find_name(levels, count, name) == PLAN_NONE)
        faults_add(checking->faults, checking->file, claim->line, "%s: %s: subgroup %s has no group \"%.64s\"%s",
                   claim->id, key, subgroup->id, name,
                   hint[0] != '\0' ? hint : "; name one by its title, or by its only code");
    talloc_free(owner);
}

void checking_plan(struct checking *checking)
{
    const struct analysis_plan *plan = &checking->catalogue->protocol->plan;
    for (size_t i = 0; i < plan->subgroup_count; i++)
        check_subgroup(checking, &plan->subgroups[i]);
    for (size_t i = 0; i < plan->margin_count; i++)
        check_margin(checking, &plan->margins[i]);
    for (size_t i = 0; i < plan->event_count; i++)
        check_event(checking, &plan->events[i]);
    check_contralateral(checking);
    for (size_t i = 0; i < plan->imaging_count; i++)
        check_imaging(checking, &plan->imaging[i]);
    if (plan->cost.analysed)
        check_cost(checking, &plan->cost);
    for (size_t i = 0; i < plan->claim_count; i++) {
        check_level(checking, &plan->claims[i], "level", plan->claims[i].level);
        check_level(checking, &plan->claims[i], "against", plan->claims[i].against);
        if (plan->claims[i].kind == CLAIM_HARM)
            check_harm(checking, &plan->claims[i]);
    }
}
