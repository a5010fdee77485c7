/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which PostgreSQL the programs start on: one without fsync, full_page_writes or synchronous_commit, and one with a
 * release that has known faults, is refused with what was found and what to do; also when it takes the place of
 * another one meanwhile.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/cluster.h"
#include "tests/support/registry.h"

enum { DEADLINE_MS = 30000, OUTPUT_LIMIT = 65536, ARGUMENTS_MOST = 16 };

/* Exit status of a program of ours; what it printed, both streams, goes to `*output`. */
static int run_program(const void *owner, const char *name, const char *const *arguments, const char **output)
{
    const char *build = getenv("BUILD"), *argv[ARGUMENTS_MOST] = {
        memory_format(owner, "%s/bin/%s", build != NULL ? build : "build", name)};
    for (size_t i = 0; arguments[i] != NULL && i + 2 < ARGUMENTS_MOST; i++)
        argv[i + 1] = arguments[i];
    posix_spawn_file_actions_t actions;
    int ends[2], status = 0;
    pid_t pid = 0;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
    assert_int_equal(posix_spawn(&pid, argv[0], &actions, NULL, (char **)(uintptr_t)argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    char *text = memory_new_array(owner, char, OUTPUT_LIMIT);
    size_t length = 0;
    for (ssize_t got; (got = read(ends[0], text + length, OUTPUT_LIMIT - 1 - length)) > 0;)
        length += (size_t)got;
    close(ends[0]);
    text[length] = '\0';
    *output = text;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void assert_said(const char *output, const char *wanted)
{
    if (strstr(output, wanted) == NULL)
        fail_msg("'%s' is not in: %s", wanted, output);
}

static void set_and_restart(struct cluster *cluster, const char *setting, const char *value)
{
    struct db *db = cluster_connect(NULL, cluster, "postgres");
    void *work = memory_owner(NULL, "setting");
    test_run(db, memory_format(work, "ALTER SYSTEM SET %s = %s", setting, value));
    talloc_free(work);
    talloc_free(db);
    cluster_stop(cluster);
    cluster_start(cluster);
}

/* The test's own connections are refused, too: the file is what is left. */
static void reset_and_restart(struct cluster *cluster)
{
    void *work = memory_owner(NULL, "reset");
    cluster_stop(cluster);
    assert_int_equal(truncate(memory_format(work, "%s/postgresql.auto.conf", cluster_data(cluster)), 0), 0);
    cluster_start(cluster);
    talloc_free(work);
}

static const char *const durable_settings[] = {"fsync", "full_page_writes", "synchronous_commit"};

static void test_start_on_a_server_that_loses_what_it_acknowledged_is_refused(void **state)
{
    struct cluster *cluster = *state;
    cluster_use(cluster);
    for (size_t i = 0; i < sizeof durable_settings / sizeof *durable_settings; i++) {
        void *work = memory_owner(NULL, "refusals");
        struct test_database *database = test_database_new(work);
        const char *found = memory_format(work, "%s is off", durable_settings[i]);
        const char *conninfo = test_database_conninfo(work, database, NULL);
        const char *as_superuser = test_database_conninfo(work, database, "postgres");
        const char *output = NULL;
        set_and_restart(cluster, durable_settings[i], "off");
        assert_int_equal(daemon_refuse(work, conninfo, NULL, &output), 1);
        assert_said(output, found);
        assert_said(output, "to on");
        assert_int_equal(run_program(work, "patella-migrate",
                                     (const char *const[]){"--db", as_superuser, "up", NULL}, &output), 1);
        assert_said(output, found);
        reset_and_restart(cluster);
        talloc_free(work);
    }
}

/* Administration is told and goes on: who must end a token must not wait for a server's restart. */
static void test_administration_is_warned(void **state)
{
    struct cluster *cluster = *state;
    void *work = memory_owner(NULL, "administration");
    cluster_use(cluster);
    struct test_database *database = test_database_new(work);
    const char *conninfo = test_database_conninfo(work, database, "patella_admin");
    const char *output = NULL;
    const char *const list[] = {"study", "list", "--db", conninfo, NULL};
    assert_int_equal(run_program(work, "patella-admin", list, &output), 0);
    assert_null(strstr(output, "warning"));
    set_and_restart(cluster, "fsync", "off");
    assert_int_equal(run_program(work, "patella-admin", list, &output), 0);
    assert_said(output, "patella-admin: warning: fsync is off");
    const char *first = strstr(output, "warning");
    assert_null(strstr(first + 1, "warning"));
    reset_and_restart(cluster);
    talloc_free(work);
}

static void wait_for_log(const struct daemon_process *daemon, const char *text)
{
    long long deadline = test_now_ms() + DEADLINE_MS;
    for (;;) {
        void *work = memory_owner(NULL, "log");
        bool said = strstr(daemon_read_log(work, daemon), text) != NULL;
        talloc_free(work);
        if (said)
            return;
        if (test_now_ms() > deadline)
            fail_msg("the log does not say %s: %s", text, daemon_read_log(daemon, daemon));
        test_pause();
    }
}

static void test_reconnect_to_a_server_without_fsync_acknowledges_nothing(void **state)
{
    struct cluster *cluster = *state;
    void *work = memory_owner(NULL, "reconnect");
    cluster_use(cluster);
    struct registry *registry = registry_new_stopped(work);
    registry->daemon = daemon_start(
        work, test_database_conninfo(work, registry->database, NULL),
        (const char *const[]){"catalogue_refresh_ms=100", "write_wait_ms=300", NULL});
    registry_enrol(registry, "coordinator", "01-0001");
    set_and_restart(cluster, "fsync", "off");
    wait_for_log(registry->daemon, "fsync is off");
    assert_problem(api_submit(registry, "coordinator", registry_enrolment(registry, NULL, "01-0002")), 503,
                   "unavailable");
    assert_false(daemon_wait_ready(registry->daemon, 0));
    reset_and_restart(cluster);
    assert_true(daemon_wait_ready(registry->daemon, DEADLINE_MS));
    registry_enrol(registry, "coordinator", "01-0002");
    assert_int_equal(daemon_stop(registry->daemon), 0);
    talloc_free(work);
}

/* ---- a server of another release: the first words of PostgreSQL's protocol, as 15.13 says them ---- */

static void send_greeting(int client, const char *version)
{
    static const unsigned char accepted[] = {'R', 0, 0, 0, 8, 0, 0, 0, 0};
    static const unsigned char ready[] = {'Z', 0, 0, 0, 5, 'I'};
    char parameter[64] = "server_version";
    size_t name = strlen(parameter) + 1, length = name + strlen(version) + 1;
    snprintf(parameter + name, sizeof parameter - name, "%s", version);
    unsigned char head[] = {'S', 0, 0, 0, (unsigned char)(length + 4)};
    bool sent = write(client, accepted, sizeof accepted) > 0 && write(client, head, sizeof head) > 0 &&
                write(client, parameter, length) > 0 && write(client, ready, sizeof ready) > 0;
    (void)sent;   /* whoever is gone hears nothing */
}

/* Until it is killed. */
_Noreturn static void serve(int listening, const char *version)
{
    for (;;) {
        char startup[1024];
        int client = accept(listening, NULL, NULL);
        if (client < 0)
            continue;
        if (read(client, startup, sizeof startup) > 0)
            send_greeting(client, version);
        while (read(client, startup, sizeof startup) > 0)
            continue;
        close(client);
    }
}

static pid_t start_old_server(const char *folder, const char *version)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.5432", folder);
    int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listening, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listening, 8), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        serve(listening, version);
    close(listening);
    return pid;
}

static void test_start_on_an_old_release_is_refused_before_it_is_asked_anything(void **state)
{
    (void)state;
    static const struct {
        const char *version, *found, *wanted;
    } cases[] = {
        {"15.13 (Debian 15.13-0+deb12u1)", "PostgreSQL 15.13", "15.14 or newer"},
        {"17.5", "PostgreSQL 17.5", "17.6 or newer"},
        {"13.22", "PostgreSQL 13", "14.19 or newer"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char folder[] = "/tmp/patella-old-XXXXXX";
        void *work = memory_owner(NULL, "old release");
        const char *output = NULL;
        assert_non_null(mkdtemp(folder));
        pid_t server = start_old_server(folder, cases[i].version);
        int status = daemon_refuse(work, memory_format(work, "host=%s port=5432 dbname=patella", folder), NULL,
                                   &output);
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
        unlink(memory_format(work, "%s/.s.PGSQL.5432", folder));
        rmdir(folder);
        assert_int_equal(status, 1);
        assert_said(output, cases[i].found);
        assert_said(output, cases[i].wanted);
        talloc_free(work);
    }
}

static int make_cluster(void **state)
{
    *state = cluster_new(NULL, NULL);
    return 0;
}

static int remove_cluster(void **state)
{
    talloc_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start_on_a_server_that_loses_what_it_acknowledged_is_refused),
        cmocka_unit_test(test_administration_is_warned),
        cmocka_unit_test(test_reconnect_to_a_server_without_fsync_acknowledges_nothing),
        cmocka_unit_test(test_start_on_an_old_release_is_refused_before_it_is_asked_anything),
    };
    memory_init();
    return cmocka_run_group_tests(tests, make_cluster, remove_cluster);
}
