/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The simulated trial through everything: its rows over TLS into a study of its own, a data cut, the report;
 * the report's numbers against those that R computed from the trial's files.  The same once more with the files
 * uploaded as they are: the same numbers, to the last byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "tests/support/trial1000.h"

static const char *folder;

/* A shell with the folder and a study of its own in its environment. */
static int run_shell(const char *script)
{
    const char *command = memory_format(folder, "export DEMO_DIR=%s DEMO_DATA=%s/data DEMO_STUDY=trial1000 "
                                        "DEMO_PROTOCOL=" TRIAL1000 "/protocol.yaml SERVICE_PORT=0 "
                                        "PGDATABASE=patella_trial1000_%ld; %s",
                                        folder, folder, (long)getpid(), script);
    return system(command);   /* NOLINT(cert-env33-c): the script is ours, the folder is mkdtemp's */
}

/* The same in another database, where the files themselves are uploaded. */
static int run_shell_for_files(const char *script)
{
    return run_shell(memory_format(folder, "export DEMO_LOAD=files DEMO_DIR=$DEMO_DIR/files "
                                   "PGDATABASE=${PGDATABASE}_files; mkdir -p $DEMO_DIR; %s", script));
}

static int make_report(void **state)
{
    memory_init();
    char path[] = "/tmp/patella-trial1000-XXXXXX";
    assert_non_null(mkdtemp(path));
    folder = memory_copy_string(NULL, path);
    *state = (void *)folder;
    return run_shell(TRIAL1000 "/convert \"$DEMO_DATA\" &&\n"
                     "ci/run-demo start > $DEMO_DIR/demo.log 2>&1 || { cat $DEMO_DIR/demo.log; exit 1; }");
}

static int remove_everything(void **state)
{
    (void)state;
    run_shell_for_files("ci/run-demo stop; dropdb --if-exists --force \"$PGDATABASE\"");
    int status = run_shell("ci/run-demo stop && dropdb --force \"$PGDATABASE\" && rm -r \"$DEMO_DIR\"");
    talloc_free((void *)folder);
    return status;
}

static void test_patella_load_trial1000_stores_every_row(void **state)
{
    (void)state;
    assert_int_equal(run_shell("rows=$(cat \"$DEMO_DATA\"/[0-9]*.csv | grep -vc ^subject,)\n"
                               "grep \"^$rows rows stored now, 0 stored before, 0 refused, 0 left out\" "
                               "$DEMO_DIR/demo.log"), 0);
}

static void test_patella_report_trial1000_gives_the_numbers_of_r(void **state)
{
    const char *path = memory_format(*state, "%s/report-1/results.csv", folder);
    const struct results *results = golden_read_results(*state, path);
    for (int i = 0; i < TRIAL1000_PARTS; i++) {
        struct golden_outcome outcome = golden_compare(results, &trial1000_parts[i].rules);
        assert_int_equal(outcome.mismatches, 0);
        assert_int_equal(outcome.compared, trial1000_parts[i].rows);
    }
}

static void test_uploads_trial1000_give_the_report_of_its_rows(void **state)
{
    assert_int_equal(run_shell_for_files("ci/run-demo start > $DEMO_DIR/demo.log 2>&1 || "
                                         "{ cat $DEMO_DIR/demo.log; exit 1; }"), 0);
    assert_int_equal(run_shell_for_files("grep '04_womac_lk.csv: \"read\":4156,\"new\":4156,' $DEMO_DIR/demo.log"),
                     0);
    size_t lengths[2] = {0, 0};
    struct error error;
    const char *files[2];
    for (int i = 0; i < 2; i++) {
        const char *path = memory_format(*state, "%s%s/report-1/results.csv", folder, i == 0 ? "" : "/files");
        files[i] = text_read_file(*state, path, (size_t)1 << 26, &lengths[i], &error);
        if (files[i] == NULL)
            fail_msg("%s", error.message);
    }
    assert_int_equal(lengths[0], lengths[1]);
    assert_memory_equal(files[0], files[1], lengths[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patella_load_trial1000_stores_every_row),
        cmocka_unit_test(test_patella_report_trial1000_gives_the_numbers_of_r),
        cmocka_unit_test(test_uploads_trial1000_give_the_report_of_its_rows),
    };
    return cmocka_run_group_tests_name("trial1000", tests, make_report, remove_everything);
}
