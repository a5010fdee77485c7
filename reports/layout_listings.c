/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records one by one: deaths, serious and all adverse events, deviations.  (L1-L4) */
#include "reports/layout_listings.h"

#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/adverse_event.h"
#include "reports/format.h"

typedef bool record_filter(const struct dataset *dataset, const struct record *record);

/* A listing of the records of one form: who, when, and some of its items (NULL: all). */
struct record_listing {
    const char *id, *title, *form;
    const char *date_title;          /* what the date of the form is */
    const char *const *items;
    size_t item_count;
    record_filter *wanted;           /* of that form */
    /* last column: which of the items with that prefix are yes; NULL: no such column */
    const char *yes_prefix, *yes_title;
    bool events;                     /* with onset day and whether it is treatment-emergent */
};

static bool answer_is(const struct dataset *dataset, const struct record *record, const char *item,
                      const char *text)
{
    const struct answer *answer = record_answer(dataset, record, item);
    return answer != NULL && strcmp(answer->text, text) == 0;
}

static bool is_death(const struct dataset *dataset, const struct record *record)
{
    return answer_is(dataset, record, "reason", "died");
}

static const char *answer_text(const struct dataset *dataset, const struct record *record, const char *item)
{
    const struct answer *answer = record_answer(dataset, record, item);
    if (answer == NULL)
        return "";
    const struct form *form = record_form(dataset, record);
    const struct item *definition = &form->items[form_find_item(form, item)];
    const struct choice *choice =
        definition->type == ITEM_CHOICE ? item_find_choice(definition, answer->text) : NULL;
    if (definition->type == ITEM_BOOLEAN)
        return strcmp(answer->text, "true") == 0 ? "yes" : "no";
    return choice != NULL ? choice->label : answer->text;
}

