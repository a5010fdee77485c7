/* SPDX-License-Identifier: GPL-3.0-or-later */
/* T2 visits in time: who came to a visit of those for whom it is over, and whether within its due window. */
#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/analysis_rows.h"
#include "reports/visit_dates.h"

/* Where the records of a subject for a visit lie; one inside the window is enough. */
enum timing { TIMING_NONE, TIMING_EARLY, TIMING_LATE, TIMING_INSIDE, TIMING_COUNT };

static enum timing find_timing(const struct visit *visit, int day)
{
    if (day < visit->due[0])
        return TIMING_EARLY;
    return day > visit->due[1] ? TIMING_LATE : TIMING_INSIDE;
}

/* due[form * visits + visit]: the form belongs to the visit, not to any time. */
static bool *list_due(const void *owner, const struct catalogue *catalogue)
{
    const struct protocol *protocol = catalogue->protocol;
    bool *due =
        memory_new_array(owner, bool, memory_size_product(catalogue->form_count, protocol->visit_count));
    for (size_t f = 0; f < catalogue->form_count; f++) {
        const char *form = catalogue->forms[f]->id;
        for (size_t v = 0; v < protocol->visit_count; v++)
            due[f * protocol->visit_count + v] = protocol_form_is_due(&protocol->visits[v], form) &&
                                                 !protocol_form_is_any_time(protocol, form);
    }
    return due;
}

/* timings[visit] of one subject. */
static void find_timings(const struct dataset *dataset, size_t subject, const bool *due, enum timing *timings)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    struct records records = dataset_records(dataset, subject);
    for (size_t v = 0; v < protocol->visit_count; v++)
        timings[v] = TIMING_NONE;
    for (size_t i = 0; i < records.count; i++) {
        const struct record *record = &records.at[i];
        bool index_knee = record->knee == KNEE_NONE || record->knee == dataset->subjects[subject].index_knee;
        if (!record->selected || !index_knee ||
            !due[record->form * protocol->visit_count + (size_t)record->analysis_visit])
            continue;
        enum timing timing = find_timing(&protocol->visits[record->analysis_visit], record->day);
        if (timing > timings[record->analysis_visit])
            timings[record->analysis_visit] = timing;
    }
}

/* One visit in one column. */
struct tally {
    size_t timings[TIMING_COUNT];
    size_t over, over_visited;   /* subjects for whom the visit is over, and who of them came */
};

static void add_cell(const struct cell *cell, const struct tally *tally, size_t treated)
{
    const size_t *timings = tally->timings;
    size_t visited = timings[TIMING_EARLY] + timings[TIMING_LATE] + timings[TIMING_INSIDE];
    cell_add_count(cell, "treated", treated);
    cell_add_count(cell, "over", tally->over);
    cell_add_count(cell, "over_visited", tally->over_visited);
    cell_add_percent(cell, "pct_over", tally->over_visited, tally->over);
    cell_add_count(cell, "visited", visited);
    cell_add_percent(cell, "pct", visited, treated);
    cell_add_count(cell, "inside", timings[TIMING_INSIDE]);
    cell_add_percent(cell, "pct_inside", timings[TIMING_INSIDE], visited);
    cell_add_count(cell, "early", timings[TIMING_EARLY]);
    cell_add_count(cell, "late", timings[TIMING_LATE]);
}

/* Adds a subject to the tallies of the visits. */
static void tally_subject(const struct dataset *dataset, size_t subject, const enum timing *timings,
                          struct tally *tallies)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    for (size_t v = 0; v < protocol->visit_count; v++) {
        bool over = visit_is_over(dataset, &dataset->subjects[subject], &protocol->visits[v]);
        tallies[v].timings[timings[v]]++;
        tallies[v].over += over;
        tallies[v].over_visited += over && timings[v] != TIMING_NONE;
    }
}

void analysis_compliance(const struct dataset *dataset, struct results *results)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    size_t visits = protocol->visit_count;
    void *owner = memory_owner(NULL, "compliance");
    struct columns columns = columns_of_treated(owner, dataset);
    const bool *due = list_due(owner, dataset->catalogue);
    enum timing *timings = memory_new_array(owner, enum timing, visits);
    struct tally *tallies = memory_new_array(owner, struct tally, memory_size_product(columns.count, visits));
    for (size_t c = 0; c < columns.count; c++)
        for (size_t i = 0; i < columns.at[c].count; i++) {
            find_timings(dataset, columns.at[c].subjects[i], due, timings);
            tally_subject(dataset, columns.at[c].subjects[i], timings, &tallies[c * visits]);
        }
    for (size_t v = 0; v < visits; v++)
        for (size_t c = 0; c < columns.count; c++)
            add_cell(&(struct cell){results, "visit compliance", protocol->visits[v].id, columns.at[c].name},
                     &tallies[c * visits + v], columns.at[c].count);
    talloc_free(owner);
}
