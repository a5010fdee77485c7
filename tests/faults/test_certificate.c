/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SIGHUP under load: new connections see the new certificate, old ones live on; a bad certificate, key or settings
 * file is refused with its name and a hint, the old one stays, and no request is dropped either way.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "forms/base/memory.h"
#include "tests/support/certificate.h"
#include "tests/support/fault_run.h"
#include "tests/support/tls_client.h"

enum { DEADLINE_MS = 20000, CONNECTIONS = 32 };

static X509 *read_certificate(const char *path)
{
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    assert_non_null(certificate);
    return certificate;
}

/* What a new connection is shown. */
static X509 *shown_certificate(const struct fault_run *run)
{
    struct tls_client *client = tls_client_open(NULL, &(struct tls_client_options){.port = run->daemon->port});
    assert_non_null(client);
    X509 *certificate = SSL_get1_peer_certificate(tls_client_ssl(client));
    assert_non_null(certificate);
    talloc_free(client);
    return certificate;
}

static void assert_shown(const struct fault_run *run, const X509 *expected)
{
    X509 *shown = shown_certificate(run);
    assert_int_equal(X509_cmp(shown, expected), 0);
    X509_free(shown);
}

static size_t count_in_log(const struct fault_run *run, const char *text)
{
    size_t count = 0;
    void *work = memory_owner(NULL, "log");
    for (const char *at = daemon_read_log(work, run->daemon); (at = strstr(at, text)) != NULL; at++)
        count++;
    talloc_free(work);
    return count;
}

/* Returns when the log says once more what is expected. */
static void hang_up(const struct fault_run *run, const char *expected)
{
    size_t before = count_in_log(run, expected);
    long long deadline = test_now_ms() + DEADLINE_MS;
    assert_int_equal(kill(run->daemon->pid, SIGHUP), 0);
    while (count_in_log(run, expected) == before) {
        if (test_now_ms() > deadline)
            fault_fail(run, memory_format(run->daemon, "the log does not say %s", expected));
        test_pause();
    }
}

/* Connections were never lost: as many handshakes as connections, and an answer to everything. */
static void end_undisturbed(struct fault_run *run)
{
    load_stop(run->load);
    load_join(run->load);
    struct load_counts counts = load_peek(run->load);
    fault_note("%s: handshakes %" PRIu64 ", unanswered %" PRIu64 ", 503 %" PRIu64, run->label, counts.connects,
               counts.unanswered, counts.unavailable);
    if (counts.connects != CONNECTIONS || counts.connect_failures > 0 || counts.unanswered > 0 ||
        counts.unavailable > 0)
        fault_fail(run, "connections or requests were dropped");
    fault_run_end(run);
}

static void test_new_certificates_under_load_drop_nothing(void **state)
{
    struct fault_run *run = fault_run_new(
        *state, &(struct fault_options){.label = "SIGHUP with new certificates", .connections = CONNECTIONS});
    struct client *old = client_new(run, run->daemon, NULL);
    assert_int_equal(client_send(old, "GET", "/healthz", NULL)->status, 200);
    int reloads = faults_are_long() ? 50 : 5;
    fault_run_begin(run);
    for (int i = 0; i < reloads; i++) {
        fault_run_wait(run, fault_random(200));
        certificate_make(run->daemon->certificate, run->daemon->key);
        hang_up(run, "msg=reloaded");
        X509 *fresh = read_certificate(run->daemon->certificate);
        assert_shown(run, fresh);
        X509_free(fresh);
        assert_int_equal(client_send(old, "GET", "/healthz", NULL)->status, 200);
    }
    fault_note("%4d x SIGHUP with a new certificate", reloads);
    end_undisturbed(run);
}

/* SIGHUPs without a pause between them: more than the loop can tell apart. */
static void test_many_hangups_at_once_drop_nothing(void **state)
{
    struct fault_run *run = fault_run_new(
        *state, &(struct fault_options){.label = "SIGHUP without a pause", .connections = CONNECTIONS});
    int hangups = faults_are_long() ? 2000 : 200;
    fault_run_begin(run);
    for (int i = 0; i < hangups; i++)
        assert_int_equal(kill(run->daemon->pid, SIGHUP), 0);
    hang_up(run, "msg=reloaded");
    fault_run_wait(run, 100);
    end_undisturbed(run);
}

/* ---- what must be refused ---- */

struct bad_files {
    struct fault_run *run;
    const char *settings;        /* the settings file */
};

static void write_file(const char *path, const char *content)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void spoil_certificate(const struct bad_files *files)
{
    write_file(files->run->daemon->certificate, "no certificate\n");
}

static void take_certificate_away(const struct bad_files *files)
{
    assert_int_equal(unlink(files->run->daemon->certificate), 0);
}

static void cut_certificate(const struct bad_files *files)
{
    struct stat status;
    assert_int_equal(stat(files->run->daemon->certificate, &status), 0);
    assert_int_equal(truncate(files->run->daemon->certificate, status.st_size / 2), 0);
}

static void let_certificate_end(const struct bad_files *files)
{
    certificate_make_expired(files->run->daemon->certificate, files->run->daemon->key);
}

