/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the numbers of a result table come from: analysis dataset, variable, set of subjects, subset of records. */
#ifndef PATELLA_ARS_SOURCE_H
#define PATELLA_ARS_SOURCE_H

struct ars_source {
    const char *dataset, *variable, *set, *subset;   /* NULL: none, or not known beforehand */
};

const struct ars_source *ars_source_find(const char *table);

#endif
