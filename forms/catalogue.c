/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/protocol.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/catalogue_checking.h"
#include "forms/faults.h"
#include "forms/suggestion.h"
#include "forms/yaml.h"

const struct form *catalogue_find_form(const struct catalogue *catalogue, const char *id, int version)
{
    for (size_t i = 0; i < catalogue->form_count; i++) {
        const struct form *form = catalogue->forms[i];
        if ((version == 0 || form->version == version) && strcmp(form->id, id) == 0)
            return form;
    }
    return NULL;
}

const struct score *catalogue_endpoint_score(const struct catalogue *catalogue,
                                             const struct endpoint *endpoint)
{
    for (size_t i = 0; i < catalogue->form_count; i++) {
        const struct form *form = catalogue->forms[i];
        int index =
            strcmp(form->id, endpoint->form) == 0 ? form_find_score(form, endpoint->score) : FORM_NONE;
        if (index != FORM_NONE)
            return &form->scores[index];
    }
    return NULL;
}

const struct form *checking_find_form(struct checking *checking, int line, const char *what, const char *form)
{
    const struct catalogue *catalogue = checking->catalogue;
    const struct form *found = catalogue_find_form(catalogue, form, 0);
    if (found != NULL)
        return found;
    struct suggestion suggestion = suggestion_begin(form);
    for (size_t i = 0; i < catalogue->form_count; i++)
        suggestion_offer(&suggestion, catalogue->forms[i]->id);
    char hint[SUGGESTION_TEXT_SIZE];
    suggestion_format(&suggestion, hint);
    faults_add(checking->faults, checking->file, line, "%s: no form \"%.64s\"%s", what, form,
               hint[0] != '\0' ? hint : "; add its file to the forms of the study");
    return NULL;
}

const struct item *checking_find_item(struct checking *checking, const struct item_reference *reference)
{
    const struct form *form =
        checking_find_form(checking, reference->line, reference->key, reference->form);
    if (form == NULL)
        return NULL;
    int index = form_find_item(form, reference->item);
    if (index != FORM_NONE)
        return &form->items[index];
    struct suggestion suggestion = suggestion_begin(reference->item);
    for (size_t i = 0; i < form->item_count; i++)
        suggestion_offer(&suggestion, form->items[i].id);
    char hint[SUGGESTION_TEXT_SIZE];
    suggestion_format(&suggestion, hint);
    faults_add(checking->faults, checking->file, reference->line, "%s: form %s has no item \"%.64s\"%s",
               reference->key, form->id, reference->item,
               hint[0] != '\0' ? hint : "; the codebook lists its items");
    return NULL;
}

static void check_endpoint(struct checking *checking, const struct endpoint *endpoint)
{
    const struct form *form = checking_find_form(checking, endpoint->line, endpoint->id, endpoint->form);
    if (form == NULL)
        return;
    if (catalogue_endpoint_score(checking->catalogue, endpoint) != NULL)
        return;
    struct suggestion suggestion = suggestion_begin(endpoint->score);
    for (const struct score *score = form->scores; score != NULL && score < form->scores + form->score_count;
         score++)
        suggestion_offer(&suggestion, score->id);
    char hint[SUGGESTION_TEXT_SIZE];
    suggestion_format(&suggestion, hint);
    faults_add(checking->faults, checking->file, endpoint->line, "%s: form %s has no score \"%.64s\"%s",
               endpoint->id, form->id, endpoint->score,
               hint[0] != '\0' ? hint : "; the codebook lists its scores");
}

/* An item that is described, or that models and subgroups are made of. */
static void check_item(struct checking *checking, const struct item_reference *reference)
{
    const struct item *item = checking_find_item(checking, reference);
    if (item == NULL)
        return;
    enum item_type type = item->type;
    if (type == ITEM_TEXT || type == ITEM_DATE || type == ITEM_PARTIAL_DATE)
        faults_add(checking->faults, checking->file, reference->line,
                   "%s: %s.%s is a %s; name a number, a choice or a boolean", reference->key, reference->form,
                   reference->item, item_type_name(type));
}

static void check_enrolment(struct checking *checking)
{
    const struct catalogue *catalogue = checking->catalogue;
    const struct form *enrolment = NULL;
    for (size_t i = 0; i < catalogue->form_count; i++) {
        const struct form *form = catalogue->forms[i];
        if (!form->creates_subject || (enrolment != NULL && strcmp(enrolment->id, form->id) == 0))
            continue;
        if (enrolment != NULL)
            faults_add(checking->faults, form->file, form->creates_subject_line,
                       "the forms %s and %s both create subjects; remove \"creates_subject\" from one",
                       enrolment->id, form->id);
        enrolment = form;
    }
    if (enrolment == NULL)
        faults_add(checking->faults, checking->file, 1,
                   "no form of this study creates subjects; add the file of one with "
                   "\"creates_subject: true\"");
}

