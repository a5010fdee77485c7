/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who may do what: a matrix written by hand, against the route table and against the running daemon. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collector/exchange.h"
#include "forms/base/memory.h"
#include "tests/support/registry.h"

#define EVERYONE "adciosum"
#define UPLOAD_PATH "/api/v1/uploads/00000000-0000-7000-8000-000000000000"
#define OF_DEMO "?study=demo"
#define UPLOAD UPLOAD_PATH OF_DEMO

/*
 * Letters: administrator, data manager, coordinator, investigator, mOnitor, statistician, the unmasked one, site
 * machine; 't' is a subject with the token of a link (setup), 'p' is a person's session where no study is named
 * (test_accounts*.c), '-' whoever comes without a token.
 */
static const struct {
    const char *method, *pattern;
    const char *path;            /* a request to it that is not refused for other reasons than rights */
    const char *body;
    const char *allowed;         /* letters of those who may, '-' for nobody's token needed */
} matrix[] = {
    {"GET", "/healthz", "/healthz", NULL, EVERYONE "-"},
    {"GET", "/readyz", "/readyz", NULL, EVERYONE "-"},
    {"GET", "/metrics", "/metrics", NULL, EVERYONE "-"},
    {"GET", "/", "/", NULL, EVERYONE "-"},
    {"GET", "/participant", "/participant", NULL, EVERYONE "-"},
    {"GET", "/service_worker.js", "/service_worker.js", NULL, EVERYONE "-"},
    {"GET", "/app/{name}", "/app/main.js", NULL, EVERYONE "-"},
    {"GET", "/app/{folder}/{name}", "/app/vendor/htm.js", NULL, EVERYONE "-"},
    {"GET", "/app/{folder}/{subfolder}/{name}", "/app/vendor/licenses/htm.txt", NULL, EVERYONE "-"},
    {"GET", "/api/v1/openapi.yaml", "/api/v1/openapi.yaml", NULL, EVERYONE "-"},
    {"GET", "/api/v1/me", "/api/v1/me", NULL, EVERYONE},
    {"GET", "/api/v1/studies", "/api/v1/studies", NULL, EVERYONE "p"},
    {"POST", "/api/v1/session", "/api/v1/session", "{}", EVERYONE "-"},
    {"GET", "/api/v1/session", "/api/v1/session", NULL, "p"},
    {"DELETE", "/api/v1/session", "/api/v1/session", NULL, "p"},
    {"POST", "/api/v1/session/confirm", "/api/v1/session/confirm", "{}", "p"},
    {"POST", "/api/v1/session/offline-key", "/api/v1/session/offline-key", "{}", "p"},
    {"POST", "/api/v1/invitations/{token}", "/api/v1/invitations/none", "{}", EVERYONE "-"},
    {"POST", "/api/v1/invitations/{token}/confirm", "/api/v1/invitations/none/confirm", "{}", EVERYONE "-"},
    {"GET", "/api/v1/studies/{study}/memberships", DEMO "/memberships", NULL, "a"},
    {"POST", "/api/v1/studies/{study}/memberships", DEMO "/memberships", "{}", "a"},
    {"DELETE", "/api/v1/studies/{study}/memberships/{account}", DEMO "/memberships/nobody", NULL, "a"},
    {"DELETE", "/api/v1/studies/{study}/accounts/{account}", DEMO "/accounts/nobody", NULL, "a"},
    {"GET", "/api/v1/studies/{study}/invitations", DEMO "/invitations", NULL, "a"},
    {"POST", "/api/v1/studies/{study}/invitations", DEMO "/invitations", "{}", "a"},
    {"DELETE", "/api/v1/studies/{study}/invitations/{number}", DEMO "/invitations/1", NULL, "a"},
    {"GET", "/api/v1/studies/{study}/tokens", DEMO "/tokens", NULL, "a"},
    {"POST", "/api/v1/studies/{study}/tokens", DEMO "/tokens", "{}", "a"},
    {"DELETE", "/api/v1/studies/{study}/tokens/{number}", DEMO "/tokens/999", NULL, "a"},
    {"GET", "/api/v1/studies/{study}/protocols", DEMO "/protocols", NULL, "a"},
    {"GET", "/api/v1/studies/{study}/sites", DEMO "/sites", NULL, "a"},
    {"GET", "/api/v1/studies/{study}/certificates", DEMO "/certificates", NULL, "a"},
    {"GET", "/api/v1/studies/{study}", DEMO, NULL, EVERYONE},
    {"GET", "/api/v1/studies/{study}/forms", DEMO "/forms", NULL, EVERYONE},
    {"GET", "/api/v1/studies/{study}/forms/{form}", DEMO "/forms/koos", NULL, EVERYONE},
    {"GET", "/api/v1/studies/{study}/subjects", DEMO "/subjects", NULL, "dciosu"},
    {"GET", "/api/v1/studies/{study}/subjects/{subject}", DEMO "/subjects/01-0001", NULL, "dciosu"},
    {"POST", "/api/v1/studies/{study}/submissions", DEMO "/submissions", "{}", "dcim"},
    {"GET", "/api/v1/studies/{study}/submissions", DEMO "/submissions", NULL, "dciosu"},
    {"GET", "/api/v1/studies/{study}/submissions/{id}",
     DEMO "/submissions/00000000-0000-7000-8000-000000000000", NULL, "dciosu"},
    {"GET", "/api/v1/studies/{study}/adverse-events", DEMO "/adverse-events", NULL, "dciosu"},
    {"GET", "/api/v1/studies/{study}/worklist", DEMO "/worklist", NULL, "dcio"},
    {"GET", "/api/v1/studies/{study}/schedule", DEMO "/schedule", NULL, "dciosu"},
    {"GET", "/api/v1/studies/{study}/subjects/{subject}/schedule", DEMO "/subjects/01-0001/schedule", NULL, "dciosu"},
    {"GET", "/api/v1/studies/{study}/queries", DEMO "/queries", NULL, "dciosu"},
    {"POST", "/api/v1/studies/{study}/queries", DEMO "/queries", "{}", "dio"},
    {"GET", "/api/v1/studies/{study}/queries/{query}", DEMO "/queries/00000000-0000-7000-8000-000000000000", NULL,
     "dciosu"},
    {"POST", "/api/v1/studies/{study}/queries/{query}/answer",
     DEMO "/queries/00000000-0000-7000-8000-000000000000/answer", "{}", "dci"},
    {"POST", "/api/v1/studies/{study}/queries/{query}/close",
     DEMO "/queries/00000000-0000-7000-8000-000000000000/close", "{}", "do"},
    {"POST", "/api/v1/studies/{study}/queries/{query}/reopen",
     DEMO "/queries/00000000-0000-7000-8000-000000000000/reopen", "{}", "do"},
    {"GET", "/api/v1/studies/{study}/verifications", DEMO "/verifications", NULL, "dciosu"},
    {"POST", "/api/v1/studies/{study}/submissions/{id}/verify",
     DEMO "/submissions/00000000-0000-7000-8000-000000000000/verify", "{}", "o"},
    {"POST", "/api/v1/studies/{study}/submissions/{id}/withdraw-verification",
     DEMO "/submissions/00000000-0000-7000-8000-000000000000/withdraw-verification", "{}", "o"},
    {"GET", "/api/v1/studies/{study}/signatures", DEMO "/signatures", NULL, "dciosu"},
    {"POST", "/api/v1/studies/{study}/submissions/{id}/sign",
     DEMO "/submissions/00000000-0000-7000-8000-000000000000/sign", "{}", "i"},
    {"GET", "/api/v1/studies/{study}/locks", DEMO "/locks", NULL, "dciosu"},
    {"POST", "/api/v1/studies/{study}/submissions/{id}/lock",
     DEMO "/submissions/00000000-0000-7000-8000-000000000000/lock", "{}", "d"},
    {"POST", "/api/v1/studies/{study}/submissions/{id}/unlock",
     DEMO "/submissions/00000000-0000-7000-8000-000000000000/unlock", "{}", "d"},
    {"POST", "/api/v1/studies/{study}/subjects/{subject}/lock", DEMO "/subjects/01-0001/lock", "{}", "d"},
    {"POST", "/api/v1/studies/{study}/subjects/{subject}/unlock", DEMO "/subjects/01-0001/unlock", "{}", "d"},
    {"POST", "/api/v1/studies/{study}/freeze", DEMO "/freeze", "{}", "ad"},
    {"POST", "/api/v1/studies/{study}/unfreeze", DEMO "/unfreeze", "{}", "ad"},
    {"GET", "/api/v1/studies/{study}/redactions", DEMO "/redactions", NULL, "adciosu"},
    {"POST", "/api/v1/studies/{study}/submissions/{id}/redact",
     DEMO "/submissions/00000000-0000-7000-8000-000000000000/redact", "{}", "d"},
    {"POST", "/api/v1/studies/{study}/redactions/{redaction}/approve",
     DEMO "/redactions/00000000-0000-7000-8000-000000000000/approve", "{}", "a"},
    {"POST", "/api/v1/studies/{study}/redactions/{redaction}/decline",
     DEMO "/redactions/00000000-0000-7000-8000-000000000000/decline", "{}", "a"},
    {"GET", "/api/v1/studies/{study}/second-entries", DEMO "/second-entries", NULL, "dciosu"},
    {"POST", "/api/v1/studies/{study}/second-entries", DEMO "/second-entries", "{}", "dc"},
    {"GET", "/api/v1/studies/{study}/second-entries/{entry}",
     DEMO "/second-entries/00000000-0000-7000-8000-000000000000", NULL, "dciosu"},
    {"POST", "/api/v1/studies/{study}/second-entries/{entry}/reconcile",
     DEMO "/second-entries/00000000-0000-7000-8000-000000000000/reconcile", "{}", "dc"},
    {"GET", "/api/v1/studies/{study}/unblindings", DEMO "/unblindings", NULL, "adiu"},
    {"POST", "/api/v1/studies/{study}/unblindings", DEMO "/unblindings", "{}", "u"},
    {"POST", "/api/v1/studies/{study}/unblindings/{request}/approve",
     DEMO "/unblindings/00000000-0000-7000-8000-000000000000/approve", "{}", "a"},
    {"POST", "/api/v1/studies/{study}/subjects/{subject}/unblindings", DEMO "/subjects/01-0001/unblindings", "{}", "i"},
    {"POST", "/api/v1/studies/{study}/subjects/{subject}/unblindings/{request}/reveal",
     DEMO "/subjects/01-0001/unblindings/00000000-0000-7000-8000-000000000000/reveal", "{}", "i"},
    {"GET", "/api/v1/studies/{study}/drafts", DEMO "/drafts", NULL, "dci"},
    {"GET", "/api/v1/studies/{study}/drafts/{draft}", DEMO "/drafts/00000000-0000-7000-8000-000000000000", NULL, "dci"},
    {"PUT", "/api/v1/studies/{study}/drafts/{draft}", DEMO "/drafts/00000000-0000-7000-8000-000000000000", "{}", "dci"},
    {"DELETE", "/api/v1/studies/{study}/drafts/{draft}", DEMO "/drafts/00000000-0000-7000-8000-000000000000", NULL,
     "dci"},
    {"POST", "/api/v1/studies/{study}/offline-keys/release", DEMO "/offline-keys/release", "{}", "d"},
    {"GET", "/api/v1/studies/{study}/participant-links", DEMO "/participant-links", NULL, "dci"},
    {"POST", "/api/v1/studies/{study}/participant-links", DEMO "/participant-links", "{}", "dci"},
    {"DELETE", "/api/v1/studies/{study}/participant-links/{link}",
     DEMO "/participant-links/00000000-0000-7000-8000-000000000000", NULL, "dci"},
    {"GET", "/api/v1/participant", "/api/v1/participant", NULL, "t"},
    {"PUT", "/api/v1/participant", "/api/v1/participant", "{}", "t"},
    {"POST", "/api/v1/participant/submission", "/api/v1/participant/submission", "{}", "t"},
    {"GET", "/api/v1/studies/{study}/cuts", DEMO "/cuts", NULL, "adcsu"},
    {"POST", "/api/v1/studies/{study}/cuts", DEMO "/cuts", "{}", "dsu"},
    {"GET", "/api/v1/studies/{study}/reports", DEMO "/reports", NULL, "asu"},
    {"POST", "/api/v1/studies/{study}/reports", DEMO "/reports", "{}", "su"},
    {"GET", "/api/v1/studies/{study}/reports/{report}",
     DEMO "/reports/00000000-0000-7000-8000-000000000000", NULL, "asu"},
    {"GET", "/api/v1/studies/{study}/reports/{report}/files/{name}",
     DEMO "/reports/00000000-0000-7000-8000-000000000000/files/report.html", NULL, "su"},
    {"POST", "/api/v1/uploads", "/api/v1/uploads?study=demo", "{}", "dcim"},
    {"OPTIONS", "/api/v1/uploads", "/api/v1/uploads", NULL, EVERYONE "-"},
    {"HEAD", "/api/v1/uploads/{id}", UPLOAD, NULL, "dcim"},
    {"PATCH", "/api/v1/uploads/{id}", UPLOAD, "{}", "dcim"},
    {"DELETE", "/api/v1/uploads/{id}", UPLOAD, NULL, "dcim"},
    {"GET", "/api/v1/studies/{study}/export", DEMO "/export?cut=999", NULL, "dsu"},
    {"GET", "/api/v1/uploads", "/api/v1/uploads" OF_DEMO, NULL, "dciosum"},
    {"GET", "/api/v1/uploads/{id}", UPLOAD, NULL, "dciosum"},
    {"GET", "/api/v1/uploads/{id}/rows", UPLOAD_PATH "/rows" OF_DEMO, NULL, "dciom"},
    {"GET", "/api/v1/uploads/{id}/refused", UPLOAD_PATH "/refused" OF_DEMO, NULL, "dciom"},
    {"POST", "/api/v1/uploads/{id}/commit", UPLOAD_PATH "/commit" OF_DEMO, "{}", "dcim"},
    {"POST", "/api/v1/uploads/{id}/take-back", UPLOAD_PATH "/take-back" OF_DEMO, "{}", "dcim"},
    {"GET", "/api/v1/studies/{study}/upload-profiles", DEMO "/upload-profiles", NULL, "dciom"},
    {"POST", "/api/v1/studies/{study}/upload-profiles", DEMO "/upload-profiles", "{}", "dc"},
    {"GET", "/api/v1/studies/{study}/upload-profiles/{name}", DEMO "/upload-profiles/none", NULL, "dciom"},
    {"GET", "/api/v1/studies/{study}/notices", DEMO "/notices", NULL, "dcio"},
    {"GET", "/api/v1/studies/{study}/audit", DEMO "/audit", NULL, "ado"},
    {"GET", "/api/v1/studies/{study}/audit/review", DEMO "/audit/review?kind=accounts", NULL, "ado"},
    {"GET", "/api/v1/studies/{study}/audit/reviews", DEMO "/audit/reviews", NULL, "ado"},
    {"POST", "/api/v1/studies/{study}/audit/reviews/{review}",
     DEMO "/audit/reviews/00000000-0000-7000-8000-000000000000", "{}", "ado"},
};

