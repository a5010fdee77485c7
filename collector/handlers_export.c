/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The data of a cut: asked for, on the trail, then sent piece by piece (export_archive.h). */
#include "collector/handlers.h"

#include "collector/export_archive.h"
#include "collector/request.h"
#include "forms/base/memory.h"

enum { CUT_MOST = 2000000000 };

struct export {
    struct export_order order;
    struct export_archive *archive;
};

/* A stream_function; `context` is an export. */
static bool stream_export(void *context, struct store *store, struct text *out, bool *last, struct error *error)
{
    const struct export *export = context;
    return export_archive_write(export->archive, store, out, last, error);
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
    struct export_order *order = &export->order;
    *order = (struct export_order){
        .catalogue = &study->catalogue,
        .study = study->code,
        .account = exchange->principal->account,
        .masked = is_masked(exchange, study),
        .reader = request_reader(exchange, study),
    };
    order->cut = find_cut(exchange, store, &order->reader, cut);
    if (order->cut == NULL)
        return;
    order->request = store_request_export(exchange, store, &order->reader, cut, &error);
    if (order->request == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    export->archive = export_archive_new(export, order);
    exchange_add_header(exchange, "Content-Disposition",
                        memory_format(exchange, "attachment; filename=\"%s-cut-%d.zip\"", study->code, cut));
    exchange_add_header(exchange, "Content-Security-Policy", "default-src 'none'; sandbox");
    request_reply_stream(exchange, store, "application/zip", stream_export, export);
}
