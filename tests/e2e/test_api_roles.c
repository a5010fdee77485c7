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

/*
 * Letters: administrator, data manager, coordinator, investigator, mOnitor, statistician, the unmasked one, site
 * machine; 'p' is a person's session where no study is named (test_accounts*.c), '-' whoever comes without a token.
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
    {"GET", "/api/v1/openapi.yaml", "/api/v1/openapi.yaml", NULL, EVERYONE "-"},
    {"GET", "/api/v1/me", "/api/v1/me", NULL, EVERYONE},
    {"GET", "/api/v1/studies", "/api/v1/studies", NULL, EVERYONE "p"},
    {"POST", "/api/v1/session", "/api/v1/session", "{}", EVERYONE "-"},
    {"GET", "/api/v1/session", "/api/v1/session", NULL, "p"},
    {"DELETE", "/api/v1/session", "/api/v1/session", NULL, "p"},
    {"POST", "/api/v1/session/confirm", "/api/v1/session/confirm", "{}", "p"},
    {"POST", "/api/v1/invitations/{token}", "/api/v1/invitations/none", "{}", EVERYONE "-"},
    {"POST", "/api/v1/invitations/{token}/confirm", "/api/v1/invitations/none/confirm", "{}", EVERYONE "-"},
    {"GET", "/api/v1/studies/{study}/memberships", DEMO "/memberships", NULL, "a"},
    {"POST", "/api/v1/studies/{study}/memberships", DEMO "/memberships", "{}", "a"},
    {"DELETE", "/api/v1/studies/{study}/memberships/{account}", DEMO "/memberships/nobody", NULL, "a"},
    {"DELETE", "/api/v1/studies/{study}/accounts/{account}", DEMO "/accounts/nobody", NULL, "a"},
    {"GET", "/api/v1/studies/{study}/invitations", DEMO "/invitations", NULL, "a"},
    {"POST", "/api/v1/studies/{study}/invitations", DEMO "/invitations", "{}", "a"},
    {"DELETE", "/api/v1/studies/{study}/invitations/{number}", DEMO "/invitations/1", NULL, "a"},
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
    {"GET", "/api/v1/studies/{study}/cuts", DEMO "/cuts", NULL, "adcsu"},
    {"POST", "/api/v1/studies/{study}/cuts", DEMO "/cuts", "{}", "dsu"},
    {"GET", "/api/v1/studies/{study}/reports", DEMO "/reports", NULL, "asu"},
    {"POST", "/api/v1/studies/{study}/reports", DEMO "/reports", "{}", "su"},
    {"GET", "/api/v1/studies/{study}/reports/{report}",
     DEMO "/reports/00000000-0000-7000-8000-000000000000", NULL, "asu"},
    {"GET", "/api/v1/studies/{study}/reports/{report}/files/{name}",
     DEMO "/reports/00000000-0000-7000-8000-000000000000/files/report.html", NULL, "su"},
    {"GET", "/api/v1/studies/{study}/export", DEMO "/export?cut=999", NULL, "dsu"},
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
            bool allowed = strchr(matrix[row].allowed, callers[i].letter) != NULL;
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

static char *of_other_study(const void *owner, const char *path)
{
    return memory_format(owner, "/api/v1/studies/other%s", path + strlen(DEMO));
}

/* Rights in one study are none in another, and a study that is not there answers the same. */
static void test_every_route_of_another_study_is_not_there(void **state)
{
    struct registry *registry = *state;
    for (size_t row = 0; row < MATRIX_ROWS; row++) {
        if (strncmp(matrix[row].path, DEMO, strlen(DEMO)) != 0)
            continue;
        for (size_t i = 0; i < CALLERS; i++) {
            char *path = of_other_study(registry, matrix[row].path);
            char *nowhere =
                memory_format(registry, "/api/v1/studies/nowhere%s", matrix[row].path + strlen(DEMO));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_route_table_is_the_matrix),
        cmocka_unit_test(test_every_route_lets_in_its_roles_only),
        cmocka_unit_test(test_every_route_without_valid_token_is_closed),
        cmocka_unit_test(test_every_route_of_another_study_is_not_there),
        cmocka_unit_test(test_token_of_another_study_sees_its_own),
        cmocka_unit_test(test_token_revoked_is_closed_within_seconds),
    };
    memory_init();
    return cmocka_run_group_tests(tests, registry_setup, registry_teardown);
}
