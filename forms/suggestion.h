/* SPDX-License-Identifier: GPL-3.0-or-later */
/* "Did you mean ...?": the known word that a mistyped one resembles most. */
#ifndef PATELLA_SUGGESTION_H
#define PATELLA_SUGGESTION_H

#include <stddef.h>

/*
 * Number of single-character insertions, deletions, replacements and swaps of neighbours between two words.  Words
 * longer than 64 bytes count as different by their longer length.
 * Source: optimal string alignment distance (Damerau 1964).
 */
size_t suggestion_distance(const char *a, const char *b);

/* Takes words one by one and keeps the nearest; of equally near ones the first. */
struct suggestion {
    const char *word;        /* what was written */
    const char *best;        /* nearest so far, or NULL */
    size_t distance;
};
struct suggestion suggestion_begin(const char *word);
void suggestion_offer(struct suggestion *suggestion, const char *candidate);

/* `; did you mean "best"?`, or "" when nothing is near; `out` is always filled. */
enum { SUGGESTION_TEXT_SIZE = 96 };
void suggestion_format(const struct suggestion *suggestion, char out[SUGGESTION_TEXT_SIZE]);

#endif
