/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The data of a cut as a ZIP of CSV files, piece by piece: one page of records after the other, so that memory is
 * bounded whatever the cut holds.
 *
 * A cut is the same for ever, so that the pages of many transactions fit together.
 * Not for: who may have it, and that it is on the trail first (handlers_export.c).
 */
#ifndef PATELLA_EXPORT_ARCHIVE_H
#define PATELLA_EXPORT_ARCHIVE_H

#include "collector/store.h"

/* Everything must live as long as the archive is written. */
struct export_order {
    const struct catalogue *catalogue;
    const char *study;               /* its code */
    const struct store_cut *cut;
    const char *account;             /* who takes it out */
    const char *request;             /* its id in the trail */
    bool masked;                     /* without what may name the arm */
    struct store_reader reader;      /* for whom */
};

struct export_archive;

struct export_archive *export_archive_new(const void *owner, const struct export_order *order);

/* Appends the next piece to `out`; `*last` once the whole has been written.  Any connection will do. */
bool export_archive_write(struct export_archive *archive, struct store *store, struct text *out, bool *last,
                          struct error *error) MUST_CHECK;

#endif
