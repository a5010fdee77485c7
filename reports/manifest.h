/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a report was made from and with, the hashes of its files, and how it is made again. */
#ifndef PATELLA_MANIFEST_H
#define PATELLA_MANIFEST_H

#include <stddef.h>

#include "forms/base/text.h"

struct dataset;
struct report;

#define MANIFEST_FILE "manifest.json"

/*
 * JSON: program, libraries that the numbers depend on, study, protocol, cut, formats, the command that makes
 * it again, files so far with their SHA-256.
 */
void manifest_write(struct text *out, const struct report *report);

/* SHA-256 of `length` bytes as 64 hexadecimal digits and a NUL. */
void manifest_hash(const void *bytes, size_t length, char out[65]);

struct manifest_file {
    const char *name;            /* one segment */
    const char *sha256;
    size_t size;
};

/* A manifest that was read back. */
struct manifest {
    const char *kind;            /* NULL: a report; else a CASEBOOK_KIND of casebook.h */
    const char *subject;         /* of a casebook */
    int site;                    /* of a site's archive */
    const char *made_at;         /* of both, what they say */
    const char *version;         /* of the program */
    const char *libraries;       /* the JSON object, keys in order */
    const char *study, *protocol;
    int protocol_version;
    int cut;
    const char *cut_label, *cut_made_at;
    const char *unblinding;      /* the request by which cohorts of a masked study are told apart, or NULL */
    bool cut_sealed;             /* when the report was made */
    bool pooled;
    unsigned formats;            /* of enum report_format; the default ones where it does not say */
    int compared_cut;            /* of the earlier report that it was compared with, 0: none */
    const char *compared_sha256; /* of that report's results.csv */
    const struct manifest_file *files;
    size_t file_count;
};

/* Pieces of a manifest.  "NAME": "VALUE" and `end`. */
void manifest_append_pair(struct text *out, const char *name, const char *value, const char *end);
/* Study, protocol and cut, up to the next member. */
void manifest_append_source(struct text *out, const struct dataset *dataset);
/* An element of "files". */
void manifest_append_file(struct text *out, bool first, const struct manifest_file *file);

/* Reads FOLDER/manifest.json; ERROR_IO, or ERROR_INPUT when it is not one that patella-report wrote. */
struct manifest *manifest_read(const void *owner, const char *folder, struct error *error) MUST_CHECK;

/* The file of that name, or NULL. */
const struct manifest_file *manifest_find(const struct manifest *manifest, const char *name);

/* "{...}": the libraries of this program, as in struct manifest. */
char *manifest_libraries(const void *owner);

/*
 * Whole text of FOLDER/`file`, which must have the hash that the manifest gives; ERROR_CONFLICT when it has
 * another.
 */
char *manifest_load(const void *owner, const struct manifest *manifest, const char *folder, const char *file,
                    size_t *length, struct error *error) MUST_CHECK;

#endif
