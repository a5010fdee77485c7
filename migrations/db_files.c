/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "migrations/db_files.h"

#include <libpq-fe.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "forms/base/memory.h"

static const char *const file_keywords[] = {"sslcert", "sslkey", "sslrootcert", "sslcrl", "sslcrldir", "passfile"};
static const char *const file_variables[] = {"PGPASSFILE", "PGSERVICEFILE", "PGSSLCERT", "PGSSLKEY", "PGSSLROOTCERT",
                                             "PGSSLCRL", "PGSSLCRLDIR", "PGSYSCONFDIR"};
static const char *const home_files[] = {".pgpass", ".pg_service.conf", ".postgresql"};

enum {
    KEYWORDS = sizeof file_keywords / sizeof *file_keywords,
    VARIABLES = sizeof file_variables / sizeof *file_variables,
    HOME_FILES = sizeof home_files / sizeof *home_files
};

static const char *find_home(const void *owner)
{
    char buffer[4096];
    struct passwd entry, *found = NULL;
    const char *home = getenv("HOME");
    if (home != NULL && *home != '\0')
        return home;
    if (getpwuid_r(geteuid(), &entry, buffer, sizeof buffer, &found) != 0 || found == NULL)
        return NULL;
    return memory_copy_string(owner, found->pw_dir);
}

static bool is_file_keyword(const char *keyword)
{
    for (size_t i = 0; i < KEYWORDS; i++)
        if (strcmp(keyword, file_keywords[i]) == 0)
            return true;
    return false;
}

const char *const *db_files(const void *owner, const char *conninfo, struct error *error)
{
    char *text = NULL;
    PQconninfoOption *options = PQconninfoParse(conninfo, &text);
    if (!options) {
        error_set(error, ERROR_USAGE, "not a connection string: %s", text ? text : "out of memory");
        PQfreemem(text);
        return NULL;
    }
    const char **files = memory_new_array(owner, const char *, KEYWORDS + VARIABLES + HOME_FILES + 1);
    const char *home = find_home(owner);
    size_t count = 0;
    for (const PQconninfoOption *option = options; option->keyword; option++)
        if (option->val && is_file_keyword(option->keyword))
            files[count++] = memory_copy_string(files, option->val);
    PQconninfoFree(options);
    for (size_t i = 0; i < VARIABLES; i++)
        if (getenv(file_variables[i]))
            files[count++] = memory_copy_string(files, getenv(file_variables[i]));
    for (size_t i = 0; home && i < HOME_FILES; i++)
        files[count++] = memory_format(files, "%s/%s", home, home_files[i]);
    return files;
}