enum { MATRIX_ROWS = sizeof matrix / sizeof matrix[0] };

static const struct {
    char letter;
    const char *token;
    enum role role;
} callers[] = {
    {'a', "administrator", ROLE_ADMINISTRATOR},
    {'c', "coordinator", ROLE_COORDINATOR},
    {'m', "machine1", ROLE_SITE_MACHINE},
    {'s', "statistician", ROLE_STATISTICIAN},
    {'d', "data_manager", ROLE_DATA_MANAGER},
    {'i', "investigator1", ROLE_INVESTIGATOR},
    {'o', "monitor", ROLE_MONITOR},
    {'u', "unmasked", ROLE_STATISTICIAN_UNMASKED},
    {'t', "link", ROLE_PARTICIPANT},
};

enum { CALLERS = sizeof callers / sizeof callers[0] };

static unsigned roles_of(const char *allowed)
{
    unsigned roles = 0;
    if (strchr(allowed, '-') != NULL)
        return ROLE_ANYONE;
    for (size_t i = 0; i < CALLERS; i++)
        if (strchr(allowed, callers[i].letter) != NULL)
            roles |= callers[i].role;
    return strchr(allowed, 'p') != NULL ? roles | ROLE_SESSION : roles;
}

static void test_route_table_is_the_matrix(void **state)
{
    (void)state;
    assert_int_equal(route_count, MATRIX_ROWS);
    for (size_t i = 0; i < route_count; i++) {
        const struct route *route = &route_table[i];
        size_t row = 0;
        while (row < MATRIX_ROWS && (strcmp(matrix[row].method, route->method) != 0 ||
                                     strcmp(matrix[row].pattern, route->pattern) != 0))
            row++;
        if (row == MATRIX_ROWS)
            fail_msg("%s %s is not in the matrix", route->method, route->pattern);
        if (route->roles != roles_of(matrix[row].allowed))
            fail_msg("%s %s: roles %u, not \"%s\"", route->method, route->pattern, route->roles,
                     matrix[row].allowed);
        assert_int_equal(route->body_limit > 0, matrix[row].body != NULL);
    }
}

