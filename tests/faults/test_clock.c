/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Clocks that jump and stop under load: the daemon's, and PostgreSQL's (libfaketime).  Deadlines do not notice,
 * what is acknowledged is stored once, receipts stay as they are, tokens are judged by the database, and today is
 * the site's.
 */
#include <glob.h>
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

#include "forms/base/memory.h"
#include "tests/support/fault_run.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true            /* libfaketime and the sanitizers take the same functions */
#else
#define SANITIZED false
#endif

enum { DEADLINE_MS = 20000, CONNECTIONS = 32 };

static struct cluster *cluster;
static char clock_folder[] = "/tmp/patella-clock-XXXXXX";
static char clock_file[sizeof clock_folder + 8];

/* ---- a clock that can be set ---- */

/* "+0", "-1d", or "2027-03-01 12:00:00" (UTC), where it stands still. */
static void set_clock(const char *when)
{
    char aside[sizeof clock_file + 4];
    snprintf(aside, sizeof aside, "%s.new", clock_file);
    FILE *file = fopen(aside, "we");
    assert_non_null(file);
    assert_true(fprintf(file, "%s\n", when) > 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(aside, 0644), 0);      /* PostgreSQL may run as another user */
    assert_int_equal(rename(aside, clock_file), 0);
}

/* For programs started from here on; false when there is no libfaketime. */
static bool use_clock(bool wanted)
{
    glob_t found;
    if (!wanted) {
        unsetenv("LD_PRELOAD");
        unsetenv("PGSYSCONFDIR");
        return true;
    }
    if (SANITIZED || glob("/usr/lib/*/faketime/libfaketimeMT.so.1", 0, NULL, &found) != 0)
        return false;
    setenv("LD_PRELOAD", found.gl_pathv[0], 1);
    setenv("FAKETIME_TIMESTAMP_FILE", clock_file, 1);
    setenv("FAKETIME_NO_CACHE", "1", 1);
    setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1", 1);
    setenv("TZ", "UTC", 1);
    setenv("PGSYSCONFDIR", clock_folder, 1);      /* libpq's folder: the daemon, shut in, may read it */
    globfree(&found);
    return true;
}

static struct fault_run *new_run(const char *label, const char *const *settings)
{
    set_clock("+0");
    if (!use_clock(true))
        return NULL;
    struct fault_run *run = fault_run_new(
        cluster,
        &(struct fault_options){.label = label, .connections = CONNECTIONS, .settings = settings});
    use_clock(false);
    return run;
}

static struct client_reply *get_as(struct fault_run *run, const char *token, const char *path)
{
    return api_get(run->registry, token, path);
}

/* What the daemon takes for now, so that a test knows that its clock can be set. */
static const char *date_of(struct fault_run *run)
{
    const char *date = client_header(api_get(run->registry, NULL, "/healthz"), "Date");
    assert_non_null(date);
    return date;
}

static void set_clock_of(struct fault_run *run, const char *when, const char *year)
{
    set_clock(when);
    long long deadline = test_now_ms() + DEADLINE_MS;
    while (year != NULL && strstr(date_of(run), year) == NULL) {
        assert_true(test_now_ms() < deadline);
        test_pause();
    }
}

static long long metric(struct fault_run *run, const char *name)
{
    struct client_reply *reply = api_get(run->registry, NULL, "/metrics");
    char *line = memory_format(run, "\n%s ", name);
    const char *found = strstr(reply->body, line);
    assert_non_null(found);
    return strtoll(found + strlen(line), NULL, 10);
}

/* ---- the daemon's clock ---- */

static const char *const jumps[] = {
    "-1d", "+1d", "-1h", "+0", "+3650d", "+0", "2026-01-01 00:00:00", "2024-06-01 00:00:00", "-30d", "+30d", "+0",
};

