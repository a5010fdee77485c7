/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/report_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/command.h"

struct report_run *report_run_new(const char *masking)
{
    struct report_run *run = memory_new(NULL, struct report_run);
    run->collected = collected_new(run, masking);
    collected_fill(run->collected);
    collected_cut(run->collected, "first");
    run->conninfo = test_database_conninfo(run, collected_database(run->collected), "patella_reporter");
    run->folder = memory_copy_string(run, "/tmp/patella-report-test-XXXXXX");
    assert_non_null(mkdtemp(run->folder));
    return run;
}

static const char *run_command(struct report_run *run, const char *command)
{
    run->output = command_run(run, command, &run->status);
    return run->output;
}

const char *report_shell(struct report_run *run, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *command = memory_format_list(run, format, arguments);
    va_end(arguments);
    return run_command(run, memory_format(run, "{ cd '%s' && %s ; } 2>&1", run->folder, command));
}

const char *report_program(struct report_run *run, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *options = memory_format_list(run, format, arguments);
    va_end(arguments);
    return report_shell(run, "'%s' --db '%s' %s", command_program(run, "patella-report"), run->conninfo, options);
}

void report_start(struct report_run *run, const char *log, const char *arguments)
{
    report_shell(run, "{ '%s' --db '%s' %s > '%s' 2>&1 & echo $! > started; }",
                 command_program(run, "patella-report"), run->conninfo, arguments, log);
}

void report_wait(struct report_run *run)
{
    report_shell(run, "tail --pid=\"$(cat started)\" -f /dev/null");
}

int report_run_tear_down(void **state)
{
    struct report_run *run = *state;
    report_shell(run, "rm -rf '%s'", run->folder);
    return talloc_free(run);
}

void assert_report(const struct report_run *run, int status, const char *text)
{
    if (run->status != status || strstr(run->output, text) == NULL)
        fail_msg("status %d (expected %d), without \"%s\" or of another status:\n%s", run->status, status, text,
                 run->output);
}

void assert_report_without(const struct report_run *run, const char *text)
{
    if (strstr(run->output, text) != NULL)
        fail_msg("\"%s\" stands in:\n%s", text, run->output);
}
