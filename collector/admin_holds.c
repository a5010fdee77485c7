/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What must not change for a while, or ever again: a frozen study and a locked subject take no submissions.
 */
#include "collector/admin.h"

#include "forms/base/memory.h"
#include "forms/submission.h"

static bool set_frozen(struct admin *admin, const char *frozen, struct error *error)
{
    const char *texts[] = {admin_operand(admin, 0), frozen, arguments_value(admin->arguments, "reason")};
    return admin_execute(admin, ADMIN_FREEZE_STUDY, texts, ADMIN_COUNT(texts), error) != NULL;
}

static bool study_freeze(struct admin *admin, struct error *error)
{
    return set_frozen(admin, "true", error);
}

static bool study_unfreeze(struct admin *admin, struct error *error)
{
    return set_frozen(admin, "false", error);
}

static bool set_locked(struct admin *admin, const char *locked, struct error *error)
{
    int site = 0, subject = 0;
    if (!subject_parse(admin_operand(admin, 1), &site, &subject))
        return error_set(error, ERROR_USAGE, "\"%s\" is no subject number, such as 07-0012",
                         admin_operand(admin, 1));
    const char *texts[] = {admin_operand(admin, 0), memory_format(admin->owner, "%d", site),
                           memory_format(admin->owner, "%d", subject), locked,
                           arguments_value(admin->arguments, "reason")};
    return admin_execute(admin, ADMIN_LOCK_SUBJECT, texts, ADMIN_COUNT(texts), error) != NULL;
}

static bool subject_lock(struct admin *admin, struct error *error)
{
    return set_locked(admin, "true", error);
}

static bool subject_unlock(struct admin *admin, struct error *error)
{
    return set_locked(admin, "false", error);
}

static bool hold_list(struct admin *admin, struct error *error)
{
    static const struct admin_column columns[] = {
        {"hold", ADMIN_TEXT},       {"subject", ADMIN_TEXT}, {"form", ADMIN_TEXT},
        {"knee", ADMIN_TEXT},       {"visit", ADMIN_TEXT},   {"instance", ADMIN_NUMBER},
        {"reason", ADMIN_TEXT},     {"by", ADMIN_TEXT},      {"at", ADMIN_TEXT},
    };
    return admin_print_list(admin, ADMIN_LIST_HOLDS, 1, columns, ADMIN_COUNT(columns), error);
}

static bool redaction_list(struct admin *admin, struct error *error)
{
    static const struct admin_column columns[] = {
        {"redaction", ADMIN_TEXT}, {"site", ADMIN_NUMBER},   {"submission", ADMIN_TEXT},
        {"state", ADMIN_TEXT},     {"reason", ADMIN_TEXT},   {"asked_by", ADMIN_TEXT},
        {"asked_at", ADMIN_TEXT},  {"decided_by", ADMIN_TEXT}, {"decided_at", ADMIN_TEXT},
    };
    return admin_print_list(admin, ADMIN_LIST_REDACTIONS, 1, columns, ADMIN_COUNT(columns), error);
}

static const struct argument_option list_options[] = {ADMIN_DATABASE_OPTION};
static const struct argument_option options[] = {
    {"reason", "TEXT", true, "why; at least five characters, for the audit trail"},
    ADMIN_DATABASE_OPTION,
};

static const struct admin_command commands[] = {
    {{"study freeze", "STUDY", options, ADMIN_COUNT(options),
      "refuse all submissions to a study from now on"},
     study_freeze},
    {{"study unfreeze", "STUDY", options, ADMIN_COUNT(options), "take submissions to a study again"},
     study_unfreeze},
    {{"subject lock", "STUDY SUBJECT", options, ADMIN_COUNT(options),
      "refuse all submissions about a subject from now on"},
     subject_lock},
    {{"subject unlock", "STUDY SUBJECT", options, ADMIN_COUNT(options),
      "take submissions about a subject again"},
     subject_unlock},
    {{"hold list", "STUDY", list_options, ADMIN_COUNT(list_options),
      "list what takes no submissions now: the study, subjects, records"},
     hold_list},
    {{"redaction list", "STUDY", list_options, ADMIN_COUNT(list_options),
      "list the redactions that were asked for, and what became of them"},
     redaction_list},
};

const struct admin_group admin_holds = {commands, ADMIN_COUNT(commands)};
