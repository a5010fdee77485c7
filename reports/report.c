/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/report.h"

#include <string.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/ars_json.h"
#include "reports/changes.h"
#include "reports/data_csv.h"
#include "reports/data_json.h"
#include "reports/layout.h"
#include "reports/layout_changes.h"
#include "reports/manifest.h"
#include "reports/render_csv.h"
#include "reports/render_html.h"
#include "reports/render_pdf.h"
#include "reports/render_rtf.h"

#define CSV_TYPE "text/csv; charset=utf-8"
#define JSON_TYPE "application/json"

/* --- formats ------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum report_format format;
} known_formats[] = {
    {"html", REPORT_HTML}, {"csv", REPORT_CSV}, {"rtf", REPORT_RTF},
    {"pdf", REPORT_PDF},   {"ars", REPORT_ARS}, {"datasets", REPORT_DATASETS},
};

enum { FORMAT_COUNT = sizeof known_formats / sizeof known_formats[0] };

static unsigned find_format(const char *name, size_t length)
{
    for (size_t i = 0; i < FORMAT_COUNT; i++)
        if (strlen(known_formats[i].name) == length && strncmp(known_formats[i].name, name, length) == 0)
            return known_formats[i].format;
    return 0;
}

bool report_read_formats(const char *list, unsigned *formats, struct error *error)
{
    *formats = 0;
    for (const char *at = list;; at++) {
        size_t length = strcspn(at, ",");
        unsigned format = find_format(at, length);
        if (format == 0)
            return error_set(error, ERROR_USAGE,
                             "there is no format \"%.*s\"; --formats takes html, csv, rtf, pdf, ars and datasets, "
                             "with commas between",
                             (int)length, at);
        *formats |= format;
        at += length;
        if (*at == '\0')
            return true;
    }
}

char *report_format_names(const void *owner, unsigned formats)
{
    struct text *names = text_new(owner);
    for (size_t i = 0; i < FORMAT_COUNT; i++)
        if ((formats & known_formats[i].format) != 0)
            text_append_format(names, "%s%s", names->length > 0 ? "," : "", known_formats[i].name);
    return names->bytes;
}

/* --- files --------------------------------------------------------------------------------------------- */

static struct report_file *new_file(struct report *report, const char *name, const char *media_type)
{
    size_t count = report->file_count;
    if ((count & (count - 1)) == 0)
        report->files = memory_resize_array(report, report->files, struct report_file,
                                            count == 0 ? 1 : memory_size_product(count, 2));
    struct report_file *file = &report->files[report->file_count++];
    *file = (struct report_file){.name = memory_copy_string(report, name), .media_type = media_type};
    return file;
}

static void add_file(struct report *report, const char *name, const char *media_type,
                     const struct text *bytes)
{
    struct report_file *file = new_file(report, name, media_type);
    file->bytes = bytes;
    file->size = bytes->length;
    manifest_hash(bytes->bytes, bytes->length, file->sha256);
}

static void add_stream(struct report *report, const char *name, const char *media_type, report_writer *write,
                       const void *context)
{
    struct report_file *file = new_file(report, name, media_type);
    file->write = write;
    file->context = context;
}

bool report_send_file(struct report *report, size_t index, sink_function *pass, void *context,
                      struct error *error)
{
    struct report_file *file = &report->files[index];
    if (file->bytes != NULL)
        return pass == NULL || pass(context, file->bytes->bytes, file->bytes->length, error);
    struct sink *sink = sink_new(report, pass, context);
    file->write(report, file->context, sink);
    bool sent = sink_end(sink, &file->size, file->sha256, error);
    talloc_free(sink);
    return sent;
}

/* --- contents ------------------------------------------------------------------------------------------ */

static void step_sink(void *sink)
{
    sink_step(sink);
}

static void write_listing(const struct report *report, const void *table, struct sink *sink)
{
    (void)report;
    render_csv_table_in_steps(sink_text(sink), table, step_sink, sink);
}

/* A long listing does not fit into memory. */
static void add_csv(struct report *report, const struct table *table)
{
    const char *name = memory_format(report, "%s.csv", table->id);
    if (table->source != NULL) {
        add_stream(report, name, CSV_TYPE, write_listing, table);
        return;
    }
    struct text *bytes = text_new(report);
    render_csv_table(bytes, table);
    add_file(report, name, CSV_TYPE, bytes);
}

static void add_rtf(struct report *report, const struct document *document, const struct table *table)
{
    struct text *bytes = text_new(report);
    render_rtf_table(bytes, document, table);
    add_file(report, memory_format(report, "%s.rtf", table->id), "application/rtf", bytes);
}

/* A figure's numbers are a table, too; for a dossier they stand in the page. */
static void add_block(struct report *report, const struct document *document, const struct block *block)
{
    const struct table *numbers = block->table;
    if (numbers == NULL && block->figure != NULL)
        numbers = block->figure->data;
    if (numbers != NULL && (report->formats & REPORT_CSV) != 0)
        add_csv(report, numbers);
    if (block->table != NULL && (report->formats & REPORT_RTF) != 0)
        add_rtf(report, document, block->table);
}

static void add_tables(struct report *report, const struct document *document)
{
    for (size_t i = 0; i < document->chapter_count; i++)
        for (size_t b = 0; b < document->chapters[i]->block_count; b++)
            add_block(report, document, &document->chapters[i]->blocks[b]);
}

static bool add_pdf(struct report *report, const struct text *html, struct error *error)
{
    const struct pdf_options options = {.cut_made_us = report->dataset->cut_made_us};
    struct text *pdf = text_new(report);
    if (!render_pdf(html, &options, pdf, error))
        return false;
    add_file(report, "report.pdf", "application/pdf", pdf);
    return true;
}

