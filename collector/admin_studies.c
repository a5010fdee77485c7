/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/admin_result.h"

#include <stdio.h>
#include <string.h>

#include "collector/admin_definitions.h"
#include "forms/base/date.h"
#include "forms/base/memory.h"

/* A code is part of every URL and of the canonical texts: letters, digits and dashes. */
static bool check_code(const char *code, struct error *error)
{
    size_t good = strspn(code, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (code[0] < 'a' || code[0] > 'z' || code[good] != '\0' || good > 32)
        return error_set(error, ERROR_USAGE,
                         "\"%s\" is no study code: a small letter, then small letters, digits and "
                         "dashes, 32 at most",
                         code);
    if (strcmp(code, "list") == 0)
        return error_set(error, ERROR_USAGE, "a study cannot be called \"list\"; choose another code");
    return true;
}

/*
 * Checks the definitions and writes what is new of them, in one transaction with `add` (NULL: nothing more).
 */
static bool store_definitions(struct admin *admin, struct definitions *definitions, const char *const *add,
                              struct error *error)
{
    const char *study = admin_operand(admin, 0);
    bool unknown;
    if (!definitions_check(definitions, study, error) || !admin_database(admin, error) ||
        !db_begin(admin->db, DB_READ_COMMITTED, error))
        return false;
    if ((add && !admin_execute(admin, ADMIN_ADD_STUDY, add, 4, error)) ||
        !definitions_store(definitions, admin, study, error)) {
        db_rollback(admin->db);
        return false;
    }
    if (!db_commit(admin->db, &unknown, error))
        return false;
    const struct protocol *protocol = definitions_protocol(definitions);
    admin_tell_text(admin, "study", study);
    admin_tell_number(admin, "protocol_version", protocol->version);
    admin_tell_number(admin, "forms", (int64_t)definitions_form_count(definitions));
    admin_note(admin, "study %s has protocol %s version %d and %zu forms", study, protocol->id, protocol->version,
               definitions_form_count(definitions));
    return true;
}

static bool study_add(struct admin *admin, struct error *error)
{
    struct definitions *definitions = definitions_new(admin->owner);
    if (!check_code(admin_operand(admin, 0), error) ||
        !definitions_add_protocol(definitions, admin_option(admin, "protocol"), error) ||
        !definitions_add_forms(definitions, admin_option(admin, "forms"), error))
        return false;
    const struct protocol *protocol = definitions_protocol(definitions);
    const char *title = admin_option(admin, "title");
    const char *reporter = admin_option(admin, "reporter");
    const char *add[] = {admin_operand(admin, 0), title ? title : protocol->title,
                         definitions_masking(definitions),
                         reporter ? reporter : "patella_reporter"};
    return store_definitions(admin, definitions, add, error);
}

static bool study_protocol(struct admin *admin, struct error *error)
{
    struct definitions *definitions = definitions_new(admin->owner);
    const char *forms = admin_option(admin, "forms");
    return definitions_add_protocol(definitions, admin_operand(admin, 1), error) &&
           (!forms || definitions_add_forms(definitions, forms, error)) &&
           definitions_add_stored(definitions, admin, admin_operand(admin, 0), error) &&
           store_definitions(admin, definitions, NULL, error);
}

static bool study_forms(struct admin *admin, struct error *error)
{
    struct definitions *definitions = definitions_new(admin->owner);
    return definitions_add_forms(definitions, admin_operand(admin, 1), error) &&
           definitions_add_stored(definitions, admin, admin_operand(admin, 0), error) &&
           store_definitions(admin, definitions, NULL, error);
}

static bool study_list(struct admin *admin, struct error *error)
{
    static const struct admin_column columns[] = {{"study", ADMIN_TEXT},
                                                  {"title", ADMIN_TEXT},
                                                  {"masking", ADMIN_TEXT},
                                                  {"frozen", ADMIN_YES_NO},
                                                  {"protocol_version", ADMIN_NUMBER}};
    return admin_print_list(admin, ADMIN_LIST_STUDIES, 0, columns, ADMIN_COUNT(columns), error);
}

static bool site_add(struct admin *admin, struct error *error)
{
    int site;
    const char *zone = admin_option(admin, "time-zone");
    if (!admin_read_number(admin_operand(admin, 1), "a site", 1, 9999, &site, error))
        return false;
    if (!date_zone_exists(zone))
        return error_set(error, ERROR_USAGE,
                         "there is no time zone \"%s\"; write an IANA name such as Europe/Berlin", zone);
    const char *texts[] = {admin_operand(admin, 0), memory_format(admin->owner, "%d", site),
                           admin_option(admin, "name"), zone};
    return admin_execute(admin, ADMIN_ADD_SITE, texts, 4, error) != NULL;
}

static bool site_list(struct admin *admin, struct error *error)
{
    static const struct admin_column columns[] = {
        {"site", ADMIN_NUMBER}, {"name", ADMIN_TEXT}, {"time_zone", ADMIN_TEXT}};
    return admin_print_list(admin, ADMIN_LIST_SITES, 1, columns, ADMIN_COUNT(columns), error);
}

static bool reporter_grant(struct admin *admin, struct error *error)
{
    return admin_execute(admin, ADMIN_GRANT_REPORTER, admin->arguments->operands, 2, error) != NULL;
}

static bool cut_make(struct admin *admin, struct error *error)
{
    const char *texts[] = {admin_operand(admin, 0), admin_option(admin, "label")};
    struct db_result *made = admin_execute(admin, ADMIN_MAKE_CUT, texts, 2, error);
    if (made && admin_as_json(admin))
        admin_tell_number(admin, "cut", db_int(made, 0, 0));
    else if (made)
        admin_print(admin, "cut", db_text(made, 0, 0));
    return made != NULL;
}

static bool cut_list(struct admin *admin, struct error *error)
{
    static const struct admin_column columns[] = {{"cut", ADMIN_NUMBER},
                                                  {"label", ADMIN_TEXT},
                                                  {"protocol_version", ADMIN_NUMBER},
                                                  {"made_by", ADMIN_TEXT},
                                                  {"made_at", ADMIN_TEXT}};
    return admin_print_list(admin, ADMIN_LIST_CUTS, 1, columns, ADMIN_COUNT(columns), error);
}

static const struct argument_option add_options[] = {
    {"protocol", "FILE", true, "protocol, YAML"},
    {"forms", "DIR", true, "folder with the forms' YAML"},
    {"title", "TEXT", false, "title of the study; default: the protocol's"},
    {"reporter", "ROLE", false, "database role that may report on it; default patella_reporter"},
    ADMIN_DATABASE_OPTION,
};
static const struct argument_option protocol_options[] = {
    {"forms", "DIR", false, "folder with new forms that come with it"},
    ADMIN_DATABASE_OPTION,
};
static const struct argument_option site_options[] = {
    {"name", "TEXT", true, "name of the site"},
    {"time-zone", "ZONE", true, "IANA time zone, such as Europe/Berlin"},
    ADMIN_DATABASE_OPTION,
};
static const struct argument_option cut_options[] = {
    {"label", "TEXT", true, "what people call the cut; stands on the report"},
    ADMIN_DATABASE_OPTION,
};
static const struct argument_option plain_options[] = {ADMIN_DATABASE_OPTION};

static const struct admin_command commands[] = {
    {{"study add", "STUDY", add_options, ADMIN_COUNT(add_options), "add a study with its protocol and forms"},
     study_add},
    {{"study list", "", plain_options, ADMIN_COUNT(plain_options), "list the studies"}, study_list},
    {{"study protocol", "STUDY FILE", protocol_options, ADMIN_COUNT(protocol_options),
      "put a new version of the protocol"},
     study_protocol},
    {{"study forms", "STUDY DIR", plain_options, ADMIN_COUNT(plain_options),
      "put new forms or form versions"},
     study_forms},
    {{"site add", "STUDY SITE", site_options, ADMIN_COUNT(site_options), "add a site to a study"}, site_add},
    {{"site list", "STUDY", plain_options, ADMIN_COUNT(plain_options), "list a study's sites"}, site_list},
    {{"reporter grant", "STUDY ROLE", plain_options, ADMIN_COUNT(plain_options),
      "let a database role report on a study"},
     reporter_grant},
    {{"cut", "STUDY", cut_options, ADMIN_COUNT(cut_options), "make a data cut; prints its number"}, cut_make},
    {{"cut list", "STUDY", plain_options, ADMIN_COUNT(plain_options), "list a study's data cuts"}, cut_list},
};

const struct admin_group admin_studies = {commands, ADMIN_COUNT(commands)};
