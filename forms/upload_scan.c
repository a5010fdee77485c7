/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/upload_scan.h"

#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/upload_keys.h"
#include "forms/upload_row.h"
#include "forms/upload_scanning.h"

struct upload_scan *upload_scan_new(const void *owner, const struct upload_plan *plan, int64_t rows_hint)
{
    struct upload_scan *scan = memory_new(owner, struct upload_scan);
    scan->plan = plan;
    scan->columns = memory_new_array(scan, struct column_evidence, plan->column_count);
    scan->keys = upload_keys_new(scan, rows_hint);
    return scan;
}

/* ---- one cell ---- */

static void note(struct upload_scan *scan, enum scan_note kind, size_t column, const struct upload_reading *row)
{
    struct evidence *evidence = &scan->notes[kind];
    if (evidence->count++ > 0)
        return;
    evidence->line = row->line->line;
    evidence->column = column;
    evidence->value = memory_copy_string(scan, row->cells[column]);
}

static void bear_witness(struct upload_scan *scan, struct evidence *evidence, size_t column,
                         const struct upload_reading *row)
{
    if (evidence->count++ > 0)
        return;
    evidence->line = row->line->line;
    evidence->column = column;
    evidence->value = memory_copy_string(scan, row->cells[column]);
}

/* 1,234 or 12.345: one to three digits, the mark, three digits. */
static bool looks_like_thousands(const char *cell)
{
    cell += *cell == '-' || *cell == '+';
    size_t whole = strspn(cell, "0123456789");
    return whole >= 1 && whole <= 3 && cell[0] != '0' && strspn(cell + whole + 1, "0123456789") == 3
           && cell[whole + 4] == '\0';
}

static void scan_number(struct upload_scan *scan, size_t column, const struct upload_reading *row)
{
    struct column_evidence *evidence = &scan->columns[column];
    const char *cell = row->cells[column];
    char mark = upload_cell_decimal_mark(cell);
    if (mark == '\0')
        return;
    struct evidence *of_mark = mark == ',' ? &evidence->commas : &evidence->points;
    bool *are_thousands = mark == ',' ? &evidence->commas_are_thousands : &evidence->points_are_thousands;
    *are_thousands = looks_like_thousands(cell) && (of_mark->count == 0 || *are_thousands);
    bear_witness(scan, of_mark, column, row);
}

static void scan_date(struct upload_scan *scan, size_t column, const struct upload_reading *row)
{
    const char *cell = row->cells[column];
    int first, second;
    if (strchr(cell, ':') != NULL)
        note(scan, SCAN_TIME, column, row);
    if (!upload_cell_date_order(cell, &first, &second))
        return;
    note(scan, SCAN_DATE_ORDER, column, row);
    if (first > 12)
        bear_witness(scan, &scan->day_first, column, row);
    if (second > 12)
        bear_witness(scan, &scan->month_first, column, row);
}

static void scan_notes(struct upload_scan *scan, unsigned notes, size_t column, const struct upload_reading *row)
{
    static const struct {
        enum upload_note bit;
        enum scan_note note;
    } kinds[] = {
        {UPLOAD_NOTE_LABEL, SCAN_LABEL},           {UPLOAD_NOTE_MISSING, SCAN_MISSING},
        {UPLOAD_NOTE_POINT, SCAN_POINT},           {UPLOAD_NOTE_APOSTROPHE, SCAN_APOSTROPHE},
        {UPLOAD_NOTE_ESCAPE, SCAN_ESCAPE},
    };
    for (size_t i = 0; notes != 0 && i < sizeof kinds / sizeof kinds[0]; i++)
        if ((notes & kinds[i].bit) != 0)
            note(scan, kinds[i].note, column, row);
}

