/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/protocol_read.h"

#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/form_read.h"

static const char *const endpoint_keys[] = {"id", "title", "score", "mcid", "source", NULL};
static const char *const responder_keys[] = {
    "id",    "title",  "rule", "pain", "function", "global", "endpoint", "improved_by", "improved_percent",
    "state", "source", NULL,
};
static const char *const analysis_keys[] = {
    "reference",     "level",    "lsmeans",         "df",           "covariates", "strata",     "adjustment",
    "subgroups",     "primary",  "completeness",    "baseline",     "compare",    "models",     "margins",
    "sensitivity",   "events",   "index_knee_pain", "safety",       "imaging",    "cost",       "multiplicity",
    "contralateral", "estimands", "claims",         NULL,
};
static const char *const primary_keys[] = {"endpoint", "visit", NULL};
static const char *const rule_words[] = {"omeract_oarsi", NULL};
static const char *const lsmeans_words[] = {"equal", "observed", NULL};
static const char *const df_words[] = {"kenward_roger", "satterthwaite", NULL};

static void read_endpoint(struct protocol_reader *reader, const struct yaml *node, struct endpoint *endpoint)
{
    struct faults *faults = reader->faults;
    yaml_allow_keys(node, endpoint_keys, faults);
    const char *id = form_read_id(node, faults);
    endpoint->id = memory_copy_string(reader->protocol, id != NULL ? id : "");
    endpoint->title = protocol_read_text(reader, node, "title", YAML_OPTIONAL);
    endpoint->source = protocol_read_text(reader, node, "source", YAML_OPTIONAL);
    endpoint->line = node->line;
    endpoint->mcid = NAN;
    yaml_get_number(node, "mcid", YAML_OPTIONAL, &endpoint->mcid, faults);
    if (endpoint->mcid <= 0)
        yaml_fault(faults, yaml_find(node, "mcid"),
                   "\"mcid\" must be above 0; the score says which direction is better");
    if (!isnan(endpoint->mcid) && endpoint->source == NULL)
        yaml_fault(faults, node, "an \"mcid\" needs its \"source\"; add the citation");
    if (yaml_get_text(node, "score", YAML_REQUIRED, faults) != NULL)
        (void)protocol_read_reference(reader, yaml_find(node, "score"), &endpoint->form, &endpoint->score);
    if (id != NULL && protocol_find_endpoint(reader->protocol, id) >= 0)
        yaml_fault(faults, node, "this endpoint is here twice; give it another id");
}

/* The three kinds of threshold; exactly one key may be there. */
static const struct {
    const char *key;
    enum responder_kind kind;
} thresholds[] = {
    {"improved_by", RESPONDER_IMPROVED_BY},
    {"improved_percent", RESPONDER_IMPROVED_PERCENT},
    {"state", RESPONDER_STATE},
};
enum { THRESHOLD_COUNT = 3 };

static void read_threshold_rule(struct protocol_reader *reader, const struct yaml *node,
                                struct responder *responder)
{
    static const char *const domains[] = {"pain", "function", "global"};
    int count = 0;
    responder->endpoints[0] = protocol_read_named(reader, node, "endpoint", YAML_REQUIRED, LIST_ENDPOINTS);
    for (size_t i = 0; i < THRESHOLD_COUNT; i++) {
        if (yaml_find(node, thresholds[i].key) == NULL)
            continue;
        count++;
        responder->kind = thresholds[i].kind;
        yaml_get_number(node, thresholds[i].key, YAML_REQUIRED, &responder->threshold, reader->faults);
        if (responder->kind != RESPONDER_STATE && responder->threshold <= 0)
            yaml_fault(reader->faults, yaml_find(node, thresholds[i].key),
                       "\"%s\" must be above 0; an improvement counts "
                       "upwards whatever the direction of the score",
                       thresholds[i].key);
    }
    if (count != 1)
        yaml_fault(reader->faults, node,
                   "a responder rule needs one of \"improved_by\", \"improved_percent\", \"state\", or "
                   "rule: omeract_oarsi");
    for (size_t i = 0; i < 3; i++)
        if (yaml_find(node, domains[i]) != NULL)
            yaml_fault(reader->faults, yaml_find(node, domains[i]),
                       "\"%s\" belongs to rule: omeract_oarsi; use \"endpoint\"", domains[i]);
}

