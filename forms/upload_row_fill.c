/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/upload_row.h"

/* Scores of one record as they come. */
enum { SCORE_DIGITS = 40 };

/* ---- items ---- */

int upload_row_item(const struct upload_draft *draft, const struct upload_column *column)
{
    if (column->form == draft->form && column->item >= 0)
        return column->item;
    const char *id = column->id;
    if (id == NULL && column->form != NULL && column->item >= 0)
        id = column->form->items[column->item].id;
    return id != NULL ? form_find_item(draft->form, id) : FORM_NONE;
}

static void refuse_unknown(struct upload_reading *row, const struct upload_draft *draft, size_t column)
{
    if (row->cells[column][0] != '\0')
        upload_row_refuse(row, "unknown", column,
                          "form %s version %d has no item for this column; empty the cell, or name the version that "
                          "was filled in",
                          draft->form->id, draft->form->version);
}

static void note_blank(struct upload_draft_item *item, const struct upload_column *column, size_t index)
{
    if (item->mark != MARK_NONE)
        return;
    item->mark = column->blank_clears ? MARK_CLEARS : MARK_BLANK;
    item->column = index;
}

/* A second column may say the same of an item, and nothing else. */
static void note(struct upload_reading *row, struct upload_draft_item *item, const struct upload_draft_item *said)
{
    if (item->mark == MARK_NONE || item->mark == MARK_BLANK || item->mark == MARK_CLEARS)
        *item = *said;
    else if (item->mark != said->mark || strcmp(item->text, said->text) != 0)
        upload_row_refuse(row, "doubled", said->column,
                          "the row has two values for one item, the other one in column \"%.60s\"; empty one of them",
                          row->plan->columns[item->column].name);
}

static void fill_item(struct upload_reading *row, struct upload_draft *draft, size_t column)
{
    const struct upload_column *plan = &row->plan->columns[column];
    int index = upload_row_item(draft, plan);
    if (index == FORM_NONE) {
        refuse_unknown(row, draft, column);
        return;
    }
    struct upload_draft_item *item = &draft->items[index];
    const struct upload_manner manner = upload_manner_of(row->plan, column);
    struct upload_cell cell = upload_cell_read(row, &manner, &draft->form->items[index], row->cells[column]);
    struct upload_draft_item said = {.column = column, .text = cell.text, .cell = row->cells[column]};
    switch (cell.kind) {
    case UPLOAD_CELL_BLANK: note_blank(item, plan, column); break;
    case UPLOAD_CELL_REFUSED: upload_row_refuse(row, cell.code, column, "%s", cell.text); break;
    case UPLOAD_CELL_VALUE:
        said.mark = MARK_VALUE;
        note(row, item, &said);
        break;
    case UPLOAD_CELL_REASON:
        said.mark = MARK_REASON;
        note(row, item, &said);
        break;
    }
}

/* One of the columns field___code. */
static void fill_checkbox(struct upload_reading *row, struct upload_draft *draft, size_t column)
{
    const struct upload_column *plan = &row->plan->columns[column];
    const char *cell = row->cells[column];
    int index = upload_row_item(draft, plan);
    bool checked = false;
    if (index == FORM_NONE) {
        refuse_unknown(row, draft, column);
        return;
    }
    struct upload_draft_item *item = &draft->items[index];
    const struct upload_manner manner = upload_manner_of(row->plan, column);
    struct upload_cell missing = upload_cell_missing(&manner, NULL, cell);
    if (cell[0] == '\0' || missing.kind == UPLOAD_CELL_BLANK || missing.kind == UPLOAD_CELL_REASON) {
        note_blank(item, plan, column);
        return;
    }
    if (!upload_cell_truth(cell, &checked)) {
        upload_row_refuse(row, "choice", column,
                          "\"%.40s\" does not say whether the box is checked; write 1 or 0", cell);
        return;
    }
    bool is_boolean = plan->choice == NULL;
    if (!checked && !is_boolean) {
        note_blank(item, plan, column);
        return;
    }
    struct upload_draft_item said = {.mark = MARK_VALUE, .column = column, .cell = cell,
                                     .text = !is_boolean ? plan->choice->code : checked ? "true" : "false"};
    if (item->mark == MARK_VALUE && strcmp(item->text, said.text) != 0)
        upload_row_refuse(row, "choice", column,
                          "two boxes of one question are checked, the other one in column \"%.60s\"; the form keeps "
                          "one answer",
                          row->plan->columns[item->column].name);
    else
        note(row, item, &said);
}

