/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/upload_profile.h"

#include <string.h>

#include "forms/answer.h"
#include "forms/base/memory.h"
#include "forms/suggestion.h"
#include "forms/upload_profile_read.h"

static const char *const root_keys[] = {"profile", "version",      "delimiter", "encoding", "decimal",  "quotes",
                                        "dates",   "form",         "form_version", "knee",  "visit",    "wide",
                                        "columns", "ignored",      "visits",    "knees",    "missing",  "codes",
                                        NULL};
static const char *const knee_words[] = {"left", "right", "none", NULL};

const char *profile_keep(struct profile_reader *reader, const char *text)
{
    return text != NULL ? memory_copy_string(reader->profile, text) : NULL;
}

/* ---- forms, visits and knees ---- */

const struct form *profile_find_form(struct profile_reader *reader, const struct yaml *node, const char *id)
{
    const struct catalogue *catalogue = reader->catalogue;
    const struct form *form = catalogue_find_form(catalogue, id, 0);
    if (form != NULL && upload_is_asked(catalogue->protocol, id))
        return form;
    struct suggestion suggestion = suggestion_begin(id);
    for (size_t i = 0; i < catalogue->form_count; i++)
        if (upload_is_asked(catalogue->protocol, catalogue->forms[i]->id))
            suggestion_offer(&suggestion, catalogue->forms[i]->id);
    char hint[SUGGESTION_TEXT_SIZE];
    suggestion_format(&suggestion, hint);
    yaml_fault(reader->faults, node, "the study asks for no form \"%.64s\"%s", id,
               hint[0] != '\0' ? hint : "; name one of its forms");
    return NULL;
}

const char *profile_read_visit(struct profile_reader *reader, const struct yaml *node)
{
    const struct protocol *protocol = reader->catalogue->protocol;
    const char *id = yaml_text(node, reader->faults);
    if (id == NULL)
        return NULL;
    if (strcmp(id, "unscheduled") == 0 || protocol_find_visit(protocol, id) != NULL)
        return profile_keep(reader, id);
    struct suggestion suggestion = suggestion_begin(id);
    for (size_t i = 0; i < protocol->visit_count; i++)
        suggestion_offer(&suggestion, protocol->visits[i].id);
    char hint[SUGGESTION_TEXT_SIZE];
    suggestion_format(&suggestion, hint);
    yaml_fault(reader->faults, node, "the study has no visit \"%.64s\"%s", id,
               hint[0] != '\0' ? hint : "; name one of its visits, or unscheduled");
    return NULL;
}

const char *profile_read_knee(struct profile_reader *reader, const struct yaml *map)
{
    int word = yaml_get_word(map, "knee", YAML_OPTIONAL, knee_words, reader->faults);
    return word >= 0 ? knee_words[word] : NULL;
}

/* ---- words ---- */

typedef const char *read_meaning(struct profile_reader *reader, const struct yaml *node);

static const char *one_of(struct profile_reader *reader, const struct yaml *node, const char *const *words,
                          const char *what)
{
    const char *text = yaml_text(node, reader->faults);
    if (text == NULL)
        return NULL;
    struct suggestion suggestion = suggestion_begin(text);
    for (; *words != NULL; words++) {
        if (strcmp(*words, text) == 0)
            return *words;
        suggestion_offer(&suggestion, *words);
    }
    char hint[SUGGESTION_TEXT_SIZE];
    suggestion_format(&suggestion, hint);
    yaml_fault(reader->faults, node, "\"%.64s\" is not %s%s", text, what, hint);
    return NULL;
}

static const char *read_knee_word(struct profile_reader *reader, const struct yaml *node)
{
    return one_of(reader, node, knee_words, "left, right or none");
}

static const char *read_missing(struct profile_reader *reader, const struct yaml *node)
{
    if (node->kind == YAML_TEXT && strcmp(node->text, "blank") == 0)
        return "blank";
    return one_of(reader, node, answer_decline_reasons,
                  "blank, refused, not_done, unknown, not_applicable or illegible");
}

