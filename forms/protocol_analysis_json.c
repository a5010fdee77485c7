/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the report analyses as JSON: the keys and names of the YAML, with the defaults filled in. */
#include <math.h>

#include "forms/json_write.h"
#include "forms/protocol.h"

/* `"key":[`, and what stands between the elements of a list. */
static void open_list(struct text *out, const char *key)
{
    json_key(out, key);
    text_append(out, "[");
}

static void separate(struct text *out, size_t index)
{
    text_append(out, index > 0 ? "," : "");
}

static void open_element(struct text *out, size_t index)
{
    text_append(out, index > 0 ? ",{" : "{");
}

static void endpoint_to_json(struct text *out, const struct protocol *protocol, int endpoint)
{
    if (endpoint >= 0)
        json_text(out, "endpoint", protocol->endpoints[endpoint].id);
}

static void endpoints_to_json(struct text *out, const struct protocol *protocol, const char *key,
                              const int *endpoints, size_t count)
{
    open_list(out, key);
    for (size_t i = 0; i < count; i++) {
        separate(out, i);
        text_append_json(out, protocol->endpoints[endpoints[i]].id);
    }
    text_append(out, "]");
}

static void contrast_to_json(struct text *out, const struct protocol *protocol,
                             const struct cohort_contrast *contrast)
{
    text_append(out, "[");
    text_append_json(out, protocol->cohorts[contrast->cohort].id);
    text_append(out, ",");
    text_append_json(out, protocol->cohorts[contrast->against].id);
    text_append(out, "]");
}

static void days_to_json(struct text *out, const char *key, const int *days, size_t count)
{
    open_list(out, key);
    for (size_t i = 0; i < count; i++)
        text_append_format(out, "%s%d", i > 0 ? "," : "", days[i]);
    text_append(out, "]");
}

static void item_to_json(struct text *out, const char *key, const struct item_reference *item)
{
    json_key(out, key);
    text_append_format(out, "\"%s.%s\"", item->form, item->item);
}

static void compare_to_json(struct text *out, const struct protocol *protocol)
{
    open_list(out, "compare");
    for (size_t i = 0; i < protocol->plan.contrast_count; i++) {
        separate(out, i);
        contrast_to_json(out, protocol, &protocol->plan.contrasts[i]);
    }
    text_append(out, "]");
}

static void adjustment_to_json(struct text *out, const struct analysis_plan *plan)
{
    open_list(out, "adjustment");
    for (size_t i = 0; i < plan->adjustment_count; i++) {
        const struct model_term *term = &plan->adjustment[i];
        separate(out, i);
        if (term->kind == TERM_ITEM)
            text_append_format(out, "\"%s.%s\"", term->item.form, term->item.item);
        else
            text_append(out, term->kind == TERM_BASE ? "\"base\"" : "\"site\"");
    }
    text_append(out, "]");
}

static void levels_to_json(struct text *out, const struct subgroup_level *levels, size_t count)
{
    open_list(out, "groups");
    for (size_t i = 0; i < count; i++) {
        open_element(out, i);
        json_text(out, "title", levels[i].title);
        if (levels[i].codes != NULL)
            json_texts(out, "codes", levels[i].codes, levels[i].code_count);
        json_number(out, "from", levels[i].from);
        json_number(out, "below", levels[i].below);
        text_append(out, "}");
    }
    text_append(out, "]");
}

static void subgroups_to_json(struct text *out, const struct analysis_plan *plan)
{
    open_list(out, "subgroups");
    for (size_t i = 0; i < plan->subgroup_count; i++) {
        const struct subgroup *subgroup = &plan->subgroups[i];
        open_element(out, i);
        json_text(out, "id", subgroup->id);
        json_text(out, "title", subgroup->title);
        item_to_json(out, "item", &subgroup->item);
        if (subgroup->levels != NULL)
            levels_to_json(out, subgroup->levels, subgroup->level_count);
        if (subgroup->left_out_count > 0)
            json_texts(out, "leave_out", subgroup->left_out, subgroup->left_out_count);
        text_append(out, "}");
    }
    text_append(out, "]");
}