static void test_every_route_lets_in_its_roles_only(void **state)
{
    struct registry *registry = *state;
    for (size_t row = 0; row < MATRIX_ROWS; row++) {
        for (size_t i = 0; i < CALLERS; i++) {
            struct client_reply *reply =
                api_send(registry, callers[i].token, matrix[row].method, matrix[row].path, matrix[row].body);
            bool allowed = strchr(matrix[row].allowed, callers[i].letter) != NULL ||
                           strchr(matrix[row].allowed, '-') != NULL;
            bool let_in = reply->status != 401 && reply->status != 403;
            if (let_in != allowed || reply->status >= 500)
                fail_msg("%s by %s: %d %s", matrix[row].path, callers[i].token, reply->status, reply->body);
        }
    }
}

static void test_every_route_without_valid_token_is_closed(void **state)
{
    static const char *const tokens[] = {NULL, "revoked", "never-given-out"};
    struct registry *registry = *state;
    for (size_t row = 0; row < MATRIX_ROWS; row++) {
        bool open = strchr(matrix[row].allowed, '-') != NULL;
        for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
            struct client_reply *reply = api_send(registry, tokens[i], matrix[row].method, matrix[row].path,
                                                  matrix[row].body);
            if (open ? reply->status == 401 || reply->status >= 500 : reply->status != 401)
                fail_msg("%s with token %s: %d", matrix[row].path, tokens[i] != NULL ? tokens[i] : "(none)",
                         reply->status);
        }
    }
}

