/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Casebooks: a file about everything that a cut holds of one subject, or of each subject of a site with an index.
 *
 * Files are made one after the other and given away at once: memory does not grow with the site but for a line of the
 * index and of the manifest for each subject, and the trail of some subjects at a time.  The audit trail has an EXPORT
 * row before anything is read.  The same cut, program, request and time of making give the same bytes, unless something
 * was redacted meanwhile.
 */
#ifndef PATELLA_CASEBOOK_H
#define PATELLA_CASEBOOK_H

#include "migrations/db.h"
#include "reports/sink.h"

/* Kinds of the manifest. */
#define CASEBOOK_KIND "casebook"
#define CASEBOOK_KIND_ARCHIVE "site archive"

#define CASEBOOK_CONTENTS "contents.csv"

struct casebook_order {
    const char *study, *cut;     /* code; number or label */
    const char *subject;         /* "07-0012"; NULL: the archive of `site` */
    int site;
    unsigned formats;            /* REPORT_HTML, which is always made, and REPORT_PDF */
    const char *unblinding;      /* an approved request: the copy is unmasked; or NULL */
    /* What it says of itself, when it is made again. */
    const char *said_unblinding; /* NULL: `unblinding` */
    const bool *sealed;          /* NULL: what is so now */
    const char *made_at;         /* NULL: now */
    void (*step)(const char *what);  /* what is being done now; NULL: nobody */
};

/* Who takes the files; the manifest is the last. */
struct casebook_taker {
    bool (*begin)(void *context, const char *name, struct error *error);
    sink_function *piece;        /* NULL: only size and hash are wanted */
    bool (*end)(void *context, const char *name, const char *sha256, struct error *error);
    void *context;
    int64_t *cut_made_us;        /* out, before the first file: time of the cut; NULL: not wanted */
};

/*
 * ERROR_NOT_FOUND for a study, cut, site or subject that there is not; ERROR_DENIED when the request for unblinding is
 * none; ERROR_USAGE when the study is not masked and there is one; the rest as render_pdf and `taker`.
 */
bool casebook_make(struct db *db, const struct casebook_order *order, const struct casebook_taker *taker,
                   struct error *error) MUST_CHECK;

#endif
