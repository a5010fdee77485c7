/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What casebooks read from the database, as JSON objects whose members migrations/sql/0031_casebook.sql names.
 *
 * Each function is one short transaction: what a cut holds stays as it is, and rendering takes long.  Not for:
 * what is withheld in a masked study, which casebook_book.h decides.
 */
#ifndef PATELLA_CASEBOOK_READ_H
#define PATELLA_CASEBOOK_READ_H

#include <jansson.h>

#include "forms/base/text.h"
#include "reports/extract.h"

enum casebook_statement {
    CASEBOOK_SITE = EXTRACT_STATEMENTS,
    CASEBOOK_SUBJECTS,
    CASEBOOK_OPEN,
    CASEBOOK_ROWS,
    CASEBOOK_TRAIL,
    CASEBOOK_NOTICES,
    CASEBOOK_PEOPLE,
    CASEBOOK_ALLOCATION,
    CASEBOOK_VERSIONS,
    CASEBOOK_STATEMENTS_END
};

/* Those statements, CASEBOOK_SITE first: extract_open prepares them behind its own. */
extern const struct db_statement casebook_statements[CASEBOOK_STATEMENTS_END - EXTRACT_STATEMENTS];

/* Which casebooks: of a cut, a site, and perhaps one subject of it. */
struct casebook_source {
    struct db *db;
    const char *study;           /* code */
    int study_id, cut_no, site;
    int subject;                 /* 0: all of the site */
    const char *unblinding;      /* the request by which the allocation of a masked study is read, or NULL */
    const char *request;         /* of casebook_open */
};

/* Name and time zone of the site; ERROR_NOT_FOUND when the study has none with that number. */
bool casebook_find_site(const void *owner, const struct casebook_source *source, const char **name,
                        const char **time_zone, struct error *error) MUST_CHECK;

/* Numbers of at most `most` subjects of the cut behind `after`, in order: of one subject, its own. */
bool casebook_list_subjects(const struct casebook_source *source, int after, int *numbers, size_t most, size_t *count,
                            struct error *error) MUST_CHECK;

/*
 * Leaves the trace: sets source->request, memory of `owner`.  It has committed when this returns; nothing but
 * names of sites and numbers of subjects may be read before.
 */
bool casebook_open(const void *owner, struct casebook_source *source, struct error *error) MUST_CHECK;

/* ---- new references, which the caller gives back with json_decref; NULL and an error when it fails ---- */

/* {"version": [...], "query": [...], ...} of a subject, and its notices as "notice". */
json_t *casebook_read_subject(const struct casebook_source *source, int subject, struct error *error) MUST_CHECK;

/* {"0": [...], "12": [...]}: events of subjects `first` to `last`; 0 are those of the study. */
json_t *casebook_read_trail(const struct casebook_source *source, int first, int last, struct error *error)
    MUST_CHECK;

/* {"anna": {"name": "Anna A.", "roles": "monitor"}}. */
json_t *casebook_read_people(const struct casebook_source *source, struct error *error) MUST_CHECK;

/* {"12": {"none": "CELLS"}}: subject, knee, cohort.  As allocation_open when it is sealed (extract_use_keys). */
json_t *casebook_read_allocation(const struct casebook_source *source, struct error *error) MUST_CHECK;

/* Calls `take` for each version of the cut, by subject, form, knee, visit, instance: the columns of contents.csv. */
bool casebook_stream_versions(const struct casebook_source *source, db_row_function *take, void *context,
                              struct error *error) MUST_CHECK;

#endif
