/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of columns and words as people write them, made equal; only upload_p*.c and profile_write.c see it. */
#ifndef PATELLA_UPLOAD_NAMES_H
#define PATELLA_UPLOAD_NAMES_H

#include "forms/upload_profile.h"

/*
 * `name` in small letters, without blanks of any width, soft hyphens and marks that nobody sees, with "-" for hyphens
 * of other kinds and straight quotes for curly ones.  Two names are the same when these are (upload_same_name).
 */
char *upload_fold_name(const void *owner, const char *name);

/* "3_months" of "3 Months": small letters and digits, one _ for all between them, as REDCap names events. */
char *upload_slug(const void *owner, const char *name);

/* The visit that the profile itself says a word stands for; NULL: it says none. */
const char *upload_visit_in_profile(const struct upload_profile *profile, const char *word);

/*
 * The name of LibreClinica's event "E1" by the lines above the header ("Study Event Definition 1<TAB>Baseline<TAB>E1");
 * NULL when they have none.
 */
char *upload_event_name(const void *owner, const struct csv_dialect *dialect, const char *event);

/* True when some visit asks for the form, or it may come at any time. */
bool upload_is_asked(const struct protocol *protocol, const char *form);

/* The words for roles in a profile; the last has none. */
struct upload_role_word {
    const char *word;
    enum upload_role role;
};
extern const struct upload_role_word upload_role_words[];

#endif
