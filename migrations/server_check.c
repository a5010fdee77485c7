/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "migrations/server_check.h"

#include <stddef.h>
#include <string.h>

/*
 * As of 2025-11-13.  The first minor release of each major one without the known faults in row-level security and in
 * quoting: CVE-2024-10976 (policies under a query that is planned again), CVE-2025-1094 (quoting of invalid text),
 * CVE-2025-8713 (statistics that show rows which a policy hides), CVE-2025-8714 and CVE-2025-8715 (dumps that run
 * code where they are restored).  Source: the security page and the release notes of PostgreSQL, 2025-08-14.
 */
static const struct {
    int major, minor;
} oldest_good[] = {
    {14, 19},
    {15, 14},
    {16, 10},
    {17, 6},
    {18, 0},
};

enum { MAJORS = sizeof oldest_good / sizeof *oldest_good, MAJOR = 10000 };

bool server_check_version(int version, struct error *error)
{
    int major = version / MAJOR, minor = version % MAJOR;
    if (major < oldest_good[0].major)
        return error_set(error, ERROR_DATABASE, "PostgreSQL %d is too old; Patella needs %d.%d or newer: move the "
                         "database to a newer release (pg_upgrade)", major, oldest_good[0].major,
                         oldest_good[0].minor);
    for (size_t i = 0; i < MAJORS; i++)
        if (major == oldest_good[i].major && minor < oldest_good[i].minor)
            return error_set(error, ERROR_DATABASE, "the server is PostgreSQL %d.%d, which has known faults in "
                             "row-level security and quoting; Patella needs %d.%d or newer: install that minor release "
                             "and restart the server, the data stays as it is", major, minor, major,
                             oldest_good[i].minor);
    return true;
}

const char server_check_query[] =
    "SELECT pg_catalog.current_setting('fsync'),\n"
    "       pg_catalog.current_setting('full_page_writes'),\n"
    "       s.was,\n"
    "       s.standbys,\n"
    "       pg_catalog.set_config('synchronous_commit', CASE s.was WHEN 'local' THEN 'on' ELSE s.was END, false)\n"
    "FROM (SELECT pg_catalog.current_setting('synchronous_commit') AS was,\n"
    "             pg_catalog.current_setting('synchronous_standby_names') <> '' AS standbys) s";

static bool refuse_off(const char *name, const char *value, struct error *error)
{
    if (strcmp(value, "off") != 0)
        return true;
    return error_set(error, ERROR_DATABASE, "%s is off on this server, so that a crash of the machine can destroy what "
                     "was acknowledged; set %s to on (postgresql.conf or ALTER SYSTEM), and restart the server", name,
                     name);
}

bool server_check_settings(const struct server_settings *settings, struct error *error)
{
    if (!refuse_off("fsync", settings->fsync, error) ||
        !refuse_off("full_page_writes", settings->full_page_writes, error))
        return false;
    const char *commit = settings->synchronous_commit;
    if (strcmp(commit, "off") != 0 && (!settings->standbys || strcmp(commit, "local") != 0))
        return true;
    return error_set(error, ERROR_DATABASE, "synchronous_commit is %s for this role and database%s, so that PostgreSQL "
                     "would acknowledge what a crash can take back; set it to on (ALTER ROLE, ALTER DATABASE or "
                     "postgresql.conf)", commit, settings->standbys ? ", and there are synchronous standbys" : "");
}
