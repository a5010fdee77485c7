/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The data of a cut as a ZIP of CSV files, piece by piece: one page of records after the other, so that memory is
 * bounded whatever the cut holds.
 *
 * What is read comes through a source, for the collector and patella-admin have different ways to it.
 * Not for: who may have it, and that it is on the trail (handlers_export.c, admin_export.c).
 */
#ifndef PATELLA_EXPORT_ARCHIVE_H
#define PATELLA_EXPORT_ARCHIVE_H

#include "collector/store.h"
#include "collector/store_listing.h"

/* What stands beside the versions. */
enum export_list { EXPORT_QUERIES, EXPORT_SIGNATURES, EXPORT_VERIFICATIONS, EXPORT_LISTS };

/* Where a page of such a list begins: behind this row; `site` NULL: from the start. */
struct export_place {
    const char *site, *id, *number;
    int most;
};

/* Pages of a cut that a request for it has chosen; each gives NULL and an error when it cannot be read. */
struct export_source {
    void *context;
    struct store_records *(*read_records)(const void *owner, void *context, const struct store_export_page *page,
                                          struct error *error);
    struct store_listing *(*read_list)(const void *owner, void *context, enum export_list list,
                                       const struct export_place *place, struct error *error);
};

/* Everything must live as long as the archive is written. */
struct export_order {
    const struct catalogue *catalogue;
    const char *study;               /* its code */
    const struct store_cut *cut;
    const char *account;             /* who takes it out */
    const char *request;             /* its id in the trail */
    bool masked;                     /* without what may name the arm */
    struct export_source source;
};

struct export_archive;

struct export_archive *export_archive_new(const void *owner, const struct export_order *order);

/* Appends the next piece to `out`; `*last` once the whole has been written. */
bool export_archive_write(struct export_archive *archive, struct text *out, bool *last, struct error *error) MUST_CHECK;

#endif
