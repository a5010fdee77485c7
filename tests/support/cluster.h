/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A PostgreSQL cluster of a test's own, for what would hurt the other tests on the common one: killing it,
 * filling its disk, taking it away.  Made by ci/cluster: fsync is on, it listens on a socket that nobody else
 * reaches.  What goes wrong here fails the test; a cluster that is left is ended with the process.
 *
 *   struct cluster *cluster = cluster_new(NULL, "max_connections = 100\n");
 *   cluster_use(cluster);                      from here on test_database_new and registry_new work on it
 *   cluster_kill(cluster, CLUSTER_POSTMASTER);
 *   cluster_start(cluster);
 *   talloc_free(cluster);
 */
#ifndef PATELLA_TEST_CLUSTER_H
#define PATELLA_TEST_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "migrations/db.h"

struct cluster;

/* Made and started; `settings` are lines for postgresql.conf, or NULL.  Freeing it ends and removes it. */
struct cluster *cluster_new(const void *owner, const char *settings);

/* Moves its WAL to an empty folder (a file system of its own). */
void cluster_move_wal(struct cluster *cluster, const char *folder);

/*
 * Lets it listen on 127.0.0.1:5432, too, for whoever reaches that: only after cluster_enter_network, which
 * gives this process and what it starts a network of its own.  False where that is not allowed; `why` says
 * so.
 */
bool cluster_enter_network(const char **why);
void cluster_listen(struct cluster *cluster);

/* A hot standby of `primary`, which follows it under the application_name "standby"; started. */
struct cluster *cluster_new_standby(const void *owner, const struct cluster *primary);

/* A cluster of a copy of the data folder `data`, such as a base backup; started, which ends when it has recovered. */
struct cluster *cluster_new_restored(const void *owner, const char *data);

/* Sets PGHOST, PGPORT and PGUSER of this process. */
void cluster_use(const struct cluster *cluster);

const char *cluster_socket(const struct cluster *cluster);   /* folder of the socket, libpq's host */
const char *cluster_data(const struct cluster *cluster);     /* folder of its data */
const char *cluster_read_log(const void *owner, const struct cluster *cluster);

/* Gives a file or folder to the user that PostgreSQL runs as. */
void cluster_give(const struct cluster *cluster, const char *path);

/* Starts it, also after a crash, and waits until it takes connections. */
void cluster_start(struct cluster *cluster);

/* The same where it may fail: false when it does not start. */
bool cluster_try_start(struct cluster *cluster);

/* As an administrator does: sessions are ended, what is committed is on disk. */
void cluster_stop(struct cluster *cluster);

enum cluster_victims {
    CLUSTER_POSTMASTER,      /* it alone; its children find out by themselves */
    CLUSTER_EVERYTHING       /* every process at once */
};

/* SIGKILL, and waits until no process of the cluster is left. */
void cluster_kill(struct cluster *cluster, enum cluster_victims victims);

/* Process id of the postmaster, 0 when it does not run. */
pid_t cluster_postmaster(const struct cluster *cluster);

/* Process ids of all that belong to the cluster; their number. */
size_t cluster_processes(const struct cluster *cluster, pid_t *pids, size_t most);

/* A superuser's connection as soon as there is one: a cluster that recovers refuses them. */
struct db *cluster_connect(const void *owner, const struct cluster *cluster, const char *database);

#endif
