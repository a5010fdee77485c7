/* SPDX-License-Identifier: GPL-3.0-or-later */
/* patella-report: a data cut becomes tables, figures and listings. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "forms/base/memory.h"
#include "reports/casebook_write.h"
#include "reports/jobs.h"
#include "reports/output.h"
#include "reports/progress.h"
#include "reports/verify.h"

#define PROGRAM "patella-report"

static const char help[] =
    "usage: " PROGRAM " --study STUDY --out DIR [--cut CUT] [--columns cohorts|pooled] [--formats LIST]\n"
    "                      [--compare OLD] [--force] [--progress] [--db CONNINFO]\n"
    "                      [--record-on CONNINFO]\n"
    "       " PROGRAM " --study STUDY (--casebook SUBJECT | --site-archive SITE) --out DIR [--cut CUT]\n"
    "                      [--formats LIST] [--unblinding REQUEST] [--force] [--progress] [--db CONNINFO]\n"
    "       " PROGRAM " verify DIR [--compare OLD] [--unblinding REQUEST] [--unsealed-ok] [--progress]\n"
    "                      [--db CONNINFO] [--record-on CONNINFO]\n"
    "       " PROGRAM " --jobs [--once] [--at-once N] [--formats LIST] [--db CONNINFO]\n"
    "With each: [--allocation-keys FILE]\n"
    "\n"
    "Writes the report of a study at a data cut into the folder DIR: results.csv, manifest.json and what\n"
    "--formats names.  verify says whether the folder DIR is as it was written, and whether the same study, cut\n"
    "and protocol version still give it.\n"
    "\n"
    "  --study STUDY      code of the study\n"
    "  --cut CUT          number or label of a data cut; without it a new one is made now\n"
    "  --out DIR          folder that does not exist yet, or is empty\n"
    "  --columns COLUMNS  cohorts: one column for each (default; refused in a masked study);\n"
    "                     pooled: one for all\n"
    "  --unblinding REQUEST\n"
    "                     cohorts of a masked study, by a request that was approved within seven days\n"
    "  --allocation-keys FILE\n"
    "                     keys that the allocation of masked studies is sealed with\n"
    "  --formats LIST     with commas between: html, csv (default: these two), rtf, pdf, ars, datasets\n"
    "  --casebook SUBJECT everything about one subject, like 07-0012: forms, versions, reasons, queries, signatures\n"
    "                     and trail; --formats html,pdf (default) or html\n"
    "  --site-archive SITE\n"
    "                     a casebook of each subject of the site, an index, contents.csv\n"
    "  --compare OLD      folder of an earlier report: a chapter and compare.csv say what changed since\n"
    "  --unsealed-ok      with verify: also when the audit trail of the cut is not sealed (patella-seal)\n"
    "  --force            replace the report that is in DIR\n"
    "  --progress         say what is being done, also when standard error is no terminal\n"
    "  --jobs             work off the reports asked for through the API, one at a time, until SIGTERM\n"
    "  --once             with --jobs: end when no job is waiting\n"
    "  --at-once N        with --jobs: begin none while all workers together make N (1 to 64, default 2)\n"
    "  --db CONNINFO      libpq connection string; default: libpq's environment, user patella_reporter\n"
    "  --record-on CONNINFO\n"
    "                     with a --db that is a standby: its primary, whose audit trail gets the row of the report\n"
    "  --help, --version\n"
    "\n"
    "Paths of the files go to standard output, messages to standard error.  Exit status: 0 done,\n"
    "1 refused or failed, 2 used wrongly; of verify: 0 same bytes, 3 the folder was changed since it was\n"
    "written, 4 made again it is another report, 5 other bytes but the same numbers (1e-9), because the\n"
    "program or a library has another version.\n";

enum { AT_ONCE_DEFAULT = 2, AT_ONCE_MOST = 64, SITE_MOST = 9999 };

struct settings {
    const char *study, *cut, *out, *columns, *conninfo, *record_on, *compare, *unblinding, *allocation_keys;
    const char *casebook;        /* subject, or NULL */
    int site_archive;            /* site, 0: none */
    const char *verify;          /* folder, or NULL */
    unsigned formats;            /* 0: not given */
    int at_once;                 /* 0: not given */
    bool force, jobs, once, progress, unsealed_ok;
    bool finished;               /* --help, --version: nothing else to do */
};

