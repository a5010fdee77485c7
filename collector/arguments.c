/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/arguments.h"

#include <string.h>

#include "forms/base/memory.h"

/* How many of argv's words make up the command's words, 0 when they differ. */
static size_t words_match(const char *words, char *const *argv)
{
    size_t count = 0;
    while (*words) {
        size_t length = strcspn(words, " ");
        if (!argv[count] || strlen(argv[count]) != length || strncmp(argv[count], words, length) != 0)
            return 0;
        count++;
        words += length + strspn(words + length, " ");
    }
    return count;
}

/* "cut list" goes before "cut": the longest match counts. */
static const struct argument_command *find_command(const struct argument_command *commands, size_t count,
                                                   char *const *argv, size_t *words)
{
    const struct argument_command *found = NULL;
    *words = 0;
    for (size_t i = 0; i < count; i++) {
        size_t matched = words_match(commands[i].words, argv);
        if (matched > *words || (commands[i].words[0] == '\0' && !found)) {
            found = &commands[i];
            *words = matched;
        }
    }
    return found;
}

static int find_option(const struct argument_command *command, const char *name, size_t length)
{
    for (size_t i = 0; i < command->option_count; i++)
        if (strlen(command->options[i].name) == length &&
            strncmp(command->options[i].name, name, length) == 0)
            return (int)i;
    return -1;
}

/* Reads the option at **argv, moves *argv to its last word. */
static bool read_option(struct arguments *arguments, char *const **argv, struct error *error)
{
    const char *name = **argv + 2;
    size_t length = strcspn(name, "=");
    const char *value = name[length] == '=' ? name + length + 1 : NULL;
    int at = find_option(arguments->command, name, length);
    if (at < 0)
        return error_set(error, ERROR_USAGE, "there is no option --%.*s here; --help lists them", (int)length,
                         name);
    const struct argument_option *option = &arguments->command->options[at];
    if (arguments->values[at])
        return error_set(error, ERROR_USAGE, "--%s stands twice; give it once", option->name);
    if (!option->value) {
        if (value)
            return error_set(error, ERROR_USAGE, "--%s takes no value", option->name);
        arguments->values[at] = "";
        return true;
    }
    if (!value) {
        if (!(*argv)[1])
            return error_set(error, ERROR_USAGE, "--%s wants a value: --%s %s", option->name, option->name,
                             option->value);
        value = *++*argv;
    }
    arguments->values[at] = value;
    return true;
}

static bool check_operands(const struct arguments *arguments, size_t given, struct error *error)
{
    const char *names = arguments->command->operands;
    size_t known = 0;
    while (*names) {
        size_t length = strcspn(names, " ");
        if (known >= given && names[0] != '[')
            return error_set(error, ERROR_USAGE, "%.*s is missing; --help shows how to call it", (int)length,
                             names);
        known++;
        names += length + strspn(names + length, " ");
    }
    if (given > known)
        return error_set(error, ERROR_USAGE, "\"%s\" is one word too many; --help shows how to call it",
                         given <= ARGUMENTS_OPERANDS ? arguments->operands[given - 1] : "...");
    return true;
}

static bool check_required(const struct arguments *arguments, struct error *error)
{
    for (size_t i = 0; i < arguments->command->option_count; i++) {
        const struct argument_option *option = &arguments->command->options[i];
        if (option->required && !arguments->values[i])
            return error_set(error, ERROR_USAGE, "--%s %s is missing; --help shows how to call it",
                             option->name, option->value);
    }
    return true;
}

static bool read_words(struct arguments *arguments, char *const *argv, struct error *error)
{
    size_t operands = 0;
    bool options_ended = false;
    for (; *argv; argv++) {
        if (!options_ended && strcmp(*argv, "--") == 0) {
            options_ended = true;
        } else if (!options_ended && strncmp(*argv, "--", 2) == 0) {
            if (!read_option(arguments, &argv, error))
                return false;
        } else {
            if (operands < ARGUMENTS_OPERANDS)
                arguments->operands[operands] = *argv;
            operands++;
        }
    }
    return check_operands(arguments, operands, error) && check_required(arguments, error);
}

/* Anywhere before "--": whoever asks for help has not finished the line. */
static bool is_asked(char *const *argv, const char *long_name, const char *short_name)
{
    for (; *argv && strcmp(*argv, "--") != 0; argv++)
        if (strcmp(*argv, long_name) == 0 || strcmp(*argv, short_name) == 0)
            return true;
    return false;
}

bool arguments_parse(const void *owner, const struct argument_command *commands, size_t command_count,
                     char *const *argv, struct arguments *arguments, struct error *error)
{
    *arguments = (struct arguments){0};
    argv++;
    size_t words;
    arguments->command = find_command(commands, command_count, argv, &words);
    arguments->help = is_asked(argv, "--help", "-h");
    arguments->version = is_asked(argv, "--version", "-V");
    if (arguments->help || arguments->version)
        return true;
    if (!arguments->command)
        return *argv ? error_set(error, ERROR_USAGE, "there is no command \"%s%s%s\"; --help lists them",
                                 argv[0], argv[1] ? " " : "", argv[1] ? argv[1] : "")
                     : error_set(error, ERROR_USAGE, "no command was given; --help lists them");
    arguments->values = memory_new_array(owner, const char *, arguments->command->option_count + 1);
    return read_words(arguments, argv + words, error);
}

const char *arguments_value(const struct arguments *arguments, const char *name)
{
    int at = find_option(arguments->command, name, strlen(name));
    return at < 0 ? NULL : arguments->values[at];
}

static void print_usage(FILE *stream, const char *program, const struct argument_command *command)
{
    fprintf(stream, "%s%s%s%s%s", program, command->words[0] ? " " : "", command->words,
            command->operands[0] ? " " : "", command->operands);
    for (size_t i = 0; i < command->option_count; i++)
        if (command->options[i].required)
            fprintf(stream, " --%s %s", command->options[i].name, command->options[i].value);
}

static void print_options(FILE *stream, const struct argument_command *command)
{
    for (size_t i = 0; i < command->option_count; i++) {
        const struct argument_option *option = &command->options[i];
        int width = fprintf(stream, "  --%s%s%s", option->name, option->value ? " " : "",
                            option->value ? option->value : "");
        fprintf(stream, "%*s%s%s\n", width < 26 ? 26 - width : 1, "", option->help,
                option->required ? "" : " (optional)");
    }
    fprintf(stream, "  --help                  this text\n  --version               the version\n");
}

void arguments_print_help(FILE *stream, const char *program, const struct argument_command *commands,
                          size_t command_count, const struct argument_command *command)
{
    if (!command) {
        fprintf(stream, "usage: %s COMMAND ...\n\n", program);
        for (size_t i = 0; i < command_count; i++) {
            fprintf(stream, "  ");
            print_usage(stream, program, &commands[i]);
            fprintf(stream, "\n      %s\n", commands[i].help);
        }
        fprintf(stream, "\n%s COMMAND --help shows a command's options.\n", program);
        return;
    }
    fprintf(stream, "usage: ");
    print_usage(stream, program, command);
    fprintf(stream, " [option ...]\n\n%s\n\n", command->help);
    print_options(stream, command);
}
