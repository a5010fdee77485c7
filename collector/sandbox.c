/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/sandbox.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PATELLA_WITHOUT_SANDBOX
#endif

#ifdef PATELLA_WITHOUT_SANDBOX

bool sandbox_enter(const char *const *files, struct error *error)
{
    (void)files;
    (void)error;
    return true;
}

#else

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>

#include "collector/sandbox_files.h"
#include "forms/base/log.h"

#define CALL(name) SCMP_SYS(name)

/* With any arguments.  A call that this machine's processor does not have is passed over. */
static const int allowed_calls[] = {
    /* what is open already */
    CALL(read), CALL(write), CALL(readv), CALL(writev), CALL(pread64), CALL(pwrite64), CALL(lseek), CALL(close),
    CALL(fstat), CALL(fcntl), CALL(dup), CALL(dup2), CALL(dup3), CALL(ftruncate), CALL(fadvise64),
    /* files, which Landlock judges */
    CALL(open), CALL(openat), CALL(stat), CALL(lstat), CALL(newfstatat), CALL(statx), CALL(access), CALL(faccessat),
    CALL(faccessat2), CALL(readlink), CALL(readlinkat), CALL(getdents64), CALL(getcwd), CALL(fstatfs), CALL(statfs),
    /* sockets; which kinds: below */
    CALL(connect), CALL(bind), CALL(listen), CALL(accept), CALL(accept4), CALL(shutdown), CALL(getsockname),
    CALL(getpeername), CALL(getsockopt), CALL(setsockopt), CALL(sendto), CALL(recvfrom), CALL(sendmsg), CALL(recvmsg),
    CALL(sendmmsg), CALL(recvmmsg),
    /* waiting */
    CALL(poll), CALL(ppoll), CALL(select), CALL(pselect6), CALL(epoll_create), CALL(epoll_create1), CALL(epoll_ctl),
    CALL(epoll_wait), CALL(epoll_pwait), CALL(epoll_pwait2), CALL(eventfd), CALL(eventfd2), CALL(pipe), CALL(pipe2),
    CALL(timerfd_create), CALL(timerfd_settime), CALL(nanosleep), CALL(clock_nanosleep), CALL(futex),
    CALL(restart_syscall),
    /* memory; not to be made executable: below */
    CALL(brk), CALL(munmap), CALL(mremap), CALL(madvise), CALL(mincore), CALL(membarrier),
    /* threads and their ends; new ones: below */
    CALL(set_robust_list), CALL(set_tid_address), CALL(rseq), CALL(sched_yield), CALL(sched_getaffinity),
    CALL(sched_getparam), CALL(sched_getscheduler), CALL(exit), CALL(exit_group), CALL(gettid), CALL(getpid),
    CALL(getppid), CALL(sigaltstack), CALL(rt_sigprocmask), CALL(rt_sigreturn), CALL(rt_sigpending),
    CALL(rt_sigtimedwait),
    /* what it is and what time it is */
    CALL(getuid), CALL(geteuid), CALL(getgid), CALL(getegid), CALL(getgroups), CALL(getresuid), CALL(getresgid),
    CALL(uname), CALL(sysinfo), CALL(getrandom), CALL(gettimeofday), CALL(time), CALL(clock_gettime),
    CALL(clock_getres), CALL(getrusage), CALL(times), CALL(getrlimit), CALL(setrlimit), CALL(ugetrlimit), CALL(umask),
};

/* With one argument as it stands here, under a mask. */
struct condition {
    int call;
    unsigned argument;
    scmp_datum_t mask, value;
};

#define SAME UINT64_MAX

static const struct condition conditions[] = {
    {CALL(socket), 0, SAME, AF_UNIX},
    {CALL(socket), 0, SAME, AF_INET},
    {CALL(socket), 0, SAME, AF_INET6},
    {CALL(socketpair), 0, SAME, AF_UNIX},
    {CALL(mmap), 2, PROT_EXEC, 0},
    {CALL(mprotect), 2, PROT_EXEC, 0},
    {CALL(clone), 0, CLONE_THREAD, CLONE_THREAD},      /* no process of its own */
    {CALL(ioctl), 1, UINT32_MAX, FIONBIO},
    {CALL(ioctl), 1, UINT32_MAX, FIONREAD},
    {CALL(ioctl), 1, UINT32_MAX, SIOCOUTQ},
    {CALL(ioctl), 1, UINT32_MAX, TCGETS},              /* is this a terminal? */
    {CALL(prctl), 0, SAME, PR_SET_NAME},
    {CALL(prctl), 0, SAME, PR_GET_DUMPABLE},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { MAKER_SECONDS = 5 };      /* it takes 10 ms */

/*
 * By the handler of SIGSYS, which must not allocate.  It cannot be replaced: the filter lets nobody.  The default
 * action, when the signal comes again, ends the process and tells the service manager.
 */
static void report(int signal_number, siginfo_t *information, void *context)
{
    (void)context;
    static const char begin[] = "level=error msg=\"a forbidden system call was made: ending\" call=";
    char line[sizeof begin + 24];
    memcpy(line, begin, sizeof begin);
    size_t length = sizeof begin - 1;
    unsigned number = (unsigned)information->si_syscall, unit = 1;
    while (unit <= number / 10)
        unit *= 10;
    for (; unit > 0; unit /= 10)
        line[length++] = (char)('0' + number / unit % 10);
    line[length++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, length);
    (void)written;
    raise(signal_number);        /* SA_RESETHAND: the default, which ends it, once the handler returns */
}

static bool handle_forbidden_calls(struct error *error)
{
    struct sigaction action = {.sa_sigaction = report, .sa_flags = SA_SIGINFO | (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    return sigaction(SIGSYS, &action, NULL) == 0 || error_io(error, errno, "SIGSYS");
}

static bool add_condition(scmp_filter_ctx filter, const struct condition *condition)
{
    struct scmp_arg_cmp argument = {condition->argument, SCMP_CMP_MASKED_EQ, condition->mask, condition->value};
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, condition->call, 1, &argument) == 0;
}

/* libpq and the resolver: which addresses this machine has (getaddrinfo). */
static bool allow_routes(scmp_filter_ctx filter)
{
    enum { NETLINK_ROUTE_ = 0 };
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(socket), 2, SCMP_A0(SCMP_CMP_EQ, AF_NETLINK),
                            SCMP_A2(SCMP_CMP_EQ, NETLINK_ROUTE_)) == 0;
}

/* Modules that look up names: mapped from files that Landlock lets be read, and not to be written to. */
static bool allow_modules(scmp_filter_ctx filter)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(mmap), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, PROT_EXEC)) == 0;
}