static void margins_to_json(struct text *out, const struct protocol *protocol)
{
    open_list(out, "margins");
    for (size_t i = 0; i < protocol->plan.margin_count; i++) {
        const struct equivalence_margin *margin = &protocol->plan.margins[i];
        open_element(out, i);
        endpoint_to_json(out, protocol, margin->endpoint);
        json_number(out, "margin", margin->margin);
        json_text(out, "source", margin->source);
        text_append(out, "}");
    }
    text_append(out, "]");
}

static void sensitivity_to_json(struct text *out, const struct protocol *protocol)
{
    const struct sensitivity_plan *sensitivity = &protocol->plan.sensitivity;
    json_key(out, "sensitivity");
    text_append(out, "{");
    endpoints_to_json(out, protocol, "endpoints", sensitivity->endpoints, sensitivity->endpoint_count);
    open_list(out, "methods");
    size_t written = 0;
    for (size_t i = 0; imputation_words[i] != NULL; i++)
        if (sensitivity->methods & (1U << i)) {
            separate(out, written++);
            text_append_json(out, imputation_words[i]);
        }
    text_append(out, "]");
    json_boolean(out, "tipping", sensitivity->tipping);
    text_append(out, "}");
}

static void events_to_json(struct text *out, const struct analysis_plan *plan)
{
    open_list(out, "events");
    for (size_t i = 0; i < plan->event_count; i++) {
        const struct timed_event *event = &plan->events[i];
        open_element(out, i);
        json_text(out, "id", event->id);
        json_text(out, "title", event->title);
        json_text(out, "form", event->form);
        json_text(out, "when", event->when);
        json_text(out, "date", event->date);
        json_text(out, "knee", event_knee_words[event->knee]);
        json_text(out, "competing", event->death_competes ? "death" : "none");
        json_number(out, "horizon", event->horizon);
        json_boolean(out, "favourable", event->favourable);
        days_to_json(out, "days", event->days, event->day_count);
        if (event->among_codes != NULL) {
            json_key(out, "among");
            text_append(out, "{");
            item_to_json(out, "item", &event->among);
            json_texts(out, "codes", event->among_codes, event->among_count);
            text_append(out, "}");
        }
        text_append(out, "}");
    }
    text_append(out, "]");
}

static void special_to_json(struct text *out, const struct protocol *protocol)
{
    const struct analysis_plan *plan = &protocol->plan;
    json_key(out, "safety");
    text_append(out, "{");
    days_to_json(out, "periods", plan->safety_periods, plan->safety_period_count);
    text_append(out, "}");
    if (plan->contralateral.endpoint_count > 0) {
        json_key(out, "contralateral");
        text_append(out, "{");
        endpoints_to_json(out, protocol, "endpoints", plan->contralateral.endpoints,
                          plan->contralateral.endpoint_count);
        json_number(out, "at_least", plan->contralateral.at_least);
        text_append(out, "}");
    }
    open_list(out, "imaging");
    for (size_t i = 0; i < plan->imaging_count; i++) {
        open_element(out, i);
        endpoint_to_json(out, protocol, plan->imaging[i].endpoint);
        json_text(out, "scale", imaging_scale_words[plan->imaging[i].scale]);
        if (plan->imaging[i].has_readings) {
            item_to_json(out, "reader", &plan->imaging[i].reader);
            item_to_json(out, "reading", &plan->imaging[i].reading);
        }
        text_append(out, "}");
    }
    text_append(out, "]");
    if (!plan->cost.analysed)
        return;
    json_key(out, "cost");
    text_append(out, "{");
    item_to_json(out, "amount", &plan->cost.amount);
    item_to_json(out, "currency", &plan->cost.currency);
    text_append(out, "}");
}

