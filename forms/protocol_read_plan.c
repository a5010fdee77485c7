/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `margins`, `sensitivity`, `safety`, `contralateral`, `imaging`, `cost`, `multiplicity` and `estimands`. */
#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/protocol_read.h"

static const char *const margin_keys[] = {"endpoint", "margin", "source", NULL};
static const char *const sensitivity_keys[] = {"endpoints", "methods", "tipping", NULL};
static const char *const safety_keys[] = {"periods", NULL};
static const char *const contralateral_keys[] = {"endpoints", "at_least", NULL};
static const char *const imaging_keys[] = {"endpoint", "scale", "reader", "reading", NULL};
static const char *const cost_keys[] = {"amount", "currency", NULL};
static const char *const multiplicity_keys[] = {"method", "hypotheses", NULL};
static const char *const hypothesis_keys[] = {"endpoint", "visit", "compare", NULL};
static const char *const estimand_keys[] = {"endpoint", "population", "intercurrent", "summary", NULL};
static const char *const intercurrent_keys[] = {"event", "strategy", NULL};

/* The next map of a list, or NULL when it is none (a fault) or the list is over. */
static const struct yaml *next_map(struct protocol_reader *reader, const struct yaml *list, size_t *at)
{
    while (list != NULL && *at < list->count) {
        const struct yaml *node = list->children[(*at)++];
        if (yaml_expect(node, YAML_MAP, reader->faults))
            return node;
    }
    return NULL;
}

/* The endpoint of `node`, which has models; a fault when it is `known` already. */
static int read_endpoint_once(struct protocol_reader *reader, const struct yaml *node, const char *list,
                              bool modelled, bool (*known)(const struct analysis_plan *plan, int endpoint))
{
    int endpoint = protocol_read_named(reader, node, "endpoint", YAML_REQUIRED, LIST_ENDPOINTS);
    if (endpoint < 0)
        return -1;
    if (modelled)
        protocol_require_model(reader, yaml_find(node, "endpoint"), endpoint);
    if (known(&reader->protocol->plan, endpoint))
        yaml_fault(reader->faults, node, "endpoint \"%.64s\" is in \"%s\" twice; remove one",
                   reader->protocol->endpoints[endpoint].id, list);
    return endpoint;
}

static bool has_margin(const struct analysis_plan *plan, int endpoint)
{
    return plan_find_margin(plan, endpoint) != NULL;
}

static bool has_estimand(const struct analysis_plan *plan, int endpoint)
{
    return plan_find_estimand(plan, endpoint) != NULL;
}

static bool has_imaging(const struct analysis_plan *plan, int endpoint)
{
    return plan_find_imaging(plan, endpoint) != NULL;
}

static void read_margins(struct protocol_reader *reader, const struct yaml *analysis)
{
    struct analysis_plan *plan = &reader->protocol->plan;
    const struct yaml *list = yaml_get_list(analysis, "margins", YAML_OPTIONAL, reader->faults), *node;
    if (list == NULL)
        return;
    struct equivalence_margin *margins =
        memory_new_array(reader->protocol, struct equivalence_margin, list->count);
    plan->margins = margins;
    for (size_t i = 0; (node = next_map(reader, list, &i)) != NULL;) {
        yaml_allow_keys(node, margin_keys, reader->faults);
        struct equivalence_margin margin = {.margin = NAN, .line = node->line};
        margin.endpoint = read_endpoint_once(reader, node, "margins", true, has_margin);
        yaml_get_number(node, "margin", YAML_REQUIRED, &margin.margin, reader->faults);
        if (margin.margin <= 0)
            yaml_fault(reader->faults, yaml_find(node, "margin"),
                       "\"margin\" must be above 0; it reaches to both sides");
        margin.source = protocol_read_text(reader, node, "source", YAML_REQUIRED);
        margins[plan->margin_count++] = margin;
    }
}

static unsigned read_methods(struct protocol_reader *reader, const struct yaml *map)
{
    unsigned chosen = 0;
    size_t count = 0;
    const struct yaml *list = yaml_find(map, "methods");
    const char *const *words = protocol_read_texts(reader, map, "methods", &count);
    if (words == NULL)
        return IMPUTE_J2R;
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        while (imputation_words[at] != NULL && strcmp(imputation_words[at], words[i]) != 0)
            at++;
        if (imputation_words[at] == NULL)
            yaml_fault(reader->faults, list, "unknown method \"%.64s\"; write j2r, cr or cir", words[i]);
        else
            chosen |= 1U << at;   /* enum imputation_method */
    }
    return chosen;
}

