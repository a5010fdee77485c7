/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/upload_plan.h"

#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "forms/suggestion.h"
#include "forms/upload_planning.h"

struct upload_place upload_place_of(const struct planning *planning, size_t column)
{
    return (struct upload_place){.line = planning->header->line, .column = planning->columns[column].name};
}

/* ---- is it the header? ---- */

const struct upload_column_rule *upload_find_rule(const struct upload_profile *profile, const char *name)
{
    for (size_t i = 0; profile != NULL && i < profile->column_count; i++)
        if (upload_same_name(profile->columns[i].column, name))
            return &profile->columns[i];
    return NULL;
}

bool upload_is_header(void *profile, const char *const *cells, size_t count)
{
    size_t known = 0;
    bool subject = false;
    for (size_t i = 0; i < count && !subject; i++) {
        const struct upload_column_rule *rule = upload_find_rule(profile, cells[i]);
        void *scratch = memory_owner(NULL, "header cell");
        const struct known_key *key = upload_find_key(upload_fold_name(scratch, cells[i]));
        talloc_free(scratch);
        subject = rule != NULL ? rule->role == UPLOAD_SUBJECT : key != NULL && key->role == UPLOAD_SUBJECT;
        known += rule != NULL || (key != NULL && !key->weak);
    }
    return subject || known >= 2;
}

/* ---- keys ---- */

/* The form whose id stands before `end` in the name, or NULL. */
static const struct form *form_before(const struct planning *planning, const char *folded, const char *end)
{
    size_t length = strlen(folded), end_length = strlen(end);
    if (length <= end_length || strcmp(folded + length - end_length, end) != 0)
        return NULL;
    for (size_t i = 0; i < planning->index->form_count; i++) {
        const char *id = planning->index->forms[i]->id;
        if (strlen(id) == length - end_length && strncmp(id, folded, length - end_length) == 0)
            return planning->index->forms[i];
    }
    return NULL;
}

/* <form>_date, <form>_complete and <form>_timestamp of REDCap, unless an item is called so. */
static bool take_form_column(struct planning *planning, size_t column)
{
    static const struct {
        const char *end;
        enum upload_role role;
    } ends[] = {{"_date", UPLOAD_DATE}, {"_complete", UPLOAD_COMPLETE}, {"_timestamp", UPLOAD_IGNORED}};
    const char *folded = planning->names[column].folded;
    size_t count;
    const struct named *names = upload_index_find(planning->index, folded, &count);
    if (names != NULL && names[0].rank <= NAME_ID)
        return false;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        const struct form *form = form_before(planning, folded, ends[i].end);
        if (form == NULL)
            continue;
        planning->columns[column].role = ends[i].role;
        planning->columns[column].form = form;
        if (ends[i].role == UPLOAD_COMPLETE)
            planning->group_forms[planning->names[column].group] = form;
        return true;
    }
    return false;
}

/* The newest version of the rule's form that has its item or score. */
static void apply_item(struct planning *planning, struct upload_column *column, const struct upload_column_rule *rule)
{
    const struct catalogue *catalogue = planning->plan->catalogue;
    bool score = rule->role == UPLOAD_SCORE;
    for (size_t i = 0; i < catalogue->form_count && column->item < 0; i++) {
        const struct form *form = catalogue->forms[i];
        if (strcmp(form->id, rule->form) != 0)
            continue;
        column->item = score ? form_find_score(form, rule->item) : form_find_item(form, rule->item);
        column->form = column->item >= 0 ? form : column->form;
    }
    column->id = rule->item;
    if (rule->choice != NULL && !score && column->item >= 0)
        column->choice = item_find_choice(&column->form->items[column->item], rule->choice);
}

