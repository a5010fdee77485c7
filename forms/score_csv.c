/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/score_csv.h"

#include <math.h>
#include <string.h>

#include "forms/answer.h"
#include "forms/base/memory.h"
#include "forms/score.h"

struct scoring {
    const struct form *form;
    const char *file;
    const struct csv_table *table;
    int *items;              /* of each column: index of the item, FORM_NONE when it is passed through */
    struct answer *answers;  /* of the row */
    double *scores;
    struct faults *faults;
};

static void map_columns(struct scoring *scoring)
{
    const struct csv_table *table = scoring->table;
    bool any = false;
    for (size_t i = 0; i < table->column_count; i++) {
        scoring->items[i] = form_find_item(scoring->form, table->columns[i]);
        any |= scoring->items[i] != FORM_NONE;
        if (scoring->items[i] == FORM_NONE && form_find_score(scoring->form, table->columns[i]) != FORM_NONE)
            faults_add(scoring->faults, scoring->file, 1,
                       "column %zu: \"%.64s\" is the name of a score that is computed; "
                       "rename the column",
                       i + 1, table->columns[i]);
    }
    if (!any)
        faults_add(scoring->faults, scoring->file, 1,
                   "no column is an item of form %s; name the columns by item ids", scoring->form->id);
}

static void read_cell(struct scoring *scoring, const void *owner, const struct csv_row *row, size_t column)
{
    const struct item *item = &scoring->form->items[scoring->items[column]];
    struct problem_list problems = {NULL, 0};
    struct raw_answer raw = {.item = item->id, .kind = RAW_TEXT, .text = row->cells[column]};
    if (!answer_read(owner, item, &raw, &scoring->answers[scoring->items[column]], &problems))
        faults_add(scoring->faults, scoring->file, row->line, "column %zu (%s): %s", column + 1, item->id,
                   problems.problems[0].text);
}

static void write_row(const struct scoring *scoring, const struct csv_row *row, struct text *out)
{
    const char *comma = "";
    for (size_t i = 0; i < scoring->table->column_count; i++) {
        if (scoring->items[i] != FORM_NONE)
            continue;
        text_append(out, comma);
        text_append_csv(out, row->cells[i]);
        comma = ",";
    }
    for (size_t i = 0; i < scoring->form->score_count; i++) {
        text_append(out, comma);
        if (!isnan(scoring->scores[i]))
            text_append_format(out, "%.12g", scoring->scores[i]);
        comma = ",";
    }
    text_append(out, "\n");
}

static void score_row(struct scoring *scoring, const struct csv_row *row, struct text *out)
{
    void *scratch = memory_owner(NULL, "score_row");
    for (size_t i = 0; i < scoring->form->item_count; i++)
        scoring->answers[i] = answer_missing();
    for (size_t i = 0; i < scoring->table->column_count; i++)
        if (scoring->items[i] != FORM_NONE)
            read_cell(scoring, scratch, row, i);
    score_compute(scoring->form, scoring->answers, scoring->scores);
    write_row(scoring, row, out);
    talloc_free(scratch);
}

static void write_head(const struct scoring *scoring, struct text *out)
{
    const char *comma = "";
    for (size_t i = 0; i < scoring->table->column_count; i++) {
        if (scoring->items[i] != FORM_NONE)
            continue;
        text_append(out, comma);
        text_append_csv(out, scoring->table->columns[i]);
        comma = ",";
    }
    for (size_t i = 0; i < scoring->form->score_count; i++) {
        text_append(out, comma);
        text_append(out, scoring->form->scores[i].id);
        comma = ",";
    }
    text_append(out, "\n");
}

bool score_csv_write(const struct form *form, const char *file, const struct csv_table *table,
                     struct text *out, struct faults *faults)
{
    void *scratch = memory_owner(NULL, "score_csv");
    struct scoring scoring = {
        .form = form,
        .file = file,
        .table = table,
        .items = memory_new_array(scratch, int, table->column_count),
        .answers = memory_new_array(scratch, struct answer, form->item_count),
        .scores = memory_new_array(scratch, double, form->score_count),
        .faults = faults,
    };
    size_t faults_before = faults->count;
    if (form->score_count == 0)
        faults_add(faults, file, 0, "form %s has no scores", form->id);
    map_columns(&scoring);
    if (faults->count == faults_before) {
        write_head(&scoring, out);
        for (size_t i = 0; i < table->row_count; i++)
            score_row(&scoring, &table->rows[i], out);
    }
    talloc_free(scratch);
    return faults->count == faults_before;
}

static bool is_scored(const struct form *form, size_t item)
{
    for (size_t i = 0; i < form->score_count; i++)
        for (size_t j = 0; j < form->scores[i].part_count && !form->scores[i].of_scores; j++)
            if (form->scores[i].parts[j] == item)
                return true;
    return false;
}

void score_csv_list_absent(const struct form *form, const struct csv_table *table, struct text *out)
{
    const char *comma = "";
    for (size_t i = 0; i < form->item_count; i++) {
        if (!is_scored(form, i) || csv_table_column(table, form->items[i].id) != CSV_NO_COLUMN)
            continue;
        text_append_format(out, "%s%s", comma, form->items[i].id);
        comma = ", ";
    }
}
