/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The machines' door: who gets through the handshake, whose token counts there, and what happens to CA and list while
 * the daemon serves.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <ftw.h>

#include "collector/certificate_authority.h"
#include "forms/base/memory.h"
#include "tests/support/registry.h"

enum { DEADLINE_MS = 20000, LIST_DAYS = 30 };

struct machines {
    void *owner;
    struct registry *registry;
    char folder[64];
    const char *ca_folder, *foreign_folder;      /* ours, and another one */
    struct certificate_authority *ca, *foreign;
    int port;
};

static char *path_in(const struct machines *machines, const char *name)
{
    return memory_format(machines->owner, "%s/%s", machines->folder, name);
}

static void must(bool done, const struct error *error)
{
    if (!done)
        fail_msg("%s", error->message);
}

/* Its serial number. */
static const char *issue(const struct machines *machines, struct certificate_authority *ca,
                         const struct ca_request *request)
{
    struct error error;
    char *serial = memory_new_array(machines->owner, char, CA_SERIAL_SIZE);
    must(ca_issue(ca, request, serial, &error), &error);
    return serial;
}

static struct certificate_authority *make_ca(const struct machines *machines, const char *folder)
{
    struct error error;
    must(ca_create(folder, "Test CA", 100, LIST_DAYS, &error), &error);
    struct certificate_authority *ca = ca_open(machines->owner, folder, &error);
    must(ca != NULL, &error);
    return ca;
}

static void make_certificates(struct machines *machines)
{
    static const struct ca_request requests[] = {
        {"one", "demo:1", NULL, 10},          {"two", "demo:2", NULL, 10},     {"both", "demo:2,demo:1", NULL, 10},
        {"eleven", "demo:11", NULL, 10},      {"other", "other:1", NULL, 10},  {"old", "demo:1", NULL, -1},
        {"server", NULL, "localhost", 10},
    };
    machines->ca_folder = path_in(machines, "ca");
    machines->foreign_folder = path_in(machines, "foreign");
    machines->ca = make_ca(machines, machines->ca_folder);
    machines->foreign = make_ca(machines, machines->foreign_folder);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        issue(machines, machines->ca, &requests[i]);
    issue(machines, machines->foreign, &requests[0]);
}

/* From msg="listening for machines" ... port=12345. */
static int read_port(const struct machines *machines)
{
    const char *line = strstr(daemon_read_log(machines->owner, machines->registry->daemon), "listening for machines");
    assert_non_null(line);
    const char *port = strstr(line, "port=");
    assert_non_null(port);
    return (int)strtol(port + strlen("port="), NULL, 10);
}

static int set_up(void **state)
{
    void *owner = memory_owner(NULL, "machines");
    struct machines *machines = memory_new(owner, struct machines);
    machines->owner = owner;
    snprintf(machines->folder, sizeof machines->folder, "/tmp/patella-mtls-XXXXXX");
    assert_non_null(mkdtemp(machines->folder));
    make_certificates(machines);
    machines->registry = registry_new_stopped(owner);
    const char *const settings[] = {
        "machine_listen_address=127.0.0.1", "machine_listen_port=0",
        memory_format(owner, "machine_client_ca=%s/ca.pem", machines->ca_folder),
        memory_format(owner, "machine_crl=%s/crl.pem", machines->ca_folder), NULL,
    };
    machines->registry->daemon =
        daemon_start(machines->registry, test_database_conninfo(owner, machines->registry->database, NULL), settings);
    machines->port = read_port(machines);
    *state = machines;
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    (void)remove(path);
    return 0;
}

