/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/bench.h"
#include "tests/support/daemon.h"
#include "tests/support/hostile.h"

static enum hostile_kind find_kind(const char *name)
{
    enum hostile_kind kind = HOSTILE_SILENT;
    while (hostile_kind_name(kind) != NULL && strcmp(hostile_kind_name(kind), name) != 0)
        kind++;
    return kind;
}

enum { READY_MS = 5000 };

/* How fast honest clients are is measured while the attack goes on, not while it begins. */
static void wait_for_beginning(const struct hostile *hostile, const struct hostile_options *options)
{
    long long until_ms = test_now_ms() + READY_MS;
    struct hostile_counts counts = hostile_peek(hostile);
    while (options->kind >= HOSTILE_ARRAYS && test_now_ms() < until_ms &&
           counts.sent + counts.closed < (uint64_t)options->connections) {
        test_pause();
        counts = hostile_peek(hostile);
    }
}

int bench_hostile(const struct bench_options *options)
{
    char byte;
    struct hostile_options hostile_options = {
        .kind = find_kind(options->kind), .port = options->port, .connections = options->connections,
        .source = "127.0.0.2", .token = "coordinator", .first_subject = options->first_subject, .again = true};
    if (hostile_options.kind >= HOSTILE_ARRAYS)
        hostile_options.token = "machine1";          /* a fair share goes by token, and the honest ones have that */
    if (hostile_options.kind == HOSTILE_KINDS) {
        fprintf(stderr, "bench: there is no kind %s of hostile clients\n", options->kind);
        return 2;
    }
    struct hostile *hostile = hostile_start(NULL, &hostile_options);
    if (hostile == NULL)
        return 1;
    wait_for_beginning(hostile, &hostile_options);
    puts("ready");
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    struct hostile_counts counts = hostile_peek(hostile);
    hostile_stop(hostile);
    printf("%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n", counts.connects,
           counts.begun, counts.closed, counts.open, counts.answered, counts.refused);
    return counts.failed ? 1 : 0;
}