/* The same with another study, in the path or in the query, where it stands last. */
static char *in_study(const void *owner, const char *study, const char *path)
{
    const char *query = strstr(path, "?study=demo");
    if (query != NULL)
        return memory_format(owner, "%.*s?study=%s", (int)(query - path), path, study);
    return memory_format(owner, "/api/v1/studies/%s%s", study, path + strlen(DEMO));
}

static char *of_other_study(const void *owner, const char *path)
{
    return in_study(owner, "other", path);
}

/* Rights in one study are none in another, and a study that is not there answers the same. */
static void test_every_route_of_another_study_is_not_there(void **state)
{
    struct registry *registry = *state;
    for (size_t row = 0; row < MATRIX_ROWS; row++) {
        if (strncmp(matrix[row].path, DEMO, strlen(DEMO)) != 0 && strstr(matrix[row].path, "study=demo") == NULL)
            continue;
        for (size_t i = 0; i < CALLERS; i++) {
            char *path = of_other_study(registry, matrix[row].path);
            char *nowhere = in_study(registry, "nowhere", matrix[row].path);
            struct client_reply *other = api_send(registry, callers[i].token, matrix[row].method, path,
                                                  matrix[row].body);
            struct client_reply *missing = api_send(registry, callers[i].token, matrix[row].method, nowhere,
                                                    matrix[row].body);
            if (other->status != 404 && other->status != 403)
                fail_msg("%s by %s: %d %s", path, callers[i].token, other->status, other->body);
            assert_int_equal(other->status, missing->status);
            assert_string_equal(other->body, missing->body);
        }
    }
}

