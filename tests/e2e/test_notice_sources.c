/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Certificates that end soon leave notices: the real daemon with a server's certificate, a CA and a list that do. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <ftw.h>

#include "collector/certificate_authority.h"
#include "forms/base/memory.h"
#include "tests/support/certificate.h"
#include "tests/support/registry.h"

enum { DEADLINE_MS = 20000 };

#define SERVER "certificate of the server, until DAY"
#define OBJECTS \
    "SELECT string_agg(regexp_replace(object, '20..-..-..', 'DAY'), '; ' ORDER BY object) FROM audit.notice " \
    "WHERE kind = 'certificate_expires'"

static int setup(void **state)
{
    static const char *const settings[] = {"catalogue_refresh_ms=100", NULL};
    struct registry *registry = registry_new_stopped(NULL);
    registry->daemon = daemon_start(registry, test_database_conninfo(registry, registry->database, NULL), settings);
    *state = registry;
    return 0;
}

static void wait_for_notices(struct registry *registry, const char *expected)
{
    long long deadline = test_now_ms() + DEADLINE_MS;
    while (strcmp(test_value(registry->db, OBJECTS), expected) != 0) {
        if (test_now_ms() > deadline)
            fail_msg("not \"%s\" but \"%s\"", expected, test_value(registry->db, OBJECTS));
        test_pause();
    }
}

/* True once the daemon has loaded a site with that name. */
static bool knows_site(struct registry *registry, const char *name)
{
    return strstr(api_get(registry, "coordinator", DEMO)->body, name) != NULL;
}

/* The database has been looked at since: the look before the one that loads the second site was whole. */
static void wait_for_a_look(struct registry *registry)
{
    static int site = 10;
    for (int i = 0; i < 2; i++, site++) {
        const char *name = memory_format(registry, "Clinic %d", site);
        long long deadline = test_now_ms() + DEADLINE_MS;
        test_run(registry->db, memory_format(registry, "SELECT admin.add_site('demo', %d, '%s', 'Europe/Berlin')", site,
                                             name));
        while (!knows_site(registry, name)) {
            assert_true(test_now_ms() < deadline);
            test_pause();
        }
    }
}

static void reload(struct registry *registry)
{
    size_t before = strlen(daemon_read_log(registry, registry->daemon));
    long long deadline = test_now_ms() + DEADLINE_MS;
    assert_int_equal(kill(registry->daemon->pid, SIGHUP), 0);
    while (strstr(daemon_read_log(registry, registry->daemon) + before, "msg=reloaded") == NULL) {
        assert_true(test_now_ms() < deadline);
        test_pause();
    }
}

static void test_certificate_with_time_left_leaves_no_notice(void **state)
{
    struct registry *registry = *state;
    wait_for_a_look(registry);
    assert_string_equal(test_value(registry->db, OBJECTS), "");
}

/* One notice, however often the daemon looks and reloads. */
static void test_certificate_that_ends_soon_leaves_one_notice(void **state)
{
    struct registry *registry = *state;
    certificate_make_ending(registry->daemon->certificate, registry->daemon->key, 3);
    reload(registry);
    wait_for_notices(registry, SERVER);
    wait_for_a_look(registry);
    reload(registry);
    wait_for_a_look(registry);
    assert_string_equal(test_value(registry->db, OBJECTS), SERVER);
    assert_string_equal(test_value(registry->db,
        "SELECT concat_ws(' ', kind, severity, study_id, tries, delivered_at) FROM audit.notice"),
        "certificate_expires failure 0");
    assert_non_null(strstr(daemon_read_log(registry, registry->daemon), "the server's certificate ends soon"));
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    (void)remove(path);
    return 0;
}

static void test_ca_and_list_of_machines_that_end_soon_leave_one_each(void **state)
{
    struct registry *registry = registry_new_stopped(*state);
    char folder[] = "/tmp/patella-ending-XXXXXX";
    struct error error;
    assert_non_null(mkdtemp(folder));
    const char *ca = memory_format(registry, "%s/ca", folder);
    assert_true(ca_create(ca, "Test CA", 10, 1, &error));
    const char *const settings[] = {
        "machine_listen_address=127.0.0.1", "machine_listen_port=0",
        memory_format(registry, "machine_client_ca=%s/ca.pem", ca),
        memory_format(registry, "machine_crl=%s/crl.pem", ca),
        "catalogue_refresh_ms=100", NULL,
    };
    registry->daemon = daemon_start(registry, test_database_conninfo(registry, registry->database, NULL), settings);
    wait_for_notices(registry, "certificate of the CA of machines, until DAY; "
                               "list of revoked certificates of machines, until DAY");
    wait_for_a_look(registry);
    wait_for_notices(registry, "certificate of the CA of machines, until DAY; "
                               "list of revoked certificates of machines, until DAY");
    assert_int_equal(daemon_stop(registry->daemon), 0);
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    talloc_free(registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certificate_with_time_left_leaves_no_notice),
        cmocka_unit_test(test_certificate_that_ends_soon_leaves_one_notice),
        cmocka_unit_test(test_ca_and_list_of_machines_that_end_soon_leave_one_each),
    };
    memory_init();
    return cmocka_run_group_tests(tests, setup, registry_teardown);
}
