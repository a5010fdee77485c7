/* SPDX-License-Identifier: GPL-3.0-or-later */
/* patella-load: sends a folder of CSV files to a collector. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "collector/arguments.h"
#include "collector/load_client.h"
#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "forms/faults.h"

static const char program[] = "patella-load";

/* The demo study takes 1850 days; begun so long ago its last subjects are in mid-study today. */
enum { FIRST_DAY_AGO = 1300 };

enum { PATIENCE_S = 60, BAR_WIDTH = 40, DAY_S = 86400 };

static const struct argument_option options[] = {
    {"url", "URL", true, "the collector, https://localhost:8443"},
    {"token-file", "FILE", true, "file whose first line is the token"},
    {"study", "STUDY", true, "code of the study"},
    {"forms", "DIR", true, "folder with the forms' YAML"},
    {"ca", "FILE", false, "CA that signed the collector's certificate; default: the system's"},
    {"start", "YYYY-MM-DD", false, "the first day, from which the files count days; default 1300 days ago"},
};

static const struct argument_command command = {
    "", "DIR", options, sizeof options / sizeof options[0],
    "Sends the NN_FORM.csv of DIR to a collector.  Rows with a date that is not past yet are left out; a\n"
    "row that was sent before gets its first receipt again.  Exit status 1 when a row was refused."};

static const char *option(const struct arguments *arguments, const char *name)
{
    return arguments_value(arguments, name);
}

static date_days today_utc(void)
{
    return (date_days)(time(NULL) / DAY_S);
}

static bool read_rows(const void *owner, const struct arguments *arguments, struct load_list *list,
                      struct error *error)
{
    struct faults faults = faults_begin(owner);
    struct catalogue forms = {.study = option(arguments, "study")};
    forms.forms = catalogue_load_forms(owner, option(arguments, "forms"), &forms.form_count, &faults);
    if (!faults_to_error(&faults, error))
        return false;
    /* Yesterday in UTC is past at every site. */
    struct load_options load = {.study = forms.study,
                                .forms = &forms,
                                .first_day = today_utc() - FIRST_DAY_AGO,
                                .last_day = today_utc() - 1};
    const char *start = option(arguments, "start");
    if (start && !date_parse(start, &load.first_day))
        return error_set(error, ERROR_USAGE, "--start is a date such as 2023-01-31, not \"%s\"", start);
    return load_read_folder(owner, &load, arguments->operands[0], list, error);
}

/* A bar on a terminal; elsewhere a line for each tenth. */
static void show_progress(size_t done, size_t all)
{
    static size_t shown_tenth;
    size_t tenth = done * 10 / all;
    if (isatty(STDERR_FILENO)) {
        int filled = (int)(done * BAR_WIDTH / all);
        fprintf(stderr, "\r[%.*s%*s] %zu of %zu rows%s", filled, "########################################",
                BAR_WIDTH - filled, "", done, all, done == all ? "\n" : "");
    } else if (tenth > shown_tenth) {
        fprintf(stderr, "%zu of %zu rows\n", done, all);
        shown_tenth = tenth;
    }
}

static bool send_rows(const void *owner, const struct arguments *arguments, const struct load_list *list,
                      struct load_counts *counts, struct error *error)
{
    const struct load_target target = {
        .url = option(arguments, "url"),
        .ca_file = option(arguments, "ca"),
        .token_file = option(arguments, "token-file"),
        .study = option(arguments, "study"),
        .patience_s = PATIENCE_S,
    };
    struct load_client *client = load_client_new(owner, &target, error);
    for (size_t at = 0; client && at < list->count;) {
        size_t count = list->count - at < LOAD_ARRAY_ROWS ? list->count - at : LOAD_ARRAY_ROWS;
        if (!load_client_send(client, list->rows + at, count, counts, error))
            return false;
        at += count;
        show_progress(at, list->count);
    }
    return client != NULL;
}

static bool run(const void *owner, char *const *argv, struct error *error)
{
    struct arguments arguments;
    if (!arguments_parse(owner, &command, 1, argv, &arguments, error))
        return false;
    if (arguments.version) {
        printf("%s %s\n", program, PATELLA_VERSION);
        return true;
    }
    if (arguments.help) {
        arguments_print_help(stdout, program, &command, 1, &command);
        return true;
    }
    struct load_list list = {0};
    struct load_counts counts = {0};
    if (!read_rows(owner, &arguments, &list, error))
        return false;
    bool sent = send_rows(owner, &arguments, &list, &counts, error);
    printf("%zu rows stored now, %zu stored before, %zu refused, %zu left out because they lie ahead\n",
           counts.accepted, counts.replayed, counts.refused, list.left_out);
    if (sent && counts.refused > 0)
        return error_set(error, ERROR_INPUT,
                         "%zu rows were refused; correct them and load again: nothing is stored twice",
                         counts.refused);
    return sent;
}

int main(int argc, char **argv)
{
    (void)argc;
    memory_init();
    void *owner = memory_owner(NULL, program);
    struct error error = {0};
    int status = 0;
    if (!run(owner, argv, &error)) {
        error_print(&error, program);
        status = error_exit_status(&error);
    }
    talloc_free(owner);
    return status;
}