/* False when the rule leaves it to the name what the column is. */
static bool apply_rule(struct planning *planning, size_t at, const struct upload_column_rule *rule)
{
    struct upload_column *column = &planning->columns[at];
    column->visit = rule->visit;
    column->knee = rule->knee;
    column->instance = rule->instance;
    column->blank_clears = rule->blank_clears;
    column->role = rule->role;
    if (rule->form != NULL)
        column->form = catalogue_find_form(planning->plan->catalogue, rule->form, 0);
    if (rule->form != NULL && rule->item != NULL)
        apply_item(planning, column, rule);
    return rule->role != UPLOAD_UNKNOWN;
}

/* What needs no form to be known. */
static void take_keys(struct planning *planning)
{
    for (size_t i = 0; i < planning->header->count; i++) {
        struct upload_column *column = &planning->columns[i];
        struct column_name *name = &planning->names[i];
        const struct upload_column_rule *rule = NULL;
        if (name->folded[0] != '\0')
            rule = upload_find_rule(planning->plan->profile, column->name);
        name->key = NULL;
        name->open = false;
        if (rule != NULL && apply_rule(planning, i, rule))
            continue;
        name->key = upload_find_key_of(planning->plan->tool, name->folded);
        if (name->folded[0] == '\0')
            column->role = UPLOAD_NAMELESS;
        else if (upload_is_administrative(planning->plan->tool, name->folded))
            column->role = UPLOAD_IGNORED;
        else if (name->key != NULL && !name->key->weak)
            column->role = name->key->role;
        else
            name->open = name->key == NULL;
    }
}

/* Rank of the column among those of its role; -1: the profile says it. */
static int rank_of(const struct planning *planning, size_t column)
{
    return planning->names[column].key != NULL ? planning->names[column].key->rank : -1;
}

static bool is_single(const struct upload_column *column, enum upload_role role)
{
    return column->role == role && column->form == NULL && column->visit == NULL && column->knee == NULL;
}

static void settle_role(struct planning *planning, enum upload_role role)
{
    size_t best = planning->header->count;
    for (size_t i = 0; i < planning->header->count; i++) {
        if (!is_single(&planning->columns[i], role))
            continue;
        if (best == planning->header->count || rank_of(planning, i) < rank_of(planning, best))
            best = i;
    }
    for (size_t i = 0; i < planning->header->count; i++) {
        if (!is_single(&planning->columns[i], role) || i == best)
            continue;
        if (rank_of(planning, i) > rank_of(planning, best)) {
            planning->columns[i].role = UPLOAD_IGNORED;
            continue;
        }
        struct upload_place place = upload_place_of(planning, i);
        upload_finding_add(planning->findings, UPLOAD_FILE_REFUSED, "doubled_header", &place,
                           "columns %zu \"%.60s\" and %zu \"%.60s\" both say the same of a row; take one of them "
                           "out, or list it under \"ignored\" in a profile",
                           best + 1, planning->columns[best].name, i + 1, planning->columns[i].name);
    }
}

/* Of several columns with one meaning one counts. */
static void settle_keys(struct planning *planning)
{
    static const enum upload_role roles[] = {
        UPLOAD_SUBJECT, UPLOAD_SITE, UPLOAD_STUDY, UPLOAD_KNEE, UPLOAD_FORM, UPLOAD_FORM_VERSION, UPLOAD_VISIT,
        UPLOAD_INSTANCE, UPLOAD_REPEAT_FORM, UPLOAD_DATE, UPLOAD_REASON, UPLOAD_NOT_ANSWERED, UPLOAD_FIELD_NAME,
        UPLOAD_FIELD_VALUE};
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        settle_role(planning, roles[i]);
}

static bool form_is_there(const struct planning *planning, const struct form *form)
{
    if (planning->plan->form != NULL)
        return strcmp(planning->plan->form->id, form->id) == 0;
    for (size_t i = 0; i < planning->header->count; i++)
        if (planning->columns[i].item >= 0 && strcmp(planning->columns[i].form->id, form->id) == 0)
            return true;
    return false;
}

