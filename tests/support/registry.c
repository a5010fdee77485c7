/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/registry.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/form.h"
#include "forms/protocol.h"
#include "tests/support/openapi.h"

static const char *const studies[] = {
    "SELECT admin.add_study('demo', 'Demonstration study', 'none', 'patella_reporter')",
    "SELECT admin.add_study('other', 'Masked study', 'double', 'patella_reporter')",
    "SELECT admin.add_site('demo', 1, 'First clinic', 'Europe/Berlin')",
    "SELECT admin.add_site('demo', 2, 'Second clinic', 'Pacific/Kiritimati')",
    "SELECT admin.add_site('demo', 3, 'Third clinic', 'Pacific/Niue')",
    "SELECT admin.add_site('other', 1, 'First clinic', 'Europe/Berlin')",
};

static const struct {
    const char *token;           /* the account as well */
    const char *study, *role, *sites;
} tokens[] = {
    {"coordinator1", "demo", "coordinator", "{1}"},
    {"coordinator2", "demo", "coordinator", "{2}"},
    {"coordinator", "demo", "coordinator", "{}"},
    {"machine1", "demo", "site_machine", "{1}"},
    {"statistician", "demo", "statistician", "{}"},
    {"statistician1", "demo", "statistician", "{1}"},
    {"administrator", "demo", "administrator", "{}"},
    {"data_manager", "demo", "data_manager", "{}"},
    {"investigator1", "demo", "investigator", "{1}"},
    {"monitor", "demo", "monitor", "{}"},
    {"unmasked", "demo", "statistician_unmasked", "{}"},
    {"revoked", "demo", "coordinator", "{}"},
    {"coordinator_other", "other", "coordinator", "{}"},
};

/* ---- studies ---- */

static char *read_definition(const void *owner, const char *path)
{
    struct error error;
    size_t length = 0;
    char *text = text_read_file(owner, path, FORM_FILE_LIMIT, &length, &error);
    if (text == NULL)
        fail_msg("%s", error.message);
    return text;
}

static void put_form(struct db *db, const char *study, const char *path)
{
    struct error error;
    void *work = memory_owner(db, "form");
    struct form *form = form_load(work, path, &error);
    if (form == NULL)
        fail_msg("%s:%d: %s", path, error.line, error.message);
    struct db_parameters *parameters = db_parameters_new(work, 4);
    db_set_text(parameters, 0, study);
    db_set_text(parameters, 1, form->id);
    db_set_int(parameters, 2, form->version);
    db_set_text(parameters, 3, read_definition(work, path));
    if (db_query(work, db, "SELECT admin.put_form($1::text, $2::text, $3::int, $4::text)", parameters,
                 &error) == NULL)
        fail_msg("%s: %s", path, error.message);
    talloc_free(work);
}

static void put_forms(struct db *db, const char *study)
{
    glob_t found;
    assert_int_equal(glob("forms/instruments/*.yaml", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++)
        put_form(db, study, found.gl_pathv[i]);
    globfree(&found);
}

/* The protocol that ships, as the first version under the study's own name and masking. */
static void put_protocol(struct db *db, const char *study, const char *masking)
{
    void *work = memory_owner(db, "protocol");
    char *yaml = read_definition(work, "forms/protocols/demo.yaml");
    struct text *text = text_new(work);
    for (char *line = yaml, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        if (strcmp(line, "  id: demo") == 0)
            text_append_format(text, "  id: %s\n", study);
        else if (strncmp(line, "  version: ", 11) == 0)
            text_append(text, "  version: 1\n");
        else if (strcmp(line, "  masking: none") == 0)
            text_append_format(text, "  masking: %s\n", masking);
        else
            text_append_format(text, "%s\n", line);
    }
    struct error error;
    struct db_parameters *parameters = db_parameters_new(work, 3);
    db_set_text(parameters, 0, study);
    db_set_text(parameters, 1, text->bytes);
    db_set_text(parameters, 2, masking);
    if (db_query(work, db, "SELECT admin.put_protocol($1::text, 1, $2::text, $3::text)", parameters,
                 &error) == NULL)
        fail_msg("%s", error.message);
    talloc_free(work);
}

static void add_token(struct db *db, size_t i)
{
    const char *name = tokens[i].token;
    test_run(db, memory_format(db, "SELECT admin.add_account('%s', 'Name of %s')", name, name));
    test_run(db, memory_format(db,
                               "SELECT admin.add_token('%s', '%s', '%s', '%s', sha256('%s'), "
                               "now() + interval '30 days')",
                               name, tokens[i].study, tokens[i].role, tokens[i].sites, name));
}

struct registry *registry_new_stopped(const void *owner)
{
    struct registry *registry = memory_new(owner, struct registry);
    registry->database = test_database_new(registry);
    registry->db = test_database_connect(registry, registry->database, NULL);
    for (size_t i = 0; i < sizeof studies / sizeof studies[0]; i++)
        test_run(registry->db, studies[i]);
    put_forms(registry->db, "demo");
    put_forms(registry->db, "other");
    put_protocol(registry->db, "demo", "none");
    put_protocol(registry->db, "other", "double");
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++)
        add_token(registry->db, i);
    test_run(registry->db, "SELECT admin.revoke_token(token_no) FROM sec.credential "
                           "WHERE account = 'revoked'");
    return registry;
}

