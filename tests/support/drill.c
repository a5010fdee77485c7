/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/drill.h"

#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "tests/support/command.h"

#define PROCEDURE "migrations/README.md"
#define FIRST_ID "0190a1b2-c3d4-7e5f-8a9b-f00000000001"

enum { PROCEDURE_LIMIT = 1 << 20, MORE_SUBMISSIONS = 300, MORE_FIRST_SUBJECT = 101 };

static const char *resolve(const void *owner, const char *path)
{
    char found[PATH_MAX];
    if (realpath(path, found) == NULL)
        fail_msg("there is no %s", path);
    return memory_copy_string(owner, found);
}

/* ---- commands ---- */

/* What each command begins with: programs, database, the procedure's names. */
static const char *write_prelude(struct drill *drill, enum drill_user user)
{
    const char *build = getenv("BUILD");
    const char *bin = resolve(drill, memory_format(drill, "%s/bin", build != NULL ? build : "build"));
    return memory_format(drill,
                         "set -eu; cd '%s'; export PATH='%s':'%s':\"$PATH\" PGDATABASE='%s'; %s; BACKUP=$PWD/backup; "
                         "NEW=$PWD/new; DUMP=$PWD; KEY=$PWD/key; PUBLIC_KEY=$PWD/key.pub; "
                         "CHECKPOINTS=$PWD/checkpoints; ARCHIVE=$(cat archive); POINT='before the upgrade'; "
                         "MOMENT=$(cat moment 2> /dev/null || :); REASON='a drill: restored on purpose'\n",
                         drill->folder, bin, drill->programs, test_database_name(drill->run->registry->database),
                         user == DRILL_SUPERUSER ? "export PGUSER=postgres" : "unset PGUSER");
}

static void run(struct drill *drill, enum drill_user user, const char *command)
{
    const char *whole = memory_format(drill, "exec 2>&1\n%s%s", write_prelude(drill, user), command);
    drill->output = command_run(drill, whole, &drill->status);
}

const char *drill_shell(struct drill *drill, enum drill_user user, const char *command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    const char *whole = memory_format_list(drill, command, arguments);
    va_end(arguments);
    run(drill, user, whole);
    return drill->output;
}

static void assert_written(const struct drill *drill, const char *command)
{
    char *lines = memory_copy_string(drill, command), *rest = lines;
    for (const char *line; (line = strsep(&rest, "\n")) != NULL;)
        if (strstr(drill->procedure, memory_format(lines, "\n    %s\n", line)) == NULL)
            fail_msg(PROCEDURE " does not hold the line: %s", line);
    talloc_free(lines);
}

const char *drill_step(struct drill *drill, enum drill_user user, const char *command)
{
    assert_written(drill, command);
    run(drill, user, command);
    return drill->output;
}

void assert_drill(const struct drill *drill, int status, const char *text)
{
    if (drill->status != status || strstr(drill->output, text) == NULL)
        fail_msg("status %d (expected %d), without \"%s\" or of another status:\n%s", drill->status, status, text,
                 drill->output);
}

/* ---- begin and end ---- */

/* The folder of the drill that goes on: a test that fails does not free its own. */
static char left[PATH_MAX];

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    (void)remove(path);
    return 0;
}

