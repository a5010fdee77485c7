/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Records one by one: deaths, serious and all adverse events, deviations, records not used.  (STATISTICS 1a:
 * L1-L6)
 */
#include "reports/layout.h"

#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/format.h"

enum { ROWS_IN_HTML = 200 };

/* A listing of the records of one form: who, when, and some of its items (NULL: all). */
struct record_listing {
    const char *id, *title, *form;
    const char *const *items;
    size_t item_count;
    bool (*wanted)(const struct record *record);
    /* last column: which of the items with that prefix are yes; NULL: no such column */
    const char *yes_prefix, *yes_title;
};

static const struct answer *given_answer(const struct record *record, const char *item)
{
    int at = form_find_item(record->form, item);
    return at != FORM_NONE && record->answers[at].state == ANSWER_GIVEN ? &record->answers[at] : NULL;
}

static bool answer_is(const struct record *record, const char *item, const char *text)
{
    const struct answer *answer = given_answer(record, item);
    return answer != NULL && strcmp(answer->text, text) == 0;
}

static bool is_serious(const struct record *record)
{
    return answer_is(record, "serious", "true");
}

static bool is_death(const struct record *record)
{
    return answer_is(record, "reason", "died");
}

static const char *answer_text(const struct record *record, const char *item)
{
    const struct answer *answer = given_answer(record, item);
    if (answer == NULL)
        return "";
    const struct item *definition = &record->form->items[form_find_item(record->form, item)];
    const struct choice *choice =
        definition->type == ITEM_CHOICE ? item_find_choice(definition, answer->text) : NULL;
    if (definition->type == ITEM_BOOLEAN)
        return strcmp(answer->text, "true") == 0 ? "yes" : "no";
    return choice != NULL ? choice->label : answer->text;
}

/* Texts of the items whose ids begin with `prefix` and that were answered with yes. */
static const char *list_yes(const void *owner, const struct record *record, const char *prefix)
{
    struct text *out = text_new(owner);
    for (size_t i = 0; i < record->form->item_count; i++) {
        const struct item *item = &record->form->items[i];
        if (strncmp(item->id, prefix, strlen(prefix)) == 0 && answer_is(record, item->id, "true"))
            text_append_format(out, "%s%s", out->length > 0 ? "; " : "", item->text);
    }
    return out->bytes;
}

static const char *knee_text(enum knee_side knee)
{
    switch (knee) {
    case KNEE_LEFT: return "left";
    case KNEE_RIGHT: return "right";
    case KNEE_NONE: return "";
    }
    return "";
}

/* --- columns that every listing begins with ------------------------------------------------------------ */

static struct table *begin_listing(struct layout *layout, const char *id, const char *title)
{
    struct table *table = layout_add_table(layout, id, title);
    table->listing = true;
    table->html_rows = ROWS_IN_HTML;
    table->label_title = "Subject";
    if (!layout->dataset->pooled)
        table_add_column(table, "Cohort", "", CELL_TEXT);
    table_add_column(table, "Knee", "", CELL_TEXT);
    table_add_column(table, "Date", "", CELL_NUMBER);
    table_add_column(table, "Study day", "", CELL_NUMBER);
    return table;
}

/* Fills the columns of begin_listing; returns the next one. */
static size_t begin_row(const struct layout *layout, struct table *table, const struct record *record,
                        struct table_row **row)
{
    const struct dataset *dataset = layout->dataset;
    const struct subject *subject = &dataset->subjects[record->subject];
    char name[SUBJECT_TEXT_SIZE], date[DATE_TEXT_SIZE], day[FORMAT_SIZE] = "";
    subject_format(subject->site, subject->number, name);
    *row = table_add_row(table, "", name, 0);
    size_t column = 0;
    if (!dataset->pooled)
        table_set_cell(table, *row, column++, CELL_TEXT,
                       subject->cohort == NO_COHORT ? "" : dataset->cohorts[subject->cohort]);
    table_set_cell(table, *row, column++, CELL_TEXT, knee_text(record->knee));
    date_format(record->date, date);
    table_set_cell(table, *row, column++, CELL_NUMBER, date);
    if (record->day != STUDY_DAY_NONE)
        format_number(day, record->day, 0);
    table_set_cell(table, *row, column++, CELL_NUMBER, day);
    return column;
}

