/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What store_upload*.c share. */
#ifndef PATELLA_STORE_UPLOAD_VALUES_H
#define PATELLA_STORE_UPLOAD_VALUES_H

#include "collector/store_upload.h"
#include "migrations/db.h"

/* `count` parameters of which the first three are token, study and id; NULL when the id is no UUID: not found. */
struct db_parameters *upload_parameters(const void *owner, const struct store_upload_at *at, size_t count,
                                        struct error *error);

void upload_read_outcome(const struct db_result *result, size_t column, struct store_upload_outcome *outcome);

#endif
