/* SPDX-License-Identifier: GPL-3.0-or-later */
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

enum { MOST_DAYS = 366 };

/* The account's name is the readable half of its tokens, so it keeps to what a token may hold. */
static bool check_account(const char *name, struct error *error)
{
    size_t good = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (name[0] < 'a' || name[0] > 'z' || name[good] != '\0' || good > 40 || strcmp(name, "s") == 0)
        return error_set(error, ERROR_USAGE,
                         "\"%s\" is no account name: a small letter, then small letters, digits "
                         "and dashes, 40 at most, and not \"s\", with which tokens of sessions begin",
                         name);
    return true;
}

static bool account_add(struct admin *admin, struct error *error)
{
    const char *texts[] = {admin_operand(admin, 0), admin_option(admin, "name")};
    return check_account(texts[0], error) && admin_execute(admin, ADMIN_ADD_ACCOUNT, texts, 2, error);
}

static bool account_list(struct admin *admin, struct error *error)
{
    static const struct admin_column columns[] = {
        {"account", ADMIN_TEXT}, {"full_name", ADMIN_TEXT}, {"disabled", ADMIN_YES_NO}};
    return admin_print_list(admin, ADMIN_LIST_ACCOUNTS, 0, columns, ADMIN_COUNT(columns), error);
}

static bool account_disable(struct admin *admin, struct error *error)
{
    return admin_execute(admin, ADMIN_DISABLE_ACCOUNT, admin->arguments->operands, 1, error) != NULL;
}

static bool check_role(const char *role, struct error *error)
{
    if (role_from_name(role) != ROLE_ANYONE)
        return true;
    return error_set(error, ERROR_USAGE, "there is no role \"%s\"; it is " ROLE_NAMES, role);
}

/* Whoever works at sites does so at those that somebody has named, unless all of them are meant. */
static bool check_sites(const struct admin *admin, struct error *error)
{
    const char *role = admin_option(admin, "role"), *sites = admin_option(admin, "sites"),
               *all = admin_option(admin, "all-sites");
    if (sites && all)
        return error_set(error, ERROR_USAGE, "--sites and --all-sites exclude each other");
    if (role_has_sites(role_from_name(role)) && !sites && !all)
        return error_set(error, ERROR_USAGE,
                         "a token for the role %s needs --sites N,N,...; write --all-sites when it "
                         "is meant for every site of the study",
                         role);
    return true;
}

/*
 * "<account>_<secret>": 32 random bytes as base64url, so that a token that leaked tells whose it is and no
 * more.
 */
static const char *make_token(const void *owner, const char *account, struct error *error)
{
    char secret[SESSION_SECRET_SIZE];
    if (!session_secret_make(secret)) {
        error_set(error, ERROR_INTERNAL, "the system has no random numbers");
        return NULL;
    }
    return memory_format(owner, "%s_%s", account, secret);
}

static struct db_result *store_token(struct admin *admin, const char *token, const struct admin_site_list *sites,
                                     int days, struct error *error)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)token, strlen(token), hash);
    if (!admin_database(admin, error))
        return NULL;
    struct db_parameters *parameters = db_parameters_new(admin->owner, 6);
    db_set_text(parameters, 0, admin_operand(admin, 0));
    db_set_text(parameters, 1, admin_option(admin, "study"));
    db_set_text(parameters, 2, admin_option(admin, "role"));
    db_set_int_array(parameters, 3, sites->sites, sites->count);
    db_set_bytes(parameters, 4, hash, sizeof hash);
    db_set_int(parameters, 5, days);
    return db_execute(admin->owner, admin->db, ADMIN_ADD_TOKEN, parameters, error);
}

static bool token_add(struct admin *admin, struct error *error)
{
    struct admin_site_list sites;
    const char *path = admin_option(admin, "out");
    const char *days_text = admin_option(admin, "days") ? admin_option(admin, "days") : "90";
    int days = 0;
    if (!check_account(admin_operand(admin, 0), error) || !check_role(admin_option(admin, "role"), error) ||
        !check_sites(admin, error) || !admin_read_sites(admin->owner, admin_option(admin, "sites"), &sites, error) ||
        !admin_read_number(days_text, "--days", 1, MOST_DAYS, &days, error))
        return false;
    const char *token = make_token(admin->owner, admin_operand(admin, 0), error);
    if (!token || (path && !admin_write_secret(path, token, error)))
        return false;
    struct db_result *stored = store_token(admin, token, &sites, days, error);
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
    admin_note(admin, "token %s of %s is valid for %d days; it cannot be shown again%s%s", db_text(stored, 0, 0),
               admin_operand(admin, 0), days, path ? ", it is in " : "", path ? path : "");
    return true;
}

static bool token_list(struct admin *admin, struct error *error)
{
    static const struct admin_column columns[] = {
        {"token", ADMIN_NUMBER},    {"account", ADMIN_TEXT},      {"study", ADMIN_TEXT},
        {"role", ADMIN_TEXT},       {"sites", ADMIN_TEXT},        {"expires_at", ADMIN_TEXT},
        {"revoked_at", ADMIN_TEXT}, {"last_used_at", ADMIN_TEXT},
    };
    return admin_print_list(admin, ADMIN_LIST_TOKENS, 1, columns, ADMIN_COUNT(columns), error);
}

static bool token_revoke(struct admin *admin, struct error *error)
{
    int64_t token;
    if (!text_to_int64(admin_operand(admin, 0), &token) || token < 1)
        return error_set(error, ERROR_USAGE, "\"%s\" is no token number; patella-admin token list shows them",
                         admin_operand(admin, 0));
    return admin_execute(admin, ADMIN_REVOKE_TOKEN, admin->arguments->operands, 1, error) != NULL;
}

static const struct argument_option account_options[] = {
    {"name", "TEXT", true, "full name of the person or machine"},
    ADMIN_DATABASE_OPTION,
};
static const struct argument_option token_options[] = {
    {"study", "STUDY", true, "the study that it is bound to"},
    {"role", "ROLE", true, ROLE_NAMES},
    {"sites", "N,N,...", false, "the sites that it is bound to; needed for all roles but administrator and "
     "statisticians"},
    {"all-sites", NULL, false, "instead: every site of the study; the default for the other roles"},
    {"days", "N", false, "how long it is valid, 366 at most; default 90"},
    {"out", "FILE", false, "write it to a new file that only you may read, not to stdout"},
    ADMIN_DATABASE_OPTION,
};
static const struct argument_option plain_options[] = {ADMIN_DATABASE_OPTION};

static const struct admin_command commands[] = {
    {{"account add", "ACCOUNT", account_options, ADMIN_COUNT(account_options), "add a person or a machine"},
     account_add},
    {{"account list", "", plain_options, ADMIN_COUNT(plain_options), "list the accounts"}, account_list},
    {{"account disable", "ACCOUNT", plain_options, ADMIN_COUNT(plain_options),
      "refuse all of an account's tokens from now on"},
     account_disable},
    {{"token add", "ACCOUNT", token_options, ADMIN_COUNT(token_options), "make a token for the API"},
     token_add},
    {{"token list", "[STUDY]", plain_options, ADMIN_COUNT(plain_options),
      "list the tokens, never their secrets"},
     token_list},
    {{"token revoke", "NUMBER", plain_options, ADMIN_COUNT(plain_options), "refuse a token from now on"},
     token_revoke},
};

const struct admin_group admin_accounts = {commands, ADMIN_COUNT(commands)};
