/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What browsers are told by every reply of every route, whoever asks and however it ends: it is no page, it is not
 * kept, and nothing else may show it.  The files of the app, which are pages, say it of themselves (test_web.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "collector/exchange.h"
#include "collector/handlers.h"
#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "tests/support/registry.h"
#include "tests/support/tls_client.h"

enum { DEADLINE_MS = 20000 };

static const struct {
    const char *name, *value;
} wanted[] = {
    {"Cache-Control", "no-store"},
    {"Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Referrer-Policy", "no-referrer"},
    {"Strict-Transport-Security", "max-age=31536000"},
    {"X-Content-Type-Options", "nosniff"},
};

/* How many lines of the head have that name; the value of the last one, without its line end, goes to `*value`. */
static size_t find_header(const void *owner, const char *head, const char *name, const char **value)
{
    size_t count = 0, length = strlen(name);
    for (const char *line = head; line != NULL; line = strstr(line, "\r\n")) {
        line += *line == '\r' ? 2 : 0;
        if (strncasecmp(line, name, length) != 0 || line[length] != ':')
            continue;
        count++;
        *value = memory_copy_bytes(owner, line + length + 2, strcspn(line + length + 2, "\r\n"));
    }
    return count;
}

static void assert_headers(const char *label, const char *head)
{
    void *work = memory_owner(NULL, "headers");
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        const char *value = "";
        size_t count = find_header(work, head, wanted[i].name, &value);
        if (count != 1 || strcmp(value, wanted[i].value) != 0)
            fail_msg("%s: %zu headers %s, the last one %s, in: %s", label, count, wanted[i].name, value, head);
    }
    const char *ignored = NULL;
    static const char *const never[] = {"Server", "X-Powered-By", "Access-Control-Allow-Origin"};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        assert_int_equal(find_header(work, head, never[i], &ignored), 0);
    talloc_free(work);
}

/* The pattern with something in the place of each {parameter}. */
static const char *target_of(const void *owner, const char *pattern)
{
    struct text *target = text_new(owner);
    for (const char *at = pattern; *at != '\0';) {
        if (*at != '{') {
            text_append_bytes(target, at++, 1);
            continue;
        }
        text_append(target, strncmp(at, "{study}", strlen("{study}")) == 0 ? "demo" : "x");
        at += strcspn(at, "}") + 1;
    }
    return target->bytes;
}

static void test_every_route_tells_browsers_the_same(void **state)
{
    static const char *const tokens[] = {NULL, "unknown", "administrator", "coordinator", "statistician", "machine1",
                                         "coordinator_other"};
    struct registry *registry = *state;
    assert_true(route_count > 20);
    for (size_t i = 0; i < route_count; i++)
        for (size_t j = 0; j < sizeof tokens / sizeof *tokens; j++) {
            void *work = memory_owner(NULL, "route");
            const struct route *route = &route_table[i];
            if (route->handler == handle_web_file && strchr(route->pattern, '{') == NULL)
                continue;
            struct client *client = client_new(work, registry->daemon, tokens[j]);
            const char *body = strcmp(route->method, "GET") == 0 ? NULL : "{}";
            const char *target = target_of(work, route->pattern);
            struct client_reply *reply = client_send(client, route->method, target, body);
            assert_headers(memory_format(work, "%s %s as %s: %d", route->method, target,
                                         tokens[j] != NULL ? tokens[j] : "nobody", reply->status), reply->headers);
            talloc_free(work);
        }
}

/* What never gets to a route, or ends before its handler. */
static void test_refusals_of_the_server_itself_do_too(void **state)
{
    static const char *const requests[] = {
        "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "DELETE /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "BREW /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /healthz HTTP/3.7\r\nHost: localhost\r\n\r\n",
        "GET /healthz HTTP/1.1\r\n\r\n",
        "GET /healthz?%ff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /api/v1/studies/%00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "nonsense\r\n\r\n",
        "POST /api/v1/studies/demo/submissions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n",
        "POST /api/v1/studies/demo/submissions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
    };
    const struct registry *registry = *state;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct tls_client *client =
            tls_client_open(NULL, &(struct tls_client_options){.port = registry->daemon->port});
        assert_non_null(client);
        assert_true(tls_client_send_text(client, requests[i]));
        struct tls_reply reply = tls_client_read_head_reply(client, DEADLINE_MS);
        if (reply.status <= 0)
            fail_msg("no reply to %s", requests[i]);
        assert_headers(requests[i], reply.head);
        talloc_free(client);
    }
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_route_tells_browsers_the_same),
        cmocka_unit_test(test_refusals_of_the_server_itself_do_too),
    };
    return cmocka_run_group_tests(tests, registry_setup, registry_teardown);
}