static void test_jumps_of_the_daemons_clock_disturb_nothing(void **state)
{
    (void)state;
    struct fault_run *run = new_run("the daemon's clock jumps", NULL);
    if (run == NULL)
        skip();
    long long expires = metric(run, "patella_certificate_expires_seconds");
    int rounds = faults_are_long() ? 10 : 1;
    fault_run_begin(run);
    for (int round = 0; round < rounds; round++)
        for (size_t i = 0; i < sizeof jumps / sizeof *jumps; i++) {
            set_clock(jumps[i]);
            fault_run_wait(run, 2 * CONNECTIONS + fault_random(100));
            assert_in_range(metric(run, "patella_uptime_seconds"), 0, 3600);
            assert_int_equal(metric(run, "patella_certificate_expires_seconds"), expires);
        }
    load_stop(run->load);
    load_join(run->load);
    struct load_counts counts = load_peek(run->load);
    fault_note("%zu jumps: connections %" PRIu64 ", unanswered %" PRIu64 ", 503 %" PRIu64,
               (size_t)rounds * (sizeof jumps / sizeof *jumps), counts.connects, counts.unanswered,
               counts.unavailable);
    if (counts.connects != CONNECTIONS || counts.unanswered > 0 || counts.unavailable > 0)
        fault_fail(run, "a deadline followed the clock on the wall");
    set_clock("+0");
    fault_run_end(run);
}

/* Before the date of a form it lies in the future, and is refused as such; what is stored keeps its receipt. */
static void test_clock_set_back_ten_years_keeps_receipts(void **state)
{
    (void)state;
    struct fault_run *run = new_run("the daemon's clock ten years back", NULL);
    if (run == NULL)
        skip();
    struct registry *registry = run->registry;
    const char *stored = registry_enrolment(registry, NULL, "01-0901");
    const char *fresh = registry_enrolment(registry, NULL, "01-0902");
    struct client_reply *reply = api_submit(registry, "coordinator", stored);
    assert_status(reply, 201);
    const char *receipt = memory_copy_string(run, reply->body);
    static const char *const clocks[][2] = {
        {"-3650d", " 201"}, {"+3650d", " 203"}, {"1970-01-02 00:00:00", " 1970 "}, {"+0", NULL}};
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        set_clock_of(run, clocks[i][0], clocks[i][1]);
        reply = api_submit(registry, "coordinator", stored);
        assert_status(reply, 200);
        assert_string_equal(reply->body, receipt);
    }
    set_clock_of(run, "-3650d", " 201");
    reply = api_submit(registry, "coordinator", fresh);
    assert_problem(reply, 422, "invalid");
    assert_string_equal(json_text_at(reply->json, "problems.0.rule"), "future");
    set_clock_of(run, "+0", NULL);
    assert_status(api_submit(registry, "coordinator", fresh), 201);
    fault_run_begin(run);
    fault_run_end(run);
}

static const char *dated(struct registry *registry, const char *subject, const char *date)
{
    return memory_format(registry,
                         "{\"id\":\"%s\",\"subject\":\"%s\",\"form\":\"enrolment\",\"form_version\":1,"
                         "\"date\":\"%s\",\"answers\":{\"index_knee\":\"right\"}}",
                         registry_new_id(registry), subject, date);
}

/* Site 2 is 14 hours ahead of UTC, site 3 is 11 hours behind. */
static void test_today_is_the_sites_also_when_the_clock_goes_back(void **state)
{
    (void)state;
    static const struct {
        const char *clock;
        const char *subject;
        const char *date;
        int status;
    } cases[] = {
        {"2025-03-01 12:00:00", "02-0001", "2025-03-02", 201}, {"2025-03-01 12:00:00", "02-0002", "2025-03-03", 422},
        {"2025-03-01 12:00:00", "03-0001", "2025-03-01", 201}, {"2025-03-01 12:00:00", "03-0002", "2025-03-02", 422},
        {"2025-03-02 12:00:00", "03-0002", "2025-03-02", 201}, {"2025-03-01 12:00:00", "03-0003", "2025-03-02", 422},
        {"2025-03-01 10:30:00", "03-0004", "2025-03-01", 422}, {"2025-03-01 10:30:00", "02-0003", "2025-03-02", 201},
        {"2025-03-01 09:30:00", "02-0004", "2025-03-02", 422}, {"2025-03-01 11:30:00", "03-0004", "2025-03-01", 201},
    };
    struct fault_run *run = new_run("today of the sites", NULL);
    if (run == NULL)
        skip();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        set_clock_of(run, cases[i].clock, NULL);
        struct client_reply *reply =
            api_submit(run->registry, "coordinator", dated(run->registry, cases[i].subject, cases[i].date));
        if (reply->status != cases[i].status)
            fail_msg("%s, %s, %s: %d %s", cases[i].clock, cases[i].subject, cases[i].date, reply->status,
                     reply->body);
    }
    set_clock_of(run, "+0", NULL);
    fault_run_begin(run);
    fault_run_end(run);
}