static void scan_item(struct upload_scan *scan, size_t column, struct upload_reading *row)
{
    const struct upload_column *plan = &scan->plan->columns[column];
    const struct upload_draft *draft = upload_row_draft(row, plan, false);
    int index = draft != NULL ? upload_row_item(draft, plan) : FORM_NONE;
    if (index == FORM_NONE)
        return;
    const struct item *item = &draft->form->items[index];
    bool is_number = item->type == ITEM_INTEGER || item->type == ITEM_DECIMAL;
    const struct upload_manner manner = {.plan = scan->plan, .decimal = '\0'};
    const struct upload_cell cell = upload_cell_read(row, &manner, item, row->cells[column]);
    scan_notes(scan, cell.notes, column, row);
    if (is_number)
        scan_number(scan, column, row);
    else if (item->type == ITEM_DATE || item->type == ITEM_PARTIAL_DATE)
        scan_date(scan, column, row);
}

static bool is_incomplete(const char *cell)
{
    return strcmp(cell, "0") == 0 || strcmp(cell, "1") == 0 || strcasecmp(cell, "incomplete") == 0
           || strcasecmp(cell, "unverified") == 0;
}

/* Of a form that the row has something of. */
static void scan_complete(struct upload_scan *scan, size_t column, struct upload_reading *row)
{
    if (is_incomplete(row->cells[column]) && upload_row_draft(row, &scan->plan->columns[column], false) != NULL)
        note(scan, SCAN_INCOMPLETE, column, row);
}

static void scan_site(struct upload_scan *scan, size_t column, const struct upload_reading *row)
{
    const char *cell = row->cells[column];
    size_t digits = strspn(cell, "0123456789");
    bool is_number = digits > 0 && digits < 6 && strspn(cell + digits, ".0") == strlen(cell + digits);
    if (scan->plan->site != 0 && is_number && strtol(cell, NULL, 10) != scan->plan->site)
        bear_witness(scan, &scan->wrong_site, column, row);
}

/* Row numbers count 1, 2, 3; anything else is a value of a column without a name. */
static void scan_nameless(struct upload_scan *scan, size_t column, const struct upload_reading *row)
{
    struct column_evidence *evidence = &scan->columns[column];
    char *end;
    long number = strtol(row->cells[column], &end, 10);
    if (*end == '\0' && number == evidence->row_number + 1)
        evidence->row_number = number;
    else
        bear_witness(scan, &evidence->unknown, column, row);
}

static void scan_word(struct upload_scan *scan, enum scan_note kind, size_t column, const struct upload_reading *row,
                      const char *means)
{
    if (means != NULL && strcmp(row->cells[column], means) != 0)
        note(scan, kind, column, row);
}

static void scan_cell(struct upload_scan *scan, size_t column, struct upload_reading *row)
{
    if (row->cells[column][0] == '\0')
        return;
    scan->columns[column].is_filled = true;
    switch ((int)scan->plan->columns[column].role) {
    case UPLOAD_UNKNOWN: bear_witness(scan, &scan->columns[column].unknown, column, row); break;
    case UPLOAD_NAMELESS: scan_nameless(scan, column, row); break;
    case UPLOAD_SITE: scan_site(scan, column, row); break;
    case UPLOAD_STUDY:
        if (!upload_same_name(row->cells[column], scan->plan->catalogue->study))
            bear_witness(scan, &scan->wrong_study, column, row);
        break;
    case UPLOAD_KNEE: scan_word(scan, SCAN_KNEE, column, row, row->knee); break;
    case UPLOAD_VISIT: scan_word(scan, SCAN_VISIT, column, row, row->visit); break;
    case UPLOAD_DATE: scan_date(scan, column, row); break;
    case UPLOAD_SCORE: scan_number(scan, column, row); break;
    case UPLOAD_COMPLETE: scan_complete(scan, column, row); break;
    case UPLOAD_ITEM: scan_item(scan, column, row); break;
    default: break;
    }
}

/* ---- one row ---- */

