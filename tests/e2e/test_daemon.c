/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * patellad as a process: when it starts and when it refuses to, a database that comes and goes, and how it
 * ends.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/registry.h"

enum { DEADLINE_MS = 20000 };

static int set_up(void **state)
{
    *state = memory_owner(NULL, "test");
    return 0;
}

static int tear_down(void **state)
{
    talloc_free(*state);
    return 0;
}

static int get(const void *owner, const struct daemon_process *daemon, const char *token, const char *path)
{
    struct client *client = client_new(owner, daemon, token);
    int status = client_send(client, "GET", path, NULL)->status;
    talloc_free(client);
    return status;
}

static bool wait_for_log(const struct daemon_process *daemon, const char *text)
{
    long long deadline = test_now_ms() + DEADLINE_MS;
    bool found = false;
    while (!found && test_now_ms() < deadline) {
        void *work = memory_owner(NULL, "log");
        found = strstr(daemon_read_log(work, daemon), text) != NULL;
        talloc_free(work);
        test_pause();
    }
    return found;
}

/* ---- start ---- */

static void test_daemon_wrong_settings_end_it_with_a_hint(void **state)
{
    static const struct {
        const char *setting;
        int status;
        const char *says;
    } cases[] = {
        {"listen_prot=1", 2, "listen_port"},
        {"workers=0", 2, "a whole number from 1 to 64"},
        {"certificate=/nonexistent.pem", 1, "/nonexistent.pem"},
        {"listen_address=192.0.2.1", 1, "no address of this machine"},
    };
    struct test_database *database = test_database_new(*state);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const settings[] = {cases[i].setting, NULL};
        const char *log = NULL;
        int status = daemon_refuse(*state, test_database_conninfo(*state, database, NULL), settings, &log);
        assert_int_equal(status, cases[i].status);
        if (strstr(log, cases[i].says) == NULL)
            fail_msg("%s: %s", cases[i].setting, log);
    }
}

static void test_daemon_pending_migrations_end_it(void **state)
{
    struct test_database *empty = test_database_new_empty(*state);
    const char *log = NULL;
    assert_int_equal(daemon_refuse(*state, test_database_conninfo(*state, empty, NULL), NULL, &log), 1);
    assert_non_null(strstr(log, "patella-migrate up"));
}

static void test_daemon_unknown_migration_ends_it(void **state)
{
    struct test_database *database = test_database_new(*state);
    struct db *db = test_database_connect(*state, database, NULL);
    test_run(
        db,
        "CREATE OR REPLACE FUNCTION api.schema_status() RETURNS TABLE (number int, name text, sha256 bytea) "
        "LANGUAGE sql AS $$ SELECT 9999, 'from_the_future', '\\x00'::bytea $$");
    const char *log = NULL;
    assert_int_equal(daemon_refuse(*state, test_database_conninfo(*state, database, NULL), NULL, &log), 1);
    assert_non_null(strstr(log, "migration"));
}

/* ---- a database that comes late ---- */

/* A folder in which PostgreSQL's socket can be made to appear. */
struct late_socket {
    char *folder;
    char *path;
};

static int remove_socket(struct late_socket *late)
{
    unlink(late->path);
    rmdir(late->folder);
    return 0;
}

static struct late_socket *late_socket_new(const void *owner)
{
    struct late_socket *late = memory_new(owner, struct late_socket);
    late->folder = memory_copy_string(late, "/tmp/patella-late-XXXXXX");
    assert_non_null(mkdtemp(late->folder));
    const char *port = getenv("PGPORT");
    late->path = memory_format(late, "%s/.s.PGSQL.%s", late->folder, port != NULL ? port : "5432");
    talloc_set_destructor(late, remove_socket);
    return late;
}

static void late_socket_appear(const struct late_socket *late)
{
    const char *port = getenv("PGPORT");
    char *real = memory_format(late, "%s/.s.PGSQL.%s", getenv("PGHOST"), port != NULL ? port : "5432");
    assert_int_equal(symlink(real, late->path), 0);
}

static void test_daemon_without_database_serves_503_until_it_comes(void **state)
{
    struct registry *registry = registry_new_stopped(*state);
    struct late_socket *late = late_socket_new(*state);
    const char *conninfo = memory_format(*state, "host=%s %s", late->folder,
                                         test_database_conninfo(*state, registry->database, NULL));
    static const char *const settings[] = {"catalogue_refresh_ms=100", NULL};
    struct daemon_process *daemon = daemon_start_unready(registry, conninfo, settings);
    assert_int_equal(get(*state, daemon, NULL, "/healthz"), 200);
    assert_int_equal(get(*state, daemon, NULL, "/readyz"), 503);
    assert_int_equal(get(*state, daemon, NULL, "/metrics"), 200);
    assert_int_equal(get(*state, daemon, "coordinator", "/api/v1/studies"), 503);
    assert_true(wait_for_log(daemon, "the database is not there"));
    late_socket_appear(late);
    assert_true(daemon_wait_ready(daemon, DEADLINE_MS));
    assert_int_equal(get(*state, daemon, "coordinator", "/api/v1/studies"), 200);
    assert_int_equal(daemon_stop(daemon), 0);
}