static void change_key_alone(const struct bad_files *files)
{
    char *aside = memory_format(files->run, "%s.other", files->run->daemon->certificate);
    certificate_make(aside, files->run->daemon->key);
    assert_int_equal(unlink(aside), 0);
}

static void show_key(const struct bad_files *files)
{
    assert_int_equal(chmod(files->run->daemon->key, 0644), 0);
}

static void empty_key(const struct bad_files *files)
{
    write_file(files->run->daemon->key, "");
}

static void misspell_setting(const struct bad_files *files)
{
    write_file(files->settings, "log_level: info\nmax_conections: 100\n");
}

static void exceed_setting(const struct bad_files *files)
{
    write_file(files->settings, "max_connections: none\n");
}

static void garble_settings(const struct bad_files *files)
{
    write_file(files->settings, "log_level: [info\n");
}

#define CERTIFICATE_STAYS "msg=\"certificate not reloaded, the old one stays\""
#define SETTINGS_STAY "msg=\"settings not reloaded, the old ones stay\""

static const struct {
    const char *label;
    void (*spoil)(const struct bad_files *files);
    const char *message;
    const char *file;            /* named by the line */
    const char *reason;          /* what was found, and what to do */
    const char *hint;
} bad_cases[] = {
    {"no certificate", spoil_certificate, CERTIFICATE_STAYS, "certificate.pem", "no start line", "give PEM"},
    {"certificate away", take_certificate_away, CERTIFICATE_STAYS, "certificate.pem", "No such file", "give PEM"},
    {"half a certificate", cut_certificate, CERTIFICATE_STAYS, "certificate.pem", "bad end line", "give PEM"},
    {"certificate has ended", let_certificate_end, CERTIFICATE_STAYS, "certificate.pem", "has expired",
     "put a new one"},
    {"key of another certificate", change_key_alone, CERTIFICATE_STAYS, "key.pem", "values mismatch",
     "that the certificate was made with"},
    {"key that all may read", show_key, CERTIFICATE_STAYS, "key.pem", "may read the key", "chmod 0600"},
    {"empty key", empty_key, CERTIFICATE_STAYS, "key.pem", "no key", "without a passphrase"},
    {"unknown setting", misspell_setting, SETTINGS_STAY, "settings.yaml", "max_conections", "max_connections"},
    {"setting out of range", exceed_setting, SETTINGS_STAY, "settings.yaml", "'none'", "a whole number"},
    {"settings that are no YAML", garble_settings, SETTINGS_STAY, "settings.yaml", "settings", ""},
};

static void assert_last_line_says(const struct fault_run *run, size_t i)
{
    void *work = memory_owner(NULL, "log");
    const char *line = NULL;
    for (const char *at = daemon_read_log(work, run->daemon); (at = strstr(at, bad_cases[i].message)) != NULL; at++)
        line = at;
    assert_non_null(line);
    char *end = strchr(line, '\n');
    if (end != NULL)
        *end = '\0';
    if (strstr(line, bad_cases[i].file) == NULL || strstr(line, bad_cases[i].reason) == NULL ||
        strstr(line, bad_cases[i].hint) == NULL)
        fail_msg("%s: the log says %s", bad_cases[i].label, line);
    talloc_free(work);
}

static void refuse_files(const struct bad_files *files, size_t i)
{
    X509 *before = shown_certificate(files->run);
    bad_cases[i].spoil(files);
    hang_up(files->run, bad_cases[i].message);
    assert_last_line_says(files->run, i);
    assert_shown(files->run, before);
    fault_run_wait(files->run, 50);
    X509_free(before);
    write_file(files->settings, "log_level: info\n");
    certificate_make(files->run->daemon->certificate, files->run->daemon->key);
    hang_up(files->run, "msg=reloaded");
}

static void test_bad_files_under_load_are_refused_and_drop_nothing(void **state)
{
    char *folder = memory_copy_string(NULL, "/tmp/patella-settings-XXXXXX");
    assert_non_null(mkdtemp(folder));
    struct bad_files files = {.settings = memory_format(folder, "%s/settings.yaml", folder)};
    write_file(files.settings, "log_level: info\n");
    setenv("PATELLA_CONFIG", files.settings, 1);
    files.run = fault_run_new(
        *state, &(struct fault_options){.label = "SIGHUP with bad files", .connections = CONNECTIONS});
    unsetenv("PATELLA_CONFIG");
    fault_run_begin(files.run);
    for (size_t i = 0; i < sizeof bad_cases / sizeof *bad_cases; i++)
        refuse_files(&files, i);
    end_undisturbed(files.run);
    unlink(files.settings);
    rmdir(folder);
    talloc_free(folder);
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
        cmocka_unit_test(test_new_certificates_under_load_drop_nothing),
        cmocka_unit_test(test_many_hangups_at_once_drop_nothing),
        cmocka_unit_test(test_bad_files_under_load_are_refused_and_drop_nothing),
    };
    memory_init();
    return cmocka_run_group_tests(tests, make_cluster, remove_cluster);
}
