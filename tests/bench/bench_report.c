/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The report of the simulated trial, stage by stage: the same calls that report.c makes, with a clock beside them. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/extract.h"
#include "reports/layout.h"
#include "reports/render_html.h"
#include "tests/bench/bench.h"
#include "tests/bench/processes.h"

struct watch {
    pid_t postmaster;
    struct timespec wall;
    int64_t own_us, postgres_us;
};

static int64_t own_cpu_us(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (use.ru_utime.tv_sec + use.ru_stime.tv_sec) * INT64_C(1000000) + use.ru_utime.tv_usec
         + use.ru_stime.tv_usec;
}

static void start_watch(struct watch *watch)
{
    clock_gettime(CLOCK_MONOTONIC, &watch->wall);
    watch->own_us = own_cpu_us();
    watch->postgres_us = process_use_postgres(watch->postmaster).cpu_us;
}

/* Since the last call: stage, wall ms, CPU ms of the report and of PostgreSQL; and the greatest RSS so far in MiB. */
static void print_stage(struct watch *watch, const char *stage)
{
    struct timespec before = watch->wall;
    int64_t own = watch->own_us, postgres = watch->postgres_us;
    struct rusage use;
    start_watch(watch);
    getrusage(RUSAGE_SELF, &use);
    printf("%s\t%.1f\t%.1f\t%.1f\t%.1f\n", stage,
           (double)(watch->wall.tv_sec - before.tv_sec) * 1e3 + (double)(watch->wall.tv_nsec - before.tv_nsec) / 1e6,
           (double)(watch->own_us - own) / 1e3, (double)(watch->postgres_us - postgres) / 1e3,
           (double)use.ru_maxrss / 1024);
}

/* Two at a time: the whole is a stage, what each takes of it is told without being added to the sum. */
static void run_analyses(const void *owner, struct watch *watch, const struct dataset *dataset,
                         struct results *results)
{
    size_t count = 0;
    while (analyses[count].run != NULL)
        count++;
    struct analysis_time *times = memory_new_array(owner, struct analysis_time, count);
    analysis_run_timed(dataset, results, times);
    print_stage(watch, "analyses");
    for (size_t i = 0; i < count; i++)
        printf("- %s\t%.1f\t%.1f\t0\t0\n", analyses[i].name, times[i].wall * 1e3, times[i].cpu * 1e3);
}

static bool run_stages(const void *owner, const struct bench_options *options, struct error *error)
{
    struct watch watch = {.postmaster = options->postmaster};
    const char *conninfo = memory_format(owner, "dbname=%s user=patella_reporter", options->database);
    struct db *db = extract_open(owner, conninfo, error);
    if (db == NULL)
        return false;
    start_watch(&watch);
    struct dataset *dataset = extract_dataset(owner, db, "trial1000", "bench", EXTRACT_COLUMNS_ALLOWED, error);
    if (dataset == NULL)
        return false;
    print_stage(&watch, "extract");
    if (!dataset_derive(dataset, error))
        return false;
    print_stage(&watch, "dataset");
    struct results *results = results_new(owner);
    run_analyses(owner, &watch, dataset, results);
    struct text *csv = text_new(owner), *html = text_new(owner);
    results_write_csv(results, csv);
    print_stage(&watch, "results.csv");
    struct document *document = layout_document(owner, dataset, results);
    print_stage(&watch, "layout");
    render_html(html, document);
    print_stage(&watch, "html");
    return true;
}

int bench_report(const struct bench_options *options)
{
    struct error error = {0};
    void *owner = memory_owner(NULL, "report");
    bool done = run_stages(owner, options, &error);
    if (!done)
        error_print(&error, "bench");
    talloc_free(owner);
    return done ? 0 : 1;
}