/* ---- another site ---- */

/* People of one site each, beside those of the registry; the site is the last letter. */
static const struct {
    char letter;
    const char *first, *second;
} locals[] = {
    {'d', "manager1", "manager2"},
    {'c', "coordinator1", "coordinator2"},
    {'i', "investigator1", "investigator2"},
    {'o', "monitor1", "monitor2"},
    {'m', "machine1", "machine2"},
    {'s', "statistician1", "statistician2"},
    {'a', "administrator1", "administrator2"},
    {'u', "unmasked1", "unmasked2"},
};

enum { LOCALS = sizeof locals / sizeof locals[0] };

/* What there is at site 2, by the name in a pattern, and the same of nothing. */
static const struct {
    const char *parameter, *there, *nowhere;
} objects[] = {
    {"{subject}", "02-0001", "02-0009"},
    {"{id}", "0190a1b2-c3d4-7e5f-8a9b-000000020001", "0190a1b2-c3d4-7e5f-8a9b-000000029001"},
    {"{query}", "0190a1b2-c3d4-7e5f-8a9b-000000020002", "0190a1b2-c3d4-7e5f-8a9b-000000029002"},
    {"{redaction}", "0190a1b2-c3d4-7e5f-8a9b-000000020003", "0190a1b2-c3d4-7e5f-8a9b-000000029003"},
    {"{entry}", "0190a1b2-c3d4-7e5f-8a9b-000000020004", "0190a1b2-c3d4-7e5f-8a9b-000000029004"},
};

