/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys for what browsers keep without a network; migrations/sql/0048. */
#ifndef PATELLA_STORE_OFFLINE_H
#define PATELLA_STORE_OFFLINE_H

#include <stdint.h>

#include "collector/store_listing.h"

enum { OFFLINE_KEY_BYTES = 32 };

struct store_offline_browser {
    const char *id;              /* UUID */
    const uint8_t *fresh;        /* the key that it gets when it has none */
};

/* One row: code of a refusal (or NULL), account, key in base64, time it was made. */
struct store_listing *store_offline_key(const void *owner, struct store *store, const char *session,
                                        const struct store_offline_browser *browser, struct error *error) MUST_CHECK;

#endif
