/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A real Chromium whose user has logged in, on pages of other origins: one of the same site (127.0.0.1,
 * another port), to whose requests the browser adds the cookie, and one of another site (localhost), where it
 * does not.  Whatever such a page sends is refused and leaves nothing; what our own page sends is done.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/browser.h"
#include "tests/support/http_server.h"
#include "tests/support/people.h"

#define SUBJECT "01-0001"
#define QUERY_BODY \
    "{\"query\":\"0190a1b2-c3d4-7e5f-8a9b-0000000000%s\",\"subject\":\"" SUBJECT "\",\"form\":\"pain_vas\"," \
    "\"knee\":\"right\",\"visit\":\"BL\",\"text\":\"in the source?\"}"

enum { DEADLINE_MS = 30000 };

struct scene {
    struct registry *registry;
    struct http_server *server; /* of the other origins */
    struct browser *browser;
    const char *ours; /* "https://127.0.0.1:8443" */
};

static int tear_down(void **state)
{
    struct scene *scene = *state;
    struct registry *registry = scene->registry;
    talloc_free(scene->browser);
    talloc_free(scene->server);
    int status = daemon_stop(registry->daemon);
    talloc_free(registry->db);
    talloc_free(registry);
    return status;
}

/* Logs in with a cookie, by a script in a page of ours. */
static void log_in(struct scene *scene)
{
    struct registry *registry = scene->registry;
    struct person *person = people_join(registry, "nora", "\"role\":\"monitor\",\"all_sites\":true");
    browser_bypass_policy(scene->browser,
                          true); /* the daemon has no page of its own in which a script may run */
    browser_open(scene->browser, memory_format(registry, "%s/healthz", scene->ours));
    const char *account = browser_run_text(
        scene->browser,
        memory_format(
            registry,
            "const reply = await fetch('/api/v1/session', {method: 'POST', headers: "
            "{'Content-Type': 'application/json'}, body: JSON.stringify({account: 'nora', password: '%s', "
            "recovery_code: '%s', cookie: true})});"
            "return (await reply.json()).account;",
            PEOPLE_PASSWORD, people_next_recovery_code(person)));
    assert_string_equal(account, "nora");
}

static int set_up(void **state)
{
    struct registry *registry = people_registry_new(NULL, NULL);
    struct scene *scene = memory_new(registry, struct scene);
    scene->registry = registry;
    scene->ours = memory_format(scene, "https://127.0.0.1:%d", registry->daemon->port);
    scene->server = http_server_start(scene, NULL);
    scene->browser = browser_new(scene);
    registry_enrol(registry, "coordinator1", SUBJECT);
    log_in(scene);
    *state = scene;
    return 0;
}

static void open_ours(const struct scene *scene)
{
    browser_bypass_policy(scene->browser, true);
    browser_open(scene->browser, memory_format(scene, "%s/healthz", scene->ours));
}

/* A page of the other server; `host` is 127.0.0.1 or localhost. */
static const char *open_other(const struct scene *scene, const char *host)
{
    const char *origin = memory_format(scene, "https://%s:%d", host, http_server_port(scene->server));
    browser_bypass_policy(scene->browser, false);
    browser_open(scene->browser, memory_format(scene, "%s/page", origin));
    assert_string_equal(browser_run_text(scene->browser, "return location.origin;"), origin);
    return origin;
}

/* ---- what is left behind ---- */

static const char *trail_of_nora(const struct scene *scene)
{
    return test_value(scene->registry->db,
                      "SELECT count(*) || ' ' || string_agg(operation || ' ' || object, ', ' "
                      "ORDER BY seq) FROM audit.event WHERE actor = 'nora'");
}

static long count_of_code(const struct scene *scene, const char *code)
{
    const char *name = memory_format(scene, "patella_problems_total{code=\"%s\"} ", code);
    const char *at = strstr(api_get(scene->registry, NULL, "/metrics")->body, name);
    return at != NULL ? atol(at + strlen(name)) : 0;
}

/* Refusals of a request that a page of another origin has sent. */
static long count_refusals(const struct scene *scene)
{
    static const char *const codes[] = {"bad_form_token", "bad_origin", "wrong_type", "no_token",
                                        "method_not_allowed"};
    long refusals = 0;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        refusals += count_of_code(scene, codes[i]);
    return refusals;
}

static void wait_for_refusals(const struct scene *scene, long wanted)
{
    long long deadline = test_now_ms() + DEADLINE_MS;
    while (count_refusals(scene) < wanted) {
        if (test_now_ms() > deadline)
            fail_msg("%ld requests were refused, not %ld", count_refusals(scene), wanted);
        test_pause();
    }
}

