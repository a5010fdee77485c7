/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Words that are sent through every door, good and bad, while things break, and then looked for wherever they must not
 * be: the daemon's log, PostgreSQL's log (which is told to say as much as it can), command lines, environments, what
 * PostgreSQL shows of its sessions, and core files.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "tests/support/cluster.h"
#include "tests/support/people.h"
#include "tests/support/tls_client.h"

enum { DEADLINE_MS = 60000, FILE_LIMIT = 64 << 20, PROCESSES_MOST = 256 };

/* Each word begins with this, whatever it stands for: what is found says by its end where it came in. */
#define WORD "zanzibar"
#define BAD_TOKEN WORD "-token"
#define PASSWORD "a " WORD " password"

/* Ids of what is said about a record. */
#define RECORD "0190a1b2-c3d4-7e5f-8a9b-d00000000001"
#define QUERY "0190a1b2-c3d4-7e5f-8a9b-d00000000002"
#define ENTRY "0190a1b2-c3d4-7e5f-8a9b-d00000000003"
#define REDACTION "0190a1b2-c3d4-7e5f-8a9b-d00000000004"
#define REQUEST "0190a1b2-c3d4-7e5f-8a9b-d00000000005"

static const char loud[] =
    "log_statement = all\nlog_min_messages = debug1\nlog_min_error_statement = debug1\nlog_error_verbosity = verbose\n"
    "log_min_duration_statement = 0\nlog_parameter_max_length = -1\nlog_parameter_max_length_on_error = -1\n"
    "log_connections = on\nlog_lock_waits = on\ndeadlock_timeout = 10ms\n";

struct canaries {
    void *owner;
    struct cluster *cluster;
    struct registry *registry;
};

static int set_up(void **state)
{
    void *owner = memory_owner(NULL, "canaries");
    struct canaries *canaries = memory_new(owner, struct canaries);
    struct rlimit cores = {RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_CORE, &cores);
    canaries->owner = owner;
    canaries->cluster = cluster_new(owner, loud);
    cluster_use(canaries->cluster);
    canaries->registry = people_registry_new(owner, (const char *const[]){"log_level=debug", NULL});
    *state = canaries;
    return 0;
}

static int tear_down(void **state)
{
    struct canaries *canaries = *state;
    talloc_free(canaries->registry);
    talloc_free(canaries->owner);
    return 0;
}

/* Made at run time, and looked for like the word. */
static const char *secrets[4];

static void keep_secret(const char *secret)
{
    size_t i = 0;
    while (secrets[i] != NULL)
        i++;
    assert_true(i + 1 < sizeof secrets / sizeof *secrets && strlen(secret) >= 40);
    secrets[i] = secret;
}

/* ---- what is sent ---- */

/* Reads and writes without the description of the API, which has no examples of such. */
static int send_plain(const struct canaries *canaries, const char *token, const char *method, const char *path,
                      const char *body)
{
    struct client *client = client_new(NULL, canaries->registry->daemon, token);
    const struct client_reply *reply = client_try(client, method, path, body);
    int status = reply != NULL ? reply->status : 0;
    talloc_free(client);
    return status;
}

static void send_good(const struct canaries *canaries)
{
    struct registry *registry = canaries->registry;
    const char *first = registry_new_id(registry);
    registry_enrol(registry, "coordinator", "01-0001");
    assert_status(api_submit(registry, "coordinator",
                             registry_event(registry, first, "01-0001", WORD "-term", "")), 201);
    assert_status(api_submit(registry, "coordinator",
                             registry_event(registry, RECORD, "01-0001", WORD "-record", ",\"instance\":2")), 201);
    assert_status(api_submit(registry, "coordinator",
                             registry_event(registry, NULL, "01-0001", WORD "-term two",
                                            ",\"version\":2,\"reason\":\"" WORD "-reason\"")), 201);
}

#define REASON "{\"reason\":\"" WORD "-reason\"}"
#define TEXT "{\"text\":\"" WORD "-text\"}"

