/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is wrong with the columns of a file as a whole, and what is to be said about them. */
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "forms/upload_planning.h"

/* ---- one name twice ---- */

struct doubling {
    const char *folded;
    size_t column;
};

static int compare_doublings(const void *a, const void *b)
{
    const struct doubling *one = a, *other = b;
    int order = strcmp(one->folded, other->folded);
    return order != 0 ? order : (one->column > other->column) - (one->column < other->column);
}

/* A name that stands twice because it is a label, and labels are not made to be unique. */
static bool is_label(const struct planning *planning, const char *folded)
{
    size_t count;
    const struct named *names = upload_index_find(planning->index, folded, &count);
    return strcmp(folded, "complete?") == 0 || (count > 0 && names[0].rank == NAME_LABEL);
}

static void refuse_doubled(struct planning *planning, size_t first, size_t second)
{
    struct upload_place place = upload_place_of(planning, second);
    if (is_label(planning, planning->names[second].folded))
        upload_finding_add(planning->findings, UPLOAD_FILE_REFUSED, "ambiguous_labels", &place,
                           "columns %zu and %zu have the same label; export the file with the names of its fields, "
                           "not with their labels", first + 1, second + 1);
    else
        upload_finding_add(planning->findings, UPLOAD_FILE_REFUSED, "doubled_header", &place,
                           "columns %zu and %zu have the same name; take one of them out, or give it another name",
                           first + 1, second + 1);
}

/* Nobody reads more of them. */
enum { DOUBLED_MOST = 50 };

void upload_find_doubled_names(struct planning *planning)
{
    size_t count = planning->header->count, said = 0;
    struct doubling *doublings = memory_new_array(planning->scratch, struct doubling, count);
    for (size_t i = 0; i < count; i++)
        doublings[i] = (struct doubling){planning->names[i].folded, i};
    qsort(doublings, count, sizeof doublings[0], compare_doublings);
    for (size_t i = 1; i < count && said < DOUBLED_MOST; i++)
        if (doublings[i].folded[0] != '\0' && strcmp(doublings[i].folded, doublings[i - 1].folded) == 0) {
            refuse_doubled(planning, doublings[i - 1].column, doublings[i].column);
            said++;
        }
}

/* ---- one item twice ---- */

struct target {
    const struct upload_column *column;
    size_t at;
};

static int compare_texts(const char *one, const char *other)
{
    return strcmp(one != NULL ? one : "", other != NULL ? other : "");
}

static int compare_targets(const void *a, const void *b)
{
    const struct upload_column *one = ((const struct target *)a)->column, *other = ((const struct target *)b)->column;
    int order = (one->role > other->role) - (one->role < other->role);
    if (order == 0)
        order = compare_texts(one->form != NULL ? one->form->id : NULL,
                              other->form != NULL ? other->form->id : NULL);
    if (order == 0)
        order = compare_texts(one->id, other->id);
    if (order == 0)
        order = compare_texts(one->choice != NULL ? one->choice->code : NULL,
                              other->choice != NULL ? other->choice->code : NULL);
    if (order == 0)
        order = compare_texts(one->visit, other->visit);
    if (order == 0)
        order = compare_texts(one->knee, other->knee);
    return order != 0 ? order : (one->instance > other->instance) - (one->instance < other->instance);
}

void upload_find_doubled_items(struct planning *planning)
{
    size_t count = 0, said = 0;
    struct target *targets = memory_new_array(planning->scratch, struct target, planning->header->count);
    for (size_t i = 0; i < planning->header->count; i++)
        if (planning->columns[i].id != NULL)
            targets[count++] = (struct target){&planning->columns[i], i};
    if (count > 0)
        qsort(targets, count, sizeof targets[0], compare_targets);
    for (size_t i = 1; i < count && said < DOUBLED_MOST; i++) {
        if (compare_targets(&targets[i - 1], &targets[i]) != 0)
            continue;
        said++;
        size_t first = targets[i - 1].at < targets[i].at ? targets[i - 1].at : targets[i].at;
        size_t second = targets[i - 1].at + targets[i].at - first;
        struct upload_place place = upload_place_of(planning, second);
        upload_finding_add(planning->findings, UPLOAD_FILE_REFUSED, "doubled_header", &place,
                           "columns %zu \"%.60s\" and %zu \"%.60s\" are both %s; take one of them out, or list it "
                           "under \"ignored\" in a profile",
                           first + 1, planning->columns[first].name, second + 1, planning->columns[second].name,
                           targets[i].column->id);
    }
}

/* ---- what must be there ---- */

bool upload_has_role(const struct planning *planning, enum upload_role role)
{
    for (size_t i = 0; i < planning->header->count; i++)
        if (planning->columns[i].role == role)
            return true;
    return false;
}

static bool is_answer(const struct upload_column *column)
{
    return column->role == UPLOAD_ITEM || column->role == UPLOAD_CHECKBOX || column->role == UPLOAD_SCORE;
}

/* True when some column with answers is of a form that must name a knee, and nothing says which. */
static bool lacks_knee(const struct planning *planning)
{
    const struct upload_plan *plan = planning->plan;
    if (plan->knee != NULL || planning->form_by_row || upload_has_role(planning, UPLOAD_KNEE))
        return false;
    bool needed = plan->form != NULL && plan->form->about == FORM_ABOUT_KNEE;
    for (size_t i = 0; i < plan->column_count; i++) {
        const struct upload_column *column = &planning->columns[i];
        if (is_answer(column) && column->knee != NULL)
            return false;
        needed |= is_answer(column) && column->form != NULL && column->form->about == FORM_ABOUT_KNEE;
    }
    return needed;
}

