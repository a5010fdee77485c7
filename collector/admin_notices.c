/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Notices go to a program of the site's choice, which sends mail or calls whom it likes: each at least once, as one
 * JSON object and a newline on its standard input.  Exit status 0 means that it was told.
 */
#include "collector/admin_result.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "forms/base/memory.h"

enum { PROGRAM_DEADLINE_MS = 60000, LEASE_S = 120, MOST_SECONDS = 86400 };

/* ---- the program ---- */

/* NULL-terminated: a program of the site's has no business with how we reach the database. */
static char **child_environment(const void *owner)
{
    static const char *const kept[] = {"PATH", "HOME", "LANG", "TZ"};
    char **environment = memory_new_array(owner, char *, ADMIN_COUNT(kept) + 1);
    size_t count = 0;
    for (size_t i = 0; i < ADMIN_COUNT(kept); i++)
        if (getenv(kept[i]) != NULL)
            environment[count++] = memory_format(owner, "%s=%s", kept[i], getenv(kept[i]));
    return environment;
}

/* Its process id, 0 when it cannot be started; `message` waits in its standard input, which ends there. */
static pid_t start_program(const void *owner, const char *program, const char *message, struct error *error)
{
    int ends[2];
    char *const argv[] = {memory_copy_string(owner, program), NULL};
    pid_t child = 0;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        error_io(error, errno, "pipe");
        return 0;
    }
    /* A few hundred bytes: the pipe has room for them, whoever reads. */
    ssize_t written = write(ends[1], message, strlen(message));
    close(ends[1]);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
    posix_spawnattr_init(&attributes);
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    int failed = written == (ssize_t)strlen(message)
                     ? posix_spawn(&child, program, &actions, &attributes, argv, child_environment(owner))
                     : EIO;
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[0]);
    if (failed != 0)
        error_io(error, failed, program);
    return failed == 0 ? child : 0;
}

/* Waits for its end, which comes at the deadline at last.  "" when it ended well, else how it ended. */
static const char *await_program(const void *owner, pid_t child)
{
    int status = 0;
    struct pollfd ended = {.fd = pidfd_open(child, 0), .events = POLLIN, .revents = 0};
    int woken;
    do
        woken = poll(&ended, 1, PROGRAM_DEADLINE_MS);
    while (woken < 0 && errno == EINTR);
    if (woken == 0)
        kill(child, SIGKILL);
    if (ended.fd >= 0)
        close(ended.fd);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (woken == 0)
        return memory_format(owner, "did not end within %d s", PROGRAM_DEADLINE_MS / 1000);
    if (WIFSIGNALED(status))
        return memory_format(owner, "signal %d", WTERMSIG(status));
    return WEXITSTATUS(status) == 0 ? "" : memory_format(owner, "exit status %d", WEXITSTATUS(status));
}

/* ---- one round ---- */

static bool finish_notice(struct admin *admin, const char *notice, const char *outcome, struct error *error)
{
    bool delivered = outcome[0] == '\0';
    const char *texts[] = {notice, delivered ? "true" : "false", delivered ? "delivered" : outcome};
    return admin_execute(admin, ADMIN_FINISH_NOTICE, texts, ADMIN_COUNT(texts), error) != NULL;
}

/* Hands on all notices that wait; counts those that the program did not take.  False when it cannot go on. */
static bool hand_on(struct admin *admin, const char *program, int *refused, struct error *error)
{
    const char *lease[] = {memory_format(admin->owner, "%d", LEASE_S)};
    for (;;) {
        struct db_result *taken = admin_execute(admin, ADMIN_TAKE_NOTICE, lease, 1, error);
        if (taken == NULL)
            return false;
        if (db_rows(taken) == 0)
            return true;
        const char *message = memory_format(admin->owner, "%s\n", db_text(taken, 0, 1));
        pid_t child = start_program(admin->owner, program, message, error);
        const char *outcome = child > 0 ? await_program(admin->owner, child) : "cannot be started";
        if (outcome[0] != '\0') {
            struct error told;
            error_set(&told, ERROR_IO, "notice %s: %s: %s", db_text(taken, 0, 0), program, outcome);
            admin_print_error(&told, admin_as_json(admin));
            ++*refused;
        }
        if (!finish_notice(admin, db_text(taken, 0, 0), outcome, error) || child == 0)
            return false;
        talloc_free(taken);
    }
}

