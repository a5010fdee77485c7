/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/store_offline.h"

#include <string.h>

#include "collector/store_statements.h"

struct store_listing *store_offline_key(const void *owner, struct store *store, const char *session,
                                        const struct store_offline_browser *browser, struct error *error)
{
    struct db_parameters *parameters = db_parameters_new(owner, 3);
    db_set_bytes(parameters, 0, session, strlen(session));
    db_set_text(parameters, 1, browser->id);
    db_set_bytes(parameters, 2, browser->fresh, OFFLINE_KEY_BYTES);
    return store_read_listing(owner, store, STATEMENT_OFFLINE_KEY, parameters, true, error);
}
