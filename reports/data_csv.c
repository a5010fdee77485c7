/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/data_csv.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/csv_cell.h"

char *data_file_name(const void *owner, const struct data_table *table, const char *ending)
{
    char *name = memory_format(owner, "%s%s", table->name, ending);
    for (char *c = name; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    return name;
}

/* --- rows ---------------------------------------------------------------------------------------------- */

struct writing {
    const struct data_table *table;
    struct sink *sink;
};

static void append_text(struct text *out, const char *text)
{
    if (strchr(text, '\n') == NULL && strchr(text, '\r') == NULL) {
        csv_append_text(out, text);
        return;
    }
    char *line = memory_copy_string(out, text);
    for (char *c = line; *c != '\0'; c++)
        if (*c == '\n' || *c == '\r')
            *c = ' ';
    csv_append_text(out, line);
    talloc_free(line);
}

static void append_value(struct text *out, enum data_type type, const struct data_value *value)
{
    char date[DATE_TEXT_SIZE];
    if (type == DATA_TEXT) {
        append_text(out, value->text != NULL ? value->text : "");
    } else if (isnan(value->number)) {
        return;
    } else if (type == DATA_DATE) {
        date_format((date_days)value->number, date);
        text_append(out, date);
    } else {
        text_append_format(out, "%.12g", value->number);
    }
}

static void append_row(void *context, const struct data_value *values)
{
    const struct writing *writing = context;
    struct text *out = sink_text(writing->sink);
    for (size_t i = 0; i < writing->table->column_count; i++) {
        if (i > 0)
            text_append(out, ",");
        append_value(out, writing->table->columns[i].type, &values[i]);
    }
    text_append(out, "\n");
    sink_step(writing->sink);
}

void data_csv_write(struct sink *sink, const struct data_table *table)
{
    struct writing writing = {table, sink};
    struct text *out = sink_text(sink);
    for (size_t i = 0; i < table->column_count; i++)
        text_append_format(out, "%s%s", i > 0 ? "," : "", table->columns[i].name);
    text_append(out, "\n");
    table->write_rows(table, append_row, &writing);
}

/* --- codebook ------------------------------------------------------------------------------------------ */

static const char *type_name(enum data_type type)
{
    static const char *const names[] = {
        [DATA_TEXT] = "text", [DATA_INTEGER] = "integer", [DATA_NUMBER] = "number", [DATA_DATE] = "date"};
    return names[type];
}

static void append_entry(struct text *out, const struct data_table *table, size_t index)
{
    const struct data_column *column = &table->columns[index];
    text_append_format(out, "%s,%s,", table->name, column->name);
    append_text(out, column->label);
    text_append_format(out, ",%s,", type_name(column->type));
    if (column->type == DATA_TEXT)
        text_append_format(out, "%zu", table->lengths[index]);
    text_append(out, ",");
    if (column->key > 0)
        text_append_format(out, "%d", column->key);
    text_append(out, ",");
    append_text(out, column->codes != NULL ? column->codes : "");
    text_append(out, ",");
    append_text(out, column->derivation);
    text_append(out, "\n");
}

void data_codebook_write(struct text *out, struct data_table *const *tables, size_t count)
{
    text_append(out, "dataset,variable,label,type,length,key,codes,derivation\n");
    for (size_t t = 0; t < count; t++)
        for (size_t i = 0; i < tables[t]->column_count; i++)
            append_entry(out, tables[t], i);
}
