/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * T11 overview of adverse events, T12 by system organ class and term: treated subjects, treatment-emergent
 * events.
 */
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/adverse_event.h"
#include "reports/analysis.h"
#include "reports/analysis_rows.h"

struct safety {
    const struct dataset *dataset;
    struct columns columns;
    struct adverse_events list;
    struct results *results;
};

/* Subjects and events of one row, column by column. */
struct tally {
    size_t *subjects;
    size_t *events;
    size_t *last_subject;    /* index + 1 of the subject that was counted last: events come by subject */
};

static struct tally tally_new(const void *owner, size_t columns)
{
    size_t *block = memory_new_array(owner, size_t, memory_size_product(3, columns));
    return (struct tally){block, block + columns, block + 2 * columns};
}

static void tally_clear(struct tally *tally, size_t columns)
{
    memset(tally->subjects, 0, 3 * columns * sizeof tally->subjects[0]);
}

static void tally_count(struct tally *tally, const struct adverse_event *event)
{
    tally->events[event->column]++;
    if (tally->last_subject[event->column] == event->subject + 1)
        return;
    tally->last_subject[event->column] = event->subject + 1;
    tally->subjects[event->column]++;
}

static void add_tally(const struct safety *safety, const char *table, const char *row,
                      const struct tally *tally)
{
    for (size_t c = 0; c < safety->columns.count; c++) {
        const struct column *column = &safety->columns.at[c];
        struct cell cell = {safety->results, table, row, column->name};
        double level = safety->dataset->catalogue->protocol->level;
        struct proportion p = stat_proportion(tally->subjects[c], column->count, level);
        cell_add_count(&cell, "subjects", p.x);
        cell_add_count(&cell, "events", tally->events[c]);
        cell_add_percent(&cell, "pct", p.x, p.n);
        cell_add_limits(&cell, &p);
    }
}

static void refuse_tally(const struct safety *safety, const char *table, const char *row)
{
    for (size_t c = 0; c < safety->columns.count; c++) {
        struct cell cell = {safety->results, table, row, safety->columns.at[c].name};
        cell_add_refused(&cell, "subjects");
    }
}

/* -- T11 ------------------------------------------------------------------------------------------------- */

static bool is_any(const struct adverse_event *event)
{
    return event != NULL;
}

static bool is_related(const struct adverse_event *event)
{
    return event->related;
}

static bool is_relation_missing(const struct adverse_event *event)
{
    return event->relation_missing;
}

static bool is_serious(const struct adverse_event *event)
{
    return event->serious;
}

static bool is_serious_missing(const struct adverse_event *event)
{
    return event->serious_missing;
}

static bool is_serious_related(const struct adverse_event *event)
{
    return event->serious && event->related;
}

static bool is_severe(const struct adverse_event *event)
{
    return event->severity == SEVERITY_SEVERE;
}

static bool is_withdrawal(const struct adverse_event *event)
{
    return event->led_to_withdrawal;
}

static bool is_fatal(const struct adverse_event *event)
{
    return event->fatal;
}

static bool is_interesting(const struct adverse_event *event)
{
    return event->interest != NULL;
}

static bool is_imputed(const struct adverse_event *event)
{
    return event->imputed;
}

static const struct {
    const char *row;
    bool (*counts)(const struct adverse_event *event);
} overview[] = {
    {"any", is_any}, {"related", is_related}, {"related_missing", is_relation_missing},
    {"serious", is_serious}, {"serious_missing", is_serious_missing}, {"serious_related", is_serious_related},
    {"severe", is_severe}, {"withdrawal", is_withdrawal}, {"death", is_fatal},
    {"special_interest", is_interesting}, {"onset_imputed", is_imputed},
};

static void tally_where(const struct safety *safety, bool (*counts)(const struct adverse_event *event),
                        struct tally *tally)
{
    tally_clear(tally, safety->columns.count);
    for (size_t i = 0; i < safety->list.count; i++) {
        if (counts(&safety->list.events[i]))
            tally_count(tally, &safety->list.events[i]);
    }
}

static void add_overview(const struct safety *safety, struct tally *tally)
{
    for (size_t i = 0; i < sizeof overview / sizeof overview[0]; i++) {
        tally_where(safety, overview[i].counts, tally);
        add_tally(safety, "AE overview", overview[i].row, tally);
    }
}

static void add_flags(const struct safety *safety, struct tally *tally)
{
    struct cell cell = {safety->results, "AE flags", "related/serious", NULL};
    size_t *related = memory_new_array(tally->subjects, size_t, safety->columns.count);
    tally_where(safety, is_related, tally);
    memcpy(related, tally->subjects, safety->columns.count * sizeof related[0]);
    tally_where(safety, is_serious, tally);
    for (size_t c = 0; c < safety->columns.count; c++) {
        cell.col = safety->columns.at[c].name;
        cell_add_count(&cell, "related_subjects", related[c]);
        cell_add_count(&cell, "serious_subjects", tally->subjects[c]);
        cell_add_count(&cell, "serious_events", tally->events[c]);
    }
}

