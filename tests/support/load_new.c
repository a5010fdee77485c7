/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The load engine's beginning and what can be asked of it from outside; load.c is the run itself. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "forms/base/memory.h"
#include "tests/support/load_engine.h"

enum { SITE_MOST = 9999, SUBJECT_MOST = 999999, CONNECTIONS_MOST = 100000 };

static int number_or(int given, int fallback)
{
    return given > 0 ? given : fallback;
}

static struct load_options complete(const struct load_options *given)
{
    struct load_options options = *given;
    options.token = given->token != NULL ? given->token : "coordinator";
    options.study = given->study != NULL ? given->study : "demo";
    options.site = number_or(given->site, 1);
    options.first_subject = number_or(given->first_subject, 1);
    options.subjects = number_or(given->subjects, 64);
    options.connections = number_or(given->connections, 1);
    options.answer_ms = number_or(given->answer_ms, 60000);
    options.retry_most_ms = number_or(given->retry_most_ms, 200);
    options.settle_ms = number_or(given->settle_ms, 60000);
    return options;
}

static int free_load(struct load *load)
{
    load_abort(load);
    load_join(load);
    for (int i = 0; load->connections != NULL && i < load->options.connections; i++)
        load_connection_close(&load->connections[i], false);
    SSL_CTX_free(load->place.context);
    if (load->place.epoll >= 0)
        close(load->place.epoll);
    talloc_free(load->ledger.entries);
    return 0;
}

static void add_connections(struct load *load)
{
    int wanted = load->options.connections;
    char *inputs = memory_new_array(load, char, (size_t)wanted * LOAD_INPUT_LIMIT);
    load->connections = memory_new_array(load, struct load_connection, (size_t)wanted);
    for (int i = 0; i < wanted; i++)
        load->connections[i] = (struct load_connection){
            .socket = -1, .entry = -1, .input = inputs + (size_t)i * LOAD_INPUT_LIMIT};
    load->undone = wanted;
    load->not_yet_open = load->options.together ? wanted : 0;
}

static void ignore_sigpipe(void)
{
    struct sigaction action = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &action, NULL);
}

struct load *load_new(const void *owner, const struct load_options *options, struct error *error)
{
    struct load *load = memory_new(owner, struct load);
    load->options = complete(options);
    load->place.epoll = -1;
    talloc_set_destructor(load, free_load);
    if (load->options.site > SITE_MOST || load->options.connections > CONNECTIONS_MOST ||
        load->options.subjects > SUBJECT_MOST - load->options.first_subject + 1) {
        error_set(error, ERROR_USAGE, "the site, the subjects or the connections are too many");
        talloc_free(load);
        return NULL;
    }
    load->place.source = load->options.source;
    load->place.context = load_tls_new(load->options.certificate);
    load->place.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (load->place.context == NULL || load->place.epoll < 0) {
        error_set(error, ERROR_IO, "no TLS context with the certificate %s, or no epoll: %s",
                  load->options.certificate != NULL ? load->options.certificate : "(none)", strerror(errno));
        talloc_free(load);
        return NULL;
    }
    ignore_sigpipe();
    uint64_t room = load_record_limit(&load->options), wanted = load->options.submissions;
    load->limit = wanted > 0 && wanted < room ? wanted : room;
    load->random = load_random_seed();
    load->request = load_request_new(load, &load->options);
    atomic_store(&load->port, load->options.port);
    add_connections(load);
    return load;
}

/* ---- from any thread ---- */

void load_stop(struct load *load)
{
    atomic_store(&load->stops, true);
}

void load_abort(struct load *load)
{
    atomic_store(&load->aborts, true);
}

void load_set_port(struct load *load, int port)
{
    atomic_store(&load->port, port);
}

static uint64_t counted(const struct load *load, enum load_counter counter)
{
    return atomic_load_explicit(&load->counters[counter], memory_order_relaxed);
}

struct load_counts load_peek(const struct load *load)
{
    return (struct load_counts){
        .submissions = counted(load, LOAD_SUBMISSIONS),
        .acknowledged = counted(load, LOAD_COUNT_ACKNOWLEDGED),
        .replayed = counted(load, LOAD_REPLAYED),
        .refused = counted(load, LOAD_COUNT_REFUSED),
        .unknown_now = counted(load, LOAD_UNKNOWN_NOW),
        .unanswered = counted(load, LOAD_UNANSWERED),
        .unavailable = counted(load, LOAD_UNAVAILABLE),
        .failed = counted(load, LOAD_FAILED),
        .connects = counted(load, LOAD_CONNECTS),
        .connect_failures = counted(load, LOAD_CONNECT_FAILURES),
        .open = counted(load, LOAD_OPEN),
        .begun = atomic_load(&load->begun),
        .ended = atomic_load(&load->ended),
    };
}

/* ---- after the end ---- */

int64_t load_elapsed_us(const struct load *load)
{
    return load->last_us > load->started_us ? load->last_us - load->started_us : 0;
}

int64_t load_cpu_us(const struct load *load)
{
    return load->cpu_us;
}

double load_latency_us(const struct load *load, double share)
{
    return load_latency_at(&load->latency, share);
}

bool load_check_ledger(const struct load *load, struct db *db, struct load_findings *findings)
{
    return load_ledger_check(&load->ledger, &load->options, db, findings);
}

const char *load_first_refusal(const struct load *load)
{
    for (uint64_t i = 0; i < load->ledger.count; i++) {
        const struct load_entry *entry = &load->ledger.entries[i];
        if (entry->fate == LOAD_REFUSED)
            return memory_format(load, "%d %s", entry->status, entry->code);
    }
    return "";
}
