/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Backups and restores as migrations/README.md tells operators to do them: its commands, run in a folder of the test's,
 * on a registry under load (fault_run.h).
 *
 *   struct drill *drill = drill_new("restore", "archive_mode = on\n");
 *   drill_step(drill, DRILL_SUPERUSER, "pg_basebackup ...");      fails unless the procedure holds that command
 */
#ifndef PATELLA_TEST_DRILL_H
#define PATELLA_TEST_DRILL_H

#include "tests/support/fault_run.h"

struct drill {
    struct fault_run *run;
    const char *folder;          /* of the backup, keys, reports; removed at the end */
    const char *procedure;
    const char *programs;        /* folder of PostgreSQL's */
    int status;                  /* of the last command */
    const char *output;          /* its standard output and error */
    const char *receipt;         /* of drill_send_first */
};

/* Who a command connects as: the cluster's superuser, or what the program takes by itself. */
enum drill_user { DRILL_SUPERUSER, DRILL_OWN };

/* A cluster with these settings, the registry and its daemon, keys for patella-seal, a signature, a sent record. */
struct drill *drill_new(const char *label, const char *settings);
void drill_free(struct drill *drill);

/*
 * Runs what `command` prints as by printf, in the folder.  Variables are those of the procedure: BACKUP, NEW, ARCHIVE,
 * POINT, DUMP, KEY, PUBLIC_KEY, CHECKPOINTS, REASON, PGDATABASE.
 */
const char *drill_shell(struct drill *drill, enum drill_user user, const char *command, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for lines of the procedure, as they stand there. */
const char *drill_step(struct drill *drill, enum drill_user user, const char *command);

/* Fails the test, with the output, unless the last command ended so and its output holds `text`. */
void assert_drill(const struct drill *drill, int status, const char *text);

/* The load comes to its end, everything is acknowledged and right on the first cluster; the daemon ends. */
void drill_end_load(struct drill *drill);

/* From here on everything is looked for on `cluster`; its database is there once drill_connect is called. */
void drill_move_to(struct drill *drill, struct cluster *cluster);
void drill_connect(struct drill *drill);

/* A daemon on the cluster that is in use; clients go to it. */
void drill_start_daemon(struct drill *drill);

/* One value on the cluster that is in use, for the superuser. */
const char *drill_value(struct drill *drill, const char *sql);

/* `patella-seal run --once`; `patella-seal verify` that finds nothing. */
void drill_seal(struct drill *drill);
void drill_verify(struct drill *drill);

/* The report of the cut "before" into a folder of that name; the second one has to have the same bytes as `as`. */
void drill_report(struct drill *drill, const char *folder);
void assert_same_report(struct drill *drill, const char *folder, const char *as);

/* What drill_new has sent is answered with its first receipt again; 300 new submissions are taken, and right. */
void drill_go_on(struct drill *drill);

#endif
