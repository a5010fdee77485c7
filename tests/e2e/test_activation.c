/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * patellad as a service manager starts it: sockets and credentials handed over, the news that it is ready, and a
 * restart at which nobody who connects is refused.  The test is the service manager.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "tests/support/certificate.h"
#include "tests/support/client.h"
#include "tests/support/tls_client.h"

enum { FIRST_DESCRIPTOR = 3, APART = 64, DEADLINE_S = 30, LOG_LIMIT = 1 << 20 };

struct manager {
    char folder[64];
    const char *credentials, *log, *program;
    int people, notify;          /* sockets */
    int port;
    pid_t pid;
};

static int listen_somewhere(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(made, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(made, 16), 0);
    assert_int_equal(getsockname(made, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    return made;
}

static int hear_notifications(const struct manager *manager)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/notify", manager->folder);
    int made = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct timeval deadline = {.tv_sec = DEADLINE_S};
    assert_int_equal(setsockopt(made, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline), 0);
    assert_int_equal(bind(made, (struct sockaddr *)&address, sizeof address), 0);
    return made;
}

static int set_up(void **state)
{
    struct manager *manager = memory_new(NULL, struct manager);
    const char *build = getenv("BUILD");
    snprintf(manager->folder, sizeof manager->folder, "/tmp/patella-manager-XXXXXX");
    assert_non_null(mkdtemp(manager->folder));
    manager->credentials = memory_format(manager, "%s/credentials", manager->folder);
    manager->log = memory_format(manager, "%s/log", manager->folder);
    manager->program = memory_format(manager, "%s/bin/patellad", build != NULL ? build : "build");
    assert_int_equal(mkdir(manager->credentials, 0700), 0);
    certificate_make(memory_format(manager, "%s/server.pem", manager->credentials),
                     memory_format(manager, "%s/server-key.pem", manager->credentials));
    manager->people = listen_somewhere(&manager->port);
    manager->notify = hear_notifications(manager);
    *state = manager;
    return 0;
}

static int tear_down(void **state)
{
    struct manager *manager = *state;
    static const char *const files[] = {"credentials/server.pem", "credentials/server-key.pem", "credentials", "log",
                                        "notify"};
    if (manager->pid > 0) {
        kill(manager->pid, SIGKILL);
        waitpid(manager->pid, NULL, 0);
    }
    close(manager->people);
    close(manager->notify);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        remove(memory_format(manager, "%s/%s", manager->folder, files[i]));
    rmdir(manager->folder);
    talloc_free(manager);
    return 0;
}

/* Names of the sockets handed over, all of them the people's; between fork and exec. */
_Noreturn static void become_daemon(const struct manager *manager, const char *names, size_t count)
{
    char pid[24], number[24];
    const char *arguments[] = {manager->program, "--set", "certificate=%d/server.pem", "--set", "key=%d/server-key.pem",
                               "--set", "database=host=/nonexistent", "--set", "listen_address=192.0.2.1", NULL};
    int log = open(manager->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    int people = fcntl(manager->people, F_DUPFD_CLOEXEC, APART);   /* it may be one of those that it goes to */
    dup2(log, STDERR_FILENO);
    for (size_t i = 0; i < count; i++)
        dup2(people, FIRST_DESCRIPTOR + (int)i);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    snprintf(number, sizeof number, "%zu", count);
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", number, 1);
    setenv("LISTEN_FDNAMES", names, 1);
    setenv("CREDENTIALS_DIRECTORY", manager->credentials, 1);
    setenv("NOTIFY_SOCKET", memory_format(manager, "%s/notify", manager->folder), 1);
    execv(arguments[0], (char **)(uintptr_t)arguments);
    _exit(126);
}

static void start(struct manager *manager, const char *names, size_t count)
{
    manager->pid = fork();
    assert_true(manager->pid >= 0);
    if (manager->pid == 0)
        become_daemon(manager, names, count);
}

static int await_end(struct manager *manager)
{
    int status = 0;
    assert_int_equal(waitpid(manager->pid, &status, 0), manager->pid);
    manager->pid = 0;
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void assert_notified(const struct manager *manager, const char *state)
{
    char message[64];
    ssize_t length = recv(manager->notify, message, sizeof message - 1, 0);
    assert_true(length > 0);
    message[length] = '\0';
    assert_string_equal(message, state);
}

static const char *read_log(const struct manager *manager)
{
    struct error error;
    size_t length = 0;
    const char *log = text_read_file(manager, manager->log, LOG_LIMIT, &length, &error);
    return log != NULL ? log : "";
}

/* Status of GET /healthz. */
static int ask(const struct manager *manager)
{
    struct daemon_process daemon = {
        .port = manager->port,
        .certificate = memory_format(manager, "%s/server.pem", manager->credentials),
    };
    struct client *client = client_new(NULL, &daemon, NULL);
    int status = client_send(client, "GET", "/healthz", NULL)->status;
    talloc_free(client);
    return status;
}

static void test_start_with_sockets_and_credentials_serves_and_says_so(void **state)
{
    struct manager *manager = *state;
    start(manager, "people", 1);
    assert_notified(manager, "READY=1");
    assert_int_equal(ask(manager), 200);
    assert_non_null(strstr(read_log(manager), memory_format(manager, "port=%d", manager->port)));
    assert_int_equal(kill(manager->pid, SIGTERM), 0);
    assert_notified(manager, "STOPPING=1");
    assert_int_equal(await_end(manager), 0);
}

/* Who connects while there is no daemon waits in the socket, and the next one serves him. */
static void test_restart_serves_who_connected_meanwhile(void **state)
{
    struct manager *manager = *state;
    for (int i = 0; i < 3; i++) {
        start(manager, "people", 1);
        assert_notified(manager, "READY=1");
        assert_int_equal(kill(manager->pid, SIGTERM), 0);
        assert_notified(manager, "STOPPING=1");
        assert_int_equal(await_end(manager), 0);
        struct tls_client_options options = {.socket = tls_client_connect_plain(manager->port)};
        assert_true(options.socket >= 0);
        start(manager, "people", 1);
        struct tls_client *client = tls_client_open(NULL, &options);
        assert_non_null(client);
        talloc_free(client);
        assert_notified(manager, "READY=1");
        assert_int_equal(kill(manager->pid, SIGKILL), 0);
        assert_int_equal(waitpid(manager->pid, NULL, 0), manager->pid);
        manager->pid = 0;
    }
}

static void test_start_with_sockets_that_do_not_fit_is_refused(void **state)
{
    struct manager *manager = *state;
    static const struct {
        const char *names;
        size_t count;
        const char *said;
    } cases[] = {
        {"pepole", 1, "FileDescriptorName=people"},
        {"", 1, "FileDescriptorName=people"},
        {"machines", 1, "machine_listen_address is empty"},
        {"people", 2, "FileDescriptorName=people"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        start(manager, cases[i].names, cases[i].count);
        assert_int_equal(await_end(manager), 1);
        assert_non_null(strstr(read_log(manager), cases[i].said));
        assert_int_equal(remove(manager->log), 0);
    }
}

static void test_start_with_a_socket_that_does_not_listen_is_refused(void **state)
{
    struct manager *manager = *state;
    close(manager->people);
    manager->people = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    start(manager, "people", 1);
    assert_int_equal(await_end(manager), 1);
    assert_non_null(strstr(read_log(manager), "does not listen for TCP"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_start_with_sockets_and_credentials_serves_and_says_so),
        CASE(test_restart_serves_who_connected_meanwhile),
        CASE(test_start_with_sockets_that_do_not_fit_is_refused),
        CASE(test_start_with_a_socket_that_does_not_listen_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