struct registry *registry_new(const void *owner)
{
    struct registry *registry = registry_new_stopped(owner);
    const char *conninfo = test_database_conninfo(registry, registry->database, "patella_collector");
    registry->daemon = daemon_start(registry, conninfo, NULL);
    return registry;
}

int registry_setup(void **state)
{
    *state = registry_new(NULL);
    return 0;
}

int registry_teardown(void **state)
{
    struct registry *registry = *state;
    int status = registry->daemon->pid > 0 ? daemon_stop(registry->daemon) : 0;
    /* Closed before the database is dropped. */
    talloc_free(registry->db);
    talloc_free(registry);
    return status;
}

/* ---- requests ---- */

static struct client *client_of(struct registry *registry, const char *token)
{
    size_t i = 0;
    for (; registry->clients[i] != NULL; i++)
        if (strcmp(registry->tokens[i], token != NULL ? token : "") == 0)
            return registry->clients[i];
    assert_true(i + 1 < sizeof registry->clients / sizeof registry->clients[0]);
    registry->tokens[i] = token != NULL ? token : "";
    registry->clients[i] = client_new(registry, registry->daemon, token);
    return registry->clients[i];
}

struct client_reply *api_send(struct registry *registry, const char *token, const char *method,
                              const char *path, const char *body)
{
    struct client_reply *reply = client_send(client_of(registry, token), method, path, body);
    openapi_assert_reply(method, path, reply);
    return reply;
}

struct client_reply *api_get(struct registry *registry, const char *token, const char *path)
{
    return api_send(registry, token, "GET", path, NULL);
}

struct client_reply *api_submit(struct registry *registry, const char *token, const char *body)
{
    return api_send(registry, token, "POST", DEMO "/submissions", body);
}

void assert_status(const struct client_reply *reply, int status)
{
    if (reply->status != status)
        fail_msg("status %d, not %d: %s", reply->status, status, reply->body);
}

void assert_problem(const struct client_reply *reply, int status, const char *code)
{
    assert_status(reply, status);
    assert_string_equal(json_text_at(reply->json, "code"), code);
}

/* ---- bodies ---- */

const char *registry_new_id(struct registry *registry)
{
    return memory_format(registry, "0190a1b2-c3d4-7e5f-8a9b-%012x", ++registry->last_id);
}

static const char *id_or_new(struct registry *registry, const char *id)
{
    return id != NULL ? id : registry_new_id(registry);
}

const char *registry_enrolment(struct registry *registry, const char *id, const char *subject)
{
    return memory_format(registry,
                         "{\"id\":\"%s\",\"subject\":\"%s\",\"form\":\"enrolment\",\"form_version\":1,"
                         "\"date\":\"2024-02-01\",\"answers\":{\"index_knee\":\"right\"}}",
                         id_or_new(registry, id), subject);
}

const char *registry_pain(struct registry *registry, const char *id, const char *subject, int vas,
                          const char *more)
{
    return memory_format(registry,
                         "{\"id\":\"%s\",\"subject\":\"%s\",\"form\":\"pain_vas\",\"form_version\":1,"
                         "\"knee\":\"right\",\"visit\":\"BL\",\"date\":\"2024-02-02\","
                         "\"answers\":{\"vas\":\"%d.5\"}%s}",
                         id_or_new(registry, id), subject, vas, more);
}

const char *registry_event(struct registry *registry, const char *id, const char *subject, const char *term,
                           const char *more)
{
    return memory_format(registry,
                         "{\"id\":\"%s\",\"subject\":\"%s\",\"form\":\"adverse_event\",\"form_version\":1,"
                         "\"date\":\"2024-03-01\","
                         "\"answers\":{\"term\":\"%s\",\"onset\":\"2024-02\",\"serious\":false}%s}",
                         id_or_new(registry, id), subject, term, more);
}

void registry_enrol(struct registry *registry, const char *token, const char *subject)
{
    assert_status(api_submit(registry, token, registry_enrolment(registry, NULL, subject)), 201);
}

/* ---- JSON ---- */

static const json_t *value_at(const json_t *json, const char *path)
{
    char *keys = memory_copy_string(NULL, path), *rest = NULL;
    for (char *key = strtok_r(keys, ".", &rest); key != NULL; key = strtok_r(NULL, ".", &rest)) {
        bool index = strspn(key, "0123456789") == strlen(key);
        json = index ? json_array_get(json, strtoul(key, NULL, 10)) : json_object_get(json, key);
    }
    talloc_free(keys);
    return json;
}

const char *json_text_at(const json_t *json, const char *path)
{
    const char *text = json_string_value(value_at(json, path));
    if (text == NULL)
        fail_msg("no text at %s", path);
    return text;
}

long long json_number_at(const json_t *json, const char *path)
{
    const json_t *number = value_at(json, path);
    if (!json_is_number(number))
        fail_msg("no number at %s", path);
    return (long long)json_number_value(number);
}
