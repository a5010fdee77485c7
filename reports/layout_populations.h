/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between the layouts of the chapters on subjects and on completeness.  Nobody else's interface. */
#ifndef PATELLA_LAYOUT_POPULATIONS_H
#define PATELLA_LAYOUT_POPULATIONS_H

#include "reports/layout.h"

void layout_flow(struct layout *layout);                               /* F1 */
void layout_compliance(struct layout *layout);                         /* T2, visits in time */
void layout_missing_items(struct layout *layout, const char *form_id); /* T5 */
void layout_missing_patterns(struct layout *layout);
void layout_completers(struct layout *layout);

#endif