static void read_sensitivity(struct protocol_reader *reader, const struct yaml *analysis)
{
    const struct protocol *protocol = reader->protocol;
    struct sensitivity_plan *sensitivity = &reader->protocol->plan.sensitivity;
    const struct yaml *map = yaml_get_map(analysis, "sensitivity", YAML_OPTIONAL, reader->faults);
    *sensitivity = (struct sensitivity_plan){.methods = IMPUTE_J2R, .tipping = true};
    if (map != NULL) {
        yaml_allow_keys(map, sensitivity_keys, reader->faults);
        sensitivity->endpoints = protocol_read_endpoint_list(reader, map, "endpoints", YAML_OPTIONAL,
                                                             &sensitivity->endpoint_count);
        for (size_t i = 0; i < sensitivity->endpoint_count; i++)
            protocol_require_model(reader, yaml_find(map, "endpoints"), sensitivity->endpoints[i]);
        sensitivity->methods = read_methods(reader, map);
        yaml_get_boolean(map, "tipping", YAML_OPTIONAL, &sensitivity->tipping, reader->faults);
        if (protocol->reference == NULL)
            yaml_fault(reader->faults, map,
                       "values are imputed as in the reference cohort, and there is none; "
                       "name one with \"reference\"");
    }
    int primary = protocol->plan.primary_endpoint;
    bool chosen = map != NULL && yaml_find(map, "endpoints") != NULL;
    if (chosen || primary < 0 || protocol->reference == NULL || !plan_has_model(&protocol->plan, primary))
        return;
    int *endpoints = memory_new_array(reader->protocol, int, 1);
    endpoints[0] = primary;
    sensitivity->endpoints = endpoints;
    sensitivity->endpoint_count = 1;
}

static void read_safety(struct protocol_reader *reader, const struct yaml *analysis)
{
    static const int usual[] = {7, 30};
    struct analysis_plan *plan = &reader->protocol->plan;
    const struct yaml *map = yaml_get_map(analysis, "safety", YAML_OPTIONAL, reader->faults);
    plan->safety_periods = usual;
    plan->safety_period_count = sizeof usual / sizeof usual[0];
    if (map == NULL)
        return;
    yaml_allow_keys(map, safety_keys, reader->faults);
    if (yaml_find(map, "periods") != NULL)
        plan->safety_periods = protocol_read_days(reader, map, "periods", (struct yaml_bounds){0, 99999},
                                                  &plan->safety_period_count);
}

static void read_contralateral(struct protocol_reader *reader, const struct yaml *analysis)
{
    struct contralateral_plan *contralateral = &reader->protocol->plan.contralateral;
    const struct yaml *map = yaml_get_map(analysis, "contralateral", YAML_OPTIONAL, reader->faults);
    *contralateral = (struct contralateral_plan){.at_least = NAN, .line = map != NULL ? map->line : 0};
    if (map == NULL)
        return;
    yaml_allow_keys(map, contralateral_keys, reader->faults);
    contralateral->endpoints =
        protocol_read_endpoint_list(reader, map, "endpoints", YAML_REQUIRED, &contralateral->endpoint_count);
    yaml_get_number(map, "at_least", YAML_OPTIONAL, &contralateral->at_least, reader->faults);
}

/* False and a fault when there is no form.item under `key`. */
static bool read_item(struct protocol_reader *reader, const struct yaml *map, const char *key,
                           struct item_reference *item)
{
    *item = (struct item_reference){.key = key, .form = "", .item = ""};
    if (yaml_get_text(map, key, YAML_REQUIRED, reader->faults) == NULL)
        return false;
    const struct yaml *node = yaml_find(map, key);
    item->line = node->line;
    return protocol_read_reference(reader, node, &item->form, &item->item);
}

