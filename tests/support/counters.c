/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/counters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { DEADLINE_MS = 30000 };

const char *counters_read(struct client *client)
{
    struct client_reply *reply = client_send(client, "GET", "/metrics", NULL);
    assert_int_equal(reply->status, 200);
    return reply->body;
}

/* The line after this one that begins with `name`, NULL when there is none. */
static const char *find_line(const char *from, const char *name, const char *follows)
{
    for (const char *line = from; *line != '\0'; line = strchr(line, '\n') + 1)
        if (strncmp(line, name, strlen(name)) == 0 && strchr(follows, line[strlen(name)]) != NULL)
            return line;
    return NULL;
}

long long counters_value(const char *counters, const char *name)
{
    const char *line = find_line(counters, name, " ");
    if (line == NULL)
        fail_msg("nothing is counted as %s", name);
    return strtoll(line + strlen(name), NULL, 10);
}

long long counters_sum(const char *counters, const char *name)
{
    long long sum = 0;
    for (const char *line = counters; (line = find_line(line, name, " {")) != NULL; line++)
        sum += strtoll(strchr(line, ' '), NULL, 10);
    return sum;
}

void counters_wait(struct client *client, const char *name, long long least)
{
    long long until_ms = test_now_ms() + DEADLINE_MS, value;
    while ((value = counters_value(counters_read(client), name)) < least) {
        if (test_now_ms() > until_ms)
            fail_msg("%s is %lld, not %lld", name, value, least);
        test_pause();
    }
}
