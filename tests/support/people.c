/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/people.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <liboath/oath.h>

#include "forms/base/memory.h"
#include "tests/support/openapi.h"

enum { STEP_S = 30, SETTINGS_MOST = 8 };

struct registry *people_registry_new(const void *owner, const char *const *settings)
{
    struct registry *registry = registry_new_stopped(owner);
    const char *all[SETTINGS_MOST + 2] = {
        memory_format(registry, "auth_database=%s",
                      test_database_conninfo(registry, registry->database, "patella_auth"))};
    for (size_t i = 0; settings != NULL && settings[i] != NULL; i++) {
        assert_true(i < SETTINGS_MOST);
        all[i + 1] = settings[i];
    }
    const char *conninfo = test_database_conninfo(registry, registry->database, "patella_collector");
    registry->daemon = daemon_start(registry, conninfo, all);
    return registry;
}

const char *people_invite(struct registry *registry, const char *account, const char *role_members)
{
    const char *body = memory_format(registry, "{\"account\":\"%s\",\"full_name\":\"Name of %s\",%s}", account,
                                     account, role_members);
    assert_status(api_send(registry, "administrator", "POST", DEMO "/memberships", body), 204);
    struct client_reply *reply = api_send(registry, "administrator", "POST", DEMO "/invitations",
                                          memory_format(registry, "{\"account\":\"%s\"}", account));
    assert_status(reply, 201);
    return memory_copy_string(registry, json_text_at(reply->json, "token"));
}

static int64_t step_of_now(void)
{
    return time(NULL) / STEP_S;
}

static const char *code_of_step(const struct person *person, int64_t step)
{
    char code[7], *bytes = NULL;
    size_t length = 0;
    assert_int_equal(oath_base32_decode(person->secret, strlen(person->secret), &bytes, &length), OATH_OK);
    assert_int_equal(oath_hotp_generate(bytes, length, (uint64_t)step, 6, false, -1, code), OATH_OK);
    free(bytes);
    return memory_copy_string(person, code);
}

const char *people_next_code(struct person *person)
{
    int64_t earliest = step_of_now() - 1;
    person->last_step = person->last_step + 1 > earliest ? person->last_step + 1 : earliest;
    if (person->last_step > step_of_now() + 1)
        fail_msg("no code is left: each counts once, and a step lasts 30 s");
    return code_of_step(person, person->last_step);
}

const char *people_next_recovery_code(struct person *person)
{
    assert_true(person->recovery_used < 10);
    return person->recovery_codes[person->recovery_used++];
}

struct person *people_join(struct registry *registry, const char *account, const char *role_members)
{
    const char *path = memory_format(registry, "/api/v1/invitations/%s",
                                     people_invite(registry, account, role_members));
    struct person *person = memory_new(registry, struct person);
    struct client_reply *reply = api_send(registry, NULL, "POST", path, "{\"password\":\"" PEOPLE_PASSWORD "\"}");
    assert_status(reply, 200);
    person->registry = registry;
    person->account = memory_copy_string(person, account);
    person->secret = memory_copy_string(person, json_text_at(reply->json, "totp_secret"));
    for (size_t i = 0; i < 10; i++)
        person->recovery_codes[i] =
            memory_copy_string(person, json_text_at(reply->json, memory_format(person, "recovery_codes.%zu", i)));
    const char *body = memory_format(person, "{\"code\":\"%s\"}", people_next_code(person));
    assert_status(api_send(registry, NULL, "POST", memory_format(person, "%s/confirm", path), body), 204);
    return person;
}

struct client_reply *people_try_login(struct registry *registry, const char *account, const char *password,
                                      const char *more)
{
    const char *body = memory_format(registry, "{\"account\":\"%s\",\"password\":\"%s\"%s%s}", account, password,
                                     *more != '\0' ? "," : "", more);
    return api_send(registry, NULL, "POST", "/api/v1/session", body);
}

const char *people_log_in(struct person *person)
{
    struct client_reply *reply =
        people_try_login(person->registry, person->account, PEOPLE_PASSWORD,
                         memory_format(person, "\"recovery_code\":\"%s\"", people_next_recovery_code(person)));
    assert_status(reply, 200);
    return memory_copy_string(person, json_text_at(reply->json, "token"));
}
