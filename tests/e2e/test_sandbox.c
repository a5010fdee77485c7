/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the daemon can still do to others once it serves: each call of tests/faults/forbidden_call.c, made inside it,
 * ends it with a line in the log, or is refused; the same call in a program without a sandbox is allowed, so that the
 * test shows more than a call that nobody may make.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
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
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "tests/faults/forbidden_call.h"
#include "tests/support/cluster.h"
#include "tests/support/people.h"

enum { DEADLINE_MS = 30000, LOG_LIMIT = 1 << 20, KILLED = 128 };

#ifdef PATELLA_WITHOUT_SANDBOX
static const bool has_sandbox = false;
#else
static const bool has_sandbox = true;
#endif

static char *preload(const void *owner)
{
    char path[4096];
    const char *build = getenv("BUILD");
    char *object = memory_format(owner, "%s/faults/forbidden_call.so", build != NULL ? build : "build");
    if (realpath(object, path) == NULL)
        fail_msg("%s: %s", object, strerror(errno));
    return memory_copy_string(owner, path);
}

static void set_call(const void *owner, const char *call, const char *file)
{
    setenv("LD_PRELOAD", preload(owner), 1);
    setenv(FORBIDDEN_CALL_NAME, call, 1);
    setenv(FORBIDDEN_CALL_FILE, file, 1);
}

static void unset_call(void)
{
    unsetenv("LD_PRELOAD");
    unsetenv(FORBIDDEN_CALL_NAME);
    unsetenv(FORBIDDEN_CALL_FILE);
}

static void wait_for_text(const char *path, const char *text, size_t times)
{
    long long deadline = test_now_ms() + DEADLINE_MS;
    for (;;) {
        void *work = memory_owner(NULL, "log");
        struct error error;
        size_t length = 0, count = 0;
        const char *log = text_read_file(work, path, LOG_LIMIT, &length, &error);
        for (const char *at = log; at != NULL && (at = strstr(at, text)) != NULL; at++)
            count++;
        if (count < times && test_now_ms() > deadline)
            fail_msg("%zu times '%s' instead of %zu in: %s", count, text, times, log != NULL ? log : "nothing");
        talloc_free(work);
        if (count >= times)
            return;
        test_pause();
    }
}

/* ---- a program without a sandbox ---- */

