/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/analysis_safety.h"

#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/stat_rate.h"

#define DAYS_A_YEAR 365.25
#define PERSON_YEARS 100 /* rates are per so many */

/* -- rows of events -------------------------------------------------------------------------------------- */

/* A name of events: mostly they share its text, so that texts are compared once and not for each event. */
struct name {
    const char *text;
    uint32_t number; /* in order of first occurrence of the text's place */
};

struct naming {
    struct name *names;
    size_t count;
    uint32_t *number; /* of each event's name; NO_NAME */
};

enum { NO_NAME = UINT32_MAX };

static const char *class_of(const struct adverse_event *event)
{
    return event->soc;
}

static const char *term_of(const struct adverse_event *event)
{
    return event->names_arm ? NULL : event->term;
}

/* The slot of a text's place: number of its name + 1, 0 where free. */
static uint32_t *find_place(const struct naming *naming, uint32_t *slots, size_t mask, const char *text)
{
    size_t at = (size_t)((uintptr_t)text * UINT64_C(0x9E3779B97F4A7C15) >> 32) & mask;
    while (slots[at] != 0 && naming->names[slots[at] - 1].text != text)
        at = (at + 1) & mask;
    return &slots[at];
}

static struct naming number_names(const void *owner, const struct adverse_events *list,
                                  const char *(*name_of)(const struct adverse_event *event))
{
    size_t slot_count = 2;
    while (slot_count < memory_size_product(list->count, 2))
        slot_count *= 2;
    uint32_t *slots = memory_new_array(owner, uint32_t, slot_count);
    struct naming naming = {memory_new_array(owner, struct name, list->count), 0,
                            memory_new_array(owner, uint32_t, list->count)};
    for (size_t i = 0; i < list->count; i++) {
        const char *text = name_of(&list->events[i]);
        uint32_t *slot = text != NULL ? find_place(&naming, slots, slot_count - 1, text) : NULL;
        if (slot != NULL && *slot == 0) {
            naming.names[naming.count] = (struct name){text, (uint32_t)naming.count};
            *slot = (uint32_t)++naming.count;
        }
        naming.number[i] = slot != NULL ? *slot - 1 : NO_NAME;
    }
    talloc_free(slots);
    return naming;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

/* Appends a row for each distinct name, in byte order. */
static void append_rows(const void *owner, struct safety *safety, bool term)
{
    void *scratch = memory_owner(NULL, "names of events");
    const struct adverse_events *list = &safety->list;
    struct naming naming = number_names(scratch, list, term ? term_of : class_of);
    qsort(naming.names, naming.count, sizeof naming.names[0], compare_names);
    struct event_rows *rows = &safety->rows;
    rows->at =
        memory_resize_array(owner, rows->at, struct event_row, memory_size_sum(rows->count, naming.count));
    size_t *row_of = memory_new_array(scratch, size_t, naming.count), first = rows->count;
    for (size_t i = 0; i < naming.count; i++) {
        const char *text = naming.names[i].text;
        if (i == 0 || strcmp(naming.names[i - 1].text, text) != 0)
            rows->at[rows->count++] = (struct event_row){.name = text, .term = term};
        row_of[naming.names[i].number] = rows->count - 1;
    }
    for (size_t i = 0; i < list->count; i++) {
        if (naming.number[i] != NO_NAME)
            rows->at[row_of[naming.number[i]]].count++;
    }
    uint32_t *events = memory_new_array(owner, uint32_t, list->count);
    uint32_t **next = memory_new_array(scratch, uint32_t *, rows->count);
    for (size_t r = first; r < rows->count; r++) {
        rows->at[r].events = next[r] = events;
        events += rows->at[r].count;
    }
    for (size_t i = 0; i < list->count; i++) {
        if (naming.number[i] != NO_NAME)
            *next[row_of[naming.number[i]]]++ = (uint32_t)i;
    }
    talloc_free(scratch);
}

static void list_rows(const void *owner, struct safety *safety)
{
    uint32_t *all = memory_new_array(owner, uint32_t, safety->list.count);
    for (size_t i = 0; i < safety->list.count; i++)
        all[i] = (uint32_t)i;
    safety->rows.at = memory_new_array(owner, struct event_row, 1);
    safety->rows.at[0] = (struct event_row){.name = "ANY", .events = all, .count = safety->list.count};
    safety->rows.count = 1;
    append_rows(owner, safety, false);
    append_rows(owner, safety, true);
}

static void list_interests(const void *owner, struct safety *safety)
{
    const struct adverse_events *list = &safety->list;
    struct codes codes =
        codes_of_item(owner, safety->dataset->catalogue, "adverse_event", "special_interest");
    struct event_row *rows = memory_new_array(owner, struct event_row, codes.count);
    uint32_t **events = memory_new_array(owner, uint32_t *, codes.count);
    for (size_t k = 0; k < codes.count; k++) {
        bool refused = safety->dataset->pooled && strcmp(codes.at[k], HARVEST_SITE) == 0;
        rows[k] = (struct event_row){.name = codes.at[k], .refused = refused};
    }
    /* Counted first, so that each row has the room that it needs. */
    for (int fill = 0; fill < 2; fill++) {
        for (size_t k = 0; k < codes.count; k++) {
            if (fill == 1)
                rows[k].events = events[k] = memory_new_array(owner, uint32_t, rows[k].count);
            rows[k].count = 0;
        }
        for (size_t i = 0; i < list->count; i++) {
            const char *interest = list->events[i].interest;
            size_t k = interest != NULL ? codes_find(&codes, interest) : codes.count;
            if (k == codes.count || rows[k].refused)
                continue;
            if (fill == 1)
                events[k][rows[k].count] = (uint32_t)i;
            rows[k].count++;
        }
    }
    for (size_t k = 0; k < codes.count; k++) {
        if (strcmp(rows[k].name, "none") != 0)
            rows[safety->interests.count++] = rows[k];
    }
    safety->interests.at = rows;
}

/* -- follow-up ------------------------------------------------------------------------------------------- */

static void add_follow_up(const void *owner, struct safety *safety)
{
    safety->days = memory_new_array(owner, int64_t, safety->columns.count);
    for (size_t c = 0; c < safety->columns.count; c++) {
        const struct column *column = &safety->columns.at[c];
        for (size_t i = 0; i < column->count; i++)
            safety->days[c] += adverse_event_follow_up(&safety->dataset->subjects[column->subjects[i]]);
    }
}

/* An onset that may be before the treatment counts as on its day, one after the last contact as on that. */
static int32_t day_of(const struct subject *subject, const struct adverse_event *event, int32_t follow_up)
{
    date_days day1 = adverse_event_day_1(subject);
    if (event->onset_first == DATE_NONE || event->onset_first < day1)
        return 1;
    int32_t day = event->onset_first - day1 + 1;
    return day < follow_up ? day : follow_up;
}

static void add_facts(const void *owner, struct safety *safety)
{
    struct event_fact *facts = memory_new_array(owner, struct event_fact, safety->list.count);
    for (size_t i = 0; i < safety->list.count; i++) {
        const struct adverse_event *event = &safety->list.events[i];
        const struct subject *subject = &safety->dataset->subjects[event->subject];
        int32_t follow_up = adverse_event_follow_up(subject);
        facts[i] = (struct event_fact){
            .subject = (uint32_t)event->subject,
            .day = day_of(subject, event, follow_up),
            .follow_up = follow_up,
            .column = (uint16_t)event->column,
            .severity = (uint8_t)event->severity,
            .related = event->related,
            .relation_missing = event->relation_missing,
            .serious = event->serious,
        };
    }
    safety->facts = facts;
}

struct safety *safety_new(const void *owner, const struct dataset *dataset, struct results *results)
{
    struct safety *safety = memory_new(owner, struct safety);
    safety->dataset = dataset;
    safety->level = dataset->catalogue->protocol->level;
    safety->columns = columns_of_treated(safety, dataset);
    safety->contrasts = contrasts_of(safety, dataset);
    safety->list = adverse_events_of(safety, dataset);
    safety->results = results;
    safety->tally = memory_new_array(safety, struct tally, safety->columns.count);
    add_follow_up(safety, safety);
    add_facts(safety, safety);
    list_rows(safety, safety);
    list_interests(safety, safety);
    return safety;
}

/* -- tally ----------------------------------------------------------------------------------------------- */

void tally_clear(const struct safety *safety)
{
    for (size_t c = 0; c < safety->columns.count; c++)
        safety->tally[c] = (struct tally){.days = safety->days[c]};
}

void tally_count(const struct safety *safety, size_t event)
{
    const struct event_fact *fact = &safety->facts[event];
    struct tally *tally = &safety->tally[fact->column];
    tally->events++;
    if (tally->last_subject != (size_t)fact->subject + 1) {
        tally->last_subject = (size_t)fact->subject + 1;
        tally->first = fact->follow_up;
        tally->subjects++;
    }
    if (fact->day < tally->first) {
        tally->days -= tally->first - fact->day;
        tally->first = fact->day;
    }
}

void tally_row(const struct safety *safety, const struct event_row *row, event_filter *passes)
{
    tally_clear(safety);
    for (size_t i = 0; i < row->count; i++) {
        if (passes == NULL || passes(&safety->list.events[row->events[i]]))
            tally_count(safety, row->events[i]);
    }
}

/* -- result rows ----------------------------------------------------------------------------------------- */

void safety_add_counts(const struct safety *safety, const char *table, const char *row)
{
    for (size_t c = 0; c < safety->columns.count; c++) {
        const struct tally *tally = &safety->tally[c];
        struct cell cell = {safety->results, table, row, safety->columns.at[c].name};
        struct proportion p = stat_proportion(tally->subjects, safety->columns.at[c].count, safety->level);
        cell_add_count(&cell, "subjects", p.x);
        cell_add_count(&cell, "events", tally->events);
        cell_add_percent(&cell, "pct", p.x, p.n);
        cell_add_limits(&cell, &p);
    }
}

void safety_add_differences(const struct safety *safety, const char *table, const char *row)
{
    for (size_t i = 0; i < safety->contrasts.count; i++) {
        const struct contrast *contrast = &safety->contrasts.at[i];
        struct cell cell = {safety->results, table, row, contrast->name};
        struct proportion_pair pair = {
            safety->tally[contrast->a].subjects,
            safety->columns.at[contrast->a].count,
            safety->tally[contrast->b].subjects,
            safety->columns.at[contrast->b].count,
        };
        cell_add_risk_difference(&cell, &pair, safety->level);
    }
}

static struct rate first_events(const struct tally *tally)
{
    return (struct rate){tally->subjects, (double)tally->days / DAYS_A_YEAR};
}

static struct rate all_events(const struct safety *safety, size_t column)
{
    return (struct rate){safety->tally[column].events, (double)safety->days[column] / DAYS_A_YEAR};
}

/* Names of a rate's ratio and difference in the results. */
struct rate_names {
    const char *ratio[4], *difference[4];
};

static void add_comparison(const struct safety *safety, const struct cell *cell, const struct rate *a,
                           const struct rate *b, const struct rate_names *names)
{
    struct estimate ratio = stat_rate_ratio(a, b, safety->level);
    struct estimate difference = stat_rate_difference(a, b, PERSON_YEARS, safety->level);
    cell_add_estimate(cell, names->ratio, &ratio);
    cell_add_estimate(cell, names->difference, &difference);
}

void safety_add_rates(const struct safety *safety, const char *table, const char *row, enum rate_part part)
{
    static const struct rate_names incidence = {{"irr", "irr_lo", "irr_hi", "irr_p"},
                                                {"ird", "ird_lo", "ird_hi", NULL}};
    static const struct rate_names recurrent = {{"err", "err_lo", "err_hi", NULL},
                                                {"erd", "erd_lo", "erd_hi", NULL}};
    for (size_t c = 0; c < safety->columns.count; c++) {
        struct cell cell = {safety->results, table, row, safety->columns.at[c].name};
        struct rate first = first_events(&safety->tally[c]), all = all_events(safety, c);
        struct estimate incidence_rate = stat_rate(&first, PERSON_YEARS, safety->level);
        struct estimate event_rate = stat_rate(&all, PERSON_YEARS, safety->level);
        cell_add(&cell, "py", first.time);
        cell_add_estimate(&cell, (const char *const[4]){"eair100", "eair_lo", "eair_hi", NULL},
                          &incidence_rate);
        cell_add_estimate(&cell, (const char *const[4]){"rate100", "rate_lo", "rate_hi", NULL}, &event_rate);
    }
    for (size_t i = 0; part == RATES_WITH_CONTRASTS && i < safety->contrasts.count; i++) {
        size_t a = safety->contrasts.at[i].a, b = safety->contrasts.at[i].b;
        struct cell cell = {safety->results, table, row, safety->contrasts.at[i].name};
        struct rate first[2] = {first_events(&safety->tally[a]), first_events(&safety->tally[b])};
        struct rate all[2] = {all_events(safety, a), all_events(safety, b)};
        add_comparison(safety, &cell, &first[0], &first[1], &incidence);
        add_comparison(safety, &cell, &all[0], &all[1], &recurrent);
    }
}
