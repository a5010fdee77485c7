/* SPDX-License-Identifier: GPL-3.0-or-later */
/* patella-upload: sends a site's CSV file to a collector, shows what would happen, stores it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "collector/arguments.h"
#include "collector/error_json.h"
#include "collector/upload_client_profile.h"
#include "collector/upload_client_run.h"
#include "collector/upload_client_summary.h"
#include "forms/base/memory.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char program[] = "patella-upload";

enum { PATIENCE_S = 300, PATIENCE_MOST_S = 86400, SILENCE_S = 120 };

#define OPTION_URL {"url", "URL", true, "the collector, https://localhost:8443"}
#define OPTION_TOKEN {"token-file", "FILE", true, "file whose first line is the token"}
#define OPTION_STUDY {"study", "STUDY", false, "code of the study; default: the one of the token"}
#define OPTION_CA {"ca", "FILE", false, "CA that signed the collector's certificate; default: the system's"}
#define OPTION_CERT {"cert", "FILE", false, "certificate of this machine, where the collector asks for one"}
#define OPTION_KEY {"key", "FILE", false, "its key"}
#define OPTION_PATIENCE {"patience", "SECONDS", false, "how long to try one that is away; default 300"}
#define OPTION_JSON {"json", NULL, false, "as JSON, mistakes too"}
#define CONNECTION_OPTIONS \
    OPTION_URL, OPTION_TOKEN, OPTION_STUDY, OPTION_CA, OPTION_CERT, OPTION_KEY, OPTION_PATIENCE, OPTION_JSON

static const struct argument_option send_options[] = {
    CONNECTION_OPTIONS,
    {"site", "N", false, "every row is of this site; default: the token's, or as the rows say"},
    {"form", "FORM", false, "every row is this form; default: as the rows or columns say"},
    {"profile", "NAME", false, "site profile: its name at the collector, or a YAML file to hand in"},
    {"commit", "MODE", false, "store without a question: all-or-nothing or good-rows"},
    {"yes", NULL, false, "the same as --commit all-or-nothing"},
    {"reason", "TEXT", false, "reason for change, for all rows that give none of their own"},
    {"receipt", "FILE", false, "new file for the receipt (JSON)"},
    {"refused", "FILE", false, "new file for the refused rows (CSV, with what is wrong with each)"},
    {"quiet", NULL, false, "no progress and no preview"},
};
static const struct argument_option look_options[] = {CONNECTION_OPTIONS};
static const struct argument_option take_back_options[] = {
    CONNECTION_OPTIONS,
    {"reason", "TEXT", true, "why, for the audit trail"},
};

enum command { COMMAND_SEND, COMMAND_STATUS, COMMAND_LIST, COMMAND_TAKE_BACK, COMMAND_COMPLETION };

static const struct argument_command commands[] = {
    [COMMAND_SEND] = {"", "FILE", send_options, COUNT(send_options),
                      "send a CSV file, show what would be new, changed and refused, and store it when that is wanted"},
    [COMMAND_STATUS] = {"status", "ID", look_options, COUNT(look_options), "tell how far an upload is"},
    [COMMAND_LIST] = {"list", "", look_options, COUNT(look_options), "list the study's uploads, the latest first"},
    [COMMAND_TAKE_BACK] = {"take-back", "ID", take_back_options, COUNT(take_back_options),
                           "take back all that an upload has stored"},
    [COMMAND_COMPLETION] = {"completion", "", NULL, 0, "print what makes bash complete words and options"},
};

struct call {
    void *owner;
    struct arguments *arguments;
    int status;                  /* of the program, unless there is an error of wrong use */
};

static const char *option(const struct call *call, const char *name)
{
    return arguments_value(call->arguments, name);
}

static bool as_json(const struct call *call)
{
    return call->arguments != NULL && call->arguments->values != NULL && option(call, "json") != NULL;
}

/* ---- the connection ---- */

static bool read_patience(const struct call *call, int *patience_s, struct error *error)
{
    const char *given = option(call, "patience");
    int64_t seconds = PATIENCE_S;
    if (given != NULL && (!text_to_int64(given, &seconds) || seconds < 0 || seconds > PATIENCE_MOST_S))
        return error_set(error, ERROR_USAGE, "--patience is a number of seconds, 0 to %d, not \"%s\"", PATIENCE_MOST_S,
                         given);
    *patience_s = (int)seconds;
    return true;
}

