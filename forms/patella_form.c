/* SPDX-License-Identifier: GPL-3.0-or-later */
/* patella-form: check definitions, score a CSV file, print a codebook. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "forms/base/error.h"
#include "forms/base/memory.h"
#include "forms/definition_check.h"

static const char program[] = "patella-form";

static const char usage[] =
    "usage: patella-form check [--forms DIR] FILE...\n"
    "       patella-form score FORM < CSV\n"
    "       patella-form codebook PROTOCOL [--forms DIR] [--html FILE] [--csv FILE]\n"
    "\n"
    "check     reads forms, protocols and wording files (told apart by their first key) and prints everything that is\n"
    "          wrong with them; protocols and wordings are held against the forms among the files and those of DIR\n"
    "score     reads a CSV file whose columns are item ids of the form file FORM, and writes the scores as CSV; other\n"
    "          columns are passed through\n"
    "codebook  describes every form, item, choice and score of a protocol as HTML and CSV (HTML to standard output\n"
    "          when neither is named)\n"
    "\n"
    "  --forms DIR   where the forms are (default: " PATELLA_DATADIR "/instruments)\n"
    "  --html FILE, --csv FILE   where the codebook goes\n"
    "  --help        this text\n"
    "  --version     the version\n"
    "\n"
    "Exit status: 0 done, 1 refused (score: wrong cells, a file that cannot be read or written), 2 wrong definitions\n"
    "or wrong use.\n";

struct options {
    const char *forms;       /* NULL: not given */
    const char *html, *csv;
    int first_argument;      /* index into argv */
};

static int use_wrongly(const char *complaint)
{
    fprintf(stderr, "%s: %s; try \"%s --help\"\n", program, complaint, program);
    return 2;
}

static void print_faults(const struct faults *faults)
{
    for (size_t i = 0; i < faults->count; i++) {
        const struct fault *fault = &faults->faults[i];
        if (fault->line > 0)
            fprintf(stderr, "%s:%d: %s\n", fault->file, fault->line, fault->text);
        else
            fprintf(stderr, "%s: %s\n", fault->file, fault->text);
    }
}

static int run_check(const void *owner, const struct options *options, int argc, char **argv)
{
    if (options->html != NULL || options->csv != NULL)
        return use_wrongly("check takes no --html and no --csv");
    if (options->first_argument >= argc)
        return use_wrongly("check needs at least one file");
    static const char installed[] = PATELLA_DATADIR "/instruments";
    const char *forms = options->forms;
    if (forms == NULL && access(installed, R_OK) == 0)
        forms = installed;
    struct faults faults = faults_begin(owner);
    const char *const *paths = (const char *const *)argv + options->first_argument;
    struct definition_counts counts =
        definition_check(owner, paths, (size_t)(argc - options->first_argument), forms, &faults);
    print_faults(&faults);
    if (faults.count > 0)
        return 2;
    printf("%zu forms, %zu protocols, %zu wordings: no errors\n", counts.forms, counts.protocols, counts.wordings);
    return 0;
}

static const struct command {
    const char *name;
    int (*run)(const void *owner, const struct options *options, int argc, char **argv);
} commands[] = {
    {"check", run_check},
};

enum option_key { OPTION_FORMS, OPTION_HTML, OPTION_CSV, OPTION_HELP, OPTION_VERSION };

static const struct option long_options[] = {
    {"forms", required_argument, NULL, OPTION_FORMS}, {"html", required_argument, NULL, OPTION_HTML},
    {"csv", required_argument, NULL, OPTION_CSV},     {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},   {NULL, 0, NULL, 0},
};

/* -1: go on; otherwise the exit status. */
static int read_options(int argc, char **argv, struct options *options)
{
    int key;
    while ((key = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        switch (key) {
        case OPTION_FORMS: options->forms = optarg; break;
        case OPTION_HTML: options->html = optarg; break;
        case OPTION_CSV: options->csv = optarg; break;
        case OPTION_HELP: fputs(usage, stdout); return 0;
        case OPTION_VERSION: printf("patella-form %s\n", PATELLA_VERSION); return 0;
        default: return use_wrongly("wrong option");
        }
    }
    options->first_argument = optind + 1;
    return -1;
}

int main(int argc, char **argv)
{
    memory_init();
    struct options options = {.forms = NULL};
    int status = read_options(argc, argv, &options);
    if (status >= 0)
        return status;
    if (optind >= argc)
        return use_wrongly("name a command");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, argv[optind]) != 0)
            continue;
        void *owner = memory_owner(NULL, program);
        status = commands[i].run(owner, &options, argc, argv);
        talloc_free(owner);
        return status;
    }
    return use_wrongly("unknown command");
}
