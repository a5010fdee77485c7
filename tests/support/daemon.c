/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/daemon.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "tests/support/certificate.h"
#include "tests/support/client.h"

enum { START_MS = 30000, STOP_MS = 30000, LOG_LIMIT = 64 << 20, SETTINGS_MOST = 32 };

long long test_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void test_pause(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

static char *program_path(const void *owner)
{
    const char *build = getenv("BUILD");
    return memory_format(owner, "%s/bin/patellad", build != NULL ? build : "build");
}

/* ---- those that run: a test that fails does not free its own ---- */

enum { LIVING_MOST = 8 };

static struct daemon_process *living[LIVING_MOST];

static void kill_living(void)
{
    for (size_t i = 0; i < LIVING_MOST; i++)
        talloc_free(living[i]);
}

static void set_living(struct daemon_process *daemon, bool alive)
{
    static bool registered;
    if (!registered)
        atexit(kill_living);
    registered = true;
    size_t i = 0;
    while (i < LIVING_MOST && living[i] != (alive ? NULL : daemon))
        i++;
    if (i < LIVING_MOST)
        living[i] = alive ? daemon : NULL;
}

/* ---- its files ---- */

static int destroy(struct daemon_process *daemon)
{
    set_living(daemon, false);
    if (daemon->pid > 0) {
        kill(daemon->pid, SIGKILL);
        waitpid(daemon->pid, NULL, 0);
    }
    unlink(daemon->certificate);
    unlink(daemon->key);
    unlink(daemon->log);
    rmdir(daemon->folder);
    return 0;
}

static const char *const *copy_settings(const void *owner, const char *const *settings)
{
    const char **copy = memory_new_array(owner, const char *, SETTINGS_MOST + 1);
    for (size_t i = 0; settings != NULL && settings[i] != NULL && i < SETTINGS_MOST; i++)
        copy[i] = memory_copy_string(copy, settings[i]);
    return copy;
}

static struct daemon_process *make_daemon(const void *owner, const char *conninfo, const char *const *settings)
{
    struct daemon_process *daemon = memory_new(owner, struct daemon_process);
    const char *temporary = getenv("TMPDIR");
    char *folder = memory_format(daemon, "%s/patella-test.XXXXXX", temporary != NULL ? temporary : "/tmp");
    assert_non_null(mkdtemp(folder));
    daemon->folder = folder;
    daemon->certificate = memory_format(daemon, "%s/certificate.pem", folder);
    daemon->key = memory_format(daemon, "%s/key.pem", folder);
    daemon->log = memory_format(daemon, "%s/log", folder);
    daemon->conninfo = memory_copy_string(daemon, conninfo);
    daemon->settings = copy_settings(daemon, settings);
    certificate_make(daemon->certificate, daemon->key);
    talloc_set_destructor(daemon, destroy);
    set_living(daemon, true);
    return daemon;
}

const char *daemon_read_log(const void *owner, const struct daemon_process *daemon)
{
    struct error error;
    size_t length = 0;
    const char *log = text_read_file(owner, daemon->log, LOG_LIMIT, &length, &error);
    return log != NULL ? log : "";
}

static void fail_with_log(const struct daemon_process *daemon, const char *what)
{
    print_error("patellad %s; its log:\n%s\n", what, daemon_read_log(daemon, daemon));
    fail();
}

/* ---- start ---- */

/* On its port, or on a free one as long as that is 0. */
static void spawn(struct daemon_process *daemon)
{
    const char *arguments[2 * SETTINGS_MOST + 1];
    size_t count = 0;
    const char *const *settings = daemon->settings;
    const char *own[] = {
        memory_format(daemon, "listen_port=%d", daemon->port),
        "listen_address=127.0.0.1",
        memory_format(daemon, "certificate=%s", daemon->certificate),
        memory_format(daemon, "key=%s", daemon->key),
        memory_format(daemon, "database=%s", daemon->conninfo),
        NULL,
    };
    arguments[count++] = program_path(daemon);
    for (size_t i = 0; own[i] != NULL; i++) {
        arguments[count++] = "--set";
        arguments[count++] = own[i];
    }
    for (size_t i = 0; settings[i] != NULL && count + 2 < 2 * SETTINGS_MOST; i++) {
        arguments[count++] = "--set";
        arguments[count++] = settings[i];
    }
    arguments[count] = NULL;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, daemon->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    int failed =
        posix_spawn(&daemon->pid, arguments[0], &actions, NULL, (char **)(uintptr_t)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0)
        fail_msg("cannot start %s: %s", arguments[0], strerror(failed));
}

/* The exit status, or -1 while it runs. */
static int ended(struct daemon_process *daemon)
{
    int status = 0;
    if (waitpid(daemon->pid, &status, WNOHANG) != daemon->pid)
        return -1;
    daemon->pid = 0;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* From its line msg=listening ... port=12345; 0 as long as there is none. */
static int logged_port(const struct daemon_process *daemon)
{
    void *work = memory_owner(NULL, "log");
    const char *line = strstr(daemon_read_log(work, daemon), "msg=listening");
    const char *port = line != NULL ? strstr(line, "port=") : NULL;
    int number =
        port != NULL && strchr(port, '\n') != NULL ? (int)strtol(port + strlen("port="), NULL, 10) : 0;
    talloc_free(work);
    return number;
}

struct daemon_process *daemon_start_unready(const void *owner, const char *conninfo,
                                            const char *const *settings)
{
    struct daemon_process *daemon = make_daemon(owner, conninfo, settings);
    long long deadline = test_now_ms() + START_MS;
    spawn(daemon);
    while ((daemon->port = logged_port(daemon)) == 0) {
        if (ended(daemon) >= 0)
            fail_with_log(daemon, "ended instead of listening");
        if (test_now_ms() > deadline)
            fail_with_log(daemon, "does not listen in time");
        test_pause();
    }
    return daemon;
}

void daemon_restart(struct daemon_process *daemon)
{
    assert_int_equal(daemon->pid, 0);
    spawn(daemon);
}

bool daemon_wait_ready(const struct daemon_process *daemon, int deadline_ms)
{
    long long deadline = test_now_ms() + deadline_ms;
    for (;;) {
        void *work = memory_owner(NULL, "ready");
        struct client *client = client_new(work, daemon, NULL);
        struct client_reply *reply = client_try(client, "GET", "/readyz", NULL);
        bool ready = reply != NULL && reply->status == 200;
        talloc_free(work);
        if (ready || test_now_ms() > deadline)
            return ready;
        test_pause();
    }
}

struct daemon_process *daemon_start(const void *owner, const char *conninfo, const char *const *settings)
{
    struct daemon_process *daemon = daemon_start_unready(owner, conninfo, settings);
    if (!daemon_wait_ready(daemon, START_MS))
        fail_with_log(daemon, "does not get ready in time");
    return daemon;
}

/* ---- end ---- */

int daemon_wait(struct daemon_process *daemon)
{
    long long deadline = test_now_ms() + STOP_MS;
    for (;;) {
        int status = ended(daemon);
        if (status >= 0)
            return status;
        if (test_now_ms() > deadline)
            fail_with_log(daemon, "does not end in time");
        test_pause();
    }
}

int daemon_stop(struct daemon_process *daemon)
{
    assert_int_equal(kill(daemon->pid, SIGTERM), 0);
    return daemon_wait(daemon);
}

int daemon_refuse(const void *owner, const char *conninfo, const char *const *settings, const char **log)
{
    struct daemon_process *daemon = make_daemon(owner, conninfo, settings);
    spawn(daemon);
    int status = daemon_wait(daemon);
    *log = daemon_read_log(owner, daemon);
    talloc_free(daemon);
    return status;
}
