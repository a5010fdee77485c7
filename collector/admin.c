/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/admin.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "collector/admin_result.h"
#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "migrations/migrate.h"

enum { STATEMENT_TIMEOUT_MS = 60000 };

const struct db_statement admin_statements[ADMIN_STATEMENTS] = {
    [ADMIN_SET_OPERATOR] = {"set_operator",
                            "SELECT pg_catalog.set_config('patella.operator', $1::text, false)"},
    [ADMIN_ADD_STUDY] = {"add_study", "SELECT admin.add_study($1::text, $2::text, $3::text, $4::name)"},
    [ADMIN_PUT_PROTOCOL] = {"put_protocol",
                            "SELECT admin.put_protocol($1::text, $2::int, $3::text, $4::text)"},
    [ADMIN_PUT_FORM] = {"put_form", "SELECT admin.put_form($1::text, $2::text, $3::int, $4::text)"},
    [ADMIN_LIST_STUDIES] = {"list_studies", "SELECT code, title, masking, frozen, protocol_version\n"
                                            "FROM admin.list_studies()"},
    [ADMIN_LIST_PROTOCOLS] = {"list_protocols", "SELECT version, yaml\n"
                                                "FROM admin.list_protocols($1::text)\n"
                                                "ORDER BY version DESC"},
    [ADMIN_LIST_FORMS] = {"list_forms", "SELECT form, version, yaml\n"
                                        "FROM admin.list_forms($1::text)\n"
                                        "ORDER BY form, version DESC"},
    [ADMIN_PUT_WORDING] = {"put_wording",
                           "SELECT admin.put_wording($1::text, $2::text, $3::int, $4::text, $5::text)"},
    [ADMIN_LIST_WORDINGS] = {"list_wordings", "SELECT form, version, language, revision, added_by, added_at\n"
                                              "FROM admin.list_wordings($1::text)\n"
                                              "ORDER BY form, version DESC, language"},
    [ADMIN_ADD_SITE] = {"add_site", "SELECT admin.add_site($1::text, $2::int, $3::text, $4::text)"},
    [ADMIN_LIST_SITES] = {"list_sites", "SELECT site_id, name, time_zone\n"
                                        "FROM admin.list_sites($1::text)\n"
                                        "ORDER BY site_id"},
    [ADMIN_GRANT_REPORTER] = {"grant_reporter", "SELECT admin.grant_reporter($1::text, $2::name)"},
    [ADMIN_ADD_ACCOUNT] = {"add_account", "SELECT admin.add_account($1::text, $2::text)"},
    [ADMIN_LIST_ACCOUNTS] = {"list_accounts", "SELECT account, full_name, disabled\n"
                                              "FROM admin.list_accounts()\n"
                                              "ORDER BY account"},
    [ADMIN_DISABLE_ACCOUNT] = {"disable_account", "SELECT admin.disable_account($1::text)"},
    [ADMIN_ADD_TOKEN] = {"add_token",
                         "SELECT admin.add_token($1::text, $2::text, $3::text, $4::int[], $5::bytea,\n"
                         "    pg_catalog.now() + pg_catalog.make_interval(days => $6::int))"},
    [ADMIN_LIST_TOKENS] = {"list_tokens",
                           "SELECT token_no, account, study, role, pg_catalog.array_to_string(sites, ','),\n"
                           "    expires_at, revoked_at, last_used_at\n"
                           "FROM admin.list_tokens($1::text)\n"
                           "ORDER BY token_no"},
    [ADMIN_REVOKE_TOKEN] = {"revoke_token", "SELECT admin.revoke_token($1::bigint)"},
    [ADMIN_INVITE_ACCOUNT] = {"invite_account", "SELECT admin.invite_account($1::text, $2::bytea)"},
    [ADMIN_LIST_INVITATIONS] = {"list_invitations",
                                "SELECT invitation_no, account, made_at, expires_at, opened_at\n"
                                "FROM admin.list_invitations()\n"
                                "ORDER BY invitation_no"},
    [ADMIN_END_INVITATION] = {"end_invitation", "SELECT admin.end_invitation($1::bigint)"},
    [ADMIN_ADD_MEMBERSHIP] = {"add_membership",
                              "SELECT admin.add_membership($1::text, $2::text, $3::text, $4::int[])"},
    [ADMIN_LIST_MEMBERSHIPS] = {"list_memberships",
                                "SELECT account, study, role, pg_catalog.array_to_string(sites, ','),\n"
                                "    second_factor, added_at, ended_at\n"
                                "FROM admin.list_memberships($1::text)"},
    [ADMIN_END_MEMBERSHIP] = {"end_membership", "SELECT admin.end_membership($1::text, $2::text)"},
    [ADMIN_LIST_SESSIONS] = {"list_sessions",
                             "SELECT session_no, account, pg_catalog.host(address), opened_at, second_factor,\n"
                             "    expires_at, ends_at\n"
                             "FROM admin.list_sessions()\n"
                             "ORDER BY session_no"},
    [ADMIN_END_SESSION] = {"end_session", "SELECT admin.end_session($1::bigint)"},
    [ADMIN_ALLOCATE] =
        {"allocate",
         "SELECT admin.allocate($1::text, $2::int[], $3::int[], $4::text[], $5::text[], $6::text)"},
    [ADMIN_NEWEST_ENTRIES] =
        {"newest_entries", "SELECT entry, key_id\n"
                           "FROM admin.newest_entries($1::text, $2::int[], $3::int[], $4::text[])"},
    [ADMIN_ALLOCATE_SEALED] =
        {"allocate_sealed", "SELECT admin.allocate_sealed($1::text, $2::int[], $3::int[], $4::text[], $5::int[],\n"
                            "    $6::bytea[], $7::bytea[], $8::text)"},
    [ADMIN_ADD_ALLOCATION_KEY] = {"add_allocation_key", "SELECT admin.add_allocation_key($1::text, $2::text)"},
    [ADMIN_LIST_ALLOCATION_KEYS] =
        {"list_allocation_keys", "SELECT key_no, key_id, recorded_by, recorded_at, entries\n"
                                 "FROM admin.list_allocation_keys($1::text)"},
    [ADMIN_NEWEST_ALLOCATION_KEY] = {"newest_allocation_key", "SELECT key_id\n"
                                                              "FROM admin.list_allocation_keys($1::text)\n"
                                                              "WHERE key_no IS NOT NULL\n"
                                                              "ORDER BY key_no DESC\n"
                                                              "LIMIT 1"},
    [ADMIN_MAKE_CUT] = {"make_cut", "SELECT admin.make_cut($1::text, $2::text)"},
    [ADMIN_LIST_CUTS] = {"list_cuts", "SELECT cut_no, label, protocol_version, made_by, made_at\n"
                                      "FROM admin.list_cuts($1::text)\n"
                                      "ORDER BY cut_no"},
    [ADMIN_FREEZE_STUDY] = {"freeze_study", "SELECT admin.freeze_study($1::text, $2::bool, $3::text)"},
    [ADMIN_LOCK_SUBJECT] = {"lock_subject",
                            "SELECT admin.lock_subject($1::text, $2::int, $3::int, $4::bool, $5::text)"},
    [ADMIN_LIST_HOLDS] = {"list_holds",
                          "SELECT hold, subject, form, knee, visit, instance, reason, recorded_by, recorded_at\n"
                          "FROM admin.list_holds($1::text)"},
    [ADMIN_LIST_REDACTIONS] = {"list_redactions",
                               "SELECT redaction_id, site_id, submission_id, state, reason, asked_by, asked_at,\n"
                               "    decided_by, decided_at\n"
                               "FROM admin.list_redactions($1::text)"},
    [ADMIN_LIST_NOTICES] = {"list_notices",
                            "SELECT notice_id, noticed_at, kind, severity, study, subject, object,\n"
                            "    sponsor_due, authority_due, tries, last_outcome, delivered_at\n"
                            "FROM admin.list_notices($1::text)\n"
                            "ORDER BY noticed_at, notice_id"},
    [ADMIN_TAKE_NOTICE] = {"take_notice", "SELECT notice_id, message FROM admin.take_notice($1::int)"},
    [ADMIN_FINISH_NOTICE] = {"finish_notice", "SELECT admin.finish_notice($1::uuid, $2::bool, $3::text)"},
    [ADMIN_REQUEST_AUDIT] =
        {"request_audit", "SELECT admin.request_audit($1::text, $2::text, $3::timestamptz, $4::timestamptz,\n"
                          "    $5::text, $6::text, $7::text, $8::int, $9::int)"},
    [ADMIN_READ_AUDIT] =
        {"read_audit",
         "SELECT pg_catalog.to_char(at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), actor, operation, object, site_id,\n"
         "    subject, row_id, pg_catalog.encode(digest, 'hex'), old, new, reason, withheld, nth\n"
         "FROM admin.read_audit($1::text, $2::uuid, $3::timestamptz, $4::int, $5::int)"},
    [ADMIN_REQUEST_REVIEW] =
        {"request_review", "SELECT admin.request_review($1::text, $2::text, $3::timestamptz, $4::timestamptz,\n"
                           "    $5::int, $6::int, $7::int, $8::int, $9::int)"},
    [ADMIN_READ_REVIEW] =
        {"read_review",
         "SELECT pg_catalog.to_char(at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), account, site_id, subject,\n"
         "    detail, found\n"
         "FROM admin.read_review($1::text, $2::uuid, $3::int)"},
    [ADMIN_ADD_NOTICE] = {"add_notice", "SELECT admin.add_notice($1::text, $2::text)"},
};

