/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which visits the events of LibreClinica's wide columns are: E1, E2 ..., named in the lines above the header. */
#include <ctype.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "forms/upload_planning.h"

enum { EVENTS_SAID = 12 };

/* Without blanks, and the quotes that a spreadsheet puts, around it. */
static char *trim(char *cell)
{
    size_t length = strlen(cell);
    while (length > 0 && (isspace((unsigned char)cell[length - 1]) || cell[length - 1] == '"'))
        cell[--length] = '\0';
    while (isspace((unsigned char)*cell) || *cell == '"')
        cell++;
    return cell;
}

/* "Baseline" of "Study Event Definition 1<TAB>Baseline<TAB>E1", which is taken apart; NULL: it names another thing. */
static const char *name_in_line(char *line, char delimiter, const char *event)
{
    const char *before = NULL, *last = NULL;
    size_t count = 0;
    for (char *cell = line, *next; cell != NULL; cell = next) {
        next = strchr(cell, delimiter);
        if (next != NULL)
            *next++ = '\0';
        cell = trim(cell);
        if (*cell == '\0')
            continue;            /* a spreadsheet makes all lines as long as the longest */
        before = last;
        last = cell;
        count++;
    }
    return count >= 3 && upload_same_name(last, event) ? before : NULL;
}

char *upload_event_name(const void *owner, const struct csv_dialect *dialect, const char *event)
{
    char *found = NULL, *rest = NULL;
    char *lines = memory_copy_string(owner, dialect->banner != NULL ? dialect->banner : "");
    for (char *line = strtok_r(lines, "\r\n", &rest); line != NULL && found == NULL;
         line = strtok_r(NULL, "\r\n", &rest)) {
        const char *name = name_in_line(line, dialect->delimiter, event);
        found = name != NULL ? memory_copy_string(owner, name) : NULL;
    }
    talloc_free(lines);
    return found;
}

/* The profile's word for it stands above the export's own name, and that above an accidental likeness of the code. */
static struct wide_event make_out(const struct planning *planning, const char *code)
{
    const struct upload_plan *plan = planning->plan;
    struct wide_event event = {.code = code, .name = upload_event_name(planning->scratch, &plan->dialect, code)};
    event.visit = upload_visit_in_profile(plan->profile, code);
    if (event.visit == NULL && event.name != NULL) {
        event.visit = upload_visit_of(plan->catalogue, plan->profile, event.name);
        event.by_name = event.visit != NULL;
    }
    if (event.visit == NULL)
        event.visit = upload_visit_of(plan->catalogue, plan->profile, code);
    return event;
}

const struct wide_event *upload_find_event(const struct planning *planning, const char *code)
{
    for (size_t i = 0; i < planning->event_count; i++)
        if (strcmp(planning->events[i].code, code) == 0)
            return &planning->events[i];
    return NULL;
}

const char *upload_visit_of_event(struct planning *planning, const char *code)
{
    const struct wide_event *known = upload_find_event(planning, code);
    if (known == NULL) {
        planning->events = memory_resize_array(planning->scratch, planning->events, struct wide_event,
                                               planning->event_count + 1);
        planning->events[planning->event_count] = make_out(planning, code);
        known = &planning->events[planning->event_count++];
    }
    return known->visit;
}

void upload_say_events(struct planning *planning)
{
    struct text *said = text_new(planning->scratch);
    size_t count = 0;
    for (size_t i = 0; i < planning->event_count; i++) {
        const struct wide_event *event = &planning->events[i];
        if (event->by_name && count++ < EVENTS_SAID)
            text_append_format(said, "%sE%s \"%.60s\" is %s", count == 1 ? "" : ", ", event->code + 1, event->name,
                               event->visit);
    }
    if (count > EVENTS_SAID)
        text_append_format(said, " and %zu more", count - EVENTS_SAID);
    if (count > 0)
        upload_finding_add(planning->findings, UPLOAD_ASSUMED, "visit", NULL,
                           "visits of events by their names above the header: %s", said->bytes);
}
