/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The codebook of a study: every visit, form, item, choice, rule and score of a protocol. */
#ifndef PATELLA_CODEBOOK_H
#define PATELLA_CODEBOOK_H

#include "forms/base/text.h"
#include "forms/protocol.h"

/* The newest version of each form that the protocol uses: enrolment, then by visit, then the any-time forms. */
const struct form **codebook_forms(const void *owner, const struct catalogue *catalogue, size_t *count);

/* One self-contained page that can be printed. */
void codebook_write_html(struct text *out, const struct catalogue *catalogue);

/* One row for each item, rule and score: form, kind, id, code, text, type, unit, choices, ranges, skip logic, ... */
void codebook_write_csv(struct text *out, const struct catalogue *catalogue);

#endif
