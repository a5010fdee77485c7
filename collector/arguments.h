/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Command lines of programs with commands: words, operands, options, and the help that is made from the same
 * tables.
 *
 *   patella-admin site add demo 7 --name "Seven" --time-zone Europe/Berlin
 *   words "site add"; operands "STUDY SITE"; options --name NAME (required), --time-zone ZONE (required)
 * An option is written --name VALUE or --name=VALUE; -- ends the options.
 */
#ifndef PATELLA_ARGUMENTS_H
#define PATELLA_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "forms/base/error.h"

enum { ARGUMENTS_OPERANDS = 4 };

struct argument_option {
    const char *name;            /* "time-zone" */
    const char *value;           /* what its value is called in the help, NULL for a switch */
    bool required;
    const char *help;
};

struct argument_command {
    const char *words;           /* "site add"; "" in a program without commands */
    const char *operands;        /* "STUDY SITE"; a name in brackets may be left out: "[STUDY]"; or "" */
    const struct argument_option *options;
    size_t option_count;
    const char *help;            /* one line */
};

struct arguments {
    const struct argument_command *command;      /* NULL: help or version was asked for before a command */
    const char *operands[ARGUMENTS_OPERANDS];    /* NULL where left out */
    const char **values;                         /* command->option_count; NULL: not given, "": a switch */
    bool help;
    bool version;
};

/*
 * Finds the command of argv[1..] among `commands` and reads its operands and options.  --help and --version
 * go before everything else.  ERROR_USAGE, with what to write instead, for anything that the tables do not
 * allow.
 */
bool arguments_parse(const void *owner, const struct argument_command *commands, size_t command_count,
                     char *const *argv, struct arguments *arguments, struct error *error) MUST_CHECK;

/* Value of an option of the command: NULL when it was not given or the command has none of that name. */
const char *arguments_value(const struct arguments *arguments, const char *name);

/* Help for one command, or the list of all of them when `command` is NULL. */
void arguments_print_help(FILE *stream, const char *program, const struct argument_command *commands,
                          size_t command_count, const struct argument_command *command);

/* A file for bash that completes the words and options of all commands. */
void arguments_print_completion(FILE *stream, const char *program, const struct argument_command *commands,
                                size_t command_count);

#endif
