/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/browser.h"

#include <curl/curl.h>
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
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "tests/support/daemon.h"

enum { START_MS = 60000, CALL_S = 120, LOG_LIMIT = 1 << 20 };

struct browser {
    pid_t driver;
    char log[64]; /* what the driver prints: its port */
    CURL *curl;
    struct curl_slist *headers;
    int port;
    const char *session;
    json_t *answer; /* of the newest call */
};

static size_t collect(char *bytes, size_t size, size_t count, void *context)
{
    text_append_bytes(context, bytes, size * count);
    return size * count;
}

/* The member `value` of the answer; NULL when there was no answer. */
static const json_t *call(struct browser *browser, const char *method, const char *path, const json_t *body)
{
    struct text *received = text_new(browser);
    char *sent = body != NULL ? json_dumps(body, 0) : NULL;
    curl_easy_setopt(browser->curl, CURLOPT_URL,
                     memory_format(browser, "http://127.0.0.1:%d%s", browser->port, path));
    curl_easy_setopt(browser->curl, CURLOPT_HTTPGET, 1L);
    if (sent != NULL)
        curl_easy_setopt(browser->curl, CURLOPT_COPYPOSTFIELDS, sent);
    free(sent);
    curl_easy_setopt(browser->curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(browser->curl, CURLOPT_WRITEDATA, received);
    CURLcode code = curl_easy_perform(browser->curl);
    json_decref(browser->answer);
    browser->answer =
        code == CURLE_OK ? json_loadb(received->bytes, received->length, JSON_DECODE_ANY, NULL) : NULL;
    talloc_free(received);
    return json_object_get(browser->answer, "value");
}

static const json_t *must_call(struct browser *browser, const char *path, json_t *body)
{
    char *whole =
        memory_format(browser, "/session/%s%s", browser->session != NULL ? browser->session : "", path);
    if (browser->session == NULL)
        whole[strlen("/session")] = '\0';
    const json_t *value = call(browser, "POST", whole, body);
    json_decref(body);
    if (browser->answer == NULL || json_object_get(value, "error") != NULL)
        fail_msg("chromedriver, %s: %s", path,
                 value != NULL ? json_string_value(json_object_get(value, "message")) : "no answer");
    talloc_free(whole);
    return value;
}

/* ---- start and end ---- */

static void start_driver(struct browser *browser)
{
    static char name[] = "chromedriver", any_port[] = "--port=0";
    char *const arguments[] = {name, any_port, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    snprintf(browser->log, sizeof browser->log, "/tmp/patella-browser-XXXXXX");
    int log = mkstemp(browser->log);
    assert_true(log >= 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, log, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, log, STDERR_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETPGROUP); /* with Chromium's processes, to end them all */
    if (posix_spawnp(&browser->driver, "chromedriver", &actions, &attributes, arguments, environ) != 0)
        fail_msg("chromedriver cannot be started: run ci/install-packages test");
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    close(log);
}

/* From "ChromeDriver was started successfully on port 12345." */
static int wait_for_port(const struct browser *browser)
{
    static const char says[] = "successfully on port ";
    long long deadline = test_now_ms() + START_MS;
    for (;;) {
        struct error error;
        size_t length = 0;
        void *work = memory_owner(NULL, "log");
        char *log = text_read_file(work, browser->log, LOG_LIMIT, &length, &error);
        const char *at = log != NULL ? strstr(log, says) : NULL;
        int port = at != NULL && strchr(at, '\n') != NULL ? atoi(at + strlen(says)) : 0;
        if (port == 0 && test_now_ms() > deadline)
            fail_msg("chromedriver does not say its port: %s", log);
        talloc_free(work);
        if (port != 0)
            return port;
        test_pause();
    }
}

static int destroy(struct browser *browser)
{
    if (browser->session != NULL)
        call(browser, "DELETE", memory_format(browser, "/session/%s", browser->session), NULL);
    if (browser->driver > 0) {
        kill(-browser->driver, SIGKILL);
        waitpid(browser->driver, NULL, 0);
    }
    unlink(browser->log);
    json_decref(browser->answer);
    curl_slist_free_all(browser->headers);
    curl_easy_cleanup(browser->curl);
    return 0;
}

struct browser *browser_new(const void *owner)
{
    struct browser *browser = memory_new(owner, struct browser);
    browser->curl = curl_easy_init();
    assert_non_null(browser->curl);
    talloc_set_destructor(browser, destroy);
    browser->headers = curl_slist_append(NULL, "Content-Type: application/json");
    curl_easy_setopt(browser->curl, CURLOPT_HTTPHEADER, browser->headers);
    curl_easy_setopt(browser->curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(browser->curl, CURLOPT_TIMEOUT, (long)CALL_S);
    curl_easy_setopt(browser->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(browser->curl, CURLOPT_NOPROXY, "*");
    start_driver(browser);
    browser->port = wait_for_port(browser);
    /* Chromium's own sandbox does not start for root. */
    json_t *options = json_pack("{s:[s,s,s,s,s,s*]}", "args", "--headless=new", "--disable-gpu",
                                "--disable-dev-shm-usage", "--disable-background-networking",
                                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
                                geteuid() == 0 ? "--no-sandbox" : NULL);
    const json_t *made = must_call(browser, "",
                                   json_pack("{s:{s:{s:b,s:o}}}", "capabilities", "alwaysMatch",
                                             "acceptInsecureCerts", 1, "goog:chromeOptions", options));
    browser->session = memory_copy_string(browser, json_string_value(json_object_get(made, "sessionId")));
    return browser;
}

/* ---- use ---- */

void browser_open(struct browser *browser, const char *url)
{
    must_call(browser, "/url", json_pack("{s:s}", "url", url));
}

const json_t *browser_run(struct browser *browser, const char *script)
{
    char *whole = memory_format(browser,
                                "const done = arguments[0]; (async () => {%s})()"
                                ".then(done, failure => done({thrown: String(failure)}));",
                                script);
    const json_t *value =
        must_call(browser, "/execute/async", json_pack("{s:s,s:[]}", "script", whole, "args"));
    talloc_free(whole);
    return value;
}

const char *browser_run_text(struct browser *browser, const char *script)
{
    const json_t *value = browser_run(browser, script);
    if (!json_is_string(value))
        fail_msg("%s: no text but %s", script, json_dumps(value, JSON_ENCODE_ANY));
    return json_string_value(value);
}

void browser_enter_frame(struct browser *browser, int index)
{
    must_call(browser, "/frame", json_pack("{s:i}", "id", index));
}

void browser_leave_frame(struct browser *browser)
{
    must_call(browser, "/frame", json_pack("{s:n}", "id"));
}

void browser_bypass_policy(struct browser *browser, bool bypass)
{
    must_call(browser, "/goog/cdp/execute",
              json_pack("{s:s,s:{s:b}}", "cmd", "Page.setBypassCSP", "params", "enabled", (int)bypass));
}
