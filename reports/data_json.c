/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/data_json.h"

#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/json_write.h"
#include "reports/format.h"

static void append_column(struct text *out, const struct data_table *table, size_t index)
{
    static const char *const types[] = {
        [DATA_TEXT] = "string", [DATA_INTEGER] = "integer", [DATA_NUMBER] = "float", [DATA_DATE] = "date"};
    const struct data_column *column = &table->columns[index];
    text_append(out, index > 0 ? ",{" : "{");
    json_key(out, "itemOID");
    text_append_format(out, "\"IT.%s.%s\"", table->name, column->name);
    json_text(out, "name", column->name);
    json_text(out, "label", column->label);
    json_text(out, "dataType", types[column->type]);
    if (column->type == DATA_TEXT)
        json_number(out, "length", (double)table->lengths[index]);
    if (column->key > 0)
        json_number(out, "keySequence", column->key);
    text_append(out, "}");
}

/* "2026-03-01 12:00:00 UTC" as ISO 8601 writes it. */
static const char *cut_time(char out[FORMAT_SIZE], const struct dataset *dataset)
{
    format_instant(out, dataset->cut_made_us);
    char *blank = strchr(out, ' '), *zone = strstr(out, " UTC");
    if (blank != NULL)
        *blank = 'T';
    if (zone != NULL)
        memcpy(zone, "Z", sizeof "Z");
    return out;
}

/* In the order that the specification gives, so that a reader can stream. */
static void append_metadata(struct text *out, const struct data_table *table)
{
    const struct dataset *dataset = table->dataset;
    const struct protocol *protocol = dataset->catalogue->protocol;
    char instant[FORMAT_SIZE];
    char *file = memory_format(out, "%s.%d.%s", dataset->catalogue->study, dataset->cut_no, table->name);
    char *version = memory_format(out, "%s.%d", protocol->id, protocol->version);
    text_append(out, "{");
    json_text(out, "datasetJSONCreationDateTime", cut_time(instant, dataset));
    json_text(out, "datasetJSONVersion", "1.1.0");
    json_text(out, "fileOID", file);
    json_text(out, "dbLastModifiedDateTime", instant);
    json_text(out, "originator", "patella-report");
    json_key(out, "sourceSystem");
    text_append(out, "{");
    json_text(out, "name", "Patella");
    json_text(out, "version", PATELLA_VERSION);
    text_append(out, "}");
    json_text(out, "studyOID", dataset->catalogue->study);
    json_text(out, "metaDataVersionOID", version);
    json_key(out, "itemGroupOID");
    text_append_format(out, "\"IG.%s\"", table->name);
    json_number(out, "records", (double)table->row_count);
    json_text(out, "name", table->name);
    json_text(out, "label", table->label);
    json_key(out, "columns");
    text_append(out, "[");
    for (size_t i = 0; i < table->column_count; i++)
        append_column(out, table, i);
    text_append(out, "]}\n");
    talloc_free(version);
    talloc_free(file);
}

struct writing {
    const struct data_table *table;
    struct sink *sink;
};

static void append_value(struct text *out, enum data_type type, const struct data_value *value)
{
    char date[DATE_TEXT_SIZE];
    if (type == DATA_TEXT ? value->text == NULL : isnan(value->number)) {
        text_append(out, "null");
    } else if (type == DATA_TEXT) {
        text_append_json(out, value->text);
    } else if (type == DATA_DATE) {
        date_format((date_days)value->number, date);
        text_append_json(out, date);
    } else {
        text_append_format(out, "%.12g", value->number);
    }
}

static void append_row(void *context, const struct data_value *values)
{
    const struct writing *writing = context;
    struct text *out = sink_text(writing->sink);
    text_append(out, "[");
    for (size_t i = 0; i < writing->table->column_count; i++) {
        if (i > 0)
            text_append(out, ",");
        append_value(out, writing->table->columns[i].type, &values[i]);
    }
    text_append(out, "]\n");
    sink_step(writing->sink);
}

void data_json_write(struct sink *sink, const struct data_table *table)
{
    struct writing writing = {table, sink};
    append_metadata(sink_text(sink), table);
    table->write_rows(table, append_row, &writing);
}
