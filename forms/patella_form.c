/* SPDX-License-Identifier: GPL-3.0-or-later */
/* patella-form: check definitions, score a CSV file, print a codebook, make a site profile. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "forms/base/error.h"
#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "forms/codebook.h"
#include "forms/csv_table.h"
#include "forms/definition_check.h"
#include "forms/profile_write.h"
#include "forms/score_csv.h"
#include "forms/wording.h"
#include "forms/yaml.h"

static const char program[] = "patella-form";

static const char usage[] = "usage: patella-form check [--forms DIR] FILE...\n"
                            "       patella-form score FORM < CSV\n"
                            "       patella-form codebook PROTOCOL [--forms DIR] [--wording FILE]... "
                            "[--html FILE] [--csv FILE]\n"
                            "       patella-form profile SAMPLE --protocol FILE [--forms DIR] [--form FORM] "
                            "[--name NAME]\n"
                            "\n"
                            "check     reads forms, protocols and wording files (told apart by their first "
                            "key) and prints everything that is\n"
                            "          wrong with them; protocols and wordings are held against the forms "
                            "among the files and those of DIR\n"
                            "score     reads a CSV file whose columns are item ids of the form file FORM, "
                            "and writes the scores as CSV; other\n"
                            "          columns are passed through\n"
                            "codebook  describes every form, item, choice and score of a protocol as HTML "
                            "and CSV (HTML to standard output\n"
                            "          when neither is named)\n"
                            "profile   writes a site profile for files like SAMPLE, a CSV file to be uploaded: what "
                            "its columns are, and in\n"
                            "          comments what a person has to decide\n"
                            "\n"
                            "  --forms DIR   where the forms are (default: " PATELLA_DATADIR "/instruments)\n"
                            "  --wording FILE   official texts to lay over a form of the codebook; may be "
                            "repeated\n"
                            "  --html FILE, --csv FILE   where the codebook goes\n"
                            "  --protocol FILE   the protocol of the study that the file is for\n"
                            "  --form FORM   every row of SAMPLE is this form\n"
                            "  --name NAME   of the profile (default: made of the file's name)\n"
                            "  --help        this text\n"
                            "  --version     the version\n"
                            "\n"
                            "Exit status: 0 done, 1 refused (score: wrong cells, a file that cannot be read "
                            "or written), 2 wrong definitions\n"
                            "or wrong use.\n";

struct options {
    const char *forms;       /* NULL: not given */
    const char *html, *csv;
    const char *protocol, *form, *name;
    const char **wordings;
    size_t wording_count;
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

static const char installed_forms[] = PATELLA_DATADIR "/instruments";

static int fail(const struct error *error)
{
    error_print(error, program);
    return error_exit_status(error);
}

/* Options of profile that another command was given. */
static bool has_profile_options(const struct options *options)
{
    return options->protocol != NULL || options->form != NULL || options->name != NULL;
}

static int run_check(const void *owner, const struct options *options, int argc, char **argv)
{
    if (options->html != NULL || options->csv != NULL || options->wording_count > 0)
        return use_wrongly("check takes no --html, --csv and --wording; name wording files like forms");
    if (has_profile_options(options))
        return use_wrongly("check takes no --protocol, --form and --name; name protocols like forms");
    if (options->first_argument >= argc)
        return use_wrongly("check needs at least one file");
    const char *forms = options->forms;
    if (forms == NULL && access(installed_forms, R_OK) == 0)
        forms = installed_forms;
    struct faults faults = faults_begin(owner);
    const char *const *paths = (const char *const *)argv + options->first_argument;
    struct definition_counts counts =
        definition_check(owner, paths, (size_t)(argc - options->first_argument), forms, &faults);
    print_faults(&faults);
    if (faults.count > 0)
        return 2;
    printf("%zu forms, %zu protocols, %zu wordings: no errors\n", counts.forms, counts.protocols,
           counts.wordings);
    return 0;
}

static struct text *read_input(const void *owner, struct error *error)
{
    struct text *text = text_new(owner);
    char buffer[65536];
    size_t count;
    while ((count = fread(buffer, 1, sizeof buffer, stdin)) > 0 && text->length <= CSV_FILE_LIMIT)
        text_append_bytes(text, buffer, count);
    if (ferror(stdin)) {
        error_io(error, errno, "standard input");
        return NULL;
    }
    if (text->length > CSV_FILE_LIMIT) {
        error_set(error, ERROR_INPUT, "standard input is larger than 64 MiB; split it");
        return NULL;
    }
    return text;
}

