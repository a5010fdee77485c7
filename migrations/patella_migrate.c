/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "forms/base/memory.h"
#include "migrations/migrate.h"

static const char program[] = "patella-migrate";

static const char help[] =
    "Usage: patella-migrate [--db CONNINFO] up|status|verify\n"
    "Brings a database to the schema of this version of Patella.\n"
    "\n"
    "  up       apply what is pending, each migration in a transaction of its own\n"
    "  status   list the migrations of this program and of the database\n"
    "  verify   exit 0 when the database has exactly the migrations of this program, with the same text\n"
    "\n"
    "  --db CONNINFO   libpq connection string; default: PGHOST, PGPORT, PGUSER, PGDATABASE, PGSERVICE;\n"
    "                  the database is \"patella\" when nothing names one\n"
    "  --help, --version\n"
    "\n"
    "`up` needs a superuser of the cluster, because it makes roles and event triggers.  It does not make the\n"
    "database itself: createdb does.\n";

static int fail(const struct error *error)
{
    error_print(error, program);
    return error_exit_status(error);
}

static int run(const char *command, const char *conninfo)
{
    struct error error;
    const struct db_options options = {
        .conninfo = conninfo, .application_name = program, .verbose_errors = true,
    };
    bool up = strcmp(command, "up") == 0, status = strcmp(command, "status") == 0;
    if (!up && !status && strcmp(command, "verify") != 0) {
        error_set(&error, ERROR_USAGE, "unknown command \"%s\"; see --help", command);
        return fail(&error);
    }
    struct db *db = db_open(NULL, &options, &error);
    if (!db)
        return fail(&error);
    bool done = up ? migrate_up(db, stdout, &error)
                : status ? migrate_print_status(db, stdout, &error) : migrate_check(db, &error);
    if (done && !up && !status)
        puts("the database has exactly the migrations of this program");
    talloc_free(db);
    return done ? 0 : fail(&error);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"db", required_argument, NULL, 'd'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    const char *conninfo = NULL;
    memory_init();
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'd':
            conninfo = optarg;
            break;
        case 'h':
            fputs(help, stdout);
            return 0;
        case 'v':
            printf("%s %s\n", program, PATELLA_VERSION);
            return 0;
        default:
            return 2;
        }
    }
    if (argc - optind != 1) {
        fputs(help, stderr);
        return 2;
    }
    return run(argv[optind], conninfo);
}
