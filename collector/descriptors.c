/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/descriptors.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

#include "forms/base/log.h"

/* The writer's and the watch's connections, listening sockets, files that are read, what libraries open. */
enum { OTHERS = 64 };

static void warn(size_t connections)
{
    char count[24];
    snprintf(count, sizeof count, "%zu", connections);
    log_write(LOG_LEVEL_WARNING,
              "the limit of open files allows fewer connections than max_connections; "
              "raise it (LimitNOFILE=)",
              "connections", count, NULL);
}

size_t descriptors_allow_connections(const struct settings *settings)
{
    rlim_t connections = (rlim_t)settings->max_connections;
    rlim_t others = (rlim_t)settings->workers + OTHERS;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return connections;
    if (limit.rlim_cur < connections + others) {
        struct rlimit raised = limit;
        raised.rlim_cur = limit.rlim_max < connections + others ? limit.rlim_max : connections + others;
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
            limit = raised;
    }
    if (limit.rlim_cur >= connections + others)
        return connections;
    connections = limit.rlim_cur > others ? limit.rlim_cur - others : 1;
    warn(connections);
    return connections;
}
