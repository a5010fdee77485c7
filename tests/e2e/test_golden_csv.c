/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The cases of tests/golden/csv, uploaded to the daemon as previews: each verdict, count, warning and refusal as the
 * case says.  tests/unit/test_golden_csv.c judges the same files without a daemon.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/csv_case.h"
#include "tests/support/people.h"

enum { FILE_LIMIT = 4 << 20, FINDINGS_ROOM = 200 };

static struct registry *registry;
static const char *folder;           /* of the files of the cases */
static const struct csv_case *cases;
static size_t case_count;

/* ---- what is stored ---- */

static void act(const char *token, const char *path, const char *body, int status)
{
    assert_status(api_send(registry, token, "POST", memory_format(registry, DEMO "%s", path), body), status);
}

/* An investigator's session that has just been confirmed, with which a record may be signed. */
static const char *confirmed_session(void)
{
    struct person *person = people_join(registry, "ines", "\"role\":\"investigator\",\"sites\":[1]");
    const char *body = memory_format(registry, "{\"password\":\"" PEOPLE_PASSWORD "\",\"code\":\"%s\"}",
                                     people_next_code(person));
    struct client_reply *reply = api_send(registry, people_log_in(person), "POST", "/api/v1/session/confirm", body);
    assert_status(reply, 200);
    return memory_copy_string(registry, json_text_at(reply->json, "token"));
}

static void sign(const char *id)
{
    struct client_reply *shown = api_get(registry, "monitor", memory_format(registry, DEMO "/submissions/%s", id));
    assert_status(shown, 200);
    const char *body = memory_format(registry, "{\"signature\":\"%s\",\"sha256\":\"%s\",\"meaning\":\"review\"}",
                                     registry_new_id(registry), json_text_at(shown->json, "sha256"));
    act(confirmed_session(), memory_format(registry, "/submissions/%s/sign", id), body, 200);
}

static void make_void(json_t *object)
{
    json_object_del(object, "answers");
    json_object_set_new(object, "id", json_string(registry_new_id(registry)));
    json_object_set_new(object, "version", json_integer(2));
    json_object_set_new(object, "status", json_string("void"));
    json_object_set_new(object, "reason", json_string("entered for another subject"));
    char *body = json_dumps(object, JSON_COMPACT);
    assert_status(api_submit(registry, "coordinator", body), 201);
    free(body);
}

static void do_then(const char *then, json_t *object)
{
    static const char reason[] = "{\"reason\":\"end of monitoring\"}";
    const char *id = json_text_at(object, "id");
    if (strcmp(then, "lock") == 0)
        act("data_manager", memory_format(registry, "/submissions/%s/lock", id), reason, 200);
    else if (strcmp(then, "lock_subject") == 0)
        act("data_manager", memory_format(registry, "/subjects/%s/lock", json_text_at(object, "subject")), reason, 200);
    else if (strcmp(then, "sign") == 0)
        sign(id);
    else if (strcmp(then, "void") == 0)
        make_void(object);
    else
        fail_msg("stored.json: nobody knows how to %s", then);
}

static void store_records(void)
{
    json_error_t error;
    size_t i;
    json_t *object, *all = json_load_file("tests/golden/csv/stored.json", 0, &error);
    if (all == NULL)
        fail_msg("stored.json:%d: %s", error.line, error.text);
    json_array_foreach(all, i, object)
    {
        json_t *then = json_incref(json_object_get(object, "then"));
        json_object_del(object, "then");
        json_object_set_new(object, "id", json_string(registry_new_id(registry)));
        json_object_set_new(object, "form_version", json_integer(1));
        char *body = json_dumps(object, JSON_COMPACT);
        assert_status(api_submit(registry, "coordinator", body), 201);
        free(body);
        if (then != NULL)
            do_then(json_string_value(then), object);
        json_decref(then);
    }
    json_decref(all);
}

static struct client *yaml_client(void)
{
    struct client *client = client_new(registry, registry->daemon, "data_manager");
    client_add_header(client, "Content-Type: application/yaml");
    return client;
}

static void add_profile(struct client *client, const char *name)
{
    struct error error = {0};
    size_t length;
    const char *path = memory_format(registry, "tests/golden/csv/profiles/%s.yaml", name);
    const char *text = text_read_file(registry, path, FILE_LIMIT, &length, &error);
    if (text == NULL)
        fail_msg("%s", error.message);
    assert_status(client_send_typed(client, DEMO "/upload-profiles?site=1", text), 201);
}