/* --- records of one form ------------------------------------------------------------------------------- */

/* Items to show: those asked for, or all of the newest form, without what may name an arm when pooled. */
static const struct item **choose_items(const struct layout *layout, const struct record_listing *listing,
                                        const struct form *form, size_t *count)
{
    const struct item **items = memory_new_array(layout->document, const struct item *, form->item_count);
    *count = 0;
    size_t wanted = listing->items != NULL ? listing->item_count : form->item_count;
    for (size_t i = 0; i < wanted; i++) {
        int at = listing->items != NULL ? form_find_item(form, listing->items[i]) : (int)i;
        if (at != FORM_NONE && !(dataset_item_may_name_arm(&form->items[at]) && layout->dataset->pooled) &&
            *count < form->item_count)
            items[(*count)++] = &form->items[at];
    }
    return items;
}

static enum cell_kind kind_of(const struct item *item)
{
    bool text = item->type == ITEM_TEXT || item->type == ITEM_CHOICE || item->type == ITEM_BOOLEAN;
    return text ? CELL_TEXT : CELL_NUMBER;
}

/* By subject and date, whichever the knee. */
static int compare_records(const void *a, const void *b)
{
    const struct record *left = *(const struct record *const *)a, *right = *(const struct record *const *)b;
    if (left->subject != right->subject)
        return left->subject < right->subject ? -1 : 1;
    if (left->date != right->date)
        return left->date < right->date ? -1 : 1;
    return strcmp(left->id, right->id);
}

static const struct record **choose_records(const struct layout *layout, const struct record_listing *listing,
                                            size_t *count)
{
    const struct dataset *dataset = layout->dataset;
    const struct record **records =
        memory_new_array(layout->document, const struct record *, dataset->record_count);
    *count = 0;
    for (size_t i = 0; i < dataset->record_count; i++) {
        const struct record *record = &dataset->records[i];
        if (strcmp(record->form->id, listing->form) == 0 &&
            (listing->wanted == NULL || listing->wanted(record)))
            records[(*count)++] = record;
    }
    qsort(records, *count, sizeof records[0], compare_records);
    return records;
}

static void add_record_listing(struct layout *layout, const struct record_listing *listing)
{
    const struct dataset *dataset = layout->dataset;
    const struct form *form = catalogue_find_form(dataset->catalogue, listing->form, 0);
    if (form == NULL)
        return;
    struct table *table = begin_listing(layout, listing->id, listing->title);
    size_t count;
    const struct item **items = choose_items(layout, listing, form, &count);
    for (size_t i = 0; i < count; i++)
        table_add_column(table, layout_capital(layout, items[i]->text), "", kind_of(items[i]));
    if (listing->yes_prefix != NULL)
        table_add_column(table, listing->yes_title, "", CELL_TEXT);
    size_t record_count;
    const struct record **records = choose_records(layout, listing, &record_count);
    for (size_t i = 0; i < record_count; i++) {
        struct table_row *row;
        size_t column = begin_row(layout, table, records[i], &row);
        for (size_t c = 0; c < count; c++)
            table_set_cell(table, row, column++, kind_of(items[c]), answer_text(records[i], items[c]->id));
        if (listing->yes_prefix != NULL)
            table_set_cell(table, row, column, CELL_TEXT, list_yes(table, records[i], listing->yes_prefix));
    }
}

/* --- records not used ---------------------------------------------------------------------------------- */

static bool is_visit_form(const struct protocol *protocol, const char *form)
{
    for (size_t v = 0; v < protocol->visit_count; v++)
        if (protocol_form_is_due(&protocol->visits[v], form) && !protocol_form_is_any_time(protocol, form))
            return true;
    return false;
}

/* In the order in which dataset_derive decides. */
static const char *why_chosen(const struct record *chosen, const struct record *other, int target)
{
    if (dataset_distance(chosen->day, target) != dataset_distance(other->day, target))
        return "is closer to the target";
    if (chosen->day != other->day)
        return "is as close to the target, and later";
    if (chosen->received_us != other->received_us)
        return "was received later";
    return chosen->instance != other->instance ? "was received with it and has the greater instance"
                                               : "was received with it and has the greater id";
}

