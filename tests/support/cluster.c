/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/cluster.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "tests/support/daemon.h"
#include "tests/support/test_database.h"

enum { END_MS = 60000, PROCESSES_MOST = 256, LOG_LIMIT = 64 << 20, MEMORY_LINE = 7 };

struct cluster {
    char *folder;
    char *data, *socket;
    struct cluster *next;    /* of those that live */
};

static struct cluster *living;

/* ---- processes ---- */

static bool works_in(const char *pid, const char *folder)
{
    char link[64], target[PATH_MAX];
    snprintf(link, sizeof link, "/proc/%.20s/cwd", pid);
    ssize_t length = readlink(link, target, sizeof target - 1);
    if (length < 0)
        return false;
    target[length] = '\0';
    return strcmp(target, folder) == 0;
}

size_t cluster_processes(const struct cluster *cluster, pid_t *pids, size_t most)
{
    size_t count = 0;
    DIR *processes = opendir("/proc");
    assert_non_null(processes);
    for (struct dirent *entry; count < most && (entry = readdir(processes)) != NULL;)
        if (isdigit((unsigned char)entry->d_name[0]) && works_in(entry->d_name, cluster->data))
            pids[count++] = (pid_t)strtol(entry->d_name, NULL, 10);
    closedir(processes);
    return count;
}

pid_t cluster_postmaster(const struct cluster *cluster)
{
    char path[PATH_MAX], line[32] = "";
    snprintf(path, sizeof path, "%s/postmaster.pid", cluster->data);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    if (fgets(line, sizeof line, file) != NULL)
        line[strcspn(line, "\n")] = '\0';
    fclose(file);
    return works_in(line, cluster->data) ? (pid_t)strtol(line, NULL, 10) : 0;
}

/* False when some are left after a minute. */
static bool wait_for_end(const struct cluster *cluster)
{
    pid_t left[PROCESSES_MOST];
    for (long long deadline = test_now_ms() + END_MS; test_now_ms() < deadline; test_pause())
        if (cluster_processes(cluster, left, PROCESSES_MOST) == 0)
            return true;
    return false;
}

void cluster_kill(struct cluster *cluster, enum cluster_victims victims)
{
    pid_t pids[PROCESSES_MOST] = {cluster_postmaster(cluster)};
    assert_true(pids[0] > 0);
    size_t count = 1;
    if (victims == CLUSTER_EVERYTHING)
        count = cluster_processes(cluster, pids, PROCESSES_MOST);
    for (size_t i = 0; i < count; i++)
        kill(pids[i], SIGKILL);
    if (!wait_for_end(cluster))
        fail_msg("processes of %s outlive their postmaster", cluster->folder);
}

/* ---- ci/cluster ---- */

