/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/auth_process.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collector/auth_service.h"
#include "collector/sandbox.h"
#include "forms/base/log.h"
#include "forms/base/memory.h"
#include "migrations/db_files.h"

enum { PAUSE_MS = 100, PAUSE_MOST_MS = 10000, LIVED_WELL_S = 60 };

/* Signals of the service manager are patellad's business: the socket says when it is over. */
static void stand_alone(const char *name, int socket)
{
    prctl(PR_SET_NAME, name);
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    if (socket > 3)
        close_range(3, (unsigned)socket - 1, 0);
    close_range((unsigned)socket + 1, ~0U, 0);
}

/* It reads hashes of passwords: whoever takes it over shall start nothing, and take them to the database at most. */
static void shut_in(const char *conninfo)
{
    struct error error = {0};
    const char *const *files = db_files(NULL, conninfo, &error);
    if (files != NULL && sandbox_enter(files, &error))
        return;
    error_print(&error, "patellad-auth");
    _exit(EXIT_FAILURE);
}

static _Noreturn void serve(const char *conninfo, int socket, _Atomic uint64_t *under_way)
{
    stand_alone("patellad-auth", socket);
    shut_in(conninfo);
    auth_service_run(auth_service_new(NULL, conninfo), socket, under_way);
    _exit(EXIT_SUCCESS);
}

static void pause_ms(long duration_ms)
{
    struct timespec duration = {duration_ms / 1000, duration_ms % 1000 * 1000000L};
    while (nanosleep(&duration, &duration) != 0 && errno == EINTR)
        continue;
}

static int wait_for(pid_t child)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return status;
}

/* Whoever waits for the one that died is told; what it had not read waits for the next.  False: patellad has gone. */
static bool tell_death(int socket, _Atomic uint64_t *under_way)
{
    struct auth_answer lost = {.number = atomic_exchange(under_way, 0), .outcome = AUTH_UNAVAILABLE};
    log_write(LOG_LEVEL_ERROR, "the process that checks passwords died; starting it again", NULL);
    return send(socket, &lost, sizeof lost, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof lost ||
           errno == EAGAIN;
}

static _Noreturn void supervise(const char *conninfo, int socket)
{
    long next_pause_ms = PAUSE_MS;
    _Atomic uint64_t *under_way =
        mmap(NULL, sizeof *under_way, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (under_way == MAP_FAILED)
        memory_exhausted();
    stand_alone("patellad-authsv", socket);
    for (;;) {
        time_t started = time(NULL);
        pid_t child = fork();
        if (child == 0)
            serve(conninfo, socket, under_way);
        int status = child > 0 ? wait_for(child) : -1;
        if (status == 0 || !tell_death(socket, under_way))
            _exit(EXIT_SUCCESS);
        next_pause_ms = time(NULL) - started > LIVED_WELL_S ? PAUSE_MS : 2 * next_pause_ms;
        if (next_pause_ms > PAUSE_MOST_MS)
            next_pause_ms = PAUSE_MOST_MS;
        pause_ms(next_pause_ms);
    }
}

bool auth_process_start(const char *conninfo, int *socket, struct error *error)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return error_io(error, errno, "making a socket for logins");
    fflush(NULL);
    pid_t supervisor = fork();
    if (supervisor == 0)
        supervise(conninfo, ends[1]);
    int failed = errno;
    close(ends[1]);
    if (supervisor < 0) {
        close(ends[0]);
        return error_io(error, failed, "starting the process that checks passwords");
    }
    *socket = ends[0];
    return true;
}
