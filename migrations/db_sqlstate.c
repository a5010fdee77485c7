/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "migrations/db_sqlstate.h"

#include <stddef.h>
#include <string.h>

#include "migrations/db.h"

struct sqlstate_kind {
    const char *prefix;      /* the longer one first where one begins with another */
    enum error_kind kind;
    bool transient;          /* the same work may succeed at once */
};

static const struct sqlstate_kind sqlstate_kinds[] = {
    {"08", ERROR_DATABASE, true},      /* connection lost */
    {"23505", ERROR_CONFLICT, false},  /* unique */
    {"23", ERROR_INPUT, false},        /* other constraints */
    {"22", ERROR_INPUT, false},        /* data exception */
    {"25006", ERROR_DATABASE, true},   /* read-only: a standby, while another one takes over */
    {"28", ERROR_DENIED, false},       /* no valid token, no such role */
    {"40", ERROR_BUSY, true},          /* serialization, deadlock */
    {"42501", ERROR_DENIED, false},    /* no privilege */
    {"42S2F", ERROR_DENIED, false},    /* ours: sec.need_second_factor */
    {"53300", ERROR_BUSY, true},       /* too many connections */
    {"53", ERROR_BUSY, false},         /* disk full, out of memory */
    {"55P03", ERROR_BUSY, true},       /* lock_timeout */
    {"55006", ERROR_CONFLICT, false},  /* in use */
    {"57014", ERROR_BUSY, false},      /* statement_timeout: the next try would take as long */
    {"57P", ERROR_DATABASE, true},     /* shutdown, crash, starting up */
    {"58", ERROR_BUSY, false},         /* the disk failed, or a file was not there */
    {"P0002", ERROR_NOT_FOUND, false},
};

static const struct sqlstate_kind *find_kind(const char *sqlstate)
{
    for (size_t i = 0; i < sizeof sqlstate_kinds / sizeof sqlstate_kinds[0]; i++)
        if (strncmp(sqlstate, sqlstate_kinds[i].prefix, strlen(sqlstate_kinds[i].prefix)) == 0)
            return &sqlstate_kinds[i];
    return NULL;
}

enum error_kind db_sqlstate_kind(const char *sqlstate)
{
    const struct sqlstate_kind *found = find_kind(sqlstate);
    return found ? found->kind : ERROR_DATABASE;
}

bool db_is_transient(const struct error *error)
{
    const struct sqlstate_kind *found = find_kind(error->sqlstate);
    return found && found->transient;
}
