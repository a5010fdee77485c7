/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names that one part of a protocol uses for another. */
#include <string.h>

#include "forms/base/memory.h"
#include "forms/protocol_read.h"
#include "forms/suggestion.h"

/* Things whose first member is their id. */
struct things {
    const char *what;
    const void *first;
    size_t size, count;
};

static struct things things_of(const struct protocol *protocol, enum protocol_list list)
{
    const struct analysis_plan *plan = &protocol->plan;
    switch (list) {
    case LIST_COHORTS:
        return (struct things){"cohort", protocol->cohorts, sizeof(struct cohort), protocol->cohort_count};
    case LIST_VISITS:
        return (struct things){"visit", protocol->visits, sizeof(struct visit), protocol->visit_count};
    case LIST_ENDPOINTS:
        return (struct things){"endpoint", protocol->endpoints, sizeof(struct endpoint),
                               protocol->endpoint_count};
    case LIST_RESPONDERS:
        return (struct things){"responder", protocol->responders, sizeof(struct responder),
                               protocol->responder_count};
    case LIST_SUBGROUPS:
        return (struct things){"subgroup", plan->subgroups, sizeof(struct subgroup), plan->subgroup_count};
    case LIST_EVENTS: break;
    }
    return (struct things){"event", plan->events, sizeof(struct timed_event), plan->event_count};
}

static const char *id_at(const struct things *things, size_t index)
{
    const char *id;
    memcpy(&id, (const char *)things->first + index * things->size, sizeof id);
    return id;
}

int protocol_find_in(const struct protocol *protocol, enum protocol_list list, const char *id)
{
    struct things things = things_of(protocol, list);
    for (size_t i = 0; i < things.count; i++)
        if (strcmp(id_at(&things, i), id) == 0)
            return (int)i;
    return -1;
}

int protocol_read_index(struct protocol_reader *reader, const struct yaml *node, enum protocol_list list)
{
    const char *id = yaml_text(node, reader->faults);
    if (id == NULL)
        return -1;
    int index = protocol_find_in(reader->protocol, list, id);
    if (index >= 0)
        return index;
    struct things things = things_of(reader->protocol, list);
    struct suggestion suggestion = suggestion_begin(id);
    for (size_t i = 0; i < things.count; i++)
        suggestion_offer(&suggestion, id_at(&things, i));
    char hint[SUGGESTION_TEXT_SIZE];
    suggestion_format(&suggestion, hint);
    if (hint[0] != '\0')
        yaml_fault(reader->faults, node, "no %s \"%.64s\" in this protocol%s", things.what, id, hint);
    else
        yaml_fault(reader->faults, node, "no %s \"%.64s\" in this protocol; name one of \"%ss\"", things.what,
                   id, things.what);
    return -1;
}

int protocol_read_named(struct protocol_reader *reader, const struct yaml *map, const char *key,
                        enum yaml_need need, enum protocol_list list)
{
    if (yaml_get_text(map, key, need, reader->faults) == NULL)
        return -1;
    return protocol_read_index(reader, yaml_find(map, key), list);
}

int *protocol_read_endpoint_list(struct protocol_reader *reader, const struct yaml *map, const char *key,
                                 enum yaml_need need, size_t *count)
{
    *count = 0;
    const struct yaml *list = yaml_get_list(map, key, need, reader->faults);
    if (list == NULL)
        return NULL;
    int *endpoints = memory_new_array(reader->protocol, int, list->count);
    for (size_t i = 0; i < list->count; i++) {
        int endpoint = protocol_read_index(reader, list->children[i], LIST_ENDPOINTS);
        if (endpoint < 0)
            continue;
        for (size_t j = 0; j < *count; j++)
            if (endpoints[j] == endpoint)
                yaml_fault(reader->faults, list->children[i], "\"%.64s\" is in \"%s\" twice; remove one",
                           reader->protocol->endpoints[endpoint].id, key);
        endpoints[(*count)++] = endpoint;
    }
    return endpoints;
}

bool protocol_read_pair(struct protocol_reader *reader, const struct yaml *node,
                        struct cohort_contrast *contrast)
{
    if (!yaml_expect(node, YAML_LIST, reader->faults))
        return false;
    if (node->count != 2) {
        yaml_fault(reader->faults, node,
                   "a comparison is two cohorts, [cohort, against]; here stand %zu entries", node->count);
        return false;
    }
    contrast->cohort = protocol_read_index(reader, node->children[0], LIST_COHORTS);
    contrast->against = protocol_read_index(reader, node->children[1], LIST_COHORTS);
    contrast->line = node->line;
    if (contrast->cohort < 0 || contrast->against < 0)
        return false;
    if (contrast->cohort != contrast->against)
        return true;
    yaml_fault(reader->faults, node, "%s cannot be compared with itself; name another cohort",
               reader->protocol->cohorts[contrast->cohort].id);
    return false;
}