/* "p1=refused p2=unknown", as our exports write it. */
static void fill_reasons(struct upload_reading *row, struct upload_draft *draft, size_t column)
{
    char *rest = NULL;
    char *words = memory_copy_string(row, row->cells[column]);
    for (char *word = strtok_r(words, " ;", &rest); word != NULL; word = strtok_r(NULL, " ;", &rest)) {
        char *reason = strchr(word, '=');
        if (reason != NULL)
            *reason++ = '\0';
        int index = reason != NULL ? form_find_item(draft->form, word) : FORM_NONE;
        if (index == FORM_NONE) {
            upload_row_refuse(row, "not_answered", column,
                              "\"%.60s\" is no item of form %s with a reason; write item=reason, with a blank between "
                              "two",
                              word, draft->form->id);
            continue;
        }
        struct upload_draft_item said = {.mark = MARK_REASON, .column = column, .text = reason, .cell = reason};
        note(row, &draft->items[index], &said);
    }
}

/* ---- scores ---- */

static void fill_score(struct upload_reading *row, struct upload_draft *draft, size_t column)
{
    const struct upload_column *plan = &row->plan->columns[column];
    int index = plan->form == draft->form && plan->item >= 0 ? plan->item
                : plan->id != NULL                           ? form_find_score(draft->form, plan->id)
                                                             : FORM_NONE;
    if (index == FORM_NONE) {
        refuse_unknown(row, draft, column);
        return;
    }
    if (row->cells[column][0] == '\0')
        return;
    const struct upload_manner manner = upload_manner_of(row->plan, column);
    const struct upload_cell missing = upload_cell_missing(&manner, NULL, row->cells[column]);
    if (missing.kind == UPLOAD_CELL_BLANK || missing.kind == UPLOAD_CELL_REASON)
        return;
    const struct upload_cell cell = upload_cell_number(row, &manner, row->cells[column], SCORE_DIGITS);
    if (cell.kind == UPLOAD_CELL_REFUSED) {
        upload_row_refuse(row, cell.code, column, "%s", cell.text);
        return;
    }
    struct upload_record *record = draft->record;
    size_t at = record->score_count++;
    const char *point = strchr(cell.text, '.');
    ((size_t *)record->scores)[at] = (size_t)index;
    ((size_t *)record->score_columns)[at] = column;
    ((double *)record->score_values)[at] = strtod(cell.text, NULL);
    ((int *)record->score_decimals)[at] = point != NULL ? (int)strlen(point + 1) : 0;
}

/* ---- the date ---- */

/* How well a date column fits a record: its own form before its own visit before any; 0: it is another's. */
static int fitness(const struct upload_draft *draft, const struct upload_column *column)
{
    bool other_form = column->form != NULL && strcmp(column->form->id, draft->form->id) != 0;
    const char *visit = draft->visit != NULL ? draft->visit : draft->column_visit;
    bool other_visit = column->visit != NULL && (visit == NULL || strcmp(column->visit, visit) != 0);
    bool other_knee = column->knee != NULL && (draft->knee == NULL || strcmp(column->knee, draft->knee) != 0);
    bool other_instance = column->instance > 0 && column->instance != draft->instance;
    if (other_form || other_visit || other_knee || other_instance)
        return 0;
    return 1 + 8 * (column->form != NULL) + 4 * (column->visit != NULL) + 2 * (column->instance > 0)
           + (column->knee != NULL);
}