/* A round's memory goes with it. */
static bool hand_on_round(struct admin *admin, const char *program, int *refused, struct error *error)
{
    if (!admin_keep_database(admin, error))
        return false;
    const void *owner = admin->owner;
    void *round = memory_owner(owner, "round");
    admin->owner = round;
    bool done = hand_on(admin, program, refused, error);
    admin->owner = owner;
    talloc_free(round);
    return done;
}

/* Waits for SIGTERM or SIGINT, which are blocked: true when one has come. */
static bool is_ended(const sigset_t *signals, int seconds)
{
    const struct timespec wait = {.tv_sec = seconds};
    return sigtimedwait(signals, NULL, &wait) > 0;
}

static bool notify_for_ever(struct admin *admin, const char *program, int seconds, struct error *error)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    if (!admin_database(admin, error))
        return false;
    do {
        int refused = 0;
        struct error failure = {0};
        if (!hand_on_round(admin, program, &refused, &failure))
            admin_print_error(&failure, admin_as_json(admin));
    } while (!is_ended(&signals, seconds));
    return true;
}

static bool notify(struct admin *admin, struct error *error)
{
    const char *program = admin_option(admin, "to"), *every = admin_option(admin, "every");
    int seconds = 0, refused = 0;
    if (every != NULL && admin_option(admin, "once") != NULL)
        return error_set(error, ERROR_USAGE, "--once and --every exclude each other");
    if (every != NULL && !admin_read_number(every, "--every", 1, MOST_SECONDS, &seconds, error))
        return false;
    if (access(program, X_OK) != 0)
        return error_io(error, errno, program);
    if (every != NULL)
        return notify_for_ever(admin, program, seconds, error);
    if (!hand_on_round(admin, program, &refused, error))
        return false;
    return refused == 0 || error_set(error, ERROR_IO, "%d notices were not taken by %s; they are tried again later",
                                     refused, program);
}

/* ---- list and add ---- */

static bool notice_list(struct admin *admin, struct error *error)
{
    static const struct admin_column columns[] = {
        {"notice", ADMIN_TEXT},       {"noticed_at", ADMIN_TEXT},  {"kind", ADMIN_TEXT},
        {"severity", ADMIN_TEXT},     {"study", ADMIN_TEXT},       {"subject", ADMIN_TEXT},
        {"object", ADMIN_TEXT},       {"sponsor_due", ADMIN_TEXT}, {"authority_due", ADMIN_TEXT},
        {"tries", ADMIN_NUMBER},      {"last_outcome", ADMIN_TEXT}, {"delivered_at", ADMIN_TEXT},
    };
    return admin_print_list(admin, ADMIN_LIST_NOTICES, 1, columns, ADMIN_COUNT(columns), error);
}

static bool notice_add(struct admin *admin, struct error *error)
{
    struct db_result *added = admin_execute(admin, ADMIN_ADD_NOTICE, admin->arguments->operands, 2, error);
    if (added == NULL)
        return false;
    admin_tell_truth(admin, "added", db_bool(added, 0, 0));
    if (!db_bool(added, 0, 0) && !admin_as_json(admin))
        puts("the same was told within the last 24 hours");
    return true;
}

static const struct argument_option notify_options[] = {
    {"to", "PROGRAM", true, "gets each notice as JSON on its standard input; exit status 0: told"},
    {"once", NULL, false, "what waits now, then end; the default"},
    {"every", "SECONDS", false, "for ever, looking so often"},
    ADMIN_DATABASE_OPTION,
};
static const struct argument_option plain_options[] = {ADMIN_DATABASE_OPTION};

static const struct admin_command commands[] = {
    {{"notify", "", notify_options, ADMIN_COUNT(notify_options), "hand the notices that wait to a program"}, notify},
    {{"notice list", "[STUDY]", plain_options, ADMIN_COUNT(plain_options), "list notices, and what became of them"},
     notice_list},
    {{"notice add", "KIND OBJECT", plain_options, ADMIN_COUNT(plain_options),
      "add a notice of a certificate that expires or a seal that failed"},
     notice_add},
};

const struct admin_group admin_notices = {commands, ADMIN_COUNT(commands)};
