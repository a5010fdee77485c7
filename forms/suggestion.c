/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/suggestion.h"

#include <stdio.h>
#include <string.h>

enum { LONGEST_WORD = 64 };

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t suggestion_distance(const char *a, const char *b)
{
    size_t a_length = strlen(a), b_length = strlen(b);
    if (a_length > LONGEST_WORD || b_length > LONGEST_WORD)
        return a_length > b_length ? a_length : b_length;
    size_t rows[3][LONGEST_WORD + 1];   /* the row before last, the last, and the one being filled */
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_length; j++)
        last[j] = before[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            row[j] = smaller(smaller(last[j], row[j - 1]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = smaller(row[j], before[j - 2] + 1);
        }
        size_t *oldest = before;
        before = last;
        last = row;
        row = oldest;
    }
    return last[b_length];
}

struct suggestion suggestion_begin(const char *word)
{
    return (struct suggestion){.word = word, .best = NULL, .distance = 0};
}

void suggestion_offer(struct suggestion *suggestion, const char *candidate)
{
    size_t length = strlen(suggestion->word);
    size_t most = length < 4 ? 1 : length < 8 ? 2 : 3;   /* about a third of the word may be wrong */
    size_t distance = suggestion_distance(suggestion->word, candidate);
    if (distance > most || distance >= strlen(candidate))
        return;
    if (suggestion->best == NULL || distance < suggestion->distance) {
        suggestion->best = candidate;
        suggestion->distance = distance;
    }
}

void suggestion_format(const struct suggestion *suggestion, char out[SUGGESTION_TEXT_SIZE])
{
    out[0] = '\0';
    if (suggestion->best != NULL)
        snprintf(out, SUGGESTION_TEXT_SIZE, "; did you mean \"%.64s\"?", suggestion->best);
}
