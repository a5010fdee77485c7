/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/command.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"

const char *command_run(const void *owner, const char *command, int *status)
{
    FILE *pipe = popen(command, "re");   /* NOLINT(cert-env33-c): the commands are the tests' own */
    assert_non_null(pipe);
    struct text *output = text_new(owner);
    char buffer[4096];
    for (size_t got; (got = fread(buffer, 1, sizeof buffer, pipe)) > 0;)
        text_append_bytes(output, buffer, got);
    int ended = pclose(pipe);
    *status = WIFEXITED(ended) ? WEXITSTATUS(ended) : 128;
    return output->bytes;
}

const char *command_program(const void *owner, const char *program)
{
    const char *build = getenv("BUILD");
    const char *path = memory_format(owner, "%s/bin/%s", build != NULL ? build : "build", program);
    char found[PATH_MAX];
    if (realpath(path, found) == NULL)
        fail_msg("there is no %s", path);
    return memory_copy_string(owner, found);
}