/* "reason" is an item where a form of the file asks for one, else the reason for the change. */
static void take_weak_keys(struct planning *planning)
{
    for (size_t i = 0; i < planning->header->count; i++) {
        const struct column_name *name = &planning->names[i];
        if (name->key == NULL || !name->key->weak || planning->columns[i].role != UPLOAD_UNKNOWN)
            continue;
        size_t count;
        const struct named *names = upload_index_find(planning->index, name->folded, &count);
        bool taken = false;
        for (size_t j = 0; j < count && !planning->form_by_row && !taken; j++)
            taken = names[j].rank <= NAME_ID && form_is_there(planning, names[j].form)
                    && upload_take_item(planning, i, &names[j]);
        if (!taken)
            planning->columns[i].role = name->key->role;
    }
}

/* The date of an interview is that of the CRF; a _complete is of the form before it. */
static void take_group_columns(struct planning *planning)
{
    for (size_t i = 0; i < planning->header->count; i++) {
        struct upload_column *column = &planning->columns[i];
        const struct column_name *name = &planning->names[i];
        const struct form *form = planning->plan->form;
        form = form != NULL ? form : planning->group_forms[name->group];
        if (form == NULL || name->group == 0)
            continue;
        if (column->role == UPLOAD_DATE && name->event != NULL)
            column->form = form;
        size_t length = strlen(name->folded);
        if (column->role == UPLOAD_UNKNOWN && planning->plan->tool == UPLOAD_REDCAP && length > 9
            && strcmp(name->folded + length - 9, "_complete") == 0) {
            column->role = UPLOAD_COMPLETE;
            column->form = form;
        }
    }
}

/* ---- which form ---- */

static const struct form *find_asked_form(const struct planning *planning, const char *id)
{
    for (size_t i = 0; i < planning->index->form_count; i++)
        if (upload_same_name(planning->index->forms[i]->id, id))
            return planning->index->forms[i];
    return NULL;
}

/* The form that the upload or the profile names. */
static void settle_named_form(struct planning *planning)
{
    const struct upload_profile *profile = planning->plan->profile;
    const char *profiled = profile != NULL ? profile->form : NULL;
    const char *id = planning->header->form != NULL ? planning->header->form : profiled;
    if (id == NULL)
        return;
    const struct form *form = find_asked_form(planning, id);
    if (form != NULL && profiled != NULL && strcmp(profiled, form->id) == 0 && profile->form_version > 0)
        form = catalogue_find_form(planning->plan->catalogue, form->id, profile->form_version);
    planning->plan->form = form;
    if (form != NULL)
        return;
    struct suggestion suggestion = suggestion_begin(id);
    for (size_t i = 0; i < planning->index->form_count; i++)
        suggestion_offer(&suggestion, planning->index->forms[i]->id);
    char hint[SUGGESTION_TEXT_SIZE];
    suggestion_format(&suggestion, hint);
    upload_finding_add(planning->findings, UPLOAD_FILE_REFUSED, "unknown_form", NULL,
                       "the study asks for no form \"%.64s\"%s", id,
                       hint[0] != '\0' ? hint : "; name one of its forms");
}

/* ---- the whole ---- */

static struct upload_plan *begin_plan(const void *owner, const struct catalogue *catalogue,
                                      const struct upload_profile *profile, const struct csv_header *header)
{
    struct upload_plan *plan = memory_new(owner, struct upload_plan);
    plan->catalogue = catalogue;
    plan->profile = profile;
    plan->dates = profile != NULL ? profile->dates : UPLOAD_DATES_ISO;
    plan->dates_declared = profile != NULL && profile->dates_declared;
    plan->site = header->site;
    plan->knee = profile != NULL ? profile->knee : NULL;
    plan->visit = profile != NULL ? profile->visit : NULL;
    return plan;
}

