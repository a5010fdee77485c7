/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The collector's settings: one table (name, type, default, range, reloadable, help), read from patella.yaml
 * and from `--set name=value`, the latter last.  An unknown name, a wrong type and a value out of range are
 * errors that say where they stand.  Not for secrets: passwords belong into libpq's passfile, keys into files
 * of their own.
 */
#ifndef PATELLA_SETTINGS_H
#define PATELLA_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "forms/base/error.h"
#include "forms/base/log.h"
#include "forms/base/text.h"

/* Not changed after settings_load. */
struct settings {
    const char *listen_address;
    int listen_port;
    const char *certificate;
    const char *key;
    const char *machine_listen_address;
    int machine_listen_port;
    const char *machine_client_ca;
    const char *machine_crl;
    const char *database;
    const char *auth_database;
    const char *allocation_keys;
    int session_idle_s;
    int workers;
    int worker_queue_limit;
    int queue_limit;
    int max_connections;
    int max_connections_per_address;
    int max_held_bytes;
    int max_upload_mib;
    int upload_expires_h;
    int handshake_deadline_ms;
    int head_deadline_ms;
    int work_deadline_ms;
    int write_wait_ms;
    int idle_deadline_ms;
    int rate_grace_ms;
    int body_min_bytes_per_s;
    int reply_min_bytes_per_s;
    int body_deadline_ms;
    int reply_deadline_ms;
    int stop_deadline_ms;
    int token_cache_ms;
    int catalogue_refresh_ms;
    const char *log_level;
    bool access_log;
    bool metrics_loopback_only;
};

/* Where settings come from. */
struct settings_source {
    const char *file;                  /* NULL: none */
    const char *const *assignments;    /* "name=value" */
    size_t assignment_count;
};

/* Defaults, then the file, then the assignments.  ERROR_INPUT for the file, ERROR_USAGE for an assignment. */
struct settings *settings_load(const void *owner, const struct settings_source *source, struct error *error)
    MUST_CHECK;

/*
 * The same source read anew: what cannot be changed while the program runs keeps its value of `current`, and
 * its name is appended to `kept`, after a blank.
 */
struct settings *settings_reload(const void *owner, const struct settings *current,
                                 const struct settings_source *source, struct text *kept, struct error *error)
    MUST_CHECK;

enum log_level settings_log_level(const struct settings *settings);

/* The table, for --help. */
void settings_print_help(FILE *out);

#endif
