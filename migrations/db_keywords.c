/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "migrations/db_keywords.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"

/*
 * Startup options beat what a role, a database or PGOPTIONS sets, and stand before the first statement runs.  A
 * WARNING is how PostgreSQL says that a standby does not have what it committed: it must arrive.  A backend whose
 * client is gone without a word, in the middle of a batch, finds that out as soon as the client would, and lets go of
 * the rows: its own default is two hours.
 */
#define PINNED_OPTIONS \
    "-c search_path= -c TimeZone=UTC -c DateStyle=ISO,YMD -c IntervalStyle=iso_8601 -c bytea_output=hex " \
    "-c extra_float_digits=1 -c standard_conforming_strings=on -c client_min_messages=warning " \
    "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=2 -c tcp_user_timeout=15000 " \
    "-c statement_timeout=%d"

#define CONNECT_TIMEOUT_S "5"

/* A peer that is gone without a word is found out within a quarter of a minute, sending or waiting. */
static const struct {
    const char *name;
    const char *value;       /* NULL: its own, see add_pinned */
} pinned[] = {
    {"options", NULL},
    {"client_encoding", "UTF8"},
    {"application_name", NULL},
    {"keepalives", "1"},
    {"keepalives_idle", "5"},
    {"keepalives_interval", "5"},
    {"keepalives_count", "2"},
    {"tcp_user_timeout", "15000"},
};

enum { PINNED = sizeof pinned / sizeof pinned[0], DEFAULTS = 3 };

static void add(struct db_keywords *keywords, const char *name, const char *value)
{
    keywords->names[keywords->count] = name;
    keywords->values[keywords->count] = value;
    keywords->count++;
}

static bool is_pinned(const char *keyword)
{
    for (size_t i = 0; i < PINNED; i++)
        if (strcmp(keyword, pinned[i].name) == 0)
            return true;
    return false;
}

static const char *given(const PQconninfoOption *options, const char *keyword)
{
    for (const PQconninfoOption *option = options; option->keyword; option++)
        if (strcmp(option->keyword, keyword) == 0)
            return option->val;
    return NULL;
}

static bool names(const PQconninfoOption *options, const char *keyword, const char *variable)
{
    return given(options, keyword) || getenv(variable);
}

static void add_defaults(struct db_keywords *keywords, const PQconninfoOption *given_options,
                         const char *default_user)
{
    /* A service may name a user and a database: libpq's matter. */
    if (names(given_options, "service", "PGSERVICE"))
        return;
    if (default_user && !names(given_options, "user", "PGUSER"))
        add(keywords, "user", default_user);
    if (!names(given_options, "dbname", "PGDATABASE"))
        add(keywords, "dbname", "patella");
    if (!names(given_options, "connect_timeout", "PGCONNECT_TIMEOUT"))
        add(keywords, "connect_timeout", CONNECT_TIMEOUT_S);
}

static void add_pinned(struct db_keywords *keywords, const struct db_options *options)
{
    for (size_t i = 0; i < PINNED; i++) {
        const char *value = pinned[i].value;
        if (strcmp(pinned[i].name, "options") == 0)
            value = memory_format(keywords, PINNED_OPTIONS, options->statement_timeout_ms);
        else if (!value)
            value = options->application_name;
        add(keywords, pinned[i].name, value);
    }
}

static struct db_keywords *collect(const void *owner, const struct db_options *options,
                                   const PQconninfoOption *given_options)
{
    size_t room = PINNED + DEFAULTS + 1;
    for (const PQconninfoOption *option = given_options; option->keyword; option++)
        room++;
    struct db_keywords *keywords = memory_new(owner, struct db_keywords);
    keywords->names = memory_new_array(keywords, const char *, room);
    keywords->values = memory_new_array(keywords, const char *, room);
    for (const PQconninfoOption *option = given_options; option->keyword; option++)
        if (option->val && !is_pinned(option->keyword))
            add(keywords, option->keyword, memory_copy_string(keywords, option->val));
    add_defaults(keywords, given_options, options->default_user);
    add_pinned(keywords, options);
    return keywords;
}

struct db_keywords *db_keywords_new(const void *owner, const struct db_options *options, struct error *error)
{
    char *text = NULL;
    PQconninfoOption *given_options = PQconninfoParse(options->conninfo, &text);
    if (!given_options) {
        error_set(error, ERROR_USAGE, "not a connection string: %s", text ? text : "out of memory");
        PQfreemem(text);
        return NULL;
    }
    struct db_keywords *keywords = collect(owner, options, given_options);
    PQconninfoFree(given_options);
    return keywords;
}
