/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The collector: takes submissions over TLS, checks, scores and stores them, and answers after COMMIT. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <event2/event.h>

#include "collector/activation.h"
#include "collector/auth_desk.h"
#include "collector/auth_process.h"
#include "collector/catalogues.h"
#include "collector/clock.h"
#include "collector/handlers.h"
#include "collector/sandbox.h"
#include "collector/server.h"
#include "collector/tls.h"
#include "collector/upload_jobs.h"
#include "collector/watch.h"
#include "collector/writer.h"
#include "forms/base/log.h"
#include "forms/base/memory.h"
#include "migrations/db_files.h"

struct options {
    struct settings_source source;
    const char **assignments;    /* of the source */
    bool check;
};

struct daemon {
    const struct settings *settings;
    struct activation activation;
    struct tls *tls[DOORS];              /* until the server has them, as the sockets */
    struct bound_sockets *bound[DOORS];
    struct allocation_keys *allocation_keys;     /* or NULL */
    struct watch *watch;
    struct workers *workers;
    bool writer_runs;
    struct server *server;
};

static void print_help(void)
{
    printf("usage: patellad [--config FILE] [--set NAME=VALUE]... [--check]\n\n"
           "Takes submissions over TLS into PostgreSQL.  PGHOST, PGSERVICE and such name the database.\n\n"
           "  --config FILE     settings in YAML, NAME: VALUE; default: the file that PATELLA_CONFIG names\n"
           "  --set NAME=VALUE  a setting; wins over the file\n"
           "  --check           read settings, certificate and keys, and exit\n"
           "  --help, --version\n\n"
           "SIGTERM ends it after what has begun is answered; SIGHUP reads certificate, key and the\n"
           "settings that are marked so anew.\n\nSettings:\n");
    settings_print_help(stdout);
}

/* False when the program has nothing more to do: *status says how it ends. */
static bool read_options(int argc, char **argv, struct options *options, int *status)
{
    static const struct option known[] = {
        {"config", required_argument, NULL, 'c'}, {"set", required_argument, NULL, 's'},
        {"check", no_argument, NULL, 'k'},        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},      {NULL, 0, NULL, 0},
    };
    options->assignments = memory_new_array(NULL, const char *, (size_t)argc);
    options->source = (struct settings_source){getenv("PATELLA_CONFIG"), options->assignments, 0};
    int found;
    while ((found = getopt_long(argc, argv, "", known, NULL)) != -1) {
        *status = EXIT_SUCCESS;
        switch (found) {
        case 'c': options->source.file = optarg; break;
        case 's': options->assignments[options->source.assignment_count++] = optarg; break;
        case 'k': options->check = true; break;
        case 'h': print_help(); return false;
        case 'v': puts("patellad " PATELLA_VERSION); return false;
        default: *status = 2; return false;
        }
    }
    *status = 2;
    if (optind < argc)
        fprintf(stderr, "patellad: unexpected '%s'; --help shows the usage\n", argv[optind]);
    return optind >= argc;
}

/* Answers of patients are in memory: no core file, and no other process of this user may look. */
static void harden(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__   /* the leak checker looks from another process */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
    signal(SIGPIPE, SIG_IGN);
}

static void stop_for_misfit(void *server)
{
    server_stop(server, EXIT_FAILURE);
}

static bool has_machines(const struct daemon *daemon)
{
    return *daemon->settings->machine_listen_address != '\0';
}

static bool load_tls(struct daemon *daemon, struct error *error)
{
    const struct settings *settings = daemon->settings;
    daemon->tls[DOOR_PEOPLE] = tls_load(NULL, settings->certificate, settings->key, error);
    if (daemon->tls[DOOR_PEOPLE] == NULL || !has_machines(daemon))
        return daemon->tls[DOOR_PEOPLE] != NULL;
    daemon->tls[DOOR_MACHINES] = tls_load_for_machines(NULL, settings, error);
    return daemon->tls[DOOR_MACHINES] != NULL;
}

