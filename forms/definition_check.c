/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/definition_check.h"

#include <string.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "forms/wording.h"
#include "forms/yaml.h"

enum definition { DEFINITION_FORM, DEFINITION_PROTOCOL, DEFINITION_WORDING, DEFINITION_UNKNOWN };

struct document {
    const char *path;
    const struct yaml *root;     /* NULL when it is not YAML */
    enum definition kind;
};

struct checking {
    const void *owner;
    struct faults *faults;
    const struct form **forms;
    size_t form_count;
    bool forms_complete;         /* every form could be read, so that a missing one is really missing */
    struct definition_counts counts;
};

static enum definition kind_of(const struct yaml *root)
{
    static const char *const keys[] = {"form", "protocol", "wording"};
    if (root == NULL || root->kind != YAML_MAP || root->count == 0)
        return DEFINITION_UNKNOWN;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strcmp(root->children[0]->key, keys[i]) == 0)
            return (enum definition)i;
    return DEFINITION_UNKNOWN;
}

static struct document open_document(struct checking *checking, const char *path)
{
    struct document document = {.path = path, .kind = DEFINITION_UNKNOWN};
    struct error error;
    size_t length = 0;
    char *text = text_read_file(checking->owner, path, FORM_FILE_LIMIT, &length, &error);
    document.root = text != NULL ? yaml_parse(checking->owner, path, text, length, &error) : NULL;
    if (document.root == NULL) {
        faults_add_error(checking->faults, path, &error);
        return document;
    }
    document.kind = kind_of(document.root);
    if (document.kind == DEFINITION_UNKNOWN)
        faults_add(checking->faults, path, document.root->line,
                   "not a form, protocol or wording; the first key must be "
                   "\"form\", \"protocol\" or \"wording\"");
    return document;
}

static void add_form(struct checking *checking, const struct form *form)
{
    checking->forms =
        memory_resize_array(checking->owner, checking->forms, const struct form *, checking->form_count + 1);
    checking->forms[checking->form_count++] = form;
}

static void read_forms(struct checking *checking, const struct document *documents, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (documents[i].kind != DEFINITION_FORM)
            continue;
        const struct form *form = form_read(checking->owner, documents[i].root, checking->faults);
        if (form == NULL) {
            checking->forms_complete = false;
            continue;
        }
        checking->counts.forms++;
        add_form(checking, form);
    }
}

static bool has_form(const struct checking *checking, size_t count, const struct form *form)
{
    for (size_t i = 0; i < count; i++)
        if (checking->forms[i]->version == form->version && strcmp(checking->forms[i]->id, form->id) == 0)
            return true;
    return false;
}

static void add_directory(struct checking *checking, const char *directory)
{
    size_t given = checking->form_count, count = 0;
    struct faults faults = faults_begin(checking->owner);   /* files that nobody asked to check */
    const struct form **forms = catalogue_load_forms(checking->owner, directory, &count, &faults);
    for (size_t i = 0; i < count; i++)
        if (!has_form(checking, given, forms[i]))
            add_form(checking, forms[i]);
    if (faults.count > 0)
        faults_add(checking->faults, faults.faults[0].file, faults.faults[0].line, "%s",
                   faults.faults[0].text);
}

static void check_protocol(struct checking *checking, const struct document *document)
{
    const struct protocol *protocol = protocol_read(checking->owner, document->root, checking->faults);
    if (protocol == NULL)
        return;
    size_t faults_before = checking->faults->count;
    struct catalogue catalogue = {.study = protocol->id, .protocol = protocol, .forms = checking->forms,
                                  .form_count = checking->form_count};
    if (checking->forms_complete)
        catalogue_find_faults(&catalogue, document->path, checking->faults);
    checking->counts.protocols += checking->faults->count == faults_before;
}

static void check_wording(struct checking *checking, const struct document *document)
{
    int version = 0;
    const char *id = wording_target(document->root, &version, checking->faults);
    if (id == NULL || version == 0)
        return;
    struct catalogue catalogue = {.forms = checking->forms, .form_count = checking->form_count};
    const struct form *form = catalogue_find_form(&catalogue, id, version);
    if (form == NULL)
        faults_add(checking->faults, document->path, document->root->line,
                   "no form %.64s version %d to lay this wording "
                   "over; name its file too, or its directory with --forms",
                   id, version);
    else
        checking->counts.wordings +=
            wording_apply(checking->owner, form, document->root, checking->faults) != NULL;
}

struct definition_counts definition_check(const void *owner, const char *const *paths, size_t path_count,
                                          const char *forms_directory, struct faults *faults)
{
    struct checking checking = {.owner = owner, .faults = faults, .forms_complete = true};
    struct document *documents = memory_new_array(owner, struct document, path_count);
    bool needs_forms = false;
    for (size_t i = 0; i < path_count; i++) {
        documents[i] = open_document(&checking, paths[i]);
        needs_forms |= documents[i].kind == DEFINITION_PROTOCOL || documents[i].kind == DEFINITION_WORDING;
        checking.forms_complete &= documents[i].kind != DEFINITION_UNKNOWN;
    }
    read_forms(&checking, documents, path_count);
    if (needs_forms && forms_directory != NULL)
        add_directory(&checking, forms_directory);
    catalogue_sort_forms(checking.forms, checking.form_count, faults);
    for (size_t i = 0; i < path_count; i++) {
        if (documents[i].kind == DEFINITION_PROTOCOL)
            check_protocol(&checking, &documents[i]);
        else if (documents[i].kind == DEFINITION_WORDING)
            check_wording(&checking, &documents[i]);
    }
    return checking.counts;
}
