/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One report in memory: data cut -> dataset -> results -> document -> files.
 *
 * The same cut, program and libraries give the same bytes; nothing here reads a clock, a locale or a random
 * number.  Large files are not held: they are written from the dataset when they are sent.
 */
#ifndef PATELLA_REPORT_H
#define PATELLA_REPORT_H

#include "reports/extract.h"
#include "reports/results.h"
#include "reports/sink.h"

struct report;
struct changes;                  /* changes.h */

/* Bits.  results.csv and manifest.json are always made. */
enum report_format {
    REPORT_HTML = 1,             /* report.html */
    REPORT_CSV = 2,              /* a file for each table, listing and figure */
    REPORT_RTF = 4,              /* a file for each table */
    REPORT_PDF = 8,              /* report.pdf */
    REPORT_ARS = 16,             /* results.json: CDISC Analysis Results Standard */
    REPORT_DATASETS = 32         /* analysis datasets, codebook, loaders */
};
enum { REPORT_FORMATS_DEFAULT = REPORT_HTML | REPORT_CSV };

/* "html,csv" as bits; ERROR_USAGE with the names that there are. */
bool report_read_formats(const char *list, unsigned *formats, struct error *error) MUST_CHECK;
/* The same back, in one order. */
char *report_format_names(const void *owner, unsigned formats);

typedef void report_writer(const struct report *report, const void *context, struct sink *sink);

struct report_file {
    const char *name;            /* "report.html", "t3-baseline.csv": one segment, the same at every door */
    const char *media_type;
    const struct text *bytes;    /* NULL: `write` writes them */
    report_writer *write;
    const void *context;         /* of `write` */
    size_t size;                 /* this and the hash: when `bytes` is NULL, known once it has been sent */
    char sha256[65];             /* lower-case hexadecimal */
};

struct report {
    const struct dataset *dataset;
    const struct results *results;
    const struct changes *changes;   /* since an earlier report, or NULL */
    unsigned formats;            /* of enum report_format */
    struct report_file *files;   /* report.html, results.csv, tables, listings, ..., manifest.json last */
    size_t file_count;
};

/* What was asked for, and who wants to hear how far it is. */
struct report_order {
    const char *study;
    const char *cut;             /* number or label */
    enum extract_columns columns;
    unsigned formats;            /* 0: REPORT_FORMATS_DEFAULT */
    const char *compare;         /* folder of an earlier report of the study, or NULL */
    const char *unblinding;      /* an approved request: cohorts of a masked study; NULL: none */
    const char *said_unblinding; /* the request that it names; NULL: that by which it is made */
    const bool *sealed;          /* what it says of the cut's seal; NULL: what is so now */
    void (*progress)(const char *line);   /* a message to keep; NULL: nobody */
    void (*step)(const char *what);       /* what is being done now; NULL: nobody */
};

/* ERROR_IO when the PDF cannot be made; else as extract_dataset, dataset_derive and changes_find. */
struct report *report_make(const void *owner, struct db *db, const struct report_order *order,
                           struct error *error) MUST_CHECK;

/* The same from a dataset that is derived already; `db`: for an order with an earlier report to compare with. */
struct report *report_build(const void *owner, const struct dataset *dataset, struct db *db,
                            const struct report_order *order, struct error *error) MUST_CHECK;

/*
 * Gives the bytes of file `index` to `pass` (NULL: nobody) and sets its size and hash.  The manifest, which
 * is last, names the hashes of the others: they are sent before it.
 */
bool report_send_file(struct report *report, size_t index, sink_function *pass, void *context,
                      struct error *error) MUST_CHECK;

#endif
