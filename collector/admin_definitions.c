/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/admin_definitions.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"

struct form_definition {
    const struct form *form;
    const char *text;
    bool from_file;
};

struct definitions {
    const struct protocol *protocol;
    const char *protocol_file;           /* names it in messages */
    const char *protocol_text;
    bool protocol_from_file;
    struct form_definition *forms;
    size_t form_count;
};

struct definitions *definitions_new(const void *owner)
{
    return memory_new(owner, struct definitions);
}

bool definitions_add_protocol(struct definitions *definitions, const char *path, struct error *error)
{
    size_t length;
    definitions->protocol_file = path;
    definitions->protocol_text = text_read_file(definitions, path, FORM_FILE_LIMIT, &length, error);
    if (!definitions->protocol_text)
        return false;
    definitions->protocol = protocol_parse(definitions, path, definitions->protocol_text, length, error);
    definitions->protocol_from_file = true;
    return definitions->protocol != NULL;
}

static bool has_form(const struct definitions *definitions, const char *id, int version)
{
    for (size_t i = 0; i < definitions->form_count; i++)
        if (definitions->forms[i].form->version == version && strcmp(definitions->forms[i].form->id, id) == 0)
            return true;
    return false;
}

static void add_form(struct definitions *definitions, const struct form *form, const char *text,
                     bool from_file)
{
    definitions->forms = memory_resize_array(definitions, definitions->forms, struct form_definition,
                                             definitions->form_count + 1);
    definitions->forms[definitions->form_count++] =
        (struct form_definition){.form = form, .text = text, .from_file = from_file};
}

static bool add_form_file(struct definitions *definitions, const char *path, struct error *error)
{
    size_t length;
    char *text = text_read_file(definitions, path, FORM_FILE_LIMIT, &length, error);
    if (!text)
        return false;
    const struct form *form = form_parse(definitions, path, text, length, error);
    if (!form)
        return false;
    if (has_form(definitions, form->id, form->version))
        return error_at(error, ERROR_INPUT, path, 0,
                        "form %s version %d is in another file of this folder, too; "
                        "remove one of them, or give this one a new version",
                        form->id, form->version);
    add_form(definitions, form, text, true);
    return true;
}

static int is_yaml(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && dot != entry->d_name && strcmp(dot, ".yaml") == 0;
}

bool definitions_add_forms(struct definitions *definitions, const char *folder, struct error *error)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_yaml, alphasort);
    if (count < 0)
        return error_io(error, errno, folder);
    bool added = count > 0 || error_at(error, ERROR_INPUT, folder, 0, "there is no *.yaml in this folder; "
                                       "name the folder with the forms");
    for (int i = 0; i < count; i++) {
        const char *path = memory_format(definitions, "%s/%s", folder, entries[i]->d_name);
        added = added && add_form_file(definitions, path, error);
        free(entries[i]);
    }
    free(entries);
    return added;
}

static bool add_stored_protocol(struct definitions *definitions, struct admin *admin, const char *study,
                                struct error *error)
{
    struct db_result *rows = admin_execute(admin, ADMIN_LIST_PROTOCOLS, &study, 1, error);
    if (!rows)
        return false;
    if (db_rows(rows) == 0)
        return error_set(error, ERROR_NOT_FOUND,
                         "study %s has no protocol; put one with patella-admin study protocol", study);
    const char *text = db_text(rows, 0, 1);
    definitions->protocol_text = text;
    definitions->protocol_file = memory_format(definitions, "protocol of %s", study);
    definitions->protocol =
        protocol_parse(definitions, definitions->protocol_file, text, strlen(text), error);
    return definitions->protocol != NULL;
}

bool definitions_add_stored(struct definitions *definitions, struct admin *admin, const char *study,
                            struct error *error)
{
    if (!definitions->protocol && !add_stored_protocol(definitions, admin, study, error))
        return false;
    struct db_result *rows = admin_execute(admin, ADMIN_LIST_FORMS, &study, 1, error);
    for (size_t i = 0; rows && i < db_rows(rows); i++) {
        if (has_form(definitions, db_text(rows, i, 0), (int)db_int(rows, i, 1)))
            continue;
        const char *text = db_text(rows, i, 2);
        const char *file = memory_format(definitions, "form %s of %s", db_text(rows, i, 0), study);
        const struct form *form = form_parse(definitions, file, text, strlen(text), error);
        if (!form)
            return false;
        add_form(definitions, form, text, false);
    }
    return rows != NULL;
}

/* A catalogue wants the newest version of each form first. */
static int compare_forms(const void *left, const void *right)
{
    const struct form *a = *(const struct form *const *)left;
    const struct form *b = *(const struct form *const *)right;
    int order = strcmp(a->id, b->id);
    return order ? order : b->version - a->version;
}

bool definitions_check(struct definitions *definitions, const char *study, struct error *error)
{
    const struct form **forms = memory_new_array(definitions, const struct form *, definitions->form_count);
    for (size_t i = 0; i < definitions->form_count; i++)
        forms[i] = definitions->forms[i].form;
    qsort(forms, definitions->form_count, sizeof forms[0], compare_forms);
    const struct catalogue catalogue = {.study = study,
                                        .protocol = definitions->protocol,
                                        .forms = forms,
                                        .form_count = definitions->form_count};
    return catalogue_check(&catalogue, definitions->protocol_file, error);
}

const char *definitions_masking(const struct definitions *definitions)
{
    return definitions->protocol->masking == MASKING_NONE ? "none" : "double";
}

bool definitions_store(const struct definitions *definitions, struct admin *admin, const char *study,
                       struct error *error)
{
    for (size_t i = 0; i < definitions->form_count; i++) {
        const struct form_definition *form = &definitions->forms[i];
        const char *version = memory_format(definitions, "%d", form->form->version);
        const char *texts[] = {study, form->form->id, version, form->text};
        if (form->from_file && !admin_execute(admin, ADMIN_PUT_FORM, texts, 4, error))
            return false;
    }
    if (!definitions->protocol_from_file)
        return true;
    const char *version = memory_format(definitions, "%d", definitions->protocol->version);
    const char *texts[] = {study, version, definitions->protocol_text,
                           definitions_masking(definitions)};
    return admin_execute(admin, ADMIN_PUT_PROTOCOL, texts, ADMIN_COUNT(texts), error) != NULL;
}

const struct protocol *definitions_protocol(const struct definitions *definitions)
{
    return definitions->protocol;
}

size_t definitions_form_count(const struct definitions *definitions)
{
    return definitions->form_count;
}
