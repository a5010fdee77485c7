/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small CA for sites' machines and servers.  It needs no database, and is best kept on a machine of its own. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "collector/admin_result.h"
#include "collector/certificate_authority.h"
#include "forms/base/memory.h"

enum { CA_DAYS = 3650, CERTIFICATE_DAYS = 365, LIST_DAYS = 30, DAYS_MOST = 36500 };

/* --days, or `days` as it stands when that was not given. */
static bool read_days(const struct admin *admin, int *days, struct error *error)
{
    const char *text = admin_option(admin, "days");
    return text == NULL || admin_read_number(text, "--days", 1, DAYS_MOST, days, error);
}

static struct certificate_authority *open_ca(const struct admin *admin, struct error *error)
{
    return ca_open(admin->owner, admin_operand(admin, 0), error);
}

static bool ca_init(struct admin *admin, struct error *error)
{
    int days = CA_DAYS;
    const char *name = admin_option(admin, "name");
    return read_days(admin, &days, error) &&
           ca_create(admin_operand(admin, 0), name != NULL ? name : "Patella CA", days, LIST_DAYS, error);
}

static bool ca_issue_one(struct admin *admin, struct error *error)
{
    int days = CERTIFICATE_DAYS;
    char serial[CA_SERIAL_SIZE];
    const struct ca_request request = {.name = admin_operand(admin, 1), .sites = admin_option(admin, "sites"),
                                       .hosts = admin_option(admin, "hosts")};
    if ((request.sites == NULL) == (request.hosts == NULL))
        return error_set(error, ERROR_USAGE, "give --sites for a machine's certificate, or --hosts for a server's");
    if (!read_days(admin, &days, error))
        return false;
    struct ca_request dated = request;
    dated.days = days;
    struct certificate_authority *ca = open_ca(admin, error);
    if (ca == NULL || !ca_issue(ca, &dated, serial, error))
        return false;
    admin_print(admin, "serial", serial);
    return true;
}

static bool ca_revoke_one(struct admin *admin, struct error *error)
{
    int days = LIST_DAYS;
    if (!read_days(admin, &days, error))
        return false;
    struct certificate_authority *ca = open_ca(admin, error);
    return ca != NULL && ca_revoke(ca, admin_operand(admin, 1), error) && ca_write_list(ca, days, error);
}

static bool ca_renew_list(struct admin *admin, struct error *error)
{
    int days = LIST_DAYS;
    if (!read_days(admin, &days, error))
        return false;
    struct certificate_authority *ca = open_ca(admin, error);
    return ca != NULL && ca_write_list(ca, days, error);
}

static const char *format_time(int64_t at, char text[32])
{
    struct tm utc;
    time_t seconds = (time_t)at;
    gmtime_r(&seconds, &utc);
    strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return text;
}

static void print_json(const struct ca_entry *entries, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        char ends[32], revoked[32];
        json_array_append_new(list, json_pack("{ssssssssss?}", "serial", entries[i].serial, "name", entries[i].name,
                                              "for", entries[i].subjects, "ends_at",
                                              format_time(entries[i].ends_at, ends), "revoked_at",
                                              entries[i].revoked_at != 0
                                                  ? format_time(entries[i].revoked_at, revoked)
                                                  : NULL));
    }
    json_dumpf(list, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(list);
}

static void print_table(const struct ca_entry *entries, size_t count)
{
    printf("%-32s  %-20s  %-20s  %-20s  %s\n", "serial", "ends_at", "revoked_at", "name", "for");
    for (size_t i = 0; i < count; i++) {
        char ends[32], revoked[32] = "";
        if (entries[i].revoked_at != 0)
            format_time(entries[i].revoked_at, revoked);
        printf("%-32s  %-20s  %-20s  %-20s  %s\n", entries[i].serial, format_time(entries[i].ends_at, ends), revoked,
               entries[i].name, entries[i].subjects);
    }
}

static bool ca_print_list(struct admin *admin, struct error *error)
{
    size_t count = 0;
    struct certificate_authority *ca = open_ca(admin, error);
    const struct ca_entry *entries = ca != NULL ? ca_entries(admin->owner, ca, &count, error) : NULL;
    if (entries == NULL)
        return false;
    admin_printed(admin);
    if (admin_as_json(admin))
        print_json(entries, count);
    else
        print_table(entries, count);
    return true;
}

static const struct argument_option init_options[] = {
    {"name", "TEXT", false, "what the CA is called; default Patella CA"},
    {"days", "N", false, "how long it is valid; default 3650"},
};
static const struct argument_option issue_options[] = {
    {"sites", "STUDY:SITE,...", false, "a machine's certificate for these sites"},
    {"hosts", "HOST,...", false, "instead: a server's certificate for these names and addresses"},
    {"days", "N", false, "how long it is valid; default 365"},
};
static const struct argument_option list_options[] = {
    {"days", "N", false, "how long the new list of revoked certificates is valid; default 30"},
};

static const struct admin_command commands[] = {
    {{"ca init", "DIR", init_options, ADMIN_COUNT(init_options),
      "make a CA in a folder: ca.pem, ca-key.pem, crl.pem"},
     ca_init},
    {{"ca issue", "DIR NAME", issue_options, ADMIN_COUNT(issue_options),
      "issue NAME.pem with its key NAME-key.pem; prints its number"},
     ca_issue_one},
    {{"ca revoke", "DIR SERIAL", list_options, ADMIN_COUNT(list_options),
      "revoke a certificate, and make a new list, crl.pem"},
     ca_revoke_one},
    {{"ca crl", "DIR", list_options, ADMIN_COUNT(list_options), "make a new list of revoked certificates, crl.pem"},
     ca_renew_list},
    {{"ca list", "DIR", NULL, 0, "list the certificates that a CA has issued"},
     ca_print_list},
};

const struct admin_group admin_ca = {commands, ADMIN_COUNT(commands)};