static int tear_down(void **state)
{
    struct machines *machines = *state;
    nftw(machines->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    talloc_free(machines->owner);
    return 0;
}

/* ---- clients ---- */

/* With the certificate DIR/NAME.pem; `name` NULL: none. */
static struct client *make_client(const struct machines *machines, const char *folder, const char *name,
                                  const char *token)
{
    struct client *client = client_new(machines->owner, machines->registry->daemon, token);
    client_use_certificate(client, machines->port,
                           name != NULL ? memory_format(client, "%s/%s.pem", folder, name) : NULL,
                           name != NULL ? memory_format(client, "%s/%s-key.pem", folder, name) : NULL);
    return client;
}

static struct client_reply *ask(const struct machines *machines, const char *name, const char *token)
{
    return client_send(make_client(machines, machines->ca_folder, name, token), "GET", "/api/v1/me", NULL);
}

static bool gets_in(const struct machines *machines, const char *folder, const char *name)
{
    struct client *client = make_client(machines, folder, name, "machine1");
    return client_try(client, "GET", "/healthz", NULL) != NULL;
}

/* ---- tests ---- */

static void test_machine_with_its_certificate_and_token_submits(void **state)
{
    struct machines *machines = *state;
    registry_enrol(machines->registry, "coordinator", "01-0001");
    assert_status(ask(machines, "one", "machine1"), 200);
    assert_status(ask(machines, "both", "machine1"), 200);
    struct client *client = make_client(machines, machines->ca_folder, "one", "machine1");
    const char *body = registry_pain(machines->registry, NULL, "01-0001", 40, "");
    assert_status(client_send(client, "POST", DEMO "/submissions", body), 201);
}

static void test_token_of_a_site_by_the_certificate_of_another_is_refused(void **state)
{
    static const char *const others[] = {"two", "eleven", "other"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_problem(ask(*state, others[i], "machine1"), 403, "wrong_certificate");
        assert_problem(ask(*state, others[i], "unknown"), 401, "bad_token");
    }
}

/* Every token at every certificate: only that of a certificate that names all its sites gets in. */
static void test_token_counts_with_the_certificate_of_its_sites_only(void **state)
{
    static const struct {
        const char *token, *study, *sites;
    } tokens[] = {{"machine1", "demo", "{1}"},
                  {"machine-2", "demo", "{2}"},
                  {"machine-12", "demo", "{1,2}"},
                  {"machine-3", "demo", "{3}"},
                  {"machine-other", "other", "{1}"}};
    static const char *const names[] = {"one", "two", "both", "eleven", "other"};
    static const bool lets_in[][5] = {{true, false, true, false, false},
                                      {false, true, true, false, false},
                                      {false, false, true, false, false},
                                      {false, false, false, false, false},
                                      {false, false, false, false, true}};
    const struct machines *machines = *state;
    for (size_t i = 1; i < 5; i++)
        test_run(machines->registry->db,
                 memory_format(machines->owner,
                               "SELECT admin.add_account('%1$s', 'Name'), admin.add_token('%1$s', "
                               "'%2$s', 'site_machine', '%3$s', sha256('%1$s'), now() + interval '9 days')",
                               tokens[i].token, tokens[i].study, tokens[i].sites));
    for (size_t i = 0; i < 5; i++) {
        for (size_t j = 0; j < 5; j++) {
            struct client_reply *reply = ask(machines, names[j], tokens[i].token);
            if (reply->status != (lets_in[i][j] ? 200 : 403))
                fail_msg("%s by certificate %s: %d %s", tokens[i].token, names[j], reply->status,
                         reply->body);
            if (!lets_in[i][j])
                assert_problem(reply, 403, "wrong_certificate");
        }
        assert_problem(api_get(machines->registry, tokens[i].token, "/api/v1/me"), 403, "wrong_port");
    }
}

static void test_people_are_refused_at_the_machines_door(void **state)
{
    static const char *const people[] = {"coordinator1", "coordinator", "statistician", "administrator"};
    const struct machines *machines = *state;
    for (size_t i = 0; i < sizeof people / sizeof *people; i++) {
        assert_problem(ask(machines, "one", people[i]), 403, "wrong_port");
        assert_status(api_get(machines->registry, people[i], "/api/v1/me"), 200);
    }
    assert_problem(ask(machines, "one", NULL), 401, "no_token");
    struct client *client = make_client(machines, machines->ca_folder, "one", NULL);
    static const char login[] = "{\"account\":\"anna\",\"password\":\"nine green kettles\"}";
    assert_problem(client_send(client, "POST", "/api/v1/session", login), 403, "wrong_port");
    assert_problem(client_send(client, "POST", "/api/v1/invitations/x", "{}"), 403, "wrong_port");
}

static void test_machines_are_refused_at_the_peoples_door(void **state)
{
    const struct machines *machines = *state;
    struct registry *registry = machines->registry;
    assert_problem(api_get(registry, "machine1", "/api/v1/me"), 403, "wrong_port");
    assert_problem(api_submit(registry, "machine1", registry_pain(registry, NULL, "01-0001", 40, "")), 403,
                   "wrong_port");
}

static void test_handshake_without_a_good_certificate_is_refused(void **state)
{
    const struct machines *machines = *state;
    assert_true(gets_in(machines, machines->ca_folder, "one"));
    assert_false(gets_in(machines, machines->ca_folder, NULL));
    assert_false(gets_in(machines, machines->ca_folder, "old"));
    assert_false(gets_in(machines, machines->ca_folder, "server"));
    assert_false(gets_in(machines, machines->foreign_folder, "one"));
}

/* ---- reload ---- */

static size_t count_in_log(const struct machines *machines, const char *text)
{
    size_t count = 0;
    void *work = memory_owner(NULL, "log");
    const char *at = daemon_read_log(work, machines->registry->daemon);
    for (; (at = strstr(at, text)) != NULL; at++)
        count++;
    talloc_free(work);
    return count;
}

/* Returns when the log says it once more than before. */
static void reload(const struct machines *machines, const char *expected)
{
    size_t before = count_in_log(machines, expected);
    long long deadline = test_now_ms() + DEADLINE_MS;
    assert_int_equal(kill(machines->registry->daemon->pid, SIGHUP), 0);
    while (count_in_log(machines, expected) == before) {
        if (test_now_ms() > deadline)
            fail_msg("the log does not say %s: %s", expected,
                     daemon_read_log(machines->owner, machines->registry->daemon));
        test_pause();
    }
}

static void write_new_list(const struct machines *machines, int days)
{
    struct error error;
    must(ca_write_list(machines->ca, days, &error), &error);
}

static void test_revoked_certificate_is_refused_after_a_reload_and_others_are_not(void **state)
{
    struct machines *machines = *state;
    struct error error;
    const char *serial = issue(machines, machines->ca, &(struct ca_request){"lost", "demo:1", NULL, 10});
    assert_true(gets_in(machines, machines->ca_folder, "lost"));
    must(ca_revoke(machines->ca, serial, &error), &error);
    write_new_list(machines, LIST_DAYS);
    assert_true(gets_in(machines, machines->ca_folder, "lost"));
    reload(machines, "msg=reloaded");
    assert_false(gets_in(machines, machines->ca_folder, "lost"));
    assert_true(gets_in(machines, machines->ca_folder, "one"));
}

static void copy_file(const char *from, const char *to)
{
    char bytes[16384];
    FILE *in = fopen(from, "re"), *out = fopen(to, "we");
    assert_non_null(in);
    assert_non_null(out);
    size_t length = fread(bytes, 1, sizeof bytes, in);
    assert_int_equal(fwrite(bytes, 1, length, out), length);
    fclose(in);
    assert_int_equal(fclose(out), 0);
}

static void spoil_list(const struct machines *machines)
{
    FILE *file = fopen(memory_format(machines->owner, "%s/crl.pem", machines->ca_folder), "we");
    assert_non_null(file);
    assert_true(fputs("no list\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void let_list_end(const struct machines *machines)
{
    write_new_list(machines, -1);
}

static void take_foreign_list(const struct machines *machines)
{
    copy_file(memory_format(machines->owner, "%s/crl.pem", machines->foreign_folder),
              memory_format(machines->owner, "%s/crl.pem", machines->ca_folder));
}

static void take_list_away(const struct machines *machines)
{
    assert_int_equal(unlink(memory_format(machines->owner, "%s/crl.pem", machines->ca_folder)), 0);
}

static void take_machine_for_ca(const struct machines *machines)
{
    copy_file(memory_format(machines->owner, "%s/one.pem", machines->ca_folder),
              memory_format(machines->owner, "%s/ca.pem", machines->ca_folder));
}

static void take_foreign_ca(const struct machines *machines)
{
    copy_file(memory_format(machines->owner, "%s/ca.pem", machines->foreign_folder),
              memory_format(machines->owner, "%s/ca.pem", machines->ca_folder));
}

static void empty_ca(const struct machines *machines)
{
    assert_int_equal(truncate(memory_format(machines->owner, "%s/ca.pem", machines->ca_folder), 0), 0);
}

static const struct {
    void (*spoil)(const struct machines *machines);
    const char *file, *reason, *hint;
} bad_files[] = {
    {spoil_list, "crl.pem", "no list of revoked certificates", "give PEM"},
    {let_list_end, "crl.pem", "has expired", "patella-admin ca crl"},
    {take_foreign_list, "crl.pem", "was not signed by", "give the list of that CA"},
    {take_list_away, "crl.pem", "No such file", ""},
    {take_machine_for_ca, "ca.pem", "is no CA", "not a machine's"},
    {take_foreign_ca, "crl.pem", "was not signed by", "give the list of that CA"},
    {empty_ca, "ca.pem", "no CA's certificate", "give PEM"},
};

static void assert_last_refusal_says(const struct machines *machines, size_t i)
{
    const char *line = NULL, *at = daemon_read_log(machines->owner, machines->registry->daemon);
    for (; (at = strstr(at, "certificate not reloaded, the old one stays")) != NULL; at++)
        line = at;
    assert_non_null(line);
    char *end = strchr(line, '\n');
    if (end != NULL)
        *end = '\0';
    if (strstr(line, bad_files[i].file) == NULL || strstr(line, bad_files[i].reason) == NULL ||
        strstr(line, bad_files[i].hint) == NULL)
        fail_msg("%zu: the log says %s", i, line);
}

static void test_bad_ca_or_list_is_refused_and_the_old_one_stays(void **state)
{
    struct machines *machines = *state;
    const char *ca = memory_format(machines->owner, "%s/ca.pem", machines->ca_folder);
    const char *kept = path_in(machines, "kept.pem");
    copy_file(ca, kept);
    for (size_t i = 0; i < sizeof bad_files / sizeof *bad_files; i++) {
        bad_files[i].spoil(machines);
        reload(machines, "certificate not reloaded, the old one stays");
        assert_last_refusal_says(machines, i);
        assert_true(gets_in(machines, machines->ca_folder, "one"));
        assert_false(gets_in(machines, machines->foreign_folder, "one"));
        assert_int_equal(daemon_wait_ready(machines->registry->daemon, 0), true);
        copy_file(kept, ca);
        write_new_list(machines, LIST_DAYS);
        reload(machines, "msg=reloaded");
    }
}

/* 48 hours before: in the log, and with the time itself in /metrics. */
static void test_list_that_ends_soon_is_warned_of(void **state)
{
    static const char gauge[] = "\npatella_machine_crl_expires_seconds ";
    static const char warning[] = "the list of revoked machine certificates ends soon";
    struct machines *machines = *state;
    write_new_list(machines, 3);
    reload(machines, "msg=reloaded");
    assert_int_equal(count_in_log(machines, warning), 0);
    write_new_list(machines, 1);
    reload(machines, warning);
    assert_int_equal(count_in_log(machines, "level=warning msg=\"the list of revoked"), 1);
    const char *metrics = strstr(api_get(machines->registry, NULL, "/metrics")->body, gauge);
    assert_non_null(metrics);
    long long left_s = strtoll(metrics + strlen(gauge), NULL, 10) - (long long)time(NULL);
    assert_in_range(left_s, 86400 - 600, 86400);
    write_new_list(machines, LIST_DAYS);
    reload(machines, "msg=reloaded");
}

static void test_door_without_a_ca_or_a_list_is_no_door(void **state)
{
    const struct machines *machines = *state;
    const char *conninfo = test_database_conninfo(machines->owner, machines->registry->database, NULL), *log = NULL;
    const char *ca = memory_format(machines->owner, "machine_client_ca=%s/ca.pem", machines->ca_folder);
    assert_int_equal(daemon_refuse(machines->owner, conninfo,
                                   (const char *const[]){"machine_listen_address=127.0.0.1", NULL}, &log), 1);
    assert_non_null(strstr(log, "machine_client_ca is missing"));
    assert_int_equal(daemon_refuse(machines->owner, conninfo,
                                   (const char *const[]){"machine_listen_address=127.0.0.1", ca, NULL}, &log), 1);
    assert_non_null(strstr(log, "machine_crl is missing"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_machine_with_its_certificate_and_token_submits),
        cmocka_unit_test(test_token_of_a_site_by_the_certificate_of_another_is_refused),
        cmocka_unit_test(test_token_counts_with_the_certificate_of_its_sites_only),
        cmocka_unit_test(test_people_are_refused_at_the_machines_door),
        cmocka_unit_test(test_machines_are_refused_at_the_peoples_door),
        cmocka_unit_test(test_handshake_without_a_good_certificate_is_refused),
        cmocka_unit_test(test_revoked_certificate_is_refused_after_a_reload_and_others_are_not),
        cmocka_unit_test(test_bad_ca_or_list_is_refused_and_the_old_one_stays),
        cmocka_unit_test(test_list_that_ends_soon_is_warned_of),
        cmocka_unit_test(test_door_without_a_ca_or_a_list_is_no_door),
    };
    memory_init();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