int protocol_read_contrast(struct protocol_reader *reader, const struct yaml *map, const char *key)
{
    const struct protocol *protocol = reader->protocol;
    const struct yaml *node = yaml_find(map, key);
    struct cohort_contrast contrast = {0};
    if (node == NULL) {
        yaml_fault(reader->faults, map, "\"%s\" is missing; add it, as in [cohort, against]", key);
        return -1;
    }
    if (!protocol_read_pair(reader, node, &contrast))
        return -1;
    int index = plan_find_contrast(&protocol->plan, contrast.cohort, contrast.against);
    const char *cohort = protocol->cohorts[contrast.cohort].id,
               *against = protocol->cohorts[contrast.against].id;
    if (index < 0 && plan_find_contrast(&protocol->plan, contrast.against, contrast.cohort) >= 0)
        yaml_fault(reader->faults, node,
                   "the analysis compares [%s, %s]; turn the two round, and the sign of a value", against,
                   cohort);
    else if (index < 0)
        yaml_fault(reader->faults, node, "the analysis does not compare [%s, %s]; add it to \"compare\"",
                   cohort, against);
    return index;
}

void protocol_require_model(struct protocol_reader *reader, const struct yaml *node, int endpoint)
{
    if (endpoint >= 0 && !plan_has_model(&reader->protocol->plan, endpoint))
        yaml_fault(reader->faults, node, "endpoint \"%.64s\" is not among \"models\"; add it there",
                   reader->protocol->endpoints[endpoint].id);
}

int protocol_read_later_visit(struct protocol_reader *reader, const struct yaml *map, const char *key,
                              int endpoint)
{
    const struct protocol *protocol = reader->protocol;
    int index = protocol_read_named(reader, map, key, YAML_REQUIRED, LIST_VISITS);
    if (index < 0)
        return -1;
    const struct visit *visit = &protocol->visits[index];
    for (size_t i = (size_t)index; i < protocol->visit_count; i++)
        if (protocol->visits[i].baseline) {
            yaml_fault(reader->faults, yaml_find(map, key),
                       "visit %s does not lie after the baseline visit; name a later one", visit->id);
            return -1;
        }
    const char *form = endpoint >= 0 ? protocol->endpoints[endpoint].form : NULL;
    if (form == NULL || protocol_form_is_due(visit, form))
        return index;
    yaml_fault(reader->faults, yaml_find(map, key),
               "at visit %s the form %s of endpoint %s is not due; name another visit, or add the form to it",
               visit->id, form, protocol->endpoints[endpoint].id);
    return -1;
}

int *protocol_read_days(struct protocol_reader *reader, const struct yaml *map, const char *key,
                        struct yaml_bounds bounds, size_t *count)
{
    *count = 0;
    const struct yaml *list = yaml_get_list(map, key, YAML_OPTIONAL, reader->faults);
    if (list == NULL)
        return NULL;
    int *days = memory_new_array(reader->protocol, int, list->count);
    for (size_t i = 0; i < list->count; i++) {
        const char *text = yaml_text(list->children[i], reader->faults);
        int64_t day = 0;
        if (text == NULL)
            continue;
        if (!text_to_int64(text, &day) || day < bounds.least || day > bounds.most) {
            yaml_fault(reader->faults, list->children[i],
                       "\"%s\" must hold whole numbers of days from %d to %d, not \"%.64s\"", key,
                       bounds.least, bounds.most, text);
            continue;
        }
        if (*count > 0 && day <= days[*count - 1])
            yaml_fault(reader->faults, list->children[i], "\"%s\" must rise; %d stands behind %d", key,
                       (int)day, days[*count - 1]);
        days[(*count)++] = (int)day;
    }
    return days;
}

void protocol_add_model_item(struct protocol_reader *reader, const struct item_reference *reference)
{
    struct protocol *protocol = reader->protocol;
    struct item_reference *items = memory_resize_array(protocol, (void *)protocol->model_items,
                                                       struct item_reference, protocol->model_item_count + 1);
    items[protocol->model_item_count++] = *reference;
    protocol->model_items = items;
}
