/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a profile says of single columns. */
#include <string.h>

#include "forms/base/memory.h"
#include "forms/suggestion.h"
#include "forms/upload_profile_read.h"

static const char *const column_keys[] = {"role",  "item", "score",    "choice",       "form",
                                          "visit", "knee", "instance", "blank_clears", NULL};

const struct upload_role_word upload_role_words[] = {
    {"ignored", UPLOAD_IGNORED},         {"subject", UPLOAD_SUBJECT},     {"site", UPLOAD_SITE},
    {"study", UPLOAD_STUDY},             {"knee", UPLOAD_KNEE},           {"form", UPLOAD_FORM},
    {"form_version", UPLOAD_FORM_VERSION}, {"visit", UPLOAD_VISIT},       {"instance", UPLOAD_INSTANCE},
    {"repeat_form", UPLOAD_REPEAT_FORM}, {"date", UPLOAD_DATE},           {"reason", UPLOAD_REASON},
    {"complete", UPLOAD_COMPLETE},       {"status", UPLOAD_STATUS},       {"not_answered", UPLOAD_NOT_ANSWERED},
    {"field_name", UPLOAD_FIELD_NAME},   {"field_value", UPLOAD_FIELD_VALUE}, {NULL, UPLOAD_UNKNOWN},
};

static bool find_role(const char *word, enum upload_role *role)
{
    for (const struct upload_role_word *known = upload_role_words; known->word != NULL; known++)
        if (strcmp(known->word, word) == 0) {
            *role = known->role;
            return true;
        }
    return false;
}

/* A column in the making. */
struct reading {
    struct profile_reader *reader;
    const struct yaml *node;     /* where its faults stand */
    struct upload_column_rule *rule;
    const struct form *form;     /* named by the column, or the profile's */
};

/* ---- items and scores ---- */

static void suggest_part(struct reading *reading, const char *id, bool may_be_role)
{
    const struct form *form = reading->form;
    struct suggestion suggestion = suggestion_begin(id);
    for (size_t i = 0; form != NULL && i < form->item_count; i++)
        suggestion_offer(&suggestion, form->items[i].id);
    for (size_t i = 0; form != NULL && i < form->score_count; i++)
        suggestion_offer(&suggestion, form->scores[i].id);
    for (const struct upload_role_word *known = upload_role_words; may_be_role && known->word != NULL; known++)
        suggestion_offer(&suggestion, known->word);
    char hint[SUGGESTION_TEXT_SIZE];
    suggestion_format(&suggestion, hint);
    if (form != NULL)
        yaml_fault(reading->reader->faults, reading->node, "the form %s has no item \"%.64s\"%s", form->id, id,
                   hint[0] != '\0' ? hint : "; see the codebook");
    else
        yaml_fault(reading->reader->faults, reading->node,
                   "\"%.64s\" is no role of a column; write one, or form.item, as in koos.p1%s", id, hint);
}

/* Items and scores that only an older version of the form has are known, too. */
static bool find_part(struct reading *reading, const char *id, bool wants_score)
{
    const struct catalogue *catalogue = reading->reader->catalogue;
    struct upload_column_rule *rule = reading->rule;
    for (size_t i = 0; i < catalogue->form_count; i++) {
        const struct form *form = catalogue->forms[i];
        if (strcmp(form->id, reading->form->id) != 0)
            continue;
        bool is_item = !wants_score && form_find_item(form, id) != FORM_NONE;
        if (!is_item && form_find_score(form, id) == FORM_NONE)
            continue;
        rule->role = is_item ? UPLOAD_ITEM : UPLOAD_SCORE;
        rule->form = profile_keep(reading->reader, form->id);
        rule->item = profile_keep(reading->reader, id);
        reading->form = form;
        return true;
    }
    return false;
}

/* "koos.p1", or "p1" where the form is known. */
static void read_part(struct reading *reading, const char *text, bool wants_score, bool may_be_role)
{
    const char *dot = strchr(text, '.');
    const char *id = text;
    if (dot != NULL) {
        char *form = memory_copy_bytes(reading->reader->profile, text, (size_t)(dot - text));
        reading->form = profile_find_form(reading->reader, reading->node, form);
        id = dot + 1;
        if (reading->form == NULL)
            return;
    }
    if (reading->form == NULL || !find_part(reading, id, wants_score))
        suggest_part(reading, id, may_be_role && dot == NULL);
}

static void read_choice(struct reading *reading, const char *code)
{
    struct upload_column_rule *rule = reading->rule;
    int at = rule->role == UPLOAD_ITEM ? form_find_item(reading->form, rule->item) : FORM_NONE;
    if (at == FORM_NONE) {
        if (rule->item == NULL || rule->role == UPLOAD_SCORE)
            yaml_fault(reading->reader->faults, reading->node, "\"choice\" needs the \"item\" that it is a choice of");
        return;
    }
    const struct item *item = &reading->form->items[at];
    if (item_find_choice(item, code) != NULL) {
        rule->role = UPLOAD_CHECKBOX;
        rule->choice = profile_keep(reading->reader, code);
        return;
    }
    struct suggestion suggestion = suggestion_begin(code);
    for (size_t i = 0; i < item->choice_count; i++)
        suggestion_offer(&suggestion, item->choices[i].code);
    char hint[SUGGESTION_TEXT_SIZE];
    suggestion_format(&suggestion, hint);
    yaml_fault(reading->reader->faults, reading->node, "%s.%s has no choice \"%.64s\"%s", reading->form->id, item->id,
               code, hint[0] != '\0' ? hint : "; see the codebook");
}