enum {
    OPTION_FIRST = 256,
    OPTION_STUDY = OPTION_FIRST,
    OPTION_CUT,
    OPTION_OUT,
    OPTION_COLUMNS,
    OPTION_CASEBOOK,
    OPTION_SITE_ARCHIVE,
    OPTION_FORMATS,
    OPTION_COMPARE,
    OPTION_AT_ONCE,
    OPTION_DB,
    OPTION_RECORD_ON,
    OPTION_FORCE,
    OPTION_UNBLINDING,
    OPTION_ALLOCATION_KEYS,
    OPTION_UNSEALED_OK,
    OPTION_PROGRESS,
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
    {"casebook", required_argument, NULL, OPTION_CASEBOOK},
    {"site-archive", required_argument, NULL, OPTION_SITE_ARCHIVE},
    {"formats", required_argument, NULL, OPTION_FORMATS},
    {"compare", required_argument, NULL, OPTION_COMPARE},
    {"at-once", required_argument, NULL, OPTION_AT_ONCE},
    {"db", required_argument, NULL, OPTION_DB},
    {"record-on", required_argument, NULL, OPTION_RECORD_ON},
    {"force", no_argument, NULL, OPTION_FORCE},
    {"unblinding", required_argument, NULL, OPTION_UNBLINDING},
    {"allocation-keys", required_argument, NULL, OPTION_ALLOCATION_KEYS},
    {"unsealed-ok", no_argument, NULL, OPTION_UNSEALED_OK},
    {"progress", no_argument, NULL, OPTION_PROGRESS},
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

static bool take_at_once(struct settings *settings, struct error *error)
{
    int64_t number;
    if (!text_to_int64(optarg, &number) || number < 1 || number > AT_ONCE_MOST)
        return usage(error, "--at-once is a number from 1 to 64");
    settings->at_once = (int)number;
    return true;
}

static bool take_site(struct settings *settings, struct error *error)
{
    int64_t number;
    if (!text_to_int64(optarg, &number) || number < 1 || number > SITE_MOST)
        return usage(error, "--site-archive is the number of a site, 1 to 9999");
    settings->site_archive = (int)number;
    return true;
}

static bool take_option(struct settings *settings, int option, struct error *error)
{
    switch (option) {
    case OPTION_STUDY: settings->study = optarg; break;
    case OPTION_CUT: settings->cut = optarg; break;
    case OPTION_OUT: settings->out = optarg; break;
    case OPTION_COLUMNS: settings->columns = optarg; break;
    case OPTION_CASEBOOK: settings->casebook = optarg; break;
    case OPTION_SITE_ARCHIVE: return take_site(settings, error);
    case OPTION_FORMATS: return report_read_formats(optarg, &settings->formats, error);
    case OPTION_COMPARE: settings->compare = optarg; break;
    case OPTION_AT_ONCE: return take_at_once(settings, error);
    case OPTION_DB: settings->conninfo = optarg; break;
    case OPTION_RECORD_ON: settings->record_on = optarg; break;
    case OPTION_UNBLINDING: settings->unblinding = optarg; break;
    case OPTION_ALLOCATION_KEYS: settings->allocation_keys = optarg; break;
    case OPTION_FORCE: settings->force = true; break;
    case OPTION_UNSEALED_OK: settings->unsealed_ok = true; break;
    case OPTION_PROGRESS: settings->progress = true; break;
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

static bool wants_casebook(const struct settings *settings)
{
    return settings->casebook != NULL || settings->site_archive != 0;
}

static bool check_casebook(const struct settings *settings, struct error *error)
{
    if (settings->casebook != NULL && settings->site_archive != 0)
        return usage(error, "--casebook is for one subject, --site-archive for all of a site; leave one away");
    if (settings->record_on != NULL)
        return usage(error, "casebooks are made from the primary; leave --record-on away");
    if (settings->columns != NULL || settings->compare != NULL)
        return usage(error, "casebooks have no columns and are not compared; leave --columns and --compare away");
    if ((settings->formats & ~(unsigned)(REPORT_HTML | REPORT_PDF)) != 0)
        return usage(error, "casebooks are html, or html,pdf");
    return true;
}

static bool check_settings(const struct settings *settings, struct error *error)
{
    bool makes = settings->study || settings->cut || settings->out || settings->columns || settings->force ||
                 wants_casebook(settings);
    uint8_t uuid[16];
    if (settings->unblinding != NULL && !text_to_uuid(settings->unblinding, uuid))
        return usage(error, "--unblinding takes the number of a request, like 0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5d");
    if (settings->unblinding != NULL && settings->columns != NULL && strcmp(settings->columns, "cohorts") != 0)
        return usage(error, "--unblinding is for a report by cohort; leave --columns away");
    if (settings->jobs && (makes || settings->unblinding || settings->compare || settings->progress))
        return usage(error, "--jobs takes study and cut from the jobs; leave the other options away");
    if (settings->verify && (makes || settings->jobs || settings->formats != 0))
        return usage(error, "verify takes study, cut and formats from the manifest; leave the other options away");
    if (settings->record_on && !settings->verify && settings->cut == NULL)
        return usage(error, "--record-on goes with verify or --cut: cuts and jobs are made on the primary");
    if (settings->record_on && settings->unblinding)
        return usage(error, "--unblinding opens the allocation on the primary; leave --record-on away");
    if (settings->unsealed_ok && !settings->verify)
        return usage(error, "--unsealed-ok goes with verify");
    if ((settings->once || settings->at_once != 0) && !settings->jobs)
        return usage(error, "--once and --at-once go with --jobs");
    if (!settings->jobs && !settings->verify && (settings->study == NULL || settings->out == NULL))
        return usage(error, "--study and --out are needed");
    if (settings->columns != NULL && strcmp(settings->columns, "cohorts") != 0 &&
        strcmp(settings->columns, "pooled") != 0)
        return usage(error, "--columns is cohorts or pooled");
    return !wants_casebook(settings) || check_casebook(settings, error);
}

/* "verify DIR", before, between or behind the options. */
static bool take_arguments(int count, char **arguments, struct settings *settings, struct error *error)
{
    if (count == 0)
        return true;
    if (strcmp(arguments[0], "verify") != 0)
        return usage(error, "there is an argument that belongs to no option");
    if (count != 2)
        return usage(error, "verify takes one folder");
    settings->verify = arguments[1];
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
    return take_arguments(argc - optind, argv + optind, settings, error) && check_settings(settings, error);
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
    bool any = settings->unblinding != NULL || wants_casebook(settings);
    enum extract_columns columns = any ? EXTRACT_COLUMNS_ALLOWED : columns_of(settings);
    if (!extract_make_cut(db, settings->study, columns, &cut_no, error))
        return NULL;
    char *cut = memory_format(owner, "%d", cut_no);
    progress_tell(memory_format(owner, "made cut %s of study %s; `--cut %s` gives the same again", cut,
                                settings->study, cut));
    return cut;
}

static bool make_report(const void *owner, struct db *db, const struct settings *settings,
                        struct error *error)
{
    struct report_order order = {
        .study = settings->study,
        .columns = columns_of(settings),
        .unblinding = settings->unblinding,
        .formats = settings->formats,
        .compare = settings->compare,
        .progress = progress_tell,
        .step = progress_step,
    };
    if (!output_check(settings->out, settings->force, error))
        return false;
    order.cut = choose_cut(owner, db, settings, error);
    if (order.cut == NULL)
        return false;
    struct report *report = report_make(owner, db, &order, error);
    if (report == NULL)
        return false;
    progress_step("writing the files");
    if (!output_write(report, settings->out, settings->force, error))
        return false;
    for (size_t i = 0; i < report->file_count; i++)
        printf("%s/%s\n", settings->out, report->files[i].name);
    return true;
}

static bool make_casebook(const void *owner, struct db *db, const struct settings *settings, struct error *error)
{
    struct casebook_order order = {
        .study = settings->study,
        .subject = settings->casebook,
        .site = settings->site_archive,
        .unblinding = settings->unblinding,
        .formats = settings->formats != 0 ? settings->formats | REPORT_HTML : REPORT_HTML | REPORT_PDF,
        .step = progress_step,
    };
    if (!output_check(settings->out, settings->force, error))
        return false;
    order.cut = choose_cut(owner, db, settings, error);
    return order.cut != NULL && casebook_write(db, &order, settings->out, settings->force, error);
}

static bool work_jobs(struct db *db, const struct settings *settings, struct error *error)
{
    const struct jobs_order order = {
        .once = settings->once,
        .at_once = settings->at_once != 0 ? settings->at_once : AT_ONCE_DEFAULT,
        .formats = settings->formats,
    };
    return jobs_run(db, &order, error);
}

static bool load_keys(const void *owner, const struct settings *settings, struct error *error)
{
    if (settings->allocation_keys == NULL)
        return true;
    const struct allocation_keys *keys = allocation_keys_load(owner, settings->allocation_keys, error);
    extract_use_keys(keys);
    return keys != NULL;
}

/* *status: what the program ends with when it could do what was asked. */
static bool run(const void *owner, const struct settings *settings, int *status, struct error *error)
{
    enum verify_status verified = VERIFY_SAME;
    const struct verify_order order = {settings->verify, settings->compare, settings->unblinding, progress_step,
                                       settings->unsealed_ok};
    progress_begin(PROGRAM, !settings->jobs && (settings->progress || isatty(STDERR_FILENO)));
    progress_step("connecting to the database");
    struct db *db = load_keys(owner, settings, error) ? extract_open(owner, settings->conninfo, error) : NULL;
    bool done = db != NULL && (settings->record_on == NULL || extract_record_on(db, settings->record_on, error));
    if (done && settings->jobs)
        done = work_jobs(db, settings, error);
    else if (done && settings->verify != NULL)
        done = verify_report(db, &order, stdout, &verified, error);
    else if (done && wants_casebook(settings))
        done = make_casebook(owner, db, settings, error);
    else if (done)
        done = make_report(owner, db, settings, error);
    progress_end();
    *status = (int)verified;
    return done;
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
    int status = 0;
    bool done = run(owner, &settings, &status, &error);
    if (!done)
        error_print(&error, PROGRAM);
    talloc_free(owner);
    return done ? status : error_exit_status(&error);
}