static void fill_date(struct upload_reading *row, struct upload_draft *draft)
{
    const struct upload_plan *plan = row->plan;
    size_t best = plan->column_count;
    int best_fitness = 0;
    for (size_t i = 0; i < plan->column_count; i++) {
        int fits = plan->columns[i].role == UPLOAD_DATE && row->cells[i][0] != '\0' ? fitness(draft, &plan->columns[i])
                                                                                     : 0;
        if (fits > best_fitness) {
            best_fitness = fits;
            best = i;
        }
    }
    if (best == plan->column_count)
        return;
    const struct upload_manner manner = upload_manner_of(plan, best);
    struct upload_cell cell = upload_cell_missing(&manner, NULL, row->cells[best]);
    if (cell.kind == UPLOAD_CELL_BLANK || cell.kind == UPLOAD_CELL_REASON)
        return;
    cell = upload_cell_date(row, &manner, row->cells[best]);
    if (cell.kind == UPLOAD_CELL_REFUSED)
        upload_row_refuse(row, cell.code, best, "%s", cell.text);
    else if (strlen(cell.text) + 1 != DATE_TEXT_SIZE)
        upload_row_refuse(row, "bad_date", best, "\"%.40s\" is only a part of a date; the date of a form is whole",
                          row->cells[best]);
    else
        draft->record->input.date = cell.text;
}

/* ---- the record ---- */

/* Room for scores is that of the columns: their ids may stand in more than one. */
static void begin_record(struct upload_reading *row, struct upload_draft *draft, struct upload_record *record,
                         size_t score_columns)
{
    draft->record = record;
    draft->items = memory_new_array(row, struct upload_draft_item, draft->form->item_count);
    record->line = row->line->line;
    record->form = draft->form;
    record->input = (struct submission_input){.subject = row->subject, .knee = draft->knee, .form = draft->form->id,
                                              .form_version = draft->form->version, .visit = draft->visit,
                                              .instance = draft->instance, .reason = row->reason};
    if (score_columns == 0)
        return;
    record->scores = memory_new_array(row, size_t, score_columns);
    record->score_columns = memory_new_array(row, size_t, score_columns);
    record->score_values = memory_new_array(row, double, score_columns);
    record->score_decimals = memory_new_array(row, int, score_columns);
}

/* Marks become arrays in the order of the form. */
static void end_record(const struct upload_reading *row, const struct upload_draft *draft)
{
    size_t counts[MARK_REASON + 1] = {0}, items = draft->form->item_count;
    for (size_t i = 0; i < items; i++)
        counts[draft->items[i].mark]++;
    size_t answered = counts[MARK_VALUE], declined = counts[MARK_REASON];
    size_t blank = counts[MARK_BLANK] + counts[MARK_CLEARS];
    struct upload_record *record = draft->record;
    struct raw_answer *answers = memory_new_array(row, struct raw_answer, answered);
    struct raw_reason *reasons = memory_new_array(row, struct raw_reason, declined);
    size_t *columns = memory_new_array(row, size_t, items);   /* answers, reasons, blanks one after the other */
    const char **cells = (const char **)memory_new_array(row, char *, answered + declined);
    size_t *blanks = memory_new_array(row, size_t, blank);
    bool *clears = memory_new_array(row, bool, blank);
    size_t a = 0, r = 0, b = 0;
    for (size_t i = 0; i < items; i++) {
        const struct upload_draft_item *item = &draft->items[i];
        const char *id = draft->form->items[i].id;
        if (item->mark == MARK_VALUE) {
            columns[a] = item->column;
            cells[a] = item->cell;
            answers[a++] = (struct raw_answer){id, RAW_TEXT, item->text};
        } else if (item->mark == MARK_REASON) {
            columns[answered + r] = item->column;
            cells[answered + r] = item->cell;
            reasons[r++] = (struct raw_reason){.item = id, .reason = item->text};
        } else if (item->mark != MARK_NONE) {
            columns[answered + declined + b] = item->column;
            clears[b] = item->mark == MARK_CLEARS;
            blanks[b++] = i;
        }
    }
    record->input.answers = answers;
    record->input.answer_count = answered;
    record->input.not_answered = reasons;
    record->input.not_answered_count = declined;
    record->answer_columns = columns;
    record->answer_cells = cells;
    record->not_answered_columns = columns + answered;
    record->not_answered_cells = cells + answered;
    record->blanks = blanks;
    record->blank_columns = columns + answered + declined;
    record->blank_clears = clears;
    record->blank_count = blank;
}

