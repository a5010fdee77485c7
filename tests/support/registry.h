/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A running collector with the demo protocol and the forms that ship, for tests of its API over TLS.
 *
 * Study "demo" with sites 1 (Europe/Berlin), 2 (Pacific/Kiritimati, the first place of a new day) and 3
 * (Pacific/Niue, the last); study "other", masked, with site 1.  Tokens are their own names: coordinator1,
 * coordinator2 (sites 1, 2), coordinator (all sites), machine1 (site 1), statistician, statistician1 (site
 * 1), administrator, data_manager, investigator1 (site 1), monitor, unmasked (a statistician who may be), revoked,
 * and coordinator_other of the other study.
 */
#ifndef PATELLA_TEST_REGISTRY_H
#define PATELLA_TEST_REGISTRY_H

#include "tests/support/client.h"
#include "tests/support/daemon.h"
#include "tests/support/test_database.h"

#define DEMO "/api/v1/studies/demo"

struct registry {
    struct test_database *database;
    struct db *db;                       /* the superuser's */
    struct daemon_process *daemon;
    struct client *clients[64];          /* one for each token that was used */
    const char *tokens[64];
    unsigned last_id;
};

/* A database with the studies; no daemon yet. */
struct registry *registry_new_stopped(const void *owner);

/* The same with its daemon. */
struct registry *registry_new(const void *owner);

/* cmocka's set-up and tear-down for a registry that the tests of a program share. */
int registry_setup(void **state);
int registry_teardown(void **state);

/* Sends with that token (NULL: none), and holds the reply against the description of the API. */
struct client_reply *api_send(struct registry *registry, const char *token, const char *method,
                              const char *path, const char *body);
struct client_reply *api_get(struct registry *registry, const char *token, const char *path);

/* POST of submissions to study demo. */
struct client_reply *api_submit(struct registry *registry, const char *token, const char *body);

/* Fails the test unless the reply has this status (and this problem code). */
void assert_status(const struct client_reply *reply, int status);
void assert_problem(const struct client_reply *reply, int status, const char *code);

/* A new id, version 7 in shape; lives as long as the registry. */
const char *registry_new_id(struct registry *registry);

/* Bodies of one submission; `id` NULL: a new one.  `more` (",\"version\":2") is appended. */
const char *registry_enrolment(struct registry *registry, const char *id, const char *subject);
const char *registry_pain(struct registry *registry, const char *id, const char *subject, int vas,
                          const char *more);
const char *registry_event(struct registry *registry, const char *id, const char *subject, const char *term,
                           const char *more);

/* Enrols a subject; the test fails when it is refused. */
void registry_enrol(struct registry *registry, const char *token, const char *subject);

/* A text member of a JSON object, or of one below: "content.subject"; fails the test when it is not there. */
const char *json_text_at(const json_t *json, const char *path);
long long json_number_at(const json_t *json, const char *path);

#endif