/* Whatever may be said about a record: texts of people's own in each, taken or refused. */
static void say_about_record(const struct canaries *canaries)
{
    static const struct {
        const char *token, *path, *body;
        int status;
    } acts[] = {
        {"data_manager", "/queries", "{\"query\":\"" QUERY "\",\"subject\":\"01-0001\",\"form\":\"adverse_event\","
         "\"instance\":2,\"text\":\"" WORD "-query\"}", 200},
        {"coordinator1", "/queries/" QUERY "/answer", TEXT, 200},
        {"monitor", "/queries/" QUERY "/close", TEXT, 403},
        {"data_manager", "/queries/" QUERY "/close", TEXT, 200},
        {"data_manager", "/queries/" QUERY "/reopen", "{\"text\":{\"" WORD "\":\"" WORD "-text\"}}", 422},
        {"monitor", "/submissions/" RECORD "/verify", "{}", 200},
        {"monitor", "/submissions/" RECORD "/withdraw-verification", REASON, 200},
        {"investigator1", "/submissions/" RECORD "/sign", "{\"signature\":\"" REQUEST "\",\"sha256\":\"" WORD "\","
         "\"meaning\":\"" WORD "-meaning\"}", 422},
        {"data_manager", "/submissions/" RECORD "/lock", REASON, 200},
        {"data_manager", "/submissions/" RECORD "/unlock", REASON, 200},
        {"data_manager", "/subjects/01-0001/lock", REASON, 200},
        {"data_manager", "/subjects/01-0001/unlock", REASON, 200},
        {"administrator", "/freeze", REASON, 200},
        {"administrator", "/unfreeze", REASON, 200},
        {"coordinator1", "/second-entries", "{\"id\":\"" ENTRY "\",\"subject\":\"01-0001\",\"form\":\"adverse_event\","
         "\"form_version\":1,\"instance\":2,\"date\":\"2024-03-01\",\"answers\":{\"term\":\"" WORD "-second\","
         "\"onset\":\"2024-02\",\"serious\":false}}", 200},
        {"coordinator1", "/second-entries/" ENTRY "/reconcile", "{\"items\":[{\"item\":\"term\",\"choice\":\"third\","
         "\"value\":\"" WORD "-third\"}],\"result\":\"" RECORD "\"}", 0},
        {"investigator1", "/subjects/01-0001/unblindings", "{\"request\":\"" REQUEST "\",\"reason\":\"" WORD
         "-emergency\"}", 0},
        {"unmasked", "/unblindings", "{\"request\":\"" REQUEST "\",\"reason\":\"" WORD "-interim\"}", 0},
        {"statistician", "/cuts", "{\"label\":\"" WORD "-cut\"}", 201},
        {"data_manager", "/submissions/" RECORD "/redact", "{\"redaction\":\"" REDACTION "\",\"reason\":\"" WORD
         "-name\"}", 200},
        {"administrator", "/redactions/" REDACTION "/approve", "{}", 200},
    };
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        const char *path = memory_format(canaries->owner, DEMO "%s", acts[i].path);
        int status = send_plain(canaries, acts[i].token, "POST", path, acts[i].body);
        if (status < 200 || status >= 500 || (acts[i].status != 0 && status != acts[i].status))
            fail_msg("%s %s: status %d", path, acts[i].body, status);
    }
}

/* All that goes out, which holds what came in. */
static void read_everything(const struct canaries *canaries)
{
    static const char *const targets[] = {
        "/audit?format=csv", "/audit?format=jsonl", "/export?cut=1", "/queries", "/locks", "/redactions",
        "/second-entries", "/verifications", "/signatures", "/adverse-events", "/submissions?subject=01-0001",
        "/notices", "/unblindings", "/audit/reviews", "/audit?account=" WORD "-account",
    };
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        int status = send_plain(canaries, "data_manager", "GET",
                                memory_format(canaries->owner, DEMO "%s", targets[i]), NULL);
        if (status < 200 || status >= 500)
            fail_msg("%s: status %d", targets[i], status);
    }
}