/* Each profile that a case names, once. */
static void add_profiles(void)
{
    struct client *client = yaml_client();
    for (size_t i = 0; i < case_count; i++) {
        bool added = cases[i].profile == NULL;
        for (size_t j = 0; j < i && !added; j++)
            added = cases[j].profile != NULL && strcmp(cases[j].profile, cases[i].profile) == 0;
        if (!added)
            add_profile(client, cases[i].profile);
    }
}

/* ---- one file ---- */

struct sight {
    void *owner;
    struct csv_seen seen;
    struct upload_finding *findings;
    struct csv_value *values;
    bool has_reasons;            /* the file has a column of reasons for change, filled in */
};

static enum upload_severity severity_of(const char *name)
{
    for (int severity = UPLOAD_ASSUMED; severity <= UPLOAD_FILE_REFUSED; severity++)
        if (strcmp(upload_severity_name((enum upload_severity)severity), name) == 0)
            return (enum upload_severity)severity;
    fail_msg("severity %s", name);
    return UPLOAD_ASSUMED;
}

static void see_finding(struct sight *sight, const json_t *finding, int64_t line)
{
    assert_true(sight->seen.finding_count < FINDINGS_ROOM);
    sight->findings[sight->seen.finding_count++] = (struct upload_finding){
        .severity = severity_of(json_text_at(finding, "severity")),
        .code = json_text_at(finding, "code"),
        .line = line,
        .column = json_string_value(json_object_get(finding, "column")),
        .value = json_string_value(json_object_get(finding, "value")),
        .text = json_text_at(finding, "text"),
    };
}

/* Of the whole file: what is assumed, and what is about no row. */
static void see_findings_of_file(struct sight *sight, const json_t *upload)
{
    size_t i, j;
    const json_t *finding, *line;
    json_array_foreach(json_object_get(upload, "findings"), i, finding)
    {
        enum upload_severity severity = severity_of(json_text_at(finding, "severity"));
        const json_t *lines = json_object_get(finding, "lines");
        if (severity == UPLOAD_ASSUMED || json_array_size(lines) == 0)
            see_finding(sight, finding, 0);
        else if (severity == UPLOAD_FILE_REFUSED)
            json_array_foreach(lines, j, line)
                see_finding(sight, finding, json_integer_value(line));
    }
}

static void see_changes(struct sight *sight, const json_t *row)
{
    size_t i;
    const json_t *change;
    json_array_foreach(json_object_get(row, "changes"), i, change)
    {
        assert_true(sight->seen.value_count < FINDINGS_ROOM);
        const char *after = json_string_value(json_object_get(change, "after"));
        sight->values[sight->seen.value_count++] = (struct csv_value){
            json_number_at(row, "line"), json_text_at(change, "item"), after != NULL ? after : "-"};
    }
}

static void see_rows(struct sight *sight, const char *id)
{
    size_t i, j;
    const json_t *row, *finding;
    struct client_reply *reply =
        api_get(registry, "coordinator",
                memory_format(sight->owner, "/api/v1/uploads/%s/rows?study=demo&limit=1000", id));
    assert_status(reply, 200);
    json_array_foreach(json_object_get(reply->json, "rows"), i, row)
    {
        see_changes(sight, row);
        json_array_foreach(json_object_get(row, "findings"), j, finding)
            if (severity_of(json_text_at(finding, "severity")) != UPLOAD_ASSUMED)
                see_finding(sight, finding, json_number_at(finding, "line"));
    }
}

static void see_counts(struct sight *sight, const json_t *upload)
{
    static const char *const names[CSV_COUNTS] = {"rows.new", "rows.changed", "rows.unchanged", "rows.refused",
                                                  "rows.warned"};
    for (size_t i = 0; i < CSV_COUNTS; i++)
        sight->seen.counts[i] = json_number_at(upload, names[i]);
    int64_t read = json_number_at(upload, "rows.read");
    assert_int_equal(read, sight->seen.counts[CSV_NEW] + sight->seen.counts[CSV_CHANGED]
                               + sight->seen.counts[CSV_UNCHANGED] + sight->seen.counts[CSV_REFUSED]);
    bool reason_needed = json_is_true(json_object_get(json_object_get(upload, "preview"), "reason_needed"));
    assert_int_equal(reason_needed, sight->seen.counts[CSV_CHANGED] > 0 && !sight->has_reasons);
}