/* Its own signals, as abort() sends them; its own limits; every handler but that of SIGSYS. */
static bool allow_own(scmp_filter_ctx filter, pid_t process)
{
    scmp_datum_t self = (scmp_datum_t)process;
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, self)) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(prlimit64), 1, SCMP_A0(SCMP_CMP_EQ, 0)) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(rt_sigaction), 1, SCMP_A0(SCMP_CMP_NE, SIGSYS)) == 0;
}

static bool fill(scmp_filter_ctx filter, pid_t process)
{
    bool good = true;
    for (size_t i = 0; good && i < COUNT(allowed_calls); i++)
        good = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed_calls[i], 0) == 0;
    for (size_t i = 0; good && i < COUNT(conditions); i++)
        good = add_condition(filter, &conditions[i]);
    /* Its flags lie in memory, where no filter looks: the C library then takes clone. */
    good = good && seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), CALL(clone3), 0) == 0;
    return good && allow_routes(filter) && allow_modules(filter) && allow_own(filter, process);
}

/* Writes the filter of `process` to a pipe, which holds it all. */
static bool write_filter(pid_t process, int output)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
    return filter != NULL && seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0 && fill(filter, process) &&
           seccomp_export_bpf(filter, output) == 0;
}

/* Bytes up to the end of the pipe, `most` at most. */
static size_t read_all(int input, char *bytes, size_t most)
{
    size_t length = 0;
    ssize_t got;
    while (length < most && ((got = read(input, bytes + length, most - length)) > 0 || (got < 0 && errno == EINTR)))
        length += got > 0 ? (size_t)got : 0;
    return length;
}

/*
 * The library that makes the filter does not survive a lack of memory everywhere, so it works in a process of its own:
 * this one only loads what came out of that.  0 when nothing did.
 */
static size_t make_filter(struct sock_filter *instructions, size_t most)
{
    int ends[2], status = 0;
    pid_t process = getpid();
    if (pipe2(ends, O_CLOEXEC) != 0)
        return 0;
    pid_t maker = fork();
    if (maker == 0) {
        alarm(MAKER_SECONDS);    /* nor does it always come to an end then */
        _exit(write_filter(process, ends[1]) ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    close(ends[1]);
    size_t length = maker > 0 ? read_all(ends[0], (char *)instructions, most * sizeof *instructions) : 0;
    close(ends[0]);
    while (maker > 0 && waitpid(maker, &status, 0) < 0 && errno == EINTR)
        continue;
    bool whole = length % sizeof *instructions == 0 && length < most * sizeof *instructions;
    return whole && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS ? length / sizeof *instructions : 0;
}

static bool limit_calls(struct error *error)
{
    enum { MOST = 4096 };        /* BPF_MAXINSNS: what the kernel takes */
    static struct sock_filter instructions[MOST], again[MOST];
    size_t count = make_filter(instructions, MOST);
    /* An allocation that fails may also cost a rule without a word: then the two are not the same. */
    if (make_filter(again, MOST) != count || memcmp(instructions, again, count * sizeof *again) != 0)
        count = 0;
    struct sock_fprog program = {.len = (unsigned short)count, .filter = instructions};
    if (count == 0)
        return error_set(error, ERROR_INTERNAL, "the filter of system calls (seccomp) cannot be made: there is not "
                                                "enough memory, or no further process is allowed");
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0 ||
           error_set(error, ERROR_INTERNAL, "the kernel takes no filter of system calls (seccomp): %s; patellad does "
                                            "not run without", strerror(errno));
}

bool sandbox_enter(const char *const *files, struct error *error)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return error_io(error, errno, "giving up new privileges");
    return sandbox_limit_files(files, error) && handle_forbidden_calls(error) && limit_calls(error);
}

#endif
