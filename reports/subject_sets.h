/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The analysis sets that a subject belongs to, as reports/RESULTS.md defines them. */
#ifndef PATELLA_SUBJECT_SETS_H
#define PATELLA_SUBJECT_SETS_H

#include "reports/dataset.h"

struct subject_sets {
    bool treated, full_analysis, completer;
};

/* The endpoint that decides: the primary one; without one, the completeness endpoint; -1 when there are no
 * endpoints. */
int subject_sets_endpoint(const struct protocol *protocol);

struct subject_sets subject_sets_of(const struct dataset *dataset, size_t subject);

/* Number of the form of deviations, for the function below; -1 when the study has none: nobody has deviated then. */
int subject_sets_deviations(const struct dataset *dataset);

/* No deviation of the subject is important, or may be because that is not answered. */
bool subject_keeps_protocol(const struct dataset *dataset, size_t subject, int deviations);

#endif
