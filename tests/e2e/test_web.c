/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of the app, as a browser asks for them: what they are, what goes with them, what is not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/web_files.h"
#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "tests/support/command.h"
#include "tests/support/registry.h"

#define POLICY \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " \
    "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " \
    "require-trusted-types-for 'script'; trusted-types patella"

static struct client_reply *get(struct registry *registry, const char *path, const char *header)
{
    struct client *client = client_new(registry, registry->daemon, NULL);
    if (header != NULL)
        client_add_header(client, header);
    return client_send(client, "GET", path, NULL);
}

/* The place in the table; `web_file_count` when there is no such file. */
static size_t place_of(const char *path)
{
    size_t i = 0;
    while (i < web_file_count && strcmp(web_files[i].path, path) != 0)
        i++;
    return i;
}

static const struct web_file *file_at(const char *path)
{
    size_t place = place_of(path);
    if (place == web_file_count)
        fail_msg("%s is not in this program", path);
    return &web_files[place];
}

static void assert_header(const struct client_reply *reply, const char *name, const char *value)
{
    const char *found = client_header(reply, name);
    if (found == NULL || strcmp(found, value) != 0)
        fail_msg("%s is %s, not %s", name, found != NULL ? found : "not there", value);
}

/* ---- what is there ---- */

static void test_every_file_is_served_as_it_is_with_its_headers(void **state)
{
    struct registry *registry = *state;
    assert_true(web_file_count > 10);
    for (size_t i = 0; i < web_file_count; i++) {
        const struct web_file *file = &web_files[i];
        struct client_reply *reply = api_get(registry, NULL, file->path);
        assert_status(reply, 200);
        assert_int_equal(reply->length, file->length);
        assert_memory_equal(reply->body, file->bytes, file->length);
        assert_header(reply, "Content-Type", file->type);
        assert_header(reply, "Content-Security-Policy", POLICY);
        assert_header(reply, "Cache-Control", "no-cache");
        assert_header(reply, "Vary", "Accept-Encoding");
        assert_header(reply, "X-Content-Type-Options", "nosniff");
        assert_header(reply, "Referrer-Policy", "no-referrer");
        assert_header(reply, "Strict-Transport-Security", "max-age=31536000");
        assert_header(reply, "Cross-Origin-Opener-Policy", "same-origin");
        assert_header(reply, "Cross-Origin-Resource-Policy", "same-origin");
        assert_header(reply, "ETag", memory_format(registry, "\"%s\"", file->sha256));
        assert_null(client_header(reply, "Content-Encoding"));
        assert_null(client_header(reply, "Set-Cookie"));
    }
}