/* The functions note who it was; the database only knows the role. */
static bool set_operator(struct admin *admin, struct error *error)
{
    const struct passwd *operator = getpwuid(getuid());
    struct db_parameters *parameters = db_parameters_new(admin->owner, 1);
    db_set_text(parameters, 0, operator ? operator->pw_name : "unknown");
    return db_run(admin->db, ADMIN_SET_OPERATOR, parameters, error);
}

/*
 * Statements are prepared at connect; so the schema is looked at first, for a message that says what to do.
 */
const char *admin_operand(const struct admin *admin, size_t at)
{
    return admin->arguments->operands[at];
}

const char *admin_option(const struct admin *admin, const char *name)
{
    return arguments_value(admin->arguments, name);
}

static bool warns_as_json;

/* Of the first connection: the second one is to the same server. */
static void warn_of_server(const struct error *error)
{
    static bool warned;
    if (!warned && warns_as_json)
        admin_print_warning(error->message);
    else if (!warned)
        fprintf(stderr, "patella-admin: warning: %s\n", error->message);
    warned = true;
}

struct db *admin_database(struct admin *admin, struct error *error)
{
    if (admin->db)
        return admin->db;
    warns_as_json = admin_as_json(admin);
    struct db_options options = {
        .conninfo = arguments_value(admin->arguments, "db"),
        .default_user = "patella_admin",
        .application_name = "patella-admin",
        .statement_timeout_ms = STATEMENT_TIMEOUT_MS,
        .server_warning = warn_of_server,
        .verbose_errors = true,
    };
    struct db *bare = db_open(admin->owner, &options, error);
    if (!bare || !migrate_check(bare, error) || !migrate_check_era(bare, error))
        return NULL;
    talloc_free(bare);
    options.statements = admin_statements;
    options.statement_count = ADMIN_STATEMENTS;
    admin->db = db_open(admin->owner, &options, error);
    return admin->db && set_operator(admin, error) ? admin->db : NULL;
}

