/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A site profile made from a sample file: what was found, and in comments what a person has to decide. */
#ifndef PATELLA_PROFILE_WRITE_H
#define PATELLA_PROFILE_WRITE_H

#include "forms/protocol.h"
#include "forms/upload_finding.h"

struct profile_order {
    const char *file;            /* name of the sample, for comments */
    const char *name;            /* of the profile; NULL: made of the file's */
    const char *form;            /* that every row is, or NULL */
    const struct catalogue *catalogue;
};

/*
 * Writes YAML that upload_profile_parse reads, from the bytes of the sample as they are.  False with findings that
 * refuse the file (a workbook, no header, an open quote), or with an error.
 */
bool profile_write(struct text *out, const struct profile_order *order, const char *bytes, size_t length,
                   struct upload_findings *findings, struct error *error) MUST_CHECK;

#endif
