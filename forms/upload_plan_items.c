/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which item of which form a column is, where its name alone does not say the form. */
#include <stdio.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "forms/suggestion.h"
#include "forms/upload_planning.h"

/* ---- a column that is found ---- */

/* A code as REDCap writes it in the name of a checkbox column: small letters, "_" for "-". */
static bool is_checkbox_code(const char *code, const char *written)
{
    void *scratch = memory_owner(NULL, "code");
    char *folded = upload_fold_name(scratch, code);
    for (char *dash = strchr(folded, '-'); dash != NULL; dash = strchr(dash, '-'))
        *dash = '_';
    bool same = strcmp(folded, written) == 0;
    talloc_free(scratch);
    return same;
}

static const struct choice *find_written_choice(const struct item *item, const char *written)
{
    for (size_t i = 0; i < item->choice_count; i++)
        if (upload_same_name(item->choices[i].code, written))
            return &item->choices[i];
    for (size_t i = 0; i < item->choice_count; i++)
        if (is_checkbox_code(item->choices[i].code, written) || upload_same_name(item->choices[i].label, written))
            return &item->choices[i];
    return NULL;
}

bool upload_take_item(struct planning *planning, size_t column, const struct named *named)
{
    struct upload_column *taken = &planning->columns[column];
    struct column_name *name = &planning->names[column];
    const struct choice *choice = NULL;
    if (name->choice != NULL) {
        if (named->score || (choice = find_written_choice(&named->form->items[named->item], name->choice)) == NULL)
            return false;
    }
    bool by_row = planning->form_by_row && named->rank != NAME_FULL && named->rank != NAME_JOINED && choice == NULL;
    taken->role = choice != NULL ? UPLOAD_CHECKBOX : named->score ? UPLOAD_SCORE : UPLOAD_ITEM;
    taken->form = by_row ? NULL : named->form;
    taken->item = by_row ? -1 : named->item;
    taken->id = upload_named_id(named);
    taken->choice = choice;
    name->open = false;
    return true;
}

/* ---- one form for a group of columns ---- */

/* What the column is in `form`; NULL when the form has no such item, or the item no such choice. */
static const struct named *meaning_in(const struct planning *planning, size_t column, const struct form *form,
                                      bool *doubled)
{
    const struct column_name *name = &planning->names[column];
    const struct named *named = upload_index_in_form(planning->index, name->stem, form, doubled);
    if (named == NULL || name->choice == NULL)
        return named;
    bool has_choice = !named->score && find_written_choice(&named->form->items[named->item], name->choice) != NULL;
    return has_choice ? named : NULL;
}

static bool is_item_of_any(const struct planning *planning, size_t column)
{
    for (size_t i = 0; i < planning->index->form_count; i++) {
        bool doubled;
        const struct named *named = meaning_in(planning, column, planning->index->forms[i], &doubled);
        if (named != NULL && !named->score)
            return true;
    }
    return false;
}

static bool is_of_group(const struct planning *planning, size_t column, size_t group)
{
    const struct column_name *name = &planning->names[column];
    return name->open && name->known && name->group == group;
}

static bool form_has_group(const struct planning *planning, const struct form *form, size_t group)
{
    bool doubled;
    for (size_t i = 0; i < planning->header->count; i++)
        if (is_of_group(planning, i, group) && meaning_in(planning, i, form, &doubled) == NULL)
            return false;
    return true;
}

/* The only form that has every item column of the group; the others that have, too, are counted. */
static const struct form *only_form_of(const struct planning *planning, size_t group, size_t *fitting)
{
    const struct form *found = NULL;
    *fitting = 0;
    bool any = false;
    for (size_t i = 0; i < planning->header->count && !any; i++)
        any = is_of_group(planning, i, group);
    for (size_t i = 0; any && i < planning->index->form_count; i++) {
        if (!form_has_group(planning, planning->index->forms[i], group))
            continue;
        found = (*fitting)++ == 0 ? planning->index->forms[i] : NULL;
    }
    return found;
}

enum { GROUPS_MOST = 500 };      /* each costs a look at every column; a study has not as many forms */

static void find_group_forms(struct planning *planning)
{
    size_t groups = 0, fitting;
    for (size_t i = 0; i < planning->header->count; i++)
        groups = planning->names[i].group > groups ? planning->names[i].group : groups;
    for (size_t g = 0; g <= groups && g < GROUPS_MOST; g++)
        if (planning->group_forms[g] == NULL)
            planning->group_forms[g] = only_form_of(planning, g, &fitting);
}