/* ---- one column ---- */

static void read_role(struct reading *reading, const char *word)
{
    if (!find_role(word, &reading->rule->role))
        suggest_part(reading, word, true);
    else if (reading->form != NULL && reading->rule->form == NULL && yaml_find(reading->node, "form") != NULL)
        reading->rule->form = profile_keep(reading->reader, reading->form->id);
}

/* `subject`, `koos.p1` or, where every row is one form, `p1`. */
static void read_word(struct reading *reading)
{
    const char *text = yaml_text(reading->node, reading->reader->faults);
    if (text == NULL || find_role(text, &reading->rule->role))
        return;
    read_part(reading, text, false, true);
}

/* At most one of role, item and score; none: what the column is by its name. */
static void read_meaning_of(struct reading *reading)
{
    const struct yaml *map = reading->node;
    struct faults *faults = reading->reader->faults;
    const char *role = yaml_get_text(map, "role", YAML_OPTIONAL, faults);
    const char *item = yaml_get_text(map, "item", YAML_OPTIONAL, faults);
    const char *score = yaml_get_text(map, "score", YAML_OPTIONAL, faults);
    const char *choice = yaml_get_text(map, "choice", YAML_OPTIONAL, faults);
    if ((role != NULL) + (item != NULL) + (score != NULL) > 1)
        yaml_fault(faults, map, "a column is one thing: keep one of \"role\", \"item\" and \"score\"");
    if (role != NULL)
        read_role(reading, role);
    else if (item != NULL || score != NULL)
        read_part(reading, item != NULL ? item : score, item == NULL, false);
    else if (yaml_find(map, "form") != NULL)
        yaml_fault(faults, map, "\"form\" needs a \"role\", an \"item\" or a \"score\" of it");
    if (choice != NULL)
        read_choice(reading, choice);
}

static void read_map(struct reading *reading)
{
    const struct yaml *map = reading->node;
    struct profile_reader *reader = reading->reader;
    struct upload_column_rule *rule = reading->rule;
    yaml_allow_keys(map, column_keys, reader->faults);
    const char *form = yaml_get_text(map, "form", YAML_OPTIONAL, reader->faults);
    if (form != NULL)
        reading->form = profile_find_form(reader, yaml_find(map, "form"), form);
    read_meaning_of(reading);
    const struct yaml *visit = yaml_find(map, "visit");
    rule->visit = visit != NULL ? profile_read_visit(reader, visit) : NULL;
    rule->knee = profile_read_knee(reader, map);
    yaml_get_integer(map, "instance", YAML_OPTIONAL, (struct yaml_bounds){1, 9999}, &rule->instance, reader->faults);
    yaml_get_boolean(map, "blank_clears", YAML_OPTIONAL, &rule->blank_clears, reader->faults);
    if (rule->blank_clears && rule->role != UPLOAD_ITEM && rule->role != UPLOAD_UNKNOWN)
        yaml_fault(reader->faults, map, "\"blank_clears\" is for columns with the answers to an item");
}

/* ---- all columns ---- */

/* Room for one more rule; a name that is there already is a fault. */
static struct upload_column_rule *add_rule(struct profile_reader *reader, struct upload_column_rule *rules,
                                           const struct yaml *node, const char *name)
{
    struct upload_profile *profile = reader->profile;
    for (size_t i = 0; i < profile->column_count; i++)
        if (upload_same_name(rules[i].column, name))
            yaml_fault(reader->faults, node,
                       "the column \"%.64s\" is here twice (case and blanks do not count; first in line %d); keep one "
                       "of them", name, rules[i].line);
    struct upload_column_rule *rule = &rules[profile->column_count++];
    rule->column = profile_keep(reader, name);
    return rule;
}

static void read_column(struct profile_reader *reader, const struct yaml *node, struct upload_column_rule *rules)
{
    if (upload_same_name(node->key, "") || text_has_control(node->key)) {
        yaml_fault(reader->faults, node, "a column must have a name without control characters; remove this line");
        return;
    }
    struct reading reading = {reader, node, add_rule(reader, rules, node, node->key), reader->form};
    reading.rule->line = node->key_line;
    if (node->kind == YAML_MAP)
        read_map(&reading);
    else if (node->kind == YAML_TEXT)
        read_word(&reading);
    else
        yaml_fault(reader->faults, node, "\"%.64s\" must be a role, form.item, or {item: ..., visit: ...}", node->key);
}

void profile_read_columns(struct profile_reader *reader)
{
    const struct yaml *columns = yaml_get_map(reader->root, "columns", YAML_OPTIONAL, reader->faults);
    const struct yaml *ignored = yaml_get_list(reader->root, "ignored", YAML_OPTIONAL, reader->faults);
    size_t room = (columns != NULL ? columns->count : 0) + (ignored != NULL ? ignored->count : 0);
    struct upload_column_rule *rules = memory_new_array(reader->profile, struct upload_column_rule, room);
    reader->profile->columns = rules;
    for (size_t i = 0; columns != NULL && i < columns->count; i++)
        read_column(reader, columns->children[i], rules);
    for (size_t i = 0; ignored != NULL && i < ignored->count; i++) {
        const struct yaml *node = ignored->children[i];
        const char *name = yaml_text(node, reader->faults);
        if (name == NULL)
            continue;
        struct upload_column_rule *rule = add_rule(reader, rules, node, name);
        rule->role = UPLOAD_IGNORED;
        rule->line = node->line;
    }
}
