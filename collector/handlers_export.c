/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The data of a cut as a ZIP, one page of records after the other.  A cut is the same for ever, so that the pages of
 * many transactions fit together.
 */
#include "collector/handlers.h"

#include "collector/export_archive.h"
#include "collector/request.h"
#include "forms/base/memory.h"

enum { CUT_MOST = 2000000000 };

struct export {
    struct store_reader reader;
    struct store *store;                 /* of the worker that makes the next piece */
    struct export_order order;
    struct export_archive *archive;
};

static struct store_records *read_records(const void *owner, void *context, const struct store_export_page *page,
                                          struct error *error)
{
    struct export *export = context;
    return store_read_export(owner, export->store, &export->reader, page, error);
}

static struct store_listing *read_list(const void *owner, void *context, enum export_list list,
                                       const struct export_place *place, struct error *error)
{
    static const enum store_statement statements[EXPORT_LISTS] = {
        [EXPORT_QUERIES] = STATEMENT_READ_EXPORT_QUERIES,
        [EXPORT_SIGNATURES] = STATEMENT_READ_EXPORT_SIGNATURES,
        [EXPORT_VERIFICATIONS] = STATEMENT_READ_EXPORT_VERIFICATIONS,
    };
    struct export *export = context;
    struct db_parameters *given = store_reader_parameters(owner, &export->reader, 7);
    db_set_text(given, 2, export->order.request);
    db_set_text(given, 3, place->site);
    db_set_text(given, 4, place->id);
    db_set_text(given, 5, place->number);
    db_set_int(given, 6, place->most);
    struct store_listing *rows =
        store_read_listing(owner, export->store, statements[list], given, false, error);
    talloc_free(given);
    return rows;
}

/* A stream_function; `context` is an export. */
static bool stream_export(void *context, struct store *store, struct text *out, bool *last, struct error *error)
{
    struct export *export = context;
    export->store = store;
    return export_archive_write(export->archive, out, last, error);
}

static const struct store_cut *find_cut(struct exchange *exchange, struct store *store,
                                        const struct store_reader *reader, int number)
{
    struct error error = {0};
    struct store_cuts *cuts = store_list_cuts(exchange, store, reader, &error);
    for (size_t i = 0; cuts != NULL && i < cuts->count; i++)
        if (cuts->rows[i].cut == number)
            return &cuts->rows[i];
    if (cuts != NULL)
        error_set(&error, ERROR_NOT_FOUND, "no such cut");
    request_reply_error(exchange, &error);
    return NULL;
}

static bool is_masked(const struct exchange *exchange, const struct catalogue_study *study)
{
    return study->catalogue.protocol->masking != MASKING_NONE &&
           exchange->principal->role != ROLE_STATISTICIAN_UNMASKED;
}

/* The number of the cut; 0 when it is refused. */
static int read_cut(struct exchange *exchange)
{
    static const char *const parameters[] = {"cut", NULL};
    int cut = 0;
    if (!request_allow_query(exchange, parameters) || !request_query_number(exchange, "cut", 1, CUT_MOST, &cut))
        return 0;
    if (cut == 0)
        exchange_reply_problem(exchange, 400, "invalid_parameter",
                               "query parameter `cut` is missing: the number of a cut");
    return cut;
}

void handle_export(struct exchange *exchange, struct store *store)
{
    struct error error = {0};
    const struct catalogue_study *study = request_study(exchange);
    int cut = study != NULL ? read_cut(exchange) : 0;
    if (cut == 0)
        return;
    struct export *export = memory_new(exchange, struct export);
    export->reader = request_reader(exchange, study);
    export->order = (struct export_order){
        .catalogue = &study->catalogue,
        .study = study->code,
        .cut = find_cut(exchange, store, &export->reader, cut),
        .account = exchange->principal->account,
        .masked = is_masked(exchange, study),
        .source = {export, read_records, read_list},
    };
    if (export->order.cut == NULL)
        return;
    export->order.request = store_request_export(exchange, store, &export->reader, cut, &error);
    if (export->order.request == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    export->archive = export_archive_new(export, &export->order);
    exchange_add_header(exchange, "Content-Disposition",
                        memory_format(exchange, "attachment; filename=\"%s-cut-%d.zip\"", study->code, cut));
    exchange_add_header(exchange, "Content-Security-Policy", "default-src 'none'; sandbox");
    request_reply_stream(exchange, store, "application/zip", stream_export, export);
}
