/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/upload_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/openapi.h"

/* A client of its own: its requests are no JSON. */
static struct client *sender(struct registry *registry, const char *token)
{
    struct client *client = client_new(registry, registry->daemon, token);
    client_add_header(client, "Content-Type: text/csv");
    client_add_header(client, "Prefer: wait=25");
    return client;
}

struct client_reply *upload_send(struct registry *registry, const char *token, const char *query, const char *csv)
{
    const char *path = memory_format(registry, UPLOADS "?name=file.csv%s%s", *query != '\0' ? "&" : "", query);
    struct client_reply *reply = client_send_typed(sender(registry, token), path, csv);
    openapi_assert_reply("POST", path, reply);
    return reply;
}

const char *upload_to(struct registry *registry, const char *token, const char *query, const char *csv,
                      const char *state)
{
    struct client_reply *reply = upload_send(registry, token, query, csv);
    assert_status(reply, 201);
    if (strcmp(json_text_at(reply->json, "state"), state) != 0)
        fail_msg("not %s: %s", state, reply->body);
    return memory_copy_string(registry, json_text_at(reply->json, "id"));
}

struct client_reply *upload_get(struct registry *registry, const char *token, const char *id)
{
    struct client_reply *reply = api_get(registry, token, memory_format(registry, UPLOADS "/%s?wait=25", id));
    assert_status(reply, 200);
    return reply;
}

struct client_reply *upload_commit(struct registry *registry, const char *token, const char *id, const char *mode,
                                   const char *reason)
{
    struct client_reply *previewed = upload_get(registry, token, id);
    const char *body = memory_format(registry, "{\"token\":\"%s\",\"mode\":\"%s\"%s%s%s}",
                                     json_text_at(previewed->json, "preview.token"), mode,
                                     reason != NULL ? ",\"reason\":\"" : "", reason != NULL ? reason : "",
                                     reason != NULL ? "\"" : "");
    return api_send(registry, token, "POST", memory_format(registry, UPLOADS "/%s/commit?wait=25", id), body);
}

struct client_reply *upload_take_back(struct registry *registry, const char *token, const char *id,
                                      const char *reason)
{
    return api_send(registry, token, "POST", memory_format(registry, UPLOADS "/%s/take-back?wait=25", id),
                    memory_format(registry, "{\"reason\":\"%s\"}", reason));
}

struct client_reply *upload_part(struct registry *registry, const char *token, const char *id, const char *part)
{
    return api_get(registry, token, memory_format(registry, UPLOADS "/%s/%s", id, part));
}

void assert_upload_rows(const struct client_reply *reply, int fresh, int changed, int unchanged, int refused)
{
    const int wanted[] = {fresh, changed, unchanged, refused};
    static const char *const names[] = {"rows.new", "rows.changed", "rows.unchanged", "rows.refused"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (json_number_at(reply->json, names[i]) != wanted[i])
            fail_msg("%s is not %d: %s", names[i], wanted[i], reply->body);
}

bool upload_has_finding(const struct client_reply *reply, const char *code)
{
    json_t *findings = json_object_get(reply->json, "findings"), *finding;
    size_t index;
    json_array_foreach(findings, index, finding)
        if (strcmp(json_string_value(json_object_get(finding, "code")), code) == 0)
            return true;
    return false;
}

long long count_submissions(struct registry *registry, const char *where)
{
    struct error error;
    const char *sql = memory_format(registry, "SELECT count(*) FROM core.submission %s", where);
    struct db_result *result = db_query(registry, registry->db, sql, NULL, &error);
    if (result == NULL)
        fail_msg("%s: %s", sql, error.message);
    return db_int(result, 0, 0);
}