static void test_daemon_late_database_that_does_not_fit_ends_it(void **state)
{
    struct test_database *empty = test_database_new_empty(*state);
    struct late_socket *late = late_socket_new(*state);
    const char *conninfo = memory_format(*state, "host=%s %s", late->folder,
                                         test_database_conninfo(*state, empty, NULL));
    static const char *const settings[] = {"catalogue_refresh_ms=100", NULL};
    struct daemon_process *daemon = daemon_start_unready(*state, conninfo, settings);
    late_socket_appear(late);
    assert_int_equal(daemon_wait(daemon), 1);
    assert_true(wait_for_log(daemon, "patella-migrate up"));
}

static void test_daemon_killed_backends_are_replaced(void **state)
{
    struct registry *registry = registry_new(*state);
    for (int i = 0; i < 3; i++) {
        test_run(registry->db, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                               "WHERE datname = current_database() AND pid <> pg_backend_pid()");
        assert_true(daemon_wait_ready(registry->daemon, DEADLINE_MS));
        const char *subject = memory_format(registry, "01-%04d", 100 + i);
        registry_enrol(registry, "coordinator1", subject);
    }
    assert_int_equal(daemon_stop(registry->daemon), 0);
}

/* Some workers find no connection at first: they may not refuse what comes when there are some again. */
static void test_daemon_workers_without_connection_try_again_at_once(void **state)
{
    struct registry *registry = registry_new_stopped(*state);
    const char *conninfo = test_database_conninfo(*state, registry->database, "patella_collector");
    const char *name = test_value(registry->db, "SELECT current_database()");
    test_run(registry->db, memory_format(*state, "ALTER DATABASE %s CONNECTION LIMIT 5", name));
    static const char *const settings[] = {"workers=8", NULL};
    struct daemon_process *daemon = daemon_start_unready(registry, conninfo, settings);
    assert_true(wait_for_log(daemon, "worker has no database"));
    test_run(registry->db, memory_format(*state, "ALTER DATABASE %s CONNECTION LIMIT -1", name));
    assert_true(daemon_wait_ready(daemon, DEADLINE_MS));
    for (int i = 0; i < 16; i++)
        assert_int_equal(get(*state, daemon, NULL, "/readyz"), 200);
    assert_int_equal(daemon_stop(daemon), 0);
}

static void test_daemon_new_site_is_seen_without_a_restart(void **state)
{
    struct registry *registry = registry_new_stopped(*state);
    static const char *const settings[] = {"catalogue_refresh_ms=100", NULL};
    const char *conninfo = test_database_conninfo(*state, registry->database, NULL);
    registry->daemon = daemon_start(registry, conninfo, settings);
    test_run(registry->db, "SELECT admin.add_site('demo', 9, 'Nine', 'UTC')");
    long long deadline = test_now_ms() + DEADLINE_MS;
    bool seen = false;
    while (!seen && test_now_ms() < deadline) {
        struct client_reply *reply = api_get(registry, "coordinator", DEMO);
        assert_status(reply, 200);
        seen = strstr(reply->body, "Nine") != NULL;
        test_pause();
    }
    assert_true(seen);
}

static bool wait_for_metric(struct registry *registry, const char *line)
{
    long long deadline = test_now_ms() + DEADLINE_MS;
    while (strstr(api_get(registry, NULL, "/metrics")->body, line) == NULL) {
        if (test_now_ms() >= deadline)
            return false;
        test_pause();
    }
    return true;
}

static void test_daemon_tells_what_is_not_sealed_yet(void **state)
{
    struct registry *registry = registry_new_stopped(*state);
    static const char *const settings[] = {"catalogue_refresh_ms=100", NULL};
    const char *conninfo = test_database_conninfo(*state, registry->database, NULL);
    registry->daemon = daemon_start(registry, conninfo, settings);
    assert_true(wait_for_metric(registry, "\npatella_block_age_seconds -1\n"));
    test_run(registry->db,
             "SELECT audit.add_block(1, 1::smallint, '0', 0, s.horizon, 0, 0, sha256('r'), sha256('l'), "
             "decode(repeat('00', 32), 'hex'), (extract(epoch FROM now()) * 1000000)::bigint + 3600000000, "
             "'\\x0102030405060708', sha256('h'), sha256('a') || sha256('b'), '', '') FROM audit.seal_state() s");
    assert_true(wait_for_metric(registry, "\npatella_block_age_seconds 0\n"));
    assert_true(wait_for_metric(registry, "\npatella_unsealed_age_seconds 0\n"));
}

