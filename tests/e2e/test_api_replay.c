/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A submission that is stored and sent again gets its first receipt, whatever has changed since. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "forms/base/date.h"
#include "forms/base/memory.h"
#include "forms/form.h"
#include "tests/support/registry.h"

/* Rules whose outcome changes from the day that the form is about to the next one. */
static const char remark_form[] =
    "form: remark\n"
    "version: 1\n"
    "title: Remark\n"
    "source: \"test\"\n"
    "about: subject\n"
    "repeats: true\n"
    "sections:\n"
    "  - id: remark\n"
    "    title: Remark\n"
    "    items:\n"
    "      - {id: score, text: a number, type: integer, min: 0, max: 10}\n"
    "rules:\n"
    "  - {id: same_day, soft: true, check: \"date < today\", text: \"confirm a remark of today\"}\n"
    "  - {id: older, soft: true, check: \"date >= today\", text: \"confirm a remark of another day\"}\n";

static const char *replace(const void *owner, const char *text, const char *old, const char *new)
{
    const char *at = strstr(text, old);
    if (at == NULL)
        fail_msg("no \"%s\" in the protocol that ships", old);
    return memory_format(owner, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
}

static void put(struct registry *registry, const char *sql, const char *yaml)
{
    struct error error;
    struct db_parameters *parameters = db_parameters_new(registry, 1);
    db_set_text(parameters, 0, yaml);
    if (db_query(registry, registry->db, sql, parameters, &error) == NULL)
        fail_msg("%s", error.message);
}

static void wait_for(struct registry *registry, const char *words)
{
    long long deadline = test_now_ms() + 20000;
    while (strstr(api_get(registry, "coordinator", DEMO)->body, words) == NULL) {
        if (test_now_ms() > deadline)
            fail_msg("the daemon does not learn of %s", words);
        test_pause();
    }
}

/* The next version of the protocol: the form `remark` at any time, and pain_vas no longer at baseline. */
static void put_next_protocol(struct registry *registry)
{
    struct error error;
    size_t length = 0;
    const char *yaml =
        text_read_file(registry, "forms/protocols/demo.yaml", FORM_FILE_LIMIT, &length, &error);
    assert_non_null(yaml);
    yaml = replace(registry, yaml, "forms: [baseline, koos, pain_vas,", "forms: [baseline, koos,");
    yaml = replace(registry, yaml, "any_time: [", "any_time: [remark, ");
    put(registry, "SELECT admin.put_form('demo', 'remark', 1, $1::text)", remark_form);
    int version = atoi(strstr(yaml, "version: ") + strlen("version: "));
    put(registry, memory_format(registry, "SELECT admin.put_protocol('demo', %d, $1::text, 'none')", version), yaml);
    wait_for(registry, memory_format(registry, "\"protocol_version\":%d", version));
}

static const char *stored_count(struct registry *registry, int subject)
{
    return test_value(registry->db, memory_format(registry, "SELECT count(*) FROM core.submission "
                                                            "WHERE subject_no = %d", subject));
}

static void test_submit_again_under_a_newer_protocol_gives_the_first_receipt(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0001");
    const char *id = registry_new_id(registry);
    const char *body = registry_pain(registry, id, "01-0001", 45, "");
    struct client_reply *first = api_submit(registry, "machine1", body);
    assert_status(first, 201);
    put_next_protocol(registry);
    struct client_reply *again = api_submit(registry, "machine1", body);
    assert_status(again, 200);
    assert_string_equal(again->body, first->body);
    /* Whatever is not stored, or is stored with other answers, is refused as ever. */
    assert_problem(api_submit(registry, "machine1", registry_pain(registry, id, "01-0001", 46, "")), 422,
                   "invalid");
    assert_problem(api_submit(registry, "machine1", registry_pain(registry, NULL, "01-0001", 45, "")), 422,
                   "invalid");
    assert_problem(api_submit(registry, "coordinator2", body), 422, "invalid");
    assert_string_equal(stored_count(registry, 1), "2");
}

static void test_submit_array_again_under_a_newer_protocol_is_judged_row_by_row(void **state)
{
    struct registry *registry = *state;   /* whose study has the newer protocol by now */
    const char *stored = registry_event(registry, NULL, "01-0001", "swelling", "");
    const char *refused = registry_pain(registry, NULL, "01-0001", 45, ",\"instance\":1");
    assert_status(api_submit(registry, "coordinator1", stored), 201);
    struct client_reply *reply = api_submit(registry, "coordinator1",
                                            memory_format(registry, "[%s,%s]", refused, stored));
    assert_status(reply, 207);
    assert_int_equal(json_number_at(reply->json, "results.0.status"), 422);
    assert_string_equal(json_text_at(reply->json, "results.0.problem.problems.0.item"), "visit");
    assert_int_equal(json_number_at(reply->json, "results.1.status"), 200);
}

static void move_site(struct registry *registry, const char *zone)
{
    test_run(registry->db,
             memory_format(registry,
                           "SET session_replication_role = replica; "
                           "UPDATE core.site SET time_zone = '%s', name = 'in %s' "
                           "WHERE study_id = (SELECT study_id FROM core.study WHERE code = 'demo') "
                           "AND site_id = 1; "
                           "UPDATE core.catalogue_state SET version = version + 1; "
                           "RESET session_replication_role",
                           zone, zone));
    wait_for(registry, memory_format(registry, "\"in %s\"", zone));
}

/* It is never the same day in Niue and in Kiritimati: the site is moved instead of the clock. */
static void test_submit_again_on_another_day_gives_the_first_receipt(void **state)
{
    struct registry *registry = *state;
    struct error error;
    date_days today = DATE_NONE;
    char date[DATE_TEXT_SIZE];
    assert_true(date_today("Pacific/Niue", (int64_t)time(NULL), &today, &error));
    date_format(today, date);
    move_site(registry, "Pacific/Niue");
    registry_enrol(registry, "coordinator1", "01-0002");
    const char *form = "{\"id\":\"%s\",\"subject\":\"01-0002\",\"form\":\"remark\",\"form_version\":1,"
                       "\"date\":\"%s\",\"answers\":{\"score\":%d},\"confirmed\":[{\"item\":null,\"rule\":"
                       "\"same_day\",\"reason\":\"seen today\"}]}";
    const char *id = registry_new_id(registry);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    const char *body = memory_format(registry, form, id, date, 3);
    const char *other = memory_format(registry, form, id, date, 4);
#pragma GCC diagnostic pop
    struct client_reply *first = api_submit(registry, "coordinator1", body);
    assert_status(first, 201);
    move_site(registry, "Pacific/Kiritimati");
    struct client_reply *again = api_submit(registry, "coordinator1", body);
    assert_status(again, 200);
    assert_string_equal(again->body, first->body);
    assert_problem(api_submit(registry, "coordinator1", other), 422, "invalid");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_submit_again_under_a_newer_protocol_gives_the_first_receipt),
        cmocka_unit_test(test_submit_array_again_under_a_newer_protocol_is_judged_row_by_row),
        cmocka_unit_test(test_submit_again_on_another_day_gives_the_first_receipt),
    };
    memory_init();
    return cmocka_run_group_tests(tests, registry_setup, registry_teardown);
}