static void count_fields(struct upload_scan *scan, const struct csv_line *line)
{
    static const char others[] = ";,\t|^";
    if (scan->wrong_counts++ > 0)
        return;
    scan->wrong_count_line = line->line;
    scan->wrong_count = line->cell_count;
    for (size_t i = 0; i < line->cell_count && scan->other_delimiter == '\0'; i++) {
        const char *found = strpbrk(line->cells[i], others);
        if (found != NULL && *found != scan->plan->dialect.delimiter)
            scan->other_delimiter = *found;
    }
}

static struct upload_key key_of(const char *subject, const char *form, const char *visit, const char *knee,
                                int64_t instance)
{
    char number[TEXT_NUMBER_SIZE];
    (void)text_from_number((uint64_t)instance, 1, number);
    const char *const texts[] = {subject, form, visit != NULL ? visit : "", knee != NULL ? knee : "", number, NULL};
    return upload_key_of(texts);
}

void upload_scan_row(struct upload_scan *scan, const struct csv_line *line)
{
    scan->rows++;
    if (line->cell_count != scan->plan->column_count)
        count_fields(scan, line);
    if (line->cell_count != scan->plan->column_count || line->fault != NULL)
        return;
    struct upload_reading *row = upload_row_begin(scan, scan->plan, line, NULL);
    for (size_t i = 0; i < scan->plan->column_count; i++)
        scan_cell(scan, i, row);
    for (size_t i = 0; row->subject != NULL && i < row->draft_count; i++) {
        const struct upload_draft *draft = &row->drafts[i];
        upload_keys_add(scan->keys,
                        key_of(row->subject, draft->form->id, draft->visit, draft->knee, draft->instance));
    }
    talloc_free(row);
}

/* ---- a later reading ---- */

bool upload_scan_has_suspects(const struct upload_scan *scan)
{
    return upload_keys_have_suspects(scan->keys);
}

static struct upload_key key_of_record(const struct upload_record *record)
{
    const struct submission_input *input = &record->input;
    return key_of(input->subject, record->form->id, input->visit, input->knee, input->instance);
}

static bool may_stand_twice(struct upload_scan *scan, const struct csv_line *line)
{
    if (line->cell_count != scan->plan->column_count || line->fault != NULL)
        return false;
    struct upload_reading *row = upload_row_begin(scan, scan->plan, line, NULL);
    bool found = false;
    for (size_t i = 0; row->subject != NULL && i < row->draft_count && !found; i++) {
        const struct upload_draft *draft = &row->drafts[i];
        found = upload_keys_is_suspect(scan->keys, key_of(row->subject, draft->form->id, draft->visit, draft->knee,
                                                          draft->instance));
    }
    talloc_free(row);
    return found;
}

void upload_scan_collect(struct upload_scan *scan, const struct csv_line *line)
{
    if (!may_stand_twice(scan, line))
        return;
    void *owner = memory_owner(scan, "suspect");
    struct upload_findings findings = upload_findings_begin(owner);
    struct upload_row row = upload_row_read(owner, scan->plan, line, &findings);
    for (size_t i = 0; i < row.record_count; i++) {
        uint8_t hash[32];
        uint64_t content;
        upload_record_hash(&row.records[i], hash);
        memcpy(&content, hash, sizeof content);
        if (row.records[i].input.subject != NULL)
            upload_keys_collect(scan->keys, key_of_record(&row.records[i]), line->line, content);
    }
    talloc_free(owner);
}

int64_t upload_scan_seen(struct upload_scan *scan, const struct upload_record *record, const uint8_t hash[32],
                         bool *same)
{
    const struct submission_input *input = &record->input;
    uint64_t content;
    memcpy(&content, hash, sizeof content);
    *same = false;
    if (input->subject == NULL)
        return 0;
    return upload_keys_seen(scan->keys, key_of_record(record), record->line, content, same);
}

void upload_scan_rewind(struct upload_scan *scan)
{
    upload_keys_rewind(scan->keys);
}
