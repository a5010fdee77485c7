/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A real patellad for a test: its own certificate, a free port, its own log.
 *
 * The program is $BUILD/bin/patellad (BUILD: "build" when not set); tests run in the root of the tree.
 * Whatever goes wrong fails the test, with the daemon's log printed.
 */
#ifndef PATELLA_TEST_DAEMON_H
#define PATELLA_TEST_DAEMON_H

#include <stdbool.h>
#include <sys/types.h>

struct daemon_process {
    pid_t pid;                   /* 0 after its end */
    int port;
    const char *folder;          /* of its files; removed with the owner */
    const char *certificate;     /* PEM; also what a client trusts */
    const char *key;
    const char *log;
    const char *conninfo;        /* what it was started with */
    const char *const *settings;
};

/*
 * Starts the daemon on the database of `conninfo` with further settings ("name=value", NULL-terminated; NULL:
 * none), and waits until it says that it is ready.  Freeing it kills a daemon that still runs.
 */
struct daemon_process *daemon_start(const void *owner, const char *conninfo, const char *const *settings);

/* The same, but does not wait for more than its port. */
struct daemon_process *daemon_start_unready(const void *owner, const char *conninfo,
                                            const char *const *settings);

/*
 * After its end: the same again on the same port, as a service manager would.  It does not wait until the
 * daemon listens or is ready.
 */
void daemon_restart(struct daemon_process *daemon);

/* Starts a daemon that is expected to end by itself: its exit status; what it said goes to `*log`. */
int daemon_refuse(const void *owner, const char *conninfo, const char *const *settings, const char **log);

/* True once the condition of /readyz holds, false when it does not within `deadline_ms`. */
bool daemon_wait_ready(const struct daemon_process *daemon, int deadline_ms);

/* SIGTERM, then its exit status. */
int daemon_stop(struct daemon_process *daemon);

/* Exit status (128 + signal when it was killed) of a daemon that is about to end. */
int daemon_wait(struct daemon_process *daemon);

/* What it has logged so far. */
const char *daemon_read_log(const void *owner, const struct daemon_process *daemon);

/* Milliseconds of a monotonic clock, and a short pause between two looks at a condition. */
long long test_now_ms(void);
void test_pause(void);

#endif
