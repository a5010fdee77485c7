/* SPDX-License-Identifier: GPL-3.0-or-later */
/* People: invitations, roles in studies, sessions. */
#include "collector/admin_result.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "collector/admin_secret.h"
#include "collector/roles.h"
#include "collector/session_token.h"
#include "forms/base/memory.h"
#include "forms/base/text.h"

/* ---- invitations ---- */

static struct db_result *store_invitation(struct admin *admin, const char *token, struct error *error)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)token, strlen(token), hash);
    if (!admin_database(admin, error))
        return NULL;
    struct db_parameters *parameters = db_parameters_new(admin->owner, 2);
    db_set_text(parameters, 0, admin_operand(admin, 0));
    db_set_bytes(parameters, 1, hash, sizeof hash);
    return db_execute(admin->owner, admin->db, ADMIN_INVITE_ACCOUNT, parameters, error);
}

static bool account_invite(struct admin *admin, struct error *error)
{
    char token[SESSION_SECRET_SIZE];
    const char *path = admin_option(admin, "out");
    if (!session_secret_make(token))
        return error_set(error, ERROR_INTERNAL, "the system has no random numbers");
    if (path && !admin_write_secret(path, token, error))
        return false;
    struct db_result *stored = store_invitation(admin, token, error);
    if (!stored) {
        if (path)
            unlink(path);
        return false;
    }
    admin_tell_number(admin, "number", db_int(stored, 0, 0));
    if (path)
        admin_tell_text(admin, "file", path);
    else
        admin_print(admin, "token", token);
    admin_note(admin, "invitation %s of %s is good for 72 hours and once; it cannot be shown again%s%s",
               db_text(stored, 0, 0), admin_operand(admin, 0), path ? ", it is in " : "", path ? path : "");
    return true;
}

static bool invitation_list(struct admin *admin, struct error *error)
{
    static const struct admin_column columns[] = {{"invitation", ADMIN_NUMBER}, {"account", ADMIN_TEXT},
                                                  {"made_at", ADMIN_TEXT},      {"expires_at", ADMIN_TEXT},
                                                  {"opened_at", ADMIN_TEXT}};
    return admin_print_list(admin, ADMIN_LIST_INVITATIONS, 0, columns, ADMIN_COUNT(columns), error);
}

/* Ends what has this number; `what` lists them. */
static bool end_number(struct admin *admin, enum admin_statement statement, const char *what, struct error *error)
{
    int64_t number;
    if (!text_to_int64(admin_operand(admin, 0), &number) || number < 1)
        return error_set(error, ERROR_USAGE, "\"%s\" is no number; patella-admin %s list shows them",
                         admin_operand(admin, 0), what);
    return admin_execute(admin, statement, admin->arguments->operands, 1, error) != NULL;
}

static bool invitation_end(struct admin *admin, struct error *error)
{
    return end_number(admin, ADMIN_END_INVITATION, "invitation", error);
}

/* ---- roles in studies ---- */

static bool check_membership(const struct admin *admin, struct error *error)
{
    const char *name = admin_option(admin, "role"), *sites = admin_option(admin, "sites"),
               *all = admin_option(admin, "all-sites");
    enum role role = role_from_name(name);
    if (role == ROLE_ANYONE || role == ROLE_SITE_MACHINE)
        return error_set(error, ERROR_USAGE, "a person has no role \"%s\"; roles are " ROLE_NAMES
                         ", the last one for machines only", name);
    if (sites && (all || !role_has_sites(role)))
        return error_set(error, ERROR_USAGE, "the role %s is for all sites here; leave --sites out", name);
    if (!sites && !all && role_has_sites(role))
        return error_set(error, ERROR_USAGE, "the role %s needs --sites N,N,...; write --all-sites when every site "
                         "of the study is meant", name);
    return true;
}

