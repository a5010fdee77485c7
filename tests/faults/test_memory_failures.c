/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The n-th allocation of patellad fails, for all n of one whole submission (connection, handshake, request, check,
 * write, receipt) and for every place of the start-up that allocates; once alone, and once with the hundred that
 * follow.  An end of the process is a right answer, so is a cut connection or a 5xx; what is acknowledged is stored,
 * nothing is refused as the client's mistake, nothing hangs, and nothing crashes otherwise than by abort().
 */
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "tests/faults/failing_malloc.h"
#include "tests/support/fault_run.h"
#include "tests/support/load_record.h"
#include "tests/support/tls_client.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWN_ALLOCATOR true        /* the sanitizers bring an allocator of their own */
#else
#define OWN_ALLOCATOR false
#endif

enum { ANSWER_MS = 30000, READY_MS = 30000, RUN_LONG = 100, SHORT_TRIES = 30 };

struct bench {
    struct registry *registry;
    struct daemon_process *daemon;
    struct failing_malloc *control;
    struct load_options options;
    struct load_request *request;
    struct load_random random;
    uint64_t sent;                       /* submissions so far */
    uint8_t id[16];                      /* of the last one */
};

/* ---- what happened ---- */

struct tally {
    const char *label;
    int tried, reached, fine, refused_5xx, cut, ended, restarts;
    int false_4xx, false_2xx, crashed, hung;          /* defects */
    char first_defect[200];
};

static void note_defect(struct tally *tally, int *kind, int64_t n, const char *what)
{
    (*kind)++;
    if (*tally->first_defect == '\0')
        snprintf(tally->first_defect, sizeof tally->first_defect, "allocation %" PRId64 ": %s", n, what);
}

static void print_tally(const struct tally *tally)
{
    fault_note("%-44s tried %5d (reached %5d): fine %5d, 5xx %3d, cut %5d, exits %4d; crashes %d, hangs %d, "
               "false 2xx %d, false 4xx %d",
               tally->label, tally->tried, tally->reached, tally->fine, tally->refused_5xx, tally->cut,
               tally->ended, tally->crashed, tally->hung, tally->false_2xx, tally->false_4xx);
}

static void judge_tally(const struct tally *tally)
{
    print_tally(tally);
    if (*tally->first_defect != '\0')
        fail_msg("%s: %s", tally->label, tally->first_defect);
    assert_true(tally->reached > 0);
}

/* ---- the daemon with the allocator ---- */

static void let_fail(struct bench *bench, int64_t from_now, int64_t count)
{
    atomic_store(&bench->control->failed, 0);
    atomic_store(&bench->control->count, count);
    atomic_store(&bench->control->first, from_now > 0 ? atomic_load(&bench->control->calls) + from_now : 0);
}