/* Each subject once, by its worst severity; SEVERITY_MISSING is the least. */
static void add_severity(const struct safety *safety)
{
    static const char *const rows[] = {"MILD", "MODERATE", "SEVERE", "MISSING"};
    static const enum severity order[] = {SEVERITY_MILD, SEVERITY_MODERATE, SEVERITY_SEVERE,
                                          SEVERITY_MISSING};
    size_t columns = safety->columns.count;
    size_t *counts = memory_new_array(NULL, size_t, memory_size_product(SEVERITY_COUNT, columns));
    const struct adverse_event *events = safety->list.events;
    for (size_t from = 0, to; from < safety->list.count; from = to) {
        enum severity worst = SEVERITY_MISSING;
        for (to = from; to < safety->list.count && events[to].subject == events[from].subject; to++)
            worst = events[to].severity > worst ? events[to].severity : worst;
        counts[(size_t)worst * columns + (size_t)events[from].column]++;
    }
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        for (size_t c = 0; c < columns; c++) {
            struct cell cell = {safety->results, "AE max severity", rows[r], safety->columns.at[c].name};
            cell_add_count(&cell, "subjects", counts[(size_t)order[r] * columns + c]);
        }
    }
    talloc_free(counts);
}

static void add_special_interest(const struct safety *safety, struct tally *tally)
{
    const struct catalogue *catalogue = safety->dataset->catalogue;
    struct codes codes = codes_of_item(tally->subjects, catalogue, "adverse_event", "special_interest");
    for (size_t k = 0; k < codes.count; k++) {
        if (strcmp(codes.at[k], "none") == 0)
            continue;
        if (safety->dataset->pooled && strcmp(codes.at[k], "harvest_site") == 0) {
            refuse_tally(safety, "AE special interest", codes.at[k]);
            continue;
        }
        tally_clear(tally, safety->columns.count);
        for (size_t i = 0; i < safety->list.count; i++) {
            const struct adverse_event *event = &safety->list.events[i];
            if (event->interest != NULL && strcmp(event->interest, codes.at[k]) == 0)
                tally_count(tally, event);
        }
        add_tally(safety, "AE special interest", codes.at[k], tally);
    }
}

/* -- T12 ------------------------------------------------------------------------------------------------- */

/* By name, then in the dataset's order, so that a subject's events stay together. */
struct named_event {
    const char *name;
    const struct adverse_event *event;
};

static int compare_named(const void *a, const void *b)
{
    const struct named_event *x = a;
    const struct named_event *y = b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : (x->event > y->event) - (x->event < y->event);
}

static void add_named(const struct safety *safety, struct named_event *named, size_t count,
                      struct tally *tally)
{
    qsort(named, count, sizeof named[0], compare_named);
    for (size_t from = 0, to; from < count; from = to) {
        tally_clear(tally, safety->columns.count);
        for (to = from; to < count && strcmp(named[to].name, named[from].name) == 0; to++)
            tally_count(tally, named[to].event);
        add_tally(safety, "AE", named[from].name, tally);
    }
}

static void add_terms(const struct safety *safety, struct tally *tally)
{
    struct named_event *named = memory_new_array(NULL, struct named_event, safety->list.count);
    tally_where(safety, is_any, tally);
    add_tally(safety, "AE", "ANY", tally);
    for (size_t i = 0; i < safety->list.count; i++)
        named[i] = (struct named_event){safety->list.events[i].soc, &safety->list.events[i]};
    add_named(safety, named, safety->list.count, tally);
    size_t count = 0;
    for (size_t i = 0; i < safety->list.count; i++) {
        if (!safety->list.events[i].names_arm)
            named[count++] = (struct named_event){safety->list.events[i].term, &safety->list.events[i]};
    }
    add_named(safety, named, count, tally);
    talloc_free(named);
}

void analysis_adverse_events(const struct dataset *dataset, struct results *results)
{
    void *owner = memory_owner(NULL, "adverse events");
    struct safety safety = {
        .dataset = dataset,
        .columns = columns_of_treated(owner, dataset),
        .list = adverse_events_of(owner, dataset),
        .results = results,
    };
    struct tally tally = tally_new(owner, safety.columns.count);
    add_overview(&safety, &tally);
    add_flags(&safety, &tally);
    add_severity(&safety);
    add_special_interest(&safety, &tally);
    add_terms(&safety, &tally);
    talloc_free(owner);
}
