/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One subject's casebook in memory: things that were read (casebook_read.h), grouped into records, in the order of the
 * protocol; and what of it may be shown.
 *
 * In a masked study, unless it is shown by an approved request, whatever may name the arm is withheld, whether it is
 * there or not: items that the reports leave out (dataset_item_may_name_arm), those that ask for a harvest site, and
 * texts in somebody's own words.
 */
#ifndef PATELLA_CASEBOOK_BOOK_H
#define PATELLA_CASEBOOK_BOOK_H

#include <jansson.h>

#include "forms/base/text.h"
#include "reports/dataset.h"

/* What all casebooks of a run share. */
struct casebook_frame {
    const struct dataset *dataset;   /* catalogue, study, cut; no subjects */
    bool masked;
    bool withheld;               /* masked, and not shown by a request */
    const char *unblinding;      /* the request by which it is shown, or NULL */
    const char *made_at;         /* when it was made: "2026-11-21 23:15:04 UTC" */
    int site;
    const char *site_name, *time_zone;
    const json_t *people;        /* casebook_read_people */
    const json_t *allocation;    /* casebook_read_allocation; NULL when withheld */
};

struct book_record {
    const char *form, *knee, *visit;
    int instance;
    size_t chapter;              /* index into the book's chapters */
    size_t rank;                 /* of its form at its visit */
    const json_t **versions;     /* in order; at least one */
    size_t version_count;
    const struct form *definition;   /* of the newest version, or NULL */
    const char *title;           /* "KOOS, left knee" */
    const char *anchor;
};

struct book_chapter {
    const char *title;           /* "Baseline (BL)" */
    size_t first_record, record_count;
};

struct book {
    const struct casebook_frame *frame;
    int number;
    const char *name;            /* "07-0012" */
    const json_t *things;        /* casebook_read_subject */
    const json_t *trail;         /* list of events, or NULL */
    const json_t *study_trail;   /* the same of the study as a whole */
    struct book_record *records;
    size_t record_count;
    struct book_chapter *chapters;   /* those that have records */
    size_t chapter_count;
};

/* `things` and the trails must live as long as the book. */
struct book *book_new(const void *owner, const struct casebook_frame *frame, int number, const json_t *things);

/* Things of a kind ("query"), NULL when there is none: json_array_foreach takes it. */
const json_t *book_things(const struct book *book, const char *kind);

/* A member as text, "" when it is not there or null; a number as 0. */
const char *thing_text(const json_t *thing, const char *member);
int thing_number(const json_t *thing, const char *member);

/* Whether a thing with form, knee, visit and instance is about this record. */
bool record_has(const struct book_record *record, const json_t *thing);

/* The version of the record with that id, or NULL. */
const json_t *record_find_version(const struct book_record *record, const char *id);

const json_t *record_newest(const struct book_record *record);
/* The newest version that is not void; a record begins with one. */
const json_t *record_newest_complete(const struct book_record *record);
bool version_is_void(const json_t *version);
bool version_is_redacted(const json_t *version);

/* ---- what may be shown ---- */

/* What stands for what is not shown; told by its address. */
extern const char book_withheld[];

/* A text in somebody's own words. */
const char *book_words(const struct book *book, const char *text);

/* Whether an item's answers, and that there are any, are withheld. */
bool book_hides(const struct book *book, const char *form, const char *item);

/* ---- names ---- */

const char *book_knee_title(const char *knee);       /* "left knee", "" for none */
/* "07-0012": memory of `owner`. */
const char *book_subject_name(const void *owner, int site, int number);
/* The descriptor of an item in the form, or its id. */
const char *book_item_title(const struct book *book, const char *form, const char *item);
/* "BL KOOS, left knee": of the record that a thing names, entered or not; memory of the book. */
const char *book_record_title(const struct book *book, const json_t *thing);

#endif
