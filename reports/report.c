/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/report.h"

#include <string.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/format.h"
#include "reports/layout.h"
#include "reports/manifest.h"
#include "reports/render_csv.h"
#include "reports/render_html.h"

#define CSV_TYPE "text/csv; charset=utf-8"

static void add_file(struct report *report, const char *name, const char *media_type,
                     const struct text *bytes)
{
    size_t count = report->file_count;
    if ((count & (count - 1)) == 0)
        report->files = memory_resize_array(report, report->files, struct report_file,
                                            count == 0 ? 1 : memory_size_product(count, 2));
    struct report_file *file = &report->files[report->file_count++];
    *file = (struct report_file){memory_copy_string(report, name), media_type, bytes, ""};
    manifest_hash(bytes->bytes, bytes->length, file->sha256);
}

static void add_tables(struct report *report, const struct document *document)
{
    for (size_t i = 0; i < document->chapter_count; i++) {
        const struct chapter *chapter = document->chapters[i];
        for (size_t b = 0; b < chapter->block_count; b++) {
            const struct table *table = chapter->blocks[b].table;
            if (table == NULL)
                continue;
            struct text *bytes = text_new(report);
            render_csv_table(bytes, table);
            add_file(report, memory_format(report, "%s.csv", table->id), CSV_TYPE, bytes);
        }
    }
}

struct report *report_build(const void *owner, const struct dataset *dataset)
{
    struct report *report = memory_new(owner, struct report);
    report->dataset = dataset;
    struct results *results = results_new(report);
    analysis_run(dataset, results);
    struct document *document = layout_document(report, dataset, results);
    struct text *html = text_new(report), *csv = text_new(report), *manifest = text_new(report);
    render_html(html, document);
    add_file(report, "report.html", "text/html; charset=utf-8", html);
    results_write_csv(results, csv);
    add_file(report, "results.csv", CSV_TYPE, csv);
    add_tables(report, document);
    manifest_write(manifest, report);
    add_file(report, "manifest.json", "application/json", manifest);
    return report;
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
    struct dataset *dataset = extract_dataset(owner, db, order->study, order->cut, order->columns, error);
    if (dataset == NULL)
        return NULL;
    tell(order, dataset);
    if (!dataset_derive(dataset, error)) {
        talloc_free(dataset);
        return NULL;
    }
    struct report *report = report_build(owner, dataset);
    talloc_steal(report, dataset);
    return report;
}