enum { OBJECTS = sizeof objects / sizeof objects[0] };

static void add_locals(struct registry *registry)
{
    static const char add[] =
        "SELECT admin.add_account('%1$s', 'Name of %1$s'), admin.add_token('%1$s', 'demo', '%2$s', "
        "'{%3$c}', sha256('%1$s'), now() + interval '9 days')";
    for (size_t i = 0; i < LOCALS; i++) {
        const char *of_role[] = {locals[i].first, locals[i].second}, *role = NULL;
        for (size_t j = 0; j < CALLERS; j++)
            if (callers[j].letter == locals[i].letter)
                role = test_value(registry->db, memory_format(registry,
                                                              "SELECT role FROM sec.credential "
                                                              "WHERE account = '%s'",
                                                              callers[j].token));
        for (size_t j = 0; j < 2; j++) {
            const char *known =
                memory_format(registry, "SELECT count(*) FROM sec.account WHERE account = '%s'", of_role[j]);
            if (strcmp(test_value(registry->db, known), "0") == 0)
                test_run(registry->db, memory_format(registry, add, of_role[j], role, '1' + (char)j));
        }
    }
}

static void add_objects(struct registry *registry)
{
    const char *id = objects[1].there;
    registry_enrol(registry, "machine2", objects[0].there);
    assert_status(api_submit(registry, "machine2", registry_pain(registry, id, objects[0].there, 10, "")),
                  201);
    assert_status(
        api_send(
            registry, "monitor2", "POST", DEMO "/queries",
            memory_format(
                registry,
                "{\"query\":\"%s\",\"subject\":\"%s\",\"form\":\"pain_vas\",\"knee\":\"right\",\"visit\":\"BL\","
                "\"text\":\"right?\"}",
                objects[2].there, objects[0].there)),
        200);
    assert_status(api_send(registry, "manager2", "POST",
                           memory_format(registry, DEMO "/submissions/%s/redact", id),
                           memory_format(registry, "{\"redaction\":\"%s\",\"reason\":\"a name in it\"}",
                                         objects[3].there)),
                  200);
    assert_status(api_send(registry, "coordinator2", "POST", DEMO "/second-entries",
                           registry_pain(registry, objects[4].there, objects[0].there, 20, "")),
                  200);
}

/* The pattern's path with what is at site 2, or with what is nowhere; NULL when it names nothing of a site.
 */