static bool write_file(const char *path, const struct text *text, struct error *error)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        return error_io(error, errno, path);
    bool written = fwrite(text->bytes, 1, text->length, file) == text->length;
    written = fclose(file) == 0 && written;
    return written || error_io(error, errno, path);
}

/* Writes to `path`, or to standard output when it is NULL. */
static bool write_output(const char *path, const struct text *text, struct error *error)
{
    if (path != NULL)
        return write_file(path, text, error);
    bool written = fwrite(text->bytes, 1, text->length, stdout) == text->length && fflush(stdout) == 0;
    return written || error_io(error, errno, "standard output");
}

static int run_score(const void *owner, const struct options *options, int argc, char **argv)
{
    static const char file[] = "standard input";
    if (options->forms != NULL || options->html != NULL || options->csv != NULL || options->wording_count > 0
        || has_profile_options(options))
        return use_wrongly("score takes no options");
    if (options->first_argument + 1 != argc)
        return use_wrongly("score needs one form file");
    struct error error;
    const struct form *form = form_load(owner, argv[options->first_argument], &error);
    if (form == NULL) {
        error_print(&error, program);
        return error.kind == ERROR_INPUT ? 2 : 1;
    }
    const struct text *input = read_input(owner, &error);
    const struct csv_table *table =
        input != NULL ? csv_table_read(owner, file, input->bytes, input->length, &error) : NULL;
    if (table == NULL)
        return fail(&error);
    struct text *absent = text_new(owner), *out = text_new(owner);
    struct faults faults = faults_begin(owner);
    score_csv_list_absent(form, table, absent);
    if (absent->length > 0)
        fprintf(stderr, "%s: no column for %s; they count as not answered\n", program, absent->bytes);
    if (!score_csv_write(form, file, table, out, &faults)) {
        print_faults(&faults);
        return 1;
    }
    return write_output(NULL, out, &error) ? 0 : fail(&error);
}

/* Puts the form with the texts of `path` in the place of the form; false and faults when it does not fit. */
static bool lay_wording(const void *owner, const struct catalogue *catalogue, const struct form **forms,
                        const char *path, struct faults *faults)
{
    struct error error;
    size_t length = 0;
    int version = 0;
    char *text = text_read_file(owner, path, FORM_FILE_LIMIT, &length, &error);
    const struct yaml *root = text != NULL ? yaml_parse(owner, path, text, length, &error) : NULL;
    if (root == NULL) {
        faults_add_error(faults, path, &error);
        return false;
    }
    const char *id = wording_target(root, &version, faults);
    if (id == NULL || version == 0)
        return false;
    for (size_t i = 0; i < catalogue->form_count; i++)
        if (forms[i]->version == version && strcmp(forms[i]->id, id) == 0) {
            const struct form *worded = wording_apply(owner, forms[i], root, faults);
            forms[i] = worded != NULL ? worded : forms[i];
            return worded != NULL;
        }
    faults_add(faults, path, root->line,
               "no form %.64s version %d to lay this wording over; name its directory with --forms", id,
               version);
    return false;
}

/* The catalogue with the wordings of the options laid over its forms; NULL after printing what is wrong. */
static const struct catalogue *lay_wordings(const void *owner, const struct catalogue *catalogue,
                                            const struct options *options)
{
    struct faults faults = faults_begin(owner);
    struct catalogue *worded = memory_new(owner, struct catalogue);
    const struct form **forms = memory_new_array(owner, const struct form *, catalogue->form_count);
    for (size_t i = 0; i < catalogue->form_count; i++)
        forms[i] = catalogue->forms[i];
    *worded = *catalogue;
    worded->forms = forms;
    bool fits = true;
    for (size_t i = 0; i < options->wording_count; i++)
        fits &= lay_wording(owner, catalogue, forms, options->wordings[i], &faults);
    print_faults(&faults);
    return fits ? worded : NULL;
}

static int run_codebook(const void *owner, const struct options *options, int argc, char **argv)
{
    if (options->first_argument + 1 != argc)
        return use_wrongly("codebook needs one protocol file");
    if (has_profile_options(options))
        return use_wrongly("codebook takes no --protocol, --form and --name");
    struct error error;
    const char *forms = options->forms != NULL ? options->forms : installed_forms;
    const struct catalogue *catalogue = catalogue_load(owner, argv[options->first_argument], forms, &error);
    if (catalogue == NULL) {
        error_print(&error, program);
        return error.kind == ERROR_INPUT ? 2 : 1;
    }
    catalogue = lay_wordings(owner, catalogue, options);
    if (catalogue == NULL)
        return 2;
    struct text *html = text_new(owner), *csv = text_new(owner);
    codebook_write_html(html, catalogue);
    codebook_write_csv(csv, catalogue);
    bool wants_html = options->html != NULL || options->csv == NULL;
    if (wants_html && !write_output(options->html, html, &error))
        return fail(&error);
    return options->csv == NULL || write_output(options->csv, csv, &error) ? 0 : fail(&error);
}

