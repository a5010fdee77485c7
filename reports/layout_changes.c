/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/layout_changes.h"

#include <string.h>

#include "forms/base/memory.h"

enum { ROWS_IN_HTML = 200 };

static void set_count(struct table *table, struct table_row *row, size_t column, size_t count)
{
    char *number = memory_format(table, "%zu", count);
    table_set_cell(table, row, column, CELL_NUMBER, number);
}

static size_t count_kind(const struct changes *changes, enum change_kind kind, const char *form)
{
    size_t count = 0;
    for (size_t i = 0; i < changes->count; i++)
        count += changes->at[i].kind == kind && (form == NULL || strcmp(changes->at[i].form, form) == 0);
    return count;
}

static void add_subjects(struct layout *layout, const struct changes *changes)
{
    static const struct {
        enum change_kind kind;
        const char *label;
    } rows[] = {{CHANGE_SUBJECT_NEW, "New"},
                {CHANGE_SUBJECT_LEFT, "Left the study since"},
                {CHANGE_SUBJECT_GONE, "No longer a subject (enrolment void, or continues another number)"}};
    struct table *table = layout_add_table(layout, "d1-subjects", "Subjects");
    table->label_title = "Change";
    table_add_column(table, "Subjects", "", CELL_NUMBER);
    set_count(table, table_add_row(table, "", "At the earlier cut", 0), 0, changes->subject_count);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        set_count(table, table_add_row(table, "", rows[i].label, 0), 0,
                  count_kind(changes, rows[i].kind, NULL));
}

static void add_record_row(struct table *table, const struct changes *changes, const char *label,
                           const char *form)
{
    static const enum change_kind kinds[] = {CHANGE_RECORD_NEW, CHANGE_RECORD_CORRECTED, CHANGE_RECORD_VOIDED};
    struct table_row *row = table_add_row(table, "", label, 0);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        set_count(table, row, i, count_kind(changes, kinds[i], form));
}

/*
 * Forms in byte order: the records are sorted by subject, so that the forms are looked for one after another.
 */
static const char *next_form(const struct changes *changes, const char *after)
{
    const char *next = NULL;
    for (size_t i = 0; i < changes->count; i++) {
        const char *form = changes->at[i].form;
        if (form != NULL && (after == NULL || strcmp(form, after) > 0) &&
            (next == NULL || strcmp(form, next) < 0))
            next = form;
    }
    return next;
}

static void add_records(struct layout *layout, const struct changes *changes)
{
    struct table *table = layout_add_table(layout, "d2-records", "Records by form");
    table->label_title = "Form";
    table_add_column(table, "New", "", CELL_NUMBER);
    table_add_column(table, "Corrected", "", CELL_NUMBER);
    table_add_column(table, "Voided", "", CELL_NUMBER);
    add_record_row(table, changes, "All forms", NULL);
    for (const char *form = NULL; (form = next_form(changes, form)) != NULL;)
        add_record_row(table, changes, form, form);
}

/* Differences of a table of results stand together, but those that are gone stand at the end. */
static void add_number_tables(struct layout *layout, const struct differences *numbers)
{
    struct table *table = layout_add_table(layout, "d3-numbers", "Numbers by table of results.csv");
    table->label_title = "Table";
    table_add_column(table, "New", "", CELL_NUMBER);
    table_add_column(table, "Gone", "", CELL_NUMBER);
    table_add_column(table, "Changed", "", CELL_NUMBER);
    bool *done = memory_new_array(table, bool, numbers->count);
    for (size_t i = 0; i < numbers->count; i++) {
        size_t counts[3] = {0, 0, 0};
        for (size_t k = i; k < numbers->count && !done[i]; k++) {
            if (done[k] || strcmp(numbers->at[k].table, numbers->at[i].table) != 0)
                continue;
            counts[numbers->at[k].kind]++;
            done[k] = k != i;
        }
        if (done[i])
            continue;
        struct table_row *row = table_add_row(table, "", numbers->at[i].table, 0);
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++)
            set_count(table, row, c, counts[c]);
    }
    talloc_free(done);
}

static void add_numbers(struct layout *layout, const struct differences *numbers)
{
    struct table *table = layout_add_table(layout, "d4-changed-numbers", "Numbers that changed, are new or gone");
    static const char *const titles[] = {"Row", "Column", "Statistic", "Before", "Now"};
    table->label_title = "Table";
    table->html_rows = ROWS_IN_HTML;
    table->listing = true;
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
        table_add_column(table, titles[i], "", i < 3 ? CELL_TEXT : CELL_NUMBER);
    for (size_t i = 0; i < numbers->count; i++) {
        const struct difference *difference = &numbers->at[i];
        struct table_row *row = table_add_row(table, "", difference->table, 0);
        table_set_cell(table, row, 0, CELL_TEXT, difference->row);
        table_set_cell(table, row, 1, CELL_TEXT, difference->col);
        table_set_cell(table, row, 2, CELL_TEXT, difference->stat);
        table_set_cell(table, row, 3, CELL_NUMBER, difference->before != NULL ? difference->before : "");
        table_set_cell(table, row, 4, CELL_NUMBER, difference->after != NULL ? difference->after : "");
    }
}

void layout_changes(struct document *document, const struct changes *changes)
{
    if (changes == NULL)
        return;
    struct layout layout = {.document = document};
    layout_begin_chapter(&layout, (int)document->chapter_count + 1, "changes", "Changes since the earlier report");
    layout_add_paragraph(&layout, "Compared with the report of cut %d \"%s\", made at %s, which had %zu subjects and "
                         "%zu records. compare.csv names every subject, record and number.",
                         changes->cut_no, changes->cut_label, changes->cut_made_at, changes->subject_count,
                         changes->record_count);
    if (changes->count == 0 && changes->numbers->count == 0)
        layout_add_paragraph(&layout, "Nothing changed.");
    add_subjects(&layout, changes);
    add_records(&layout, changes);
    add_number_tables(&layout, changes->numbers);
    add_numbers(&layout, changes->numbers);
}