/* A code of any choice of the study's forms. */
static const char *read_code(struct profile_reader *reader, const struct yaml *node)
{
    const char *code = yaml_text(node, reader->faults);
    if (code == NULL || strcmp(code, "true") == 0 || strcmp(code, "false") == 0)
        return profile_keep(reader, code);
    const struct catalogue *catalogue = reader->catalogue;
    for (size_t i = 0; i < catalogue->form_count; i++)
        for (size_t j = 0; j < catalogue->forms[i]->item_count; j++)
            if (item_find_choice(&catalogue->forms[i]->items[j], code) != NULL)
                return profile_keep(reader, code);
    yaml_fault(reader->faults, node, "no choice of this study has the code \"%.64s\"; see the codebook, or write true "
               "or false", code);
    return NULL;
}

static void read_words(struct profile_reader *reader, const char *key, read_meaning *read, struct upload_words *words)
{
    const struct yaml *map = yaml_get_map(reader->root, key, YAML_OPTIONAL, reader->faults);
    if (map == NULL)
        return;
    struct upload_word *list = memory_new_array(reader->profile, struct upload_word, map->count);
    for (size_t i = 0; i < map->count; i++) {
        const struct yaml *node = map->children[i];
        const char *means = read(reader, node);
        if (upload_same_name(node->key, ""))
            yaml_fault(reader->faults, node, "a blank is no word of \"%s\"; remove this line", key);
        for (size_t j = 0; j < words->count; j++)
            if (upload_same_name(list[j].file, node->key))
                yaml_fault(reader->faults, node,
                           "\"%.64s\" is in \"%s\" twice (case and blanks do not count); remove one", node->key, key);
        if (means != NULL)
            list[words->count++] = (struct upload_word){profile_keep(reader, node->key), means, node->key_line};
    }
    words->words = list;
}

/* ---- how the file is written ---- */

static void read_delimiter(struct profile_reader *reader)
{
    const char *text = yaml_get_text(reader->root, "delimiter", YAML_OPTIONAL, reader->faults);
    if (text == NULL)
        return;
    if (strcmp(text, "tab") == 0)
        reader->profile->dialect.delimiter = '\t';
    else if (strlen(text) == 1 && strchr(",;\t|^", text[0]) != NULL)
        reader->profile->dialect.delimiter = text[0];
    else
        yaml_fault(reader->faults, yaml_find(reader->root, "delimiter"),
                   "\"%.16s\" is no delimiter; write \",\" \";\" \"|\" \"^\" (in quotes) or tab", text);
}

static void read_encoding(struct profile_reader *reader)
{
    const char *text = yaml_get_text(reader->root, "encoding", YAML_OPTIONAL, reader->faults);
    if (text == NULL)
        return;
    reader->profile->dialect.encoding = csv_encoding_of(text);
    if (reader->profile->dialect.encoding == CSV_ENCODING_UNKNOWN)
        yaml_fault(reader->faults, yaml_find(reader->root, "encoding"),
                   "\"%.32s\" is no encoding that can be read; write utf-8, windows-1252, utf-16le or utf-16be", text);
}

static void read_dialect(struct profile_reader *reader)
{
    static const char *const decimal_words[] = {".", ",", NULL};
    static const char *const date_words[] = {"iso", "dmy", "mdy", NULL};
    struct upload_profile *profile = reader->profile;
    read_delimiter(reader);
    read_encoding(reader);
    int decimal = yaml_get_word(reader->root, "decimal", YAML_OPTIONAL, decimal_words, reader->faults);
    if (decimal >= 0)
        profile->dialect.decimal = decimal_words[decimal][0];
    profile->dialect.quoting = true;
    profile->dialect.quoting_declared = yaml_find(reader->root, "quotes") != NULL;
    yaml_get_boolean(reader->root, "quotes", YAML_OPTIONAL, &profile->dialect.quoting, reader->faults);
    int dates = yaml_get_word(reader->root, "dates", YAML_OPTIONAL, date_words, reader->faults);
    profile->dates_declared = dates >= 0;
    profile->dates = dates == 1 ? UPLOAD_DATES_DMY : dates == 2 ? UPLOAD_DATES_MDY : UPLOAD_DATES_ISO;
}

