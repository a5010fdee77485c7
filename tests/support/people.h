/* SPDX-License-Identifier: GPL-3.0-or-later */
/* People with passwords and second factors, invited and logged in through the API of a registry's daemon. */
#ifndef PATELLA_TEST_PEOPLE_H
#define PATELLA_TEST_PEOPLE_H

#include <stdint.h>

#include "tests/support/registry.h"

#define PEOPLE_PASSWORD "nine green kettles whistle"

struct person {
    struct registry *registry;
    const char *account;
    const char *secret;              /* base32 */
    const char *recovery_codes[10];
    size_t recovery_used;
    int64_t last_step;               /* of the newest code that was taken */
};

/* A registry whose daemon lets people log in; `settings` (NULL-terminated, or NULL) are further ones. */
struct registry *people_registry_new(const void *owner, const char *const *settings);

/* Adds an account with a role in study demo, and returns the token of its invitation. */
const char *people_invite(struct registry *registry, const char *account, const char *role_members);

/* The same, with the password above and a second factor that is confirmed. */
struct person *people_join(struct registry *registry, const char *account, const char *role_members);

/* A code that was not used yet; fails the test when more than three are wanted within a minute. */
const char *people_next_code(struct person *person);
const char *people_next_recovery_code(struct person *person);

/* The reply to a login with the password above and this member ("\"code\":\"123456\"", "": none). */
struct client_reply *people_try_login(struct registry *registry, const char *account, const char *password,
                                      const char *more);

/* Logs in by a recovery code: the token. */
const char *people_log_in(struct person *person);

#endif