static void print_findings(const struct upload_findings *findings, const char *file)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct upload_finding *finding = &findings->findings[i];
        if (finding->severity == UPLOAD_FILE_REFUSED && finding->line > 0)
            fprintf(stderr, "%s:%lld: %s\n", file, (long long)finding->line, finding->text);
        else if (finding->severity == UPLOAD_FILE_REFUSED)
            fprintf(stderr, "%s: %s\n", file, finding->text);
    }
}

static int run_profile(const void *owner, const struct options *options, int argc, char **argv)
{
    if (options->html != NULL || options->csv != NULL || options->wording_count > 0)
        return use_wrongly("profile takes no --html, --csv and --wording");
    if (options->first_argument + 1 != argc || options->protocol == NULL)
        return use_wrongly("profile needs one sample file and --protocol");
    struct error error = {0};
    const char *forms = options->forms != NULL ? options->forms : installed_forms;
    struct profile_order order = {.file = argv[options->first_argument], .name = options->name, .form = options->form};
    order.catalogue = catalogue_load(owner, options->protocol, forms, &error);
    if (order.catalogue == NULL) {
        error_print(&error, program);
        return error.kind == ERROR_INPUT ? 2 : 1;
    }
    size_t length = 0;
    const char *bytes = text_read_file(owner, order.file, CSV_FILE_LIMIT, &length, &error);
    if (bytes == NULL)
        return fail(&error);
    struct text *out = text_new(owner);
    struct upload_findings findings = upload_findings_begin(owner);
    if (profile_write(out, &order, bytes, length, &findings, &error))
        return write_output(NULL, out, &error) ? 0 : fail(&error);
    print_findings(&findings, order.file);
    return findings.file_refused ? 1 : fail(&error);
}

static const struct command {
    const char *name;
    int (*run)(const void *owner, const struct options *options, int argc, char **argv);
} commands[] = {
    {"check", run_check},
    {"score", run_score},
    {"codebook", run_codebook},
    {"profile", run_profile},
};

enum option_key {
    OPTION_FORMS,
    OPTION_WORDING,
    OPTION_HTML,
    OPTION_CSV,
    OPTION_PROTOCOL,
    OPTION_FORM,
    OPTION_NAME,
    OPTION_HELP,
    OPTION_VERSION
};

static const struct option long_options[] = {
    {"forms", required_argument, NULL, OPTION_FORMS}, {"wording", required_argument, NULL, OPTION_WORDING},
    {"html", required_argument, NULL, OPTION_HTML},   {"csv", required_argument, NULL, OPTION_CSV},
    {"protocol", required_argument, NULL, OPTION_PROTOCOL}, {"form", required_argument, NULL, OPTION_FORM},
    {"name", required_argument, NULL, OPTION_NAME},
    {"help", no_argument, NULL, OPTION_HELP},         {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

/* -1: go on; otherwise the exit status. */
static int read_options(const void *owner, int argc, char **argv, struct options *options)
{
    int key;
    options->wordings = memory_new_array(owner, const char *, (size_t)argc);
    while ((key = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        switch (key) {
        case OPTION_FORMS: options->forms = optarg; break;
        case OPTION_WORDING: options->wordings[options->wording_count++] = optarg; break;
        case OPTION_HTML: options->html = optarg; break;
        case OPTION_CSV: options->csv = optarg; break;
        case OPTION_PROTOCOL: options->protocol = optarg; break;
        case OPTION_FORM: options->form = optarg; break;
        case OPTION_NAME: options->name = optarg; break;
        case OPTION_HELP: fputs(usage, stdout); return 0;
        case OPTION_VERSION: printf("patella-form %s\n", PATELLA_VERSION); return 0;
        default: return use_wrongly("wrong option");
        }
    }
    options->first_argument = optind + 1;
    return -1;
}

static int run(const void *owner, int argc, char **argv)
{
    struct options options = {.forms = NULL};
    int status = read_options(owner, argc, argv, &options);
    if (status >= 0)
        return status;
    if (optind >= argc)
        return use_wrongly("name a command");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(commands[i].name, argv[optind]) == 0)
            return commands[i].run(owner, &options, argc, argv);
    return use_wrongly("unknown command");
}

int main(int argc, char **argv)
{
    memory_init();
    void *owner = memory_owner(NULL, program);
    int status = run(owner, argc, argv);
    talloc_free(owner);
    return status;
}
