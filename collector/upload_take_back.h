/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An upload is taken back as a whole, by new versions: what was new becomes void, what was changed has its earlier
 * content again.  Where a later change stands on one of its records, nothing is taken back.
 */
#ifndef PATELLA_UPLOAD_TAKE_BACK_H
#define PATELLA_UPLOAD_TAKE_BACK_H

#include "collector/upload_job.h"

/* The upload is `taking_back`; the order's problem says why it was not done. */
bool upload_take_back(struct upload_work *work, const struct store_upload *upload, struct error *error) MUST_CHECK;

#endif