static bool load_allocation_keys(struct daemon *daemon, struct error *error)
{
    const char *file = daemon->settings->allocation_keys;
    if (*file == '\0')
        return true;
    daemon->allocation_keys = allocation_keys_load(NULL, file, error);
    handlers_use_allocation_keys(daemon->allocation_keys);
    return daemon->allocation_keys != NULL;
}

static bool bind_doors(struct daemon *daemon, struct error *error)
{
    const struct settings *settings = daemon->settings;
    const struct listener_place places[DOORS] = {
        {DOOR_PEOPLE, settings->listen_address, settings->listen_port, &daemon->activation.people},
        {DOOR_MACHINES, settings->machine_listen_address, settings->machine_listen_port, &daemon->activation.machines},
    };
    if (daemon->activation.machines.count > 0 && !has_machines(daemon))
        return error_set(error, ERROR_INPUT, "the service manager hands over a socket for machines, and setting "
                         "machine_listen_address is empty; set it, machine_client_ca and machine_crl");
    for (size_t i = 0; i < DOORS; i++) {
        if (daemon->tls[i] != NULL)
            daemon->bound[i] = listener_bind(NULL, &places[i], error);
        if (daemon->tls[i] != NULL && daemon->bound[i] == NULL)
            return false;
    }
    return true;
}

/* What is read again at a reload or at a new connection to the database. */
static bool shut_in(const struct daemon *daemon, const struct settings_source *source, struct error *error)
{
    enum { OWN = 5 };
    const struct settings *settings = daemon->settings;
    const char *own[OWN] = {settings->certificate, settings->key, settings->machine_client_ca, settings->machine_crl,
                            source->file};
    void *work = memory_owner(NULL, "sandbox");
    const char *const *of_database = db_files(work, settings->database, error);
    size_t count = 0, at = 0;
    while (of_database != NULL && of_database[count] != NULL)
        count++;
    const char **files = memory_new_array(work, const char *, OWN + count + 1);
    for (size_t i = 0; i < OWN; i++)
        if (own[i] != NULL && *own[i] != '\0')
            files[at++] = own[i];
    for (size_t i = 0; i < count; i++)
        files[at++] = of_database[i];
    bool good = of_database != NULL && sandbox_enter(files, error);
    talloc_free(work);
    return good;
}

static bool start_threads(struct daemon *daemon, struct error *error)
{
    const struct settings *settings = daemon->settings;
    struct writer_options writer = {.conninfo = settings->database,
                                    .queue_limit = (size_t)settings->queue_limit,
                                    .wait_ms = settings->write_wait_ms};
    struct workers_options workers = {.conninfo = settings->database, .threads = (size_t)settings->workers,
                                      .queue_limit = (size_t)settings->worker_queue_limit};
    daemon->watch = watch_new(NULL, settings, error);
    if (daemon->watch == NULL)
        return false;
    daemon->writer_runs = writer_start(&writer, error);
    if (!daemon->writer_runs)
        return false;
    daemon->workers = workers_start(NULL, &workers, error);
    return daemon->workers != NULL && upload_jobs_start(settings->database, error);
}

static bool start(struct daemon *daemon, const struct settings_source *source, struct error *error)
{
    /* First of all: that process must not have what this one reads from here on. */
    int logins = -1;
    const char *logins_database = daemon->settings->auth_database;
    if (*logins_database != '\0' && !auth_process_start(logins_database, &logins, error))
        return false;
    bool ready = activation_read(&daemon->activation, error) && load_tls(daemon, error) &&
                 load_allocation_keys(daemon, error) && bind_doors(daemon, error) && shut_in(daemon, source, error) &&
                 (logins < 0 || auth_desk_start(logins, error)) && start_threads(daemon, error);
    if (!ready)
        return false;
    struct server_options server = {.settings = daemon->settings, .source = source,
                                    .bound = {daemon->bound[DOOR_PEOPLE], daemon->bound[DOOR_MACHINES]},
                                    .tls = {daemon->tls[DOOR_PEOPLE], daemon->tls[DOOR_MACHINES]},
                                    .routes = {route_table, route_count}, .workers = daemon->workers};
    daemon->server = server_new(NULL, &server, error);
    return daemon->server != NULL && server_handle_signals(daemon->server, error) &&
           watch_start(daemon->watch, stop_for_misfit, daemon->server, error);
}

