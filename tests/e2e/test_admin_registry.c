/* SPDX-License-Identifier: GPL-3.0-or-later */
/* patella-admin beside a collector that is running. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/command.h"
#include "tests/support/registry.h"

/* Runs patella-admin with these words of a shell; its exit status, what it says in `*output`. */
static int run_admin(struct registry *registry, const char *words, const char **output)
{
    const char *conninfo = test_database_conninfo(registry, registry->database, "patella_admin");
    char *command = memory_format(registry, "%s %s --db \"%s\" 2>&1", command_program(registry, "patella-admin"),
                                  words, conninfo);
    int status = -1;
    *output = command_run(registry, command, &status);
    return status;
}

static void admin(struct registry *registry, const char *words, int status, const char *says)
{
    const char *output = NULL;
    int ended = run_admin(registry, words, &output);
    if (ended != status || strstr(output, says) == NULL)
        fail_msg("patella-admin %s: %d, not %d: %s", words, ended, status, output);
}

static char *write_file(struct registry *registry, const char *name, const char *text)
{
    char *path = memory_format(registry, "%s/%s", registry->daemon->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return path;
}

static void test_subject_lock_refuses_submissions_until_it_is_unlocked(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0001");
    const char *body = registry_pain(registry, NULL, "01-0001", 10, "");
    admin(registry, "subject lock demo 01-0001 --reason 'query is open'", 0, "");
    assert_problem(api_submit(registry, "coordinator1", body), 423, "subject_locked");
    admin(registry, "subject unlock demo 01-0001 --reason 'query is answered'", 0, "");
    assert_status(api_submit(registry, "coordinator1", body), 201);
    admin(registry, "subject lock demo 01-0002 --reason 'query is open'", 1, "no such subject");
}

static void test_study_freeze_refuses_submissions_until_it_is_unfrozen(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0011");
    const char *body = registry_pain(registry, NULL, "01-0011", 10, "");
    admin(registry, "study freeze demo --reason 'data base lock'", 0, "");
    assert_problem(api_submit(registry, "coordinator1", body), 423, "study_frozen");
    admin(registry, "study unfreeze demo --reason 'late entries'", 0, "");
    assert_status(api_submit(registry, "coordinator1", body), 201);
}

static void test_allocate_to_another_cohort_needs_a_reason(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0021");
    char *first = write_file(registry, "first.csv", "subject,cohort\n01-0021,AD-MSC\n");
    char *second = write_file(registry, "second.csv", "subject,cohort\n01-0021,CS\n");
    admin(registry, memory_format(registry, "allocate demo %s", first), 0, "1 rows, 1 of them new");
    admin(registry, memory_format(registry, "allocate demo %s", first), 0, "1 rows, 0 of them new");
    admin(registry, memory_format(registry, "allocate demo %s", second), 1, "another cohort");
    admin(registry, memory_format(registry, "allocate demo %s --reason 'wrong list'", second), 0,
          "1 of them new");
    assert_string_equal(test_value(registry->db,
                                   "SELECT string_agg(cohort || ':' || coalesce(reason, ''), ' ' "
                                   "ORDER BY entry) FROM blind.allocation WHERE subject_no = 21"),
                        "AD-MSC: CS:wrong list");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_subject_lock_refuses_submissions_until_it_is_unlocked),
        cmocka_unit_test(test_study_freeze_refuses_submissions_until_it_is_unfrozen),
        cmocka_unit_test(test_allocate_to_another_cohort_needs_a_reason),
    };
    memory_init();
    return cmocka_run_group_tests(tests, registry_setup, registry_teardown);
}