static void multiplicity_to_json(struct text *out, const struct protocol *protocol)
{
    const struct multiplicity_plan *multiplicity = &protocol->plan.multiplicity;
    json_key(out, "multiplicity");
    text_append(out, "{");
    json_text(out, "method", multiplicity_words[multiplicity->method]);
    open_list(out, "hypotheses");
    for (size_t i = 0; i < multiplicity->hypothesis_count; i++) {
        const struct planned_hypothesis *hypothesis = &multiplicity->hypotheses[i];
        open_element(out, i);
        endpoint_to_json(out, protocol, hypothesis->endpoint);
        json_text(out, "visit", protocol->visits[hypothesis->visit].id);
        json_key(out, "compare");
        contrast_to_json(out, protocol, &protocol->plan.contrasts[hypothesis->contrast]);
        text_append(out, "}");
    }
    text_append(out, "]}");
}

static void estimands_to_json(struct text *out, const struct protocol *protocol)
{
    open_list(out, "estimands");
    for (size_t i = 0; i < protocol->plan.estimand_count; i++) {
        const struct planned_estimand *estimand = &protocol->plan.estimands[i];
        open_element(out, i);
        endpoint_to_json(out, protocol, estimand->endpoint);
        json_text(out, "population", estimand->population);
        open_list(out, "intercurrent");
        for (size_t j = 0; j < estimand->intercurrent_count; j++) {
            open_element(out, j);
            json_text(out, "event", estimand->intercurrent[j].event);
            json_text(out, "strategy", strategy_words[estimand->intercurrent[j].strategy]);
            text_append(out, "}");
        }
        text_append(out, "]");
        json_text(out, "summary", estimand->summary);
        text_append(out, "}");
    }
    text_append(out, "]");
}

static void claim_to_json(struct text *out, const struct protocol *protocol, const struct claim *claim)
{
    const struct analysis_plan *plan = &protocol->plan;
    json_text(out, "id", claim->id);
    json_text(out, "claim", claim->claim);
    json_text(out, "source", claim->source);
    json_text(out, "kind", claim_kind_words[claim->kind]);
    if (claim->responder >= 0)
        json_text(out, "responder", protocol->responders[claim->responder].id);
    endpoint_to_json(out, protocol, claim->endpoint);
    if (claim->visit >= 0)
        json_text(out, "visit", protocol->visits[claim->visit].id);
    if (claim->from >= 0)
        json_text(out, "from", protocol->visits[claim->from].id);
    if (claim->event >= 0)
        json_text(out, "event", plan->events[claim->event].id);
    if (claim->day > 0)
        json_number(out, "day", claim->day);
    if (claim->subgroup >= 0)
        json_text(out, "subgroup", plan->subgroups[claim->subgroup].id);
    json_text(out, "level", claim->level);
    json_text(out, "against", claim->against);
    json_text(out, "special_interest", claim->special_interest);
    if (claim->cohort >= 0)
        json_text(out, "cohort", protocol->cohorts[claim->cohort].id);
    if (claim->contrast >= 0) {
        json_key(out, "compare");
        contrast_to_json(out, protocol, &plan->contrasts[claim->contrast]);
    }
    json_number(out, "value", claim->value);
    if (!isnan(claim->value))
        json_text(out, "refuted", claim_refuted_words[claim->refuted]);
}

void analysis_plan_to_json(struct text *out, const struct protocol *protocol)
{
    const struct analysis_plan *plan = &protocol->plan;
    compare_to_json(out, protocol);
    endpoints_to_json(out, protocol, "models", plan->models, plan->model_count);
    adjustment_to_json(out, plan);
    subgroups_to_json(out, plan);
    margins_to_json(out, protocol);
    sensitivity_to_json(out, protocol);
    events_to_json(out, plan);
    special_to_json(out, protocol);
    multiplicity_to_json(out, protocol);
    estimands_to_json(out, protocol);
    open_list(out, "claims");
    for (size_t i = 0; i < plan->claim_count; i++) {
        open_element(out, i);
        claim_to_json(out, protocol, &plan->claims[i]);
        text_append(out, "}");
    }
    text_append(out, "]");
}
