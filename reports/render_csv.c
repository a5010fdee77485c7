/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/render_csv.h"

#include "forms/base/memory.h"
#include "forms/csv_cell.h"

static void append_header(struct text *out, const struct table *table)
{
    if (table->group_title[0] != '\0') {
        csv_append_text(out, table->group_title);
        text_append(out, ",");
    }
    csv_append_text(out, table->label_title);
    for (size_t i = 0; i < table->column_count; i++) {
        const struct table_column *column = &table->columns[i];
        char *title = column->subtitle[0] == '\0'
                          ? memory_copy_string(out, column->title)
                          : memory_format(out, "%s (%s)", column->title, column->subtitle);
        text_append(out, ",");
        csv_append_text(out, title);
        talloc_free(title);
    }
    text_append(out, "\n");
}

/* Where rows go. */
struct writing {
    const struct table *table;
    struct text *out;
    render_csv_step *step;
    void *context;
};

static void append_row(void *to, const struct table_row *row)
{
    const struct writing *writing = to;
    struct text *out = writing->out;
    if (writing->table->group_title[0] != '\0') {
        csv_append_text(out, row->group);
        text_append(out, ",");
    }
    csv_append_text(out, row->label);
    for (size_t c = 0; c < writing->table->column_count; c++) {
        text_append(out, ",");
        if (row->cells[c].kind == CELL_NUMBER)
            text_append_csv(out, row->cells[c].text);
        else
            csv_append_text(out, row->cells[c].text);
    }
    text_append(out, "\n");
    if (writing->step != NULL)
        writing->step(writing->context);
}

void render_csv_table_in_steps(struct text *out, const struct table *table, render_csv_step *step, void *context)
{
    struct writing writing = {table, out, step, context};
    append_header(out, table);
    if (table->source != NULL) {
        table->source(table, append_row, &writing);
        return;
    }
    for (size_t r = 0; r < table->row_count; r++)
        append_row(&writing, &table->rows[r]);
}

void render_csv_table(struct text *out, const struct table *table)
{
    render_csv_table_in_steps(out, table, NULL, NULL);
}
