/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who must not get in: guessers, other sites' pages, sessions left alone; and what happens when a process dies. */
#include <ctype.h>
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "tests/support/people.h"

#define MONITOR "\"role\":\"monitor\",\"all_sites\":true"
#define SESSION "/api/v1/session"

enum { TRIES = 10000, DEADLINE_MS = 60000 };

static int setup(void **state)
{
    *state = people_registry_new(NULL, NULL);
    return 0;
}

/* ---- no oracle ---- */

/* Status line and headers that may not differ, and the body. */
static const char *comparable(const void *owner, const struct client_reply *reply)
{
    struct text *out = text_new(owner);
    for (const char *line = reply->headers; *line != '\0';) {
        const char *end = strstr(line, "\r\n");
        assert_non_null(end);
        if (strncasecmp(line, "date:", 5) != 0 && strncasecmp(line, "x-request-id:", 13) != 0)
            text_append_bytes(out, line, (size_t)(end - line) + 2);
        line = end + 2;
    }
    text_append(out, reply->body);
    return out->bytes;
}

static void test_login_refused_answers_the_same_bytes_whatever_was_wrong(void **state)
{
    struct registry *registry = *state;
    struct person *person = people_join(registry, "anna", MONITOR);
    people_join(registry, "bert", MONITOR);
    people_invite(registry, "carl", MONITOR);
    test_run(registry->db, "SELECT admin.disable_account('bert')");
    const char *code = memory_format(registry, "\"code\":\"%s\"", people_next_code(person));
    const struct {
        const char *account, *password, *more;
    } tries[] = {
        {"nobody", PEOPLE_PASSWORD, code},
        {"anna", "another sentence", code},
        {"anna", PEOPLE_PASSWORD, ""},
        {"anna", PEOPLE_PASSWORD, "\"code\":\"abc\""},
        {"anna", PEOPLE_PASSWORD, "\"recovery_code\":\"AAAA-AAAA-AAAA-AAAA\""},
        {"bert", PEOPLE_PASSWORD, ""},
        {"carl", PEOPLE_PASSWORD, ""},
        {"' OR 1=1 --", "x", ""},
    };
    const char *first = NULL;
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        struct client_reply *reply = people_try_login(registry, tries[i].account, tries[i].password, tries[i].more);
        assert_problem(reply, 401, "login_failed");
        const char *seen = comparable(registry, reply);
        if (first != NULL)
            assert_string_equal(seen, first);
        first = seen;
    }
    /* The trail knows. */
    assert_string_equal(test_value(registry->db, "SELECT string_agg(why, ' ' ORDER BY failure_no) "
                                   "FROM sec.login_failure"),
                        "name password second_factor code recovery_code disabled password name");
    assert_status(people_try_login(registry, "anna", PEOPLE_PASSWORD, code), 200);
}

/* ---- browsers ---- */

static struct client *browser(struct registry *registry, const char *cookie, const char *form_token,
                              const char *origin)
{
    struct client *client = client_new(registry, registry->daemon, NULL);
    if (cookie != NULL)
        client_add_header(client, memory_format(client, "Cookie: theme=dark; %s", cookie));
    if (form_token != NULL)
        client_add_header(client, memory_format(client, "X-Patella-Form: %s", form_token));
    if (origin != NULL)
        client_add_header(client, memory_format(client, "Origin: %s", origin));
    return client;
}

static const char *log_in_with_cookie(struct registry *registry, struct person *person, const char **form_token)
{
    struct client_reply *reply = people_try_login(
        registry, person->account, PEOPLE_PASSWORD,
        memory_format(registry, "\"recovery_code\":\"%s\",\"cookie\":true", people_next_recovery_code(person)));
    assert_status(reply, 200);
    const char *cookie = client_header(reply, "Set-Cookie");
    assert_non_null(cookie);
    assert_null(json_object_get(reply->json, "token"));
    assert_non_null(strstr(cookie, "; Path=/; Secure; HttpOnly; SameSite=Strict"));
    assert_int_equal(strncmp(cookie, "__Host-patella=s_", 17), 0);
    *form_token = memory_copy_string(registry, json_text_at(reply->json, "form_token"));
    return memory_copy_bytes(registry, cookie, strcspn(cookie, ";"));
}

