/* SPDX-License-Identifier: GPL-3.0-or-later */
/* patella-admin: studies, sites, accounts, tokens, allocation, cuts, notices, audit trail, exports. */
#include <stdio.h>
#include <string.h>

#include "collector/admin_result.h"
#include "forms/base/memory.h"

static const char program[] = "patella-admin";

/* The commands of all groups in one array; `syntax` is the same rows for the reader of the command line. */
struct command_list {
    struct admin_command *commands;
    struct argument_command *syntax;
    size_t count;
};

static bool print_completion(struct admin *admin, struct error *error);

static const struct admin_command own_commands[] = {
    {{"completion", "", NULL, 0, "print what makes bash complete the words and options of all commands"},
     print_completion},
};
static const struct admin_group admin_own = {own_commands, ADMIN_COUNT(own_commands)};

/* A command's options, and --json. */
static struct argument_command with_json(const void *owner, const struct argument_command *command)
{
    struct argument_option *options = memory_new_array(owner, struct argument_option, command->option_count + 1);
    struct argument_command whole = *command;
    for (size_t i = 0; i < command->option_count; i++)
        options[i] = command->options[i];
    options[whole.option_count++] = (struct argument_option){"json", NULL, false, "as JSON, mistakes too"};
    whole.options = options;
    return whole;
}

static struct command_list collect_commands(const void *owner)
{
    static const struct admin_group *const groups[] = {
        &admin_studies, &admin_wordings, &admin_holds, &admin_accounts, &admin_people, &admin_allocation,
        &admin_allocation_keys, &admin_ca, &admin_notices, &admin_audit, &admin_export, &admin_own};
    struct command_list list = {0};
    for (size_t i = 0; i < ADMIN_COUNT(groups); i++)
        list.count += groups[i]->count;
    list.commands = memory_new_array(owner, struct admin_command, list.count);
    list.syntax = memory_new_array(owner, struct argument_command, list.count);
    size_t at = 0;
    for (size_t i = 0; i < ADMIN_COUNT(groups); i++)
        for (size_t j = 0; j < groups[i]->count; j++, at++) {
            list.commands[at] = groups[i]->commands[j];
            list.syntax[at] = with_json(owner, &groups[i]->commands[j].syntax);
        }
    return list;
}

static bool print_completion(struct admin *admin, struct error *error)
{
    (void)error;
    struct command_list list = collect_commands(admin->owner);
    admin_printed(admin);
    arguments_print_completion(stdout, program, list.syntax, list.count);
    return true;
}

/* Before the command line is understood. */
static bool wants_json(char *const *argv)
{
    for (argv++; *argv != NULL && strcmp(*argv, "--") != 0; argv++)
        if (strcmp(*argv, "--json") == 0)
            return true;
    return false;
}

static bool run(const void *owner, char *const *argv, struct error *error)
{
    struct command_list list = collect_commands(owner);
    struct arguments arguments;
    if (!arguments_parse(owner, list.syntax, list.count, argv, &arguments, error))
        return false;
    if (arguments.version) {
        printf("%s %s\n", program, PATELLA_VERSION);
        return true;
    }
    if (arguments.help) {
        arguments_print_help(stdout, program, list.syntax, list.count, arguments.command);
        return true;
    }
    struct admin admin = {.owner = owner, .arguments = &arguments};
    bool done = list.commands[arguments.command - list.syntax].run(&admin, error);
    if (done)
        admin_print_document(&admin);
    return done;
}

int main(int argc, char **argv)
{
    (void)argc;
    memory_init();
    void *owner = memory_owner(NULL, program);
    struct error error = {0};
    int status = 0;
    if (!run(owner, argv, &error)) {
        admin_print_error(&error, wants_json(argv));
        status = error_exit_status(&error);
    } else if (fflush(stdout) != 0) {
        perror(program);
        status = 1;
    }
    talloc_free(owner);
    return status;
}