static struct client_reply *upload(const struct csv_case *expected, const char *bytes, size_t length)
{
    static struct client *client;
    if (client == NULL) {
        client = client_new(registry, registry->daemon, "coordinator");
        client_add_header(client, "Content-Type: text/csv");
        client_add_header(client, "Prefer: wait=60");
    }
    struct text *path = text_new(client);
    text_append_format(path, "/api/v1/uploads?study=demo&name=%s.csv", expected->name);
    if (expected->site > 0)
        text_append_format(path, "&site=%d", expected->site);
    if (expected->form != NULL)
        text_append_format(path, "&form=%s", expected->form);
    if (expected->profile != NULL)
        text_append_format(path, "&profile=%s", expected->profile);
    return client_send_bytes(client, path->bytes, bytes, length);
}

/* What a new row would hold is told by tests/unit; of a changed one, what the changes tell is compared. */
static struct csv_case without_untold_values(void *owner, const struct csv_case *expected, const struct csv_seen *seen)
{
    struct csv_case told = *expected;
    struct csv_value *values = memory_new_array(owner, struct csv_value, expected->value_count + 1);
    told.value_count = 0;
    for (size_t i = 0; i < expected->value_count; i++)
        for (size_t j = 0; j < seen->value_count; j++)
            if (seen->values[j].line == expected->values[i].line
                && strcmp(seen->values[j].item, expected->values[i].item) == 0) {
                values[told.value_count++] = expected->values[i];
                break;
            }
    told.values = values;
    return told;
}

static void freeze(const char *path)
{
    act("administrator", path, "{\"reason\":\"data base lock\"}", 200);
}

static void test_case(void **state)
{
    const struct csv_case *expected = *state;
    struct sight sight = {.owner = memory_owner(NULL, expected->name)};
    struct error error = {0};
    size_t length;
    const char *path = memory_format(sight.owner, "%s/%s", folder, expected->name);
    const char *bytes = text_read_file(sight.owner, path, FILE_LIMIT, &length, &error);
    if (bytes == NULL)
        fail_msg("%s", error.message);
    sight.seen.findings = sight.findings = memory_new_array(sight.owner, struct upload_finding, FINDINGS_ROOM);
    sight.seen.values = sight.values = memory_new_array(sight.owner, struct csv_value, FINDINGS_ROOM);
    sight.has_reasons = strstr(bytes, "reason_for_change") != NULL;
    if (expected->frozen)
        freeze("/freeze");
    struct client_reply *reply = upload(expected, bytes, length);
    if (expected->frozen)
        freeze("/unfreeze");
    assert_status(reply, 201);
    const char *shown = json_text_at(reply->json, "state");
    sight.seen.refused = strcmp(shown, "refused") == 0;
    if (!sight.seen.refused && strcmp(shown, "previewed") != 0)
        fail_msg("state %s: %s", shown, reply->body);
    see_findings_of_file(&sight, reply->json);
    if (!sight.seen.refused) {
        see_counts(&sight, reply->json);
        see_rows(&sight, json_text_at(reply->json, "id"));
    }
    struct csv_case told = without_untold_values(sight.owner, expected, &sight.seen);
    const char *difference = csv_case_compare(sight.owner, &told, &sight.seen);
    if (difference[0] != '\0')
        fail_msg("%s (%s)\n%s", expected->name, expected->about, difference);
    talloc_free(sight.owner);
}

static int begin(void **state)
{
    (void)state;                 /* is each test's own */
    registry = people_registry_new(NULL, NULL);
    folder = csv_cases_make(registry);
    store_records();
    add_profiles();
    return 0;
}

static int end(void **state)
{
    void *own = registry;
    (void)state;
    csv_cases_remove(folder);
    return registry_teardown(&own);
}

int main(void)
{
    void *owner = memory_owner(NULL, "cases");
    cases = csv_cases_load(owner, &case_count);
    struct CMUnitTest *tests = memory_new_array(owner, struct CMUnitTest, case_count);
    for (size_t i = 0; i < case_count; i++)
        tests[i] = (struct CMUnitTest){.name = cases[i].name, .test_func = test_case,
                                       .initial_state = (void *)(uintptr_t)&cases[i]};
    int failed = _cmocka_run_group_tests("golden_csv", tests, case_count, begin, end);
    talloc_free(owner);
    return failed;
}