static void wait_for_status(struct fault_run *run, const char *token, int status)
{
    long long deadline = test_now_ms() + DEADLINE_MS;
    while (get_as(run, token, DEMO)->status != status) {
        if (test_now_ms() > deadline)
            fault_fail(run, memory_format(run, "%s never gets %d", token, status));
        test_pause();
    }
}

/* A clock that stands still, or years back, keeps no token alive; one years ahead ends none. */
static void test_tokens_follow_the_databases_clock(void **state)
{
    (void)state;
    static const char *const settings[] = {"token_cache_ms=300", NULL};
    struct fault_run *run = new_run("tokens, the daemon's clock wrong", settings);
    if (run == NULL)
        skip();
    struct db *db = run->registry->db;
    set_clock_of(run, "2020-01-01 00:00:00", " 2020 ");
    wait_for_status(run, "coordinator1", 200);
    test_run(db, "SELECT admin.revoke_token(token_no) FROM sec.credential WHERE account = 'coordinator1'");
    wait_for_status(run, "coordinator1", 401);
    wait_for_status(run, "coordinator2", 200);
    test_run(db, "SELECT admin.add_token('coordinator2', 'demo', 'coordinator', '{2}', sha256('brief'), "
                 "clock_timestamp() + interval '3 seconds')");
    wait_for_status(run, "brief", 200);
    wait_for_status(run, "brief", 401);
    set_clock_of(run, "+3650d", " 203");
    for (int i = 0; i < 10; i++)
        assert_int_equal(get_as(run, "coordinator", DEMO "/subjects/01-0001")->status, 200);
    set_clock_of(run, "+0", NULL);
    fault_run_begin(run);
    fault_run_end(run);
}

/* ---- PostgreSQL's clock ---- */

static void test_jumps_of_postgresqls_clock_lose_nothing(void **state)
{
    (void)state;
    static const char *const moves[] = {"-1d", "+1d", "-1h", "-3650d", "+0", "+5d", "-30d", "+0"};
    set_clock("+0");
    if (!use_clock(true))
        skip();
    cluster_stop(cluster);
    cluster_start(cluster);
    use_clock(false);
    struct fault_run *run = fault_run_new(
        cluster, &(struct fault_options){.label = "PostgreSQL's clock jumps", .connections = CONNECTIONS});
    struct registry *registry = run->registry;
    const char *first = registry_enrolment(registry, NULL, "01-0901");
    struct client_reply *reply = api_submit(registry, "coordinator", first);
    assert_status(reply, 201);
    const char *receipt = memory_copy_string(run, reply->body);
    fault_run_begin(run);
    int rounds = faults_are_long() ? 10 : 1;
    for (int i = 0; i < rounds * (int)(sizeof moves / sizeof *moves); i++) {
        set_clock(moves[(size_t)i % (sizeof moves / sizeof *moves)]);
        fault_run_wait(run, 2 * CONNECTIONS + fault_random(100));
        reply = api_submit(registry, "coordinator", first);
        assert_status(reply, 200);
        assert_string_equal(reply->body, receipt);
    }
    set_clock("+0");
    /* The clock did jump; the trail is in the order of transactions all the same. */
    assert_string_equal(test_value(fault_run_db(run), "SELECT count(*) > 0 FROM (SELECT at < lag(at) OVER "
                                                      "(ORDER BY xid, seq) AS back FROM audit.event) e WHERE back"),
                        "t");
    fault_run_end(run);
}

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(clock_folder));
    assert_int_equal(chmod(clock_folder, 0755), 0);      /* PostgreSQL may run as another user */
    snprintf(clock_file, sizeof clock_file, "%s/clock", clock_folder);
    set_clock("+0");
    cluster = cluster_new(NULL, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    set_clock("+0");
    talloc_free(cluster);
    unlink(clock_file);
    rmdir(clock_folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jumps_of_the_daemons_clock_disturb_nothing),
        cmocka_unit_test(test_clock_set_back_ten_years_keeps_receipts),
        cmocka_unit_test(test_today_is_the_sites_also_when_the_clock_goes_back),
        cmocka_unit_test(test_tokens_follow_the_databases_clock),
        cmocka_unit_test(test_jumps_of_postgresqls_clock_lose_nothing),
    };
    memory_init();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