static const char *path_to_object(const void *owner, const char *pattern, bool there)
{
    const char *study = strstr(pattern, "{study}");
    for (size_t i = 0; i < OBJECTS && study != NULL; i++) {
        const char *at = strstr(pattern, objects[i].parameter);
        if (at == NULL)
            continue;
        const char *rest = at + strlen(objects[i].parameter), *request = strstr(rest, "{request}");
        size_t head = strlen("/api/v1/studies/{study}");
        return memory_format(owner, DEMO "%.*s%s%.*s%s", (int)(at - pattern - (ptrdiff_t)head),
                             pattern + head, there ? objects[i].there : objects[i].nowhere,
                             request != NULL ? (int)(request - rest) : (int)strlen(rest), rest,
                             request != NULL ? "00000000-0000-7000-8000-000000000000/reveal" : "");
    }
    return NULL;
}

/* A body that its route takes when there is something to take it for. */
static const char *body_for(const void *owner, const char *method, const char *pattern)
{
    static const struct {
        const char *end, *body;
    } bodies[] = {
        {"/answer", "{\"text\":\"yes\"}"},
        {"/close", "{\"text\":\"seen\"}"},
        {"/reopen", "{\"text\":\"once more\"}"},
        {"/verify", "{}"},
        {"/approve", "{}"},
        {"/reveal", "{}"},
        {"/redact", "{\"redaction\":\"0190a1b2-c3d4-7e5f-8a9b-000000020013\",\"reason\":\"a name in it\"}"},
        {"/sign",
         "{\"signature\":\"0190a1b2-c3d4-7e5f-8a9b-000000020014\",\"sha256\":\"0000000000000000000000000000"
         "000000000000000000000000000000000000\",\"meaning\":\"review\"}"},
        {"/reconcile", "{\"items\":[{\"item\":\"vas\",\"choice\":\"first\"}]}"},
        {"/unblindings",
         "{\"request\":\"0190a1b2-c3d4-7e5f-8a9b-000000020015\",\"reason\":\"an emergency\"}"},
        {"", "{\"reason\":\"data are clean\"}"},
    };
    size_t length = strlen(pattern), i = 0;
    for (; i < sizeof bodies / sizeof bodies[0]; i++) {
        size_t end = strlen(bodies[i].end);
        if (length >= end && strcmp(pattern + length - end, bodies[i].end) == 0)
            break;
    }
    return strcmp(method, "POST") == 0 ? memory_copy_string(owner, bodies[i].body) : NULL;
}

/* One's own site, as the control: it is there for whoever may call the route. */
static void expect_object_is_of_its_site(struct registry *registry, size_t row, const char *first,
                                         const char *second)
{
    const char *method = matrix[row].method, *pattern = matrix[row].pattern;
    const char *body = body_for(registry, method, pattern);
    const char *there = path_to_object(registry, pattern, true),
               *nowhere = path_to_object(registry, pattern, false);
    struct client_reply *hidden = api_send(registry, first, method, there, body);
    struct client_reply *missing = api_send(registry, first, method, nowhere, body);
    if (hidden->status != missing->status || strcmp(hidden->body, missing->body) != 0 || hidden->status < 400)
        fail_msg("%s %s by %s: %d %s, of nothing: %d %s", method, there, first, hidden->status, hidden->body,
                 missing->status, missing->body);
    struct client_reply *own = api_send(registry, second, method, there, body);
    bool of_request = strstr(pattern, "{request}") != NULL;
    if (own->status == 403 ? strcmp(json_text_at(own->json, "code"), "not_allowed") == 0
                           : own->status == 404 && !of_request)
        fail_msg("%s %s by %s of its site: %d %s", method, there, second, own->status, own->body);
}