static void begin_columns(struct planning *planning)
{
    struct upload_plan *plan = planning->plan;
    size_t count = planning->header->count;
    planning->columns = memory_new_array(plan, struct upload_column, count);
    planning->names = memory_new_array(planning->scratch, struct column_name, count);
    planning->group_forms = memory_new_array(planning->scratch, const struct form *, count + 1);
    const char **folded = memory_new_array(planning->scratch, const char *, count);
    for (size_t i = 0; i < count; i++) {
        planning->columns[i] = (struct upload_column){
            .name = memory_copy_string(plan, planning->header->cells[i]), .item = -1, .hint = ""};
        planning->names[i].folded = upload_fold_name(planning->scratch, planning->header->cells[i]);
        planning->names[i].stem = folded[i] = planning->names[i].folded;
    }
    plan->columns = planning->columns;
    plan->column_count = count;
    plan->tool = upload_find_tool(folded, count);
}

/* The columns that say the form of a row count only when nothing says it for all rows. */
static bool is_by_row(const struct planning *planning)
{
    return planning->plan->form == NULL && upload_has_role(planning, UPLOAD_FORM);
}

/* A profile may say that a row is a field, or that it is not. */
static void settle_tool(struct planning *planning)
{
    enum upload_tool *tool = &planning->plan->tool;
    if (upload_has_role(planning, UPLOAD_FIELD_NAME) && upload_has_role(planning, UPLOAD_FIELD_VALUE))
        *tool = UPLOAD_REDCAP_EAV;
    else if (*tool == UPLOAD_REDCAP_EAV)
        *tool = UPLOAD_REDCAP;
}

static void make_out_columns(struct planning *planning)
{
    take_keys(planning);
    settle_tool(planning);
    planning->form_by_row = is_by_row(planning);
    upload_split_names(planning);
    for (size_t i = 0; i < planning->header->count; i++)
        if (planning->names[i].open && take_form_column(planning, i))
            planning->names[i].open = false;
    if (planning->plan->tool != UPLOAD_REDCAP_EAV)
        upload_find_items(planning);
    take_weak_keys(planning);
    take_group_columns(planning);
    settle_keys(planning);
    upload_find_doubled_items(planning);
    upload_add_hints(planning);
}

/* A plan for the header, whatever is wrong with it; with `draft` all that can be made out. */
static struct upload_plan *make_plan(const void *owner, const struct upload_plan *begun,
                                     const struct csv_header *header, bool draft, struct upload_findings *findings)
{
    struct upload_plan *plan = begin_plan(owner, begun->catalogue, begun->profile, header);
    void *scratch = memory_owner(NULL, "upload plan");
    struct planning planning = {.plan = plan, .scratch = scratch, .header = header, .findings = findings};
    size_t refusals = findings->refusals;
    plan->dialect = begun->dialect;
    planning.index = upload_index_names(scratch, plan->catalogue);
    begin_columns(&planning);
    upload_find_doubled_names(&planning);
    settle_named_form(&planning);
    if (draft || findings->refusals == refusals) {
        make_out_columns(&planning);
        upload_require_keys(&planning);
        upload_say_columns(&planning);
    }
    talloc_free(scratch);
    return plan;
}

struct upload_plan *upload_plan_make(const void *owner, const struct catalogue *catalogue,
                                     const struct upload_profile *profile, const struct csv_dialect *dialect,
                                     const struct csv_header *header, struct upload_findings *findings)
{
    struct upload_plan begun = {.catalogue = catalogue, .profile = profile, .dialect = *dialect};
    size_t refusals = findings->refusals;
    struct upload_plan *plan = make_plan(owner, &begun, header, false, findings);
    if (findings->refusals == refusals)
        return plan;
    talloc_free(plan);
    return NULL;
}

struct upload_plan *upload_plan_draft(const void *owner, const struct catalogue *catalogue,
                                      const struct csv_dialect *dialect, const struct csv_header *header,
                                      struct upload_findings *findings)
{
    struct upload_plan begun = {.catalogue = catalogue, .dialect = *dialect};
    return make_plan(owner, &begun, header, true, findings);
}
