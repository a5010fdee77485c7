/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Wordings: files with the texts of a form in one language, held against the study's form before they are stored. */
#include "collector/admin_result.h"

#include <string.h>

#include "forms/base/memory.h"
#include "forms/faults.h"
#include "forms/form.h"
#include "forms/wording.h"
#include "forms/yaml.h"

/* The study's form that the wording is for; NULL and an error when there is none. */
static const struct form *find_form(struct admin *admin, const struct yaml *root, const char *id, int version,
                                    struct error *error)
{
    const char *study = admin_operand(admin, 0);
    struct db_result *rows = admin_execute(admin, ADMIN_LIST_FORMS, &study, 1, error);
    for (size_t i = 0; rows != NULL && i < db_rows(rows); i++) {
        if (strcmp(db_text(rows, i, 0), id) != 0 || db_int(rows, i, 1) != version)
            continue;
        const char *text = db_text(rows, i, 2);
        return form_parse(admin->owner, memory_format(admin->owner, "form %s of %s", id, study), text, strlen(text),
                          error);
    }
    if (rows != NULL)
        (void)error_at(error, ERROR_INPUT, admin_operand(admin, 1), yaml_find(root, "wording")->line,
                       "study %s has no form %.64s version %d to lay this wording over; put the form first with "
                       "patella-admin study forms", study, id, version);
    return NULL;
}

static bool tell(struct admin *admin, const char *form, int version, const char *language, bool is_new)
{
    admin_tell_text(admin, "form", form);
    admin_tell_number(admin, "version", version);
    admin_tell_text(admin, "language", language);
    admin_tell_truth(admin, "added", is_new);
    admin_note(admin, is_new ? "study %s shows form %s version %d in %s with this wording"
                             : "study %s has this very wording of form %s version %d in %s already",
               admin_operand(admin, 0), form, version, language);
    return true;
}

static bool wording_add(struct admin *admin, struct error *error)
{
    size_t length = 0;
    int version = 0;
    const char *file = admin_operand(admin, 1);
    struct faults faults = faults_begin(admin->owner);
    const char *text = text_read_file(admin->owner, file, FORM_FILE_LIMIT, &length, error);
    const struct yaml *root = text != NULL ? yaml_parse(admin->owner, file, text, length, error) : NULL;
    if (root == NULL)
        return false;
    const char *id = wording_target(root, &version, &faults);
    if (!faults_to_error(&faults, error))
        return false;
    const struct form *form = find_form(admin, root, id, version, error);
    if (form == NULL)
        return false;
    const struct form *worded = wording_apply(admin->owner, form, root, &faults);
    if (!faults_to_error(&faults, error) || worded == NULL)
        return false;
    const char *language = wording_language(root, &faults);
    const char *texts[] = {admin_operand(admin, 0), id, memory_format(admin->owner, "%d", version), language, text};
    struct db_result *put = admin_execute(admin, ADMIN_PUT_WORDING, texts, ADMIN_COUNT(texts), error);
    return put != NULL && tell(admin, id, version, language, db_bool(put, 0, 0));
}

static bool wording_list(struct admin *admin, struct error *error)
{
    static const struct admin_column columns[] = {{"form", ADMIN_TEXT},       {"version", ADMIN_NUMBER},
                                                  {"language", ADMIN_TEXT},   {"revision", ADMIN_NUMBER},
                                                  {"added_by", ADMIN_TEXT},   {"added_at", ADMIN_TEXT}};
    return admin_print_list(admin, ADMIN_LIST_WORDINGS, 1, columns, ADMIN_COUNT(columns), error);
}

static const struct argument_option options[] = {ADMIN_DATABASE_OPTION};

static const struct admin_command commands[] = {
    {{"wording add", "STUDY FILE", options, ADMIN_COUNT(options),
      "add or correct the texts of a form in one language"},
     wording_add},
    {{"wording list", "STUDY", options, ADMIN_COUNT(options), "list the wordings that a study's forms have"},
     wording_list},
};

const struct admin_group admin_wordings = {commands, ADMIN_COUNT(commands)};