static void send_bad_submissions(const struct canaries *canaries)
{
    static const char *const bodies[] = {
        "{\"id\":\"" WORD "-id\"}",
        "{\"" WORD "-field\":1}",
        "[\"" WORD "-row\"]",
        "{\"id\":\"0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b\",\"subject\":\"" WORD "-subject\"}",
        "{\"answers\":{\"p1\":\"" WORD "-unterminated",
        WORD "-no-json",
        "{\"id\":\"0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b\",\"subject\":\"01-0001\",\"knee\":\"" WORD "-knee\","
        "\"form\":\"" WORD "-form\",\"form_version\":1,\"visit\":\"" WORD "-visit\",\"date\":\"" WORD "-date\","
        "\"answers\":{\"" WORD "-item\":\"" WORD "-answer\"}}",
        "{\"id\":\"0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5c\",\"subject\":\"01-0001\",\"knee\":\"none\","
        "\"form\":\"adverse_event\",\"form_version\":1,\"date\":\"2026-03-01\","
        "\"answers\":{\"term\":\"" WORD "-term\",\"severity\":\"" WORD "-severity\",\"onset\":\"" WORD "-onset\"},"
        "\"confirmed\":[{\"item\":\"term\",\"rule\":\"" WORD "-rule\",\"reason\":\"" WORD "-why\"}]}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        int status = send_plain(canaries, "coordinator", "POST", DEMO "/submissions", bodies[i]);
        if (status != 207 && (status < 400 || status >= 500))
            fail_msg("%s: status %d", bodies[i], status);
    }
}

static void send_bad_targets(const struct canaries *canaries)
{
    static const char *const targets[] = {
        "/" WORD "-path",
        "/api/v1/studies/" WORD "-study",
        DEMO "/submissions/" WORD "-id",
        DEMO "/submissions?" WORD "-parameter=" WORD "-value",
        DEMO "/submissions?subject=" WORD "-subject",
        DEMO "/reports/" WORD "/files/" WORD "-name",
        "/api/v1/invitations/" WORD "-invitation",
        "/api/v1/me?token=" WORD "-token",
    };
    static const char *const tokens[] = {"coordinator", BAD_TOKEN, "statistician", "administrator"};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
        for (size_t j = 0; j < sizeof tokens / sizeof *tokens; j++) {
            assert_true(send_plain(canaries, tokens[j], "GET", targets[i], NULL) >= 400);
            assert_true(send_plain(canaries, tokens[j], "POST", targets[i], "{\"" WORD "\":\"" WORD "-body\"}") >= 400);
        }
}

/* Heads that no library sends. */
static void send_bad_heads(const struct canaries *canaries)
{
    static const char *const heads[] = {
        WORD "-method / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: " WORD "-host\r\nCookie: __Host-patella=s_" WORD "\r\nX-" WORD ": " WORD
        "\r\n\r\n",
        "GET /api/v1/me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic " WORD "-basic\r\n\r\n",
        "GET /api/v1/me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer s_" WORD "-session\r\n\r\n",
        "GET /api/v1/me HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: " WORD "-request\r\nUser-Agent: " WORD "\r\n\r\n",
        "POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nOrigin: https://" WORD "-origin\r\n"
        "Content-Length: 0\r\n\r\n",
        "GET /healthz " WORD "-version\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        struct tls_client *client =
            tls_client_open(NULL, &(struct tls_client_options){.port = canaries->registry->daemon->port});
        assert_non_null(client);
        assert_true(tls_client_send_text(client, heads[i]));
        assert_true(tls_client_read_reply(client, DEADLINE_MS).status > 0);
        talloc_free(client);
    }
}

static void log_people_in(const struct canaries *canaries)
{
    struct registry *registry = canaries->registry;
    static const char person[] = "{\"account\":\"carla\",\"full_name\":\"Carla " WORD "-fullname\","
                                 "\"role\":\"investigator\",\"sites\":[1]}";
    assert_status(api_send(registry, "administrator", "POST", DEMO "/memberships", person), 204);
    struct client_reply *invitation =
        api_send(registry, "administrator", "POST", DEMO "/invitations", "{\"account\":\"carla\"}");
    assert_status(invitation, 201);
    const char *path = memory_format(registry, "/api/v1/invitations/%s", json_text_at(invitation->json, "token"));
    assert_status(api_send(registry, NULL, "POST", path, "{\"password\":\"" PASSWORD "\"}"), 200);
    assert_problem(people_try_login(registry, "carla", WORD "-wrong", "\"code\":\"123456\""), 401, "login_failed");
    assert_problem(people_try_login(registry, WORD, PASSWORD, "\"recovery_code\":\"" WORD "-code\""), 401,
                   "login_failed");
    struct client_reply *session = people_try_login(registry, "carla", PASSWORD, "");
    assert_status(session, 200);
    const char *token = memory_copy_string(registry, json_text_at(session->json, "token"));
    assert_problem(api_send(registry, token, "POST", "/api/v1/session/confirm",
                            "{\"password\":\"" WORD "-confirm\",\"code\":\"654321\"}"), 401, "login_failed");
    assert_status(api_get(registry, token, DEMO "/queries"), 200);
    keep_secret(token + 2);
    keep_secret(strrchr(path, '/') + 1);
}

