/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/upload_row.h"

#include <string.h>

#include "forms/answer.h"
#include "forms/base/memory.h"

enum { POOL_OBJECTS = 48, POOL_BYTES = 12 * 1024 };

/* ---- cells ---- */

static struct upload_reading *copy_cells(const void *owner, const struct upload_plan *plan,
                                         const struct csv_line *line)
{
    size_t bytes = 0;
    for (size_t i = 0; i < line->cell_count; i++)
        bytes += strlen(line->cells[i]) + 1;
    struct upload_reading *row = memory_new_pool(owner, struct upload_reading, POOL_OBJECTS,
                                                 POOL_BYTES + bytes + plan->column_count * sizeof(char *));
    *row = (struct upload_reading){.plan = plan, .line = line};
    char *at = talloc_array(row, char, bytes + 1);
    row->cells = (const char **)memory_new_array(row, char *, plan->column_count);
    for (size_t i = 0; i < line->cell_count && i < plan->column_count; i++) {
        size_t length = strlen(line->cells[i]) + 1;
        memcpy(at, line->cells[i], length);
        row->cells[i] = upload_cell_trim(at);
        at += length;
    }
    for (size_t i = line->cell_count; i < plan->column_count; i++)
        row->cells[i] = "";
    return row;
}

static void check_line(struct upload_reading *row)
{
    const struct csv_line *line = row->line;
    if (line->fault != NULL)
        upload_row_refuse(row, line->fault, line->fault_cell,
                          strcmp(line->fault, "invalid_utf8") == 0
                              ? "the cell has bytes that are no letters in the file's encoding; save the file as UTF-8"
                              : "the cell has a control character; take it out");
    if (line->cell_count != row->plan->column_count)
        upload_row_refuse(row, "field_count", SIZE_MAX,
                          "the row has %zu cells, the header has %zu; a delimiter or a line break in a value that is "
                          "not in quotes shifts a row",
                          line->cell_count, row->plan->column_count);
}

/* ---- which records the row is ---- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool is_at_visits(const struct protocol *protocol, const struct form *form)
{
    return !form->creates_subject && !protocol_form_is_any_time(protocol, form->id);
}

/* The form in the version that the row names; NULL when there is none, and a finding when `say`. */
static const struct form *versioned(struct upload_reading *row, const struct form *form, bool say)
{
    if (row->form_version == 0 || form->version == row->form_version)
        return form;
    const struct form *found = catalogue_find_form(row->plan->catalogue, form->id, row->form_version);
    if (found == NULL && say)
        upload_row_refuse(row, "unknown_form", SIZE_MAX, "form %s has no version %d; correct it, or leave it out",
                          form->id, row->form_version);
    return found;
}

static void say_bad_visit(struct upload_reading *row)
{
    const struct protocol *protocol = row->plan->catalogue->protocol;
    struct text *known = text_new(row);
    for (size_t i = 0; i < protocol->visit_count; i++)
        text_append_format(known, "%s, ", protocol->visits[i].id);
    if (!row->said_visit)
        upload_row_refuse(row, "unknown_visit", row->visit_column,
                          "the protocol has no visit \"%.60s\"; write one of %sunscheduled, or say in the site's "
                          "profile which it is",
                          row->bad_visit, known->bytes);
    row->said_visit = true;
    talloc_free(known);
}

static void say_bad_knee(struct upload_reading *row)
{
    if (!row->said_knee)
        upload_row_refuse(row, "unknown_knee", row->knee_column,
                          "\"%.40s\" is no knee; write left or right, or say in the site's profile what it means",
                          row->bad_knee);
    row->said_knee = true;
}

/* Leaves out what does not matter to the form; `say`: findings on what does and cannot be read.  False: no form. */
static bool settle(struct upload_reading *row, struct upload_target *target, bool say)
{
    const struct form *form = target->form;
    if (form->about == FORM_ABOUT_SUBJECT || (target->knee != NULL && strcmp(target->knee, "none") == 0))
        target->knee = NULL;
    if (target->visit != NULL && strcmp(target->visit, "unscheduled") == 0)
        target->visit = NULL;
    bool at_visits = is_at_visits(row->plan->catalogue->protocol, form);
    if (!at_visits)
        target->visit = NULL;
    if (say && at_visits && target->visit == NULL && row->bad_visit != NULL)
        say_bad_visit(row);
    if (say && form->about != FORM_ABOUT_SUBJECT && target->knee == NULL && row->bad_knee != NULL)
        say_bad_knee(row);
    target->form = versioned(row, form, say);
    return target->form != NULL;
}