/* ---- in service ---- */

static void test_daemon_log_holds_no_answer_token_or_path(void **state)
{
    struct registry *registry = registry_new_stopped(*state);
    static const char *const settings[] = {"log_level=debug", NULL};
    const char *conninfo = test_database_conninfo(*state, registry->database, NULL);
    registry->daemon = daemon_start(registry, conninfo, settings);
    registry_enrol(registry, "coordinator1", "01-0042");
    const char *event = registry_event(registry, NULL, "01-0042", "canary-answer", "");
    assert_status(api_submit(registry, "coordinator1", event), 201);
    assert_int_equal(get(*state, registry->daemon, "canary-token", "/api/v1/studies"), 401);
    assert_int_equal(get(*state, registry->daemon, "coordinator1", DEMO "/subjects/01-0042"), 200);
    assert_int_equal(get(*state, registry->daemon, NULL, "/canary-path?canary-query=1"), 404);
    assert_int_equal(daemon_stop(registry->daemon), 0);
    const char *log = daemon_read_log(*state, registry->daemon);
    assert_null(strstr(log, "canary"));
    assert_null(strstr(log, "0042"));
    assert_non_null(strstr(log, "route=/api/v1/studies/{study}/subjects/{subject} status=200"));
    assert_non_null(strstr(log, "account=coordinator1"));
}

static void test_daemon_metrics_count_what_happened(void **state)
{
    struct registry *registry = registry_new(*state);
    registry_enrol(registry, "coordinator1", "01-0001");
    assert_status(api_submit(registry, "coordinator1", "not JSON"), 400);
    struct client *client = client_new(*state, registry->daemon, NULL);
    struct client_reply *reply = client_send(client, "GET", "/metrics", NULL);
    assert_int_equal(reply->status, 200);
    assert_string_equal(reply->type, "text/plain; version=0.0.4; charset=utf-8");
    static const char *const expected[] = {
        "{method=\"POST\",route=\"/api/v1/studies/{study}/submissions\",status=\"2xx\"} 1\n",
        "{method=\"POST\",route=\"/api/v1/studies/{study}/submissions\",status=\"4xx\"} 1\n",
        "patella_submissions_total{verdict=\"accepted\"} 1\n",
        "patella_tokens_total{found=\"database\"} 1\n",
        "patella_tokens_total{found=\"cache\"} 1\n",
        "patella_build_info{version=",
        "patella_connections_open ",
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        if (strstr(reply->body, expected[i]) == NULL)
            fail_msg("no %s in\n%s", expected[i], reply->body);
}

static void test_daemon_hangup_reloads(void **state)
{
    struct registry *registry = registry_new(*state);
    assert_int_equal(kill(registry->daemon->pid, SIGHUP), 0);
    assert_true(wait_for_log(registry->daemon, "msg=reloaded"));
    assert_int_equal(get(*state, registry->daemon, "coordinator", "/api/v1/studies"), 200);
}

/* ---- end ---- */

static void test_daemon_terminated_ends_with_0(void **state)
{
    static const int signals[] = {SIGTERM, SIGINT};
    struct registry *registry = registry_new_stopped(*state);
    const char *conninfo = test_database_conninfo(*state, registry->database, NULL);
    for (size_t i = 0; i < 2; i++) {
        struct daemon_process *daemon = daemon_start(*state, conninfo, NULL);
        struct client *kept = client_new(*state, daemon, NULL);   /* its connection stays open */
        assert_int_equal(client_send(kept, "GET", "/healthz", NULL)->status, 200);
        assert_int_equal(kill(daemon->pid, signals[i]), 0);
        assert_int_equal(daemon_wait(daemon), 0);
        talloc_free(kept);
    }
}

#define DAEMON_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        DAEMON_TEST(test_daemon_wrong_settings_end_it_with_a_hint),
        DAEMON_TEST(test_daemon_pending_migrations_end_it),
        DAEMON_TEST(test_daemon_unknown_migration_ends_it),
        DAEMON_TEST(test_daemon_without_database_serves_503_until_it_comes),
        DAEMON_TEST(test_daemon_late_database_that_does_not_fit_ends_it),
        DAEMON_TEST(test_daemon_killed_backends_are_replaced),
        DAEMON_TEST(test_daemon_workers_without_connection_try_again_at_once),
        DAEMON_TEST(test_daemon_new_site_is_seen_without_a_restart),
        DAEMON_TEST(test_daemon_tells_what_is_not_sealed_yet),
        DAEMON_TEST(test_daemon_log_holds_no_answer_token_or_path),
        DAEMON_TEST(test_daemon_metrics_count_what_happened),
        DAEMON_TEST(test_daemon_hangup_reloads),
        DAEMON_TEST(test_daemon_terminated_ends_with_0),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
