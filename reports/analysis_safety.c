/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * T11 overview of adverse events, T12 by system organ class and term, T14 their rates: treated subjects,
 * treatment-emergent events.
 */
#include <string.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/analysis_safety.h"

/* -- T11 ------------------------------------------------------------------------------------------------- */

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
    event_filter *passes;
} overview[] = {
    {"any", NULL},
    {"related", is_related},
    {"related_missing", is_relation_missing},
    {"serious", is_serious},
    {"serious_missing", is_serious_missing},
    {"serious_related", is_serious_related},
    {"severe", is_severe},
    {"withdrawal", is_withdrawal},
    {"death", is_fatal},
    {"special_interest", is_interesting},
    {"onset_imputed", is_imputed},
};

static void add_overview(const struct safety *safety)
{
    for (size_t i = 0; i < sizeof overview / sizeof overview[0]; i++) {
        tally_row(safety, &safety->rows.at[0], overview[i].passes);
        safety_add_counts(safety, "AE overview", overview[i].row);
        safety_add_differences(safety, "AE overview", overview[i].row);
    }
}

static void add_flags(const struct safety *safety)
{
    struct cell cell = {safety->results, "AE flags", "related/serious", NULL};
    size_t *related = memory_new_array(NULL, size_t, safety->columns.count);
    tally_row(safety, &safety->rows.at[0], is_related);
    for (size_t c = 0; c < safety->columns.count; c++)
        related[c] = safety->tally[c].subjects;
    tally_row(safety, &safety->rows.at[0], is_serious);
    for (size_t c = 0; c < safety->columns.count; c++) {
        cell.col = safety->columns.at[c].name;
        cell_add_count(&cell, "related_subjects", related[c]);
        cell_add_count(&cell, "serious_subjects", safety->tally[c].subjects);
        cell_add_count(&cell, "serious_events", safety->tally[c].events);
    }
    talloc_free(related);
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

static void refuse_row(const struct safety *safety, const char *table, const char *row)
{
    for (size_t c = 0; c < safety->columns.count; c++) {
        struct cell cell = {safety->results, table, row, safety->columns.at[c].name};
        cell_add_refused(&cell, "subjects");
    }
}

static void add_special_interest(const struct safety *safety)
{
    static const char table[] = "AE special interest";
    for (size_t i = 0; i < safety->interests.count; i++) {
        const struct event_row *row = &safety->interests.at[i];
        if (row->refused) {
            refuse_row(safety, table, row->name);
            continue;
        }
        tally_row(safety, row, NULL);
        safety_add_counts(safety, table, row->name);
        safety_add_rates(safety, table, row->name, RATES_WITH_CONTRASTS);
        safety_add_differences(safety, table, row->name);
    }
}

/* -- T12, T14 -------------------------------------------------------------------------------------------- */

/* Rates of terms are told but not compared: so many tests would find something by chance alone. */
static void add_terms(const struct safety *safety)
{
    for (size_t i = 0; i < safety->rows.count; i++) {
        const struct event_row *row = &safety->rows.at[i];
        tally_row(safety, row, NULL);
        safety_add_counts(safety, "AE", row->name);
        safety_add_rates(safety, "AE", row->name, row->term ? RATES_BY_COLUMN : RATES_WITH_CONTRASTS);
        safety_add_differences(safety, "AE", row->name);
    }
}

void analysis_adverse_events(const struct dataset *dataset, struct results *results)
{
    void *owner = memory_owner(NULL, "adverse events");
    struct safety *safety = safety_new(owner, dataset, results);
    add_overview(safety);
    add_flags(safety);
    add_severity(safety);
    add_special_interest(safety);
    add_terms(safety);
    safety_add_parts(safety);
    talloc_free(owner);
}