/* The control file is gone as soon as all have it. */
static struct failing_malloc *map_control(void)
{
    char path[] = "/tmp/patella-malloc-XXXXXX";
    int file = mkostemp(path, O_CLOEXEC);
    assert_true(file >= 0);
    assert_int_equal(ftruncate(file, sizeof(struct failing_malloc)), 0);
    void *mapped = mmap(NULL, sizeof(struct failing_malloc), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    assert_true(mapped != MAP_FAILED);
    close(file);
    setenv(FAILING_MALLOC_FILE, path, 1);
    return mapped;
}

static void preload(bool wanted)
{
    const char *build = getenv("BUILD");
    char path[4096], folder[2048];
    assert_non_null(getcwd(folder, sizeof folder));
    if (build != NULL && *build == '/')
        *folder = '\0';
    snprintf(path, sizeof path, "%s%s%s/faults/failing_malloc.so", folder, *folder != '\0' ? "/" : "",
             build != NULL ? build : "build");
    if (wanted && !OWN_ALLOCATOR)
        setenv("LD_PRELOAD", path, 1);
    else
        unsetenv("LD_PRELOAD");
}

static void restart(struct bench *bench)
{
    preload(true);
    daemon_restart(bench->daemon);
    preload(false);
}

/* Exit status when the daemon has ended or is about to (128 + signal), -1 when it lives. */
static int status_of(struct daemon_process *daemon)
{
    siginfo_t info = {.si_pid = 0};
    assert_int_equal(waitid(P_PID, (id_t)daemon->pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);
    return info.si_pid == 0 ? -1 : daemon_wait(daemon);
}

static bool may_end_so(int status)
{
    return status == 128 + SIGABRT || (status > 0 && status < 128);
}

/* ---- one submission ---- */

static void patch_next(struct bench *bench)
{
    struct load_record record = load_record_at(&bench->options, bench->sent);
    load_make_id(&bench->random, LOAD_IDS_VERSION_7, bench->id);
    load_request_patch(bench->request, &record, bench->id, bench->sent);
    bench->sent++;
}

/* Over a connection of its own: its status, 0 when cut, -1 when nothing comes. */
static int submit(struct bench *bench)
{
    struct tls_client *client =
        tls_client_open(bench->registry, &(struct tls_client_options){.port = bench->daemon->port});
    int status = 0;
    if (client != NULL && tls_client_send(client, bench->request->bytes, bench->request->length))
        status = tls_client_read_reply(client, ANSWER_MS).status;
    talloc_free(client);
    return status;
}

static bool is_acknowledged(int status)
{
    return status == 201 || status == 200;
}

/* Exactly once, with its line in the audit trail. */
static bool is_stored_once(struct bench *bench)
{
    char id[37];
    text_from_uuid(bench->id, id);
    const char *sql = memory_format(bench->registry->db,
                                    "SELECT (SELECT count(*) FROM core.submission WHERE id = '%s') || '/' || "
                                    "(SELECT count(*) FROM audit.event WHERE object = 'core.submission' "
                                    "AND operation = 'INSERT' AND row_id = '%s')",
                                    id, id);
    return strcmp(test_value(bench->registry->db, sql), "1/1") == 0;
}

/* Starts the daemon again when it has ended; true when it has. */
static bool restart_if_ended(struct bench *bench, struct tally *tally, int64_t n)
{
    int status = status_of(bench->daemon);
    if (status < 0)
        return false;
    let_fail(bench, 0, 0);
    tally->ended += may_end_so(status);
    if (!may_end_so(status))
        note_defect(tally, &tally->crashed, n, memory_format(bench->registry, "ended with %d", status));
    restart(bench);
    return true;
}

/*
 * With memory again: the same id must be taken, by this process or the next one, and be there once.  A process that
 * is about to abort may have cut the connection before it is gone.
 */
static void resend(struct bench *bench, struct tally *tally, int64_t n)
{
    long long deadline = test_now_ms() + READY_MS;
    int status = submit(bench);
    while (!is_acknowledged(status) && test_now_ms() < deadline) {
        (void)restart_if_ended(bench, tally, n);
        test_pause();
        status = submit(bench);
    }
    if (!is_acknowledged(status) || !is_stored_once(bench))
        note_defect(tally, &tally->hung, n, "not taken afterwards, or not once");
}

static void try_submission(struct bench *bench, struct tally *tally, int64_t n, int64_t count)
{
    patch_next(bench);
    let_fail(bench, n, count);
    int status = submit(bench);
    tally->tried++;
    bool reached = atomic_load(&bench->control->failed) > 0;
    let_fail(bench, 0, 0);
    bool ended = status <= 0 && restart_if_ended(bench, tally, n);
    if (is_acknowledged(status) && !is_stored_once(bench))
        note_defect(tally, &tally->false_2xx, n, "acknowledged and not stored");
    if (status >= 400 && status < 500)
        note_defect(tally, &tally->false_4xx, n, memory_format(bench->registry, "refused by %d", status));
    tally->fine += is_acknowledged(status);
    tally->refused_5xx += status >= 500;
    tally->reached += reached || ended;
    tally->cut += status == 0;
    if (status < 0 && !ended)
        note_defect(tally, &tally->hung, n, "no answer and no end");
    resend(bench, tally, n);
}

static int64_t count_allocations(struct bench *bench)
{
    int64_t most = 0;
    for (int i = 0; i < 3; i++) {
        patch_next(bench);
        int64_t before = atomic_load(&bench->control->calls);
        assert_int_equal(submit(bench), 201);
        int64_t took = atomic_load(&bench->control->calls) - before;
        most = took > most ? took : most;
    }
    return most;
}

static void test_each_allocation_of_a_submission_fails(void **state)
{
    struct bench *bench = *state;
    static const int64_t counts[] = {1, RUN_LONG};
    if (OWN_ALLOCATOR)
        skip();
    for (size_t i = 0; i < 2; i++) {
        struct tally tally = {.label = i == 0 ? "a submission, one allocation fails"
                                              : "a submission, a hundred in a row fail"};
        int64_t all = count_allocations(bench);
        int64_t step = faults_are_long() ? 1 : all / SHORT_TRIES + 1;
        for (int64_t n = 1 + (int64_t)fault_random((uint64_t)step); n <= all; n += step)
            try_submission(bench, &tally, n, counts[i]);
        judge_tally(&tally);
    }
}

/* ---- start-up ---- */

static int compare_stacks(const void *a, const void *b)
{
    const uint64_t *one = a, *other = b;
    return (*one > *other) - (*one < *other);
}

/* The numbers of the allocations of a start, one for each different stack; their count. */
static size_t find_places(struct bench *bench, int64_t *places, size_t most)
{
    assert_int_equal(daemon_stop(bench->daemon), 0);
    atomic_store(&bench->control->calls, 0);
    atomic_store(&bench->control->records, 1);
    restart(bench);
    assert_true(daemon_wait_ready(bench->daemon, READY_MS));
    atomic_store(&bench->control->records, 0);
    int64_t calls = atomic_load(&bench->control->calls);
    size_t count = calls < FAILING_MALLOC_STACKS ? (size_t)calls : FAILING_MALLOC_STACKS, found = 0;
    uint64_t *stacks = memory_new_array(NULL, uint64_t, count);
    for (size_t i = 0; i < count; i++)
        stacks[i] = (uint64_t)bench->control->stacks[i] << 32 | i;
    qsort(stacks, count, sizeof *stacks, compare_stacks);
    for (size_t i = 0; i < count && found < most; i++)
        if (i == 0 || stacks[i] >> 32 != stacks[i - 1] >> 32)
            places[found++] = (int64_t)(uint32_t)stacks[i] + 1;
    talloc_free(stacks);
    fault_note("start-up: %" PRId64 " allocations at %zu places", calls, found);
    return found;
}

static void try_start(struct bench *bench, struct tally *tally, int64_t n, int64_t count)
{
    if (bench->daemon->pid > 0 && kill(bench->daemon->pid, SIGKILL) == 0)
        (void)daemon_wait(bench->daemon);
    atomic_store(&bench->control->calls, 0);
    let_fail(bench, n, count);
    restart(bench);
    long long deadline = test_now_ms() + READY_MS;
    bool ready = false, ended = false;
    while (!ready && !ended && test_now_ms() < deadline) {
        ready = daemon_wait_ready(bench->daemon, 0);
        ended = !ready && restart_if_ended(bench, tally, n);
    }
    tally->tried++;
    tally->reached += ended || atomic_load(&bench->control->failed) > 0;
    let_fail(bench, 0, 0);
    tally->fine += ready;
    if (!ready && !ended)
        note_defect(tally, &tally->hung, n, "neither ready nor ended");
    patch_next(bench);
    resend(bench, tally, n);
}

static void test_each_allocation_of_the_start_fails(void **state)
{
    enum { PLACES = 8192 };
    struct bench *bench = *state;
    static int64_t places[PLACES];
    if (OWN_ALLOCATOR)
        skip();
    size_t count = find_places(bench, places, PLACES);
    size_t step = faults_are_long() ? 1 : count / SHORT_TRIES + 1;
    struct tally tally = {.label = "the start, one allocation fails"};
    for (size_t i = (size_t)fault_random(step); i < count; i += step)
        try_start(bench, &tally, places[i], 1);
    judge_tally(&tally);
}

/* ---- set-up ---- */

static void enrol(struct bench *bench)
{
    struct client *client = client_new(bench->registry, bench->daemon, "coordinator");
    const char *body = registry_enrolment(bench->registry, NULL, "01-0001");
    assert_int_equal(client_send(client, "POST", DEMO "/submissions", body)->status, 201);
    talloc_free(client);
}

static int set_up(void **state)
{
    struct bench *bench = memory_new(NULL, struct bench);
    *state = bench;
    bench->registry = registry_new_stopped(bench);
    bench->control = map_control();
    preload(true);
    bench->daemon = daemon_start(bench, test_database_conninfo(bench, bench->registry->database,
                                                               "patella_collector"), NULL);
    preload(false);
    bench->options = (struct load_options){.study = "demo", .token = "coordinator", .site = 1, .first_subject = 1,
                                           .subjects = 1};
    bench->request = load_request_new(bench, &bench->options);
    bench->random = load_random_seed();
    enrol(bench);
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    unlink(getenv(FAILING_MALLOC_FILE));
    if (bench->daemon->pid > 0)
        (void)daemon_stop(bench->daemon);
    talloc_free(bench->registry->db);
    talloc_free(bench);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_allocation_of_a_submission_fails),
        cmocka_unit_test(test_each_allocation_of_the_start_fails),
    };
    memory_init();
    signal(SIGPIPE, SIG_IGN);   /* the daemon may end at any byte */
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
