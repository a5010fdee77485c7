/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the collector knows of its studies: sites with time zones, protocols and forms, parsed.  A snapshot is
 * immutable and counted, so that threads share it; it is loaded anew when the database's catalogue version
 * has moved on. A study that has no protocol yet is not in it.
 */
#ifndef PATELLA_CATALOGUES_H
#define PATELLA_CATALOGUES_H

#include <stdint.h>

#include "collector/store.h"
#include "forms/protocol.h"

struct catalogue_site {
    int site;                    /* 1..9999 */
    const char *name;
    const char *time_zone;
};

struct catalogue_wording {
    const char *language;
    const struct form *base;                 /* of the catalogue */
    const struct form *worded;               /* the same with the texts of the language */
};

struct catalogue_study {
    int study_id;
    const char *code;
    const char *title;
    bool frozen;
    struct catalogue catalogue;              /* of the newest protocol version */
    const struct catalogue_site *sites;
    size_t site_count;
    const struct catalogue_wording *wordings;    /* those of a form by language */
    size_t wording_count;
};

struct catalogues {
    int64_t version;
    const struct catalogue_study *studies;
    size_t study_count;
};

/*
 * The current snapshot, held; NULL before the first load.  Give each back with catalogues_release.
 * Thread-safe.
 */
const struct catalogues *catalogues_hold(void);
void catalogues_release(const struct catalogues *catalogues);   /* NULL is fine */

/*
 * Loads when the database has a newer version than the current snapshot; keeps the old one on failure.  A
 * definition that this program cannot read fails once for each catalogue version (so that it is logged once)
 * and is then passed over; catalogues_ready tells.
 */
bool catalogues_refresh(struct store *store, struct error *error) MUST_CHECK;

/* True when the newest catalogue that was seen in the database is the current snapshot: for /readyz. */
bool catalogues_ready(void);

/* Drops the current snapshot at the end of the program; those that are held stay. */
void catalogues_clear(void);

const struct catalogue_study *catalogues_find(const struct catalogues *catalogues, const char *code);

/* A form of the study's catalogue with the texts of `language`; NULL when it has no such wording. */
const struct form *catalogues_find_wording(const struct catalogue_study *study, const struct form *form,
                                           const char *language);

#endif
