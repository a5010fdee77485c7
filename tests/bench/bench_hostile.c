/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/bench.h"
#include "tests/support/hostile.h"

static enum hostile_kind find_kind(const char *name)
{
    enum hostile_kind kind = HOSTILE_SILENT;
    while (hostile_kind_name(kind) != NULL && strcmp(hostile_kind_name(kind), name) != 0)
        kind++;
    return kind;
}

int bench_hostile(const struct bench_options *options)
{
    char byte;
    struct hostile_options hostile_options = {
        .kind = find_kind(options->kind), .port = options->port, .connections = options->connections,
        .source = "127.0.0.2", .token = "coordinator", .again = true};
    if (hostile_options.kind == HOSTILE_KINDS) {
        fprintf(stderr, "bench: there is no kind %s of hostile clients\n", options->kind);
        return 2;
    }
    struct hostile *hostile = hostile_start(NULL, &hostile_options);
    if (hostile == NULL)
        return 1;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    struct hostile_counts counts = hostile_peek(hostile);
    hostile_stop(hostile);
    printf("%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n", counts.connects, counts.begun, counts.closed,
           counts.open);
    return counts.failed ? 1 : 0;
}
