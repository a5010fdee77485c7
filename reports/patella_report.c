/* SPDX-License-Identifier: GPL-3.0-or-later */
/* patella-report: a data cut becomes tables, figures and listings. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "forms/base/memory.h"
#include "reports/jobs.h"
#include "reports/output.h"

#define PROGRAM "patella-report"

static const char help[] =
    "usage: " PROGRAM " --study STUDY --out DIR [--cut CUT] [--columns cohorts|pooled] [--force]\n"
    "                      [--db CONNINFO]\n"
    "       " PROGRAM " --jobs [--once] [--db CONNINFO]\n"
    "\n"
    "Writes the report of a study at a data cut into the folder DIR: report.html, results.csv,\n"
    "a CSV file for each table and listing, manifest.json.\n"
    "\n"
    "  --study STUDY      code of the study\n"
    "  --cut CUT          number or label of a data cut; without it a new one is made now\n"
    "  --out DIR          folder that does not exist yet, or is empty\n"
    "  --columns COLUMNS  cohorts: one column for each (default; refused in a masked study);\n"
    "                     pooled: one for all\n"
    "  --force            replace the report that is in DIR\n"
    "  --jobs             work off the reports asked for through the API, one at a time, until SIGTERM\n"
    "  --once             with --jobs: end when no job is waiting\n"
    "  --db CONNINFO      libpq connection string; default: libpq's environment, user patella_reporter\n"
    "  --help, --version\n"
    "\n"
    "Paths of the files go to standard output, messages to standard error.  Exit status: 0 done,\n"
    "1 refused or failed, 2 used wrongly.\n";

struct settings {
    const char *study, *cut, *out, *columns, *conninfo;
    bool force, jobs, once;
    bool finished;               /* --help, --version: nothing else to do */
};

enum {
    OPTION_FIRST = 256,
    OPTION_STUDY = OPTION_FIRST,
    OPTION_CUT,
    OPTION_OUT,
    OPTION_COLUMNS,
    OPTION_DB,
    OPTION_FORCE,
    OPTION_JOBS,
    OPTION_ONCE,
    OPTION_HELP,
    OPTION_VERSION
};

static const struct option options[] = {
    {"study", required_argument, NULL, OPTION_STUDY},
    {"cut", required_argument, NULL, OPTION_CUT},
    {"out", required_argument, NULL, OPTION_OUT},
    {"columns", required_argument, NULL, OPTION_COLUMNS},
    {"db", required_argument, NULL, OPTION_DB},
    {"force", no_argument, NULL, OPTION_FORCE},
    {"jobs", no_argument, NULL, OPTION_JOBS},
    {"once", no_argument, NULL, OPTION_ONCE},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

static bool usage(struct error *error, const char *message)
{
    return error_set(error, ERROR_USAGE, "%s; try `" PROGRAM " --help`", message);
}

static bool take_option(struct settings *settings, int option, struct error *error)
{
    switch (option) {
    case OPTION_STUDY: settings->study = optarg; break;
    case OPTION_CUT: settings->cut = optarg; break;
    case OPTION_OUT: settings->out = optarg; break;
    case OPTION_COLUMNS: settings->columns = optarg; break;
    case OPTION_DB: settings->conninfo = optarg; break;
    case OPTION_FORCE: settings->force = true; break;
    case OPTION_JOBS: settings->jobs = true; break;
    case OPTION_ONCE: settings->once = true; break;
    case OPTION_HELP:
        fputs(help, stdout);
        settings->finished = true;
        break;
    case OPTION_VERSION:
        puts(PROGRAM " " PATELLA_VERSION);
        settings->finished = true;
        break;
    default: return usage(error, "unknown option, or an option without its value");
    }
    return true;
}

static bool check_settings(const struct settings *settings, struct error *error)
{
    if (settings->jobs &&
        (settings->study || settings->cut || settings->out || settings->columns || settings->force))
        return usage(error, "--jobs takes study and cut from the jobs; leave the other options away");
    if (settings->once && !settings->jobs)
        return usage(error, "--once goes with --jobs");
    if (!settings->jobs && (settings->study == NULL || settings->out == NULL))
        return usage(error, "--study and --out are needed");
    if (settings->columns != NULL && strcmp(settings->columns, "cohorts") != 0 &&
        strcmp(settings->columns, "pooled") != 0)
        return usage(error, "--columns is cohorts or pooled");
    return true;
}

static bool read_settings(int argc, char **argv, struct settings *settings, struct error *error)
{
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1 && !settings->finished;)
        if (!take_option(settings, option, error))
            return false;
    if (settings->finished)
        return true;
    if (optind < argc)
        return usage(error, "there is an argument that belongs to no option");
    return check_settings(settings, error);
}

