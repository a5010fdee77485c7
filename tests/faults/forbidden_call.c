/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See forbidden_call.h.  Everything here runs in a signal handler: system calls only. */
#include "tests/faults/forbidden_call.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *name, *file;

/* What goes well says so by itself: nothing is left to say it after execve. */
static long try_execve(void)
{
    static char program[] = "/bin/echo", said[] = "tried execve: 0";
    char *const arguments[] = {program, said, NULL}, *const none[] = {NULL};
    dup2(STDERR_FILENO, STDOUT_FILENO);
    return execve(program, arguments, none);
}

static long try_fork(void)
{
    long child = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (child == 0)
        _exit(0);
    return child > 0 ? waitpid((pid_t)child, NULL, 0) : child;
}

static long try_ptrace(void)
{
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static long try_packet(void)
{
    enum { AF_PACKET_ = 17 };
    return socket(AF_PACKET_, SOCK_RAW, 0);
}

static long try_kill(void)
{
    return kill(getppid(), 0);
}

static long try_unlink(void)
{
    return unlink(file);
}

static long try_handler(void)
{
    struct sigaction action = {.sa_handler = SIG_IGN};
    return sigaction(SIGSYS, &action, NULL);
}

static long try_code(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static long try_unshare(void)
{
    return unshare(CLONE_FILES);
}

static long try_read(void)
{
    return open(file, O_RDONLY | O_CLOEXEC);
}

static long try_write(void)
{
    return open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

static long try_bind(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    any.sin_port = htons(18443);
    return made < 0 ? made : bind(made, (struct sockaddr *)&any, sizeof any);
}

static const struct {
    const char *name;
    long (*try)(void);
} calls[] = {
    {"execve", try_execve}, {"fork", try_fork}, {"ptrace", try_ptrace}, {"packet", try_packet},
    {"kill", try_kill}, {"unlink", try_unlink}, {"handler", try_handler}, {"code", try_code},
    {"unshare", try_unshare}, {"read", try_read}, {"write", try_write}, {"bind", try_bind},
};

/* In one write: several threads may say something at once. */
static void say(const char *call, int failed)
{
    char line[64] = "tried ";
    size_t length = strlen(line);
    for (const char *c = call; *c != '\0' && length < sizeof line - 8; c++)
        line[length++] = *c;
    line[length++] = ':';
    line[length++] = ' ';
    for (int unit = failed == 0 ? 1 : 100; unit > 0; unit /= 10)
        line[length++] = (char)('0' + failed / unit % 10);
    line[length++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, length);
    (void)written;
}

static void try_it(int number)
{
    (void)number;
    int before = errno;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (strcmp(calls[i].name, name) == 0)
            say(name, calls[i].try() < 0 ? errno : 0);
    errno = before;
}

__attribute__((constructor)) static void begin(void)
{
    struct sigaction action = {.sa_handler = try_it, .sa_flags = SA_RESTART};
    name = getenv(FORBIDDEN_CALL_NAME);
    file = getenv(FORBIDDEN_CALL_FILE);
    if (name != NULL)
        sigaction(SIGUSR1, &action, NULL);
}