static const char *decision(const struct layout *layout, const struct record *record)
{
    const struct protocol *protocol = layout->dataset->catalogue->protocol;
    if (strcmp(record->visit, "unscheduled") == 0)
        return "entered as unscheduled: counts for no visit";
    if (record->day == STUDY_DAY_NONE)
        return "not treated: no study day";
    if (record->analysis_visit == NO_VISIT)
        return "outside every analysis window";
    const struct visit *visit = &protocol->visits[record->analysis_visit];
    const struct record *chosen = dataset_selected(layout->dataset, record->subject, record->knee, record->form->id,
                                                   record->analysis_visit);
    const char *why = why_chosen(chosen, record, visit->target);
    if (record->day <= 1)
        return memory_format(layout->document, "the record of day %d %s; its scores count for baseline where all "
                                               "later ones until day 1 are missing", chosen->day, why);
    return memory_format(layout->document, "the record of day %d %s", chosen->day, why);
}

static void add_unused_records(struct layout *layout)
{
    const struct dataset *dataset = layout->dataset;
    const struct protocol *protocol = dataset->catalogue->protocol;
    struct table *table =
        begin_listing(layout, "l6-records-not-used", "Records that count for no visit, and why");
    table_add_column(table, "Form", "", CELL_TEXT);
    table_add_column(table, "Visit entered", "", CELL_TEXT);
    table_add_column(table, "Visit by date", "", CELL_TEXT);
    table_add_column(table, "Analysis window", "", CELL_NUMBER);
    table_add_column(table, "Decision", "", CELL_TEXT);
    for (size_t i = 0; i < dataset->record_count; i++) {
        const struct record *record = &dataset->records[i];
        if (record->selected || !is_visit_form(protocol, record->form->id))
            continue;
        struct table_row *row;
        size_t column = begin_row(layout, table, record, &row);
        table_set_cell(table, row, column++, CELL_TEXT, record->form->id);
        table_set_cell(table, row, column++, CELL_TEXT, record->visit);
        if (record->analysis_visit != NO_VISIT) {
            const struct visit *visit = &protocol->visits[record->analysis_visit];
            table_set_cell(table, row, column, CELL_TEXT, visit->id);
            table_set_cell(table, row, column + 1, CELL_NUMBER, layout_window(layout, visit->analysis));
        }
        table_set_cell(table, row, column + 2, CELL_TEXT, decision(layout, record));
    }
}

void layout_listings(struct layout *layout)
{
    static const char *const event_items[] = {
        "term",    "coded_term",      "system_organ_class", "onset",
        "end",     "ongoing",         "severity",           "ctcae_grade",
        "serious", "related_product", "related_procedure",  "special_interest",
        "outcome",
    };
    static const char *const serious_items[] = {
        "term",     "coded_term", "onset",   "end", "related_product", "related_procedure",
        "expected", "action",     "outcome",
    };
    static const char *const death_items[] = {"last_contact", "death_date", "death_cause"};
    static const struct record_listing listings[] = {
        {"l1-deaths", "Deaths", "end_of_study", death_items, 3, is_death, NULL, NULL},
        {"l2-serious-adverse-events", "Serious adverse events", "adverse_event", serious_items,
         sizeof serious_items / sizeof *serious_items, is_serious, "serious_", "Seriousness criteria"},
        {"l3-adverse-events", "Adverse events", "adverse_event", event_items,
         sizeof event_items / sizeof *event_items, NULL, NULL, NULL},
        {"l4-protocol-deviations", "Protocol deviations", "protocol_deviation", NULL, 0, NULL, NULL, NULL},
    };
    layout_begin_chapter(layout, 8, "listings", "Listings");
    layout_add_paragraph(layout,
                         "Records of all enrolled subjects as they stood at the cut, newest version, voided "
                         "ones left out; also those before the treatment. Long listings show their first %d "
                         "rows here and all of them in their CSV file.",
                         ROWS_IN_HTML);
    if (layout->dataset->pooled)
        layout_add_paragraph(layout, "Texts in somebody's own words and items that name the product are left out, "
                                     "because they may name a cohort; so are events at a harvest site.");
    for (size_t i = 0; i < sizeof listings / sizeof *listings; i++)
        add_record_listing(layout, &listings[i]);
    add_unused_records(layout);
}
