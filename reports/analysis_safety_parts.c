/* SPDX-License-Identifier: GPL-3.0-or-later */
/* T13: adverse events by worst severity, by relation, serious ones, by time since the last injection. */
#include <string.h>

#include "forms/base/memory.h"
#include "reports/analysis_safety.h"

/* -- by the worst of each subject ------------------------------------------------------------------------ */

/* A scale from least to worst, with a stat for each point: NAME subjects, pct_NAME of the treated. */
struct scale {
    const char *table;
    const char *stats[SEVERITY_COUNT], *percents[SEVERITY_COUNT];
    size_t count;
    size_t (*point_of)(const struct event_fact *event);
};

static size_t severity_of(const struct event_fact *event)
{
    return event->severity;
}

/* What is related only because the relation is not given is a point of its own, less than a stated relation.
 */
static size_t relation_of(const struct event_fact *event)
{
    return event->relation_missing ? 1 : event->related ? 2 : 0;
}

static const struct scale scales[] = {
    {"AE severity",
     {"missing", "mild", "moderate", "severe"},
     {"pct_missing", "pct_mild", "pct_moderate", "pct_severe"},
     4,
     severity_of},
    {"AE relation",
     {"not_related", "not_given", "related"},
     {"pct_not_related", "pct_not_given", "pct_related"},
     3,
     relation_of},
};

/* A row of events, each subject once at its worst point: counts[point * columns + column]. */
static void count_worst(const struct safety *safety, const struct event_row *row, const struct scale *scale,
                        size_t *counts)
{
    const struct event_fact *facts = safety->facts;
    for (size_t from = 0, to; from < row->count; from = to) {
        const struct event_fact *first = &facts[row->events[from]];
        size_t worst = 0;
        for (to = from; to < row->count && facts[row->events[to]].subject == first->subject; to++) {
            size_t point = scale->point_of(&facts[row->events[to]]);
            worst = point > worst ? point : worst;
        }
        counts[worst * safety->columns.count + first->column]++;
    }
}

static void add_scale(const struct safety *safety, const struct scale *scale)
{
    size_t columns = safety->columns.count, size = memory_size_product(scale->count, columns);
    size_t *counts = memory_new_array(NULL, size_t, size);
    for (size_t r = 0; r < safety->rows.count; r++) {
        memset(counts, 0, size * sizeof counts[0]);
        count_worst(safety, &safety->rows.at[r], scale, counts);
        for (size_t c = 0; c < columns; c++) {
            const struct column *column = &safety->columns.at[c];
            struct cell cell = {safety->results, scale->table, safety->rows.at[r].name, column->name};
            for (size_t point = 0; point < scale->count; point++) {
                cell_add_count(&cell, scale->stats[point], counts[point * columns + c]);
                cell_add_percent(&cell, scale->percents[point], counts[point * columns + c], column->count);
            }
        }
    }
    talloc_free(counts);
}

/* -- serious --------------------------------------------------------------------------------------------- */

/* Rows without a serious event are left out, but for the first. */
static void add_serious(const struct safety *safety)
{
    for (size_t r = 0; r < safety->rows.count; r++) {
        const struct event_row *row = &safety->rows.at[r];
        bool any = false;
        tally_clear(safety);
        for (size_t i = 0; i < row->count; i++) {
            if (!safety->facts[row->events[i]].serious)
                continue;
            tally_count(safety, row->events[i]);
            any = true;
        }
        if (!any && r > 0)
            continue;
        safety_add_counts(safety, "AE serious", row->name);
        safety_add_differences(safety, "AE serious", row->name);
    }
}

/* -- by time since the last injection -------------------------------------------------------------------- */

/*
 * Which period each event is in: periods of the plan in order, then the time after the last of them, then
 * what has no injection before it or no onset.
 */
struct periods {
    const int *last_days; /* plan->safety_periods */
    size_t count;         /* of them; there are two more */
    uint16_t *of_event;   /* 0 .. count + 1 */
};