/* ---- column by column ---- */

/* Meanings of a column, one a form: the best that each has, without labels and codes where an id is meant. */
struct meanings {
    const struct named *found[2];
    size_t forms;                /* that have one */
};

static struct meanings meanings_of(const struct planning *planning, size_t column, const bool *seen)
{
    struct meanings meanings = {.forms = 0};
    size_t count;
    const struct named *names = upload_index_find(planning->index, planning->names[column].stem, &count);
    bool has_id = names != NULL && names[0].rank <= NAME_JOINED;
    for (size_t i = 0; i < planning->index->form_count; i++) {
        bool doubled;
        const struct named *named = meaning_in(planning, column, planning->index->forms[i], &doubled);
        if (named == NULL || (seen != NULL && !seen[i]))
            continue;
        if (has_id && (named->rank == NAME_CODE || named->rank == NAME_LABEL))
            continue;
        if (meanings.forms < 2)
            meanings.found[meanings.forms] = named;
        meanings.forms++;
    }
    return meanings;
}

static size_t place_of_form(const struct planning *planning, const struct form *form)
{
    for (size_t i = 0; i < planning->index->form_count; i++)
        if (strcmp(planning->index->forms[i]->id, form->id) == 0)
            return i;
    return 0;
}

/* Whatever a form knows twice is a label of several items. */
static void refuse_labels(struct planning *planning, size_t column, const struct form *form)
{
    struct upload_place place = upload_place_of(planning, column);
    upload_finding_add(planning->findings, UPLOAD_FILE_REFUSED, "ambiguous_labels", &place,
                       "column %zu is called as several items of %s are; export the file with the names of its fields, "
                       "not with their labels, or say in a profile which one it is",
                       column + 1, form->id);
    planning->names[column].open = false;
}

static bool take_in_form(struct planning *planning, size_t column, const struct form *form)
{
    bool doubled;
    const struct named *named = meaning_in(planning, column, form, &doubled);
    if (named == NULL)
        return false;
    if (doubled)
        refuse_labels(planning, column, form);
    return doubled || upload_take_item(planning, column, named);
}

static void take_by_group(struct planning *planning)
{
    for (size_t i = 0; i < planning->header->count; i++) {
        const struct form *form = planning->plan->form != NULL ? planning->plan->form
                                                              : planning->group_forms[planning->names[i].group];
        if (planning->names[i].open && form != NULL)
            (void)take_in_form(planning, i, form);
    }
}

/* First what only one form has; then what only one of these has. */
static void take_the_rest(struct planning *planning)
{
    bool *seen = memory_new_array(planning->scratch, bool, planning->index->form_count + 1);
    for (size_t i = 0; i < planning->header->count; i++)
        if (planning->columns[i].form != NULL)
            seen[place_of_form(planning, planning->columns[i].form)] = true;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < planning->header->count; i++) {
            if (!planning->names[i].open)
                continue;
            struct meanings meanings = meanings_of(planning, i, pass == 1 ? seen : NULL);
            if (meanings.forms != 1 || !take_in_form(planning, i, meanings.found[0]->form))
                continue;
            if (pass == 0)
                seen[place_of_form(planning, meanings.found[0]->form)] = true;
        }
}

/* The row says the form: what matters is the id. */
static void take_by_row(struct planning *planning)
{
    for (size_t i = 0; i < planning->header->count; i++) {
        size_t count;
        const struct named *names = upload_index_find(planning->index, planning->names[i].stem, &count);
        if (planning->names[i].open && names != NULL)
            (void)upload_take_item(planning, i, &names[0]);
    }
}

/* One form for all: then every row is that form. */
static void settle_form(struct planning *planning)
{
    const struct form *only = NULL;
    size_t columns = 0;
    for (size_t i = 0; i < planning->header->count; i++) {
        const struct upload_column *column = &planning->columns[i];
        if (planning->names[i].open && planning->names[i].known)
            return;              /* of some form, and nobody can tell of which */
        if (column->item < 0 || column->form == NULL)
            continue;
        if (only != NULL && strcmp(only->id, column->form->id) != 0)
            return;
        only = only == NULL ? catalogue_find_form(planning->plan->catalogue, column->form->id, 0) : only;
        columns++;
    }
    if (only == NULL)
        return;
    planning->plan->form = only;
    upload_finding_add(planning->findings, UPLOAD_ASSUMED, "form", NULL,
                       "every row is the form %s: all %zu columns with answers are of it", only->id, columns);
}