static void read_omeract_oarsi(struct protocol_reader *reader, const struct yaml *node,
                               struct responder *responder)
{
    responder->kind = RESPONDER_OMERACT_OARSI;
    responder->endpoints[0] = protocol_read_named(reader, node, "pain", YAML_REQUIRED, LIST_ENDPOINTS);
    responder->endpoints[1] = protocol_read_named(reader, node, "function", YAML_REQUIRED, LIST_ENDPOINTS);
    responder->endpoints[2] = protocol_read_named(reader, node, "global", YAML_OPTIONAL, LIST_ENDPOINTS);
    static const char *const others[] = {"endpoint", "improved_by", "improved_percent", "state"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (yaml_find(node, others[i]) != NULL)
            yaml_fault(reader->faults, yaml_find(node, others[i]),
                       "\"%s\" does not fit rule: omeract_oarsi; remove it", others[i]);
}

static void read_responder(struct protocol_reader *reader, const struct yaml *node,
                           struct responder *responder)
{
    struct protocol *protocol = reader->protocol;
    struct faults *faults = reader->faults;
    yaml_allow_keys(node, responder_keys, faults);
    const char *id = form_read_id(node, faults);
    responder->id = memory_copy_string(protocol, id != NULL ? id : "");
    const char *title = protocol_read_text(reader, node, "title", YAML_OPTIONAL);
    responder->title = title != NULL ? title : responder->id;
    responder->source = protocol_read_text(reader, node, "source", YAML_REQUIRED);
    responder->line = node->line;
    responder->threshold = NAN;
    responder->endpoints[1] = responder->endpoints[2] = -1;
    if (yaml_find(node, "rule") == NULL)
        read_threshold_rule(reader, node, responder);
    else if (yaml_get_word(node, "rule", YAML_REQUIRED, rule_words, faults) >= 0)
        read_omeract_oarsi(reader, node, responder);
    for (size_t i = 0; id != NULL && i < protocol->responder_count; i++)
        if (strcmp(protocol->responders[i].id, id) == 0)
            yaml_fault(faults, node, "this responder rule is here twice; give it another id");
}

void protocol_read_endpoints(struct protocol_reader *reader)
{
    struct protocol *protocol = reader->protocol;
    const struct yaml *list = yaml_get_list(reader->root, "endpoints", YAML_OPTIONAL, reader->faults);
    if (list != NULL) {
        struct endpoint *endpoints = memory_new_array(protocol, struct endpoint, list->count);
        protocol->endpoints = endpoints;
        for (size_t i = 0; i < list->count; i++)
            if (yaml_expect(list->children[i], YAML_MAP, reader->faults)) {
                read_endpoint(reader, list->children[i], &endpoints[protocol->endpoint_count]);
                protocol->endpoint_count++;
            }
    }
    list = yaml_get_list(reader->root, "responders", YAML_OPTIONAL, reader->faults);
    if (list == NULL)
        return;
    struct responder *responders = memory_new_array(protocol, struct responder, list->count);
    protocol->responders = responders;
    for (size_t i = 0; i < list->count; i++)
        if (yaml_expect(list->children[i], YAML_MAP, reader->faults)) {
            read_responder(reader, list->children[i], &responders[protocol->responder_count]);
            protocol->responder_count++;
        }
}

static void read_primary(struct protocol_reader *reader, const struct yaml *analysis)
{
    struct protocol *protocol = reader->protocol;
    const struct yaml *primary = yaml_get_map(analysis, "primary", YAML_OPTIONAL, reader->faults);
    if (primary == NULL)
        return;
    yaml_allow_keys(primary, primary_keys, reader->faults);
    int endpoint = protocol_read_named(reader, primary, "endpoint", YAML_REQUIRED, LIST_ENDPOINTS);
    protocol->primary_endpoint = endpoint >= 0 ? protocol->endpoints[endpoint].id : NULL;
    int visit = protocol_read_named(reader, primary, "visit", YAML_REQUIRED, LIST_VISITS);
    protocol->primary_visit = visit >= 0 ? protocol->visits[visit].id : NULL;
    protocol->plan.primary_endpoint = endpoint;
    protocol->plan.primary_visit = visit;
}

static void read_baseline(struct protocol_reader *reader, const struct yaml *analysis)
{
    struct protocol *protocol = reader->protocol;
    const struct yaml *list = yaml_get_list(analysis, "baseline", YAML_OPTIONAL, reader->faults);
    if (list == NULL)
        return;
    struct item_reference *references = memory_new_array(protocol, struct item_reference, list->count);
    protocol->baseline = references;
    for (size_t i = 0; i < list->count; i++) {
        struct item_reference *reference = &references[protocol->baseline_count];
        reference->key = "baseline";
        reference->line = list->children[i]->line;
        if (protocol_read_reference(reader, list->children[i], &reference->form, &reference->item))
            protocol->baseline_count++;
    }
}

static void set_analysis_defaults(struct protocol *protocol)
{
    protocol->level = 0.95;
    protocol->lsmeans_equal = true;
    protocol->df = "kenward_roger";
    protocol->completeness_endpoint = protocol->index_knee_pain = protocol->endpoint_count > 0 ? 0 : -1;
    protocol->plan.primary_endpoint = protocol->plan.primary_visit = PLAN_NONE;
}

/* The endpoint that `key` names; the primary one when it is absent, and without that the first. */
static void read_chosen_endpoint(struct protocol_reader *reader, const struct yaml *analysis, const char *key,
                                 int *chosen)
{
    const struct protocol *protocol = reader->protocol;
    if (protocol->primary_endpoint != NULL)
        *chosen = protocol_find_endpoint(protocol, protocol->primary_endpoint);
    int named = protocol_read_named(reader, analysis, key, YAML_OPTIONAL, LIST_ENDPOINTS);
    if (named >= 0)
        *chosen = named;
}

static void read_estimation(struct protocol_reader *reader, const struct yaml *analysis)
{
    struct protocol *protocol = reader->protocol;
    struct faults *faults = reader->faults;
    yaml_get_number(analysis, "level", YAML_OPTIONAL, &protocol->level, faults);
    if (!(protocol->level > 0.5 && protocol->level < 1))
        yaml_fault(faults, yaml_find(analysis, "level"), "\"level\" must lie between 0.5 and 1, as in 0.95");
    protocol->lsmeans_equal = yaml_get_word(analysis, "lsmeans", YAML_OPTIONAL, lsmeans_words, faults) != 1;
    int df = yaml_get_word(analysis, "df", YAML_OPTIONAL, df_words, faults);
    protocol->df = df_words[df > 0 ? df : 0];
}

void protocol_read_analysis(struct protocol_reader *reader)
{
    struct protocol *protocol = reader->protocol;
    struct faults *faults = reader->faults;
    set_analysis_defaults(protocol);
    static const struct yaml nothing = {.kind = YAML_MAP};   /* its parts set their defaults */
    const struct yaml *analysis = yaml_get_map(reader->root, "analysis", YAML_OPTIONAL, faults);
    if (analysis == NULL)
        analysis = &nothing;
    yaml_allow_keys(analysis, analysis_keys, faults);
    int cohort = protocol_read_named(reader, analysis, "reference", YAML_OPTIONAL, LIST_COHORTS);
    protocol->reference = cohort >= 0 ? protocol->cohorts[cohort].id : NULL;
    read_estimation(reader, analysis);
    read_primary(reader, analysis);
    read_chosen_endpoint(reader, analysis, "completeness", &protocol->completeness_endpoint);
    read_chosen_endpoint(reader, analysis, "index_knee_pain", &protocol->index_knee_pain);
    read_baseline(reader, analysis);
    protocol_read_models(reader, analysis);
    protocol_read_subgroups(reader, analysis);
    protocol_read_events(reader, analysis);
    protocol_read_plan(reader, analysis);
    protocol_read_claims(reader, analysis);
}