static int left_ms(int64_t end_us)
{
    int64_t left_us = end_us - clock_now_us();
    return left_us > 0 ? (int)(left_us / 1000) : 0;
}

/* Threads end before the loop whose inbox they post to. */
static void stop(struct daemon *daemon, int deadline_ms)
{
    int64_t end_us = clock_now_us() + (int64_t)deadline_ms * 1000;
    bool ended = true;
    if (daemon->writer_runs)
        ended = writer_stop(left_ms(end_us));
    ended = auth_desk_stop(left_ms(end_us)) && ended;
    ended = upload_jobs_stop(left_ms(end_us)) && ended;
    if (daemon->workers != NULL)
        ended = workers_stop(daemon->workers, left_ms(end_us)) && ended;
    if (daemon->watch != NULL)
        ended = watch_stop(daemon->watch, left_ms(end_us)) && ended;
    if (!ended) {
        log_write(LOG_LEVEL_WARNING, "a thread still waits for the database; leaving it", NULL);
        _exit(EXIT_SUCCESS);   /* what it does was not acknowledged, and PostgreSQL rolls back */
    }
    if (daemon->server != NULL)
        server_free(daemon->server);
    handlers_use_allocation_keys(NULL);
    talloc_free(daemon->allocation_keys);
    catalogues_clear();
}

static void log_start(const struct daemon *daemon)
{
    char port[12];
    snprintf(port, sizeof port, "%d", server_port(daemon->server));
    log_write(LOG_LEVEL_INFO, "serving", "version", PATELLA_VERSION, "port", port, NULL);
}

/* Signals are the loop's thread's business; the threads started meanwhile inherit that they are blocked. */
static int serve(const struct settings *settings, const struct settings_source *source)
{
    struct daemon daemon = {.settings = settings};
    struct error error = {0};
    sigset_t signals, before;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, &before);
    bool started = start(&daemon, source, &error);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    int status = EXIT_FAILURE;
    if (started) {
        log_start(&daemon);
        activation_notify(&daemon.activation, "READY=1");
        status = server_run(daemon.server);
        activation_notify(&daemon.activation, "STOPPING=1");
    } else {
        error_print(&error, "patellad");
    }
    stop(&daemon, started ? server_stop_time_left_ms(daemon.server) : settings->stop_deadline_ms);
    return status;
}

static int check(const struct settings *settings)
{
    struct error error = {0};
    struct daemon daemon = {.settings = settings};
    if (!load_tls(&daemon, &error) || !load_allocation_keys(&daemon, &error)) {
        error_print(&error, "patellad");
        return error_exit_status(&error);
    }
    puts("settings, certificates and key are in order");
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    memory_init();
    event_set_mem_functions(memory_allocate, memory_reallocate, free);
    harden();
    tls_init();
    struct options options = {0};
    int status = EXIT_SUCCESS;
    if (read_options(argc, argv, &options, &status)) {
        struct error error = {0};
        struct settings *settings = settings_load(NULL, &options.source, &error);
        if (settings == NULL) {
            error_print(&error, "patellad");
            status = error_exit_status(&error);
        } else if (options.check) {
            log_set_level(settings_log_level(settings));
            status = check(settings);
        } else {
            status = serve(settings, &options.source);
        }
        talloc_free(settings);
    }
    talloc_free(options.assignments);
    return status;
}