/* A wide column of an event that is no visit is left, to be said so. */
static void find_known(struct planning *planning)
{
    for (size_t i = 0; i < planning->header->count; i++) {
        struct column_name *name = &planning->names[i];
        name->known = name->open && is_item_of_any(planning, i);
        name->open = name->open && (name->event == NULL || planning->columns[i].visit != NULL);
    }
}

void upload_find_items(struct planning *planning)
{
    find_known(planning);
    if (planning->form_by_row) {
        take_by_row(planning);
        return;
    }
    if (planning->plan->form == NULL)
        find_group_forms(planning);
    take_by_group(planning);
    if (planning->plan->form != NULL)
        return;
    take_the_rest(planning);
    settle_form(planning);
}

/* ---- why nobody knows a column ---- */

static const char nobody_knows[] =
    "; take it out, list it under \"ignored\" in a profile, or say there what it is";

enum { HINTS_MOST = 100 };       /* suggestions cost time, and nobody reads more */

static const struct named *most_similar(const struct planning *planning, const char *stem)
{
    const struct form *form = planning->plan->form;
    const struct named *found = NULL;
    struct suggestion suggestion = suggestion_begin(stem);
    for (size_t i = 0; i < planning->index->count; i++) {
        const struct named *named = &planning->index->names[i];
        if (form != NULL && strcmp(form->id, named->form->id) != 0)
            continue;
        suggestion_offer(&suggestion, named->name);
        found = suggestion.best == named->name ? named : found;
    }
    return found;
}

static const char *hint_of_choice(const struct planning *planning, const struct column_name *name,
                                  const struct named *named)
{
    struct text *text = text_new(planning->plan);
    text_append_format(text, "; %s.%s has no choice \"%.40s\"", named->form->id, upload_named_id(named), name->choice);
    const struct item *item = named->score ? NULL : &named->form->items[named->item];
    for (size_t i = 0; item != NULL && i < item->choice_count && i < 20; i++)
        text_append_format(text, "%s%s", i == 0 ? ": " : ", ", item->choices[i].code);
    return text->bytes;
}

static const char *hint_of_event(const struct planning *planning, const char *code)
{
    const struct wide_event *event = upload_find_event(planning, code);
    bool named = event != NULL && event->name != NULL;
    return memory_format(planning->plan, "; it is of event E%s%s%.60s%s, which is no visit: say under \"visits\" of a "
                         "profile which one it is", code + 1, named ? " \"" : "", named ? event->name : "",
                         named ? "\"" : "");
}

static const char *hint_of(const struct planning *planning, size_t column)
{
    const struct column_name *name = &planning->names[column];
    const void *owner = planning->plan;
    const struct form *form = planning->plan->form;
    size_t count;
    const struct named *names = upload_index_find(planning->index, name->stem, &count);
    struct meanings meanings = meanings_of(planning, column, NULL);
    if (name->event != NULL && planning->columns[column].visit == NULL)
        return hint_of_event(planning, name->event);
    if (names != NULL && name->choice != NULL && meanings.forms == 0)
        return hint_of_choice(planning, name, &names[0]);
    if (names != NULL && form != NULL)
        return memory_format(owner, "; it is %s.%s, but every row of this file is the form %s: leave out the form, or "
                             "the column", names[0].form->id, upload_named_id(&names[0]), form->id);
    if (meanings.forms > 1)
        return memory_format(owner, "; it may be %s.%s or %s.%s: call it so, or say in a profile which one it is",
                             meanings.found[0]->form->id, upload_named_id(meanings.found[0]),
                             meanings.found[1]->form->id, upload_named_id(meanings.found[1]));
    const struct named *similar = most_similar(planning, name->stem);
    if (similar == NULL)
        return nobody_knows;
    return memory_format(owner, "; did you mean \"%s%s%s\"? Else take it out, or say in a profile what it is",
                         form == NULL ? similar->form->id : "", form == NULL ? "." : "", upload_named_id(similar));
}

void upload_add_hints(struct planning *planning)
{
    size_t hints = 0;
    for (size_t i = 0; i < planning->header->count; i++)
        if (planning->columns[i].role == UPLOAD_UNKNOWN)
            planning->columns[i].hint = hints++ < HINTS_MOST ? hint_of(planning, i) : nobody_knows;
}
