/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reports: asked for, listed, downloaded.  What patella-report does is done here by its functions of schema
 * rep.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/registry.h"

#define PAGE "<html><script>alert(1)</script>\\000 with a NUL</html>"

enum { PAGE_BYTES = 50 };

static const char *request_report(struct registry *registry, const char *label)
{
    struct client_reply *cut = api_send(registry, "statistician", "POST", DEMO "/cuts",
                                        memory_format(registry, "{\"label\":\"%s\"}", label));
    assert_status(cut, 201);
    struct client_reply *reply = api_send(registry, "statistician", "POST", DEMO "/reports", memory_format(
        registry, "{\"cut\":%lld}", json_number_at(cut->json, "cut")));
    assert_status(reply, 202);
    const char *report = json_text_at(reply->json, "report");
    assert_string_equal(client_header(reply, "Location"), memory_format(reply, DEMO "/reports/%s", report));
    return report;
}

static void write_report(struct registry *registry, const char *report)
{
    struct db *reporter = test_database_connect(registry, registry->database, "patella_reporter");
    const char *taken;
    do {
        taken = test_value(reporter, "SELECT job_id FROM rep.take_job()");   /* the oldest first */
        assert_string_not_equal(taken, "");
    } while (strcmp(taken, report) != 0);
    test_run(reporter, memory_format(registry,
                                     "SELECT rep.add_file('%s', 'report.html', 'text/html; charset=utf-8', "
                                     "'" PAGE "'::bytea)",
                                     report));
    test_run(reporter, memory_format(registry, "SELECT rep.finish_job('%s', true, NULL)", report));
    talloc_free(reporter);
}

static void test_report_is_queued_made_and_listed(void **state)
{
    struct registry *registry = *state;
    const char *report = request_report(registry, "first");
    const char *path = memory_format(registry, DEMO "/reports/%s", report);
    struct client_reply *queued = api_get(registry, "administrator", path);
    assert_string_equal(json_text_at(queued->json, "state"), "queued");
    assert_int_equal(json_array_size(json_object_get(queued->json, "files")), 0);
    write_report(registry, report);
    struct client_reply *done = api_get(registry, "administrator", path);
    assert_string_equal(json_text_at(done->json, "state"), "done");
    assert_string_equal(json_text_at(done->json, "cut_label"), "first");
    assert_string_equal(json_text_at(done->json, "files.0.name"), "report.html");
    assert_int_equal(json_number_at(done->json, "files.0.size"), PAGE_BYTES);
    assert_int_equal(strlen(json_text_at(done->json, "sha256")), 64);
    struct client_reply *list = api_get(registry, "statistician", DEMO "/reports");
    assert_non_null(strstr(list->body, report));
}