static bool membership_add(struct admin *admin, struct error *error)
{
    struct admin_site_list sites;
    if (!check_membership(admin, error) ||
        !admin_read_sites(admin->owner, admin_option(admin, "sites"), &sites, error) ||
        !admin_database(admin, error))
        return false;
    struct db_parameters *parameters = db_parameters_new(admin->owner, 4);
    db_set_text(parameters, 0, admin_operand(admin, 0));
    db_set_text(parameters, 1, admin_operand(admin, 1));
    db_set_text(parameters, 2, admin_option(admin, "role"));
    db_set_int_array(parameters, 3, sites.sites, sites.count);
    return db_run(admin->db, ADMIN_ADD_MEMBERSHIP, parameters, error);
}

static bool membership_end(struct admin *admin, struct error *error)
{
    return admin_execute(admin, ADMIN_END_MEMBERSHIP, admin->arguments->operands, 2, error) != NULL;
}

static bool membership_list(struct admin *admin, struct error *error)
{
    static const struct admin_column columns[] = {
        {"account", ADMIN_TEXT},         {"study", ADMIN_TEXT},    {"role", ADMIN_TEXT},    {"sites", ADMIN_TEXT},
        {"second_factor", ADMIN_YES_NO}, {"added_at", ADMIN_TEXT}, {"ended_at", ADMIN_TEXT}};
    return admin_print_list(admin, ADMIN_LIST_MEMBERSHIPS, 1, columns, ADMIN_COUNT(columns), error);
}

/* ---- sessions ---- */

static bool session_list(struct admin *admin, struct error *error)
{
    static const struct admin_column columns[] = {
        {"session", ADMIN_NUMBER},       {"account", ADMIN_TEXT},    {"address", ADMIN_TEXT}, {"opened_at", ADMIN_TEXT},
        {"second_factor", ADMIN_YES_NO}, {"expires_at", ADMIN_TEXT}, {"ends_at", ADMIN_TEXT}};
    return admin_print_list(admin, ADMIN_LIST_SESSIONS, 0, columns, ADMIN_COUNT(columns), error);
}

static bool session_end(struct admin *admin, struct error *error)
{
    return end_number(admin, ADMIN_END_SESSION, "session", error);
}

static const struct argument_option invite_options[] = {
    {"out", "FILE", false, "write its token to a new file that only you may read, not to stdout"},
    ADMIN_DATABASE_OPTION,
};
static const struct argument_option membership_options[] = {
    {"role", "ROLE", true, ROLE_NAMES},
    {"sites", "N,N,...", false, "the sites that it is for; needed for all roles but administrator and statisticians"},
    {"all-sites", NULL, false, "instead: every site of the study"},
    ADMIN_DATABASE_OPTION,
};
static const struct argument_option plain_options[] = {ADMIN_DATABASE_OPTION};

static const struct admin_command commands[] = {
    {{"account invite", "ACCOUNT", invite_options, ADMIN_COUNT(invite_options),
      "make a link by which a person sets password and second factor"},
     account_invite},
    {{"invitation list", "", plain_options, ADMIN_COUNT(plain_options), "list the open invitations"}, invitation_list},
    {{"invitation end", "NUMBER", plain_options, ADMIN_COUNT(plain_options), "withdraw an invitation"},
     invitation_end},
    {{"membership add", "ACCOUNT STUDY", membership_options, ADMIN_COUNT(membership_options),
      "give a person a role in a study"},
     membership_add},
    {{"membership list", "[STUDY]", plain_options, ADMIN_COUNT(plain_options), "list the roles of people"},
     membership_list},
    {{"membership end", "ACCOUNT STUDY", plain_options, ADMIN_COUNT(plain_options),
      "take a person's role in a study away, at once"},
     membership_end},
    {{"session list", "", plain_options, ADMIN_COUNT(plain_options), "list who has logged in"}, session_list},
    {{"session end", "NUMBER", plain_options, ADMIN_COUNT(plain_options), "end a session, at once"}, session_end},
};

const struct admin_group admin_people = {commands, ADMIN_COUNT(commands)};
