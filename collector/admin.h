/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * patella-admin's commands: studies, sites, freezing and locking, accounts, tokens, allocation, cuts.
 *
 * Each command is a row of a table in the file of its subject; patella_admin.c finds the row and runs it. The
 * database is reached as role patella_admin through functions of schema admin, which audit what they do.
 */
#ifndef PATELLA_ADMIN_H
#define PATELLA_ADMIN_H

#include <stdbool.h>
#include <stddef.h>

#include "collector/arguments.h"
#include "forms/base/error.h"
#include "forms/base/text.h"
#include "migrations/db.h"

struct admin {
    const void *owner;                       /* of whatever a command allocates */
    const struct arguments *arguments;
    struct db *db;                           /* NULL until admin_database() */
    struct text *members;                    /* admin_result.h: what it told so far, or NULL */
    bool printed;
};

typedef bool admin_function(struct admin *admin, struct error *error);

struct admin_command {
    struct argument_command syntax;
    admin_function *run;
};

struct admin_group {
    const struct admin_command *commands;
    size_t count;
};

extern const struct admin_group admin_studies;       /* admin_studies.c: study, site, reporter, cut */
extern const struct admin_group admin_wordings;      /* admin_wordings.c: wording */
extern const struct admin_group admin_holds;         /* admin_holds.c: freeze, lock; hold, redaction */
extern const struct admin_group admin_accounts;      /* admin_accounts.c: account, token */
extern const struct admin_group admin_ca;            /* admin_ca.c: ca */
extern const struct admin_group admin_people;        /* admin_people.c: invitation, membership, session */
extern const struct admin_group admin_allocation;    /* admin_allocation.c: allocate */
extern const struct admin_group admin_allocation_keys;   /* admin_allocation_keys.c: allocation-key */
extern const struct admin_group admin_notices;       /* admin_notices.c: notify, notice */
extern const struct admin_group admin_audit;         /* admin_audit.c: audit */
extern const struct admin_group admin_export;        /* admin_export.c: export */

enum admin_statement {
    ADMIN_SET_OPERATOR,
    ADMIN_ADD_STUDY,
    ADMIN_PUT_PROTOCOL,
    ADMIN_PUT_FORM,
    ADMIN_LIST_STUDIES,
    ADMIN_LIST_PROTOCOLS,
    ADMIN_LIST_FORMS,
    ADMIN_PUT_WORDING,
    ADMIN_LIST_WORDINGS,
    ADMIN_ADD_SITE,
    ADMIN_LIST_SITES,
    ADMIN_GRANT_REPORTER,
    ADMIN_ADD_ACCOUNT,
    ADMIN_LIST_ACCOUNTS,
    ADMIN_DISABLE_ACCOUNT,
    ADMIN_ADD_TOKEN,
    ADMIN_LIST_TOKENS,
    ADMIN_REVOKE_TOKEN,
    ADMIN_INVITE_ACCOUNT,
    ADMIN_LIST_INVITATIONS,
    ADMIN_END_INVITATION,
    ADMIN_ADD_MEMBERSHIP,
    ADMIN_LIST_MEMBERSHIPS,
    ADMIN_END_MEMBERSHIP,
    ADMIN_LIST_SESSIONS,
    ADMIN_END_SESSION,
    ADMIN_ALLOCATE,
    ADMIN_NEWEST_ENTRIES,
    ADMIN_ALLOCATE_SEALED,
    ADMIN_ADD_ALLOCATION_KEY,
    ADMIN_LIST_ALLOCATION_KEYS,
    ADMIN_NEWEST_ALLOCATION_KEY,
    ADMIN_MAKE_CUT,
    ADMIN_LIST_CUTS,
    ADMIN_FREEZE_STUDY,
    ADMIN_LOCK_SUBJECT,
    ADMIN_LIST_HOLDS,
    ADMIN_LIST_REDACTIONS,
    ADMIN_LIST_NOTICES,
    ADMIN_TAKE_NOTICE,
    ADMIN_FINISH_NOTICE,
    ADMIN_ADD_NOTICE,
    ADMIN_REQUEST_AUDIT,
    ADMIN_READ_AUDIT,
    ADMIN_REQUEST_REVIEW,
    ADMIN_READ_REVIEW,
    ADMIN_STATEMENTS
};

extern const struct db_statement admin_statements[ADMIN_STATEMENTS];

/* The option that every command with a database has.  --json, which all have, is added by patella_admin.c. */
#define ADMIN_DATABASE_OPTION \
    {"db", "CONNINFO", false, "libpq connection string; default: libpq's environment, role patella_admin"}

#define ADMIN_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Operand `at` of the command line behind the command's words; NULL behind the last. */
const char *admin_operand(const struct admin *admin, size_t at);

/* Value of an option, NULL when it was not given. */
const char *admin_option(const struct admin *admin, const char *name);

/* The connection, opened at first use: a command that is written wrongly is refused without one. */
struct db *admin_database(struct admin *admin, struct error *error) MUST_CHECK;

/* Opens a connection that was lost anew, for a command that goes on for long. */
bool admin_keep_database(struct admin *admin, struct error *error) MUST_CHECK;

/* Runs a statement whose parameters are `count` texts (NULL: SQL NULL). */
struct db_result *admin_execute(struct admin *admin, enum admin_statement statement, const char *const *texts,
                                size_t count, struct error *error) MUST_CHECK;

struct admin_column {
    const char *name;
    enum { ADMIN_TEXT, ADMIN_NUMBER, ADMIN_YES_NO } kind;
};

/*
 * Prints what the statement lists to stdout, a column after the other: a table for people, or with --json an
 * array of objects.  Its parameters are the first `operand_count` operands of the command line.
 */
bool admin_print_list(struct admin *admin, enum admin_statement statement, size_t operand_count,
                      const struct admin_column *columns, size_t column_count,
                      struct error *error) MUST_CHECK;

/* A whole number least..most from the command line; `what` names it in the message. */
bool admin_read_number(const char *text, const char *what, int least, int most, int *number,
                       struct error *error) MUST_CHECK;

#endif