/* Texts of the items whose ids begin with `prefix` and that were answered with yes. */
static const char *list_yes(const void *owner, const struct dataset *dataset, const struct record *record,
                            const char *prefix)
{
    struct text *out = text_new(owner);
    const struct form *form = record_form(dataset, record);
    for (size_t i = 0; i < form->item_count; i++) {
        const struct item *item = &form->items[i];
        if (strncmp(item->id, prefix, strlen(prefix)) == 0 && answer_is(dataset, record, item->id, "true"))
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

struct table *listing_begin(struct layout *layout, const char *id, const char *title,
                                   const char *date_title)
{
    struct table *table = layout_add_table(layout, id, title);
    table->listing = true;
    table->html_rows = LISTING_ROWS_IN_HTML;
    table->label_title = "Subject";
    if (!layout->dataset->pooled)
        table_add_column(table, "Cohort", "", CELL_TEXT);
    table_add_column(table, "Knee", "", CELL_TEXT);
    table_add_column(table, "Instance", "", CELL_NUMBER);
    table_add_column(table, date_title, "", CELL_NUMBER);
    table_add_column(table, "Study day", "", CELL_NUMBER);
    return table;
}

/* Fills the columns of listing_begin; returns the next one. */
size_t listing_begin_row(const struct layout *layout, struct table *table, const struct record *record,
                        struct table_row **row)
{
    const struct dataset *dataset = layout->dataset;
    const struct subject *subject = &dataset->subjects[record->subject];
    char name[SUBJECT_TEXT_SIZE], date[DATE_TEXT_SIZE], day[FORMAT_SIZE] = "", instance[FORMAT_SIZE];
    subject_format(subject->site, subject->number, name);
    *row = table_add_row(table, "", name, 0);
    size_t column = 0;
    if (!dataset->pooled)
        table_set_cell(table, *row, column++, CELL_TEXT,
                       subject->cohort == NO_COHORT ? "" : dataset->cohorts[subject->cohort]);
    table_set_cell(table, *row, column++, CELL_TEXT, knee_text(record->knee));
    table_set_cell(table, *row, column++, CELL_NUMBER, format_number(instance, record->instance, 0));
    date_format(record->date, date);
    table_set_cell(table, *row, column++, CELL_NUMBER, date);
    if (record->day != STUDY_DAY_NONE)
        format_number(day, record->day, 0);
    table_set_cell(table, *row, column++, CELL_NUMBER, day);
    return column;
}

/* --- adverse events ------------------------------------------------------------------------------------ */

static void add_event_columns(struct table *table)
{
    table_add_column(table, "Onset day", "", CELL_NUMBER);
    table_add_column(table, "Treatment-emergent", "", CELL_TEXT);
}

static const char *onset_day(const void *owner, const struct dataset *dataset, const struct record *record)
{
    const struct answer *onset = record_answer(dataset, record, "onset");
    date_days day1 = adverse_event_day_1(&dataset->subjects[record->subject]);
    if (onset == NULL || day1 == DATE_NONE || date_earliest(onset->date) == DATE_NONE)
        return "";
    int first = date_study_day(date_earliest(onset->date), day1);
    int last = date_study_day(date_latest(onset->date), day1);
    return first == last ? memory_format(owner, "%d", first) : memory_format(owner, "%d to %d", first, last);
}

static const char *emergence_text(const struct dataset *dataset, const struct record *record)
{
    if (!dataset->subjects[record->subject].treated)
        return "not treated";
    switch (adverse_event_emergence(dataset, record)) {
    case EMERGENCE_NONE: return "no";
    case EMERGENCE_CERTAIN: return "yes";
    case EMERGENCE_IMPUTED: return "yes, onset may lie before";
    }
    return "";
}

static size_t set_event_cells(const struct layout *layout, struct table *table, struct table_row *row,
                              size_t column, const struct record *record)
{
    const struct dataset *dataset = layout->dataset;
    bool event = adverse_event_is_form(dataset, record);
    table_set_cell(table, row, column++, CELL_NUMBER, event ? onset_day(table, layout->dataset, record) : "");
    table_set_cell(table, row, column++, CELL_TEXT, event ? emergence_text(layout->dataset, record) : "");
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

/* By subject and date, whichever the knee; then by id, where it is known. */
static int compare_records(const void *a, const void *b, void *context)
{
    const struct dataset *dataset = context;
    const struct record *left = *(const struct record *const *)a, *right = *(const struct record *const *)b;
    if (left->subject != right->subject)
        return left->subject < right->subject ? -1 : 1;
    if (left->date != right->date)
        return left->date < right->date ? -1 : 1;
    const struct record_origin *one = record_origin(dataset, left), *other = record_origin(dataset, right);
    if (one != NULL && other != NULL)
        return memcmp(one->id, other->id, sizeof one->id);
    return (left > right) - (left < right);
}

void listing_choose(struct listed *listed, const struct record *record)
{
    if ((listed->count & (listed->count - 1)) == 0)
        listed->records = memory_resize_array(listed, listed->records, const struct record *,
                                              listed->count == 0 ? 1 : 2 * listed->count);
    listed->records[listed->count++] = record;
}

static void choose_of_form(struct listed *listed, struct records records, record_filter *wanted)
{
    for (size_t i = 0; i < records.count; i++)
        if (wanted(listed->layout.dataset, &records.at[i]))
            listing_choose(listed, &records.at[i]);
}

/* Of two forms; they may be the same. */
static void choose_records(struct listed *listed, const char *form, const char *other, record_filter *wanted)
{
    const struct dataset *dataset = listed->layout.dataset;
    int first = dataset_form_number(dataset, form), second = dataset_form_number(dataset, other);
    for (size_t subject = 0; subject < dataset->subject_count; subject++) {
        choose_of_form(listed, dataset_records_of(dataset, subject, first < second ? first : second), wanted);
        if (first != second)
            choose_of_form(listed, dataset_records_of(dataset, subject, first < second ? second : first), wanted);
    }
    if (listed->count > 0)
        qsort_r(listed->records, listed->count, sizeof listed->records[0], compare_records,
                (void *)(uintptr_t)dataset);
}

/* In a table of its own: a long listing as a whole takes more than all other tables. */
void listing_give_row(const struct listed *listed, const struct table *table, const struct record *record,
                     table_take *take, void *to)
{
    struct table *one = memory_new(NULL, struct table);
    *one = *table;
    one->rows = NULL;
    one->row_count = 0;
    listed->write(listed, one, record);
    take(to, &one->rows[0]);
    talloc_free(one);
}

static void give_rows(const struct table *table, table_take *take, void *to)
{
    const struct listed *listed = table->source_context;
    for (size_t i = 0; i < listed->count; i++)
        listing_give_row(listed, table, listed->records[i], take, to);
}

/* The rows that are shown stand in the table; of more, all come from give_rows. */
void listing_add_rows(const struct listed *listed, struct table *table)
{
    for (size_t i = 0; i < listed->count && i < LISTING_ROWS_IN_HTML; i++)
        listed->write(listed, table, listed->records[i]);
    if (listed->count <= LISTING_ROWS_IN_HTML)
        return;
    table->row_count = listed->count;
    table->source = give_rows;
    table->source_context = listed;
}

struct listed *listing_new(const struct layout *layout)
{
    struct listed *listed = memory_new(layout->document, struct listed);
    const struct protocol *protocol = layout->dataset->catalogue->protocol;
    listed->layout = *layout;
    listed->windows = memory_new_array(listed, const char *, protocol->visit_count);
    for (size_t v = 0; v < protocol->visit_count; v++)
        listed->windows[v] = layout_window(layout, protocol->visits[v].analysis);
    return listed;
}

static void write_record(const struct listed *listed, struct table *table, const struct record *record)
{
    const struct dataset *dataset = listed->layout.dataset;
    const struct record_listing *listing = listed->listing;
    struct table_row *row;
    size_t column = listing_begin_row(&listed->layout, table, record, &row);
    if (listing->events)
        column = set_event_cells(&listed->layout, table, row, column, record);
    for (size_t c = 0; c < listed->item_count; c++)
        table_set_cell(table, row, column++, kind_of(listed->items[c]),
                       answer_text(dataset, record, listed->items[c]->id));
    if (listing->yes_prefix != NULL)
        table_set_cell(table, row, column, CELL_TEXT, list_yes(table, dataset, record, listing->yes_prefix));
}

static void add_record_listing(struct layout *layout, const struct record_listing *listing)
{
    const struct form *form = catalogue_find_form(layout->dataset->catalogue, listing->form, 0);
    if (form == NULL)
        return;
    struct table *table = listing_begin(layout, listing->id, listing->title, listing->date_title);
    struct listed *listed = listing_new(layout);
    listed->listing = listing;
    listed->write = write_record;
    listed->items = choose_items(layout, listing, form, &listed->item_count);
    if (listing->events)
        add_event_columns(table);
    for (size_t i = 0; i < listed->item_count; i++)
        table_add_column(table, layout_capital(layout, listed->items[i]->text), "",
                         kind_of(listed->items[i]));
    if (listing->yes_prefix != NULL)
        table_add_column(table, listing->yes_title, "", CELL_TEXT);
    choose_records(listed, listing->form, listing->form, listing->wanted);
    listing_add_rows(listed, table);
}

/* --- deaths -------------------------------------------------------------------------------------------- */

static bool is_end_by_death(const struct dataset *dataset, const struct record *record)
{
    return strcmp(record_form(dataset, record)->id, "end_of_study") == 0 && is_death(dataset, record);
}

static bool is_fatal_event(const struct dataset *dataset, const struct record *record)
{
    return adverse_event_is_form(dataset, record) && adverse_event_is_fatal(dataset, record);
}

static bool tells_of_a_death(const struct dataset *dataset, const struct record *record)
{
    return is_end_by_death(dataset, record) || is_fatal_event(dataset, record);
}

/* Coded, or in the reporter's words where they may be shown. */
static const char *cause_of(const struct layout *layout, const struct record *record)
{
    const struct dataset *dataset = layout->dataset;
    bool event = adverse_event_is_form(dataset, record);
    const char *cause = answer_text(dataset, record, event ? "coded_term" : "death_cause");
    if (cause[0] == '\0' && event)
        cause = answer_text(dataset, record, "term");
    bool coded = event && answer_text(dataset, record, "coded_term")[0] != '\0';
    return layout->dataset->pooled && !coded ? "" : cause;
}

static void write_death(const struct listed *listed, struct table *table, const struct record *record)
{
    const struct dataset *dataset = listed->layout.dataset;
    struct table_row *row;
    size_t column = listing_begin_row(&listed->layout, table, record, &row);
    bool event = adverse_event_is_form(dataset, record);
    table_set_cell(table, row, column++, CELL_TEXT, record_form(dataset, record)->title);
    column = set_event_cells(&listed->layout, table, row, column, record);
    table_set_cell(table, row, column++, CELL_NUMBER, answer_text(dataset, record, "last_contact"));
    table_set_cell(table, row, column++, CELL_NUMBER,
                   answer_text(dataset, record, event ? "end" : "death_date"));
    table_set_cell(table, row, column, CELL_TEXT, cause_of(&listed->layout, record));
}

/* A death is told by the end of study, by an adverse event, or by both. */
static void add_deaths(struct layout *layout)
{
    struct table *table = listing_begin(layout, "l1-deaths", "Deaths", "Date of the form");
    struct listed *listed = listing_new(layout);
    table_add_column(table, "Told by", "", CELL_TEXT);
    add_event_columns(table);
    table_add_column(table, "Last contact", "", CELL_NUMBER);
    table_add_column(table, "Death, or end of the event", "", CELL_NUMBER);
    table_add_column(table, "Cause, or event", "", CELL_TEXT);
    listed->write = write_death;
    choose_records(listed, "end_of_study", "adverse_event", tells_of_a_death);
    listing_add_rows(listed, table);
}

static bool is_serious_event(const struct dataset *dataset, const struct record *record)
{
    return adverse_event_is_form(dataset, record) && adverse_event_is_serious(dataset, record);
}

static bool led_to_withdrawal(const struct dataset *dataset, const struct record *record)
{
    return adverse_event_is_form(dataset, record) && answer_is(dataset, record, "led_to_withdrawal", "true");
}

static bool is_deviation(const struct dataset *dataset, const struct record *record)
{
    return strcmp(record_form(dataset, record)->id, "protocol_deviation") == 0;
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
        "term",     "coded_term", "onset",   "end",         "serious", "related_product", "related_procedure",
        "expected", "action",     "outcome", "ctcae_grade",
    };
    static const char *const withdrawal_items[] = {
        "term",    "coded_term",      "onset",             "end",    "severity", "ctcae_grade",
        "serious", "related_product", "related_procedure", "action", "outcome",
    };
    static const struct record_listing listings[] = {
        {"l2-serious-adverse-events", "Serious adverse events", "adverse_event", "Date of the report",
         serious_items, sizeof serious_items / sizeof *serious_items, is_serious_event, "serious_",
         "Seriousness criteria", true},
        {"l3-withdrawal-adverse-events", "Adverse events that led to withdrawal", "adverse_event",
         "Date of the report", withdrawal_items, sizeof withdrawal_items / sizeof *withdrawal_items,
         led_to_withdrawal, NULL, NULL, true},
        {"l3-adverse-events", "Adverse events", "adverse_event", "Date of the report", event_items,
         sizeof event_items / sizeof *event_items, adverse_event_is_form, NULL, NULL, true},
        {"l4-protocol-deviations", "Protocol deviations", "protocol_deviation", "Date of the deviation", NULL,
         0, is_deviation, NULL, NULL, false},
    };
    layout_begin_chapter(layout, (int)layout->document->chapter_count + 1, "listings", "Listings");
    layout_add_paragraph(
        layout,
        "Records of all enrolled subjects as they stood at the cut, newest version; voided ones stand "
        "among the records that are not used, and nowhere else. Those before the treatment are listed, "
        "too. Study days of a form count from day 1 of its knee (of the index knee when it is about the "
        "subject), onset days from the first treatment of either knee; a partial onset has its first and "
        "last possible day. Events not said to be serious or not are listed as serious. Long listings show "
        "their first %d rows here and all of them in their CSV file.",
        LISTING_ROWS_IN_HTML);
    if (layout->dataset->pooled)
        layout_add_paragraph(layout,
                             "Texts in somebody's own words and items that name the product are left out, "
                             "because they may name a cohort; so are events at a harvest site.");
    add_deaths(layout);
    for (size_t i = 0; i < sizeof listings / sizeof *listings; i++)
        add_record_listing(layout, &listings[i]);
    listing_add_unused(layout);
    listing_add_windows(layout);
}
