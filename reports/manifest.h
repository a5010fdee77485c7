/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a report was made from and with, and the hashes of its files. */
#ifndef PATELLA_MANIFEST_H
#define PATELLA_MANIFEST_H

#include <stddef.h>

#include "forms/base/text.h"

struct report;

/*
 * JSON: program, libraries that the numbers depend on, study, protocol, cut, files so far with their SHA-256.
 */
void manifest_write(struct text *out, const struct report *report);

/* SHA-256 of `length` bytes as 64 hexadecimal digits and a NUL. */
void manifest_hash(const void *bytes, size_t length, char out[65]);

#endif