/* Days from the latest injection that was not after the onset; 0 when an injection lies within a partial
 * onset. */
static int days_since_injection(const struct safety *safety, const struct adverse_event *event, int treatment)
{
    const struct dataset *dataset = safety->dataset;
    struct records records = dataset_records_of(dataset, event->subject, treatment);
    int days = -1;
    for (size_t i = 0; i < records.count; i++) {
        const struct record *record = &records.at[i];
        if (record->date == DATE_NONE || record->date > event->onset_last)
            continue;
        int since = record->date < event->onset_first ? event->onset_first - record->date : 0;
        days = days < 0 || since < days ? since : days;
    }
    return days;
}

static size_t period_of(const struct periods *periods, int days)
{
    size_t period = 0;
    while (period < periods->count && days > periods->last_days[period])
        period++;
    return period;
}

static struct periods find_periods(const void *owner, const struct safety *safety)
{
    const struct analysis_plan *plan = &safety->dataset->catalogue->protocol->plan;
    struct periods periods = {plan->safety_periods, plan->safety_period_count,
                              memory_new_array(owner, uint16_t, safety->list.count)};
    int treatment = dataset_form_number(safety->dataset, "treatment");
    for (size_t i = 0; i < safety->list.count; i++) {
        const struct adverse_event *event = &safety->list.events[i];
        int days = event->onset_first != DATE_NONE ? days_since_injection(safety, event, treatment) : -1;
        periods.of_event[i] = (uint16_t)(days < 0 ? periods.count + 1 : period_of(&periods, days));
    }
    return periods;
}

/* "0-7", "8-30", "> 30", "other"; a period of one day is that day. */
static char *period_title(const void *owner, const struct periods *periods, size_t period)
{
    if (period > periods->count)
        return memory_copy_string(owner, "other");
    int from = period > 0 ? periods->last_days[period - 1] + 1 : 0;
    if (period == periods->count)
        return memory_format(owner, "> %d", from - 1);
    int to = periods->last_days[period];
    return from == to ? memory_format(owner, "%d", to) : memory_format(owner, "%d-%d", from, to);
}

static void add_period_counts(const struct safety *safety, const char *table, const char *row)
{
    for (size_t c = 0; c < safety->columns.count; c++) {
        const struct column *column = &safety->columns.at[c];
        struct cell cell = {safety->results, table, row, column->name};
        cell_add_count(&cell, "subjects", safety->tally[c].subjects);
        cell_add_count(&cell, "events", safety->tally[c].events);
        cell_add_percent(&cell, "pct", safety->tally[c].subjects, column->count);
    }
}

static void add_period_rows(const struct safety *safety, const struct periods *periods, size_t period,
                            const struct event_rows *rows, const char *table)
{
    for (size_t r = 0; r < rows->count; r++) {
        const struct event_row *row = &rows->at[r];
        if (row->refused)
            continue;
        tally_clear(safety);
        for (size_t i = 0; i < row->count; i++) {
            if (periods->of_event[row->events[i]] == period)
                tally_count(safety, row->events[i]);
        }
        add_period_counts(safety, table, row->name);
    }
}

static void add_periods(const struct safety *safety)
{
    void *owner = memory_owner(NULL, "periods");
    struct periods periods = find_periods(owner, safety);
    for (size_t period = 0; periods.count > 0 && period <= periods.count + 1; period++) {
        char *title = period_title(owner, &periods, period);
        add_period_rows(safety, &periods, period, &safety->rows, memory_format(title, "AE period %s", title));
        add_period_rows(safety, &periods, period, &safety->interests,
                        memory_format(title, "AE special interest period %s", title));
    }
    talloc_free(owner);
}

void safety_add_parts(const struct safety *safety)
{
    for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++)
        add_scale(safety, &scales[i]);
    add_serious(safety);
    add_periods(safety);
}