/* Both items or none, of the endpoint's form. */
static void read_readings(struct protocol_reader *reader, const struct yaml *node, struct imaging_plan *imaging)
{
    static const char *const keys[] = {"reader", "reading"};
    struct item_reference *const items[] = {&imaging->reader, &imaging->reading};
    if (yaml_find(node, keys[0]) == NULL && yaml_find(node, keys[1]) == NULL)
        return;
    imaging->has_readings = true;
    for (size_t i = 0; i < 2; i++) {
        if (!read_item(reader, node, keys[i], items[i])) {
            imaging->has_readings = false;
            continue;
        }
        const char *form = imaging->endpoint >= 0 ? reader->protocol->endpoints[imaging->endpoint].form : NULL;
        if (form != NULL && strcmp(items[i]->form, form) != 0)
            yaml_fault(reader->faults, yaml_find(node, keys[i]),
                       "\"%s\" must be an item of %s, the form of the endpoint, not of %s", keys[i], form,
                       items[i]->form);
        protocol_add_model_item(reader, items[i]);
    }
}

static void read_imaging(struct protocol_reader *reader, const struct yaml *analysis)
{
    struct analysis_plan *plan = &reader->protocol->plan;
    const struct yaml *list = yaml_get_list(analysis, "imaging", YAML_OPTIONAL, reader->faults), *node;
    if (list == NULL)
        return;
    struct imaging_plan *imaging = memory_new_array(reader->protocol, struct imaging_plan, list->count);
    plan->imaging = imaging;
    for (size_t i = 0; (node = next_map(reader, list, &i)) != NULL;) {
        yaml_allow_keys(node, imaging_keys, reader->faults);
        int endpoint = read_endpoint_once(reader, node, "imaging", false, has_imaging);
        int scale = yaml_get_word(node, "scale", YAML_REQUIRED, imaging_scale_words, reader->faults);
        struct imaging_plan *one = &imaging[plan->imaging_count++];
        *one = (struct imaging_plan){.endpoint = endpoint,
                                     .scale = scale == IMAGING_RATIO ? IMAGING_RATIO : IMAGING_DIFFERENCE,
                                     .line = node->line};
        read_readings(reader, node, one);
    }
}

static void read_cost(struct protocol_reader *reader, const struct yaml *analysis)
{
    struct cost_plan *cost = &reader->protocol->plan.cost;
    const struct yaml *map = yaml_get_map(analysis, "cost", YAML_OPTIONAL, reader->faults);
    if (map == NULL)
        return;
    yaml_allow_keys(map, cost_keys, reader->faults);
    bool amount = read_item(reader, map, "amount", &cost->amount);
    bool currency = read_item(reader, map, "currency", &cost->currency);
    cost->analysed = amount && currency;
    if (cost->analysed && strcmp(cost->amount.form, cost->currency.form) != 0)
        yaml_fault(reader->faults, yaml_find(map, "currency"),
                   "amount and currency must be items of one form, not of %s and %s", cost->amount.form,
                   cost->currency.form);
}

static void read_hypothesis(struct protocol_reader *reader, const struct yaml *node,
                            struct planned_hypothesis *hypotheses)
{
    struct multiplicity_plan *multiplicity = &reader->protocol->plan.multiplicity;
    yaml_allow_keys(node, hypothesis_keys, reader->faults);
    struct planned_hypothesis hypothesis;
    hypothesis.endpoint = protocol_read_named(reader, node, "endpoint", YAML_REQUIRED, LIST_ENDPOINTS);
    if (hypothesis.endpoint >= 0)
        protocol_require_model(reader, yaml_find(node, "endpoint"), hypothesis.endpoint);
    hypothesis.visit = protocol_read_later_visit(reader, node, "visit", hypothesis.endpoint);
    hypothesis.contrast = protocol_read_contrast(reader, node, "compare");
    for (size_t i = 0; i < multiplicity->hypothesis_count; i++)
        if (hypotheses[i].endpoint == hypothesis.endpoint && hypotheses[i].visit == hypothesis.visit
            && hypotheses[i].contrast == hypothesis.contrast && hypothesis.contrast >= 0)
            yaml_fault(reader->faults, node, "this hypothesis is here twice; remove one");
    hypotheses[multiplicity->hypothesis_count++] = hypothesis;
}

/* Every contrast at the primary endpoint and visit. */
static void set_default_hypotheses(struct protocol *protocol)
{
    struct analysis_plan *plan = &protocol->plan;
    if (plan->primary_endpoint < 0 || plan->primary_visit < 0
        || !plan_has_model(plan, plan->primary_endpoint))
        return;
    for (size_t i = (size_t)plan->primary_visit; i < protocol->visit_count; i++)
        if (protocol->visits[i].baseline)
            return; /* no change is analysed there */
    struct planned_hypothesis *hypotheses =
        memory_new_array(protocol, struct planned_hypothesis, plan->contrast_count);
    for (size_t i = 0; i < plan->contrast_count; i++)
        hypotheses[i] = (struct planned_hypothesis){plan->primary_endpoint, plan->primary_visit, (int)i};
    plan->multiplicity.hypotheses = hypotheses;
    plan->multiplicity.hypothesis_count = plan->contrast_count;
}

