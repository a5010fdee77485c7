/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The HTML report as PDF, by WeasyPrint as a process of its own.
 *
 * The same HTML, cut, WeasyPrint and fonts give the same bytes: the process gets a fixed environment and
 * SOURCE_DATE_EPOCH.  It reads the page from its input and nothing from elsewhere.  A page costs about 0.4 s
 * and 12 MiB.
 */
#ifndef PATELLA_RENDER_PDF_H
#define PATELLA_RENDER_PDF_H

#include <stddef.h>
#include <stdint.h>

#include "forms/base/error.h"
#include "forms/base/text.h"

struct pdf_options {
    const char *program;         /* NULL: weasyprint, looked for in PATH */
    int64_t cut_made_us;         /* time of the data cut, microseconds since 1970 UTC */
    int timeout_seconds;         /* 0: 1800 */
    size_t memory_bytes;         /* of the process's address space, 0: 4 GiB */
};

/*
 * Appends the PDF of `html` to `out`.  Fails with ERROR_NOT_FOUND when the program is not installed,
 * ERROR_BUSY when time ran out, ERROR_IO when it failed, with its last line; `out` is then as it was.
 */
bool render_pdf(const struct text *html, const struct pdf_options *options, struct text *out,
                struct error *error) MUST_CHECK;

#endif
