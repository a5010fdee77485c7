/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which visit each record counts for, and why some count for none.  (L5, L6) */
#include "reports/layout_listings.h"

#include <string.h>

#include "forms/base/memory.h"
#include "reports/format.h"

/* --- records not used ---------------------------------------------------------------------------------- */

static bool is_visit_form(const struct protocol *protocol, const char *form)
{
    for (size_t v = 0; v < protocol->visit_count; v++)
        if (protocol_form_is_due(&protocol->visits[v], form) && !protocol_form_is_any_time(protocol, form))
            return true;
    return false;
}

/* In the order in which dataset_derive decides. */
static const char *why_chosen(const struct dataset *dataset, const struct record *chosen,
                              const struct record *other, int target)
{
    if (dataset_distance(chosen->day, target) != dataset_distance(other->day, target))
        return "is closer to the target";
    if (chosen->day != other->day)
        return "is as close to the target, and later";
    const struct record_origin *first = record_origin(dataset, chosen),
                               *second = record_origin(dataset, other);
    if (first != NULL && second != NULL && first->received_us != second->received_us)
        return "was received later";
    return chosen->instance != other->instance ? "was received with it and has the greater instance"
                                               : "was received with it and has the greater id";
}

static const char *decision(const void *owner, const struct layout *layout, const struct record *record)
{
    const struct dataset *dataset = layout->dataset;
    const struct protocol *protocol = dataset->catalogue->protocol;
    const char *reason = record_void_reason(dataset, record);
    if (reason != NULL)
        return reason[0] != '\0' ? memory_format(owner, "voided: %s", reason) : "voided";
    if (record_is_unscheduled(dataset, record))
        return "entered as unscheduled: counts for no visit";
    if (record->day == STUDY_DAY_NONE)
        return "not treated: no study day";
    if (record->analysis_visit == NO_VISIT)
        return "outside every analysis window";
    const struct visit *visit = &protocol->visits[record->analysis_visit];
    const struct record *chosen = dataset_selected(layout->dataset, record->subject, record->knee,
                                                   record_form(dataset, record)->id, record->analysis_visit);
    const char *why = why_chosen(dataset, chosen, record, visit->target);
    if (record->day <= 1)
        return memory_format(owner,
                             "the record of day %d %s; its scores count for baseline where all "
                             "later ones until day 1 are missing",
                             chosen->day, why);
    return memory_format(owner, "the record of day %d %s", chosen->day, why);
}

/* The title of a form, or the short name that ends it: "Knee injury and Osteoarthritis Outcome Score (KOOS)". */
static const char *form_name(const void *owner, const struct form *form)
{
    const char *open = strrchr(form->title, '(');
    size_t length = open != NULL ? strcspn(open + 1, ") ") : 0;
    if (length == 0 || strcmp(open + 1 + length, ")") != 0)
        return form->title;
    return memory_copy_bytes(owner, open + 1, length);
}

static void add_form_column(struct table *table)
{
    table_add_column(table, "Form", "", CELL_TEXT);
    table->columns[table->column_count - 1].whole = true;
}

static void write_unused(const struct listed *listed, struct table *table, const struct record *record)
{
    const struct layout *layout = &listed->layout;
    const struct dataset *dataset = layout->dataset;
    struct table_row *row;
    size_t column = listing_begin_row(layout, table, record, &row);
    table_set_cell(table, row, column++, CELL_TEXT, form_name(table, record_form(dataset, record)));
    table_set_cell(table, row, column++, CELL_TEXT, record_visit(dataset, record));
    if (record->analysis_visit != NO_VISIT) {
        const struct visit *visit = &dataset->catalogue->protocol->visits[record->analysis_visit];
        table_set_cell(table, row, column, CELL_TEXT, visit->id);
        table_set_cell(table, row, column + 1, CELL_NUMBER, listed->windows[record->analysis_visit]);
    }
    table_set_cell(table, row, column + 2, CELL_TEXT, decision(table, layout, record));
}

/* For each version of a form: whether it belongs to visits. */
static bool *list_visit_forms(const void *owner, const struct catalogue *catalogue)
{
    bool *visit_form = memory_new_array(owner, bool, catalogue->form_count);
    for (size_t i = 0; i < catalogue->form_count; i++)
        visit_form[i] = is_visit_form(catalogue->protocol, catalogue->forms[i]->id);
    return visit_form;
}

/* In the dataset's order; voided records, whatever their form, behind the others of their subject. */
static void choose_unused(struct listed *listed)
{
    const struct dataset *dataset = listed->layout.dataset;
    const bool *visit_form = list_visit_forms(listed, dataset->catalogue);
    size_t voided_count, next = 0;
    const struct voided_record *voided = dataset_voided(dataset, &voided_count);
    for (size_t subject = 0; subject < dataset->subject_count; subject++) {
        struct records records = dataset_records(dataset, subject);
        for (size_t i = 0; i < records.count; i++)
            if (!records.at[i].selected && visit_form[records.at[i].form])
                listing_choose(listed, &records.at[i]);
        for (; next < voided_count && voided[next].record.subject == subject; next++)
            listing_choose(listed, &voided[next].record);
    }
}

