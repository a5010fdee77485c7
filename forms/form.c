/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/form.h"

#include <limits.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/form_read.h"

static const char *const about_words[] = {"subject", "knee", "either", NULL};

static const char *const form_keys[] = {
    "form",    "version", "title",    "source", "recall", "about", "creates_subject",
    "repeats", "choices", "sections", "rules",  "scores", NULL,
};

bool form_is_id(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz",
                      rest[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    size_t length = strlen(text);
    return length > 0 && length < 64 && strchr(letters, text[0]) != NULL && strspn(text, rest) == length;
}

const char *form_read_id(const struct yaml *map, struct faults *faults)
{
    const char *id = yaml_get_text(map, "id", YAML_REQUIRED, faults);
    if (id == NULL || form_is_id(id))
        return id;
    yaml_fault(faults, yaml_find(map, "id"),
               "id \"%.64s\" must begin with a small letter and hold only small letters, "
               "digits and _ (at most 63)",
               id);
    return NULL;
}

const char *form_read_text(struct form_reader *reader, const struct yaml *map, const char *key,
                           enum yaml_need need)
{
    const char *text = yaml_get_text(map, key, need, reader->faults);
    return text != NULL ? memory_copy_string(reader->form, text) : NULL;
}

static void read_head(struct form_reader *reader)
{
    struct form *form = reader->form;
    const struct yaml *root = reader->root;
    struct faults *faults = reader->faults;
    const struct yaml *version = yaml_find(root, "version"), *creates = yaml_find(root, "creates_subject");
    yaml_allow_keys(root, form_keys, faults);
    form->file = memory_copy_string(form, root->file);
    form->version_line = version != NULL ? version->line : root->line;
    form->creates_subject_line = creates != NULL ? creates->line : root->line;
    form->id = form_read_text(reader, root, "form", YAML_REQUIRED);
    if (form->id != NULL && !form_is_id(form->id))
        yaml_fault(faults, yaml_find(root, "form"),
                   "form id \"%.64s\" must begin with a small letter and hold only small "
                   "letters, digits and _",
                   form->id);
    yaml_get_integer(root, "version", YAML_REQUIRED, (struct yaml_bounds){1, 9999}, &form->version, faults);
    form->title = form_read_text(reader, root, "title", YAML_REQUIRED);
    form->source = form_read_text(reader, root, "source", YAML_REQUIRED);
    form->recall = form_read_text(reader, root, "recall", YAML_OPTIONAL);
    int about = yaml_get_word(root, "about", YAML_REQUIRED, about_words, faults);
    form->about = about >= 0 ? (enum form_about)about : FORM_ABOUT_SUBJECT;
    yaml_get_boolean(root, "creates_subject", YAML_OPTIONAL, &form->creates_subject, faults);
    yaml_get_boolean(root, "repeats", YAML_OPTIONAL, &form->repeats, faults);
}

/* What the database and the API take from the enrolment form. */
static void check_enrolment(struct form_reader *reader)
{
    const struct form *form = reader->form;
    const struct yaml *place = yaml_find(reader->root, "creates_subject");
    if (!form->creates_subject || reader->faults->count > 0)
        return;
    int index = form_find_item(form, "index_knee");
    const struct item *item = index != FORM_NONE ? &form->items[index] : NULL;
    bool fits = item != NULL && item->type == ITEM_CHOICE && item->must_be_answered && item->choice_count == 2
                && item_find_choice(item, "left") != NULL && item_find_choice(item, "right") != NULL;
    if (!fits)
        yaml_fault(reader->faults, place,
                   "a form that creates subjects needs the choice \"index_knee\" with the codes left and "
                   "right and \"required: always\"");
    if (form->about != FORM_ABOUT_SUBJECT || form->repeats)
        yaml_fault(reader->faults, place,
                   "a form that creates subjects must be about the subject and cannot repeat");
}

struct form *form_read(const void *owner, const struct yaml *root, struct faults *faults)
{
    if (!yaml_expect(root, YAML_MAP, faults))
        return NULL;
    size_t faults_before = faults->count;
    struct form_reader reader = {.form = memory_new(owner, struct form), .root = root, .faults = faults};
    read_head(&reader);
    form_read_items(&reader);
    form_read_rules(&reader);
    form_read_scores(&reader);
    check_enrolment(&reader);
    return faults->count == faults_before ? reader.form : NULL;
}

struct form *form_parse(const void *owner, const char *file, const char *text, size_t length,
                        struct error *error)
{
    void *scratch = memory_owner(NULL, "form_parse");
    struct faults faults = faults_begin(scratch);
    struct form *form = NULL;
    const struct yaml *root = yaml_parse(scratch, file, text, length, error);
    if (root != NULL) {
        form = form_read(owner, root, &faults);
        if (!faults_to_error(&faults, error))
            form = NULL;
    }
    talloc_free(scratch);
    return form;
}

struct form *form_load(const void *owner, const char *path, struct error *error)
{
    size_t length = 0;
    char *text = text_read_file(owner, path, FORM_FILE_LIMIT, &length, error);
    return text != NULL ? form_parse(owner, path, text, length, error) : NULL;
}

int form_find_item(const struct form *form, const char *id)
{
    size_t low = 0, high = form->item_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        size_t index = form->items_by_id[middle];
        int order = strcmp(id, form->items[index].id);
        if (order == 0)
            return (int)index;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return FORM_NONE;
}

int form_find_score(const struct form *form, const char *id)
{
    for (size_t i = 0; i < form->score_count; i++)
        if (strcmp(form->scores[i].id, id) == 0)
            return (int)i;
    return FORM_NONE;
}

const struct choice *item_find_choice(const struct item *item, const char *code)
{
    for (size_t i = 0; i < item->choice_count; i++)
        if (strcmp(item->choices[i].code, code) == 0)
            return &item->choices[i];
    return NULL;
}

const char *item_type_name(enum item_type type)
{
    static const char *const names[] = {"choice",       "integer", "decimal", "date",
                                        "partial_date", "text",    "boolean"};
    return names[type];
}