static bool is_logged_in(const struct scene *scene)
{
    open_ours(scene);
    return strcmp(browser_run_text(scene->browser, "const reply = await fetch('/api/v1/session');"
                                                   "return String(reply.status);"),
                  "200") == 0;
}

/* ---- our own page ---- */

static void test_cookie_is_hidden_from_scripts_and_sent_to_us(void **state)
{
    const struct scene *scene = *state;
    assert_true(is_logged_in(scene));
    assert_string_equal(browser_run_text(scene->browser, "return document.cookie;"), "");
    assert_string_equal(
        browser_run_text(scene->browser, "return JSON.stringify(await window.cookieStore.getAll());"), "[]");
}

static const char *ask_from_our_page(const struct scene *scene, const char *id, const char *form_token)
{
    open_ours(scene);
    return browser_run_text(
        scene->browser,
        memory_format(
            scene,
            "const session = await (await fetch('/api/v1/session')).json();"
            "const reply = await fetch('" DEMO
            "/queries', {method: 'POST', headers: {'Content-Type': 'application/json', "
            "'X-Patella-Form': %s}, body: '%s'}); return reply.status + ' ' + ((await reply.json()).code || '');",
            form_token, memory_format(scene, QUERY_BODY, id)));
}

static void test_our_own_page_is_served_with_the_form_token_only(void **state)
{
    const struct scene *scene = *state;
    const char *before = trail_of_nora(scene);
    assert_string_equal(ask_from_our_page(scene, "01", "''"), "403 bad_form_token");
    assert_string_equal(trail_of_nora(scene), before);
    assert_string_equal(ask_from_our_page(scene, "01", "session.form_token"), "200 ");
    assert_string_not_equal(trail_of_nora(scene), before);
    assert_string_equal(test_value(scene->registry->db, "SELECT count(*) FROM core.query"), "1");
}

/* ---- pages of others ---- */

/* Scripts of the page; %1$s is our address, %2$s a body that we would take.  `sends`: requests that reach us.
 */
static const struct {
    const char *label, *script;  /* its answer is not even given to the page: it may throw */
    int sends;
} tries[] = {
    {"text without preflight",
     "await fetch('%1$s" DEMO "/queries', {method: 'POST', mode: 'no-cors', credentials: 'include', "
     "headers: {'Content-Type': 'text/plain'}, body: '%2$s'}).catch(() => 0); return 'sent';",
     1},
    {"JSON as text",
     "await fetch('%1$s" DEMO "/queries', {method: 'POST', mode: 'no-cors', credentials: 'include', "
     "headers: {'Content-Type': 'application/json'}, body: '%2$s'}).catch(() => 0); return 'sent';",
     1},
    {"a body without a type",
     "await fetch('%1$s" DEMO "/queries', {method: 'POST', mode: 'no-cors', credentials: 'include', "
     "body: new Blob(['%2$s'])}).catch(() => 0); return 'sent';",
     1},
    {"a beacon",
     "return navigator.sendBeacon('%1$s" DEMO
     "/queries', new Blob(['%2$s'], {type: 'text/plain'})) ? 'sent' : 'no';",
     1},
    {"reading with the cookie",
     "await fetch('%1$s" DEMO "/subjects', {mode: 'no-cors', credentials: 'include'}).catch(() => 0); "
     "return 'sent';", 1},
    {"a header of ours asks first",
     "try { await fetch('%1$s" DEMO "/queries', {method: 'POST', credentials: 'include', headers: "
     "{'Content-Type': 'application/json', 'X-Patella-Form': 'x'}, body: '%2$s'}); return 'read'; } "
     "catch (refusal) { return 'sent'; }",
     1},
    {"logging out asks first",
     "try { await fetch('%1$s/api/v1/session', {method: 'DELETE', credentials: 'include'}); return 'read'; } "
     "catch (refusal) { return 'sent'; }",
     1},
    {"reading the form token",
     "try { await (await fetch('%1$s/api/v1/session', {credentials: 'include'})).json(); return 'read'; } "
     "catch (refusal) { return 'sent'; }",
     0},
    {"a form of text in a frame",
     "const frame = document.createElement('iframe'); frame.name = 'target'; document.body.append(frame);"
     "const form = document.createElement('form'); form.method = 'POST'; form.enctype = 'text/plain';"
     "form.action = '%1$s" DEMO
     "/queries'; form.target = 'target'; const field = document.createElement('input');"
     "field.name = '{\"ignored\":\"'; field.value = '\",' + '%2$s'.slice(1); form.append(field); "
     "document.body.append(form); form.submit(); return 'sent';",
     1},
    {"a form with fields",
     "const frame = document.createElement('iframe'); frame.name = 'fields'; document.body.append(frame);"
     "const form = document.createElement('form'); form.method = 'POST'; form.target = 'fields';"
     "form.action = '%1$s/api/v1/session/confirm'; document.body.append(form); form.submit(); return 'sent';",
     1},
};