static void read_multiplicity(struct protocol_reader *reader, const struct yaml *analysis)
{
    struct multiplicity_plan *multiplicity = &reader->protocol->plan.multiplicity;
    const struct yaml *map = yaml_get_map(analysis, "multiplicity", YAML_OPTIONAL, reader->faults);
    const struct yaml *list = NULL, *node;
    if (map != NULL) {
        yaml_allow_keys(map, multiplicity_keys, reader->faults);
        int method = yaml_get_word(map, "method", YAML_REQUIRED, multiplicity_words, reader->faults);
        multiplicity->method = method == MULTIPLICITY_ORDERED ? MULTIPLICITY_ORDERED : MULTIPLICITY_HOLM;
        list = yaml_get_list(map, "hypotheses", YAML_OPTIONAL, reader->faults);
        if (yaml_find(map, "hypotheses") == NULL && multiplicity->method == MULTIPLICITY_ORDERED)
            yaml_fault(reader->faults, map, "method ordered tests in an order; give it with \"hypotheses\"");
    }
    if (list == NULL) {
        set_default_hypotheses(reader->protocol);
        return;
    }
    struct planned_hypothesis *hypotheses =
        memory_new_array(reader->protocol, struct planned_hypothesis, list->count);
    multiplicity->hypotheses = hypotheses;
    for (size_t i = 0; (node = next_map(reader, list, &i)) != NULL;)
        read_hypothesis(reader, node, hypotheses);
}

static void read_intercurrent(struct protocol_reader *reader, const struct yaml *map,
                              struct planned_estimand *estimand)
{
    const struct yaml *list = yaml_get_list(map, "intercurrent", YAML_OPTIONAL, reader->faults), *node;
    if (list == NULL)
        return;
    struct intercurrent *events = memory_new_array(reader->protocol, struct intercurrent, list->count);
    estimand->intercurrent = events;
    for (size_t i = 0; (node = next_map(reader, list, &i)) != NULL;) {
        yaml_allow_keys(node, intercurrent_keys, reader->faults);
        struct intercurrent *event = &events[estimand->intercurrent_count++];
        event->event = protocol_read_text(reader, node, "event", YAML_REQUIRED);
        int strategy = yaml_get_word(node, "strategy", YAML_REQUIRED, strategy_words, reader->faults);
        event->strategy = strategy >= 0 ? (enum strategy)strategy : STRATEGY_TREATMENT_POLICY;
    }
}

static void read_estimands(struct protocol_reader *reader, const struct yaml *analysis)
{
    struct analysis_plan *plan = &reader->protocol->plan;
    const struct yaml *list = yaml_get_list(analysis, "estimands", YAML_OPTIONAL, reader->faults), *node;
    if (list == NULL)
        return;
    struct planned_estimand *estimands =
        memory_new_array(reader->protocol, struct planned_estimand, list->count);
    plan->estimands = estimands;
    for (size_t i = 0; (node = next_map(reader, list, &i)) != NULL;) {
        yaml_allow_keys(node, estimand_keys, reader->faults);
        struct planned_estimand estimand = {.line = node->line};
        estimand.endpoint = read_endpoint_once(reader, node, "estimands", false, has_estimand);
        estimand.population = protocol_read_text(reader, node, "population", YAML_REQUIRED);
        estimand.summary = protocol_read_text(reader, node, "summary", YAML_REQUIRED);
        read_intercurrent(reader, node, &estimand);
        estimands[plan->estimand_count++] = estimand;
    }
}

void protocol_read_plan(struct protocol_reader *reader, const struct yaml *analysis)
{
    read_margins(reader, analysis);
    read_sensitivity(reader, analysis);
    read_safety(reader, analysis);
    read_contralateral(reader, analysis);
    read_imaging(reader, analysis);
    read_cost(reader, analysis);
    read_multiplicity(reader, analysis);
    read_estimands(reader, analysis);
}