/* The row stands in PostgreSQL's own words about it: "Failing row contains (...)". */
static void break_a_constraint(const struct canaries *canaries)
{
    struct registry *registry = canaries->registry;
    test_run(registry->db, "ALTER TABLE core.submission ADD CONSTRAINT no_more CHECK (false) NOT VALID");
    struct client_reply *reply = api_submit(registry, "coordinator",
                                            registry_event(registry, NULL, "01-0001", WORD "-constraint",
                                                           ",\"instance\":7"));
    assert_int_equal(reply->status, 500);
    test_run(registry->db, "ALTER TABLE core.submission DROP CONSTRAINT no_more");
    assert_non_null(strstr(daemon_read_log(registry, registry->daemon), "no_more"));
}

/* In a thread of its own the request would be simpler to wait for; a process cannot fail the test. */
static pid_t submit_apart(const struct canaries *canaries, const char *body)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid != 0)
        return pid;
    send_plain(canaries, "coordinator", "POST", DEMO "/submissions", body);
    _exit(0);
}

static long long waiting_backend(const struct canaries *canaries)
{
    static const char sql[] = "SELECT pid FROM pg_stat_activity WHERE usename = 'patella_collector' "
                              "AND wait_event_type = 'Lock' ORDER BY pid LIMIT 1";
    long long deadline = test_now_ms() + DEADLINE_MS;
    for (;;) {
        const char *pid = test_value(canaries->registry->db, sql);
        if (*pid != '\0')
            return strtoll(pid, NULL, 10);
        if (test_now_ms() > deadline)
            fail_msg("no backend waits");
        test_pause();
    }
}

/* The postmaster then says what its process was doing. */
static void kill_a_backend_at_work(struct canaries *canaries)
{
    struct registry *registry = canaries->registry;
    const char *body = registry_event(registry, NULL, "01-0001", WORD "-killed", ",\"instance\":8");
    test_run(registry->db, "BEGIN; LOCK TABLE core.submission IN ACCESS EXCLUSIVE MODE");
    pid_t sender = submit_apart(canaries, body);
    assert_int_equal(kill((pid_t)waiting_backend(canaries), SIGKILL), 0);
    assert_int_equal(waitpid(sender, NULL, 0), sender);
    registry->db = cluster_connect(registry, canaries->cluster, test_database_name(registry->database));
    assert_true(daemon_wait_ready(registry->daemon, DEADLINE_MS));
    assert_non_null(strstr(cluster_read_log(registry, canaries->cluster), "Failed process was running"));
}

/* ---- where it is looked for ---- */

static void assert_clean(const char *where, const char *bytes, size_t length)
{
    const char *found = memmem(bytes, length, WORD, strlen(WORD));
    for (size_t i = 0; found == NULL && secrets[i] != NULL; i++)
        found = memmem(bytes, length, secrets[i], strlen(secrets[i]));
    if (found == NULL)
        return;
    const char *line = found;
    while (line > bytes && line[-1] != '\n' && found - line < 200)
        line--;
    fail_msg("%s: %.400s", where, line);
}

static size_t assert_file_clean(const char *path)
{
    void *work = memory_owner(NULL, "file");
    char *bytes = memory_new_array(work, char, FILE_LIMIT);
    FILE *file = fopen(path, "re");
    size_t length = file != NULL ? fread(bytes, 1, FILE_LIMIT, file) : 0;
    if (file != NULL)
        fclose(file);
    assert_clean(path, bytes, length);
    talloc_free(work);
    return length;
}

static void assert_process_clean(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    assert_file_clean(path);
    snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    assert_file_clean(path);
}

