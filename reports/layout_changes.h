/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The chapter that says what changed since an earlier report. */
#ifndef PATELLA_LAYOUT_CHANGES_H
#define PATELLA_LAYOUT_CHANGES_H

#include "reports/changes.h"
#include "reports/layout.h"

/* Adds the chapter at the end of `document`; nothing when `changes` is NULL. */
void layout_changes(struct document *document, const struct changes *changes);

#endif
