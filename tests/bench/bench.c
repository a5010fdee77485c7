/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/bench/bench.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "forms/base/memory.h"
#include "tests/bench/processes.h"

static const struct {
    const char *name;
    int (*run)(const struct bench_options *options);
} commands[] = {
    {"enrol", bench_enrol},           {"load", bench_load}, {"sample", bench_sample},
    {"handshakes", bench_handshakes}, {"idle", bench_idle}, {"hostile", bench_hostile},
    {"trial", bench_trial},           {"report", bench_report}, {"file", bench_file},
};

static const struct {
    const char *name;
    size_t offset;
} numbers[] = {
    {"port", offsetof(struct bench_options, port)},
    {"connections", offsetof(struct bench_options, connections)},
    {"seconds", offsetof(struct bench_options, seconds)},
    {"site", offsetof(struct bench_options, site)},
    {"first_subject", offsetof(struct bench_options, first_subject)},
    {"subjects", offsetof(struct bench_options, subjects)},
    {"submissions", offsetof(struct bench_options, submissions)},
    {"xid", offsetof(struct bench_options, xid)},
    {"patient", offsetof(struct bench_options, patient)},
    {"daemon", offsetof(struct bench_options, daemon)},
    {"postmaster", offsetof(struct bench_options, postmaster)},
    {"client", offsetof(struct bench_options, client)},
}, texts[] = {
    {"certificate", offsetof(struct bench_options, certificate)},
    {"database", offsetof(struct bench_options, database)},
    {"ids", offsetof(struct bench_options, ids)},
    {"kind", offsetof(struct bench_options, kind)},
};

_Static_assert(sizeof(pid_t) == sizeof(int), "process ids are read as int");

/* name=value */
static bool read_option(const char *argument, struct bench_options *options)
{
    const char *equals = strchr(argument, '=');
    size_t length = equals != NULL ? (size_t)(equals - argument) : 0;
    for (size_t i = 0; length > 0 && i < sizeof numbers / sizeof *numbers; i++)
        if (strlen(numbers[i].name) == length && strncmp(numbers[i].name, argument, length) == 0) {
            *(int *)((char *)options + numbers[i].offset) = atoi(equals + 1);
            return true;
        }
    for (size_t i = 0; length > 0 && i < sizeof texts / sizeof *texts; i++)
        if (strlen(texts[i].name) == length && strncmp(texts[i].name, argument, length) == 0) {
            *(const char **)((char *)options + texts[i].offset) = equals + 1;
            return true;
        }
    return false;
}

int bench_sample(const struct bench_options *options)
{
    struct process_use postgres = process_use_postgres(options->postmaster), client = process_use(options->client);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);     /* pgbench's log has no other clock */
    long long now_ms = (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    printf("%lld\t%lld\t%lld\t%lld\n", now_ms, (long long)postgres.cpu_us, (long long)postgres.switches,
           (long long)client.cpu_us);
    return 0;
}

static int usage(void)
{
    fputs("usage: bench registry [SETTING=VALUE...]\n"
          "       bench enrol|load|file|sample|handshakes|idle|hostile|trial|report [OPTION=VALUE...]\n"
          "see tests/bench/bench.h\n",
          stderr);
    return 2;
}

int main(int argument_count, char **arguments)
{
    memory_init();
    struct bench_options options = {
        .connections = 1, .seconds = 5, .site = 1, .subjects = 256, .database = "", .ids = "v7", .kind = ""};
    if (argument_count < 2)
        return usage();
    if (strcmp(arguments[1], "registry") == 0)
        return bench_registry(&options, (const char *const *)(arguments + 2));
    for (int i = 2; i < argument_count; i++)
        if (!read_option(arguments[i], &options))
            return usage();
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(arguments[1], commands[i].name) == 0)
            return commands[i].run(&options);
    return usage();
}