void catalogue_find_faults(const struct catalogue *catalogue, const char *file, struct faults *faults)
{
    const struct protocol *protocol = catalogue->protocol;
    struct checking checking = {.catalogue = catalogue, .file = file, .faults = faults};
    for (size_t i = 0; i < protocol->visit_count; i++)
        for (size_t j = 0; j < protocol->visits[i].form_count; j++)
            (void)checking_find_form(&checking, protocol->visits[i].line, protocol->visits[i].id,
                                     protocol->visits[i].forms[j]);
    for (size_t i = 0; i < protocol->any_time_count; i++)
        (void)checking_find_form(&checking, protocol->any_time_line, "any_time", protocol->any_time[i]);
    for (size_t i = 0; i < protocol->endpoint_count; i++)
        check_endpoint(&checking, &protocol->endpoints[i]);
    for (size_t i = 0; i < protocol->baseline_count; i++)
        check_item(&checking, &protocol->baseline[i]);
    for (size_t i = 0; i < protocol->model_item_count; i++)
        check_item(&checking, &protocol->model_items[i]);
    checking_plan(&checking);
    check_enrolment(&checking);
}

bool catalogue_check(const struct catalogue *catalogue, const char *file, struct error *error)
{
    void *scratch = memory_owner(NULL, "catalogue_check");
    struct faults faults = faults_begin(scratch);
    catalogue_find_faults(catalogue, file, &faults);
    bool fits = faults_to_error(&faults, error);
    talloc_free(scratch);
    return fits;
}

static int compare_forms(const void *a, const void *b)
{
    const struct form *left = *(const struct form *const *)a, *right = *(const struct form *const *)b;
    int order = strcmp(left->id, right->id);
    return order != 0 ? order : right->version - left->version;
}

void catalogue_sort_forms(const struct form **forms, size_t count, struct faults *faults)
{
    if (count > 0)
        qsort(forms, count, sizeof(const struct form *), compare_forms);
    for (size_t i = 1; i < count; i++)
        if (compare_forms(&forms[i - 1], &forms[i]) == 0)
            faults_add(faults, forms[i]->file, forms[i]->version_line,
                       "two files hold version %d of form %s, this one and %.160s; remove one or count up "
                       "its version",
                       forms[i]->version, forms[i]->id, forms[i - 1]->file);
}

static int is_yaml(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 5 && entry->d_name[0] != '.' && strcmp(entry->d_name + length - 5, ".yaml") == 0;
}

static const struct form *load_form(const void *owner, const char *path, struct faults *faults)
{
    struct error error;
    size_t length = 0;
    char *text = text_read_file(faults->owner, path, FORM_FILE_LIMIT, &length, &error);
    const struct yaml *root = text != NULL ? yaml_parse(faults->owner, path, text, length, &error) : NULL;
    if (root == NULL) {
        faults_add_error(faults, path, &error);
        return NULL;
    }
    return form_read(owner, root, faults);
}

const struct form **catalogue_load_forms(const void *owner, const char *directory, size_t *count,
                                         struct faults *faults)
{
    struct dirent **entries = NULL;
    int entry_count = scandir(directory, &entries, is_yaml, alphasort);
    *count = 0;
    if (entry_count < 0) {
        faults_add(faults, directory, 0, "cannot be read: %s; name the directory of the forms",
                   strerror(errno));
        return NULL;
    }
    const struct form **forms = memory_new_array(owner, const struct form *, (size_t)entry_count);
    for (int i = 0; i < entry_count; i++) {
        const char *path = memory_format(faults->owner, "%s/%s", directory, entries[i]->d_name);
        const struct form *form = load_form(owner, path, faults);
        if (form != NULL)
            forms[(*count)++] = form;
        free(entries[i]);
    }
    free(entries);
    catalogue_sort_forms(forms, *count, faults);
    return forms;
}

/* Everything of catalogue_load but what becomes of the faults. */
static struct catalogue *load(const void *owner, const char *protocol_path, const char *forms_directory,
                              struct faults *faults)
{
    struct error error;
    size_t length = 0;
    char *text = text_read_file(faults->owner, protocol_path, FORM_FILE_LIMIT, &length, &error);
    const struct yaml *root =
        text != NULL ? yaml_parse(faults->owner, protocol_path, text, length, &error) : NULL;
    if (root == NULL) {
        faults_add_error(faults, protocol_path, &error);
        return NULL;
    }
    struct catalogue *catalogue = memory_new(owner, struct catalogue);
    catalogue->protocol = protocol_read(catalogue, root, faults);
    catalogue->forms = catalogue_load_forms(catalogue, forms_directory, &catalogue->form_count, faults);
    if (faults->count > 0)
        return NULL;
    catalogue->study = catalogue->protocol->id;
    catalogue_find_faults(catalogue, protocol_path, faults);
    return catalogue;
}

struct catalogue *catalogue_load(const void *owner, const char *protocol_path, const char *forms_directory,
                                 struct error *error)
{
    void *scratch = memory_owner(NULL, "catalogue_load");
    struct faults faults = faults_begin(scratch);
    struct catalogue *catalogue = load(owner, protocol_path, forms_directory, &faults);
    bool loaded = faults_to_error(&faults, error);
    talloc_free(scratch);
    return loaded ? catalogue : NULL;
}