/* Whatever is at another site answers as if it were nowhere; lists do not name it. */
static void test_every_route_of_another_site_is_not_there(void **state)
{
    struct registry *registry = *state;
    size_t of_objects = 0, lists = 0;
    add_locals(registry);
    add_objects(registry);
    for (size_t row = 0; row < MATRIX_ROWS; row++) {
        for (size_t i = 0; i < LOCALS; i++) {
            const char *first = locals[i].first, *second = locals[i].second, *pattern = matrix[row].pattern;
            if (strchr(matrix[row].allowed, locals[i].letter) == NULL || strstr(pattern, "{study}") == NULL)
                continue;
            if (path_to_object(registry, pattern, true) != NULL) {
                expect_object_is_of_its_site(registry, row, first, second);
                of_objects++;
            } else if (strcmp(matrix[row].method, "GET") == 0) {
                struct client_reply *list = api_get(registry, first, matrix[row].path);
                if (list->status == 200 && strstr(list->body, objects[0].there) != NULL)
                    fail_msg("%s by %s names what is at another site", matrix[row].path, first);
                list = api_get(registry, second, matrix[row].path);
                lists += list->status == 200 && strstr(list->body, objects[0].there) != NULL;
            }
        }
    }
    assert_true(of_objects > 40);
    assert_true(lists > 15); /* the control: who is of that site is told */
}

static void test_token_of_another_study_sees_its_own(void **state)
{
    struct registry *registry = *state;
    struct client_reply *me = api_get(registry, "coordinator_other", "/api/v1/me");
    struct client_reply *studies = api_get(registry, "coordinator_other", "/api/v1/studies");
    assert_string_equal(json_text_at(me->json, "study"), "other");
    assert_string_equal(json_text_at(me->json, "role"), "coordinator");
    assert_int_equal(json_array_size(json_object_get(studies->json, "studies")), 1);
    assert_string_equal(json_text_at(studies->json, "studies.0.study"), "other");
    assert_string_equal(json_text_at(studies->json, "studies.0.masking"), "double");
    assert_status(api_get(registry, "coordinator_other", "/api/v1/studies/other"), 200);
    assert_problem(api_get(registry, "coordinator_other", DEMO), 404, "not_found");
}

static void test_token_revoked_is_closed_within_seconds(void **state)
{
    struct registry *registry = *state;
    test_run(registry->db, "SELECT admin.add_account('leaving', 'Name of leaving')");
    test_run(registry->db, "SELECT admin.add_token('leaving', 'demo', 'coordinator', '{}', "
                           "sha256('leaving'), "
                           "now() + interval '1 day')");
    assert_status(api_get(registry, "leaving", DEMO "/subjects"), 200);
    test_run(registry->db, "SELECT admin.revoke_token(token_no) FROM sec.credential WHERE account = "
                           "'leaving'");
    /* The cache of tokens may still know it; the database does not. */
    struct client_reply *read = api_get(registry, "leaving", DEMO "/subjects");
    assert_status(read, 401);
    assert_non_null(client_header(read, "WWW-Authenticate"));
    const char *body = registry_enrolment(registry, NULL, "01-0901");
    struct client_reply *sent = api_submit(registry, "leaving", body);
    assert_status(sent, 401);
    assert_non_null(client_header(sent, "WWW-Authenticate"));
    long long deadline = test_now_ms() + 20000;
    while (api_get(registry, "leaving", "/api/v1/me")->status != 401) {
        assert_true(test_now_ms() < deadline);
        test_pause();
    }
}

/* The registry, and in it a link for a subject, whose token is "link". */
static int setup(void **state)
{
    if (registry_setup(state) != 0)
        return -1;
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator", "01-0099");
    test_run(registry->db, "SELECT api.add_participant_link('coordinator', 1, sha256('link'), 1, 99, 'pain_vas', 1, "
                           "'right', 'M3', NULL, 5)");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_route_table_is_the_matrix),
        cmocka_unit_test(test_every_route_lets_in_its_roles_only),
        cmocka_unit_test(test_every_route_without_valid_token_is_closed),
        cmocka_unit_test(test_every_route_of_another_study_is_not_there),
        cmocka_unit_test(test_every_route_of_another_site_is_not_there),
        cmocka_unit_test(test_token_of_another_study_sees_its_own),
        cmocka_unit_test(test_token_revoked_is_closed_within_seconds),
    };
    memory_init();
    return cmocka_run_group_tests(tests, setup, registry_teardown);
}