static void write_data_csv(const struct report *report, const void *context, struct sink *sink)
{
    (void)report;
    data_csv_write(sink, context);
}

static void write_data_json(const struct report *report, const void *context, struct sink *sink)
{
    (void)report;
    data_json_write(sink, context);
}

static void add_datasets(struct report *report)
{
    size_t count;
    struct data_table **tables = data_tables(report, report->dataset, &count);
    struct text *codebook = text_new(report), *r = text_new(report), *sas = text_new(report);
    for (size_t i = 0; i < count; i++) {
        add_stream(report, data_file_name(report, tables[i], ".csv"), CSV_TYPE, write_data_csv, tables[i]);
        add_stream(report, data_file_name(report, tables[i], ".ndjson"), "application/x-ndjson",
                   write_data_json, tables[i]);
    }
    data_codebook_write(codebook, tables, count);
    data_loader_r_write(r, tables, count);
    data_loader_sas_write(sas, tables, count);
    add_file(report, "codebook.csv", CSV_TYPE, codebook);
    add_file(report, "load.R", "text/plain; charset=utf-8", r);
    add_file(report, "load.sas", "text/plain; charset=utf-8", sas);
}

static void write_manifest(const struct report *report, const void *context, struct sink *sink)
{
    (void)context;
    manifest_write(sink_text(sink), report);
}

/* Without streamed files everything that the manifest says is known. */
static void add_manifest(struct report *report)
{
    bool streamed = false;
    for (size_t i = 0; i < report->file_count; i++)
        streamed = streamed || report->files[i].bytes == NULL;
    if (streamed) {
        add_stream(report, "manifest.json", JSON_TYPE, write_manifest, NULL);
        return;
    }
    struct text *manifest = text_new(report);
    manifest_write(manifest, report);
    add_file(report, "manifest.json", JSON_TYPE, manifest);
}

static void step(const struct report_order *order, const char *what)
{
    if (order->step != NULL)
        order->step(what);
}

static void add_ars(struct report *report)
{
    struct text *json = text_new(report);
    ars_json_write(json, report->dataset, report->results);
    add_file(report, "results.json", JSON_TYPE, json);
}

static bool add_files(struct report *report, const struct report_order *order, struct error *error)
{
    struct text *html = text_new(report), *csv = text_new(report);
    step(order, "laying out tables and figures");
    struct document *document = layout_document(report, report->dataset, report->results);
    layout_changes(document, report->changes);
    if ((report->formats & (REPORT_HTML | REPORT_PDF)) != 0)
        render_html(html, document);
    if ((report->formats & REPORT_HTML) != 0)
        add_file(report, "report.html", "text/html; charset=utf-8", html);
    if ((report->formats & REPORT_PDF) != 0) {
        step(order, "making the PDF");
        if (!add_pdf(report, html, error))
            return false;
    }
    results_write_csv(report->results, csv);
    add_file(report, "results.csv", CSV_TYPE, csv);
    add_tables(report, document);
    if (report->changes != NULL) {
        struct text *changes = text_new(report);
        changes_write_csv(report->changes, changes);
        add_file(report, "compare.csv", CSV_TYPE, changes);
    }
    if ((report->formats & REPORT_ARS) != 0)
        add_ars(report);
    if ((report->formats & REPORT_DATASETS) != 0) {
        step(order, "measuring the analysis datasets");
        add_datasets(report);
    }
    add_manifest(report);
    return true;
}

static struct report *new_report(const void *owner, const struct dataset *dataset,
                                 const struct report_order *order)
{
    struct report *report = memory_new(owner, struct report);
    struct results *results = results_new(report);
    report->dataset = dataset;
    report->formats = order->formats != 0 ? order->formats : REPORT_FORMATS_DEFAULT;
    report->results = results;
    step(order, "computing");
    analysis_run(dataset, results);
    return report;
}

struct report *report_build(const void *owner, const struct dataset *dataset, struct db *db,
                            const struct report_order *order, struct error *error)
{
    struct report *report = new_report(owner, dataset, order);
    if (order->compare != NULL) {
        step(order, "comparing with the earlier report");
        report->changes = changes_find(report, db, report, order->compare, error);
    }
    bool made = (order->compare == NULL || report->changes != NULL) && add_files(report, order, error);
    if (made)
        return report;
    talloc_free(report);
    return NULL;
}

static void tell(const struct report_order *order, const struct dataset *dataset)
{
    if (order->progress == NULL)
        return;
    char *line = memory_format(dataset, "read cut %d \"%s\": %zu subjects, %zu records", dataset->cut_no,
                               dataset->cut_label, dataset->subject_count, dataset->record_count);
    order->progress(line);
    talloc_free(line);
}

struct report *report_make(const void *owner, struct db *db, const struct report_order *order,
                           struct error *error)
{
    step(order, "reading the data cut");
    struct dataset *dataset =
        order->unblinding != NULL
            ? extract_unmasked(owner, db, order->study, order->cut, order->unblinding, error)
            : extract_dataset(owner, db, order->study, order->cut, order->columns, error);
    if (dataset == NULL)
        return NULL;
    if (order->said_unblinding != NULL)
        dataset->unblinding = memory_copy_string(dataset, order->said_unblinding);
    if (order->sealed != NULL)
        dataset->cut_sealed = *order->sealed;
    tell(order, dataset);
    step(order, "deriving");
    struct report *report =
        dataset_derive(dataset, error) ? report_build(owner, dataset, db, order, error) : NULL;
    if (report != NULL)
        talloc_steal(report, dataset);
    else
        talloc_free(dataset);
    return report;
}