static void test_report_file_is_an_attachment_that_runs_no_script(void **state)
{
    struct registry *registry = *state;
    const char *report = request_report(registry, "second");
    write_report(registry, report);
    const char *path = memory_format(registry, DEMO "/reports/%s/files/report.html", report);
    struct client_reply *file = api_get(registry, "statistician", path);
    assert_status(file, 200);
    assert_int_equal(file->length, PAGE_BYTES);
    assert_memory_equal(file->body + 31, "\0 with a NUL</html>", 19);
    assert_string_equal(client_header(file, "Content-Disposition"), "attachment; filename=\"report.html\"");
    assert_string_equal(client_header(file, "Content-Security-Policy"),
                        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox");
    assert_string_equal(client_header(file, "X-Content-Type-Options"), "nosniff");
    assert_string_equal(
        test_value(registry->db, "SELECT count(*) FROM audit.event WHERE operation = 'EXPORT'"), "1");
}

static void test_report_file_with_known_etag_is_not_sent_again(void **state)
{
    struct registry *registry = *state;
    const char *report = request_report(registry, "third");
    write_report(registry, report);
    const char *path = memory_format(registry, DEMO "/reports/%s/files/report.html", report);
    const char *etag = client_header(api_get(registry, "statistician", path), "ETag");
    assert_int_equal(strlen(etag), 66);
    struct client *client = client_new(registry, registry->daemon, "statistician");
    client_add_header(client, memory_format(registry, "If-None-Match: %s", etag));
    struct client_reply *reply = client_send(client, "GET", path, NULL);
    assert_status(reply, 304);
    assert_int_equal(reply->length, 0);
    assert_string_equal(client_header(reply, "ETag"), etag);
    talloc_free(client);
}

static void test_reports_that_do_not_exist_are_not_found(void **state)
{
    struct registry *registry = *state;
    const char *report = request_report(registry, "fourth");
    static const char nowhere[] = DEMO "/reports/00000000-0000-7000-8000-000000000000";
    assert_problem(api_get(registry, "statistician", nowhere), 404, "not_found");
    assert_problem(
        api_get(registry, "statistician", memory_format(registry, "%s/files/report.html", nowhere)), 404,
        "not_found");
    assert_problem(api_get(registry, "statistician",
                           memory_format(registry, DEMO "/reports/%s/files/other.html", report)),
                   404, "not_found");
    assert_problem(api_get(registry, "statistician", DEMO "/reports/x"), 404, "not_found");
    assert_problem(api_send(registry, "statistician", "POST", DEMO "/reports", "{\"cut\":999}"), 404,
                   "not_found");
}

/* A report counts every site: who may see only some of them gets none. */
static void test_report_is_refused_to_a_statistician_of_some_sites(void **state)
{
    struct registry *registry = *state;
    const char *report = request_report(registry, "fifth");
    write_report(registry, report);
    struct client_reply *asked = api_send(registry, "statistician1", "POST", DEMO "/reports", "{\"cut\":1}");
    assert_problem(asked, 403, "not_allowed");
    struct client_reply *file = api_get(
        registry, "statistician1", memory_format(registry, DEMO "/reports/%s/files/report.html", report));
    assert_true(file->status == 403 || file->status == 404);
}

/* Ends those of the tests before, which left some that had been taken. */
static void finish_all(struct registry *registry, struct db *reporter)
{
    static const char taken[] = "SELECT job_id FROM rep.job WHERE state = 'running' LIMIT 1";
    while (test_value(reporter, "SELECT job_id FROM rep.take_job()")[0] != '\0')
        continue;
    for (const char *job; (job = test_value(registry->db, taken))[0] != '\0';)
        test_run(reporter, memory_format(registry, "SELECT rep.finish_job('%s', true, NULL)", job));
}

/* The sixth that waits is refused, until one of the five is done. */
static void test_report_is_refused_while_five_of_the_account_wait(void **state)
{
    struct registry *registry = *state;
    struct db *reporter = test_database_connect(registry, registry->database, "patella_reporter");
    finish_all(registry, reporter);
    const char *first = request_report(registry, "limit");
    for (int i = 0; i < 4; i++)
        assert_status(api_send(registry, "statistician", "POST", DEMO "/reports", "{\"cut\":1}"), 202);
    struct client_reply *sixth = api_send(registry, "statistician", "POST", DEMO "/reports", "{\"cut\":1}");
    assert_problem(sixth, 429, "too_many_reports");
    assert_string_equal(client_header(sixth, "Retry-After"), "30");
    assert_string_equal(test_value(registry->db, "SELECT count(*) FROM rep.job WHERE state = 'queued'"), "5");
    assert_string_equal(test_value(reporter, "SELECT job_id FROM rep.take_job(1)"), first);
    assert_problem(api_send(registry, "statistician", "POST", DEMO "/reports", "{\"cut\":1}"), 429,
                   "too_many_reports");
    test_run(reporter, memory_format(registry, "SELECT rep.finish_job('%s', true, NULL)", first));
    assert_status(api_send(registry, "statistician", "POST", DEMO "/reports", "{\"cut\":1}"), 202);
    talloc_free(reporter);
}

static void test_bodies_that_do_not_fit_are_refused(void **state)
{
    static const struct {
        const char *path, *body;
        int status;
    } cases[] = {
        {DEMO "/cuts", "", 400},
        {DEMO "/cuts", "{", 400},
        {DEMO "/cuts", "[]", 400},
        {DEMO "/cuts", "{}", 400},
        {DEMO "/cuts", "{\"label\":\"a\",\"label\":\"b\"}", 400},
        {DEMO "/cuts", "{\"label\":\"a\",\"colour\":\"red\"}", 400},
        {DEMO "/cuts", "{\"label\":\"\"}", 422},
        {DEMO "/cuts", "{\"label\":7}", 422},
        {DEMO "/cuts", "{\"label\":\"a\\u0007b\"}", 422},
        {DEMO "/reports", "{\"cut\":\"1\"}", 422},
        {DEMO "/reports", "{\"cut\":0}", 422},
        {DEMO "/reports", "{\"cut\":99999999999}", 422},
    };
    struct registry *registry = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client_reply *reply = api_send(registry, "statistician", "POST", cases[i].path, cases[i].body);
        if (reply->status != cases[i].status)
            fail_msg("%s %s: %d %s", cases[i].path, cases[i].body, reply->status, reply->body);
    }
    char *long_body = memory_format(registry, "{\"label\":\"%05000d\"}", 1);
    assert_status(api_send(registry, "statistician", "POST", DEMO "/cuts", long_body), 413);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report_is_queued_made_and_listed),
        cmocka_unit_test(test_report_file_is_an_attachment_that_runs_no_script),
        cmocka_unit_test(test_report_file_with_known_etag_is_not_sent_again),
        cmocka_unit_test(test_reports_that_do_not_exist_are_not_found),
        cmocka_unit_test(test_bodies_that_do_not_fit_are_refused),
        cmocka_unit_test(test_report_is_refused_to_a_statistician_of_some_sites),
        cmocka_unit_test(test_report_is_refused_while_five_of_the_account_wait),   /* leaves some that wait */
    };
    memory_init();
    return cmocka_run_group_tests(tests, registry_setup, registry_teardown);
}