/* Exit status of a program; what it prints goes to stderr. */
static int run_program(const char *const *arguments)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, 2, 1);
    pid_t pid = 0;
    int status = 0;
    int failed = posix_spawnp(&pid, arguments[0], &actions, NULL, (char **)(uintptr_t)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0)
        fail_msg("cannot run %s: %s", arguments[0], strerror(failed));
    while (waitpid(pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static int run(const char *verb, const char *folder, const char *more)
{
    return run_program((const char *[]){"ci/cluster", verb, folder, more, NULL});
}

bool cluster_try_start(struct cluster *cluster)
{
    return run("start", cluster->folder, NULL) == 0;
}

void cluster_start(struct cluster *cluster)
{
    if (!cluster_try_start(cluster))
        fail_msg("the cluster in %s does not start", cluster->folder);
}

void cluster_stop(struct cluster *cluster)
{
    assert_int_equal(run("stop", cluster->folder, NULL), 0);
}

/* ---- making and removing ---- */

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    (void)remove(path);
    return 0;
}

/* At once: nothing of it is kept.  SIGKILL would leave shared memory behind; some may have been stopped. */
static void end_now(const struct cluster *cluster)
{
    pid_t pids[PROCESSES_MOST], postmaster = cluster_postmaster(cluster);
    size_t count = cluster_processes(cluster, pids, PROCESSES_MOST);
    if (postmaster > 0)
        kill(postmaster, SIGQUIT);
    for (size_t i = 0; i < count; i++)
        kill(pids[i], SIGCONT);
    (void)wait_for_end(cluster);
}

/* What one that was killed holds until a start that does not come; its process file has the number. */
static void free_memory(const struct cluster *cluster)
{
    char path[PATH_MAX], line[256];
    struct shmid_ds status;
    snprintf(path, sizeof path, "%s/postmaster.pid", cluster->data);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    for (int number = 1; number <= MEMORY_LINE && fgets(line, sizeof line, file) != NULL; number++) {
        const char *id = strrchr(line, ' ');
        if (number == MEMORY_LINE && id != NULL &&
            shmctl((int)strtol(id, NULL, 10), IPC_STAT, &status) == 0 && status.shm_nattch == 0)
            shmctl((int)strtol(id, NULL, 10), IPC_RMID, NULL);
    }
    fclose(file);
}

static int destroy(struct cluster *cluster)
{
    struct cluster **link = &living;
    while (*link != NULL && *link != cluster)
        link = &(*link)->next;
    if (*link != NULL)
        *link = cluster->next;
    if (cluster->data != NULL) {
        end_now(cluster);
        free_memory(cluster);
    }
    nftw(cluster->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}

/* A test that fails does not free its own. */
static void end_living(void)
{
    while (living != NULL)
        talloc_free(living);
}

static struct cluster *make(const void *owner)
{
    static bool registered;
    if (!registered)
        atexit(end_living);
    registered = true;
    struct cluster *cluster = memory_new(owner, struct cluster);
    const char *temporary = getenv("TMPDIR");
    cluster->folder =
        memory_format(cluster, "%s/patella-cluster.XXXXXX", temporary != NULL ? temporary : "/tmp");
    assert_non_null(mkdtemp(cluster->folder));
    cluster->next = living;
    living = cluster;
    talloc_set_destructor(cluster, destroy);
    return cluster;
}

/* Where its links lead. */
static char *resolve(const struct cluster *cluster, const char *name)
{
    char path[PATH_MAX], found[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", cluster->folder, name);
    if (realpath(path, found) == NULL)
        fail_msg("%s: %s", path, strerror(errno));
    return memory_copy_string(cluster, found);
}

static void find_places(struct cluster *cluster)
{
    cluster->data = resolve(cluster, "place/data");
    cluster->socket = resolve(cluster, "socket-link");
}

static void configure(const struct cluster *cluster, const char *settings)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/postgresql.conf", cluster->data);
    FILE *file = fopen(path, "ae");
    assert_non_null(file);
    assert_true(fputs(settings, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

struct cluster *cluster_new(const void *owner, const char *settings)
{
    struct cluster *cluster = make(owner);
    cluster_start(cluster);
    find_places(cluster);
    configure(cluster, "dynamic_shared_memory_type = mmap\n");   /* files in its folder */
    configure(cluster, settings != NULL ? settings : "");
    cluster_stop(cluster);
    cluster_start(cluster);
    return cluster;
}

void cluster_give(const struct cluster *cluster, const char *path)
{
    struct stat status;
    assert_int_equal(stat(cluster->data, &status), 0);
    assert_int_equal(chown(path, status.st_uid, status.st_gid), 0);
}

void cluster_move_wal(struct cluster *cluster, const char *folder)
{
    char *wal = memory_format(cluster, "%s/pg_wal", cluster->data);
    char *files = memory_format(cluster, "%s/.", wal);
    cluster_stop(cluster);
    assert_int_equal(run_program((const char *[]){"cp", "-a", files, folder, NULL}), 0);
    nftw(wal, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    assert_int_equal(symlink(folder, wal), 0);
    cluster_start(cluster);
}

/* ---- a network of its own ---- */

bool cluster_enter_network(const char **why)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    if (unshare(CLONE_NEWNET) != 0) {
        *why = strerror(errno);
        return false;
    }
    int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(any >= 0);
    assert_int_equal(ioctl(any, SIOCSIFFLAGS, &request), 0);
    close(any);
    return true;
}

void cluster_listen(struct cluster *cluster)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/pg_hba.conf", cluster->data);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs("local all all trust\nhost all all 127.0.0.1/32 trust\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    configure(cluster, "listen_addresses = '127.0.0.1'\n");
    cluster_stop(cluster);
    cluster_start(cluster);
}

/* Made by `verb` of another's data. */
static struct cluster *make_from(const void *owner, const char *verb, const char *from)
{
    struct cluster *cluster = make(owner);
    assert_int_equal(run(verb, cluster->folder, from), 0);
    cluster->data = resolve(cluster, "place/data");
    cluster_start(cluster);
    cluster->socket = resolve(cluster, "socket-link");
    return cluster;
}

struct cluster *cluster_new_standby(const void *owner, const struct cluster *primary)
{
    return make_from(owner, "standby", primary->folder);
}

struct cluster *cluster_new_restored(const void *owner, const char *data)
{
    struct cluster *cluster = make_from(owner, "restore", data);
    struct db *db = cluster_connect(NULL, cluster, "postgres");
    for (long long deadline = test_now_ms() + END_MS; strcmp(test_value(db, "SELECT pg_is_in_recovery()"), "f") != 0;) {
        if (test_now_ms() > deadline)
            fail_msg("the cluster in %s does not end its recovery", cluster->folder);
        test_pause();
    }
    talloc_free(db);
    return cluster;
}

/* ---- using it ---- */

const char *cluster_socket(const struct cluster *cluster)
{
    return cluster->socket;
}

const char *cluster_data(const struct cluster *cluster)
{
    return cluster->data;
}

const char *cluster_read_log(const void *owner, const struct cluster *cluster)
{
    struct error error;
    size_t length = 0;
    char *path = memory_format(owner, "%s/../postgres.log", cluster->data);
    const char *log = text_read_file(owner, path, LOG_LIMIT, &length, &error);
    return log != NULL ? log : "";
}

void cluster_use(const struct cluster *cluster)
{
    assert_int_equal(setenv("PGHOST", cluster->socket, 1), 0);
    assert_int_equal(setenv("PGPORT", "5432", 1), 0);
    assert_int_equal(setenv("PGUSER", "postgres", 1), 0);
    unsetenv("PGDATABASE");
    unsetenv("PGSERVICE");
}

struct db *cluster_connect(const void *owner, const struct cluster *cluster, const char *database)
{
    struct error error;
    void *work = memory_owner(NULL, "conninfo");
    const struct db_options options = {
        .conninfo = memory_format(work, "host=%s port=5432 user=postgres dbname=%s", cluster->socket,
                                  database),
        .application_name = "patella-test",
        .verbose_errors = true,
    };
    struct db *db = NULL;
    for (long long deadline = test_now_ms() + END_MS; db == NULL; test_pause()) {
        db = db_open(owner, &options, &error);
        if (db == NULL && test_now_ms() > deadline)
            fail_msg("%s", error.message);
    }
    talloc_free(work);
    return db;
}