static pid_t parent_of(pid_t pid)
{
    char path[64], bytes[512];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    size_t length = fread(bytes, 1, sizeof bytes - 1, file);
    fclose(file);
    bytes[length] = '\0';
    const char *behind = strrchr(bytes, ')');
    return behind != NULL ? (pid_t)strtol(behind + 4, NULL, 10) : 0;
}

/* The daemon, what it has started, and what these have. */
static size_t assert_daemon_clean(pid_t daemon)
{
    size_t count = 0;
    DIR *processes = opendir("/proc");
    assert_non_null(processes);
    for (struct dirent *entry; (entry = readdir(processes)) != NULL;) {
        pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? (pid_t)strtol(entry->d_name, NULL, 10) : 0;
        if (pid == 0 || (pid != daemon && parent_of(pid) != daemon && parent_of(parent_of(pid)) != daemon))
            continue;
        assert_process_clean(pid);
        count++;
    }
    closedir(processes);
    return count;
}

static void look_everywhere(const struct canaries *canaries)
{
    const struct registry *registry = canaries->registry;
    pid_t pids[PROCESSES_MOST];
    assert_true(assert_file_clean(registry->daemon->log) > 0);
    const char *log = cluster_read_log(canaries->owner, canaries->cluster);
    assert_non_null(strstr(log, "statement: "));       /* it does say a lot, of other roles */
    assert_clean("PostgreSQL's log", log, strlen(log));
    assert_true(assert_daemon_clean(registry->daemon->pid) >= 2);
    size_t count = cluster_processes(canaries->cluster, pids, PROCESSES_MOST);
    for (size_t i = 0; i < count; i++)
        assert_process_clean(pids[i]);
    static const char sessions[] = "SELECT count(*) || ' ' || count(*) FILTER (WHERE query LIKE '%' || $w$zan$w$ || "
                                   "'zibar%') FROM pg_stat_activity WHERE usename LIKE 'patella%'";
    const char *shown = test_value(registry->db, sessions);
    assert_true(strtol(shown, NULL, 10) > 2);
    assert_non_null(strstr(shown, " 0"));
}

/* ---- tests ---- */

static void test_words_of_patients_and_secrets_are_nowhere(void **state)
{
    struct canaries *canaries = *state;
    send_good(canaries);
    send_bad_submissions(canaries);
    send_bad_targets(canaries);
    send_bad_heads(canaries);
    log_people_in(canaries);
    say_about_record(canaries);
    read_everything(canaries);
    break_a_constraint(canaries);
    kill_a_backend_at_work(canaries);
    /* They were there: what was good is stored. */
    assert_string_equal(test_value(canaries->registry->db, "SELECT count(*) >= 2 FROM core.submission "
                                   "WHERE content::text LIKE '%' || 'zanzi' || 'bar-term%'"), "t");
    look_everywhere(canaries);
}

/* With what it has in memory: an answer whose COMMIT waits. */
static void test_daemon_that_crashes_leaves_no_core(void **state)
{
    struct canaries *canaries = *state;
    struct registry *registry = canaries->registry;
    const char *body = registry_event(registry, NULL, "01-0001", WORD "-crash", ",\"instance\":9");
    int status = 0;
    test_run(registry->db, "BEGIN; LOCK TABLE core.submission IN ACCESS EXCLUSIVE MODE");
    pid_t sender = submit_apart(canaries, body);
    waiting_backend(canaries);
    assert_int_equal(kill(registry->daemon->pid, SIGABRT), 0);
    assert_int_equal(waitpid(registry->daemon->pid, &status, 0), registry->daemon->pid);
    registry->daemon->pid = 0;
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_false(WCOREDUMP(status));
    assert_int_equal(waitpid(sender, NULL, 0), sender);
    test_run(registry->db, "ROLLBACK");
    assert_true(assert_file_clean(registry->daemon->log) > 0);
    const char *log = cluster_read_log(canaries->owner, canaries->cluster);
    assert_clean("PostgreSQL's log", log, strlen(log));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_of_patients_and_secrets_are_nowhere),
        cmocka_unit_test(test_daemon_that_crashes_leaves_no_core),
    };
    memory_init();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