static void test_cookie_alone_opens_nothing_but_who_it_is(void **state)
{
    struct registry *registry = *state;
    const char *form_token = NULL;
    const char *cookie = log_in_with_cookie(registry, people_join(registry, "dora", MONITOR), &form_token);
    const char *ours = memory_format(registry, "https://127.0.0.1:%d", registry->daemon->port);
    struct client_reply *who = client_send(browser(registry, cookie, NULL, NULL), "GET", SESSION, NULL);
    assert_status(who, 200);
    assert_string_equal(json_text_at(who->json, "form_token"), form_token);
    const struct {
        const char *label, *form_token, *origin, *method, *path, *code;
        int status;
    } cases[] = {
        {"no form token", NULL, NULL, "GET", DEMO "/subjects", "bad_form_token", 403},
        {"another form token", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", NULL, "GET", DEMO "/subjects",
         "bad_form_token", 403},
        {"all is there", form_token, NULL, "GET", DEMO "/subjects", NULL, 200},
        {"change without form token", NULL, ours, "POST", SESSION "/confirm", "bad_form_token", 403},
        {"change without origin", form_token, NULL, "POST", SESSION "/confirm", "bad_origin", 403},
        {"change from another site", form_token, "https://evil.example", "POST", SESSION "/confirm", "bad_origin",
         403},
        {"change from another scheme", form_token, memory_format(registry, "http%s", ours + 5), "POST",
         SESSION "/confirm", "bad_origin", 403},
        {"change from nowhere", form_token, "null", "POST", SESSION "/confirm", "bad_origin", 403},
        {"ours, judged", form_token, ours, "POST", SESSION "/confirm", "login_failed", 401},
        {"logout from another site", form_token, "https://evil.example", "DELETE", SESSION, "bad_origin", 403},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client *client = browser(registry, cookie, cases[i].form_token, cases[i].origin);
        const char *body = strcmp(cases[i].method, "POST") == 0 ? "{}" : NULL;
        struct client_reply *reply = client_send(client, cases[i].method, cases[i].path, body);
        if (reply->status != cases[i].status)
            fail_msg("%s: %d %s", cases[i].label, reply->status, reply->body);
        if (cases[i].code != NULL)
            assert_string_equal(json_text_at(reply->json, "code"), cases[i].code);
    }
    struct client_reply *out = client_send(browser(registry, cookie, form_token, ours), "DELETE", SESSION, NULL);
    assert_status(out, 204);
    assert_non_null(strstr(client_header(out, "Set-Cookie"), "Max-Age=0"));
    assert_status(client_send(browser(registry, cookie, NULL, NULL), "GET", SESSION, NULL), 401);
}

static void test_login_from_a_page_of_another_site_is_refused(void **state)
{
    struct registry *registry = *state;
    struct client *client = browser(registry, NULL, NULL, "https://evil.example");
    struct client_reply *reply = client_send(client, "POST", SESSION,
                                             "{\"account\":\"anna\",\"password\":\"x\",\"cookie\":true}");
    assert_problem(reply, 403, "bad_origin");
}

/* ---- sessions left alone ---- */

static bool wait_for_truth(struct db *db, const char *sql)
{
    long long deadline = test_now_ms() + DEADLINE_MS;
    while (strcmp(test_value(db, sql), "t") != 0) {
        if (test_now_ms() > deadline)
            return false;
        test_pause();
    }
    return true;
}

static void test_session_that_is_not_used_ends_and_one_that_is_used_goes_on(void **state)
{
    static const char *const settings[] = {"session_idle_s=2", "token_cache_ms=100", NULL};
    (void)state;
    struct registry *registry = people_registry_new(NULL, settings);
    struct person *person = people_join(registry, "emma", MONITOR);
    const char *token = people_log_in(person);
    const char *first_end = memory_format(registry, "SELECT now() > '%s'::timestamptz + interval '1 second'",
                                          test_value(registry->db, "SELECT expires_at FROM sec.session"));
    while (strcmp(test_value(registry->db, first_end), "t") != 0) {
        assert_status(api_get(registry, token, DEMO "/subjects"), 200);
        test_pause();
    }
    assert_true(wait_for_truth(registry->db, "SELECT expires_at < now() FROM sec.session"));
    assert_problem(api_get(registry, token, DEMO "/subjects"), 401, "bad_token");
    assert_problem(api_get(registry, token, SESSION), 401, "bad_token");
    assert_int_equal(daemon_stop(registry->daemon), 0);
    talloc_free(registry->db);
    talloc_free(registry);
}

/* ---- processes ---- */

/* A child of that process; 0: none. */
static pid_t child_of(pid_t parent)
{
    pid_t found = 0;
    DIR *processes = opendir("/proc");
    assert_non_null(processes);
    for (struct dirent *entry; found == 0 && (entry = readdir(processes)) != NULL;) {
        char path[300];
        int process = 0, of = 0;
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        FILE *stat = fopen(path, "r");
        if (stat == NULL)
            continue;
        if (fscanf(stat, "%d (%*[^)]) %*c %d", &process, &of) == 2 && of == parent)
            found = process;
        fclose(stat);
    }
    closedir(processes);
    return found;
}

