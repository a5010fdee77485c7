/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/sheet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "forms/base/memory.h"

/* The cells between bars. */
static const char *const *split(const void *owner, const char *row, size_t *count)
{
    size_t bars = 0;
    for (const char *at = row; *at != '\0'; at++)
        bars += *at == '|';
    const char **cells = (const char **)memory_new_array(owner, char *, bars + 1);
    *count = 0;
    for (const char *at = row;;) {
        size_t length = strcspn(at, "|");
        cells[(*count)++] = memory_copy_bytes(owner, at, length);
        if (at[length] == '\0')
            return cells;
        at += length + 1;
    }
}

struct sheet sheet_of(const char *header, struct sheet_manner manner)
{
    struct sheet sheet = {.owner = memory_owner(NULL, "sheet"), .line = {.number = 0, .line = 1}};
    struct error error = {0};
    sheet.catalogue = catalogue_load(sheet.owner, "forms/protocols/demo.yaml", "forms/instruments", &error);
    if (sheet.catalogue == NULL)
        fail_msg("%s", error.message);
    sheet.findings = upload_findings_begin(sheet.owner);
    struct csv_header head = {.line = 1, .form = manner.form, .site = manner.site};
    head.cells = split(sheet.owner, header, &head.count);
    struct csv_dialect dialect = {.encoding = CSV_UTF8, .delimiter = ',',
                                  .quoting = true, .header_line = 1, .newline = "\n"};
    if (manner.delimiter != '\0')
        dialect.delimiter = manner.delimiter;
    sheet.plan = upload_plan_make(sheet.owner, sheet.catalogue, manner.profile, &dialect, &head, &sheet.findings);
    if (sheet.plan == NULL)
        fail_msg("%s: %s", sheet.findings.findings[0].code, sheet.findings.findings[0].text);
    sheet.findings = upload_findings_begin(sheet.owner);
    return sheet;
}

void sheet_end(struct sheet *sheet)
{
    talloc_free(sheet->owner);
}

const struct csv_line *sheet_line(struct sheet *sheet, const char *cells)
{
    sheet->line.number++;
    sheet->line.line++;
    sheet->line.cells = split(sheet->owner, cells, &sheet->line.cell_count);
    return &sheet->line;
}

struct upload_row sheet_read(struct sheet *sheet, const char *cells)
{
    sheet->findings = upload_findings_begin(sheet->owner);
    return upload_row_read(sheet->owner, sheet->plan, sheet_line(sheet, cells), &sheet->findings);
}

static const char *or_dash(const char *text)
{
    return text != NULL ? text : "-";
}

const char *sheet_describe(const struct sheet *sheet, const struct upload_record *record)
{
    const struct submission_input *input = &record->input;
    struct text *out = text_new(sheet->owner);
    text_append_format(out, "%s %s %s %s %s", input->subject, or_dash(input->knee), or_dash(input->visit),
                       or_dash(input->date), input->form);
    if (input->instance != 1)
        text_append_format(out, "#%lld", (long long)input->instance);
    for (size_t i = 0; i < input->answer_count; i++)
        text_append_format(out, " %s=%s", input->answers[i].item, input->answers[i].text);
    for (size_t i = 0; i < input->not_answered_count; i++)
        text_append_format(out, " %s=[%s]", input->not_answered[i].item, input->not_answered[i].reason);
    for (size_t i = 0; i < record->blank_count; i++)
        text_append_format(out, " %s=", record->form->items[record->blanks[i]].id);
    for (size_t i = 0; i < record->score_count; i++)
        text_append_format(out, " (%s %.12g)", record->form->scores[record->scores[i]].id, record->score_values[i]);
    return out->bytes;
}