bool admin_keep_database(struct admin *admin, struct error *error)
{
    if (admin_database(admin, error) == NULL)
        return false;
    return db_is_alive(admin->db) || (db_reopen(admin->db, error) && set_operator(admin, error));
}

struct db_result *admin_execute(struct admin *admin, enum admin_statement statement, const char *const *texts,
                                size_t count, struct error *error)
{
    if (!admin_database(admin, error))
        return NULL;
    struct db_parameters *parameters = db_parameters_new(admin->owner, count);
    for (size_t i = 0; i < count; i++)
        db_set_text(parameters, i, texts[i]);
    return db_execute(admin->owner, admin->db, statement, parameters, error);
}

static const char *cell(const struct db_result *rows, size_t row, size_t column,
                        const struct admin_column *columns)
{
    if (columns[column].kind == ADMIN_YES_NO)
        return db_bool(rows, row, column) ? "yes" : "no";
    return db_text(rows, row, column);
}

static void print_table(const struct db_result *rows, const struct admin_column *columns, size_t count)
{
    for (size_t row = 0; row <= db_rows(rows); row++) {
        for (size_t i = 0; i < count; i++) {
            size_t width = strlen(columns[i].name);
            for (size_t other = 0; other < db_rows(rows); other++) {
                size_t length = text_count_characters(cell(rows, other, i, columns));
                width = length > width ? length : width;
            }
            const char *value = row == 0 ? columns[i].name : cell(rows, row - 1, i, columns);
            size_t gap = i + 1 < count ? width - text_count_characters(value) + 2 : 0;
            printf("%s%*s", value, (int)gap, "");
        }
        printf("\n");
    }
}

static void print_json(const void *owner, const struct db_result *rows, const struct admin_column *columns,
                       size_t count)
{
    struct text *out = text_new(owner);
    text_append(out, "[");
    for (size_t row = 0; row < db_rows(rows); row++) {
        text_append(out, row ? ",\n {" : "{");
        for (size_t i = 0; i < count; i++) {
            text_append(out, i ? "," : "");
            text_append_json(out, columns[i].name);
            text_append(out, ":");
            if (db_is_null(rows, row, i))
                text_append(out, "null");
            else if (columns[i].kind == ADMIN_TEXT)
                text_append_json(out, db_text(rows, row, i));
            else if (columns[i].kind == ADMIN_YES_NO)
                text_append(out, db_bool(rows, row, i) ? "true" : "false");
            else
                text_append(out, db_text(rows, row, i));
        }
        text_append(out, "}");
    }
    text_append(out, "]\n");
    fputs(out->bytes, stdout);
}

bool admin_print_list(struct admin *admin, enum admin_statement statement, size_t operand_count,
                      const struct admin_column *columns, size_t column_count, struct error *error)
{
    struct db_result *rows =
        admin_execute(admin, statement, admin->arguments->operands, operand_count, error);
    if (!rows)
        return false;
    admin_printed(admin);
    if (admin_as_json(admin))
        print_json(admin->owner, rows, columns, column_count);
    else
        print_table(rows, columns, column_count);
    return true;
}

bool admin_read_number(const char *text, const char *what, int least, int most, int *number,
                       struct error *error)
{
    int64_t value;
    if (!text_to_int64(text, &value) || value < least || value > most)
        return error_set(error, ERROR_USAGE, "%s is a number from %d to %d, not \"%s\"", what, least, most,
                         text);
    *number = (int)value;
    return true;
}