static void test_process_that_checks_passwords_is_started_again_when_it_dies(void **state)
{
    struct registry *registry = *state;
    struct person *person = people_join(registry, "fred", MONITOR);
    pid_t first = child_of(child_of(registry->daemon->pid));
    assert_true(first > 0);
    assert_int_equal(kill(first, SIGKILL), 0);
    const char *code = memory_format(registry, "\"recovery_code\":\"%s\"", people_next_recovery_code(person));
    long long deadline = test_now_ms() + DEADLINE_MS;
    struct client_reply *reply;
    while ((reply = people_try_login(registry, "fred", PEOPLE_PASSWORD, code))->status == 503) {
        assert_true(test_now_ms() < deadline);
        test_pause();
    }
    assert_status(reply, 200);
    pid_t second = child_of(child_of(registry->daemon->pid));
    assert_true(second > 0);
    assert_int_not_equal(first, second);
}

static void test_daemon_without_that_process_lets_nobody_log_in(void **state)
{
    (void)state;
    struct registry *registry = registry_new(NULL);
    assert_int_equal(child_of(registry->daemon->pid), 0);
    assert_problem(people_try_login(registry, "anna", "x", ""), 503, "unavailable");
    assert_int_equal(daemon_stop(registry->daemon), 0);
    talloc_free(registry->db);
    talloc_free(registry);
}

static void test_end_of_the_daemon_ends_its_processes(void **state)
{
    (void)state;
    struct registry *registry = people_registry_new(NULL, NULL);
    pid_t supervisor = child_of(registry->daemon->pid), child = child_of(supervisor);
    assert_true(supervisor > 0 && child > 0);
    assert_int_equal(kill(registry->daemon->pid, SIGKILL), 0);
    assert_int_equal(daemon_wait(registry->daemon), 128 + SIGKILL);
    long long deadline = test_now_ms() + DEADLINE_MS;
    while (kill(child, 0) == 0 || kill(supervisor, 0) == 0) {
        assert_true(test_now_ms() < deadline);
        test_pause();
    }
    talloc_free(registry->db);
    talloc_free(registry);
}

/* ---- ten thousand tries ---- */

static void test_ten_thousand_tries_are_throttled_and_tell_nothing(void **state)
{
    (void)state;
    struct registry *registry = people_registry_new(NULL, NULL);
    struct person *person = people_join(registry, "gina", MONITOR);
    struct client *client = client_new(registry, registry->daemon, NULL);
    size_t judged = 0, throttled = 0;
    const char *refusal = NULL, *wait = NULL;
    for (size_t i = 0; i < TRIES; i++) {
        char body[200];
        char name[40] = "gina";
        if (i % 3 != 0)
            snprintf(name, sizeof name, "name-%zu", i);
        snprintf(body, sizeof body, "{\"account\":\"%s\",\"password\":\"guess %zu of many\",\"code\":\"%06zu\"}",
                 name, i, i);
        struct client_reply *reply = client_send(client, "POST", SESSION, body);
        if (reply->status == 401) {
            judged++;
            if (refusal != NULL)
                assert_string_equal(reply->body, refusal);
            refusal = memory_copy_string(registry, reply->body);
        } else {
            throttled++;
            assert_problem(reply, 429, "too_many_logins");
            assert_true(atoi(client_header(reply, "Retry-After")) > 0);
            if (wait != NULL)
                assert_string_equal(reply->body, wait);
            if (wait == NULL)
                wait = memory_copy_string(registry, reply->body);
        }
        talloc_free(reply);
    }
    print_message("# %zu tries were judged, %zu throttled\n", judged, throttled);
    assert_true(judged <= 30);
    assert_int_equal(judged + throttled, TRIES);
    assert_string_equal(test_value(registry->db, "SELECT count(*) <= 30 AND bool_or(locks_out) IS NOT NULL "
                                   "FROM sec.login_failure"), "t");
    /* Not even the right ones get in now. */
    const char *code = memory_format(registry, "\"recovery_code\":\"%s\"", people_next_recovery_code(person));
    assert_problem(people_try_login(registry, "gina", PEOPLE_PASSWORD, code), 429, "too_many_logins");
    assert_int_equal(daemon_stop(registry->daemon), 0);
    talloc_free(registry->db);
    talloc_free(registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_login_refused_answers_the_same_bytes_whatever_was_wrong),
        cmocka_unit_test(test_cookie_alone_opens_nothing_but_who_it_is),
        cmocka_unit_test(test_login_from_a_page_of_another_site_is_refused),
        cmocka_unit_test(test_session_that_is_not_used_ends_and_one_that_is_used_goes_on),
        cmocka_unit_test(test_process_that_checks_passwords_is_started_again_when_it_dies),
        cmocka_unit_test(test_daemon_without_that_process_lets_nobody_log_in),
        cmocka_unit_test(test_end_of_the_daemon_ends_its_processes),
        cmocka_unit_test(test_ten_thousand_tries_are_throttled_and_tell_nothing),
    };
    memory_init();
    return cmocka_run_group_tests(tests, setup, registry_teardown);
}
