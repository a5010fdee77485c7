/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The columns in which the audit trail is shown: api.read_audit and admin.read_audit give them in this order. */
#ifndef PATELLA_TRAIL_H
#define PATELLA_TRAIL_H

#include "collector/store_listing.h"

/* Behind those that are shown comes the number among the events of the same time. */
enum { TRAIL_AT, TRAIL_OPERATION = 2, TRAIL_COLUMNS = 12, TRAIL_NTH = TRAIL_COLUMNS };

extern const struct listing_column trail_columns[TRAIL_COLUMNS];

/* True when the last row says only that there is more behind it. */
static inline bool trail_has_more(const struct store_listing *listing)
{
    return listing->rows > 0 && listing_cell(listing, listing->rows - 1, TRAIL_OPERATION) == NULL;
}

#endif
