/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A registry under load while a test breaks something, and the ledger at the end.
 *
 *   const struct fault_options options = {.label = "kills", .connections = 16};
 *   struct fault_run *run = fault_run_new(cluster, &options);
 *   fault_run_begin(run);
 *   ... break something ...
 *   fault_run_wait(run, 100);                  a hundred more acknowledgements: it works again
 *   fault_run_end(run);                        everything sent is acknowledged, and the ledger is right
 *
 * Random points are drawn from a generator whose seed is printed; FAULTS_SEED repeats a run.
 */
#ifndef PATELLA_TEST_FAULT_RUN_H
#define PATELLA_TEST_FAULT_RUN_H

#include "tests/support/cluster.h"
#include "tests/support/load.h"
#include "tests/support/registry.h"

/* A zero or NULL stands for what is said in brackets. */
struct fault_options {
    const char *label;               /* of its line in the table */
    int connections;                 /* (16) */
    const char *const *settings;     /* of the daemon (its defaults) */
    const char *host;                /* where the daemon looks for PostgreSQL (the cluster's socket) */
    const char *database_more;       /* further words of its connection string (none) */
    bool away;                       /* PostgreSQL is stopped before the daemon starts; nobody is enrolled */
};

struct fault_run {
    const char *label;
    struct cluster *cluster;         /* where the ledger looks */
    struct registry *registry;
    struct daemon_process *daemon;
    struct load *load;
};

/* A database with the studies, the daemon and the engine, which has enrolled its subjects. */
struct fault_run *fault_run_new(struct cluster *cluster, const struct fault_options *options);

/* What fault_run_new does, but for `away`. */
void fault_run_enrol(struct fault_run *run);

/* The load starts; returns once submissions are acknowledged. */
void fault_run_begin(struct fault_run *run);

/* Waits until `more` submissions were acknowledged since the call; fails the test after two minutes. */
void fault_run_wait(struct fault_run *run, uint64_t more);

/* A superuser's connection to the database; opened anew when the last one was lost. */
struct db *fault_run_db(struct fault_run *run);

/*
 * Ends the load: what is unknown is sent again until it is acknowledged.  Then the daemon is ready, the
 * ledger is right, nothing was refused, and no answer was 500 (`fault_run_end_with_failures` lets these
 * pass).  Prints a line of the table, ends daemon and database and frees the run.
 */
void fault_run_end(struct fault_run *run);
void fault_run_end_with_failures(struct fault_run *run);

/* True for `make faults`. */
bool faults_are_long(void);

/* 0 .. below - 1, from the generator. */
uint64_t fault_random(uint64_t below);

/* Prints a line of a table. */
void fault_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Fails the test, with the end of the daemon's log. */
void fault_fail(const struct fault_run *run, const char *what);

#endif