/*
 * OpenBLAS chooses its kernels and threads while it is loaded, before main: the same report on another
 * machine needs the same choice, so the program starts itself once more with it.
 */
static void fix_environment(char **argv)
{
    static const char *const wanted[][2] = {
        {"OPENBLAS_NUM_THREADS", "1"},
#if defined(__x86_64__)
        {"OPENBLAS_CORETYPE", "Prescott"},
#endif
        {"LC_ALL", "C"},
    };
    bool changed = false;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        const char *value = getenv(wanted[i][0]);
        if (value != NULL && strcmp(value, wanted[i][1]) == 0)
            continue;
        setenv(wanted[i][0], wanted[i][1], 1);
        changed = true;
    }
    if (changed)
        execv("/proc/self/exe", argv);   /* without /proc it goes on as it is */
}

static void show_progress(const char *line)
{
    fprintf(stderr, PROGRAM ": %s\n", line);
}

static enum extract_columns columns_of(const struct settings *settings)
{
    if (settings->columns == NULL)
        return EXTRACT_COLUMNS_ALLOWED;
    return strcmp(settings->columns, "pooled") == 0 ? EXTRACT_COLUMNS_POOLED : EXTRACT_COLUMNS_COHORTS;
}

static const char *choose_cut(const void *owner, struct db *db, const struct settings *settings,
                              struct error *error)
{
    if (settings->cut != NULL)
        return settings->cut;
    int cut_no;
    if (!extract_make_cut(db, settings->study, columns_of(settings), &cut_no, error))
        return NULL;
    char *cut = memory_format(owner, "%d", cut_no);
    show_progress(memory_format(owner, "made cut %s of study %s; `--cut %s` gives this report again", cut,
                                settings->study, cut));
    return cut;
}

static bool make_report(const void *owner, struct db *db, const struct settings *settings,
                        struct error *error)
{
    struct report_order order = {
        .study = settings->study,
        .columns = columns_of(settings),
        .progress = show_progress,
    };
    if (!output_check(settings->out, settings->force, error))
        return false;
    order.cut = choose_cut(owner, db, settings, error);
    if (order.cut == NULL)
        return false;
    struct report *report = report_make(owner, db, &order, error);
    if (report == NULL || !output_write(report, settings->out, settings->force, error))
        return false;
    for (size_t i = 0; i < report->file_count; i++)
        printf("%s/%s\n", settings->out, report->files[i].name);
    return true;
}

static bool run(const void *owner, const struct settings *settings, struct error *error)
{
    struct db *db = extract_open(owner, settings->conninfo, error);
    if (db == NULL)
        return false;
    return settings->jobs ? jobs_run(db, settings->once, error) : make_report(owner, db, settings, error);
}

int main(int argc, char **argv)
{
    struct settings settings = {.finished = false};
    struct error error = {.kind = ERROR_NONE};
    memory_init();
    if (!read_settings(argc, argv, &settings, &error)) {
        error_print(&error, PROGRAM);
        return error_exit_status(&error);
    }
    if (settings.finished)
        return 0;
    fix_environment(argv);
    void *owner = memory_owner(NULL, PROGRAM);
    bool done = run(owner, &settings, &error);
    if (!done)
        error_print(&error, PROGRAM);
    talloc_free(owner);
    return done ? 0 : error_exit_status(&error);
}