static struct upload_client *connect(const struct call *call, struct error *error)
{
    const struct api_target target = {
        .url = option(call, "url"),
        .token_file = option(call, "token-file"),
        .ca_file = option(call, "ca"),
        .certificate_file = option(call, "cert"),
        .key_file = option(call, "key"),
        .silence_s = SILENCE_S,
    };
    struct upload_client_order order = {.target = &target, .study = option(call, "study")};
    if (!read_patience(call, &order.patience_s, error))
        return NULL;
    if ((target.certificate_file == NULL) != (target.key_file == NULL)) {
        error_set(error, ERROR_USAGE, "--cert and --key belong together; give both, or neither");
        return NULL;
    }
    bool quiet = option(call, "quiet") != NULL;
    struct upload_client_progress *progress =
        upload_client_progress_new(call->owner, quiet ? NULL : stderr, isatty(STDERR_FILENO) == 1);
    return upload_client_new(call->owner, &order, progress, error);
}

static void end_with(struct call *call, const struct upload_client *client, bool done)
{
    if (!done)
        call->status = client != NULL && client->try_again ? UPLOAD_CLIENT_TRY_AGAIN : UPLOAD_CLIENT_NOT_STORED;
}

/* ---- a file ---- */

/* A file that is there already may be the receipt of another upload. */
static bool check_new(const struct call *call, const char *name, struct error *error)
{
    const char *path = option(call, name);
    return path == NULL || access(path, F_OK) != 0 ||
           error_set(error, ERROR_USAGE, "--%s %s: the file is there already; name a new one", name, path);
}

static bool read_wish(const struct call *call, struct upload_client_wish *wish, struct error *error)
{
    const char *mode = option(call, "commit");
    bool json = option(call, "json") != NULL;
    *wish = (struct upload_client_wish){
        .reading = {.site = option(call, "site"), .form = option(call, "form"), .profile = option(call, "profile"),
                    .mode = mode == NULL && option(call, "yes") != NULL ? "all-or-nothing" : mode},
        .reason = option(call, "reason"),
        .receipt_file = option(call, "receipt"),
        .refused_file = option(call, "refused"),
        .json = json,
        .quiet = option(call, "quiet") != NULL,
        .may_ask = !json && isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1,
    };
    if (mode != NULL && strcmp(mode, "all-or-nothing") != 0 && strcmp(mode, "good-rows") != 0)
        return error_set(error, ERROR_USAGE, "--commit is all-or-nothing or good-rows, not \"%s\"", mode);
    if (mode != NULL && strcmp(mode, "good-rows") == 0 && option(call, "yes") != NULL)
        return error_set(error, ERROR_USAGE, "--yes is --commit all-or-nothing; give one of them");
    if (wish->reason != NULL && text_count_visible(wish->reason) < UPLOAD_CLIENT_REASON_LEAST)
        return error_set(error, ERROR_USAGE, "--reason has at least %d characters; say why what is stored is changed",
                         UPLOAD_CLIENT_REASON_LEAST);
    return check_new(call, "receipt", error) && check_new(call, "refused", error);
}

static bool send_file(struct call *call, struct error *error)
{
    struct upload_client_wish wish;
    if (!read_wish(call, &wish, error))
        return false;
    call->status = UPLOAD_CLIENT_NOT_STORED;
    const struct upload_client_file *file = upload_client_file_open(call->owner, call->arguments->operands[0], error);
    struct upload_client_profile *profile = NULL;
    if (file == NULL || !upload_client_profile_read(call->owner, wish.reading.profile, &profile, error))
        return false;
    struct upload_client *client = connect(call, error);
    bool ready = client != NULL && (profile == NULL || upload_client_profile_hand_in(client, call->owner, profile,
                                                                                     &wish.reading, error));
    if (!ready) {
        end_with(call, client, false);
        return false;
    }
    return upload_client_run(client, call->owner, file, &wish, &call->status, error);
}

/* ---- the others ---- */

static void print_json(const struct call *call, const json_t *json)
{
    struct text *out = text_new(call->owner);
    upload_client_append_json(out, json);
    puts(out->bytes);
}

static void print_upload(const struct call *call, const json_t *upload)
{
    struct text *out = text_new(call->owner);
    if (as_json(call)) {
        print_json(call, upload);
        return;
    }
    upload_client_append_line(out, upload);
    upload_client_append_preview(out, upload, NULL);
    if (json_is_object(json_object_get(upload, "receipt")))
        upload_client_append_receipt(out, json_object_get(upload, "receipt"));
    fputs(out->bytes, stdout);
}

