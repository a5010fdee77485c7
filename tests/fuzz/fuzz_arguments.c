/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any lines as the words of a command line.  Refused: with a message that can be shown.  Accepted: what the
 * table says is required is there, every operand and value is one of the words, and a value written
 * --name VALUE is read the same as --name=VALUE.
 */
#define FUZZ_TARGET fuzz_arguments
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "collector/arguments.h"
#include "forms/base/memory.h"

enum { WORDS_MOST = 64 };

static const struct argument_option site_options[] = {
    {"name", "NAME", true, "what it is called"},
    {"time-zone", "ZONE", true, "where it is"},
    {"force", NULL, false, "whatever comes"},
};

static const struct argument_option cut_options[] = {{"label", "TEXT", false, "what it is for"}};

static const struct argument_command commands[] = {
    {"site add", "STUDY SITE", site_options, 3, "adds a site"},
    {"site", "[STUDY]", NULL, 0, "lists sites"},
    {"cut", "STUDY", cut_options, 1, "makes a cut"},
    {"cut list", "[STUDY]", NULL, 0, "lists cuts"},
    {"a b c d", "W X Y [Z]", cut_options, 1, "many words"},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static bool is_part_of_word(const char *text, char *const *argv)
{
    for (; *argv != NULL; argv++)
        if (text >= *argv && text <= *argv + strlen(*argv))
            return true;
    return false;
}

static void require_accepted(const struct arguments *arguments, char *const *argv)
{
    const struct argument_command *command = arguments->command;
    FUZZ_REQUIRE(arguments->help || arguments->version || command != NULL);
    if (arguments->help || arguments->version)
        return;
    const char *names = command->operands;
    for (size_t i = 0; i < ARGUMENTS_OPERANDS; i++) {
        bool required = *names != '\0' && *names != '[';
        FUZZ_REQUIRE(!required || arguments->operands[i] != NULL);
        FUZZ_REQUIRE(*names != '\0' || arguments->operands[i] == NULL);
        FUZZ_REQUIRE(arguments->operands[i] == NULL || is_part_of_word(arguments->operands[i], argv));
        names += strcspn(names, " ");
        names += strspn(names, " ");
    }
    for (size_t i = 0; i < command->option_count; i++) {
        const char *value = arguments_value(arguments, command->options[i].name);
        FUZZ_REQUIRE(!command->options[i].required || value != NULL);
        FUZZ_REQUIRE(value == NULL || command->options[i].value == NULL || is_part_of_word(value, argv));
        FUZZ_REQUIRE(value == NULL || command->options[i].value != NULL || *value == '\0');
    }
    FUZZ_REQUIRE(arguments_value(arguments, "no-such-option") == NULL);
}

/* --name VALUE as --name=VALUE, up to "--". */
static void require_same_joined(const void *owner, const struct arguments *arguments, char *const *argv)
{
    const struct argument_command *command = arguments->command;
    char *joined[WORDS_MOST + 2];
    size_t count = 0;
    bool options_ended = false;
    for (; *argv != NULL; argv++) {
        bool takes_value = false;
        options_ended = options_ended || strcmp(*argv, "--") == 0;
        for (size_t i = 0; !options_ended && i < command->option_count; i++)
            takes_value = takes_value || (strncmp(*argv, "--", 2) == 0 && command->options[i].value != NULL &&
                                          strcmp(*argv + 2, command->options[i].name) == 0);
        joined[count++] = takes_value ? memory_format(owner, "%s=%s", argv[0], argv[1]) : *argv;
        argv += takes_value;
    }
    joined[count] = NULL;
    struct arguments again;
    struct error error = {0};
    FUZZ_REQUIRE_WITH(arguments_parse(owner, commands, COMMANDS, joined, &again, &error), error.message);
    if (again.help || again.version)
        return;                  /* a value that is itself --help */
    FUZZ_REQUIRE(again.command == command);
    for (size_t i = 0; i < command->option_count; i++) {
        const char *one = arguments_value(arguments, command->options[i].name);
        const char *other = arguments_value(&again, command->options[i].name);
        FUZZ_REQUIRE((one == NULL) == (other == NULL) && (one == NULL || strcmp(one, other) == 0));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    void *owner = memory_owner(NULL, "fuzz");
    char *text = memory_copy_bytes(owner, (const char *)data, size), *rest = NULL, program[] = "program";
    char *argv[WORDS_MOST + 2] = {program};
    struct arguments arguments;
    struct error error = {0};
    size_t count = 1;
    bool shown = text_is_utf8(text, strlen(text));
    for (char *word = strtok_r(text, "\n", &rest); word != NULL && count <= WORDS_MOST;
         word = strtok_r(NULL, "\n", &rest))
        argv[count++] = word;
    argv[count] = NULL;
    if (!arguments_parse(owner, commands, COMMANDS, argv, &arguments, &error)) {
        FUZZ_REQUIRE(error.kind == ERROR_USAGE);
        if (shown)               /* what no terminal shows comes back as it was written */
            fuzz_require_refusal(&error, ERROR_USAGE);
    } else {
        require_accepted(&arguments, argv);
        if (!arguments.help && !arguments.version)
            require_same_joined(owner, &arguments, argv);
    }
    talloc_free(owner);
    return 0;
}