static void fill_column(struct upload_reading *row, size_t column)
{
    const struct upload_column *plan = &row->plan->columns[column];
    int role = (int)plan->role;
    if (role != UPLOAD_ITEM && role != UPLOAD_CHECKBOX && role != UPLOAD_SCORE && role != UPLOAD_NOT_ANSWERED)
        return;
    struct upload_draft *draft = upload_row_draft(row, plan, false);
    if (draft == NULL)
        return;
    switch (role) {
    case UPLOAD_ITEM: fill_item(row, draft, column); break;
    case UPLOAD_CHECKBOX: fill_checkbox(row, draft, column); break;
    case UPLOAD_SCORE: fill_score(row, draft, column); break;
    default: fill_reasons(row, draft, column); break;
    }
}

struct upload_row upload_row_read(const void *owner, const struct upload_plan *plan, const struct csv_line *line,
                                  struct upload_findings *findings)
{
    struct upload_reading *row = upload_row_begin(owner, plan, line, findings);
    size_t score_columns = 0;
    for (size_t i = 0; i < plan->column_count; i++)
        score_columns += plan->columns[i].role == UPLOAD_SCORE;
    struct upload_record *records = memory_new_array(row, struct upload_record, row->draft_count);
    for (size_t i = 0; i < row->draft_count; i++)
        begin_record(row, &row->drafts[i], &records[i], score_columns);
    for (size_t i = 0; row->draft_count > 0 && i < plan->column_count; i++)
        fill_column(row, i);
    for (size_t i = 0; i < row->draft_count; i++)
        fill_date(row, &row->drafts[i]);
    for (size_t i = 0; i < row->draft_count && !row->refused; i++)
        end_record(row, &row->drafts[i]);
    struct upload_row result = {.records = records, .record_count = row->draft_count, .refused = row->refused};
    if (result.refused) {
        result.records = NULL;
        result.record_count = 0;
        talloc_free(row);
    }
    return result;
}

/* ---- what a record says, as a hash ---- */

static void hash_text(EVP_MD_CTX *context, const char *name, const char *value)
{
    if (value == NULL)
        return;
    if (EVP_DigestUpdate(context, name, strlen(name) + 1) != 1
        || EVP_DigestUpdate(context, value, strlen(value) + 1) != 1)
        abort();
}

static void hash_number(EVP_MD_CTX *context, const char *name, double value)
{
    if (EVP_DigestUpdate(context, name, strlen(name) + 1) != 1
        || EVP_DigestUpdate(context, &value, sizeof value) != 1)
        abort();
}

/* 1.50 says no more than 1.5. */
static void hash_answer(EVP_MD_CTX *context, const struct form *form, const struct raw_answer *answer)
{
    const char *point = strchr(answer->text, '.');
    int index = point != NULL ? form_find_item(form, answer->item) : FORM_NONE;
    char text[TEXT_NUMBER_SIZE * 2];
    size_t length = strlen(answer->text);
    if (index == FORM_NONE || form->items[index].type != ITEM_DECIMAL || length >= sizeof text) {
        hash_text(context, answer->item, answer->text);
        return;
    }
    memcpy(text, answer->text, length + 1);
    while (text[length - 1] == '0')
        text[--length] = '\0';
    if (text[length - 1] == '.')
        text[--length] = '\0';
    hash_text(context, answer->item, text);
}

void upload_record_hash(const struct upload_record *record, uint8_t hash[32])
{
    const struct submission_input *input = &record->input;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
        abort();
    hash_text(context, "subject", input->subject);
    hash_text(context, "knee", input->knee);
    hash_text(context, "form", input->form);
    hash_text(context, "visit", input->visit);
    hash_text(context, "date", input->date);
    hash_number(context, "instance", (double)input->instance);
    hash_number(context, "form_version", (double)input->form_version);
    for (size_t i = 0; i < input->answer_count; i++)
        hash_answer(context, record->form, &input->answers[i]);
    hash_text(context, "", "not_answered");
    for (size_t i = 0; i < input->not_answered_count; i++)
        hash_text(context, input->not_answered[i].item, input->not_answered[i].reason);
    for (size_t i = 0; i < record->score_count; i++)
        hash_number(context, record->form->scores[record->scores[i]].id, record->score_values[i]);
    for (size_t i = 0; i < record->blank_count; i++)
        if (record->blank_clears[i])
            hash_text(context, record->form->items[record->blanks[i]].id, "");
    if (EVP_DigestFinal_ex(context, hash, NULL) != 1)
        abort();
    EVP_MD_CTX_free(context);
}