/* A file of the folder that the table lacks would be one that was forgotten. */
static void test_every_file_of_the_folder_has_its_address(void **state)
{
    static const char *const apart[][2] = {
        {"index.html", "/"}, {"participant.html", "/participant"}, {"service_worker.js", "/service_worker.js"}};
    struct registry *registry = *state;
    int status = 0;
    char *list = memory_copy_string(registry, command_run(registry,
        "cd collector/web && find . -name node_modules -prune -o -type f ! -name 'package*.json' ! -name '*.md' -print",
        &status));
    size_t count = 0;
    for (char *rest = NULL, *line = strtok_r(list, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        const char *address = memory_format(registry, "/app/%s", line + strlen("./"));
        for (size_t i = 0; i < sizeof apart / sizeof apart[0]; i++)
            if (strcmp(line + strlen("./"), apart[i][0]) == 0)
                address = apart[i][1];
        if (place_of(address) == web_file_count)
            fail_msg("%s is not at %s: it is not in this program", line, address);
        count++;
    }
    assert_true(count >= 3);
}

/* So that a new version of any file is a new service worker, which knows the addresses of all that it needs. */
static void test_the_service_worker_knows_the_version_and_the_files(void **state)
{
    const struct web_file *worker = file_at("/service_worker.js");
    (void)state;
    assert_memory_equal(worker->bytes, "const PATELLA_VERSION = '", 25);
    const char *end = strchr(worker->bytes, '\n');
    assert_non_null(end);
    for (size_t i = 0; i < web_file_count; i++) {
        char quoted[256];
        snprintf(quoted, sizeof quoted, "'%s'", web_files[i].path);
        const char *found = strstr(worker->bytes, quoted);
        bool wanted = &web_files[i] != worker && strstr(web_files[i].path, "/licenses/") == NULL;
        if ((found != NULL && found < end) != wanted)
            fail_msg("%s: %s", web_files[i].path, wanted ? "missing" : "not wanted");
    }
}

static void test_modules_name_modules_by_their_address(void **state)
{
    (void)state;
    for (size_t i = 0; i < web_file_count; i++)
        if (strstr(web_files[i].path, "/vendor/") != NULL && strstr(web_files[i].type, "javascript") != NULL)
            assert_null(strstr(web_files[i].bytes, "from\"preact\""));
    assert_non_null(strstr(file_at("/app/vendor/preact_hooks.js")->bytes, "from\"./preact.js\""));
}

/* ---- compressed ---- */

static const char *unpacked(struct registry *registry, const struct client_reply *reply, size_t *length)
{
    struct error error;
    int status = 0;
    const char *folder = registry->daemon->folder;
    FILE *file = fopen(memory_format(registry, "%s/file.gz", folder), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(reply->body, 1, reply->length, file), reply->length);
    assert_int_equal(fclose(file), 0);
    command_run(registry, memory_format(registry, "gzip -d -f %s/file.gz", folder), &status);
    assert_int_equal(status, 0);
    char *bytes = text_read_file(registry, memory_format(registry, "%s/file", folder), 1 << 20, length, &error);
    assert_non_null(bytes);
    return bytes;
}

static void test_files_come_compressed_to_whom_that_suits(void **state)
{
    static const struct {
        const char *header;
        bool compressed;
    } cases[] = {
        {"Accept-Encoding: gzip", true},
        {"Accept-Encoding: gzip, deflate, br, zstd", true},
        {"Accept-Encoding: br;q=1.0, GZIP ; q=0.5", true},
        {"Accept-Encoding: gzip;q=0.001", true},
        {"Accept-Encoding: deflate,gzip", true},
        {"Accept-Encoding: gzip;q=0", false},
        {"Accept-Encoding: gzip ; q=0.000 , br", false},
        {"Accept-Encoding: br, deflate", false},
        {"Accept-Encoding: xgzip, gzipx", false},
        {"Accept-Encoding: identity", false},
        {"Accept-Encoding: *;q=0", false},
        {"Accept-Encoding: , ,", false},
    };
    struct registry *registry = *state;
    const struct web_file *file = file_at("/app/vendor/bootstrap.css");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client_reply *reply = get(registry, file->path, cases[i].header);
        const char *coding = client_header(reply, "Content-Encoding");
        assert_status(reply, 200);
        if ((coding != NULL) != cases[i].compressed)
            fail_msg("%s: Content-Encoding %s", cases[i].header, coding != NULL ? coding : "absent");
        size_t length = reply->length;
        const char *bytes = coding != NULL ? unpacked(registry, reply, &length) : reply->body;
        assert_int_equal(length, file->length);
        assert_memory_equal(bytes, file->bytes, length);
        assert_header(reply, "ETag", memory_format(registry, "\"%s%s\"", file->sha256, coding != NULL ? "-gzip" : ""));
        assert_header(reply, "Vary", "Accept-Encoding");
    }
}

static void test_pages_are_never_compressed(void **state)
{
    static const char *const pages[] = {"/", "/participant"};
    struct registry *registry = *state;
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        struct client_reply *reply = get(registry, pages[i], "Accept-Encoding: gzip");
        assert_status(reply, 200);
        assert_null(client_header(reply, "Content-Encoding"));
        assert_int_equal(reply->length, file_at(pages[i])->length);
        assert_header(reply, "ETag", memory_format(registry, "\"%s\"", file_at(pages[i])->sha256));
    }
}

/* ---- again ---- */

