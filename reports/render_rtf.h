/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One table as a file of its own in Rich Text Format 1.9, as dossiers want them: A4 landscape, running head
 * and page numbers, head rows that repeat on every page, footnotes below.
 */
#ifndef PATELLA_RENDER_RTF_H
#define PATELLA_RENDER_RTF_H

#include "reports/layout.h"

/*
 * The whole file, ASCII: other characters are \u escapes.  The rows and the parts by columns are those of the
 * HTML report.  `document` gives the running head and foot.
 */
void render_rtf_table(struct text *out, const struct document *document, const struct table *table);

#endif