/* ---- the whole ---- */

static void read_name(struct profile_reader *reader)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    const char *name = yaml_get_text(reader->root, "profile", YAML_REQUIRED, reader->faults);
    reader->profile->name = name != NULL ? profile_keep(reader, name) : "";
    if (name != NULL && (strlen(name) > 64 || strspn(name, letters) != strlen(name)))
        yaml_fault(reader->faults, yaml_find(reader->root, "profile"),
                   "the name \"%.64s\" may hold only letters, digits, - and _ (at most 64)", name);
    yaml_get_integer(reader->root, "version", YAML_REQUIRED, (struct yaml_bounds){1, 9999}, &reader->profile->version,
                     reader->faults);
}

static void read_whole_file(struct profile_reader *reader)
{
    struct upload_profile *profile = reader->profile;
    const struct yaml *root = reader->root;
    const char *form = yaml_get_text(root, "form", YAML_OPTIONAL, reader->faults);
    reader->form = form != NULL ? profile_find_form(reader, yaml_find(root, "form"), form) : NULL;
    profile->form = reader->form != NULL ? profile_keep(reader, reader->form->id) : NULL;
    const struct yaml *version = yaml_find(root, "form_version");
    yaml_get_integer(root, "form_version", YAML_OPTIONAL, (struct yaml_bounds){1, 9999}, &profile->form_version,
                     reader->faults);
    if (version != NULL && form == NULL)
        yaml_fault(reader->faults, version, "\"form_version\" needs \"form\"; add it, or remove this");
    else if (reader->form != NULL && profile->form_version > 0) {
        const struct form *asked = catalogue_find_form(reader->catalogue, profile->form, profile->form_version);
        if (asked == NULL)
            yaml_fault(reader->faults, version, "the form %s has no version %d; the newest is %d", profile->form,
                       profile->form_version, reader->form->version);
        reader->form = asked != NULL ? asked : reader->form;
    }
    profile->knee = profile_read_knee(reader, root);
    const struct yaml *visit = yaml_find(root, "visit");
    profile->visit = visit != NULL ? profile_read_visit(reader, visit) : NULL;
    yaml_get_boolean(root, "wide", YAML_OPTIONAL, &profile->wide, reader->faults);
}

static void read_profile(struct profile_reader *reader)
{
    struct upload_profile *profile = reader->profile;
    yaml_allow_keys(reader->root, root_keys, reader->faults);
    read_name(reader);
    read_dialect(reader);
    read_whole_file(reader);
    read_words(reader, "visits", profile_read_visit, &profile->visits);
    read_words(reader, "knees", read_knee_word, &profile->knees);
    read_words(reader, "missing", read_missing, &profile->missing);
    read_words(reader, "codes", read_code, &profile->codes);
    profile_read_columns(reader);
}

struct upload_profile *upload_profile_parse(const void *owner, const char *file, const char *text, size_t length,
                                            const struct catalogue *catalogue, struct faults *faults)
{
    void *scratch = memory_owner(NULL, "upload_profile_parse");
    size_t faults_before = faults->count;
    struct error error = {0};
    struct profile_reader reader = {.profile = memory_new(owner, struct upload_profile), .catalogue = catalogue,
                                    .faults = faults};
    reader.root = yaml_parse(scratch, file, text, length, &error);
    if (reader.root == NULL)
        faults_add_error(faults, file, &error);
    else if (yaml_expect(reader.root, YAML_MAP, faults))
        read_profile(&reader);
    reader.profile->canonical = memory_copy_bytes(reader.profile, text, length);
    talloc_free(scratch);
    if (faults->count == faults_before)
        return reader.profile;
    talloc_free(reader.profile);
    return NULL;
}