static void remove_left(void)
{
    if (*left != '\0')
        nftw(left, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    *left = '\0';
}

static char *make_folder(const struct drill *drill)
{
    static bool registered;
    const char *temporary = getenv("TMPDIR");
    char *folder = memory_format(drill, "%s/patella-drill.XXXXXX", temporary != NULL ? temporary : "/tmp");
    assert_non_null(mkdtemp(folder));
    snprintf(left, sizeof left, "%s", folder);
    if (!registered)
        atexit(remove_left);
    registered = true;
    return folder;
}

/* A record whose receipt is kept, and a signature of it. */
static void send_first(struct drill *drill)
{
    struct registry *registry = drill->run->registry;
    registry_enrol(registry, "coordinator", "02-0001");
    const struct client_reply *reply =
        api_submit(registry, "coordinator", registry_pain(registry, FIRST_ID, "02-0001", 41, ""));
    assert_status(reply, 201);
    drill->receipt = memory_copy_string(drill, reply->body);
    test_run(registry->db, "INSERT INTO core.signature (study_id, site_id, signature_id, submission_id, sha256, "
                           "meaning, printed_name) SELECT study_id, site_id, gen_random_uuid(), id, sha256, 'review', "
                           "'Ina Investigator' FROM core.submission WHERE id = '" FIRST_ID "'");
}

struct drill *drill_new(const char *label, const char *settings)
{
    struct error error;
    size_t length;
    struct drill *drill = memory_new(NULL, struct drill);
    drill->folder = make_folder(drill);
    drill->procedure = text_read_file(drill, PROCEDURE, PROCEDURE_LIMIT, &length, &error);
    assert_non_null(drill->procedure);
    struct cluster *cluster = cluster_new(drill, settings);
    drill->run = fault_run_new(cluster, &(struct fault_options){.label = label});
    drill->programs =
        memory_copy_string(drill, drill_value(drill, "SELECT setting FROM pg_config WHERE name = 'BINDIR'"));
    FILE *archive = fopen(memory_format(drill, "%s/archive", drill->folder), "we");
    assert_non_null(archive);
    fprintf(archive, "%s/../archive\n", cluster_data(cluster));
    assert_int_equal(fclose(archive), 0);
    drill_shell(drill, DRILL_OWN, "patella-seal keygen --key \"$KEY\" --public-key \"$PUBLIC_KEY\"");
    assert_drill(drill, 0, "");
    send_first(drill);
    return drill;
}

void drill_free(struct drill *drill)
{
    if (drill->run->daemon->pid > 0)
        assert_int_equal(daemon_stop(drill->run->daemon), 0);
    remove_left();
    talloc_free(drill->run->registry->db);
    talloc_free(drill->run);
    talloc_free(drill);
}

void drill_end_load(struct drill *drill)
{
    struct fault_run *load = drill->run;
    struct load_findings findings;
    load_stop(load->load);
    load_join(load->load);
    if (!load_check_ledger(load->load, fault_run_db(load), &findings))
        fault_fail(load, findings.text);
    assert_int_equal(load_peek(load->load).unknown_now, 0);
    assert_int_equal(load_peek(load->load).refused, 0);
    assert_int_equal(daemon_stop(load->daemon), 0);
}

void drill_move_to(struct drill *drill, struct cluster *cluster)
{
    struct registry *registry = drill->run->registry;
    talloc_free(registry->db);
    cluster_use(cluster);
    drill->run->cluster = cluster;
    registry->db = cluster_connect(registry, cluster, "postgres");
}

void drill_connect(struct drill *drill)
{
    struct registry *registry = drill->run->registry;
    talloc_free(registry->db);
    registry->db = cluster_connect(registry, drill->run->cluster, test_database_name(registry->database));
}

void drill_start_daemon(struct drill *drill)
{
    struct registry *registry = drill->run->registry;
    const char *conninfo = test_database_conninfo(registry, registry->database, "patella_collector");
    registry->daemon = drill->run->daemon = daemon_start(registry, conninfo, NULL);
    memset(registry->clients, 0, sizeof registry->clients);
}

const char *drill_value(struct drill *drill, const char *sql)
{
    return test_value(drill->run->registry->db, sql);
}

/* ---- what is done again and again ---- */

void drill_seal(struct drill *drill)
{
    drill_step(drill, DRILL_OWN, "patella-seal run --once --key \"$KEY\" --checkpoints \"$CHECKPOINTS\"");
    assert_drill(drill, 0, "");
}

void drill_verify(struct drill *drill)
{
    drill_step(drill, DRILL_OWN, "patella-seal verify --checkpoints \"$CHECKPOINTS\" --public-key \"$PUBLIC_KEY\"");
    assert_drill(drill, 0, "all as they were sealed");
}

void drill_report(struct drill *drill, const char *folder)
{
    drill_shell(drill, DRILL_OWN, "patella-report --study demo --cut before --formats html,csv,ars,datasets --out %s",
                folder);
    assert_drill(drill, 0, "manifest.json");
}

void assert_same_report(struct drill *drill, const char *folder, const char *as)
{
    drill_shell(drill, DRILL_OWN, "diff -r %s %s && test -s %s/results.csv && grep '\"sealed\": true' %s/manifest.json",
                folder, as, folder, folder);
    assert_drill(drill, 0, "");
    drill_shell(drill, DRILL_OWN, "patella-report verify %s", as);
    assert_drill(drill, 0, "same bytes");
}

void drill_go_on(struct drill *drill)
{
    struct registry *registry = drill->run->registry;
    struct load_findings findings;
    struct error error;
    const struct client_reply *reply =
        api_submit(registry, "coordinator", registry_pain(registry, FIRST_ID, "02-0001", 41, ""));
    assert_status(reply, 200);
    assert_string_equal(reply->body, drill->receipt);
    struct load *load = load_new(drill, &(struct load_options){
        .port = registry->daemon->port,
        .certificate = registry->daemon->certificate,
        .connections = 8,
        .first_subject = MORE_FIRST_SUBJECT,
        .submissions = MORE_SUBMISSIONS,
    }, &error);
    assert_non_null(load);
    assert_true(load_enrol(load, &error));
    load_run(load);
    if (!load_check_ledger(load, registry->db, &findings))
        fail_msg("%s", findings.text);
    assert_int_equal(findings.stored, MORE_SUBMISSIONS);
}
