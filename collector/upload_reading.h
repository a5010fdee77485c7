/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The readings of an upload's bytes, piece by piece out of the database: a first one, which finds out how the file is
 * written and what only the whole of it can tell, and sweeps, which give row by row.
 *
 * What others rest on comes first whatever the order of rows: rows with an enrolment, then rows with what makes day 1,
 * then the others.
 */
#ifndef PATELLA_UPLOAD_READING_H
#define PATELLA_UPLOAD_READING_H

#include "collector/upload_job.h"
#include "forms/upload_pivot.h"
#include "forms/upload_scan.h"

/* The form that makes day 1 of a knee. */
#define UPLOAD_TREATMENT_FORM "treatment"

enum upload_sweep { SWEEP_ENROLMENTS, SWEEP_TREATMENTS, SWEEP_OTHERS, SWEEP_COUNT };

struct upload_reading {
    const struct store_upload *upload;
    const struct upload_profile *profile;    /* or NULL */
    struct upload_findings findings;         /* about the file as a whole */
    bool refused;                            /* nothing of it is taken: the findings say why */
    char sha256[65];                         /* hexadecimal, of the upload's bytes */
    struct csv_dialect dialect;
    const char *const *header;               /* as it stands in the file */
    size_t header_count;
    struct upload_plan *plan;                /* NULL when refused before there was one */
    struct upload_scan *scan;
    struct upload_fields *fields;            /* of a file with a field a row, which is read as a flat one; else NULL */
    bool collected;                          /* what stands under keys that stand twice (upload_run.c) */
    bool wanted[SWEEP_COUNT];                /* sweeps that can give a row */
};

/* Reads all of it; NULL: a failure. */
struct upload_reading *upload_reading_new(struct upload_work *work, const struct store_upload *upload,
                                          struct error *error) MUST_CHECK;

/* The sweep that gives a record of this form, and a row without any (it holds nothing, or cannot be read). */
enum upload_sweep upload_sweep_of(const struct form *form);
enum upload_sweep upload_sweep_of_nothing(const struct upload_plan *plan);

/* Called for each row; it is copied when it is to live longer. */
typedef bool upload_on_line(void *context, const struct csv_line *line, struct error *error);

/* Every row behind the header, in the order of the file; `bytes` (out) of the upload that are read. */
struct upload_pass {
    upload_on_line *on_line;
    void *context;
    int64_t bytes;
};
bool upload_reading_pass(struct upload_work *work, const struct upload_reading *reading, struct upload_pass *pass,
                         struct error *error) MUST_CHECK;

/* {"encoding":...,"header":[...]}, and back: what refused rows are written with. */
void upload_dialect_to_json(struct text *out, const struct upload_reading *reading);
const char *const *upload_dialect_from_json(const void *owner, const char *json, struct csv_dialect *dialect,
                                            size_t *count);

#endif