static struct upload_draft *find_draft(struct upload_reading *row, const struct upload_target *target)
{
    for (size_t i = 0; i < row->draft_count; i++) {
        struct upload_draft *draft = &row->drafts[i];
        if (draft->form == target->form && draft->instance == target->instance
            && same_text(draft->visit, target->visit) && same_text(draft->knee, target->knee))
            return draft;
    }
    return NULL;
}

static struct upload_draft *add_draft(struct upload_reading *row, const struct upload_target *target,
                                      const char *column_visit)
{
    enum { AT_ONCE = 4 };
    if (row->draft_count % AT_ONCE == 0)
        row->drafts = memory_resize_array(row, row->drafts, struct upload_draft, row->draft_count + AT_ONCE);
    struct upload_draft *draft = &row->drafts[row->draft_count++];
    *draft = (struct upload_draft){.form = target->form, .visit = target->visit, .knee = target->knee,
                                   .instance = target->instance, .column_visit = column_visit};
    return draft;
}

struct upload_draft *upload_row_draft(struct upload_reading *row, const struct upload_column *column, bool add)
{
    struct upload_target target = {
        .form = column->form != NULL ? column->form : row->form,
        .visit = column->visit != NULL ? column->visit : row->visit,
        .knee = column->knee != NULL ? column->knee : row->knee,
        .instance = column->instance > 0 ? column->instance : row->instance > 0 ? row->instance : 1,
    };
    if (target.form == NULL)
        return NULL;
    bool same = row->has_last && row->last.form == target.form && row->last.visit == target.visit
                && row->last.knee == target.knee && row->last.instance == target.instance;
    if (same && (row->last_draft != NULL || !add))
        return row->last_draft;
    row->last = target;
    row->has_last = true;
    row->last_draft = NULL;
    if (settle(row, &target, add)) {
        row->last_draft = find_draft(row, &target);
        if (row->last_draft == NULL && add)
            row->last_draft = add_draft(row, &target, column->visit);
    }
    return row->last_draft;
}

/* An unchecked box is as good as nothing: REDCap writes 0 for every form that nobody has opened. */
static bool is_content(const struct upload_reading *row, size_t column)
{
    const struct upload_column *plan = &row->plan->columns[column];
    bool checked = false;
    if (row->cells[column][0] == '\0')
        return false;
    switch ((int)plan->role) {
    case UPLOAD_ITEM:
    case UPLOAD_SCORE:
    case UPLOAD_NOT_ANSWERED: return true;
    case UPLOAD_CHECKBOX: return !upload_cell_truth(row->cells[column], &checked) || checked;
    case UPLOAD_DATE: return plan->form != NULL;
    default: return false;
    }
}

/* A row that names its form, with a date of its own, is a record even when no question is answered. */
static bool is_bare_record(const struct upload_reading *row)
{
    if (row->form == NULL || (row->plan->profile != NULL && row->plan->profile->wide)
        || row->plan->tool == UPLOAD_LIBRECLINICA)
        return false;
    for (size_t i = 0; i < row->plan->column_count; i++)
        if (row->plan->columns[i].role == UPLOAD_DATE && row->plan->columns[i].form == NULL
            && row->cells[i][0] != '\0')
            return true;
    return false;
}

static bool is_of_other_form(const struct upload_reading *row, const struct upload_column *column)
{
    return row->form != NULL && column->form != NULL && row->form != column->form
           && strcmp(row->form->id, column->form->id) != 0;
}

static void find_drafts(struct upload_reading *row)
{
    bool said = false;
    for (size_t i = 0; i < row->plan->column_count; i++) {
        const struct upload_column *column = &row->plan->columns[i];
        if (!is_content(row, i))
            continue;
        if (is_of_other_form(row, column)) {
            if (!said)
                upload_row_refuse(row, "unknown_form", i,
                                  "the row is about form %s and holds a value of form %s; correct the form, or empty "
                                  "the cell",
                                  row->form->id, column->form->id);
            said = true;
        } else if (column->form == NULL && row->form == NULL) {
            if (!said && !row->bad_form)
                upload_row_refuse(row, "unknown_form", i,
                                  "the row does not say which form it is; name the form with the upload, or in a "
                                  "column");
            said = true;
        } else {
            (void)upload_row_draft(row, column, true);
        }
    }
    static const struct upload_column bare = {.role = UPLOAD_DATE, .item = -1};
    if (row->draft_count == 0 && is_bare_record(row))
        (void)upload_row_draft(row, &bare, true);
}

struct upload_reading *upload_row_begin(const void *owner, const struct upload_plan *plan, const struct csv_line *line,
                                        struct upload_findings *findings)
{
    struct upload_reading *row = copy_cells(owner, plan, line);
    row->findings = findings;
    check_line(row);
    if (row->refused)
        return row;
    upload_row_read_keys(row);
    if (!row->left_out)
        find_drafts(row);
    return row;
}
