/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The encoding of a file by its first bytes, and these in UTF-8: what csv_dialect.c looks at. */
#ifndef PATELLA_CSV_HEAD_H
#define PATELLA_CSV_HEAD_H

#include "forms/csv_dialect.h"

struct csv_head {
    void *scratch;               /* owner of what is made */
    const char *bytes;           /* as they were sent */
    size_t length;
    bool is_whole;               /* the file ends with them */

    const char *text;            /* out: UTF-8, behind the byte order mark */
    size_t text_length;
    bool is_cr_newline;          /* the first line ends with CR alone */
};

/*
 * Sets encoding, byte_order_mark and encoding_guessed.  False when the file is refused: two_encodings,
 * encoding_undeclared.
 */
bool csv_head_decode(struct csv_head *head, struct csv_dialect *dialect, struct upload_findings *findings) MUST_CHECK;

#endif
