/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/trail.h"

const struct listing_column trail_columns[TRAIL_COLUMNS] = {
    {"at", LISTING_TEXT},       {"account", LISTING_TEXT}, {"operation", LISTING_TEXT}, {"object", LISTING_TEXT},
    {"site", LISTING_NUMBER},   {"subject", LISTING_TEXT}, {"row", LISTING_TEXT},       {"sha256", LISTING_TEXT},
    {"old", LISTING_JSON},      {"new", LISTING_JSON},     {"reason", LISTING_TEXT},    {"withheld", LISTING_BOOLEAN},
};