static char *fill_in(const void *owner, const char *pattern, const char *ours, const char *body)
{
    struct text *out = text_new(owner);
    for (const char *at = pattern; *at != '\0'; at++) {
        const char *word = strncmp(at, "%1$s", 4) == 0 ? ours : strncmp(at, "%2$s", 4) == 0 ? body : NULL;
        text_append_bytes(out, word != NULL ? word : at, word != NULL ? strlen(word) : 1);
        at += word != NULL ? 3 : 0;
    }
    return out->bytes;
}

static void try_everything_from(const struct scene *scene, const char *host)
{
    const char *body = memory_format(scene, QUERY_BODY, "02"), *before = trail_of_nora(scene);
    const char *queries = test_value(scene->registry->db, "SELECT count(*) FROM core.query");
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        open_other(scene, host);
        long refused = count_refusals(scene);
        const char *said =
            browser_run_text(scene->browser, fill_in(scene, tries[i].script, scene->ours, body));
        if (strcmp(said, "sent") != 0)
            fail_msg("%s from %s: %s", tries[i].label, host, said);
        wait_for_refusals(scene, refused + tries[i].sends);
        if (strcmp(trail_of_nora(scene), before) != 0)
            fail_msg("%s from %s left: %s", tries[i].label, host, trail_of_nora(scene));
    }
    assert_string_equal(test_value(scene->registry->db, "SELECT count(*) FROM core.query"), queries);
    assert_true(is_logged_in(scene));
}

static void test_page_of_another_origin_of_the_same_site_changes_nothing(void **state)
{
    const struct scene *scene = *state;
    long with_cookie = count_of_code(scene, "bad_form_token") + count_of_code(scene, "bad_origin");
    try_everything_from(scene, "127.0.0.1");
    /* The cookie was there, and did not help. */
    assert_true(count_of_code(scene, "bad_form_token") + count_of_code(scene, "bad_origin") > with_cookie);
}

static void test_page_of_another_site_changes_nothing_and_sends_no_cookie(void **state)
{
    const struct scene *scene = *state;
    long without = count_of_code(scene, "no_token"), with_cookie = count_of_code(scene, "bad_form_token");
    try_everything_from(scene, "localhost");
    assert_true(count_of_code(scene, "no_token") > without);
    assert_int_equal(count_of_code(scene, "bad_form_token"), with_cookie);
}

/* ---- frames ---- */

/* Where a frame of the page with that address ends up. */
static const char *address_in_frame(const struct scene *scene, const char *url)
{
    browser_run_text(
        scene->browser,
        memory_format(
            scene,
            "const frame = document.createElement('iframe'); const loaded = new Promise(done => frame.onload = done);"
            "frame.src = '%s'; document.body.append(frame); await loaded; return '';",
            url));
    browser_enter_frame(scene->browser, 0);
    const char *address =
        memory_copy_string(scene, browser_run_text(scene->browser, "return location.href;"));
    browser_leave_frame(scene->browser);
    return address;
}

static void test_nothing_of_ours_is_shown_in_a_frame(void **state)
{
    static const char *const paths[] = {"/healthz", "/api/v1/session", DEMO "/subjects", "/nowhere"};
    static const char *const hosts[] = {"127.0.0.1", "localhost"};
    const struct scene *scene = *state;
    for (size_t i = 0; i < 2; i++) {
        const char *origin = open_other(scene, hosts[i]), *page = memory_format(scene, "%s/page", origin);
        assert_string_equal(address_in_frame(scene, page), page);
        for (size_t j = 0; j < sizeof paths / sizeof paths[0]; j++) {
            open_other(scene, hosts[i]);
            const char *address =
                address_in_frame(scene, memory_format(scene, "%s%s", scene->ours, paths[j]));
            assert_string_equal(address, "chrome-error://chromewebdata/");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cookie_is_hidden_from_scripts_and_sent_to_us),
        cmocka_unit_test(test_our_own_page_is_served_with_the_form_token_only),
        cmocka_unit_test(test_page_of_another_origin_of_the_same_site_changes_nothing),
        cmocka_unit_test(test_page_of_another_site_changes_nothing_and_sends_no_cookie),
        cmocka_unit_test(test_nothing_of_ours_is_shown_in_a_frame),
    };
    memory_init();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