static bool show_status(struct call *call, struct error *error)
{
    struct upload_client *client = connect(call, error);
    const json_t *upload = client == NULL ? NULL
        : upload_client_get(client, call->owner, upload_client_path(client, call->owner, call->arguments->operands[0]),
                            error);
    if (upload != NULL)
        print_upload(call, upload);
    end_with(call, client, upload != NULL);
    return upload != NULL;
}

static bool list(struct call *call, struct error *error)
{
    struct upload_client *client = connect(call, error);
    const char *study = option(call, "study");
    const char *path = client == NULL || study == NULL ? "/api/v1/uploads"
        : memory_format(call->owner, "/api/v1/uploads?study=%s", api_client_escape(client->api, call->owner, study));
    const json_t *page = client != NULL ? upload_client_get(client, call->owner, path, error) : NULL;
    const json_t *uploads = json_object_get(page, "uploads");
    struct text *out = text_new(call->owner);
    for (size_t i = 0; i < json_array_size(uploads); i++)
        upload_client_append_line(out, json_array_get(uploads, i));
    if (page != NULL && as_json(call))
        print_json(call, page);
    else
        fputs(out->bytes, stdout);
    end_with(call, client, page != NULL);
    return page != NULL;
}

static bool take_back(struct call *call, struct error *error)
{
    struct upload_client *client = connect(call, error);
    const json_t *upload = client == NULL ? NULL
        : upload_client_take_back(client, call->owner,
                                  upload_client_path(client, call->owner, call->arguments->operands[0]),
                                  option(call, "reason"), error);
    if (upload != NULL && strcmp(upload_client_text(upload, "state"), "taken_back") != 0) {
        error_set(error, ERROR_CONFLICT, "the upload is \"%s\" still: %s", upload_client_text(upload, "state"),
                  upload_client_text(upload, "problem"));
        upload = NULL;
    }
    if (upload != NULL)
        print_upload(call, upload);
    end_with(call, client, upload != NULL);
    return upload != NULL;
}

static bool completion(struct call *call, struct error *error)
{
    (void)call;
    (void)error;
    arguments_print_completion(stdout, program, commands, COUNT(commands));
    return true;
}

/* What a program without a first word does, and the words that there are. */
static void print_help(const struct argument_command *command)
{
    if (command != NULL && command != &commands[COMMAND_SEND]) {
        arguments_print_help(stdout, program, commands, COUNT(commands), command);
        return;
    }
    arguments_print_help(stdout, program, commands, COUNT(commands), &commands[COMMAND_SEND]);
    printf("\nOther commands (a file of such a name is written ./%s):\n", commands[COMMAND_STATUS].words);
    for (size_t i = COMMAND_SEND + 1; i < COUNT(commands); i++)
        printf("  %s %s%s%s\n      %s\n", program, commands[i].words, commands[i].operands[0] != '\0' ? " " : "",
               commands[i].operands, commands[i].help);
}

static bool run(struct call *call, char *const *argv, struct error *error)
{
    static bool (*const functions[])(struct call *call, struct error *error) = {
        [COMMAND_SEND] = send_file, [COMMAND_STATUS] = show_status, [COMMAND_LIST] = list,
        [COMMAND_TAKE_BACK] = take_back, [COMMAND_COMPLETION] = completion,
    };
    struct arguments *arguments = memory_new(call->owner, struct arguments);
    call->arguments = arguments;
    if (!arguments_parse(call->owner, commands, COUNT(commands), argv, arguments, error))
        return false;
    if (arguments->version) {
        printf("%s %s\n", program, PATELLA_VERSION);
        return true;
    }
    if (arguments->help) {
        print_help(arguments->command);
        return true;
    }
    return functions[arguments->command - commands](call, error);
}

int main(int argc, char **argv)
{
    (void)argc;
    memory_init();
    void *owner = memory_owner(NULL, program);
    struct call call = {.owner = owner};
    struct error error = {0};
    if (!run(&call, argv, &error)) {
        if (as_json(&call))
            error_print_json(&error);
        else
            error_print(&error, program);
        call.status = error.kind == ERROR_USAGE ? UPLOAD_CLIENT_MISUSED
                      : call.status != 0 ? call.status : UPLOAD_CLIENT_NOT_STORED;
    } else if (fflush(stdout) != 0) {
        perror(program);
        call.status = UPLOAD_CLIENT_TRY_AGAIN;
    }
    int status = call.status;
    talloc_free(owner);
    return status;
}
