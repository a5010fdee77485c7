/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/arguments.h"

/* patella-admin -> patella_admin: a function's name. */
static void print_identifier(FILE *stream, const char *program)
{
    for (; *program != '\0'; program++)
        fputc(*program == '-' ? '_' : *program, stream);
}

static void print_command(FILE *stream, const struct argument_command *command)
{
    fprintf(stream, "%s:", command->words);
    for (size_t i = 0; i < command->option_count; i++)
        fprintf(stream, "--%s ", command->options[i].name);
    fputs("--help --version\n", stream);
}

/*
 * Behind the words of a command: its options, or files; before that the next word of every command that fits.  A
 * command without words is the one where no other fits, and takes files where a word could come.
 */
static const char body[] =
    "{\n"
    "    local words options plain='' found='' flags='' next='' word=${COMP_WORDS[COMP_CWORD]}\n"
    "    local typed=\"${COMP_WORDS[*]:1:COMP_CWORD-1} \"\n"
    "    typed=${typed# }\n"
    "    while IFS=: read -r words options; do\n"
    "        if [[ -z $words ]]; then\n"
    "            plain=$options\n"
    "        elif [[ \"$words \" == \"$typed\"?* ]]; then\n"
    "            words=${words#\"$typed\"}\n"
    "            next+=\" ${words%% *}\"\n"
    "        elif [[ \"$typed\" == \"$words \"* && ${#words} -ge ${#found} ]]; then\n"
    "            found=$words flags=$options\n"
    "        fi\n"
    "    done <<'END'\n";

void arguments_print_completion(FILE *stream, const char *program, const struct argument_command *commands,
                                size_t command_count)
{
    fprintf(stream, "# Completion of %s for bash, made from its table of commands: %s completion\n_", program, program);
    print_identifier(stream, program);
    fprintf(stream, "()\n%s", body);
    for (size_t i = 0; i < command_count; i++)
        print_command(stream, &commands[i]);
    fputs("END\n"
          "    if [[ $word == -* ]]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"${flags:-${plain:---help --version}}\" -- \"$word\")\n"
          "    elif [[ -n $next && $typed != *' -'* ]]; then\n"
          "        mapfile -t COMPREPLY < <(compgen ${plain:+-f} -W \"$next\" -- \"$word\" | sort -u)\n"
          "    else\n"
          "        mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
          "    fi\n"
          "}\n"
          "complete -o filenames -F _", stream);
    print_identifier(stream, program);
    fprintf(stream, " %s\n", program);
}