void listing_add_unused(struct layout *layout)
{
    struct table *table = listing_begin(layout, "l5-records-not-used",
                                        "Records that are not used, and why", "Date of the form");
    struct listed *listed = listing_new(layout);
    add_form_column(table);
    table_add_column(table, "Visit entered", "", CELL_TEXT);
    table_add_column(table, "Visit by date", "", CELL_TEXT);
    table_add_column(table, "Analysis window", "", CELL_NUMBER);
    table_add_column(table, "Decision", "", CELL_TEXT);
    listed->write = write_unused;
    choose_unused(listed);
    listing_add_rows(listed, table);
}

/* Where a record lies from the target and the due window of its visit. */
static void set_window_cells(const struct listed *listed, struct table *table, struct table_row *row,
                             size_t column, const struct record *record)
{
    const struct visit *visit = &listed->layout.dataset->catalogue->protocol->visits[record->analysis_visit];
    char number[FORMAT_SIZE];
    int distance = dataset_distance(record->day, visit->target);
    bool inside = record->day >= visit->due[0] && record->day <= visit->due[1];
    table_set_cell(table, row, column, CELL_TEXT, visit->id);
    table_set_cell(table, row, column + 1, CELL_NUMBER, listed->windows[record->analysis_visit]);
    table_set_cell(table, row, column + 2, CELL_NUMBER, format_number(number, visit->target, 0));
    table_set_cell(table, row, column + 3, CELL_NUMBER, format_number(number, distance, 0));
    table_set_cell(table, row, column + 4, CELL_TEXT, inside ? "yes" : "no");
}

static void write_window(const struct listed *listed, struct table *table, const struct record *record)
{
    const struct layout *layout = &listed->layout;
    const struct dataset *dataset = layout->dataset;
    struct table_row *row;
    size_t column = listing_begin_row(layout, table, record, &row);
    table_set_cell(table, row, column++, CELL_TEXT, form_name(table, record_form(dataset, record)));
    table_set_cell(table, row, column++, CELL_TEXT, record_visit(dataset, record));
    if (record->analysis_visit != NO_VISIT)
        set_window_cells(listed, table, row, column, record);
    table_set_cell(table, row, column + 5, CELL_TEXT,
                   record->selected ? "used" : decision(table, layout, record));
}

/* Nearly all records: they are not listed beforehand. */
static void give_windows(const struct table *table, table_take *take, void *to)
{
    const struct listed *listed = table->source_context;
    const struct dataset *dataset = listed->layout.dataset;
    const bool *visit_form = list_visit_forms(listed, dataset->catalogue);
    for (size_t subject = 0; subject < dataset->subject_count; subject++) {
        struct records records = dataset_records(dataset, subject);
        for (size_t i = 0; i < records.count; i++)
            if (visit_form[records.at[i].form])
                listing_give_row(listed, table, &records.at[i], take, to);
    }
}

static void add_first_windows(struct listed *listed, struct table *table)
{
    const struct dataset *dataset = listed->layout.dataset;
    const bool *visit_form = list_visit_forms(listed, dataset->catalogue);
    size_t count = 0;
    for (size_t form = 0; form < dataset->catalogue->form_count; form++)
        count += visit_form[form] ? dataset_form_records(dataset, form) : 0;
    for (size_t subject = 0; subject < dataset->subject_count && table->row_count < LISTING_ROWS_IN_HTML;
         subject++) {
        struct records records = dataset_records(dataset, subject);
        for (size_t i = 0; i < records.count && table->row_count < LISTING_ROWS_IN_HTML; i++)
            if (visit_form[records.at[i].form])
                listed->write(listed, table, &records.at[i]);
    }
    if (count <= LISTING_ROWS_IN_HTML)
        return;
    table->row_count = count;
    table->source = give_windows;
    table->source_context = listed;
}

void listing_add_windows(struct layout *layout)
{
    struct table *table =
        listing_begin(layout, "l6-visit-windows", "Visit that each record counts for, and the decision",
                      "Date of the form");
    struct listed *listed = listing_new(layout);
    add_form_column(table);
    table_add_column(table, "Visit entered", "", CELL_TEXT);
    table_add_column(table, "Visit by date", "", CELL_TEXT);
    table_add_column(table, "Analysis window", "", CELL_NUMBER);
    table_add_column(table, "Target day", "", CELL_NUMBER);
    table_add_column(table, "Days from the target", "", CELL_NUMBER);
    table_add_column(table, "Due window kept", "", CELL_TEXT);
    table_add_column(table, "Decision", "", CELL_TEXT);
    listed->write = write_window;
    add_first_windows(listed, table);
}
