/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/seal_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "forms/base/memory.h"

struct report_run *seal_run_new(void)
{
    struct report_run *run = report_run_new("none");
    collected_submit(run->collected,
                     &(struct collected_form){"01-0001", "pain_vas", "right", "M3", "2026-04-10", 1, 2, NULL}, "vas",
                     "41", NULL);
    test_run(collected_db(run->collected),
             "SELECT admin.add_account('clara', 'Clara Clerk'); "
             "INSERT INTO core.signature (study_id, site_id, signature_id, submission_id, sha256, meaning, "
             "printed_name) SELECT study_id, site_id, gen_random_uuid(), id, sha256, 'review', 'Ina Investigator' "
             "FROM core.submission WHERE version = 2");
    seal_program(run, "patella_sealer", "keygen --key key --public-key key.pub");
    assert_report(run, 0, "");
    return run;
}

const char *seal_path(struct report_run *run)
{
    const char *build = getenv("BUILD");
    char *relative = memory_format(run, "%s/bin/patella-seal", build != NULL ? build : "build");
    char *absolute = realpath(relative, NULL);
    if (absolute == NULL)
        fail_msg("there is no %s", relative);
    char *path = memory_copy_string(run, absolute);
    free(absolute);
    return path;
}

const char *seal_program(struct report_run *run, const char *role, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *options = memory_format_list(run, format, arguments);
    va_end(arguments);
    const char *database = test_database_name(collected_database(run->collected));
    return report_shell(run, "PGDATABASE='%s' PGUSER='%s' '%s' %s", database, role, seal_path(run), options);
}

void seal_once(struct report_run *run)
{
    seal_program(run, "patella_sealer", "run --once --key key --checkpoints checkpoints");
    assert_report(run, 0, "");
}

const char *seal_verify(struct report_run *run)
{
    return seal_program(run, "patella_sealer", "verify --checkpoints checkpoints --public-key key.pub");
}

void seal_tamper(struct report_run *run, const char *sql)
{
    test_run(collected_db(run->collected), memory_format(run, "SET session_replication_role = replica; %s; "
                                                              "RESET session_replication_role", sql));
}

const char *seal_value(struct report_run *run, const char *sql)
{
    return test_value(collected_db(run->collected), sql);
}
