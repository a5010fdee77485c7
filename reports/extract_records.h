/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What extract.c reads row by row: who was enrolled, who was allocated, and the versions of records; and who is a
 * subject of the dataset.  Knows no SQL.
 */
#ifndef PATELLA_EXTRACT_RECORDS_H
#define PATELLA_EXTRACT_RECORDS_H

#include "forms/allocation_seal.h"
#include "migrations/db_copy.h"
#include "reports/dataset_build.h"

struct intake;

/* For a dataset whose catalogue and columns are known; `keys` of sealed allocations, or NULL. */
struct intake *intake_new(const void *owner, struct dataset *dataset, const struct allocation_keys *keys);

/*
 * Rows of core.subject by site and number: site, number, index knee and date as enrolled, and the record that enrolled:
 * form, knee, visit, instance.
 */
db_copy_function intake_take_person;

/* Rows: site, number, knee, entry, and cohort or sealed cohort, the other empty; all persons need not be known yet. */
db_copy_function intake_take_allocation;

/*
 * Rows, each a version of a record: its canonical text, its scores, and for forms without scores the bytes of its id
 * and of its time of receipt, else NULL.  All persons are known.
 */
db_copy_function intake_take_record;

size_t intake_person_count(const struct intake *intake);

/*
 * When all rows have come: records in order, subjects with their records, cohorts.  Records of a subject who moved
 * ("continues") stand under the first number; enrolments that are void are counted and left out.
 */
bool intake_close(struct intake *intake, struct error *error) MUST_CHECK;

/* Site and number of a person of a record_tie. */
void intake_person(const struct intake *intake, uint32_t person, int *site, int *number);

#endif