/* True when the only form of the file is due at visits, and nothing says at which. */
static bool lacks_visit(const struct planning *planning)
{
    const struct upload_plan *plan = planning->plan;
    if (plan->visit != NULL || planning->form_by_row || plan->form == NULL || upload_has_role(planning, UPLOAD_VISIT)
        || protocol_form_is_any_time(plan->catalogue->protocol, plan->form->id))
        return false;
    for (size_t i = 0; i < plan->column_count; i++)
        if (planning->columns[i].visit != NULL || planning->names[i].event != NULL)
            return false;
    return true;
}

static void refuse_without(struct planning *planning, const char *what, const char *names)
{
    struct upload_place place = {.line = planning->header->line};
    upload_finding_add(planning->findings, UPLOAD_FILE_REFUSED, "no_key_column", &place,
                       "no column says %s; call one of them %s, or name it in a profile", what, names);
}

/* No column has answers: none is known, or two forms have it and nothing says which of the two it is. */
static void require_form(struct planning *planning)
{
    static const char what_to_do[] = "name the form with the upload, in a column \"form\", or in a profile";
    const struct upload_plan *plan = planning->plan;
    if (plan->form != NULL || planning->form_by_row || plan->tool == UPLOAD_REDCAP_EAV)
        return;
    size_t unknown = plan->column_count;
    for (size_t i = plan->column_count; i-- > 0;) {
        const struct column_name *name = &planning->names[i];
        if (is_answer(&planning->columns[i]) || planning->columns[i].role == UPLOAD_NOT_ANSWERED
            || (name->event != NULL && name->known))
            return;
        unknown = planning->columns[i].role == UPLOAD_UNKNOWN ? i : unknown;
    }
    if (unknown == plan->column_count) {
        upload_finding_add(planning->findings, UPLOAD_FILE_REFUSED, "unknown_form", NULL,
                           "no column is an item of a form of this study; %s", what_to_do);
        return;
    }
    struct upload_place place = upload_place_of(planning, unknown);
    upload_finding_add(planning->findings, UPLOAD_FILE_REFUSED, "unknown_form", &place,
                       "the columns do not say which form this is; %s (column %zu \"%.60s\" is not known%s)",
                       what_to_do, unknown + 1, planning->columns[unknown].name, planning->columns[unknown].hint);
}

void upload_require_keys(struct planning *planning)
{
    require_form(planning);
    if (!upload_has_role(planning, UPLOAD_SUBJECT))
        refuse_without(planning, "which subject a row is about", "subject, subject_id or record_id");
    if (planning->plan->tool == UPLOAD_REDCAP_EAV)
        return;
    if (lacks_knee(planning))
        refuse_without(planning, "which knee a row is about", "knee or side");
    if (lacks_visit(planning))
        refuse_without(planning, "at which visit a row was made", "visit, event or redcap_event_name");
    bool dated = upload_has_role(planning, UPLOAD_DATE);
    for (size_t i = 0; i < planning->header->count && !dated; i++)
        dated = planning->names[i].event != NULL;
    if (!dated)
        refuse_without(planning, "the date of the form", "date, visit_date or the form's id with _date");
}

/* ---- what is said ---- */

static void say_ignored(struct planning *planning)
{
    struct text *names = text_new(planning->scratch);
    size_t count = 0;
    for (size_t i = 0; i < planning->header->count; i++) {
        if (planning->columns[i].role != UPLOAD_IGNORED)
            continue;
        if (count++ < 12)
            text_append_format(names, "%s%.60s", count == 1 ? "" : ", ", planning->columns[i].name);
    }
    if (count > 12)
        text_append_format(names, " and %zu more", count - 12);
    if (count > 0)
        upload_finding_add(planning->findings, UPLOAD_ASSUMED, "ignored_column", NULL, "not read: %s", names->bytes);
}

static void say_labels(struct planning *planning)
{
    size_t count = 0, first = 0;
    for (size_t i = 0; i < planning->header->count; i++) {
        const struct upload_column *column = &planning->columns[i];
        if (!is_answer(column) || upload_find_rule(planning->plan->profile, column->name) != NULL)
            continue;
        size_t names;
        const struct named *named = upload_index_find(planning->index, planning->names[i].stem, &names);
        if (named == NULL || named->rank != NAME_LABEL)
            continue;
        first = count++ == 0 ? i : first;
    }
    if (count == 0)
        return;
    struct upload_place place = upload_place_of(planning, first);
    upload_finding_add(planning->findings, UPLOAD_ASSUMED, "labels", &place,
                       "%zu columns are named by their labels: column %zu \"%.80s\" is %s", count, first + 1,
                       planning->columns[first].name, planning->columns[first].id);
}

static void say_tool(struct planning *planning)
{
    if (planning->plan->tool != UPLOAD_BY_HAND)
        upload_finding_add(planning->findings, UPLOAD_ASSUMED, "tool", NULL, "by its columns an export of %s",
                           upload_tool_title(planning->plan->tool));
}

void upload_say_columns(struct planning *planning)
{
    say_tool(planning);
    upload_say_events(planning);
    say_labels(planning);
    say_ignored(planning);
}
