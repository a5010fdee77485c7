/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/base/memory.h"
#include "forms/form_read.h"
#include "forms/protocol_read.h"

static const char *const event_keys[] = {"id",        "title",   "form",       "when", "date", "knee",
                                         "competing", "horizon", "favourable", "days", "among", NULL};
static const char *const among_keys[] = {"item", "codes", NULL};
static const char *const competing_words[] = {"none", "death", NULL};
static const struct yaml_bounds study_days = {1, 99999};

/* Targets of the visits after baseline. */
static int *later_targets(const struct protocol *protocol, size_t *count)
{
    int *days = memory_new_array(protocol, int, protocol->visit_count);
    *count = 0;
    for (size_t i = 0; i < protocol->visit_count; i++) {
        int target = protocol->visits[i].target;
        if (target > 1 && (*count == 0 || target > days[*count - 1]))
            days[(*count)++] = target;
    }
    return days;
}

/* A form's or item's id under `key`; NULL when absent, or no id (a fault). */
static const char *read_id(struct protocol_reader *reader, const struct yaml *map, const char *key,
                           enum yaml_need need)
{
    const char *id = protocol_read_text(reader, map, key, need);
    if (id == NULL || form_is_id(id))
        return id;
    yaml_fault(reader->faults, yaml_find(map, key),
               "\"%.64s\" is no id; \"%s\" names %s, in small letters, digits and _", id, key,
               key[0] == 'f' ? "a form" : "an item of the event's form");
    return NULL;
}

static void read_among(struct protocol_reader *reader, const struct yaml *node, struct timed_event *event)
{
    const struct yaml *map = yaml_get_map(node, "among", YAML_OPTIONAL, reader->faults);
    if (map == NULL)
        return;
    yaml_allow_keys(map, among_keys, reader->faults);
    event->among = (struct item_reference){.key = "among", .form = "", .item = "", .line = map->line};
    event->among_codes = protocol_read_texts(reader, map, "codes", &event->among_count);
    if (event->among_count == 0)
        yaml_fault(reader->faults, map, "\"codes\" is missing or empty; name the answers of those who are studied");
    if (yaml_get_text(map, "item", YAML_REQUIRED, reader->faults) != NULL
        && protocol_read_reference(reader, yaml_find(map, "item"), &event->among.form, &event->among.item))
        protocol_add_model_item(reader, &event->among);
}

static void read_event(struct protocol_reader *reader, const struct yaml *node, struct timed_event *event)
{
    struct protocol *protocol = reader->protocol;
    struct faults *faults = reader->faults;
    yaml_allow_keys(node, event_keys, faults);
    const char *id = form_read_id(node, faults);
    event->id = memory_copy_string(protocol, id != NULL ? id : "");
    event->line = node->line;
    const char *title = protocol_read_text(reader, node, "title", YAML_OPTIONAL);
    event->title = title != NULL ? title : event->id;
    event->form = read_id(reader, node, "form", YAML_REQUIRED);
    event->when = protocol_read_text(reader, node, "when", YAML_OPTIONAL);
    event->date = read_id(reader, node, "date", YAML_OPTIONAL);
    event->knee = yaml_get_word(node, "knee", YAML_OPTIONAL, event_knee_words, faults) == EVENT_ANY_KNEE
                      ? EVENT_ANY_KNEE
                      : EVENT_INDEX_KNEE;
    event->death_competes = yaml_get_word(node, "competing", YAML_OPTIONAL, competing_words, faults) == 1;
    yaml_get_boolean(node, "favourable", YAML_OPTIONAL, &event->favourable, faults);
    event->days = protocol_read_days(reader, node, "days", study_days, &event->day_count);
    if (yaml_find(node, "days") == NULL)
        event->days = later_targets(protocol, &event->day_count);
    read_among(reader, node, event);
    event->horizon = protocol->visit_count > 0 ? protocol->visits[protocol->visit_count - 1].target : 1;
    yaml_get_integer(node, "horizon", YAML_OPTIONAL, study_days, &event->horizon, faults);
    if (id != NULL && protocol_find_in(protocol, LIST_EVENTS, id) >= 0)
        yaml_fault(faults, node, "this event is here twice; give it another id");
}

void protocol_read_events(struct protocol_reader *reader, const struct yaml *analysis)
{
    struct analysis_plan *plan = &reader->protocol->plan;
    const struct yaml *list = yaml_get_list(analysis, "events", YAML_OPTIONAL, reader->faults);
    if (list == NULL)
        return;
    struct timed_event *events = memory_new_array(reader->protocol, struct timed_event, list->count);
    plan->events = events;
    for (size_t i = 0; i < list->count; i++)
        if (yaml_expect(list->children[i], YAML_MAP, reader->faults)) {
            read_event(reader, list->children[i], &events[plan->event_count]);
            plan->event_count++;
        }
}
