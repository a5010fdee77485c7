/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/review.h"

#include <string.h>

enum { DAYS = 1, CHANGES = 2, MINUTES = 4, OPENS = 8, CLOSES = 16 };

const struct review_number review_numbers[REVIEW_NUMBERS] = {
    {"days", 0, 3650, 14}, {"changes", 2, 100000, 20}, {"minutes", 1, 1440, 10}, {"opens", 0, 23, 7},
    {"closes", 1, 24, 19},
};

static const struct review_kind kinds[] = {
    {"late_entries", DAYS},     {"bulk_edits", CHANGES | MINUTES}, {"out_of_hours", OPENS | CLOSES},
    {"after_signature", 0},     {"accounts", 0},
};

const struct review_kind *review_find_kind(const char *name)
{
    for (size_t i = 0; name != NULL && i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}
