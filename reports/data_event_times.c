/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ADTTE: a row for each event of the protocol and each subject who was treated and allocated. */
#include <math.h>

#include "forms/base/memory.h"
#include "reports/data_table.h"
#include "reports/event_times.h"

static const struct data_column columns[] = {
    {"SAFFL", "Treated (safety set)", DATA_TEXT, 0, "Y=yes; N=no", "as in ADSL"},
    {"PARAMCD", "Event", DATA_TEXT, 2, "", "id of the event in the protocol"},
    {"PARAM", "Event in words", DATA_TEXT, 0, "", "its title"},
    {"STARTDT", "Day 1", DATA_DATE, 0, "", "first treatment of the index knee"},
    {"ADT", "Day of the event or of censoring", DATA_DATE, 0, "",
     "first record of the event's form that fulfils its condition after day 1 (on day 1 or after: events that one "
     "hopes for); else death where it competes; else last contact, day 1 at least"},
    {"AVAL", "Time, study days", DATA_INTEGER, 0, "", "ADT - STARTDT + 1"},
    {"CNSR", "Censoring", DATA_INTEGER, 0, "0=event; 1=censored; 2=death before the event", ""},
    {"ADTF", "Day rests on a partial date", DATA_TEXT, 0, "Y=yes; N=no",
     "Y: the earliest day after day 1 that the date can mean, the latest one of events that one hopes for"},
};

static double censoring_of(enum survival_status status)
{
    return status == SURVIVAL_EVENT ? 0 : status == SURVIVAL_COMPETING ? 2 : 1;
}

static void fill_row(struct data_row *row, const struct dataset *dataset, size_t subject,
                     const struct event_times *times)
{
    date_days day1 = dataset->subjects[subject].day1[KNEE_NONE];
    data_row_begin(row, dataset, subject);
    data_row_add_flag(row, dataset->subjects[subject].treated);
    data_row_add_text(row, times->event->id);
    data_row_add_text(row, times->event->title);
    data_row_add_date(row, day1);
    data_row_add_date(row, day1 + (date_days)times->days[subject] - 1);
    data_row_add_number(row, times->days[subject]);
    data_row_add_number(row, censoring_of((enum survival_status)times->status[subject]));
    data_row_add_flag(row, times->imputed[subject]);
}

static void write_rows(const struct data_table *table, data_row_function *take, void *context)
{
    const struct dataset *dataset = table->dataset;
    struct event_times *const *times = table->items;
    struct data_row row;
    for (size_t i = 0; i < dataset->subject_count; i++) {
        for (size_t e = 0; e < dataset->catalogue->protocol->plan.event_count; e++) {
            if (isnan(times[e]->days[i]))
                continue;
            fill_row(&row, dataset, i, times[e]);
            take(context, row.values);
        }
    }
}

struct data_table *data_table_adtte(const void *owner, const struct dataset *dataset)
{
    const struct analysis_plan *plan = &dataset->catalogue->protocol->plan;
    struct data_table *table = data_table_new(owner, dataset, "ADTTE", "Times to events");
    struct event_times **times = memory_new_array(table, struct event_times *, plan->event_count);
    for (size_t e = 0; e < plan->event_count; e++)
        times[e] = event_times_of(times, dataset, &plan->events[e]);
    data_table_add_subject_columns(table);
    data_table_add_columns(table, columns, sizeof columns / sizeof columns[0]);
    table->items = times;
    table->write_rows = write_rows;
    return table;
}