/* Starts `sleep`; it has installed its handler once it is asleep. */
static pid_t start_sleeper(const void *owner, const char *log)
{
    static const char *const arguments[] = {"sleep", "100", NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid = 0;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 2, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    assert_int_equal(posix_spawnp(&pid, arguments[0], &actions, NULL, (char **)(uintptr_t)arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    char *status = memory_format(owner, "/proc/%d/syscall", (int)pid);
    char *asleep = memory_format(owner, "%d ", SYS_clock_nanosleep);
    wait_for_text(status, asleep, 1);
    return pid;
}

static void assert_allowed_elsewhere(const char *call, const char *file)
{
    char log[] = "/tmp/patella-sandbox-XXXXXX";
    void *work = memory_owner(NULL, "sleeper");
    close(mkstemp(log));
    set_call(work, call, file);
    pid_t pid = start_sleeper(work, log);
    unset_call();
    assert_int_equal(kill(pid, SIGUSR1), 0);
    wait_for_text(log, memory_format(work, "tried %s: 0\n", call), 1);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    unlink(log);
    talloc_free(work);
}

/* ---- the daemon ---- */

static struct daemon_process *start_daemon(const struct registry *registry, const char *call, const char *file)
{
    set_call(registry, call, file);
    struct daemon_process *daemon =
        daemon_start(registry, test_database_conninfo(registry, registry->database, NULL), NULL);
    unset_call();
    return daemon;
}

static char *make_file(const void *owner)
{
    char *path = memory_copy_string(owner, "/tmp/patella-sandbox-XXXXXX");
    close(mkstemp(path));
    return path;
}

static void test_forbidden_call_ends_the_daemon_and_is_logged(void **state)
{
    static const struct {
        const char *call;
        int number;
    } cases[] = {
        {"execve", SYS_execve}, {"fork", SYS_clone}, {"ptrace", SYS_ptrace}, {"packet", SYS_socket},
        {"kill", SYS_kill}, {"unlink", SYS_unlink}, {"handler", SYS_rt_sigaction}, {"code", SYS_mprotect},
        {"unshare", SYS_unshare},
    };
    if (!has_sandbox)
        skip();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct registry *registry = *state;
        char *file = make_file(registry);
        struct daemon_process *daemon = start_daemon(registry, cases[i].call, file);
        assert_int_equal(kill(daemon->pid, SIGUSR1), 0);
        int status = daemon_wait(daemon);
        const char *log = daemon_read_log(daemon, daemon);
        if (status != KILLED + SIGSYS)
            fail_msg("%s: status %d, and the log says %s", cases[i].call, status, log);
        assert_null(strstr(log, "tried"));
        const char *line = strstr(log, "msg=\"a forbidden system call was made: ending\"");
        assert_non_null(line);
        assert_non_null(strstr(line, memory_format(daemon, "call=%d\n", cases[i].number)));
        assert_int_equal(access(file, F_OK), 0);
        assert_allowed_elsewhere(cases[i].call, file);
        talloc_free(daemon);
        unlink(file);
    }
}

static size_t hit_each_thread(pid_t pid)
{
    char path[64];
    size_t count = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    assert_non_null(tasks);
    for (struct dirent *entry; (entry = readdir(tasks)) != NULL;)
        if (isdigit((unsigned char)entry->d_name[0])) {
            assert_int_equal(syscall(SYS_tgkill, pid, strtol(entry->d_name, NULL, 10), SIGUSR1), 0);
            count++;
        }
    closedir(tasks);
    return count;
}

/* In every thread: those that the daemon started are as shut in as the one that started them.  It goes on serving. */
static void test_foreign_files_and_ports_are_refused_in_every_thread(void **state)
{
    char *file = make_file(*state);
    const struct {
        const char *call, *file;
    } cases[] = {{"read", "/etc/shadow"}, {"read", file}, {"write", file}, {"bind", ""}};
    if (!has_sandbox)
        skip();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct registry *registry = *state;
        struct daemon_process *daemon = start_daemon(registry, cases[i].call, cases[i].file);
        size_t threads = hit_each_thread(daemon->pid);
        assert_true(threads > 4);
        wait_for_text(daemon->log, memory_format(daemon, "tried %s: %03d\n", cases[i].call, EACCES), threads);
        assert_true(daemon_wait_ready(daemon, 0));
        assert_allowed_elsewhere(cases[i].call, cases[i].file);
        assert_int_equal(daemon_stop(daemon), 0);
        talloc_free(daemon);
    }
    unlink(file);
}

/* What is read again while it serves: certificate and key in their folder, also as new files and behind links. */
static void test_new_certificates_are_read_from_where_they_were(void **state)
{
    struct registry *registry = *state;
    struct daemon_process *daemon =
        daemon_start(registry, test_database_conninfo(registry, registry->database, NULL), NULL);
    char *fresh = memory_format(daemon, "%s/fresh.pem", daemon->folder);
    char *kept = memory_format(daemon, "%s/kept.pem", daemon->folder);
    assert_int_equal(rename(daemon->certificate, kept), 0);
    assert_int_equal(symlink("kept.pem", fresh), 0);
    assert_int_equal(rename(fresh, daemon->certificate), 0);
    assert_int_equal(kill(daemon->pid, SIGHUP), 0);
    wait_for_text(daemon->log, "msg=reloaded", 1);
    assert_int_equal(rename(kept, daemon->certificate), 0);
    assert_int_equal(kill(daemon->pid, SIGHUP), 0);
    wait_for_text(daemon->log, "msg=reloaded", 2);
    assert_int_equal(daemon_stop(daemon), 0);
    talloc_free(daemon);
}

/* ---- the process that checks passwords ---- */

static bool reads_as(pid_t pid, const char *file, const char *text)
{
    char path[64], bytes[64] = "";
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    FILE *stream = fopen(path, "re");
    if (stream == NULL)
        return false;
    size_t length = fread(bytes, 1, sizeof bytes - 1, stream);
    fclose(stream);
    bytes[length] = '\0';
    return strncmp(bytes, text, strlen(text)) == 0;
}

/* That of this daemon, if it is another one than `other_than`; 0 while there is none. */
static pid_t find_auth(const struct daemon_process *daemon, pid_t other_than)
{
    pid_t found = 0;
    void *work = memory_owner(NULL, "processes");
    DIR *processes = opendir("/proc");
    assert_non_null(processes);
    for (struct dirent *entry; found == 0 && (entry = readdir(processes)) != NULL;) {
        pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? (pid_t)strtol(entry->d_name, NULL, 10) : 0;
        if (pid == 0 || pid == other_than || !reads_as(pid, "comm", "patellad-auth\n"))
            continue;
        /* Its parent may be gone; its log tells whose it is. */
        char *log = memory_format(work, "/proc/%d/fd/2", (int)pid), target[4096];
        ssize_t length = readlink(log, target, sizeof target - 1);
        if (length > 0 && (size_t)length == strlen(daemon->log) && strncmp(target, daemon->log, (size_t)length) == 0)
            found = pid;
    }
    closedir(processes);
    talloc_free(work);
    return found;
}

static pid_t await_auth(const struct daemon_process *daemon, pid_t other_than)
{
    long long deadline = test_now_ms() + DEADLINE_MS;
    for (;;) {
        pid_t pid = find_auth(daemon, other_than);
        if (pid > 0)
            return pid;
        if (test_now_ms() > deadline)
            fail_msg("there is no process that checks passwords: %s", daemon_read_log(daemon, daemon));
        test_pause();
    }
}

static void test_process_that_checks_passwords_is_shut_in_too(void **state)
{
    (void)state;
    if (!has_sandbox)
        skip();
    void *owner = memory_owner(NULL, "auth");
    set_call(owner, "execve", "");
    struct registry *registry = people_registry_new(owner, NULL);
    unset_call();
    struct person *person = people_join(registry, "anna", "\"role\":\"investigator\",\"sites\":[1]");
    people_log_in(person);
    pid_t before = await_auth(registry->daemon, 0);
    assert_int_equal(kill(before, SIGUSR1), 0);
    wait_for_text(registry->daemon->log, "a forbidden system call was made", 1);
    await_auth(registry->daemon, before);
    assert_null(strstr(daemon_read_log(owner, registry->daemon), "tried"));
    people_log_in(person);
    assert_int_equal(daemon_stop(registry->daemon), 0);
    talloc_free(owner);
}

static int set_up(void **state)
{
    *state = registry_new_stopped(NULL);
    return 0;
}

static int tear_down(void **state)
{
    talloc_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forbidden_call_ends_the_daemon_and_is_logged),
        cmocka_unit_test(test_foreign_files_and_ports_are_refused_in_every_thread),
        cmocka_unit_test(test_new_certificates_are_read_from_where_they_were),
        cmocka_unit_test(test_process_that_checks_passwords_is_shut_in_too),
    };
    memory_init();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
