/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/render_pdf.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "forms/base/memory.h"

#define PROGRAM "weasyprint"

enum {
    DEFAULT_SECONDS = 1800,
    CHUNK = 65536,
    MOST_COMPLAINTS = 65536,     /* of what the program says on stderr, the end is kept */
    WAIT_MS = 20                 /* between looks at a process that has closed its output */
};
static const size_t default_memory = (size_t)4 << 30;
static const size_t most_pdf = (size_t)1 << 30;

struct process {
    pid_t pid;
    int input;                   /* a socket: writing to a process that is gone raises no signal there */
    int output, complaints;
    int started;                 /* errno of exec comes here; nothing when it succeeds */
    int64_t deadline_ms;
};

/* What goes in and comes out. */
struct flow {
    const char *html;
    size_t left;
    struct text *pdf;
    struct text *said;
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- beginning and end of the process ------------------------------------------------------------------- */

/* What the program sees: nothing of our own environment but where programs, folders and fonts are. */
static char **environment(const void *owner, const struct pdf_options *options)
{
    static const char *const kept[] = {"PATH", "HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME",
                                       "FONTCONFIG_FILE", "FONTCONFIG_PATH"};
    enum { KEPT = sizeof kept / sizeof *kept, OWN = 4 };
    char **list = memory_new_array(owner, char *, KEPT + OWN + 1);
    size_t count = 0;
    for (size_t i = 0; i < KEPT; i++)
        if (getenv(kept[i]) != NULL)
            list[count++] = memory_format(owner, "%s=%s", kept[i], getenv(kept[i]));
    list[count++] =
        memory_format(owner, "SOURCE_DATE_EPOCH=%lld", (long long)(options->cut_made_us / 1000000));
    list[count++] = memory_copy_string(owner, "LC_ALL=C.UTF-8");
    list[count++] = memory_copy_string(owner, "PYTHONHASHSEED=0");
    list[count++] = memory_copy_string(owner, "PYTHONDONTWRITEBYTECODE=1");
    return list;
}

/* Between fork and exec: nothing that allocates.  fds: stdin, stdout, stderr, where errno goes. */
static _Noreturn void run_program(const char *program, char *const *environ_list, const int fds[4],
                                  const struct pdf_options *options)
{
    enum { STATUS = 3 };
    static char quiet[] = "--quiet", encoding[] = "--encoding=utf-8", base[] = "--base-url=about:blank",
                dash[] = "-";
    char name[] = PROGRAM;
    char *const arguments[] = {name, quiet, encoding, base, dash, dash, NULL};
    rlim_t memory = options->memory_bytes > 0 ? options->memory_bytes : default_memory;
    const struct rlimit space = {memory, memory}, no_core = {0, 0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_AS, &space);
    setrlimit(RLIMIT_CORE, &no_core);
    for (int i = 0; i < 3; i++)
        dup2(fds[i], i);
    dup2(fds[3], STATUS);
    fcntl(STATUS, F_SETFD, FD_CLOEXEC);
    close_range(STATUS + 1, ~0U, 0);
    signal(SIGPIPE, SIG_DFL);
    execvpe(program, arguments, environ_list);
    int failed = errno;
    if (write(STATUS, &failed, sizeof failed) < 0)
        _exit(126);
    _exit(127);
}

static void close_all(int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

/*
 * ours and theirs: input, output, complaints, started; each above 3, so that dup2 in the child covers none.
 */
static bool open_channels(int ours[4], int theirs[4])
{
    for (size_t i = 0; i < 4; i++)
        ours[i] = theirs[i] = -1;
    for (size_t i = 0; i < 4; i++) {
        int pair[2];
        if (i == 0 ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0
                   : pipe2(pair, O_CLOEXEC) < 0)
            return false;
        ours[i] = fcntl(pair[0], F_DUPFD_CLOEXEC, 4);
        theirs[i] = fcntl(pair[1], F_DUPFD_CLOEXEC, 4);
        close(pair[0]);
        close(pair[1]);
        if (ours[i] < 0 || theirs[i] < 0)
            return false;
    }
    return true;
}

static bool start(struct process *process, const struct pdf_options *options, struct error *error)
{
    int ours[4], theirs[4];
    if (!open_channels(ours, theirs)) {
        int failed = errno;
        close_all(ours, 4);
        close_all(theirs, 4);
        return error_io(error, failed, "cannot open a channel to " PROGRAM);
    }
    void *owner = memory_owner(NULL, "pdf");
    char **list = environment(owner, options);
    int seconds = options->timeout_seconds > 0 ? options->timeout_seconds : DEFAULT_SECONDS;
    process->deadline_ms = now_ms() + (int64_t)seconds * 1000;
    process->pid = fork();
    if (process->pid == 0)
        run_program(options->program != NULL ? options->program : PROGRAM, list, theirs, options);
    int failed = errno;
    talloc_free(owner);
    close_all(theirs, 4);
    if (process->pid < 0) {
        close_all(ours, 4);
        return error_io(error, failed, "cannot start " PROGRAM);
    }
    process->input = ours[0];
    process->output = ours[1];
    process->complaints = ours[2];
    process->started = ours[3];
    return true;
}

/* Whether exec succeeded; waits for it. */
static bool has_started(const struct process *process, const char *program, struct error *error)
{
    int failed = 0;
    ssize_t got;
    do
        got = read(process->started, &failed, sizeof failed);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return true;
    enum error_kind kind = failed == ENOENT ? ERROR_NOT_FOUND : ERROR_IO;
    return error_set(error, kind, "cannot run %s: %s; install the package " PROGRAM " or ask for no PDF",
                     program, strerror(failed));
}

/* The wait status; when time is over, or `now`, the process is killed, which `*killed` tells. */
static int finish(const struct process *process, bool now, bool *killed)
{
    int status = 0;
    pid_t ended = 0;
    while (!now && ended == 0 && now_ms() < process->deadline_ms) {
        ended = waitpid(process->pid, &status, WNOHANG);
        if (ended == 0)
            poll(NULL, 0, WAIT_MS);
    }
    *killed = ended == 0;
    if (*killed)
        kill(process->pid, SIGKILL);
    while (ended == 0 || (ended < 0 && errno == EINTR))
        ended = waitpid(process->pid, &status, 0);
    return status;
}

/* --- what goes through ---------------------------------------------------------------------------------- */

static void close_end(int *fd)
{
    close(*fd);
    *fd = -1;
}

static void send_some(struct process *process, struct flow *flow)
{
    size_t length = flow->left < CHUNK ? flow->left : CHUNK;
    ssize_t sent = send(process->input, flow->html, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (sent > 0) {
        flow->html += sent;
        flow->left -= (size_t)sent;
    }
    if (sent <= 0 || flow->left == 0)
        close_end(&process->input);
}

/* Closes the end when there is no more. */
static void receive_some(int *fd, struct text *to)
{
    char buffer[CHUNK];
    ssize_t got = read(*fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR)
        return;
    if (got <= 0)
        close_end(fd);
    else
        text_append_bytes(to, buffer, (size_t)got);
}

static void keep_end(struct text *said)
{
    if (said->length <= MOST_COMPLAINTS)
        return;
    memmove(said->bytes, said->bytes + said->length - MOST_COMPLAINTS / 2, MOST_COMPLAINTS / 2 + 1);
    said->length = MOST_COMPLAINTS / 2;
}

/* Until both outputs are closed; false when time is over or the PDF too large. */
static bool pass(struct process *process, struct flow *flow)
{
    size_t before = flow->pdf->length;
    while (process->output >= 0 || process->complaints >= 0) {
        int64_t left = process->deadline_ms - now_ms();
        if (left <= 0 || flow->pdf->length - before > most_pdf)
            return false;
        struct pollfd fds[] = {{process->input, POLLOUT, 0}, {process->output, POLLIN, 0},
                               {process->complaints, POLLIN, 0}};
        if (poll(fds, 3, left > 1000 ? 1000 : (int)left) <= 0)
            continue;
        if (fds[0].fd >= 0 && fds[0].revents != 0)
            send_some(process, flow);
        if (fds[1].fd >= 0 && fds[1].revents != 0)
            receive_some(&process->output, flow->pdf);
        if (fds[2].fd >= 0 && fds[2].revents != 0)
            receive_some(&process->complaints, flow->said);
        keep_end(flow->said);
    }
    return true;
}

/* --- outcome -------------------------------------------------------------------------------------------- */

/* The last line that is not empty, "" when there is none. */
static const char *last_line(struct text *said)
{
    while (said->length > 0 &&
           (said->bytes[said->length - 1] == '\n' || said->bytes[said->length - 1] == ' '))
        said->bytes[--said->length] = '\0';
    text_drop_broken(said->bytes);
    const char *line = strrchr(said->bytes, '\n');
    return line != NULL ? line + 1 : said->bytes;
}

static bool judge(int status, struct flow *flow, size_t before, struct error *error)
{
    if (WIFSIGNALED(status))
        return error_set(error, ERROR_IO, PROGRAM " was ended by signal %d; give it more memory",
                         WTERMSIG(status));
    if (WEXITSTATUS(status) != 0)
        return error_set(error, ERROR_IO, PROGRAM " ended with status %d: %s", WEXITSTATUS(status),
                         last_line(flow->said));
    const char *pdf = flow->pdf->bytes + before;
    if (strncmp(pdf, "%PDF-", 5) != 0)
        return error_set(error, ERROR_IO, PROGRAM " gave no PDF: %s", last_line(flow->said));
    return true;
}

static bool convert(struct process *process, struct flow *flow, const struct pdf_options *options,
                    struct error *error)
{
    size_t before = flow->pdf->length;
    bool killed;
    if (!has_started(process, options->program != NULL ? options->program : PROGRAM, error)) {
        finish(process, true, &killed);
        return false;
    }
    bool passed = pass(process, flow);
    int status = finish(process, !passed, &killed);
    if (killed && flow->pdf->length - before > most_pdf)
        return error_set(error, ERROR_IO, PROGRAM " gave more than %zu MiB", most_pdf >> 20);
    if (killed)
        return error_set(error, ERROR_BUSY,
                         PROGRAM " took longer than %d s; allow more time or ask for no PDF",
                         options->timeout_seconds > 0 ? options->timeout_seconds : DEFAULT_SECONDS);
    return judge(status, flow, before, error);
}

bool render_pdf(const struct text *html, const struct pdf_options *options, struct text *out,
                struct error *error)
{
    struct process process = {.input = -1, .output = -1, .complaints = -1, .started = -1};
    if (!start(&process, options, error))
        return false;
    size_t before = out->length;
    struct flow flow = {html->bytes, html->length, out, text_new(out)};
    bool converted = convert(&process, &flow, options, error);
    int ends[] = {process.input, process.output, process.complaints, process.started};
    close_all(ends, 4);
    talloc_free(flow.said);
    if (!converted) {
        out->length = before;
        out->bytes[before] = '\0';
    }
    return converted;
}
