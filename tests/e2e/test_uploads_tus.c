/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tus-js-client, which others wrote, against the daemon: the line is cut ten times and the daemon ends twice, once by
 * a kill, and every byte arrives once.  8 MiB; with UPLOADS=long 200.  Skipped where there is no Node, or where npm
 * cannot get the client (tests/e2e/tus/package-lock.json says which).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/command.h"
#include "tests/support/registry.h"

enum { DEADLINE_MS = 30000, CUTS = 10, STOPPED_AT = 3, KILLED_AT = 7, SHORT_MIB = 8, LONG_MIB = 200, LINE_SIZE = 512 };

#define ID_LENGTH 36

/* Where npm has put the client. */
static const char *modules(const void *owner)
{
    const char *build = getenv("BUILD");
    return memory_format(owner, "%s/tus", build != NULL ? build : "build");
}

static bool has_client(const void *owner)
{
    int status = 0;
    const char *folder = modules(owner);
    const char *said = command_run(owner, memory_format(owner,
        "test -e %s/node_modules/tus-js-client/package.json || { node --version && mkdir -p %s && "
        "cp tests/e2e/tus/package.json tests/e2e/tus/package-lock.json %s && cd %s && "
        "npm ci --ignore-scripts --no-audit --no-fund --loglevel=error; } 2>&1", folder, folder, folder, folder),
        &status);
    if (status != 0)
        printf("# no tus-js-client: %s\n", said);
    return status == 0;
}

struct outcome {
    int cuts;
    char sha256[65];
    char id[ID_LENGTH + 1];
};

static void restart(struct registry *registry, bool kills)
{
    if (kills) {
        assert_int_equal(kill(registry->daemon->pid, SIGKILL), 0);
        assert_int_equal(daemon_wait(registry->daemon), 128 + SIGKILL);
    } else {
        assert_int_equal(daemon_stop(registry->daemon), 0);
    }
    daemon_restart(registry->daemon);
    assert_true(daemon_wait_ready(registry->daemon, DEADLINE_MS));
}

/* One line of what the client says. */
static void hear(struct registry *registry, const char *line, struct outcome *outcome)
{
    const char *id = strstr(line, "/uploads/");
    if (sscanf(line, "cut %d", &outcome->cuts) == 1) {
        if (outcome->cuts == STOPPED_AT || outcome->cuts == KILLED_AT)
            restart(registry, outcome->cuts == KILLED_AT);
    } else if (strncmp(line, "done ", 5) == 0 && id != NULL) {
        snprintf(outcome->id, sizeof outcome->id, "%s", id + strlen("/uploads/"));
    } else if (sscanf(line, "sha256 %64s", outcome->sha256) != 1) {
        fail_msg("%s", line);
    }
}

static struct outcome run_client(struct registry *registry, long bytes, const char *last)
{
    struct outcome outcome = {0};
    char line[LINE_SIZE];
    const struct daemon_process *daemon = registry->daemon;
    char *command = memory_format(registry, "NODE_PATH=%s/node_modules node tests/e2e/tus/upload.js %d %s coordinator1 "
                                  "%ld %s 2>&1", modules(registry), daemon->port, daemon->certificate, bytes, last);
    FILE *pipe = popen(command, "re");   /* NOLINT(cert-env33-c): the command is the test's own */
    assert_non_null(pipe);
    while (fgets(line, sizeof line, pipe) != NULL)
        hear(registry, line, &outcome);
    assert_int_equal(pclose(pipe), 0);
    return outcome;
}

static const char *value_of(struct registry *registry, const char *expression, const struct outcome *outcome)
{
    return test_value(registry->db, memory_format(registry, "SELECT %s FROM upload.file f WHERE upload_id = '%s'",
                                                  expression, outcome->id));
}

static void test_every_byte_arrives_once(void **state)
{
    const char *length = getenv("UPLOADS");
    long bytes = (long)(length != NULL && strcmp(length, "long") == 0 ? LONG_MIB : SHORT_MIB) << 20;
    struct registry *registry = registry_new(NULL);
    (void)state;
    if (!has_client(registry)) {
        talloc_free(registry);
        skip();
    }
    struct outcome outcome = run_client(registry, bytes, memory_format(registry, "%d", CUTS));
    assert_int_equal(outcome.cuts, CUTS);
    assert_string_equal(value_of(registry, "received || ' ' || size", &outcome),
                        memory_format(registry, "%ld %ld", bytes, bytes));
    /* A job that has read the file before us has kept its hash, and perhaps not its bytes. */
    assert_string_equal(value_of(registry, "coalesce(encode(sha256, 'hex'), (SELECT encode(sha256(string_agg(c.bytes, "
                                 "''::bytea ORDER BY c.start)), 'hex') FROM upload.chunk c WHERE c.upload_id = "
                                 "f.upload_id))", &outcome), outcome.sha256);
    assert_string_not_equal(value_of(registry, "state", &outcome), "receiving");
    assert_string_equal(value_of(registry, "name", &outcome), "koos.csv");
    assert_string_equal(test_value(registry->db, "SELECT count(*) FROM upload.file"), "1");
    assert_int_equal(daemon_stop(registry->daemon), 0);
    talloc_free(registry);
}

static void test_client_ends_its_upload(void **state)
{
    struct registry *registry = registry_new(NULL);
    (void)state;
    if (!has_client(registry)) {
        talloc_free(registry);
        skip();
    }
    struct outcome outcome = run_client(registry, 1 << 20, "end");
    assert_string_equal(value_of(registry, "state", &outcome), "deleted");
    assert_int_equal(daemon_stop(registry->daemon), 0);
    talloc_free(registry);
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_byte_arrives_once),
        cmocka_unit_test(test_client_ends_its_upload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