static void test_a_file_that_the_browser_has_is_not_sent_again(void **state)
{
    struct registry *registry = *state;
    const struct web_file *file = file_at("/app/vendor/preact.js");
    const struct {
        const char *tag;
        int status;
    } cases[] = {
        {memory_format(registry, "\"%s\"", file->sha256), 304},
        {memory_format(registry, "W/\"%s\", \"other\"", file->sha256), 304},
        {"*", 304},
        {memory_format(registry, "\"%s-gzip\"", file->sha256), 200},
        {"\"other\"", 200},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client_reply *reply =
            get(registry, file->path, memory_format(registry, "If-None-Match: %s", cases[i].tag));
        if (reply->status != cases[i].status)
            fail_msg("%s: %d", cases[i].tag, reply->status);
        assert_int_equal(reply->length, reply->status == 304 ? 0 : file->length);
        assert_header(reply, "ETag", memory_format(registry, "\"%s\"", file->sha256));
        assert_header(reply, "Cache-Control", "no-cache");
        assert_header(reply, "Content-Security-Policy", POLICY);
    }
}

static void test_head_tells_the_length_and_sends_nothing(void **state)
{
    struct registry *registry = *state;
    struct client_reply *reply = client_send(client_new(registry, registry->daemon, NULL), "HEAD", "/", NULL);
    assert_status(reply, 200);
    assert_int_equal(reply->length, 0);
    assert_header(reply, "Content-Length", memory_format(registry, "%zu", file_at("/")->length));
    assert_header(reply, "Content-Security-Policy", POLICY);
}

/* ---- what is not there ---- */

/* No path leads to a file of the machine, to a file's name in the source or to the same file in another writing. */
static void test_nothing_else_is_there(void **state)
{
    static const char *const paths[] = {
        "/app/nothing.js", "/app/", "/app", "/app/lib/", "/app/vendor", "/app/index.html", "/index.html",
        "/participant.html", "/app/service_worker.js", "/app/vendor/preact.js.gz", "/app/vendor/preact.js/",
        "/app//vendor/preact.js", "/app/vendor%2Fpreact.js", "/app/vendor%2fpreact.js", "/app/%76endor/preact.js",
        "/app/%2e%2e/%2e%2e/etc/passwd", "/app/%2e%2e%2fpatella.yaml", "/app/vendor/%2e%2e/main.js",
        "/app/package.json", "/app/package-lock.json", "/app/README.md", "/app/VENDOR/preact.js",
        "/app/vendor/preact.js%00.css",
        "/app/a/b/c/d.js", "/favicon.ico", "/Participant", "/app/vendor/licenses/..%2f..%2fmain.js",
    };
    struct registry *registry = *state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct client_reply *reply = get(registry, paths[i], NULL);
        if (reply->status != 404 && reply->status != 400)
            fail_msg("%s: %d", paths[i], reply->status);
        assert_string_equal(reply->type, "application/problem+json");
        assert_header(reply, "Content-Security-Policy",
                      "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
        assert_header(reply, "Cache-Control", "no-store");
    }
}

static void test_files_take_no_parameters(void **state)
{
    struct registry *registry = *state;
    assert_problem(get(registry, "/?next=https://elsewhere.example", NULL), 400, "invalid_parameter");
    assert_problem(get(registry, "/app/main.js?v=1", NULL), 400, "invalid_parameter");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_file_is_served_as_it_is_with_its_headers),
        cmocka_unit_test(test_every_file_of_the_folder_has_its_address),
        cmocka_unit_test(test_the_service_worker_knows_the_version_and_the_files),
        cmocka_unit_test(test_modules_name_modules_by_their_address),
        cmocka_unit_test(test_files_come_compressed_to_whom_that_suits),
        cmocka_unit_test(test_pages_are_never_compressed),
        cmocka_unit_test(test_a_file_that_the_browser_has_is_not_sent_again),
        cmocka_unit_test(test_head_tells_the_length_and_sends_nothing),
        cmocka_unit_test(test_nothing_else_is_there),
        cmocka_unit_test(test_files_take_no_parameters),
    };
    memory_init();
    return cmocka_run_group_tests(tests, registry_setup, registry_teardown);
}
