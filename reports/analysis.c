/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/analysis.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "forms/base/memory.h"

int analysis_main_visit(const struct dataset *dataset)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    int visit = protocol->plan.primary_visit;
    if (visit == PLAN_NONE)
        visit = (int)protocol->visit_count - 1;
    return visit >= 0 && dataset_is_after_baseline(dataset, visit) ? visit : NO_VISIT;
}

/* In the order of the tables' numbers, but for those that read the rows of others: behind these. */
const struct analysis analyses[] = {
    {"populations", analysis_populations, ANALYSIS_SHORT},
    {"flow", analysis_flow, ANALYSIS_SHORT},
    {"compliance", analysis_compliance, ANALYSIS_SHORT},
    {"baseline", analysis_baseline, ANALYSIS_SHORT},
    {"exposure", analysis_exposure, ANALYSIS_SHORT},
    {"completeness", analysis_completeness, ANALYSIS_SHORT},
    {"missingness", analysis_missingness, ANALYSIS_SHORT},
    {"descriptives", analysis_descriptives, ANALYSIS_LONG},
    {"distribution", analysis_distribution, ANALYSIS_SHORT},
    {"ancova", analysis_ancova, ANALYSIS_LONG},
    {"mmrm", analysis_mmrm, ANALYSIS_LONG},
    {"responders", analysis_responders, ANALYSIS_LONG},
    {"effect sizes", analysis_effect_sizes, ANALYSIS_SHORT},
    {"adverse events", analysis_adverse_events, ANALYSIS_LONG},
    {"sensitivity", analysis_sensitivity, ANALYSIS_LONG},
    {"events", analysis_events, ANALYSIS_LONG},
    {"contralateral", analysis_contralateral, ANALYSIS_SHORT},
    {"imaging", analysis_imaging, ANALYSIS_SHORT},
    {"readings", analysis_readings, ANALYSIS_SHORT},
    {"rescue", analysis_rescue, ANALYSIS_SHORT},
    {"cost", analysis_cost, ANALYSIS_SHORT},
    {"subgroups", analysis_subgroups, ANALYSIS_LONG},
    {"multiplicity", analysis_multiplicity, ANALYSIS_READS_ROWS},
    {"adjusted", analysis_adjusted, ANALYSIS_SHORT},
    {"claims", analysis_claims, ANALYSIS_READS_ROWS},
    {NULL, NULL, ANALYSIS_SHORT},
};

/* ---- on threads ---- */

enum { ANALYSES = sizeof analyses / sizeof analyses[0] - 1, THREADS = 2 };

struct running {
    const struct dataset *dataset;
    size_t order[ANALYSES];              /* places in `analyses`, in which they are begun */
    size_t count;
    atomic_size_t begun;
    struct results *rows[ANALYSES];      /* as `analyses`; NULL for what reads rows */
    struct analysis_time times[ANALYSES];
};

static double seconds_of(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void run_one(struct running *running, size_t place, struct results *results)
{
    double wall = seconds_of(CLOCK_MONOTONIC), cpu = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    analyses[place].run(running->dataset, results);
    running->times[place] = (struct analysis_time){
        .wall = seconds_of(CLOCK_MONOTONIC) - wall,
        .cpu = seconds_of(CLOCK_THREAD_CPUTIME_ID) - cpu,
    };
}

/* Each analysis has a talloc tree of its own: trees must not be shared between threads. */
static void *run_next(void *context)
{
    struct running *running = context;
    for (size_t next; (next = atomic_fetch_add(&running->begun, 1)) < running->count;) {
        size_t place = running->order[next];
        running->rows[place] = results_new(NULL);
        run_one(running, place, running->rows[place]);
    }
    return NULL;
}

static void add_to_order(struct running *running, enum analysis_kind kind)
{
    for (size_t i = 0; i < ANALYSES; i++)
        if (analyses[i].kind == kind)
            running->order[running->count++] = i;
}

/* This thread is one of them; where no other can be made, it does all. */
static void run_on_threads(struct running *running)
{
    pthread_t others[THREADS - 1];
    size_t made = 0;
    while (made < THREADS - 1 && pthread_create(&others[made], NULL, run_next, running) == 0)
        made++;
    run_next(running);
    while (made > 0)
        pthread_join(others[--made], NULL);
}

void analysis_run_timed(const struct dataset *dataset, struct results *results, struct analysis_time *times)
{
    struct running running = {.dataset = dataset};
    add_to_order(&running, ANALYSIS_LONG);
    add_to_order(&running, ANALYSIS_SHORT);
    run_on_threads(&running);
    for (size_t i = 0; i < ANALYSES; i++) {
        if (running.rows[i] == NULL) {
            run_one(&running, i, results);
            continue;
        }
        results_add_all(results, running.rows[i]);
        talloc_free(running.rows[i]);
    }
    if (times != NULL)
        memcpy(times, running.times, sizeof running.times);
}

void analysis_run(const struct dataset *dataset, struct results *results)
{
    analysis_run_timed(dataset, results, NULL);
}
